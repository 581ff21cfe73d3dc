/* SPDX-License-Identifier: MIT */
/*
 * The digest of a layer: SHA-256 of a manifest of everything in its tree, sorted; and the digest of a stack of them.
 * sandrun-environment(5) has the format. Times, owners and hard links are not in it, so that an image keeps its digest
 * wherever it is unpacked.
 *
 * A tree is hostile: it is read by descriptors, one name at a time, no link followed, nothing opened but files and folders.
 */
#ifndef SR_IMAGE_DIGEST_H
#define SR_IMAGE_DIGEST_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"

#define SR_SEAL_HEX 65
#define SR_SEAL_TIME 315532800 /* 1980-01-01 00:00:00 UTC: what zip can hold, and nothing that make takes for the future */

struct sr_seal {
	char hex[SR_SEAL_HEX];
	uint64_t entries; /* lines of the manifest */
	uint64_t bytes;   /* of the files in it */
};

/*
 * Reads the tree and changes nothing. What no sealed layer holds is an error: devices, FIFOs, sockets, set-id bits, attributes
 * of overlayfs. The manifest goes to a file as well unless that is NULL. 0 or negative with the error set.
 */
int seal_check(int tree_fd, FILE *manifest, struct sr_seal *ret, struct sr_error *err);
/*
 * Makes a tree that was just written a layer's: removes FIFOs and sockets, set-id bits, access lists and every attribute but
 * "opaque"; gives the owner the right to read all of it and to remove it; sets every time to SR_SEAL_TIME. Devices that are
 * no whiteouts are refused. The tree's files must be the caller's alone.
 */
int seal_tree(int tree_fd, struct sr_seal *ret, struct sr_error *err);

/* "opaque" is set on the open folder. */
int seal_is_opaque(int dir_fd);

/* The digest of a stack, bottom first: 64 hex digits each. */
void seal_stack(const char *const *layers, size_t count, char out[static SR_SEAL_HEX]);

/* All of these end with -EINTR once this answers other than 0. NULL, the default: they go on. */
void seal_stop_when(int (*asked)(void));

#endif
