/* SPDX-License-Identifier: MIT */
/*
 * What an execution says of itself must fit together: a signature makes a contradiction no truer.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "evidence/verify-internal.h"
#include "evidence/verify-shape.h"
#include "image/layer.h"
#include "policy/limit.h"

#define SHOWN(s) str_escape((s), (char[160]){ 0 }, 160)

/* --- names ---------------------------------------------------------------------------------------------------------------- */

bool name_is_safe(const char *name)
{
	while (true) {
		size_t n = strcspn(name, "/");

		if (n == 0 || (n == 1 && name[0] == '.') || (n == 2 && name[0] == '.' && name[1] == '.'))
			return false;
		if (!name[n])
			return true;
		name += n + 1;
	}
}

bool verify_is_stream(const char *name)
{
	return strcmp(name, "stdout") == 0 || strcmp(name, "stderr") == 0 || strcmp(name, "terminal") == 0 ||
	       strcmp(name, "stdout+stderr") == 0;
}

/* Each once, by a set: a list of 10,000 output files is not compared name with name. */
static bool is_doubled(struct verifier *c, json_t *seen, const char *name)
{
	if (json_object_get(seen, name))
		return true;
	if (json_object_set_new(seen, name, json_true()) < 0)
		c->v->out_of_memory = true;
	return false;
}

static bool subject_fails(struct verifier *c, json_t *seen, const char *name, json_int_t *files)
{
	bool file = str_has_prefix(name, "out/");

	*files += file;
	return FAIL_IF(c, is_doubled(c, seen, name), "names", "name-doubled", "the subject %s is there twice",
		       SHOWN(name)) ||
	       FAIL_IF(c, !name_is_safe(name), "names", "name-unsafe",
		       "the subject %s is no path below the output folder", SHOWN(name)) ||
	       FAIL_IF(c, !file && !verify_is_stream(name), "names", "subject-unknown",
		       "the subject %s is no stream and no output file", SHOWN(name)) ||
	       FAIL_IF(c, verify_is_stream(name) && !json_object_get(json_at(c->v->execution, "result.streams"), name),
		       "names", "stream-unknown", "the subject %s is none of the result's streams", SHOWN(name));
}

static bool inputs_fail(struct verifier *c, json_t *seen)
{
	const json_t *item;
	size_t i;

	json_array_foreach(json_at(c->v->execution, "plan.inputs"), i, item)
	{
		const char *name = text_at(item, "name");

		if (FAIL_IF(c, is_doubled(c, seen, name), "names", "name-doubled", "the input %s is there twice",
			    SHOWN(name)) ||
		    FAIL_IF(c, !name_is_safe(name), "names", "name-unsafe",
			    "the input %s is no path below the work folder", SHOWN(name)) ||
		    FAIL_IF(c, null_at(item, "digest") && !null_at(c->v->execution, "result.startedAt"), "names",
			    "input-digest", "the program ran, and the input %s has no digest", SHOWN(name)))
			return true;
	}
	return false;
}

static bool variables_fail(struct verifier *c, json_t *seen)
{
	const json_t *item;
	size_t i;

	json_array_foreach(json_at(c->v->execution, "plan.env.names"), i, item)
	{
		if (FAIL_IF(c, is_doubled(c, seen, json_string_value(item)), "names", "variables",
			    "the variable %s is there twice", SHOWN(json_string_value(item))))
			return true;
	}
	return false;
}

static bool argv_fails(struct verifier *c)
{
	const json_t *argv = json_at(c->v->execution, "plan.argv");
	bool recorded = json_object_get(argv, "recorded"), committed = json_object_get(argv, "commitment");

	return FAIL_IF(c, recorded == committed || committed != (json_object_get(argv, "count") != NULL), "names",
		       "argv", "the arguments must be recorded or committed to with their number, one of the two");
}

