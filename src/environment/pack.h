/* SPDX-License-Identifier: MIT */
/*
 * Archives that depend on nothing but what is packed: pax, sorted, one time, owner 0, no attributes. The bytes go through
 * SHA-256, before and behind the compression, into an open file.
 */
#ifndef SR_ENVIRONMENT_PACK_H
#define SR_ENVIRONMENT_PACK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include <nettle/sha2.h>

#include "base/error.h"
#include "image/digest.h"

struct archive;
struct archive_entry;

enum pack_kind {
	PACK_PLAIN,
	PACK_ZSTD,
	PACK_GZIP,
};

/* Bytes that went by. */
struct pack_sum {
	struct sha256_ctx ctx;
	uint64_t bytes;
	char hex[SR_SEAL_HEX]; /* after pack_finish() */
};

struct pack {
	struct archive *tar, *squeeze; /* squeeze: what the tar's bytes go through, NULL for PACK_PLAIN */
	struct archive_entry *entry;
	int fd;
	bool given_up; /* nothing is written any more */
	struct sr_error *err;
	struct pack_sum plain, packed;
	char path[4096]; /* of the entry at hand */
	unsigned char buffer[64 << 10];
};

/* Begins an archive into fd. NULL with the error set. */
struct pack *pack_open(int fd, enum pack_kind kind, struct sr_error *err);
/* Adds what stands at name in dir_fd, as path: a file, folder or link, whose state is st. 0 or negative with the error set. */
int pack_add(struct pack *p, int dir_fd, const char *name, const char *path, const struct stat *st);
/* Adds an empty file. */
int pack_add_mark(struct pack *p, const char *path);
/* Ends the archive. */
int pack_finish(struct pack *p);
void pack_close(struct pack **p);
#define SR_AUTOPACK SR_CLEANUP(pack_close)

/* Everything that stands in a folder and below it, sorted. */
int pack_folder(struct pack *p, int dir_fd);
/* One layer: whiteouts and opaque folders as the OCI image specification spells them. */
int pack_layer(struct pack *p, int tree_fd);
/* What an overlay of the trees, bottom first, would show. */
int pack_stack(struct pack *p, const int *trees, size_t count);

#endif
