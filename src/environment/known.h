/* SPDX-License-Identifier: MIT */
/*
 * What the store knows: names, and what stands behind them. For the verbs that look at it; a run reads the store by itself.
 */
#ifndef SR_ENVIRONMENT_KNOWN_H
#define SR_ENVIRONMENT_KNOWN_H

#include "image/store-write.h"

struct known {
	char name[SR_STORE_NAME_MAX + 1];
	struct sr_strv keys;   /* "section.key=value", a list's lines joined by blanks */
	struct sr_strv layers; /* 64 hex digits each, bottom first */
};

/* The names of the store, sorted; none where there is no store. *ret_open: it was opened. */
int known_names(struct store_writer *s, bool *ret_open, struct sr_strv *ret, struct sr_error *err);
/* Reads one. -ENOENT with the error set when there is none; it must be sound: its digest is that of its layers. */
int known_read(const struct store_writer *s, const char *name, struct known *ret, struct sr_error *err);
void known_done(struct known *k);
/* known_text(k, "image.description"); "" where it is not said. */
const char *known_text(const struct known *k, const char *key);
uint64_t known_bytes(const struct known *k);

/* A layer, held against removal as long as lock_fd is open. */
struct known_layer {
	int lock_fd, tree_fd;
};
int known_layer_open(const struct store_writer *s, const char *hex, struct known_layer *ret, struct sr_error *err);
void known_layer_done(struct known_layer *l);
/* All layers of an environment. The caller frees *ret_layers after known_layer_done() of each. */
int known_layers_open(const struct store_writer *s, const struct known *k, struct known_layer **ret_layers, struct sr_error *err);

#endif
