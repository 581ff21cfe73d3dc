/* SPDX-License-Identifier: MIT */
#include "run/place.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/io.h"
#include "base/str.h"
#include "run/filecopy.h"
#include "sys/openat2.h"

#define STAGE "files"

int place_init(struct sr_place *p, int work_fd, uid_t owner, gid_t group, uint64_t needed)
{
	p->work_fd = work_fd;
	p->parent = NULL;
	p->parent_fd = -1;
	p->needed = needed;
	sys_fsid_init(&p->id, owner, group);
	p->buffer = filecopy_buffer(p->is_private);
	return p->buffer ? 0 : -ENOMEM;
}

void place_done(struct sr_place *p)
{
	filecopy_buffer_free(p->buffer, p->is_private);
	free(p->parent);
	p->buffer = p->parent = NULL;
	fd_close(&p->parent_fd);
}

void place_size(uint64_t bytes, char out[static 32])
{
	const uint64_t unit = 1ULL << 20;

	str_from_bytes(bytes > UINT64_MAX - unit ? bytes : (bytes / unit + (bytes % unit != 0)) * unit, out);
}

int place_error(const struct sr_place *p, const char *path, int r, struct sr_error *err)
{
	char shown[256], size[32];

	(void)str_escape(path, shown, sizeof(shown));
	if (r == -ENOSPC || r == -EDQUOT) {
		(void)sr_error_set(err, SR_E_INPUT, -r, STAGE, "cannot put '%s' into the work folder: it is full", shown);
		place_size(p->needed, size);
		sr_error_hint(err, "the files that go in take %s: --work-size %s, or more if the program writes there", size,
			      size);
		return r;
	}
	return sr_error_set(err, SR_E_INPUT, -r, STAGE, "cannot put '%s' into the work folder: %s", shown, strerror(-r));
}

/* The folder that is to hold path's last component, and where that component starts. */
static int parent_of(struct sr_place *p, const char *path, const char **ret_name)
{
	const char *slash = strrchr(path, '/');
	char folder[PATH_MAX];
	size_t len;
	char *copy;
	int fd;

	if (!slash) {
		*ret_name = path;
		return p->work_fd;
	}
	len = (size_t)(slash - path);
	if (len >= sizeof(folder))
		return -ENAMETOOLONG;
	memcpy(folder, path, len);
	folder[len] = '\0';
	*ret_name = slash + 1;
	if (p->parent && strcmp(p->parent, folder) == 0)
		return p->parent_fd;
	fd = sys_open_beneath(p->work_fd, folder, O_PATH | O_DIRECTORY, 0);
	if (fd < 0)
		return fd;
	copy = strdup(folder);
	if (!copy) {
		fd_close(&fd);
		return -ENOMEM;
	}
	free(p->parent);
	fd_close(&p->parent_fd);
	p->parent = copy;
	p->parent_fd = fd;
	return fd;
}

/* Ends a creation: the caller's ids again, and the first thing that went wrong. */
static int leave(const struct sr_place *p, int r)
{
	int back = sys_fsid_leave(&p->id);

	return r < 0 ? r : back < 0 ? back : r;
}

static int make_folder(struct sr_place *p, const char *path, mode_t mode)
{
	const char *name;
	int fd = parent_of(p, path, &name), r;

	if (fd < 0)
		return fd;
	r = sys_fsid_enter(&p->id);
	if (r < 0)
		return r;
	r = mkdirat(fd, name, mode) < 0 ? -errno : 0;
	return leave(p, r);
}

int place_folder(struct sr_place *p, const char *path)
{
	return make_folder(p, path, 0700);
}

int place_folders(struct sr_place *p, const char *path)
{
	SR_AUTOCLOSE int fd = -1;
	char part[PATH_MAX];
	size_t len = strlen(path);

	if (len >= sizeof(part))
		return -ENAMETOOLONG;
	for (size_t i = 1; i <= len; i++) {
		int r;

		if (path[i] != '/' && path[i] != '\0')
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		r = make_folder(p, part, 0700);
		if (r == 0)
			r = place_finish_folder(p, part, 0755, NULL);
		if (r < 0 && r != -EEXIST)
			return r;
	}
	/* what existed must be a folder and no link */
	fd = sys_open_beneath(p->work_fd, path, O_PATH | O_DIRECTORY, 0);
	return fd < 0 ? fd : 0;
}

int place_finish_folder(struct sr_place *p, const char *path, mode_t mode, const struct timespec *mtime)
{
	SR_AUTOCLOSE int fd = sys_open_beneath(p->work_fd, path, O_RDONLY | O_DIRECTORY, 0);
	const struct timespec times[2] = { { .tv_nsec = UTIME_NOW }, mtime ? *mtime : (struct timespec){ 0 } };
	int r;

	if (fd < 0)
		return fd;
	r = sys_fsid_enter(&p->id);
	if (r < 0)
		return r;
	if (fchmod(fd, mode) < 0 || (mtime && futimens(fd, times) < 0))
		r = -errno;
	return leave(p, r);
}

