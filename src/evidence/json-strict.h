/* SPDX-License-Identifier: MIT */
/*
 * JSON from others, read by jansson within bounds: one value and nothing behind it, UTF-8, no NUL, no doubled keys, at most
 * 32 levels and so many values. The bounds are looked at before jansson allocates anything.
 */
#ifndef SR_EVIDENCE_JSON_STRICT_H
#define SR_EVIDENCE_JSON_STRICT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define SR_JSON_DEPTH_MAX 32

/*
 * NULL: *ret_code is then why ("json-syntax", "json-depth", "json-size", "json-duplicate-key", "json-utf8", "json-nul",
 * "json-trailing-data"), or NULL where memory is out. The caller drops the value with json_decref().
 */
json_t *json_strict(const char *text, size_t len, size_t max_values, const char **ret_code);

/* Every number in it is a whole one between -2^53 and 2^53, as certificates want them: other readers would round more. */
bool json_numbers_fit(const json_t *value);

#endif