/* The digest of an image's stack is that of its layers, and only an image has either. */
static bool environment_fails(struct verifier *c)
{
	const json_t *e = json_at(c->v->execution, "plan.environment"), *layers = json_object_get(e, "layers"), *item;
	char stack[SR_LAYER_DIGEST] = "";
	struct sr_strv lines = { 0 };
	bool failed = false, whole = true;
	size_t i;

	if (FAIL_IF(c, null_at(e, "digest") != !layers, "names", "environment", "the environment has %s",
		    layers ? "layers and no digest" : "a digest and no layers"))
		return true;
	if (!layers)
		return false;
	json_array_foreach(layers, i, item)
		whole = whole && strv_addf(&lines, "sha256:%s", json_string_value(json_object_get(item, SHAPE_SHA256_NAME))) == 0;
	layers_digest((const char *const *)lines.items, lines.count, stack);
	failed = FAIL_IF(c, whole && strcmp(stack + strlen("sha256:"), digest_at(e, "digest")) != 0, "names", "environment",
			 "the environment's digest is not that of its layers");
	strv_done(&lines);
	return failed || !whole;
}

void verify_names(struct verifier *c)
{
	const json_t *item, *result = json_object_get(c->v->execution, "result");
	json_t *subjects = json_object(), *inputs = json_object(), *variables = json_object();
	json_int_t files = 0, streams = 0;
	bool failed = false;
	size_t i;

	json_array_foreach(json_object_get(c->v->statements[STATEMENT_EXECUTION], "subject"), i, item)
	{
		if (i > 0)
			failed = failed || subject_fails(c, subjects, text_at(item, "name"), &files);
		streams += i > 0 && verify_is_stream(text_at(item, "name"));
	}
	failed = failed || inputs_fail(c, inputs) || variables_fail(c, variables) || argv_fails(c) ||
		 environment_fails(c) ||
		 FAIL_IF(c, number_at(result, "outputs.files", -1) != files, "names", "outputs-count",
			 "the result counts %" JSON_INTEGER_FORMAT " output files and %" JSON_INTEGER_FORMAT
			 " are signed",
			 number_at(result, "outputs.files", -1), files) ||
		 FAIL_IF(c, (json_int_t)json_object_size(json_object_get(result, "streams")) != streams, "names",
			 "streams-count", "the result has %zu streams and %" JSON_INTEGER_FORMAT " are signed",
			 json_object_size(json_object_get(result, "streams")), streams);
	json_decref(subjects);
	json_decref(inputs);
	json_decref(variables);
	if (!failed)
		verify_add(c->v, SR_CHECK_OK, "names", "names",
			   "%" JSON_INTEGER_FORMAT " streams and %" JSON_INTEGER_FORMAT
			   " output files are signed by name and digest",
			   streams, files);
}

/* --- result --------------------------------------------------------------------------------------------------------------- */

static json_int_t expected_status(const char *hit, json_int_t exit_code, json_int_t signal)
{
	if (hit)
		return strcmp(hit, "wall-time") == 0 || strcmp(hit, "cpu-time") == 0 ? 124 : 137;
	return signal >= 0 ? 128 + signal : exit_code;
}

static bool produced_anything(const json_t *r)
{
	return !null_at(r, "usage") || !null_at(r, "stdin") || number_at(r, "outputs.files", 0) > 0 ||
	       number_at(r, "outputs.bytes", 0) > 0 || json_object_size(json_object_get(r, "streams")) > 0;
}

