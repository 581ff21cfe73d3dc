/* SPDX-License-Identifier: MIT */
/*
 * From a policy to what is executed, in an environment that is a folder of this test: argv, environment variables, scripts
 * that cannot be used.
 */
#include "plan/exec.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../tap.h"
#include "plan/variables.h"

static char base[] = "/tmp/test-exec-XXXXXX";
static struct sr_environment env = SR_ENVIRONMENT_INIT;

static const char *at(const char *name)
{
	static char buffers[4][256];
	static unsigned next;
	char *out = buffers[next++ % 4];

	(void)snprintf(out, sizeof(buffers[0]), "%s/%s", base, name);
	return out;
}

static bool put_bytes(const char *name, const void *data, size_t len)
{
	int fd = open(at(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);

	return fd >= 0 && write(fd, data, len) == (ssize_t)len && close(fd) == 0;
}

static bool put(const char *name, const char *text)
{
	return put_bytes(name, text, strlen(text));
}

static void programs(const char *const *names)
{
	bool good = true;

	for (; *names; names++) {
		char path[128];

		(void)snprintf(path, sizeof(path), "tree/usr/bin/%s", *names);
		good = good && put(path, "x");
	}
	OK(good, "the programs of an environment");
}

struct seen {
	int result;
	struct sr_exec x;
	struct sr_error err;
	char argv[4096]; /* joined with '|' */
};

/* operands: up to four words. */
static struct seen run(struct sr_policy *p, const char *const *operands, int stdin_fd)
{
	struct seen s = { .result = 0 };

	for (; operands && *operands; operands++)
		(void)strv_add(&p->operands, *operands);
	s.result = exec_build(p, &env, stdin_fd, &s.x, &s.err);
	for (size_t i = 0; i < s.x.argv.count; i++) {
		size_t n = strlen(s.argv);

		(void)snprintf(s.argv + n, sizeof(s.argv) - n, "%s|", s.x.argv.items[i]);
	}
	return s;
}

static void done(struct seen *s, struct sr_policy *p)
{
	exec_done(&s->x);
	policy_done(p);
}

static struct sr_policy policy(enum sr_form form, const char *lang, const char *code)
{
	struct sr_policy p;

	policy_init(&p);
	p.form = form;
	p.lang = lang ? strdup(lang) : NULL;
	p.code = code ? strdup(code) : NULL;
	return p;
}

/* A script file of these bytes under this name. */
static struct seen script(struct sr_policy *p, const char *name, const void *data, size_t len)
{
	const char *words[] = { NULL, "one", "t w o", NULL };

	if (data && !put_bytes(name, data, len))
		tap_note("cannot write %s", name);
	words[0] = at(name);
	return run(p, words, -1);
}

static void starts(const char *name, const char *text, const char *lang, const char *path, const char *argv)
{
	struct sr_policy p = policy(SR_FORM_SCRIPT, lang, NULL);
	struct seen s = script(&p, name, text, strlen(text));

	if (!OK(s.result == 0 && strcmp(s.x.path, path) == 0 && strcmp(s.argv, argv) == 0, argv))
		tap_note("%s: %d %s %s: %s", name, s.result, s.x.path ? s.x.path : "-", s.argv, s.err.text);
	OK(s.result == 0 && s.x.script_len == strlen(text) && memcmp(s.x.script, text, strlen(text)) == 0 && s.x.script_name &&
		   strcmp(s.x.script_name, name) == 0 && !s.x.entry,
	   "its bytes and its name");
	done(&s, &p);
}

static void test_scripts(void)
{
	starts("a.py", "1", NULL, "/usr/bin/python3", "/usr/bin/python3|/work/a.py|one|t w o|");
	starts("a.js", "1", NULL, "/usr/bin/nodejs", "/usr/bin/nodejs|/work/a.js|one|t w o|");
	starts("a.sh", "1", NULL, "/usr/bin/sh", "/usr/bin/sh|/work/a.sh|one|t w o|");
	starts("a.R", "1", NULL, "/usr/bin/Rscript", "/usr/bin/Rscript|/work/a.R|one|t w o|");
	starts("tool", "1", "python", "/usr/bin/python3", "/usr/bin/python3|/work/tool|one|t w o|");
	starts("b.py", "1", "ruby", "/usr/bin/ruby", "/usr/bin/ruby|/work/b.py|one|t w o|");
	starts("-x.py", "1", NULL, "/usr/bin/python3", "/usr/bin/python3|/work/-x.py|one|t w o|");
	starts("p311", "1", "python3.11", "/usr/bin/python3.11", "/usr/bin/python3.11|/work/p311|one|t w o|");
	starts("a.awk", "1", NULL, "/usr/bin/awk", "/usr/bin/awk|-f|/work/a.awk|--|one|t w o|");
	starts("a.ts", "1", NULL, "/usr/bin/nodejs", "/usr/bin/nodejs|--experimental-strip-types|/work/a.ts|one|t w o|");
}

static void test_shebangs(void)
{
	starts("s1", "#!/usr/bin/env python3\n", NULL, "/usr/bin/python3", "/usr/bin/python3|/work/s1|one|t w o|");
	starts("s2", "#!/usr/bin/env -S python3 -u\n", NULL, "/usr/bin/python3", "/usr/bin/python3|-u|/work/s2|one|t w o|");
	starts("s3", "#!/bin/bash -e\n", NULL, "/bin/bash", "/bin/bash|-e|/work/s3|one|t w o|");
	starts("s4.rb", "#!/bin/sh\n", NULL, "/bin/sh", "/bin/sh|/work/s4.rb|one|t w o|");
	starts("s5", "#!/usr/bin/python3.11\n", NULL, "/usr/bin/python3.11", "/usr/bin/python3.11|/work/s5|one|t w o|");
	starts("s6", "#!/opt/homebrew/bin/python3\n", NULL, "/usr/bin/python3", "/usr/bin/python3|/work/s6|one|t w o|");
	starts("s7", "#!/usr/bin/env python\r\nx\r\n", NULL, "/usr/bin/python3", "/usr/bin/python3|/work/s7|one|t w o|");
	starts("s8", "#!/usr/bin/fnord -a b\n", NULL, "/usr/bin/fnord", "/usr/bin/fnord|-a b|/work/s8|one|t w o|");
	starts("s9", "#!/usr/bin/env fnord\n", NULL, "/usr/bin/fnord", "fnord|/work/s9|one|t w o|");
	starts("s10", "#!/usr/bin/env -S A=1 fnord\n", NULL, "/usr/bin/env",
	       "/usr/bin/env|-S A=1 fnord|/work/s10|one|t w o|");
	starts("s11", "#!/bin/sh\n", "ruby", "/usr/bin/ruby", "/usr/bin/ruby|/work/s11|one|t w o|");
	starts("s12", "\xef\xbb\xbf#!/bin/sh\n", "ruby", "/usr/bin/ruby", "/usr/bin/ruby|/work/s12|one|t w o|");
}

static void test_elf(void)
{
	static const char elf[] = "\177ELF\2\1\1\0\0\0";
	static const char zip[] = "#!/usr/bin/env python3\nPK\3\4\0\0\0";
	struct sr_policy p = policy(SR_FORM_SCRIPT, NULL, NULL);
	struct seen s = script(&p, "elf", elf, sizeof(elf));

	OK(s.result == 0 && !s.x.lang, "an ELF file is the program");
	IS_STR(s.x.path, "/work/elf", "by its path inside");
	IS_STR(s.argv, "/work/elf|one|t w o|", "with its arguments");
	done(&s, &p);
	p = policy(SR_FORM_SCRIPT, NULL, NULL);
	s = script(&p, "app", zip, sizeof(zip));
	OK(s.result == 0 && s.x.script_len == sizeof(zip), "a zip archive behind a python shebang");
	done(&s, &p);
	p = policy(SR_FORM_SCRIPT, NULL, NULL);
	s = script(&p, "m.wasm", "\0asm", 4);
	IS_STR(s.x.path, "/usr/bin/wasmtime", "wasm may hold NUL bytes");
	done(&s, &p);
}

static void refused(const char *name, const void *data, size_t len, const char *lang, int status, const char *text,
		    const char *hint)
{
	struct sr_policy p = policy(SR_FORM_SCRIPT, lang, NULL);
	struct seen s = script(&p, name, data, len);

	if (!OK(s.result < 0 && s.err.status == status && strstr(s.err.text, text) && strstr(s.err.hint, hint) && *s.err.hint &&
			!s.x.path && !s.x.argv.items && !s.x.script,
		text))
		tap_note("%d, status %d: %s; hint: %s", s.result, s.err.status, s.err.text, s.err.hint);
	done(&s, &p);
}

#define REFUSED(name, text, lang, status, what, hint) refused((name), (text), sizeof(text) - 1, (lang), (status), (what), (hint))

static void test_bad_scripts(void)
{
	OK(mkdir(at("folder"), 0755) == 0 && mkfifo(at("pipe.py"), 0666) == 0 && symlink("circle", at("circle")) == 0,
	   "things that are no scripts");
	refused("absent.py", NULL, 0, NULL, 127, "no such file", "check the name");
	refused("circle", NULL, 0, NULL, 126, "cannot read", "");
	refused("a.py/x", NULL, 0, NULL, 127, "no such file", "check the name");
	refused("folder", NULL, 0, NULL, 126, "it is a folder", "sandrun -C");
	refused("pipe.py", NULL, 0, NULL, 126, "it is a pipe", "--lang LANG <");
	REFUSED("empty.py", "", NULL, 125, "the program is empty", "saved");
	REFUSED("nul.py", "a\0b", NULL, 125, "byte 2 is NUL", "sandrun -i");
	REFUSED("nul", "\177ELF\0", "python", 125, "byte 5 is NUL", "sandrun -i");
	REFUSED("what.txt", "x", NULL, 125, "cannot tell the language", "--lang LANG");
	REFUSED("what", "x", NULL, 125, "cannot tell the language", "--lang LANG");
	REFUSED("x.py", "x", "pyton", 125, "cannot use language 'pyton'", "known are: python");
	REFUSED("bom", "\xef\xbb\xbf#!/bin/sh\n", NULL, 125, "byte order mark", "sed");
	REFUSED("crlf", "#!/bin/bash\r\n", NULL, 125, "carriage return", "sed");
	REFUSED("nulbang", "#!/bin/b\0sh\n", NULL, 125, "a NUL byte", "--lang");
	REFUSED("nobang", "#!\n", NULL, 125, "no interpreter", "--lang");
	REFUSED("envbang", "#!/usr/bin/env python3 -u\n", NULL, 125, "several words after env", "env -S");
	REFUSED("python9", "#!/usr/bin/python3.99\n", NULL, 127, "python3.99 not found", "near are: python3");
	REFUSED("fnordbang", "#!/opt/fnord/bin/zork\n", NULL, 127, "its interpreter '/opt/fnord/bin/zork' is not found", "--lang");
	REFUSED("plainbang", "#!/usr/bin/plain\n", NULL, 126, "no executable file", "mode");
	REFUSED("a.php", "x", NULL, 127, "php not found in the environment", "-E DIR");
}

static void test_large(void)
{
	int fd = open(at("large.py"), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	OK(fd >= 0 && ftruncate(fd, 1LL << 30) == 0 && close(fd) == 0, "a gigabyte");
	refused("large.py", NULL, 0, NULL, 125, "larger than 64M", "sandrun -i");
	OK(unlink(at("large.py")) == 0, "gone");
	if (geteuid() == 0) {
		tap_skip("a script without read permission", "root reads all files");
		return;
	}
	OK(put("secret.py", "1") && chmod(at("secret.py"), 0) == 0, "a script without read permission");
	refused("secret.py", NULL, 0, NULL, 126, "Permission denied", "chmod");
}

/* One form with arguments a and -b; input: what standard input holds. */
static void form(enum sr_form f, const char *lang, const char *code, const char *input, const char *argv, bool kept)
{
	static const char *const words[] = { "a", "-b", NULL };
	struct sr_policy p = policy(f, lang, code);
	int fds[2] = { -1, -1 };
	struct seen s;

	if (input && (pipe2(fds, O_CLOEXEC) < 0 || write(fds[1], input, strlen(input)) < 0))
		tap_note("no pipe");
	(void)close(fds[1]);
	s = run(&p, f == SR_FORM_REPL ? NULL : words, fds[0]);
	(void)close(fds[0]);
	if (!OK(s.result == 0 && strcmp(s.argv, argv) == 0 && !!s.x.script_name == kept && !!s.x.script == (kept || input), argv))
		tap_note("%d: %s; %s", s.result, s.argv, s.err.text);
	if (kept)
		OK(s.x.script && strcmp(s.x.script, code ? code : input) == 0, "its bytes");
	done(&s, &p);
}

static void test_code(void)
{
	form(SR_FORM_CODE, "python", "1", NULL, "/usr/bin/python3|-c|1|a|-b|", false);
	form(SR_FORM_CODE, "node", "1", NULL, "/usr/bin/nodejs|-e|1|--|a|-b|", false);
	form(SR_FORM_CODE, "bash", "1", NULL, "/usr/bin/bash|-c|1|bash|a|-b|", false);
	form(SR_FORM_CODE, "ruby", "1", NULL, "/usr/bin/ruby|-e|1|--|a|-b|", false);
	form(SR_FORM_CODE, "R", "1", NULL, "/usr/bin/Rscript|/work/code.R|a|-b|", true);
	form(SR_FORM_CODE, "lua", "1", NULL, "/usr/bin/lua5.3|/work/code.lua|a|-b|", true);
}

static void test_stdin(void)
{
	struct sr_policy p;
	struct seen s;
	int fd;

	form(SR_FORM_STDIN, "python", NULL, "print", "/usr/bin/python3|-|a|-b|", false);
	form(SR_FORM_STDIN, "bash", NULL, "echo", "/usr/bin/bash|-s|--|a|-b|", false);
	form(SR_FORM_STDIN, "lua", NULL, "x", "/usr/bin/lua5.3|-|a|-b|", false);
	form(SR_FORM_STDIN, "typescript", NULL, "x", "/usr/bin/nodejs|--experimental-strip-types|/work/stdin.ts|a|-b|", true);
	form(SR_FORM_REPL, "python", NULL, NULL, "/usr/bin/python3|", false);
	form(SR_FORM_REPL, "ruby", NULL, NULL, "irb|", false);
	p = policy(SR_FORM_STDIN, "python", NULL);
	fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	s = run(&p, NULL, fd);
	OK(s.result < 0 && strstr(s.err.text, "standard input: the program is empty"), "an empty program");
	done(&s, &p);
	(void)close(fd);
	p = policy(SR_FORM_STDIN, "python", NULL);
	fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	s = run(&p, NULL, fd);
	OK(s.result < 0 && s.err.code == SR_E_SCRIPT_TOO_LARGE, "a program without end");
	done(&s, &p);
	(void)close(fd);
	p = policy(SR_FORM_REPL, "c", NULL);
	s = run(&p, NULL, -1);
	OK(s.result < 0 && strstr(s.err.text, "it has none"), "a language without a prompt");
	done(&s, &p);
	p = policy(SR_FORM_CODE, "python", "");
	s = run(&p, NULL, -1);
	OK(s.result < 0 && strstr(s.err.text, "empty"), "empty code");
	done(&s, &p);
}

/* Code longer than one argument may be is kept as a file. */
static void test_long_code(void)
{
	size_t len = 128U * 1024U - 1U;
	SR_AUTOFREE char *code = malloc(len + 2);
	struct sr_policy p;
	struct seen s;

	if (!code)
		return;
	memset(code, '#', len + 1);
	code[len + 1] = '\0';
	p = policy(SR_FORM_CODE, "python", code);
	s = run(&p, NULL, -1);
	OK(s.result == 0 && s.x.script && s.x.script_len == len + 1, "131072 bytes are a file");
	IS_STR(s.argv, "/usr/bin/python3|/work/code.py|", "with a name");
	done(&s, &p);
	code[len] = '\0';
	p = policy(SR_FORM_CODE, "python", code);
	s = run(&p, NULL, -1);
	OK(s.result == 0 && !s.x.script && s.x.argv.count == 3, "131071 are an argument");
	done(&s, &p);
}

static void test_compiled(void)
{
	struct sr_policy p = policy(SR_FORM_SCRIPT, NULL, NULL);
	struct seen s = script(&p, "hello.c", "int main(){}", 12);

	IS_STR(s.x.path, "/usr/bin/sh", "a compiled language starts with the shell");
	OK(s.x.argv.count == 8 && strcmp(s.x.argv.items[4], "/usr/bin/gcc") == 0, "that is handed the compiler");
	OK(s.x.argv.count == 8 && strcmp(s.x.argv.items[5], "/work/hello.c") == 0, "and the source");
	done(&s, &p);
}

static void command(const char *word, const char *input, int status, const char *path, const char *hint)
{
	struct sr_policy p = policy(SR_FORM_COMMAND, NULL, NULL);
	const char *words[] = { word, "x", NULL };
	struct seen s;

	if (input && *input == '/')
		(void)policy_add_file(&p.binds, base, input);
	else if (input)
		(void)policy_add_file(&p.inputs, input, NULL);
	s = run(&p, words, -1);
	if (!OK(status ? s.result < 0 && s.err.status == status && strstr(s.err.hint, hint) :
			 s.result == 0 && strcmp(s.x.path, path) == 0 && strcmp(s.x.argv.items[0], word) == 0,
		word))
		tap_note("%d %s: %s; %s", s.result, s.x.path ? s.x.path : "-", s.err.text, s.err.hint);
	done(&s, &p);
}

static void test_commands(void)
{
	command("ruby", NULL, 0, "/usr/bin/ruby", NULL);
	command("/bin/ruby", NULL, 0, "/bin/ruby", NULL);
	command("/work/tool", "tool", 0, "/work/tool", NULL);
	command("./tool", "tool", 0, "/work/tool", NULL);
	command("/opt/x/bin/tool", "/opt/x", 0, "/opt/x/bin/tool", NULL);
	command("/opt/xy/tool", "/opt/x", 127, NULL, "inside");
	command("/work/tool", NULL, 127, NULL, "-i FILE");
	command("pythn", NULL, 127, NULL, "-E DIR");
	command("python2", NULL, 127, NULL, "near are: python3");
	command("plain", NULL, 126, NULL, "mode");
	command(at("a.py"), NULL, 127, NULL, "it is a file of yours");
	command("", NULL, 127, NULL, "-E DIR");
}

static struct seen in_project(struct sr_policy *p, const char *entry)
{
	const char *words[] = { entry, "one", NULL };

	p->project_dir = strdup(at("proj"));
	return run(p, words, -1);
}

static void project(const char *entry, const char *want, int status, const char *text)
{
	struct sr_policy p = policy(SR_FORM_SCRIPT, NULL, NULL);
	struct seen s = in_project(&p, entry);

	if (!OK(status ? s.result < 0 && s.err.status == status && strstr(s.err.text, text) :
			 s.result == 0 && s.x.entry && strcmp(s.x.entry, want) == 0 && !s.x.script && !s.x.script_name,
		entry))
		tap_note("%d %s: status %d %s", s.result, s.x.entry ? s.x.entry : "-", s.err.status, s.err.text);
	done(&s, &p);
}

static void test_projects(void)
{
	static const char elf[] = "\177ELF\2";
	struct sr_policy p;
	struct seen s;

	OK(mkdir(at("proj"), 0755) == 0 && mkdir(at("proj/src"), 0755) == 0 && put("proj/main.py", "1") &&
		   put("proj/src/x.py", "1") && put_bytes("proj/elf", elf, 5) && put("outside.py", "1") &&
		   symlink("../outside.py", at("proj/climb.py")) == 0 && symlink(at("outside.py"), at("proj/far.py")) == 0 &&
		   symlink("main.py", at("proj/near.py")) == 0 && mkfifo(at("proj/fifo.py"), 0666) == 0,
	   "a project");
	project("main.py", "main.py", 0, NULL);
	project("./src//./x.py", "src/x.py", 0, NULL);
	project(at("proj/src/x.py"), "src/x.py", 0, NULL);
	project("near.py", "near.py", 0, NULL);
	project("../outside.py", NULL, 125, "not beneath the project folder");
	project("src/../../outside.py", NULL, 125, "not beneath the project folder");
	project(at("outside.py"), NULL, 125, "not beneath the project folder");
	project(at("project/x.py"), NULL, 125, "not beneath the project folder");
	project("climb.py", NULL, 127, "no such file");
	project("far.py", NULL, 127, "no such file");
	project("absent.py", NULL, 127, "no such file");
	project("src", NULL, 126, "it is a folder");
	project(".", NULL, 126, "it is a folder");
	project("fifo.py", NULL, 126, "it is a pipe");
	p = policy(SR_FORM_SCRIPT, NULL, NULL);
	s = in_project(&p, "src/x.py");
	IS_STR(s.argv, "/usr/bin/python3|/work/src/x.py|one|", "argv names it beneath /work");
	done(&s, &p);
	OK(chmod(at("proj/elf"), 0644) == 0, "a program without execute permission");
	project("elf", NULL, 126, "without execute permission");
	OK(chmod(at("proj/elf"), 0755) == 0, "and with it");
	project("elf", "elf", 0, NULL);
	p = policy(SR_FORM_SCRIPT, NULL, NULL);
	p.project_dir = strdup(at("outside.py"));
	(void)strv_add(&p.operands, "x");
	s = run(&p, NULL, -1);
	OK(s.result < 0 && s.err.code == SR_E_PROJECT && strstr(s.err.text, "not a folder"), "a file is no project");
	done(&s, &p);
}

static bool has_variable(const struct sr_exec *x, const char *want)
{
	for (size_t i = 0; i < x->envp.count; i++) {
		if (strcmp(x->envp.items[i], want) == 0)
			return true;
	}
	return false;
}

static void venv(const char *target, bool works, const char *name)
{
	struct sr_policy p = policy(SR_FORM_SCRIPT, NULL, NULL);
	struct seen s;

	(void)unlink(at("proj/.venv/bin/python"));
	OK(symlink(target, at("proj/.venv/bin/python")) == 0, target);
	s = in_project(&p, "main.py");
	OK(s.result == 0 && strcmp(s.x.path, works ? "/work/.venv/bin/python" : "/usr/bin/python3") == 0, name);
	OK((s.x.notes.count == 0) == works, "with a note where it is not");
	OK(has_variable(&s.x, "VIRTUAL_ENV=/work/.venv") == works, "and its variable where it is");
	done(&s, &p);
}

static void test_venv(void)
{
	OK(mkdir(at("proj/.venv"), 0755) == 0 && mkdir(at("proj/.venv/bin"), 0755) == 0 && put("proj/.venv/pyvenv.cfg", "") &&
		   symlink("/usr/bin/python3.11", at("proj/.venv/bin/python3")) == 0,
	   "a virtual environment");
	venv("python3", true, "its python is used where it leads into the environment");
	venv("/usr/bin/python3", true, "directly too");
	venv("/opt/python/bin/python", false, "not where the environment lacks it");
	venv("../../../outside.py", false, "nor out of its folder");
	venv("python", false, "nor in a circle");
}

static void test_variables(void)
{
	static char *const caller[] = { (char *)"TERM=xterm",	     (char *)"LD_PRELOAD=/x", (char *)"LC_TIME=de",
					(char *)"SECRET=1",	     (char *)"PATH=/evil",    (char *)"TZ=Europe/Berlin",
					(char *)"PYTHONPATH=/evil", (char *)"NO_COLOR=1",    (char *)"LANGUAGE=de",
					(char *)"COLORTERM=24bit",  (char *)"broken",	      NULL };
	static char *const german[] = { (char *)"LANG=de_DE.UTF-8", NULL };
	static const char want[] =
		"PATH=" SR_INSIDE_PATH "|HOME=/work|USER=sandbox|LOGNAME=sandbox|SHELL=/bin/sh|TMPDIR=/tmp|SANDRUN=1|TERM=xterm|"
		"LC_TIME=de|TZ=Europe/Berlin|NO_COLOR=1|COLORTERM=24bit|LANG=C.UTF-8|GOPROXY=off|A=2|";
	struct sr_strv last = { 0 }, got = { 0 };
	char text[1024] = "";

	OK(strv_add(&last, "A=1") == 0 && strv_add(&last, "A=2") == 0, "--setenv twice");
	IS_INT(variables_build(caller, "GOPROXY=off", &last, &got), 0, "variables");
	for (size_t i = 0; i < got.count; i++) {
		size_t n = strlen(text);

		(void)snprintf(text + n, sizeof(text) - n, "%s|", got.items[i]);
	}
	IS_STR(text, want, "from nothing, the few that pass, the language's, --setenv last");
	strv_done(&got);
	OK(strv_add(&last, "PATH=/mine") == 0 && variables_build(german, NULL, &last, &got) == 0, "again");
	IS_STR(got.items[0], "PATH=/mine", "--setenv replaces");
	IS_STR(got.items[7], "LANG=de_DE.UTF-8", "the caller's language stays");
	strv_done(&got);
	strv_done(&last);
}

static bool prepare(void)
{
	static const char *const names[] = { "python3", "python3.11", "nodejs", "bash", "sh",	   "ruby",	"irb", "Rscript", "lua5.3",
					     "fnord",	"env",	      "awk",	"gcc",	"wasmtime", "plain",	NULL };
	struct sr_error err = SR_ERROR_INIT;

	if (!mkdtemp(base) || mkdir(at("tree"), 0755) < 0 || mkdir(at("tree/usr"), 0755) < 0 ||
	    mkdir(at("tree/usr/bin"), 0755) < 0 || symlink("usr/bin", at("tree/bin")) < 0)
		return false;
	programs(names);
	return chmod(at("tree/usr/bin/plain"), 0644) == 0 && setenv("XDG_CONFIG_HOME", at("config"), 1) == 0 &&
	       setenv("PATH", "/nonexistent", 1) == 0 && environment_open(at("tree"), &env, &err) == 0;
}

/* The user's own rows reach the run. */
static void test_user_rows(void)
{
	OK(mkdir(at("config"), 0700) == 0 && mkdir(at("config/sandrun"), 0700) == 0 &&
		   put("config/sandrun/languages.ini", "[fnord]\nextension = fn\ninterpreter = fnord,-q\n"),
	   "languages.ini");
	starts("a.fn", "1", NULL, "/usr/bin/fnord", "/usr/bin/fnord|-q|/work/a.fn|one|t w o|");
	OK(put("config/sandrun/languages.ini", "[fnord]\nzork = fn\n"), "with a mistake");
	refused("a.fn", NULL, 0, NULL, 125, "unknown key 'zork'", "keys are");
}

int main(void)
{
	char command_line[300];

	OK(prepare(), "an environment");
	test_scripts();
	test_shebangs();
	test_elf();
	test_bad_scripts();
	test_large();
	test_code();
	test_stdin();
	test_long_code();
	test_compiled();
	test_commands();
	test_projects();
	test_venv();
	test_variables();
	test_user_rows();
	environment_done(&env);
	(void)setenv("PATH", "/usr/bin:/bin", 1);
	(void)snprintf(command_line, sizeof(command_line), "rm -rf '%s'", base);
	OK(system(command_line) == 0, "all is gone");
	return tap_done();
}
