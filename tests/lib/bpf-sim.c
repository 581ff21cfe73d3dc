/* SPDX-License-Identifier: MIT */
#include "bpf-sim.h"

#include <errno.h>
#include <string.h>

#define LOAD (BPF_LD | BPF_W | BPF_ABS)

static uint32_t load(const struct seccomp_data *data, uint32_t offset)
{
	uint32_t word;

	memcpy(&word, (const char *)data + offset, sizeof(word));
	return word;
}

static bool load_is_good(uint32_t offset)
{
	return offset % 4 == 0 && offset <= sizeof(struct seccomp_data) - 4;
}

static bool holds(uint16_t code, uint32_t a, uint32_t k)
{
	switch (BPF_OP(code)) {
	case BPF_JEQ:
		return a == k;
	case BPF_JGT:
		return a > k;
	case BPF_JGE:
		return a >= k;
	default: /* BPF_JSET */
		return (a & k) != 0;
	}
}

bool bpf_sim_run(const struct sock_filter *insns, size_t count, const struct seccomp_data *data, struct bpf_sim *ret)
{
	struct bpf_sim sim = { .action = 0 };
	uint32_t a = 0;

	for (size_t pc = 0; pc < count; pc++) {
		const struct sock_filter *i = &insns[pc];

		sim.steps++;
		switch (i->code) {
		case LOAD:
			if (!load_is_good(i->k))
				return false;
			a = load(data, i->k);
			sim.read_args = sim.read_args || i->k >= offsetof(struct seccomp_data, instruction_pointer);
			break;
		case BPF_ALU | BPF_AND | BPF_K:
			a &= i->k;
			break;
		case BPF_JMP | BPF_JA:
			pc += i->k;
			break;
		case BPF_JMP | BPF_JEQ | BPF_K:
		case BPF_JMP | BPF_JGT | BPF_K:
		case BPF_JMP | BPF_JGE | BPF_K:
		case BPF_JMP | BPF_JSET | BPF_K:
			pc += holds(i->code, a, i->k) ? i->jt : i->jf;
			break;
		case BPF_RET | BPF_K:
			sim.action = i->k;
			*ret = sim;
			return true;
		default:
			return false;
		}
	}
	return false;
}

static const char *check_insn(const struct sock_filter *i, size_t left)
{
	switch (i->code) {
	case LOAD:
		return load_is_good(i->k) ? NULL : "a load outside struct seccomp_data";
	case BPF_ALU | BPF_AND | BPF_K:
	case BPF_RET | BPF_K:
		return NULL;
	case BPF_JMP | BPF_JA:
		return i->k < left ? NULL : "a jump behind the end";
	case BPF_JMP | BPF_JEQ | BPF_K:
	case BPF_JMP | BPF_JGT | BPF_K:
	case BPF_JMP | BPF_JGE | BPF_K:
	case BPF_JMP | BPF_JSET | BPF_K:
		return i->jt < left && i->jf < left ? NULL : "a conditional jump behind the end";
	default:
		return "an instruction that is not expected here";
	}
}

const char *bpf_sim_check(const struct sock_filter *insns, size_t count)
{
	if (count == 0 || count > BPF_MAXINSNS)
		return "a bad length";
	for (size_t pc = 0; pc < count; pc++) {
		const char *bad = check_insn(&insns[pc], count - pc - 1);

		if (bad)
			return bad;
	}
	return BPF_CLASS(insns[count - 1].code) == BPF_RET ? NULL : "no return at the end";
}

const char *bpf_sim_action_name(uint32_t action)
{
	if (action == SECCOMP_RET_ALLOW)
		return "allow";
	if (action == SECCOMP_RET_KILL_PROCESS)
		return "kill";
	if ((action & SECCOMP_RET_ACTION_FULL) != SECCOMP_RET_ERRNO)
		return "other";
	switch (action & SECCOMP_RET_DATA) {
	case 0:
		return "success";
	case EPERM:
		return "EPERM";
	case ENOSYS:
		return "ENOSYS";
	case EINVAL:
		return "EINVAL";
	case EAFNOSUPPORT:
		return "EAFNOSUPPORT";
	case EPROTONOSUPPORT:
		return "EPROTONOSUPPORT";
	case ENOPKG:
		return "ENOPKG";
	default:
		return "errno";
	}
}
