/* SPDX-License-Identifier: MIT */
/*
 * The form of the three statements, as tables (certificate.md; sandrun-certificate(5)).
 */
#include <errno.h>
#include <string.h>

#include "evidence/json-strict.h"
#include "evidence/verify-internal.h"
#include "evidence/verify-shape.h"

#define PAYLOAD_VALUES 1000000 /* one of 10,000 output files has some 50,000 */

#define TEXT(key, flags) { key, SHAPE_STRING, flags, NULL, NULL, 0 }
#define COUNT(key, flags) { key, SHAPE_COUNT, flags, NULL, NULL, 0 }
#define BOOL(key) { key, SHAPE_BOOL, 0, NULL, NULL, 0 }
#define TIME(key, flags) { key, SHAPE_TIME, flags, NULL, NULL, 0 }
#define HEX(key, flags, digits) { key, SHAPE_HEX, flags, NULL, NULL, digits }
#define WORD(key, flags, words) { key, SHAPE_WORD, flags, NULL, words, 0 }
#define OF(key, kind, flags) { key, SHAPE_##kind, flags, NULL, NULL, 0 }
#define OBJECT(key, flags, rows) { key, SHAPE_OBJECT, flags, rows, NULL, 0 }
#define LIST(key, flags, row) { key, SHAPE_LIST, flags, row, NULL, 0 }
#define MAP(key, flags, row) { key, SHAPE_MAP, flags, row, NULL, 0 }
#define END { NULL, SHAPE_STRING, 0, NULL, NULL, 0 }

#define KNOWN WORD("known", 0, "observed|probed|installed|absent")

static const struct shape text_item = TEXT("item", 0);
static const struct shape scalar_item = OF("item", SCALAR, 0);
static const struct shape digest_rows[] = { OF("digest", SHA256, 0), END };

static const struct shape challenge_rows[] = { TEXT("audience", SHAPE_NULL | SHAPE_ABSENT), HEX("nonce", SHAPE_NULL, 0), END };
#define CHALLENGE OBJECT("challenge", SHAPE_NULL, challenge_rows)

/* --- run-open ------------------------------------------------------------------------------------------------------------- */

static const struct shape key_rows[] = { WORD("algorithm", 0, "ed25519"), TEXT("spki", 0), WORD("use", 0, "one-signature"), END };
static const struct shape sequence_rows[] = {
	COUNT("counter", SHAPE_NULL),
	OF("previous", SHA256, SHAPE_NULL),
	TEXT("reason", SHAPE_NULL | SHAPE_ABSENT),
	END,
};
static const struct shape worker_rows[] = { HEX("identityKeyId", 0, 64), END };
static const struct shape open_rows[] = {
	CHALLENGE,
	OBJECT("ephemeralKey", 0, key_rows),
	TIME("expiresAt", 0),
	TIME("issuedAt", 0),
	OBJECT("plan", 0, digest_rows),
	OF("runId", UUID7, 0),
	OBJECT("sequence", 0, sequence_rows),
	OBJECT("worker", 0, worker_rows),
	END,
};

/* --- execution ------------------------------------------------------------------------------------------------------------ */

static const struct shape quote_rows[] = {
	TEXT("provider", 0),
	BOOL("simulated"),
	HEX("reportData", 0, 128),
	WORD("reportDataPreimage", 0, "run-open"),
	TEXT("quote", SHAPE_NULL),
	TEXT("auxblob", SHAPE_NULL | SHAPE_ABSENT),
	TEXT("eventLog", SHAPE_NULL | SHAPE_ABSENT),
	TEXT("vmConfig", SHAPE_NULL | SHAPE_ABSENT),
	TEXT("attestation", SHAPE_NULL | SHAPE_ABSENT),
	TEXT("generation", SHAPE_NULL | SHAPE_ABSENT),
	END,
};
static const struct shape quote_item = OBJECT("item", 0, quote_rows);

