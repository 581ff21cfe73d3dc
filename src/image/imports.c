/* SPDX-License-Identifier: MIT */
#include "image/imports.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "image/imports-internal.h"

#define DIRECTIVE_LINES 20

/* ---- what the readers note ------------------------------------------------------------------------------------------ */

void uses_add(struct sr_uses *u, const char *name, size_t len, unsigned line, unsigned flags)
{
	if (len == 0 || len > SR_MODULE_MAX || u->failed)
		return;
	if (u->count == SR_USES_MAX) {
		u->cut = true;
		return;
	}
	if (u->count == u->size) {
		size_t size = u->size ? 2 * u->size : 32;
		struct sr_use *items = realloc(u->items, size * sizeof(*items));

		if (!items) {
			u->failed = -ENOMEM;
			return;
		}
		u->items = items;
		u->size = size;
	}
	u->items[u->count++] = (struct sr_use){ .name = name, .len = len, .line = line, .flags = flags };
}

void uses_mark(struct sr_uses *u, size_t first, size_t end, unsigned flag)
{
	for (size_t i = first; i < end && i < u->count; i++)
		u->items[i].flags |= flag;
}

static bool is_standard(const struct sr_uses *u, const struct sr_use *use)
{
	return (use->flags & SR_USE_STANDARD) || import_is_standard(u->language, use->name, use->len);
}

bool uses_need(const struct sr_uses *u, size_t first, size_t end)
{
	for (size_t i = first; i < end && i < u->count; i++) {
		if (!(u->items[i].flags & (SR_USE_OPTIONAL | SR_USE_TYPING)) && !is_standard(u, &u->items[i]))
			return true;
	}
	return false;
}

/*
 * A handler that ends the program, or that can do no better than import something else which must be installed too, makes
 * what it stands in for no less wanted.
 */
void uses_handled(struct sr_uses *u, size_t first, size_t body_end, size_t handler, bool gives_up)
{
	bool other = uses_need(u, handler, u->count);

	uses_mark(u, handler, u->count, SR_USE_OPTIONAL);
	if (!gives_up && !other)
		uses_mark(u, first, body_end, SR_USE_OPTIONAL);
}

/* ---- each module once ----------------------------------------------------------------------------------------------- */

static enum sr_import_kind kind_of(const struct sr_uses *u, const struct sr_use *use)
{
	if (is_standard(u, use))
		return SR_IMPORT_STANDARD;
	if (use->flags & SR_USE_TYPING)
		return SR_IMPORT_TYPING;
	return use->flags & SR_USE_OPTIONAL ? SR_IMPORT_OPTIONAL : SR_IMPORT_WANTED;
}

static struct sr_import *find(struct sr_imports *ret, const struct sr_use *use)
{
	for (size_t i = 0; i < ret->count; i++) {
		if (strncmp(ret->items[i].name, use->name, use->len) == 0 && !ret->items[i].name[use->len])
			return &ret->items[i];
	}
	return NULL;
}

/* R: `if (requireNamespace("x")) x::y()` asks whether it may. */
static void mark_guarded(struct sr_uses *u, const struct sr_use *guard)
{
	for (size_t i = 0; i < u->count; i++) {
		struct sr_use *use = &u->items[i];

		if ((use->flags & SR_USE_QUALIFIED) && use->len == guard->len && memcmp(use->name, guard->name, use->len) == 0)
			use->flags |= SR_USE_OPTIONAL;
	}
}

static void settle_guards(struct sr_uses *u)
{
	size_t guards = 0;

	for (size_t i = 0; i < u->count; i++) {
		if (!(u->items[i].flags & SR_USE_GUARD))
			continue;
		if (++guards > SR_IMPORTS_MAX) { /* no script that is meant well */
			u->cut = true;
			return;
		}
		u->items[i].flags |= SR_USE_OPTIONAL;
		mark_guarded(u, &u->items[i]);
	}
}

static int fold(struct sr_uses *u, struct sr_imports *ret)
{
	settle_guards(u);
	ret->items = u->count ? calloc(u->count < SR_IMPORTS_MAX ? u->count : SR_IMPORTS_MAX, sizeof(*ret->items)) : NULL;
	if (u->count && !ret->items)
		return -ENOMEM;
	for (size_t i = 0; i < u->count; i++) {
		const struct sr_use *use = &u->items[i];
		enum sr_import_kind kind = kind_of(u, use);
		struct sr_import *had = find(ret, use);

		if (had && kind < had->kind) { /* the strongest reason counts, and where it stands */
			had->kind = kind;
			had->line = use->line;
		}
		if (had)
			continue;
		if (ret->count == SR_IMPORTS_MAX) {
			ret->cut = true;
			break;
		}
		ret->items[ret->count] = (struct sr_import){ .name = strndup(use->name, use->len), .line = use->line, .kind = kind };
		if (!ret->items[ret->count].name)
			return -ENOMEM;
		ret->count++;
	}
	return 0;
}

static int by_line(const void *a, const void *b)
{
	const struct sr_import *x = a, *y = b;

	return x->line != y->line ? (x->line < y->line ? -1 : 1) : strcmp(x->name, y->name);
}

/* ---- # sandrun: environment=NAME ------------------------------------------------------------------------------------ */

