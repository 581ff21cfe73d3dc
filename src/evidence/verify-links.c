/* SPDX-License-Identifier: MIT */
/*
 * run-open, execution and run-close as one run: linked by digests, in the order of time, made for who asks.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/str.h"
#include "evidence/verify-internal.h"
#include "evidence/verify-shape.h"

#define SKEW_S 300 /* clocks of two machines */
#define NS_PER_S 1000000000ULL
#define SHOWN(s) str_escape((s), (char[160]){ 0 }, 160)

const json_t *json_at(const json_t *o, const char *path)
{
	char key[64];

	while (o && *path) {
		size_t n = strcspn(path, ".");

		if (n >= sizeof(key))
			return NULL;
		memcpy(key, path, n);
		key[n] = '\0';
		o = json_object_get(o, key);
		path += n + (path[n] == '.');
	}
	return o;
}

const char *text_at(const json_t *o, const char *path)
{
	return json_string_value(json_at(o, path));
}

json_int_t number_at(const json_t *o, const char *path, json_int_t other)
{
	const json_t *n = json_at(o, path);

	return json_is_integer(n) ? json_integer_value(n) : other;
}

bool null_at(const json_t *o, const char *path)
{
	const json_t *value = json_at(o, path);

	return !value || json_is_null(value);
}

bool is_commitment(const json_t *set)
{
	return json_object_get(set, SHAPE_HMAC_NAME) != NULL;
}

const char *digest_at(const json_t *o, const char *path)
{
	const json_t *set = json_at(o, path);
	const char *plain = text_at(set, SHAPE_SHA256_NAME);

	return plain ? plain : text_at(set, SHAPE_HMAC_NAME);
}

/* --- one run -------------------------------------------------------------------------------------------------------------- */

/* The digest that a statement's subject of that name carries, or "". */
static const char *subject_digest(const json_t *statement, const char *name)
{
	const json_t *one = json_array_get(json_object_get(statement, "subject"), 0);
	const char *digest = strcmp(text_at(one, "name"), name) == 0 ? text_at(one, "digest.sha256") : NULL;

	return digest ? digest : "";
}

static void verify_plan(struct verifier *c)
{
	char *text = json_dumps(json_object_get(c->v->execution, "plan"), JSON_COMPACT | JSON_SORT_KEYS);
	char hex[SR_DIGEST_HEX];

	if (!text) {
		c->v->out_of_memory = true;
		return;
	}
	digest_hex(text, strlen(text), hex);
	free(text);
	if (!FAIL_IF(c, strcmp(hex, digest_at(c->v->open, "plan.digest")) != 0, "plan", "plan-digest",
		     "the execution's plan is not the one that run-open was signed with before the run"))
		verify_add(c->v, SR_CHECK_OK, "plan", "plan-digest",
			   "the plan that run-open was signed with before the run, sha256 %s", hex);
}

static bool link_fails(struct verifier *c)
{
	const struct sr_verified *v = c->v;
	char id[SR_DIGEST_HEX];
	const struct {
		const char *seen, *wanted, *code, *text;
	} rows[] = {
		{ digest_at(v->execution, "runOpen.digest"), v->open_sha256, "run-open-digest",
		  "the execution names another run-open than this one" },
		{ subject_digest(v->statements[STATEMENT_EXECUTION], "run"), v->open_sha256, "run-subject",
		  "the execution's first subject is not this run" },
		{ digest_at(v->close, "runOpen.digest"), v->open_sha256, "run-close-open",
		  "run-close names another run-open than this one" },
		{ subject_digest(v->statements[STATEMENT_CLOSE], "execution"), v->execution_sha256,
		  "run-close-execution", "run-close names another execution than this one" },
		{ subject_digest(v->statements[STATEMENT_OPEN], "ephemeral-key"), id, "ephemeral-subject",
		  "run-open's subject is not the key that it endorses" },
		{ text_at(v->close, "ephemeralKey.keyId"), id, "run-close-key",
		  "run-close says that another key than the run's was destroyed" },
		{ text_at(v->open, "worker.identityKeyId"), v->identity->id, "identity-id",
		  "run-open names another identity than the one that signed it" },
		{ text_at(v->execution, "runId"), v->run_id, "run-id",
		  "the execution has another run id than run-open" },
		{ text_at(v->close, "runId"), v->run_id, "run-id", "run-close has another run id than run-open" },
	};
	bool failed = false;

	public_key_id(&v->ephemeral, id);
	for (enum statement_kind kind = STATEMENT_OPEN; kind <= STATEMENT_CLOSE; kind += 2)
		failed |= FAIL_IF(c, json_array_size(json_object_get(v->statements[kind], "subject")) != 1, "links",
				  "subject-count", "%s must have one subject and no more", statement_name(kind));
	for (size_t i = 0; i < SR_ELEMENTSOF(rows); i++)
		failed |= FAIL_IF(c, strcmp(rows[i].seen, rows[i].wanted) != 0, "links", rows[i].code, "%s",
				  rows[i].text);
	return failed;
}

