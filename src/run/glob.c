/* SPDX-License-Identifier: MIT */
#include "run/glob.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(SR_GLOB_MAX_COMPONENTS < 64, "a state has one bit for each component and one for the match");

int glob_parse(const char *pattern, struct sr_glob *ret)
{
	struct sr_glob g = { .text = NULL };
	size_t len = strlen(pattern);
	char *save = NULL;
	int r = 0;

	if (len == 0)
		return -EINVAL;
	if (pattern[0] == '/')
		return -EXDEV;
	g.text = malloc(len + 1);
	if (!g.text)
		return -ENOMEM;
	memcpy(g.text, pattern, len + 1);
	for (char *c = strtok_r(g.text, "/", &save); c; c = strtok_r(NULL, "/", &save)) {
		if (strcmp(c, ".") == 0)
			continue;
		if (strcmp(c, "..") == 0)
			r = -EXDEV;
		else if (g.count == SR_GLOB_MAX_COMPONENTS)
			r = -E2BIG;
		if (r < 0) {
			free(g.text);
			return r;
		}
		g.components[g.count++] = c;
	}
	*ret = g;
	return 0;
}

void glob_done(struct sr_glob *g)
{
	free(g->text);
	g->text = NULL;
	g->count = 0;
}

static bool is_deep(const char *component)
{
	return strcmp(component, "**") == 0;
}

bool glob_is_literal(const struct sr_glob *g)
{
	for (unsigned i = 0; i < g->count; i++) {
		if (strpbrk(g->components[i], "*?[\\"))
			return false;
	}
	return true;
}

/* One character: a whole UTF-8 sequence, or the byte (moved out of Unicode's range) where it is none. */
static uint32_t next_char(const char **s)
{
	const unsigned char *p = (const unsigned char *)*s;
	size_t n = p[0] >= 0xf0 && p[0] <= 0xf4 ? 4 : p[0] >= 0xe0 && p[0] < 0xf0 ? 3 : p[0] >= 0xc2 && p[0] < 0xe0 ? 2 : 1;
	uint32_t c = p[0];

	if (n > 1) {
		c &= 0x7fU >> n;
		for (size_t i = 1; i < n; i++) {
			if ((p[i] & 0xc0) != 0x80) {
				n = 0;
				break;
			}
			c = c << 6 | (p[i] & 0x3fU);
		}
	} else if (c >= 0x80) {
		n = 0;
	}
	if (n == 0) {
		*s += 1;
		return 0x110000U + p[0];
	}
	*s += n;
	return c;
}

/*
 * The set that starts behind a '[' at p. Returns what follows its ']' and whether c is in it; NULL when no ']' closes
 * it: then the bracket is an ordinary character, as in the shell.
 */
static const char *match_set(const char *p, uint32_t c, bool *ret_in)
{
	bool negated = *p == '!' || *p == '^', in = false, first = true;

	if (negated)
		p++;
	while (*p && (*p != ']' || first)) {
		uint32_t low, high;

		first = false;
		if (*p == '\\' && p[1])
			p++;
		low = high = next_char(&p);
		if (p[0] == '-' && p[1] && p[1] != ']') {
			p++;
			if (*p == '\\' && p[1])
				p++;
			high = next_char(&p);
		}
		if (c >= low && c <= high)
			in = true;
	}
	if (!*p)
		return NULL;
	*ret_in = in != negated;
	return p + 1;
}

/* One element of the pattern that is no '*' against one character. The pattern behind it, or NULL. */
static const char *match_one(const char *p, uint32_t c)
{
	const char *after;
	bool in;

	if (*p == '\0')
		return NULL;
	if (*p == '?')
		return p + 1;
	if (*p == '[') {
		after = match_set(p + 1, c, &in);
		if (after)
			return in ? after : NULL;
	}
	if (*p == '\\' && p[1])
		p++;
	return next_char(&p) == c ? p : NULL;
}

/* Going back to the last star alone is enough, so the cost is at most pattern times name: no pattern is a trap. */
bool glob_match_name(const char *pattern, const char *name)
{
	const char *star = NULL, *retry = NULL;

	while (*name) {
		const char *next_name = name, *after;
		uint32_t c;

		if (*pattern == '*') {
			star = ++pattern;
			retry = name;
			continue;
		}
		c = next_char(&next_name);
		after = match_one(pattern, c);
		if (after) {
			pattern = after;
			name = next_name;
			continue;
		}
		if (!star)
			return false;
		(void)next_char(&retry);
		name = retry;
		pattern = star;
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == '\0';
}

/* A `**` may stand for nothing: whoever is before it is behind it as well. */
static sr_glob_state skip_deep(const struct sr_glob *g, sr_glob_state state)
{
	for (unsigned i = 0; i < g->count; i++) {
		if ((state >> i & 1) && is_deep(g->components[i]))
			state |= (sr_glob_state)1 << (i + 1);
	}
	return state;
}

sr_glob_state glob_start(const struct sr_glob *g)
{
	return skip_deep(g, 1);
}

sr_glob_state glob_step(const struct sr_glob *g, sr_glob_state state, const char *name)
{
	bool dot = name[0] == '.';
	sr_glob_state next = 0;

	for (unsigned i = 0; i < g->count; i++) {
		const char *c = g->components[i];

		if (!(state >> i & 1))
			continue;
		if (is_deep(c)) {
			if (!dot)
				next |= (sr_glob_state)1 << i;
		} else if ((!dot || c[0] == '.') && glob_match_name(c, name)) {
			next |= (sr_glob_state)1 << (i + 1);
		}
	}
	if (glob_is_match(g, state) && !dot)
		next |= (sr_glob_state)1 << g->count; /* beneath a folder that matched */
	return skip_deep(g, next);
}
