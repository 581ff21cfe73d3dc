/* SPDX-License-Identifier: MIT */
/* Opening files: what is accepted has each item once, and a refusal says why. */
#include "evidence/opening.h"

#include <string.h>

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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sr_opening o = { 0 };
	const char *why = NULL;
	int r = opening_read((const char *)data, size, &o, &why);

	if (r == 0) {
		check(&o);
		opening_done(&o);
	} else {
		FUZZ_HOLDS(r < 0 && why && *why);
	}
	return 0;
}
