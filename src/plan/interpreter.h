/* SPDX-License-Identifier: MIT */
/*
 * Programs by name in the environment of a run, and the words when one is not there: what is near, and which option would
 * bring it in.
 */
#ifndef SR_PLAN_INTERPRETER_H
#define SR_PLAN_INTERPRETER_H

#include "base/error.h"
#include "plan/environment.h"
#include "policy/lang.h"
#include "policy/policy.h"

/*
 * Finds a command as typed: a name along PATH, an absolute path, or a path as seen from /work. What inputs, the project or
 * a bind will bring is taken as it is: exec itself tells. 127 or 126 with a hint otherwise. *ret_path is fresh, absolute.
 */
int program_find(const struct sr_policy *p, const struct sr_environment *e, const char *name, char **ret_path,
		 struct sr_error *err);

/*
 * Finds a language's interpreter. wanted: the program that a shebang or --lang names (a path or a name), or NULL for the
 * row's own; strict: no other one will do. The flags of the row's entry are appended to *flags.
 */
int interpreter_find(const struct sr_policy *p, const struct sr_environment *e, const struct sr_lang *l,
		     const char *wanted, bool strict, char **ret_path, struct sr_strv *flags, struct sr_error *err);

#endif