static const struct shape claim_rows[] = {
	TEXT("target", 0), TEXT("storage", 0), TEXT("method", 0), TEXT("checked", 0), BOOL("performed"), END,
};
static const struct shape claim_item = OBJECT("item", 0, claim_rows);
static const struct shape destruction_rows[] = { LIST("claims", 0, &claim_item), LIST("notCovered", SHAPE_FILLED, &text_item), END };

static const struct shape namespace_rows[] = {
	KNOWN, BOOL("user"), BOOL("pid"), BOOL("mount"), BOOL("network"), BOOL("ipc"), BOOL("uts"), BOOL("cgroup"), END,
};
static const struct shape id_rows[] = { KNOWN, TEXT("uid", SHAPE_NULL), TEXT("gid", SHAPE_NULL), END };
static const struct shape privs_rows[] = { KNOWN, BOOL("value"), END };
static const struct shape cap_rows[] = {
	KNOWN,
	HEX("ambient", 0, 16),
	HEX("bounding", 0, 16),
	HEX("effective", 0, 16),
	HEX("inheritable", 0, 16),
	HEX("permitted", 0, 16),
	END,
};
static const struct shape filter_rows[] = { OF("digest", SHA256, 0), TEXT("arch", 0), COUNT("instructions", 0), KNOWN, END };
static const struct shape seccomp_rows[] = { KNOWN, COUNT("mode", 0), OBJECT("filter", SHAPE_NULL, filter_rows), END };
static const struct shape landlock_rows[] = {
	KNOWN, COUNT("abi", 0), OF("rulesetDigest", SHA256, SHAPE_NULL | SHAPE_ABSENT), TEXT("reason", SHAPE_NULL | SHAPE_ABSENT), END,
};
static const struct shape limit_rows[] = {
	TEXT("name", 0),
	OF("requested", SCALAR, SHAPE_NULL),
	OF("enforced", SCALAR, SHAPE_NULL),
	TEXT("mechanism", 0),
	KNOWN,
	TEXT("reason", SHAPE_NULL | SHAPE_ABSENT),
	END,
};
static const struct shape limit_item = OBJECT("item", 0, limit_rows);
static const struct shape enforced_rows[] = {
	OBJECT("namespaces", 0, namespace_rows),
	OBJECT("idMap", 0, id_rows),
	OBJECT("noNewPrivs", 0, privs_rows),
	OBJECT("capabilities", 0, cap_rows),
	OBJECT("seccomp", 0, seccomp_rows),
	OBJECT("landlock", 0, landlock_rows),
	LIST("limits", 0, &limit_item),
	END,
};

static const struct shape version_rows[] = { TEXT("kernel", 0), TEXT("libsodium", 0), TEXT("sandrun", 0), END };
static const struct shape executor_rows[] = {
	WORD("name", 0, "sandrun"), OBJECT("version", 0, version_rows), OF("digest", SHA256, SHAPE_NULL), END,
};

static const struct shape argv_rows[] = {
	LIST("recorded", SHAPE_ABSENT, &text_item), COUNT("count", SHAPE_ABSENT), OF("commitment", HMAC, SHAPE_ABSENT), END,
};
static const struct shape layer_item = OF("item", SHA256, 0);
static const struct shape environment_rows[] = {
	TEXT("name", 0), OF("digest", SHA256, SHAPE_NULL), LIST("layers", SHAPE_ABSENT | SHAPE_FILLED, &layer_item),
	TEXT("reason", SHAPE_NULL | SHAPE_ABSENT), END,
};
static const struct shape env_rows[] = { LIST("names", 0, &text_item), OF("commitment", HMAC, 0), END };
/* Digests that are null: of a run that failed before it read them. */
static const struct shape input_rows[] = { TEXT("name", 0), OF("digest", DIGEST, SHAPE_NULL), COUNT("bytes", SHAPE_ABSENT), END };
static const struct shape input_item = OBJECT("item", SHAPE_CLOSED, input_rows);
static const struct shape profile_rows[] = { TEXT("name", 0), OF("digest", SHA256, 0), END };
static const struct shape project_rows[] = { OF("digest", SHA256, SHAPE_NULL), COUNT("files", 0), COUNT("bytes", 0), END };
static const struct shape script_rows[] = { TEXT("name", 0), OF("digest", DIGEST, 0), END };
static const struct shape private_rows[] = { BOOL("args"), BOOL("outputs"), WORD("saltMode", SHAPE_NULL, "kept|owner|destroyed"), END };
/* Closed to the bottom: a member that is not known here might loosen what was run. */
static const struct shape plan_rows[] = {
	OBJECT("argv", SHAPE_CLOSED, argv_rows),
	OBJECT("environment", SHAPE_CLOSED, environment_rows),
	OBJECT("env", SHAPE_CLOSED, env_rows),
	LIST("inputs", 0, &input_item),
	TEXT("language", SHAPE_NULL),
	MAP("limits", 0, &scalar_item),
	WORD("network", 0, "none"),
	LIST("outputs", 0, &text_item),
	OBJECT("profile", SHAPE_CLOSED, profile_rows),
	OBJECT("project", SHAPE_CLOSED | SHAPE_NULL, project_rows),
	OBJECT("script", SHAPE_CLOSED | SHAPE_NULL, script_rows),
	WORD("stdin", 0, "none|stream|terminal"),
	BOOL("strict"),
	BOOL("trace"),
	OBJECT("private", SHAPE_CLOSED, private_rows),
	END,
};

