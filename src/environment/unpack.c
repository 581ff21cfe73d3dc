/* SPDX-License-Identifier: MIT */
#include "environment/unpack.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "environment/common.h"
#include "environment/source.h"
#include "environment/unpack-internal.h"
#include "image/tree.h"
#include "sys/openat2.h"

#define ROOM_STEP (64 << 20) /* bytes between two looks at what the disk has left, */
#define ROOM_ENTRIES 1024    /* and entries */
#define BLOCK 512

int unpack_refuse(const struct unpacking *x, const char *verb, const char *name, int errnum, const char *why)
{
	return sr_error_set(x->err, SR_E_INPUT, errnum, STAGE, "cannot %s %s of the archive: %s", verb, SHOWN(name), why);
}

static int failed(const struct unpacking *x, const char *verb, const char *name, int r)
{
	(void)unpack_refuse(x, verb, name, -r, strerror(-r));
	if (r == -ENOSPC || r == -EDQUOT)
		sr_error_hint(x->err, "the disk is full: sandrun environment prune frees what no name reaches");
	return r;
}

/* The bytes of an entry are counted before they are written, as its header has them: a hole is paid for like data. */
static int count(const struct unpacking *x, const char *name, int64_t size)
{
	struct unpack *u = x->u;
	char limit[32];

	if (size < 0)
		return unpack_refuse(x, "take", name, EINVAL, "its size is negative");
	if (u->entries++ >= u->max_entries) {
		(void)unpack_refuse(x, "take", name, EFBIG, "the archives hold too many entries");
		sr_error_hint(x->err, "%" PRIu64 " are the limit; --max-entries N sets another", u->max_entries);
		return -EFBIG;
	}
	if ((uint64_t)size > u->max_bytes - u->bytes) {
		str_from_bytes(u->max_bytes, limit);
		(void)unpack_refuse(x, "take", name, EFBIG, "the archives hold too many bytes");
		sr_error_hint(x->err, "%s are the limit; --max-bytes SIZE sets another", limit);
		return -EFBIG;
	}
	u->bytes += (uint64_t)size;
	u->room_checked += (uint64_t)size + 4096;
	if (u->entries % 512 == 1)
		progress_show("%s: %" PRIu64 " entries, %" PRIu64 " MB", u->label, u->entries, u->bytes / 1000000);
	if (u->room_checked < ROOM_STEP && u->entries % ROOM_ENTRIES)
		return 0;
	u->room_checked = 0;
	return store_check_room(u->work, (uint64_t)size, x->err);
}

/* --- names -------------------------------------------------------------------------------------------------------------- */

/*
 * Takes "/" and "./" off the front, and what is empty or "." out of a name. 0, or a reason not to take it. The empty path is the
 * tree's own top.
 */
static const char *clean_name(const char *name, char out[static PATH_MAX])
{
	unsigned int depth = 0;
	size_t len = 0;

	for (const char *p = name + strspn(name, "/"); *p; p += strspn(p, "/")) {
		size_t n = strcspn(p, "/");

		if (n == 2 && memcmp(p, "..", 2) == 0)
			return "its name leads out (\"..\")";
		if (n > NAME_MAX)
			return "a name in it is longer than 255 bytes";
		if (n != 1 || *p != '.') {
			if (len + n + 2 > PATH_MAX)
				return "its path is longer than 4095 bytes";
			if (++depth > SR_TREE_DEPTH)
				return "folders stand too deep in each other (256 are the limit)";
			if (len)
				out[len++] = '/';
			memcpy(out + len, p, n);
			len += n;
		}
		p += n;
	}
	out[len] = '\0';
	return NULL;
}

/* A folder that no entry spoke of has the mode that it has below, so that the overlay shows no other. */
static mode_t implied_mode(const struct unpacking *x, const char *path)
{
	struct stat st;

	return lowers_find(x->lowers, path, &st) && S_ISDIR(st.st_mode) ? (st.st_mode & 01777) | 0700 : 0755;
}

