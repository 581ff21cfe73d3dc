/* SPDX-License-Identifier: MIT */
/*
 * JSON written piece by piece into one text: compact, the members of an object in the order of their names' bytes, RFC 8259.
 * What is signed is written with it, in every run: making a tree of it first and then walking that takes eight times as long
 * (bench/README.md). Reading is jansson's work.
 *
 * A failure (no memory, names out of order, text that is no UTF-8) is kept, everything after it does nothing, and jsonw_end()
 * has no text: nothing can be left out silently. key: a member's name, without anything that needs an escape; NULL in an
 * array and for the outermost value.
 */
#ifndef SR_BASE_JSONW_H
#define SR_BASE_JSONW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SR_JSONW_DEPTH 12

struct sr_jsonw {
	char *buf;
	size_t len, size;
	bool failed;
	unsigned depth;
	const char *names[SR_JSONW_DEPTH]; /* the last one in each open object; borrowed until it is closed */
	bool begun[SR_JSONW_DEPTH];        /* it has a member */
};

/* size: as many bytes as it will take, about. Without memory the failure is kept. */
void jsonw_begin(struct sr_jsonw *j, size_t size);
/* The whole text, NUL-terminated, which the caller frees; NULL for a failure or something left open. *j is empty then. */
char *jsonw_end(struct sr_jsonw *j);
/* Gives it up. */
void jsonw_drop(struct sr_jsonw *j);

void jsonw_open(struct sr_jsonw *j, const char *key);       /* { */
void jsonw_close(struct sr_jsonw *j);                       /* } */
void jsonw_open_array(struct sr_jsonw *j, const char *key); /* [ */
void jsonw_close_array(struct sr_jsonw *j);                 /* ] */

void jsonw_null(struct sr_jsonw *j, const char *key);
void jsonw_bool(struct sr_jsonw *j, const char *key, bool value);
void jsonw_number(struct sr_jsonw *j, const char *key, int64_t value);
/* s: UTF-8; NULL: null. */
void jsonw_string(struct sr_jsonw *j, const char *key, const char *s);
/* JSON that was written before. */
void jsonw_raw(struct sr_jsonw *j, const char *key, const char *text);

#endif
