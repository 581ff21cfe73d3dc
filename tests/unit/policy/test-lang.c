/* SPDX-License-Identifier: MIT */
/* Languages by name, extension and interpreter; templates; shebang lines; the user's languages.ini. */
#include "policy/lang.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../tap.h"

static const char *name_of(const struct sr_lang *l)
{
	return l ? l->name : NULL;
}

static void test_names(void)
{
	static const char *const cases[][2] = {
		{ "python", "python" }, { "py", "python" },   { "Python", "python" }, { "javascript", "node" },
		{ "js", "node" },       { "ts", "typescript" }, { "c++", "c++" },      { "cpp", "c++" },
		{ "r", "R" },           { "R", "R" },         { "golang", "go" },     { "c", "c" },
		{ "sh", "sh" },         { "bash", "bash" },   { "wasm", "wasm" },     { "pyth", NULL },
		{ "", NULL },           { "python3.11", NULL },
	};

	for (size_t i = 0; i < SR_ELEMENTSOF(cases); i++)
		IS_STR(name_of(lang_by_name(NULL, cases[i][0])), cases[i][1], cases[i][0]);
}

static void test_extensions(void)
{
	static const char *const cases[][2] = {
		{ "a.py", "python" },   { "a.b.js", "node" },    { "/x.py/tool", NULL }, { "a.mjs", "node" },
		{ "a.C", "c++" },       { "a.c", "c" },          { "A.PY", "python" },   { "a.R", "R" },
		{ "a.r", "R" },         { ".py", NULL },         { "x/.py", NULL },      { "a.", NULL },
		{ "a", NULL },          { "a.txt", NULL },       { "a.cpp", "c++" },     { "a.go", "go" },
		{ "a.ts", "typescript" }, { "a.lua", "lua" },    { "a.php", "php" },     { "-x.rb", "ruby" },
	};

	for (size_t i = 0; i < SR_ELEMENTSOF(cases); i++)
		IS_STR(name_of(lang_by_extension(NULL, cases[i][0])), cases[i][1], cases[i][0]);
}

static void test_programs(void)
{
	static const struct {
		const char *program, *name;
		bool versioned;
	} cases[] = {
		{ "python3", "python", false }, { "python", "python", false },  { "python3.11", "python", true },
		{ "python2", "python", true },  { "lua5.4", "lua", false },     { "lua5.9", "lua", true },
		{ "nodejs", "node", false },    { "node-18", "node", true },    { "perl5.36.0", "perl", true },
		{ "zsh", NULL, false },         { "gcc", NULL, false },         { "3.11", NULL, false },
		{ "", NULL, false },
	};

	for (size_t i = 0; i < SR_ELEMENTSOF(cases); i++) {
		bool versioned;
		const struct sr_lang *l = lang_by_program(NULL, cases[i].program, &versioned);

		IS_STR(name_of(l), cases[i].name, cases[i].program);
		if (l)
			OK(versioned == cases[i].versioned, "its version");
	}
}

/* argv of a template, joined with '|'. */
static char *joined(const char *lang, const char *template)
{
	static char out[1024];
	const struct sr_lang *l = lang_by_name(NULL, lang);
	char *words[] = { (char *)"a b", (char *)"", NULL };
	char *flag_words[] = { (char *)"-u", NULL };
	struct sr_strv args = { .items = words, .count = 2 }, flags = { .items = flag_words, .count = 1 }, argv = { 0 };
	struct sr_lang_start s = {
		.program = "/usr/bin/prog", .flags = &flags, .file = "/work/f", .code = "co de", .args = &args
	};

	out[0] = '\0';
	if (lang_argv(l, template, &s, &argv) == 0) {
		for (size_t i = 0; i < argv.count; i++) {
			(void)strncat(out, argv.items[i], sizeof(out) - strlen(out) - 1);
			(void)strncat(out, "|", sizeof(out) - strlen(out) - 1);
		}
	}
	strv_done(&argv);
	return out;
}

static void test_templates(void)
{
	const struct sr_lang *c = lang_by_name(NULL, "c");

	IS_STR(joined("python", "%i %f %a"), "/usr/bin/prog|-u|/work/f|a b||", "file, flags and arguments");
	IS_STR(joined("bash", "%i -c %c %n %a"), "/usr/bin/prog|-u|-c|co de|prog|a b||", "code with $0");
	IS_STR(joined("ruby", "irb  x"), "irb|x|", "plain words");
	OK(strstr(joined("c", c->file), "exec \"$out\" \"$@\"|sh|/usr/bin/prog|-u|/work/f|a b||") != NULL, "a compiled row");
}

