/* SPDX-License-Identifier: MIT */
/*
 * Proofs that a line is in a trace's log, as JSON: whoever has the certificate's root can check one without the log.
 *
 *	{"format":"sandrun-trace-proof","index":12,"leaf":"the line","path":["hex", ...],"rootHash":"hex","tree":"rfc6962-sha256",
 *	 "treeSize":114,"version":1}
 *
 * The path begins beside the leaf (RFC 9162, 2.1.3). Proofs come from anybody: nothing in one is believed.
 */
#ifndef SR_EVIDENCE_INCLUSION_H
#define SR_EVIDENCE_INCLUSION_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "evidence/merkle.h"

#define SR_INCLUSION_FORMAT "sandrun-trace-proof"
#define SR_INCLUSION_BYTES_MAX (2U << 20) /* of a proof's text */

struct sr_inclusion {
	struct sr_merkle_proof proof;
	char *leaf; /* the line; owned */
	size_t leaf_len;
	uint8_t root[SR_DIGEST_BYTES]; /* what the proof says that it leads to */
};

/*
 * Reads the log twice: for its size, then for the proof of line `index`, from 0. 0, -ERANGE (no such line; *ret_lines),
 * -EBADMSG (the last line has no newline, or the log changed meanwhile), -E2BIG (the line is too long), -errno.
 */
int inclusion_make(int log_fd, uint64_t index, struct sr_inclusion *ret, uint64_t *ret_lines);
/* Fresh; NULL: out of memory, or the line is no UTF-8. */
json_t *inclusion_json(const struct sr_inclusion *p);
/* 0, -EBADMSG, -ENOMEM. */
int inclusion_read(const char *text, size_t len, struct sr_inclusion *ret);
/* 0, or -EBADMSG where the line is not proven to be in the tree of that root. */
int inclusion_check(const struct sr_inclusion *p, const uint8_t root[static SR_DIGEST_BYTES]);
void inclusion_done(struct sr_inclusion *p);

/* 64 hex digits, of either case. 0 or -EBADMSG. */
int inclusion_hex(const char *text, uint8_t out[static SR_DIGEST_BYTES]);

#endif