static bool outcome_fails(struct verifier *c, const json_t *r)
{
	const char *outcome = text_at(r, "outcome"), *hit = text_at(r, "limitHit");
	const json_int_t code = number_at(r, "exitCode", -1), signal = number_at(r, "signal", -1),
			 status = number_at(r, "status", -1);
	const bool exited = strcmp(outcome, "exited") == 0, signaled = strcmp(outcome, "signaled") == 0,
		   limit = strcmp(outcome, "limit") == 0, setup = strcmp(outcome, "setup-failed") == 0;

	return FAIL_IF(c, code >= 0 && signal >= 0, "result", "exit-and-signal",
		       "the program both exited and died of a signal") ||
	       FAIL_IF(c, code > 255 || signal == 0 || signal > 64, "result", "exit-range",
		       "no such exit status or signal exists") ||
	       FAIL_IF(c, exited != (code >= 0), "result", "outcome", "the outcome is %s and there is %s exit status",
		       outcome, code >= 0 ? "an" : "no") ||
	       FAIL_IF(c, signaled && signal < 0, "result", "outcome",
		       "the outcome is signaled and there is no signal") ||
	       FAIL_IF(c, limit != (hit != NULL), "result", "outcome", "the outcome is %s and the limit hit is %s",
		       outcome, hit ? hit : "none") ||
	       FAIL_IF(c, setup && (signal >= 0 || !null_at(r, "startedAt")), "result", "outcome",
		       "nothing was started, and yet it %s", signal >= 0 ? "died of a signal" : "began") ||
	       FAIL_IF(c, setup && null_at(r, "error"), "result", "outcome",
		       "the sandbox could not be made, and there is no error") ||
	       FAIL_IF(c, !setup && null_at(r, "startedAt"), "result", "outcome",
		       "the program ran, and has no time at which it began") ||
	       FAIL_IF(c, setup && produced_anything(r), "result", "setup-failed",
		       "nothing was started, and yet there is output, or a usage") ||
	       FAIL_IF(c, (code > 0 || signal > 0) && status == 0, "result", "status",
		       "the program failed, and sandrun's own status is 0") ||
	       FAIL_IF(c, setup && status == 0, "result", "status", "nothing was started, and sandrun's status is 0") ||
	       FAIL_IF(c,
		       (exited || signaled || limit) && null_at(r, "error") &&
			       status != expected_status(hit, code, signal),
		       "result", "status",
		       "sandrun's own status, %" JSON_INTEGER_FORMAT ", is not that of this outcome", status);
}

static void describe(char *out, size_t size, const json_t *r)
{
	const char *outcome = text_at(r, "outcome");

	if (number_at(r, "exitCode", -1) >= 0)
		(void)snprintf(out, size, "exited with status %" JSON_INTEGER_FORMAT, number_at(r, "exitCode", -1));
	else if (text_at(r, "limitHit"))
		(void)snprintf(out, size, "ended by the limit %s", text_at(r, "limitHit"));
	else if (number_at(r, "signal", -1) >= 0)
		(void)snprintf(out, size, "%s by signal %" JSON_INTEGER_FORMAT,
			       strcmp(outcome, "killed") == 0 ? "ended by sandrun," : "ended",
			       number_at(r, "signal", -1));
	else
		(void)snprintf(out, size, "%s", outcome);
}

static bool stdin_fails(struct verifier *c, const json_t *r)
{
	return FAIL_IF(c,
		       strcmp(text_at(c->v->execution, "plan.stdin"), "none") == 0 &&
			       number_at(r, "stdin.bytes", null_at(r, "stdin") ? 0 : 1) > 0,
		       "result", "stdin", "the plan has no standard input, and the program read some");
}

void verify_result(struct verifier *c)
{
	const json_t *r = json_object_get(c->v->execution, "result");
	const bool ran = strcmp(text_at(r, "outcome"), "setup-failed") != 0;
	char text[96];

	if (outcome_fails(c, r) || stdin_fails(c, r) ||
	    FAIL_IF(c, ran && null_at(c->v->execution, "enforced"), "result", "enforced-missing",
		    "the program ran, and no sandbox is recorded") ||
	    FAIL_IF(c, ran && null_at(r, "usage") && null_at(r, "error"), "result", "usage-missing",
		    "the program ran to its end, and no usage is recorded"))
		return;
	if (strcmp(text_at(r, "outcome"), "killed") == 0 && null_at(r, "signal") && number_at(r, "status", 0) == 0) {
		/* there is such an end: a second signal was on its way, and the program exited by itself meanwhile */
		verify_add(c->v, SR_CHECK_NOT_SHOWN, "result", "killed-status",
			   "sandrun was ending it, and yet no signal did and the status is 0: how it ended does not show");
		return;
	}
	describe(text, sizeof(text), r);
	verify_add(c->v, SR_CHECK_OK, "result", "result", "%s; nothing in it contradicts itself", text);
}

/* --- limits --------------------------------------------------------------------------------------------------------------- */

/* "10s/60s": a share of processor time, in the one way that sandrun writes it. */
static bool is_window(const char *text)
{
	char again[32];
	uint64_t value;

	if (limit_parse(SR_LIMIT_KIND_WINDOW, text, &value) < 0 || value == SR_UNLIMITED)
		return false;
	limit_format(SR_LIMIT_KIND_WINDOW, value, again);
	return strcmp(again, text) == 0;
}

