/* SPDX-License-Identifier: MIT */
/*
 * What the record says of isolation, privacy, the trace, destruction and the hardware: each in words that claim no more than it
 * carries.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "evidence/attest.h"
#include "evidence/envelope.h"
#include "evidence/verify-internal.h"
#include "evidence/verify-shape.h"

#define SHOWN(s) str_escape((s), (char[160]){ 0 }, 160)

/* --- isolation ------------------------------------------------------------------------------------------------------------ */

struct words {
	char text[400];
	size_t used;
};

static void say(struct words *w, bool so, const char *what)
{
	if (so && w->used < sizeof(w->text))
		w->used += (size_t)snprintf(w->text + w->used, sizeof(w->text) - w->used, "%s%s", w->used ? ", " : "",
					    what);
}

static bool no_capability(const json_t *caps)
{
	static const char *const sets[] = { "ambient", "bounding", "effective", "inheritable", "permitted" };

	for (size_t i = 0; i < SR_ELEMENTSOF(sets); i++) {
		const char *hex = text_at(caps, sets[i]);

		if (strspn(hex, "0") != strlen(hex))
			return false;
	}
	return true;
}

static void what_lacks(const json_t *e, struct words *w)
{
	static const struct {
		const char *path, *words;
	} namespaces[] = {
		{ "namespaces.user", "a user namespace" },   { "namespaces.pid", "a process namespace" },
		{ "namespaces.mount", "a mount namespace" }, { "namespaces.network", "a network namespace" },
		{ "namespaces.ipc", "an IPC namespace" },    { "namespaces.uts", "a UTS namespace" },
	};

	for (size_t i = 0; i < SR_ELEMENTSOF(namespaces); i++)
		say(w, !json_is_true(json_at(e, namespaces[i].path)), namespaces[i].words);
	say(w, !json_is_true(json_at(e, "noNewPrivs.value")), "no_new_privs");
	say(w, number_at(e, "seccomp.mode", 0) != 2 || null_at(e, "seccomp.filter"), "a seccomp filter");
	say(w, !no_capability(json_object_get(e, "capabilities")), "empty capability sets");
}

static bool any_namespace(const json_t *namespaces)
{
	const json_t *value;
	const char *key;

	json_object_foreach((json_t *)namespaces, key, value)
	{ /* it reads only, but is not declared so */
		if (json_is_true(value))
			return true;
	}
	return false;
}

/* What is absent holds nothing: a record that says both of one layer says nothing of it. */
static bool known_fails(struct verifier *c, const json_t *e)
{
	const struct {
		const char *known, *words;
		bool claimed;
	} layers[] = {
		{ "namespaces.known", "namespaces", any_namespace(json_object_get(e, "namespaces")) },
		{ "idMap.known", "an id map", !null_at(e, "idMap.uid") || !null_at(e, "idMap.gid") },
		{ "noNewPrivs.known", "no_new_privs", json_is_true(json_at(e, "noNewPrivs.value")) },
		{ "capabilities.known", "empty capability sets", no_capability(json_object_get(e, "capabilities")) },
		{ "seccomp.known", "a seccomp filter",
		  number_at(e, "seccomp.mode", 0) == 2 || !null_at(e, "seccomp.filter") },
		{ "seccomp.filter.known", "a seccomp filter's program", !null_at(e, "seccomp.filter") },
		{ "landlock.known", "Landlock", number_at(e, "landlock.abi", 0) > 0 },
	};

	for (size_t i = 0; i < SR_ELEMENTSOF(layers); i++) {
		const char *known = text_at(e, layers[i].known);

		if (FAIL_IF(c, layers[i].claimed && known && strcmp(known, "absent") == 0, "isolation", "known",
			    "the record claims %s and calls them absent", layers[i].words))
			return true;
	}
	return FAIL_IF(c, !null_at(e, "seccomp.filter") && number_at(e, "seccomp.filter.instructions", 0) == 0,
		       "isolation", "known", "the record claims a seccomp filter of no instructions");
}

