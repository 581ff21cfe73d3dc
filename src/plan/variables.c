/* SPDX-License-Identifier: MIT */
#include "plan/variables.h"

#include <errno.h>
#include <string.h>

#include "plan/environment.h"
#include "policy/lang.h"

static const char *const fixed[] = {
	"PATH=" SR_INSIDE_PATH, "HOME=/work", "USER=sandbox", "LOGNAME=sandbox", "SHELL=/bin/sh", "TMPDIR=/tmp", "SANDRUN=1",
};

int variables_set(struct sr_strv *envp, const char *assignment)
{
	size_t len = strcspn(assignment, "=") + 1;

	for (size_t i = 0; i < envp->count; i++) {
		char *copy;

		if (strncmp(envp->items[i], assignment, len) != 0)
			continue;
		copy = strdup(assignment);
		if (!copy)
			return -ENOMEM;
		free(envp->items[i]);
		envp->items[i] = copy;
		return 0;
	}
	return strv_add(envp, assignment);
}

/* Only what says how to talk to the user's terminal and in which language. */
static bool passes(const char *assignment)
{
	static const char *const names[] = { "TERM=", "COLORTERM=", "LANG=", "TZ=", "NO_COLOR=" };

	for (size_t i = 0; i < SR_ELEMENTSOF(names); i++) {
		if (str_has_prefix(assignment, names[i]))
			return true;
	}
	return str_has_prefix(assignment, "LC_");
}

static int add_callers(char *const *caller, struct sr_strv *ret)
{
	bool locale = false;

	for (; caller && *caller; caller++) {
		const char *value = strchr(*caller, '=');

		if (!value || !passes(*caller))
			continue;
		if (value[1] && (str_has_prefix(*caller, "LANG=") || str_has_prefix(*caller, "LC_ALL=")))
			locale = true;
		if (variables_set(ret, *caller) < 0)
			return -ENOMEM;
	}
	return locale ? 0 : variables_set(ret, "LANG=C.UTF-8");
}

int variables_build(char *const *caller, const char *lang_variables, const struct sr_strv *last, struct sr_strv *ret)
{
	char word[256];

	for (size_t i = 0; i < SR_ELEMENTSOF(fixed); i++) {
		if (strv_add(ret, fixed[i]) < 0)
			return -ENOMEM;
	}
	if (add_callers(caller, ret) < 0)
		return -ENOMEM;
	while (lang_next_word(&lang_variables, word, sizeof(word))) {
		if (variables_set(ret, word) < 0)
			return -ENOMEM;
	}
	for (size_t i = 0; i < last->count; i++) {
		if (variables_set(ret, last->items[i]) < 0)
			return -ENOMEM;
	}
	return 0;
}
