/* SPDX-License-Identifier: MIT */
#include "evidence/json-strict.h"

#include <stdbool.h>
#include <string.h>

#define EXACT ((json_int_t)1 << 53)

/*
 * Counts levels and values as jansson would meet them: up to its first syntax error, where jansson stops, both read the same
 * text in the same way. NULL or the code.
 */
static const char *too_much(const char *text, size_t len, size_t max_values)
{
	bool in_string = false;
	size_t depth = 0, values = 1;

	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (in_string) {
			if (c == '\\')
				i++;
			else if (c == '"')
				in_string = false;
			continue;
		}
		if (c == '"')
			in_string = true;
		else if (c == '[' || c == '{')
			depth++;
		else if ((c == ']' || c == '}') && depth > 0)
			depth--;
		if (c == '[' || c == '{' || c == ',')
			values++;
		if (depth > SR_JSON_DEPTH_MAX)
			return "json-depth";
		if (values > max_values)
			return "json-size";
	}
	return NULL;
}

json_t *json_strict(const char *text, size_t len, size_t max_values, const char **ret_code)
{
	json_error_t why;
	json_t *value;

	*ret_code = memchr(text, '\0', len) ? "json-nul" : too_much(text, len, max_values);
	if (*ret_code)
		return NULL;
	value = json_loadb(text, len, JSON_REJECT_DUPLICATES, &why);
	if (value)
		return value;
	switch (json_error_code(&why)) {
	case json_error_out_of_memory:
		break;
	case json_error_duplicate_key:
		*ret_code = "json-duplicate-key";
		break;
	case json_error_invalid_utf8:
		*ret_code = "json-utf8";
		break;
	case json_error_null_character:
	case json_error_null_byte_in_key:
		*ret_code = "json-nul";
		break;
	case json_error_end_of_input_expected:
		*ret_code = "json-trailing-data";
		break;
	default:
		*ret_code = "json-syntax";
	}
	return NULL;
}

bool json_numbers_fit(const json_t *value)
{
	const json_t *item;
	const char *key;
	size_t i;

	switch (json_typeof(value)) {
	case JSON_INTEGER:
		return json_integer_value(value) < EXACT && json_integer_value(value) > -EXACT;
	case JSON_REAL:
		return false;
	case JSON_ARRAY:
		json_array_foreach(value, i, item) {
			if (!json_numbers_fit(item))
				return false;
		}
		return true;
	case JSON_OBJECT:
		json_object_foreach((json_t *)value, key, item) { /* it reads only, but is not declared so */
			if (!json_numbers_fit(item))
				return false;
		}
		return true;
	default:
		return true;
	}
}
