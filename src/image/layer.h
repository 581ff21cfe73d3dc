/* SPDX-License-Identifier: MIT */
/*
 * The folders that an environment is made of, bottom first, held by descriptor. What lies in them is hostile: a path in
 * them is looked up by image/merge.h alone.
 */
#ifndef SR_IMAGE_LAYER_H
#define SR_IMAGE_LAYER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"

#define SR_LAYER_DIGEST 72 /* "sha256:", 64 hex digits, NUL */
#define SR_LAYERS_MAX 256  /* of the 500 that overlayfs takes; their names fit into one page of mount options */

struct sr_layer {
	char *path;   /* absolute, resolved once; the child opens it again and compares */
	dev_t dev;
	ino_t ino;
	int fd;       /* the folder, O_PATH */
	int lock_fd;  /* of the store: its shared lock, kept as long as the run; -1 for a folder of the user's */
	char digest[SR_LAYER_DIGEST]; /* of the store; "" for a folder of the user's */
};

struct sr_layers {
	struct sr_layer *items;
	size_t count;
};

/* Adds one that is all unset but for its descriptors, -1. NULL with the error set. */
struct sr_layer *layers_add(struct sr_layers *l, struct sr_error *err);
/*
 * The digest of a stack of layers, from their digests, bottom first: SHA-256 of the line "sandrun-image v1" and one line of
 * each, sandrun-environment(5).
 */
void layers_digest(const char *const *digests, size_t count, char out[static SR_LAYER_DIGEST]);
/* The same of layers that are open: false where one of them has none. */
bool layers_stack(const struct sr_layers *l, char out[static SR_LAYER_DIGEST]);
void layer_done(struct sr_layer *l);
void layers_done(struct sr_layers *l);

#endif
