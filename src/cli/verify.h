/* SPDX-License-Identifier: MIT */
/*
 * What `sandrun verify` and `sandrun compare` share: their options, the keys, a certificate's file.
 */
#ifndef SR_CLI_VERIFY_H
#define SR_CLI_VERIFY_H

#include "cli/cli.h"
#include "evidence/verify.h"

struct verify_call {
	const struct cli_run *c;
	const char *word; /* "verify" or "compare" */
	bool json, help;
	struct sr_strv keys, trusts, inputs, outputs, after;
	const char *audience, *trace, *opening;
	char *nonce;
	enum sr_assurance require;
	char **operands;
	int count;
	struct sr_trust trust;
};

/* Options out of the words (those of verify, of which compare takes some), keys and all. 0, or the exit status after a message. */
int verify_begin(struct verify_call *call, int argc, char **argv, const char *allowed);
void verify_end(struct verify_call *call);
/* A certificate's file ("-": standard input) through verify_bundle(). 0 or an error. */
int verify_certificate(const struct verify_call *call, const char *path, const struct sr_verify_wants *wants, struct sr_verified *ret,
		       struct sr_error *err);
/* One line a check. prefix: in front of each, "" for none. */
void verify_print(const struct sr_verified *v, const char *prefix);
/* The same as a JSON list, and all of a certificate's result as an object; NULL without memory. */
json_t *verify_checks_json(const struct sr_verified *v);
json_t *verify_json(const struct sr_verified *v);

#endif
