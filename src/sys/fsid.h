/* SPDX-License-Identifier: MIT */
/*
 * Creating files as somebody else, for a moment (finding 13). When root runs sandrun, root's id means nothing in the
 * sandbox's user namespace: a file that root creates in its tmpfs would fail with EOVERFLOW. So the creation alone runs
 * under the payload's host id, by setfsuid(2) and setfsgid(2), which change nothing else of the process and hold for the
 * calling thread only.
 *
 * Both calls report no errors: the switch is checked by reading the ids back. 0 or -errno (-EPERM: the kernel ignored
 * the request). Sources are to be opened outside of the pair, with the caller's own rights.
 */
#ifndef SR_SYS_FSID_H
#define SR_SYS_FSID_H

#include <stdbool.h>
#include <sys/types.h>

struct sys_fsid {
	uid_t uid, old_uid;
	gid_t gid, old_gid;
	bool needed; /* false: the ids are the caller's own, enter and leave do nothing */
};

/* Prepares the pair for these ids; nothing is switched yet. */
void sys_fsid_init(struct sys_fsid *f, uid_t uid, gid_t gid);
/* On failure the ids are the caller's again. */
int sys_fsid_enter(const struct sys_fsid *f);
/* A failure leaves the thread with the wrong ids: the caller must give up. */
int sys_fsid_leave(const struct sys_fsid *f);

#endif
