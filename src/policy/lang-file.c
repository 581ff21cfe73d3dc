/* SPDX-License-Identifier: MIT */
/*
 * languages.ini, the user's own rows:
 *
 *	[zig]
 *	extension = zig
 *	interpreter = zig,run
 *	file = %i %f -- %a
 *
 * Keys: alias, extension, interpreter, file, code, stdin, repl, variables. `interpreter` is needed; `file` is "%i %f %a"
 * where it is missing. A row of a built-in language's name takes its place.
 */
#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/io.h"
#include "base/xdg.h"
#include "policy/lang.h"

#define STAGE "language"
#define MAX_BYTES (64U << 10)
/* inih cuts what is longer without a word. */
#define MAX_LINE 190U
#define SHOWN(s) str_escape((s), (char[256]){ 0 }, 256)

struct reader {
	const char *path;
	const char *at; /* next line for next_line() */
	int line;       /* the line that inih is handed next */
	struct sr_langs *langs;
	int result;
	struct sr_error *err;
};

static const struct {
	const char *key;
	size_t offset;
} keys[] = {
	{ "alias", offsetof(struct sr_lang, aliases) },      { "extension", offsetof(struct sr_lang, extensions) },
	{ "interpreter", offsetof(struct sr_lang, programs) }, { "file", offsetof(struct sr_lang, file) },
	{ "code", offsetof(struct sr_lang, code) },          { "stdin", offsetof(struct sr_lang, input) },
	{ "repl", offsetof(struct sr_lang, repl) },          { "variables", offsetof(struct sr_lang, variables) },
};

static int bad_line(struct reader *in, const char *what, const char *shown, const char *hint)
{
	in->result = sr_error_set(in->err, SR_E_LANGUAGE, EINVAL, STAGE, "cannot use %s:%d: %s '%s'", SHOWN(in->path),
				  in->line, what, SHOWN(shown));
	sr_error_hint(in->err, "%s", hint);
	return in->result;
}

/* Keeps a text for the rows; NULL when memory is out. */
static const char *keep(struct reader *in, const char *text)
{
	if (strv_add(&in->langs->strings, text) < 0) {
		in->result = sr_error_oom(in->err, STAGE);
		return NULL;
	}
	return in->langs->strings.items[in->langs->strings.count - 1];
}

static struct sr_lang *row_of(struct reader *in, const char *section)
{
	struct sr_langs *l = in->langs;
	struct sr_lang *bigger;

	for (size_t i = 0; i < l->count; i++) {
		if (strcmp(l->rows[i].name, section) == 0)
			return &l->rows[i];
	}
	bigger = realloc(l->rows, (l->count + 1) * sizeof(*bigger));
	if (!bigger) {
		in->result = sr_error_oom(in->err, STAGE);
		return NULL;
	}
	l->rows = bigger;
	l->rows[l->count] = (struct sr_lang){ .name = keep(in, section), .file = "%i %f %a" };
	return l->rows[l->count].name ? &l->rows[l->count++] : NULL;
}

/* Every word that starts with '%' is one that lang_argv() knows, and the template begins with a program. */
static bool is_template(const char *text)
{
	static const char *const known[] = { "%i", "%n", "%f", "%c", "%a" };
	char word[256];
	bool good = *text && *text != '%';

	if (str_has_prefix(text, "%i"))
		good = true;
	while (good && lang_next_word(&text, word, sizeof(word))) {
		size_t i = 0;

		while (*word == '%' && i < SR_ELEMENTSOF(known) && strcmp(word, known[i]) != 0)
			i++;
		good = i < SR_ELEMENTSOF(known);
	}
	return good;
}

static int set_key(struct reader *in, struct sr_lang *row, size_t index, const char *value)
{
	const char **field = (const char **)(void *)((char *)row + keys[index].offset);
	bool template = keys[index].offset >= offsetof(struct sr_lang, file) &&
			keys[index].offset <= offsetof(struct sr_lang, repl);

	if (!*value)
		return bad_line(in, "no value for", keys[index].key, "write KEY = VALUE, or leave the line out");
	if (*field && strcmp(*field, "%i %f %a") != 0)
		return bad_line(in, "a second", keys[index].key, "give each key once");
	if (template && !is_template(value))
		return bad_line(in, "no template:", value, "start with %i or a program's name; then %f, %c, %a, %n or plain words");
	*field = keep(in, value);
	return in->result;
}

/* inih's handler: 1 to go on. The first error stays. */
static int handle(void *user, const char *section, const char *name, const char *value)
{
	struct reader *in = user;
	struct sr_lang *row;

	if (in->result < 0)
		return 0;
	if (!*section || strpbrk(section, " \t/%")) {
		bad_line(in, "no language's name:", section, "start with a line [NAME]");
		return 0;
	}
	row = row_of(in, section);
	for (size_t i = 0; row && i < SR_ELEMENTSOF(keys); i++) {
		if (strcmp(keys[i].key, name) == 0)
			return set_key(in, row, i, value) == 0;
	}
	if (row)
		bad_line(in, "unknown key", name, "keys are alias, extension, interpreter, file, code, stdin, repl, variables");
	return 0;
}

