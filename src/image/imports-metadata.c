/* SPDX-License-Identifier: MIT */
/*
 * PEP 723: "# /// script" ... "# ///", found as the PEP's regular expression finds it,
 *	(?m)^# /// (?P<type>[a-zA-Z0-9-]+)$\s(?P<content>(^#(| .*)$\s)+)^# ///$
 * and of the TOML in it the two keys that are the PEP's own. Tables ([tool.x]) come after them and are not read.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "image/imports-internal.h"

#define DEPENDENCIES_MAX 256

struct line {
	const char *at;
	size_t len; /* without the line's end */
	const char *next;
};

static struct line line_at(const char *at, const char *end)
{
	const char *stop = memchr(at, '\n', (size_t)(end - at));
	struct line l = { .at = at, .len = (size_t)((stop ? stop : end) - at), .next = stop ? stop + 1 : end };

	if (l.len && at[l.len - 1] == '\r')
		l.len--;
	return l;
}

static bool line_is(const struct line *l, const char *text)
{
	return l->len == strlen(text) && memcmp(l->at, text, l->len) == 0;
}

/* "#" alone, or "# " and anything. */
static bool is_content(const struct line *l)
{
	return l->len >= 1 && *l->at == '#' && (l->len == 1 || l->at[1] == ' ');
}

static bool is_start(const struct line *l)
{
	if (l->len < 7 || memcmp(l->at, "# /// ", 6) != 0)
		return false;
	for (size_t i = 6; i < l->len; i++) {
		char ch = l->at[i];

		if ((ch < 'a' || ch > 'z') && (ch < 'A' || ch > 'Z') && !is_digit((unsigned char)ch) && ch != '-')
			return false;
	}
	return true;
}

/* ---- TOML, as much as is needed ------------------------------------------------------------------------------------- */

/* The block's text, with the "# " of each line still in it. */
struct toml {
	const char *at, *end;
	unsigned line;
	struct sr_imports *into;
	int failed;
};

static int peek(const struct toml *t)
{
	return t->at < t->end ? (unsigned char)*t->at : -1;
}

/* At a line's start: over the comment sign that the script's line begins with. */
static void enter_line(struct toml *t)
{
	if (peek(t) == '#')
		t->at++;
	if (peek(t) == ' ')
		t->at++;
}

static void pass_line(struct toml *t)
{
	while (t->at < t->end && *t->at != '\n')
		t->at++;
	if (t->at < t->end) {
		t->at++;
		t->line++;
		enter_line(t);
	}
}

/* Blanks; with `lines` the ends of lines and TOML's own comments too. */
static void pass_blanks(struct toml *t, bool lines)
{
	for (;;) {
		int ch = peek(t);

		if (ch == ' ' || ch == '\t' || ch == '\r')
			t->at++;
		else if (lines && (ch == '#' || ch == '\n'))
			pass_line(t);
		else
			return;
	}
}

/* "..." with the escapes of TOML that a requirement can hold, or '...'. Fresh; NULL where there is none. */
static char *take_string(struct toml *t)
{
	char quote = (char)peek(t), *out;
	size_t n = 0;

	if (quote != '"' && quote != '\'')
		return NULL;
	out = malloc((size_t)(t->end - t->at) < 1024 ? (size_t)(t->end - t->at) : 1024);
	if (!out) {
		t->failed = -ENOMEM;
		return NULL;
	}
	for (t->at++; peek(t) >= ' ' && peek(t) != quote && n < 1000; t->at++) {
		if (*t->at == '\\' && quote == '"') {
			t->at++;
			if (peek(t) != '"' && peek(t) != '\\')
				break;
		}
		out[n++] = *t->at;
	}
	if (peek(t) != quote || n == 1000) {
		free(out);
		return NULL;
	}
	t->at++;
	out[n] = '\0';
	return out;
}

static bool add_dependency(struct toml *t, char *text, unsigned line)
{
	struct sr_imports *i = t->into;
	struct sr_dependency *d;

	if (i->dependency_count == DEPENDENCIES_MAX) {
		free(text);
		return false;
	}
	if (!i->dependencies)
		i->dependencies = calloc(DEPENDENCIES_MAX, sizeof(*i->dependencies));
	if (!i->dependencies) {
		free(text);
		t->failed = -ENOMEM;
		return false;
	}
	d = &i->dependencies[i->dependency_count++];
	*d = (struct sr_dependency){ .text = text, .line = line };
	t->failed = requirement_name(text, &d->name);
	if (t->failed || !d->name)
		return false;
	d->module = requirement_module(d->name);
	t->failed = d->module ? 0 : -ENOMEM;
	return t->failed == 0;
}

