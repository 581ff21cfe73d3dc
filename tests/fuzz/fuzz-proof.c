/* SPDX-License-Identifier: MIT */
/* Proofs of trace lines: what is accepted is bounded, and written and read again it is the same proof of the same line. */
#include "evidence/inclusion.h"

#include <string.h>

#include "fuzz.h"

static void check(const struct sr_inclusion *p)
{
	struct sr_inclusion again = { .leaf = NULL };
	json_t *o = inclusion_json(p);
	char *text = json_dumps(o, JSON_COMPACT);

	FUZZ_HOLDS(p->proof.index < p->proof.size && p->proof.count <= SR_MERKLE_LEVELS && !memchr(p->leaf, '\n', p->leaf_len));
	FUZZ_HOLDS(text && inclusion_read(text, strlen(text), &again) == 0);
	FUZZ_HOLDS(again.leaf_len == p->leaf_len && memcmp(again.leaf, p->leaf, p->leaf_len) == 0);
	FUZZ_HOLDS(again.proof.index == p->proof.index && again.proof.size == p->proof.size && again.proof.count == p->proof.count &&
		   memcmp(again.proof.path, p->proof.path, sizeof(p->proof.path[0]) * p->proof.count) == 0);
	FUZZ_HOLDS(inclusion_check(p, p->root) == inclusion_check(&again, again.root));
	free(text);
	json_decref(o);
	inclusion_done(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sr_inclusion p = { .leaf = NULL };

	if (inclusion_read((const char *)data, size, &p) == 0)
		check(&p);
	FUZZ_HOLDS(size > 0 || !p.leaf);
	inclusion_done(&p);
	return 0;
}
