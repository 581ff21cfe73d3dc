/* SPDX-License-Identifier: MIT */
/*
 * The run log: one record a run that began, kept for good, and the back-link of the next. `run-log` and `run-ends` in the
 * XDG state folder, lines of exactly 256 bytes: JSON, blanks, a newline.
 *
 * A record is written by one pwrite(2) at a multiple of its size, which divides a page: SIGKILL cannot tear it, and a
 * power failure that does is found. Runs take their numbers one after the other under flock(2); a process that dies gives
 * its lock back and has either written its record or taken no number. A number without an end in `run-ends` is a run that
 * was killed before its certificate was signed: it shows.
 */
#ifndef SR_EVIDENCE_RUNLOG_H
#define SR_EVIDENCE_RUNLOG_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "evidence/digest.h"

#define SR_RUNLOG_RECORD 256
#define SR_RUNLOG "run-log"
#define SR_RUNLOG_ENDS "run-ends"
#define SR_RUN_ID 37 /* a UUID as text, with the NUL */

struct sr_runlog_record {
	uint64_t counter;
	int64_t at;                     /* seconds, the wall clock */
	char run_id[SR_RUN_ID];
	char digest[SR_DIGEST_HEX];     /* run-log: of the run-open payload; run-ends: of the execution payload */
};

struct sr_runlog {
	int fd;                         /* locked between begin and commit; -1: none */
	off_t end;                      /* where the next record goes */
	uint64_t counter;               /* of this run */
	char previous[SR_DIGEST_HEX];   /* "" for the first, and after damage */
	bool damaged;                   /* records at the end were unreadable: the chain begins anew, the counter goes on */
};

#define SR_RUNLOG_INIT { .fd = -1 }

/* Takes the lock and the next number. 0 or -errno (-EPERM: the file is not the user's alone). */
int runlog_begin(struct sr_runlog *log, int state_fd);
/* Writes the record and gives the lock back. durable: fsync(2) first. After an error no number was taken. */
int runlog_commit(struct sr_runlog *log, const char *run_id, const char *digest, int64_t at, bool durable);
/* Gives the lock back without a record. */
void runlog_abandon(struct sr_runlog *log);
/* The end of run `counter`, in `run-ends`. */
int runlog_end(int state_fd, uint64_t counter, const char *run_id, const char *digest, int64_t at, bool durable);

/*
 * Reads record number `index` of an open file. 0, -ENOENT behind the last, -EBADMSG for one that is no record. For lists.
 */
int runlog_parse(const char line[static SR_RUNLOG_RECORD], struct sr_runlog_record *ret); /* 0 or -EBADMSG */
int runlog_read(int fd, uint64_t index, struct sr_runlog_record *ret);

#endif
