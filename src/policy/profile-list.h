/* SPDX-License-Identifier: MIT */
/*
 * Every profile that a name could mean: the user's folder, the installed one, and those compiled in.
 */
#ifndef SR_POLICY_PROFILE_LIST_H
#define SR_POLICY_PROFILE_LIST_H

#include "policy/profile-files.h"

struct profile_listed {
	char *name;
	enum place place;
	char *path;              /* NULL: compiled in */
	char *description;       /* NULL: none */
	struct sr_error *broken; /* NULL, or why a run would refuse it */
	bool shadowed;           /* the item before, of the same name, is found in its stead */
};

struct profile_listing {
	struct profile_listed *items; /* by name, then in the order of the lookup */
	size_t count;
};

/*
 * A text that is compiled in and that an installed file repeats byte for byte is one item, the file. A folder that is not there
 * is empty; *ret_unreadable (in *ret order: user's, installed) gets the errno of one that cannot be listed, or 0. 0 or -ENOMEM;
 * freed with profile_listing_done().
 */
int profile_list(const struct profile_places *places, struct profile_listing *ret, int ret_unreadable[static 2],
		 struct sr_error *err);
void profile_listing_done(struct profile_listing *l);

#endif
