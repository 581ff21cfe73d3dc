/* SPDX-License-Identifier: MIT */
/*
 * The text of one profile to a struct: names and values, no files; the syntax is policy/ini-read.h. policy/profile.c finds
 * and checks the files; tools/mkfilter reads the shipped ones by the same code when sandrun is built.
 */
#ifndef SR_POLICY_PROFILE_READ_H
#define SR_POLICY_PROFILE_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/ini-read.h"
#include "policy/policy.h"
#include "policy/profile-notes.h"

#define SR_PROFILE_SIZE_MAX SR_INI_SIZE_MAX
#define SR_PROFILE_DEPTH_MAX 8 /* files of one chain of extends */

struct sr_profile_limit {
	bool set;
	uint64_t value;
};

/* A key that takes yes or no. */
enum sr_profile_switch { SR_SWITCH_UNSET, SR_SWITCH_NO, SR_SWITCH_YES };

struct sr_profile {
	char *extends; /* NULL: nothing */
	enum sr_profile_switch strict, quiet;
	struct sr_strv allow, deny;
	struct sr_profile_limit limits[SR_LIMIT_MAX];
};

/*
 * label names the text in messages ("LABEL:LINE: ..."). The caller frees *ret with profile_done(). Errors have code
 * SR_E_PROFILE.
 */
int profile_parse(const char *label, const char *text, size_t len, struct sr_profile *ret, struct sr_error *err);
void profile_done(struct sr_profile *profile);

/*
 * profile_parse() that reads on after what it refuses: that goes to `notes`, and *ret holds the rest. Both are valid to be freed
 * whatever is returned; only running out of memory is an error here. What has problems is for no run.
 */
int profile_parse_noted(const char *label, const char *text, size_t len, struct sr_profile *ret,
			struct sr_profile_notes *notes, struct sr_error *err);

/* Puts limits, lists and switches of one profile on top of what p has: parents first. 0 or -ENOMEM. */
int profile_apply(const struct sr_profile *profile, struct sr_policy *p, struct sr_error *err);

/*
 * The shipped profiles: in the generated source. Text and, read by profile_parse() when sandrun was built, what it says: a file
 * that is byte for byte the same need not be read a second time.
 */
struct sr_profile_text {
	const char *name;
	const char *text;
	size_t len;
	const char *extends;           /* NULL: nothing */
	const char *const *allow;      /* NULL-terminated */
	const char *const *deny;
	enum sr_profile_switch strict, quiet;
	struct sr_profile_limit limits[SR_LIMIT_MAX];
};

extern const struct sr_profile_text sr_profile_texts[];
extern const size_t sr_profile_text_count;

/* profile_apply() of a shipped one. */
int profile_apply_shipped(const struct sr_profile_text *shipped, struct sr_policy *p, struct sr_error *err);

#endif
