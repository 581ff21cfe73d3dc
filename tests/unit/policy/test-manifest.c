/* SPDX-License-Identifier: MIT */
/* A project's sandrun.ini: what it may say, that it never loosens anything, and every refusal with its line and mend. */
#include "policy/manifest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../tap.h"
#include "policy/limit.h"
#include "policy/options.h"

static char folder[] = "/tmp/sandrun-test-manifest-XXXXXX";
static char path[80];
static struct sr_policy p;
static struct sr_manifest m;
static struct sr_error err;

static void put_at(const char *name, const char *text, size_t len)
{
	char at[128];
	int fd;

	(void)snprintf(at, sizeof(at), "%s/%s", folder, name);
	fd = open(at, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, text, len) != (ssize_t)len)
		tap_note("cannot write %s: %s", at, strerror(errno));
	if (fd >= 0)
		(void)close(fd);
}

/* A command line "-C folder", with operands. */
static void fresh(const char *first, const char *second)
{
	manifest_done(&m);
	policy_done(&p);
	policy_init(&p);
	err = (struct sr_error)SR_ERROR_INIT;
	p.project_dir = strdup(folder);
	p.form = SR_FORM_SCRIPT;
	if (first)
		(void)strv_add(&p.operands, first);
	if (second)
		(void)strv_add(&p.operands, second);
}

static void give(const char *option)
{
	for (size_t i = 0; i < options_count(); i++) {
		struct sr_option_row row = options_at(i);

		if (row.name && strcmp(row.name, option) == 0)
			p.given[i] = true;
	}
}

static int apply(const char *text)
{
	int r;

	put_at("sandrun.ini", text, strlen(text));
	r = manifest_read(&p, &m, &err);
	return r < 0 ? r : manifest_apply(&m, &p, &err);
}

static bool has(const struct sr_strv *v, const char *word)
{
	for (size_t i = 0; i < v->count; i++) {
		if (strcmp(v->items[i], word) == 0)
			return true;
	}
	return false;
}

static const char everything[] = "[run]\nentrypoint = src/main.py\nlanguage = python\nargs = --name \"Ada L.\" 'a b' c\\ d ; words\n"
				 "inputs = src data/*.csv\n  texts\noutputs = out/*\nsetenv = PYTHONPATH=src X=\n"
				 "environment = host\nstrict = yes\nmemory = 100M\ntimeout = 5m\noutput-limit = 0\n";

static void test_everything(void)
{
	fresh(NULL, NULL);
	p.output_dir = strdup("out");
	(void)strv_add(&p.setenv, "X=mine");
	policy_set_limit(&p, SR_LIMIT_wall_ns, 10000000000ULL, SR_FROM_COMMAND_LINE);
	if (!IS_INT(apply(everything), 0, "a file with everything")) {
		tap_note("%s", err.text);
		return;
	}
	IS_INT(p.operands.count, 5, "entrypoint and args");
	if (p.operands.count == 5) {
		IS_STR(p.operands.items[0], "src/main.py", "the entrypoint first");
		IS_STR(p.operands.items[2], "Ada L.", "double quotes");
		IS_STR(p.operands.items[3], "a b", "single quotes");
		IS_STR(p.operands.items[4], "c d", "a backslash");
	}
	IS_STR(p.lang, "python", "language");
	IS_INT(p.only.count, 3, "inputs, over two lines");
	IS_INT(p.outputs.count, 1, "outputs, where the command line has a folder for them");
	OK(p.setenv.count == 3 && strcmp(p.setenv.items[2], "X=mine") == 0, "variables stand before the command line's, which win");
	OK(p.environment_by_name && strcmp(p.environment, "host") == 0, "an environment, as a name");
	OK(p.strict, "strict");
	IS_INT(policy_limit(&p, SR_LIMIT_memory_bytes), 100LL << 20, "a lower limit holds");
	IS_INT(p.limits[SR_LIMIT_memory_bytes].source, SR_FROM_MANIFEST, "and is said to be the project's");
	IS_INT(policy_limit(&p, SR_LIMIT_wall_ns), 10000000000LL, "a higher one than the command line's does not");
	OK(policy_is_asked(&p, SR_LIMIT_stdio_bytes) && policy_limit(&p, SR_LIMIT_stdio_bytes) == 0, "0 where it means none");
	OK(has(&m.used, "entrypoint") && has(&m.used, "inputs") && has(&m.used, "memory") && has(&m.unused, "timeout"),
	   "what took effect is noted");
	OK(p.manifest_text && p.manifest_len == strlen(everything) && strcmp(p.manifest_text, everything) == 0, "its bytes are kept");
}