static void test_list(void)
{
	char list[512], small[12];

	OK(str_has_prefix(lang_list(NULL, list, sizeof(list)), "python, node, "), "the list of names");
	OK(strstr(list, "wasm") != NULL, "to its end");
	OK(strlen(lang_list(NULL, small, sizeof(small))) < sizeof(small), "or cut");
}

/* Reads a shebang; *ret_text is "program|arg|arg|", with a trailing '!' for CRLF and a leading '@' for env. */
static int shebang(const char *data, size_t len, char *text, size_t size)
{
	struct sr_shebang s = { .env = false };
	int r = shebang_parse(data, len, &s);

	text[0] = '\0';
	if (r == 1) {
		(void)snprintf(text, size, "%s%s|", s.env ? "@" : "", s.program);
		for (size_t i = 0; i < s.args.count; i++) {
			size_t n = strlen(text);

			(void)snprintf(text + n, size - n, "%s|", s.args.items[i]);
		}
		if (s.crlf)
			(void)strncat(text, "!", size - strlen(text) - 1);
	}
	shebang_done(&s);
	return r;
}

static void test_shebangs(void)
{
	static const struct {
		const char *line, *want;
		int result;
	} cases[] = {
		{ "print(1)", "", 0 },
		{ "#", "", 0 },
		{ "#!/bin/bash -e\nx", "/bin/bash|-e|", 1 },
		{ "#! \t/bin/sh  \n", "/bin/sh|", 1 },
		{ "#!/usr/bin/awk -f --x\n", "/usr/bin/awk|-f --x|", 1 },
		{ "#!/bin/bash\r\nx", "/bin/bash|!", 1 },
		{ "#!/bin/bash", "/bin/bash|", 1 },
		{ "#!/usr/bin/env python3\n", "@python3|", 1 },
		{ "#!/usr/bin/env -S python3 -u -O\n", "@python3|-u|-O|", 1 },
		{ "#!/usr/bin/env -Spython3 -u\n", "@python3|-u|", 1 },
		{ "#!/usr/bin/env -S A=1 python3\n", "/usr/bin/env|-S A=1 python3|", 1 },
		{ "#!/usr/bin/env -S sh -c 'x'\n", "/usr/bin/env|-S sh -c 'x'|", 1 },
		{ "#!/usr/bin/env -i sh\n", "/usr/bin/env|-i sh|", 1 },
		{ "#!/usr/bin/env python3 -u\n", "", -EINVAL },
		{ "#!/usr/bin/env\n", "", -ENOEXEC },
		{ "#!/usr/bin/env -S\n", "", -ENOEXEC },
		{ "#!\nx", "", -ENOEXEC },
		{ "#!   \r\n", "", -ENOEXEC },
		{ "#!env x\n", "env|x|", 1 },
	};
	char text[600], line[400];

	for (size_t i = 0; i < SR_ELEMENTSOF(cases); i++) {
		int r = shebang(cases[i].line, strlen(cases[i].line), text, sizeof(text));

		if (!OK(r == cases[i].result && strcmp(text, cases[i].want) == 0, "a shebang"))
			tap_note("line %s: %d %s", cases[i].line, r, text);
	}
	IS_INT(shebang("#!/bin/s\0h\n", 11, text, sizeof(text)), -EILSEQ, "a NUL byte in the line");
	IS_INT(shebang("#!/bin/sh\n\0", 11, text, sizeof(text)), 1, "a NUL byte behind it is not the line's");
	memset(line, 'a', sizeof(line));
	memcpy(line, "#!/", 3);
	IS_INT(shebang(line, sizeof(line), text, sizeof(text)), -ENAMETOOLONG, "a line without end");
	line[255] = '\n';
	IS_INT(shebang(line, sizeof(line), text, sizeof(text)), 1, "255 bytes are the most");
	memmove(line + 256, line + 255, 1);
	line[255] = 'a';
	IS_INT(shebang(line, sizeof(line), text, sizeof(text)), -ENAMETOOLONG, "256 are too many");
}

static char ini_path[] = "/tmp/test-lang-XXXXXX";

static int load(const char *text, struct sr_langs *l, struct sr_error *err)
{
	FILE *f = fopen(ini_path, "w");

	*l = (struct sr_langs){ 0 };
	*err = (struct sr_error)SR_ERROR_INIT;
	if (!f || fputs(text, f) < 0 || fclose(f) != 0)
		return -EIO;
	return langs_load_file(ini_path, l, err);
}