/* A text that is no number must not pass for "no bound": what was enforced is null or a value, never a word. */
static bool is_value(const json_t *value, const char *name, bool may_be_unlimited)
{
	const char *text = json_string_value(value);
	uint64_t n;

	if (!text)
		return true; /* null, or a whole number: the shapes saw to that */
	return shape_decimal(text, &n) || (may_be_unlimited && strcmp(text, "unlimited") == 0) ||
	       (strcmp(name, limit_name(SR_LIMIT_cpu_window)) == 0 && is_window(text));
}

static bool form_fails(struct verifier *c, const char *name, const json_t *value, bool may_be_unlimited)
{
	if (is_value(value, name, may_be_unlimited))
		return false;
	verify_add(c->v, SR_CHECK_MALFORMED, "limits", "limit-form", "the limit %s is \"%s\", which is no number%s",
		   SHOWN(name), SHOWN(json_string_value(value)), may_be_unlimited ? " and not \"unlimited\"" : "");
	return true;
}

/* A limit's value: times are decimal text, as they may pass 2^53 ns. SR_UNLIMITED where it is no bound. */
static uint64_t value_of(const json_t *limit, const char *member)
{
	const json_t *value = json_object_get(limit, member);
	uint64_t n;

	if (json_is_integer(value))
		return (uint64_t)json_integer_value(value);
	return json_is_string(value) && shape_decimal(json_string_value(value), &n) ? n : SR_UNLIMITED;
}

static uint64_t nanoseconds(const json_t *r, const char *path)
{
	const char *text = text_at(r, path);
	uint64_t ns = 0;

	return text && shape_decimal(text, &ns) ? ns : 0;
}

static uint64_t sum(uint64_t a, uint64_t b)
{
	return a + b < a ? UINT64_MAX : a + b;
}

/*
 * How far a usage may pass a limit that was enforced without having hit it: processor time is counted in ticks and by several
 * clocks, the kernel charges memory in batches, and a program may end while the supervisor looks.
 */
static const uint64_t slack_of[] = {
	[SR_LIMIT_KIND_TIME] = 1000000000, [SR_LIMIT_KIND_BYTES] = 1 << 20, [SR_LIMIT_KIND_COUNT] = 0
};

/* What the run used of what the limit of that name bounds; 0: not recorded. */
static uint64_t used_of(const json_t *r, const char *name, uint64_t *ret_slack)
{
	json_int_t memory = number_at(r, "usage.memoryPeakBytes", 0);

	*ret_slack = slack_of[SR_LIMIT_KIND_TIME];
	if (strcmp(name, "wall.time") == 0)
		return nanoseconds(r, "usage.wallNs");
	if (strcmp(name, "cpu.time") == 0)
		return sum(nanoseconds(r, "usage.cpuUserNs"), nanoseconds(r, "usage.cpuSystemNs"));
	*ret_slack = slack_of[SR_LIMIT_KIND_BYTES];
	if (strcmp(name, "memory.max") == 0)
		return memory > 0 ? (uint64_t)memory : 0;
	*ret_slack = slack_of[SR_LIMIT_KIND_COUNT];
	if (strcmp(name, "files.max") == 0)
		return (uint64_t)number_at(r, "outputs.files", 0);
	if (strcmp(name, "bytes.max") == 0)
		return (uint64_t)number_at(r, "outputs.bytes", 0);
	return 0;
}

/* A watchdog looks now and then: what passes a limit between two looks is said, and contradicts nothing. */
static bool usage_fails(struct verifier *c, const json_t *limit, const json_t *r)
{
	const char *name = text_at(limit, "name");
	uint64_t slack, used = used_of(r, name, &slack), enforced = value_of(limit, "enforced");
	const bool watched = strstr(text_at(limit, "mechanism"), "watchdog") != NULL;

	if (enforced == SR_UNLIMITED || !null_at(r, "limitHit") || used <= enforced ||
	    used - enforced <= sum(slack, enforced / 10))
		return false;
	if (!watched || (strcmp(name, "cpu.time") == 0 && used / 2 > sum(enforced, 8 * slack)))
		return FAIL_IF(c, true, "limits", "usage-over-limit",
			       "the run used more than the enforced limit %s, and no limit is said to be hit",
			       SHOWN(name));
	verify_add(c->v, SR_CHECK_NOT_SHOWN, "limits", "usage-over-watched",
		   "the run passed %s, which a watchdog held, between two of its looks", SHOWN(name));
	return false;
}

