/* SPDX-License-Identifier: MIT */
#include "evidence/digest.h"

#include "base/str.h"

_Static_assert(SR_DIGEST_BYTES == SHA256_DIGEST_SIZE, "SHA-256 is 32 bytes");

void digest_init(struct sr_digest *d)
{
	sha256_init(&d->ctx);
	d->bytes = 0;
}

void digest_update(struct sr_digest *d, const void *data, size_t len)
{
	sha256_update(&d->ctx, len, data);
	d->bytes += len;
}

void digest_final(struct sr_digest *d, uint8_t out[static SR_DIGEST_BYTES])
{
	sha256_digest(&d->ctx, SR_DIGEST_BYTES, out);
	d->bytes = 0;
}

void digest_final_hex(struct sr_digest *d, char out[static SR_DIGEST_HEX])
{
	uint8_t raw[SR_DIGEST_BYTES];

	digest_final(d, raw);
	str_hex(raw, sizeof(raw), out);
}

void digest_hex(const void *data, size_t len, char out[static SR_DIGEST_HEX])
{
	struct sr_digest d;

	digest_init(&d);
	digest_update(&d, data, len);
	digest_final_hex(&d, out);
}
