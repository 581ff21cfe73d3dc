/* SPDX-License-Identifier: MIT */
/*
 * The certificate of a run (format: certificate.md, sandrun-certificate(5)): what to sign and when.
 *
 *	certify_check   before anything runs: can it be written where it was asked for
 *	certify_begin   after the clone, so that no key is in the sandbox's memory: folders, identity key
 *	certify_open    when the files are in and before the gate opens: the plan is final; run-open is signed
 *	certify_attest  then: hardware's quote over run-open, where there is one; before the gate opens
 *	certify_close   when the sandbox is gone: execution and run-close are signed, the file is written
 *
 * All but the last may run while the child builds the sandbox. A run that fails in its set-up has a certificate too.
 * Without a state folder (HOME unset, read-only) nothing is kept, which is said; with --certificate that is an error.
 */
#ifndef SR_RUN_CERTIFY_H
#define SR_RUN_CERTIFY_H

#include <stdbool.h>

#include "base/error.h"
#include "base/jsonw.h"
#include "evidence/commitment.h"
#include "evidence/envelope.h"
#include "evidence/identity.h"
#include "evidence/runlog.h"
#include "plan/build.h"
#include "run/collect.h"
#include "run/run.h"
#include "run/snapshot.h"
#include "run/trace-place.h"

/* Everything that a certificate tells of; borrowed. */
struct sr_certify_facts {
	const struct sr_policy *policy;
	const struct sr_environment *env;
	const struct sr_exec *exec;
	const struct sr_snapshot *snapshot;
	const struct sr_plan_box *box;
	struct sr_cgroup *cgroup;
	struct sr_run *run;
	const struct sr_collected *collected;
	const struct sr_salt *salt;
	struct sr_trace_place *trace; /* of use with --trace alone */
	const struct sr_error *error; /* why sandrun itself failed; code SR_E_NONE: it did not */
	const struct sr_stdio *stdio;
	bool prepared;                /* run is initialised */
	bool started;                 /* the payload's exec happened */
	bool ran;                     /* and it was supervised to its end: there is an outcome */
};

/* What was seen to be gone. */
struct sr_certify_gone {
	bool had_process, processes, work_fd, control, cgroup, had_cgroup, had_work, swaps; /* compared as bytes */
};

struct sr_certify_text {
	char *text; /* owned; NULL: not made yet */
	size_t len;
};

/*
 * A certificate as it will be if all turns out as expected (finding 37): made while the kernel takes the sandbox down, looked
 * at by nobody and written nowhere before each of these was seen to be so. Else it is made anew, and this one wiped: its
 * signatures were not issued.
 */
struct sr_certify_draft {
	char *execution;               /* NULL: there is none */
	int status;
	int64_t closed_s;
	char digest[SR_DIGEST_HEX];    /* of execution */
	uint8_t signature[SR_SIGNATURE_BYTES];
	struct sr_certify_text all;    /* the whole bundle, which says that the ephemeral key was zeroed */
};

struct sr_certify {
	bool off;               /* --no-certificate, or nothing can be kept: `why` */
	bool begun, opened;
	char why[768];          /* why nothing is kept; "" for --no-certificate */
	int state_fd;           /* -1: no counter */
	int dir_fd;             /* where the file goes */
	int file_fd;            /* the file, which has no name yet; -1: none was made */
	char *name;             /* its name there; owned */
	char *path;             /* for messages; owned */
	struct sr_identity identity, ephemeral;
	char run_id[SR_RUN_ID];
	uint64_t counter;       /* 0: none */
	int64_t issued_s;       /* the wall clock when run-open was made */
	uint64_t issued_ns;     /* CLOCK_MONOTONIC at the same moment */
	char *plan;             /* this and the next three are JSON */
	char *attestation;
	char *enforced, *result; /* noted while the run stood */
	const char *assurance;
	char no_quote[768];     /* why a source of quotes that is there gave none, which is no error with --attest auto; or "" */
	char *open_payload;
	size_t open_len;
	uint8_t open_signature[SR_SIGNATURE_BYTES];
	struct sr_certify_text open_line; /* made when there is time for it */
	char open_digest[SR_DIGEST_HEX];
	struct sr_jsonw head;   /* execution up to its plan, as it will be if `expected` is what is seen; failed: there is none */
	struct sr_certify_gone expected;
	struct sr_certify_draft draft;
};

