/* SPDX-License-Identifier: MIT */
#include "run/trace-record.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/fd.h"
#include "base/io.h"
#include "base/str.h"
#include "plan/filter-trace.h"
#include "policy/syscalls.h"
#include "run/run.h"
#include "run/trace-calls.h"
#include "run/trace-loop.h"
#include "run/trace-names.h"
#include "run/trace-peer.h"
#include "run/trace-task.h"

#define KERNEL_CLONE_UNTRACED 0x00800000U
#define KERNEL_ERESTARTSYS 512 /* ... to ERESTART_RESTARTBLOCK 516: the call was interrupted by a signal */
#define KERNEL_ERESTART_LAST 516
#define ARGS_MAX (16U << 10) /* bytes of a program's arguments: six times as many, and the paths, fit into a line of the log */
#define DELETED " (deleted)"

const char *const sr_trace_coverage[] = { "start", "exec", "open", "connect", "bind", "send", "exit", NULL };
const char *const sr_trace_mechanisms[] = { "ptrace", "seccomp-trace", NULL };
const char *const sr_trace_races[] = {
	"descriptor-shared: a thread of the same process, or a process that shares its descriptors, could put another file or "
	"socket at that number between the call's return and the look at it",
	"claimed, sockaddr, what an open asked for, and the flags of openat2: read from the program's memory, where another of its "
	"threads could change it before or after the kernel read it",
	"path: the name that the file had when it was looked at, right after the call; it may have been renamed between",
	"send: sendmsg and sendmmsg with an address are not recorded",
	NULL,
};

enum trace_kind { TRACE_EXEC, TRACE_OPEN, TRACE_PEER, TRACE_CLONE };

struct trace_row {
	int call; /* enum sr_syscall_id */
	enum trace_kind kind;
	const char *event;
	int8_t address; /* PEER: which argument; its length is the next */
	int8_t flags;   /* OPEN: which argument; -1: the call has none */
	bool own;       /* PEER: the socket's own address */
};

static const struct trace_row rows[] = {
	{ .call = SR_SYSCALL_execve, .kind = TRACE_EXEC, .event = "exec" },
	{ .call = SR_SYSCALL_execveat, .kind = TRACE_EXEC, .event = "exec" },
	{ .call = SR_SYSCALL_open, .kind = TRACE_OPEN, .event = "open", .flags = 1 },
	{ .call = SR_SYSCALL_openat, .kind = TRACE_OPEN, .event = "open", .flags = 2 },
	{ .call = SR_SYSCALL_openat2, .kind = TRACE_OPEN, .event = "open", .flags = -1 },
	{ .call = SR_SYSCALL_creat, .kind = TRACE_OPEN, .event = "open", .flags = -1 },
	{ .call = SR_SYSCALL_connect, .kind = TRACE_PEER, .event = "connect", .address = 1 },
	{ .call = SR_SYSCALL_bind, .kind = TRACE_PEER, .event = "bind", .address = 1, .own = true },
	{ .call = SR_SYSCALL_sendto, .kind = TRACE_PEER, .event = "send", .address = 4 },
	{ .call = SR_SYSCALL_clone, .kind = TRACE_CLONE },
};

struct sr_trace_record {
	struct trace_loop loop;
	struct trace_tasks tasks;
	struct sr_tracelog *log;
	uint64_t started_ns;
	bool args, finished;
	bool tables_shared; /* some processes share their descriptors, or did */
	const struct trace_row *row_of[SR_SYSCALL_NUMBER_MAX];
};

/* --- lines ------------------------------------------------------------------------------------------------------------------- */

static void line_start(struct sr_trace_record *t, const char *event)
{
	tracelog_begin(t->log);
	tracelog_number(t->log, "seq", (int64_t)t->log->text.tree.size);
	tracelog_decimal(t->log, "ns", run_now() - t->started_ns);
	tracelog_text(t->log, "event", event);
}

