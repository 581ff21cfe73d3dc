/* SPDX-License-Identifier: MIT */
/*
 * The filter of --learn against the ordinary one, call by call: it asks where that one refuses and answers the same
 * everywhere else. The evaluator against the tests' own simulator.
 */
#include "plan/filter-learn.h"

#include <errno.h>
#include <linux/audit.h>
#include <stdlib.h>
#include <sys/syscall.h>

#include "../tap.h"
#include "../../lib/bpf-sim.h"
#include "plan/filter-build.h"

#define USER_NOTIF 0x7fc00000U
#define NEW_LISTENER 8U

#if defined(__x86_64__)
#define NATIVE AUDIT_ARCH_X86_64
#define FOREIGN AUDIT_ARCH_I386
#else
#define NATIVE AUDIT_ARCH_AARCH64
#define FOREIGN AUDIT_ARCH_ARM
#endif

static uint64_t state = 88172645463325252ULL;

static uint64_t any(void)
{
	static const uint64_t telling[] = { 0, 1, 2, 3, 4, 8, 10, 16, 17, 41, 0x5412, 0x4B3A, 0x80, 0x10000000, ~0ULL, 0xffffffff };

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state % 3 ? telling[state / 3 % SR_ELEMENTSOF(telling)] : state;
}

static uint32_t simulated(const struct sr_filter *f, const struct seccomp_data *data)
{
	struct bpf_sim sim;

	return bpf_sim_run(f->insns, f->count, data, &sim) ? sim.action : 0xdeadU;
}

/* What the filter of --learn must answer. */
static uint32_t wanted(uint32_t ordinary, const struct seccomp_data *data)
{
	if (ordinary == SECCOMP_RET_ALLOW && data->nr == SYS_seccomp && (uint32_t)data->args[0] == SECCOMP_SET_MODE_FILTER &&
	    (data->args[1] & NEW_LISTENER))
		return SECCOMP_RET_ERRNO | EBUSY;
	if ((ordinary & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO && (ordinary & SECCOMP_RET_DATA))
		return USER_NOTIF;
	return ordinary;
}

static int differences, evaluated_wrong, asked, killed;

static void compare(const struct sr_filter *f, const struct sr_filter *learn, const struct seccomp_data *data)
{
	uint32_t ordinary = simulated(f, data), now = simulated(learn, data);

	evaluated_wrong += filter_answer(f, data) != ordinary || filter_answer(learn, data) != now;
	differences += now != wanted(ordinary, data);
	asked += now == USER_NOTIF;
	killed += now == SECCOMP_RET_KILL_PROCESS;
}

static void one_filter(const struct sr_compiled_filter *compiled)
{
	const struct sr_filter f = { .insns = compiled->insns, .count = compiled->count };
	struct sr_filter learn = { .insns = NULL };

	if (filter_learn(&f, &learn, NULL) < 0 || bpf_sim_check(learn.insns, learn.count)) {
		differences++;
		return;
	}
	for (int nr = -2; nr < 1100; nr++) {
		for (int i = 0; i < 60; i++) {
			struct seccomp_data data = { .nr = nr, .arch = i == 0 ? FOREIGN : NATIVE };

			for (int a = 0; a < 6; a++)
				data.args[a] = i == 1 ? 0 : any();
			compare(&f, &learn, &data);
			data.nr |= 0x40000000;
			if (i < 2)
				compare(&f, &learn, &data);
		}
	}
	filter_done(&learn);
}

static void refuses_what_is_no_program(void)
{
	const struct sock_filter endless[] = { BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0) };
	const struct sock_filter strange[] = { BPF_STMT(BPF_MISC, 0), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW) };
	const struct sock_filter far[] = { BPF_STMT(BPF_JMP | BPF_JA, 1000000) };
	const struct seccomp_data data = { .nr = 1, .arch = NATIVE };

	OK(filter_answer(&(struct sr_filter){ .insns = endless, .count = 1 }, &data) == SECCOMP_RET_KILL_PROCESS,
	   "a program without an end answers with death");
	OK(filter_answer(&(struct sr_filter){ .insns = strange, .count = 2 }, &data) == SECCOMP_RET_KILL_PROCESS,
	   "an instruction that sandrun never makes as well");
	OK(filter_answer(&(struct sr_filter){ .insns = far, .count = 1 }, &data) == SECCOMP_RET_KILL_PROCESS,
	   "and a jump behind the end");
}

int main(void)
{
	enum sr_arch arch = syscalls_native_arch();
	unsigned flags = 0;

	for (size_t i = 0; i < sr_compiled_profile_count; i++) {
		one_filter(&sr_compiled_profiles[i].filter[arch][0]);
		one_filter(&sr_compiled_profiles[i].filter[arch][1]);
	}
	IS_INT(differences, 0, "it asks where the ordinary filter refuses, and answers the same elsewhere");
	IS_INT(evaluated_wrong, 0, "the evaluator and the simulator agree");
	OK(asked > 1000 && killed > 1000, "both kinds of answers were seen");
	refuses_what_is_no_program();
	if (filter_listener_flags(&flags, NULL) == 0)
		OK(flags & NEW_LISTENER, "this kernel has listeners");
	else
		OK(flags == 0, "this kernel has no listeners");
	return tap_done();
}
