/* SPDX-License-Identifier: MIT */
/*
 * The new root, step by step as the plan lists it.
 * Needs: CAP_SYS_ADMIN in the user namespace. Gives up: nothing yet; the old root goes in stage/pivot.c.
 * After: ids. Before: pivot.
 * Paths: every destination is made of folders that earlier steps made in a tmpfs of ours (in an image's case in the
 * overlay's upper, which hides whatever the image has of that name), so no link of an image is ever followed here. A build's
 * upper is a folder on disk that an earlier build wrote to: there each folder is opened first, which fails for a link. What
 * was mounted from the host is compared, once it is mounted, with what was looked at before.
 * If a step failed and were skipped: a writable or incomplete root; so any failure ends the run.
 */
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "stage/stage.h"
#include "sys/kernel.h"

#define SAFE (MS_NOSUID | MS_NODEV)

/*
 * What a step returns: 0, an errno, or the negative errno of a mechanism whose fallback it took: that is told to the
 * supervisor, and the gate stays shut until it was accepted.
 */
static int err_of(int r)
{
	return r < 0 ? errno : 0;
}

/* A file of the root; or a lower ceiling in our own namespaces, which a container that keeps /proc/sys read-only refuses. */
static int step_write(const struct sr_fs_op *op)
{
	const bool sysctl = op->kind == SR_FS_SYSCTL;
	int fd = sysctl ? sys_open(op->src, O_WRONLY | O_CLOEXEC, 0) :
			  sys_open(op->dest, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, op->mode);
	int r;

	if (fd < 0) {
		r = errno;
	} else {
		errno = ENOSPC; /* what a write that is cut short means */
		r = write(fd, op->data, op->len) == (ssize_t)op->len ? 0 : errno;
		(void)close(fd);
	}
	return sysctl ? -r : r;
}

static int seal(const char *dest)
{
	const struct sys_mount_attr attr = { .attr_set = SYS_MOUNT_ATTR_RDONLY | SYS_MOUNT_ATTR_NOSUID |
							 SYS_MOUNT_ATTR_NODEV };

	/* recursive: a classic remount reaches the top mount only (finding 41) */
	return -sys_mount_setattr(AT_FDCWD, dest, SYS_AT_RECURSIVE, &attr);
}

/* Whether what is now at dest is what was looked at: checked on the mounted thing, so no exchange in between goes unseen. */
static int check_mounted(const struct sr_fs_op *op, const struct stat *seen)
{
	struct stat st;

	if (stat(op->dest, &st) < 0)
		return errno;
	if (op->flags & SR_FS_CHARDEV)
		return S_ISCHR(st.st_mode) && st.st_rdev == op->dev ? 0 : ENODEV;
	if (st.st_dev != seen->st_dev || st.st_ino != seen->st_ino ||
	    (op->ino && (st.st_dev != op->dev || st.st_ino != op->ino)))
		return ESTALE;
	return (op->flags & SR_FS_REGULAR) && !S_ISREG(st.st_mode) ? EINVAL : 0;
}

/* A link of a checked tree (say /etc/localtime) is made again, not followed. */
static int copy_link(const struct sr_fs_op *op)
{
	char target[1024];
	ssize_t n = readlink(op->src, target, sizeof(target));

	if (n < 0 || n == (ssize_t)sizeof(target))
		return n < 0 ? errno : ENAMETOOLONG;
	target[n] = '\0';
	return err_of(symlink(target, op->dest));
}

static int step_bind(const struct sr_fs_op *op)
{
	struct stat seen = { 0 };
	int r = 0;

	/* a device is known by its number afterwards; everything else by what it is before */
	if (!(op->flags & SR_FS_CHARDEV) && lstat(op->src, &seen) < 0)
		return errno;
	if ((op->flags & SR_FS_MAKE) && S_ISLNK(seen.st_mode))
		return copy_link(op);
	if (op->flags & SR_FS_MAKE)
		r = err_of(S_ISDIR(seen.st_mode) ? mkdir(op->dest, 0755) : mknod(op->dest, S_IFREG | 0444, 0));
	if (!r)
		r = err_of(mount(op->src, op->dest, NULL, MS_BIND | (op->flags & SR_FS_RECURSIVE ? MS_REC : 0), NULL));
	if (!r)
		r = check_mounted(op, &seen);
	if (!r && (op->flags & SR_FS_READONLY))
		r = seal(op->dest);
	return r;
}

