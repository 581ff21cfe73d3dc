/* SPDX-License-Identifier: MIT */
/*
 * The packages of a layer: what apt would install, less what the definition drops and what only that needed.
 */
#ifndef SR_ENVIRONMENT_PACKAGES_H
#define SR_ENVIRONMENT_PACKAGES_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/str.h"

struct sr_package {
	char *name, *version, *arch, *sha256;
	char *depends, *pre_depends, *provides, *multi_arch;
	uint64_t size, installed; /* bytes: of the .deb, of its files */
	bool essential;
	bool dropped; /* by its name */
	bool kept;    /* reached from what the definition names */
	bool present; /* its .deb is in the cache */
};

struct sr_packages {
	struct sr_package *items; /* sorted by name */
	size_t count;
};

void packages_done(struct sr_packages *p);
/* The stanzas of `apt-cache show`: those without a digest are passed over, of a name the first counts. 0 or -ENOMEM. */
int packages_parse(const char *text, struct sr_packages *ret);
struct sr_package *packages_find(const struct sr_packages *p, const char *name, size_t len);
/* Marks what is kept: the named ones, and what they need, but for what is dropped. 0 or -ENOMEM. */
int packages_select(struct sr_packages *p, const struct sr_strv *named, const struct sr_strv *drop);
/* The name of its file as apt-get download calls it; NULL when memory is out. */
char *package_file(const struct sr_package *p);
/*
 * What dpkg's status would say of those dropped by name: for apt, which shall not want them again above. Their version is a
 * little older than the real one, so that a definition above that names one of them gets it, with all that it needs.
 */
void packages_print_dropped(const struct sr_packages *p, FILE *f);

/* One stanza of dpkg's or apt's. Fields point into the text and end at a line's end. */
struct stanza {
	const char *at;
	size_t len;
};
/* The next one from *at on; false at the end. */
bool stanza_next(const char **at, struct stanza *ret);
/* A field's value, its first line. False when it is not there. */
bool stanza_field(const struct stanza *s, const char *name, const char **ret, size_t *ret_len);

#endif
