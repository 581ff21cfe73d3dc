/* SPDX-License-Identifier: MIT */
/*
 * The filter of --trace against the ordinary one, call by call: every refusal stays the same, and of what is allowed exactly
 * the calls that the record is about stop for the tracer.
 */
#include "plan/filter-trace.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/syscall.h>

#include "../tap.h"
#include "../../lib/bpf-sim.h"
#include "plan/filter-build.h"

#define NEW_LISTENER 8U
#define UNTRACED 0x00800000U
#define STOP (SECCOMP_RET_TRACE | SR_TRACE_DATA)

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
	static const uint64_t telling[] = { 0, 1, 2, 8, 10, 0x100000000, CLONE_FILES, CLONE_FILES | CLONE_THREAD, UNTRACED, ~0ULL };

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

static bool of_interest(const struct seccomp_data *d)
{
	uint32_t flags = (uint32_t)d->args[0];

	switch (d->nr) {
#ifdef SYS_open
	case SYS_open:
	case SYS_creat:
#endif
	case SYS_openat:
	case 437: /* openat2 */
	case SYS_execve:
	case SYS_execveat:
	case SYS_connect:
	case SYS_bind:
		return true;
	case SYS_sendto:
		return d->args[4] != 0;
	case SYS_clone:
		return (flags & UNTRACED) || ((flags & CLONE_FILES) && !(flags & CLONE_THREAD));
	default:
		return false;
	}
}

static uint32_t wanted(uint32_t ordinary, const struct seccomp_data *data)
{
	if (ordinary != SECCOMP_RET_ALLOW)
		return ordinary;
	if (data->nr == SYS_seccomp && (uint32_t)data->args[0] == SECCOMP_SET_MODE_FILTER && (data->args[1] & NEW_LISTENER))
		return SECCOMP_RET_ERRNO | EBUSY;
	return of_interest(data) ? STOP : ordinary;
}

static int differences, stops, refused, killed;

static void compare(const struct sr_filter *f, const struct sr_filter *trace, const struct seccomp_data *data)
{
	uint32_t ordinary = simulated(f, data), now = simulated(trace, data);

	differences += now != wanted(ordinary, data);
	stops += now == STOP;
	refused += (now & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO;
	killed += now == SECCOMP_RET_KILL_PROCESS;
}

static void one_filter(const struct sr_compiled_filter *compiled)
{
	const struct sr_filter f = { .insns = compiled->insns, .count = compiled->count };
	struct sr_filter trace = { .insns = NULL };

	if (filter_trace(&f, &trace, NULL) < 0 || bpf_sim_check(trace.insns, trace.count)) {
		differences++;
		return;
	}
	for (int nr = -2; nr < 1100; nr++) {
		for (int i = 0; i < 60; i++) {
			struct seccomp_data data = { .nr = nr, .arch = i == 0 ? FOREIGN : NATIVE };

			for (int a = 0; a < 6; a++)
				data.args[a] = i == 1 ? 0 : any();
			compare(&f, &trace, &data);
			data.nr |= 0x40000000;
			if (i < 2)
				compare(&f, &trace, &data);
		}
	}
	filter_done(&trace);
}

static void too_long(void)
{
	static struct sock_filter many[BPF_MAXINSNS / 2];
	struct sr_filter trace = { .insns = NULL }, f = { .insns = many, .count = SR_ELEMENTSOF(many) };
	struct sr_error err = SR_ERROR_INIT;

	for (size_t i = 0; i < SR_ELEMENTSOF(many); i++)
		many[i] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	IS_INT(filter_trace(&f, &trace, &err), -E2BIG, "a filter that would be too long is an error");
	OK(trace.insns == NULL, "and leaves nothing");
}

int main(void)
{
	enum sr_arch arch = syscalls_native_arch();

	for (size_t i = 0; i < sr_compiled_profile_count; i++) {
		one_filter(&sr_compiled_profiles[i].filter[arch][0]);
		one_filter(&sr_compiled_profiles[i].filter[arch][1]);
	}
	IS_INT(differences, 0, "it stops for the calls of interest where they are allowed, and answers the same elsewhere");
	OK(stops > 1000 && refused > 1000 && killed > 1000, "all kinds of answers were seen");
	too_long();
	return tap_done();
}
