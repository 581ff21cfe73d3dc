/* SPDX-License-Identifier: MIT */
/*
 * Ed25519 public keys (RFC 8032) in the forms that others read: SubjectPublicKeyInfo (RFC 8410) as DER and PEM, the
 * one-line form of OpenSSH, and the key id of certificate.md. Signatures are checked here and nowhere else.
 *
 * No key of small order, off the main subgroup or in a non-canonical encoding gets in: with such a key one signature fits
 * any message, and stock verifiers do not notice. Every public function may be called before sodium_start().
 */
#ifndef SR_EVIDENCE_PUBLIC_KEY_H
#define SR_EVIDENCE_PUBLIC_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "evidence/digest.h"

#define SR_KEY_BYTES 32
#define SR_SIGNATURE_BYTES 64
#define SR_SPKI_BYTES 44
#define SR_SPKI_B64 61  /* with the NUL */
#define SR_PEM_BYTES 128

struct sr_public_key {
	uint8_t bytes[SR_KEY_BYTES];
};

/* libsodium's start, once a process; 0 or -ENOSYS. Signing, salts and locked memory need it. */
int sodium_start(void);

/* 0, or -EKEYREJECTED for a key that must not be used (see above). */
int public_key_check(const struct sr_public_key *key);
/* Pure Ed25519 over msg. True only for a good signature under an acceptable key. */
bool public_key_verify(const struct sr_public_key *key, const void *msg, size_t len, const uint8_t sig[static SR_SIGNATURE_BYTES]);

/* The same for a key that one of the readers below gave, or public_key_check(): the check costs more than the signature's. */
bool public_key_signed(const struct sr_public_key *key, const void *msg, size_t len, const uint8_t sig[static SR_SIGNATURE_BYTES]);

void public_key_spki(const struct sr_public_key *key, uint8_t out[static SR_SPKI_BYTES]);
void public_key_spki_b64(const struct sr_public_key *key, char out[static SR_SPKI_B64]);
/* Lowercase hex SHA-256 of the DER form: a hint, never a decision. */
void public_key_id(const struct sr_public_key *key, char out[static SR_DIGEST_HEX]);
/* "-----BEGIN PUBLIC KEY-----" ...; terminated, ends in a newline. */
void public_key_pem(const struct sr_public_key *key, char out[static SR_PEM_BYTES]);
/* "ssh-ed25519 AAAA...": no comment, no newline. */
void public_key_ssh(const struct sr_public_key *key, char out[static SR_PEM_BYTES]);

/* All check the key. 0, -EBADMSG for a text of another form, -EKEYREJECTED. */
int public_key_from_spki(const uint8_t *der, size_t len, struct sr_public_key *ret);
int public_key_from_spki_b64(const char *text, size_t len, struct sr_public_key *ret);
/* A file's text: PEM, or a line of OpenSSH's form (a comment may follow). One key. */
int public_key_from_text(const char *text, size_t len, struct sr_public_key *ret);

#endif
