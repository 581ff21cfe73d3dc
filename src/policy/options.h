/* SPDX-License-Identifier: MIT */
/* The table of options (policy/options.def) as names: what files may call by an option's name, and what only the command line gives. */
#ifndef SR_POLICY_OPTIONS_H
#define SR_POLICY_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "policy/policy.h"

struct sr_option_row {
	char short_name;  /* or 0 */
	const char *name; /* or NULL */
	const char *arg;  /* or NULL */
	int limit;        /* enum sr_limit_id, or -1 */
};

/* The row of that long name. False when there is none. */
bool options_find(const char *name, struct sr_option_row *ret);
size_t options_count(void);
/* Row i of options_count(). */
struct sr_option_row options_at(size_t i);

#endif
