/* SPDX-License-Identifier: MIT */
#include "evidence/public-key.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

/* RFC 8410: SEQUENCE { SEQUENCE { OID 1.3.101.112 }, BIT STRING (no unused bits) } */
static const uint8_t spki_prefix[] = { 0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00 };
/* RFC 8709: string "ssh-ed25519", string of 32 bytes */
static const uint8_t ssh_prefix[] = { 0, 0, 0, 11, 's', 's', 'h', '-', 'e', 'd', '2', '5', '5', '1', '9', 0, 0, 0, 32 };

_Static_assert(sizeof(spki_prefix) + SR_KEY_BYTES == SR_SPKI_BYTES, "the prefix and the key");

#define PEM_BEGIN "-----BEGIN PUBLIC KEY-----\n"
#define PEM_END "-----END PUBLIC KEY-----\n"
#define SSH_BEGIN "ssh-ed25519 "
#define SSH_BYTES (sizeof(ssh_prefix) + SR_KEY_BYTES)

int sodium_start(void)
{
	return sodium_init() < 0 ? -ENOSYS : 0;
}

int public_key_check(const struct sr_public_key *key)
{
	return crypto_core_ed25519_is_valid_point(key->bytes) == 1 ? 0 : -EKEYREJECTED;
}

bool public_key_verify(const struct sr_public_key *key, const void *msg, size_t len, const uint8_t sig[static SR_SIGNATURE_BYTES])
{
	return public_key_check(key) == 0 && public_key_signed(key, msg, len, sig);
}

bool public_key_signed(const struct sr_public_key *key, const void *msg, size_t len, const uint8_t sig[static SR_SIGNATURE_BYTES])
{
	return crypto_sign_verify_detached(sig, msg, len, key->bytes) == 0;
}

void public_key_spki(const struct sr_public_key *key, uint8_t out[static SR_SPKI_BYTES])
{
	memcpy(out, spki_prefix, sizeof(spki_prefix));
	memcpy(out + sizeof(spki_prefix), key->bytes, SR_KEY_BYTES);
}

void public_key_spki_b64(const struct sr_public_key *key, char out[static SR_SPKI_B64])
{
	uint8_t der[SR_SPKI_BYTES];

	public_key_spki(key, der);
	(void)sodium_bin2base64(out, SR_SPKI_B64, der, sizeof(der), sodium_base64_VARIANT_ORIGINAL);
}

void public_key_id(const struct sr_public_key *key, char out[static SR_DIGEST_HEX])
{
	uint8_t der[SR_SPKI_BYTES];

	public_key_spki(key, der);
	digest_hex(der, sizeof(der), out);
}

void public_key_pem(const struct sr_public_key *key, char out[static SR_PEM_BYTES])
{
	char b64[SR_SPKI_B64];

	public_key_spki_b64(key, b64);
	(void)snprintf(out, SR_PEM_BYTES, PEM_BEGIN "%s\n" PEM_END, b64);
}

void public_key_ssh(const struct sr_public_key *key, char out[static SR_PEM_BYTES])
{
	uint8_t blob[SSH_BYTES];
	size_t at = strlen(SSH_BEGIN);

	memcpy(blob, ssh_prefix, sizeof(ssh_prefix));
	memcpy(blob + sizeof(ssh_prefix), key->bytes, SR_KEY_BYTES);
	memcpy(out, SSH_BEGIN, at + 1);
	(void)sodium_bin2base64(out + at, SR_PEM_BYTES - at, blob, sizeof(blob), sodium_base64_VARIANT_ORIGINAL);
}

static int take(const uint8_t *bytes, struct sr_public_key *ret)
{
	struct sr_public_key key;
	int r;

	memcpy(key.bytes, bytes, SR_KEY_BYTES);
	r = public_key_check(&key);
	if (r == 0)
		*ret = key;
	return r;
}

int public_key_from_spki(const uint8_t *der, size_t len, struct sr_public_key *ret)
{
	if (len != SR_SPKI_BYTES || memcmp(der, spki_prefix, sizeof(spki_prefix)) != 0)
		return -EBADMSG;
	return take(der + sizeof(spki_prefix), ret);
}

/* Exactly want bytes, strictly encoded: libsodium refuses blanks, bad padding and trailing bits. */
static int decode(const char *text, size_t len, uint8_t *out, size_t want)
{
	const char *end;
	size_t got;

	return sodium_base642bin(out, want, text, len, NULL, &got, &end, sodium_base64_VARIANT_ORIGINAL) == 0 && got == want &&
	       end == text + len ? 0 : -EBADMSG;
}

int public_key_from_spki_b64(const char *text, size_t len, struct sr_public_key *ret)
{
	uint8_t der[SR_SPKI_BYTES];
	int r = decode(text, len, der, sizeof(der));

	return r < 0 ? r : public_key_from_spki(der, sizeof(der), ret);
}

static int from_pem(const char *text, size_t len, struct sr_public_key *ret)
{
	const size_t begin = strlen(PEM_BEGIN), end = strlen(PEM_END), b64 = SR_SPKI_B64 - 1;

	while (len > 0 && text[len - 1] == '\n')
		len--;
	if (len + 1 != begin + b64 + 1 + end || text[begin + b64] != '\n' ||
	    memcmp(text + begin + b64 + 1, PEM_END, end - 1) != 0)
		return -EBADMSG;
	return public_key_from_spki_b64(text + begin, b64, ret);
}

static int from_ssh(const char *text, size_t len, struct sr_public_key *ret)
{
	uint8_t blob[SSH_BYTES];
	size_t begin = strlen(SSH_BEGIN), end = begin;

	while (end < len && text[end] != ' ' && text[end] != '\n')
		end++;
	for (size_t i = end; i < len; i++) {
		if (text[i] == '\n' && i + 1 != len)
			return -EBADMSG; /* one key */
	}
	if (decode(text + begin, end - begin, blob, sizeof(blob)) < 0 || memcmp(blob, ssh_prefix, sizeof(ssh_prefix)) != 0)
		return -EBADMSG;
	return take(blob + sizeof(ssh_prefix), ret);
}

int public_key_from_text(const char *text, size_t len, struct sr_public_key *ret)
{
	if (len > strlen(PEM_BEGIN) && memcmp(text, PEM_BEGIN, strlen(PEM_BEGIN)) == 0)
		return from_pem(text, len, ret);
	if (len > strlen(SSH_BEGIN) && memcmp(text, SSH_BEGIN, strlen(SSH_BEGIN)) == 0)
		return from_ssh(text, len, ret);
	return -EBADMSG;
}
