/* SPDX-License-Identifier: MIT */
/*
 * What the text of a profile says beyond its values: where each one stands, and everything that is wrong with it rather than
 * the first thing. For those who show and check profiles; a run asks for none of it.
 */
#ifndef SR_POLICY_PROFILE_NOTES_H
#define SR_POLICY_PROFILE_NOTES_H

#include <stddef.h>

#include "policy/ini-read.h"
#include "policy/policy.h"

/* Lines start at 1. Zeroed is valid and empty. */
struct sr_profile_notes {
	char *description;                       /* NULL: none */
	unsigned int extends_line;               /* 0: not set */
	unsigned int strict_line, quiet_line;    /* the same */
	unsigned int limit_lines[SR_LIMIT_MAX];  /* the same */
	unsigned int *allow_lines, *deny_lines;  /* one for each name of sr_profile */
	struct sr_ini_problems problems;         /* what a run would refuse */
};

void profile_notes_done(struct sr_profile_notes *notes);

#endif
