/* SPDX-License-Identifier: MIT */
#include "environment/source.h"

#include <archive.h>
#include <errno.h>
#include <locale.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <zlib.h>

#include "environment/common.h"

#define MEMORY_MAX (1 << 30) /* bytes of data of the whole program, while an archive is read */
#define BEHIND_MAX (16 << 20) /* bytes between the archive's end and that of its compression: some writers pad */

/* Some bytes of the file into raw, at least `least` of them unless it ends. Their number, or -1. */
static la_ssize_t read_raw(struct archive *a, struct source *s, size_t least)
{
	size_t len = 0;

	do {
		ssize_t n = verb_interrupted() ? (errno = EINTR, -1) : read(s->fd, s->raw + len, sizeof(s->raw) - len);

		if (n < 0 && errno == EINTR && !verb_interrupted())
			continue;
		if (n < 0) {
			archive_set_error(a, errno, "%s", strerror(errno));
			return -1;
		}
		s->at_end = n == 0;
		len += (size_t)n;
	} while (len < least && !s->at_end);
	sha256_update(&s->ctx, len, s->raw);
	s->bytes += len;
	return (la_ssize_t)len;
}

static la_ssize_t bad_gzip(struct archive *a, const char *why)
{
	archive_set_error(a, EBADMSG, "gzip: %s", why);
	return -1;
}

/* What stands behind a member: another one, or something that is none, which gzip(1) passes over too. True at the end. */
static bool next_member(struct source *s)
{
	if (s->z->avail_in && *s->z->next_in == 0x1f) {
		s->between = inflateReset(s->z) != Z_OK;
		return s->between;
	}
	s->z->avail_in = 0;
	return s->at_end;
}

static la_ssize_t read_gzip(struct archive *a, struct source *s)
{
	for (;;) {
		la_ssize_t n = 0;
		int r;

		if (s->z->avail_in == 0 && !s->at_end)
			n = read_raw(a, s, 1);
		if (n < 0)
			return -1;
		if (n > 0) {
			s->z->next_in = s->raw;
			s->z->avail_in = (uInt)n;
		}
		if (s->between) {
			if (next_member(s))
				return 0;
			continue;
		}
		if (s->z->avail_in == 0)
			return bad_gzip(a, "it ends too soon");
		s->z->next_out = s->buffer;
		s->z->avail_out = sizeof(s->buffer);
		r = inflate(s->z, Z_NO_FLUSH);
		if (r != Z_OK && r != Z_STREAM_END)
			return bad_gzip(a, s->z->msg ? s->z->msg : "it is damaged");
		s->between = r == Z_STREAM_END;
		if (s->z->avail_out < sizeof(s->buffer))
			return (la_ssize_t)(sizeof(s->buffer) - s->z->avail_out);
	}
}

static la_ssize_t begin(struct archive *a, struct source *s)
{
	la_ssize_t n = read_raw(a, s, 4);

	s->begun = true;
	s->gzip = n >= 2 && memcmp(s->raw, "\x1f\x8b", 2) == 0;
	s->compressed = s->gzip || (n >= 4 && (memcmp(s->raw, "\x28\xb5\x2f\xfd", 4) == 0 || memcmp(s->raw, "BZh", 3) == 0 ||
					       memcmp(s->raw, "\xfd" "7zX", 4) == 0));
	if (!s->gzip)
		return n;
	s->z->next_in = s->raw;
	s->z->avail_in = (uInt)n;
	return inflateInit2(s->z, 16 + MAX_WBITS) == Z_OK ? read_gzip(a, s) : bad_gzip(a, "memory is out");
}

static la_ssize_t read_some(struct archive *a, void *user, const void **ret)
{
	struct source *s = user;
	la_ssize_t n = !s->begun ? begin(a, s) : s->gzip ? read_gzip(a, s) : s->at_end ? 0 : read_raw(a, s, 1);

	*ret = s->gzip ? s->buffer : s->raw;
	return n;
}

