/* SPDX-License-Identifier: MIT */
#include "evidence/envelope.h"

#include <errno.h>
#include <nettle/base64.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "base/str.h"

int envelope_pae(const char *type, const void *payload, size_t len, uint8_t **ret, size_t *ret_len)
{
	SR_AUTOFREE char *head = str_format("DSSEv1 %zu %s %zu ", strlen(type), type, len);
	size_t head_len = head ? strlen(head) : 0;
	uint8_t *out = head ? malloc(head_len + 1 + len) : NULL;

	if (!out)
		return -ENOMEM;
	memcpy(out, head, head_len + 1);
	memcpy(out + head_len, payload, len); /* from where its NUL is */
	*ret = out;
	*ret_len = head_len + len;
	return 0;
}

int envelope_sign(const void *payload, size_t len, const uint8_t *secret, uint8_t sig[static SR_SIGNATURE_BYTES])
{
	uint8_t *pae;
	size_t pae_len;
	int r = envelope_pae(SR_PAYLOAD_TYPE, payload, len, &pae, &pae_len);

	if (r < 0)
		return r;
	(void)crypto_sign_detached(sig, NULL, pae, pae_len, secret); /* it cannot fail */
	free(pae);
	return 0;
}

int base64_encode(const void *data, size_t len, char **ret, size_t *ret_len)
{
	size_t size = BASE64_ENCODE_RAW_LENGTH(len);
	char *out = malloc(size + 1);

	if (!out)
		return -ENOMEM;
	base64_encode_raw(out, len, data); /* nettle's: libsodium's takes the same time for every byte, and these are public */
	out[size] = '\0';
	*ret = out;
	*ret_len = size;
	return 0;
}

int base64_decode(const char *text, size_t len, char **ret, size_t *ret_len)
{
	bool safe = memchr(text, '-', len) || memchr(text, '_', len);
	char *out = malloc(len / 4 * 3 + 4);
	const char *end;
	size_t got;

	if (!out)
		return -ENOMEM;
	for (size_t i = 0; i < len; i++) { /* libsodium takes bytes above 127 for '/' */
		if ((unsigned char)text[i] >= 0x80) {
			free(out);
			return -EBADMSG;
		}
	}
	if (sodium_base642bin((unsigned char *)out, len / 4 * 3 + 3, text, len, NULL, &got, &end,
			      safe ? sodium_base64_VARIANT_URLSAFE : sodium_base64_VARIANT_ORIGINAL) != 0 || end != text + len) {
		free(out);
		return -EBADMSG;
	}
	out[got] = '\0';
	*ret = out;
	*ret_len = got;
	return 0;
}

int envelope_line(const void *payload, size_t len, const uint8_t sig[static SR_SIGNATURE_BYTES], const struct sr_public_key *key,
		  char **ret, size_t *ret_len)
{
	char keyid[SR_DIGEST_HEX], signature[sodium_base64_ENCODED_LEN(SR_SIGNATURE_BYTES, sodium_base64_VARIANT_ORIGINAL)];
	static const char head[] = "{\"payload\":\"";
	SR_AUTOFREE char *tail = NULL;
	size_t body_len = BASE64_ENCODE_RAW_LENGTH(len), tail_len;
	char *line;

	public_key_id(key, keyid);
	(void)sodium_bin2base64(signature, sizeof(signature), sig, SR_SIGNATURE_BYTES, sodium_base64_VARIANT_ORIGINAL);
	/* every value is base64, hex or a constant: nothing in it needs an escape */
	tail = str_format("\",\"payloadType\":\"" SR_PAYLOAD_TYPE "\",\"signatures\":[{\"keyid\":\"%s\",\"sig\":\"%s\"}]}\n", keyid, signature);
	tail_len = tail ? strlen(tail) : 0;
	line = tail ? malloc(sizeof(head) + body_len + tail_len) : NULL;
	if (!line)
		return -ENOMEM;
	memcpy(line, head, sizeof(head));
	base64_encode_raw(line + sizeof(head) - 1, len, payload); /* in its place: it is long */
	memcpy(line + sizeof(head) - 1 + body_len, tail, tail_len + 1);
	*ret = line;
	*ret_len = sizeof(head) - 1 + body_len + tail_len;
	return 0;
}
