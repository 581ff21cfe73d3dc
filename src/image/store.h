/* SPDX-License-Identifier: MIT */
/*
 * The store of environments as a run reads it: $XDG_DATA_HOME/sandrun/images, sandrun-environment(5). Nothing is walked and
 * nothing hashed: one file says which layers a name has, and each layer is opened and locked as long as the run lasts.
 *
 * Only what the user or root owns and nobody else can reach is used: whoever can write a layer decides what a run executes.
 */
#ifndef SR_IMAGE_STORE_H
#define SR_IMAGE_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "image/layer.h"

#define SR_IMAGE_NAME_MAX 64

struct sr_store {
	char *path;
	int names_fd, layers_fd;
};
#define SR_STORE_INIT { .names_fd = -1, .layers_fd = -1 }

/* One of names/NAME.ini. */
struct sr_image {
	char digest[SR_LAYER_DIGEST]; /* of the stack */
	struct sr_strv layers;        /* "sha256:HEX", bottom first */
	struct sr_strv languages;     /* "python=/usr/bin/python3" */
	struct sr_strv variables;     /* "NAME=VALUE" */
	char *profile;                /* NULL: it names none */
};

/* [a-z0-9][a-z0-9._-]*, at most 64 bytes, and neither "host" nor "none". */
bool image_is_name(const char *name);

/* 0; -ENOENT without an error where nothing was ever built or imported; else negative with the error set. */
int store_open(struct sr_store *ret, struct sr_error *err);
void store_done(struct sr_store *s);
/* Adds the names that are there, sorted. 0 or negative errno. */
int store_names(const struct sr_store *s, struct sr_strv *ret);

/* Reads a name. -ENOENT without an error when there is no such one; else negative with the error set. */
int image_read(const struct sr_store *s, const char *name, struct sr_image *ret, struct sr_error *err);
/* The text of such a file; path is for messages. */
int image_parse(const char *path, const char *text, size_t len, struct sr_image *ret, struct sr_error *err);
void image_done(struct sr_image *i);
/* Opens and locks its layers, added to *ret. */
int image_open_layers(const struct sr_store *s, const char *name, const struct sr_image *i, struct sr_layers *ret,
		      struct sr_error *err);

#endif
