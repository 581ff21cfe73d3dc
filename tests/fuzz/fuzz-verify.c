/* SPDX-License-Identifier: MIT */
/*
 * The verifier. A text that starts with 01 is three payloads, a line each, which are signed here as a hostile but valid
 * operator would: so the fuzzer gets behind the signatures. In them @OPEN@ and @EXECUTION@ stand for the digests of the
 * payloads before, @PLAN@ for the plan's, @SPKI@, @EPHEMERAL@ and @IDENTITY@ for the keys.
 *
 * Any other text is a certificate as a stranger brings it. The key that it is checked against is nobody's any more: whatever
 * holds has been signed by it before, and is one of the corpus.
 */
#include "evidence/verify.h"

#include <sodium.h>
#include <string.h>

#include "base/str.h"
#include "evidence/envelope.h"
#include "fuzz.h"

#define NOW 1795275639 /* when the corpus was made */

static const char stranger[] = "-----BEGIN PUBLIC KEY-----\n"
			       "MCowBQYDK2VwAyEARSZsFmxA/OURSHAUHWH0p+nsM/UxFYcFVU6GazlGh8s=\n"
			       "-----END PUBLIC KEY-----\n";

/* The executions of the corpus that hold. */
static const char *const known[] = {
	"b5496bfd0e8d7c3b2fa9197df87b393b334ec62977ad7a382f4b3bb82608b237",
	"41643342ec07bc93c24aba329e1859cdea53c746dbbbc394e67f13f221ab7a1d",
	"c74b7adb29d85ffa75f6cd84c43f13b09d43d0baa7d4ee76c8a8387b8aaf6f48",
	"c2cd693bf883699256529d8ea232538f754dfee3341c0875fefb66fe66a1544a",
	"6add96e493f14d4576be7d03228642d5326208efc7f3b7a8a45270733ebf3f1b",
};

struct pair {
	struct sr_public_key public_key;
	uint8_t secret[64];
	char id[SR_DIGEST_HEX], spki[SR_SPKI_B64];
};

static void make(struct pair *p, int seed)
{
	uint8_t bytes[32];

	memset(bytes, seed, sizeof(bytes));
	(void)crypto_sign_seed_keypair(p->public_key.bytes, p->secret, bytes);
	public_key_id(&p->public_key, p->id);
	public_key_spki_b64(&p->public_key, p->spki);
}

static void fit(const char *text)
{
	FUZZ_HOLDS(str_is_utf8(text, strlen(text)));
	for (; *text; text++)
		FUZZ_HOLDS((unsigned char)*text >= ' ' && *text != 0x7f);
}

/* Returns the status. */
static int verify(const char *text, size_t len, const struct sr_trusted *identity, unsigned wish, struct sr_verified *v)
{
	struct sr_trust trust = { .items = (struct sr_trusted *)identity, .count = 1 };
	struct sr_verify_wants wants = { .trust = &trust, .now = NOW, .require = (enum sr_assurance)(wish % SR_ASSURANCE_MAX) };
	int status;

	if (wish & 4)
		wants.nonce = "00112233445566778899aabbccddeeff";
	if (wish & 8)
		wants.audience = "verifier.example";
	FUZZ_HOLDS(verify_bundle(text, len, &wants, v) == 0);
	status = verify_status(v);
	FUZZ_HOLDS(status >= 0 && status <= 3 && v->count > 0);
	FUZZ_HOLDS((verify_worst(v) == NULL) == (status == 0));
	for (size_t i = 0; i < v->count; i++) {
		FUZZ_HOLDS(*v->checks[i].what && *v->checks[i].code);
		fit(v->checks[i].text);
	}
	if (status == 3 && !v->identity) { /* nobody known signed it: nothing of it is shown */
		FUZZ_HOLDS(!v->open && !v->execution && !v->close && !v->run_id && v->assurance == SR_ASSURANCE_SELF);
	} else if (status == 0 || status == 3) {
		FUZZ_HOLDS(v->open && v->execution && v->close && v->run_id && v->identity == identity);
		FUZZ_HOLDS(status == 3 || v->assurance >= wants.require);
	}
	return status;
}

