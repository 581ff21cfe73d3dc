/* SPDX-License-Identifier: MIT */
/* --build-layer: the folder that takes what is written, opened and checked. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/fd.h"
#include "plan/environment.h"
#include "sys/openat2.h"

#define STAGE "environment"
#define SHOWN(s) str_escape((s), (char[256]){ 0 }, 256)

static int build_error(const char *what, const char *path, int errnum, struct sr_error *err)
{
	return sr_error_set(err, SR_E_ENVIRONMENT, errnum, STAGE, "cannot %s '%s': %s", what, SHOWN(path), strerror(errnum));
}

/* DIR itself: the user's own, closed to others, and nobody else builds in it now. */
static int open_build_folder(const char *path, int *ret_fd, struct sr_error *err)
{
	SR_AUTOCLOSE int fd = -1;
	struct stat st;
	int r;

	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return build_error("make", path, errno, err);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return build_error("build in", path, errno, err);
	if (st.st_uid != geteuid() || (st.st_mode & 077)) {
		r = sr_error_set(err, SR_E_ENVIRONMENT, EPERM, STAGE, "cannot build in '%s': others have rights to it", SHOWN(path));
		sr_error_hint(err, "give a folder of your own with mode 0700, or a name that is not there yet");
		return r;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		r = sr_error_set(err, SR_E_ENVIRONMENT, errno, STAGE, "cannot build in '%s': another sandrun does", SHOWN(path));
		sr_error_hint(err, "wait for it, or give another folder");
		return r;
	}
	*ret_fd = SR_TAKE_FD(fd);
	return 0;
}

static int open_build_part(const struct sr_policy *p, int dir_fd, const char *name, struct sr_layer *ret, struct sr_error *err)
{
	SR_AUTOFREE char *dir = realpath(p->build_layer, NULL);
	SR_AUTOFREE char *path = dir ? str_format("%s/%s", dir, name) : NULL;
	SR_AUTOCLOSE int fd = -1;
	struct stat st;
	bool made;

	if (!path)
		return sr_error_oom(err, STAGE);
	made = mkdirat(dir_fd, name, 0755) == 0;
	if (!made && errno != EEXIST)
		return build_error("make", path, errno, err);
	fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	/* the tree's mode is that of "/" inside, and in the layer: not what the caller's umask makes of it */
	if (fd < 0 || (made && fchmod(fd, 0755) < 0) || fstat(fd, &st) < 0)
		return build_error("build in", path, errno, err);
	if (st.st_uid != geteuid())
		return build_error("build in", path, EPERM, err);
	*ret = (struct sr_layer){ .path = SR_TAKE_PTR(path), .dev = st.st_dev, .ino = st.st_ino, .fd = SR_TAKE_FD(fd), .lock_fd = -1 };
	return 0;
}

/* What was deleted or replaced of a lower layer is written down in user xattrs: without them the layer would be wrong. */
static int check_xattrs(const struct sr_layer *upper, struct sr_error *err)
{
	int r;

	if (fsetxattr(upper->fd, "user.sandrun", "1", 1, 0) == 0 && fremovexattr(upper->fd, "user.sandrun") == 0)
		return 0;
	r = sr_error_set(err, SR_E_ENVIRONMENT, errno, STAGE, "cannot build in '%s': its file system keeps no user attributes: %s",
			 SHOWN(upper->path), strerror(errno));
	sr_error_hint(err, "give a folder on ext4, xfs or btrfs");
	return r;
}

bool environment_disk_is_full(int fd)
{
	struct statvfs st;

	return fstatvfs(fd, &st) == 0 && (uint64_t)st.f_bavail * st.f_frsize < SR_BUILD_RESERVE;
}

static int check_room(const struct sr_policy *p, const struct sr_layer *upper, struct sr_error *err)
{
	int r;

	if (!environment_disk_is_full(upper->fd))
		return 0;
	r = sr_error_set(err, SR_E_ENVIRONMENT, ENOSPC, STAGE, "cannot build in '%s': its disk has less than %llu MB left",
			 SHOWN(p->build_layer), SR_BUILD_RESERVE >> 20);
	sr_error_hint(err, "make room (sandrun environment prune), or give a folder on another disk");
	return r;
}