void verify_isolation(struct verifier *c)
{
	const json_t *e = json_object_get(c->v->execution, "enforced");
	struct words lacks = { .used = 0 };
	bool landlock;

	if (json_is_null(e)) {
		verify_add(c->v, SR_CHECK_NOT_SHOWN, "isolation", "isolation-none",
			   "no sandbox was made, and nothing ran");
		return;
	}
	if (FAIL_IF(c, !json_is_true(json_at(e, "namespaces.network")), "isolation", "network-none",
		    "the plan gives the program no network, and it had the host's"))
		return;
	if (FAIL_IF(c, (number_at(e, "landlock.abi", 0) > 0) != !null_at(e, "landlock.rulesetDigest"), "isolation",
		    "landlock", "Landlock's version and its ruleset do not fit together"))
		return;
	if (known_fails(c, e))
		return;
	what_lacks(e, &lacks);
	landlock = number_at(e, "landlock.abi", 0) > 0;
	if (lacks.used)
		verify_add(c->v, SR_CHECK_BELOW, "isolation", "isolation-lacks",
			   "the record says that the program ran without %s", lacks.text);
	else
		verify_add(c->v, SR_CHECK_OK, "isolation", "isolation",
			   "namespaces, no_new_privs, empty capability sets, a seccomp filter%s, says the record",
			   landlock ? " and Landlock" : "; no Landlock");
}

/* --- privacy -------------------------------------------------------------------------------------------------------------- */

/* All subjects but the run itself are commitments, or none is. */
static bool outputs_fail(struct verifier *c, bool outputs)
{
	const json_t *item;
	size_t i;

	json_array_foreach(json_object_get(c->v->statements[STATEMENT_EXECUTION], "subject"), i, item)
	{
		const json_t *set = json_object_get(item, "digest");

		if (i > 0 && FAIL_IF(c, is_commitment(set) != outputs, "private", "private-outputs",
				     "the plan says %s outputs, and %s has a %s", outputs ? "private" : "open",
				     SHOWN(text_at(item, "name")), outputs ? "plain digest" : "commitment"))
			return true;
	}
	return false;
}

/* The size of what is private can tell "yes" from "no": it must stay out, and of all else it must be there. */
static bool size_fails(struct verifier *c, const json_t *o, bool is_private, const char *what)
{
	const bool sized = json_object_get(o, "bytes");

	return FAIL_IF(c, is_private && sized, "private", "private-bytes", "%s is private, and its size is given away",
		       SHOWN(what)) ||
	       FAIL_IF(c, !is_private && !sized, "private", "size-missing", "%s has no size, and is not private",
		       SHOWN(what));
}

static bool sizes_fail(struct verifier *c, bool outputs)
{
	const json_t *item, *result = json_object_get(c->v->execution, "result"),
			    *in = json_object_get(result, "stdin");
	const char *name;
	size_t i;

	json_array_foreach(json_at(c->v->execution, "plan.inputs"), i, item)
	{
		if (size_fails(c, item, is_commitment(json_object_get(item, "digest")), text_at(item, "name")))
			return true;
	}
	json_object_foreach(json_object_get(result, "streams"), name, item)
	{
		if (size_fails(c, item, outputs, name))
			return true;
	}
	return size_fails(c, json_object_get(result, "outputs"), outputs, "the output") ||
	       (json_is_object(in) &&
		size_fails(c, in, is_commitment(json_object_get(in, "digest")), "standard input"));
}

void verify_private(struct verifier *c)
{
	const json_t *plan = json_object_get(c->v->execution, "plan"), *private = json_object_get(plan, "private");
	const bool outputs = json_is_true(json_object_get(private, "outputs"));
	size_t i, committed = 0;
	const json_t *item;

	if (outputs_fail(c, outputs) || sizes_fail(c, outputs) ||
	    FAIL_IF(c, json_is_true(json_object_get(private, "args")) && !null_at(plan, "argv.recorded"), "private",
		    "private-args", "the plan says private arguments, and they stand in it"))
		return;
	json_array_foreach(json_object_get(plan, "inputs"), i, item)
	{
		committed += is_commitment(json_object_get(item, "digest"));
	}
	if (FAIL_IF(c,
		    null_at(private, "saltMode") &&
			    (committed || outputs || is_commitment(json_at(plan, "script.digest")) ||
			     is_commitment(json_at(c->v->execution, "result.stdin.digest"))),
		    "private", "salt-mode", "there are private items, and the plan does not say what became of their salt"))
		return;
	if (committed || outputs)
		verify_add(c->v, SR_CHECK_OK, "private", "private",
			   "%zu private inputs%s, as commitments: what they hold shows with their opening alone",
			   committed, outputs ? " and the outputs" : "");
}

