/* SPDX-License-Identifier: MIT */
#include "policy/ini-read.h"

#include <errno.h>
#include <ini.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "policy/limit.h"

int ini_refuse(struct sr_ini *in, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(in->reason, sizeof(in->reason), fmt, ap);
	va_end(ap);
	in->failed = sr_error_set(in->err, in->format->code, EINVAL, in->format->stage, "%s %s:%u: %s", in->format->cannot,
				  in->label, in->line, in->reason);
	return in->failed;
}

int ini_oom(struct sr_ini *in)
{
	in->failed = sr_error_oom(in->err, in->format->stage);
	return in->failed;
}

int ini_no_value(struct sr_ini *in, const struct sr_ini_key *key)
{
	int e = ini_refuse(in, "%s has no value", key->name);

	sr_error_hint(in->err, "write %s = VALUE, or leave the line out", key->name);
	return e;
}

bool ini_settle(struct sr_ini *in)
{
	if (!in->problems || in->failed == -ENOMEM)
		return false;
	if (ini_problem_add(in->problems, in->line, in->reason, in->err->hint) < 0) {
		(void)ini_oom(in);
		return false;
	}
	in->failed = 0;
	return true;
}

int ini_problem_add(struct sr_ini_problems *p, unsigned int line, const char *reason, const char *hint)
{
	SR_AUTOFREE char *own_reason = strdup(reason), *own_hint = strdup(hint);
	struct sr_ini_problem *bigger = realloc(p->items, (p->count + 1) * sizeof(*bigger));

	if (bigger)
		p->items = bigger;
	if (!bigger || !own_reason || !own_hint)
		return -ENOMEM;
	bigger[p->count++] = (struct sr_ini_problem){ .line = line, .reason = SR_TAKE_PTR(own_reason),
						      .hint = SR_TAKE_PTR(own_hint) };
	return 0;
}

void ini_problems_done(struct sr_ini_problems *p)
{
	for (size_t i = 0; i < p->count; i++) {
		free(p->items[i].reason);
		free(p->items[i].hint);
	}
	free(p->items);
	*p = (struct sr_ini_problems){ .count = 0 };
}

/* ---- values -------------------------------------------------------------------------------------------------------- */

int ini_take_limit(struct sr_ini *in, const struct sr_ini_key *key, const char *value, uint64_t *ret)
{
	const struct sr_limit_row *row = &sr_limit_rows[key->id];
	uint64_t number = 0;
	char shown[64];
	int e = limit_parse(row->kind, value, &number);

	(void)str_escape(value, shown, sizeof(shown));
	if (e == -ERANGE && (row->kind == SR_LIMIT_KIND_WEIGHT || row->kind == SR_LIMIT_KIND_WINDOW)) {
		e = ini_refuse(in, "%s = %s is out of range", key->name, shown);
	} else if (e == -ERANGE) {
		e = ini_refuse(in, "%s = %s is too large", key->name, shown);
	} else if (e < 0) {
		e = ini_refuse(in, "%s does not take \"%s\"", key->name, shown);
	} else if (number == 0 && !limit_may_be_zero((enum sr_limit_id)key->id)) {
		e = ini_refuse(in, "%s must not be 0", key->name);
	} else {
		*ret = number;
		return 0;
	}
	sr_error_hint(in->err, "%s takes %s", key->name, limit_takes(row->kind));
	return e;
}

int ini_take_word(struct sr_ini *in, const struct sr_ini_key *key, const char *value, const char *words, int *ret)
{
	size_t len = strlen(value);
	char shown[64];
	int index = 0, e;

	for (const char *word = words; *word; index++) {
		size_t n = strcspn(word, "|");

		if (n == len && strncmp(word, value, n) == 0) {
			*ret = index;
			return 0;
		}
		word += n + (word[n] == '|');
	}
	e = ini_refuse(in, "%s does not take \"%s\"", key->name, str_escape(value, shown, sizeof(shown)));
	sr_error_hint(in->err, "%s takes %s", key->name, words);
	return e;
}

int ini_take_bool(struct sr_ini *in, const struct sr_ini_key *key, const char *value, bool *ret)
{
	int index = 0;
	int e = ini_take_word(in, key, value, "no|yes|false|true", &index);

	if (e == 0)
		*ret = index & 1;
	return e;
}

/* Moves one word from *at to out, which has room for all of it. 1, 0 at the end, -EINVAL for an open quote. */
static int next_word(const char **at, char *out)
{
	const char *p = *at + strspn(*at, " \t");
	char quote = '\0';

	if (!*p || *p == ';')
		return 0; /* inih cuts comments off first lines, not off those that go on */
	for (; *p && (quote || (*p != ' ' && *p != '\t')); p++) {
		if (quote && *p == quote)
			quote = '\0';
		else if (!quote && (*p == '\'' || *p == '"'))
			quote = *p;
		else if (*p == '\\' && quote != '\'' && p[1])
			*out++ = *++p;
		else
			*out++ = *p;
	}
	*out = '\0';
	*at = p;
	return quote ? -EINVAL : 1;
}

