/* SPDX-License-Identifier: MIT */
/*
 * Commitments to private bytes, sandrunHmacSha256V1: what is published says nothing about them, not even to somebody who
 * can try every value they could have, and can still be shown to belong to them later (findings; certificate.md).
 *
 *	item salt  = HMAC-SHA256(run salt, "sandrun-commit-v1" 00 role 00 name)
 *	commitment = HMAC-SHA256(item salt, the exact bytes)
 *
 * The run salt is a secret: it is made after the sandbox's first process was cloned, and in memory that no later child
 * inherits, that is never dumped and that is wiped when freed. Nothing here allocates but salt_*().
 */
#ifndef SR_EVIDENCE_COMMITMENT_H
#define SR_EVIDENCE_COMMITMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sodium/crypto_auth_hmacsha256.h>

#include "evidence/digest.h"

#define SR_SALT_BYTES 32
#define SR_SALT_HEX (2 * SR_SALT_BYTES + 1)
#define SR_COMMITMENT_NAME "sandrunHmacSha256V1"
#define SR_COMMITMENT_NAME_MAX (4 * 4096 + 1) /* a path, every byte of it escaped */

/* The salt of a run. All zero: there is none. */
struct sr_salt {
	uint8_t *bytes; /* SR_SALT_BYTES between guard pages */
	bool is_locked; /* mlock(2) held: it cannot go to swap */
};

/* 32 random bytes. 0, -ENOSYS (libsodium does not start), -ENOMEM. */
int salt_new(struct sr_salt *ret);
/*
 * An owner's: what fd holds is 32 raw bytes, or 64 hex digits and at most one newline. 0, -EBADMSG for anything else,
 * -EDOM for a salt that is no secret (every byte the same), -ENOSYS, -ENOMEM, or what read(2) says.
 */
int salt_read(int fd, struct sr_salt *ret);
/* Wipes it. For a struct without one, too. */
void salt_free(struct sr_salt *s);
/*
 * A name as it stands in a certificate and in an opening file, where all is UTF-8: itself; with every backslash doubled
 * where it has one; and for a name that is no UTF-8, its bytes that are none as \xNN besides. No two names become one.
 */
const char *commitment_name(const char *name, char out[static SR_COMMITMENT_NAME_MAX]);
/* The salt of one item, named as commitment_name() has it: whoever has it and not the run's can open that item alone. The caller wipes `out`. */
void salt_item(const struct sr_salt *s, const char *role, const char *name, uint8_t out[static SR_SALT_BYTES]);

struct sr_commitment {
	crypto_auth_hmacsha256_state state;
};

void commitment_init(struct sr_commitment *c, const uint8_t item_salt[static SR_SALT_BYTES]);
void commitment_update(struct sr_commitment *c, const void *data, size_t len);
/* Lowercase hex with a NUL. Wipes the context. */
void commitment_final_hex(struct sr_commitment *c, char out[static SR_DIGEST_HEX]);
/* All of it for one buffer. */
void commitment_item(const struct sr_salt *s, const char *role, const char *name, const void *data, size_t len,
		     char out[static SR_DIGEST_HEX]);
/* For words (argv, environment): a NUL after each. */
void commitment_words(const struct sr_salt *s, const char *role, const char *name, char *const *words, size_t count,
		      char out[static SR_DIGEST_HEX]);

/* Overwrites, in a way that no compiler takes out. */
void secret_wipe(void *data, size_t len);
/*
 * Memory for what is private: between guard pages, in no core dump, zeros in every child, wiped by secret_free(). NULL when
 * memory is out. *ret_locked: it cannot go to swap (RLIMIT_MEMLOCK allowed it).
 */
void *secret_alloc(size_t size, bool *ret_locked);
void secret_free(void *data);
/*
 * From here on nobody reads this process's memory: no core dump of any kind, no ptrace(2), no /proc/PID/mem, but by root.
 * Not before the sandbox's first process is cloned: it would be undumpable as well, and its id maps could not be written.
 */
void secret_process(void);

#endif
