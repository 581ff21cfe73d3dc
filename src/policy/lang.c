/* SPDX-License-Identifier: MIT */
#include "policy/lang.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/*
 * Compile, then become the program. A compiler's failure is the run's: its messages on standard error, its status. The
 * program lands in /tmp under the source's name, which is what it sees as $0.
 */
#define COMPILE(compiler_arguments)                                    \
	"cc=$1 src=$2; shift 2; out=${src##*/}; out=/tmp/${out%.*}; "  \
	compiler_arguments " || exit; exec \"$out\" \"$@\""

/*
 * go build wants a name that ends in .go, and in a project with a go.mod the whole package.
 */
#define COMPILE_GO                                                                                             \
	"case $src in *.go) ;; *) cp \"$src\" /tmp/main.go && src=/tmp/main.go || exit ;; esac; "               \
	"if [ -e \"${src%/*}/go.mod\" ]; then (cd \"${src%/*}\" && \"$cc\" build -o \"$out\" .); "              \
	"else \"$cc\" build -o \"$out\" \"$src\"; fi"

#define RUN_COMPILED "sh -c %x sh %i %f %a"

static const struct sr_lang builtin[] = {
	{ .name = "python",
	  .aliases = "py",
	  .extensions = "py pyw pyz",
	  .programs = "python3 python",
	  .file = "%i %f %a",
	  .code = "%i -c %c %a",
	  .input = "%i - %a",
	  .repl = "%i",
	  .flags = SR_LANG_PYTHON },
	{ .name = "node",
	  .aliases = "javascript js",
	  .extensions = "js mjs cjs",
	  .programs = "node nodejs",
	  .file = "%i %f %a",
	  .code = "%i -e %c -- %a",
	  .input = "%i - %a",
	  .repl = "%i",
	  .no_jit = "--jitless --no-expose-wasm" },
	/* Types are stripped by tsx and bun, and by node from 22.6 on with the flag (later ones accept it and need it not). */
	{ .name = "typescript",
	  .aliases = "ts",
	  .extensions = "ts mts cts",
	  .programs = "tsx bun node,--experimental-strip-types nodejs,--experimental-strip-types",
	  .file = "%i %f %a" },
	{ .name = "bash",
	  .extensions = "bash",
	  .programs = "bash",
	  .file = "%i %f %a",
	  .code = "%i -c %c %n %a",
	  .input = "%i -s -- %a",
	  .repl = "%i",
	  .flags = SR_LANG_SHELL },
	{ .name = "sh",
	  .aliases = "shell",
	  .extensions = "sh",
	  .programs = "sh",
	  .file = "%i %f %a",
	  .code = "%i -c %c %n %a",
	  .input = "%i -s -- %a",
	  .repl = "%i",
	  .flags = SR_LANG_SHELL },
	{ .name = "ruby",
	  .aliases = "rb",
	  .extensions = "rb",
	  .programs = "ruby",
	  .file = "%i %f %a",
	  .code = "%i -e %c -- %a",
	  .input = "%i - %a",
	  .repl = "irb" },
	{ .name = "perl",
	  .aliases = "pl",
	  .extensions = "pl pm t",
	  .programs = "perl",
	  .file = "%i %f %a",
	  .code = "%i -e %c -- %a",
	  .input = "%i - %a",
	  .repl = "%i -de 0" },
	/* Rscript -e splits code with blanks in it up and joins it again, so code is kept as a file. */
	{ .name = "R",
	  .aliases = "rscript",
	  .extensions = "R r",
	  .programs = "Rscript",
	  .file = "%i %f %a",
	  .input = "R --no-echo --no-restore --file=- --args %a",
	  .repl = "R --no-save" },
	{ .name = "php",
	  .extensions = "php",
	  .programs = "php",
	  .file = "%i %f %a",
	  .code = "%i -r %c -- %a",
	  .input = "%i -- %a",
	  .repl = "%i -a",
	  .no_jit = "-dpcre.jit=0" },
	/* lua -e takes the first argument for a script, so code is kept as a file. */
	{ .name = "lua",
	  .extensions = "lua",
	  .programs = "lua lua5.4 lua5.3 lua5.2 lua5.1 luajit",
	  .file = "%i %f %a",
	  .input = "%i - %a",
	  .repl = "%i" },
	{ .name = "awk",
	  .extensions = "awk",
	  .programs = "awk gawk mawk",
	  .file = "%i -f %f -- %a",
	  .code = "%i -- %c %a",
	  .input = "%i -f - -- %a" },
	{ .name = "go",
	  .aliases = "golang",
	  .extensions = "go",
	  .programs = "go",
	  .file = RUN_COMPILED,
	  .compile = COMPILE(COMPILE_GO),
	  .variables = "GOCACHE=/tmp/.go-cache GOPATH=/tmp/.go GOTOOLCHAIN=local GOPROXY=off GOFLAGS=-buildvcs=false" },
	{ .name = "c",
	  .extensions = "c",
	  .programs = "cc gcc clang tcc",
	  .file = RUN_COMPILED,
	  .compile = COMPILE("\"$cc\" -O2 -o \"$out\" -x c \"$src\" -x none -lm") },
	{ .name = "c++",
	  .aliases = "cpp cxx",
	  .extensions = "cpp cc cxx c++ C",
	  .programs = "c++ g++ clang++",
	  .file = RUN_COMPILED,
	  .compile = COMPILE("\"$cc\" -O2 -o \"$out\" -x c++ \"$src\" -x none") },
	{ .name = "wasm",
	  .aliases = "webassembly",
	  .extensions = "wasm wat",
	  .programs = "wasmtime iwasm",
	  .file = "%i %f %a",
	  .flags = SR_LANG_BINARY },
};

