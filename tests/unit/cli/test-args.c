/* SPDX-License-Identifier: MIT */
/* The command line into a policy: forms, values, combinations, and what the errors say. */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/args.h"
#include "cli/help.h"
#include "../tap.h"

#define MAX_WORDS 32

struct seen {
	int result;
	struct sr_policy p;
	enum args_action action;
	struct sr_error err;
};

/* Parses a line whose words are split at blanks; "\1" stands for a blank within a word, "\2" for an empty word. */
static struct seen parse_on(const char *line, bool tty)
{
	struct seen s = { .action = ARGS_RUN };
	static char text[1024];
	char *argv[MAX_WORDS + 1] = { (char *)"sandrun" };
	int argc = 1;

	(void)snprintf(text, sizeof(text), "%s", line);
	for (char *word = strtok(text, " "); word && argc < MAX_WORDS; word = strtok(NULL, " ")) {
		for (char *c = word; *c; c++) {
			if (*c == '\1')
				*c = ' ';
			else if (*c == '\2')
				*c = '\0';
		}
		argv[argc++] = word;
	}
	s.result = args_parse(argc, argv, tty, &s.p, &s.action, &s.err);
	return s;
}

static struct seen parse(const char *line)
{
	return parse_on(line, false);
}

static void refused(const char *line, const char *text, const char *hint, const char *name)
{
	struct seen s = parse(line);
	bool good = s.result < 0 && s.err.status == 125 && s.err.code == SR_E_OPTION && strcmp(s.err.stage, "options") == 0 &&
		    strstr(s.err.text, text) && strstr(s.err.hint, hint) && *s.err.hint;

	if (!OK(good, name))
		tap_note("result %d, status %d: %s; hint: %s", s.result, s.err.status, s.err.text, s.err.hint);
	policy_done(&s.p);
}

static void test_script_form(void)
{
	struct seen s = parse("-m 1G --timeout=250ms --cpu-time 2m --pids 7 script.py --memory 3 -- x");

	IS_INT(s.result, 0, "a script with options before and after");
	IS_INT(s.p.form, SR_FORM_SCRIPT, "is a script form");
	IS_INT(s.p.operands.count, 5, "what follows the script is the script's");
	IS_STR(s.p.operands.items[0], "script.py", "the script comes first");
	IS_STR(s.p.operands.items[1], "--memory", "an option behind it is not sandrun's");
	IS_STR(s.p.operands.items[3], "--", "nor is a -- behind it");
	IS_INT(policy_limit(&s.p, SR_LIMIT_memory_bytes), 1LL << 30, "a size");
	IS_INT(policy_limit(&s.p, SR_LIMIT_wall_ns), 250000000LL, "a time with = and ms");
	IS_INT(policy_limit(&s.p, SR_LIMIT_cpu_ns), 120000000000LL, "a time in minutes");
	IS_INT(policy_limit(&s.p, SR_LIMIT_pids), 7, "a count");
	IS_INT(s.p.limits[SR_LIMIT_pids].source, SR_FROM_COMMAND_LINE, "the source is the command line");
	policy_set_limit(&s.p, SR_LIMIT_pids, 99, SR_FROM_PROFILE);
	IS_INT(policy_limit(&s.p, SR_LIMIT_pids), 7, "a profile read later does not win");
	IS_INT(s.p.limits[SR_LIMIT_nofile].source, SR_FROM_BUILTIN, "other limits stay built-in");
	policy_done(&s.p);
}

