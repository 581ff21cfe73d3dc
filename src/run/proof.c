/* SPDX-License-Identifier: MIT */
/*
 * Where the kernel refuses an overlay, the proof that a bound tree holds no socket and no FIFO (finding 10). A walk by
 * descriptor; slow for all of /usr (about a second cold), which is why it is the fallback. What this user cannot open the
 * payload, who is the same user without rights, cannot either.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "run/run.h"

#define MAX_DEPTH 64

static bool reachable_endpoint(int dir_fd, const struct dirent *d)
{
	struct stat st;

	if (d->d_type != DT_UNKNOWN)
		return d->d_type == DT_SOCK || d->d_type == DT_FIFO;
	return fstatat(dir_fd, d->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && (S_ISSOCK(st.st_mode) || S_ISFIFO(st.st_mode));
}

static int walk(int fd, int depth, const char *path, char **ret_found)
{
	DIR *dir = fdopendir(fd);
	struct dirent *d;
	int r = 0;

	if (!dir) {
		(void)close(fd);
		return -errno;
	}
	if (depth > MAX_DEPTH)
		r = -ELOOP;
	while (!r && (d = readdir(dir))) {
		SR_AUTOFREE char *below = NULL;
		int child;

		if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
			continue;
		below = str_format("%s/%s", path, d->d_name);
		if (!below) {
			r = -ENOMEM;
		} else if (reachable_endpoint(fd, d)) {
			*ret_found = SR_TAKE_PTR(below);
			r = -EEXIST;
		} else if (d->d_type == DT_DIR || d->d_type == DT_UNKNOWN) {
			child = openat(fd, d->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
			if (child >= 0)
				r = walk(child, depth + 1, below, ret_found);
			else if (errno != EACCES && errno != ENOTDIR && errno != ELOOP && errno != ENOENT)
				r = -errno;
		}
	}
	(void)closedir(dir);
	return r;
}

int run_prove_no_sockets(const char *path, char **ret_found)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? -errno : walk(fd, 0, path, ret_found);
}
