/* SPDX-License-Identifier: MIT */
#include "image/merge.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "sys/openat2.h"

#define LINKS_MAX 40 /* as the kernel's, path_resolution(7) */
/*
 * How many names may be looked up for each layer. No limit of the sandbox's counts here, and one link of an image can name
 * thousands of folders. A path of ten names through five links of ten takes some 1,000.
 */
#define COST_MAX 4096

/* Where a walk stands: a merged folder, and which layers have a part in it. */
struct walk {
	const struct sr_layers *l;
	const struct sr_layer *above;
	char at[PATH_MAX];   /* relative to the root, without links; "" is the root */
	size_t low;          /* the lowest layer that shows there */
	char rest[PATH_MAX]; /* still to go */
	unsigned links;
	size_t depth, cost;
	struct { /* the folders on the way here, the root first: what ".." goes back to */
		unsigned short length, low; /* of `at` */
	} up[PATH_MAX / 2];
};

static size_t layer_count(const struct walk *w)
{
	return w->l->count + (w->above ? 1 : 0);
}

static const struct sr_layer *layer_of(const struct walk *w, size_t i)
{
	return i < w->l->count ? &w->l->items[i] : w->above;
}

/* A path of one name more than `at` has, in one layer. */
static int look(struct walk *w, size_t layer, const char *path, int flags)
{
	w->cost += w->depth + 1;
	return sys_open_beneath(layer_of(w, layer)->fd, path, flags, 0);
}

static bool is_opaque(struct walk *w, size_t layer, const char *path)
{
	SR_AUTOCLOSE int fd = look(w, layer, path, O_RDONLY | O_DIRECTORY | O_NONBLOCK);
	char value[2];

	return fd >= 0 && fgetxattr(fd, "user.overlay.opaque", value, sizeof(value)) == 1 && *value == 'y';
}

/* The topmost layer's word on the path, or -errno. */
static int find(struct walk *w, const char *path, size_t *ret_layer, struct stat *st)
{
	for (size_t i = layer_count(w); i-- > w->low;) {
		int fd = look(w, i, path, O_PATH | O_NOFOLLOW);

		if (fd == -ENOENT)
			continue;
		if (fd < 0)
			return fd == -ENOTDIR || fd == -ELOOP || fd == -ENAMETOOLONG ? -ENOENT : fd;
		if (fstat(fd, st) < 0 || (S_ISCHR(st->st_mode) && st->st_rdev == 0)) {
			fd_close(&fd);
			return -ENOENT; /* a whiteout */
		}
		*ret_layer = i;
		return fd;
	}
	return -ENOENT;
}

/* The lowest layer whose folder of that path is part of the one that layer `top` has. */
static size_t lowest(struct walk *w, const char *path, size_t top)
{
	size_t low = top;

	for (size_t i = top; i > w->low; i--) {
		SR_AUTOCLOSE int fd = -1;

		if (low == i && is_opaque(w, i, path))
			return low;
		fd = look(w, i - 1, path, O_PATH | O_DIRECTORY);
		if (fd >= 0)
			low = i - 1;
		else if (fd != -ENOENT)
			return low; /* something else of that name ends it */
	}
	return low;
}

/* Puts a link's target in front of what is still to go. */
static int follow(struct walk *w, int fd)
{
	char target[PATH_MAX], rest[PATH_MAX];
	ssize_t n = readlinkat(fd, "", target, sizeof(target) - 1);

	if (n <= 0 || ++w->links > LINKS_MAX)
		return -ENOENT;
	target[n] = '\0';
	if ((size_t)snprintf(rest, sizeof(rest), "%s/%s", target, w->rest) >= sizeof(rest))
		return -ENOENT;
	memcpy(w->rest, rest, sizeof(rest));
	if (*target == '/') {
		*w->at = '\0';
		w->low = w->depth = 0;
	}
	return 0;
}

/* Moves one name from rest to name; false at the end. */
static bool next_name(struct walk *w, char name[static NAME_MAX + 1])
{
	const char *p = w->rest + strspn(w->rest, "/");
	size_t n = strcspn(p, "/");

	if (n == 0 || n > NAME_MAX)
		return false;
	memcpy(name, p, n);
	name[n] = '\0';
	memmove(w->rest, p + n, strlen(p + n) + 1);
	return true;
}

/* "..", which in the root leads nowhere. */
static void climb(struct walk *w)
{
	if (w->depth == 0)
		return;
	w->depth--;
	w->at[w->up[w->depth].length] = '\0';
	w->low = w->up[w->depth].low;
}

/* Into the folder path, one name below `at`, which the layers from low on make up. */
static void descend(struct walk *w, const char *path, size_t low)
{
	w->up[w->depth].length = (unsigned short)strlen(w->at);
	w->up[w->depth].low = (unsigned short)w->low;
	w->depth++; /* a name takes two bytes of a path: there are places enough */
	w->low = low;
	memcpy(w->at, path, strlen(path) + 1);
}

/* One name further. 0, or a descriptor where the path ends, or -errno. */
static int step(struct walk *w, const char *name)
{
	SR_AUTOCLOSE int fd = -1;
	char path[PATH_MAX];
	struct stat st;
	size_t top = 0;

	if ((size_t)snprintf(path, sizeof(path), "%s%s%s", w->at, *w->at ? "/" : "", name) >= sizeof(path))
		return -ENOENT;
	fd = find(w, path, &top, &st);
	if (fd < 0)
		return SR_TAKE_FD(fd);
	if (S_ISLNK(st.st_mode))
		return follow(w, fd);
	if (!w->rest[strspn(w->rest, "/")])
		return SR_TAKE_FD(fd);
	if (!S_ISDIR(st.st_mode))
		return -ENOENT;
	descend(w, path, lowest(w, path, top));
	return 0;
}

int merge_open(const struct sr_layers *l, const struct sr_layer *above, const char *path)
{
	struct walk w = { .l = l, .above = above };
	char name[NAME_MAX + 1];

	if (l->count == 1 && !above)
		return sys_open_in_root(l->items[0].fd, path, O_PATH); /* nothing to merge: one call */
	if ((size_t)snprintf(w.rest, sizeof(w.rest), "%s", path) >= sizeof(w.rest))
		return -ENOENT;
	while (next_name(&w, name)) {
		int fd;

		if (w.cost > COST_MAX * layer_count(&w))
			return -ELOOP;
		if (strcmp(name, ".") == 0)
			continue;
		if (strcmp(name, "..") == 0) {
			climb(&w);
			continue;
		}
		fd = step(&w, name);
		if (fd != 0)
			return fd;
	}
	return -ENOENT; /* the root itself is no program, nor is a folder by another name of it */
}