static const char *pass(const char *at, const char *end, const char *bytes)
{
	while (at < end && *at && strchr(bytes, *at))
		at++;
	return at;
}

static const char *pass_word(const char *at, const char *end, const char *word)
{
	size_t n = strlen(word);

	return (size_t)(end - at) >= n && memcmp(at, word, n) == 0 ? at + n : NULL;
}

/* The name in a comment line of the form `# sandrun: environment=NAME`, or 0. */
static size_t directive(const char *at, const char *end, const char **ret)
{
	const char *mark, *stop;

	at = pass(at, end, " \t");
	mark = pass(at, end, "#/-;%");
	if (mark == at || (*at != '#' && mark - at < 2 && *at != ';' && *at != '%'))
		return 0;
	at = pass_word(pass(mark, end, " \t"), end, "sandrun:");
	at = at ? pass_word(pass(at, end, " \t"), end, "environment") : NULL;
	at = at ? pass(at, end, " \t") : NULL;
	if (!at || at == end || *at != '=')
		return 0;
	at = pass(at + 1, end, " \t");
	for (stop = at; stop < end && (unsigned char)*stop > ' '; stop++)
		;
	*ret = at;
	return (size_t)(stop - at);
}

static int read_directive(const char *data, size_t len, struct sr_imports *ret)
{
	const char *at = data, *end = data + len;

	for (unsigned line = 1; line <= DIRECTIVE_LINES && at < end; line++) {
		const char *stop = memchr(at, '\n', (size_t)(end - at)), *name = NULL;
		size_t n;

		stop = stop ? stop : end;
		n = directive(at, stop, &name);
		if (n > 0) {
			ret->environment = strndup(name, n < 256 ? n : 256);
			ret->environment_line = line;
			return ret->environment ? 0 : -ENOMEM;
		}
		at = stop < end ? stop + 1 : end;
	}
	return 0;
}

/* ---- all of it ------------------------------------------------------------------------------------------------------ */

enum sr_script_language script_language(const char *lang_name)
{
	static const struct {
		const char *name;
		enum sr_script_language language;
	} rows[] = { { "python", SR_SCRIPT_PYTHON }, { "node", SR_SCRIPT_JAVASCRIPT }, { "typescript", SR_SCRIPT_JAVASCRIPT },
		     { "R", SR_SCRIPT_R },	     { "ruby", SR_SCRIPT_RUBY } };

	for (size_t i = 0; lang_name && i < SR_ELEMENTSOF(rows); i++) {
		if (strcmp(rows[i].name, lang_name) == 0)
			return rows[i].language;
	}
	return SR_SCRIPT_OTHER;
}

static int read_uses(enum sr_script_language language, struct sr_cursor c, struct sr_imports *ret)
{
	static void (*const readers[SR_SCRIPT_LANGUAGES])(struct sr_cursor, struct sr_uses *) = {
		[SR_SCRIPT_PYTHON] = imports_python,
		[SR_SCRIPT_JAVASCRIPT] = imports_javascript,
		[SR_SCRIPT_R] = imports_r,
		[SR_SCRIPT_RUBY] = imports_ruby,
	};
	struct sr_uses u = { .language = language };
	int r;

	if (!readers[language])
		return 0;
	readers[language](c, &u);
	r = u.failed ? u.failed : fold(&u, ret);
	ret->cut = ret->cut || u.cut;
	if (r == 0 && ret->items)
		qsort(ret->items, ret->count, sizeof(*ret->items), by_line);
	free(u.items);
	return r;
}

int imports_read(enum sr_script_language language, const char *data, size_t len, struct sr_imports *ret)
{
	struct sr_cursor c = { .line = 1 };
	int r;

	*ret = (struct sr_imports){ .cut = len > SR_IMPORTS_READ_MAX };
	if (ret->cut)
		len = SR_IMPORTS_READ_MAX;
	if (len >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0) {
		data += 3;
		len -= 3;
	}
	c.at = data;
	c.end = data + len;
	r = read_directive(data, len, ret);
	if (r == 0 && language == SR_SCRIPT_PYTHON)
		r = imports_metadata(data, len, ret);
	return r == 0 ? read_uses(language, c, ret) : r;
}

void imports_done(struct sr_imports *i)
{
	for (size_t n = 0; n < i->count; n++)
		free(i->items[n].name);
	for (size_t n = 0; n < i->dependency_count; n++) {
		free(i->dependencies[n].text);
		free(i->dependencies[n].name);
		free(i->dependencies[n].module);
	}
	free(i->items);
	free(i->dependencies);
	free(i->environment);
	free(i->requires_python);
	*i = (struct sr_imports){ .items = NULL };
}

/* A feature of a gem may be named by the gem, whose '-' is '/' by custom: net-ssh brings net/ssh. */
static bool is_feature_of(const char *feature, const char *gem)
{
	for (; *gem; feature++, gem++) {
		if (*feature != *gem && !(*feature == '/' && *gem == '-') && !(*feature == '-' && *gem == '/'))
			return false;
	}
	return !*feature || *feature == '/';
}

bool import_is_in(enum sr_script_language language, const char *name, const struct sr_strv *have)
{
	for (size_t i = 0; i < have->count; i++) {
		if (strcmp(have->items[i], name) == 0 || (language == SR_SCRIPT_RUBY && is_feature_of(name, have->items[i])))
			return true;
	}
	return false;
}