static void line_of(struct sr_trace_record *t, const struct trace_task *task, const char *event)
{
	line_start(t, event);
	tracelog_number(t->log, "pid", task->process->pid);
	tracelog_number(t->log, "tid", task->inner);
	tracelog_number(t->log, "ppid", task->process->ppid);
}

/* A line that could not say whose it is would be worse than none: it is counted as dropped. */
static void line_end(struct sr_trace_record *t, const struct trace_task *task)
{
	if (task->inner > 0 && task->process->pid > 0)
		tracelog_end(t->log, false);
	else
		tracelog_drop(t->log);
}

static void result(struct sr_trace_record *t, int64_t value)
{
	char other[16];

	if (value >= 0)
		tracelog_number(t->log, "result", 0);
	else if (value <= -KERNEL_ERESTARTSYS && value >= -KERNEL_ERESTART_LAST)
		tracelog_text(t->log, "result", "interrupted"); /* EINTR to the program, or the kernel makes the call again */
	else
		tracelog_text(t->log, "result", trace_errno_name((int)-value, other));
}

/* A killed thread's call has no result that anybody saw. */
#define UNFINISHED INT64_MIN

static void result_or_unfinished(struct sr_trace_record *t, int64_t value)
{
	if (value == UNFINISHED)
		tracelog_text(t->log, "result", "unfinished");
	else
		result(t, value);
}

/* Reads a link of /proc; true when it is a whole text. */
static bool read_link(const char *link, char out[static PATH_MAX + 1])
{
	ssize_t n = readlink(link, out, PATH_MAX + 1);

	if (n <= 0 || n > PATH_MAX)
		return false;
	out[n] = '\0';
	return true;
}

static bool read_link_of(pid_t tid, const char *name, char out[static PATH_MAX + 1])
{
	char link[64];

	(void)snprintf(link, sizeof(link), "/proc/%d/%s", (int)tid, name);
	return read_link(link, out);
}

/* The kernel writes " (deleted)" behind the name of a file that has none any more; a file may also be called like that. */
static void write_path(struct sr_trace_record *t, const char *link, char *path)
{
	struct stat st;
	bool deleted = false;

	if (str_has_suffix(path, DELETED) && stat(link, &st) == 0 && st.st_nlink == 0) {
		path[strlen(path) - strlen(DELETED)] = '\0';
		deleted = true;
	}
	tracelog_text(t->log, "path", path);
	if (deleted)
		tracelog_boolean(t->log, "deleted", true);
}

static void write_claimed(struct sr_trace_record *t, const struct trace_task *task)
{
	if (task->asked)
		tracelog_text(t->log, "path", task->asked);
	else
		tracelog_null(t->log, "path");
	tracelog_text(t->log, "how", "claimed");
}

/* --- programs ---------------------------------------------------------------------------------------------------------------- */

/* The name that the kernel copied for execve, where the new program's stack has it (AT_EXECFN, getauxval(3)); fresh or NULL. */
static char *name_of_exec(pid_t tid)
{
	char path[48], name[PATH_MAX], cwd[PATH_MAX + 1];
	SR_AUTOCLOSE int fd = -1;
	uint64_t aux[2 * 64];
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/%d/auxv", (int)tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : io_read_full(fd, aux, sizeof(aux));
	for (ssize_t i = 0; i + 1 < n / (ssize_t)sizeof(aux[0]); i += 2) {
		size_t len;

		if (aux[i] != AT_EXECFN)
			continue;
		len = trace_read(tid, aux[i + 1], name, sizeof(name), true);
		if (len == 0 || !memchr(name, '\0', len))
			return NULL;
		if (*name != '/' && read_link_of(tid, "cwd", cwd))
			return str_format("%s/%s", cwd[1] ? cwd : "", str_has_prefix(name, "./") ? name + 2 : name);
		return str_format("%s", name);
	}
	return NULL;
}

static void write_args(struct sr_trace_record *t, pid_t tid)
{
	char path[48];
	SR_AUTOFREE char *args = malloc(ARGS_MAX);
	SR_AUTOCLOSE int fd = -1;
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 || !args ? -1 : io_read_full(fd, args, ARGS_MAX);
	if (n < 0)
		return;
	tracelog_texts(t->log, "argv", args, (size_t)n);
	if (n == ARGS_MAX)
		tracelog_boolean(t->log, "argvCut", true);
}

