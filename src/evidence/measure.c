/* SPDX-License-Identifier: MIT */
#include "evidence/measure.h"

void measure_plain(struct sr_measure *m)
{
	m->is_private = false;
	m->bytes = 0;
	digest_init(&m->as.digest);
}

void measure_private(struct sr_measure *m, const struct sr_salt *s, const char *role, const char *name)
{
	char shown[SR_COMMITMENT_NAME_MAX];
	uint8_t item[SR_SALT_BYTES];

	m->is_private = true;
	m->bytes = 0;
	salt_item(s, role, commitment_name(name, shown), item);
	commitment_init(&m->as.commitment, item);
	secret_wipe(item, sizeof(item));
}

void measure_update(struct sr_measure *m, const void *data, size_t len)
{
	m->bytes += len;
	if (m->is_private)
		commitment_update(&m->as.commitment, data, len);
	else
		digest_update(&m->as.digest, data, len);
}

void measure_final_hex(struct sr_measure *m, char out[static SR_DIGEST_HEX])
{
	if (m->is_private)
		commitment_final_hex(&m->as.commitment, out);
	else
		digest_final_hex(&m->as.digest, out);
}

const char *measure_name(bool is_private)
{
	return is_private ? SR_COMMITMENT_NAME : "sha256";
}
