/* SPDX-License-Identifier: MIT */
/*
 * A fuzz target is one file fuzz-NAME.c with this function. Built with libFuzzer (--enable-fuzzing, `make fuzz`) it is called
 * with whatever the fuzzer thinks of; as a plain test (replay.c) with the files of tests/fuzz/corpus/NAME.
 */
#ifndef SR_TESTS_FUZZ_H
#define SR_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What must hold for every input. */
#define FUZZ_HOLDS(condition)                                                                    \
	do {                                                                                     \
		if (!(condition)) {                                                              \
			(void)fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);    \
			abort();                                                                 \
		}                                                                                \
	} while (0)

/*
 * A text out of words: each byte is the number of one, and what is above the last is itself. So that a fuzzer that does not
 * see into the JSON library finds its way behind it. The caller frees it.
 */
__attribute__((__unused__)) static char *fuzz_words(const uint8_t *data, size_t size, const char *const *words, size_t count,
						   size_t *ret_len)
{
	char *text = NULL;
	FILE *f = open_memstream(&text, ret_len);

	FUZZ_HOLDS(f);
	for (size_t i = 0; i < size; i++) {
		if (data[i] < count)
			(void)fputs(words[data[i]], f);
		else
			(void)putc(data[i], f);
	}
	(void)fclose(f);
	return text;
}

#endif