/* [ "a", "b", ] */
static bool take_list(struct toml *t)
{
	if (peek(t) != '[')
		return false;
	t->at++;
	for (;;) {
		unsigned line;
		char *text;

		pass_blanks(t, true);
		if (peek(t) == ']') {
			t->at++;
			return true;
		}
		line = t->line;
		text = take_string(t);
		if (!text || !add_dependency(t, text, line))
			return false;
		pass_blanks(t, true);
		if (peek(t) == ',')
			t->at++;
		else if (peek(t) != ']')
			return false;
	}
}

static bool take_value(struct toml *t, const char *key, size_t len, bool *seen)
{
	bool list = len == 12 && memcmp(key, "dependencies", 12) == 0;

	if (!list && (len != 15 || memcmp(key, "requires-python", 15) != 0))
		return false;
	if (seen[list])
		return false; /* TOML: a key once */
	seen[list] = true;
	if (list)
		return take_list(t);
	t->into->requires_python = take_string(t);
	return t->into->requires_python != NULL;
}

/* Up to the first table. False: it is not what the PEP allows there, or no TOML. */
static bool read_toml(struct toml *t)
{
	bool seen[2] = { false, false };

	for (;;) {
		const char *key;
		size_t len;

		pass_blanks(t, true);
		if (t->at == t->end || peek(t) == '[')
			return true;
		key = t->at;
		while (is_name_byte(peek(t)) || peek(t) == '-')
			t->at++;
		len = (size_t)(t->at - key);
		pass_blanks(t, false);
		if (len == 0 || peek(t) != '=')
			return false;
		t->at++;
		pass_blanks(t, false);
		if (!take_value(t, key, len, seen))
			return false;
		pass_blanks(t, false);
		if (peek(t) != '#' && peek(t) != '\n' && t->at < t->end)
			return false;
	}
}

/* ---- the block ------------------------------------------------------------------------------------------------------ */

static void forget(struct sr_imports *i)
{
	for (size_t n = 0; n < i->dependency_count; n++) {
		free(i->dependencies[n].text);
		free(i->dependencies[n].name);
		free(i->dependencies[n].module);
	}
	free(i->dependencies);
	i->dependencies = NULL;
	i->dependency_count = 0;
	free(i->requires_python);
	i->requires_python = NULL;
}

static int read_block(const char *from, const char *to, unsigned line, struct sr_imports *ret)
{
	struct toml t = { .at = from, .end = to, .line = line + 1, .into = ret };

	if (ret->metadata_line) {
		forget(ret);
		ret->metadata_problem = "there are several script blocks";
		return 0;
	}
	ret->metadata_line = line;
	enter_line(&t);
	if (!read_toml(&t)) {
		forget(ret);
		ret->metadata_problem = "its dependencies and requires-python are not as PEP 723 has them";
	}
	return t.failed;
}

/*
 * The end of a run of comment lines, and the last "# ///" in it: looked for once a run, whatever number of starts it holds.
 */
struct run {
	const char *end, *last; /* of the run; the last end mark in it, or NULL */
	const char *after;      /* behind that mark's line */
};

static struct run find_run(const char *at, const char *end)
{
	struct run r = { .last = NULL };

	while (at < end) {
		struct line l = line_at(at, end);

		if (!is_content(&l))
			break;
		if (line_is(&l, "# ///")) {
			r.last = l.at;
			r.after = l.next;
		}
		at = l.next;
	}
	r.end = at;
	return r;
}

int imports_metadata(const char *data, size_t len, struct sr_imports *ret)
{
	const char *at = data, *end = data + len;
	struct run run = { .end = data };
	unsigned line = 0;
	int r = 0;

	while (r == 0 && at < end) {
		struct line l = line_at(at, end);
		const char *skip = l.next;

		line++;
		if (is_start(&l)) {
			if (at >= run.end)
				run = find_run(at, end);
			if (run.last > l.next) { /* one line at least between the two */
				if (line_is(&l, "# /// script"))
					r = read_block(l.next, run.last, line, ret);
				skip = run.after;
			}
		}
		for (const char *nl = l.next; nl < skip; line++)
			nl = line_at(nl, end).next;
		at = skip;
	}
	return r;
}
