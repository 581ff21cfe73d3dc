/* SPDX-License-Identifier: MIT */
#include "evidence/attest.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "evidence/envelope.h"

_Static_assert(SR_REPORT_DATA_BYTES == crypto_hash_sha512_BYTES, "a quote carries one SHA-512 value");

int attest_report_data(const void *payload, size_t len, uint8_t out[static SR_REPORT_DATA_BYTES])
{
	uint8_t *pae;
	size_t pae_len;
	int r = envelope_pae(SR_REPORT_DATA_TYPE, payload, len, &pae, &pae_len);

	if (r < 0)
		return r;
	(void)crypto_hash_sha512(out, pae, pae_len); /* it cannot fail */
	free(pae);
	return 0;
}

/* Little endian, whatever the machine. */
static uint32_t le(const uint8_t *p, size_t bytes)
{
	uint32_t v = 0;

	for (size_t i = 0; i < bytes; i++)
		v |= (uint32_t)p[i] << (8 * i);
	return v;
}

static enum sr_quote_holds at(const uint8_t *quote, size_t len, size_t offset, const uint8_t *report_data)
{
	if (len < offset + SR_REPORT_DATA_BYTES || memcmp(quote + offset, report_data, SR_REPORT_DATA_BYTES) != 0)
		return SR_QUOTE_OTHER;
	return SR_QUOTE_HOLDS;
}

/*
 * An Intel quote: a header of 48 bytes (version, kind of key, kind of environment ...), in version 5 the kind and length
 * of the body, then the body, whose report data stands behind 520 bytes of measurements. Newer platforms may answer with
 * a CBOR web token instead, which starts with a tag or an array (0x80 and above) and is not read here.
 */
static enum sr_quote_holds tdx_holds(const uint8_t *quote, size_t len, const uint8_t *report_data)
{
	enum { HEADER = 48, MEASURED = 520, BODY_HEAD = 6, TDX = 0x81 };
	uint32_t version = len < HEADER ? 0 : le(quote, 2);

	if (len >= HEADER && quote[0] >= 0x80)
		return SR_QUOTE_UNKNOWN;
	if ((version != 4 && version != 5) || le(quote + 4, 4) != TDX)
		return SR_QUOTE_OTHER;
	return at(quote, len, HEADER + MEASURED + (version == 5 ? BODY_HEAD : 0), report_data);
}

/* An AMD report: version, then guest's numbers; the report data stands at 80, the whole is 1184 bytes. */
static enum sr_quote_holds snp_holds(const uint8_t *quote, size_t len, const uint8_t *report_data)
{
	enum { REPORT_DATA = 0x50, REPORT = 1184 };

	return len < REPORT ? SR_QUOTE_OTHER : at(quote, len, REPORT_DATA, report_data);
}

enum sr_quote_holds attest_quote_holds(const char *provider, const void *quote, size_t len,
				       const uint8_t report_data[static SR_REPORT_DATA_BYTES])
{
	if (strcmp(provider, "tdx_guest") == 0 || strcmp(provider, "dstack") == 0)
		return tdx_holds(quote, len, report_data);
	if (strcmp(provider, "sev_guest") == 0)
		return snp_holds(quote, len, report_data);
	return SR_QUOTE_UNKNOWN;
}
