/* SPDX-License-Identifier: MIT */
/*
 * Python's imports. The tokens are those of the language reference's "Lexical analysis" (strings with their prefixes and
 * f-strings as of 3.12, joined lines, indentation); of the grammar only what tells whether an import counts.
 */
#include "image/imports-internal.h"

#define FRAMES_MAX 64  /* f-strings in f-strings; CPython takes 150 */
#define BLOCKS_MAX 100 /* CPython's limit of indentation */

/* An f-string that is open, or the format specification of one of its fields. */
struct frame {
	char quote;
	bool triple, spec;
	unsigned depth; /* brackets around it */
};

enum block_kind { BLOCK_IF, BLOCK_TRY, BLOCK_WITH };
enum try_phase { TRY_BODY, TRY_HANDLER, TRY_REST };

struct block {
	enum block_kind kind;
	size_t column;
	/* what the header said so far */
	unsigned words;
	bool typing, negated, either, platform, never, suppress, catches;
	/* try */
	enum try_phase phase;
	size_t first, body_end, handler; /* its imports, and those of the handler that is being read */
	bool handled, gives_up;
};

struct python {
	struct sr_cursor c;
	struct sr_uses *u;
	struct sr_token t;
	bool again;          /* t has not been looked at yet */
	bool line_start;
	size_t column;       /* of the logical line's first token */
	unsigned depth;
	struct frame frames[FRAMES_MAX];
	size_t frame_count;
	bool text;           /* within an f-string, outside its fields */
	struct block blocks[BLOCKS_MAX];
	size_t block_count;
	struct block *header; /* whose header is being read */
};

/* ---- tokens -------------------------------------------------------------------------------------------------------- */

static bool is_newline(int ch)
{
	return ch == '\n' || ch == '\r';
}

static void pass_newline(struct python *p)
{
	p->c.at += cursor_peek(&p->c, 0) == '\r' && cursor_peek(&p->c, 1) == '\n' ? 2 : 1;
	p->c.line++;
}

static void stop(struct python *p)
{
	p->c.at = p->c.end;
	p->u->cut = true;
}

static void push_frame(struct python *p, struct frame f)
{
	if (p->frame_count == FRAMES_MAX) {
		stop(p);
		return;
	}
	p->frames[p->frame_count++] = f;
	p->text = true;
}

static bool at_quote(const struct python *p, char quote, bool triple)
{
	return cursor_peek(&p->c, 0) == quote &&
	       (!triple || (cursor_peek(&p->c, 1) == quote && cursor_peek(&p->c, 2) == quote));
}

/* The string ends, with whatever is open in it. */
static void end_fstring(struct python *p)
{
	while (p->frame_count && p->frames[p->frame_count - 1].spec)
		p->frame_count--;
	if (p->frame_count)
		p->depth = p->frames[--p->frame_count].depth;
	p->text = false;
}

/* Goes on in an f-string up to its end or its next field. */
static void read_text(struct python *p)
{
	while (p->text && p->c.at < p->c.end) {
		const struct frame *f = &p->frames[p->frame_count - 1];
		int ch = cursor_peek(&p->c, 0), second = cursor_peek(&p->c, 1);

		if (at_quote(p, f->quote, f->triple)) {
			p->c.at += f->triple ? 3 : 1;
			end_fstring(p);
		} else if (is_newline(ch)) {
			if (f->triple)
				pass_newline(p);
			else
				end_fstring(p); /* never closed: the line's end closes it */
		} else if (ch == '{' && second == '{' && !f->spec) {
			p->c.at += 2;
		} else if (ch == '{') {
			p->c.at++;
			p->depth++;
			p->text = false;
		} else if (ch == '}' && f->spec) { /* the field's end as well */
			p->c.at++;
			p->depth = f->depth - 1;
			p->frame_count--;
		} else if (ch == '\\' && second >= 0 && !is_newline(second)) {
			p->c.at += second == '{' || second == '}' ? 1 : 2;
		} else {
			if (ch == '\\' && second >= 0) {
				p->c.at++;
				pass_newline(p);
			} else
				p->c.at++;
		}
	}
}

/* A bracket or colon that belongs to the field of an f-string: true, and the text goes on. */
static bool ends_field(struct python *p, char op)
{
	struct frame f;

	if (!p->frame_count || p->depth != p->frames[p->frame_count - 1].depth + 1)
		return false;
	f = p->frames[p->frame_count - 1];
	if (op == '}') {
		p->depth--;
		p->text = true;
		return true;
	}
	if (op != ':')
		return false;
	push_frame(p, (struct frame){ .quote = f.quote, .triple = f.triple, .spec = true, .depth = p->depth });
	return true;
}

