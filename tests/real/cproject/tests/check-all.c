/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "words.h"

static int failed;

static void expect(int good, const char *what)
{
	printf("%s %s\n", good ? "ok" : "not ok", what);
	if (!good)
		failed = 1;
}

int main(void)
{
	struct word *list = NULL;
	char text[] = "one two one\nthree one\n";
	FILE *file = fmemopen(text, strlen(text), "r");

	expect(file && text_read(file, &list) == 0, "read");
	expect(list && strcmp(list->text, "one") == 0 && list->count == 3, "count");
	expect(list && list->next && strcmp(list->next->text, "three") == 0, "order");
	expect(thread_sum() == 129, "threads");
	list_free(&list);
	if (file)
		fclose(file);
	return failed;
}
