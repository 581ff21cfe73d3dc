/* SPDX-License-Identifier: MIT */
/*
 * DSSE envelopes (secure-systems-lab/dsse, protocol.md and envelope.md, v1.0.2) around in-toto statements: one Ed25519
 * signature over the pre-authentication encoding of the payload.
 */
#ifndef SR_EVIDENCE_ENVELOPE_H
#define SR_EVIDENCE_ENVELOPE_H

#include <stddef.h>
#include <stdint.h>

#include "evidence/public-key.h"

#define SR_PAYLOAD_TYPE "application/vnd.in-toto+json"

/*
 * The bytes that are signed: "DSSEv1" SP length SP type SP length SP payload, lengths in bytes and decimal. The caller
 * frees *ret. 0 or -ENOMEM.
 */
int envelope_pae(const char *type, const void *payload, size_t len, uint8_t **ret, size_t *ret_len);

/* Signs: 64 bytes of signature under `secret` (libsodium's 64-byte form). 0 or -ENOMEM. */
int envelope_sign(const void *payload, size_t len, const uint8_t *secret, uint8_t sig[static SR_SIGNATURE_BYTES]);

/* The envelope as one line with its newline, keys in order. The caller frees *ret. 0 or -ENOMEM. */
int envelope_line(const void *payload, size_t len, const uint8_t sig[static SR_SIGNATURE_BYTES], const struct sr_public_key *key,
		  char **ret, size_t *ret_len);

/*
 * Base64 in the standard or the URL-safe alphabet, never mixed, padding right, trailing bits zero, no blanks. The caller
 * frees *ret (NUL-terminated; the NUL is not counted). 0, -EBADMSG, -ENOMEM.
 */
int base64_decode(const char *text, size_t len, char **ret, size_t *ret_len);
/* Standard alphabet with padding. The caller frees *ret. */
int base64_encode(const void *data, size_t len, char **ret, size_t *ret_len);

#endif
