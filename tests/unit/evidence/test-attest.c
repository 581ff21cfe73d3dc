/* SPDX-License-Identifier: MIT */
/* Hardware evidence: the bytes that a quote must carry, against openssl(1) where there is one, and where quotes carry them. */
#include "evidence/attest.h"

#include <stdlib.h>
#include <unistd.h>

#include "../tap.h"
#include "base/macros.h"
#include "base/str.h"

static const char payload[] = "{\"_type\":\"https://in-toto.io/Statement/v1\",\"predicateType\":\"https://sandrun.io/run-open/v0.1\"}";

/* What a shell makes of the same bytes; false without openssl. */
static bool reference(char hex[static 2 * SR_REPORT_DATA_BYTES + 1])
{
	char command[512];
	bool good;
	FILE *f;

	(void)snprintf(command, sizeof(command),
		       "printf 'DSSEv1 38 application/vnd.sandrun.report-data.v1 %zu %%s' '%s' | openssl dgst -sha512 -r 2>/dev/null",
		       sizeof(payload) - 1, payload);
	f = popen(command, "r");
	if (!f)
		return false;
	good = fgets(hex, 2 * SR_REPORT_DATA_BYTES + 1, f) && strlen(hex) == 2 * SR_REPORT_DATA_BYTES;
	(void)pclose(f);
	return good;
}

static void test_report_data(void)
{
	uint8_t data[SR_REPORT_DATA_BYTES], other[SR_REPORT_DATA_BYTES];
	char ours[2 * sizeof(data) + 1], theirs[2 * sizeof(data) + 1];

	IS_INT(attest_report_data("", 0, data), 0, "report data of nothing");
	str_hex(data, sizeof(data), ours);
	IS_STR(ours,
	       "877453a981a0fb77273ada9a1a6e290b32e9924ef237768625e03c07ffc6ba82"
	       "0842038a5c049b0ce1c7db426c142367888d1dee4c608644926a706f26581bb7",
	       "is that of `printf 'DSSEv1 38 application/vnd.sandrun.report-data.v1 0 ' | sha512sum`");
	IS_INT(attest_report_data(payload, sizeof(payload) - 1, data), 0, "report data of a payload");
	str_hex(data, sizeof(data), ours);
	if (reference(theirs))
		IS_STR(ours, theirs, "is what openssl says");
	else
		tap_skip("is what openssl says", "no openssl on this machine");
	IS_INT(attest_report_data(payload, sizeof(payload) - 2, other), 0, "report data of a byte less");
	OK(memcmp(data, other, sizeof(data)) != 0, "is another");
}

struct quote {
	uint8_t bytes[5000];
	size_t len;
};

static void put_tdx(struct quote *q, uint8_t version, const uint8_t *report_data)
{
	memset(q, 0x11, sizeof(*q));
	q->len = sizeof(q->bytes);
	q->bytes[0] = version;
	q->bytes[1] = 0;
	memcpy(q->bytes + 4, "\x81\0\0", 4);
	memcpy(q->bytes + (version == 5 ? 574 : 568), report_data, SR_REPORT_DATA_BYTES);
}

static void put_snp(struct quote *q, const uint8_t *report_data)
{
	memset(q, 0x11, sizeof(*q));
	q->len = 1184;
	memcpy(q->bytes, "\2\0\0", 4);
	memcpy(q->bytes + 80, report_data, SR_REPORT_DATA_BYTES);
}

static void test_quote_holds(void)
{
	uint8_t data[SR_REPORT_DATA_BYTES], other[SR_REPORT_DATA_BYTES];
	struct quote q;

	(void)attest_report_data(payload, sizeof(payload) - 1, data);
	(void)attest_report_data(payload, 1, other);
	for (uint8_t version = 4; version <= 5; version++) {
		put_tdx(&q, version, data);
		IS_INT(attest_quote_holds("tdx_guest", q.bytes, q.len, data), SR_QUOTE_HOLDS, "an Intel quote has them");
		IS_INT(attest_quote_holds("dstack", q.bytes, q.len, data), SR_QUOTE_HOLDS, "and through dstack");
		IS_INT(attest_quote_holds("tdx_guest", q.bytes, q.len, other), SR_QUOTE_OTHER, "another run's does not");
		IS_INT(attest_quote_holds("sev_guest", q.bytes, q.len, data), SR_QUOTE_OTHER, "it is no AMD report");
		q.len = version == 5 ? 637 : 631;
		IS_INT(attest_quote_holds("tdx_guest", q.bytes, q.len, data), SR_QUOTE_OTHER, "one that is cut does not");
		q.bytes[4] = 0;
		q.len = sizeof(q.bytes);
		IS_INT(attest_quote_holds("tdx_guest", q.bytes, q.len, data), SR_QUOTE_OTHER, "one of SGX does not");
	}
	put_snp(&q, data);
	IS_INT(attest_quote_holds("sev_guest", q.bytes, q.len, data), SR_QUOTE_HOLDS, "an AMD report has them");
	IS_INT(attest_quote_holds("sev_guest", q.bytes, q.len, other), SR_QUOTE_OTHER, "another run's does not");
	IS_INT(attest_quote_holds("tdx_guest", q.bytes, q.len, data), SR_QUOTE_OTHER, "it is no Intel quote");
	IS_INT(attest_quote_holds("sev_guest", q.bytes, q.len - 1, data), SR_QUOTE_OTHER, "a report that is cut does not");
	IS_INT(attest_quote_holds("sev_guest", q.bytes, 0, data), SR_QUOTE_OTHER, "an empty one does not");
	IS_INT(attest_quote_holds("tdx_guest", q.bytes, 0, data), SR_QUOTE_OTHER, "an empty one does not");
	q.bytes[0] = 0xd9;
	IS_INT(attest_quote_holds("tdx_guest", q.bytes, q.len, data), SR_QUOTE_UNKNOWN, "a web token is not read");
	IS_INT(attest_quote_holds("arm_cca_guest", q.bytes, q.len, data), SR_QUOTE_UNKNOWN, "nor what another provider gives");
}

int main(void)
{
	test_report_data();
	test_quote_holds();
	return tap_done();
}
