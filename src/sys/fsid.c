/* SPDX-License-Identifier: MIT */
#include "sys/fsid.h"

#include <errno.h>
#include <sys/fsuid.h>
#include <unistd.h>

void sys_fsid_init(struct sys_fsid *f, uid_t uid, gid_t gid)
{
	f->uid = uid;
	f->gid = gid;
	f->old_uid = geteuid();
	f->old_gid = getegid();
	f->needed = f->uid != f->old_uid || f->gid != f->old_gid;
}

/* -1 is no id: the call changes nothing and returns the one in force */
static bool are_ids(uid_t uid, gid_t gid)
{
	return (uid_t)setfsuid((uid_t)-1) == uid && (gid_t)setfsgid((gid_t)-1) == gid;
}

int sys_fsid_leave(const struct sys_fsid *f)
{
	if (!f->needed)
		return 0;
	(void)setfsuid(f->old_uid); /* gives the capabilities over files back; their results are the old ids */
	(void)setfsgid(f->old_gid);
	return are_ids(f->old_uid, f->old_gid) ? 0 : -EPERM;
}

int sys_fsid_enter(const struct sys_fsid *f)
{
	if (!f->needed)
		return 0;
	(void)setfsgid(f->gid);
	(void)setfsuid(f->uid);
	if (are_ids(f->uid, f->gid))
		return 0;
	(void)sys_fsid_leave(f);
	return -EPERM;
}
