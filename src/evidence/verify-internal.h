/* SPDX-License-Identifier: MIT */
/*
 * What the files of the verifier share. verify.c finds the statements and their signers; each of the others looks at one side
 * of them. All may count on the shapes: what a table of verify-statement.c demands is there.
 */
#ifndef SR_EVIDENCE_VERIFY_INTERNAL_H
#define SR_EVIDENCE_VERIFY_INTERNAL_H

#include "evidence/verify.h"

enum statement_kind {
	STATEMENT_OPEN,
	STATEMENT_EXECUTION,
	STATEMENT_CLOSE,
	STATEMENT_OTHER, /* of another predicateType: ignored */
};

struct verifier {
	struct sr_verified *v;
	const struct sr_verify_wants *wants;
	int64_t now;
	const struct sr_envelope *open, *execution, *close;
};

/* "run-open", "execution", "run-close". */
const char *statement_name(enum statement_kind kind);
/*
 * Parses a payload whose signature holds. 0; -EBADMSG with *fault; -ENOMEM. The caller drops *ret. A statement of another
 * predicateType is looked at no further.
 */
int statement_parse(const char *payload, size_t len, json_t **ret, enum statement_kind *ret_kind, struct sr_fault *fault);

/* Member by path, "result.usage.wallNs"; NULL where one is missing. */
const json_t *json_at(const json_t *o, const char *path);
const char *text_at(const json_t *o, const char *path);
/* Of a digest set: its one value. */
const char *digest_at(const json_t *o, const char *path);
bool is_commitment(const json_t *set);
/* A number, else `other`. */
json_int_t number_at(const json_t *o, const char *path, json_int_t other);
bool null_at(const json_t *o, const char *path); /* or missing */
/* A path inside: relative, no empty, "." or ".." component, no control bytes. */
bool name_is_safe(const char *name);
/* "stdout", "stderr", "terminal", "stdout+stderr": a subject that is no file. */
bool verify_is_stream(const char *name);

/*
 * A line of the trace: something reached an address outside the sandbox's own loopback. What was read from the program's memory
 * is the program's claim: it must not be able to make its own record contradict itself.
 */
enum event_leaves { EVENT_STAYS, EVENT_CLAIMS, EVENT_LEAVES };
enum event_leaves verify_event_leaves(const json_t *event);

/* run-open, execution and run-close are one run's; the plan; the challenge; the counter; the times. */
void verify_links(struct verifier *c);
void verify_challenge(struct verifier *c);
void verify_sequence(struct verifier *c);
void verify_times(struct verifier *c);
/* What the execution says does not contradict itself. */
void verify_names(struct verifier *c);
void verify_result(struct verifier *c);
void verify_limits(struct verifier *c);
void verify_isolation(struct verifier *c);
void verify_private(struct verifier *c);
void verify_trace_claim(struct verifier *c);
void verify_destruction(struct verifier *c);
void verify_assurance(struct verifier *c);

/* Adds a failed check where `bad`; returns `bad`. */
#define FAIL_IF(c, bad, what, code, ...) \
	((bad) ? (verify_add((c)->v, SR_CHECK_FAILED, (what), (code), __VA_ARGS__), true) : false)

#endif
