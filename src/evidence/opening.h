/* SPDX-License-Identifier: MIT */
/*
 * The opening file of a run, beside its certificate and never in it: the salts of the private items, one each, so that one
 * of them can be given away without the others. Whoever has a salt can try values: it is as private as the data.
 *
 *	{"items":[{"name":...,"role":...,"salt":64 hex}, ...],"runId":...,"v":1}
 */
#ifndef SR_EVIDENCE_OPENING_H
#define SR_EVIDENCE_OPENING_H

#include <stddef.h>
#include <stdint.h>

#include "evidence/commitment.h"

#define SR_OPENING_MAX ((size_t)16 << 20) /* bytes of a file that is read */
#define SR_RUN_ID_LEN 36

/* What an item is called, in a run that is being recorded. */
struct sr_opening_name {
	const char *role, *name;
};

/* The file's text; 0 or -ENOMEM. It goes into a file of mode 0600, and then to opening_text_free(), which wipes it. */
int opening_text(const char *run_id, const struct sr_salt *salt, const struct sr_opening_name *names, size_t count, char **ret);
void opening_text_free(char *text);
/* Where it lies: beside the certificate, RUNID.opening.json. The caller frees it; NULL without memory. */
char *opening_path(const char *certificate, const char *run_id);

struct sr_opening_item {
	char *role, *name;
	uint8_t salt[SR_SALT_BYTES];
};

struct sr_opening {
	char run_id[SR_RUN_ID_LEN + 1];
	struct sr_opening_item *items;
	size_t count;
};

/* Strict: exactly these keys, none twice, one item a name. *ret_why on -EBADMSG: fit behind "cannot read X: ". */
int opening_read(const char *text, size_t len, struct sr_opening *ret, const char **ret_why);
/* The item of that name, or NULL. */
const struct sr_opening_item *opening_find(const struct sr_opening *o, const char *role, const char *name);
/* Wipes the salts. */
void opening_done(struct sr_opening *o);

#endif
