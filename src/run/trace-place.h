/* SPDX-License-Identifier: MIT */
/*
 * Where the log of --trace goes: beside the certificate, FILE.trace.jsonl for --certificate FILE.intoto.jsonl, and
 * <run id>.trace.jsonl in the state folder. It gets its name when the run is over, just before the certificate that holds its
 * root is written.
 */
#ifndef SR_RUN_TRACE_PLACE_H
#define SR_RUN_TRACE_PLACE_H

#include <jansson.h>
#include <stdbool.h>

#include "base/error.h"
#include "evidence/tracelog.h"
#include "policy/policy.h"

struct sr_trace_place {
	int dir_fd;
	char *name, *path;   /* of the log: known from the start with --certificate, else once it is kept; owned */
	struct sr_tracelog log;
	struct sr_tracelog_result result;
	bool finished;       /* the result stands */
};

#define SR_TRACE_PLACE_INIT { .dir_fd = -1, .log = SR_TRACELOG_INIT }

/* Before anything runs. --trace was asked for: where no log can be kept, that is an error. */
int trace_place_open(struct sr_trace_place *t, const struct sr_policy *p, struct sr_error *err);
/* When the sandbox is gone: the certificate's `trace`, null where the tracer never started. NULL: out of memory. */
json_t *trace_place_statement(struct sr_trace_place *t);
/* Gives the log its name. An earlier one is replaced with --certificate alone. */
int trace_place_keep(struct sr_trace_place *t, const char *run_id, bool durable, struct sr_error *err);
/* Without trace_place_keep() nothing stays. */
void trace_place_done(struct sr_trace_place *t);

#endif
