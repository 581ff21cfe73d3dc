/* SPDX-License-Identifier: MIT */
/*
 * JavaScript's imports: `import`, `export ... from`, import("x") and require("x") with literal names. What makes it a language
 * to read with care: a '/' that starts a regular expression or divides, and templates with code in them.
 */
#include "image/imports-internal.h"

#define NEST_MAX 1024

/* What a bracket is, which tells what may follow its end, and what a try block holds. */
enum nest_kind {
	NEST_PAREN,     /* of an expression: a '/' behind it divides */
	NEST_CONDITION, /* if (...), while (...): a statement follows */
	NEST_BLOCK,
	NEST_TRY,
	NEST_CATCH,
	NEST_VALUE,     /* an object, or the code of a template's ${} */
	NEST_TEMPLATE,
};

struct nest {
	enum nest_kind kind;
	size_t first, body_end; /* TRY, CATCH: imports */
	bool gives_up;          /* CATCH */
};

struct javascript {
	struct sr_cursor c;
	struct sr_uses *u;
	struct sr_token t;
	bool again;
	bool value;          /* the token before ends a value: a '/' divides */
	bool condition;      /* the token before is if, while, for, with */
	bool member;         /* the token before is '.' */
	bool property;       /* this token is a name behind one */
	bool block;          /* a '{' here opens a block */
	enum nest_kind opens; /* TRY, CATCH: what the next '{' at that depth is */
	size_t opens_at;
	const char *start;
	const char *no_regex; /* up to here a '/' divides: looked for before */
	struct nest nests[NEST_MAX];
	size_t nest_count;
	size_t first, body_end; /* of the try block that has just ended */
	bool tried;
};

static void stop(struct javascript *j)
{
	j->c.at = j->c.end;
	j->u->cut = true;
}

static void push(struct javascript *j, enum nest_kind kind)
{
	if (j->nest_count == NEST_MAX) {
		stop(j);
		return;
	}
	j->nests[j->nest_count] = (struct nest){ .kind = kind, .first = j->u->count };
	if (kind == NEST_CATCH) {
		j->nests[j->nest_count].first = j->first;
		j->nests[j->nest_count].body_end = j->body_end;
	}
	j->nest_count++;
}

static int peek(const struct javascript *j, size_t ahead)
{
	return cursor_peek(&j->c, ahead);
}

static void pass(struct javascript *j)
{
	if (*j->c.at == '\n')
		j->c.line++;
	j->c.at++;
}

/* ---- tokens -------------------------------------------------------------------------------------------------------- */

static void pass_line(struct javascript *j)
{
	while (j->c.at < j->c.end && *j->c.at != '\n')
		j->c.at++;
}

static bool pass_blanks(struct javascript *j)
{
	while (j->c.at < j->c.end) {
		int ch = peek(j, 0);

		if (ch == '/' && peek(j, 1) == '/')
			pass_line(j);
		else if (ch == '/' && peek(j, 1) == '*') {
			j->c.at += 2;
			while (j->c.at < j->c.end && !(*j->c.at == '*' && peek(j, 1) == '/'))
				pass(j);
			j->c.at += j->c.at < j->c.end ? 2 : 0;
		} else if (ch == ' ' || (ch >= '\t' && ch <= '\r') || ch == '\0')
			pass(j);
		else
			return true;
	}
	return false;
}

static void read_string(struct javascript *j)
{
	char quote = *j->c.at++;

	j->t.type = SR_T_STRING;
	j->t.at = j->c.at;
	j->t.plain = true;
	while (j->c.at < j->c.end && *j->c.at != quote && *j->c.at != '\n') {
		if (*j->c.at == '\\') {
			j->t.plain = false;
			j->c.at++;
			if (j->c.at == j->c.end)
				break;
		}
		pass(j);
	}
	j->t.len = (size_t)(j->c.at - j->t.at);
	if (j->c.at < j->c.end && *j->c.at == quote)
		j->c.at++;
}

/* From behind '`' or behind the '}' of a ${...}: to the template's end, or into the next ${...}. */
static void read_template(struct javascript *j)
{
	j->t.type = SR_T_STRING;
	j->t.at = j->c.at;
	j->t.plain = true;
	while (j->c.at < j->c.end && *j->c.at != '`') {
		if (*j->c.at == '$' && peek(j, 1) == '{') {
			j->t.plain = false;
			j->c.at += 2;
			push(j, NEST_TEMPLATE);
			j->value = false;
			return;
		}
		if (*j->c.at == '\\' && j->c.at + 1 < j->c.end) {
			j->t.plain = false;
			j->c.at++;
		}
		pass(j);
	}
	j->t.len = (size_t)(j->c.at - j->t.at);
	if (j->c.at < j->c.end)
		j->c.at++;
	j->value = true;
}

