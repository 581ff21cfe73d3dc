/* SPDX-License-Identifier: MIT */
/* names/NAME.ini of the store of environments: what is taken has the forms that a run counts on. */
#include "image/store.h"

#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

static void holds_digest(const char *text)
{
	FUZZ_HOLDS(strlen(text) == SR_LAYER_DIGEST - 1 && strncmp(text, "sha256:", 7) == 0);
	FUZZ_HOLDS(strspn(text + 7, "0123456789abcdef") == 64);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sr_image i = { .profile = NULL };
	struct sr_error err = SR_ERROR_INIT;
	char stack[SR_LAYER_DIGEST];

	if (image_parse("fuzz.ini", (const char *)data, size, &i, &err) < 0) {
		FUZZ_HOLDS(err.text[0] && !i.profile && !i.layers.items);
		return 0;
	}
	holds_digest(i.digest);
	FUZZ_HOLDS(i.layers.count > 0 && i.layers.count <= SR_LAYERS_MAX);
	for (size_t k = 0; k < i.layers.count; k++)
		holds_digest(i.layers.items[k]);
	layers_digest((const char *const *)i.layers.items, i.layers.count, stack);
	FUZZ_HOLDS(strcmp(stack, i.digest) == 0);
	for (size_t k = 0; k < i.languages.count; k++) {
		const char *path = strstr(i.languages.items[k], "=/");

		FUZZ_HOLDS(path);
	}
	for (size_t k = 0; k < i.variables.count; k++) {
		FUZZ_HOLDS(strchr(i.variables.items[k], '='));
		FUZZ_HOLDS(!str_has_prefix(i.variables.items[k], "PATH=") && !str_has_prefix(i.variables.items[k], "HOME="));
	}
	image_done(&i);
	return 0;
}
