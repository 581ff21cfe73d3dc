/* SPDX-License-Identifier: MIT */
/* What the files that write the store share. */
#ifndef SR_IMAGE_STORE_INTERNAL_H
#define SR_IMAGE_STORE_INTERNAL_H

#include "image/store-write.h"

#define SR_STORE_STAGE "store"

/* "cannot VERB PATH/NAME: ..."; returns r. */
int store_failed(struct sr_error *err, const char *verb, const char *path, const char *name, int r);
/* Takes the store's lock; the caller closes it. */
int store_lock(const struct store_writer *s, int *ret_fd, struct sr_error *err);
/* Under the lock: moves what dead makers left into this work folder. Returns how many. */
size_t store_take_leftovers(const struct store_writer *s, const struct store_work *w);
/* Without it: removes them. */
void store_remove_taken(const struct store_work *w);

#endif