/* --- trace ---------------------------------------------------------------------------------------------------------------- */

void verify_trace_claim(struct verifier *c)
{
	const json_t *t = json_object_get(c->v->execution, "trace");
	const bool planned = json_is_true(json_at(c->v->execution, "plan.trace")),
		   ran = !null_at(c->v->execution, "result.startedAt");
	json_int_t size = number_at(t, "treeSize", 0), dropped = number_at(t, "dropped", 0);

	if (FAIL_IF(c, json_is_object(t) && !planned, "trace", "trace-unplanned",
		    "there is a trace, and the plan has none") ||
	    FAIL_IF(c, !json_is_object(t) && planned && ran, "trace", "trace-absent",
		    "the plan has a trace, and there is none"))
		return;
	if (!json_is_object(t))
		return;
	(void)(FAIL_IF(c, json_is_true(json_object_get(t, "complete")) && (dropped > 0 || size == 0), "trace",
		       "trace-complete",
		       "the trace is called complete, with %" JSON_INTEGER_FORMAT " events and %" JSON_INTEGER_FORMAT
		       " dropped ones",
		       size, dropped) ||
	       FAIL_IF(c,
		       json_array_size(json_object_get(t, "coverage")) == 0 ||
			       json_array_size(json_object_get(t, "mechanisms")) == 0,
		       "trace", "trace-coverage", "the trace does not say what it covers and how it was made"));
}

/* --- destruction ---------------------------------------------------------------------------------------------------------- */

void verify_destruction(struct verifier *c)
{
	const json_t *item, *claims = json_at(c->v->execution, "destruction.claims");
	struct words open = { .used = 0 };
	size_t i;

	json_array_foreach(claims, i, item)
	{
		say(&open, !json_is_true(json_object_get(item, "performed")), SHOWN(text_at(item, "target")));
	}
	if (open.used)
		verify_add(c->v, SR_CHECK_NOT_SHOWN, "destruction", "destruction-open",
			   "not destroyed, or not seen to be: %s", open.text);
	else
		verify_add(c->v, SR_CHECK_OK, "destruction", "destruction",
			   "%zu targets gone and checked, says the record; it does not cover %zu things that it names",
			   json_array_size(claims),
			   json_array_size(json_at(c->v->execution, "destruction.notCovered")));
}

/* --- hardware ------------------------------------------------------------------------------------------------------------- */

/* A machine that its host can read: the TD attributes' lowest bit, behind 120 bytes of the body; bit 19 of the guest's policy. */
static bool is_debug(const char *provider, const uint8_t *quote, size_t len)
{
	enum { TDX_HEADER = 48, TDX_ATTRIBUTES = 120, TDX_BODY_HEAD = 6, SNP_POLICY = 8 };
	const bool snp = strcmp(provider, "sev_guest") == 0;
	const size_t at =
		snp ? SNP_POLICY + 2 : TDX_HEADER + TDX_ATTRIBUTES + (len > 0 && quote[0] == 5 ? TDX_BODY_HEAD : 0);

	return at < len && (quote[at] & (snp ? 1 << 3 : 1));
}

/* What a real quote supports. False, and a failed check, where it is not this run's. */
static bool judge_quote(struct verifier *c, const json_t *item, const uint8_t want[static SR_REPORT_DATA_BYTES],
			enum sr_assurance *ret)
{
	const char *provider = text_at(item, "provider"), *b64 = text_at(item, "quote");
	enum sr_quote_holds holds = SR_QUOTE_UNKNOWN;
	bool debug = false, bad = false;
	char *quote = NULL;
	size_t len = 0;

