/* SPDX-License-Identifier: MIT */
/*
 * The payload's environment variables, built from nothing: what every program may expect, the few that pass from the
 * caller (finding 35), the language's, then --setenv.
 */
#ifndef SR_PLAN_VARIABLES_H
#define SR_PLAN_VARIABLES_H

#include "base/str.h"

/* Sets NAME=VALUE in a vector of such words, in place of an earlier value. 0 or -ENOMEM. */
int variables_set(struct sr_strv *envp, const char *assignment);
/*
 * Fills *ret from the caller's environment `caller` (NULL-terminated, may be NULL). lang_variables: words of the language's
 * row, or NULL; last: --setenv. 0 or -ENOMEM.
 */
int variables_build(char *const *caller, const char *lang_variables, const struct sr_strv *last, struct sr_strv *ret);

#endif
