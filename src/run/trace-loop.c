/* SPDX-License-Identifier: MIT */
#include "run/trace-loop.h"

#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>

#include "sys/kernel.h"

/* ptrace(2), by numbers: glibc has enums of them, musl macros, the kernel's header collides with both. */
#define KERNEL_CONT 7
#define KERNEL_DETACH 17
#define KERNEL_SYSCALL 24
#define KERNEL_GETEVENTMSG 0x4201
#define KERNEL_GETREGSET 0x4204
#define KERNEL_SETREGSET 0x4205
#define KERNEL_SEIZE 0x4206
#define KERNEL_LISTEN 0x4208
#define KERNEL_GET_SYSCALL_INFO 0x420e /* Linux 5.3 */
#define KERNEL_EVENT_FORK 1
#define KERNEL_EVENT_VFORK 2
#define KERNEL_EVENT_CLONE 3
#define KERNEL_EVENT_EXEC 4
#define KERNEL_EVENT_SECCOMP 7
#define KERNEL_EVENT_STOP 128
#define KERNEL_OPTIONS (1U /* SYSGOOD */ | 1U << 1 /* FORK */ | 1U << 2 /* VFORK */ | 1U << 3 /* CLONE */ | 1U << 4 /* EXEC */ | \
			1U << 20 /* EXITKILL */)
#define KERNEL_TRACESECCOMP (1U << 7)
#define KERNEL_WNOTHREAD 0x20000000 /* waitpid(2): not for the main thread's children */
#define KERNEL_WALL 0x40000000
#define SYSCALL_STOP (SIGTRAP | 0x80)

static long tracer(unsigned request, pid_t tid, unsigned long address, unsigned long data)
{
	return sys_ret(syscall(SYS_ptrace, (unsigned long)request, (long)tid, address, data));
}

int trace_info_of(pid_t tid, struct trace_info *ret)
{
	long r;

	*ret = (struct trace_info){ .op = 0 };
	r = tracer(KERNEL_GET_SYSCALL_INFO, tid, sizeof(*ret), (unsigned long)(uintptr_t)ret);
	return r < 0 ? (int)r : 0;
}

static int registers(unsigned request, pid_t tid, struct user_regs_struct *regs)
{
	struct iovec iov = { .iov_base = regs, .iov_len = sizeof(*regs) };

	return (int)tracer(request, tid, NT_PRSTATUS, (unsigned long)(uintptr_t)&iov);
}

int trace_set_first_argument(pid_t tid, uint64_t value)
{
	struct user_regs_struct regs;
	int r = registers(KERNEL_GETREGSET, tid, &regs);

	if (r < 0)
		return r;
#if defined(__x86_64__)
	regs.rdi = value;
#else
	regs.regs[0] = value;
#endif
	return registers(KERNEL_SETREGSET, tid, &regs);
}

int trace_skip(pid_t tid)
{
	struct user_regs_struct regs;
	int r = registers(KERNEL_GETREGSET, tid, &regs);

	if (r < 0)
		return r;
#if defined(__x86_64__)
	regs.orig_rax = (unsigned long long)-1;
	regs.rax = (unsigned long long)-ENOSYS;
	return registers(KERNEL_SETREGSET, tid, &regs);
#else
	int none = -1;
	struct iovec iov = { .iov_base = &none, .iov_len = sizeof(none) };

	regs.regs[0] = (unsigned long long)-ENOSYS;
	r = (int)tracer(KERNEL_SETREGSET, tid, 0x404 /* NT_ARM_SYSTEM_CALL */, (unsigned long)(uintptr_t)&iov);
	return r < 0 ? r : registers(KERNEL_SETREGSET, tid, &regs);
#endif
}

static bool stops_groups(int sig)
{
	return sig == SIGSTOP || sig == SIGTSTP || sig == SIGTTIN || sig == SIGTTOU;
}

/* A thread that executes takes its process's number; its own ends unreported. */
static void on_exec(const struct trace_loop *l, pid_t tid)
{
	unsigned long former = 0;

	if (tracer(KERNEL_GETEVENTMSG, tid, 0, (unsigned long)(uintptr_t)&former) == 0 && l->ops->executed)
		l->ops->executed(l->arg, tid, (pid_t)former);
}

