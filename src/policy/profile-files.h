/* SPDX-License-Identifier: MIT */
/*
 * Profiles as files: where profile_load() looks, in this order, and the chain of files that a name leads to. For
 * policy/profile.c, its test, which looks elsewhere, and those who show, list and check profiles.
 */
#ifndef SR_POLICY_PROFILE_FILES_H
#define SR_POLICY_PROFILE_FILES_H

#include <stdbool.h>
#include <sys/types.h>

#include "policy/policy.h"
#include "policy/profile-notes.h"
#include "policy/profile-read.h"

#define SR_PROFILE_SUFFIX ".ini"

enum place { PLACE_USER, PLACE_INSTALLED, PLACE_COMPILED_IN, PLACE_MAX };

struct profile_places {
	const char *user;      /* folder of NAME.ini files, or NULL */
	const char *installed; /* the same */
};

/* The user's folder from the environment, NULL where it names none; the caller frees it. XDG base directories. */
char *profile_user_folder(void);

/* profile_load() with the folders given; the rest of its contract holds. */
int profile_load_from(const struct profile_places *places, const char *name, struct sr_policy *p, struct sr_error *err);

/* True for what is looked up by name; anything else never is. */
bool profile_is_word(const char *name);

/* One profile of a chain of extends. */
struct profile_link {
	char *name;         /* the word it was looked up by; NULL for a path */
	enum place place;   /* of a word */
	char *path;         /* NULL for a text compiled in */
	char *data;         /* the file's bytes; NULL for a text compiled in */
	const char *text;
	size_t len;
	dev_t dev;
	ino_t ino;
	const struct sr_profile_text *shipped; /* NULL unless the text is the one compiled in; without notes `profile` stays empty then */
	struct sr_profile profile;
	bool noted; /* as the chain's */
	struct sr_profile_notes notes;
};

/* The child first. Starts as { .noted = ... }. */
struct profile_chain {
	struct profile_link links[SR_PROFILE_DEPTH_MAX];
	size_t count;
	bool noted; /* what a run would refuse in a file becomes a problem among its notes, and the reading goes on */
	bool cut;   /* (only with notes) what the last link extends cannot be had: one of its problems says why */
};

/*
 * Loads `name` (NULL: "default") and what it extends. The caller ends with profile_chain_done() in any case. With notes only
 * the file that `name` means can be the cause of an error.
 */
int profile_chain_load(const struct profile_places *places, const char *name, struct profile_chain *c, struct sr_error *err);
/* What a run takes from a chain without problems. */
int profile_chain_apply(const struct profile_chain *c, const char *name, struct sr_policy *p, struct sr_error *err);
void profile_chain_done(struct profile_chain *c);

/* How messages call a profile: its path, or the name of one that is compiled in. */
static inline const char *profile_link_label(const struct profile_link *l)
{
	return l->path ? l->path : l->name;
}

#endif
