/* SPDX-License-Identifier: MIT */
/*
 * Ruby's features: require "x", gem "x", autoload :X, "x" with literal names. Ruby's text is read as its lexer does it where
 * that decides what is text and what is program: heredocs, %-literals, interpolation, and '/', '%', '?' and '<<', which mean
 * something else where a value may start than behind one.
 */
#include "image/imports-internal.h"

#define FRAMES_MAX 128
#define HEREDOCS_MAX 8
#define LOST_HEREDOCS_MAX 16 /* searched for to the end of the text in vain */
#define BEGINS_MAX 100

/* A literal whose #{...} is being read. */
struct frame {
	char open, close; /* open is 0 where the literal's brackets do not nest */
	unsigned nest, braces;
};

struct heredoc {
	const char *name;
	size_t len;
	bool indented;
};

/* begin, def or do: what a `rescue` at the same column answers. */
struct begin {
	size_t column, first, body_end, handler;
	unsigned line;
	bool handles, gives_up;
};

struct ruby {
	struct sr_cursor c;
	struct sr_uses *u;
	struct sr_token t;
	const char *start, *line_end;
	bool again;
	bool value;    /* the token before ends a value */
	bool command;  /* ... and is a name that may be a method called without brackets */
	bool blank;    /* blanks stand before this token */
	bool member;   /* the token before is '.' or 'def' */
	bool property; /* so it was for this token */
	bool line_start;
	size_t column;
	unsigned braces;
	struct frame frames[FRAMES_MAX];
	size_t frame_count;
	struct heredoc heredocs[HEREDOCS_MAX];
	size_t heredoc_count;
	unsigned lost_heredocs;
	struct begin begins[BEGINS_MAX];
	size_t begin_count;
};

static int peek(const struct ruby *r, size_t ahead)
{
	return cursor_peek(&r->c, ahead);
}

static void stop(struct ruby *r)
{
	r->c.at = r->c.end;
}

static void give_in(struct ruby *r)
{
	stop(r);
	r->u->cut = true;
}

static void pass(struct ruby *r)
{
	if (*r->c.at == '\n')
		r->c.line++;
	r->c.at++;
}

/* ---- literals ------------------------------------------------------------------------------------------------------ */

/* Goes on in a literal up to its end, or up to a #{ in it, which is pushed. */
static void read_literal(struct ruby *r, struct frame f, bool fills)
{
	r->t.at = r->c.at;
	r->t.plain = true;
	for (; r->c.at < r->c.end; pass(r)) {
		char ch = *r->c.at;

		if (ch == '\\') {
			r->t.plain = false;
			if (++r->c.at == r->c.end)
				break;
		} else if (ch == f.close && f.nest == 0) {
			r->t.len = (size_t)(r->c.at++ - r->t.at);
			r->value = true;
			return;
		} else if (ch == f.close)
			f.nest--;
		else if (f.open && ch == f.open)
			f.nest++;
		else if (ch == '#' && fills && peek(r, 1) == '{') {
			r->t.plain = false;
			r->c.at += 2;
			f.braces = r->braces;
			if (r->frame_count == FRAMES_MAX)
				give_in(r);
			else
				r->frames[r->frame_count++] = f;
			r->value = false;
			return;
		}
	}
	r->t.len = (size_t)(r->c.at - r->t.at);
}

static void read_string(struct ruby *r, enum sr_token_type type)
{
	char quote = *r->c.at++;

	r->t = (struct sr_token){ .type = type, .at = r->c.at, .line = r->c.line };
	read_literal(r, (struct frame){ .close = quote }, quote != '\'');
	while (type == SR_T_NUMBER && is_name_byte(peek(r, 0))) /* a regular expression's flags */
		r->c.at++;
}

static int closing(int open)
{
	return open == '(' ? ')' : open == '[' ? ']' : open == '{' ? '}' : open == '<' ? '>' : open;
}

/* %w[...], %q(...), %(...): true where the text at the cursor is one. */
static bool read_percent(struct ruby *r)
{
	int kind = peek(r, 1), open = kind;
	bool lettered = kind > 0 && strchr("wWiIqQrsx", kind);
	bool may = !r->value || (r->command && r->blank && kind != ' ' && kind != '=' && kind != '\n');

	if (lettered)
		open = peek(r, 2);
	if (!may || open <= ' ' || open >= 0x7f || is_name_byte(open))
		return false;
	r->c.at += lettered ? 3 : 2;
	r->t = (struct sr_token){ .type = lettered && !strchr("qQ", kind) ? SR_T_NUMBER : SR_T_STRING, .at = r->c.at, .line = r->c.line };
	read_literal(r, (struct frame){ .open = (char)(closing(open) == open ? 0 : open), .close = (char)closing(open) },
		     !lettered || !strchr("wiqs", kind));
	return true;
}

