/* SPDX-License-Identifier: MIT */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/io.h"
#include "base/str.h"

/* Where a file goes: its folder, and its name there. The caller frees *ret_dir. */
static int split(const char *path, char **ret_dir, const char **ret_name)
{
	const char *slash = strrchr(path, '/');

	*ret_name = slash ? slash + 1 : path;
	*ret_dir = slash ? str_format("%.*s", slash == path ? 1 : (int)(slash - path), path) : str_format(".");
	return *ret_dir ? 0 : -ENOMEM;
}

int file_check_place(const char *path)
{
	SR_AUTOFREE char *dir = NULL;
	const char *name;
	struct stat st;

	if (split(path, &dir, &name) < 0)
		return -ENOMEM;
	if (!*name || strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || (stat(path, &st) == 0 && S_ISDIR(st.st_mode)))
		return -EISDIR;
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
		return access(path, W_OK) < 0 ? -errno : 0;
	return access(dir, W_OK | X_OK) < 0 ? -errno : 0;
}

int file_open_found(const char *path)
{
	SR_AUTOCLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW);
	struct stat st;

	if (fd < 0)
		return -errno;
	return fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ? -EINVAL : SR_TAKE_FD(fd);
}

static int temporary_name(char out[static 32])
{
	uint64_t random;

	if (getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return -EIO;
	(void)snprintf(out, 32, ".sandrun-%016" PRIx64, random);
	return 0;
}

static int write_named(int dir_fd, const char *name, mode_t mode, const void *data, size_t len, bool durable)
{
	SR_AUTOCLOSE int fd = -1;
	char temp[32];
	int r = temporary_name(temp);

	if (r < 0)
		return r;
	fd = openat(dir_fd, temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	if (fd < 0)
		return -errno;
	r = io_write_full(fd, data, len);
	if (r == 0 && durable && fsync(fd) < 0)
		r = -errno;
	if (r == 0 && renameat(dir_fd, temp, dir_fd, name) < 0)
		r = -errno;
	if (r < 0)
		(void)unlinkat(dir_fd, temp, 0);
	return r;
}

int file_nameless(int dir_fd, mode_t mode)
{
	int fd = openat(dir_fd, ".", O_WRONLY | O_TMPFILE | O_CLOEXEC, mode);

	return fd < 0 ? -errno : fd;
}

/* link(2) never replaces: what has the name goes by a rename. */
static int give_name(int fd, int dir_fd, const char *name)
{
	char self[32], temp[32];
	int r;

	(void)snprintf(self, sizeof(self), "/proc/self/fd/%d", fd); /* without AT_EMPTY_PATH, which needs a capability: open(2), O_TMPFILE */
	if (linkat(AT_FDCWD, self, dir_fd, name, AT_SYMLINK_FOLLOW) == 0)
		return 0;
	if (errno != EEXIST)
		return -errno;
	r = temporary_name(temp);
	if (r < 0)
		return r;
	if (linkat(AT_FDCWD, self, dir_fd, temp, AT_SYMLINK_FOLLOW) < 0)
		return -errno;
	if (renameat(dir_fd, temp, dir_fd, name) == 0)
		return 0;
	r = -errno;
	(void)unlinkat(dir_fd, temp, 0);
	return r;
}

int file_write_nameless(int *fd, int dir_fd, const char *name, mode_t mode, const void *data, size_t len, bool durable)
{
	int r = -EBADF;

	if (*fd >= 0) {
		r = io_write_full(*fd, data, len);
		if (r == 0 && durable && fsync(*fd) < 0)
			r = -errno;
		if (r == 0)
			r = give_name(*fd, dir_fd, name);
		fd_close(fd);
	}
	if (r < 0) /* no such files on this file system, no /proc: the other way says what is really wrong */
		r = write_named(dir_fd, name, mode, data, len, durable);
	return r == 0 && durable && fsync(dir_fd) < 0 ? -errno : r;
}

int file_write_at(int dir_fd, const char *name, mode_t mode, const void *data, size_t len, bool durable)
{
	int fd = file_nameless(dir_fd, mode);

	return file_write_nameless(&fd, dir_fd, name, mode, data, len, durable);
}

/* A pipe without a reader may keep us: then the signals that end a program must end it, although a run had them blocked. */
static int write_through(const char *path, const void *data, size_t len)
{
	static const int ending[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	sigset_t set, before;
	int fd, r;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(ending) / sizeof(*ending); i++)
		sigaddset(&set, ending[i]);
	(void)sigprocmask(SIG_UNBLOCK, &set, &before);
	fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
	r = fd < 0 ? -errno : io_write_full(fd, data, len);
	fd_close(&fd);
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	return r;
}

int file_write_whole(const char *path, mode_t mode, const void *data, size_t len, bool durable)
{
	SR_AUTOFREE char *dir = NULL;
	SR_AUTOCLOSE int dir_fd = -1;
	const char *name;
	struct stat st;

	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
		return write_through(path, data, len);
	if (split(path, &dir, &name) < 0)
		return -ENOMEM;
	dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dir_fd < 0 ? -errno : file_write_at(dir_fd, name, mode, data, len, durable);
}