/* A regular expression ends on its line; a text where none does holds a division. */
static bool read_regex(struct javascript *j)
{
	const char *at = j->c.at + 1;
	bool class = false;

	if (j->c.at < j->no_regex)
		return false;
	for (; at < j->c.end && *at != '\n'; at++) {
		if (*at == '/' && !class) {
			j->c.at = at + 1;
			while (is_name_byte(peek(j, 0)))
				j->c.at++;
			j->t.type = SR_T_NUMBER;
			return true;
		}
		if (*at == '\\' && at + 1 < j->c.end && at[1] != '\n')
			at++;
		else if (*at == '[')
			class = true;
		else if (*at == ']')
			class = false;
	}
	j->no_regex = at;
	return false;
}

/* Words behind which an expression starts. */
static bool is_before_value(const struct sr_token *t)
{
	static const char *const words[] = { "return", "typeof", "case", "do",	"else",	 "in",	  "instanceof", "new", "void",
					     "delete", "throw",	 "of",	 "yield", "await", "default", "extends",	"export" };

	for (size_t i = 0; i < SR_ELEMENTSOF(words); i++) {
		if (token_is(t, words[i]))
			return true;
	}
	return false;
}

static void end_nest(struct javascript *j)
{
	const struct nest *n = &j->nests[j->nest_count];

	j->tried = n->kind == NEST_TRY;
	if (n->kind == NEST_TRY) {
		j->first = n->first;
		j->body_end = j->u->count;
	} else if (n->kind == NEST_CATCH)
		uses_handled(j->u, n->first, n->body_end, n->body_end, n->gives_up);
	j->value = n->kind == NEST_PAREN || n->kind == NEST_VALUE;
	j->block = n->kind == NEST_BLOCK || n->kind == NEST_TRY || n->kind == NEST_CATCH;
}

static void open_bracket(struct javascript *j, char op)
{
	bool handled = op == '{' && j->opens != NEST_BLOCK && j->nest_count == j->opens_at;
	enum nest_kind kind = op != '{' ? NEST_PAREN : j->block ? NEST_BLOCK : NEST_VALUE;

	if (op == '(' && j->condition)
		kind = NEST_CONDITION;
	if (handled) {
		kind = j->opens;
		j->opens = NEST_BLOCK;
	}
	push(j, kind);
	j->value = false;
	j->block = kind == NEST_BLOCK || handled;
}

static void close_bracket(struct javascript *j, char op)
{
	if (!j->nest_count)
		return;
	j->nest_count--;
	end_nest(j);
	if (op == ')')
		j->block = true; /* f() {, if () { */
	if (op == '}' && j->nests[j->nest_count].kind == NEST_TEMPLATE)
		read_template(j);
}

static void read_op(struct javascript *j)
{
	const char op = *j->c.at;
	const bool again = j->c.at > j->start && j->c.at[-1] == op, arrow = j->c.at > j->start && op == '>' && j->c.at[-1] == '=';
	const bool twice = (op == '+' || op == '-') && j->value && (peek(j, 1) == op || again); /* i++ / 2 */

	j->t = (struct sr_token){ .type = SR_T_OP, .at = j->c.at, .len = 1, .line = j->c.line };
	j->tried = false;
	if (op == '/' && !j->value && read_regex(j)) {
		j->value = true;
		return;
	}
	j->c.at++;
	if (op == '(' || op == '[' || op == '{')
		open_bracket(j, op);
	else if (op == ')' || op == ']' || op == '}')
		close_bracket(j, op);
	else {
		j->value = twice;
		j->block = op == ';' || arrow;
	}
}

static void read_word(struct javascript *j)
{
	const struct sr_token *t = &j->t;
	bool tried = j->tried;

	while (is_name_byte(peek(j, 0)) || peek(j, 0) == '$')
		j->c.at++;
	j->t.len = (size_t)(j->c.at - j->t.at);
	j->tried = false;
	j->property = j->member;
	j->value = j->member || !is_before_value(t);
	j->block = j->value; /* class X { */
	if (j->member)
		return;
	if (token_is(t, "if") || token_is(t, "while") || token_is(t, "for") || token_is(t, "with"))
		j->condition = true;
	else if (token_is(t, "try") || (token_is(t, "catch") && tried)) {
		j->opens = token_is(t, "try") ? NEST_TRY : NEST_CATCH;
		j->opens_at = j->nest_count;
	} else if (token_is(t, "else") || token_is(t, "do"))
		j->block = true;
}

static void read_token(struct javascript *j)
{
	int ch = peek(j, 0);

	j->t = (struct sr_token){ .type = SR_T_NAME, .at = j->c.at, .line = j->c.line };
	if (is_name_start(ch) || ch == '$') {
		read_word(j);
	} else if (ch == '"' || ch == '\'') {
		read_string(j);
		j->value = true;
	} else if (ch == '`') {
		j->c.at++;
		read_template(j);
	} else if (is_digit(ch)) {
		j->t.type = SR_T_NUMBER;
		while (is_name_byte(peek(j, 0)) || peek(j, 0) == '.')
			j->c.at++;
		j->value = true;
	} else
		read_op(j);
}

