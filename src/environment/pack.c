/* SPDX-License-Identifier: MIT */
#include "environment/pack.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <locale.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/io.h"
#include "environment/common.h"

static void sum_add(struct pack_sum *s, const void *data, size_t len)
{
	sha256_update(&s->ctx, len, data);
	s->bytes += len;
}

static void sum_finish(struct pack_sum *s)
{
	uint8_t digest[SHA256_DIGEST_SIZE];

	sha256_digest(&s->ctx, sizeof(digest), digest);
	str_hex(digest, sizeof(digest), s->hex);
}

/* Behind the compression: into the file. */
static la_ssize_t write_packed(struct archive *a, void *user, const void *data, size_t len)
{
	struct pack *p = user;
	int r = p->given_up ? -ECANCELED : io_write_full(p->fd, data, len);

	if (r < 0) {
		archive_set_error(a, -r, "%s", strerror(-r));
		return -1;
	}
	sum_add(&p->packed, data, len);
	return (la_ssize_t)len;
}

/* Out of the tar: into the compression, if any. */
static la_ssize_t write_plain(struct archive *a, void *user, const void *data, size_t len)
{
	struct pack *p = user;

	if (p->given_up)
		return write_packed(a, user, data, len);
	sum_add(&p->plain, data, len);
	if (!p->squeeze)
		return write_packed(a, user, data, len);
	if (archive_write_data(p->squeeze, data, len) == (la_ssize_t)len)
		return (la_ssize_t)len;
	archive_set_error(a, archive_errno(p->squeeze), "%s", archive_error_string(p->squeeze));
	return -1;
}

static int failed(struct pack *p, struct archive *a)
{
	const char *text = archive_error_string(a);
	int e = archive_errno(a);

	return sr_error_set(p->err, SR_E_OUTPUT, e > 0 ? e : EIO, "output", "cannot write the archive: %s", SHOWN(text ? text : strerror(e)));
}

/* A compression is to libarchive a filter of an archive: here of one in the format "raw", which holds one file. */
static int open_squeeze(struct pack *p, enum pack_kind kind)
{
	int r;

	if (kind == PACK_PLAIN)
		return 0;
	p->squeeze = archive_write_new();
	if (!p->squeeze)
		return sr_error_oom(p->err, "output");
	r = kind == PACK_ZSTD ? archive_write_add_filter_zstd(p->squeeze) : archive_write_add_filter_gzip(p->squeeze);
	if (r != ARCHIVE_OK || archive_write_set_format_raw(p->squeeze) != ARCHIVE_OK ||
	    (kind == PACK_GZIP && archive_write_set_filter_option(p->squeeze, "gzip", "timestamp", NULL) != ARCHIVE_OK) ||
	    archive_write_set_filter_option(p->squeeze, NULL, "compression-level", kind == PACK_ZSTD ? "3" : "6") != ARCHIVE_OK ||
	    archive_write_set_bytes_in_last_block(p->squeeze, 1) != ARCHIVE_OK ||
	    archive_write_open(p->squeeze, p, NULL, write_packed, NULL) != ARCHIVE_OK)
		return failed(p, p->squeeze);
	archive_entry_clear(p->entry);
	archive_entry_set_filetype(p->entry, AE_IFREG);
	archive_entry_set_pathname(p->entry, "data");
	return archive_write_header(p->squeeze, p->entry) != ARCHIVE_OK ? failed(p, p->squeeze) : 0;
}

struct pack *pack_open(int fd, enum pack_kind kind, struct sr_error *err)
{
	SR_AUTOPACK struct pack *p = calloc(1, sizeof(*p));

	if (p) {
		p->tar = archive_write_new();
		p->entry = archive_entry_new();
	}
	if (!p || !p->tar || !p->entry) {
		(void)sr_error_oom(err, "output");
		return NULL;
	}
	(void)setlocale(LC_CTYPE, "C.UTF-8"); /* by which libarchive knows that names are UTF-8, and may stand in a pax header so */
	p->fd = fd;
	p->err = err;
	sha256_init(&p->plain.ctx);
	sha256_init(&p->packed.ctx);
	if (open_squeeze(p, kind) < 0)
		return NULL;
	if (archive_write_set_format_pax_restricted(p->tar) != ARCHIVE_OK || archive_write_add_filter_none(p->tar) != ARCHIVE_OK ||
	    archive_write_open(p->tar, p, NULL, write_plain, NULL) != ARCHIVE_OK) {
		(void)failed(p, p->tar);
		return NULL;
	}
	return SR_TAKE_PTR(p);
}

