/* SPDX-License-Identifier: MIT */
#include "cli/subcommand.h"

#include <string.h>

const struct subcommand subcommands[] = {
#define SR_SUBCOMMAND(word, function, help) { #word, function, help },
#include "cli/subcommands.def"
	{ NULL, NULL, NULL },
};

const struct subcommand *subcommand_find(const char *word)
{
	for (const struct subcommand *s = subcommands; s->word; s++) {
		if (strcmp(s->word, word) == 0)
			return s;
	}
	return NULL;
}
