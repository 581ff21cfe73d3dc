/* SPDX-License-Identifier: MIT */
/*
 * What the files of the sandrun program share. This floor alone prints and picks exit statuses.
 */
#ifndef SR_CLI_CLI_H
#define SR_CLI_CLI_H

#include <jansson.h>
#include <stdio.h>

#include "base/error.h"
#include "plan/build.h"
#include "plan/choice.h"
#include "policy/limit.h"
#include "policy/manifest.h"
#include "policy/policy.h"
#include "run/certify.h"
#include "run/collect.h"
#include "run/outcome.h"
#include "run/run.h"
#include "run/snapshot.h"

/* Everything of one invocation; what stays unset says how far it came. */
struct cli_run {
	struct sr_policy policy;
	struct sr_manifest manifest; /* of the project; zeroed without */
	struct sr_choice choice;     /* of the environment, where the script's words made it */
	struct sr_environment env;
	enum install_result { INSTALL_NOT, INSTALL_NOTHING, INSTALL_WANTED, INSTALL_DONE } installed; /* of --install */
	struct sr_exec exec;
	struct sr_snapshot snapshot;
	struct sr_plan_box box;
	struct sr_cgroup cgroup;
	struct sr_run run;
	struct sr_collected collected;
	struct sr_salt salt;       /* of the run's commitments */
	struct sr_certify certify;
	struct sr_trace_place trace; /* of --trace */
	struct sr_stdio stdio;
	struct sr_error err;       /* why sandrun itself failed */
	bool planned, prepared, ran;
	bool uncertified;          /* its certificate could not be begun, which was said */
	int out_dir_fd;
	uint64_t started_ns;
	char **argv;
};

/*
 * The command line (c->policy as args_parse() leaves it), the user's config.ini, the profile and the project's sandrun.ini
 * become one policy. Called once, before anything is planned.
 */
int settle(struct cli_run *c);
/* --install: puts what the program requires over the environment, which is open. */
int install(struct cli_run *c);
/* Then: opens the environment that it names, unless that is done. */
int settle_environment(struct cli_run *c);

/* Prints an error in the form the user asked for (text or JSON) on standard error. */
void message_error(const struct sr_policy *p, const struct sr_error *err);
/* After a text went to standard output: r is 0 or -errno. A full disk or a closed pipe is said. Returns 0 or 125. */
int message_printed(const struct sr_policy *p, int r);
/* Empties standard output's buffer. Returns `status`, or 125 after saying why what was printed is not out. */
int message_flush(const struct sr_policy *p, int status);
/*
 * Prints o, which it takes (NULL: it could not be made), indented, with flags of jansson's beside that, and flushes. Returns
 * `status`, or the status of what went wrong after saying it.
 */
int message_json(const struct sr_policy *p, const char *stage, json_t *o, size_t flags, int status);
/* `sandrun: TEXT`; dropped by --quiet. TEXT must be fit for a terminal (str_escape). */
void message_warning(const struct sr_policy *p, const char *text);
/* A signal ended the wait for a reader, and one more line would wait for it again. */
bool message_would_block(const struct cli_run *c);
/* After a run: the line for a limit, the closing line on a terminal, -v and --timing. */
void message_outcome(const struct cli_run *c);

/* --explain: the plan as text (the golden-test surface). 0 or -errno. */
int explain_print(const struct cli_run *c, FILE *f);

/* --report: checks the place before anything runs; writes the file whole or not at all. */
int report_check(const struct sr_policy *p, struct sr_error *err);
int report_write(const struct cli_run *c, struct sr_error *err);
/* "built-in", "profile", "config", "command-line", "sandrun.ini". */
const char *source_name(enum sr_source source);
/* "exited", "limit" ...; "memory", "wall-time" ... or NULL. */
const char *outcome_name(enum sr_outcome_kind kind);
const char *hit_name(enum sr_limit_hit hit);

/* A program that died of the filter: says so, and returns true. */
bool outcome_violation(const struct cli_run *c, char *out, size_t size);

/* The exact command for what a program missed (finding 30), or "". */
void hint_after(const struct cli_run *c, char *out, size_t size);
/* The environment that has a module which the program missed, or that would; else "". */
void hint_module(const struct cli_run *c, char *out, size_t size);

#endif