static int cannot_place(const struct unpacking *x, const char *path, int r)
{
	if (r == -ELOOP)
		return unpack_refuse(x, "place", path, ELOOP, "a link stands on the way to it");
	if (r == -ENOTDIR)
		return unpack_refuse(x, "place", path, ENOTDIR, "what stands on the way to it is no folder");
	return failed(x, "place", path, r);
}

/*
 * The folder that path names, for the entry `of`, made with those above it where they are missing; each counts as an entry.
 * Descriptor, or negative with the error set.
 */
static int make_folders(const struct unpacking *x, const char *path, const char *of)
{
	SR_AUTOCLOSE int fd = dup(x->tree_fd);

	for (const char *p = path; fd >= 0; p++) {
		char name[NAME_MAX + 1], so_far[PATH_MAX];
		size_t n = strcspn(p, "/");
		int next, r = 0;

		(void)snprintf(name, sizeof(name), "%.*s", (int)n, p);
		next = tree_open_folder(fd, name);
		if (next == -ENOENT) {
			(void)snprintf(so_far, sizeof(so_far), "%.*s", (int)(p + n - path), path);
			r = count(x, so_far, 0);
			if (r < 0)
				return r;
			r = mkdirat(fd, name, 0700) < 0 ? -errno : tree_set_mode(fd, name, implied_mode(x, so_far));
			next = r < 0 ? r : tree_open_folder(fd, name);
		}
		if (next < 0)
			return cannot_place(x, of, next);
		fd_close(&fd);
		fd = next;
		p += n;
		if (!*p)
			return SR_TAKE_FD(fd);
	}
	return cannot_place(x, of, -errno);
}

static void forget_parent(struct unpacking *x)
{
	fd_close(&x->parent_fd);
	x->parent[0] = '\0';
}

int unpack_parent(struct unpacking *x, const char *path, const char **ret_base)
{
	const char *slash = strrchr(path, '/');
	size_t len = slash ? (size_t)(slash - path) : 0;
	int r;

	*ret_base = slash ? slash + 1 : path;
	if (!slash)
		return x->tree_fd;
	if (x->parent_fd >= 0 && strncmp(x->parent, path, len) == 0 && x->parent[len] == '\0')
		return x->parent_fd;
	forget_parent(x);
	memcpy(x->parent, path, len);
	x->parent[len] = '\0';
	x->parent_fd = sys_open_beneath(x->tree_fd, x->parent, O_RDONLY | O_DIRECTORY, 0);
	if (x->parent_fd >= 0)
		return x->parent_fd;
	r = SR_TAKE_FD(x->parent_fd);
	if (r != -ENOENT)
		return cannot_place(x, path, r);
	r = make_folders(x, x->parent, path);
	if (r >= 0)
		x->parent_fd = r;
	return r;
}

/* An archive may name a thing twice; the later one counts. */
static int make_way(struct unpacking *x, int parent, const char *base)
{
	forget_parent(x); /* its folder may be the one that goes: parent was looked up for this entry and is not used again */
	return tree_remove(parent, base);
}

/* --- entries ------------------------------------------------------------------------------------------------------------ */

static int archive_failed(const struct unpacking *x, const char *verb, const char *name)
{
	const char *text = archive_error_string(x->a);

	if (verb_interrupted())
		return verb_give_up("import", x->err);
	(void)unpack_refuse(x, verb, name, EINVAL, SHOWN(text ? text : "it is damaged"));
	sr_error_hint(x->err, "%s", source_hint(x->a, "the archive is damaged or cut off; fetch it again"));
	return -EINVAL;
}

static int write_at(int fd, const char *data, size_t len, la_int64_t at)
{
	while (len > 0) {
		ssize_t n = pwrite(fd, data, len, at);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			data += n;
			len -= (size_t)n;
			at += n;
		}
	}
	return 0;
}

static int copy_data(struct unpacking *x, int fd, const char *name, la_int64_t size)
{
	la_int64_t end = 0, at;
	const void *data;
	size_t len;
	int r;

	while ((r = archive_read_data_block(x->a, &data, &len, &at)) == ARCHIVE_OK) {
		if (verb_interrupted())
			return verb_give_up("import", x->err);
		if (at < 0 || at > size || len > (uint64_t)(size - at))
			return unpack_refuse(x, "read", name, EINVAL, "it holds more than its header says");
		r = write_at(fd, data, len, at);
		if (r < 0)
			return failed(x, "write", name, r);
		end = at + (la_int64_t)len > end ? at + (la_int64_t)len : end;
	}
	if (r != ARCHIVE_EOF)
		return archive_failed(x, "read", name);
	if (end < size && ftruncate(fd, size) < 0) /* a hole at its end */
		return failed(x, "write", name, -errno);
	return 0;
}

