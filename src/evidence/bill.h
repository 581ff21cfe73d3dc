/* SPDX-License-Identifier: MIT */
/*
 * A bill out of certificates: processor time, memory times wall-clock time, and runs, each at a rate. Whole numbers throughout: no
 * floating point, nothing rounded but the amounts, once each.
 *
 * One item a certificate. Its three amounts (CPU, memory, run) are computed exactly and rounded to the bill's decimals, halves
 * away from zero; every total is the sum of rounded amounts, so that a bill adds up on paper. Memory is the peak times the
 * wall-clock time: an upper bound of what was used, where the peak is the whole run's (cgroup-memory.peak), else neither bound.
 */
#ifndef SR_EVIDENCE_BILL_H
#define SR_EVIDENCE_BILL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "evidence/verify.h"

#define SR_RATE_ONE 1000000000000ULL /* a rate of 1, in units of 10^-12 */
#define SR_RATE_DIGITS 12            /* behind the point */
#define SR_BILL_DECIMALS_MAX 9
#define SR_BILL_TEXT 64              /* of any figure as text */

/* Larger than any sum of theirs: each function that could leave it returns -EOVERFLOW instead. */
typedef unsigned __int128 sr_amount;

enum sr_bill_part { SR_BILL_CPU, SR_BILL_MEMORY, SR_BILL_RUN, SR_BILL_PARTS };

struct sr_rates {
	uint64_t rate[SR_BILL_PARTS]; /* for a CPU-second, a GiB-second, a run */
	char currency[17];            /* "" where none is named */
	unsigned decimals;            /* of every amount */
};

/* Reads `[rates]` of an INI file: cpu_second, gib_second, run, currency, decimals. Errors name file and line. */
int rates_load(const char *path, struct sr_rates *ret, struct sr_error *err);

struct sr_bill_item {
	char *file, *outcome, *cpu_source, *memory_source;
	char run_id[37], execution[SR_DIGEST_HEX], identity[SR_DIGEST_HEX], finished[21];
	char counted[SR_DIGEST_HEX + 24]; /* the identity and its run counter; the run id where nothing counted */
	bool used; /* false: it used nothing (a set-up that failed), and nothing is billed */
	bool cpu_least, memory_least; /* by its source the figure is a lower bound: a sample, one process of several, or lost */
	uint64_t cpu_ns, wall_ns, peak_bytes;
	sr_amount byte_ns; /* peak_bytes * wall_ns */
	sr_amount amount[SR_BILL_PARTS], sum; /* in units of 10^-decimals */
	size_t twin; /* 0, or 1 + the index of an earlier item that is the same run, or has its place in the identity's count */
};

struct sr_bill {
	struct sr_rates rates;
	struct sr_bill_item *items;
	size_t count, used;
	sr_amount cpu_ns, byte_ns; /* totals of what was used */
	sr_amount amount[SR_BILL_PARTS], sum;
};

/* Takes one certificate in, which must hold (verify_status()). `file` is for messages. 0 or an error with status 1. */
int bill_add(struct sr_bill *b, const char *file, const struct sr_verified *v, struct sr_error *err);
/* Finds certificates of one run (the same run id, the same execution, or the same number of one identity), sets their `twin`. How many, or an error. */
ssize_t bill_doubles(struct sr_bill *b, struct sr_error *err);
/* Computes every amount. -EOVERFLOW with an error. */
int bill_finish(struct sr_bill *b, struct sr_error *err);
void bill_done(struct sr_bill *b);

/* A number of 10^-digits as text: "0.001500". */
void amount_text(sr_amount n, unsigned digits, char out[static SR_BILL_TEXT]);
/* GiB-seconds out of byte-nanoseconds, rounded to 9 digits behind the point. For people: amounts come of the exact number. */
void gib_seconds_text(sr_amount byte_ns, char out[static SR_BILL_TEXT]);

#endif