bool lang_next_word(const char **list, char *out, size_t out_size)
{
	const char *s = *list;
	size_t n;

	if (!s)
		return false;
	s += strspn(s, " \t");
	n = strcspn(s, " \t");
	if (n == 0)
		return false;
	(void)snprintf(out, out_size, "%.*s", (int)n, s);
	*list = s + n;
	return true;
}

static bool has_word(const char *list, const char *word, bool any_case)
{
	char have[256];

	while (lang_next_word(&list, have, sizeof(have))) {
		have[strcspn(have, ",")] = '\0'; /* a program's flags */
		if ((any_case ? strcasecmp : strcmp)(have, word) == 0)
			return true;
	}
	return false;
}

/* Calls match on each row, the user's first. */
static const struct sr_lang *find_row(const struct sr_langs *user, bool (*match)(const struct sr_lang *, const char *),
				      const char *text)
{
	for (size_t i = 0; user && i < user->count; i++) {
		if (match(&user->rows[i], text))
			return &user->rows[i];
	}
	for (size_t i = 0; i < SR_ELEMENTSOF(builtin); i++) {
		if (match(&builtin[i], text))
			return &builtin[i];
	}
	return NULL;
}

static bool match_name(const struct sr_lang *l, const char *name)
{
	return strcasecmp(l->name, name) == 0 || has_word(l->aliases, name, true);
}

const struct sr_lang *lang_by_name(const struct sr_langs *user, const char *name)
{
	return find_row(user, match_name, name);
}

static bool match_extension(const struct sr_lang *l, const char *extension)
{
	return has_word(l->extensions, extension, false);
}

static bool match_extension_any_case(const struct sr_lang *l, const char *extension)
{
	return has_word(l->extensions, extension, true);
}

const struct sr_lang *lang_by_extension(const struct sr_langs *user, const char *file_name)
{
	const char *slash = strrchr(file_name, '/');
	const char *base = slash ? slash + 1 : file_name;
	const char *dot = strrchr(base, '.');
	const struct sr_lang *l;

	if (!dot || dot == base) /* ".py" is a hidden file, not an empty name with an extension */
		return NULL;
	l = find_row(user, match_extension, dot + 1);
	return l ? l : find_row(user, match_extension_any_case, dot + 1);
}

/* Compiled rows have no interpreter that a shebang could name. */
static bool match_program(const struct sr_lang *l, const char *program)
{
	return !l->compile && has_word(l->programs, program, false);
}

const struct sr_lang *lang_by_program(const struct sr_langs *user, const char *program, bool *ret_versioned)
{
	const struct sr_lang *l = find_row(user, match_program, program);
	char stem[64];
	size_t n;

	*ret_versioned = false;
	if (l)
		return l;
	n = strlen(program);
	while (n > 0 && ((program[n - 1] >= '0' && program[n - 1] <= '9') || program[n - 1] == '.' || program[n - 1] == '-'))
		n--;
	if (n == 0 || n == strlen(program) || n >= sizeof(stem))
		return NULL;
	memcpy(stem, program, n);
	stem[n] = '\0';
	*ret_versioned = true;
	return find_row(user, match_program, stem);
}

