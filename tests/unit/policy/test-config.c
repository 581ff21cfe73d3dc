/* SPDX-License-Identifier: MIT */
/* The user's config.ini: what it may say, what stands above it, every refusal with its line, and who may own it. */
#include "policy/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../tap.h"
#include "policy/limit.h"
#include "policy/options.h"

static char folder[] = "/tmp/sandrun-test-config-XXXXXX";
static char path[64];

static void put(const char *text, size_t len, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, text, len) != (ssize_t)len || fchmod(fd, mode) < 0)
		tap_note("cannot write %s: %s", path, strerror(errno));
	if (fd >= 0)
		(void)close(fd);
}

/* Loads on top of p as it is. */
static int load(const char *text, struct sr_policy *p, struct sr_error *err)
{
	*err = (struct sr_error)SR_ERROR_INIT;
	put(text, strlen(text), 0600);
	return config_load_from(path, "/h", p, err);
}

static void give(struct sr_policy *p, const char *option)
{
	for (size_t i = 0; i < options_count(); i++) {
		struct sr_option_row row = options_at(i);

		if (row.name && strcmp(row.name, option) == 0)
			p->given[i] = true;
	}
}

static const char everything[] =
	"; mine\n[run]\nprofile = strict\nenvironment = ~/images/py\nproc = none\noutput-dir = ~/out\nstrict = yes\nquiet = true\n"
	"verbose = no\nerror-format = json\ncolor = never\n[limits]\nmemory.max = 1G\nwall.time = 10s\n[rlimit]\nnofile = 99\n"
	"[filesystem]\nwork.size = 2G\n[output]\nstdio.max = 0\n[project]\nhide = *.sqlite 'my secrets' ; names\n  config/prod.yml\n";

static void test_everything(void)
{
	struct sr_policy p;
	struct sr_error err;

	policy_init(&p);
	if (!IS_INT(load(everything, &p, &err), 0, "a file with everything")) {
		tap_note("%s", err.text);
		return;
	}
	IS_STR(p.profile, "strict", "profile");
	IS_STR(p.environment, "/h/images/py", "environment, a path from the home folder");
	OK(!p.environment_by_name, "is no name");
	IS_INT(p.proc, SR_PROC_NONE, "proc");
	IS_STR(p.output_dir, "/h/out", "output-dir");
	OK(p.strict && p.quiet && !p.verbose, "flags");
	IS_INT(p.error_format, SR_ERRORS_JSON, "error-format");
	IS_INT(p.color, SR_COLOR_NEVER, "color");
	IS_INT(policy_limit(&p, SR_LIMIT_memory_bytes), 1LL << 30, "a limit");
	IS_INT(p.limits[SR_LIMIT_memory_bytes].source, SR_FROM_CONFIG, "whose source is the configuration");
	IS_INT(policy_limit(&p, SR_LIMIT_stdio_bytes), 0, "a limit of 0");
	IS_INT(p.hide.count, 3, "a list over two lines");
	if (p.hide.count == 3)
		IS_STR(p.hide.items[1], "my secrets", "with a blank in quotes");
	IS_STR(p.config_path, path, "the file is named");
	policy_set_limit(&p, SR_LIMIT_memory_bytes, 5, SR_FROM_PROFILE);
	IS_INT(policy_limit(&p, SR_LIMIT_memory_bytes), 1LL << 30, "a profile read later does not win");
	policy_done(&p);
}

static void test_command_line_wins(void)
{
	struct sr_policy p;
	struct sr_error err;

	policy_init(&p);
	p.profile = strdup("mine");
	p.environment = strdup("host");
	p.output_archive = strdup("a.tar.gz");
	p.verbose = true;
	give(&p, "color");
	give(&p, "error-format");
	give(&p, "proc");
	policy_set_limit(&p, SR_LIMIT_memory_bytes, 7, SR_FROM_COMMAND_LINE);
	IS_INT(load(everything, &p, &err), 0, "under a command line");
	IS_STR(p.profile, "mine", "its profile holds");
	IS_STR(p.environment, "host", "its environment");
	OK(!p.environment_by_name, "as it was written there");
	OK(!p.output_dir, "an archive is where the outputs go");
	OK(p.verbose && !p.quiet, "-v answers a standing quiet");
	OK(p.color == SR_COLOR_AUTO && p.error_format == SR_ERRORS_TEXT && p.proc == SR_PROC_FRESH, "words that are the default too");
	IS_INT(policy_limit(&p, SR_LIMIT_memory_bytes), 7, "its limit");
	IS_INT(policy_limit(&p, SR_LIMIT_wall_ns), 10000000000LL, "what it does not say comes from the file");
	policy_done(&p);
	policy_init(&p);
	OK(load("[run]\nenvironment = py\n", &p, &err) == 0 && p.environment_by_name, "an environment's name is no folder of the current one");
	policy_done(&p);
}

