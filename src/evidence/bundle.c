/* SPDX-License-Identifier: MIT */
#include "evidence/bundle.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/io.h"
#include "base/macros.h"
#include "evidence/envelope.h"
#include "evidence/json-strict.h"

#define ENVELOPE_VALUES 4096 /* an envelope has seven; a line of another tool's may have more */

int bundle_read(int fd, char **ret, size_t *ret_len)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	if (S_ISREG(st.st_mode) && st.st_size > (off_t)SR_BUNDLE_BYTES_MAX)
		return -EFBIG;
	return io_read_all(fd, SR_BUNDLE_BYTES_MAX, ret, ret_len);
}

static SR_PRINTF(3, 4) int fault(struct sr_fault *f, const char *code, const char *fmt, ...)
{
	va_list ap;

	f->code = code;
	va_start(ap, fmt);
	(void)vsnprintf(f->text, sizeof(f->text), fmt, ap);
	va_end(ap);
	return -EBADMSG;
}

static const char *json_words(const char *code)
{
	static const struct {
		const char *code, *words;
	} rows[] = {
		{ "json-depth", "is nested deeper than 32 levels" },
		{ "json-size", "has too many values" },
		{ "json-duplicate-key", "has the same key twice in one object" },
		{ "json-utf8", "is not UTF-8" },
		{ "json-nul", "has a NUL in it" },
		{ "json-trailing-data", "goes on after its end" },
	};

	for (size_t i = 0; i < SR_ELEMENTSOF(rows); i++) {
		if (strcmp(rows[i].code, code) == 0)
			return rows[i].words;
	}
	return "is not JSON";
}

int json_fault(const char *code, const char *what, struct sr_fault *f)
{
	return code ? fault(f, code, "%s %s", what, json_words(code)) : -ENOMEM;
}

/* The key id as a hint: our form or nothing. */
static void take_keyid(const json_t *signature, char out[static SR_DIGEST_HEX])
{
	const char *text = json_string_value(json_object_get(signature, "keyid"));

	out[0] = '\0';
	if (text && strlen(text) == SR_DIGEST_HEX - 1 && strspn(text, "0123456789abcdef") == SR_DIGEST_HEX - 1)
		memcpy(out, text, SR_DIGEST_HEX);
}

/* A key of an envelope in other letters: some readers would take it for the envelope's own, and some not. */
static const char *other_letters(const json_t *o)
{
	static const char *const known[] = { "payload", "payloadType", "signatures", "sig", "keyid" };
	const json_t *value;
	const char *key;

	json_object_foreach((json_t *)o, key, value) { /* it reads only, but is not declared so */
		for (size_t i = 0; i < SR_ELEMENTSOF(known); i++) {
			if (strcasecmp(key, known[i]) == 0 && strcmp(key, known[i]) != 0)
				return known[i];
		}
	}
	return NULL;
}

static int take_signature(const json_t *signatures, struct sr_envelope *e, struct sr_fault *f)
{
	const json_t *one = json_array_get(signatures, 0), *text = json_object_get(one, "sig");
	SR_AUTOFREE char *sig = NULL;
	size_t len;
	int r;

	if (!json_is_array(signatures) || json_array_size(signatures) != 1)
		return fault(f, "signature-count", "line %u has %zu signatures and must have one", e->line,
			     json_array_size(signatures));
	if (other_letters(one))
		return fault(f, "field-case", "line %u has \"%s\" in other letters: readers would not agree on it", e->line, other_letters(one));
	if (!json_is_string(text))
		return fault(f, "envelope", "line %u has no signature in its place (signatures[0].sig)", e->line);
	r = base64_decode(json_string_value(text), json_string_length(text), &sig, &len);
	if (r == -ENOMEM)
		return r;
	if (r < 0)
		return fault(f, "base64", "line %u: the signature is not base64", e->line);
	if (len != SR_SIGNATURE_BYTES)
		return fault(f, "signature-length", "line %u: the signature has %zu bytes and not 64", e->line, len);
	memcpy(e->sig, sig, SR_SIGNATURE_BYTES);
	take_keyid(one, e->keyid);
	return 0;
}

static int take_envelope(const json_t *o, struct sr_envelope *e, struct sr_fault *f)
{
	const json_t *payload = json_object_get(o, "payload"), *type = json_object_get(o, "payloadType");
	int r;

	if (!json_is_string(payload) || !json_is_string(type))
		return fault(f, "envelope", "line %u is not a whole DSSE envelope: payload, payloadType and signatures", e->line);
	if (strcmp(json_string_value(type), SR_PAYLOAD_TYPE) != 0)
		return fault(f, "payload-type", "line %u has another payloadType than " SR_PAYLOAD_TYPE, e->line);
	r = take_signature(json_object_get(o, "signatures"), e, f);
	if (r < 0)
		return r;
	r = base64_decode(json_string_value(payload), json_string_length(payload), &e->payload, &e->len);
	if (r == -EBADMSG)
		return fault(f, "base64", "line %u: the payload is not base64", e->line);
	if (r < 0)
		return r;
	digest_hex(e->payload, e->len, e->sha256);
	return 0;
}

static int take_line(const char *text, size_t len, struct sr_bundle *b, struct sr_fault *f)
{
	struct sr_envelope *e = &b->items[b->count];
	char what[32];
	const char *code;
	json_t *o;
	int r = 0;

	if (len > SR_BUNDLE_LINE_MAX)
		return fault(f, "too-large", "line %u is longer than %zu MiB", e->line, SR_BUNDLE_LINE_MAX >> 20);
	(void)snprintf(what, sizeof(what), "line %u", e->line);
	o = json_strict(text, len, ENVELOPE_VALUES, &code);
	if (!o)
		return json_fault(code, what, f);
	if (!json_is_object(o)) {
		r = fault(f, "envelope", "line %u is not an object", e->line);
	} else if (other_letters(o)) {
		r = fault(f, "field-case", "line %u has \"%s\" in other letters: readers would not agree on it", e->line, other_letters(o));
	} else if (!json_object_get(o, "payload") && !json_object_get(o, "payloadType") && !json_object_get(o, "signatures")) {
		b->other_lines++;
	} else {
		b->count++; /* what it holds is dropped with the bundle, complete or not */
		r = take_envelope(o, e, f);
	}
	json_decref(o);
	return r;
}

int bundle_parse(const char *data, size_t len, struct sr_bundle *ret, struct sr_fault *f)
{
	const char *end = data + len;
	unsigned line = 0;
	int r = 0;

	*ret = (struct sr_bundle){ .bytes = len };
	if (len == 0)
		return fault(f, "empty", "the file is empty");
	if (len > SR_BUNDLE_BYTES_MAX)
		return fault(f, "too-large", "the file is larger than %zu MiB", SR_BUNDLE_BYTES_MAX >> 20);
	ret->items = calloc(SR_BUNDLE_LINES_MAX, sizeof(*ret->items));
	if (!ret->items)
		return -ENOMEM;
	while (r == 0 && data < end) {
		const char *newline = memchr(data, '\n', (size_t)(end - data)), *stop = newline ? newline : end;

		if (++line > SR_BUNDLE_LINES_MAX)
			return fault(f, "too-many-lines", "the file has more than %d lines", SR_BUNDLE_LINES_MAX);
		ret->items[ret->count].line = line;
		r = take_line(data, (size_t)(stop - data), ret, f);
		data = newline ? newline + 1 : end;
	}
	return r;
}

void bundle_done(struct sr_bundle *b)
{
	for (size_t i = 0; i < b->count; i++)
		free(b->items[i].payload);
	free(b->items);
	*b = (struct sr_bundle){ 0 };
}
