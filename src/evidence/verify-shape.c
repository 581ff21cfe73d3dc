/* SPDX-License-Identifier: MIT */
#include "evidence/verify-shape.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/macros.h"
#include "base/str.h"

#define HEX "0123456789abcdef"
#define DIGITS "0123456789"

bool shape_is_hex(const char *text, size_t min, size_t max)
{
	size_t len = strlen(text);

	return len >= min && len <= max && len % 2 == 0 && strspn(text, HEX) == len;
}

int64_t shape_time(const char *text)
{
	struct tm tm = { 0 };
	char again[32] = "";
	const char *end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm);
	time_t t;

	if (!end || *end)
		return -1;
	t = timegm(&tm);
	/* strptime takes blanks, single digits and the 60th second; what is written again is in the one form */
	if (t < 0 || !gmtime_r(&t, &tm) || strftime(again, sizeof(again), "%Y-%m-%dT%H:%M:%SZ", &tm) == 0 || strcmp(again, text) != 0)
		return -1;
	return t;
}

bool shape_decimal(const char *text, uint64_t *ret)
{
	return strspn(text, DIGITS) == strlen(text) && (text[0] != '0' || !text[1]) && str_to_u64(text, ret) == 0;
}

/* RFC 9562: 8-4-4-4-12 lowercase hex digits, version 7, variant 10. */
static bool is_uuid7(const char *text)
{
	static const char form[] = "xxxxxxxx-xxxx-7xxx-vxxx-xxxxxxxxxxxx";

	if (strlen(text) != sizeof(form) - 1)
		return false;
	for (size_t i = 0; form[i]; i++) {
		const char *set = form[i] == 'x' ? HEX : form[i] == 'v' ? "89ab" : form[i] == '7' ? "7" : "-";

		if (!strchr(set, text[i]))
			return false;
	}
	return true;
}

static bool is_word(const char *text, const char *words)
{
	size_t len = strlen(text);

	for (const char *w = words; *w;) {
		size_t n = strcspn(w, "|");

		if (n == len && memcmp(w, text, n) == 0)
			return true;
		w += n + (w[n] == '|');
	}
	return false;
}

static bool is_digest(const json_t *set, const char *name)
{
	const char *hex = json_string_value(json_object_get(set, name));

	return json_object_size(set) == 1 && hex && shape_is_hex(hex, 64, 64);
}

static bool text_fits(const char *text, const struct shape *row)
{
	uint64_t n;

	switch (row->kind) {
	case SHAPE_HEX:
		return row->digits ? shape_is_hex(text, row->digits, row->digits) : shape_is_hex(text, 32, 128);
	case SHAPE_TIME:
		return shape_time(text) >= 0;
	case SHAPE_DECIMAL:
		return shape_decimal(text, &n);
	case SHAPE_UUID7:
		return is_uuid7(text);
	case SHAPE_WORD:
		return is_word(text, row->words);
	default:
		return true;
	}
}

static bool fits(const json_t *value, const struct shape *row)
{
	switch (row->kind) {
	case SHAPE_SCALAR:
		return json_is_string(value) || (json_is_integer(value) && json_integer_value(value) >= 0);
	case SHAPE_COUNT:
		return json_is_integer(value) && json_integer_value(value) >= 0;
	case SHAPE_BOOL:
		return json_is_boolean(value);
	case SHAPE_OBJECT:
	case SHAPE_MAP:
		return json_is_object(value);
	case SHAPE_LIST:
		return json_is_array(value) && (!(row->flags & SHAPE_FILLED) || json_array_size(value) > 0);
	case SHAPE_SHA256:
		return is_digest(value, SHAPE_SHA256_NAME);
	case SHAPE_HMAC:
		return is_digest(value, SHAPE_HMAC_NAME);
	case SHAPE_DIGEST:
		return is_digest(value, SHAPE_SHA256_NAME) || is_digest(value, SHAPE_HMAC_NAME);
	default:
		return json_is_string(value) && text_fits(json_string_value(value), row);
	}
}

static int wrong(struct sr_fault *f, const char *code, const char *name, const char *key, const char *why)
{
	char shown[96];

	f->code = code;
	(void)snprintf(f->text, sizeof(f->text), "%s%s%s %s", name, key ? "." : "", key ? str_escape(key, shown, sizeof(shown)) : "", why);
	return -EBADMSG;
}

static const struct shape *find(const struct shape *rows, const char *key)
{
	for (; rows && rows->key; rows++) {
		if (strcmp(rows->key, key) == 0)
			return rows;
	}
	return NULL;
}

/* Readers that take keys without regard to case (Go's encoding/json) would read it as the known one, which says something else. */
static bool is_known_but_for_case(const struct shape *rows, const char *key)
{
	for (; rows && rows->key; rows++) {
		if (strcasecmp(rows->key, key) == 0)
			return true;
	}
	return false;
}

static int check_members(const json_t *o, const struct shape *row, const char *name, struct sr_fault *f)
{
	const json_t *value;
	const char *key;
	char path[96];
	int r = 0;

	for (const struct shape *s = row->rows; s && s->key; s++) {
		value = json_object_get(o, s->key);
		if (!value && !(s->flags & SHAPE_ABSENT))
			return wrong(f, "field-missing", name, s->key, "is missing");
		(void)snprintf(path, sizeof(path), "%s.%s", name, s->key);
		r = value ? shape_check(value, s, path, f) : 0;
		if (r < 0)
			return r;
	}
	json_object_foreach((json_t *)o, key, value) { /* it reads only, but is not declared so */
		if (find(row->rows, key))
			continue;
		if (is_known_but_for_case(row->rows, key))
			return wrong(f, "field-case", name, key, "is another member's name in other letters: readers would not agree on it");
		if (row->flags & SHAPE_CLOSED)
			return wrong(f, "field-unknown", name, key, "is not known to this version, which therefore cannot judge it");
	}
	return 0;
}

static int check_items(const json_t *value, const struct shape *row, const char *name, struct sr_fault *f)
{
	const json_t *item;
	const char *key;
	char path[96];
	size_t i;
	int r;

	if (!row->rows)
		return 0;
	if (row->kind == SHAPE_LIST) {
		json_array_foreach(value, i, item) {
			(void)snprintf(path, sizeof(path), "%s[%zu]", name, i);
			r = shape_check(item, row->rows, path, f);
			if (r < 0)
				return r;
		}
		return 0;
	}
	(void)snprintf(path, sizeof(path), "%s.*", name);
	json_object_foreach((json_t *)value, key, item) {
		r = shape_check(item, row->rows, path, f);
		if (r < 0)
			return r;
	}
	return 0;
}

int shape_check(const json_t *value, const struct shape *row, const char *name, struct sr_fault *f)
{
	bool digest = row->kind == SHAPE_SHA256 || row->kind == SHAPE_HMAC || row->kind == SHAPE_DIGEST;

	if (json_is_null(value) && (row->flags & SHAPE_NULL))
		return 0;
	if (digest && json_is_object(value) && json_object_size(value) > 1)
		return wrong(f, "digest-set", name, NULL, "has more than one digest: a plain one beside a commitment gives it away");
	if (!fits(value, row))
		return wrong(f, "field-form", name, NULL, "has not the form that it must have");
	if (row->kind == SHAPE_OBJECT)
		return check_members(value, row, name, f);
	if (row->kind == SHAPE_LIST || row->kind == SHAPE_MAP)
		return check_items(value, row, name, f);
	return 0;
}
