/* SPDX-License-Identifier: MIT */
/*
 * What came of a run: plain data, filled by run/, printed by cli/, later signed by evidence/.
 */
#ifndef SR_RUN_OUTCOME_H
#define SR_RUN_OUTCOME_H

#include <stdbool.h>
#include <stdint.h>

#include "evidence/digest.h"

enum sr_outcome_kind {
	SR_OUTCOME_SETUP_FAILED, /* nothing untrusted ran */
	SR_OUTCOME_EXITED,
	SR_OUTCOME_SIGNALED,
	SR_OUTCOME_LIMIT,        /* a limit of sandrun's ended it */
	SR_OUTCOME_KILLED,       /* sandrun ended it: a second signal, the grace time, or its PID 1 was killed from outside */
};

enum sr_limit_hit {
	SR_HIT_NONE,
	SR_HIT_WALL,
	SR_HIT_CPU,
	SR_HIT_MEMORY,
	SR_HIT_HOST_MEMORY, /* the backstop: the machine was running out (finding 14) */
	SR_HIT_OUTPUT,
	SR_HIT_DISK,        /* --build-layer: the disk that it is written to was running out */
};

/* One standard stream as it passed. */
struct sr_stream_result {
	bool present;
	bool truncated;             /* output limit: what was accepted before it was delivered */
	bool is_private;            /* then hex is a commitment, and the size is nobody's business either */
	const char *role;           /* "stdin", "stdout", "stderr", "terminal", "stdout+stderr": its name in a certificate */
	uint64_t bytes;
	char hex[SR_DIGEST_HEX];    /* SHA-256, or the commitment */
};

/* Moments of a run, CLOCK_MONOTONIC in ns; 0: did not come. --timing prints the differences. */
struct sr_phases {
	uint64_t planned, cloned, work, files, ready, go, started, exited, reaped;
};

struct sr_outcome {
	enum sr_outcome_kind kind;
	enum sr_limit_hit hit;
	int exit_code;              /* EXITED */
	int signal;                 /* SIGNALED, or how a limit's kill ended it */
	int status;                 /* sandrun's own exit status, interface.md */
	uint64_t wall_ns;           /* from the exec to the death of the last process, without time spent stopped */
	uint64_t user_us, system_us;
	uint64_t memory_peak_bytes;
	const char *cpu_source, *memory_source;
	const char *cgroup;         /* "delegated", "scope", "none" */
	uint64_t pids_peak;         /* of these three 0: not counted */
	uint64_t forks_refused, throttled_us;
	uint64_t frozen_ns;         /* paused by cpu.window */
	struct sr_stream_result in, out, err;
	bool merged;                /* stderr went the way of stdout: one stream, its order kept (finding 22) */
	bool gave_up;               /* a signal ended the wait for a reader of the output */
	bool lost;                  /* KILLED because sandrun's PID 1 was killed from outside; usage is what was sampled */
	bool terminal;              /* out is what the private pty showed */
	uint64_t executed_ns;       /* the exec, CLOCK_MONOTONIC; phases.started moves on by the time spent stopped */
	struct sr_phases phases;
};

#endif