/* What is for the entrypoint alone must not touch a program of the user's. */
static void test_other_program(void)
{
	fresh("./src//main.py", "x");
	OK(apply(everything) < 0 && strstr(err.text, "outputs needs the command line"), "outputs without a folder");
	fresh("./src//main.py", "x");
	(void)strv_add(&p.outputs, "mine");
	OK(apply(everything) == 0 && p.operands.count == 2 && p.lang && p.only.count == 3 && p.setenv.count == 2,
	   "the entrypoint, named on the command line with arguments");
	OK(p.outputs.count == 1 && has(&m.unused, "outputs") && has(&m.unused, "args"), "its args and -o hold");
	fresh("other.py", NULL);
	OK(apply(everything) == 0 && p.operands.count == 1 && !p.lang && p.only.count == 0 && p.setenv.count == 0 &&
		   p.outputs.count == 0,
	   "another script of the project");
	OK(policy_limit(&p, SR_LIMIT_memory_bytes) == 100LL << 20 && p.strict && p.environment, "is under its limits");
	fresh("ls", NULL);
	p.form = SR_FORM_COMMAND;
	OK(apply(everything) == 0 && p.operands.count == 1 && !p.lang && p.only.count == 0 && p.setenv.count == 0, "a command");
	fresh(NULL, NULL);
	p.form = SR_FORM_STDIN;
	p.lang = strdup("sh");
	OK(apply(everything) == 0 && p.operands.count == 0 && strcmp(p.lang, "sh") == 0 && p.only.count == 0, "standard input");
	fresh("other.py", NULL);
	OK(apply("[run]\nentrypoint = gone.py\n") == 0, "a missing entrypoint does not matter then");
	fresh(NULL, NULL);
	p.lang = strdup("sh");
	p.output_archive = strdup("a.tgz");
	OK(apply(everything) == 0 && strcmp(p.lang, "sh") == 0 && has(&m.unused, "language"), "--lang wins over language");
}