static bool next(struct javascript *j)
{
	bool condition = j->condition;

	if (j->again) {
		j->again = false;
		return j->t.type != SR_T_END;
	}
	j->t = (struct sr_token){ .type = SR_T_END, .line = j->c.line };
	if (!pass_blanks(j))
		return false;
	read_token(j);
	if (condition && !token_is(&j->t, "await")) /* for await ( */
		j->condition = false;
	j->member = token_op(&j->t, '.') && peek(j, 0) != '.' && (j->t.at == j->start || j->t.at[-1] != '.');
	return true;
}

/* ---- imports ------------------------------------------------------------------------------------------------------- */

/* "@scope/name/deep" -> "@scope/name"; "./x", "/x", "#x" and "https:..." name no package. */
static void add(struct javascript *j, const struct sr_token *s, unsigned flags)
{
	const char *name = s->at, *end = s->at + s->len, *slash;
	unsigned line = s->line;

	if (!s->plain || s->len == 0)
		return;
	if (s->len > 5 && memcmp(name, "node:", 5) == 0) {
		name += 5;
		flags |= SR_USE_STANDARD;
	}
	if (*name == '.' || *name == '/' || *name == '#' || memchr(name, ':', (size_t)(end - name)))
		return;
	slash = memchr(name, '/', (size_t)(end - name));
	if (*name == '@') {
		if (!slash || slash + 1 == end)
			return;
		slash = memchr(slash + 1, '/', (size_t)(end - slash - 1));
	}
	end = slash ? slash : end;
	for (const char *at = name; at < end; at++) {
		if (!is_name_byte((unsigned char)*at) && (!*at || !strchr("@/.-~", *at)))
			return;
	}
	uses_add(j->u, name, (size_t)(end - name), line, flags);
}

/* What follows an import or export up to its `from "x"`. */
static void read_from(struct javascript *j, unsigned flags)
{
	bool from = false, closed = false;

	while (next(j)) {
		if (from && j->t.type == SR_T_STRING) {
			add(j, &j->t, flags);
			return;
		}
		from = token_is(&j->t, "from");
		if ((closed && !from) || j->t.type == SR_T_NUMBER || (j->t.type == SR_T_OP && !strchr("{},*", *j->t.at)))
			break;
		closed = token_op(&j->t, '}');
	}
	j->again = true;
}

/* ("x") */
static void read_call(struct javascript *j)
{
	struct sr_token s;

	if (!next(j) || j->t.type != SR_T_STRING) {
		j->again = true;
		return;
	}
	s = j->t;
	if (next(j) && (token_op(&j->t, ')') || token_op(&j->t, ',')))
		add(j, &s, 0);
	j->again = true;
}

static void read_import(struct javascript *j)
{
	if (!next(j))
		return;
	if (j->t.type == SR_T_STRING) {
		add(j, &j->t, 0);
	} else if (token_op(&j->t, '(')) {
		read_call(j);
	} else if (token_is(&j->t, "type") || token_is(&j->t, "typeof")) {
		unsigned flags = SR_USE_TYPING;

		if (next(j) && (token_is(&j->t, "from") || token_op(&j->t, ',')))
			flags = 0; /* import type from "x": a name like any other */
		if (flags == 0 && token_is(&j->t, "from") && next(j) && j->t.type == SR_T_STRING) {
			add(j, &j->t, 0);
			return;
		}
		j->again = true;
		read_from(j, flags);
	} else if (j->t.type == SR_T_NAME || token_op(&j->t, '{') || token_op(&j->t, '*')) {
		j->again = true;
		read_from(j, 0);
	} else
		j->again = true; /* import.meta, {import: 1} */
}

static void read_export(struct javascript *j)
{
	if (next(j) && (token_op(&j->t, '{') || token_op(&j->t, '*'))) {
		read_from(j, 0);
		return;
	}
	if (token_is(&j->t, "type") && next(j) && token_op(&j->t, '{')) {
		read_from(j, SR_USE_TYPING);
		return;
	}
	j->again = true;
}

/* throw, or process.exit: a handler that holds it gives up. */
static void give_up(struct javascript *j)
{
	for (size_t i = j->nest_count; i > 0; i--) {
		if (j->nests[i - 1].kind == NEST_CATCH) {
			j->nests[i - 1].gives_up = true;
			return;
		}
	}
}

void imports_javascript(struct sr_cursor c, struct sr_uses *u)
{
	struct javascript j = { .c = c, .u = u, .block = true, .opens = NEST_BLOCK, .start = c.at, .no_regex = c.at };

	if (cursor_peek(&c, 0) == '#' && cursor_peek(&c, 1) == '!')
		pass_line(&j);
	while (next(&j)) {
		if (j.t.type != SR_T_NAME)
			continue;
		if (j.property) {
			if (token_is(&j.t, "exit"))
				give_up(&j);
		} else if (token_is(&j.t, "import"))
			read_import(&j);
		else if (token_is(&j.t, "export"))
			read_export(&j);
		else if (token_is(&j.t, "throw"))
			give_up(&j);
		else if (token_is(&j.t, "require") && next(&j)) {
			if (token_op(&j.t, '('))
				read_call(&j);
			else
				j.again = true;
		}
	}
}