int ini_take_words(struct sr_ini *in, const struct sr_ini_key *key, const char *value, struct sr_strv *ret)
{
	SR_AUTOFREE char *word = malloc(strlen(value) + 1);
	int r;

	if (!word)
		return ini_oom(in);
	while ((r = next_word(&value, word)) > 0) {
		if (ret->count == SR_INI_WORDS_MAX) {
			r = ini_refuse(in, "%s has more than %d words", key->name, SR_INI_WORDS_MAX);
			sr_error_hint(in->err, "say it in fewer, with patterns or a folder");
			return r;
		}
		if (strv_add(ret, word) < 0)
			return ini_oom(in);
	}
	if (r == 0)
		return 0;
	r = ini_refuse(in, "%s has a quote that does not end", key->name);
	sr_error_hint(in->err, "close it in the same line; a ';' behind a blank begins a comment, in quotes too");
	return r;
}

/* ---- the text ------------------------------------------------------------------------------------------------------ */

static const struct sr_ini_key *find_key(const struct sr_ini_format *f, const char *section, const char *name)
{
	for (size_t i = 0; i < f->key_count; i++) {
		if (strcmp(f->keys[i].section, section) == 0 && (!name || strcmp(f->keys[i].name, name) == 0))
			return &f->keys[i];
	}
	return NULL;
}

static void hint_keys(struct sr_ini *in, const char *section)
{
	const struct sr_ini_format *f = in->format;
	char list[512];
	size_t used = 0;

	for (size_t i = 0; i < f->key_count && used < sizeof(list); i++) {
		int n;

		if (strcmp(f->keys[i].section, section) != 0)
			continue;
		n = snprintf(list + used, sizeof(list) - used, "%s%s", used ? ", " : "", f->keys[i].name);
		used += n > 0 ? (size_t)n : 0;
	}
	sr_error_hint(in->err, "[%s] takes %s", section, list);
}

/* The table may name a section in several places. */
static void hint_sections(struct sr_ini *in)
{
	const struct sr_ini_format *f = in->format;
	char list[256];
	size_t used = 0;

	for (size_t i = 0; i < f->key_count && used < sizeof(list); i++) {
		int n;

		if (find_key(f, f->keys[i].section, NULL) != &f->keys[i])
			continue;
		n = snprintf(list + used, sizeof(list) - used, "%s[%s]", used ? ", " : "", f->keys[i].section);
		used += n > 0 ? (size_t)n : 0;
	}
	sr_error_hint(in->err, "there %s %s", strchr(list, ',') ? "are" : "is", list);
}

static int refuse_section(struct sr_ini *in, const char *section)
{
	char shown[64];
	int e = in->format->explain ? in->format->explain(in, section, NULL, NULL) : 0;

	if (e < 0)
		return e;
	e = ini_refuse(in, "unknown section [%s]", str_escape(section, shown, sizeof(shown)));
	hint_sections(in);
	return e;
}

static int refuse_key(struct sr_ini *in, const char *section, const char *name, const char *value)
{
	char shown[64];
	int e;

	(void)str_escape(name, shown, sizeof(shown));
	if (!*section) {
		e = ini_refuse(in, "key \"%s\" stands before the first section", shown);
		sr_error_hint(in->err, "start with a line such as [%s]", find_key(in->format, "limits", NULL) ? "limits" : "run");
		return e;
	}
	if (!find_key(in->format, section, NULL))
		return refuse_section(in, section);
	e = in->format->explain ? in->format->explain(in, section, name, value) : 0;
	if (e != 0)
		return e < 0 ? e : 0;
	e = ini_refuse(in, "unknown key \"%s\" in [%s]", shown, section);
	hint_keys(in, section);
	return e;
}

static int take_pair(struct sr_ini *in, const char *section, const char *name, const char *value)
{
	const struct sr_ini_key *key = find_key(in->format, section, name);
	bool continued = in->indented && in->last && key == in->last;
	int e;

	if (!key)
		return refuse_key(in, section, name, value ? value : "");
	if (continued && !key->list) {
		e = ini_refuse(in, "an indented line goes on with %s, which takes one line", key->name);
		sr_error_hint(in->err, "take the blanks away in front of a line of its own");
		return e;
	}
	if (!continued && in->seen[key - in->format->keys]) {
		e = ini_refuse(in, "%s in [%s] a second time", key->name, section);
		sr_error_hint(in->err, key->list ? "go on with a list in a line that starts with a blank" : "leave one of the lines out");
		return e;
	}
	in->seen[key - in->format->keys] = true;
	in->last = key;
	return key->take(in, key, value ? value : "");
}

/* inih's handler: 1 is good, 0 bad. Where errors end the reading nothing is looked at after the first. */
static int on_pair(void *user, const char *section, const char *name, const char *value)
{
	struct sr_ini *in = user;

	in->unheard = false;
	if (in->skip)
		return 1;
	return !in->failed && (take_pair(in, section, name, value) == 0 || ini_settle(in));
}

static void refuse_line(struct sr_ini *in)
{
	(void)ini_refuse(in, "neither [section] nor key = value");
	sr_error_hint(in->err, "comments start with ; or #");
}

