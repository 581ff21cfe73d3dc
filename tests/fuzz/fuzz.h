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

#endif
