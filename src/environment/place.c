/* SPDX-License-Identifier: MIT */
#include "environment/place.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "environment/common.h"
#include "image/tree.h"

static int failed(const struct place *p, const char *verb, int r, struct sr_error *err)
{
	return sr_error_set(err, SR_E_OUTPUT, -r, "output", "cannot %s %s: %s", verb, SHOWN(p->path), strerror(-r));
}

static int refuse(const struct place *p, const char *why, const char *hint, struct sr_error *err)
{
	(void)sr_error_set(err, SR_E_OUTPUT, EEXIST, "output", "cannot write %s: %s", SHOWN(p->path), why);
	sr_error_hint(err, "%s", hint);
	return -EEXIST;
}

/* Only what an export would have made is replaced: a file by a file, a layout by a layout. */
static int look(struct place *p, bool folder, struct sr_error *err)
{
	struct stat st, layout;
	SR_AUTOCLOSE int fd = -1;

	if (fstatat(p->dir_fd, p->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : failed(p, "write", -errno, err);
	p->is_there = true;
	p->is_folder = S_ISDIR(st.st_mode);
	if (!p->force)
		return refuse(p, "it is there already", "--force replaces it", err);
	if (p->is_folder != folder || (!folder && !S_ISREG(st.st_mode)))
		return refuse(p, folder ? "it is no folder" : "it is no regular file", "name another place, or remove it first", err);
	fd = folder ? tree_open_folder(p->dir_fd, p->name) : -1;
	if (folder && (fd < 0 || fstatat(fd, "oci-layout", &layout, AT_SYMLINK_NOFOLLOW) < 0))
		return refuse(p, "the folder there is no OCI layout", "--force replaces only a layout; remove the folder first", err);
	return 0;
}

int place_open(struct place *p, const char *path, bool folder, bool force, struct sr_error *err)
{
	SR_AUTOFREE char *copy = strdup(path);
	char *slash;

	if (!copy)
		return sr_error_oom(err, "output");
	p->path = path;
	p->force = force;
	for (size_t n = strlen(copy); folder && n > 1 && copy[n - 1] == '/'; n--)
		copy[n - 1] = '\0';
	slash = strrchr(copy, '/');
	p->name = strdup(slash ? slash + 1 : copy);
	if (!p->name)
		return sr_error_oom(err, "output");
	if (!*p->name || strcmp(p->name, ".") == 0 || strcmp(p->name, "..") == 0)
		return failed(p, "write", -EISDIR, err);
	if (slash)
		slash[slash == copy] = '\0';
	p->dir_fd = open(slash ? copy : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (p->dir_fd < 0)
		return failed(p, "write", -errno, err);
	return look(p, folder, err);
}

static int temp_name(char name[static 32])
{
	uint64_t random;

	if (getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return -EIO;
	(void)snprintf(name, 32, ".sandrun-%016" PRIx64, random);
	return 0;
}

int place_make_file(struct place *p, struct sr_error *err)
{
	int fd = openat(p->dir_fd, ".", O_RDWR | O_TMPFILE | O_CLOEXEC, 0600), r;

	if (fd >= 0) {
		p->is_unnamed = true;
		return fd;
	}
	r = temp_name(p->temp); /* not every file system has files without a name */
	if (r < 0)
		return failed(p, "write", r, err);
	fd = openat(p->dir_fd, p->temp, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	r = fd < 0 ? -errno : 0;
	if (r < 0)
		p->temp[0] = '\0';
	return r < 0 ? failed(p, "write", r, err) : fd;
}

int place_make_folder(struct place *p, char name[static 32], struct sr_error *err)
{
	int r = temp_name(name), fd = -1;

	if (r == 0 && mkdirat(p->dir_fd, name, 0700) < 0) {
		r = -errno;
		name[0] = '\0';
	}
	if (r == 0)
		fd = tree_open_folder(p->dir_fd, name);
	return r < 0 || fd < 0 ? failed(p, "write", r < 0 ? r : fd, err) : fd;
}

/* Where the file system cannot rename without replacing, what is there was looked at before. */
static int rename_into(struct place *p)
{
	unsigned int flags = p->is_folder ? RENAME_EXCHANGE : p->force ? 0 : RENAME_NOREPLACE;

	if (renameat2(p->dir_fd, p->temp, p->dir_fd, p->name, flags) == 0)
		return 0;
	if (errno != EINVAL || flags == RENAME_EXCHANGE)
		return -errno;
	if (!p->force && faccessat(p->dir_fd, p->name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return -EEXIST;
	return renameat(p->dir_fd, p->temp, p->dir_fd, p->name) < 0 ? -errno : 0;
}

/* A file that had no name has the temporary one from here on, for the moment until it has its own. */
static int name_file(struct place *p, int fd)
{
	char self[32];
	int r = temp_name(p->temp);

	(void)snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	if (r == 0 && linkat(AT_FDCWD, self, p->dir_fd, p->temp, AT_SYMLINK_FOLLOW) < 0)
		r = -errno;
	if (r < 0)
		p->temp[0] = '\0';
	return r;
}

int place_settle(struct place *p, int fd, struct sr_error *err)
{
	struct stat st;
	int r;

	if (fstat(fd, &st) < 0 || fchmod(fd, (S_ISDIR(st.st_mode) ? 0777 : 0666) & ~verb_umask) < 0)
		return failed(p, "write", -errno, err);
	if ((S_ISDIR(st.st_mode) ? syncfs(fd) : fsync(fd)) < 0)
		return failed(p, "write", -errno, err);
	r = p->is_unnamed ? name_file(p, fd) : 0;
	if (r == 0)
		r = rename_into(p);
	if (r < 0)
		return failed(p, "write", r, err);
	if (!p->is_folder) /* else the old one has the temporary name now */
		p->temp[0] = '\0';
	return fsync(p->dir_fd) < 0 ? failed(p, "write", -errno, err) : 0;
}

void place_done(struct place *p)
{
	if (*p->temp)
		(void)tree_remove(p->dir_fd, p->temp);
	if (*p->other)
		(void)tree_remove(p->dir_fd, p->other);
	free(SR_TAKE_PTR(p->name));
	fd_close(&p->dir_fd);
}
