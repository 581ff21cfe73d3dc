/* SPDX-License-Identifier: MIT */
/*
 * sandrun profile list | show NAME | check FILE... | diff A B
 */
#include "cli/profile.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cli/subcommand.h"
#include "policy/profile-lint.h"
#include "policy/profile-list.h"

#define STAGE "profile"
#define SHOWN(s) str_escape((s), (char[512]){ 0 }, 512)

static const char usage[] =
	"Usage: sandrun profile list [--json]               profiles that a name finds\n"
	"       sandrun profile show [--json] NAME          limits, system calls, reasons\n"
	"       sandrun profile check [--json] NAME...      what is wrong, and the mend\n"
	"       sandrun profile diff [--json] NAME NAME     what the second one changes\n"
	"NAME is a name of the list, or a file: my.ini, ./my, /etc/my.ini.\n"
	"Exit status: 0; check: 1 where something was found; diff: 1 where they differ;\n"
	"125 where a profile cannot be read.\n";

char *profile_operand(const char *operand)
{
	bool file = !strchr(operand, '/') && str_has_suffix(operand, SR_PROFILE_SUFFIX);

	return str_format("%s%s", file ? "./" : "", operand);
}

/* --- list ----------------------------------------------------------------------------------------------------------------- */

static json_t *text_or_null(const char *s)
{
	return s ? json_string(SHOWN(s)) : json_null();
}

static json_t *listing_json(const struct profile_listing *l)
{
	json_t *all = json_array();

	for (size_t i = 0; i < l->count; i++) {
		const struct profile_listed *item = &l->items[i];
		json_t *broken = json_null();

		if (item->broken)
			broken = json_pack("{s:s, s:s}", "message", SHOWN(item->broken->text), "hint", SHOWN(item->broken->hint));
		if (json_array_append_new(all, json_pack("{s:s, s:s, s:o, s:o, s:b, s:o}", "name", item->name, "place",
							 place_name(item->place), "path", text_or_null(item->path),
							 "description", text_or_null(item->description), "shadowed",
							 item->shadowed, "error", broken)) < 0) {
			json_decref(all);
			return NULL;
		}
	}
	return all;
}

static void print_listed(const struct profile_listing *l, size_t i, int width)
{
	const struct profile_listed *item = &l->items[i], *before = item->shadowed ? &l->items[i - 1] : NULL;

	(void)printf("%-*s  %-11s  %s\n", width, item->name, place_name(item->place),
		     item->description ? SHOWN(item->description) : item->broken ? "(broken)" : "(no description)");
	if (item->path)
		(void)printf("%*s  %s\n", width, "", SHOWN(item->path));
	if (before)
		(void)printf("%*s  shadowed by %s\n", width, "", SHOWN(before->path));
	if (item->broken)
		(void)printf("%*s  error: %s\n", width, "", item->broken->text);
	if (item->broken && *item->broken->hint)
		(void)printf("%*s  hint: %s\n", width, "", item->broken->hint);
}

static void warn_unreadable(const struct profile_call *call, const char *folder, int errnum)
{
	char text[768];

	if (!errnum)
		return;
	(void)snprintf(text, sizeof(text), "profile: cannot list %s: %s", SHOWN(folder), strerror(errnum));
	message_warning(&call->c->policy, text);
}

static int list(const struct profile_call *call)
{
	struct profile_listing l = { .count = 0 };
	struct sr_error err = SR_ERROR_INIT;
	int unreadable[2], width = 0, status = 0;

	if (profile_list(&call->places, &l, unreadable, &err) < 0) {
		message_error(&call->c->policy, &err);
		return err.status;
	}
	warn_unreadable(call, call->places.user, unreadable[0]);
	warn_unreadable(call, call->places.installed, unreadable[1]);
	if (call->json) {
		status = message_json(&call->c->policy, STAGE, listing_json(&l), 0, 0);
	} else {
		for (size_t i = 0; i < l.count; i++)
			width = (int)strlen(l.items[i].name) > width ? (int)strlen(l.items[i].name) : width;
		for (size_t i = 0; i < l.count; i++)
			print_listed(&l, i, width);
		status = message_flush(&call->c->policy, 0);
	}
	profile_listing_done(&l);
	return status;
}

/* --- check ---------------------------------------------------------------------------------------------------------------- */

static void print_findings(const struct sr_findings *f)
{
	for (size_t i = 0; i < f->count; i++) {
		const struct sr_finding *x = &f->items[i];

		(void)printf("%s:%u: %s: %s\n", x->file, x->line, x->error ? "error" : "warning", x->text);
		if (*x->mend)
			(void)printf("hint: %s\n", x->mend);
	}
}

