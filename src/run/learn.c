/* SPDX-License-Identifier: MIT */
#include "run/learn.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "plan/filter-learn.h"
#include "policy/syscalls.h"
#include "sys/kernel.h"

#define TURN_MAX 64 /* answers in one turn of the loop, so that a flood of refused calls holds nothing else up */

#define ARG(name, n, form, what) { SR_SYSCALL_##name, n, SR_LEARN_##form, what }
const struct sr_learn_arg sr_learn_args[] = {
	ARG(socket, 0, FAMILY, "family"), ARG(socket, 1, TYPE, "type"), ARG(socket, 2, DECIMAL, "protocol"),
	ARG(socketpair, 0, FAMILY, "family"), ARG(socketpair, 1, TYPE, "type"), ARG(socketpair, 2, DECIMAL, "protocol"),
	ARG(ioctl, 1, HEX, "request"), ARG(clone, 0, CLONE, "flags"), ARG(unshare, 0, CLONE, "flags"),
	ARG(setns, 1, CLONE, "flags"), ARG(fcntl, 1, DECIMAL, "command"), ARG(fcntl, 2, DECIMAL, "argument"), ARG(prctl, 0, DECIMAL, "option"),
	ARG(arch_prctl, 0, HEX, "code"), ARG(personality, 0, HEX, "persona"), ARG(ptrace, 0, HEX, "request"),
	ARG(keyctl, 0, DECIMAL, "operation"), ARG(bpf, 0, DECIMAL, "command"), ARG(setrlimit, 0, DECIMAL, "resource"),
	ARG(prlimit64, 0, DECIMAL, "pid"), ARG(prlimit64, 1, DECIMAL, "resource"), ARG(setpriority, 0, DECIMAL, "which"),
	ARG(setpriority, 1, DECIMAL, "who"), ARG(ioprio_set, 0, DECIMAL, "which"), ARG(ioprio_set, 1, DECIMAL, "who"),
	ARG(pipe2, 1, HEX, "flags"), ARG(mknod, 1, HEX, "mode"), ARG(mknodat, 2, HEX, "mode"),
	ARG(memfd_create, 1, HEX, "flags"), ARG(mount, 3, HEX, "flags"), ARG(umount2, 1, HEX, "flags"),
	ARG(seccomp, 0, DECIMAL, "operation"), ARG(seccomp, 1, HEX, "flags"), ARG(userfaultfd, 0, HEX, "flags"),
	ARG(mmap, 2, HEX, "protection"), ARG(mprotect, 2, HEX, "protection"), ARG(pkey_mprotect, 2, HEX, "protection"),
	ARG(shmat, 2, HEX, "flags"), ARG(madvise, 2, DECIMAL, "advice"), ARG(quotactl, 0, HEX, "command"), ARG(reboot, 2, HEX, "command"), ARG(syslog, 0, DECIMAL, "type"),
};
const size_t sr_learn_arg_count = SR_ELEMENTSOF(sr_learn_args);

static int get_sizes(struct sr_learn *l)
{
	struct seccomp_notif_sizes sizes = { 0 };
	int r = (int)sys_ret(syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0U, &sizes));

	if (r < 0)
		return r;
	/* a younger kernel writes more than our headers know, an older one less */
	l->request_size = sizes.seccomp_notif > sizeof(struct seccomp_notif) ? sizes.seccomp_notif : sizeof(struct seccomp_notif);
	l->reply_size = sizes.seccomp_notif_resp > sizeof(struct seccomp_notif_resp) ? sizes.seccomp_notif_resp :
										     sizeof(struct seccomp_notif_resp);
	l->request = calloc(1, l->request_size);
	l->reply = calloc(1, l->reply_size);
	return l->request && l->reply ? 0 : -ENOMEM;
}

struct sr_learn *learn_new(pid_t init, const struct sr_plan_box *box, struct sr_error *err)
{
	struct sr_learn *l = calloc(1, sizeof(*l));
	int r = -ENOMEM;

	if (l) {
		l->box = box;
		l->listener = -1;
		r = get_sizes(l);
	}
	if (r == 0) {
		l->trace = trace_start(init, box);
		r = l->trace ? 0 : -ENOMEM;
	}
	if (r == 0)
		return l;
	learn_free(l);
	(void)sr_error_set(err, SR_E_SETUP, -r, "learn", "cannot prepare --learn: %s", strerror(-r));
	return NULL;
}

int learn_take(struct sr_learn *l, int fd, struct sr_error *err)
{
	if (fd < 0)
		return sr_error_set(err, SR_E_INTERNAL, EPROTO, "learn", "cannot learn: the filter's listener did not come");
	l->listener = fd;
	return 0;
}

nfds_t learn_poll(const struct sr_learn *l, struct pollfd *fd)
{
	if (!l || l->listener < 0)
		return 0;
	*fd = (struct pollfd){ .fd = l->listener, .events = POLLIN };
	return 1;
}

