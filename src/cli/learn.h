/* SPDX-License-Identifier: MIT */
/*
 * --learn: from what run/learn.c recorded to what a user can do about it, as text and as JSON.
 */
#ifndef SR_CLI_LEARN_H
#define SR_CLI_LEARN_H

#include <jansson.h>

#include "cli/cli.h"

/* What to make of one refusal. */
struct learn_advice {
	const char *layer; /* stable: "seccomp-list", "seccomp-argument" ... */
	const char *by;    /* the same for people: "the filter's list of calls" */
	char allow[64];    /* what a profile's allow line would need, or "" */
	char option[8];    /* an option of the command line that would allow it, "-i" ..., or "" */
	char value[4096];  /* its value; a path of this machine, not escaped */
	char why[320];     /* where nothing allows it: why; with an option: what to think of */
};

/* Judges a refused call. A name is offered only if the filter with it in the list does allow the recorded call. */
void learn_advise_call(const struct cli_run *c, const struct sr_learned_call *call, struct learn_advice *ret);

/* The same of a file or socket. False: a search that found nothing outside either, not worth a word. */
bool learn_advise_traced(const struct cli_run *c, const struct sr_traced *item, struct learn_advice *ret);

/* On standard error, after the run. */
void learn_print(const struct cli_run *c);
/* "learned" of the report: an object, or null without --learn. */
json_t *learn_json(const struct cli_run *c);

#endif
