/* SPDX-License-Identifier: MIT */
/* Profiles: the reader of a run and the one that notes everything agree on what is wrong; nothing untrusted is in a message. */
#include "policy/profile-read.h"

#include <string.h>

#include "fuzz.h"

/* Fit for a terminal: no control bytes, and UTF-8. */
static void fit(const char *text)
{
	FUZZ_HOLDS(str_is_utf8(text, strlen(text)));
	for (; *text; text++)
		FUZZ_HOLDS((unsigned char)*text >= ' ' && *text != 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sr_profile profile = { 0 }, noted = { 0 };
	struct sr_profile_notes notes = { 0 };
	struct sr_error err = SR_ERROR_INIT, ignored = SR_ERROR_INIT;
	struct sr_policy p;
	int r = profile_parse("a\x1b.ini", (const char *)data, size, &profile, &err);

	if (r == 0) {
		policy_init(&p);
		FUZZ_HOLDS(profile_apply(&profile, &p, &err) == 0);
		policy_done(&p);
	} else {
		FUZZ_HOLDS(err.code == SR_E_PROFILE && *err.text);
		fit(err.text);
		fit(err.hint);
	}
	profile_done(&profile);

	FUZZ_HOLDS(profile_parse_noted("b.ini", (const char *)data, size, &noted, &notes, &ignored) == 0);
	FUZZ_HOLDS((r == 0) == (notes.problems.count == 0));
	for (size_t i = 0; i < notes.problems.count; i++) {
		fit(notes.problems.items[i].reason);
		fit(notes.problems.items[i].hint);
	}
	profile_done(&noted);
	profile_notes_done(&notes);
	return 0;
}
