/* SPDX-License-Identifier: MIT */
/* What the readers of imports share. Names are slices of the text while it is read. */
#ifndef SR_IMAGE_IMPORTS_INTERNAL_H
#define SR_IMAGE_IMPORTS_INTERNAL_H

#include <string.h>

#include "image/imports.h"

#define SR_USES_MAX 32768   /* imports of one script, repeated ones too */
#define SR_MODULE_MAX 128   /* bytes of a name; longer ones are none */

#define SR_USE_OPTIONAL 1U
#define SR_USE_TYPING 2U
#define SR_USE_QUALIFIED 4U /* R: x::y */
#define SR_USE_GUARD 8U     /* R: asked for with requireNamespace in a condition; what is qualified by it is optional */
#define SR_USE_STANDARD 16U /* node: */

struct sr_use {
	const char *name;
	size_t len;
	unsigned line;
	unsigned flags;
};

struct sr_uses {
	enum sr_script_language language;
	struct sr_use *items;
	size_t count, size;
	bool cut;   /* there were more */
	int failed; /* -ENOMEM */
};

/* Where a reader stands. */
struct sr_cursor {
	const char *at, *end;
	unsigned line;
};

enum sr_token_type { SR_T_END, SR_T_NEWLINE, SR_T_NAME, SR_T_STRING, SR_T_NUMBER, SR_T_OP };

struct sr_token {
	enum sr_token_type type;
	const char *at; /* STRING: what is between the quotes */
	size_t len;
	unsigned line;
	bool plain;     /* STRING: its text is what stands there: no escape, nothing filled in */
};

void uses_add(struct sr_uses *u, const char *name, size_t len, unsigned line, unsigned flags);
/* To those from `first` up to `end`. */
void uses_mark(struct sr_uses *u, size_t first, size_t end, unsigned flag);
/* Whether one of those must be there and does not come with the language. */
bool uses_need(const struct sr_uses *u, size_t first, size_t end);
/*
 * A `try` with a handler for what is missing: its imports are those from first up to body_end, the handler's those from
 * `handler` on. gives_up: the handler ends the program, so that they were needed all the same.
 */
void uses_handled(struct sr_uses *u, size_t first, size_t body_end, size_t handler, bool gives_up);

void imports_python(struct sr_cursor c, struct sr_uses *u);
void imports_javascript(struct sr_cursor c, struct sr_uses *u);
void imports_r(struct sr_cursor c, struct sr_uses *u);
void imports_ruby(struct sr_cursor c, struct sr_uses *u);
/* The PEP 723 block. 0 or -ENOMEM. */
int imports_metadata(const char *data, size_t len, struct sr_imports *ret);

static inline bool token_is(const struct sr_token *t, const char *word)
{
	return t->type == SR_T_NAME && t->len == strlen(word) && memcmp(t->at, word, t->len) == 0;
}

static inline bool token_op(const struct sr_token *t, char op)
{
	return t->type == SR_T_OP && t->len == 1 && *t->at == op;
}

static inline int cursor_peek(const struct sr_cursor *c, size_t ahead)
{
	return (size_t)(c->end - c->at) > ahead ? (unsigned char)c->at[ahead] : -1;
}

/* Letters of every language: all bytes of a longer UTF-8 sequence. */
static inline bool is_name_start(int ch)
{
	return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || ch == '_' || ch >= 0x80;
}

static inline bool is_digit(int ch)
{
	return ch >= '0' && ch <= '9';
}

static inline bool is_name_byte(int ch)
{
	return is_name_start(ch) || is_digit(ch);
}

#endif