static int step_open(struct sr_stage_ctx *c, const struct sr_fs_op *op)
{
	struct stat st;

	c->lower_fd = sys_open(op->src, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
	if (c->lower_fd < 0)
		return errno;
	if (fstat(c->lower_fd, &st) < 0 || (op->mode && dup3(c->lower_fd, (int)op->mode, O_CLOEXEC) < 0))
		return errno;
	if (op->mode)
		(void)close(c->lower_fd);
	return !op->ino || (st.st_dev == op->dev && st.st_ino == op->ino) ? 0 : ESTALE;
}

/*
 * An overlay, also where nothing is to be written: a socket or a FIFO of the host cannot be reached through one, through
 * a plain read-only bind it can (finding 10). Where the kernel refuses (a submount below, overlay on overlay on overlay), the
 * plan may allow a bind; the supervisor is told and proves the absence of both before it opens the gate.
 */
static int step_overlay(struct sr_stage_ctx *c, const struct sr_fs_op *op)
{
	int back = -1, r, fallback;

	if (op->flags & SR_FS_HERE) {
		/* a relative lowerdir keeps the host's path out of mountinfo; dest is absolute then */
		back = sys_open(".", O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
		if (back < 0 || fchdir(c->lower_fd) < 0)
			return errno;
	}
	r = err_of(mount("overlay", op->dest, "overlay", op->mode ? SAFE | MS_RDONLY : SAFE, op->data));
	if (back >= 0) {
		if (fchdir(back) < 0)
			return errno;
		(void)close(back);
		(void)close(c->lower_fd);
		c->lower_fd = -1;
	}
	if (op->flags & SR_FS_TRY) {
		c->tried = r;
		return 0;
	}
	if (!r || !(op->flags & SR_FS_OR_BIND))
		return r;
	fallback = err_of(mount(op->src, op->dest, NULL, MS_BIND | MS_REC, NULL));
	if (!fallback)
		fallback = seal(op->dest);
	return fallback ? fallback : -r;
}

static int step_same(const struct sr_fs_op *op)
{
	const struct sr_stamp *seen = (const struct sr_stamp *)(const void *)op->data;
	struct stat st;

	if (stat(op->src, &st) < 0)
		return errno;
	return st.st_mtim.tv_sec == seen->mtime_s && st.st_mtim.tv_nsec == seen->mtime_ns &&
			       st.st_ctim.tv_sec == seen->ctime_s && st.st_ctim.tv_nsec == seen->ctime_ns ?
		       0 :
		       ESTALE;
}

static int step_send(const struct sr_stage_ctx *c, const struct sr_fs_op *op)
{
	struct sr_msg msg = { .type = SR_MSG_WORK };
	int fd = sys_open(op->dest, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);

	if (fd < 0)
		return errno;
	stage_send(c, &msg, fd);
	(void)close(fd);
	return 0;
}

static int step_xattr(const struct sr_fs_op *op)
{
	return setxattr(op->dest, "user.sandrun", "1", 1, 0) < 0 ? -errno : err_of(removexattr(op->dest, "user.sandrun"));
}

static int step_mount(const struct sr_fs_op *op)
{
	switch (op->kind) {
	case SR_FS_STAGE:
		if (mount("sandrun", op->src, "tmpfs", SAFE, op->data) < 0)
			return errno;
		return err_of(chdir(op->src));
	case SR_FS_TMPFS:
		return err_of(mount("sandrun", op->dest, "tmpfs", op->flags & SR_FS_READONLY ? SAFE | MS_RDONLY : SAFE,
				    op->data));
	case SR_FS_PROC:
		return err_of(mount("proc", op->dest, "proc", SAFE | MS_NOEXEC | MS_RDONLY, op->data));
	case SR_FS_DEVPTS:
		return err_of(mount("devpts", op->dest, "devpts", MS_NOSUID | MS_NOEXEC, op->data));
	default:
		return err_of(umount2(op->dest, MNT_DETACH | UMOUNT_NOFOLLOW));
	}
}

static int step(struct sr_stage_ctx *c, const struct sr_fs_op *op)
{
	switch (op->kind) {
	case SR_FS_MKDIR:
		return mkdir(op->dest, (mode_t)op->mode) < 0 && errno != EEXIST ? errno : 0;
	case SR_FS_SYMLINK:
		return err_of(symlink(op->src, op->dest));
	case SR_FS_FILE:
	case SR_FS_SYSCTL:
		return step_write(op);
	case SR_FS_OPEN:
		return step_open(c, op);
	case SR_FS_OVERLAY:
		return step_overlay(c, op);
	case SR_FS_BIND:
		return step_bind(op);
	case SR_FS_SEND:
		return step_send(c, op);
	case SR_FS_SAME:
		return step_same(op);
	case SR_FS_XATTR:
		return step_xattr(op);
	case SR_FS_ENTER:
		return err_of(chdir(op->dest));
	default:
		return step_mount(op);
	}
}

void stage_fs(struct sr_stage_ctx *c)
{
	/* Nothing that is mounted here may reach the host, nothing mounted there later may appear here. */
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		stage_fail(c, SR_STAGE_PROPAGATION, errno, 0);
	(void)umask(0);
	for (size_t i = 0; i < c->plan->fs_count; i++) {
		const struct sr_fs_op *op = &c->plan->fs[i];
		int r = (op->flags & SR_FS_ELSE) && !c->tried ? 0 : step(c, op);

		if (r < 0) {
			const struct sr_msg note = { .type = SR_MSG_NOTE, .index = (int)i, .errnum = -r };

			c->notes++;
			stage_send(c, &note, -1);
		} else if (r && !(r == ENOENT && (op->flags & SR_FS_OPTIONAL))) {
			stage_fail(c, SR_STAGE_FS, r, (int)i);
		}
	}
	(void)umask(022);
}
