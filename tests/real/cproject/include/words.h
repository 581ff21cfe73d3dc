/* SPDX-License-Identifier: MIT */
#ifndef WORDS_H
#define WORDS_H

#include <stddef.h>
#include <stdio.h>

struct word {
	struct word *next;
	size_t count;
	char text[];
};

/* list.c: a sorted list of words with their counts. */
int list_add(struct word **list, const char *text, size_t length);
void list_free(struct word **list);

/* text.c: reads words from a file, prints a list. */
int text_read(FILE *file, struct word **list);
void text_print(FILE *file, const struct word *list);

/* thread.c: a sum over the table of primes, one thread each. */
long thread_sum(void);

#endif
