/* SPDX-License-Identifier: MIT */
/*
 * The identity key: the Ed25519 key that endorses every run's ephemeral one. A file `identity.key` in the XDG data folder,
 * made at first use, 0600, PKCS#8 PEM (RFC 8410), which openssl(1) reads; beside it `identity.pub.pem`.
 *
 * Any process of the same user can use it: certificates say so (finding 21). The secret lives in locked memory (secret_alloc()),
 * is loaded after the last clone of a run, and is zeroed by identity_done(). sodium_start() first.
 */
#ifndef SR_EVIDENCE_IDENTITY_H
#define SR_EVIDENCE_IDENTITY_H

#include "base/error.h"
#include "evidence/public-key.h"

#define SR_IDENTITY_KEY "identity.key"
#define SR_IDENTITY_PUBLIC "identity.pub.pem"
#define SR_IDENTITY_RETIRED "retired"

struct sr_identity {
	struct sr_public_key public_key;
	uint8_t *secret; /* 64 bytes, libsodium's form; NULL when not loaded */
	char id[SR_DIGEST_HEX];
};

/* Loads the key, or makes it where there is none (*ret_made, which may be NULL). E_KEY. */
int identity_load(struct sr_identity *ret, bool *ret_made, struct sr_error *err);
/* The same without making one: -ENOENT and no error where there is none. */
int identity_load_existing(struct sr_identity *ret, struct sr_error *err);
/*
 * A new key in the old one's place. The old secret is overwritten and removed; its public key stays as
 * retired/<key id>.pem, so that what it signed can still be checked. *old may be NULL.
 */
int identity_rotate(struct sr_identity *ret, char old_id[static SR_DIGEST_HEX], struct sr_error *err);
void identity_done(struct sr_identity *id);

/* A key for one run: made in locked memory, never written anywhere. 0 or -ENOMEM. */
int ephemeral_make(struct sr_identity *ret);
/* Zeroes and frees the secret; true when its memory was seen to hold zeroes afterwards. */
bool ephemeral_destroy(struct sr_identity *id);

#endif