char *lang_list(const struct sr_langs *user, char *out, size_t out_size)
{
	size_t n = 0;

	*out = '\0';
	for (size_t i = 0; i < SR_ELEMENTSOF(builtin) + (user ? user->count : 0); i++) {
		const char *name = i < SR_ELEMENTSOF(builtin) ? builtin[i].name : user->rows[i - SR_ELEMENTSOF(builtin)].name;
		int r = snprintf(out + n, out_size - n, "%s%s", n ? ", " : "", name);

		if (r < 0 || (size_t)r >= out_size - n)
			break;
		n += (size_t)r;
	}
	return out;
}

static int add_all(struct sr_strv *ret, const struct sr_strv *words)
{
	for (size_t i = 0; words && i < words->count; i++) {
		if (strv_add(ret, words->items[i]) < 0)
			return -ENOMEM;
	}
	return 0;
}

int lang_argv(const struct sr_lang *l, const char *template, const struct sr_lang_start *s, struct sr_strv *ret)
{
	char word[256];

	while (lang_next_word(&template, word, sizeof(word))) {
		const char *slash = s->program ? strrchr(s->program, '/') : NULL;
		int r;

		if (strcmp(word, "%i") == 0)
			r = strv_add(ret, s->program) < 0 ? -ENOMEM : add_all(ret, s->flags);
		else if (strcmp(word, "%n") == 0)
			r = strv_add(ret, slash ? slash + 1 : s->program);
		else if (strcmp(word, "%f") == 0)
			r = strv_add(ret, s->file);
		else if (strcmp(word, "%c") == 0)
			r = strv_add(ret, s->code);
		else if (strcmp(word, "%a") == 0)
			r = add_all(ret, s->args);
		else if (strcmp(word, "%x") == 0)
			r = strv_add(ret, l->compile);
		else
			r = strv_add(ret, word);
		if (r < 0)
			return r;
	}
	return 0;
}

void langs_done(struct sr_langs *l)
{
	free(l->rows);
	strv_done(&l->strings);
	l->rows = NULL;
	l->count = 0;
}

/* `env -S WORDS` or `env NAME`. rest is what stands behind env, trimmed. */
static int parse_env(struct sr_shebang *s, const char *rest)
{
	bool split = str_has_prefix(rest, "-S");
	const char *words = split ? rest + 2 : rest;
	char word[256];

	words += strspn(words, " \t");
	if (!*words)
		return -ENOEXEC;
	/* Quotes, escapes, variables, assignments and further options are env's own business: it is run as the kernel would. */
	if (*words == '-' || strpbrk(words, "\"'\\$#="))
		return strv_add(&s->args, rest);
	if (!split && strpbrk(words, " \t"))
		return -EINVAL;
	s->env = true;
	(void)lang_next_word(&words, s->program, sizeof(s->program));
	while (lang_next_word(&words, word, sizeof(word))) {
		if (strv_add(&s->args, word) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int parse_line(struct sr_shebang *s, const char *line)
{
	const char *rest = line;
	const char *slash;

	if (!lang_next_word(&rest, s->program, sizeof(s->program)))
		return -ENOEXEC;
	rest += strspn(rest, " \t");
	slash = strrchr(s->program, '/');
	if (slash && strcmp(slash, "/env") == 0)
		return *rest ? parse_env(s, rest) : -ENOEXEC;
	return *rest ? strv_add(&s->args, rest) : 0;
}

int shebang_parse(const char *data, size_t len, struct sr_shebang *ret)
{
	struct sr_shebang s = { .env = false };
	char line[256];
	size_t n = 2;
	int r;

	if (len < 2 || data[0] != '#' || data[1] != '!')
		return 0;
	while (n < len && data[n] != '\n') {
		if (n >= sizeof(line) - 1)
			return -ENAMETOOLONG;
		if (!data[n])
			return -EILSEQ;
		n++;
	}
	memcpy(line, data + 2, n - 2);
	n -= 2;
	if (n > 0 && line[n - 1] == '\r') {
		s.crlf = true;
		n--;
	}
	while (n > 0 && (line[n - 1] == ' ' || line[n - 1] == '\t'))
		n--;
	line[n] = '\0';
	r = parse_line(&s, line);
	if (r < 0) {
		shebang_done(&s);
		return r;
	}
	*ret = s;
	return 1;
}

void shebang_done(struct sr_shebang *s)
{
	strv_done(&s->args);
}
