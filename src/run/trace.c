/* SPDX-License-Identifier: MIT */
#include "run/trace.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "plan/filter-learn.h"
#include "run/learn.h"
#include "run/trace-calls.h"
#include "sys/kernel.h"

#define X32_BIT 0x40000000U

/* ptrace(2), by numbers: glibc has enums of them, musl macros, the kernel's header collides with both. */
#define KERNEL_CONT 7
#define KERNEL_DETACH 17
#define KERNEL_SYSCALL 24
#define KERNEL_GETEVENTMSG 0x4201
#define KERNEL_SEIZE 0x4206
#define KERNEL_LISTEN 0x4208
#define KERNEL_GET_SYSCALL_INFO 0x420e /* Linux 5.3 */
#define KERNEL_EVENT_VFORK 2
#define KERNEL_EVENT_EXEC 4
#define KERNEL_EVENT_STOP 128
#define KERNEL_OPTIONS (1U /* SYSGOOD */ | 1U << 1 /* FORK */ | 1U << 2 /* VFORK */ | 1U << 3 /* CLONE */ | 1U << 4 /* EXEC */ | \
			1U << 20 /* EXITKILL */)
#define KERNEL_WNOTHREAD 0x20000000 /* waitpid(2): not for the main thread's children */
#define KERNEL_WALL 0x40000000
#define SYSCALL_STOP (SIGTRAP | 0x80)

/* struct ptrace_syscall_info, as far as it is used. */
struct syscall_info {
	uint8_t op; /* 1 entry, 2 exit */
	uint8_t pad[3];
	uint32_t arch;
	uint64_t instruction_pointer, stack_pointer;
	union {
		struct {
			uint64_t nr;
			uint64_t args[6];
		} entry;
		struct {
			int64_t rval;
			uint8_t is_error;
		} exit;
	};
};
#define INFO_ENTRY 1
#define INFO_EXIT 2

/* A thread of the sandbox between the entry of a call and its exit. */
struct traced_thread {
	pid_t tid;
	const struct trace_call *row; /* NULL: a call that is not looked at */
	int number;
	uint64_t args[6];
};

struct sr_trace {
	const struct sr_plan_box *box;
	pid_t init;
	pthread_t thread;
	bool running;
	sem_t attached;
	int error; /* positive errno; written by the thread, read after it has ended, or before `attached` */

	struct traced_thread *threads;
	size_t thread_count, thread_room;
	struct sr_traced *items;
	size_t count, bytes; /* of their names */
	bool left;
	uint64_t lost;
	struct sr_traced_kill killed[SR_TRACE_KILLED_MAX];
	size_t killed_count;
};

static long tracer(unsigned request, pid_t tid, unsigned long address, unsigned long data)
{
	return sys_ret(syscall(SYS_ptrace, (unsigned long)request, (long)tid, address, data));
}

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

static void on_exit_of_call(struct sr_trace *t, const struct traced_thread *thread, const struct syscall_info *info)
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
static void on_foreign(struct sr_trace *t, pid_t tid, const struct syscall_info *info)
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

static void on_entry_of_call(struct sr_trace *t, struct traced_thread *thread, const struct syscall_info *info)
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

static void on_call(struct sr_trace *t, pid_t tid)
{
	struct traced_thread *thread = thread_of(t, tid);
	struct syscall_info info = { .op = 0 };
	long r;

	if (!thread)
		return;
	r = tracer(KERNEL_GET_SYSCALL_INFO, tid, sizeof(info), (unsigned long)(uintptr_t)&info);
	if (r < 0 && r != -ESRCH) /* ESRCH: it was killed while it stood */
		t->error = (int)-r; /* before Linux 5.3 entry and exit cannot be told apart: better to say so than to guess */
	if (r < 0)
		return;
	if (info.op == INFO_ENTRY)
		on_entry_of_call(t, thread, &info);
	else if (info.op == INFO_EXIT) {
		on_exit_of_call(t, thread, &info);
		thread->row = NULL;
	}
}

static void on_exec(struct sr_trace *t, pid_t tid)
{
	unsigned long former = 0;

	if (tracer(KERNEL_GETEVENTMSG, tid, 0, (unsigned long)(uintptr_t)&former) == 0 && (pid_t)former != tid)
		forget(t, (pid_t)former);
}

static bool stops_groups(int sig)
{
	return sig == SIGSTOP || sig == SIGTSTP || sig == SIGTTIN || sig == SIGTTOU;
}

/* One stop. Whatever ptrace(2) answers, the process was killed meanwhile (ESRCH) or goes on. */
static void on_stop(struct sr_trace *t, pid_t tid, int status)
{
	int sig = WSTOPSIG(status), event = (int)((unsigned)status >> 16);

	if (tid == t->init && event == KERNEL_EVENT_VFORK) {
		t->init = -1; /* its child, the payload, is traced from its first instruction; PID 1 needs no looking at */
		(void)tracer(KERNEL_DETACH, tid, 0, 0);
		return;
	}
	if (tid == t->init) { /* nothing else is expected of it before that */
		(void)tracer(KERNEL_CONT, tid, 0, event || sig == SIGTRAP ? 0 : (unsigned long)sig);
		return;
	}
	if (sig == SYSCALL_STOP) {
		on_call(t, tid);
		sig = 0;
	} else if (event == KERNEL_EVENT_STOP && stops_groups(sig)) {
		(void)tracer(KERNEL_LISTEN, tid, 0, 0); /* stays stopped as without a tracer, until SIGCONT */
		return;
	} else if (event) {
		sig = 0;
		if (event == KERNEL_EVENT_EXEC) /* a thread that executes takes its process's number; its own ends unreported */
			on_exec(t, tid);
	}
	(void)tracer(KERNEL_SYSCALL, tid, 0, (unsigned long)sig);
}

static void *observe(void *arg)
{
	struct sr_trace *t = arg;
	int status;
	pid_t tid;

	t->error = (int)-tracer(KERNEL_SEIZE, t->init, 0, KERNEL_OPTIONS);
	if (sem_post(&t->attached) < 0 || t->error)
		return NULL;
	for (;;) {
		tid = waitpid(-1, &status, KERNEL_WALL | KERNEL_WNOTHREAD);
		if (tid < 0 && errno == EINTR)
			continue;
		if (tid < 0)
			return NULL; /* ECHILD: nobody is left */
		if (WIFSTOPPED(status))
			on_stop(t, tid, status);
		else
			forget(t, tid);
	}
}

/* Returns when the thread has attached, or why it could not. From then on t->error is the thread's to write. */
static int start_thread(struct sr_trace *t)
{
	sigset_t all, before;
	int r;

	t->items = calloc(SR_TRACE_MAX, sizeof(*t->items));
	if (!t->items)
		return ENOMEM;
	sigfillset(&all); /* signals are the main thread's */
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&t->thread, NULL, observe, t);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (r)
		return r;
	t->running = true;
	while (sem_wait(&t->attached) < 0 && errno == EINTR)
		;
	return t->error;
}

struct sr_trace *trace_start(pid_t init, const struct sr_plan_box *box)
{
	struct sr_trace *t = calloc(1, sizeof(*t));
	int r;

	if (!t)
		return NULL;
	t->box = box;
	t->init = init;
	(void)sem_init(&t->attached, 0, 0);
	r = start_thread(t);
	if (r) /* the thread, if there is one, has ended */
		t->error = r;
	return t;
}

void trace_finish(struct sr_trace *t, struct sr_trace_result *ret)
{
	if (t->running)
		(void)pthread_join(t->thread, NULL);
	t->running = false;
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
	(void)sem_destroy(&t->attached);
	free(t);
}
