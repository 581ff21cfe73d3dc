/* SPDX-License-Identifier: MIT */
/*
 * A project's sandrun.ini, in the folder of -C: how the project wants to be run; sandrun.ini(5). It comes with the code, so
 * it is as hostile as the code (finding 26): it may name what is the project's own and lower limits. Whatever else it asks
 * for is an error that names the option by which the user can grant it, unless the user has decided that already.
 *
 *	[run]
 *	entrypoint, language, args, inputs, outputs, setenv   for the run of the entrypoint alone
 *	environment, profile, strict, private-args, private-outputs, and the limits by the names of their options: for whatever runs in the project
 *
 * The first group is for the project's own program: were it to hold for a command of the user's (-- COMMAND, -c, another
 * SCRIPT), the project could hide files from a checker or change how it works.
 */
#ifndef SR_POLICY_MANIFEST_H
#define SR_POLICY_MANIFEST_H

#include "policy/policy.h"

#define SR_MANIFEST_NAME "sandrun.ini"

/* A value and its line, for messages. line 0: not there. */
struct sr_manifest_text {
	char *value;
	unsigned int line;
};

struct sr_manifest_list {
	struct sr_strv words;
	unsigned int line;
};

struct sr_manifest_limit {
	uint64_t value;
	unsigned int line;
};

struct sr_manifest {
	char *path;   /* as messages show it, escaped; NULL: none was read */
	char *text;   /* its bytes */
	size_t len;
	struct sr_manifest_text entrypoint, language, environment, profile;
	const char *entry_problem; /* why the entrypoint cannot be one, or NULL; it counts where it is what runs */
	struct sr_manifest_list args, inputs, outputs, setenv;
	struct sr_manifest_limit limits[SR_LIMIT_MAX];
	bool strict, private_args, private_outputs;
	unsigned int strict_line, private_args_line, private_outputs_line;
	const struct sr_policy *user; /* while it is read: what the command line gave */
	struct sr_strv used, unused; /* names of its keys: what took effect, and what the command line took the place of */
};

/*
 * Reads the sandrun.ini of p->project_dir, by the folder's descriptor and through no link. None, no -C or --no-manifest:
 * *ret stays zeroed. Errors: stage "manifest", code SR_E_MANIFEST; E_PROJECT when the folder cannot be opened.
 */
int manifest_read(const struct sr_policy *p, struct sr_manifest *ret, struct sr_error *err);
/*
 * Puts all but the profile into p, which holds what the user wants: command line, configuration, profile. The bytes move
 * to p->manifest_text.
 */
int manifest_apply(struct sr_manifest *m, struct sr_policy *p, struct sr_error *err);
/*
 * The profile that it asks for, when the command line names none. `user` is the user's own profile and `wanted` the one of
 * the manifest, each loaded into an empty policy; `is_within`: every call that `wanted` allows, `user` allows too. Takes the
 * lists over from `wanted`. An error where `wanted` gives more than `user` in any way.
 */
int manifest_apply_profile(struct sr_manifest *m, struct sr_policy *p, const struct sr_policy *user, struct sr_policy *wanted,
			   bool is_within, struct sr_error *err);
void manifest_done(struct sr_manifest *m);

#endif