int place_link(struct sr_place *p, const char *path, const char *target)
{
	const char *name;
	int fd = parent_of(p, path, &name), r;

	if (fd < 0)
		return fd;
	r = sys_fsid_enter(&p->id);
	if (r < 0)
		return r;
	r = symlinkat(target, fd, name) < 0 ? -errno : 0;
	return leave(p, r);
}

int place_file(struct sr_place *p, const char *path, mode_t mode, int *ret_fd)
{
	SR_AUTOCLOSE int fd = -1;
	const char *name;
	int dir_fd = parent_of(p, path, &name), r;

	if (dir_fd < 0)
		return dir_fd;
	r = sys_fsid_enter(&p->id);
	if (r < 0)
		return r;
	fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0 || fchmod(fd, mode) < 0) /* not by openat's mode: the umask is the caller's */
		r = -errno;
	r = leave(p, r);
	if (r < 0)
		return r;
	*ret_fd = SR_TAKE_FD(fd);
	return 0;
}

int place_data(struct sr_place *p, const char *path, mode_t mode, const void *data, size_t len)
{
	SR_AUTOCLOSE int fd = -1;
	int r = place_file(p, path, mode, &fd);

	return r < 0 ? r : io_write_full(fd, data, len);
}

static bool is_same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool is_same_state(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       is_same_time(&a->st_mtim, &b->st_mtim) && is_same_time(&a->st_ctim, &b->st_ctim);
}

static int changed(const char *source, struct sr_error *err)
{
	char shown[256];

	(void)sr_error_set(err, SR_E_INPUT_CHANGED, ESTALE, STAGE, "cannot read '%s': it changes while read",
			   str_escape(source, shown, sizeof(shown)));
	sr_error_hint(err, "wait until nothing writes to it, or give a copy of it");
	return -ESTALE;
}

/* Why the bytes are not what fstat(2) says, when they are not. */
static int check_state(int src_fd, const struct stat *before, uint64_t bytes, const char *source, struct sr_error *err)
{
	struct stat after;
	char shown[256];

	if (fstat(src_fd, &after) < 0)
		return sr_error_set(err, SR_E_INPUT, errno, STAGE, "cannot read '%s': %s",
				    str_escape(source, shown, sizeof(shown)), strerror(errno));
	if (!is_same_state(before, &after))
		return changed(source, err);
	if (bytes == (uint64_t)before->st_size)
		return 0;
	(void)sr_error_set(err, SR_E_INPUT_CHANGED, ESTALE, STAGE, "cannot read '%s': it holds other bytes than its size says",
			   str_escape(source, shown, sizeof(shown)));
	sr_error_hint(err, "files of /proc and /sys are made while they are read: give a copy");
	return -ESTALE;
}

int place_copy(struct sr_place *p, int src_fd, const char *source, const char *path, mode_t mode, struct sr_measure *measure,
	       uint64_t *ret_bytes, char ret_hex[static SR_DIGEST_HEX], struct sr_error *err)
{
	struct sr_filecopy copy = { .buffer = p->buffer, .dst_fd = -1, .socket_fd = -1, .measure = measure };
	SR_AUTOCLOSE int fd = -1;
	struct stat before;
	char shown[256];
	int r;

	if (fstat(src_fd, &before) < 0)
		return sr_error_set(err, SR_E_INPUT, errno, STAGE, "cannot read '%s': %s",
				    str_escape(source, shown, sizeof(shown)), strerror(errno));
	if (!S_ISREG(before.st_mode))
		return changed(source, err);
	r = place_file(p, path, mode, &fd);
	if (r < 0)
		return place_error(p, path, r, err);
	copy.dst_fd = fd;
	copy.max = (uint64_t)before.st_size;
	copy.sparse = before.st_blocks * 512 < before.st_size;
	r = filecopy(src_fd, &copy);
	if (r == -EFBIG && copy.is_source)
		copy.bytes = UINT64_MAX; /* more than it says */
	else if (r < 0 && copy.is_source)
		return sr_error_set(err, SR_E_INPUT, -r, STAGE, "cannot read '%s': %s",
				    str_escape(source, shown, sizeof(shown)), strerror(-r));
	else if (r < 0)
		return place_error(p, path, r, err);
	r = check_state(src_fd, &before, copy.bytes, source, err);
	if (r < 0)
		return r;
	r = futimens(fd, (const struct timespec[2]){ { .tv_nsec = UTIME_NOW }, before.st_mtim }) < 0 ? -errno : 0;
	if (r < 0)
		return place_error(p, path, r, err);
	*ret_bytes = copy.bytes;
	memcpy(ret_hex, copy.hex, SR_DIGEST_HEX);
	return 0;
}
