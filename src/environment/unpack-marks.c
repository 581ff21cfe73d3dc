/* SPDX-License-Identifier: MIT */
/* Whiteouts: how layers of containers say that something of a lower layer is gone. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/fd.h"
#include "environment/common.h"
#include "environment/unpack-internal.h"
#include "image/tree.h"
#include "sys/openat2.h"

#define MARK ".wh."
#define OPAQUE ".wh..wh..opq"
#define MARKS_BYTES_MAX (64 << 20) /* they are held in memory to the end of the archive */

/* A name of aufs's own, which says nothing to others. */
static bool is_ignored(const char *name)
{
	return str_has_prefix(name, ".wh..wh.") && strcmp(name, OPAQUE) != 0;
}

static int keep(struct unpacking *x, struct sr_strv *list, const char *path)
{
	x->marks_bytes += strlen(path) + 64;
	if (x->marks_bytes > MARKS_BYTES_MAX)
		return unpack_refuse(x, "take", path, EFBIG, "the archive holds too many whiteouts");
	return strv_add(list, path) < 0 ? sr_error_oom(x->err, STAGE) : 1;
}

int marks_take(struct unpacking *x, const char *path)
{
	const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
	char name[PATH_MAX], top[NAME_MAX + 1];

	for (const char *p = path; p < base; p += strcspn(p, "/") + 1) {
		if (!str_has_prefix(p, MARK))
			continue;
		(void)snprintf(top, sizeof(top), "%.*s", (int)strcspn(p, "/"), p);
		return is_ignored(top) ? 1 : unpack_refuse(x, "take", path, EINVAL, "it stands below a whiteout");
	}
	if (!str_has_prefix(base, MARK))
		return 0;
	if (is_ignored(base))
		return 1;
	(void)snprintf(name, sizeof(name), "%.*s", (int)(slash ? slash - path : 0), path);
	if (strcmp(base, OPAQUE) == 0)
		return keep(x, &x->opaques, name);
	base += strlen(MARK);
	if (!*base || strcmp(base, ".") == 0 || strcmp(base, "..") == 0)
		return unpack_refuse(x, "take", path, EINVAL, "it is the whiteout of no name");
	(void)snprintf(name, sizeof(name), "%.*s%s", (int)(slash ? slash - path + 1 : 0), path, base);
	return keep(x, &x->whiteouts, name);
}

static int failed(const struct unpacking *x, const char *path, int r)
{
	(void)unpack_refuse(x, "take away", path, -r, strerror(-r));
	if (r == -EPERM)
		sr_error_hint(x->err, "making whiteouts needs Linux 5.8 or later");
	else if (r == -ENOTSUP)
		sr_error_hint(x->err, "the file system of the store has no user attributes; set XDG_DATA_HOME to a folder on another");
	return r;
}

static int set_opaque(struct unpacking *x, const char *path)
{
	SR_AUTOCLOSE int fd = sys_open_beneath(x->tree_fd, path, O_RDONLY | O_DIRECTORY, 0);

	if (fd < 0)
		return failed(x, path, fd);
	return fsetxattr(fd, "user.overlay.opaque", "y", 1, 0) < 0 ? failed(x, path, -errno) : 0;
}

/*
 * Something of this layer on the way is an opaque folder, is gone itself, or is no folder: then nothing of what lies below shows
 * anyway. umoci writes such whiteouts where a file took a folder's place.
 */
static bool is_hidden_here(const struct unpacking *x, const char *path)
{
	SR_AUTOCLOSE int fd = dup(x->tree_fd);

	for (const char *p = path, *slash; fd >= 0 && (slash = strchr(p, '/')); p = slash + 1) {
		char name[NAME_MAX + 1];
		struct stat st;
		int next;

		(void)snprintf(name, sizeof(name), "%.*s", (int)(slash - p), p);
		if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			return false;
		if (!S_ISDIR(st.st_mode))
			return true;
		next = tree_open_folder(fd, name);
		fd_close(&fd);
		fd = next;
		if (fd >= 0 && seal_is_opaque(fd))
			return true;
	}
	return false;
}

/* A name of this layer hides the same name below, but folders merge. */
static int set_whiteout(struct unpacking *x, const char *path)
{
	struct stat below, here;
	const char *base;
	int parent;

	if (!lowers_find(x->lowers, path, &below) || is_hidden_here(x, path))
		return 0;
	parent = unpack_parent(x, path, &base);
	if (parent < 0)
		return parent;
	if (fstatat(parent, base, &here, AT_SYMLINK_NOFOLLOW) == 0)
		return S_ISDIR(here.st_mode) && S_ISDIR(below.st_mode) ? set_opaque(x, path) : 0;
	return mknodat(parent, base, S_IFCHR, makedev(0, 0)) < 0 ? failed(x, path, -errno) : 0;
}

static bool is_folder_here(const struct unpacking *x, const char *path)
{
	SR_AUTOCLOSE int fd = sys_open_beneath(x->tree_fd, path, O_RDONLY | O_DIRECTORY, 0);

	return fd >= 0;
}

static int set_opaque_folder(struct unpacking *x, const char *path)
{
	struct stat below, here;
	char inside[PATH_MAX + 2];
	const char *base;
	int parent;

	if (!*path) {
		x->alone = x->lowers->count > 0;
		return 0;
	}
	/* Where it hides nothing it does no harm; a build leaves such ones, and out and in again they must have the same digest. */
	if (is_folder_here(x, path))
		return set_opaque(x, path);
	if (!lowers_find(x->lowers, path, &below) || !S_ISDIR(below.st_mode) || is_hidden_here(x, path))
		return 0;
	if (snprintf(inside, sizeof(inside), "%s/x", path) >= PATH_MAX)
		return failed(x, path, -ENAMETOOLONG);
	parent = unpack_parent(x, inside, &base); /* makes it */
	if (parent < 0)
		return parent;
	parent = unpack_parent(x, path, &base);
	if (parent < 0)
		return parent;
	if (fstatat(parent, base, &here, AT_SYMLINK_NOFOLLOW) < 0)
		return failed(x, path, -errno);
	return S_ISDIR(here.st_mode) ? set_opaque(x, path) : 0;
}

static int compare_paths(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* In the order of the paths, so that the result does not hang on the archive's, and what is gone is known before what lay in it. */
static void sort(struct sr_strv *v)
{
	if (v->count > 1)
		qsort(v->items, v->count, sizeof(*v->items), compare_paths);
}

int marks_set(struct unpacking *x)
{
	int r = 0;

	sort(&x->opaques);
	sort(&x->whiteouts);
	for (size_t i = 0; r == 0 && i < x->opaques.count; i++)
		r = set_opaque_folder(x, x->opaques.items[i]);
	for (size_t i = 0; r == 0 && i < x->whiteouts.count; i++)
		r = set_whiteout(x, x->whiteouts.items[i]);
	return r;
}