static void from_stranger(const char *text, size_t len)
{
	static struct sr_trusted identity;
	struct sr_verified v;
	int status;

	if (!identity.name) {
		FUZZ_HOLDS(public_key_from_text(stranger, sizeof(stranger) - 1, &identity.key) == 0);
		public_key_id(&identity.key, identity.id);
		identity.name = (char *)"stranger";
	}
	status = verify(text, len, &identity, 0, &v);
	if (status == 0 || v.identity) {
		bool found = false;

		for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
			found |= strcmp(known[i], v.execution_sha256) == 0;
		FUZZ_HOLDS(found || (status != 0 && status != 3));
	}
	verified_done(&v);
}

/* --- the operator ------------------------------------------------------------------------------------------------------- */

/* Replaces a mark; takes and returns text that the caller owns. */
static char *put(char *text, const char *mark, const char *value)
{
	char *out = NULL, *at;
	const char *from = text;
	size_t len;
	FILE *f = open_memstream(&out, &len);

	FUZZ_HOLDS(f);
	while ((at = strstr(from, mark))) {
		(void)fwrite(from, 1, (size_t)(at - from), f);
		(void)fputs(value, f);
		from = at + strlen(mark);
	}
	(void)fputs(from, f);
	(void)fclose(f);
	free(text);
	return out;
}

/* The digest of the plan as a reader would compute it; of nothing where there is none. */
static void plan_digest(const char *execution, char out[static SR_DIGEST_HEX])
{
	json_t *o = json_loads(execution, 0, NULL);
	json_t *plan = json_object_get(json_object_get(o, "predicate"), "plan");
	char *text = plan ? json_dumps(plan, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY) : NULL;

	digest_hex(text ? text : "", text ? strlen(text) : 0, out);
	free(text);
	json_decref(o);
}

static char *keys_into(char *text, const struct pair *identity, const struct pair *ephemeral)
{
	text = put(text, "@SPKI@", ephemeral->spki);
	text = put(text, "@EPHEMERAL@", ephemeral->id);
	return put(text, "@IDENTITY@", identity->id);
}

static void sign(FILE *f, const char *payload, const struct pair *by)
{
	uint8_t sig[SR_SIGNATURE_BYTES];
	char *line = NULL;
	size_t len;

	FUZZ_HOLDS(envelope_sign(payload, strlen(payload), by->secret, sig) == 0);
	FUZZ_HOLDS(envelope_line(payload, strlen(payload), sig, &by->public_key, &line, &len) == 0);
	(void)fwrite(line, 1, len, f);
	free(line);
}

/* The three lines of a certificate. */
static char *bundle(char *const payloads[3], const struct pair *identity, const struct pair *ephemeral, size_t *ret_len)
{
	char digest[SR_DIGEST_HEX], *text = NULL, *p[3];
	FILE *f = open_memstream(&text, ret_len);

	FUZZ_HOLDS(f);
	for (int i = 0; i < 3; i++)
		p[i] = keys_into(strdup(payloads[i]), identity, ephemeral);
	plan_digest(p[1], digest);
	p[0] = put(p[0], "@PLAN@", digest);
	digest_hex(p[0], strlen(p[0]), digest);
	p[1] = put(p[1], "@OPEN@", digest);
	p[2] = put(p[2], "@OPEN@", digest);
	digest_hex(p[1], strlen(p[1]), digest);
	p[2] = put(p[2], "@EXECUTION@", digest);
	for (int i = 0; i < 3; i++) {
		sign(f, p[i], i == 1 ? ephemeral : identity);
		free(p[i]);
	}
	(void)fclose(f);
	return text;
}

static void from_operator(const char *text, size_t len, unsigned wish)
{
	static struct pair identity, ephemeral;
	static struct sr_trusted trusted;
	char *copy = strndup(text, len), *payloads[3], *rest = copy, *file;
	struct sr_verified v;
	size_t file_len;

	if (!trusted.name) {
		FUZZ_HOLDS(sodium_start() == 0);
		make(&identity, 1);
		make(&ephemeral, 2);
		trusted = (struct sr_trusted){ .key = identity.public_key, .name = (char *)"operator" };
		memcpy(trusted.id, identity.id, sizeof(trusted.id));
	}
	for (int i = 0; i < 3; i++) {
		payloads[i] = rest ? rest : (char *)"";
		rest = rest ? strchr(rest, '\n') : NULL;
		if (rest)
			*rest++ = '\0';
	}
	file = bundle(payloads, &identity, &ephemeral, &file_len);
	(void)verify(file, file_len, &trusted, wish, &v);
	verified_done(&v);
	free(file);
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size >= 2 && data[0] == 1)
		from_operator((const char *)data + 2, size - 2, data[1]);
	else
		from_stranger((const char *)data, size);
	return 0;
}
