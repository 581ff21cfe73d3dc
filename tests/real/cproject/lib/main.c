/* SPDX-License-Identifier: MIT */
#include "words.h"

int main(void)
{
	struct word *list = NULL;
	int r = text_read(stdin, &list);

	text_print(stdout, list);
	list_free(&list);
	return r < 0;
}
