/* SPDX-License-Identifier: MIT */
/*
 * The tree of RFC 6962 (section 2.1; the same in RFC 9162) with SHA-256: leaf 00 || data, node 01 || left || right, the empty
 * tree's root is the digest of nothing. Everything streams: memory does not grow with the tree, and nothing recurses.
 * A trace's leaves are the lines of its log without their newlines.
 */
#ifndef SR_EVIDENCE_MERKLE_H
#define SR_EVIDENCE_MERKLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "evidence/digest.h"

#define SR_MERKLE_LEVELS 64 /* of a tree of up to 2^64 - 1 leaves */

/* A growing tree: the roots of its full subtrees, one for each bit of the size. May be copied by assignment. */
struct sr_merkle {
	uint64_t size;
	uint8_t peak[SR_MERKLE_LEVELS][SR_DIGEST_BYTES];
};

void merkle_init(struct sr_merkle *m);
void merkle_add(struct sr_merkle *m, const void *data, size_t len);
/* The same for a leaf that is hashed already. */
void merkle_add_leaf(struct sr_merkle *m, const uint8_t leaf[static SR_DIGEST_BYTES]);
/* Root of what was added so far; the tree may grow on. */
void merkle_root(const struct sr_merkle *m, uint8_t out[static SR_DIGEST_BYTES]);
void merkle_leaf(const void *data, size_t len, uint8_t out[static SR_DIGEST_BYTES]);

/* An inclusion proof ("audit path"): the sibling of the leaf first, the root's child last. */
struct sr_merkle_proof {
	uint64_t index, size; /* the leaf's place, from 0, in a tree of that many */
	size_t count;
	uint8_t path[SR_MERKLE_LEVELS][SR_DIGEST_BYTES];
};

/* 0, or -EBADMSG where that leaf in that place does not lead to that root. Any content of the proof is taken. */
int merkle_verify(const struct sr_merkle_proof *p, const uint8_t leaf[static SR_DIGEST_BYTES],
		  const uint8_t root[static SR_DIGEST_BYTES]);

/* Makes one in a single pass over the leaves, whose number must be known before. */
struct sr_merkle_prover {
	struct sr_merkle_proof proof;
	uint64_t end[SR_MERKLE_LEVELS];     /* where the subtree of each path entry ends */
	size_t order[SR_MERKLE_LEVELS + 1]; /* the path's entries from the left; SR_MERKLE_LEVELS is the leaf itself */
	size_t next;
	uint64_t seen;
	struct sr_merkle subtree, whole;
	uint8_t leaf[SR_DIGEST_BYTES];      /* the one that is proven, once it was seen */
};

/* 0, or -ERANGE: no such leaf. */
int merkle_prove_start(struct sr_merkle_prover *p, uint64_t index, uint64_t size);
void merkle_prove_add(struct sr_merkle_prover *p, const uint8_t leaf[static SR_DIGEST_BYTES]);
/* The proof is in p->proof. 0, or -EBADMSG: fewer or more leaves came. root: of the whole tree. */
int merkle_prove_finish(struct sr_merkle_prover *p, uint8_t root[static SR_DIGEST_BYTES]);

/*
 * A text whose lines are the leaves, fed in pieces of any size: its root, the number of its lines and the digest of its bytes.
 * A line's newline is not part of the leaf; an empty line is an empty leaf.
 */
struct sr_merkle_text {
	struct sr_merkle tree;
	struct sr_digest bytes, line;
	bool in_line; /* the last line has no newline yet */
	void (*each)(void *arg, const uint8_t leaf[static SR_DIGEST_BYTES]); /* may be set after init: called for each line */
	void *arg;
};

void merkle_text_init(struct sr_merkle_text *t);
void merkle_text_feed(struct sr_merkle_text *t, const void *data, size_t len);
/* -EBADMSG where the text does not end in a newline (the digest is then with that rest, the tree without), else 0. */
int merkle_text_finish(struct sr_merkle_text *t, uint8_t root[static SR_DIGEST_BYTES], uint8_t sha256[static SR_DIGEST_BYTES]);

#endif
