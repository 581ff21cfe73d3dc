/* SPDX-License-Identifier: MIT */
/*
 * sandrun compare A B: did two identities run the same and get the same? Re-execution is the check that needs no trust.
 */
#include <errno.h>
#include <string.h>

#include "cli/subcommand.h"
#include "cli/verify.h"

#define STAGE	 "compare"
#define SHOWN(s) str_escape((s), (char[160]){ 0 }, 160)

static const char usage[] = "Usage: sandrun compare [--key FILE]... [--trust DIR] [--json] A B\n"
			    "Checks two certificates as 'sandrun verify' does, then compares their plans, exit\n"
			    "statuses, streams and output files. Without --key and --trust the keys are those\n"
			    "of 'sandrun verify', and the own key counts as well as a trusted one.\n"
			    "Exit status: 0 two identities, the same plan, the same outcome; 1 something\n"
			    "differs; 2 one of them does not hold or is malformed; 3 both are of one identity,\n"
			    "one is of an unknown one, or commitments keep from view what would have to be\n"
			    "compared; 125 a file or option cannot be used.\n";

/* What was compared goes into a list of its own, as if it were a certificate's. */
struct pair {
	struct sr_verified *a, *b, *list;
};

static void add(struct pair *p, enum sr_check_state state, const char *what, const char *code, const char *text)
{
	verify_add(p->list, state, what, code, "%s", text);
}

static bool is_committed(const json_t *set)
{
	return json_object_get(set, "sandrunHmacSha256V1") != NULL;
}

/* --- the plan ------------------------------------------------------------------------------------------------------------- */

struct difference {
	const char *differs; /* a member of the plan, or NULL */
	bool hidden;	     /* commitments that are not equal: of different bytes, or under different salts */
};

/* Deep, but two commitments that differ show nothing. The depth is that of a certificate, which is bounded. */
static bool same(const json_t *a, const json_t *b, bool *hidden)
{
	const json_t *value;
	const char *key;
	size_t i;

	if (json_is_object(a) && json_is_object(b)) {
		if (is_committed(a) && is_committed(b)) {
			*hidden = *hidden || !json_equal(a, b);
			return true;
		}
		if (json_object_size(a) != json_object_size(b))
			return false;
		json_object_foreach((json_t *)a, key, value)
		{ /* it reads only, but is not declared so */
			if (!json_object_get(b, key) || !same(value, json_object_get(b, key), hidden))
				return false;
		}
		return true;
	}
	if (json_is_array(a) && json_is_array(b)) {
		if (json_array_size(a) != json_array_size(b))
			return false;
		json_array_foreach(a, i, value)
		{
			if (!same(value, json_array_get(b, i), hidden))
				return false;
		}
		return true;
	}
	return json_equal(a, b);
}

static void compare_member(const json_t *a, const json_t *b, const char *key, struct difference *d, bool *env_hidden)
{
	bool hidden = false;

	if (!b || !same(a, b, &hidden))
		d->differs = key;
	else if (hidden && strcmp(key, "env") == 0)
		*env_hidden = true;
	else
		d->hidden |= hidden;
}

static void compare_plans(struct pair *p)
{
	const json_t *a = json_object_get(p->a->execution, "plan"), *b = json_object_get(p->b->execution, "plan"),
		     *value;
	struct difference d = { NULL, false };
	bool env_hidden = false;
	const char *key;

	if (json_equal(a, b)) {
		add(p, SR_CHECK_OK, "plan", "plan-same", "the same, to the digest");
		return;
	}
	json_object_foreach((json_t *)a, key, value)
	{
		compare_member(value, json_object_get(b, key), key, &d, &env_hidden);
	}
	if (d.differs) /* a verified plan has all members and no others: what is in b is in a */
		verify_add(p->list, SR_CHECK_FAILED, "plan", "plan-differs", "they differ, in %s", SHOWN(d.differs));
	else if (d.hidden)
		add(p, SR_CHECK_BELOW, "plan", "plan-hidden",
		    "the same as far as they are open; commitments differ, so arguments, script or inputs may (run "
		    "both with one --salt-file, or with --record-args)");
	else
		add(p, SR_CHECK_OK, "plan", "plan-same-open", "the same");
	if (env_hidden)
		add(p, SR_CHECK_NOT_SHOWN, "environment", "variables-hidden",
		    "whether the values of the variables are the same does not show: their commitments differ");
}

static void compare_environment(struct pair *p)
{
	const json_t *a = json_object_get(json_object_get(json_object_get(p->a->execution, "plan"), "environment"), "digest"),
		     *b = json_object_get(json_object_get(json_object_get(p->b->execution, "plan"), "environment"), "digest");

	if (json_is_null(a))
		add(p, SR_CHECK_NOT_SHOWN, "environment", "environment-open",
		    "both ran with their own machine's files, which have no digest");
	else if (json_equal(a, b)) /* one that differs is the plan's */
		add(p, SR_CHECK_OK, "environment", "image-same", "the same image, by its digest");
}

