/* SPDX-License-Identifier: MIT */
/*
 * Checks a certificate (certificate.md). The outcome is a list of checks: what was looked at, whether it holds, a stable
 * code, and a sentence that says whose word it is. Nothing here prints, opens a network connection or keeps state.
 *
 * A payload is parsed only once its signature holds, and from the very bytes that were signed. run-open and run-close must be
 * signed by one identity out of `trust`, the execution by the key that run-open endorses. A caller that uses a certificate
 * (a bill, an export, an opening) does so only where verify_status() is 0, or for what its own words admit, 3.
 *
 *	struct sr_trust trust = { 0 };
 *	struct sr_verified v;
 *	struct sr_verify_wants wants = { .trust = &trust };
 *
 *	trust_add_default(&trust, &err);
 *	if (verify_bundle(data, len, &wants, &v) == 0 && verify_status(&v) == 0)
 *		... json_object_get(v.execution, "result") ...
 *	verified_done(&v);
 */
#ifndef SR_EVIDENCE_VERIFY_H
#define SR_EVIDENCE_VERIFY_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/macros.h"
#include "evidence/bundle.h"
#include "evidence/trust.h"

#define SR_PREDICATE_OPEN "https://sandrun.io/run-open/v0.1"
#define SR_PREDICATE_EXECUTION "https://sandrun.io/execution/v0.1"
#define SR_PREDICATE_CLOSE "https://sandrun.io/run-close/v0.1"
#define SR_STATEMENT_TYPE "https://in-toto.io/Statement/v1"

/* What stands behind a certificate's facts, the least first. */
enum sr_assurance {
	SR_ASSURANCE_SELF,      /* "self-asserted": the operator's word */
	SR_ASSURANCE_SIMULATED, /* "simulated-quote": the same, from a test */
	SR_ASSURANCE_QUOTE,     /* "quote-present": a machine's quote over run-open, whose chain others must check */
	SR_ASSURANCE_MAX
};

const char *assurance_name(enum sr_assurance a);
/* 0 or -EINVAL. */
int assurance_from_name(const char *name, enum sr_assurance *ret);

enum sr_check_state {
	SR_CHECK_OK,
	SR_CHECK_NOT_SHOWN, /* nothing was asked for that would show it; not against the certificate */
	SR_CHECK_BELOW,     /* less than what was required: status 3 */
	SR_CHECK_FAILED,    /* status 1 */
	SR_CHECK_MALFORMED, /* not a certificate: status 2 */
};

/* "ok", "not-shown", "below", "failed", "malformed". */
const char *check_state_name(enum sr_check_state s);

struct sr_check {
	const char *what; /* "identity", "plan", "time" ... */
	const char *code; /* stable: "identity-trusted", "plan-digest" ... */
	enum sr_check_state state;
	char *text;       /* one sentence, fit for a terminal */
};

struct sr_verify_wants {
	const struct sr_trust *trust;
	const char *nonce;          /* lowercase hex that run-open must carry, or NULL */
	const char *audience;       /* that run-open must name, or NULL */
	enum sr_assurance require;
	int64_t now;                /* seconds since 1970; 0: the clock's */
};

struct sr_verified {
	/* The predicates, borrowed from the statements below; NULL unless all three are there, signed and of the right form. */
	const json_t *open, *execution, *close;
	const char *run_id;         /* borrowed, or NULL */
	char open_sha256[SR_DIGEST_HEX], execution_sha256[SR_DIGEST_HEX], close_sha256[SR_DIGEST_HEX]; /* of the payloads, or "" */
	const struct sr_trusted *identity; /* out of trust; NULL: signed by nobody known */
	struct sr_public_key ephemeral;
	enum sr_assurance assurance; /* as claimed and carried */
	struct sr_check *checks;
	size_t count;

	/* owned */
	struct sr_bundle bundle;
	json_t *statements[3];      /* run-open, execution, run-close */
	bool out_of_memory;
};

/*
 * Runs every check that the file and `wants` allow. 0 whatever the certificate is worth (verify_status() says that), or -ENOMEM.
 * *ret is to be dropped with verified_done() in any case; `wants->trust` must live as long.
 */
int verify_bundle(const char *data, size_t len, const struct sr_verify_wants *wants, struct sr_verified *ret);
void verified_done(struct sr_verified *v);

/*
 * Adds what an earlier certificate of the same identity shows: another run, a lower number, linked where it is the one right
 * before, another nonce. Both were given to verify_bundle() with the same `trust`.
 */
void verify_after(struct sr_verified *v, const struct sr_verified *earlier);

/* The exit status: 2 malformed, else 1 a check failed, else 3 below what was required, else 0. */
int verify_status(const struct sr_verified *v);
/* The worst check's (its code and sentence), or NULL where all hold: for a message. */
const struct sr_check *verify_worst(const struct sr_verified *v);

/*
 * Nothing speaks against it but that the only identity which vouches is the user's own, which nobody had to name. For callers
 * that take the own word. False, and in *ret_why the worst of the rest (or NULL: nothing was shown), where something does.
 */
bool verify_holds(const struct sr_verified *v, const struct sr_check **ret_why);

/* Adds a check to the list. For callers with checks of their own. */
void verify_add(struct sr_verified *v, enum sr_check_state state, const char *what, const char *code, const char *fmt, ...)
	SR_PRINTF(5, 6);

#endif