static void test_forms(void)
{
	static const struct {
		const char *line;
		bool tty;
		enum sr_form form;
		size_t operands;
		const char *name;
	} cases[] = {
		{ "--lang python", false, SR_FORM_STDIN, 0, "--lang alone reads standard input" },
		{ "--lang python", true, SR_FORM_REPL, 0, "--lang alone on a terminal is the prompt" },
		{ "--lang python -", true, SR_FORM_STDIN, 0, "a dash is standard input on a terminal too" },
		{ "--lang python - a b", false, SR_FORM_STDIN, 2, "arguments follow the dash" },
		{ "--lang python tool a", false, SR_FORM_SCRIPT, 2, "the first operand is the script" },
		{ "--lang python verify", false, SR_FORM_SCRIPT, 1, "with --lang no word is a subcommand" },
		{ "--lang python -- -x", false, SR_FORM_SCRIPT, 1, "-- after --lang only ends the options" },
		{ "--lang python -c 1 a b", true, SR_FORM_CODE, 2, "code with arguments" },
		{ "--lang python -c 1 -", false, SR_FORM_CODE, 1, "a dash behind code is an argument" },
		{ "-- sort -n", false, SR_FORM_COMMAND, 2, "a command" },
		{ "-- -x", false, SR_FORM_COMMAND, 1, "a command with a dash" },
		{ "-C dir -- make", false, SR_FORM_COMMAND, 1, "a command in a project folder" },
		{ "-C dir serve", false, SR_FORM_SCRIPT, 1, "in a project no word is a subcommand" },
		{ "-C dir", false, SR_FORM_SCRIPT, 0, "a project alone: its sandrun.ini may name the script" },
		{ "-C dir --lang python", true, SR_FORM_SCRIPT, 0, "and with the language said" },
		{ "./verify", false, SR_FORM_SCRIPT, 1, "./verify is a file" },
		{ "-q script -v", false, SR_FORM_SCRIPT, 2, "options stand before the script" },
	};

	for (size_t i = 0; i < SR_ELEMENTSOF(cases); i++) {
		struct seen s = parse_on(cases[i].line, cases[i].tty);

		if (!OK(s.result == 0 && s.p.form == cases[i].form && s.p.operands.count == cases[i].operands, cases[i].name))
			tap_note("result %d, form %d, %zu operands: %s", s.result, s.p.form, s.p.operands.count, s.err.text);
		policy_done(&s.p);
	}
}

static void test_short_options(void)
{
	struct seen s = parse("-qm512M -t5 -ifile --lang bash -cecho\1hi one");

	IS_INT(s.result, 0, "clusters and attached values");
	OK(s.p.quiet, "the flag of a cluster");
	IS_INT(policy_limit(&s.p, SR_LIMIT_memory_bytes), 512LL << 20, "the value behind it");
	IS_INT(policy_limit(&s.p, SR_LIMIT_wall_ns), 5000000000LL, "seconds without a unit");
	IS_STR(s.p.inputs.items[0].path, "file", "an attached path");
	IS_STR(s.p.code, "echo hi", "attached code");
	policy_done(&s.p);
	s = parse("--lang python -c --version");
	IS_INT(s.result, 0, "code may look like an option");
	IS_STR(s.p.code, "--version", "and is taken as it is");
	policy_done(&s.p);
	s = parse("--report - --output-limit unlimited a.py");
	IS_INT(s.result, 0, "a dash as value");
	IS_STR(s.p.report, "-", "is kept");
	OK(policy_limit(&s.p, SR_LIMIT_stdio_bytes) == SR_UNLIMITED, "unlimited");
	policy_done(&s.p);
	s = parse("-p a -p b --color never --error-format json --proc none a.py");
	IS_STR(s.p.profile, "b", "the last of two values holds");
	IS_INT(s.p.color, SR_COLOR_NEVER, "a word of a list");
	IS_INT(s.p.error_format, SR_ERRORS_JSON, "another");
	IS_INT(s.p.proc, SR_PROC_NONE, "and another");
	policy_done(&s.p);
}