/*
 * While its parent stands here it is its parent: soon it may be anybody's. A child can be born and reported dead before its
 * parent's stop is: nothing of it is to be made anew.
 */
static void on_birth(const struct trace_loop *l, pid_t parent)
{
	unsigned long tid = 0;

	if (!l->ops->stands || tracer(KERNEL_GETEVENTMSG, parent, 0, (unsigned long)(uintptr_t)&tid) < 0 || tid == 0)
		return;
	if (kill((pid_t)tid, 0) == 0 || errno != ESRCH)
		l->ops->stands(l->arg, (pid_t)tid);
}

/* PID 1 alone, before the payload exists; its child, the payload, is traced from its first instruction. */
static void on_init(struct trace_loop *l, int sig, int event)
{
	pid_t init = l->init;

	if (event == KERNEL_EVENT_VFORK) {
		l->init = -1; /* PID 1 needs no looking at */
		(void)tracer(KERNEL_DETACH, init, 0, 0);
		return;
	}
	/* nothing else is expected of it before that */
	(void)tracer(KERNEL_CONT, init, 0, event || sig == SIGTRAP ? 0 : (unsigned long)sig);
}

/* One stop. Whatever ptrace(2) answers, the process was killed meanwhile (ESRCH) or goes on. */
static void on_stop(struct trace_loop *l, pid_t tid, int status)
{
	const struct trace_ops *ops = l->ops;
	int sig = WSTOPSIG(status), event = (int)((unsigned)status >> 16);
	bool to_call = ops->every_call;

	if (tid == l->init) {
		on_init(l, sig, event);
		return;
	}
	if (ops->stands)
		ops->stands(l->arg, tid);
	if (event == KERNEL_EVENT_STOP && stops_groups(sig)) {
		(void)tracer(KERNEL_LISTEN, tid, 0, 0); /* stays stopped as without a tracer, until SIGCONT */
		return;
	}
	if (sig == SYSCALL_STOP) {
		to_call = !ops->at_call || ops->at_call(l->arg, tid);
		sig = 0;
	} else if (event) {
		if (event == KERNEL_EVENT_SECCOMP)
			to_call = !ops->by_filter || ops->by_filter(l->arg, tid);
		else if (event == KERNEL_EVENT_EXEC)
			on_exec(l, tid);
		else if (event >= KERNEL_EVENT_FORK && event <= KERNEL_EVENT_CLONE)
			on_birth(l, tid);
		sig = 0;
	}
	(void)tracer(to_call ? KERNEL_SYSCALL : KERNEL_CONT, tid, 0, (unsigned long)sig);
}

static void *observe(void *arg)
{
	struct trace_loop *l = arg;
	int status;
	pid_t tid;

	l->error = (int)-tracer(KERNEL_SEIZE, l->init, 0, KERNEL_OPTIONS | (l->ops->stops_by_filter ? KERNEL_TRACESECCOMP : 0));
	if (sem_post(&l->attached) < 0 || l->error)
		return NULL;
	for (;;) {
		tid = waitpid(-1, &status, KERNEL_WALL | KERNEL_WNOTHREAD);
		if (tid < 0 && errno == EINTR)
			continue;
		if (tid < 0)
			return NULL; /* ECHILD: nobody is left */
		if (WIFSTOPPED(status))
			on_stop(l, tid, status);
		else if (l->ops->ended)
			l->ops->ended(l->arg, tid, status);
	}
}

int trace_loop_start(struct trace_loop *l, pid_t init, const struct trace_ops *ops, void *arg)
{
	sigset_t all, before;
	int r;

	*l = (struct trace_loop){ .ops = ops, .arg = arg, .init = init };
	(void)sem_init(&l->attached, 0, 0);
	sigfillset(&all); /* signals are the main thread's */
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&l->thread, NULL, observe, l);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (r)
		return r;
	l->running = true;
	while (sem_wait(&l->attached) < 0 && errno == EINTR)
		;
	return l->error;
}

void trace_loop_end(struct trace_loop *l)
{
	if (!l->running)
		return;
	(void)pthread_join(l->thread, NULL);
	l->running = false;
	(void)sem_destroy(&l->attached);
}