static void read_string(struct python *p, bool formatted, bool bytes)
{
	char quote = *p->c.at;
	bool triple = at_quote(p, quote, true);

	p->c.at += triple ? 3 : 1;
	p->t.type = SR_T_STRING;
	p->t.at = p->c.at;
	p->t.plain = !formatted && !bytes;
	p->t.len = 0;
	if (formatted) {
		push_frame(p, (struct frame){ .quote = quote, .triple = triple, .depth = p->depth });
		return;
	}
	while (p->c.at < p->c.end && !at_quote(p, quote, triple)) {
		int ch = cursor_peek(&p->c, 0);

		if (ch == '\\') {
			p->t.plain = false;
			p->c.at++;
			if (p->c.at == p->c.end)
				break;
			ch = cursor_peek(&p->c, 0);
		} else if (is_newline(ch) && !triple)
			break;
		if (is_newline(ch))
			pass_newline(p);
		else
			p->c.at++;
	}
	p->t.len = (size_t)(p->c.at - p->t.at);
	if (at_quote(p, quote, triple))
		p->c.at += triple ? 3 : 1;
}

static void read_name(struct python *p)
{
	bool prefix = true, formatted = false, bytes = false;
	int ch;

	p->t = (struct sr_token){ .type = SR_T_NAME, .at = p->c.at, .line = p->c.line };
	while (is_name_byte(ch = cursor_peek(&p->c, 0))) {
		prefix = prefix && strchr("rRbBuUfFtT", ch);
		formatted = formatted || strchr("fFtT", ch);
		bytes = bytes || ch == 'b' || ch == 'B';
		p->c.at++;
	}
	p->t.len = (size_t)(p->c.at - p->t.at);
	if (prefix && p->t.len <= 2 && (ch == '"' || ch == '\''))
		read_string(p, formatted, bytes);
}

/* Blanks, comments and joined lines. True at a token, false at the end; a logical line's end is a token. */
static bool pass_blanks(struct python *p)
{
	size_t column = 0;

	while (p->c.at < p->c.end) {
		int ch = cursor_peek(&p->c, 0);

		if (ch == '#') {
			while (p->c.at < p->c.end && !is_newline(cursor_peek(&p->c, 0)))
				p->c.at++;
		} else if (ch == '\\' && is_newline(cursor_peek(&p->c, 1))) {
			p->c.at++;
			pass_newline(p);
		} else if (is_newline(ch) && (p->depth || p->line_start)) {
			pass_newline(p);
			column = 0;
		} else if (ch == ' ' || ch == '\t' || ch == '\f' || ch == '\0') {
			column = ch == '\t' ? (column | 7) + 1 : ch == '\f' ? 0 : column + 1;
			p->c.at++;
		} else {
			if (p->line_start && !is_newline(ch))
				p->column = column;
			return true;
		}
	}
	return false;
}

static void read_op(struct python *p)
{
	char op = *p->c.at++;

	p->t = (struct sr_token){ .type = SR_T_OP, .at = p->c.at - 1, .len = 1, .line = p->c.line };
	if (ends_field(p, op))
		return;
	if (op == '(' || op == '[' || op == '{')
		p->depth++;
	else if ((op == ')' || op == ']' || op == '}') &&
		 p->depth > (p->frame_count ? p->frames[p->frame_count - 1].depth + 1 : 0))
		p->depth--;
}

static bool next(struct python *p)
{
	int ch;

	if (p->again) {
		p->again = false;
		return p->t.type != SR_T_END;
	}
	if (p->text)
		read_text(p);
	p->t = (struct sr_token){ .type = SR_T_END, .line = p->c.line };
	if (!pass_blanks(p))
		return false;
	p->t.line = p->c.line;
	ch = cursor_peek(&p->c, 0);
	if (is_newline(ch)) {
		p->t.type = SR_T_NEWLINE;
		pass_newline(p);
		p->line_start = true;
		return true;
	}
	if (is_name_start(ch))
		read_name(p);
	else if (ch == '"' || ch == '\'')
		read_string(p, false, false);
	else if (is_digit(ch)) {
		p->t = (struct sr_token){ .type = SR_T_NUMBER, .at = p->c.at, .line = p->c.line };
		while (is_name_byte(cursor_peek(&p->c, 0)) || cursor_peek(&p->c, 0) == '.')
			p->c.at++;
		p->t.len = (size_t)(p->c.at - p->t.at);
	} else
		read_op(p);
	return true;
}