static void test_actions(void)
{
	struct seen s = parse("--help --nonsense");

	IS_INT(s.result, 0, "--help ends the parsing");
	IS_INT(s.action, ARGS_HELP, "and is the action");
	policy_done(&s.p);
	s = parse("-qh");
	IS_INT(s.action, ARGS_HELP, "-h in a cluster");
	policy_done(&s.p);
	s = parse("--version");
	IS_INT(s.action, ARGS_VERSION, "--version");
	policy_done(&s.p);
	s = parse("script.py --help");
	IS_INT(s.action, ARGS_RUN, "--help behind the script is the script's");
	policy_done(&s.p);
	s = parse("explain -q script.py x");
	OK(s.result == 0 && s.p.explain && s.p.quiet && s.p.operands.count == 2, "explain is --explain");
	policy_done(&s.p);
	s = parse("--lang python explain");
	OK(s.result == 0 && !s.p.explain && s.p.operands.count == 1, "with --lang it is a script");
	policy_done(&s.p);
}

static void test_files(void)
{
	char folder[] = "/tmp/test-args-XXXXXX";
	char path[64], line[256];
	struct seen s;
	FILE *f;

	OK(mkdtemp(folder) != NULL, "a folder for files");
	(void)snprintf(path, sizeof(path), "%s/a:b", folder);
	f = fopen(path, "w");
	OK(f && fclose(f) == 0, "a file with a colon");
	s = parse("-i data.csv -i x/y.csv:in.csv --input a:b:c s.py");
	IS_INT(s.p.inputs.count, 3, "inputs collect");
	OK(s.p.inputs.items[0].name == NULL, "no name");
	IS_STR(s.p.inputs.items[1].path, "x/y.csv", "the path before the colon");
	IS_STR(s.p.inputs.items[1].name, "in.csv", "the name behind it");
	IS_STR(s.p.inputs.items[2].path, "a:b", "the last colon splits");
	policy_done(&s.p);
	(void)snprintf(line, sizeof(line), "-i %s -i %s:c s.py", path, path);
	s = parse(line);
	IS_STR(s.p.inputs.items[0].path, path, "a file of the whole name wins");
	OK(s.p.inputs.items[0].name == NULL, "and has no name of its own");
	IS_STR(s.p.inputs.items[1].path, path, "PATH:NAME says it beyond doubt");
	IS_STR(s.p.inputs.items[1].name, "c", "with its name");
	policy_done(&s.p);
	s = parse("--bind /opt/x --bind lib:/opt/lib -o a -o b/* -O out --force --show .env -C . s.py");
	IS_INT(s.result, 0, "binds and outputs");
	IS_STR(s.p.binds.items[1].name, "/opt/lib", "the place inside");
	IS_INT(s.p.outputs.count, 2, "globs collect");
	OK(s.p.force && s.p.show.count == 1, "--force and --show");
	policy_done(&s.p);
	OK(unlink(path) == 0 && rmdir(folder) == 0, "the files are gone");
}

static void test_setenv(void)
{
	struct seen s;

	OK(setenv("SR_TEST_VALUE", "from here", 1) == 0, "a variable of the caller");
	s = parse("--setenv A=b=c --setenv EMPTY= --setenv SR_TEST_VALUE s.py");
	IS_INT(s.result, 0, "--setenv");
	IS_STR(s.p.setenv.items[0], "A=b=c", "the value may hold =");
	IS_STR(s.p.setenv.items[1], "EMPTY=", "and be empty");
	IS_STR(s.p.setenv.items[2], "SR_TEST_VALUE=from here", "a name alone takes the caller's value");
	policy_done(&s.p);
	OK(unsetenv("SR_TEST_VALUE") == 0, "no more");
	refused("--setenv SR_TEST_VALUE s.py", "it is not set here", "--setenv SR_TEST_VALUE=VALUE", "a name that is not set");
	refused("--setenv 1A=b s.py", "not a variable's name", "starts with no digit", "a name with a digit first");
	refused("--setenv =b s.py", "not a variable's name", "NAME=VALUE", "no name");
	refused("--setenv A-B=c s.py", "not a variable's name", "letters", "a name with a dash");
}

