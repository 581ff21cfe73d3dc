/* SPDX-License-Identifier: MIT */
#include "image/layer.h"

#include <errno.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/str.h"

#define STAGE "environment"

struct sr_layer *layers_add(struct sr_layers *l, struct sr_error *err)
{
	struct sr_layer *bigger;

	if (l->count == SR_LAYERS_MAX) {
		(void)sr_error_set(err, SR_E_ENVIRONMENT, E2BIG, STAGE, "cannot use an environment of more than %d layers", SR_LAYERS_MAX);
		sr_error_hint(err, "export it and import the archive: that makes one layer of them");
		return NULL;
	}
	bigger = realloc(l->items, (l->count + 1) * sizeof(*bigger));
	if (!bigger) {
		(void)sr_error_oom(err, STAGE);
		return NULL;
	}
	l->items = bigger;
	bigger[l->count] = (struct sr_layer){ .fd = -1, .lock_fd = -1 };
	return &bigger[l->count++];
}

static void add_line(struct sha256_ctx *c, const char *text)
{
	sha256_update(c, strlen(text), (const uint8_t *)text);
	sha256_update(c, 1, (const uint8_t *)"\n");
}

static void finish(struct sha256_ctx *c, char out[static SR_LAYER_DIGEST])
{
	uint8_t raw[SHA256_DIGEST_SIZE];

	sha256_digest(c, sizeof(raw), raw);
	str_hex(raw, sizeof(raw), out + snprintf(out, SR_LAYER_DIGEST, "sha256:"));
}

void layers_digest(const char *const *digests, size_t count, char out[static SR_LAYER_DIGEST])
{
	struct sha256_ctx c;

	sha256_init(&c);
	add_line(&c, "sandrun-image v1");
	for (size_t i = 0; i < count; i++)
		add_line(&c, digests[i]);
	finish(&c, out);
}

bool layers_stack(const struct sr_layers *l, char out[static SR_LAYER_DIGEST])
{
	struct sha256_ctx c;

	sha256_init(&c);
	add_line(&c, "sandrun-image v1");
	for (size_t i = 0; i < l->count; i++) {
		if (!l->items[i].digest[0])
			return false;
		add_line(&c, l->items[i].digest);
	}
	finish(&c, out);
	return l->count > 0;
}

void layer_done(struct sr_layer *l)
{
	free(l->path);
	l->path = NULL;
	fd_close(&l->fd);
	fd_close(&l->lock_fd);
}

void layers_done(struct sr_layers *l)
{
	for (size_t i = 0; i < l->count; i++)
		layer_done(&l->items[i]);
	free(l->items);
	*l = (struct sr_layers){ .items = NULL };
}
