/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "words.h"

int list_add(struct word **list, const char *text, size_t length)
{
	struct word *fresh;

	for (; *list; list = &(*list)->next) {
		int order = strncmp((*list)->text, text, length);

		if (order == 0 && (*list)->text[length] == '\0') {
			(*list)->count++;
			return 0;
		}
		if (order >= 0)
			break;
	}
	fresh = malloc(sizeof(*fresh) + length + 1);
	if (!fresh)
		return -1;
	memcpy(fresh->text, text, length);
	fresh->text[length] = '\0';
	fresh->count = 1;
	fresh->next = *list;
	*list = fresh;
	return 0;
}

void list_free(struct word **list)
{
	while (*list) {
		struct word *next = (*list)->next;

		free(*list);
		*list = next;
	}
}
