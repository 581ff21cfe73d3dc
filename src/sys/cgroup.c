/* SPDX-License-Identifier: MIT */
#include "sys/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/io.h"
#include "base/str.h"

#define CGROUP2_MAGIC 0x63677270 /* linux/magic.h */
#define ROUNDS 50                /* of moving: processes that fork faster than that are left */

/* The unified hierarchy. Beside cgroup v1 ("hybrid", /sys/fs/cgroup/unified) it has no controllers: of no use here. */
static int open_mount(void)
{
	SR_AUTOCLOSE int fd = open("/sys/fs/cgroup", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct statfs fs;

	if (fd < 0 || fstatfs(fd, &fs) < 0 || fs.f_type != CGROUP2_MAGIC)
		return -ENOENT;
	return SR_TAKE_FD(fd);
}

/* The line "0::PATH" of /proc/PID/cgroup, cgroups(7). */
static int own_path(pid_t pid, char **ret)
{
	char name[40], *line, *end, buf[8192];
	ssize_t n;
	SR_AUTOCLOSE int fd = -1;

	if (pid)
		(void)snprintf(name, sizeof(name), "/proc/%d/cgroup", (int)pid);
	else
		(void)snprintf(name, sizeof(name), "/proc/self/cgroup");
	fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = io_read_full(fd, buf, sizeof(buf) - 1);
	if (n < 0)
		return (int)n;
	buf[n] = '\0';
	line = strncmp(buf, "0::/", 4) == 0 ? buf : strstr(buf, "\n0::/");
	if (!line)
		return -ENOENT;
	line = strchr(line, '/');
	end = line ? strchr(line, '\n') : NULL;
	if (!end)
		return -EINVAL;
	*end = '\0';
	line = strdup(line);
	if (!line)
		return -ENOMEM;
	*ret = line;
	return 0;
}

int cgroup_open(pid_t pid, int *ret_fd, char **ret_path)
{
	SR_AUTOCLOSE int mount = open_mount();
	SR_AUTOFREE char *path = NULL;
	int r, fd;

	if (mount < 0)
		return -ENOENT;
	r = own_path(pid, &path);
	if (r < 0 || !path)
		return r < 0 ? r : -EINVAL;
	if (strcmp(path, "/..") == 0 || str_has_prefix(path, "/../"))
		return -EXDEV;
	fd = openat(mount, path[1] ? path + 1 : ".", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	*ret_fd = fd;
	*ret_path = SR_TAKE_PTR(path);
	return 0;
}

ssize_t cgroup_read(int dir_fd, const char *file, char *buf, size_t size)
{
	SR_AUTOCLOSE int fd = openat(dir_fd, file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = io_read_full(fd, buf, size - 1);
	if (n < 0)
		return n;
	if (n > 0 && buf[n - 1] == '\n')
		n--;
	buf[n] = '\0';
	return n;
}

int cgroup_write(int dir_fd, const char *file, const char *text)
{
	SR_AUTOCLOSE int fd = openat(dir_fd, file, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
	size_t len = strlen(text);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = write(fd, text, len);
	if (n < 0)
		return -errno;
	return (size_t)n == len ? 0 : -EIO;
}

static int to_number(const char *text, uint64_t *ret)
{
	if (strcmp(text, "max") == 0) {
		*ret = SR_UNLIMITED;
		return 0;
	}
	return str_to_u64(text, ret);
}

int cgroup_read_number(int dir_fd, const char *file, uint64_t *ret)
{
	char buf[64];
	ssize_t n = cgroup_read(dir_fd, file, buf, sizeof(buf));

	return n < 0 ? (int)n : to_number(buf, ret);
}

int cgroup_read_key(int dir_fd, const char *file, const char *key, uint64_t *ret)
{
	char buf[4096], *line, *rest;
	ssize_t n = cgroup_read(dir_fd, file, buf, sizeof(buf));
	size_t len = strlen(key);

	if (n < 0)
		return (int)n;
	for (line = strtok_r(buf, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		if (strncmp(line, key, len) == 0 && line[len] == ' ')
			return to_number(line + len + 1, ret);
	}
	return -ENODATA;
}

bool cgroup_is_delegated(int dir_fd)
{
	static const char *const marks[] = { "user.delegate", "trusted.delegate" };
	char value[4];

	for (size_t i = 0; i < SR_ELEMENTSOF(marks); i++) {
		if (fgetxattr(dir_fd, marks[i], value, sizeof(value)) == 1 && value[0] == '1')
			return true;
	}
	return false;
}

bool cgroup_is_root(int dir_fd)
{
	return faccessat(dir_fd, "cgroup.type", F_OK, 0) < 0 && errno == ENOENT;
}

bool cgroup_is_writable(int dir_fd)
{
	static const char *const files[] = { ".", "cgroup.procs", "cgroup.subtree_control" };

	for (size_t i = 0; i < SR_ELEMENTSOF(files); i++) {
		if (faccessat(dir_fd, files[i], W_OK, AT_EACCESS) < 0)
			return false;
	}
	return true;
}

int cgroup_move(int dir_fd, pid_t pid)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%d", (int)pid);
	return cgroup_write(dir_fd, "cgroup.procs", text);
}

bool cgroup_is_populated(int dir_fd)
{
	uint64_t populated = 1;

	return cgroup_read_key(dir_fd, "cgroup.events", "populated", &populated) < 0 || populated != 0;
}

int cgroup_move_all(int from_fd, int to_fd, unsigned *ret_moved)
{
	for (int round = 0; round < ROUNDS; round++) {
		char buf[8192], *at = buf, *end;
		ssize_t n = cgroup_read(from_fd, "cgroup.procs", buf, sizeof(buf));
		unsigned moved = 0;

		if (n < 0)
			return (int)n;
		if (strcmp(buf, "0") == 0 || str_has_prefix(buf, "0\n") || strstr(buf, "\n0\n") || str_has_suffix(buf, "\n0"))
			return -EXDEV; /* one of another PID namespace, not to be moved from here: then none is */
		if ((size_t)n >= sizeof(buf) - 2) /* full: the last number may be a part of one */
			buf[(size_t)(strrchr(buf, '\n') - buf)] = '\0';
		for (long pid; (pid = strtol(at, &end, 10)), end != at && (*end == '\n' || !*end); at = end) {
			int r = cgroup_move(to_fd, (pid_t)pid);

			if (r < 0 && r != -ESRCH)
				return r;
			moved += r == 0;
			*ret_moved += r == 0;
		}
		if (moved == 0)
			return 0;
	}
	return -EBUSY;
}
