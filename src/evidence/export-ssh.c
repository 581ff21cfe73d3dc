/* SPDX-License-Identifier: MIT */
/* PROTOCOL.sshsig of OpenSSH: what is signed has a prefix of its own, so the identity key cannot be used for anything else by it. */
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "evidence/envelope.h"
#include "evidence/export.h"

#define MAGIC "SSHSIG"
#define KEY_TYPE "ssh-ed25519"
#define HASH "sha512"
#define ARMOR_BEGIN "-----BEGIN SSH SIGNATURE-----\n"
#define ARMOR_END "-----END SSH SIGNATURE-----\n"
#define ARMOR_COLUMNS 70

struct blob {
	uint8_t bytes[512]; /* all of it is a few constants, a key, a digest and a signature: 240 at most */
	size_t len;
};

static void put(struct blob *b, const void *data, size_t len)
{
	memcpy(b->bytes + b->len, data, len);
	b->len += len;
}

static void put_number(struct blob *b, size_t n)
{
	const uint8_t bytes[] = { (uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n };

	put(b, bytes, sizeof(bytes));
}

static void put_string(struct blob *b, const void *data, size_t len)
{
	put_number(b, len);
	put(b, data, len);
}

/* What the signature's blob and the signed bytes have in common: namespace, nothing, name of the hash. */
static void put_purpose(struct blob *b)
{
	put_string(b, SR_SSH_NAMESPACE, strlen(SR_SSH_NAMESPACE));
	put_string(b, "", 0);
	put_string(b, HASH, strlen(HASH));
}

/* A key or a signature: its type, then its bytes. */
static void put_typed(struct blob *b, const uint8_t *data, size_t len)
{
	struct blob inner = { .len = 0 };

	put_string(&inner, KEY_TYPE, strlen(KEY_TYPE));
	put_string(&inner, data, len);
	put_string(b, inner.bytes, inner.len);
}

static int armor(const struct blob *b, char **ret)
{
	SR_AUTOFREE char *text = NULL;
	size_t len, lines;
	char *out, *at;

	if (base64_encode(b->bytes, b->len, &text, &len) < 0)
		return -ENOMEM;
	lines = (len + ARMOR_COLUMNS - 1) / ARMOR_COLUMNS;
	out = at = malloc(sizeof(ARMOR_BEGIN) + len + lines + sizeof(ARMOR_END));
	if (!out)
		return -ENOMEM;
	at = stpcpy(at, ARMOR_BEGIN);
	for (size_t i = 0; i < len; i += ARMOR_COLUMNS) {
		size_t n = len - i < ARMOR_COLUMNS ? len - i : ARMOR_COLUMNS;

		memcpy(at, text + i, n);
		at[n] = '\n';
		at += n + 1;
	}
	memcpy(at, ARMOR_END, sizeof(ARMOR_END));
	*ret = out;
	return 0;
}

int export_ssh(const void *data, size_t len, const struct sr_identity *id, char **ret)
{
	struct blob to_sign = { .len = 0 }, blob = { .len = 0 };
	uint8_t digest[crypto_hash_sha512_BYTES], sig[SR_SIGNATURE_BYTES];

	(void)crypto_hash_sha512(digest, data, len); /* neither can fail */
	put(&to_sign, MAGIC, strlen(MAGIC));
	put_purpose(&to_sign);
	put_string(&to_sign, digest, sizeof(digest));
	(void)crypto_sign_detached(sig, NULL, to_sign.bytes, to_sign.len, id->secret);

	put(&blob, MAGIC, strlen(MAGIC));
	put_number(&blob, 1);
	put_typed(&blob, id->public_key.bytes, SR_KEY_BYTES);
	put_purpose(&blob);
	put_typed(&blob, sig, sizeof(sig));
	return armor(&blob, ret);
}
