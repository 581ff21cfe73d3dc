/* SPDX-License-Identifier: MIT */
#include "policy/options.h"

#include <string.h>

/* Targets are compared as text, so that this file need not know every kind of option. */
static const struct {
	char short_name;
	const char *name, *arg, *target;
} rows[] = {
#define SR_OPTION(short_name_, name_, kind_, target_, arg_, group_, help_) { short_name_, name_, arg_, #target_ },
#include "policy/options.def"
};

static const char *const limit_fields[SR_LIMIT_MAX] = {
#define SR_LIMIT_ROW(field, section, key, kind, dflt) [SR_LIMIT_##field] = #field,
	SR_LIMITS(SR_LIMIT_ROW)
#undef SR_LIMIT_ROW
};

_Static_assert(SR_ELEMENTSOF(rows) <= SR_OPTIONS_MAX, "a flag for each option");

size_t options_count(void)
{
	return SR_ELEMENTSOF(rows);
}

struct sr_option_row options_at(size_t i)
{
	struct sr_option_row row = {
		.short_name = rows[i].short_name, .name = rows[i].name, .arg = rows[i].arg, .limit = -1
	};

	for (int k = 0; k < SR_LIMIT_MAX; k++) {
		if (strcmp(rows[i].target, limit_fields[k]) == 0)
			row.limit = k;
	}
	return row;
}

bool options_find(const char *name, struct sr_option_row *ret)
{
	for (size_t i = 0; i < SR_ELEMENTSOF(rows); i++) {
		if (rows[i].name && strcmp(rows[i].name, name) == 0) {
			*ret = options_at(i);
			return true;
		}
	}
	return false;
}

bool policy_is_given(const struct sr_policy *p, const char *option)
{
	for (size_t i = 0; i < SR_ELEMENTSOF(rows); i++) {
		if (rows[i].name && strcmp(rows[i].name, option) == 0)
			return p->given[i];
	}
	return false;
}
