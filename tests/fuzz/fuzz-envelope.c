/* SPDX-License-Identifier: MIT */
/* Base64, keys in all their forms, and the place of the report data in a quote. The first byte says which. */
#include "evidence/envelope.h"

#include <string.h>

#include "base/macros.h"
#include "evidence/attest.h"
#include "fuzz.h"

/* What is accepted comes out the same when it is written in the alphabet that it is in. */
static void base64(const char *text, size_t len)
{
	char *bytes = NULL, *again = NULL;
	size_t n = 0, again_len = 0;

	if (base64_decode(text, len, &bytes, &n) < 0)
		return;
	FUZZ_HOLDS(n <= len / 4 * 3 && bytes[n] == '\0');
	FUZZ_HOLDS(base64_encode(bytes, n, &again, &again_len) == 0);
	FUZZ_HOLDS(again_len == len);
	for (size_t i = 0; i < len; i++) {
		char c = text[i] == '-' ? '+' : text[i] == '_' ? '/' : text[i];

		FUZZ_HOLDS(again[i] == c);
	}
	free(bytes);
	free(again);
}

/* A key that is accepted is a good one and comes back from each of its forms. */
static void keys(const char *text, size_t len)
{
	struct sr_public_key key, again;
	uint8_t der[SR_SPKI_BYTES];
	char form[SR_PEM_BYTES];

	if (public_key_from_text(text, len, &key) < 0 && public_key_from_spki_b64(text, len, &key) < 0 &&
	    public_key_from_spki((const uint8_t *)text, len, &key) < 0)
		return;
	FUZZ_HOLDS(public_key_check(&key) == 0);
	public_key_pem(&key, form);
	FUZZ_HOLDS(public_key_from_text(form, strlen(form), &again) == 0 && memcmp(&key, &again, sizeof(key)) == 0);
	public_key_ssh(&key, form);
	FUZZ_HOLDS(public_key_from_text(form, strlen(form), &again) == 0 && memcmp(&key, &again, sizeof(key)) == 0);
	public_key_spki(&key, der);
	FUZZ_HOLDS(public_key_from_spki(der, sizeof(der), &again) == 0 && memcmp(&key, &again, sizeof(key)) == 0);
}

static void quote(const uint8_t *data, size_t len)
{
	static const char *const providers[] = { "tdx_guest", "sev_guest", "dstack", "cca_guest" };
	uint8_t wanted[SR_REPORT_DATA_BYTES];

	FUZZ_HOLDS(attest_report_data(data, len, wanted) == 0);
	for (size_t i = 0; i < SR_ELEMENTSOF(providers); i++) /* nobody finds a quote over the digest of itself */
		FUZZ_HOLDS(attest_quote_holds(providers[i], data, len, wanted) != SR_QUOTE_HOLDS);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	switch (data[0]) {
	case 'k':
		keys((const char *)data + 1, size - 1);
		break;
	case 'q':
		quote(data + 1, size - 1);
		break;
	default:
		base64((const char *)data + 1, size - 1);
		break;
	}
	return 0;
}
