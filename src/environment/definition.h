/* SPDX-License-Identifier: MIT */
/*
 * Definitions of environments: environments/NAME.ini, which say what `sandrun environment build NAME` makes. The user's own
 * ($XDG_CONFIG_HOME/sandrun/environments) come before those that were installed. environments/README.md has the keys.
 */
#ifndef SR_ENVIRONMENT_DEFINITION_H
#define SR_ENVIRONMENT_DEFINITION_H

#include "base/error.h"
#include "base/str.h"

#define SR_DEFINITION_DEPTH 16 /* environments on each other */

/* What a [check] runs: a program of a language. */
struct sr_check {
	const char *language;
	char *code; /* lines; NULL: none */
};

#define SR_CHECKS 6
#define SR_ESSENTIAL "?essential" /* the packages without which dpkg runs nothing, whatever a release calls them */

struct sr_definition {
	char *name, *path;
	char digest[72]; /* "sha256:<hex>" of the file's bytes */
	char *description, *base, *profile;
	unsigned int base_line;
	struct sr_strv debian;
	struct sr_strv drop_packages, drop_paths, missing_libraries;
	struct sr_strv language_names, language_paths;
	struct sr_check checks[SR_CHECKS];
	char *finish; /* a shell's program that runs inside once the packages are configured; NULL: none */
	struct sr_strv predict_keys, predict_words; /* a pair each; the words of a key stand together */
	struct sr_strv variable_names, variable_values;
};

/* The bases first, the environment itself last. Starts zeroed. */
struct sr_definitions {
	struct sr_definition *items;
	size_t count;
};

/* Reads NAME.ini. 0 or negative with the error set: no such definition, file and line of what is wrong. */
int definition_load(const char *name, struct sr_definition *ret, struct sr_error *err);
void definition_done(struct sr_definition *d);

/*
 * Reads NAME and what it stands on, whose interpreters, variables, predictions and profile it inherits. A base that is missing
 * or that leads back is an error with file and line.
 */
int definitions_load(const char *name, struct sr_definitions *ret, struct sr_error *err);
void definitions_done(struct sr_definitions *d);

/* Adds the names of all definitions that are found, sorted; one that is both the user's and shipped comes twice. */
int definition_names(struct sr_strv *ret);

#endif
