/* SPDX-License-Identifier: MIT */
/*
 * Which files below /work the output patterns mean: a bounded walk by descriptor over what the payload left. Nothing is
 * followed; everything met is hostile. Results come sorted, so that a limit always cuts at the same place.
 *
 * Bounds: folders 64 deep, a million names looked at, paths below PATH_MAX, the limits on files and bytes. Each that is
 * met is a warning. Folders and files that their owner may not read (mode 000) are made readable, by descriptor and only
 * on the work folder's own file system, where nobody else will use them any more.
 */
#ifndef SR_RUN_MATCH_H
#define SR_RUN_MATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"
#include "run/glob.h"

#define SR_MATCH_DEPTH 64
#define SR_MATCH_NAMES 1000000
#define SR_MATCH_WARNINGS 20 /* beyond these, one line says how many more there were */

struct sr_match_item {
	char *name;     /* below /work, bytes as they are */
	uint64_t bytes; /* its size; logical, holes included */
};

struct sr_match {
	const struct sr_glob *globs;
	size_t glob_count;
	uint64_t max_files, max_bytes;
	bool *is_matched;            /* glob_count long: a file was found for it */

	struct sr_match_item *items; /* sorted by name, strcmp order */
	size_t count, room;
	uint64_t bytes;
	bool limit_hit;
	struct sr_strv warnings;     /* escaped, ready to print */
	uint64_t unsaid;             /* warnings that were too many */
};

/* Fills *m, whose first five fields the caller has set; the rest is zero. 0 or an error (memory, the work folder itself). */
int match_walk(int work_fd, struct sr_match *m, struct sr_error *err);
void match_done(struct sr_match *m);
/* Adds a warning, within the bound. 0 or -ENOMEM. */
int match_warn(struct sr_match *m, const char *fmt, ...) SR_PRINTF(2, 3);

#endif
