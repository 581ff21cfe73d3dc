/* SPDX-License-Identifier: MIT */
/*
 * Patterns for files below a folder, matched while the folder is walked. Our own matcher: fnmatch(3) knows no `**`, and
 * glob(3) follows links.
 *
 * A pattern is a relative path. In a component `*` stands for any characters, `?` for one (a UTF-8 sequence, or a single
 * byte where that is none), `[a-z]`, `[!a-z]` and `[^a-z]` for one of a set, and a backslash takes the next character's
 * meaning away. A component that is exactly `**` stands for any number of folders, none included. A name that starts
 * with a dot is matched only by a component that starts with a dot. A pattern that matches a folder takes everything
 * beneath it but names with a dot.
 *
 * The walk carries one state a pattern: glob_start() at the top, glob_step() for each name on the way down.
 */
#ifndef SR_RUN_GLOB_H
#define SR_RUN_GLOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SR_GLOB_MAX_COMPONENTS 62

struct sr_glob {
	char *text;                                     /* components, each NUL-terminated */
	const char *components[SR_GLOB_MAX_COMPONENTS]; /* into text */
	unsigned count;
};

/* Bit i: the first i components are used up. Bit `count`: the pattern has matched, here or above. 0: nothing can match. */
typedef uint64_t sr_glob_state;

/*
 * -EINVAL: empty; -EXDEV: absolute, or with ".."; -E2BIG: too many components; -ENOMEM. "." and double slashes vanish.
 */
int glob_parse(const char *pattern, struct sr_glob *ret);
void glob_done(struct sr_glob *g);

sr_glob_state glob_start(const struct sr_glob *g);
sr_glob_state glob_step(const struct sr_glob *g, sr_glob_state state, const char *name);

/* The name that led to this state is matched, or lies beneath a folder that is. */
static inline bool glob_is_match(const struct sr_glob *g, sr_glob_state state)
{
	return (state >> g->count) & 1;
}

/* The pattern as text names this very entry: no wildcard took part in reaching the state. */
bool glob_is_literal(const struct sr_glob *g);

/* One component against one name, without the rule for dots. */
bool glob_match_name(const char *pattern, const char *name);

#endif