static int add_findings(json_t *all, const struct sr_findings *f)
{
	for (size_t i = 0; i < f->count; i++) {
		const struct sr_finding *x = &f->items[i];

		if (json_array_append_new(all, json_pack("{s:s, s:I, s:s, s:s, s:s}", "file", x->file, "line",
							 (json_int_t)x->line, "level", x->error ? "error" : "warning", "text",
							 SHOWN(x->text), "hint", SHOWN(x->mend))) < 0)
			return -ENOMEM;
	}
	return 0;
}

static unsigned int processors(void)
{
	long here = sysconf(_SC_NPROCESSORS_ONLN);

	return here > SR_LINT_PROCESSORS ? (unsigned int)here : SR_LINT_PROCESSORS;
}

/* 0, 1 with findings, 125. */
static int check_one(const struct profile_call *call, const char *operand, json_t *all)
{
	SR_AUTOFREE char *name = profile_operand(operand);
	struct sr_findings found = { .count = 0 };
	struct sr_error err = SR_ERROR_INIT;
	int r = name ? profile_lint(&call->places, name, processors(), &found, &err) : sr_error_oom(&err, STAGE);

	if (r == 0 && call->json && add_findings(all, &found) < 0)
		r = sr_error_oom(&err, STAGE);
	if (r < 0) {
		(void)fflush(stdout); /* what was found before comes before */
		message_error(&call->c->policy, &err);
		findings_done(&found);
		return err.status;
	}
	if (!call->json)
		print_findings(&found);
	r = found.count > 0;
	findings_done(&found);
	return r;
}

static int check(const struct profile_call *call)
{
	json_t *all = json_array();
	int status = 0;

	for (int i = 0; i < call->count; i++) {
		int one = check_one(call, call->operands[i], all);

		status = one > status ? one : status;
	}
	if (call->json)
		return message_json(&call->c->policy, STAGE, all, 0, status);
	json_decref(all);
	return message_flush(&call->c->policy, status);
}

/* --- words ---------------------------------------------------------------------------------------------------------------- */

static const struct verb {
	const char *word;
	int (*run)(const struct profile_call *call);
	int least, most; /* operands */
	const char *takes;
} verbs[] = {
	{ "list", list, 0, 0, "nothing behind it" },
	{ "show", profile_show, 1, 1, "one name or file" },
	{ "check", check, 1, INT32_MAX, "names or files" },
	{ "diff", profile_diff, 2, 2, "two names or files" },
};

static int misused(const struct cli_run *c, const char *what, const char *why)
{
	struct sr_error err = SR_ERROR_INIT;

	(void)sr_error_set(&err, SR_E_OPTION, EINVAL, "options", "cannot use 'sandrun profile%s%s': %s", *what ? " " : "", SHOWN(what), why);
	sr_error_hint(&err, "sandrun profile list | show NAME | check FILE... | diff A B; sandrun profile --help says more");
	message_error(&c->policy, &err);
	return err.status;
}

/* Takes the options out of the words; they stand anywhere before a "--". Returns an unknown one, or NULL. */
static const char *take_options(int *argc, char **argv, bool *ret_json, bool *ret_help)
{
	bool only_words = false;
	int kept = 0;

	for (int i = 0; i < *argc; i++) {
		if (only_words || *argv[i] != '-' || !argv[i][1])
			argv[kept++] = argv[i];
		else if (strcmp(argv[i], "--") == 0)
			only_words = true;
		else if (strcmp(argv[i], "--json") == 0)
			*ret_json = true;
		else if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
			*ret_help = true;
		else
			return argv[i];
	}
	*argc = kept;
	return NULL;
}

static const struct verb *find_verb(const char *word)
{
	for (size_t i = 0; i < SR_ELEMENTSOF(verbs); i++) {
		if (strcmp(verbs[i].word, word) == 0)
			return &verbs[i];
	}
	return NULL;
}

int profile_main(int argc, char **argv, struct cli_run *c)
{
	static char buffer[1 << 18]; /* large enough for all of it: one write, and the error of that write */
	SR_AUTOFREE char *user = profile_user_folder();
	struct profile_call call = { .c = c, .places = { .user = user, .installed = SR_PROFILE_DIR } };
	const struct verb *verb;
	const char *unknown;
	bool help = false;
	char why[64];

	(void)setvbuf(stdout, buffer, _IOFBF, sizeof(buffer));
	argc--;
	argv++;
	unknown = take_options(&argc, argv, &call.json, &help);
	if (unknown)
		return misused(c, unknown, "no such option");
	if (help) {
		(void)fputs(usage, stdout);
		return message_flush(&c->policy, 0);
	}
	if (argc == 0)
		return misused(c, "", "it needs a word");
	verb = find_verb(argv[0]);
	if (!verb)
		return misused(c, argv[0], "no such word");
	call.operands = argv + 1;
	call.count = argc - 1;
	if (call.count < verb->least || call.count > verb->most) {
		(void)snprintf(why, sizeof(why), "it takes %s", verb->takes);
		return misused(c, verb->word, why);
	}
	return verb->run(&call);
}