#define SR_CERTIFY_INIT { .state_fd = -1, .dir_fd = -1, .file_fd = -1, .assurance = "self-asserted", .head = { .failed = true } }

/* Whether something was asked for that is nothing without a certificate: then one that cannot be kept is an error. */
bool certify_is_required(const struct sr_policy *p);
int certify_check(const struct sr_policy *p, struct sr_error *err);
/* 0 also where nothing can be kept and nobody asked for a file: c->off and c->why say so. */
int certify_begin(struct sr_certify *c, const struct sr_policy *p, struct sr_error *err);
int certify_open(struct sr_certify *c, const struct sr_certify_facts *f, struct sr_error *err);
/* While the payload runs: what of execution is final by then. */
void certify_stand(struct sr_certify *c, const struct sr_certify_facts *f);
/* While the sandbox is being taken down: struct sr_certify_draft. Where it cannot be made, certify_close() does all. */
void certify_draft(struct sr_certify *c, const struct sr_certify_facts *f, int status);
/* Where a quote was asked for by name and there is none, an error: the program must not start. */
int certify_attest(struct sr_certify *c, const struct sr_policy *p, struct sr_error *err);
/*
 * status: sandrun's own exit status. Ends the run (run_done) and its cgroup on the way: what is certified is gone.
 * Afterwards c->path names the file.
 */
int certify_close(struct sr_certify *c, const struct sr_certify_facts *f, int status, struct sr_error *err);
void certify_done(struct sr_certify *c);

/* ---- between the files of run/ ---- */

/* {"sha256": hex} or {"sandrunHmacSha256V1": hex} */
void certify_digest(struct sr_jsonw *j, const char *key, bool is_private, const char *hex);
/* Text of any origin: what is no UTF-8 is escaped. NULL: null. */
void certify_text(struct sr_jsonw *j, const char *key, const char *s);
/* A file's name: commitment_name(). */
void certify_name(struct sr_jsonw *j, const char *key, const char *prefix, const char *name);
void certify_decimal(struct sr_jsonw *j, const char *key, uint64_t v);
/* "YYYY-MM-DDThh:mm:ssZ" */
void certify_time(struct sr_jsonw *j, const char *key, int64_t seconds);
/* A limit's value: a number, decimal text for times, "unlimited". */
void certify_limit(struct sr_jsonw *j, const char *key, enum sr_limit_id id, uint64_t value);

/* Does an opening file go beside it? One does where something was said to be private, or --salt kept. */
bool certify_keeps_salt(const struct sr_policy *p);
/* In certify-opening.c: writes it. *ret_path: where, for messages; owned by the caller, or NULL. 0 or -errno. */
int certify_write_opening(const struct sr_certify *c, const struct sr_certify_facts *f, char **ret_path);
/* The name of its bytes, and of the commitment to them. */
const char *certify_script_name(const struct sr_exec *x);
/* Whole values. */
void certify_plan(struct sr_jsonw *j, const struct sr_certify_facts *f);
void certify_enforced(struct sr_jsonw *j, const struct sr_certify_facts *f);
void certify_result(struct sr_jsonw *j, const struct sr_certify *c, const struct sr_certify_facts *f, int status);
/* Members. */
void certify_destruction(struct sr_jsonw *j, const char *key, const struct sr_certify_facts *f, const struct sr_certify_gone *g);
void certify_executor(struct sr_jsonw *j, const char *key);
void certify_not_claimed(struct sr_jsonw *j, const char *key, const struct sr_certify_facts *f);
/* The streams and output files, behind the first subject of the open array. */
void certify_subjects(struct sr_jsonw *j, const struct sr_certify_facts *f);

#endif
