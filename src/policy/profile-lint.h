/* SPDX-License-Identifier: MIT */
/*
 * What is wrong with a profile, and what a run takes but nobody can have meant: lists that say a thing twice or take it back,
 * limits that contradict each other, files that others may replace. Prints nothing.
 */
#ifndef SR_POLICY_PROFILE_LINT_H
#define SR_POLICY_PROFILE_LINT_H

#include <stdbool.h>
#include <stddef.h>

#include "policy/profile-files.h"

/* A profile is written for more machines than the one it is checked on: so many processors it may count on somewhere. */
#define SR_LINT_PROCESSORS 16

/* Texts are fit for a terminal. */
struct sr_finding {
	bool error;        /* a run refuses it; otherwise a warning */
	unsigned int depth; /* 0 for the file itself, 1 for what it extends, and so on */
	char *file;        /* path, or the name of a profile that is compiled in */
	unsigned int line; /* 1 for what concerns the whole file */
	char *text;
	char *mend;        /* what to do; "" where the text says it */
};

struct sr_findings {
	struct sr_finding *items; /* by line; those of the file itself before those of what it extends */
	size_t count;
};

/*
 * Looks at profile `name` (as profile_load() takes it). What it extends is read as well; of that only what a run would
 * refuse is reported. `processors` is how many a run can have. 0 with whatever was found, freed by the caller with findings_done();
 * negative where the file itself cannot be read (no file, a folder, no permission, too large).
 */
int profile_lint(const struct profile_places *places, const char *name, unsigned int processors, struct sr_findings *ret,
		 struct sr_error *err);
void findings_done(struct sr_findings *f);

#endif
