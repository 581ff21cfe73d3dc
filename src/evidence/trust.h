/* SPDX-License-Identifier: MIT */
/*
 * The identities whose word the user takes: public keys, each with the name of its file. Nothing that a certificate carries
 * gets in here.
 */
#ifndef SR_EVIDENCE_TRUST_H
#define SR_EVIDENCE_TRUST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "evidence/public-key.h"

#define SR_TRUST_MAX 256 /* keys: each may be tried on each line of a hostile file */

struct sr_trusted {
	struct sr_public_key key;
	char id[SR_DIGEST_HEX];
	char *name; /* the file's */
	bool own;   /* this user's own identity, which nobody named: any of their processes can sign with it (finding 21) */
};

struct sr_trust {
	struct sr_trusted *items;
	size_t count;
};

/* A public key as PEM or as a line of OpenSSH's form. */
int trust_add_file(struct sr_trust *t, const char *path, struct sr_error *err);
/* Every *.pem of a folder: files of the user or root that nobody else may write. A folder without any is an error. */
int trust_add_folder(struct sr_trust *t, const char *path, struct sr_error *err);
/*
 * What holds where nobody names a key: trusted/ in the data folder, then the own identity.pub.pem, marked `own`. Neither
 * need be there.
 */
int trust_add_default(struct sr_trust *t, struct sr_error *err);
void trust_done(struct sr_trust *t);

#endif