/* A higher limit than asked for is a loosening; of weights and shares as well. */
static bool limit_fails(struct verifier *c, const json_t *limit, const json_t *r)
{
	const char *name = text_at(limit, "name");
	const json_t *requested = json_object_get(limit, "requested"),
		     *planned = json_object_get(json_at(c->v->execution, "plan.limits"), name);
	uint64_t asked = value_of(limit, "requested"), enforced = value_of(limit, "enforced");

	return form_fails(c, name, requested, true) || form_fails(c, name, json_object_get(limit, "enforced"), false) ||
	       FAIL_IF(c, planned ? !json_equal(planned, requested) : !json_is_null(requested), "limits",
		       "limit-request", "the limit %s is another one than the plan's", SHOWN(name)) ||
	       FAIL_IF(c, asked != SR_UNLIMITED && enforced != SR_UNLIMITED && enforced > asked, "limits",
		       "limit-above-request", "the limit %s was enforced at more than was asked for", SHOWN(name)) ||
	       FAIL_IF(c, enforced != SR_UNLIMITED && strcmp(text_at(limit, "known"), "absent") == 0, "limits",
		       "limit-known", "the limit %s is both enforced and absent", SHOWN(name)) ||
	       FAIL_IF(c, null_at(limit, "enforced") && asked != SR_UNLIMITED && !text_at(limit, "reason"), "limits",
		       "limit-reason", "the limit %s was not enforced, and no reason is given", SHOWN(name)) ||
	       usage_fails(c, limit, r);
}

static bool planned_fail(struct verifier *c)
{
	const json_t *value;
	const char *name;

	json_object_foreach(json_object_get(json_object_get(c->v->execution, "plan"), "limits"), name, value)
	{
		if (form_fails(c, name, value, true))
			return true;
	}
	return false;
}

/* What the plan bounds must be in the list, with what held it or why nothing did. */
static bool unlisted(struct verifier *c, json_t *seen)
{
	const json_t *value;
	const char *name;

	json_object_foreach(json_object_get(json_object_get(c->v->execution, "plan"), "limits"), name, value)
	{
		bool bound = json_is_integer(value) ||
			     (json_is_string(value) && strcmp(json_string_value(value), "unlimited") != 0);

		if (FAIL_IF(c, bound && !json_object_get(seen, name), "limits", "limit-unlisted",
			    "the plan's limit %s is not among what was enforced or not", SHOWN(name)))
			return true;
	}
	return false;
}

void verify_limits(struct verifier *c)
{
	const json_t *limit, *limits = json_at(c->v->execution, "enforced.limits"),
			     *result = json_object_get(c->v->execution, "result");
	json_t *seen = json_object();
	char missing[256] = "";
	bool failed = planned_fail(c);
	size_t i, used = 0;

	json_array_foreach(limits, i, limit)
	{
		const char *name = text_at(limit, "name");

		failed = failed ||
			 FAIL_IF(c, is_doubled(c, seen, name), "limits", "limit-doubled", "the limit %s is there twice",
				 SHOWN(name)) ||
			 limit_fails(c, limit, result);
		if (null_at(limit, "enforced") && value_of(limit, "requested") != SR_UNLIMITED &&
		    used < sizeof(missing))
			used += (size_t)snprintf(missing + used, sizeof(missing) - used, "%s%s", used ? ", " : "",
						 SHOWN(name));
	}
	failed = failed || (limits && unlisted(c, seen));
	json_decref(seen);
	if (failed || !limits)
		return;
	if (*missing)
		verify_add(c->v, SR_CHECK_NOT_SHOWN, "limits", "limits-not-enforced",
			   "asked for and not enforced, the record says: %s", missing);
	else
		verify_add(c->v, SR_CHECK_OK, "limits", "limits",
			   "every limit that was asked for was enforced, and none was passed unnoticed");
}