static const struct {
	const char *text, *want;
} refused[] = {
	{ "[run]\nmemory = 1G\n", ":2: memory is a limit, and limits have their own sections" },
	{ "[run]\ninput = x\n", ":2: input is about one run" },
	{ "[run]\nsetenv = A=1\n", ":2: setenv is about one run" },
	{ "[run]\nxyzzy = x\n", ":2: unknown key \"xyzzy\" in [run]" },
	{ "[ran]\n", ":1: unknown section [ran]" },
	{ "[seccomp]\nallow = @base\n", ":1: unknown section [seccomp]" },
	{ "quiet = yes\n", ":1: key \"quiet\" stands before the first section" },
	{ "[run]\nquiet = maybe\n", ":2: quiet does not take \"maybe\"" },
	{ "[run]\nquiet =\n", ":2: quiet does not take \"\"" },
	{ "[run]\ncolor = purple\n", ":2: color does not take \"purple\"" },
	{ "[run]\nprofile = ./x.ini\n", ":2: profile is no absolute path" },
	{ "[run]\nprofile =\n", ":2: profile has no value" },
	{ "[run]\noutput-dir = out\n", ":2: output-dir is no absolute path" },
	{ "[run]\nquiet = yes\nquiet = yes\n", ":3: quiet in [run] a second time" },
	{ "[run]\nquiet = yes\n no\n", ":3: an indented line goes on with quiet" },
	{ "[limits]\nmemory.max = lots\n", ":2: memory.max does not take \"lots\"" },
	{ "[limits]\npids.max = 0\n", ":2: pids.max must not be 0" },
	{ "[project]\nhide = /etc\n", ":2: hide does not take \"/etc\"" },
	{ "[project]\nhide = a\n  b/../c\n", ":3: hide does not take \"b/../c\": it leads upwards" },
	{ "[project]\nhide = ./a\n", ":2: hide does not take \"./a\": it has a component '.'" },
	{ "[project]\nhide = 'a b\n", ":2: hide has a quote that does not end" },
	{ "[project]\nhide = ''\n", ":2: hide does not take \"\"" },
	{ "[run]\nprofile = \xff\n", ":2: bytes that are not UTF-8" },
	{ "[run\n", ":1: neither [section] nor key = value" },
	{ "[run]\nquiet = yes\nverbose = yes\n", "quiet and verbose ask for opposite things" },
};

static void test_refused(void)
{
	static const char nul[] = "[run]\nquiet = y\0es\n";
	struct sr_policy p;
	struct sr_error err;

	for (size_t i = 0; i < SR_ELEMENTSOF(refused); i++) {
		int r;

		policy_init(&p);
		r = load(refused[i].text, &p, &err);
		if (!OK(r < 0 && err.code == SR_E_CONFIG && err.status == 125 && strstr(err.text, refused[i].want) &&
				!p.config_path && !p.profile && p.hide.count == 0,
			refused[i].want))
			tap_note("got %d, \"%s\"", r, err.text);
		policy_done(&p);
	}
	policy_init(&p);
	put(nul, sizeof(nul) - 1, 0600);
	OK(config_load_from(path, NULL, &p, &err) < 0 && strstr(err.text, ":2: a NUL byte"), "a NUL");
	OK(load("[run]\nprofile = ~/x\n", &p, &err) == 0, "a path from the home folder");
	policy_done(&p);
	policy_init(&p);
	OK(config_load_from(path, NULL, &p, &err) < 0 && strstr(err.text, "no absolute path"), "without a home folder");
	policy_done(&p);
}

static bool refused_file(const char *want, const char *hint)
{
	struct sr_policy p;
	struct sr_error err = SR_ERROR_INIT;
	int r;

	policy_init(&p);
	r = config_load_from(path, NULL, &p, &err);
	policy_done(&p);
	if (r < 0 && err.code == SR_E_CONFIG && strstr(err.text, want) && strstr(err.hint, hint))
		return true;
	tap_note("got %d, \"%s\", hint \"%s\"", r, err.text, err.hint);
	return false;
}

