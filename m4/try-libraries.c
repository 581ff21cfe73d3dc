/* SPDX-License-Identifier: MIT */
/*
 * configure's trial: one real use of every library that sandrun links, to be sure that a static program made of them
 * not only links but works (SR_LIBC in sr_libc.m4). Exit 0 when every result is right, else the number of the step.
 */
#include <ini.h>
#include <jansson.h>
#include <nettle/sha2.h>
#include <seccomp.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int on_pair(void *user, const char *section, const char *name, const char *value)
{
	int *seen = user;

	*seen += strcmp(section, "limits") == 0 && strcmp(name, "pids.max") == 0 && strcmp(value, "128") == 0;
	return 1;
}

static int try_ini(void)
{
	int seen = 0;

	return ini_parse_string("[limits]\npids.max = 128 ; a comment\n", on_pair, &seen) == 0 && seen == 1;
}

static int try_json(void)
{
	json_t *object = json_loads("{\"n\": 1.5, \"s\": \"\\u00e9\"}", 0, NULL);
	char *text = object ? json_dumps(object, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
	int good = text && strcmp(text, "{\"n\":1.5,\"s\":\"\xc3\xa9\"}") == 0;

	free(text);
	json_decref(object);
	return good;
}

static int try_digest(void)
{
	static const unsigned char want[4] = { 0xba, 0x78, 0x16, 0xbf };
	uint8_t digest[SHA256_DIGEST_SIZE];
	struct sha256_ctx ctx;

	sha256_init(&ctx);
	sha256_update(&ctx, 3, (const uint8_t *)"abc");
	sha256_digest(&ctx, sizeof(digest), digest);
	return memcmp(digest, want, sizeof(want)) == 0;
}

static int try_filter(void)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(1));
	int pipe_fds[2], good;
	char bytes[8];

	if (!ctx || pipe(pipe_fds) < 0)
		return 0;
	good = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(read), 0) == 0 &&
	       seccomp_export_bpf(ctx, pipe_fds[1]) == 0 && read(pipe_fds[0], bytes, sizeof(bytes)) == sizeof(bytes);
	seccomp_release(ctx);
	return good;
}

/* Signs and checks once, from a key in guarded memory: the parts that ask the processor and the kernel for something. */
static int try_signature(void)
{
	unsigned char public_key[crypto_sign_PUBLICKEYBYTES], signature[crypto_sign_BYTES], *secret;
	int good;

	if (sodium_init() < 0 || !(secret = sodium_malloc(crypto_sign_SECRETKEYBYTES)))
		return 0;
	good = crypto_sign_keypair(public_key, secret) == 0 &&
	       crypto_sign_detached(signature, NULL, (const unsigned char *)"abc", 3, secret) == 0 &&
	       crypto_sign_verify_detached(signature, (const unsigned char *)"abc", 3, public_key) == 0;
	sodium_free(secret);
	return good;
}

int main(void)
{
	if (!try_ini())
		return 1;
	if (!try_json())
		return 2;
	if (!try_digest())
		return 3;
	if (!try_filter())
		return 4;
	return try_signature() ? 0 : 5;
}