/* ---- blocks -------------------------------------------------------------------------------------------------------- */

/* What the blocks around an import say of it. */
static unsigned flags_here(const struct python *p)
{
	unsigned flags = 0;

	for (size_t i = 0; i < p->block_count; i++) {
		const struct block *b = &p->blocks[i];
		bool sure = !b->either;

		if (b->kind == BLOCK_WITH)
			flags |= b->suppress && b->catches ? SR_USE_OPTIONAL : 0;
		else if (b->kind == BLOCK_IF && ((b->typing && !b->negated && sure) || (b->never && b->words == 1)))
			flags |= SR_USE_TYPING;
		else if (b->kind == BLOCK_IF && b->platform)
			flags |= SR_USE_OPTIONAL;
	}
	return flags;
}

static void add(struct python *p, const struct sr_token *name)
{
	uses_add(p->u, name->at, name->len, name->line, flags_here(p));
}

static void end_handler(struct python *p, struct block *b)
{
	if (b->phase != TRY_HANDLER || !b->catches)
		return;
	uses_handled(p->u, b->first, b->handled ? b->first : b->body_end, b->handler, b->gives_up);
	b->handled = true;
}

static void pop_block(struct python *p)
{
	struct block *b = &p->blocks[p->block_count - 1];

	if (b->kind == BLOCK_TRY)
		end_handler(p, b);
	p->block_count--;
}

static void push_block(struct python *p, enum block_kind kind)
{
	if (p->block_count == BLOCKS_MAX)
		return; /* no program of CPython's nests so deep */
	p->blocks[p->block_count] = (struct block){ .kind = kind, .column = p->column, .first = p->u->count };
	p->header = &p->blocks[p->block_count++];
}

static bool goes_on(const struct block *b, const struct sr_token *t)
{
	if (token_is(t, "else"))
		return b->kind != BLOCK_WITH;
	return b->kind == BLOCK_IF ? token_is(t, "elif") : b->kind == BLOCK_TRY && (token_is(t, "except") || token_is(t, "finally"));
}

/* The block whose `elif`, `else`, `except` or `finally` this line is. */
static void turn_block(struct python *p, struct block *b)
{
	bool is_else = token_is(&p->t, "else");

	if (b->kind == BLOCK_IF) {
		struct block next_part = { .kind = BLOCK_IF, .column = b->column, .platform = b->platform };

		next_part.typing = is_else && b->typing && b->negated; /* else of `if not TYPE_CHECKING` */
		*b = next_part;
	} else {
		if (b->phase == TRY_BODY)
			b->body_end = p->u->count;
		end_handler(p, b);
		b->phase = token_is(&p->t, "except") ? TRY_HANDLER : TRY_REST;
		b->words = 0;
		b->catches = b->gives_up = false;
		b->handler = p->u->count;
	}
	p->header = b;
}

static void begin_line(struct python *p)
{
	p->line_start = false;
	p->header = NULL;
	while (p->block_count) {
		struct block *b = &p->blocks[p->block_count - 1];

		if (b->column < p->column)
			break;
		if (b->column == p->column && goes_on(b, &p->t)) {
			turn_block(p, b);
			return;
		}
		pop_block(p);
	}
	if (token_is(&p->t, "if"))
		push_block(p, BLOCK_IF);
	else if (token_is(&p->t, "try"))
		push_block(p, BLOCK_TRY);
	else if (token_is(&p->t, "with"))
		push_block(p, BLOCK_WITH);
}

static bool catches_import(const struct sr_token *t)
{
	return token_is(t, "ImportError") || token_is(t, "ModuleNotFoundError") || token_is(t, "Exception") ||
	       token_is(t, "BaseException");
}

