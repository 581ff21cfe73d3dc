/* SPDX-License-Identifier: MIT */
/*
 * Limits over the process tree of a run for machines without cgroup v2 (findings 14 and 16): a sampler. It sees what is
 * there when it looks, so limits held by it are best effort and said to be; what lived and died between two looks, and
 * memory of sockets and pipes, it does not see. The tree is read by run/proctree.h.
 */
#ifndef SR_RUN_WATCHDOG_H
#define SR_RUN_WATCHDOG_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct watchdog_seen;

struct sr_watchdog {
	pid_t init;                  /* PID 1 of the sandbox, as the supervisor sees it */
	uint64_t memory_limit;       /* bytes, SR_UNLIMITED */
	uint64_t cpu_limit_ns;
	uint64_t available_at_start; /* MemAvailable, 0 unknown */
	struct proctree *tree;       /* owned; made at the first look */
	struct watchdog_seen *seen;  /* owned; processes of the last look, by pid */
	unsigned seen_count;
	uint64_t gone_ticks;         /* own ticks of processes that went away between looks */
	unsigned shared_from;        /* where the next look goes on reading maps */
	/* highest values seen */
	uint64_t peak_bytes;
	uint64_t cpu_ns;
	unsigned processes;
};

enum watchdog_verdict { WATCHDOG_OK, WATCHDOG_MEMORY, WATCHDOG_HOST_MEMORY, WATCHDOG_CPU };

void watchdog_init(struct sr_watchdog *w, pid_t init, uint64_t memory_limit, uint64_t cpu_limit_ns);
/* Looks once. *ret_next_ms: when to look again, 5 to 50 ms, sooner the closer a limit is. */
enum watchdog_verdict watchdog_look(struct sr_watchdog *w, unsigned *ret_next_ms);
void watchdog_done(struct sr_watchdog *w);

#endif
