/* SPDX-License-Identifier: MIT */
/*
 * Strings and numbers as users type them. No locale, no globals. Allocating functions hand ownership to the caller.
 */
#ifndef SR_BASE_STR_H
#define SR_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"

#define SR_UNLIMITED UINT64_MAX

/* NULL-terminated growing vector of owned strings. Starts zeroed. */
struct sr_strv {
	char **items; /* NULL while empty */
	size_t count;
};

int strv_add(struct sr_strv *v, const char *s);               /* copies s; 0 or -ENOMEM */
int strv_addf(struct sr_strv *v, const char *fmt, ...) SR_PRINTF(2, 3);
void strv_done(struct sr_strv *v);                            /* frees all; leaves it empty; NULL-safe items */

/* A formatted fresh string, or NULL when memory is out. */
char *str_format(const char *fmt, ...) SR_PRINTF(1, 2);

bool str_has_prefix(const char *s, const char *prefix);
bool str_has_suffix(const char *s, const char *suffix);
/* Well-formed UTF-8 throughout; control characters are. */
bool str_is_utf8(const char *s, size_t len);
/* Takes an unfinished sequence off the end, such as snprintf(3) leaves where it cuts a text. Returns s. */
char *str_trim_utf8(char *s);
static inline bool str_is_empty(const char *s)
{
	return !s || !*s;
}

/* Decimal, no sign, no blanks. 0 or -EINVAL / -ERANGE. */
int str_to_u64(const char *s, uint64_t *ret);
/* "64K", "512M", "2G", "100" (bytes; factor 1024). "unlimited" and "max" give SR_UNLIMITED. 0, -EINVAL, -ERANGE. */
int str_to_bytes(const char *s, uint64_t *ret);
/* "250ms", "10s", "5m", "1h"; a bare number is seconds, fractions allowed ("1.5s"). "unlimited", "none". Result in ns. */
int str_to_duration(const char *s, uint64_t *ret_ns);
/* Shortest exact form with a unit: 536870912 -> "512M", 1500 -> "1500". */
void str_from_bytes(uint64_t bytes, char out[static 32]);
/* For people: 90 s -> "90s", 300 s -> "5m", 250 ms -> "250ms". */
void str_from_duration(uint64_t ns, char out[static 32]);

/*
 * Makes text from an untrusted source fit for a terminal or a log line: control bytes, DEL, ESC and bytes that are no
 * valid UTF-8 (and the C1 range, and bidirectional controls) become \xNN, backslash stays. Always terminated; a text
 * that does not fit ends in "...". Returns out.
 */
char *str_escape(const char *s, char *out, size_t out_size);
char *str_escape_n(const char *s, size_t len, char *out, size_t out_size);

/*
 * s where a shell takes it for one plain word as it is, else `instead`: hints are made to be pasted, and names in them may
 * come from somebody hostile.
 */
const char *str_plain_or(const char *s, const char *instead);

/* Edit distance of two words; of longer ones than any name of ours it is 33, which no caller takes for near. */
size_t str_distance(const char *a, size_t alen, const char *b, size_t blen);

/* Lowercase hex by table (finding 41). out holds 2 * len + 1 bytes. */
void str_hex(const void *bytes, size_t len, char *out);

#endif
