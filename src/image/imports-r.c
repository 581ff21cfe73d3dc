/* SPDX-License-Identifier: MIT */
/* R's packages: library(x), require(x), requireNamespace("x"), x::y and pacman's p_load(x, y). */
#include "image/imports-internal.h"

#define NEST_MAX 256

struct r {
	struct sr_cursor c;
	struct sr_uses *u;
	struct sr_token t, before;
	bool again;
	/* brackets that are open: what stands in front of them says whether a package in them is optional */
	bool tries[NEST_MAX], conditions[NEST_MAX];
	size_t nest_count;
};

static int peek(const struct r *r, size_t ahead)
{
	return cursor_peek(&r->c, ahead);
}

static void pass(struct r *r)
{
	if (*r->c.at == '\n')
		r->c.line++;
	r->c.at++;
}

static bool pass_blanks(struct r *r)
{
	while (r->c.at < r->c.end) {
		int ch = peek(r, 0);

		if (ch == '#') {
			while (r->c.at < r->c.end && *r->c.at != '\n')
				r->c.at++;
		} else if (ch == ' ' || (ch >= '\t' && ch <= '\r') || ch == '\0')
			pass(r);
		else
			return true;
	}
	return false;
}

static void read_string(struct r *r)
{
	char quote = *r->c.at++;

	r->t = (struct sr_token){ .type = quote == '`' ? SR_T_NAME : SR_T_STRING, .at = r->c.at, .line = r->c.line, .plain = true };
	while (r->c.at < r->c.end && *r->c.at != quote) {
		if (*r->c.at == '\\') {
			r->t.plain = false;
			r->c.at++;
			if (r->c.at == r->c.end)
				break;
		}
		pass(r);
	}
	r->t.len = (size_t)(r->c.at - r->t.at);
	r->c.at += r->c.at < r->c.end;
}

/* r"(...)", R'---[...]---': ?Quotes. True where the text at the cursor is one. */
static bool read_raw(struct r *r)
{
	static const char open[] = "([{", close[] = ")]}";
	const char *at = r->c.at + 2, *kind;
	size_t dashes = 0;
	int quote = peek(r, 1);

	while (at < r->c.end && *at == '-') {
		at++;
		dashes++;
	}
	kind = at < r->c.end && *at ? strchr(open, *at) : NULL;
	if (!kind)
		return false;
	r->c.at = at + 1;
	r->t = (struct sr_token){ .type = SR_T_STRING, .at = r->c.at, .line = r->c.line, .plain = true };
	for (; r->c.at < r->c.end; pass(r)) {
		size_t n = 0;

		if (*r->c.at != close[kind - open])
			continue;
		while (n < dashes && peek(r, n + 1) == '-')
			n++;
		if (n < dashes || peek(r, dashes + 1) != quote)
			continue;
		r->t.len = (size_t)(r->c.at - r->t.at);
		r->c.at += dashes + 2;
		return true;
	}
	return true;
}

static void open_bracket(struct r *r)
{
	if (r->nest_count == NEST_MAX) {
		r->c.at = r->c.end;
		r->u->cut = true;
		return;
	}
	r->tries[r->nest_count] = token_is(&r->before, "try") || token_is(&r->before, "tryCatch") ||
				  (r->nest_count && r->tries[r->nest_count - 1]);
	r->conditions[r->nest_count] = token_is(&r->before, "if");
	r->nest_count++;
}

static bool next(struct r *r)
{
	int ch;

	if (r->again) {
		r->again = false;
		return r->t.type != SR_T_END;
	}
	r->before = r->t;
	r->t = (struct sr_token){ .type = SR_T_END, .line = r->c.line };
	if (!pass_blanks(r))
		return false;
	ch = peek(r, 0);
	if ((ch == 'r' || ch == 'R') && (peek(r, 1) == '"' || peek(r, 1) == '\'') && read_raw(r))
		return true;
	if (ch == '"' || ch == '\'' || ch == '`') {
		read_string(r);
		return true;
	}
	r->t = (struct sr_token){ .type = SR_T_OP, .at = r->c.at, .len = 1, .line = r->c.line };
	if (is_name_byte(ch) || (ch == '.' && is_name_byte(peek(r, 1)))) {
		r->t.type = is_digit(ch) || (ch == '.' && is_digit(peek(r, 1))) ? SR_T_NUMBER : SR_T_NAME;
		while (is_name_byte(peek(r, 0)) || peek(r, 0) == '.')
			r->c.at++;
		r->t.len = (size_t)(r->c.at - r->t.at);
		return true;
	}
	r->c.at++;
	if (ch == '(' || ch == '{' || ch == '[')
		open_bracket(r);
	else if ((ch == ')' || ch == '}' || ch == ']') && r->nest_count)
		r->nest_count--;
	return true;
}

