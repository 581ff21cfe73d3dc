/* SPDX-License-Identifier: MIT */
/*
 * What an overlay of trees would show at a path: uppers hide lowers, whiteouts and opaque folders hide what lies below. No
 * link is followed, neither on the way nor at its end.
 */
#ifndef SR_ENVIRONMENT_LOWERS_H
#define SR_ENVIRONMENT_LOWERS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

struct lowers {
	const int *fds; /* trees, bottom first */
	size_t count;
};

/* Whether something is there; then *ret is the topmost one's. path: names joined by '/', none empty, "." or "..". */
bool lowers_find(const struct lowers *l, const char *path, struct stat *ret);
bool is_whiteout(const struct stat *st);

#endif
