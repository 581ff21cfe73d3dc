/* SPDX-License-Identifier: MIT */
/*
 * Files beside a certificate: is this the input, the output, the trace that it speaks of? Each is read once, in pieces.
 */
#ifndef SR_EVIDENCE_VERIFY_FILES_H
#define SR_EVIDENCE_VERIFY_FILES_H

#include "evidence/opening.h"
#include "evidence/verify.h"

/* All add to the list, nothing without an execution in v. 0, or -errno of what read(2) says. */

/* An input by its name in the plan, the script by its name, or "stdin". opening: for commitments; may be NULL. */
int verify_input(struct sr_verified *v, const char *name, int fd, const struct sr_opening *opening);
/* "stdout", "stderr", "terminal", "stdout+stderr", or an output file: its name in the run, or the subject's ("out/" in front). */
int verify_output(struct sr_verified *v, const char *name, int fd, const struct sr_opening *opening);
/* The log: its digest, the number of its lines, the root of the tree over them, and what it says against the plan. */
int verify_trace(struct sr_verified *v, int fd);
/* The opening file is this run's. False (and a failed check) where not: it must not be used then. */
bool verify_opening(struct sr_verified *v, const struct sr_opening *opening);

#endif
