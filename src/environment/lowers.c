/* SPDX-License-Identifier: MIT */
#include "environment/lowers.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "base/fd.h"
#include "image/digest.h"
#include "image/tree.h"

bool is_whiteout(const struct stat *st)
{
	return S_ISCHR(st->st_mode) && st->st_rdev == makedev(0, 0);
}

/* In one tree. *hides: what lies in lower trees does not count. */
static bool find_in(int tree_fd, const char *path, struct stat *ret, bool *hides)
{
	SR_AUTOCLOSE int fd = openat(tree_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	while (fd >= 0) {
		char name[NAME_MAX + 1];
		size_t n = strcspn(path, "/");
		int next;

		if (n > NAME_MAX)
			return false;
		memcpy(name, path, n);
		name[n] = '\0';
		if (fstatat(fd, name, ret, AT_SYMLINK_NOFOLLOW) < 0)
			return false;
		*hides = *hides || !S_ISDIR(ret->st_mode);
		if (is_whiteout(ret))
			return false;
		if (!path[n])
			return true;
		if (!S_ISDIR(ret->st_mode))
			return false;
		next = tree_open_folder(fd, name);
		fd_close(&fd);
		fd = next;
		*hides = *hides || (fd >= 0 && seal_is_opaque(fd));
		path += n + 1;
	}
	*hides = true; /* what cannot be read shows nothing */
	return false;
}

bool lowers_find(const struct lowers *l, const char *path, struct stat *ret)
{
	bool hides = false;

	for (size_t i = l->count; i > 0 && !hides; i--) {
		if (find_in(l->fds[i - 1], path, ret, &hides))
			return true;
	}
	return false;
}
