/* SPDX-License-Identifier: MIT */
/*
 * Proofs that a line is in a log. A text that starts with 01 is a log, the second byte the line's number: its proof holds for
 * that line and for nothing else. Any other text is a proof of a stranger's.
 */
#include "evidence/inclusion.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"

/* What is read comes out the same when it is written and read again. */
static void again(const struct sr_inclusion *p)
{
	json_t *o = inclusion_json(p);
	char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;
	struct sr_inclusion q;

	FUZZ_HOLDS(text);
	FUZZ_HOLDS(inclusion_read(text, strlen(text), &q) == 0);
	FUZZ_HOLDS(p->leaf_len == q.leaf_len && memcmp(p->leaf, q.leaf, p->leaf_len) == 0);
	FUZZ_HOLDS(p->proof.index == q.proof.index && p->proof.size == q.proof.size && p->proof.count == q.proof.count);
	FUZZ_HOLDS(memcmp(p->proof.path, q.proof.path, p->proof.count * sizeof(p->proof.path[0])) == 0);
	FUZZ_HOLDS(memcmp(p->root, q.root, sizeof(p->root)) == 0);
	inclusion_done(&q);
	json_decref(o);
	free(text);
}

static void from_stranger(const char *text, size_t len)
{
	struct sr_inclusion p;
	uint8_t root[SR_DIGEST_BYTES];

	if (inclusion_read(text, len, &p) < 0)
		return;
	again(&p);
	memcpy(root, p.root, sizeof(root));
	if (inclusion_check(&p, root) == 0) {
		root[0] ^= 1;
		FUZZ_HOLDS(inclusion_check(&p, root) < 0);
	}
	inclusion_done(&p);
}

static void from_log(const uint8_t *log, size_t len, uint64_t index)
{
	uint8_t root[SR_DIGEST_BYTES], sha256[SR_DIGEST_BYTES];
	struct sr_merkle_text text;
	struct sr_inclusion p;
	uint64_t lines = 0;
	int fd = memfd_create("log", MFD_CLOEXEC), r;

	FUZZ_HOLDS(fd >= 0 && write(fd, log, len) == (ssize_t)len);
	merkle_text_init(&text);
	merkle_text_feed(&text, log, len);
	r = merkle_text_finish(&text, root, sha256);
	if (inclusion_make(fd, index, &p, &lines) == 0) {
		FUZZ_HOLDS(r == 0 && index < p.proof.size && inclusion_check(&p, root) == 0);
		if (p.leaf_len > 0) {
			p.leaf[0] = (char)(p.leaf[0] ^ 1);
			FUZZ_HOLDS(inclusion_check(&p, root) < 0);
		}
		inclusion_done(&p);
	}
	(void)close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size >= 2 && data[0] == 1)
		from_log(data + 2, size - 2, data[1]);
	else
		from_stranger((const char *)data, size);
	return 0;
}
