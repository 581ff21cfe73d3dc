/* SPDX-License-Identifier: MIT */
#include "base/json.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_BYTES ((size_t)256 << 10) /* pages that nobody touches cost nothing */
#define ALIGN 16

static _Alignas(ALIGN) unsigned char arena[ARENA_BYTES];
static size_t used;
static unsigned char *newest;

static void *take(size_t size)
{
	size_t whole = (size + ALIGN - 1) & ~(size_t)(ALIGN - 1);

	if (size > ARENA_BYTES || whole > ARENA_BYTES - used)
		return malloc(size);
	newest = arena + used;
	used += whole;
	return newest;
}

static void give(void *p)
{
	if ((uintptr_t)p - (uintptr_t)arena >= ARENA_BYTES) {
		free(p);
	} else if (p == newest) {
		used = (size_t)(newest - arena);
		newest = NULL;
	}
}

void json_arena_begin(void)
{
#ifndef SR_SANITIZED /* which would not see what is used after it was given back */
	json_set_alloc_funcs(take, give);
#endif
}

struct text {
	char *buf;
	size_t len, size;
};

static int add(const char *piece, size_t len, void *data)
{
	struct text *t = data;

	if (len >= t->size - t->len) {
		size_t size = (t->size + len) * 2;
		char *bigger = realloc(t->buf, size);

		if (!bigger)
			return -1;
		t->buf = bigger;
		t->size = size;
	}
	memcpy(t->buf + t->len, piece, len);
	t->len += len;
	return 0;
}

char *json_dump_text(const json_t *o, size_t flags)
{
	struct text t = { .size = 12288 }; /* a certificate's largest part */

	t.buf = o ? malloc(t.size) : NULL;
	if (!t.buf || json_dump_callback(o, add, &t, flags) < 0) {
		free(t.buf);
		return NULL;
	}
	t.buf[t.len] = '\0';
	return t.buf;
}
