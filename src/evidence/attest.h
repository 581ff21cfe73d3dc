/* SPDX-License-Identifier: MIT */
/*
 * Hardware evidence: a quote of the machine over this run's run-open (format: certificate.md, sandrun-certificate(5)). It
 * is asked of the kernel (configfs-tsm, Documentation/ABI/testing/configfs-tsm-report) or of a dstack guest agent's
 * socket. A quote is fetched and carried, not judged: its chain of certificates is for others to check.
 */
#ifndef SR_EVIDENCE_ATTEST_H
#define SR_EVIDENCE_ATTEST_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "policy/policy.h"

#define SR_REPORT_DATA_TYPE "application/vnd.sandrun.report-data.v1"
#define SR_REPORT_DATA_BYTES 64

/*
 * The bytes that a quote must carry: SHA-512 over the pre-authentication encoding of run-open's payload under a type of
 * its own, so that no quote made for something else fits a run. 0 or -ENOMEM.
 */
int attest_report_data(const void *payload, size_t len, uint8_t out[static SR_REPORT_DATA_BYTES]);

/* Whether a quote was asked for by name, so that none is an error. */
static inline bool attest_is_required(const struct sr_policy *p)
{
	return p->attest_simulated || p->attest == SR_ATTEST_TSM || p->attest == SR_ATTEST_DSTACK;
}

/*
 * Before anything is made: a source that was asked for by name must be there (--attest tsm|dstack, --attest-simulated).
 * Costs nothing where none was. 0, or -errno with the mend.
 */
int attest_check(const struct sr_policy *p, struct sr_error *err);

/*
 * After run-open was signed, before the program starts: the value of `attestation` (a fresh array, empty without a quote)
 * and the word of `assurance` ("self-asserted", "simulated-quote", "quote-present"). Where a source was asked for by name
 * and gives no quote: -errno with the mend, and the program must not start. With --attest auto that is no error; 1 says
 * that a source is there and failed, and why (*err, for a warning), 0 everything else.
 */
int attest_fetch(const struct sr_policy *p, const void *payload, size_t len, json_t **ret, const char **ret_assurance,
		 struct sr_error *err);

/* Whether a quote carries these bytes. */
enum sr_quote_holds {
	SR_QUOTE_UNKNOWN, /* a format that is not known here: others must tell */
	SR_QUOTE_HOLDS,
	SR_QUOTE_OTHER,   /* a known format with other bytes in it, or none of its provider's formats */
};

/*
 * Looks at the place where the provider's format has them: "tdx_guest" and "dstack" (Intel TDX quotes, versions 4 and 5),
 * "sev_guest" (AMD SEV-SNP reports). Nothing else of the quote is looked at.
 */
enum sr_quote_holds attest_quote_holds(const char *provider, const void *quote, size_t len,
				       const uint8_t report_data[static SR_REPORT_DATA_BYTES]);

#endif