static void test_refusals(void)
{
	static const struct {
		const char *line, *text, *hint, *name;
	} cases[] = {
		{ "--memory 12x s", "cannot use '--memory 12x': not a size", "512M", "a bad size" },
		{ "-m -5 s", "'-m -5': not a size", "512M", "a negative size, spelled as typed" },
		{ "-m 99999999999G s", "too large", "512M", "a size beyond 64 bits" },
		{ "-m 0 s", "zero is no limit", "unlimited", "zero" },
		{ "-t 5d s", "cannot use '-t 5d': not a time", "10s", "a bad time" },
		{ "-t inf s", "not a time", "10s", "a time in words" },
		{ "--pids many s", "not a number", "64", "a bad count" },
		{ "--nofile 1.5 s", "not a number", "64", "half a file" },
		{ "--color purple s", "not one of its words", "auto|always|never", "a word that is not in the list" },
		{ "--color a s", "not one of its words", "auto", "a part of a word" },
		{ "--memry 1 s", "no such option", "did you mean --memory?", "a slip of the pen" },
		{ "--time s", "no such option", "did you mean --timeout?", "the beginning of an option" },
		{ "--xyzzy s", "no such option", "--help", "nothing like an option" },
		{ "-Z s", "cannot use '-Z': no such option", "--help", "an unknown letter" },
		{ "-qZ s", "cannot use '-Z': no such option", "--help", "an unknown letter in a cluster" },
		{ "--watch s", "no such option", "--help", "an option of later versions" },
		{ "--memory", "its value SIZE is missing", "--memory SIZE", "a missing value" },
		{ "-o --force s", "its value GLOB is missing", "-o--force", "an option where a value should be" },
		{ "--memory= s", "its value is empty", "--memory SIZE", "an empty value" },
		{ "--lang \2 s", "its value is empty", "--lang LANG", "an empty word" },
		{ "--force=yes s", "takes no value", "--force alone", "a value for a flag" },
		{ "-i :x s", "no path before the colon", "PATH:NAME", "an input without a path" },
		{ "-i x: s", "no name after the colon", "PATH:NAME", "an input without a name" },
		{ "--bind a:b s", "no absolute path", "PATH:/", "a relative place to bind to" },
		{ "mcp x", "the subcommand is not in this version", "./mcp", "a subcommand to come" },
		{ "serve", "not in this version", "./serve", "another" },
		{ "-q", "no script is given", "--lang LANG", "no script" },
		{ "--", "no command is given", "COMMAND", "no command" },
		{ "-C dir --no-manifest --lang python", "no script is given", "SCRIPT", "a project whose sandrun.ini is ignored" },
		{ "-C dir --no-manifest -O out s", "nothing is said to come out", "-o", "a destination there" },
		{ "-c 1", "the language of the code is not given", "--lang", "code without a language" },
		{ "-c 1 -- true", "the language of the code is not given", "--lang", "code before a command" },
		{ "- a", "the language of a program on standard input", "--lang", "a dash without a language" },
		{ "--show x s", "there is none", "-C DIR", "--show without a project" },
		{ "-O out s", "nothing is said to come out", "-o", "a destination without outputs" },
		{ "--output-archive f s", "nothing is said to come out", "-o", "an archive without outputs" },
		{ "-o a -O b --output-archive c s", "one place", "one of them", "two destinations" },
		{ "-o a --output-archive c --report c s", "same file", "two names", "the report over the archive" },
		{ "--explain --report - s", "nothing runs", "one of them", "a report of nothing" },
		{ "-q -v s", "opposite", "one of them", "quiet and verbose" },
		{ "--\033[31m s", "\\x1b[31m", "--help", "an escape sequence in an option" },
		{ "-m \033[31m s", "\\x1b[31m", "512M", "an escape sequence in a value" },
	};

	for (size_t i = 0; i < SR_ELEMENTSOF(cases); i++)
		refused(cases[i].line, cases[i].text, cases[i].hint, cases[i].name);
}

