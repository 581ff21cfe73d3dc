/* SPDX-License-Identifier: MIT */
#include "environment/source.h"

#include <archive.h>
#include <errno.h>
#include <locale.h>
#include <string.h>
#include <unistd.h>

#include "environment/common.h"

static la_ssize_t read_some(struct archive *a, void *user, const void **ret)
{
	struct source *s = user;
	ssize_t n;

	do
		n = verb_interrupted() ? (errno = EINTR, -1) : read(s->fd, s->buffer, sizeof(s->buffer));
	while (n < 0 && errno == EINTR && !verb_interrupted());
	if (n < 0) {
		archive_set_error(a, errno, "%s", strerror(errno));
		return -1;
	}
	if (s->bytes == 0 && n >= 4)
		s->compressed = memcmp(s->buffer, "\x1f\x8b", 2) == 0 || memcmp(s->buffer, "\x28\xb5\x2f\xfd", 4) == 0 ||
				memcmp(s->buffer, "BZh", 3) == 0 || memcmp(s->buffer, "\xfd" "7zX", 4) == 0;
	sha256_update(&s->ctx, (size_t)n, s->buffer);
	s->bytes += (uint64_t)n;
	*ret = s->buffer;
	return n;
}

struct source *source_open(int fd, struct sr_error *err)
{
	SR_AUTOSOURCE struct source *s = calloc(1, sizeof(*s));
	struct archive *a = s ? archive_read_new() : NULL;

	if (!a) {
		(void)sr_error_oom(err, STAGE);
		return NULL;
	}
	/*
	 * Names are bytes. In a UTF-8 locale libarchive would bring the names of pax headers into another normal form; in this one
	 * it cannot, says so with a warning (source_is_name_warning), and leaves them as they are.
	 */
	(void)setlocale(LC_CTYPE, "C");
	s->fd = fd;
	s->archive = a;
	sha256_init(&s->ctx);
	/* ARCHIVE_WARN: this libarchive would start a program for it, so it goes without. gzip and zstd are built in everywhere. */
	if (archive_read_support_format_tar(a) != ARCHIVE_OK || archive_read_support_filter_gzip(a) != ARCHIVE_OK ||
	    archive_read_support_filter_zstd(a) != ARCHIVE_OK || archive_read_support_filter_xz(a) != ARCHIVE_OK ||
	    archive_read_support_filter_bzip2(a) != ARCHIVE_OK) {
		(void)sr_error_set(err, SR_E_ENVIRONMENT, ENOSYS, STAGE, "cannot read archives: this libarchive lacks gzip, zstd, xz or bzip2");
		return NULL;
	}
	if (archive_read_open(a, s, NULL, read_some, NULL) != ARCHIVE_OK) {
		const char *text = archive_error_string(a);

		(void)sr_error_set(err, SR_E_INPUT, verb_interrupted() ? EINTR : EINVAL, STAGE, "cannot read the archive: %s",
				   SHOWN(text ? text : "unknown format"));
		return NULL;
	}
	return SR_TAKE_PTR(s);
}

bool source_is_name_warning(struct archive *a)
{
	const char *text = archive_error_string(a);

	return text && str_has_suffix(text, "can't be converted from UTF-8 to current locale.");
}

int source_finish(struct source *s, char hex[static SR_SEAL_HEX])
{
	uint8_t digest[SHA256_DIGEST_SIZE];
	const void *ignored;
	la_ssize_t n;

	while ((n = read_some(s->archive, s, &ignored)) > 0)
		;
	if (n < 0)
		return -archive_errno(s->archive);
	sha256_digest(&s->ctx, sizeof(digest), digest);
	str_hex(digest, sizeof(digest), hex);
	return 0;
}

void source_close(struct source **s)
{
	if (*s && (*s)->archive)
		(void)archive_read_free((*s)->archive);
	free(*s);
	*s = NULL;
}