int learn_call_of(int number)
{
	enum sr_arch arch = syscalls_native_arch();

	/* cppcheck-suppress knownConditionTrueFalse ; it knows no architecture */
	if (arch == SR_ARCH_MAX || number < 0)
		return -1;
	for (int i = 0; i < SR_SYSCALL_MAX; i++) {
		if (sr_syscall_numbers.number[arch][i] == number)
			return i;
	}
	return -1;
}

void learn_program_of(pid_t tid, char out[static SR_LEARN_PROGRAM])
{
	char path[48];
	SR_AUTOCLOSE int fd = -1;
	ssize_t n = 0;

	(void)snprintf(path, sizeof(path), "/proc/%d/comm", (int)tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		n = read(fd, out, SR_LEARN_PROGRAM - 1);
	if (n <= 0)
		n = snprintf(out, SR_LEARN_PROGRAM, "?"); /* a /proc that shows no strange processes */
	out[n] = '\0';
	if (out[n - 1] == '\n')
		out[n - 1] = '\0';
}

static bool same(const struct sr_learned_call *a, const struct sr_learned_call *b)
{
	return a->number == b->number && a->errnum == b->errnum && memcmp(a->args, b->args, sizeof(a->args)) == 0 &&
	       strcmp(a->program, b->program) == 0;
}

static void record(struct sr_learn *l, const struct sr_learned_call *call)
{
	for (size_t i = 0; i < l->call_count; i++) {
		if (same(&l->calls[i], call)) {
			l->calls[i].count++;
			return;
		}
	}
	if (l->call_count == SR_LEARN_MAX) {
		l->calls_lost++;
		return;
	}
	l->calls[l->call_count] = *call;
	l->calls[l->call_count++].count = 1;
}

static void describe(const struct seccomp_notif *request, int errnum, struct sr_learned_call *ret)
{
	*ret = (struct sr_learned_call){ .call = learn_call_of(request->data.nr), .number = request->data.nr, .errnum = errnum };
	for (size_t i = 0; i < SR_ELEMENTSOF(sr_learn_args); i++) {
		const struct sr_learn_arg *a = &sr_learn_args[i];

		/* the filter and the kernel look at the low half of all of these; a socket's flags stand beside its type */
		if (a->call == ret->call)
			ret->args[a->arg] = (uint32_t)request->data.args[a->arg] & (a->form == SR_LEARN_TYPE ? 0xfU : ~0U);
	}
	learn_program_of((pid_t)request->pid, ret->program);
}

/* ioctl(2) as the kernel has it: the request is unsigned, musl's is not. */
static int ask(const struct sr_learn *l, unsigned long request, void *what)
{
	return (int)sys_ret(syscall(SYS_ioctl, l->listener, request, what));
}

/* One call, if its thread still lives. */
static void answer_one(struct sr_learn *l)
{
	struct seccomp_notif *request = l->request;
	struct seccomp_notif_resp *reply = l->reply;
	struct sr_learned_call call;
	uint32_t action;

	memset(request, 0, l->request_size); /* the kernel asks for that */
	memset(reply, 0, l->reply_size);
	if (ask(l, SECCOMP_IOCTL_NOTIF_RECV, request) < 0)
		return;
	action = filter_answer(l->box->counted ? &l->box->counted_filter : &l->box->filter, &request->data);
	reply->id = request->id;
	/* the ordinary filter refuses whatever comes here; were it not so, a refusal would still be the only answer */
	reply->error = -((action & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO ? (int)(action & SECCOMP_RET_DATA) : EPERM);
	describe(request, -reply->error, &call);
	/* ENOENT: it was killed while it waited, or interrupted (before Linux 5.19) and will ask once more: counted when answered */
	if (ask(l, SECCOMP_IOCTL_NOTIF_SEND, reply) == 0)
		record(l, &call);
}

void learn_answer(struct sr_learn *l, const struct pollfd *fd)
{
	struct pollfd again = *fd;

	for (int i = 0; i < TURN_MAX && (again.revents & POLLIN); i++) {
		/* what poll(2) has seen is there, or its thread was killed (ENOENT): receiving never waits */
		answer_one(l);
		again.revents = 0;
		if (poll(&again, 1, 0) < 0)
			return;
	}
	/* POLLERR is no end: the kernel says so too when a signal comes while it waits for its own lock */
	if (again.revents & (POLLHUP | POLLNVAL))
		fd_close(&l->listener); /* nobody lives who has this filter */
}

void learn_finish(struct sr_learn *l)
{
	if (l && l->trace)
		trace_finish(l->trace, &l->traced);
}

void learn_free(struct sr_learn *l)
{
	if (!l)
		return;
	fd_close(&l->listener);
	trace_free(l->trace);
	free(l->request);
	free(l->reply);
	free(l);
}