static void test_files(void)
{
	struct sr_policy p;
	struct sr_error err = SR_ERROR_INIT;
	static char big[70000];

	policy_init(&p);
	(void)unlink(path);
	OK(config_load_from(path, NULL, &p, &err) == 0 && !p.config_path, "no file says nothing");
	put("[run]\nquiet = yes\n", 18, 0666);
	OK(refused_file("everybody may write it", "chmod o-w"), "a file that everybody may write");
	put("[run]\nquiet = yes\n", 18, 0664);
	IS_INT(config_load_from(path, NULL, &p, &err), 0, "one that the user's own group may write is the user's");
	memset(big, '\n', sizeof(big));
	put(big, sizeof(big), 0600);
	OK(refused_file("too large", "--no-config"), "a file that is too large");
	(void)unlink(path);
	(void)mkfifo(path, 0600);
	OK(refused_file("not a regular file", "--no-config"), "a FIFO, without waiting");
	(void)unlink(path);
	(void)mkdir(path, 0700);
	OK(refused_file("not a regular file", "--no-config"), "a folder");
	(void)rmdir(path);
	if (geteuid() == 0) {
		put("[run]\n", 6, 0600);
		(void)chown(path, 4321, 0);
		OK(refused_file("belongs to another user", "cp "), "somebody else's");
		(void)chown(path, 0, 4321);
		(void)chmod(path, 0660);
		OK(refused_file("a group that is not your primary one", "chmod g-w"), "a foreign group's");
	} else {
		put("[run]\n", 6, 0);
		OK(refused_file("Permission denied", "chmod u+r"), "one that is there and cannot be read is an error");
	}
	(void)unlink(path);
	policy_done(&p);
}

static void test_lookup(void)
{
	struct sr_policy p;
	struct sr_error err = SR_ERROR_INIT;
	char name[128];

	policy_init(&p);
	(void)snprintf(name, sizeof(name), "%s/sandrun", folder);
	(void)mkdir(name, 0700);
	(void)snprintf(path, sizeof(path), "%s/sandrun/config.ini", folder);
	put("[limits]\npids.max = 9\n", 22, 0600);
	(void)unsetenv("HOME");
	(void)unsetenv("XDG_CONFIG_HOME");
	OK(config_load(&p, &err) == 0 && !p.config_path, "neither HOME nor XDG_CONFIG_HOME: no configuration");
	(void)setenv("XDG_CONFIG_HOME", "relative", 1);
	OK(config_load(&p, &err) == 0 && !p.config_path, "a relative XDG_CONFIG_HOME is ignored");
	(void)setenv("XDG_CONFIG_HOME", folder, 1);
	OK(config_load(&p, &err) == 0 && policy_limit(&p, SR_LIMIT_pids) == 9, "XDG_CONFIG_HOME");
	policy_done(&p);
	(void)unlink(path);
	(void)rmdir(name);
}

static void test_within(void)
{
	static const struct {
		enum sr_limit_kind kind;
		const char *a, *b;
		bool within;
	} cases[] = {
		{ SR_LIMIT_KIND_BYTES, "1M", "2M", true },	 { SR_LIMIT_KIND_BYTES, "2M", "1M", false },
		{ SR_LIMIT_KIND_TIME, "1s", "unlimited", true }, { SR_LIMIT_KIND_TIME, "unlimited", "1s", false },
		{ SR_LIMIT_KIND_WEIGHT, "50", "default", true }, { SR_LIMIT_KIND_WEIGHT, "default", "50", false },
		{ SR_LIMIT_KIND_WEIGHT, "200", "default", false }, { SR_LIMIT_KIND_WINDOW, "10s/60s", "10s/60s", true },
		{ SR_LIMIT_KIND_WINDOW, "5s/60s", "10s/60s", true }, { SR_LIMIT_KIND_WINDOW, "20s/60s", "10s/60s", false },
		{ SR_LIMIT_KIND_WINDOW, "10s/60s", "20s/120s", true }, { SR_LIMIT_KIND_WINDOW, "20s/120s", "10s/60s", false },
		{ SR_LIMIT_KIND_WINDOW, "1s/1s", "10s/60s", false }, { SR_LIMIT_KIND_WINDOW, "10s/50s", "20s/60s", true },
		{ SR_LIMIT_KIND_WINDOW, "10s/60s", "unlimited", true }, { SR_LIMIT_KIND_WINDOW, "unlimited", "10s/60s", false },
	};

	for (size_t i = 0; i < SR_ELEMENTSOF(cases); i++) {
		uint64_t a = 0, b = 0;
		char name[80];

		(void)snprintf(name, sizeof(name), "%s is %swithin %s", cases[i].a, cases[i].within ? "" : "not ", cases[i].b);
		OK(limit_parse(cases[i].kind, cases[i].a, &a) == 0 && limit_parse(cases[i].kind, cases[i].b, &b) == 0 &&
			   limit_is_within(cases[i].kind, a, b) == cases[i].within,
		   name);
	}
}

int main(void)
{
	if (!mkdtemp(folder)) {
		tap_note("no temporary folder: %s", strerror(errno));
		return 99;
	}
	(void)snprintf(path, sizeof(path), "%s/config.ini", folder);
	test_everything();
	test_command_line_wins();
	test_refused();
	test_files();
	test_lookup();
	test_within();
	(void)rmdir(folder);
	return tap_done();
}
