/* SPDX-License-Identifier: MIT */
#include "base/str.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define FIRST_SLOTS 64U /* then twice as many: growing by one would have the allocator map and unmap pages all the time */

int strv_add(struct sr_strv *v, const char *s)
{
	SR_AUTOFREE char *copy = strdup(s);
	const size_t needed = v->count + 2;
	size_t slots = 0;
	char **bigger;

	if (!copy)
		return -ENOMEM;
	if (v->count == 0)
		slots = FIRST_SLOTS;
	else if (needed > FIRST_SLOTS && ((needed - 1) & (needed - 2)) == 0) /* the slots there are, a power of two, are full */
		slots = (needed - 1) * 2;
	if (slots) {
		bigger = realloc(v->items, slots * sizeof(*bigger));
		if (!bigger)
			return -ENOMEM;
		v->items = bigger;
	}
	v->items[v->count++] = SR_TAKE_PTR(copy);
	v->items[v->count] = NULL;
	return 0;
}

int strv_addf(struct sr_strv *v, const char *fmt, ...)
{
	SR_AUTOFREE char *s = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&s, fmt, ap);
	va_end(ap);
	if (n < 0) {
		s = NULL; /* its value is undefined then, vasprintf(3) */
		return -ENOMEM;
	}
	return strv_add(v, s);
}

void strv_done(struct sr_strv *v)
{
	for (size_t i = 0; i < v->count; i++)
		free(v->items[i]);
	free(v->items);
	v->items = NULL;
	v->count = 0;
}

char *str_format(const char *fmt, ...)
{
	char *s = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&s, fmt, ap);
	va_end(ap);
	return n < 0 ? NULL : s;
}

bool str_has_prefix(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool str_has_suffix(const char *s, const char *suffix)
{
	size_t a = strlen(s), b = strlen(suffix);

	return a >= b && memcmp(s + a - b, suffix, b) == 0;
}

/* Reads leading digits; *end is left after them. */
static int digits(const char *s, uint64_t *ret, const char **end)
{
	uint64_t v = 0;

	if (*s < '0' || *s > '9')
		return -EINVAL;
	for (; *s >= '0' && *s <= '9'; s++) {
		if (__builtin_mul_overflow(v, 10U, &v) || __builtin_add_overflow(v, (uint64_t)(*s - '0'), &v))
			return -ERANGE;
	}
	*ret = v;
	*end = s;
	return 0;
}

int str_to_u64(const char *s, uint64_t *ret)
{
	const char *end;
	uint64_t v;
	int r = digits(s, &v, &end);

	if (r < 0)
		return r;
	if (*end)
		return -EINVAL;
	*ret = v;
	return 0;
}

int str_to_bytes(const char *s, uint64_t *ret)
{
	uint64_t v, factor;
	const char *end;
	int r;

	if (strcmp(s, "unlimited") == 0 || strcmp(s, "max") == 0) {
		*ret = SR_UNLIMITED;
		return 0;
	}
	r = digits(s, &v, &end);
	if (r < 0)
		return r;
	switch (*end) {
	case '\0':
		factor = 1;
		break;
	case 'K':
	case 'k':
		factor = 1ULL << 10;
		break;
	case 'M':
	case 'm':
		factor = 1ULL << 20;
		break;
	case 'G':
	case 'g':
		factor = 1ULL << 30;
		break;
	default:
		return -EINVAL;
	}
	if (*end && end[1])
		return -EINVAL;
	if (__builtin_mul_overflow(v, factor, &v) || v == SR_UNLIMITED)
		return -ERANGE;
	*ret = v;
	return 0;
}

int str_to_duration(const char *s, uint64_t *ret_ns)
{
	static const struct {
		const char *unit;
		uint64_t ns;
	} units[] = {
		{ "ms", 1000000ULL },        { "s", 1000000000ULL },     { "", 1000000000ULL },
		{ "m", 60 * 1000000000ULL }, { "h", 3600 * 1000000000ULL },
	};
	uint64_t whole, frac = 0, scale = 1;
	const char *end;
	int r;

	if (strcmp(s, "unlimited") == 0 || strcmp(s, "none") == 0) {
		*ret_ns = SR_UNLIMITED;
		return 0;
	}
	r = digits(s, &whole, &end);
	if (r < 0)
		return r;
	if (*end == '.') {
		if (end[1] < '0' || end[1] > '9')
			return -EINVAL;
		for (end++; *end >= '0' && *end <= '9'; end++) {
			if (scale >= 1000000000ULL)
				continue; /* below a nanosecond */
			frac = frac * 10 + (uint64_t)(*end - '0');
			scale *= 10;
		}
	}
	for (size_t i = 0; i < SR_ELEMENTSOF(units); i++) {
		uint64_t v, part;

		if (strcmp(end, units[i].unit) != 0)
			continue;
		part = (uint64_t)((double)frac / (double)scale * (double)units[i].ns + 0.5);
		if (__builtin_mul_overflow(whole, units[i].ns, &v) || __builtin_add_overflow(v, part, &v) ||
		    v == SR_UNLIMITED)
			return -ERANGE;
		*ret_ns = v;
		return 0;
	}
	return -EINVAL;
}

void str_from_bytes(uint64_t bytes, char out[static 32])
{
	static const char suffix[] = { 'G', 'M', 'K' };
	uint64_t unit = 1ULL << 30;

	if (bytes == SR_UNLIMITED) {
		(void)snprintf(out, 32, "unlimited");
		return;
	}
	for (size_t i = 0; i < sizeof(suffix); i++, unit >>= 10) {
		if (bytes >= unit && bytes % unit == 0) {
			(void)snprintf(out, 32, "%llu%c", (unsigned long long)(bytes / unit), suffix[i]);
			return;
		}
	}
	(void)snprintf(out, 32, "%llu", (unsigned long long)bytes);
}

void str_from_duration(uint64_t ns, char out[static 32])
{
	const uint64_t second = 1000000000ULL;

	if (ns == SR_UNLIMITED)
		(void)snprintf(out, 32, "unlimited");
	else if (ns >= 3600 * second && ns % (3600 * second) == 0)
		(void)snprintf(out, 32, "%lluh", (unsigned long long)(ns / (3600 * second)));
	else if (ns >= 120 * second && ns % (60 * second) == 0)
		(void)snprintf(out, 32, "%llum", (unsigned long long)(ns / (60 * second)));
	else if (ns % second == 0)
		(void)snprintf(out, 32, "%llus", (unsigned long long)(ns / second));
	else
		(void)snprintf(out, 32, "%llums", (unsigned long long)((ns + 999999) / 1000000));
}

/* Length of the valid UTF-8 sequence at s (1..4), or 0. */
static size_t decode_utf8(const unsigned char *s, size_t len, uint32_t *ret)
{
	uint32_t cp;
	size_t n;

	if (s[0] < 0x80) {
		*ret = s[0];
		return 1;
	}
	if (s[0] >= 0xc2 && s[0] <= 0xdf) {
		n = 2;
		cp = s[0] & 0x1fU;
	} else if ((s[0] & 0xf0) == 0xe0) {
		n = 3;
		cp = s[0] & 0x0fU;
	} else if (s[0] >= 0xf0 && s[0] <= 0xf4) {
		n = 4;
		cp = s[0] & 0x07U;
	} else {
		return 0;
	}
	if (len < n)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		cp = cp << 6 | (s[i] & 0x3fU);
	}
	if ((n == 3 && cp < 0x800) || (n == 4 && (cp < 0x10000 || cp > 0x10ffff)) || (cp >= 0xd800 && cp <= 0xdfff))
		return 0;
	*ret = cp;
	return n;
}