/* The line behind `at` that ends the heredoc, or NULL; *ret_lines is how many lines end before it. */
static const char *heredoc_end(const struct ruby *r, const char *at, const struct heredoc *h, unsigned *ret_lines)
{
	*ret_lines = 0;
	while (at < r->c.end) {
		const char *stop_at = memchr(at, '\n', (size_t)(r->c.end - at)), *text = at, *line_end;

		stop_at = stop_at ? stop_at : r->c.end;
		line_end = stop_at > at && stop_at[-1] == '\r' ? stop_at - 1 : stop_at;
		while (h->indented && text < line_end && (*text == ' ' || *text == '\t'))
			text++;
		if ((size_t)(line_end - text) == h->len && memcmp(text, h->name, h->len) == 0)
			return stop_at;
		at = stop_at < r->c.end ? stop_at + 1 : r->c.end;
		++*ret_lines;
	}
	return NULL;
}

/* NULL on the last line. Looked for once a line, however many ask. */
static const char *end_of_line(struct ruby *r)
{
	if (!r->line_end || r->line_end < r->c.at)
		r->line_end = memchr(r->c.at, '\n', (size_t)(r->c.end - r->c.at));
	if (!r->line_end)
		r->line_end = r->c.end;
	return r->line_end < r->c.end ? r->line_end : NULL;
}

/* <<~NAME, <<-'NAME', <<NAME: its text is passed over at the line's end. True where it is one. */
static bool read_heredoc(struct ruby *r)
{
	const char *at = r->c.at + 2, *line_end = end_of_line(r);
	struct heredoc h = { .indented = at < r->c.end && (*at == '~' || *at == '-') };
	bool may = !r->value || (r->command && r->blank);
	char quote = '\0';
	unsigned lines;

	at += h.indented;
	if (at < r->c.end && (*at == '"' || *at == '\'' || *at == '`'))
		quote = *at++;
	h.name = at;
	while (at < r->c.end && (is_name_byte((unsigned char)*at) || (quote && *at != quote && *at != '\n')))
		at++;
	h.len = (size_t)(at - h.name);
	if (!may || !line_end || h.len == 0 || (!quote && is_digit((unsigned char)*h.name)) ||
	    (quote && (at == r->c.end || *at != quote)) || r->heredoc_count == HEREDOCS_MAX || r->lost_heredocs >= LOST_HEREDOCS_MAX)
		return false;
	if (!heredoc_end(r, line_end + 1, &h, &lines)) { /* then it shifts */
		r->lost_heredocs++;
		return false;
	}
	r->heredocs[r->heredoc_count++] = h;
	r->t = (struct sr_token){ .type = SR_T_NUMBER, .at = r->c.at, .line = r->c.line };
	r->c.at = at + (quote ? 1 : 0);
	r->value = true;
	return true;
}

/* Behind a line's end: the heredocs that the line announced. */
static void pass_heredocs(struct ruby *r)
{
	for (size_t i = 0; i < r->heredoc_count; i++) {
		unsigned lines;
		const char *end = heredoc_end(r, r->c.at, &r->heredocs[i], &lines);

		if (!end) { /* another one of that line took it */
			r->lost_heredocs++;
			continue;
		}
		r->c.line += lines + (end < r->c.end);
		r->c.at = end < r->c.end ? end + 1 : end;
	}
	r->heredoc_count = 0;
}

/* ---- tokens -------------------------------------------------------------------------------------------------------- */

static bool at_line(const struct ruby *r, const char *word)
{
	size_t n = strlen(word);
	int after = peek(r, n);

	return (r->c.at == r->start || r->c.at[-1] == '\n') && (size_t)(r->c.end - r->c.at) >= n && memcmp(r->c.at, word, n) == 0 &&
	       (after < 0 || after == '\n' || after == '\r' || (*word == '=' && (after == ' ' || after == '\t')));
}

static void pass_line(struct ruby *r)
{
	while (r->c.at < r->c.end && *r->c.at != '\n')
		r->c.at++;
}

static void pass_comment(struct ruby *r)
{
	while (r->c.at < r->c.end && !at_line(r, "=end")) {
		pass_line(r);
		if (r->c.at < r->c.end)
			pass(r);
	}
	pass_line(r);
}

