/* SPDX-License-Identifier: MIT */
#include "plan/filter-trace.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "base/macros.h"
#include "plan/bpf.h"
#include "plan/filter-learn.h"
#include "policy/syscalls.h"

#define STAGE "filter"

#define KERNEL_FLAG_NEW_LISTENER (1U << 3)
#define KERNEL_CLONE_UNTRACED 0x00800000U

#if defined(__x86_64__)
#define NATIVE_AUDIT_ARCH AUDIT_ARCH_X86_64
#else
#define NATIVE_AUDIT_ARCH AUDIT_ARCH_AARCH64
#endif

/* No answers but marks: where the front goes on, replaced by a jump. */
#define TO_TRACED 1U
#define TO_ORDINARY 2U

/* Calls that stop whatever their arguments are. */
static const enum sr_syscall_id always[] = {
	SR_SYSCALL_execve, SR_SYSCALL_execveat, SR_SYSCALL_open, SR_SYSCALL_openat,
	SR_SYSCALL_openat2, SR_SYSCALL_creat, SR_SYSCALL_connect, SR_SYSCALL_bind,
};

/* The rest of the front: jumps to the label if it is that call. Nothing where this architecture has no such call. */
static void if_call(struct bpf_program *p, enum sr_syscall_id call, int then)
{
	enum sr_arch arch = syscalls_native_arch();
	/* cppcheck-suppress knownConditionTrueFalse ; it knows no architecture */
	int number = arch == SR_ARCH_MAX ? -1 : sr_syscall_numbers.number[arch][call];

	if (number >= 0)
		bpf_jump(p, BPF_JEQ, (uint32_t)number, then, BPF_LABEL_NEXT);
}

/* Low halves come first on both architectures. */
static uint32_t argument(unsigned n)
{
	return (uint32_t)(offsetof(struct seccomp_data, args) + n * sizeof(uint64_t));
}

static void sendto_with_address(struct bpf_program *p, int traced, int ordinary)
{
	bpf_load(p, argument(4));
	bpf_jump(p, BPF_JEQ, 0, BPF_LABEL_NEXT, traced);
	bpf_load(p, argument(4) + 4);
	bpf_jump(p, BPF_JEQ, 0, ordinary, traced);
}

/* Threads share their descriptors too, but the tracer sees that they are threads. */
static void clone_out_of_sight(struct bpf_program *p, int traced, int ordinary)
{
	bpf_load(p, argument(0));
	bpf_jump(p, BPF_JSET, KERNEL_CLONE_UNTRACED, traced, BPF_LABEL_NEXT);
	bpf_and(p, CLONE_FILES | CLONE_THREAD);
	bpf_jump(p, BPF_JEQ, CLONE_FILES, traced, ordinary);
}

static void own_listener(struct bpf_program *p, int ordinary)
{
	int refuse = bpf_label(p), flags = bpf_label(p);

	bpf_load(p, argument(0)); /* both arguments are ints */
	bpf_jump(p, BPF_JEQ, SECCOMP_SET_MODE_FILTER, flags, ordinary);
	bpf_bind(p, flags);
	bpf_load(p, argument(1));
	bpf_jump(p, BPF_JSET, KERNEL_FLAG_NEW_LISTENER, refuse, ordinary);
	bpf_bind(p, refuse);
	bpf_return(p, SECCOMP_RET_ERRNO | EBUSY);
}

static int make_front(bool listeners, struct sock_filter **ret, unsigned short *ret_count)
{
	struct bpf_program p = BPF_PROGRAM_INIT;
	int traced = bpf_label(&p), ordinary = bpf_label(&p), native = bpf_label(&p);
	int send = bpf_label(&p), clone = bpf_label(&p), seccomp = bpf_label(&p);
	int r;

	bpf_load(&p, offsetof(struct seccomp_data, arch));
	bpf_jump(&p, BPF_JEQ, NATIVE_AUDIT_ARCH, native, ordinary);
	bpf_bind(&p, native);
	bpf_load(&p, offsetof(struct seccomp_data, nr));
	for (size_t i = 0; i < SR_ELEMENTSOF(always); i++)
		if_call(&p, always[i], traced);
	if_call(&p, SR_SYSCALL_sendto, send);
	if_call(&p, SR_SYSCALL_clone, clone);
	if (listeners)
		if_call(&p, SR_SYSCALL_seccomp, seccomp);
	bpf_jump(&p, BPF_JEQ, 0, ordinary, ordinary); /* the assembler has no other way to say "on to" */
	bpf_bind(&p, send);
	sendto_with_address(&p, traced, ordinary);
	bpf_bind(&p, clone);
	clone_out_of_sight(&p, traced, ordinary);
	bpf_bind(&p, seccomp);
	own_listener(&p, ordinary);
	bpf_bind(&p, ordinary);
	bpf_return(&p, TO_ORDINARY);
	bpf_bind(&p, traced);
	bpf_return(&p, TO_TRACED);
	r = bpf_assemble(&p, ret, ret_count);
	bpf_done(&p);
	return r;
}

/* The front's marks become jumps; behind it stand the ordinary filter with stops in it, then the ordinary filter. */
static int join(const struct sock_filter *front, size_t front_count, const struct sr_filter *ordinary, struct sr_filter *ret)
{
	const size_t traced = front_count, plain = front_count + ordinary->count, count = plain + ordinary->count;
	struct sock_filter *insns;

	if (count > BPF_MAXINSNS)
		return -E2BIG;
	insns = calloc(count, sizeof(*insns));
	if (!insns)
		return -ENOMEM;
	memcpy(insns, front, front_count * sizeof(*insns));
	for (size_t i = 0; i < front_count; i++) {
		if (insns[i].code == (BPF_RET | BPF_K) && (insns[i].k == TO_TRACED || insns[i].k == TO_ORDINARY))
			insns[i] = (struct sock_filter){ BPF_JMP | BPF_JA, 0, 0,
							 (uint32_t)((insns[i].k == TO_TRACED ? traced : plain) - i - 1) };
	}
	memcpy(insns + traced, ordinary->insns, ordinary->count * sizeof(*insns));
	memcpy(insns + plain, ordinary->insns, ordinary->count * sizeof(*insns));
	for (size_t i = traced; i < plain; i++) {
		if (insns[i].code == (BPF_RET | BPF_K) && insns[i].k == SECCOMP_RET_ALLOW)
			insns[i].k = SECCOMP_RET_TRACE | SR_TRACE_DATA;
	}
	*ret = (struct sr_filter){ .insns = insns, .count = (unsigned short)count, .owned = insns };
	return 0;
}

int filter_trace(const struct sr_filter *ordinary, struct sr_filter *ret, struct sr_error *err)
{
	const struct seccomp_data call = { .nr = SYS_seccomp, .arch = NATIVE_AUDIT_ARCH };
	SR_AUTOFREE struct sock_filter *front = NULL;
	unsigned short count = 0;
	/* where the profile refuses the call, that is the answer to it */
	int r = make_front(filter_answer(ordinary, &call) == SECCOMP_RET_ALLOW, &front, &count);

	if (r == 0)
		r = join(front, count, ordinary, ret);
	if (r == -ENOMEM)
		return sr_error_oom(err, STAGE);
	return r < 0 ? sr_error_set(err, SR_E_PROFILE, -r, STAGE, "cannot make a filter for --trace: %s", strerror(-r)) : 0;
}
