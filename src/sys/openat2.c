/* SPDX-License-Identifier: MIT */
#include "sys/openat2.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"

enum {
	MAX_LINKS = 40,   /* as the kernel's own MAXSYMLINKS */
	MAX_RETRIES = 16, /* EAGAIN: a rename ran beside the resolution */
};

/* True when the answer may come from a filter or an old kernel and not from the file system: then walk by hand. */
static bool is_call_missing(int r)
{
	return r == -ENOSYS || r == -EPERM || r == -EAGAIN;
}

static bool is_creating(int flags)
{
	return (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE;
}

static int openat2_retry(int dir_fd, const char *path, int flags, mode_t mode, uint64_t resolve)
{
	struct open_how how = {
		.flags = (uint64_t)(unsigned int)(flags | O_CLOEXEC),
		.mode = is_creating(flags) ? mode : 0, /* anything else is EINVAL */
		.resolve = resolve,
	};
	long r = -1;

	for (int i = 0; i < MAX_RETRIES; i++) {
		r = syscall(SYS_openat2, dir_fd, path, &how, sizeof(how));
		if (r >= 0)
			return (int)r;
		if (errno != EAGAIN && errno != EINTR)
			break;
	}
	return -errno;
}

/* Cuts the next component out of *path into name. 1, 0 at the end, -ENAMETOOLONG. "." and "//" are skipped. */
static int next_component(const char **path, char name[static NAME_MAX + 1])
{
	for (;;) {
		size_t len;

		while (**path == '/')
			(*path)++;
		len = strcspn(*path, "/");
		if (len == 0)
			return 0;
		if (len > NAME_MAX)
			return -ENAMETOOLONG;
		memcpy(name, *path, len);
		name[len] = '\0';
		*path += len;
		if (strcmp(name, ".") != 0)
			return 1;
	}
}

static bool is_dot_dot(const char *name)
{
	return name[0] == '.' && name[1] == '.' && name[2] == '\0';
}

/* True when nothing but slashes and dots is left: the component in hand is the last. */
static bool is_last(const char *rest)
{
	char name[NAME_MAX + 1];

	return next_component(&rest, name) == 0;
}

/* openat(2) of one component that must be no link; a link answers ELOOP whatever the flags are. */
static int open_component(int dir_fd, const char *name, int flags, mode_t mode)
{
	SR_AUTOCLOSE int fd = openat(dir_fd, name, flags | O_NOFOLLOW | O_CLOEXEC, mode);
	struct stat st;

	if (fd < 0) {
		int e = errno;

		/* O_DIRECTORY on a link says ENOTDIR; openat2(2) says ELOOP */
		if (e == ENOTDIR && fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode))
			return -ELOOP;
		return -e;
	}
	if ((flags & O_PATH) && !(flags & O_NOFOLLOW)) {
		if (fstat(fd, &st) < 0)
			return -errno;
		if (S_ISLNK(st.st_mode))
			return -ELOOP;
	}
	return SR_TAKE_FD(fd);
}

static int open_folder(int dir_fd, const char *name)
{
	return open_component(dir_fd, name, O_PATH | O_DIRECTORY, 0);
}

/* Refusals that do not depend on the file system. */
static int check_beneath(const char *path)
{
	char name[NAME_MAX + 1];
	int r;

	if (*path == '\0')
		return -ENOENT;
	if (*path == '/')
		return -EXDEV;
	while ((r = next_component(&path, name)) > 0) {
		if (is_dot_dot(name))
			return -EXDEV;
	}
	return r;
}

int sys_open_beneath_walk(int dir_fd, const char *path, int flags, mode_t mode)
{
	SR_AUTOCLOSE int cur = -1;
	char name[NAME_MAX + 1];
	int r = check_beneath(path);

	if (r < 0)
		return r;
	while ((r = next_component(&path, name)) > 0) {
		int fd;

		if (is_last(path)) {
			if (*path && (flags & O_CREAT))
				return -EISDIR;
			return open_component(cur < 0 ? dir_fd : cur, name, *path ? flags | O_DIRECTORY : flags, mode);
		}
		fd = open_folder(cur < 0 ? dir_fd : cur, name);
		if (fd < 0)
			return fd;
		fd_close(&cur);
		cur = fd;
	}
	if (r < 0)
		return r;
	return open_component(dir_fd, ".", flags, mode); /* "." in some spelling */
}

int sys_open_beneath(int dir_fd, const char *path, int flags, mode_t mode)
{
	int r = check_beneath(path);

	if (r < 0)
		return r;
	r = openat2_retry(dir_fd, path, flags, mode, RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS);
	if (is_call_missing(r))
		return sys_open_beneath_walk(dir_fd, path, flags, mode);
	return r;
}

