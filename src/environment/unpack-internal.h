/* SPDX-License-Identifier: MIT */
/* What unpack.c and unpack-marks.c share: one archive on its way into a tree. */
#ifndef SR_ENVIRONMENT_UNPACK_INTERNAL_H
#define SR_ENVIRONMENT_UNPACK_INTERNAL_H

#include <limits.h>

#include "base/str.h"
#include "environment/unpack.h"

struct unpacking {
	struct unpack *u;
	struct archive *a;
	int tree_fd;
	const struct lowers *lowers;
	struct sr_error *err;
	struct sr_strv whiteouts, opaques; /* paths; they are set at the end, for the order in an archive says nothing */
	size_t marks_bytes;
	bool alone;
	int parent_fd;                     /* the folder that was looked up last */
	char parent[PATH_MAX];
};

/* "cannot VERB NAME of the archive: WHY". */
int unpack_refuse(const struct unpacking *x, const char *verb, const char *name, int errnum, const char *why);
/*
 * The folder of a clean path, made with what is missing above its last name; *ret_base is that name. A borrowed descriptor, or
 * negative with the error set.
 */
int unpack_parent(struct unpacking *x, const char *path, const char **ret_base);

/*
 * A name that begins with ".wh.", or stands below one: 1 when that is all that is to be done with it, 0 for a plain name,
 * negative with the error set.
 */
int marks_take(struct unpacking *x, const char *path);
/* Sets what was taken. */
int marks_set(struct unpacking *x);

#endif
