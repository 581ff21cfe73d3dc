/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <string.h>

#include "words.h"

int text_read(FILE *file, struct word **list)
{
	char line[4096];

	while (fgets(line, sizeof(line), file)) {
		for (const char *at = line; *at;) {
			size_t length = 0;

			while (at[length] && !isspace((unsigned char)at[length]))
				length++;
			if (length && list_add(list, at, length) < 0)
				return -1;
			at += length ? length : 1;
		}
	}
	return ferror(file) ? -1 : 0;
}

void text_print(FILE *file, const struct word *list)
{
	for (; list; list = list->next)
		fprintf(file, "%zu %s\n", list->count, list->text);
}
