/* SPDX-License-Identifier: MIT */
/*
 * What this machine can do for a sandbox, each found out by trying it with the code that a run uses: real runs of a program
 * that does nothing, whose failing step tells what is missing, and single calls where a run has a fallback. Used by
 * `sandrun doctor`. Every trial happens in a child of its own; nothing is left behind.
 */
#ifndef SR_RUN_PROBE_H
#define SR_RUN_PROBE_H

#include <stdbool.h>

#include "base/macros.h"

/* In the order in which they are printed. The ids are part of the interface. */
#define SR_PROBES(X)                                 \
	X(CLONE3, "clone3")                          \
	X(PIDFD, "pidfd")                            \
	X(OPENAT2, "openat2")                        \
	X(CLOSE_RANGE, "close-range")                \
	X(USERNS, "user-namespaces")                 \
	X(NAMESPACES, "namespaces")                  \
	X(UID_MAP, "uid-map")                        \
	X(MOUNTS, "mounts")                          \
	X(MOUNT_SETATTR, "mount-setattr")            \
	X(PROCFS, "procfs")                          \
	X(OVERLAY, "overlay")                        \
	X(OVERLAY_TMPFS, "overlay-tmpfs")            \
	X(PIVOT_ROOT, "pivot-root")                  \
	X(NETWORK, "network")                        \
	X(PTY, "pty")                                \
	X(CAPABILITIES, "capabilities")              \
	X(LANDLOCK, "landlock")                      \
	X(SECCOMP, "seccomp")                        \
	X(LIBSECCOMP, "libseccomp")                  \
	X(SYSCTL, "namespace-ceilings")              \
	X(PROC_VISIBLE, "proc-visible")              \
	X(CGROUP, "cgroup")                          \
	X(CGROUP_MEMORY, "cgroup-memory")            \
	X(CGROUP_PIDS, "cgroup-pids")                \
	X(CGROUP_CPU, "cgroup-cpu")                  \
	X(CGROUP_IO, "cgroup-io")                    \
	X(CGROUP_CLONE, "cgroup-clone")              \
	X(SESSION, "systemd-session")                \
	X(SWAP, "swap")                              \
	X(ADVISORIES, "kernel-advisories")           \
	X(RUN, "run")

enum sr_probe_id {
#define SR_PROBE_ID(name, id) SR_PROBE_##name,
	SR_PROBES(SR_PROBE_ID)
#undef SR_PROBE_ID
	SR_PROBE_MAX
};

enum sr_probe_state {
	SR_PROBE_OK,
	SR_PROBE_DEGRADED, /* sandrun runs; the text says what is lost */
	SR_PROBE_MISSING,  /* a plain run is refused */
};

struct sr_probe_row {
	const char *id;
	enum sr_probe_state state;
	bool tried;      /* false: something that it rests on is missing */
	char text[800];
	char mend[800];  /* "" where there is none, or none is needed; run/mend.h says whether it is root's */
};

/* What the trial run had of a cgroup, for the rows of probe-cgroup.c. */
struct sr_probe_cgroup {
	bool known;            /* a run came so far */
	int way;               /* enum sr_cgroup_way */
	unsigned controllers;
	bool crowded;          /* a run would move other processes: a cgroup was made and a process born there, no more */
	int crowded_errnum;    /* of that */
	bool born, borrowed;
	char why[160], shown[512];
	char memory_note[160], pids_note[160], cpu_note[160], io_note[160], swap_note[160];
};

struct sr_probes {
	struct sr_probe_row row[SR_PROBE_MAX];
	struct sr_probe_cgroup cgroup;
};

/* Tries everything. Takes some tens of milliseconds. Never fails: what cannot be found out is a row that says so. */
void probe_machine(struct sr_probes *ret);
/* "ok", "degraded", "missing". */
const char *probe_state_name(enum sr_probe_state state);

/* ---- between the files probe*.c ---- */
void probe_ok(struct sr_probes *p, enum sr_probe_id id, const char *fmt, ...) SR_PRINTF(3, 4);
/* Not ok; mend may be "". A row that was tried already keeps what it has. */
void probe_bad(struct sr_probes *p, enum sr_probe_id id, enum sr_probe_state state, const char *mend, const char *fmt, ...)
	SR_PRINTF(5, 6);
/*
 * Runs fn(arg) in a child that has /dev/null for standard descriptors. Where this process is killed, it goes on to its end,
 * some milliseconds, and takes away what it made. arg must be memory of probe_shared(). 0 when fn returned, -EPERM when a seccomp filter killed it, -ECANCELED
 * when it died of something else, -ETIMEDOUT.
 */
int probe_in_child(void (*fn)(void *arg), void *arg);
/* Zeroed memory that parent and child share, or NULL. Given back by probe_unshare(). */
void *probe_shared(size_t size);
void probe_unshare(void *memory, size_t size);

void probe_calls(struct sr_probes *p);      /* single system calls that a run can do without */
void probe_namespaces(struct sr_probes *p); /* user namespaces and the others */
void probe_runs(struct sr_probes *p);       /* whole runs */
void probe_cgroup(struct sr_probes *p);     /* cgroup v2 and the systemd user session, from what the runs had */
void probe_kernel(struct sr_probes *p);     /* swap, advisories, libseccomp */
/* Makes a cgroup in the folder, starts a process in it, takes it away again. 0 or an errno. */
int probe_cgroup_child(int parent_fd);
/*
 * The advisories that a kernel of this release and version (uname(2)) falls under, by its number: "" or a list. Distributors
 * mend without changing the first, so a Debian package's own number in the second counts.
 */
void probe_advisories(const char *release, const char *version, char *out, size_t size);

#endif