	if (b64)
		bad = base64_decode(b64, strlen(b64), &quote, &len) < 0;
	if (quote) {
		holds = attest_quote_holds(provider, quote, len, want);
		debug = holds == SR_QUOTE_HOLDS && is_debug(provider, (const uint8_t *)quote, len);
	}
	free(quote);
	if (FAIL_IF(c, bad || holds == SR_QUOTE_OTHER, "hardware", "quote",
		    "the quote of %s is another run's, or none of that provider's", SHOWN(provider)) ||
	    FAIL_IF(c, debug, "hardware", "quote-debug",
		    "the quote of %s is of a machine in debug mode, which its host can read and change",
		    SHOWN(provider)))
		return false;
	*ret = holds == SR_QUOTE_HOLDS ? SR_ASSURANCE_QUOTE : SR_ASSURANCE_SELF;
	if (holds == SR_QUOTE_UNKNOWN && (b64 || !null_at(item, "attestation")))
		verify_add(c->v, SR_CHECK_NOT_SHOWN, "hardware", "quote-unknown",
			   "the evidence of %s has a form that is not known here: whether it was made for this run was "
			   "not seen, and it counts for nothing",
			   SHOWN(provider));
	return true;
}

/* What this item supports at most. False, and a failed check, where it is another run's. */
static bool judge(struct verifier *c, const json_t *item, const uint8_t want[static SR_REPORT_DATA_BYTES],
		  enum sr_assurance *ret)
{
	char hex[2 * SR_REPORT_DATA_BYTES + 1];

	str_hex(want, SR_REPORT_DATA_BYTES, hex);
	if (FAIL_IF(c, strcmp(text_at(item, "reportData"), hex) != 0, "hardware", "report-data",
		    "the evidence of %s was not made for this run-open", SHOWN(text_at(item, "provider"))))
		return false;
	*ret = SR_ASSURANCE_SIMULATED;
	return json_is_true(json_object_get(item, "simulated")) || judge_quote(c, item, want, ret);
}

/* The most that all of it carries, and what it would have to carry for the claim: more, where a form is not known here. */
static bool hardware(struct verifier *c, enum sr_assurance *ret_carried, enum sr_assurance *ret_possible)
{
	const json_t *item, *all = json_object_get(c->v->execution, "attestation");
	uint8_t want[SR_REPORT_DATA_BYTES];
	size_t i;

	*ret_carried = *ret_possible = SR_ASSURANCE_SELF;
	if (attest_report_data(c->open->payload, c->open->len, want) < 0) {
		c->v->out_of_memory = true;
		return false;
	}
	json_array_foreach(all, i, item)
	{
		enum sr_assurance one, most;

		if (!judge(c, item, want, &one))
			return false;
		most = one == SR_ASSURANCE_SELF && !(null_at(item, "quote") && null_at(item, "attestation"))
			       ? SR_ASSURANCE_QUOTE
			       : one;
		*ret_carried = one > *ret_carried ? one : *ret_carried;
		*ret_possible = most > *ret_possible ? most : *ret_possible;
	}
	return true;
}

void verify_assurance(struct verifier *c)
{
	static const char *const words[SR_ASSURANCE_MAX] = {
		[SR_ASSURANCE_SELF] = "every fact above is the word of whoever holds identity key",
		[SR_ASSURANCE_SIMULATED] = "its hardware evidence is a simulation: every fact above is the word of "
					   "whoever holds identity key",
		[SR_ASSURANCE_QUOTE] =
			"a quote over run-open is there, and whether genuine hardware made it was not checked here "
			"(its chain and measurements are for "
			"its vendor's verifier): until then every fact above is the word of whoever holds identity key",
	};
	enum sr_assurance claimed = SR_ASSURANCE_SELF, carried, possible, counts;
	bool below;

	(void)assurance_from_name(text_at(c->v->execution, "assurance"), &claimed);
	if (!hardware(c, &carried, &possible))
		return;
	if (FAIL_IF(c, claimed > possible, "assurance", "assurance-above",
		    "the certificate calls itself %s, and its evidence carries no more than %s",
		    assurance_name(claimed), assurance_name(possible)))
		return;
	counts = claimed < carried ? claimed : carried;
	below = counts < c->wants->require;
	c->v->assurance = counts;
	verify_add(c->v, below ? SR_CHECK_BELOW : SR_CHECK_OK, "assurance", below ? "assurance-below" : "assurance",
		   "%s%s%s%s: %s %s", assurance_name(counts), below ? ", and " : "",
		   below ? assurance_name(c->wants->require) : "", below ? " was required" : "", words[counts],
		   c->v->identity->id);
}
