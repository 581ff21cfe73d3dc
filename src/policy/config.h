/* SPDX-License-Identifier: MIT */
/*
 * The user's own defaults: $XDG_CONFIG_HOME/sandrun/config.ini, or ~/.config/sandrun/config.ini; sandrun.ini(5).
 *
 *	[run]       profile, environment, proc, output-dir, strict, quiet, verbose, error-format, color
 *	[limits], [rlimit], [filesystem], [output]    the keys of a profile
 *	[project]   hide = PATTERN...
 *
 * Stands between the profile and the command line. Where there is no such file nothing happens.
 */
#ifndef SR_POLICY_CONFIG_H
#define SR_POLICY_CONFIG_H

#include "policy/policy.h"

/*
 * Puts the file's values under what the command line gave (p as args_parse() leaves it); before profile_load(), since it may
 * name the profile. Sets p->config_path when a file was read. Errors: stage "config", code SR_E_CONFIG.
 */
int config_load(struct sr_policy *p, struct sr_error *err);

/* The same from a file given by name, which may be missing. `home` is what "~/" stands for, or NULL. */
int config_load_from(const char *path, const char *home, struct sr_policy *p, struct sr_error *err);

#endif