static int add_upper(const struct sr_policy *p, struct sr_environment *e, struct sr_error *err)
{
	SR_AUTOCLOSE int dir_fd = -1;
	int r;

	if (p->explain && access(p->build_layer, F_OK) < 0 && errno == ENOENT)
		return 0; /* nothing is made */
	r = open_build_folder(p->build_layer, &dir_fd, err);
	if (r == 0)
		r = open_build_part(p, dir_fd, "tree", &e->upper, err);
	if (r == 0)
		r = open_build_part(p, dir_fd, "overlay-work", &e->work, err);
	if (r == 0)
		r = check_xattrs(&e->upper, err);
	if (r == 0)
		r = check_room(p, &e->upper, err);
	e->upper.lock_fd = SR_TAKE_FD(dir_fd);
	return r;
}

/* What an earlier build left where something is to be shown; the words are those of a folder, run/stage-text.c. */
static int refuse_left(const char *build_layer, int len, const char *dest, const char *what, struct sr_error *err)
{
	char place[256];
	SR_AUTOFREE char *path = str_format("%.*s", len, dest);
	int r;

	if (!path)
		return sr_error_oom(err, STAGE);
	r = sr_error_set(err, SR_E_ENVIRONMENT, EINVAL, STAGE, "cannot build in %s: /%s in its tree is no %s", SHOWN(build_layer),
			 str_escape(path, place, sizeof(place)), what);
	sr_error_hint(err, "an earlier build left it; remove it from %s/tree, or build in a new folder", SHOWN(build_layer));
	return r;
}

static int refuse_hidden(const char *build_layer, const char *dest, struct sr_error *err)
{
	int r = sr_error_set(err, SR_E_ENVIRONMENT, ENOENT, STAGE,
			     "cannot build in %s: a folder of its tree was made anew, and has no /%s to show a file on",
			     SHOWN(build_layer), SHOWN(dest));

	sr_error_hint(err, "an earlier build did that; make an empty file %s/tree/%s, or build in a new folder", SHOWN(build_layer), SHOWN(dest));
	return r;
}

static bool is_opaque(const struct sr_layer *l, const char *path)
{
	SR_AUTOCLOSE int fd = sys_open_beneath(l->fd, path, O_RDONLY | O_DIRECTORY | O_NONBLOCK, 0);
	char value[2];

	return fd >= 0 && fgetxattr(fd, "user.overlay.opaque", value, sizeof(value)) == 1 && *value == 'y';
}

int environment_check_point(const struct sr_environment *e, const char *build_layer, const char *dest, struct sr_error *err)
{
	bool hidden = false;
	size_t len = 0;

	if (e->upper.fd < 0)
		return 0; /* --explain: it is not there yet */
	do {
		SR_AUTOFREE char *path = NULL;
		SR_AUTOCLOSE int fd = -1;
		struct stat st;
		bool last;

		len += strcspn(dest + len, "/");
		last = !dest[len];
		path = str_format("%.*s", (int)len, dest);
		if (!path)
			return sr_error_oom(err, STAGE);
		fd = sys_open_beneath(e->upper.fd, path, O_PATH | O_NOFOLLOW, 0);
		if (fd == -ENOENT) /* the file that we make below the upper shows, or something hides it */
			return hidden ? refuse_hidden(build_layer, dest, err) : 0;
		if (fd < 0 || fstat(fd, &st) < 0 || (last ? !S_ISREG(st.st_mode) : !S_ISDIR(st.st_mode)))
			return refuse_left(build_layer, (int)len, dest, last ? "regular file" : "folder", err);
		hidden = hidden || (!last && is_opaque(&e->upper, path));
	} while (dest[len++]);
	return 0;
}

int environment_open_build(const struct sr_policy *p, struct sr_environment *ret, struct sr_error *err)
{
	struct sr_environment e = SR_ENVIRONMENT_INIT;
	int r;

	if (geteuid() == 0) { /* its payload is nobody (finding 13): the folder would have to be open to all */
		r = sr_error_set(err, SR_E_ENVIRONMENT, EPERM, STAGE, "cannot build a layer as root");
		sr_error_hint(err, "run sandrun as an ordinary user: a build needs no root");
		return r;
	}
	r = strcmp(p->environment, "none") == 0 ? 0 : environment_add(p->environment, &e, err);
	if (r == 0)
		r = add_upper(p, &e, err);
	if (r == 0)
		r = environment_check_apart(&e, err);
	if (r == 0) {
		e.kind = SR_ENVIRONMENT_TREE;
		e.build = true;
		e.name = strdup(p->environment);
		r = e.name ? 0 : sr_error_oom(err, STAGE);
	}
	if (r < 0)
		environment_done(&e);
	else
		*ret = e;
	return r;
}
