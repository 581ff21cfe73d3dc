/* SPDX-License-Identifier: MIT */
/*
 * The tree of RFC 6962 against the vectors of the Certificate Transparency project (eight leaves, roots and audit paths), and
 * against the recursive definition of the RFC, written down here, for every tree of up to 70 leaves.
 */
#include "evidence/merkle.h"

#include <errno.h>

#include "../tap.h"
#include "base/macros.h"
#include "base/str.h"

#define TREES 70

static const struct {
	const char *data;
	size_t len;
} leaves[] = {
	{ "", 0 }, { "\0", 1 }, { "\x10", 1 }, { "\x20\x21", 2 }, { "\x30\x31", 2 }, { "\x40\x41\x42\x43", 4 },
	{ "\x50\x51\x52\x53\x54\x55\x56\x57", 8 }, { "\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f", 16 },
};

static const char *const roots[] = {
	"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
	"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
	"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
	"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
	"4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
	"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
	"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
	"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
};

static bool is_hex(const uint8_t *hash, const char *want)
{
	char hex[SR_DIGEST_HEX];

	str_hex(hash, SR_DIGEST_BYTES, hex);
	return strcmp(hex, want) == 0;
}

static void test_roots(void)
{
	struct sr_merkle m;
	uint8_t root[SR_DIGEST_BYTES];
	char hex[SR_DIGEST_HEX], name[64];

	merkle_init(&m);
	for (size_t n = 0; n < SR_ELEMENTSOF(roots); n++) {
		merkle_root(&m, root);
		str_hex(root, sizeof(root), hex);
		(void)snprintf(name, sizeof(name), "the known root of %zu leaves", n);
		IS_STR(hex, roots[n], name);
		if (n < SR_ELEMENTSOF(leaves))
			merkle_add(&m, leaves[n].data, leaves[n].len);
	}
}

static int prove(uint64_t index, uint64_t size, struct sr_merkle_prover *p, uint8_t root[static SR_DIGEST_BYTES])
{
	uint8_t leaf[SR_DIGEST_BYTES];
	int r = merkle_prove_start(p, index, size);

	for (size_t i = 0; !r && i < size; i++) {
		merkle_leaf(leaves[i].data, leaves[i].len, leaf);
		merkle_prove_add(p, leaf);
	}
	return r ? r : merkle_prove_finish(p, root);
}

