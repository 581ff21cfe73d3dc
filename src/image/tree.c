/* SPDX-License-Identifier: MIT */
#include "image/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/fd.h"

static int compare_names(const void *a, const void *b)
{
	return strcmp(((const struct sr_tree_item *)a)->name, ((const struct sr_tree_item *)b)->name);
}

static int list_add(struct sr_tree_list *l, const char *name, const struct stat *st)
{
	if (l->count == l->room) {
		size_t room = l->room ? 2 * l->room : 64;
		struct sr_tree_item *bigger = realloc(l->items, room * sizeof(*bigger));

		if (!bigger)
			return -ENOMEM;
		l->items = bigger;
		l->room = room;
	}
	l->items[l->count] = (struct sr_tree_item){ .name = strdup(name), .st = *st };
	return l->items[l->count++].name ? 0 : -ENOMEM;
}

static int list_all(int dir_fd, DIR *dir, struct sr_tree_list *l)
{
	for (;;) {
		struct dirent *d;
		struct stat st;
		int r;

		errno = 0;
		d = readdir(dir);
		if (!d)
			return -errno;
		if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
			continue;
		if (fstatat(dir_fd, d->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			return -errno;
		r = list_add(l, d->d_name, &st);
		if (r < 0)
			return r;
	}
}

int tree_list(int dir_fd, struct sr_tree_list *ret)
{
	struct sr_tree_list l = { .items = NULL };
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir) {
		r = -errno;
		fd_close(&fd);
		return r;
	}
	r = list_all(dir_fd, dir, &l);
	(void)closedir(dir);
	if (r < 0) {
		tree_list_done(&l);
		return r;
	}
	if (l.count > 1)
		qsort(l.items, l.count, sizeof(*l.items), compare_names);
	*ret = l;
	return 0;
}

void tree_list_done(struct sr_tree_list *l)
{
	for (size_t i = 0; i < l->count; i++)
		free(l->items[i].name);
	free(l->items);
	*l = (struct sr_tree_list){ .items = NULL };
}

int tree_open_folder(int dir_fd, const char *name)
{
	int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int tree_set_mode(int dir_fd, const char *name, mode_t mode)
{
	SR_AUTOCLOSE int fd = openat(dir_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	char path[40];
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (S_ISLNK(st.st_mode))
		return 0;
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return chmod(path, mode) < 0 ? -errno : 0;
}

int tree_open_anyway(int dir_fd, const char *name)
{
	int fd = tree_open_folder(dir_fd, name);

	if (fd == -EACCES && tree_set_mode(dir_fd, name, 0700) == 0) /* overlayfs leaves folders of mode 000 */
		fd = tree_open_folder(dir_fd, name);
	return fd;
}

/* --- removing ------------------------------------------------------------------------------------------------------------- */

static int remove_below(int top_fd, int fd, unsigned int depth);

/* Out of the way of the recursion: tree_remove() comes to it later. */
static int move_up(int top_fd, int dir_fd, const char *name)
{
	char temp[32];
	uint64_t random;

	if (getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return -EIO;
	(void)snprintf(temp, sizeof(temp), ".deep-%016" PRIx64, random);
	(void)tree_set_mode(dir_fd, name, 0700); /* a folder that moves must be writable */
	return renameat(dir_fd, name, top_fd, temp) < 0 ? -errno : 0;
}

static int remove_folder(int top_fd, int dir_fd, const char *name, unsigned int depth)
{
	int fd, r;

	if (depth >= SR_TREE_DEPTH / 2)
		return move_up(top_fd, dir_fd, name);
	fd = tree_open_anyway(dir_fd, name);
	if (fd < 0)
		return fd;
	(void)fchmod(fd, 0700);
	r = remove_below(top_fd, fd, depth);
	fd_close(&fd);
	if (unlinkat(dir_fd, name, AT_REMOVEDIR) < 0 && errno != ENOENT && r == 0)
		r = -errno;
	return r;
}

static int remove_below(int top_fd, int fd, unsigned int depth)
{
	struct sr_tree_list l = { .items = NULL };
	int result = tree_list(fd, &l);

	for (size_t i = 0; i < l.count; i++) {
		int r = 0;

		if (S_ISDIR(l.items[i].st.st_mode))
			r = remove_folder(top_fd, fd, l.items[i].name, depth + 1);
		else if (unlinkat(fd, l.items[i].name, 0) < 0 && errno != ENOENT)
			r = -errno;
		result = result == 0 ? r : result;
	}
	tree_list_done(&l);
	return result;
}

int tree_remove(int dir_fd, const char *name)
{
	struct stat st;
	bool again = true;
	int fd, r = 0;

	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISDIR(st.st_mode))
		return unlinkat(dir_fd, name, 0) < 0 && errno != ENOENT ? -errno : 0;
	fd = tree_open_anyway(dir_fd, name);
	if (fd < 0)
		return fd;
	(void)fchmod(fd, 0700);
	while (again && r == 0) { /* what is too deep comes to stand right in this folder, which goes whole */
		struct sr_tree_list l = { .items = NULL };

		r = remove_below(fd, fd, 0);
		if (r == 0)
			r = tree_list(fd, &l);
		again = l.count > 0;
		tree_list_done(&l);
	}
	fd_close(&fd);
	if (unlinkat(dir_fd, name, AT_REMOVEDIR) < 0 && errno != ENOENT && r == 0)
		r = -errno;
	return r;
}

void tree_raise_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur == limit.rlim_max)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}