/* Each pattern is held against each file of the project. */
static void test_many_words(void)
{
	char text[4096] = "[run]\ninputs =";
	size_t len = strlen(text);

	for (int i = 0; i < 257; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s x", i % 50 == 49 ? "\n" : "");
	(void)snprintf(text + len, sizeof(text) - len, "\n");
	fresh("a.py", NULL);
	OK(apply(text) < 0 && strstr(err.text, "inputs has more than 256 words"), "a list of too many words");
	text[len - 2] = '\0'; /* one less */
	fresh("a.py", NULL);
	IS_INT(apply(text), 0, "and the longest");
}

static void test_none(void)
{
	fresh("a.py", NULL);
	(void)unlink(path);
	OK(manifest_read(&p, &m, &err) == 0 && !m.path && manifest_apply(&m, &p, &err) == 0 && !p.manifest_text, "no file");
	put_at("sandrun.ini", "nonsense", 8);
	p.no_manifest = true;
	OK(manifest_read(&p, &m, &err) == 0 && !m.path, "--no-manifest");
	fresh("a.py", NULL);
	free(p.project_dir);
	p.project_dir = NULL;
	OK(manifest_read(&p, &m, &err) == 0 && !m.path, "no project");
	p.project_dir = strdup("/nosuch");
	OK(manifest_read(&p, &m, &err) < 0 && err.code == SR_E_PROJECT, "no such project");
}

static const struct {
	const char *text, *want, *hint;
} refused[] = {
	{ "[run]\nmemory = 2G\n", ":2: memory = 2G needs the command line: sandrun's own 512M is stricter", "-m 2G" },
	{ "[run]\ntimeout = unlimited\n", ":2: timeout = unlimited needs the command line", "-t unlimited" },
	{ "[run]\ncpu-window = 70s/60s\ncpu-max = 400%\n", ":3: cpu-max = 400% needs the command line", "--cpu-max 400%" },
	{ "[run]\nbind = /etc:/etc\n", ":2: bind needs the command line", "--bind /etc:/etc" },
	{ "[run]\nbinds = /etc\n", ":2: bind needs the command line", "--bind /etc" },
	{ "[run]\nbind = $(reboot)\n", ":2: bind needs the command line", "--bind PATH[:DEST]" },
	{ "[run]\nbind = -x\n", ":2: bind needs the command line", "--bind PATH[:DEST]" },
	{ "[run]\nshow = .env\n", ":2: show needs the command line", "--show .env" },
	{ "[run]\noutput-dir = /etc\n", ":2: output-dir needs the command line", "-O /etc" },
	{ "[run]\nforce = yes\n", ":2: force needs the command line", "--force;" },
	{ "[run]\nreport = x\n", ":2: report needs the command line", "--report x" },
	{ "[run]\nno-config = yes\n", ":2: no-config needs the command line", "--no-config" },
	{ "[run]\nnetwork = host\n", ":2: network needs the command line", "" },
	{ "[run]\nprofile = ./p.ini\n", ":2: profile needs the command line", "-p NAME|FILE" },
	{ "[run]\nprofile = /p.ini\n", ":2: profile needs the command line", "-p /p.ini" },
	{ "[run]\nprofile = .\n", ":2: profile = .: not a name", "" },
	{ "[run]\nenvironment = ./root\n", ":2: environment needs the command line", "-E NAME|DIR" },
	{ "[run]\nenvironment = ..\n", ":2: environment = ..: not a name", "" },
	{ "[run]\nenvironment =\n", ":2: environment has no value", "" },
	{ "[run]\nentrypoint = /etc/passwd\n", ":2: entrypoint = /etc/passwd: it is not beneath", "src/main.py" },
	{ "[run]\nentrypoint = src/../../x\n", ":2: entrypoint = src/../../x: it is not beneath", "" },
	{ "[run]\nentrypoint = gone.py\n", ":2: entrypoint = gone.py: there is no such file", "SCRIPT" },
	{ "[run]\nentrypoint = link.py\n", ":2: entrypoint = link.py: it is a symbolic link", "" },
	{ "[run]\nentrypoint = linked/main.py\n", ":2: entrypoint = linked/main.py: a symbolic link is in its path", "" },
	{ "[run]\nentrypoint = src\n", ":2: entrypoint = src: it is a folder", "" },
	{ "[run]\nentrypoint = fifo\n", ":2: entrypoint = fifo: it is a FIFO", "" },
	{ "[run]\ninputs = a ../b\n", ":2: inputs = ../b needs the command line", "-i PATH[:NAME]" },
	{ "[run]\ninputs = a\n  ~/.ssh/id_rsa\n", ":3: inputs = ~/.ssh/id_rsa needs the command line", "-i PATH[:NAME]" },
	{ "[run]\ninputs = /etc/passwd\n", ":2: inputs = /etc/passwd needs the command line", "-i /etc/passwd" },
	{ "[run]\noutputs = .git/hooks/*\n", ":2: outputs = .git/hooks/* needs the command line: names that start with a dot", "-o GLOB" },
	{ "[run]\noutputs = a/.envrc\n", ":2: outputs = a/.envrc needs the command line", "" },
	{ "[run]\noutputs = ../x\n", ":2: outputs = ../x needs the command line", "" },
	{ "[run]\nsetenv = HOME\n", ":2: setenv = HOME needs the command line: it would be the value of your own variable", "--setenv HOME" },
	{ "[run]\nsetenv = LD_PRELOAD=/work/x.so\n", ":2: setenv = LD_PRELOAD=/work/x.so needs the command line", "" },
	{ "[run]\nsetenv = PATH=/work\n", ":2: setenv = PATH=/work needs the command line: sandrun sets it itself", "" },
	{ "[run]\nsetenv = A-B=1\n", ":2: setenv = A-B=1 needs the command line: that is no variable's name", "" },
	{ "[run]\ninput = x\n", ":2: unknown key \"input\" in [run]", "did you mean inputs?" },
	{ "[run]\nmemory.max = 1M\n", ":2: unknown key \"memory.max\" in [run]", "did you mean memory?" },
	{ "[run]\nxyzzy = x\n", ":2: unknown key \"xyzzy\" in [run]", "entrypoint, language" },
	{ "[limits]\nmemory.max = 1M\n", ":1: unknown section [limits]", "memory = 256M" },
	{ "[seccomp]\n", ":1: unknown section [seccomp]", "" },
	{ "memory = 1M\n", ":1: key \"memory\" stands before the first section", "[run]" },
	{ "[run]\nmemory = 1M\nmemory = 2M\n", ":3: memory in [run] a second time", "" },
	{ "[run]\nmemory = 0\n", ":2: memory must not be 0", "" },
	{ "[run]\nmemory = lots\n", ":2: memory does not take \"lots\"", "a size" },
	{ "[run]\nargs = \"a\n", ":2: args has a quote that does not end", "" },
	{ "[run]\nstrict = perhaps\n", ":2: strict does not take \"perhaps\"", "" },
	{ "[run]\nlanguage = \xff\n", ":2: bytes that are not UTF-8", "" },
	{ "[run]\nlanguage = \x1b[31m\nxyzzy = \x1b[31m\n", ":3: unknown key \"xyzzy\"", "" },
	{ "#!/usr/bin/python\nimport os\n", ":2: neither [section] nor key = value", "" },
};

static void test_refused(void)
{
	for (size_t i = 0; i < SR_ELEMENTSOF(refused); i++) {
		int r;

		fresh(NULL, NULL);
		r = apply(refused[i].text);
		if (!OK(r < 0 && err.code == SR_E_MANIFEST && err.status == 125 && strstr(err.text, "/sandrun.ini:") &&
				strstr(err.text, refused[i].want) && strstr(err.hint, refused[i].hint) && !strchr(err.text, '\x1b'),
			refused[i].want))
			tap_note("got %d, \"%s\", hint \"%s\"", r, err.text, err.hint);
	}
}

/* What the user grants or decides on the command line is no error any more; his value holds. */
static void test_granted(void)
{
	fresh("a.py", NULL);
	give("bind");
	give("show");
	OK(apply("[run]\nbind = /etc:/etc\nshow = .env\n") == 0 && p.binds.count == 0 && p.show.count == 0 && has(&m.unused, "bind"),
	   "an option that is given answers the line, and the line adds nothing");
	fresh("a.py", NULL);
	give("profile");
	give("environment");
	p.environment = strdup("mine");
	OK(apply("[run]\nprofile = /x.ini\nenvironment = host\n") == 0 && strcmp(p.environment, "mine") == 0 && !m.profile.value,
	   "-p and -E hold");
	fresh(NULL, NULL);
	give("input");
	give("setenv");
	OK(apply("[run]\nentrypoint = src/main.py\ninputs = src ../b\nsetenv = A=1 HOME\n") == 0 && p.only.count == 1 && p.setenv.count == 1,
	   "-i and --setenv answer the words that need them; the others hold");
	fresh("a.py", NULL);
	policy_set_limit(&p, SR_LIMIT_memory_bytes, 2ULL << 30, SR_FROM_COMMAND_LINE);
	OK(apply("[run]\nmemory = 1G\n") == 0 && policy_limit(&p, SR_LIMIT_memory_bytes) == 1ULL << 30, "-m 2G grants 1G");
	fresh("a.py", NULL);
	policy_set_limit(&p, SR_LIMIT_memory_bytes, 1ULL << 30, SR_FROM_CONFIG);
	OK(apply("[run]\nmemory = 2G\n") < 0 && strstr(err.text, "your configuration's 1G is stricter"), "the configuration's limit stands");
	fresh("a.py", NULL);
	p.environment = strdup("mine");
	OK(apply("[run]\nenvironment = host\n") < 0 && strstr(err.text, "your configuration chose mine"), "and so does its environment");
	fresh("a.py", NULL);
	policy_set_limit(&p, SR_LIMIT_wall_ns, 300ULL * 1000000000ULL, SR_FROM_PROFILE);
	OK(apply("[run]\ntimeout = 5m\n") == 0 && policy_is_asked(&p, SR_LIMIT_wall_ns), "the same value is asked for: it holds on a terminal too");
}

static void test_profile(void)
{
	struct sr_policy user, wanted;

	fresh("a.py", NULL);
	OK(apply("[run]\nprofile = tight\n") == 0 && strcmp(m.profile.value, "tight") == 0, "a profile by name");
	policy_init(&user);
	policy_init(&wanted);
	user.profile_name = strdup("default");
	wanted.profile_name = strdup("tight");
	(void)strv_add(&wanted.seccomp.allow, "@base");
	(void)strv_add(&p.seccomp.allow, "@files");
	wanted.limits[SR_LIMIT_pids].value = 7;
	policy_set_limit(&p, SR_LIMIT_memory_bytes, 3, SR_FROM_COMMAND_LINE);
	OK(manifest_apply_profile(&m, &p, &user, &wanted, false, &err) < 0 && strstr(err.text, "allows more than default (system calls)") &&
		   strstr(err.hint, "-p tight") && strcmp(p.seccomp.allow.items[0], "@files") == 0,
	   "calls that the user's does not allow");
	wanted.limits[SR_LIMIT_pids].value = 7000;
	OK(manifest_apply_profile(&m, &p, &user, &wanted, true, &err) < 0 && strstr(err.text, "(pids.max)"), "a higher limit");
	wanted.limits[SR_LIMIT_pids].value = 7;
	wanted.strict = true;
	OK(manifest_apply_profile(&m, &p, &user, &wanted, true, &err) == 0 && p.strict && strcmp(p.seccomp.allow.items[0], "@base") == 0 &&
		   p.seccomp.allow.count == 1 && strcmp(p.profile_name, "tight") == 0,
	   "one within the user's takes its place");
	OK(policy_limit(&p, SR_LIMIT_pids) == 7 && policy_limit(&p, SR_LIMIT_memory_bytes) == 3, "the smaller of each limit holds");
	policy_done(&user);
	policy_done(&wanted);
}

static bool refused_file(const char *want)
{
	int r;

	fresh("a.py", NULL);
	r = manifest_read(&p, &m, &err);
	if (r < 0 && err.code == SR_E_MANIFEST && strstr(err.text, want) && strstr(err.hint, "--no-manifest") && !m.path)
		return true;
	tap_note("got %d, \"%s\"", r, err.text);
	return false;
}

static void test_files(void)
{
	int fd;

	(void)unlink(path);
	(void)symlink("/etc/passwd", path);
	OK(refused_file("it is a symbolic link"), "a link");
	(void)unlink(path);
	(void)symlink("/nosuch", path);
	OK(refused_file("it is a symbolic link"), "a link to nothing");
	(void)unlink(path);
	(void)mkfifo(path, 0600);
	OK(refused_file("it is a FIFO"), "a FIFO, without waiting");
	(void)unlink(path);
	(void)mkdir(path, 0700);
	OK(refused_file("it is a folder"), "a folder");
	(void)rmdir(path);
	put_at("sandrun.ini", "[run]\n", 6);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	OK(fd >= 0 && ftruncate(fd, 100LL << 20) == 0 && refused_file("larger than 64K"), "100 MB");
	if (fd >= 0)
		(void)close(fd);
	if (geteuid() != 0) {
		put_at("sandrun.ini", "[run]\n", 6);
		(void)chmod(path, 0);
		OK(refused_file("Permission denied"), "one that cannot be read");
	}
	(void)unlink(path);
	put_at("sandrun.ini", "[run]\nargs = a\0b\n", 17);
	fresh("a.py", NULL);
	OK(manifest_read(&p, &m, &err) < 0 && strstr(err.text, ":2: a NUL byte"), "a NUL");
	(void)unlink(path);
}

static void build_tree(void)
{
	char at[128];

	(void)snprintf(path, sizeof(path), "%s/sandrun.ini", folder);
	(void)snprintf(at, sizeof(at), "%s/src", folder);
	(void)mkdir(at, 0700);
	put_at("src/main.py", "print(1)\n", 9);
	(void)snprintf(at, sizeof(at), "%s/link.py", folder);
	(void)symlink("src/main.py", at);
	(void)snprintf(at, sizeof(at), "%s/linked", folder);
	(void)symlink("src", at);
	(void)snprintf(at, sizeof(at), "%s/fifo", folder);
	(void)mkfifo(at, 0600);
}

static void remove_tree(void)
{
	static const char *const names[] = { "src/main.py", "link.py", "linked", "fifo", "src", "" };

	for (size_t i = 0; i < SR_ELEMENTSOF(names); i++) {
		char at[128];

		(void)snprintf(at, sizeof(at), "%s/%s", folder, names[i]);
		(void)remove(at);
	}
}

int main(void)
{
	if (!mkdtemp(folder)) {
		tap_note("no temporary folder: %s", strerror(errno));
		return 99;
	}
	build_tree();
	test_none();
	test_everything();
	test_other_program();
	test_many_words();
	test_refused();
	test_granted();
	test_profile();
	test_files();
	manifest_done(&m);
	policy_done(&p);
	remove_tree();
	return tap_done();
}