/* --- what came of it ------------------------------------------------------------------------------------------------------ */

static const json_t *subject(const struct sr_verified *v, const char *name)
{
	const json_t *item;
	size_t i;

	json_array_foreach(json_object_get(v->statements[1], "subject"), i, item)
	{
		if (strcmp(json_string_value(json_object_get(item, "name")), name) == 0)
			return json_object_get(item, "digest");
	}
	return NULL;
}

/* By name, each way once: "run" is the run's own and differs always. */
static json_t *digests(const struct sr_verified *v)
{
	json_t *all = json_object();
	const json_t *item;
	size_t i;

	json_array_foreach(json_object_get(v->statements[1], "subject"), i, item)
	{
		if (i > 0 && json_object_set(all, json_string_value(json_object_get(item, "name")),
					     json_object_get(item, "digest")) < 0) {
			json_decref(all);
			return NULL;
		}
	}
	return all;
}

static void compare_stream(struct pair *p, const char *name, const json_t *a, const json_t *b)
{
	if (!a && !b)
		return;
	if (!a || !b)
		verify_add(p->list, SR_CHECK_FAILED, name, "stream-missing", "only one of them has it");
	else if (json_equal(a, b))
		verify_add(p->list, SR_CHECK_OK, name, "stream-same", "the same");
	else if (is_committed(a) && is_committed(b))
		verify_add(p->list, SR_CHECK_BELOW, name, "stream-hidden",
			   "private in both, and their commitments differ: by their salts, or by what they hold");
	else
		verify_add(p->list, SR_CHECK_FAILED, name, "stream-differs", "they differ%s",
			   is_committed(a) || is_committed(b) ? ": private in one only" : "");
}

/* What the program read decides what it writes: it is compared as what it wrote is. */
static const json_t *standard_input(const struct sr_verified *v)
{
	const json_t *result = json_object_get(v->execution, "result");

	return json_object_get(json_object_get(result, "stdin"), "digest");
}

/* Counts into out: the same, others, missing in b, commitments that differ; `name` is the first that differs. */
static void compare_files(struct pair *p)
{
	json_t *a = digests(p->a), *b = digests(p->b);
	size_t files = 0, hidden = 0, others = 0, differ = 0;
	const char *key, *first = "";
	const json_t *value;

	if (!a || !b)
		p->list->out_of_memory = true;
	json_object_foreach(a, key, value)
	{
		const json_t *other = json_object_get(b, key);
		bool bad = !other || (!json_equal(value, other) && !(is_committed(value) && is_committed(other)));

		if (!str_has_prefix(key, "out/"))
			continue;
		files++;
		hidden += !bad && !json_equal(value, other);
		first = bad && !differ ? key : first;
		differ += bad;
	}
	json_object_foreach(b, key, value)
	{
		bool missing = str_has_prefix(key, "out/") && !json_object_get(a, key);

		first = missing && !differ && !others ? key : first;
		others += missing;
	}
	if (differ + others)
		verify_add(p->list, SR_CHECK_FAILED, "outputs", "outputs-differ",
			   "%zu output files differ or are in one only, first %s", differ + others, SHOWN(first));
	else if (hidden)
		verify_add(p->list, SR_CHECK_BELOW, "outputs", "outputs-hidden",
			   "%zu private output files have other commitments: by their salts, or by what they hold",
			   hidden);
	else
		verify_add(p->list, SR_CHECK_OK, "outputs", "outputs-same",
			   files ? "%zu output files, the same by name and content" : "%zu output files in both",
			   files);
	json_decref(a);
	json_decref(b);
}

static void compare_results(struct pair *p)
{
	static const char *const members[] = { "outcome", "exitCode", "signal", "limitHit" };
	const json_t *a = json_object_get(p->a->execution, "result"), *b = json_object_get(p->b->execution, "result");

	for (size_t i = 0; i < SR_ELEMENTSOF(members); i++) {
		if (!json_equal(json_object_get(a, members[i]), json_object_get(b, members[i]))) {
			verify_add(p->list, SR_CHECK_FAILED, "exit", "exit-differs", "they ended differently, by %s",
				   members[i]);
			return;
		}
	}
	add(p, SR_CHECK_OK, "exit", "exit-same", "they ended in the same way");
}

static void compare_identities(struct pair *p)
{
	const struct sr_trusted *a = p->a->identity, *b = p->b->identity;

	if (!a || !b)
		return; /* holds() said so */
	if (a == b && strcmp(p->a->open_sha256, p->b->open_sha256) == 0)
		add(p, SR_CHECK_BELOW, "identity", "identity-same-run", "both are the certificate of one run");
	else if (a == b)
		verify_add(p->list, SR_CHECK_BELOW, "identity", "identity-same",
			   "both are by %s: the second confirms nothing that the first could not have said alone",
			   a->id);
	else if (a->own && b->own)
		add(p, SR_CHECK_BELOW, "identity", "identity-same",
		    "both are by keys of this user's own, an older one and a newer one");
	else
		verify_add(p->list, SR_CHECK_OK, "identity", "identity-two",
			   "two keys, %.16s... and %.16s...; whether two people hold them, no file can show", a->id,
			   b->id);
}

