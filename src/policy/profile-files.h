/* SPDX-License-Identifier: MIT */
/* Where profile_load() looks, in this order; for policy/profile.c and its test, which looks elsewhere. */
#ifndef SR_POLICY_PROFILE_FILES_H
#define SR_POLICY_PROFILE_FILES_H

#include "policy/policy.h"

enum place { PLACE_USER, PLACE_INSTALLED, PLACE_COMPILED_IN, PLACE_MAX };

struct profile_places {
	const char *user;      /* folder of NAME.ini files, or NULL */
	const char *installed; /* the same */
};

/* profile_load() with the folders given; the rest of its contract holds. */
int profile_load_from(const struct profile_places *places, const char *name, struct sr_policy *p, struct sr_error *err);

#endif
