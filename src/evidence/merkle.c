/* SPDX-License-Identifier: MIT */
#include "evidence/merkle.h"

#include <errno.h>
#include <string.h>

static const uint8_t leaf_prefix = 0x00, node_prefix = 0x01;

static void node(const uint8_t *left, const uint8_t *right, uint8_t out[static SR_DIGEST_BYTES])
{
	struct sr_digest d;

	digest_init(&d);
	digest_update(&d, &node_prefix, 1);
	digest_update(&d, left, SR_DIGEST_BYTES);
	digest_update(&d, right, SR_DIGEST_BYTES);
	digest_final(&d, out);
}

void merkle_leaf(const void *data, size_t len, uint8_t out[static SR_DIGEST_BYTES])
{
	struct sr_digest d;

	digest_init(&d);
	digest_update(&d, &leaf_prefix, 1);
	digest_update(&d, data, len);
	digest_final(&d, out);
}

void merkle_init(struct sr_merkle *m)
{
	m->size = 0;
}

void merkle_add_leaf(struct sr_merkle *m, const uint8_t leaf[static SR_DIGEST_BYTES])
{
	uint8_t hash[SR_DIGEST_BYTES];
	unsigned level = 0;

	memcpy(hash, leaf, sizeof(hash));
	/* like a carry: two full subtrees of one height are one of the next */
	for (; m->size >> level & 1; level++)
		node(m->peak[level], hash, hash);
	memcpy(m->peak[level], hash, sizeof(hash));
	m->size++;
}

void merkle_add(struct sr_merkle *m, const void *data, size_t len)
{
	uint8_t leaf[SR_DIGEST_BYTES];

	merkle_leaf(data, len, leaf);
	merkle_add_leaf(m, leaf);
}

void merkle_root(const struct sr_merkle *m, uint8_t out[static SR_DIGEST_BYTES])
{
	bool any = false;

	for (unsigned level = 0; level < SR_MERKLE_LEVELS; level++) {
		if (!(m->size >> level & 1))
			continue;
		if (any) /* the smaller ones stand on the right */
			node(m->peak[level], out, out);
		else
			memcpy(out, m->peak[level], SR_DIGEST_BYTES);
		any = true;
	}
	if (!any) {
		struct sr_digest nothing;

		digest_init(&nothing);
		digest_final(&nothing, out);
	}
}

/* RFC 9162, 2.1.3.2. */
int merkle_verify(const struct sr_merkle_proof *p, const uint8_t leaf[static SR_DIGEST_BYTES],
		  const uint8_t root[static SR_DIGEST_BYTES])
{
	uint8_t hash[SR_DIGEST_BYTES];
	uint64_t place = p->index, last = p->size - 1;

	if (p->index >= p->size || p->count > SR_MERKLE_LEVELS)
		return -EBADMSG;
	memcpy(hash, leaf, sizeof(hash));
	for (size_t i = 0; i < p->count; i++) {
		if (last == 0)
			return -EBADMSG; /* longer than the tree is high */
		if (place & 1 || place == last) {
			node(p->path[i], hash, hash);
			while (!(place & 1) && place != 0) { /* levels where this subtree is alone */
				place >>= 1;
				last >>= 1;
			}
		} else {
			node(hash, p->path[i], hash);
		}
		place >>= 1;
		last >>= 1;
	}
	return last == 0 && memcmp(hash, root, sizeof(hash)) == 0 ? 0 : -EBADMSG;
}

/* The largest power of two below n, which is at least 2. */
static uint64_t split_of(uint64_t n)
{
	return 1ULL << (63 - __builtin_clzll(n - 1));
}

int merkle_prove_start(struct sr_merkle_prover *p, uint64_t index, uint64_t size)
{
	uint64_t from = 0, to = size, ends[SR_MERKLE_LEVELS];
	bool left[SR_MERKLE_LEVELS];
	size_t n = 0, k = 0;

	if (index >= size)
		return -ERANGE;
	*p = (struct sr_merkle_prover){ .proof = { .index = index, .size = size } };
	for (; to - from > 1; n++) { /* from the root down: the half without the leaf is an entry of the path */
		uint64_t middle = from + split_of(to - from);

		left[n] = index >= middle;
		ends[n] = left[n] ? middle : to;
		if (left[n])
			from = middle;
		else
			to = middle;
	}
	p->proof.count = n;
	for (size_t i = 0; i < n; i++) /* the path goes up, so entry n-1-i; those on the left come first, the widest leading */
		if (left[i])
			p->order[k++] = n - 1 - i;
	p->order[k++] = SR_MERKLE_LEVELS; /* the leaf itself stands between */
	for (size_t i = n; i > 0; i--)
		if (!left[i - 1])
			p->order[k++] = n - i;
	for (size_t i = 0; i < n; i++)
		p->end[n - 1 - i] = ends[i];
	return 0;
}

void merkle_prove_add(struct sr_merkle_prover *p, const uint8_t leaf[static SR_DIGEST_BYTES])
{
	size_t entry;

	merkle_add_leaf(&p->whole, leaf);
	if (++p->seen > p->proof.size)
		return; /* merkle_prove_finish() says so */
	entry = p->order[p->next];
	if (entry == SR_MERKLE_LEVELS) {
		memcpy(p->leaf, leaf, sizeof(p->leaf));
		p->next++;
		return;
	}
	merkle_add_leaf(&p->subtree, leaf);
	if (p->seen == p->end[entry]) {
		merkle_root(&p->subtree, p->proof.path[entry]);
		merkle_init(&p->subtree);
		p->next++;
	}
}

int merkle_prove_finish(struct sr_merkle_prover *p, uint8_t root[static SR_DIGEST_BYTES])
{
	if (p->seen != p->proof.size)
		return -EBADMSG;
	merkle_root(&p->whole, root);
	return 0;
}

static void line_start(struct sr_merkle_text *t)
{
	digest_init(&t->line);
	digest_update(&t->line, &leaf_prefix, 1);
	t->in_line = false;
}

void merkle_text_init(struct sr_merkle_text *t)
{
	merkle_init(&t->tree);
	digest_init(&t->bytes);
	line_start(t);
	t->each = NULL;
	t->arg = NULL;
}

void merkle_text_feed(struct sr_merkle_text *t, const void *data, size_t len)
{
	const char *p = data, *end = p + len;
	uint8_t leaf[SR_DIGEST_BYTES];

	digest_update(&t->bytes, data, len);
	while (p < end) {
		const char *newline = memchr(p, '\n', (size_t)(end - p));

		digest_update(&t->line, p, (size_t)((newline ? newline : end) - p));
		t->in_line = true;
		if (!newline)
			return;
		digest_final(&t->line, leaf);
		merkle_add_leaf(&t->tree, leaf);
		if (t->each)
			t->each(t->arg, leaf);
		line_start(t);
		p = newline + 1;
	}
}

int merkle_text_finish(struct sr_merkle_text *t, uint8_t root[static SR_DIGEST_BYTES], uint8_t sha256[static SR_DIGEST_BYTES])
{
	merkle_root(&t->tree, root);
	digest_final(&t->bytes, sha256);
	return t->in_line ? -EBADMSG : 0;
}
