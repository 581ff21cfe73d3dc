/* SPDX-License-Identifier: MIT */
/* What a script says of its imports. The first byte is its language. */
#include "image/imports.h"

#include <string.h>

#include "fuzz.h"

static void check_name(const char *name, const uint8_t *data, size_t size)
{
	size_t len = strlen(name);

	FUZZ_HOLDS(len > 0 && len <= 128);
	FUZZ_HOLDS(memmem(data, size, name, len)); /* nothing is made up */
	for (; *name; name++)
		FUZZ_HOLDS((unsigned char)*name > ' ' && *name != 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum sr_script_language language;
	struct sr_imports found;
	unsigned lines = 1;

	if (size == 0)
		return 0;
	language = (enum sr_script_language)(*data % SR_SCRIPT_LANGUAGES);
	data++;
	size--;
	for (size_t i = 0; i < size; i++)
		lines += data[i] == '\n' || data[i] == '\r';
	FUZZ_HOLDS(imports_read(language, (const char *)data, size, &found) == 0);
	FUZZ_HOLDS(found.count <= SR_IMPORTS_MAX && (found.count == 0 || language != SR_SCRIPT_OTHER));
	for (size_t i = 0; i < found.count; i++) {
		check_name(found.items[i].name, data, size);
		FUZZ_HOLDS(found.items[i].line >= 1 && found.items[i].line <= lines);
		FUZZ_HOLDS(i == 0 || found.items[i - 1].line <= found.items[i].line);
		for (size_t n = 0; n < i; n++)
			FUZZ_HOLDS(strcmp(found.items[n].name, found.items[i].name) != 0);
	}
	for (size_t i = 0; i < found.dependency_count; i++) {
		FUZZ_HOLDS(found.dependencies[i].line >= 1 && found.dependencies[i].line <= lines);
		FUZZ_HOLDS(*found.dependencies[i].name && *found.dependencies[i].module);
		FUZZ_HOLDS(!strpbrk(found.dependencies[i].text, "\r\n"));
	}
	FUZZ_HOLDS(!found.metadata_problem || found.dependency_count == 0);
	imports_done(&found);
	return 0;
}