/*
 * State of a resolution in a root. `done` is the path walked so far, free of links and dots: ".." cuts its end off and
 * walks again from the root, because following a real ".." could leave the root when a folder is moved meanwhile.
 */
struct walk {
	int root_fd;
	int cur;             /* -1: the root */
	char done[PATH_MAX];
	char rest[PATH_MAX]; /* still to walk */
	int links;
};

static int walk_fd(const struct walk *w)
{
	return w->cur < 0 ? w->root_fd : w->cur;
}

static int enter_folder(struct walk *w, const char *name)
{
	size_t have = strlen(w->done), len = strlen(name);
	int fd;

	if (have + len + 2 > sizeof(w->done))
		return -ENAMETOOLONG;
	fd = open_folder(walk_fd(w), name);
	if (fd < 0)
		return fd;
	fd_close(&w->cur);
	w->cur = fd;
	w->done[have] = '/';
	memcpy(w->done + have + 1, name, len + 1);
	return 0;
}

static int leave_folder(struct walk *w)
{
	char *slash = strrchr(w->done, '/');
	int fd;

	fd_close(&w->cur);
	if (!slash)
		return 0; /* at the root already */
	*slash = '\0';
	if (!w->done[0])
		return 0;
	fd = sys_open_beneath_walk(w->root_fd, w->done + 1, O_PATH | O_DIRECTORY, 0);
	if (fd < 0)
		return fd;
	w->cur = fd;
	return 0;
}

/* Puts a link's target in front of what is left. */
static int follow_link(struct walk *w, const char *target, size_t len, const char *rest)
{
	char joined[PATH_MAX];
	size_t left = strlen(rest);

	if (++w->links > MAX_LINKS)
		return -ELOOP;
	if (len == 0)
		return -ENOENT;
	if (len + left + 1 > sizeof(joined))
		return -ENAMETOOLONG;
	memcpy(joined, target, len);
	memcpy(joined + len, rest, left + 1);
	memcpy(w->rest, joined, len + left + 1);
	if (target[0] == '/') {
		fd_close(&w->cur);
		w->done[0] = '\0';
	}
	return 0;
}

/* One component. 0: go on; 1: *ret_fd is the result; -errno. */
static int walk_step(struct walk *w, int flags, int *ret_fd)
{
	char name[NAME_MAX + 1], target[PATH_MAX];
	const char *rest = w->rest;
	bool last, wants_folder;
	ssize_t n;
	int r;

	r = next_component(&rest, name);
	if (r < 0)
		return r;
	if (r == 0) {
		r = open_component(walk_fd(w), ".", flags, 0);
		*ret_fd = r;
		return r < 0 ? r : 1;
	}
	last = is_last(rest);
	wants_folder = last && *rest;
	if (is_dot_dot(name)) {
		r = leave_folder(w);
	} else if (!(last && !wants_folder && (flags & O_NOFOLLOW)) &&
		   (n = readlinkat(walk_fd(w), name, target, sizeof(target))) >= 0) {
		return follow_link(w, target, (size_t)n, rest);
	} else if (last) {
		/* a link that appears here now, between the two calls, is ELOOP: never followed by the kernel */
		r = open_component(walk_fd(w), name, wants_folder ? flags | O_DIRECTORY : flags, 0);
		*ret_fd = r;
		return r < 0 ? r : 1;
	} else {
		r = enter_folder(w, name);
	}
	if (r == 0)
		memmove(w->rest, rest, strlen(rest) + 1);
	return r;
}

int sys_open_in_root_walk(int root_fd, const char *path, int flags)
{
	struct walk w;
	int r, fd = -1;

	if (is_creating(flags))
		return -EINVAL;
	if (*path == '\0')
		return -ENOENT;
	if (strlen(path) >= sizeof(w.rest))
		return -ENAMETOOLONG;
	w.root_fd = root_fd;
	w.cur = -1;
	w.links = 0;
	w.done[0] = '\0';
	memcpy(w.rest, path, strlen(path) + 1);
	do {
		r = walk_step(&w, flags, &fd);
	} while (r == 0);
	fd_close(&w.cur);
	return r < 0 ? r : fd;
}

int sys_open_in_root(int root_fd, const char *path, int flags)
{
	int r;

	if (is_creating(flags))
		return -EINVAL;
	r = openat2_retry(root_fd, path, flags, 0, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
	if (is_call_missing(r))
		return sys_open_in_root_walk(root_fd, path, flags);
	return r;
}
