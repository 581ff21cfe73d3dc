/* SPDX-License-Identifier: MIT */
#include "plan/filter-learn.h"

#include <errno.h>
#include <linux/audit.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/macros.h"
#include "sys/kernel.h"

#define STAGE "filter"

/* Numbers that older kernel headers lack. */
#define KERNEL_FLAG_NEW_LISTENER (1U << 3)
#define KERNEL_FLAG_WAIT_KILLABLE_RECV (1U << 5) /* Linux 5.19: once it is received, only a deadly signal ends the wait */
#define KERNEL_RET_USER_NOTIF 0x7fc00000U

#if defined(__x86_64__)
#define NATIVE_AUDIT_ARCH AUDIT_ARCH_X86_64
#else
#define NATIVE_AUDIT_ARCH AUDIT_ARCH_AARCH64
#endif

static uint32_t load(const struct seccomp_data *data, uint32_t offset)
{
	uint32_t word = 0;

	if (offset <= sizeof(*data) - sizeof(word))
		memcpy(&word, (const char *)data + offset, sizeof(word));
	return word;
}

static bool holds(uint16_t op, uint32_t a, uint32_t k)
{
	switch (op) {
	case BPF_JEQ:
		return a == k;
	case BPF_JGT:
		return a > k;
	case BPF_JGE:
		return a >= k;
	default: /* BPF_JSET: the assembler makes no other */
		return (a & k) != 0;
	}
}

uint32_t filter_answer(const struct sr_filter *f, const struct seccomp_data *data)
{
	uint32_t a = 0;

	for (size_t pc = 0; pc < f->count; pc++) {
		const struct sock_filter *i = &f->insns[pc];

		switch (BPF_CLASS(i->code)) {
		case BPF_LD:
			a = load(data, i->k);
			break;
		case BPF_ALU:
			a &= i->k; /* the only operation that plan/bpf.h has */
			break;
		case BPF_JMP:
			pc += BPF_OP(i->code) == BPF_JA ? i->k : holds(BPF_OP(i->code), a, i->k) ? i->jt : i->jf;
			break;
		case BPF_RET:
			return i->k;
		default:
			return SECCOMP_RET_KILL_PROCESS;
		}
	}
	return SECCOMP_RET_KILL_PROCESS;
}

int filter_learn(const struct sr_filter *ordinary, struct sr_filter *ret, struct sr_error *err)
{
	/* skips are from the instruction behind, to the ordinary filter, which starts at index 9 */
	const struct sock_filter front[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NATIVE_AUDIT_ARCH, 0, 7),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_seccomp, 0, 5),
		/* low halves: both arguments are ints */
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SECCOMP_SET_MODE_FILTER, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[1])),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, KERNEL_FLAG_NEW_LISTENER, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EBUSY),
	};
	const struct seccomp_data call = { .nr = SYS_seccomp, .arch = NATIVE_AUDIT_ARCH };
	/* where the profile refuses the call, that is the answer to it */
	const size_t start = filter_answer(ordinary, &call) == SECCOMP_RET_ALLOW ? SR_ELEMENTSOF(front) : 0;
	const size_t count = start + ordinary->count;
	struct sock_filter *insns;

	if (count > BPF_MAXINSNS)
		return sr_error_set(err, SR_E_PROFILE, E2BIG, STAGE, "cannot make a filter for --learn: it is too long");
	insns = calloc(count, sizeof(*insns));
	if (!insns)
		return sr_error_oom(err, STAGE);
	memcpy(insns, front, start * sizeof(*insns));
	memcpy(insns + start, ordinary->insns, ordinary->count * sizeof(*insns));
	for (size_t i = start; i < count; i++) {
		/* errno 0 is no refusal: sync(2) is answered, not made */
		if (insns[i].code == (BPF_RET | BPF_K) && (insns[i].k & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO &&
		    (insns[i].k & SECCOMP_RET_DATA) != 0)
			insns[i].k = KERNEL_RET_USER_NOTIF;
	}
	*ret = (struct sr_filter){ .insns = insns, .count = (unsigned short)count, .owned = insns };
	return 0;
}

int filter_listener_flags(unsigned *ret, struct sr_error *err)
{
	static const unsigned ways[] = { KERNEL_FLAG_NEW_LISTENER | KERNEL_FLAG_WAIT_KILLABLE_RECV, KERNEL_FLAG_NEW_LISTENER };
	int r = -EINVAL;

	for (size_t i = 0; i < SR_ELEMENTSOF(ways); i++) {
		/* flags are looked at before the program: EFAULT is a yes, and nothing is installed */
		r = sys_seccomp_filter(NULL, ways[i]);
		if (r != -EFAULT)
			continue;
		*ret = ways[i];
		return 0;
	}
	(void)sr_error_set(err, SR_E_SECCOMP, -r, STAGE, "cannot learn here: the kernel has no seccomp notifications: %s", strerror(-r));
	sr_error_hint(err, "--learn needs Linux 5.0 or later, and a container whose own filter allows seccomp(2)");
	return r;
}