/* Sizes are absent of what is private, and of that alone: verify_private(). */
static const struct shape error_rows[] = { TEXT("code", 0), TEXT("stage", 0), END };
static const struct shape stdin_rows[] = { OF("digest", DIGEST, 0), COUNT("bytes", SHAPE_ABSENT), END };
static const struct shape stream_rows[] = { COUNT("bytes", SHAPE_ABSENT), BOOL("truncated"), END };
static const struct shape stream_item = OBJECT("item", 0, stream_rows);
static const struct shape outputs_rows[] = { COUNT("files", 0), COUNT("bytes", SHAPE_ABSENT), END };
static const struct shape source_rows[] = { TEXT("cpu", SHAPE_NULL), TEXT("memory", SHAPE_NULL), TEXT("wall", 0), END };
static const struct shape usage_rows[] = {
	OF("cpuUserNs", DECIMAL, 0),
	OF("cpuSystemNs", DECIMAL, 0),
	OF("wallNs", DECIMAL, 0),
	COUNT("memoryPeakBytes", 0),
	OBJECT("source", 0, source_rows),
	END,
};
static const struct shape result_rows[] = {
	WORD("outcome", 0, "exited|signaled|limit|setup-failed|killed"),
	COUNT("exitCode", SHAPE_NULL),
	COUNT("signal", SHAPE_NULL),
	WORD("limitHit", SHAPE_NULL, "wall-time|cpu-time|memory|host-memory|output"),
	TIME("startedAt", SHAPE_NULL),
	TIME("finishedAt", 0),
	OBJECT("error", SHAPE_NULL, error_rows),
	COUNT("status", 0),
	OBJECT("stdin", SHAPE_NULL, stdin_rows),
	MAP("streams", 0, &stream_item),
	OBJECT("outputs", 0, outputs_rows),
	OBJECT("usage", SHAPE_NULL, usage_rows),
	END,
};

static const struct shape run_open_rows[] = { OF("digest", SHA256, 0), WORD("mediaType", 0, "application/vnd.in-toto+json"), END };
static const struct shape trace_rows[] = {
	OF("digest", SHA256, 0),
	WORD("mediaType", 0, "application/vnd.sandrun.trace.v1+jsonl"),
	HEX("rootHash", 0, 64),
	WORD("tree", 0, "rfc6962-sha256"),
	COUNT("treeSize", 0),
	COUNT("dropped", 0),
	BOOL("complete"),
	LIST("coverage", 0, &text_item),
	LIST("mechanisms", 0, &text_item),
	LIST("races", 0, &text_item),
	END,
};

