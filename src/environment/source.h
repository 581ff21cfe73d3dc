/* SPDX-License-Identifier: MIT */
/*
 * An archive that is read from an open file, with the SHA-256 of its bytes as they stand there. tar, plain or compressed by
 * gzip, zstd, xz or bzip2; libarchive's other formats, and its filters that start programs, are off. gzip is taken apart here,
 * for libarchive does not look at its checksums.
 */
#ifndef SR_ENVIRONMENT_SOURCE_H
#define SR_ENVIRONMENT_SOURCE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>

#include <nettle/sha2.h>

#include "base/error.h"
#include "image/digest.h"

struct archive;
struct z_stream_s;

struct source {
	int fd; /* the caller's */
	uint64_t bytes;
	struct sha256_ctx ctx;
	bool compressed; /* known after the first bytes */
	struct archive *archive;
	bool begun, at_end, gzip, between; /* at_end: of the file; between: two members of a gzip file */
	struct z_stream_s *z;
	bool is_limited;
	struct rlimit memory; /* the limit as it was */
	unsigned char raw[64 << 10], buffer[128 << 10];
};

/* What to do about an archive that libarchive does not read: about memory where that is short, else `otherwise`. */
const char *source_hint(struct archive *a, const char *otherwise);
/* A fresh source over fd, which must be at its start; what names it in messages. NULL with the error set. */
struct source *source_open(int fd, struct sr_error *err);
/* ARCHIVE_WARN of a header said only that a name is not of the locale's characters: it is there as it stands in the archive. */
bool source_is_name_warning(struct archive *a);
/* Reads to the end of the file, behind the archive's, and gives the digest of all bytes. 0 or negative with the error set. */
int source_finish(struct source *s, char hex[static SR_SEAL_HEX], struct sr_error *err);
void source_close(struct source **s);
#define SR_AUTOSOURCE SR_CLEANUP(source_close)

#endif
