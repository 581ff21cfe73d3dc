/* SPDX-License-Identifier: MIT */
/*
 * The trusted core: what runs between clone and exec, and afterwards as PID 1 of the sandbox.
 *
 * Called by run/ in the cloned child only. It allocates nothing, prints nothing, parses nothing, and uses of the C library
 * only system call wrappers (tests/tree holds the list). It talks to the supervisor over one SOCK_SEQPACKET socket in
 * fixed-size messages; a failure is one message with stage, errno and index, then _exit.
 */
#ifndef SR_STAGE_STAGE_H
#define SR_STAGE_STAGE_H

#include <stdint.h>
#include <sys/types.h>

#include "plan/plan.h"

/* The steps, in their order; names for messages stand in run/stage-text.c. */
enum sr_stage {
	SR_STAGE_START,
	SR_STAGE_IDS,
	SR_STAGE_PROPAGATION,
	SR_STAGE_FS,
	SR_STAGE_PIVOT,
	SR_STAGE_HOSTNAME,
	SR_STAGE_LOOPBACK,
	SR_STAGE_CGROUP,
	SR_STAGE_CAPS,
	SR_STAGE_LANDLOCK,
	SR_STAGE_TERMINAL,
	SR_STAGE_GATE,
	SR_STAGE_FORK,
	SR_STAGE_STDIO,
	SR_STAGE_RLIMITS,
	SR_STAGE_SECCOMP,
	SR_STAGE_EXEC,
	SR_STAGE_INIT, /* PID 1's own lock-down */
	SR_STAGE_MAX
};

enum sr_msg_type {
	/* child to supervisor */
	SR_MSG_FAILED = 1,  /* stage, errnum, index: set-up is over, nothing untrusted ran */
	SR_MSG_MAPPING,     /* where the plan has observed: it runs, and goes on to map its ids */
	SR_MSG_NOTE,        /* index of an fs step that took its fallback, errnum: why */
	SR_MSG_WORK,        /* with a descriptor: the work folder */
	SR_MSG_READY,       /* waits at the gate; with a descriptor where there is a pty: its master. Not sent when the
			     * word to go is there already */
	SR_MSG_STARTED,     /* the payload's exec happened; --learn: with the listener of its filter */
	SR_MSG_EXITED,      /* wait_status and usage; every process of the sandbox is dead and reaped */
	/* supervisor to child */
	SR_MSG_OBSERVED,    /* it has looked at the namespaces: init may make itself undumpable, after which nobody can */
	SR_MSG_PLACED,      /* where the plan has cgroup_wait: init is where its limits hold; index 1: memory is counted there */
	SR_MSG_GO,          /* index: how many notes were accepted; the gate opens when that is all that were sent */
	SR_MSG_SIGNAL,      /* index: the signal, for the payload's first process */
	SR_MSG_SIGNAL_GROUP, /* index: the signal, for its process group, as a terminal does it */
	SR_MSG_SIGNAL_ALL,  /* index: the signal, for every process but PID 1 */
	SR_MSG_KILL,        /* end it: SIGKILL to all */
};

struct sr_msg {
	uint32_t type;
	uint32_t stage;
	int32_t errnum;
	int32_t index;
	int32_t wait_status;
	uint32_t reserved;
	uint64_t user_us, system_us, max_rss_kb; /* of all processes that were waited for, getrusage(2) */
};

/* What the child needs beside the plan: descriptors made for this run. All are close-on-exec and above 2. */
struct sr_child_fds {
	int ctl;         /* its end of the socket */
	int supervisor;  /* the other end, inherited: closed first of all, so that end of file means what it says */
	int payload[3];  /* becomes 0, 1, 2; -1: the pty */
};

/* Runs in the child; never returns. */
void stage_child(const struct sr_plan *plan, const struct sr_child_fds *fds) __attribute__((__noreturn__));

/* ---- between the files of stage/ ---- */

struct sr_stage_ctx {
	const struct sr_plan *plan;
	const struct sr_child_fds *fds;
	int lower_fd;      /* folder kept by SR_FS_OPEN */
	bool counted;      /* a memory cgroup counts: the payload gets the plan's counted_filter */
	int notes;         /* fallbacks told to the supervisor */
	int tried;         /* errno of the last SR_FS_TRY, 0 when it stands */
	int ruleset_fd;    /* the payload's Landlock ruleset, -1 without Landlock */
	int init_ruleset_fd;
	int pty_master, pty_slave;
	int sigchld_fd;
	pid_t payload;
};

void stage_fail(const struct sr_stage_ctx *c, enum sr_stage stage, int errnum, int index) __attribute__((__noreturn__));
void stage_send(const struct sr_stage_ctx *c, const struct sr_msg *msg, int fd);
void stage_ids(const struct sr_stage_ctx *c);
void stage_fs(struct sr_stage_ctx *c);
void stage_pivot(const struct sr_stage_ctx *c);
void stage_net(const struct sr_stage_ctx *c);
void stage_landlock_prepare(struct sr_stage_ctx *c);
void stage_caps(struct sr_stage_ctx *c);
/* 0, or the listener that flags asked for; -errno. */
int stage_filter(const struct sr_bpf *bpf, unsigned flags);
void stage_terminal(struct sr_stage_ctx *c);
void stage_gate(const struct sr_stage_ctx *c);
void stage_payload(struct sr_stage_ctx *c);
void stage_init(struct sr_stage_ctx *c) __attribute__((__noreturn__));

#endif
