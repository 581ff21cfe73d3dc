/* SPDX-License-Identifier: MIT */
#include "base/json.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#ifndef SR_SANITIZED /* which would not see what is used after it was given back */

#define ARENA_BYTES ((size_t)256 << 10) /* pages that nobody touches cost nothing, and those that one touches do: nothing is wasted */
#define ALIGN 16
#define CLASSES 33 /* of blocks that are used again: 16 to 512 bytes */

struct block { /* in front of each */
	size_t class;
	struct block *next;
};

_Static_assert(sizeof(struct block) == ALIGN, "what is behind it is aligned");

static _Alignas(ALIGN) unsigned char arena[ARENA_BYTES];
static size_t used;
static struct block *unused[CLASSES];

static void *take(size_t size)
{
	size_t class = (size + ALIGN - 1) / ALIGN, whole = sizeof(struct block) + class * ALIGN;
	struct block *b;

	if (size == 0 || class >= CLASSES)
		return malloc(size);
	b = unused[class];
	if (b) {
		unused[class] = b->next;
		return b + 1;
	}
	if (whole > ARENA_BYTES - used)
		return malloc(size);
	b = (struct block *)(void *)(arena + used);
	b->class = class;
	used += whole;
	return b + 1;
}

static void give(void *p)
{
	struct block *b = p;

	if ((uintptr_t)p - (uintptr_t)arena >= ARENA_BYTES) {
		free(p);
		return;
	}
	b--;
	b->next = unused[b->class];
	unused[b->class] = b;
}

void json_arena_begin(void)
{
	size_t seed = 0;

	json_set_alloc_funcs(take, give);
	if (getrandom(&seed, sizeof(seed), 0) == (ssize_t)sizeof(seed) && seed)
		json_object_seed(seed); /* else jansson opens and reads /dev/urandom for as much */
}

#else

void json_arena_begin(void)
{
}

#endif

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
	if (len > 16)
		memcpy(t->buf + t->len, piece, len);
	for (size_t i = 0; len <= 16 && i < len; i++) /* most are a few bytes, for which a call takes longer than this */
		t->buf[t->len + i] = piece[i];
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
