/* SPDX-License-Identifier: MIT */
/*
 * What environments say of the scripts that want them: [predict] of the built ones (names/NAME.ini of the store) and of the
 * definitions that could be built. Only these few small files are read; no image is opened.
 */
#ifndef SR_IMAGE_PREDICT_H
#define SR_IMAGE_PREDICT_H

#include <stdint.h>

#include "base/error.h"
#include "image/imports.h"

#define SR_REQUIREMENTS_PREFIX "requirements-" /* made for one list of requirements: chosen by that list alone */
#define SR_PREDICTS_MAX 512 /* environments that are looked at, in the order of their names */

struct sr_predict {
	char *name, *base;
	char *digest;   /* built: "sha256:<hex>" of the stack; else NULL */
	uint64_t bytes; /* of its layers; 0: not known */
	bool speaks[SR_SCRIPT_LANGUAGES];           /* it has the language's interpreter, as far as is said */
	struct sr_strv have[SR_SCRIPT_LANGUAGES];   /* modules, packages, gems */
	char *problem;  /* why it does not count; NULL: it does */
};

struct sr_predicts {
	struct sr_predict *items; /* by name */
	size_t count;
};

/* Whether anything was ever built or imported: one call. */
bool predicts_exist(void);
/*
 * The built environments. What cannot be read, or what others may
 * write, is listed with its problem. 0 or -ENOMEM with the error set.
 */
int predicts_built(struct sr_predicts *ret, struct sr_error *err);
/* The definitions: the user's own before those that came with sandrun. */
int predicts_defined(struct sr_predicts *ret, struct sr_error *err);
/* The same out of one folder, for the tests and for both of the above. Appends to *ret what is not in it by name. */
int predicts_folder(const char *folder, struct sr_predicts *ret, struct sr_error *err);
/* Where the definitions lie that ship with sandrun. */
const char *predicts_shipped_folder(void);
void predicts_done(struct sr_predicts *p);

/* Gives each environment what those have that it stands on; `more` may be NULL: where else bases are found. */
int predicts_inherit(struct sr_predicts *p, const struct sr_predicts *more);
const struct sr_predict *predicts_find(const struct sr_predicts *p, const char *name);

#endif