/* inih knows a header by its bracket alone and calls nothing for it, so that is looked at here. */
static void check_header(struct sr_ini *in, const char *line, size_t len)
{
	const char *close = memchr(line, ']', len);
	char name[64];

	in->last = NULL;
	in->skip = false;
	if (!close) {
		if (in->problems)
			refuse_line(in);
		return; /* inih reports it */
	}
	if ((size_t)(close - line) > sizeof(name)) {
		(void)ini_refuse(in, "a section name of %zu bytes", (size_t)(close - line) - 1);
		return;
	}
	memcpy(name, line + 1, (size_t)(close - line) - 1);
	name[close - line - 1] = '\0';
	if (!find_key(in->format, name, NULL))
		(void)refuse_section(in, name);
}

/* inih calls on_pair() for such a line, or finds it bad; it says so for the first one of a text only. */
static bool holds_key(const char *line)
{
	if (str_has_prefix(line, "\xef\xbb\xbf"))
		line += 3;
	line += strspn(line, " \t\r\n\v\f");
	return *line && !strchr(";#[", *line);
}

/* The line before was one that inih passed over in silence. False where the reading ends. */
static bool hear(struct sr_ini *in)
{
	if (!in->unheard)
		return true;
	in->unheard = false;
	if (in->skip)
		return true;
	refuse_line(in);
	return ini_settle(in);
}

/* What inih would not see, or see in pieces. */
static void check_bytes(struct sr_ini *in, const char *line, size_t len, size_t size)
{
	if (memchr(line, '\0', len)) {
		(void)ini_refuse(in, "a NUL byte");
		sr_error_hint(in->err, "write the file as plain text");
	} else if (in->format->utf8 && !str_is_utf8(line, len)) {
		(void)ini_refuse(in, "bytes that are not UTF-8");
		sr_error_hint(in->err, "write the file as UTF-8 text: iconv -t UTF-8");
	} else if (len + 1 > size) {
		(void)ini_refuse(in, "a line of %zu bytes; %zu are the limit", len, size - 1);
		sr_error_hint(in->err, "a list may go on in the next line when that starts with a blank");
	}
}

/* inih's reader, in the manner of fgets: a line that does not fit would come in pieces, so it is refused. */
static char *next_line(char *buf, int size, void *stream)
{
	struct sr_ini *in = stream;
	const char *line = in->next, *stop;
	size_t len;

	if (in->failed || !hear(in) || line == in->end)
		return NULL;
	stop = memchr(line, '\n', (size_t)(in->end - line));
	len = (size_t)((stop ? stop + 1 : in->end) - line);
	in->next += len;
	in->line++;
	check_bytes(in, line, len, (size_t)size);
	if (in->failed) {
		if (!ini_settle(in))
			return NULL;
		len = 0; /* inih gets an empty line instead */
	}
	memcpy(buf, line, len);
	buf[len] = '\0';
	in->indented = *buf == ' ' || *buf == '\t';
	in->unheard = in->problems && holds_key(buf);
	if (*buf == '[')
		check_header(in, buf, len);
	if (!in->failed)
		return buf;
	in->skip = ini_settle(in);
	return in->skip ? buf : NULL;
}

static bool has_problem(const struct sr_ini_problems *p, unsigned int line)
{
	for (size_t i = 0; i < p->count; i++) {
		if (p->items[i].line == line)
			return true;
	}
	return false;
}

int ini_read_all(const struct sr_ini_format *format, const char *label, const char *text, size_t len, void *into,
		 struct sr_ini_problems *problems, struct sr_error *err)
{
	struct sr_error last = SR_ERROR_INIT;
	char shown[256];
	struct sr_ini in = { .format = format,
			     .label = str_escape(label, shown, sizeof(shown)),
			     .into = into,
			     .err = &last,
			     .problems = problems,
			     .next = text,
			     .end = text + len };
	int line = ini_parse_stream(next_line, &in, on_pair, &in);

	if (line < 0 || in.failed || !hear(&in))
		return sr_error_oom(err, format->stage);
	if (line > 0 && !has_problem(problems, (unsigned int)line)) {
		in.line = (unsigned int)line;
		refuse_line(&in);
		if (!ini_settle(&in))
			return sr_error_oom(err, format->stage);
	}
	return 0;
}

int ini_read(const struct sr_ini_format *format, const char *label, const char *text, size_t len, void *into,
	     struct sr_error *err)
{
	char shown[256];
	struct sr_ini in = { .format = format,
			     .label = str_escape(label, shown, sizeof(shown)),
			     .into = into,
			     .err = err,
			     .next = text,
			     .end = text + len };
	int line;

	if (format->key_count > SR_INI_KEYS_MAX)
		return sr_error_set(err, SR_E_INTERNAL, E2BIG, format->stage, "cannot read %s: its table of keys is too long", in.label);
	line = ini_parse_stream(next_line, &in, on_pair, &in);
	if (line < 0 && !in.failed) {
		(void)ini_oom(&in);
	} else if (line > 0 && (!in.failed || (unsigned int)line < in.line)) {
		in.line = (unsigned int)line; /* inih's own error, before any of ours */
		refuse_line(&in);
	}
	return in.failed;
}
