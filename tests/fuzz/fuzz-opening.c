/* SPDX-License-Identifier: MIT */
/* Opening files: what is accepted has each item once, and a refusal says why. A text that starts with 01 is one of words. */
#include "evidence/opening.h"

#include <string.h>

#include "base/macros.h"
#include "base/str.h"
#include "fuzz.h"

static void check(const struct sr_opening *o)
{
	FUZZ_HOLDS(strlen(o->run_id) == SR_RUN_ID_LEN);
	for (size_t i = 0; i < o->count; i++) {
		const struct sr_opening_item *item = &o->items[i];

		FUZZ_HOLDS(item->role && item->name);
		FUZZ_HOLDS(str_is_utf8(item->role, strlen(item->role)) && str_is_utf8(item->name, strlen(item->name)));
		FUZZ_HOLDS(opening_find(o, item->role, item->name) == item);
	}
}

static void read_text(const char *text, size_t len)
{
	struct sr_opening o = { 0 };
	const char *why = NULL;
	int r = opening_read(text, len, &o, &why);

	if (r == 0) {
		check(&o);
		opening_done(&o);
	} else {
		FUZZ_HOLDS(r < 0 && why && *why);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const words[] = {
		"{", "}", "[", "]", ":", ",", "\"items\":[", "],\"runId\":\"", "0192f5c0-7d3a-7c10-9a50-3f2b6f1f0c11", "\",\"v\":", "1}",
		"{\"name\":\"", "\",\"role\":\"", "input", "\",\"salt\":\"", "abababababababababababababababab", "\"}", "\"", "a", "argv",
		"\\u0000", "\\ud800", "\\\"", "null", "true", "-0", "1e999", "\xc3\xbc", "\xff", "\"items\":{", "\"v\":1,", "\n", " ",
	};
	char *text;
	size_t len;

	if (size == 0 || data[0] != 1) {
		read_text((const char *)data, size);
		return 0;
	}
	text = fuzz_words(data + 1, size - 1, words, SR_ELEMENTSOF(words), &len);
	read_text(text, len);
	free(text);
	return 0;
}
