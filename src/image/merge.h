/* SPDX-License-Identifier: MIT */
/*
 * A path as the overlay of some layers will show it, before there is an overlay: upper names hide lower ones, whiteouts and
 * opaque folders hide what lies below them, links start again at the merged root. Rests on
 * Documentation/filesystems/overlayfs.rst with `userxattr`.
 */
#ifndef SR_IMAGE_MERGE_H
#define SR_IMAGE_MERGE_H

#include "image/layer.h"

/*
 * Opens (O_PATH) what stands at path, links followed within the merged root. -ENOENT also for links in a circle and for
 * paths through a file; -ELOOP for a way that takes too many steps, as an image's links can make it; else -errno. `above`, or
 * NULL, is one more layer on top of the others.
 */
int merge_open(const struct sr_layers *l, const struct sr_layer *above, const char *path);

#endif
