/* SPDX-License-Identifier: MIT */
/*
 * Profiles: INI files (interface.md, "Profiles") read by inih into a struct sr_policy.
 */
#ifndef SR_POLICY_PROFILE_H
#define SR_POLICY_PROFILE_H

#include "policy/policy.h"

/*
 * Reads profile `name` (NULL: "default"): a word is looked up in the user's folder ($XDG_CONFIG_HOME or ~/.config,
 * sandrun/profiles/NAME.ini), then in the installed folder (SR_PROFILE_DIR), then among the texts compiled in; anything with a
 * '/' is a path. Follows `extends`. Limits go into p with source SR_FROM_PROFILE; [seccomp] into p->seccomp, whose
 * `shipped` says whether every text read equals the compiled-in one (finding 18). Rejected input is an error with file and
 * line, code SR_E_PROFILE.
 */
int profile_load(const char *name, struct sr_policy *p, struct sr_error *err);

#endif
