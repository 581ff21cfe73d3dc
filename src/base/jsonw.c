/* SPDX-License-Identifier: MIT */
#include "base/jsonw.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "base/str.h"

void jsonw_begin(struct sr_jsonw *j, size_t size)
{
	*j = (struct sr_jsonw){ .buf = malloc(size), .size = size };
	j->failed = !j->buf;
}

void jsonw_drop(struct sr_jsonw *j)
{
	free(j->buf);
	*j = (struct sr_jsonw){ .failed = true };
}

/* Room for len bytes and one more. */
static char *room(struct sr_jsonw *j, size_t len)
{
	size_t size = j->size;
	char *bigger;

	if (j->failed)
		return NULL;
	while (size - j->len <= len) {
		if (size > SIZE_MAX / 4 || size < j->len) {
			j->failed = true;
			return NULL;
		}
		size = size ? size * 2 : 64;
	}
	if (size != j->size) {
		bigger = realloc(j->buf, size);
		if (!bigger) {
			j->failed = true;
			return NULL;
		}
		j->buf = bigger;
		j->size = size;
	}
	return j->buf + j->len;
}

static void put(struct sr_jsonw *j, const char *s, size_t len)
{
	char *at = room(j, len);

	if (!at)
		return;
	for (size_t i = 0; i < len; i++) /* most are a few bytes, for which a call takes longer than this */
		at[i] = s[i];
	j->len += len;
}

char *jsonw_end(struct sr_jsonw *j)
{
	char *text = NULL;

	if (!j->failed && j->depth == 0 && j->len > 0) {
		j->buf[j->len] = '\0';
		text = SR_TAKE_PTR(j->buf);
	}
	jsonw_drop(j);
	return text;
}

/* What stands in front of a value. */
static void name(struct sr_jsonw *j, const char *key)
{
	unsigned d = j->depth;

	if (d == 0 || j->failed) {
		j->failed |= key || j->len > 0;
		return;
	}
	d--;
	if (j->begun[d])
		put(j, ",", 1);
	j->begun[d] = true;
	if (!key != !j->names[d] || (key && strcmp(j->names[d], key) >= 0)) {
		j->failed = true; /* a name in an array, none in an object, or the order is not the one that is promised */
		return;
	}
	if (!key)
		return;
	j->names[d] = key;
	put(j, "\"", 1);
	put(j, key, strlen(key));
	put(j, "\":", 2);
}

static void nest(struct sr_jsonw *j, const char *key, const char *mark, const char *first)
{
	name(j, key);
	put(j, mark, 1);
	if (j->depth == SR_JSONW_DEPTH)
		j->failed = true;
	if (j->failed)
		return;
	j->names[j->depth] = first;
	j->begun[j->depth++] = false;
}

static void leave(struct sr_jsonw *j, const char *mark, bool is_object)
{
	if (j->failed || j->depth == 0 || (j->names[j->depth - 1] != NULL) != is_object) {
		j->failed = true;
		return;
	}
	j->depth--;
	put(j, mark, 1);
}

void jsonw_open(struct sr_jsonw *j, const char *key)
{
	nest(j, key, "{", "");
}

void jsonw_close(struct sr_jsonw *j)
{
	leave(j, "}", true);
}

void jsonw_open_array(struct sr_jsonw *j, const char *key)
{
	nest(j, key, "[", NULL);
}

void jsonw_close_array(struct sr_jsonw *j)
{
	leave(j, "]", false);
}

void jsonw_raw(struct sr_jsonw *j, const char *key, const char *text)
{
	name(j, key);
	put(j, text, strlen(text));
}

void jsonw_null(struct sr_jsonw *j, const char *key)
{
	jsonw_raw(j, key, "null");
}

void jsonw_bool(struct sr_jsonw *j, const char *key, bool value)
{
	jsonw_raw(j, key, value ? "true" : "false");
}

void jsonw_number(struct sr_jsonw *j, const char *key, int64_t value)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%" PRId64, value);
	jsonw_raw(j, key, text);
}

/* RFC 8259 section 7: what must be escaped, by its short form where there is one. */
static size_t escape(char out[static 6], unsigned char c)
{
	static const char digits[] = "0123456789ABCDEF", from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
	const char *at = c ? memchr(from, c, sizeof(from) - 1) : NULL;

	out[0] = '\\';
	if (at) {
		out[1] = to[at - from];
		return 2;
	}
	out[1] = 'u';
	out[2] = '0';
	out[3] = '0';
	out[4] = digits[c >> 4];
	out[5] = digits[c & 15];
	return 6;
}

void jsonw_string(struct sr_jsonw *j, const char *key, const char *s)
{
	size_t len = s ? strlen(s) : 0, plain = 0;
	bool high = false;

	if (!s) {
		jsonw_null(j, key);
		return;
	}
	name(j, key);
	put(j, "\"", 1);
	for (size_t i = 0; i < len; i++) {
		const unsigned char c = (unsigned char)s[i];
		char escaped[6];

		high |= c >= 0x80;
		if (c >= 0x20 && c != '"' && c != '\\')
			continue;
		put(j, s + plain, i - plain);
		put(j, escaped, escape(escaped, c));
		plain = i + 1;
	}
	put(j, s + plain, len - plain);
	put(j, "\"", 1);
	if (high && !str_is_utf8(s, len))
		j->failed = true;
}
