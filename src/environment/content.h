/* SPDX-License-Identifier: MIT */
/*
 * Files of an image that came as a folder (an OCI layout, an unpacked docker-archive): opened beneath it, checked against the
 * digests that name them. The folder is hostile.
 */
#ifndef SR_ENVIRONMENT_CONTENT_H
#define SR_ENVIRONMENT_CONTENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"
#include "image/digest.h"
#include "image/store-write.h"

/* Something of such a folder, as a document of it describes it. */
struct content {
	char *path;                /* in the folder */
	char hex[SR_SEAL_HEX];     /* what its SHA-256 must be; "" where nothing says it */
	int64_t size;              /* what it must be; -1 where nothing says it */
	bool plain_only;           /* the digest is of the bytes without compression: it says nothing of a compressed file */
};

/* An image as its documents describe it. */
struct container {
	int fd;                    /* the folder */
	bool links;                /* symbolic links in it are followed, inside it: docker-archives have them */
	struct content layers[SR_STORE_LAYERS_MAX];
	size_t layer_count;
	struct sr_strv variables;  /* "NAME=VALUE" of its configuration */
	char *description;         /* or NULL */
};

void container_done(struct container *c);

/* The regular file for reading; its size is checked. Descriptor, or negative with the error set. */
int content_open(const struct container *c, const struct content *what, struct sr_error *err);
/* A JSON document of at most 4 MiB, its digest checked; keys that come twice are refused. NULL with the error set. */
json_t *content_json(const struct container *c, const struct content *what, struct sr_error *err);
/* Compares a digest that was computed while the content was read. 0 or negative with the error set. */
int content_check(const struct content *what, const char *hex, struct sr_error *err);
/* Reads {"digest": "sha256:...", "size": N} into ret, whose path becomes blobs/sha256/HEX. */
int content_descriptor(const json_t *o, struct content *ret, struct sr_error *err);
void content_done(struct content *what);

/* What both kinds say of themselves in their configuration: for this machine? which variables? Layers are counted. */
int container_config(struct container *c, const json_t *config, struct sr_error *err);
/* "amd64" and so on: this machine as Go names it. */
const char *container_machine(void);

/* The documents of an OCI layout, of a docker-archive. tag: which image of several, or NULL. */
int oci_read(struct container *c, const char *tag, struct sr_error *err);
int docker_read(struct container *c, const char *tag, struct sr_error *err);

#endif