static bool close_fails(struct verifier *c)
{
	const json_t *close = c->v->close, *sequence = json_object_get(close, "sequence");
	bool failed =
		FAIL_IF(c, !json_equal(json_object_get(sequence, "counter"), json_at(c->v->open, "sequence.counter")),
			"links", "run-close-counter", "run-close has another run number than run-open");

	failed |= FAIL_IF(c, number_at(close, "ephemeralKey.signaturesIssued", 0) != 1, "links", "run-close-signatures",
			  "run-close says that the run's key signed other than once");
	failed |= FAIL_IF(c, strcmp(text_at(close, "ephemeralKey.state"), "zeroed") != 0, "links", "run-close-state",
			  "run-close does not say that the run's key was zeroed");
	failed |= FAIL_IF(c, strcmp(text_at(close, "outcome"), "certified") != 0, "links", "run-close-outcome",
			  "run-close does not say that the run was certified");
	return failed;
}

void verify_links(struct verifier *c)
{
	bool failed = link_fails(c);

	failed |= close_fails(c);
	if (!failed)
		verify_add(c->v, SR_CHECK_OK, "links", "links",
			   "all three are run %s; its key signed once and was zeroed, says the identity", c->v->run_id);
	verify_plan(c);
}

/* --- for whom ------------------------------------------------------------------------------------------------------------- */

static void verify_wanted(struct verifier *c, const char *what, const char *wanted, const char *seen,
			  const char *const codes[2])
{
	if (!wanted && !seen)
		verify_add(c->v, SR_CHECK_NOT_SHOWN, what, codes[0],
			   "none was asked for and the certificate has none%s",
			   strcmp(what, "nonce") == 0 ? ": it may be an old one, shown again" : "");
	else if (!wanted)
		verify_add(c->v, SR_CHECK_NOT_SHOWN, what, codes[0],
			   "none was asked for (--%s); the certificate has \"%s\"", what, SHOWN(seen));
	else if (!seen)
		verify_add(c->v, SR_CHECK_FAILED, what, codes[0], "the certificate has none, and %s was asked for",
			   SHOWN(wanted));
	else if (strcmp(wanted, seen) != 0)
		verify_add(c->v, SR_CHECK_FAILED, what, codes[1],
			   "the certificate has \"%s\", which is not what was asked for", SHOWN(seen));
	else
		verify_add(c->v, SR_CHECK_OK, what, what, "as asked for%s",
			   strcmp(what, "nonce") == 0 ? ": the run began after the nonce was chosen" : "");
}

void verify_challenge(struct verifier *c)
{
	static const char *const nonce[] = { "nonce-missing", "nonce-differs" }, *const audience[] = {
		"audience-missing", "audience-differs"
	};

	(void)FAIL_IF(
		c, !json_equal(json_object_get(c->v->open, "challenge"), json_object_get(c->v->execution, "challenge")),
		"nonce", "challenge-differs", "the execution answers another challenge than run-open");
	verify_wanted(c, "nonce", c->wants->nonce, text_at(c->v->open, "challenge.nonce"), nonce);
	verify_wanted(c, "audience", c->wants->audience, text_at(c->v->open, "challenge.audience"), audience);
}

/* --- which of the identity's runs ----------------------------------------------------------------------------------------- */

void verify_sequence(struct verifier *c)
{
	const json_t *s = json_object_get(c->v->open, "sequence");
	const char *previous = null_at(s, "previous") ? NULL : digest_at(s, "previous"), *reason = text_at(s, "reason");
	json_int_t counter = number_at(s, "counter", -1);

	if (counter == -1) {
		if (!FAIL_IF(c, previous || !reason, "sequence", "counter-form", "there is no run number and %s",
			     previous ? "a run before it" : "no reason for that"))
			verify_add(c->v, SR_CHECK_NOT_SHOWN, "sequence", "counter-none",
				   "the run has no number (%s): left-out runs do not show", SHOWN(reason));
		return;
	}
	if (FAIL_IF(c, counter == 0, "sequence", "counter-form", "runs are numbered from 1, and this is number 0") ||
	    FAIL_IF(c, counter == 1 && previous, "sequence", "counter-form", "run 1 has a run before it") ||
	    FAIL_IF(c, counter > 1 && !previous && !reason, "sequence", "previous-missing",
		    "run %" JSON_INTEGER_FORMAT " names no run before it and no reason for that", counter))
		return;
	if (counter > 1 && !previous) {
		verify_add(c->v, SR_CHECK_NOT_SHOWN, "sequence", "previous-none",
			   "run %" JSON_INTEGER_FORMAT " of this identity names no run before it (%s): left-out runs do not show",
			   counter, SHOWN(reason));
		return;
	}
	verify_add(c->v, SR_CHECK_OK, "sequence", "sequence",
		   "run %" JSON_INTEGER_FORMAT " of this identity; whether runs were left out shows "
		   "beside its other certificates alone (--after)",
		   counter);
}

