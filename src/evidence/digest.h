/* SPDX-License-Identifier: MIT */
/*
 * SHA-256 (FIPS 180-4) by nettle, which uses the processor's SHA instructions where it has them (finding 24). One small
 * header so that nettle is used in this folder alone. No allocation; a context may be copied by assignment.
 */
#ifndef SR_EVIDENCE_DIGEST_H
#define SR_EVIDENCE_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#include <nettle/sha2.h>

#define SR_DIGEST_BYTES 32
#define SR_DIGEST_HEX (2 * SR_DIGEST_BYTES + 1)

struct sr_digest {
	struct sha256_ctx ctx;
	uint64_t bytes; /* bytes fed so far */
};

void digest_init(struct sr_digest *d);
void digest_update(struct sr_digest *d, const void *data, size_t len);
/* Final value; the context is then as after digest_init(). */
void digest_final(struct sr_digest *d, uint8_t out[static SR_DIGEST_BYTES]);
/* The same as lowercase hex with a NUL. */
void digest_final_hex(struct sr_digest *d, char out[static SR_DIGEST_HEX]);
/* Digest of one buffer, as hex. */
void digest_hex(const void *data, size_t len, char out[static SR_DIGEST_HEX]);

#endif
