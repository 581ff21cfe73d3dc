/* SPDX-License-Identifier: MIT */
#include "run/trace.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "plan/filter-learn.h"
#include "run/learn.h"
#include "run/trace-calls.h"
#include "run/trace-loop.h"

/* A thread of the sandbox between the entry of a call and its exit. */
struct traced_thread {
	pid_t tid;
	const struct trace_call *row; /* NULL: a call that is not looked at */
	int number;
	uint64_t args[6];
};

struct sr_trace {
	const struct sr_plan_box *box;
	struct trace_loop loop;
	int error; /* positive errno; written by the thread, read after it has ended */

	struct traced_thread *threads;
	size_t thread_count, thread_room;
	struct sr_traced *items;
	size_t count, bytes; /* of their names */
	bool left;
	uint64_t lost;
	struct sr_traced_kill killed[SR_TRACE_KILLED_MAX];
	size_t killed_count;
};

/* The thread's place in the list, made where it is new; NULL out of memory: it is then let go on unseen. */
static struct traced_thread *thread_of(struct sr_trace *t, pid_t tid)
{
	for (size_t i = 0; i < t->thread_count; i++) {
		if (t->threads[i].tid == tid)
			return &t->threads[i];
	}
	if (t->thread_count == t->thread_room) {
		size_t room = t->thread_room ? 2 * t->thread_room : 16;
		struct traced_thread *more = reallocarray(t->threads, room, sizeof(*more));

		if (!more) {
			t->error = ENOMEM;
			return NULL;
		}
		t->threads = more;
		t->thread_room = room;
	}
	t->threads[t->thread_count] = (struct traced_thread){ .tid = tid };
	return &t->threads[t->thread_count++];
}

static void forget(struct sr_trace *t, pid_t tid)
{
	for (size_t i = 0; i < t->thread_count; i++) {
		if (t->threads[i].tid == tid) {
			t->threads[i] = t->threads[--t->thread_count];
			return;
		}
	}
}

/* FNV-1a: who makes names collide makes this run's tracer compare more of them. */
static uint32_t hash_of(const char *s)
{
	uint32_t h = 2166136261U;

	for (; *s; s++)
		h = (h ^ (uint8_t)*s) * 16777619U;
	return h;
}

/* Takes the name over. */
static void keep(struct sr_trace *t, struct sr_traced *item)
{
	item->hash = hash_of(item->name);
	for (size_t i = 0; i < t->count; i++) {
		struct sr_traced *o = &t->items[i];

		if (o->hash == item->hash && o->errnum == item->errnum && o->call == item->call && o->writes == item->writes &&
		    strcmp(o->name, item->name) == 0 && strcmp(o->program, item->program) == 0) {
			o->count++;
			free(item->name);
			return;
		}
	}
	if (t->count == SR_TRACE_MAX || t->bytes + strlen(item->name) >= SR_TRACE_BYTES_MAX) {
		t->lost++;
		free(item->name);
		return;
	}
	item->count = 1;
	t->bytes += strlen(item->name) + 1;
	t->items[t->count++] = *item;
}

/* Did the filter refuse it? Then it is recorded as a call. */
static bool refused_by_filter(const struct sr_trace *t, const struct traced_thread *thread, uint32_t arch)
{
	struct seccomp_data data = { .nr = thread->number, .arch = arch };

	memcpy(data.args, thread->args, sizeof(data.args));
	return filter_answer(&t->box->filter, &data) != SECCOMP_RET_ALLOW;
}

static void on_exit_of_call(struct sr_trace *t, const struct traced_thread *thread, const struct trace_info *info)
{
	const struct trace_call *row = thread->row;
	struct sr_traced item = { .errnum = (int)-info->exit.rval };

	if (!row || !info->exit.is_error || !trace_is_refusal(row, item.errnum) || refused_by_filter(t, thread, info->arch))
		return;
	item.name = trace_object(thread->tid, row, thread->args, &item.kind);
	if (!item.name)
		return;
	item.call = row->call;
	item.writes = row->writes;
	if (row->flags >= 0)
		item.writes = (thread->args[row->flags] & (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC)) != 0;
	learn_program_of(thread->tid, item.program);
	keep(t, &item);
}

