/* SPDX-License-Identifier: MIT */
/*
 * The subcommands of the table cli/subcommands.def.
 */
#ifndef SR_CLI_SUBCOMMAND_H
#define SR_CLI_SUBCOMMAND_H

#include "cli/cli.h"

typedef int subcommand_fn(int argc, char **argv, struct cli_run *c);

subcommand_fn profile_main;
subcommand_fn trace_main;

struct subcommand {
	const char *word;
	subcommand_fn *run; /* NULL: the word is taken, the subcommand is not in this version */
	const char *help;
};

subcommand_fn doctor_main;
subcommand_fn open_main;
subcommand_fn key_main;
subcommand_fn certificate_main;
subcommand_fn verify_main;
subcommand_fn compare_main;
subcommand_fn export_main;
subcommand_fn bill_main;
subcommand_fn environment_main;

/* The row of a word, or NULL. */
const struct subcommand *subcommand_find(const char *word);

/* Every row, in the order of the table; ends with a row whose word is NULL. */
extern const struct subcommand subcommands[];

#endif