/* fgets(3) for inih, over the text in memory; it counts the lines, which inih does not tell its handler. */
static char *next_line(char *out, int size, void *stream)
{
	struct reader *in = stream;
	size_t n = strcspn(in->at, "\n");

	if (!*in->at || in->result < 0)
		return NULL;
	in->line++;
	if (n > MAX_LINE || (int)n + 2 > size) {
		(void)bad_line(in, "a line longer than 190 bytes:", "...", "make it shorter");
		return NULL;
	}
	memcpy(out, in->at, n);
	in->at += n;
	if (*in->at == '\n') {
		in->at++;
		out[n++] = '\n';
	}
	out[n] = '\0';
	return out;
}

static int check_rows(struct reader *in)
{
	for (size_t i = 0; i < in->langs->count; i++) {
		const struct sr_lang *l = &in->langs->rows[i];

		if (l->programs)
			continue;
		in->result = sr_error_set(in->err, SR_E_LANGUAGE, EINVAL, STAGE, "cannot use %s: [%s] has no interpreter",
					  SHOWN(in->path), SHOWN(l->name));
		sr_error_hint(in->err, "add a line: interpreter = PROGRAM");
		return in->result;
	}
	return 0;
}

/* What names programs to start must be the user's or root's own and nobody else's to write (finding 27). */
static int check_owner(const char *path, const struct stat *st, struct sr_error *err)
{
	bool mine = st->st_uid == geteuid() || st->st_uid == 0;
	bool others = (st->st_mode & 0002) || ((st->st_mode & 0020) && st->st_gid != getegid());
	int r;

	if (S_ISREG(st->st_mode) && mine && !others)
		return 0;
	r = sr_error_set(err, SR_E_LANGUAGE, EPERM, STAGE, "cannot use '%s': %s", SHOWN(path),
			 !S_ISREG(st->st_mode) ? "not a regular file" :
			 mine		       ? "others may write to it" :
						 "it belongs to another user");
	sr_error_hint(err, "make it yours alone: chown \"$(id -u)\" FILE && chmod go-w FILE");
	return r;
}

static int parse(const char *path, char *text, size_t len, struct sr_langs *ret, struct sr_error *err)
{
	struct reader in = { .path = path, .at = text, .langs = ret, .err = err };
	int r;

	if (memchr(text, '\0', len))
		return sr_error_set(err, SR_E_LANGUAGE, EINVAL, STAGE, "cannot use '%s': it holds NUL bytes", SHOWN(path));
	r = ini_parse_stream(next_line, &in, handle, &in);
	if (in.result == 0 && r > 0) {
		in.line = r;
		(void)bad_line(&in, "neither [NAME] nor KEY = VALUE", "...", "see sandrun(1), LANGUAGES");
	} else if (in.result == 0 && r < 0) {
		in.result = sr_error_oom(err, STAGE);
	}
	return in.result < 0 ? in.result : check_rows(&in);
}

int langs_load_file(const char *path, struct sr_langs *ret, struct sr_error *err)
{
	SR_AUTOCLOSE int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	SR_AUTOFREE char *text = NULL;
	struct sr_langs langs = { 0 };
	struct stat st;
	size_t len;
	int r;

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return -ENOENT;
	if (fd < 0 || fstat(fd, &st) < 0)
		return sr_error_set(err, SR_E_LANGUAGE, errno, STAGE, "cannot read '%s': %s", SHOWN(path), strerror(errno));
	r = check_owner(path, &st, err);
	if (r < 0)
		return r;
	r = io_read_all(fd, MAX_BYTES, &text, &len);
	if (r < 0)
		return sr_error_set(err, SR_E_LANGUAGE, -r, STAGE, "cannot read '%s': %s", SHOWN(path), strerror(-r));
	r = parse(path, text, len, &langs, err);
	if (r < 0) {
		langs_done(&langs);
		return r;
	}
	*ret = langs;
	return 0;
}

int langs_load(struct sr_langs *ret, struct sr_error *err)
{
	SR_AUTOFREE char *path = NULL;
	int r = xdg_path(SR_XDG_CONFIG, "languages.ini", &path);

	if (r < 0)
		return r == -ENOENT ? 0 : sr_error_oom(err, STAGE);
	if (access(path, F_OK) < 0) /* also: a home that this user may not enter, which then holds nothing of theirs */
		return 0;
	r = langs_load_file(path, ret, err);
	return r == -ENOENT ? 0 : r;
}