/* Up to the next token; a line's end is one. False at the end of the program. */
static bool pass_blanks(struct ruby *r)
{
	r->blank = false;
	while (r->c.at < r->c.end) {
		int ch = peek(r, 0);

		if (at_line(r, "__END__"))
			stop(r);
		else if (at_line(r, "=begin"))
			pass_comment(r);
		else if (ch == '#')
			pass_line(r);
		else if (ch == '\\' && peek(r, 1) == '\n') {
			r->c.at++;
			pass(r);
		} else if (ch == ' ' || ch == '\t' || ch == '\r' || ch == '\f' || ch == '\v' || ch == '\0') {
			r->c.at++;
			r->column += r->line_start;
		} else
			return true;
		r->blank = true;
	}
	return false;
}

/* Words behind which a value starts. */
static bool is_before_value(const struct sr_token *t)
{
	static const char *const words[] = { "if",   "unless", "while",	 "until", "and",   "or",    "not",   "return", "when", "then",
					     "else", "elsif",  "case",	 "do",	  "begin", "in",    "yield", "puts",   "p",    "print",
					     "raise", "rescue", "ensure", "break", "next",  "class", "module" };

	for (size_t i = 0; i < SR_ELEMENTSOF(words); i++) {
		if (token_is(t, words[i]))
			return true;
	}
	return false;
}

static void read_word(struct ruby *r)
{
	while (is_name_byte(peek(r, 0)))
		r->c.at++;
	if ((peek(r, 0) == '?' || peek(r, 0) == '!') && peek(r, 1) != '=')
		r->c.at++;
	r->t.len = (size_t)(r->c.at - r->t.at);
	r->value = r->property || !is_before_value(&r->t);
	r->command = !(*r->t.at >= 'A' && *r->t.at <= 'Z');
	r->member = !r->property && token_is(&r->t, "def");
	if (r->property && peek(r, 0) == '=') /* def x=(v) */
		r->command = false;
}

static void read_op(struct ruby *r)
{
	char op = *r->c.at;

	if (op == '}' && r->frame_count && r->frames[r->frame_count - 1].braces == r->braces) {
		struct frame f = r->frames[--r->frame_count];

		r->c.at++;
		r->t.type = SR_T_NUMBER;
		read_literal(r, f, true);
		return;
	}
	r->c.at++;
	r->braces += op == '{';
	r->braces -= op == '}' && r->braces > 0;
	r->member = op == '.' && peek(r, 0) != '.' && (r->t.at == r->start || r->t.at[-1] != '.');
	r->value = op == ')' || op == ']' || op == '}';
	r->command = false;
}

/* Directly behind the one ':' of a symbol. */
static bool is_symbol(const struct ruby *r)
{
	const char *at = r->c.at;

	return at > r->start && at[-1] == ':' && (at - 1 == r->start || at[-2] != ':') && !r->blank;
}

/* $/, $', $", ?x and :"x": bytes that are no quotes. */
static bool read_special(struct ruby *r)
{
	int ch = peek(r, 0), second = peek(r, 1), third = peek(r, 2);

	if (second < 0)
		return false;
	if ((ch == '$' && second > ' ' && !is_name_byte(second)) || (ch == '?' && !r->value && second > ' ' && !is_name_byte(third)))
		r->c.at += 2;
	else if ((r->property || is_symbol(r)) && strchr("/%`<+-*!=[>~^&|", ch))
		r->c.at++; /* def /(other), :/ */
	else
		return false;
	r->t.type = SR_T_NUMBER;
	r->value = true;
	r->command = false;
	return true;
}

static bool may_be_regex(const struct ruby *r)
{
	int second = peek(r, 1);

	return !r->value || (r->command && r->blank && second != ' ' && second != '=');
}

static void read_token(struct ruby *r)
{
	int ch = peek(r, 0);

	r->property = r->member;
	r->member = false;
	r->t = (struct sr_token){ .type = SR_T_OP, .at = r->c.at, .len = 1, .line = r->c.line };
	if (is_name_start(ch)) {
		r->t.type = SR_T_NAME;
		read_word(r);
	} else if (is_digit(ch)) {
		r->t.type = SR_T_NUMBER;
		while (is_name_byte(peek(r, 0)))
			r->c.at++;
		r->value = true;
		r->command = false;
	} else if (read_special(r) || (ch == '%' && read_percent(r)) || (ch == '<' && peek(r, 1) == '<' && read_heredoc(r)))
		r->command = false;
	else if (ch == '"' || ch == '\'' || ch == '`') {
		read_string(r, SR_T_STRING);
		r->command = false;
	} else if (ch == '/' && may_be_regex(r))
		read_string(r, SR_T_NUMBER);
	else
		read_op(r);
}