static bool is_package(const struct sr_token *t)
{
	if (t->len == 0 || is_digit((unsigned char)*t->at) || (t->type == SR_T_STRING && !t->plain))
		return false;
	for (size_t i = 0; i < t->len; i++) {
		if (!is_name_byte((unsigned char)t->at[i]) && t->at[i] != '.')
			return false;
	}
	return true;
}

static void add(struct r *r, const struct sr_token *t, unsigned flags)
{
	if (r->nest_count && r->tries[r->nest_count - 1])
		flags |= SR_USE_OPTIONAL;
	if (is_package(t))
		uses_add(r->u, t->at, t->len, t->line, flags);
}

/* library(x), library(package = "x"), library(x, character.only = TRUE): behind the '('. */
static void read_library(struct r *r, bool names, unsigned flags)
{
	size_t depth = r->nest_count;
	struct sr_token package;
	bool indirect = false;

	if (!next(r) || (r->t.type != SR_T_NAME && r->t.type != SR_T_STRING)) {
		r->again = true;
		return;
	}
	package = r->t;
	if (next(r) && token_op(&r->t, '=')) {
		if (!token_is(&package, "package") || !next(r) || (r->t.type != SR_T_NAME && r->t.type != SR_T_STRING)) {
			r->again = true; /* library(help = x) */
			return;
		}
		package = r->t;
		(void)next(r);
	}
	if (!token_op(&r->t, ',') && !token_op(&r->t, ')')) { /* library(f(x)), library(x[1]) */
		r->again = true;
		return;
	}
	while (r->t.type != SR_T_END && r->nest_count >= depth) {
		indirect = indirect || token_is(&r->t, "character.only");
		if (!next(r))
			break;
	}
	if (package.type == SR_T_STRING || (names && !indirect))
		add(r, &package, flags);
}

/* p_load(x, y, install = TRUE) */
static void read_load(struct r *r)
{
	size_t depth = r->nest_count;
	struct sr_token name;

	while (next(r) && r->nest_count >= depth) {
		if ((r->t.type != SR_T_NAME && r->t.type != SR_T_STRING) || r->nest_count != depth || token_op(&r->before, '='))
			continue;
		name = r->t;
		if (!next(r))
			return;
		if (token_op(&r->t, ',') || token_op(&r->t, ')'))
			add(r, &name, 0);
		if (r->nest_count < depth)
			return;
	}
}

static bool is_asked(const struct r *r, bool negated)
{
	return !negated && r->nest_count && r->conditions[r->nest_count - 1];
}

static void read_name(struct r *r, bool negated)
{
	struct sr_token name = r->t;
	bool library = token_is(&name, "library"), require = token_is(&name, "require");
	bool space = token_is(&name, "requireNamespace") || token_is(&name, "loadNamespace") || token_is(&name, "attachNamespace");
	bool asked = is_asked(r, negated);

	if (!next(r))
		return;
	if (token_op(&r->t, ':') && peek(r, 0) == ':') {
		(void)next(r);
		add(r, &name, SR_USE_QUALIFIED);
		return;
	}
	if (token_op(&r->t, '(') && (library || require || space))
		read_library(r, !space, asked && !library ? SR_USE_GUARD : 0);
	else if (token_op(&r->t, '(') && token_is(&name, "p_load"))
		read_load(r);
	else
		r->again = true;
}

void imports_r(struct sr_cursor c, struct sr_uses *u)
{
	struct r r = { .c = c, .u = u };

	while (next(&r)) {
		bool negated = token_op(&r.before, '!');

		if (r.t.type == SR_T_NAME && !token_op(&r.before, '$') && !token_op(&r.before, '@'))
			read_name(&r, negated);
	}
}
