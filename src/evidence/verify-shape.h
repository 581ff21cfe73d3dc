/* SPDX-License-Identifier: MIT */
/*
 * Which members a JSON object must have and what they hold, as tables: one row a member, nested where it is an object or an
 * array. What a table does not name is allowed (later versions add members), unless the object is closed.
 */
#ifndef SR_EVIDENCE_VERIFY_SHAPE_H
#define SR_EVIDENCE_VERIFY_SHAPE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "evidence/bundle.h"

enum shape_kind {
	SHAPE_STRING,
	SHAPE_COUNT,    /* a whole number from 0 */
	SHAPE_BOOL,
	SHAPE_OBJECT,   /* more: rows, or NULL for any members */
	SHAPE_LIST,     /* more: one row for every item */
	SHAPE_MAP,      /* an object with free names; more: one row for every value */
	SHAPE_SCALAR,   /* a whole number from 0, or a string */
	SHAPE_HEX,      /* lowercase; more: how many digits, or 0 for 32 to 128 */
	SHAPE_TIME,     /* "2026-11-21T05:40:00Z" */
	SHAPE_DECIMAL,  /* a string: 0 to 2^64 - 1 */
	SHAPE_UUID7,
	SHAPE_SHA256,   /* a digest set that is {"sha256": ...} */
	SHAPE_HMAC,     /* a digest set that is {"sandrunHmacSha256V1": ...} */
	SHAPE_DIGEST,   /* one of these, never both */
	SHAPE_WORD,     /* more: the words it may be, "a|b" */
};

#define SHAPE_NULL 1   /* null is good too */
#define SHAPE_ABSENT 2 /* may be missing */
#define SHAPE_CLOSED 4 /* object: no other members */
#define SHAPE_FILLED 8 /* list: at least one item */

struct shape {
	const char *key; /* NULL ends a table; of an item, its name in messages */
	enum shape_kind kind;
	unsigned flags;
	const struct shape *rows;
	const char *words;
	unsigned digits;
};

/* `name` leads every path in a message. 0, or -EBADMSG with *fault: "field-missing", "field-form", "field-unknown", "digest-set". */
int shape_check(const json_t *value, const struct shape *row, const char *name, struct sr_fault *fault);

/* --- what the tables' kinds mean, for checks of one's own ----------------------------------------------------------------- */

bool shape_is_hex(const char *text, size_t min, size_t max);
/* Seconds since 1970, or -1: exactly the form above, a day that there is. */
int64_t shape_time(const char *text);
bool shape_decimal(const char *text, uint64_t *ret);

#define SHAPE_SHA256_NAME "sha256"
#define SHAPE_HMAC_NAME "sandrunHmacSha256V1"

#endif