static void test_paths(void)
{
	static const struct {
		uint64_t index, size;
		const char *path[4];
	} rows[] = {
		{ 0, 1, { NULL } },
		{ 0, 8,
		  { "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
		    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
		    "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4" } },
		{ 5, 8,
		  { "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
		    "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
		    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7" } },
		{ 2, 3, { "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125" } },
		{ 1, 5,
		  { "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
		    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
		    "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b" } },
	};
	uint8_t root[SR_DIGEST_BYTES];
	struct sr_merkle_prover p;
	char name[64];

	for (size_t i = 0; i < SR_ELEMENTSOF(rows); i++) {
		size_t n = 0;
		bool same = prove(rows[i].index, rows[i].size, &p, root) == 0;

		while (rows[i].path[n] && same && n < p.proof.count) {
			same = is_hex(p.proof.path[n], rows[i].path[n]);
			n++;
		}
		(void)snprintf(name, sizeof(name), "the known path of leaf %d of %d", (int)rows[i].index, (int)rows[i].size);
		OK(same && n == p.proof.count && !rows[i].path[n], name);
		OK(is_hex(root, roots[rows[i].size]) && merkle_verify(&p.proof, p.leaf, root) == 0, "and it leads to the root");
	}
}

static void node(const uint8_t *left, const uint8_t *right, uint8_t *out)
{
	struct sr_digest d;

	digest_init(&d);
	digest_update(&d, "\1", 1);
	digest_update(&d, left, SR_DIGEST_BYTES);
	digest_update(&d, right, SR_DIGEST_BYTES);
	digest_final(&d, out);
}

/* MTH of the RFC, over the leaves that are the one byte of their place. */
static void mth(size_t from, size_t to, uint8_t *out)
{
	uint8_t left[SR_DIGEST_BYTES], right[SR_DIGEST_BYTES], byte = (uint8_t)from;
	size_t k = 1;

	if (to - from == 1) {
		merkle_leaf(&byte, 1, out);
		return;
	}
	while (k * 2 < to - from)
		k *= 2;
	mth(from, from + k, left);
	mth(from + k, to, right);
	node(left, right, out);
}

/* PATH of the RFC. */
static size_t path_of(size_t m, size_t from, size_t to, uint8_t path[][SR_DIGEST_BYTES])
{
	size_t k = 1, n;

	if (to - from == 1)
		return 0;
	while (k * 2 < to - from)
		k *= 2;
	if (m < from + k) {
		n = path_of(m, from, from + k, path);
		mth(from + k, to, path[n]);
	} else {
		n = path_of(m, from + k, to, path);
		mth(from, from + k, path[n]);
	}
	return n + 1;
}

static bool one_place(size_t m, size_t n, const uint8_t *want_root)
{
	uint8_t want[SR_MERKLE_LEVELS][SR_DIGEST_BYTES], leaf[SR_DIGEST_BYTES], root[SR_DIGEST_BYTES];
	struct sr_merkle_prover p;
	size_t count = path_of(m, 0, n, want);

	if (merkle_prove_start(&p, m, n) < 0)
		return false;
	for (size_t i = 0; i < n; i++) {
		uint8_t byte = (uint8_t)i;

		merkle_leaf(&byte, 1, leaf);
		merkle_prove_add(&p, leaf);
	}
	return merkle_prove_finish(&p, root) == 0 && memcmp(root, want_root, sizeof(root)) == 0 && p.proof.count == count &&
	       memcmp(p.proof.path, want, count * SR_DIGEST_BYTES) == 0 && merkle_verify(&p.proof, p.leaf, root) == 0;
}

static void test_definition(void)
{
	struct sr_merkle m;
	uint8_t want[SR_DIGEST_BYTES], root[SR_DIGEST_BYTES];
	bool good_roots = true, good_paths = true;

	merkle_init(&m);
	for (size_t n = 1; n <= TREES; n++) {
		uint8_t byte = (uint8_t)(n - 1);

		merkle_add(&m, &byte, 1);
		merkle_root(&m, root);
		mth(0, n, want);
		good_roots = good_roots && memcmp(root, want, sizeof(root)) == 0;
		for (size_t i = 0; i < n; i++)
			good_paths = good_paths && one_place(i, n, want);
	}
	OK(good_roots, "roots are those of the definition, of 1 to 70 leaves");
	OK(good_paths, "so is the path of every leaf, and each is verified");
}

static void test_false_proofs(void)
{
	uint8_t root[SR_DIGEST_BYTES], other[SR_DIGEST_BYTES];
	struct sr_merkle_prover p;
	struct sr_merkle_proof q;
	bool refused = true;

	OK(prove(5, 8, &p, root) == 0 && merkle_verify(&p.proof, p.leaf, root) == 0, "a right proof, to change");
	for (size_t bit = 0; bit < p.proof.count * SR_DIGEST_BYTES * 8; bit++) {
		q = p.proof;
		q.path[bit / 256][bit / 8 % SR_DIGEST_BYTES] ^= (uint8_t)(1U << bit % 8);
		refused = refused && merkle_verify(&q, p.leaf, root) == -EBADMSG;
	}
	OK(refused, "each changed bit of the path is refused");
	for (uint64_t i = 0; i < 20; i++) {
		q = p.proof;
		q.index = i;
		if (i != 5)
			refused = refused && merkle_verify(&q, p.leaf, root) == -EBADMSG;
	}
	OK(refused, "so is each other place");
	q = p.proof;
	q.count--;
	OK(merkle_verify(&q, p.leaf, root) == -EBADMSG, "a path too short");
	q.count += 2;
	OK(merkle_verify(&q, p.leaf, root) == -EBADMSG, "a path too long");
	q.count = SR_MERKLE_LEVELS + 1;
	OK(merkle_verify(&q, p.leaf, root) == -EBADMSG, "a path longer than any");
	q = p.proof;
	q.size = 0;
	OK(merkle_verify(&q, p.leaf, root) == -EBADMSG, "a tree of nothing");
	q.size = UINT64_MAX;
	q.index = UINT64_MAX - 1;
	OK(merkle_verify(&q, p.leaf, root) == -EBADMSG, "a tree of all");
	merkle_leaf("x", 1, other);
	OK(merkle_verify(&p.proof, other, root) == -EBADMSG, "another leaf");
	OK(merkle_verify(&p.proof, p.leaf, other) == -EBADMSG, "another root");
	/* without the two prefixes, a node could be given out as a leaf */
	node(p.proof.path[0], p.leaf, other);
	q = p.proof;
	q.index = 2;
	q.size = 4;
	q.count = 2;
	memmove(q.path, q.path + 1, sizeof(q.path[0]) * 2);
	merkle_leaf(other, sizeof(other), other);
	OK(merkle_verify(&q, other, root) == -EBADMSG, "a node as a leaf");
}

static void test_prover_bounds(void)
{
	uint8_t root[SR_DIGEST_BYTES], leaf[SR_DIGEST_BYTES] = { 0 };
	struct sr_merkle_prover p;

	IS_INT(merkle_prove_start(&p, 0, 0), -ERANGE, "no leaf, no proof");
	IS_INT(merkle_prove_start(&p, 8, 8), -ERANGE, "none behind the last");
	IS_INT(merkle_prove_start(&p, 0, UINT64_MAX), 0, "the largest tree has a path");
	IS_INT(p.proof.count, 64, "of 64 entries");
	IS_INT(merkle_prove_finish(&p, root), -EBADMSG, "too few leaves are seen");
	IS_INT(merkle_prove_start(&p, 0, 2), 0, "two leaves");
	for (int i = 0; i < 3; i++)
		merkle_prove_add(&p, leaf);
	IS_INT(merkle_prove_finish(&p, root), -EBADMSG, "too many leaves are seen");
}

/* Lines in pieces of every size. */
static void test_text(void)
{
	static const char text[] = "one\n\ntwo and more of it\nthree\n";
	static const char *const lines[] = { "one", "", "two and more of it", "three" };
	struct sr_merkle m;
	struct sr_merkle_text t;
	uint8_t want[SR_DIGEST_BYTES], root[SR_DIGEST_BYTES], sha256[SR_DIGEST_BYTES];
	char hex[SR_DIGEST_HEX];
	bool good = true;
	int r = 0;

	merkle_init(&m);
	for (size_t i = 0; i < SR_ELEMENTSOF(lines); i++)
		merkle_add(&m, lines[i], strlen(lines[i]));
	merkle_root(&m, want);
	digest_hex(text, sizeof(text) - 1, hex);
	for (size_t step = 1; step < sizeof(text); step++) {
		merkle_text_init(&t);
		for (size_t at = 0; at < sizeof(text) - 1; at += step)
			merkle_text_feed(&t, text + at, step < sizeof(text) - 1 - at ? step : sizeof(text) - 1 - at);
		r = merkle_text_finish(&t, root, sha256);
		good = good && r == 0 && t.tree.size == 4 && memcmp(root, want, sizeof(root)) == 0 && is_hex(sha256, hex);
	}
	OK(good, "a text's lines are its leaves, in whatever pieces it comes");
	merkle_text_init(&t);
	OK(merkle_text_finish(&t, root, sha256) == 0 && t.tree.size == 0 && is_hex(root, roots[0]), "an empty text");
	merkle_text_init(&t);
	merkle_text_feed(&t, "one\ntw", 6);
	OK(merkle_text_finish(&t, root, sha256) == -EBADMSG && t.tree.size == 1, "a last line without its newline is said");
	merkle_text_init(&t);
	merkle_text_feed(&t, "\n", 1);
	OK(merkle_text_finish(&t, root, sha256) == 0 && is_hex(root, roots[1]), "an empty line is an empty leaf");
}

int main(void)
{
	test_roots();
	test_paths();
	test_definition();
	test_false_proofs();
	test_prover_bounds();
	test_text();
	return tap_done();
}