static const struct shape execution_rows[] = {
	WORD("assurance", 0, "self-asserted|simulated-quote|quote-present"),
	LIST("attestation", 0, &quote_item),
	CHALLENGE,
	OBJECT("destruction", 0, destruction_rows),
	OBJECT("enforced", SHAPE_NULL, enforced_rows),
	OBJECT("executor", 0, executor_rows),
	LIST("notClaimed", SHAPE_FILLED, &text_item),
	OBJECT("plan", SHAPE_CLOSED, plan_rows),
	OBJECT("result", 0, result_rows),
	OF("runId", UUID7, 0),
	OBJECT("runOpen", 0, run_open_rows),
	OBJECT("trace", SHAPE_NULL, trace_rows),
	END,
};

/* --- run-close ------------------------------------------------------------------------------------------------------------ */

static const struct shape gone_rows[] = {
	HEX("keyId", 0, 64), TEXT("method", 0), COUNT("signaturesIssued", 0), TEXT("state", 0), TEXT("checked", 0), END,
};
static const struct shape counter_rows[] = { COUNT("counter", SHAPE_NULL), END };
static const struct shape close_rows[] = {
	TIME("closedAt", 0),
	OBJECT("ephemeralKey", 0, gone_rows),
	TEXT("outcome", 0),
	OF("runId", UUID7, 0),
	OBJECT("runOpen", 0, digest_rows),
	OBJECT("sequence", 0, counter_rows),
	END,
};

/* --- statements ----------------------------------------------------------------------------------------------------------- */

static const struct shape subject_rows[] = { TEXT("name", 0), OF("digest", DIGEST, 0), END };
static const struct shape subject_item = OBJECT("item", 0, subject_rows);
static const struct shape statement_rows[] = {
	WORD("_type", 0, SR_STATEMENT_TYPE),
	TEXT("predicateType", 0),
	OBJECT("predicate", 0, NULL),
	LIST("subject", SHAPE_FILLED, &subject_item),
	END,
};
static const struct shape type_rows[] = { TEXT("predicateType", 0), END };

static const struct {
	const char *type, *name;
	struct shape shape;
} kinds[] = {
	[STATEMENT_OPEN] = { SR_PREDICATE_OPEN, "run-open", OBJECT("predicate", 0, open_rows) },
	[STATEMENT_EXECUTION] = { SR_PREDICATE_EXECUTION, "execution", OBJECT("predicate", 0, execution_rows) },
	[STATEMENT_CLOSE] = { SR_PREDICATE_CLOSE, "run-close", OBJECT("predicate", 0, close_rows) },
};

const char *statement_name(enum statement_kind kind)
{
	return kind < STATEMENT_OTHER ? kinds[kind].name : "statement";
}

static int check(const json_t *s, enum statement_kind *ret_kind, struct sr_fault *f)
{
	static const struct shape typed = OBJECT("statement", 0, type_rows), whole = OBJECT("statement", 0, statement_rows);
	const char *type;
	int r = shape_check(s, &typed, "statement", f);

	if (r < 0)
		return r;
	type = json_string_value(json_object_get(s, "predicateType"));
	*ret_kind = STATEMENT_OPEN;
	while (*ret_kind < STATEMENT_OTHER && strcmp(type, kinds[*ret_kind].type) != 0)
		++*ret_kind;
	if (*ret_kind == STATEMENT_OTHER)
		return 0;
	r = shape_check(s, &whole, kinds[*ret_kind].name, f);
	if (r == 0)
		r = shape_check(json_object_get(s, "predicate"), &kinds[*ret_kind].shape, kinds[*ret_kind].name, f);
	if (r == 0 && !json_numbers_fit(s)) {
		*f = (struct sr_fault){ .code = "number-range", .text = "a number is no whole one below 2^53: readers would not agree on it" };
		r = -EBADMSG;
	}
	return r;
}

int statement_parse(const char *payload, size_t len, json_t **ret, enum statement_kind *ret_kind, struct sr_fault *f)
{
	const char *code;
	json_t *s = json_strict(payload, len, PAYLOAD_VALUES, &code);
	int r;

	if (!s)
		return json_fault(code, "a signed payload", f);
	r = check(s, ret_kind, f);
	if (r < 0)
		json_decref(s);
	else
		*ret = s;
	return r;
}