/* The new program stands before its first instruction, alone in its memory: nothing here can be raced. */
static void on_exec(void *arg, pid_t tid, pid_t former)
{
	struct sr_trace_record *t = arg;
	struct trace_task *task;
	struct trace_info info;
	SR_AUTOFREE char *asked = NULL;
	char path[PATH_MAX + 1], link[64];
	int64_t argc = -1;

	if (former != tid)
		trace_task_rename(&t->tasks, former, tid);
	task = trace_task_find(&t->tasks, tid);
	if (!task)
		return;
	trace_task_executed(&t->tasks, task);
	asked = name_of_exec(tid);
	line_of(t, task, "exec");
	(void)snprintf(link, sizeof(link), "/proc/%d/exe", (int)tid);
	if (read_link(link, path)) {
		write_path(t, link, path);
		tracelog_text(t->log, "how", "exe");
		if (asked && strcmp(asked, path) != 0)
			tracelog_text(t->log, "asked", asked);
	} else {
		write_claimed(t, task);
	}
	/* the stack starts with it, on every architecture */
	if (trace_info_of(tid, &info) == 0 && trace_read(tid, info.stack_pointer, &argc, sizeof(argc), false) == sizeof(argc))
		tracelog_number(t->log, "argc", argc);
	if (t->args)
		write_args(t, tid);
	result(t, 0);
	line_end(t, task);
	trace_task_leave(task);
}

static void exec_failed(struct sr_trace_record *t, const struct trace_task *task, int64_t value)
{
	line_of(t, task, "exec");
	write_claimed(t, task);
	result_or_unfinished(t, value);
	line_end(t, task);
}

/* --- files and sockets ------------------------------------------------------------------------------------------------------- */

/* Others that could change what a descriptor of this thread is. */
static bool is_shared(const struct sr_trace_record *t, const struct trace_task *task)
{
	return t->tables_shared || task->process->threads > 1;
}

static const char *how(const struct sr_trace_record *t, const struct trace_task *task)
{
	return task->shared || is_shared(t, task) ? "descriptor-shared" : "descriptor";
}