void verify_after(struct sr_verified *v, const struct sr_verified *earlier)
{
	struct verifier own = { .v = v }, *c = &own;
	json_int_t counter, before;
	const char *nonce, *previous;

	if (!v->execution || !earlier->execution)
		return; /* the reason is in the list already */
	if (FAIL_IF(c, v->identity != earlier->identity, "sequence", "after-identity",
		    "the earlier certificate is another identity's"))
		return;
	if (FAIL_IF(c, strcmp(v->open_sha256, earlier->open_sha256) == 0, "sequence", "after-same",
		    "it is the same run as the earlier certificate: used again"))
		return;
	nonce = text_at(v->open, "challenge.nonce");
	(void)FAIL_IF(c,
		      nonce && text_at(earlier->open, "challenge.nonce") &&
			      strcmp(nonce, text_at(earlier->open, "challenge.nonce")) == 0,
		      "nonce", "nonce-reused", "the earlier certificate has the same nonce");
	counter = number_at(v->open, "sequence.counter", -1);
	before = number_at(earlier->open, "sequence.counter", -1);
	if (FAIL_IF(c, counter <= before || before < 0, "sequence", "counter-not-above",
		    "its number, %" JSON_INTEGER_FORMAT ", is not above the earlier one's, %" JSON_INTEGER_FORMAT,
		    counter, before))
		return;
	previous = null_at(v->open, "sequence.previous") ? "" : digest_at(v->open, "sequence.previous");
	if (counter - before > 1) {
		verify_add(v, SR_CHECK_NOT_SHOWN, "sequence", "sequence-gap",
			   "%" JSON_INTEGER_FORMAT " runs between the earlier certificate and this one are not here",
			   counter - before - 1);
		return;
	}
	if (!FAIL_IF(c, strcmp(previous, earlier->open_sha256) != 0, "sequence", "previous-differs",
		     "it names another run before it than the earlier certificate, whose number is the one before"))
		verify_add(v, SR_CHECK_OK, "sequence", "sequence-next",
			   "the run right after the earlier certificate's, number %" JSON_INTEGER_FORMAT, before);
}

/* --- time ----------------------------------------------------------------------------------------------------------------- */

static int64_t time_at(const json_t *o, const char *path)
{
	const char *text = text_at(o, path);

	return text ? shape_time(text) : -1;
}

/* What the monotonic clock counted cannot be longer than what the other one did, which is written in whole seconds. */
static bool is_longer(const json_t *result, int64_t window)
{
	const char *wall = text_at(result, "usage.wallNs");
	uint64_t ns;

	return wall && shape_decimal(wall, &ns) && window >= 0 && ns / NS_PER_S > (uint64_t)window + 2;
}

void verify_times(struct verifier *c)
{
	const json_t *result = json_object_get(c->v->execution, "result");
	const int64_t issued = time_at(c->v->open, "issuedAt"), expires = time_at(c->v->open, "expiresAt"),
		      started = time_at(result, "startedAt"), finished = time_at(result, "finishedAt"),
		      closed = time_at(c->v->close, "closedAt"), begun = started >= 0 ? started : issued;
	const struct {
		bool bad;
		const char *code, *text;
	} rows[] = {
		{ issued > c->now + SKEW_S, "time-future", "run-open was issued in the future" },
		{ finished > c->now + SKEW_S, "time-future", "the run ended in the future" },
		{ closed > c->now + SKEW_S, "time-future", "run-close was made in the future" },
		{ expires < issued, "time-expires", "run-open expired before it was issued" },
		{ begun < issued, "time-started", "the run began before run-open was issued" },
		{ finished < begun, "time-finished", "the run ended before it began" },
		{ finished > expires, "time-expired", "the run ended after run-open had expired" },
		{ closed < finished, "time-closed", "run-close was made before the run ended" },
		{ is_longer(result, finished - begun), "time-wall",
		  "the run says that it took longer than from its beginning to its end" },
	};
	bool failed = false;

	for (size_t i = 0; i < SR_ELEMENTSOF(rows); i++)
		failed |= FAIL_IF(c, rows[i].bad, "time", rows[i].code, "%s", rows[i].text);
	if (!failed)
		verify_add(c->v, SR_CHECK_OK, "time", "time", "issued %s, ended %s, by the operator's clock",
			   text_at(c->v->open, "issuedAt"), text_at(result, "finishedAt"));
}
