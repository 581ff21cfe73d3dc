/* SPDX-License-Identifier: MIT */
/*
 * The items of an execution statement by role and name, and what stands for their bytes there: a digest or a commitment.
 */
#ifndef SR_EVIDENCE_COMMITTED_H
#define SR_EVIDENCE_COMMITTED_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "evidence/digest.h"

struct sr_committed {
	char *role, *name; /* "input", "argv", "env", "script", "stdin", "output", or a stream's; owned */
	bool is_private;   /* hex is a commitment */
	char hex[SR_DIGEST_HEX];
};

struct sr_committed_list {
	struct sr_committed *items;
	size_t count;
};

/* Everything of a statement (not of its predicate alone) that has a digest. 0, -EBADMSG for another form, -ENOMEM. */
int committed_list(const json_t *statement, struct sr_committed_list *ret);
/* The item that a user calls "role:name", or "role" where the two are the same. Or NULL. */
const struct sr_committed *committed_find(const struct sr_committed_list *l, const char *word);
/* How a user calls it. The caller frees it. */
char *committed_word(const struct sr_committed *item);
void committed_done(struct sr_committed_list *l);

#endif