static int place_file(struct unpacking *x, struct archive_entry *e, const char *path)
{
	SR_AUTOCLOSE int fd = -1;
	const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	mode_t mode = (archive_entry_perm(e) & 0777) | 0400;
	const char *base;
	int parent = unpack_parent(x, path, &base), r = 0;

	if (parent < 0)
		return parent;
	fd = openat(parent, base, flags, 0600);
	if (fd < 0 && errno == EEXIST) {
		SR_AUTOCLOSE int own = dup(parent);

		r = own < 0 ? -errno : make_way(x, own, base);
		fd = r < 0 ? -1 : openat(own, base, flags, 0600);
	}
	if (fd < 0)
		return failed(x, "make", path, r < 0 ? r : -errno);
	r = copy_data(x, fd, path, archive_entry_size(e));
	if (r == 0 && fchmod(fd, mode) < 0)
		r = failed(x, "set the mode of", path, -errno);
	return r;
}

static int place_folder(struct unpacking *x, struct archive_entry *e, const char *path)
{
	mode_t mode = (archive_entry_perm(e) & 01777) | 0700;
	SR_AUTOCLOSE int own = -1;
	struct stat st;
	const char *base;
	int parent = unpack_parent(x, path, &base), r = 0;

	if (parent < 0)
		return parent;
	own = dup(parent);
	if (own < 0)
		return failed(x, "make", path, -errno);
	if (mkdirat(own, base, 0700) < 0) {
		r = errno == EEXIST && fstatat(own, base, &st, AT_SYMLINK_NOFOLLOW) == 0 ? 0 : -errno;
		if (r == 0 && !S_ISDIR(st.st_mode)) {
			r = make_way(x, own, base);
			r = r == 0 && mkdirat(own, base, 0700) < 0 ? -errno : r;
		}
	}
	if (r == 0)
		r = tree_set_mode(own, base, mode);
	return r < 0 ? failed(x, "make", path, r) : 0;
}

static int make_link(int parent, const char *base, const char *target, int from, const char *from_base)
{
	int r = target ? symlinkat(target, parent, base) : linkat(from, from_base, parent, base, 0);

	return r < 0 ? -errno : 0;
}

/* A symbolic link to target; or, where that is NULL, a hard link to from_base in from. */
static int place_link(struct unpacking *x, const char *path, const char *target, int from, const char *from_base)
{
	SR_AUTOCLOSE int own = -1;
	const char *base;
	int parent = unpack_parent(x, path, &base), r;

	if (parent < 0)
		return parent;
	own = dup(parent);
	if (own < 0)
		return failed(x, "make", path, -errno);
	r = make_link(own, base, target, from, from_base);
	if (r == -EEXIST) {
		r = make_way(x, own, base);
		r = r < 0 ? r : make_link(own, base, target, from, from_base);
	}
	return r < 0 ? failed(x, "make", path, r) : 0;
}

