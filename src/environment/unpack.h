/* SPDX-License-Identifier: MIT */
/*
 * Writes what an archive holds into a folder of the store's work. The archive is hostile: every name is looked up beneath that
 * folder with no link on the way, nothing is made but files, folders, links, and whiteouts of the importer's own, and the
 * number of entries and bytes is limited. libarchive only reads.
 *
 * Whiteouts as in the OCI image specification's layers (".wh.NAME", ".wh..wh..opq") become overlayfs's, and only where a lower
 * layer has what they take away: of others a listing would show the device.
 */
#ifndef SR_ENVIRONMENT_UNPACK_H
#define SR_ENVIRONMENT_UNPACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "environment/lowers.h"
#include "image/store-write.h"

struct archive;

/* One import, over all archives in it. */
struct unpack {
	uint64_t max_entries, max_bytes;
	uint64_t entries, bytes; /* so far */
	size_t left_out;         /* devices, FIFOs, sockets */
	const struct store_work *work;
	const char *label;       /* for the progress line */
	bool digest_known;       /* of the archive that comes next: the caller compares it afterwards */
	uint64_t room_checked;   /* bytes since the disk was last asked */
};

/*
 * One archive into tree_fd. *ret_alone: the layer hides all of its lowers (an opaque root). 0 or negative with the error set;
 * what is written then is for the caller to remove.
 */
int unpack_archive(struct unpack *u, struct archive *a, int tree_fd, const struct lowers *lowers, bool *ret_alone,
		   struct sr_error *err);

#endif