/* What the descriptor is. A process that made itself undumpable shows its descriptors in /proc to root alone: then by a copy. */
static bool write_opened(struct sr_trace_record *t, const struct trace_task *task, int fd)
{
	char path[PATH_MAX + 1], link[64];
	SR_AUTOCLOSE int copy = -1;

	(void)snprintf(link, sizeof(link), "/proc/%d/fd/%d", (int)task->tid, fd);
	if (!read_link(link, path)) {
		copy = trace_copy_fd(task->process->tgid, fd);
		(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", copy);
		if (copy < 0 || !read_link(link, path))
			return false;
	}
	write_path(t, link, path);
	tracelog_text(t->log, "how", how(t, task));
	if (task->asked && strcmp(task->asked, path) != 0)
		tracelog_text(t->log, "asked", task->asked);
	return true;
}

static void opened(struct sr_trace_record *t, const struct trace_task *task, int64_t value)
{
	char flags[SR_TRACE_FLAGS_TEXT];

	line_of(t, task, "open");
	if (value < 0 || !write_opened(t, task, (int)value))
		write_claimed(t, task);
	trace_open_flags(task->flags, flags);
	tracelog_text(t->log, "flags", flags);
	result_or_unfinished(t, value);
	line_end(t, task);
}

static void met(struct sr_trace_record *t, const struct trace_task *task, int64_t value)
{
	const struct trace_row *row = task->row;
	char cwd[PATH_MAX + 1];
	struct trace_peer peer;
	bool asked = value == 0 && row->address == 1 && /* sendto leaves nothing in the socket */
		     trace_peer_of(task->process->tgid, (int)task->args[0], row->own, &peer);

	line_of(t, task, row->event);
	if (!asked)
		trace_peer_claimed(task->tid, task->args[row->address], (uint32_t)task->args[row->address + 1], &peer);
	trace_peer_write(t->log, &peer, !asked && read_link_of(task->tid, "cwd", cwd) ? cwd : NULL);
	tracelog_text(t->log, "how", asked ? how(t, task) : "sockaddr");
	result_or_unfinished(t, value);
	line_end(t, task);
}

static void finish_call(struct sr_trace_record *t, struct trace_task *task, int64_t value)
{
	switch (task->row->kind) {
	case TRACE_EXEC:
		exec_failed(t, task, value);
		break;
	case TRACE_OPEN:
		opened(t, task, value);
		break;
	default:
		met(t, task, value);
		break;
	}
	trace_task_leave(task);
}

/* --- stops ------------------------------------------------------------------------------------------------------------------- */

static void on_stand(void *arg, pid_t tid)
{
	struct sr_trace_record *t = arg;
	struct trace_task *task = trace_task_find(&t->tasks, tid);

	int r = task ? -EEXIST : trace_task_add(&t->tasks, tid, &task);

	if (r == -ENOMEM)
		tracelog_drop(t->log);
	if (r < 0)
		return;
	line_of(t, task, "start");
	tracelog_text(t->log, "kind", task->tid == task->process->tgid ? "process" : "thread");
	line_end(t, task);
}

/* Clone with flags that would leave the tracer behind loses them; registers cannot be raced. */
static void on_clone(struct sr_trace_record *t, pid_t tid, const struct trace_info *info)
{
	uint64_t flags = info->entry.args[0];

	if ((flags & (CLONE_FILES | CLONE_THREAD)) == CLONE_FILES)
		t->tables_shared = true;
	if (flags & KERNEL_CLONE_UNTRACED && trace_set_first_argument(tid, flags & ~(uint64_t)KERNEL_CLONE_UNTRACED) < 0)
		(void)trace_skip(tid);
}

/* The flags of an open; those of openat2 lie in memory, at the start of struct open_how. */
static uint64_t flags_of(pid_t tid, const struct trace_row *row, const uint64_t args[6])
{
	uint64_t flags = 0;

	if (row->flags >= 0)
		return (uint32_t)args[row->flags];
	if (row->call == SR_SYSCALL_creat)
		return O_WRONLY | O_CREAT | O_TRUNC;
	(void)trace_read(tid, args[2], &flags, sizeof(flags), false);
	return flags;
}

static bool on_filter(void *arg, pid_t tid)
{
	struct sr_trace_record *t = arg;
	struct trace_task *task = trace_task_find(&t->tasks, tid);
	enum sr_traced_kind ignored;
	struct trace_info info;
	const struct trace_row *row;
	int r = trace_info_of(tid, &info);

	if (r < 0 || !task) {
		if (r != -ESRCH) /* it was killed */
			tracelog_drop(t->log); /* a kernel before 5.3, or no memory */
		return false;
	}
	row = info.op == TRACE_INFO_SECCOMP && info.entry.nr < SR_SYSCALL_NUMBER_MAX ? t->row_of[info.entry.nr] : NULL;
	if (!row || info.entry.data != SR_TRACE_DATA) {
		(void)trace_skip(tid); /* a filter of the payload's own wanted a tracer: it has none */
		return false;
	}
	if (row->kind == TRACE_CLONE) {
		on_clone(t, tid, &info);
		return false;
	}
	trace_task_leave(task);
	task->row = row;
	memcpy(task->args, info.entry.args, sizeof(task->args));
	task->shared = is_shared(t, task);
	if (row->kind != TRACE_PEER)
		task->asked = trace_object(tid, trace_call_of((int)info.entry.nr), task->args, &ignored);
	if (row->kind == TRACE_OPEN)
		task->flags = flags_of(tid, row, task->args);
	return true;
}

static bool on_call(void *arg, pid_t tid)
{
	struct sr_trace_record *t = arg;
	struct trace_task *task = trace_task_find(&t->tasks, tid);
	struct trace_info info;
	int r = trace_info_of(tid, &info);

	if (!task || !task->row || r == -ESRCH)
		return false; /* killed: on_end() writes what is known */
	if (r < 0 || info.op != TRACE_INFO_EXIT) {
		tracelog_drop(t->log);
		trace_task_leave(task);
		return false;
	}
	finish_call(t, task, info.exit.rval);
	return false;
}

static void on_end(void *arg, pid_t tid, int status)
{
	struct sr_trace_record *t = arg;
	struct trace_task *task = trace_task_find(&t->tasks, tid);

	if (!task)
		return; /* killed before its first instruction */
	if (task->row)
		finish_call(t, task, UNFINISHED);
	line_of(t, task, "exit");
	tracelog_text(t->log, "kind", task->tid == task->process->tgid ? "process" : "thread");
	if (WIFSIGNALED(status))
		tracelog_number(t->log, "signal", WTERMSIG(status));
	else
		tracelog_number(t->log, "code", WEXITSTATUS(status));
	line_end(t, task);
	trace_task_remove(&t->tasks, tid);
}

static const struct trace_ops ops = {
	.stops_by_filter = true,
	.stands = on_stand,
	.by_filter = on_filter,
	.at_call = on_call,
	.executed = on_exec,
	.ended = on_end,
};

/* --- the run ----------------------------------------------------------------------------------------------------------------- */

static void first_line(struct sr_trace_record *t)
{
	line_start(t, "begin");
	tracelog_text(t->log, "format", "sandrun-trace");
	tracelog_number(t->log, "version", 1);
	tracelog_words(t->log, "coverage", sr_trace_coverage);
	tracelog_words(t->log, "mechanisms", sr_trace_mechanisms);
	tracelog_words(t->log, "races", sr_trace_races);
	tracelog_boolean(t->log, "arguments", t->args);
	tracelog_end(t->log, false);
}

struct sr_trace_record *trace_record_start(pid_t init, struct sr_tracelog *log, bool args, struct sr_error *err)
{
	struct sr_trace_record *t = calloc(1, sizeof(*t));
	int r;

	if (!t) {
		(void)sr_error_oom(err, "trace");
		return NULL;
	}
	t->log = log;
	t->args = args;
	t->tasks.init = init;
	t->started_ns = run_now();
	for (size_t i = 0; i < SR_ELEMENTSOF(rows); i++) {
		enum sr_arch arch = syscalls_native_arch();
		/* cppcheck-suppress knownConditionTrueFalse ; it knows no architecture */
		int number = arch == SR_ARCH_MAX ? -1 : sr_syscall_numbers.number[arch][rows[i].call];

		if (number >= 0)
			t->row_of[number] = &rows[i];
	}
	first_line(t);
	r = trace_loop_start(&t->loop, init, &ops, t);
	if (r == 0)
		return t;
	trace_record_finish(t);
	trace_record_free(t);
	(void)sr_error_set(err, SR_E_SETUP, r, "trace", "cannot trace the program: %s", strerror(r));
	if (r == EPERM || r == EACCES)
		sr_error_hint(err, "ptrace(2) is refused here: see /proc/sys/kernel/yama/ptrace_scope (3 refuses all), or the container's own filter; leave --trace out");
	return NULL;
}

void trace_record_finish(struct sr_trace_record *t)
{
	if (!t || t->finished)
		return;
	trace_loop_end(&t->loop);
	t->finished = true;
	line_start(t, "end");
	tracelog_number(t->log, "processes", (int64_t)t->tasks.processes_seen);
	tracelog_number(t->log, "threads", (int64_t)t->tasks.threads_seen);
	tracelog_number(t->log, "dropped", (int64_t)t->log->dropped);
	tracelog_boolean(t->log, "complete", t->log->dropped == 0);
	tracelog_end(t->log, true);
}

void trace_record_free(struct sr_trace_record *t)
{
	if (!t)
		return;
	trace_loop_end(&t->loop);
	trace_tasks_done(&t->tasks);
	free(t);
}