/* To a file or link of this archive that stands there already. */
static int place_hard_link(struct unpacking *x, const char *path, const char *raw)
{
	SR_AUTOCLOSE int from = -1;
	char target[PATH_MAX];
	const char *why = clean_name(raw, target), *base;
	struct stat st;
	int parent;

	if (why || !*target)
		return unpack_refuse(x, "link", path, EINVAL, why ? why : "it links to the top");
	if (strcmp(target, path) == 0)
		return 0; /* tar writes that for a file it was given twice */
	parent = unpack_parent(x, target, &base);
	if (parent < 0)
		return parent;
	from = dup(parent);
	if (from < 0 || fstatat(from, base, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return unpack_refuse(x, "link", path, ENOENT, "what it links to is not in the archive before it");
	if (!S_ISREG(st.st_mode) && !S_ISLNK(st.st_mode))
		return unpack_refuse(x, "link", path, EINVAL, "what it links to is no file");
	return place_link(x, path, NULL, from, base);
}

static int place(struct unpacking *x, struct archive_entry *e, const char *path)
{
	const char *target;

	if (archive_entry_hardlink(e))
		return place_hard_link(x, path, archive_entry_hardlink(e));
	switch (archive_entry_filetype(e)) {
	case AE_IFREG:
		return place_file(x, e, path);
	case AE_IFDIR:
		return place_folder(x, e, path);
	case AE_IFLNK:
		target = archive_entry_symlink(e);
		if (!target || !*target || strlen(target) >= PATH_MAX)
			return unpack_refuse(x, "make", path, EINVAL, "it is a link without a target, or with too long a one");
		return place_link(x, path, target, -1, NULL);
	case AE_IFCHR:
	case AE_IFBLK:
	case AE_IFIFO:
	case AE_IFSOCK:
		x->u->left_out++; /* the sandbox has its own /dev */
		return 0;
	default:
		return unpack_refuse(x, "take", path, EINVAL, "it is of a type that nothing is known of");
	}
}

static int take(struct unpacking *x, struct archive_entry *e)
{
	const char *raw = archive_entry_pathname(e), *why;
	char path[PATH_MAX];
	int r;

	if (!raw)
		return unpack_refuse(x, "take", "an entry", EILSEQ, "its name cannot be read");
	why = clean_name(raw, path);
	if (why)
		return unpack_refuse(x, "take", raw, EINVAL, why);
	r = count(x, raw, archive_entry_size(e));
	if (r < 0 || (!*path && archive_entry_filetype(e) == AE_IFDIR))
		return r;
	if (!*path)
		return unpack_refuse(x, "take", *raw ? raw : "an entry without a name", EINVAL, "only a folder can be the top");
	r = marks_take(x, path);
	return r == 0 ? place(x, e, path) : r > 0 ? 0 : r;
}

/*
 * Zeros stand behind the last entry of every tar. libarchive takes one without them, which is one that was cut between two
 * entries; whoever knows the digest of all of it needs no such sign.
 */
static int check_end(const struct unpacking *x, la_int64_t last)
{
	if (x->u->digest_known || archive_filter_bytes(x->a, 0) - last >= BLOCK)
		return 0;
	(void)sr_error_set(x->err, SR_E_INPUT, EINVAL, STAGE, "cannot read the archive: it is cut off, for it has no end");
	sr_error_hint(x->err, "what wrote it did not come to its end, or it is not all here; make it or fetch it again");
	return -EINVAL;
}

static int take_all(struct unpacking *x)
{
	la_int64_t last = 0; /* byte behind the last entry, uncompressed */

	for (;;) {
		struct archive_entry *e;
		int r = verb_interrupted() ? ARCHIVE_FATAL : archive_read_next_header(x->a, &e);

		if (r == ARCHIVE_EOF)
			return check_end(x, last);
		if (r != ARCHIVE_OK && !(r == ARCHIVE_WARN && source_is_name_warning(x->a))) /* a warning too: something of the header was not understood */
			return archive_failed(x, "read", "an entry");
		r = take(x, e);
		if (r < 0)
			return r;
		if (archive_read_data_skip(x->a) != ARCHIVE_OK)
			return archive_failed(x, "read", "an entry");
		last = archive_filter_bytes(x->a, 0);
	}
}

int unpack_archive(struct unpack *u, struct archive *a, int tree_fd, const struct lowers *lowers, bool *ret_alone,
		   struct sr_error *err)
{
	SR_AUTOFREE struct unpacking *x = calloc(1, sizeof(*x));
	int r;

	if (!x)
		return sr_error_oom(err, STAGE);
	x->u = u;
	x->a = a;
	x->tree_fd = tree_fd;
	x->lowers = lowers;
	x->err = err;
	x->parent_fd = -1;
	r = take_all(x);
	if (r == 0)
		r = marks_set(x);
	*ret_alone = x->alone;
	forget_parent(x);
	strv_done(&x->whiteouts);
	strv_done(&x->opaques);
	return r;
}
