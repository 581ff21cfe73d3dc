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
	base64_encode_raw(out, len, data);
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

#define HEAD "{\"payload\":\""
#define TYPE "\",\"payloadType\":\"" SR_PAYLOAD_TYPE "\",\"signatures\":[{\"keyid\":\""
#define SIG "\",\"sig\":\""
#define TAIL "\"}]}\n"
#define SIG_BASE64 sodium_base64_ENCODED_LEN(SR_SIGNATURE_BYTES, sodium_base64_VARIANT_ORIGINAL)

static char *put(char *at, const char *text, size_t len)
{
	memcpy(at, text, len);
	return at + len;
}

/* Every value is base64, hex or a constant: nothing in it needs an escape. */
int envelope_line(const void *payload, size_t len, const uint8_t sig[static SR_SIGNATURE_BYTES], const struct sr_public_key *key,
		  char **ret, size_t *ret_len)
{
	const size_t body = BASE64_ENCODE_RAW_LENGTH(len);
	char *line = malloc(sizeof(HEAD) + body + sizeof(TYPE) + SR_DIGEST_HEX + sizeof(SIG) + SIG_BASE64 + sizeof(TAIL)), *at;

	if (!line)
		return -ENOMEM;
	at = put(line, HEAD, sizeof(HEAD) - 1);
	base64_encode_raw(at, len, payload); /* nettle's: libsodium's takes the same time for every byte, and these are public */
	at = put(at + body, TYPE, sizeof(TYPE) - 1);
	public_key_id(key, at);
	at = put(at + SR_DIGEST_HEX - 1, SIG, sizeof(SIG) - 1);
	(void)sodium_bin2base64(at, SIG_BASE64, sig, SR_SIGNATURE_BYTES, sodium_base64_VARIANT_ORIGINAL);
	at = put(at + SIG_BASE64 - 1, TAIL, sizeof(TAIL));
	*ret = line;
	*ret_len = (size_t)(at - 1 - line);
	return 0;
}
