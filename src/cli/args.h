/* SPDX-License-Identifier: MIT */
/*
 * The command line: `sandrun [OPTION...] SCRIPT [ARG...]` and its other forms into a struct sr_policy. Driven by the table
 * policy/options.def alone; adding an option is adding a line there. Prints nothing.
 */
#ifndef SR_CLI_ARGS_H
#define SR_CLI_ARGS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "policy/policy.h"

enum args_action { ARGS_RUN, ARGS_HELP, ARGS_VERSION };

enum args_kind {
	ARGS_FLAG,
	ARGS_STRING,
	ARGS_CODE,
	ARGS_LIST,
	ARGS_INPUT,
	ARGS_PRIVATE,
	ARGS_BIND,
	ARGS_SETENV,
	ARGS_ENUM,
	ARGS_LIMIT,
	ARGS_ACTION,
};

enum args_group {
#define SR_OPTION_GROUP(group, title) ARGS_GROUP_##group,
#include "policy/options.def"
	ARGS_GROUP_MAX
};

/* One row of options.def. */
struct args_option {
	char short_name;  /* 0: none */
	const char *name; /* long name without dashes; NULL: none */
	enum args_kind kind;
	size_t target;    /* offset in struct sr_policy, enum sr_limit_id or enum args_action, by kind */
	const char *arg;  /* what the value is called; NULL: takes none */
	enum args_group group;
	const char *help;
};

extern const struct args_option args_options[];
extern const size_t args_option_count;
extern const char *const args_group_titles[ARGS_GROUP_MAX];

/*
 * Fills *ret, which it initialises first. stdin_is_tty decides between the program on standard input and the interpreter's
 * prompt. Limits get the source SR_FROM_COMMAND_LINE; load the profile afterwards, policy_set_limit() keeps the stronger one.
 *
 * After a failure *ret is valid too (call policy_done()), and its error_format, color and quiet hold what the command line
 * asks for, so that the error itself can be shown in that form. Errors: stage "options", code E_OPTION, status 125.
 */
int args_parse(int argc, char **argv, bool stdin_is_tty, struct sr_policy *ret, enum args_action *action,
	       struct sr_error *err);

/*
 * The rest of the checks, when the project's sandrun.ini has been read: with -C it may name the script and the outputs.
 */
int args_check_settled(const struct sr_policy *p, struct sr_error *err);

#endif