/* An archive's own header says how much memory its decompression wants: 64 MiB for xz -9, 4 GiB where somebody means harm. */
static void limit_memory(struct source *s)
{
	struct rlimit less;

#ifdef SR_SANITIZED /* AddressSanitizer's own memory is data as well, and more of it */
	(void)less;
	return;
#endif
	if (getrlimit(RLIMIT_DATA, &s->memory) < 0)
		return;
	less = s->memory;
	if (less.rlim_cur > MEMORY_MAX) /* which RLIM_INFINITY is too */
		less.rlim_cur = MEMORY_MAX;
	s->is_limited = setrlimit(RLIMIT_DATA, &less) == 0;
}

const char *source_hint(struct archive *a, const char *otherwise)
{
	const char *text = archive_error_string(a);

	if (archive_errno(a) == ENOMEM || (text && strstr(text, "allocate memory")))
		return "the archive asks for more than 1 GiB of memory, or for more than there is; unpack it, or compress it anew";
	return otherwise;
}

struct source *source_open(int fd, struct sr_error *err)
{
	SR_AUTOSOURCE struct source *s = calloc(1, sizeof(*s));
	struct archive *a;

	if (s) {
		s->z = calloc(1, sizeof(*s->z));
		s->archive = archive_read_new();
	}
	if (!s || !s->z || !s->archive) {
		(void)sr_error_oom(err, STAGE);
		return NULL;
	}
	/*
	 * Names are bytes. In a UTF-8 locale libarchive would bring the names of pax headers into another normal form; in this one
	 * it cannot, says so with a warning (source_is_name_warning), and leaves them as they are.
	 */
	(void)setlocale(LC_CTYPE, "C");
	limit_memory(s);
	s->fd = fd;
	a = s->archive;
	sha256_init(&s->ctx);
	/* ARCHIVE_WARN: this libarchive would start a program for it, so it goes without. */
	if (archive_read_support_format_tar(a) != ARCHIVE_OK ||
	    archive_read_support_filter_zstd(a) != ARCHIVE_OK || archive_read_support_filter_xz(a) != ARCHIVE_OK ||
	    archive_read_support_filter_bzip2(a) != ARCHIVE_OK) {
		(void)sr_error_set(err, SR_E_ENVIRONMENT, ENOSYS, STAGE, "cannot read archives: this libarchive lacks zstd, xz or bzip2");
		return NULL;
	}
	if (archive_read_open(a, s, NULL, read_some, NULL) != ARCHIVE_OK) {
		const char *text = archive_error_string(a);

		if (verb_interrupted()) {
			(void)verb_give_up("import", err);
		} else {
			(void)sr_error_set(err, SR_E_INPUT, EINVAL, STAGE, "cannot read the archive: %s",
					   SHOWN(text ? text : "unknown format"));
			sr_error_hint(err, "%s", source_hint(a, "what is taken: a tar, plain or compressed by gzip, zstd, xz or "
								"bzip2; an OCI layout; a docker-archive"));
		}
		return NULL;
	}
	return SR_TAKE_PTR(s);
}

bool source_is_name_warning(struct archive *a)
{
	const char *text = archive_error_string(a);

	return text && str_has_suffix(text, "can't be converted from UTF-8 to current locale.");
}

int source_finish(struct source *s, char hex[static SR_SEAL_HEX], struct sr_error *err)
{
	uint8_t digest[SHA256_DIGEST_SIZE];
	const void *ignored;
	uint64_t behind = 0;
	la_ssize_t n;

	while ((n = read_some(s->archive, s, &ignored)) > 0 && behind <= BEHIND_MAX)
		behind += s->gzip ? (uint64_t)n : 0; /* plain bytes cost no more than the file has */
	if (n != 0) {
		const char *text = n < 0 ? archive_error_string(s->archive) : "there is too much behind its end";

		if (verb_interrupted())
			return verb_give_up("import", err);
		return sr_error_set(err, SR_E_INPUT, EBADMSG, STAGE, "cannot read the archive: %s", SHOWN(text ? text : "it is damaged"));
	}
	sha256_digest(&s->ctx, sizeof(digest), digest);
	str_hex(digest, sizeof(digest), hex);
	return 0;
}

void source_close(struct source **s)
{
	if (*s && (*s)->archive)
		(void)archive_read_free((*s)->archive);
	if (*s && (*s)->gzip)
		(void)inflateEnd((*s)->z);
	if (*s)
		free((*s)->z);
	if (*s && (*s)->is_limited)
		(void)setrlimit(RLIMIT_DATA, &(*s)->memory);
	free(*s);
	*s = NULL;
}