/* With -C the project's sandrun.ini has a say, so some checks come after it. */
static void test_settled(void)
{
	struct seen s = parse("-C dir/x");

	OK(s.result == 0 && args_check_settled(&s.p, &s.err) < 0 && strstr(s.err.text, "dir/x/sandrun.ini is not there") &&
		   strstr(s.err.hint, "sandrun -C dir/x SCRIPT") && strstr(s.err.hint, "entrypoint = SCRIPT"),
	   "no script, and no sandrun.ini");
	policy_done(&s.p);
	s = parse("-C $(x) --no-config");
	OK(s.result == 0 && args_check_settled(&s.p, &s.err) < 0 && !strstr(s.err.hint, "$(x)") && s.p.no_config,
	   "a folder's name that a shell would not take as a word is not offered for pasting");
	policy_done(&s.p);
	s = parse("-C dir -O out s");
	OK(s.result == 0 && args_check_settled(&s.p, &s.err) < 0 && strstr(s.err.text, "nothing is said to come out"),
	   "a destination, and nothing to come out");
	OK(policy_is_given(&s.p, "output-dir") && policy_is_given(&s.p, "project") && !policy_is_given(&s.p, "output"),
	   "what was given is remembered");
	policy_done(&s.p);
}

/* How an error is to be shown counts even when it stands behind the error. */
static void test_form_of_errors(void)
{
	struct seen s = parse("--nonsense --error-format=json s.py");

	OK(s.result < 0 && s.p.error_format == SR_ERRORS_JSON, "--error-format=json behind the mistake");
	policy_done(&s.p);
	s = parse("--nonsense --error-format json");
	OK(s.result < 0 && s.p.error_format == SR_ERRORS_JSON, "the same in two words");
	policy_done(&s.p);
	s = parse("--nonsense s.py --error-format=json");
	OK(s.result < 0 && s.p.error_format == SR_ERRORS_TEXT, "behind the script it is the script's");
	policy_done(&s.p);
	s = parse("--error-format json -q --memory x s.py");
	OK(s.result < 0 && s.p.error_format == SR_ERRORS_JSON && s.p.quiet, "before it, with -q");
	policy_done(&s.p);
}

static void test_table(void)
{
	bool unique = true, fits = true, values = true;

	for (size_t i = 0; i < args_option_count; i++) {
		const struct args_option *o = &args_options[i];
		bool flag = o->kind == ARGS_FLAG || o->kind == ARGS_ACTION;

		for (size_t j = 0; j < i; j++) {
			if ((o->name && args_options[j].name && strcmp(o->name, args_options[j].name) == 0) ||
			    (o->short_name && o->short_name == args_options[j].short_name))
				unique = false;
		}
		fits = fits && strlen(o->help) <= 50;
		values = values && flag == !o->arg && (o->name || o->short_name);
	}
	OK(args_option_count > 25, "the table is not empty");
	OK(unique, "no name stands twice");
	OK(fits, "help texts fit");
	OK(values, "flags take no value, all others name it");
}

static void test_help(void)
{
	char *text = NULL;
	size_t size = 0, longest = 0;
	FILE *f = open_memstream(&text, &size);
	bool all = true;
	FILE *full;

	OK(f && help_print(f) == 0 && fclose(f) == 0, "the help is printed");
	for (const char *line = text; line && *line; line += strcspn(line, "\n") + 1)
		longest = strcspn(line, "\n") > longest ? strcspn(line, "\n") : longest;
	OK(longest > 40 && longest <= 80, "in 80 columns");
	for (size_t i = 0; i < args_option_count; i++) {
		if (!strstr(text, args_options[i].help) || (args_options[i].name && !strstr(text, args_options[i].name)))
			all = false;
	}
	OK(all, "with every option");
	free(text);
	full = fopen("/dev/full", "w");
	if (full)
		IS_INT(help_print(full), -ENOSPC, "a full disk is an error");
	else
		tap_skip("a full disk is an error", "no /dev/full");
	if (full)
		(void)fclose(full);
}

int main(void)
{
	test_script_form();
	test_forms();
	test_short_options();
	test_actions();
	test_files();
	test_setenv();
	test_refusals();
	test_settled();
	test_form_of_errors();
	test_table();
	test_help();
	return tap_done();
}