/* `previous` is the token before: os.name is two. */
static void read_header(struct python *p, const struct sr_token *previous)
{
	struct block *b = p->header;
	const struct sr_token *t = &p->t;

	if (token_op(t, ':') && p->depth == 0) {
		if (b->kind == BLOCK_TRY && b->phase == TRY_HANDLER && b->words == 0)
			b->catches = true; /* except: */
		p->header = NULL;
		return;
	}
	b->words++;
	b->typing = b->typing || token_is(t, "TYPE_CHECKING");
	b->negated = b->negated || token_is(t, "not");
	b->either = b->either || token_is(t, "or");
	b->platform = b->platform || token_is(t, "version_info") || token_is(t, "platform") || token_is(t, "PY2") ||
		      token_is(t, "PY3") || (token_is(t, "name") && previous->len == 1 && *previous->at == '.' && b->words == 3);
	b->never = b->never || token_is(t, "False") || (t->type == SR_T_NUMBER && t->len == 1 && *t->at == '0');
	b->suppress = b->suppress || token_is(t, "suppress");
	b->catches = b->catches || catches_import(t);
}

static void give_up(struct python *p)
{
	for (size_t i = p->block_count; i > 0; i--) {
		struct block *b = &p->blocks[i - 1];

		if (b->kind == BLOCK_TRY && b->phase == TRY_HANDLER) {
			b->gives_up = true;
			return;
		}
	}
}

/* ---- statements ---------------------------------------------------------------------------------------------------- */

/* a.b.c: the first part into *ret; behind it p->t. */
static bool read_dotted(struct python *p, struct sr_token *ret)
{
	if (p->t.type != SR_T_NAME)
		return false;
	*ret = p->t;
	while (next(p) && token_op(&p->t, '.')) {
		if (!next(p) || p->t.type != SR_T_NAME)
			return false;
	}
	return true;
}

static void read_import(struct python *p)
{
	struct sr_token name;

	do {
		if (!next(p) || !read_dotted(p, &name))
			break;
		if (token_is(&p->t, "as") && next(p))
			(void)next(p);
		if (p->t.type != SR_T_NEWLINE && p->t.type != SR_T_END && !token_op(&p->t, ',') && !token_op(&p->t, ';'))
			break; /* "import x y": no program */
		add(p, &name);
	} while (token_op(&p->t, ','));
	p->again = true;
}

static void read_from(struct python *p)
{
	struct sr_token name;

	if (next(p) && read_dotted(p, &name) && token_is(&p->t, "import"))
		add(p, &name);
	p->again = true;
}

/* __import__("x"), import_module("x.y"): the name's literal. */
static void read_call(struct python *p)
{
	struct sr_token name;
	const char *dot;

	if (!next(p) || !token_op(&p->t, '(')) {
		p->again = true;
		return;
	}
	if (next(p) && p->t.type == SR_T_STRING && p->t.plain) {
		name = p->t;
		dot = memchr(name.at, '.', name.len);
		name.len = dot ? (size_t)(dot - name.at) : name.len;
		for (size_t i = 0; i < name.len; i++) {
			if (!is_name_byte((unsigned char)name.at[i]))
				name.len = 0;
		}
		if (next(p) && (token_op(&p->t, ')') || token_op(&p->t, ',')) && name.len)
			add(p, &name);
	}
	p->again = true;
}

/* sys.exit and the like in a handler: what it stands for was needed. */
static void read_exit(struct python *p)
{
	if (next(p) && token_op(&p->t, '('))
		give_up(p);
	p->again = true;
}

static void read_word(struct python *p, bool statement)
{
	if (statement && token_is(&p->t, "import"))
		read_import(p);
	else if (statement && token_is(&p->t, "from"))
		read_from(p);
	else if (statement && token_is(&p->t, "raise"))
		give_up(p);
	else if (token_is(&p->t, "__import__") || token_is(&p->t, "import_module"))
		read_call(p);
	else if (token_is(&p->t, "exit") || token_is(&p->t, "quit") || token_is(&p->t, "_exit"))
		read_exit(p);
}

void imports_python(struct sr_cursor c, struct sr_uses *u)
{
	struct python p = { .c = c, .u = u, .line_start = true };
	struct sr_token previous = { .type = SR_T_END };
	bool statement = true;

	while (next(&p)) {
		struct sr_token seen = p.t;
		bool starts = statement;

		if (p.t.type == SR_T_NEWLINE) {
			statement = true;
			continue;
		}
		statement = p.depth == 0 && (token_op(&p.t, ';') || token_op(&p.t, ':'));
		if (p.line_start)
			begin_line(&p);
		else if (p.header)
			read_header(&p, &previous);
		if (p.t.type == SR_T_NAME)
			read_word(&p, starts);
		previous = seen;
	}
	while (p.block_count)
		pop_block(&p);
}
