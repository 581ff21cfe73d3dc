/* SPDX-License-Identifier: MIT */
/*
 * Limits as rlimits (setrlimit(2)) and the Landlock ruleset (landlock(7)), from numbers of the policy.
 *
 * RLIMIT_DATA is only a backstop: it counts what a process may write privately, touched or not
 * (a hundred idle thread stacks are 800 MB of it), so it stands at four times the memory limit; the limit itself is
 * held by the run's cgroup (run/cgroup.h) or by the supervisor's watchdog over the whole tree (finding 14).
 */
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/fd.h"
#include "plan/build.h"
#include "sys/kernel.h"

#ifndef RLIMIT_RTTIME
#define RLIMIT_RTTIME 15
#endif

static bool core_is_piped(void)
{
	SR_AUTOCLOSE int fd = open("/proc/sys/kernel/core_pattern", O_RDONLY | O_CLOEXEC);
	char first = '|';

	return fd < 0 || read(fd, &first, 1) != 1 || first == '|';
}

static void add_rlimit(struct sr_plan_box *box, const char *what, int resource, uint64_t soft, uint64_t hard)
{
	struct rlimit now;
	struct sr_rlimit_op *op = &box->plan.rlimits[box->plan.rlimit_count++];

	/* nobody may raise a hard limit: what the caller's shell was given is the ceiling */
	if (getrlimit(resource, &now) == 0 && now.rlim_max != RLIM_INFINITY && hard > now.rlim_max) {
		if (resource == RLIMIT_CORE)
			plan_note(box, core_is_piped(), what,
				  "core dumps: the caller's hard limit is 0, which does not stop a piped core handler");
		hard = now.rlim_max;
	}
	if (soft > hard)
		soft = hard;
	*op = (struct sr_rlimit_op){ .resource = resource, .soft = soft, .hard = hard };
}

static uint64_t times(uint64_t v, uint64_t n)
{
	return v > SR_UNLIMITED / n ? SR_UNLIMITED : v * n;
}

void plan_limits(struct sr_plan_box *box, const struct sr_policy *p)
{
	const uint64_t second = 1000000000ULL;
	const uint64_t memory = policy_limit(p, SR_LIMIT_memory_bytes), pids = policy_limit(p, SR_LIMIT_pids);
	uint64_t cpu = policy_limit(p, SR_LIMIT_cpu_ns);

	if (cpu != SR_UNLIMITED)
		cpu = (cpu + second - 1) / second; /* the watchdog holds the exact value */
	add_rlimit(box, "core", RLIMIT_CORE, 1, 1); /* 0 does not stop a piped handler, 1 does (finding 3) */
	/* the kernel counts per user namespace; sandrun's PID 1 is in it too */
	add_rlimit(box, "pids.max", RLIMIT_NPROC, pids == SR_UNLIMITED ? pids : pids + 1,
		   pids == SR_UNLIMITED ? pids : pids + 1);
	add_rlimit(box, "nofile", RLIMIT_NOFILE, policy_limit(p, SR_LIMIT_nofile), policy_limit(p, SR_LIMIT_nofile));
	add_rlimit(box, "fsize", RLIMIT_FSIZE, policy_limit(p, SR_LIMIT_fsize_bytes),
		   policy_limit(p, SR_LIMIT_fsize_bytes));
	add_rlimit(box, "stack", RLIMIT_STACK, policy_limit(p, SR_LIMIT_stack_bytes),
		   policy_limit(p, SR_LIMIT_stack_bytes));
	add_rlimit(box, "memlock", RLIMIT_MEMLOCK, policy_limit(p, SR_LIMIT_memlock_bytes),
		   policy_limit(p, SR_LIMIT_memlock_bytes));
	add_rlimit(box, "sigpending", RLIMIT_SIGPENDING, policy_limit(p, SR_LIMIT_sigpending),
		   policy_limit(p, SR_LIMIT_sigpending));
	add_rlimit(box, "msgqueue", RLIMIT_MSGQUEUE, policy_limit(p, SR_LIMIT_msgqueue_bytes),
		   policy_limit(p, SR_LIMIT_msgqueue_bytes));
	add_rlimit(box, "memory.max", RLIMIT_DATA, times(memory, 4), times(memory, 4));
	add_rlimit(box, "cpu.time", RLIMIT_CPU, cpu, cpu == SR_UNLIMITED ? cpu : cpu + 2);
	add_rlimit(box, "rtprio", RLIMIT_RTPRIO, 0, 0);
	add_rlimit(box, "nice", RLIMIT_NICE, 0, 0);
}

static void add_rule(struct sr_plan *plan, const char *path, uint64_t access)
{
	plan->rules[plan->rule_count++] = (struct sr_landlock_rule){ .path = path, .access = access & plan->landlock_fs };
}

void plan_landlock(struct sr_plan_box *box, const struct sr_environment *e)
{
	struct sr_plan *plan = &box->plan;
	const uint64_t read = SYS_LANDLOCK_READ_FILE | SYS_LANDLOCK_READ_DIR | SYS_LANDLOCK_EXECUTE;
	uint64_t all = (SYS_LANDLOCK_MAKE_SYM << 1) - 1, use;
	int abi = sys_landlock_abi();

	if (abi < 2) { /* the first version forbids every rename between folders, which programs do all the time */
		plan->landlock_abi = 0;
		plan_note(box, true, "landlock", "Landlock: this kernel has none that serves; mounts and the filter stand alone");
		return;
	}
	all |= SYS_LANDLOCK_REFER;
	if (abi >= 3)
		all |= SYS_LANDLOCK_TRUNCATE;
	if (abi >= 5)
		all |= SYS_LANDLOCK_IOCTL_DEV;
	plan->landlock_abi = abi;
	plan->landlock_fs = all;
	plan->landlock_scoped = abi >= 6 ? SYS_LANDLOCK_SCOPE_ABSTRACT_UNIX | SYS_LANDLOCK_SCOPE_SIGNAL : 0;
	/* kernels take the fields they know and refuse longer structures whose rest is not zero */
	plan->landlock_attr_size = abi >= 6 ? 24 : abi >= 4 ? 16 : 8;
	use = all & ~(SYS_LANDLOCK_MAKE_CHAR | SYS_LANDLOCK_MAKE_BLOCK | SYS_LANDLOCK_IOCTL_DEV);
	/* without READ_DIR on "/" even `ls /` fails (finding 41) */
	add_rule(plan, "/", e->kind == SR_ENVIRONMENT_TREE ? use : read);
	add_rule(plan, "/work", use);
	add_rule(plan, "/tmp", use);
	add_rule(plan, "/dev/shm", use);
	add_rule(plan, "/dev", read | SYS_LANDLOCK_WRITE_FILE | SYS_LANDLOCK_TRUNCATE | SYS_LANDLOCK_IOCTL_DEV);
}
