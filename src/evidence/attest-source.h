/* SPDX-License-Identifier: MIT */
/*
 * The two places that give quotes, as attest.c asks them. Each returns one element of a certificate's `attestation`, or
 * -errno with *err saying why there is none: whatever is odd about an answer, there is no attestation then.
 */
#ifndef SR_EVIDENCE_ATTEST_SOURCE_H
#define SR_EVIDENCE_ATTEST_SOURCE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "evidence/attest.h"

#define SR_ATTEST_STAGE "evidence"
/* How long an agent, or a stand-in, may take. The kernel bounds itself. */
#define SR_ATTEST_PATIENCE_MS 2000
/* A quote, or all that an agent says. Quotes have about 1 to 16 KiB, logs of a boot some 100 KiB. */
#define SR_ATTEST_MAX ((size_t)1 << 20)

/*
 * The kernel's configfs-tsm: a fresh report instance in `folder`, removed again. `simulated`: the folder is a stand-in, an
 * ordinary folder whose keeper makes and fills the files that the kernel would have there, so they are waited for.
 */
int attest_tsm(const char *folder, bool simulated, const uint8_t report_data[static SR_REPORT_DATA_BYTES], json_t **ret,
	       struct sr_error *err);

/* A dstack guest agent: GetQuote over its unix socket. */
int attest_dstack(const char *socket_path, bool simulated, const uint8_t report_data[static SR_REPORT_DATA_BYTES], json_t **ret,
		  struct sr_error *err);

/* For both: the element without what only one of them has. No quote: null. NULL when memory is out. */
json_t *attest_element(const char *provider, bool simulated, const uint8_t report_data[static SR_REPORT_DATA_BYTES],
		       const void *quote, size_t len);
/* The error of both: "cannot get a quote from 'PATH': REASON". Returns -errnum. */
int attest_failed(struct sr_error *err, int errnum, const char *path, const char *reason);
/* Milliseconds of CLOCK_MONOTONIC. */
int64_t attest_clock(void);

#endif