/* The filter's next answer is death; whoever waits for the process learns no more than the signal. */
static void on_foreign(struct sr_trace *t, pid_t tid, const struct trace_info *info)
{
	struct sr_traced_kill kill = { .arch = info->arch, .number = (int64_t)info->entry.nr, .count = 1 };

	learn_program_of(tid, kill.program);
	for (size_t i = 0; i < t->killed_count; i++) {
		struct sr_traced_kill *o = &t->killed[i];

		if (o->arch == kill.arch && o->number == kill.number && strcmp(o->program, kill.program) == 0) {
			o->count++;
			return;
		}
	}
	if (t->killed_count < SR_TRACE_KILLED_MAX)
		t->killed[t->killed_count++] = kill;
}

static void on_entry_of_call(struct sr_trace *t, struct traced_thread *thread, const struct trace_info *info)
{
	struct seccomp_data data = { .nr = (int)info->entry.nr, .arch = info->arch };

	thread->number = (int)info->entry.nr;
	memcpy(thread->args, info->entry.args, sizeof(thread->args));
	memcpy(data.args, info->entry.args, sizeof(data.args));
	thread->row = NULL;
	if (filter_answer(&t->box->filter, &data) == SECCOMP_RET_KILL_PROCESS)
		on_foreign(t, thread->tid, info);
	else
		thread->row = trace_call_of(thread->number);
	if (thread->number == SYS_clone && thread->args[0] & CLONE_UNTRACED)
		t->left = true;
}

static bool on_call(void *arg, pid_t tid)
{
	struct sr_trace *t = arg;
	struct traced_thread *thread = thread_of(t, tid);
	struct trace_info info;
	int r;

	if (!thread)
		return true;
	r = trace_info_of(tid, &info);
	if (r < 0 && r != -ESRCH) /* ESRCH: it was killed while it stood */
		t->error = -r; /* before Linux 5.3 entry and exit cannot be told apart: better to say so than to guess */
	if (r < 0)
		return true;
	if (info.op == TRACE_INFO_ENTRY)
		on_entry_of_call(t, thread, &info);
	else if (info.op == TRACE_INFO_EXIT) {
		on_exit_of_call(t, thread, &info);
		thread->row = NULL;
	}
	return true;
}

static void on_exec(void *arg, pid_t tid, pid_t former)
{
	if (former != tid)
		forget(arg, former);
}

static void on_end(void *arg, pid_t tid, int status)
{
	(void)status;
	forget(arg, tid);
}

static const struct trace_ops ops = { .every_call = true, .at_call = on_call, .executed = on_exec, .ended = on_end };

struct sr_trace *trace_start(pid_t init, const struct sr_plan_box *box)
{
	struct sr_trace *t = calloc(1, sizeof(*t));
	int r = ENOMEM;

	if (!t)
		return NULL;
	t->box = box;
	t->items = calloc(SR_TRACE_MAX, sizeof(*t->items));
	if (t->items)
		r = trace_loop_start(&t->loop, init, &ops, t);
	if (r) /* the thread, if there is one, has ended */
		t->error = r;
	return t;
}

void trace_finish(struct sr_trace *t, struct sr_trace_result *ret)
{
	trace_loop_end(&t->loop);
	*ret = (struct sr_trace_result){ .items = t->items, .count = t->count, .lost = t->lost, .killed = t->killed,
					 .killed_count = t->killed_count, .error = t->error, .left = t->left };
}

void trace_free(struct sr_trace *t)
{
	struct sr_trace_result unused;

	if (!t)
		return;
	trace_finish(t, &unused);
	for (size_t i = 0; i < t->count; i++)
		free(t->items[i].name);
	free(t->items);
	free(t->threads);
	free(t);
}