bool str_is_utf8(const char *s, size_t len)
{
	for (size_t i = 0; i < len;) {
		uint32_t cp;
		size_t n = decode_utf8((const unsigned char *)s + i, len - i, &cp);

		if (n == 0)
			return false;
		i += n;
	}
	return true;
}

char *str_trim_utf8(char *s)
{
	size_t len = strlen(s), at = len;
	uint32_t cp;

	while (at > 0 && len - at < 3 && ((unsigned char)s[at - 1] & 0xc0) == 0x80)
		at--;
	if (at > 0 && (unsigned char)s[at - 1] >= 0xc0 && decode_utf8((const unsigned char *)s + at - 1, len - at + 1, &cp) == 0)
		s[at - 1] = '\0';
	return s;
}

/* Length of the valid, printable UTF-8 sequence at s (1..4), or 0. */
static size_t printable_utf8(const unsigned char *s, size_t len)
{
	uint32_t cp = 0;
	size_t n = decode_utf8(s, len, &cp);

	if (cp < 0x20 || (cp >= 0x7f && cp < 0xa0) || (cp >= 0x200e && cp <= 0x200f) || (cp >= 0x2028 && cp <= 0x202e) ||
	    (cp >= 0x2066 && cp <= 0x2069) || cp == 0x061c)
		return 0; /* C0 and C1 controls, DEL, line separators, bidirectional controls */
	return n;
}

char *str_escape_n(const char *s, size_t len, char *out, size_t out_size)
{
	static const char hex[] = "0123456789abcdef";
	size_t o = 0;

	if (out_size == 0)
		return out;
	for (size_t i = 0; i < len;) {
		size_t n = printable_utf8((const unsigned char *)s + i, len - i);
		size_t need = n ? n : 4;

		if (o + need + 4 > out_size) { /* room for "..." and the NUL */
			for (int k = 0; k < 3 && o + 1 < out_size; k++)
				out[o++] = '.';
			break;
		}
		if (n) {
			memcpy(out + o, s + i, n);
			o += n;
			i += n;
		} else {
			out[o++] = '\\';
			out[o++] = 'x';
			out[o++] = hex[(unsigned char)s[i] >> 4];
			out[o++] = hex[(unsigned char)s[i] & 15];
			i++;
		}
	}
	out[o] = '\0';
	return out;
}

char *str_escape(const char *s, char *out, size_t out_size)
{
	return str_escape_n(s, strlen(s), out, out_size);
}

const char *str_plain_or(const char *s, const char *instead)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._/=:@%+,-";
	size_t len = strlen(s);

	return len > 0 && len <= 200 && *s != '-' && strspn(s, plain) == len ? s : instead;
}

size_t str_distance(const char *a, size_t alen, const char *b, size_t blen)
{
	size_t row[33];

	if (alen >= SR_ELEMENTSOF(row) || blen >= SR_ELEMENTSOF(row))
		return SR_ELEMENTSOF(row);
	for (size_t j = 0; j <= blen; j++)
		row[j] = j;
	for (size_t i = 1; i <= alen; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= blen; j++) {
			size_t best = diagonal + (a[i - 1] != b[j - 1]);

			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			diagonal = row[j];
			row[j] = best;
		}
	}
	return row[blen];
}

void str_hex(const void *bytes, size_t len, char *out)
{
	static const char hex[] = "0123456789abcdef";
	const unsigned char *b = bytes;

	for (size_t i = 0; i < len; i++) {
		out[2 * i] = hex[b[i] >> 4];
		out[2 * i + 1] = hex[b[i] & 15];
	}
	out[2 * len] = '\0';
}
