/* SPDX-License-Identifier: MIT */
/*
 * What bytes are recorded by: their SHA-256, or for private ones a commitment and never the digest. Whoever copies or
 * passes bytes on feeds one of these and does not ask which it is.
 */
#ifndef SR_EVIDENCE_MEASURE_H
#define SR_EVIDENCE_MEASURE_H

#include <stdbool.h>
#include <stdint.h>

#include "evidence/commitment.h"
#include "evidence/digest.h"

struct sr_measure {
	bool is_private;
	uint64_t bytes; /* fed so far */
	union {
		struct sr_digest digest;
		struct sr_commitment commitment;
	} as;
};

void measure_plain(struct sr_measure *m);
void measure_private(struct sr_measure *m, const struct sr_salt *s, const char *role, const char *name);
void measure_update(struct sr_measure *m, const void *data, size_t len);
/* Lowercase hex with a NUL. A private one is wiped. */
void measure_final_hex(struct sr_measure *m, char out[static SR_DIGEST_HEX]);
/* What the hex is called where it stands: "sha256" or "sandrunHmacSha256V1". */
const char *measure_name(bool is_private);

#endif