static bool next(struct ruby *r)
{
	if (r->again) {
		r->again = false;
		return r->t.type != SR_T_END;
	}
	r->t = (struct sr_token){ .type = SR_T_END, .line = r->c.line };
	if (!pass_blanks(r))
		return false;
	if (*r->c.at == '\n') {
		r->t = (struct sr_token){ .type = SR_T_NEWLINE, .at = r->c.at, .line = r->c.line };
		pass(r);
		pass_heredocs(r);
		r->value = r->command = r->member = false;
		r->line_start = true;
		r->column = 0;
		return true;
	}
	read_token(r);
	return true;
}

/* ---- begin and rescue ---------------------------------------------------------------------------------------------- */

static void push_begin(struct ruby *r)
{
	if (r->begin_count < BEGINS_MAX)
		r->begins[r->begin_count++] =
			(struct begin){ .column = r->column, .first = r->u->count, .body_end = SIZE_MAX, .line = r->t.line };
}

static void pop_begin(struct ruby *r)
{
	const struct begin *b = &r->begins[--r->begin_count];

	if (b->handles)
		uses_handled(r->u, b->first, b->body_end, b->handler, b->gives_up);
}

/* The innermost that a word at this column, or on the same line, belongs to; those deeper inside have ended. */
static struct begin *find_begin(struct ruby *r, bool first)
{
	for (size_t i = r->begin_count; i > 0; i--) {
		const struct begin *b = &r->begins[i - 1];

		if (b->line != r->t.line && (!first || b->column != r->column))
			continue;
		while (r->begin_count > i)
			pop_begin(r);
		return &r->begins[i - 1];
	}
	return NULL;
}

static void read_rescue(struct ruby *r, bool first)
{
	struct begin *b = find_begin(r, first);
	bool handles = false;

	while (next(r) && r->t.type != SR_T_NEWLINE && !token_op(&r->t, ';') && !token_is(&r->t, "then"))
		handles = handles || token_is(&r->t, "LoadError") || token_is(&r->t, "ScriptError") || token_is(&r->t, "Exception");
	r->again = true;
	if (!b || !handles || b->handles)
		return;
	b->handles = true;
	b->body_end = b->handler = r->u->count;
}

static void give_up(struct ruby *r)
{
	if (r->begin_count && r->begins[r->begin_count - 1].handles)
		r->begins[r->begin_count - 1].gives_up = true;
}

/* ---- imports ------------------------------------------------------------------------------------------------------- */

static void read_feature(struct ruby *r, unsigned flags)
{
	struct sr_token s;

	if (next(r) && token_op(&r->t, '('))
		(void)next(r);
	s = r->t;
	if (s.type != SR_T_STRING || !s.plain || s.len == 0 || *s.at == '.' || *s.at == '/') {
		r->again = true;
		return;
	}
	for (size_t i = 0; i < s.len; i++) {
		if (!is_name_byte((unsigned char)s.at[i]) && (!s.at[i] || !strchr("/-.", s.at[i])))
			return;
	}
	if (s.len > 3 && memcmp(s.at + s.len - 3, ".rb", 3) == 0)
		s.len -= 3;
	(void)next(r);
	r->again = true;
	if (r->t.type != SR_T_OP || strchr(");,}&|", *r->t.at)) /* "x" + y names nothing that is known */
		uses_add(r->u, s.at, s.len, s.line, flags);
}

static void read_autoload(struct ruby *r)
{
	if (next(r) && token_op(&r->t, ':') && next(r) && r->t.type == SR_T_NAME && next(r) && token_op(&r->t, ','))
		read_feature(r, SR_USE_OPTIONAL);
	else
		r->again = true;
}

static void read_name(struct ruby *r, bool first)
{
	if (r->property || peek(r, 0) == ':')
		return; /* x.require, require: */
	if (token_is(&r->t, "require") || token_is(&r->t, "gem"))
		read_feature(r, 0);
	else if (token_is(&r->t, "autoload"))
		read_autoload(r);
	else if (token_is(&r->t, "begin") || (first && token_is(&r->t, "def")))
		push_begin(r);
	else if (token_is(&r->t, "rescue") && (first || find_begin(r, false)))
		read_rescue(r, first);
	else if (first && token_is(&r->t, "end") && find_begin(r, true))
		pop_begin(r);
	else if (token_is(&r->t, "raise") || token_is(&r->t, "abort") || token_is(&r->t, "exit") || token_is(&r->t, "exit!"))
		give_up(r);
}

void imports_ruby(struct sr_cursor c, struct sr_uses *u)
{
	struct ruby r = { .c = c, .u = u, .start = c.at, .line_start = true };

	while (next(&r)) {
		bool first = r.line_start && r.t.type != SR_T_NEWLINE;

		if (first)
			r.line_start = false;
		if (r.t.type == SR_T_NAME)
			read_name(&r, first);
	}
	while (r.begin_count)
		pop_begin(&r);
}