static void test_user_rows(void)
{
	struct sr_langs l;
	struct sr_error err;
	bool versioned;
	const struct sr_lang *zig, *py;

	IS_INT(load("; mine\n[zig]\nextension = zig zon\nalias = ziglang\ninterpreter = zig,run\nfile = %i %f -- %a\n"
		    "[python]\ninterpreter = pypy3\ncode = %i -c %c %a\nvariables = A=1 B=2\n",
		    &l, &err),
	       0, "two rows");
	zig = lang_by_extension(&l, "x.zon");
	IS_STR(name_of(zig), "zig", "a new extension");
	OK(zig == lang_by_name(&l, "ZIGLANG"), "a new alias");
	OK(zig == lang_by_program(&l, "zig", &versioned), "a new interpreter");
	IS_STR(zig ? zig->file : NULL, "%i %f -- %a", "its template");
	py = lang_by_name(&l, "python");
	IS_STR(py ? py->programs : NULL, "pypy3", "a row of a built-in name takes its place");
	IS_STR(py ? py->file : NULL, "%i %f %a", "the file template has a default");
	IS_STR(py ? py->variables : NULL, "A=1 B=2", "variables");
	IS_STR(name_of(lang_by_name(&l, "node")), "node", "the others are still there");
	langs_done(&l);
	IS_INT(load("", &l, &err), 0, "an empty file");
	IS_INT(l.count, 0, "holds no rows");
	langs_done(&l);
	IS_INT(langs_load_file("/nonexistent/x.ini", &l, &err), -ENOENT, "no file");
}

static void test_bad_rows(void)
{
	static const struct {
		const char *text, *where, *what;
	} cases[] = {
		{ "[zig]\ninterpretr = zig\n", ":2:", "unknown key 'interpretr'" },
		{ "[zig]\ninterpreter = zig\ninterpreter = zag\n", ":3:", "a second 'interpreter'" },
		{ "[zig]\ninterpreter =\n", ":2:", "no value for 'interpreter'" },
		{ "[zig]\nextension = zig\n", "", "[zig] has no interpreter" },
		{ "[zig]\ninterpreter = zig\nfile = %i %q\n", ":3:", "no template: '%i %q'" },
		{ "[zig]\ninterpreter = zig\nfile = %f\n", ":3:", "no template: '%f'" },
		{ "[zig]\ninterpreter = zig\nfile = %x\n", ":3:", "no template: '%x'" },
		{ "interpreter = zig\n", ":1:", "no language's name" },
		{ "[a b]\ninterpreter = zig\n", ":2:", "no language's name: 'a b'" },
		{ "[zig]\ninterpreter = zig\nnonsense\n", ":3:", "neither [NAME] nor KEY = VALUE" },
	};
	char text[400] = "[zig]\ninterpreter = zig\nalias = ";
	struct sr_langs l;
	struct sr_error err;

	for (size_t i = 0; i < SR_ELEMENTSOF(cases); i++) {
		int r = load(cases[i].text, &l, &err);

		if (!OK(r < 0 && strstr(err.text, cases[i].where) && strstr(err.text, cases[i].what) && *err.hint &&
				err.status == 125 && err.code == SR_E_LANGUAGE,
			cases[i].what))
			tap_note("%d: %s; %s", r, err.text, err.hint);
		langs_done(&l);
	}
	memset(text + strlen(text), 'x', 250);
	OK(load(text, &l, &err) < 0 && strstr(err.text, ":3: a line longer"), "a line that inih would cut");
	OK(load("[zig]\ninterpreter = zig\n", &l, &err) == 0 && chmod(ini_path, 0666) == 0, "a file that others may write");
	langs_done(&l);
	OK(langs_load_file(ini_path, &l, &err) < 0 && strstr(err.text, "others may write"), "is refused");
	OK(langs_load_file("/tmp", &l, &err) < 0 && strstr(err.text, "not a regular file"), "a folder is refused");
}

int main(void)
{
	int fd = mkstemp(ini_path);

	test_names();
	test_extensions();
	test_programs();
	test_templates();
	test_list();
	test_shebangs();
	OK(fd >= 0 && close(fd) == 0, "a file for rows");
	test_user_rows();
	test_bad_rows();
	(void)unlink(ini_path);
	return tap_done();
}
