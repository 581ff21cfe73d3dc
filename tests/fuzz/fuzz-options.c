/* SPDX-License-Identifier: MIT */
/* The command line. Words end in a NUL; the first byte says whether standard input is a terminal. */
#include "cli/args.h"

#include <string.h>

#include "base/str.h"
#include "fuzz.h"

#define WORDS_MAX 64

static void fit(const char *text)
{
	FUZZ_HOLDS(str_is_utf8(text, strlen(text)));
	for (; *text; text++)
		FUZZ_HOLDS((unsigned char)*text >= ' ' && *text != 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sr_error err = SR_ERROR_INIT;
	enum args_action action = ARGS_RUN;
	char *words[WORDS_MAX + 2] = { (char *)"sandrun" }, *text;
	struct sr_policy p;
	int count = 1, r;

	if (size == 0)
		return 0;
	text = malloc(size + 1);
	FUZZ_HOLDS(text);
	memcpy(text, data, size);
	text[size] = '\0';
	for (char *at = text + 1; at < text + size && count <= WORDS_MAX; at += strlen(at) + 1)
		words[count++] = at;
	r = args_parse(count, words, text[0] & 1, &p, &action, &err);
	if (r < 0) {
		FUZZ_HOLDS(*err.text && err.status == 125);
		fit(err.text);
		fit(err.hint);
	}
	policy_done(&p);
	free(text);
	return 0;
}