/* Each must hold by itself; that one is by the own key, which nobody named, is no fault here. */
static bool holds(struct pair *p, const struct sr_verified *v, const char *which)
{
	const struct sr_check *worst;

	if (verify_holds(v, &worst))
		return true;
	if (!worst) { /* nothing was shown, for want of memory: the caller says so */
		p->list->out_of_memory = true;
		return false;
	}
	verify_add(p->list, worst->state == SR_CHECK_BELOW ? SR_CHECK_BELOW : SR_CHECK_MALFORMED, which, worst->code,
		   "it does not hold by itself: %s", worst->text);
	return false;
}

static int compare_two(struct verify_call *call, struct pair *p, struct sr_error *err)
{
	const struct sr_verify_wants wants = { .trust = &call->trust };
	static const char *const streams[] = { "stdout", "stderr", "stdout+stderr", "terminal" };
	bool a, b;
	int r = verify_certificate(call, call->operands[0], &wants, p->a, err);

	if (r == 0)
		r = verify_certificate(call, call->operands[1], &wants, p->b, err);
	if (r < 0)
		return r;
	a = holds(p, p->a, "A");
	b = holds(p, p->b, "B");
	if (a && b) {
		compare_identities(p);
		compare_plans(p);
		compare_environment(p);
		compare_results(p);
		compare_stream(p, "stdin", standard_input(p->a), standard_input(p->b));
		for (size_t i = 0; i < SR_ELEMENTSOF(streams); i++)
			compare_stream(p, streams[i], subject(p->a, streams[i]), subject(p->b, streams[i]));
		compare_files(p);
		p->list->execution = p->a->execution; /* borrowed, so that the status is the list's */
	}
	return p->a->out_of_memory || p->b->out_of_memory || p->list->out_of_memory ? sr_error_oom(err, STAGE) : 0;
}

/* --- what is printed ------------------------------------------------------------------------------------------------------ */

static void print_word(const struct sr_verified *v, const char *which)
{
	if (v->execution && (verify_status(v) == 0 || verify_status(v) == 3))
		(void)printf("%s: %s, the word of identity %s%s\n", which, assurance_name(v->assurance),
			     v->identity->id, v->identity->own ? ", this user's own" : "");
}

static void print_pair(const struct pair *p)
{
	static const char *const words[] = {
		[0] = "two identities ran the same plan and got the same",
		[1] = "they do not agree",
		[2] = "nothing was compared: a certificate does not hold",
		[3] = "nothing disagrees, but less is shown than that two identities agree",
	};

	verify_print(p->list, "");
	print_word(p->a, "A");
	print_word(p->b, "B");
	(void)printf("result: %s\n", words[verify_status(p->list)]);
}

static json_t *pair_json(const struct pair *p)
{
	return json_pack("{s:i, s:i, s:o, s:o, s:o}", "v", 1, "status", verify_status(p->list), "checks",
			 verify_checks_json(p->list), "a", verify_json(p->a), "b", verify_json(p->b));
}

static int compare_run(struct verify_call *call)
{
	struct sr_verified a = { .run_id = NULL }, b = { .run_id = NULL }, list = { .run_id = NULL };
	struct pair p = { &a, &b, &list };
	struct sr_error err = SR_ERROR_INIT;
	int status;

	if (compare_two(call, &p, &err) < 0) {
		message_error(&call->c->policy, &err);
		status = err.status;
	} else if (call->json) {
		status = message_json(&call->c->policy, STAGE, pair_json(&p), JSON_SORT_KEYS, verify_status(&list));
	} else {
		print_pair(&p);
		status = message_flush(&call->c->policy, verify_status(&list));
	}
	verified_done(&list);
	verified_done(&a);
	verified_done(&b);
	return status;
}

int compare_main(int argc, char **argv, struct cli_run *c)
{
	struct verify_call call = { .c = c };
	struct sr_error err = SR_ERROR_INIT;
	int status = verify_begin(&call, argc, argv, " --key --trust ");

	if (status == 0 && call.help) {
		(void)fputs(usage, stdout);
		status = message_flush(&c->policy, 0);
	} else if (status == 0 && call.count != 2) {
		(void)sr_error_set(&err, SR_E_OPTION, EINVAL, "options",
				   "cannot use 'sandrun compare': it takes two certificates");
		sr_error_hint(&err, "sandrun compare --help says what it takes");
		message_error(&c->policy, &err);
		status = err.status;
	} else if (status == 0) {
		status = compare_run(&call);
	}
	verify_end(&call);
	return status;
}