static int add_header(struct pack *p, const char *path, mode_t type, mode_t mode, int64_t size, const char *target)
{
	int r;

	(void)snprintf(p->path, sizeof(p->path), "%s", path);
	archive_entry_clear(p->entry);
	archive_entry_copy_pathname(p->entry, path);
	archive_entry_set_filetype(p->entry, type);
	archive_entry_set_perm(p->entry, mode);
	archive_entry_set_size(p->entry, size);
	archive_entry_set_mtime(p->entry, SR_SEAL_TIME, 0);
	archive_entry_set_uid(p->entry, 0);
	archive_entry_set_gid(p->entry, 0);
	if (target)
		archive_entry_copy_symlink(p->entry, target);
	r = archive_write_header(p->tar, p->entry);
	/* a name that is no UTF-8 is a warning, and goes as the bytes that it is */
	if (r == ARCHIVE_OK || (r == ARCHIVE_WARN && (!str_is_utf8(path, strlen(path)) ||
						     (target && !str_is_utf8(target, strlen(target))))))
		return 0;
	return failed(p, p->tar);
}

static int cannot_read(struct pack *p, const char *path, int r)
{
	return sr_error_set(p->err, SR_E_ENVIRONMENT, -r, STAGE, "cannot read %s of the environment: %s", SHOWN(path), strerror(-r));
}

static int add_data(struct pack *p, int fd, const char *path, int64_t left)
{
	while (left > 0) {
		ssize_t n = io_read_full(fd, p->buffer, (uint64_t)left < sizeof(p->buffer) ? (size_t)left : sizeof(p->buffer));

		if (verb_interrupted())
			return verb_give_up("export", p->err);
		if (n <= 0)
			return cannot_read(p, path, n < 0 ? (int)n : -EAGAIN); /* it became shorter */
		if (archive_write_data(p->tar, p->buffer, (size_t)n) != n)
			return failed(p, p->tar);
		left -= n;
	}
	return 0;
}

static int add_file(struct pack *p, int dir_fd, const char *name, const char *path)
{
	SR_AUTOCLOSE int fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;
	int r;

	if (fd < 0 || fstat(fd, &st) < 0)
		return cannot_read(p, path, -errno);
	if (!S_ISREG(st.st_mode))
		return cannot_read(p, path, -EAGAIN);
	r = add_header(p, path, AE_IFREG, st.st_mode & 0777, st.st_size, NULL);
	return r < 0 ? r : add_data(p, fd, path, st.st_size);
}

int pack_add(struct pack *p, int dir_fd, const char *name, const char *path, const struct stat *st)
{
	char target[PATH_MAX];
	ssize_t n;

	if (verb_interrupted())
		return verb_give_up("export", p->err);
	if (S_ISREG(st->st_mode))
		return add_file(p, dir_fd, name, path);
	if (S_ISDIR(st->st_mode))
		return add_header(p, path, AE_IFDIR, st->st_mode & 01777, 0, NULL);
	if (!S_ISLNK(st->st_mode))
		return cannot_read(p, path, -EINVAL); /* no sealed layer holds it */
	n = readlinkat(dir_fd, name, target, sizeof(target) - 1);
	if (n < 0)
		return cannot_read(p, path, -errno);
	target[n] = '\0';
	return add_header(p, path, AE_IFLNK, 0777, 0, target);
}

int pack_add_mark(struct pack *p, const char *path)
{
	return add_header(p, path, AE_IFREG, 0644, 0, NULL);
}

int pack_finish(struct pack *p)
{
	if (archive_write_close(p->tar) != ARCHIVE_OK)
		return failed(p, p->tar);
	if (p->squeeze && archive_write_close(p->squeeze) != ARCHIVE_OK)
		return failed(p, p->squeeze);
	sum_finish(&p->plain);
	sum_finish(&p->packed);
	return 0;
}

/* Freeing would finish an archive that was not: then nothing more is taken. (archive_write_fail(3) leaks what compresses.) */
void pack_close(struct pack **p)
{
	if (*p) {
		(*p)->given_up = true;
		(void)archive_write_free((*p)->tar);
		(void)archive_write_free((*p)->squeeze);
		archive_entry_free((*p)->entry);
	}
	free(*p);
	*p = NULL;
}
