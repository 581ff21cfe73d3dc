/* SPDX-License-Identifier: MIT */
#include "cli/args.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/subcommand.h"
#include "policy/limit.h"
#include "policy/manifest.h"

#define STAGE "options"
/* An untrusted text as a message may show it; lives until the end of the block. */
#define SHOWN(s) str_escape((s), (char[160]){ 0 }, 160)

/* What `target` means for each kind (options.def). */
#define TARGET_FLAG(t) offsetof(struct sr_policy, t)
#define TARGET_STRING(t) offsetof(struct sr_policy, t)
#define TARGET_CODE(t) offsetof(struct sr_policy, t)
#define TARGET_LIST(t) offsetof(struct sr_policy, t)
#define TARGET_INPUT(t) offsetof(struct sr_policy, t)
#define TARGET_PRIVATE(t) offsetof(struct sr_policy, t)
#define TARGET_BIND(t) offsetof(struct sr_policy, t)
#define TARGET_SETENV(t) offsetof(struct sr_policy, t)
#define TARGET_ENUM(t) offsetof(struct sr_policy, t)
#define TARGET_LIMIT(t) SR_LIMIT_##t
#define TARGET_ACTION(t) ARGS_##t

const struct args_option args_options[] = {
#define SR_OPTION(short_name_, name_, kind_, target_, arg_, group_, help_)                                            \
	{ .short_name = (short_name_), .name = (name_), .kind = ARGS_##kind_, .target = TARGET_##kind_(target_),      \
	  .arg = (arg_), .group = ARGS_GROUP_##group_, .help = (help_) },
#include "policy/options.def"
};
const size_t args_option_count = SR_ELEMENTSOF(args_options);

const char *const args_group_titles[ARGS_GROUP_MAX] = {
#define SR_OPTION_GROUP(group, title) [ARGS_GROUP_##group] = (title),
#include "policy/options.def"
};

/* ENUM rows write through an int. */
_Static_assert(sizeof(enum sr_color) == sizeof(int) && sizeof(enum sr_salt_mode) == sizeof(int) && sizeof(enum sr_error_format) == sizeof(int), "enum size");

struct parse {
	int argc;
	char **argv;
	int at;              /* next word */
	const char *spelled; /* the option as the user wrote it: "--memory", "-m" */
	bool command;        /* `--` was met and no --lang: the operands are a command */
	struct sr_policy *p;
	enum args_action action;
	struct sr_error *err;
};

typedef int set_fn(struct parse *s, const struct args_option *o, const char *value);

static void *field(struct parse *s, const struct args_option *o)
{
	return (char *)s->p + o->target;
}

static int bad_value(struct parse *s, const char *value, const char *reason, const char *hint)
{
	int r = sr_error_set(s->err, SR_E_OPTION, EINVAL, STAGE, "cannot use '%s %s': %s", s->spelled, SHOWN(value),
			     reason);

	sr_error_hint(s->err, "%s", hint);
	return r;
}

static int set_flag(struct parse *s, const struct args_option *o, const char *value)
{
	(void)value;
	*(bool *)field(s, o) = true;
	return 0;
}

static int set_string(struct parse *s, const struct args_option *o, const char *value)
{
	char **to = field(s, o);
	char *copy = strdup(value);

	if (!copy)
		return sr_error_oom(s->err, STAGE);
	free(*to);
	*to = copy;
	return 0;
}

static int set_list(struct parse *s, const struct args_option *o, const char *value)
{
	return strv_add(field(s, o), value) < 0 ? sr_error_oom(s->err, STAGE) : 0;
}

static int set_action(struct parse *s, const struct args_option *o, const char *value)
{
	(void)value;
	s->action = (enum args_action)o->target;
	return 0;
}

/*
 * PATH[:NAME]: the last colon splits, unless a file of the whole name is there. So a path with a colon works as it is, and
 * PATH:NAME says it beyond doubt. Returns the length of PATH; *ret_name points behind the colon or is NULL.
 */
static size_t split_name(const char *value, const char **ret_name)
{
	const char *colon = strrchr(value, ':');
	struct stat st;

	*ret_name = NULL;
	if (!colon || lstat(value, &st) == 0)
		return strlen(value);
	*ret_name = colon + 1;
	return (size_t)(colon - value);
}

static int set_file(struct parse *s, const struct args_option *o, const char *value)
{
	const char *name;
	size_t len = split_name(value, &name);
	SR_AUTOFREE char *path = strndup(value, len);

	if (!path)
		return sr_error_oom(s->err, STAGE);
	if (len == 0)
		return bad_value(s, value, "no path before the colon", "write PATH, or PATH:NAME");
	if (name && !*name)
		return bad_value(s, value, "no name after the colon", "write PATH, or PATH:NAME");
	if (o->kind == ARGS_BIND && name && *name != '/')
		return bad_value(s, value, "the place inside is no absolute path", "write --bind PATH:/PLACE/INSIDE");
	if (policy_add_file(field(s, o), path, name) < 0)
		return sr_error_oom(s->err, STAGE);
	return 0;
}

static int set_private(struct parse *s, const struct args_option *o, const char *value)
{
	struct sr_file_args *files = field(s, o);
	int r;

	if (strcmp(value, "-") == 0) {
		s->p->private_stdin = true;
		return 0;
	}
	r = set_file(s, o, value);
	if (r == 0)
		files->items[files->count - 1].is_private = true;
	return r;
}

/* A variable's name as shells take it: letters, digits and '_', no digit first. */
static bool is_variable_name(const char *s, size_t len)
{
	if (len == 0 || (*s >= '0' && *s <= '9'))
		return false;
	for (size_t i = 0; i < len; i++) {
		if (s[i] != '_' && !(s[i] >= '0' && s[i] <= '9') && !(s[i] >= 'A' && s[i] <= 'Z') &&
		    !(s[i] >= 'a' && s[i] <= 'z'))
			return false;
	}
	return true;
}

static int set_setenv(struct parse *s, const struct args_option *o, const char *value)
{
	size_t len = strcspn(value, "=");
	const char *caller = NULL;

	if (!is_variable_name(value, len))
		return bad_value(s, value, "not a variable's name",
				 "write NAME=VALUE; a name is letters, digits and '_', and starts with no digit");
	if (!value[len]) {
		caller = getenv(value);
		if (!caller) {
			bad_value(s, value, "it is not set here", "");
			sr_error_hint(s->err, "give it a value: --setenv %s=VALUE", SHOWN(value));
			return -EINVAL;
		}
	}
	if (strv_addf(field(s, o), "%s%s%s", value, caller ? "=" : "", caller ? caller : "") < 0)
		return sr_error_oom(s->err, STAGE);
	return 0;
}

static int set_enum(struct parse *s, const struct args_option *o, const char *value)
{
	size_t len = strlen(value);
	int index = 0;

	for (const char *word = o->arg; *word; index++) {
		size_t n = strcspn(word, "|");

		if (n == len && strncmp(word, value, n) == 0) {
			*(int *)field(s, o) = index;
			return 0;
		}
		word += n + (word[n] == '|');
	}
	bad_value(s, value, "not one of its words", "");
	sr_error_hint(s->err, "%s takes %s", s->spelled, o->arg);
	return -EINVAL;
}

static int set_limit(struct parse *s, const struct args_option *o, const char *value)
{
	static const char *const not_a[] = {
		[SR_LIMIT_KIND_BYTES] = "not a size",	  [SR_LIMIT_KIND_TIME] = "not a time",
		[SR_LIMIT_KIND_COUNT] = "not a number",	  [SR_LIMIT_KIND_PERCENT] = "not a percentage",
		[SR_LIMIT_KIND_WEIGHT] = "not a weight",  [SR_LIMIT_KIND_WINDOW] = "not a time in a time",
	};
	static const char *const hints[] = {
		[SR_LIMIT_KIND_BYTES] = "sizes are a number with K, M or G (factor 1024), e.g. 512M",
		[SR_LIMIT_KIND_TIME] = "times are a number with ms, s, m or h, e.g. 10s; without a unit, seconds",
		[SR_LIMIT_KIND_COUNT] = "give a whole number, e.g. 64, or 'unlimited'",
		[SR_LIMIT_KIND_PERCENT] = "give a share of one processor, e.g. 50%, 100%, 400%, or 'unlimited'",
		[SR_LIMIT_KIND_WEIGHT] = "give a number from 1 to 10000",
		[SR_LIMIT_KIND_WINDOW] = "give processor time in a stretch of 100ms to 1h, e.g. 10s/60s",
	};
	enum sr_limit_id id = (enum sr_limit_id)o->target;
	enum sr_limit_kind kind = sr_limit_rows[id].kind;
	uint64_t v;
	int r = limit_parse(kind, value, &v);

	if (r == -ERANGE)
		return bad_value(s, value, kind == SR_LIMIT_KIND_WINDOW ? "out of range" : "too large", hints[kind]);
	if (r < 0)
		return bad_value(s, value, not_a[kind], hints[kind]);
	if (v == 0) /* 0 means "no limit" to some kernel interfaces, "nothing" to others: neither is meant */
		return bad_value(s, value, "zero is no limit", "leave the option out, or say 'unlimited'");
	policy_set_limit(s->p, id, v, SR_FROM_COMMAND_LINE);
	return 0;
}

static set_fn *const setters[] = {
	[ARGS_FLAG] = set_flag,   [ARGS_STRING] = set_string, [ARGS_CODE] = set_string,     [ARGS_LIST] = set_list,
	[ARGS_INPUT] = set_file,  [ARGS_BIND] = set_file,     [ARGS_SETENV] = set_setenv,   [ARGS_ENUM] = set_enum,
	[ARGS_LIMIT] = set_limit, [ARGS_ACTION] = set_action, [ARGS_PRIVATE] = set_private,
};

static const struct args_option *find_long(const char *name, size_t len)
{
	for (size_t i = 0; i < args_option_count; i++) {
		const char *have = args_options[i].name;

		if (have && strlen(have) == len && memcmp(have, name, len) == 0)
			return &args_options[i];
	}
	return NULL;
}

static const struct args_option *find_short(char c)
{
	for (size_t i = 0; i < args_option_count; i++) {
		if (args_options[i].short_name == c)
			return &args_options[i];
	}
	return NULL;
}

/* The option whose name comes nearest to what was typed: begins with it, or differs by a letter or two. Or NULL. */
static const char *nearest(const char *name, size_t len)
{
	const char *best = NULL;
	size_t best_distance = 3;

	for (size_t i = 0; i < args_option_count; i++) {
		const char *have = args_options[i].name;
		size_t d;

		if (!have)
			continue;
		if (len >= 3 && strncmp(have, name, len) == 0)
			return have;
		d = str_distance(name, len, have, strlen(have));
		if (d < best_distance && d < len) {
			best_distance = d;
			best = have;
		}
	}
	return best;
}

static int unknown_option(struct parse *s, const char *name, size_t len)
{
	const char *near = str_has_prefix(s->spelled, "--") ? nearest(name, len) : NULL;
	int r = sr_error_set(s->err, SR_E_OPTION, EINVAL, STAGE, "cannot use '%s': no such option", SHOWN(s->spelled));

	if (near)
		sr_error_hint(s->err, "did you mean --%s?", near);
	else
		sr_error_hint(s->err, "`sandrun --help` lists the options; those of the program come after its name");
	return r;
}

/* The value of an option that stands in a word of its own. */
static int next_value(struct parse *s, const struct args_option *o, const char **ret)
{
	const char *value = s->at < s->argc ? s->argv[s->at] : NULL;

	/* `--output --force` is a forgotten value, not a glob named --force */
	if (value && o->kind != ARGS_CODE && str_has_prefix(value, "--") && find_long(value + 2, strlen(value + 2))) {
		sr_error_set(s->err, SR_E_OPTION, EINVAL, STAGE, "cannot use '%s': its value %s is missing", s->spelled,
			     o->arg);
		sr_error_hint(s->err, "'%s' is an option itself; if it is meant as the value, write %s%s%s", value,
			      s->spelled, s->spelled[1] == '-' ? "=" : "", value);
		return -EINVAL;
	}
	if (!value) {
		sr_error_set(s->err, SR_E_OPTION, EINVAL, STAGE, "cannot use '%s': its value %s is missing", s->spelled,
			     o->arg);
		sr_error_hint(s->err, "write %s %s", s->spelled, o->arg);
		return -EINVAL;
	}
	s->at++;
	*ret = value;
	return 0;
}

/* attached: the value in the same word ("--memory=1G", "-m1G"), or NULL. */
static int apply(struct parse *s, const struct args_option *o, const char *attached)
{
	const char *value = attached;
	int r;

	if (!o->arg && attached) {
		sr_error_set(s->err, SR_E_OPTION, EINVAL, STAGE, "cannot use '%s=%s': it takes no value", s->spelled,
			     SHOWN(attached));
		sr_error_hint(s->err, "write %s alone", s->spelled);
		return -EINVAL;
	}
	if (o->arg && !attached) {
		r = next_value(s, o, &value);
		if (r < 0)
			return r;
	}
	if (value && !*value && o->kind != ARGS_CODE) {
		sr_error_set(s->err, SR_E_OPTION, EINVAL, STAGE, "cannot use '%s': its value is empty", s->spelled);
		sr_error_hint(s->err, "write %s %s", s->spelled, o->arg);
		return -EINVAL;
	}
	s->p->given[o - args_options] = true;
	return setters[o->kind](s, o, value);
}

static int parse_long(struct parse *s, const char *word)
{
	size_t len = strcspn(word + 2, "=");
	SR_AUTOFREE char *spelled = strndup(word, len + 2);
	const struct args_option *o = find_long(word + 2, len);
	int r;

	if (!spelled)
		return sr_error_oom(s->err, STAGE);
	s->spelled = spelled;
	r = o ? apply(s, o, word[len + 2] ? word + len + 3 : NULL) : unknown_option(s, word + 2, len);
	s->spelled = NULL;
	return r;
}

/* "-q", "-qt5s", "-t 5s": flags cluster, a value may follow at once. */
static int parse_short(struct parse *s, const char *word)
{
	for (const char *c = word + 1; *c && s->action == ARGS_RUN; c++) {
		const struct args_option *o = find_short(*c);
		char spelled[] = { '-', *c, '\0' };
		int r;

		s->spelled = spelled;
		if (!o)
			r = unknown_option(s, c, 1);
		else
			r = apply(s, o, o->arg && c[1] ? c + 1 : NULL);
		s->spelled = NULL;
		if (r < 0 || (o && o->arg))
			return r;
	}
	return 0;
}

/* Options up to the first operand. `--` starts a command; after --lang it only ends the options. */
static int parse_options(struct parse *s)
{
	while (s->at < s->argc && s->action == ARGS_RUN) {
		const char *word = s->argv[s->at];
		int r;

		if (word[0] != '-' || !word[1])
			return 0;
		s->at++;
		if (strcmp(word, "--") == 0) {
			s->command = !s->p->lang;
			return 0;
		}
		r = word[1] == '-' ? parse_long(s, word) : parse_short(s, word);
		if (r < 0)
			return r;
	}
	return 0;
}

/* A subcommand's word where a script would stand: not built yet, or behind options that it does not take. */
static int check_reserved(struct parse *s)
{
	const char *word = s->argv[s->at];
	const struct subcommand *sub = subcommand_find(word);

	if (!sub)
		return 0;
	sr_error_set(s->err, SR_E_OPTION, EINVAL, STAGE, "cannot run '%s': %s", word,
		     sub->run ? "a subcommand stands first, before any option" : "the subcommand is not in this version");
	sr_error_hint(s->err, "for a file of that name write ./%s", word);
	return -EINVAL;
}

/* `sandrun explain ...` is `sandrun --explain ...`. */
static int parse_explain(struct parse *s)
{
	if (s->command || s->p->lang || s->p->project_dir || s->at >= s->argc ||
	    strcmp(s->argv[s->at], "explain") != 0)
		return 0;
	s->at++;
	s->p->explain = true;
	return parse_options(s);
}

static int no_script(struct parse *s)
{
	int r = sr_error_set(s->err, SR_E_OPTION, EINVAL, STAGE, "cannot run anything: no %s is given",
			     s->command ? "command" : "script");

	sr_error_hint(s->err, "sandrun SCRIPT, sandrun --lang LANG, or sandrun -- COMMAND; see sandrun --help");
	return r;
}

static int code_without_lang(struct parse *s)
{
	int r = sr_error_set(s->err, SR_E_OPTION, EINVAL, STAGE,
			     "cannot use '-c': the language of the code is not given");

	sr_error_hint(s->err, "add --lang, e.g. sandrun --lang python -c 'print(1)'");
	return r;
}

/* Which of the forms it is (findings 32); leaves s->at at the first operand to keep. */
static int decide_form(struct parse *s, bool stdin_is_tty)
{
	struct sr_policy *p = s->p;
	bool operand = s->at < s->argc;

	if (p->code && !p->lang)
		return code_without_lang(s);
	if (s->command) {
		p->form = SR_FORM_COMMAND;
		return operand ? 0 : no_script(s);
	}
	if (p->lang && p->code) {
		p->form = SR_FORM_CODE;
		return 0;
	}
	if (p->lang && !p->project_dir && !operand) {
		p->form = stdin_is_tty ? SR_FORM_REPL : SR_FORM_STDIN;
		return 0;
	}
	if (p->lang && operand && strcmp(s->argv[s->at], "-") == 0) {
		p->form = SR_FORM_STDIN;
		s->at++;
		return 0;
	}
	p->form = SR_FORM_SCRIPT;
	if (!operand) /* with -C the project's sandrun.ini may name it: args_check_settled() */
		return p->project_dir ? 0 : no_script(s);
	return p->lang || p->project_dir ? 0 : check_reserved(s);
}

static int take_operands(struct parse *s)
{
	for (; s->at < s->argc; s->at++) {
		if (strv_add(&s->p->operands, s->argv[s->at]) < 0)
			return sr_error_oom(s->err, STAGE);
	}
	return 0;
}

/* Combinations that cannot mean what they say: one function a rule, 0 or the error. */
typedef int check_fn(const struct sr_policy *p, struct sr_error *err);

static int refuse(struct sr_error *err, const char *what, const char *reason, const char *hint)
{
	int r = sr_error_set(err, SR_E_OPTION, EINVAL, STAGE, "cannot use %s: %s", what, reason);

	sr_error_hint(err, "%s", hint);
	return r;
}

static int check_stdin_needs_lang(const struct sr_policy *p, struct sr_error *err)
{
	if (p->form != SR_FORM_SCRIPT || p->lang || p->operands.count == 0 || strcmp(p->operands.items[0], "-") != 0)
		return 0;
	return refuse(err, "'-'", "the language of a program on standard input is not given",
		      "add --lang, e.g. --lang python -");
}

static int check_show_needs_project(const struct sr_policy *p, struct sr_error *err)
{
	if (p->show.count == 0 || p->project_dir)
		return 0;
	return refuse(err, "'--show'", "it is about files of a project folder, and there is none",
		      "add -C DIR, or take the file in with -i");
}

static int check_destination_needs_glob(const struct sr_policy *p, struct sr_error *err)
{
	bool dir = policy_is_given(p, "output-dir"); /* the configuration's is a standing wish */

	if ((!dir && !p->output_archive) || p->outputs.count > 0)
		return 0;
	return refuse(err, dir ? "'--output-dir'" : "'--output-archive'", "nothing is said to come out",
		      "name the files with -o, e.g. -o 'out/*'");
}

static int check_one_destination(const struct sr_policy *p, struct sr_error *err)
{
	if (!p->output_dir || !p->output_archive)
		return 0;
	return refuse(err, "'--output-dir' with '--output-archive'", "outputs go to one place",
		      "leave one of them out");
}

static int check_report_apart(const struct sr_policy *p, struct sr_error *err)
{
	if (!p->report || !p->output_archive || strcmp(p->report, p->output_archive) != 0)
		return 0;
	return refuse(err, "'--report' with '--output-archive'", "both name the same file", "give them two names");
}

static int check_report_needs_run(const struct sr_policy *p, struct sr_error *err)
{
	if (!p->report || !p->explain)
		return 0;
	return refuse(err, "'--report' with '--explain'", "nothing runs, so there is nothing to report",
		      "leave one of them out");
}

static int check_quiet_or_verbose(const struct sr_policy *p, struct sr_error *err)
{
	if (!p->quiet || !p->verbose)
		return 0;
	return refuse(err, "'--quiet' with '--verbose'", "they ask for opposite things", "leave one of them out");
}

static int check_strict_or_not(const struct sr_policy *p, struct sr_error *err)
{
	if (!p->strict || !p->no_strict)
		return 0;
	return refuse(err, "'--strict' with '--no-strict'", "they ask for opposite things", "leave one of them out");
}

static int check_one_salt(const struct sr_policy *p, struct sr_error *err)
{
	if (!p->salt_file || !policy_is_given(p, "salt"))
		return 0;
	return refuse(err, "'--salt' with '--salt-file'", "a salt from a file is its owner's to keep or destroy",
		      "leave one of them out");
}

static int check_args_one_way(const struct sr_policy *p, struct sr_error *err)
{
	if (!p->record_args || !p->private_args)
		return 0;
	return refuse(err, "'--record-args' with '--private-args'", "they ask for opposite things",
		      "leave one of them out; --no-config and --no-manifest, where a file says private-args");
}

/* It has the names of files and sockets: arguments, as often as not. Without --record-args it has no argv anyway. */
static int check_trace_is_open(const struct sr_policy *p, struct sr_error *err)
{
	if (!p->trace || !policy_is_private(p))
		return 0;
	return refuse(err, "'--trace' with private inputs, arguments or outputs",
		      "it names what the program opens, and a program can put into a name what it has read",
		      "leave --trace out, or what is private; a file of yours (config.ini, sandrun.ini) may ask for privacy too");
}

/* What it prints are files and programs that were asked for by name: arguments, as often as not. */
static int check_learn_is_open(const struct sr_policy *p, struct sr_error *err)
{
	if (!p->learn || !p->private_args)
		return 0;
	return refuse(err, "'--learn' with '--private-args'", "what it finds out names what the program was told",
		      "leave one of them out; --no-config and --no-manifest, where a file says private-args");
}

static int check_trace_apart(const struct sr_policy *p, struct sr_error *err)
{
	if (p->trace && p->learn)
		return refuse(err, "'--trace' with '--learn'", "both follow the program as its tracer, and it can have one",
			      "leave one of them out");
	if (p->trace && p->no_certificate)
		return refuse(err, "'--trace' with '--no-certificate'", "the trace is kept beside the certificate, which holds its root",
			      "leave one of them out");
	return 0;
}

static int check_build(const struct sr_policy *p, struct sr_error *err)
{
	if (p->build_network && !p->build_layer)
		return refuse(err, "'--build-network'", "a run has no network; only a build may", "add --build-layer DIR, or leave it out");
	if (!p->build_layer)
		return 0;
	if (!p->environment || strcmp(p->environment, "host") == 0)
		return refuse(err, "'--build-layer'", "nothing is said of what the layer lies on",
			      "add -E NAME, or -E none where DIR/tree is to be a root by itself");
	if (p->certificate || p->trace || p->nonce || p->audience)
		return refuse(err, "'--build-layer' with a certificate's options", "a build makes none", "leave one of them out");
	return 0;
}

static int check_install(const struct sr_policy *p, struct sr_error *err)
{
	if (!p->install)
		return 0;
	if (p->build_layer)
		return refuse(err, "'--install' with '--build-layer'", "an installation is such a build itself", "leave one of them out");
	if (p->form == SR_FORM_REPL)
		return refuse(err, "'--install'", "there is no program whose requirements could be read", "name a script, or a project with -C");
	return 0;
}

static int check_combinations(const struct sr_policy *p, struct sr_error *err)
{
	static check_fn *const checks[] = {
		check_stdin_needs_lang, check_show_needs_project, check_one_destination, check_report_apart,
		check_report_needs_run, check_quiet_or_verbose, check_strict_or_not, check_one_salt, check_learn_is_open,
		check_args_one_way, check_trace_apart, check_trace_is_open, check_build, check_install,
	};

	for (size_t i = 0; i < SR_ELEMENTSOF(checks); i++) {
		int r = checks[i](p, err);

		if (r < 0)
			return r;
	}
	return 0;
}

/* A likely program of the project, for the hint. */
static const char *likely_script(const char *dir)
{
	static const char *const names[] = { "main.py", "__main__.py", "app.py", "main.js", "index.js", "main.sh", "run.sh",
					     "main.go", "main.c",      "main.rb" };

	for (size_t i = 0; i < SR_ELEMENTSOF(names); i++) {
		SR_AUTOFREE char *path = str_format("%s/%s", dir, names[i]);

		if (path && access(path, F_OK) == 0)
			return names[i];
	}
	return "SCRIPT";
}

/* One of the two ways is a file that need not be written by hand. */
static int no_entrypoint(const struct sr_policy *p, struct sr_error *err)
{
	const char *dir = str_plain_or(p->project_dir, "DIR"), *script = likely_script(p->project_dir);
	const char *why = p->no_manifest ? "is ignored" : p->manifest_text ? "has no entrypoint" : "is not there";
	int r = sr_error_set(err, SR_E_OPTION, EINVAL, STAGE,
			     "cannot run anything: no script is given, and %s/" SR_MANIFEST_NAME " %s", SHOWN(p->project_dir), why);

	if (p->manifest_text)
		sr_error_hint(err, "sandrun -C %s %s; or add the line \"entrypoint = %s\" below its [run]", dir, script, script);
	else if (p->no_manifest)
		sr_error_hint(err, "sandrun --no-manifest -C %s %s", dir, script);
	else
		sr_error_hint(err, "sandrun -C %s %s; or once for all: printf '[run]\\nentrypoint = %s\\n' >%s/" SR_MANIFEST_NAME, dir,
			      script, script, dir);
	return r;
}

int args_check_settled(const struct sr_policy *p, struct sr_error *err)
{
	if (p->form == SR_FORM_SCRIPT && p->operands.count == 0)
		return no_entrypoint(p, err);
	if (check_learn_is_open(p, err) < 0 || check_args_one_way(p, err) < 0 || check_trace_is_open(p, err) < 0)
		return -EINVAL; /* a file may have asked for privacy since */
	return check_destination_needs_glob(p, err);
}

/* After an error: the form of the message may be asked for further on. Reads options only, up to the first operand. */
static void find_error_format(struct parse *s)
{
	static const char name[] = "--error-format";
	size_t len = sizeof(name) - 1;

	for (int i = s->at; i < s->argc && s->argv[i][0] == '-' && strcmp(s->argv[i], "--") != 0; i++) {
		const char *word = s->argv[i];
		const char *value = NULL;

		if (strncmp(word, name, len) == 0)
			value = word[len] == '=' ? word + len + 1 : !word[len] && i + 1 < s->argc ? s->argv[++i] : NULL;
		if (value && strcmp(value, "json") == 0)
			s->p->error_format = SR_ERRORS_JSON;
	}
}

static int parse_all(struct parse *s, bool stdin_is_tty)
{
	int r = parse_options(s);

	if (r == 0 && s->action == ARGS_RUN)
		r = parse_explain(s);
	if (r < 0 || s->action != ARGS_RUN)
		return r;
	r = decide_form(s, stdin_is_tty);
	if (r == 0 && s->p->private_stdin && stdin_is_tty)
		r = refuse(s->err, "'--private-input -'", "standard input is a terminal, and what is typed there is shown",
			   "give it from a file or a pipe: sandrun --private-input - ... < FILE");
	if (r == 0)
		r = take_operands(s);
	if (r == 0)
		r = check_combinations(s->p, s->err);
	if (r == 0 && (!s->p->project_dir || s->p->no_manifest))
		r = args_check_settled(s->p, s->err);
	return r;
}

int args_parse(int argc, char **argv, bool stdin_is_tty, struct sr_policy *ret, enum args_action *action,
	       struct sr_error *err)
{
	struct parse s = { .argc = argc, .argv = argv, .at = 1, .p = ret, .action = ARGS_RUN, .err = err };
	int r;

	policy_init(ret);
	r = parse_all(&s, stdin_is_tty);
	if (r < 0) {
		find_error_format(&s);
		return r;
	}
	*action = s.action;
	return 0;
}
