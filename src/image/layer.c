/* SPDX-License-Identifier: MIT */
#include "image/layer.h"

#include <errno.h>
#include <stdlib.h>

#include "base/fd.h"

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
