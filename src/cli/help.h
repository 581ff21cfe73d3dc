/* SPDX-License-Identifier: MIT */
/*
 * What --help and --version print. Plain text, 80 columns, from the table policy/options.def. 0, or -errno when the
 * stream takes it not (a full disk is no success).
 */
#ifndef SR_CLI_HELP_H
#define SR_CLI_HELP_H

#include <stdio.h>

int help_print(FILE *to);
int version_print(FILE *to);

#endif
