/* SPDX-License-Identifier: MIT */
/* SHA-256 against the examples of FIPS 180-4 (by NIST) and against sha256sum(1), in every way of feeding it. */
#include "evidence/digest.h"

#include <stdlib.h>
#include <unistd.h>

#include "../tap.h"
#include "base/macros.h"

static void test_vectors(void)
{
	static const struct {
		const char *text, *hex, *name;
	} rows[] = {
		{ "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "nothing" },
		{ "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", "one block" },
		{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
		  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1", "two blocks" },
		{ "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
		  "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1", "three blocks" },
	};
	char hex[SR_DIGEST_HEX];

	for (size_t i = 0; i < SR_ELEMENTSOF(rows); i++) {
		digest_hex(rows[i].text, strlen(rows[i].text), hex);
		IS_STR(hex, rows[i].hex, rows[i].name);
	}
}

static void test_million(void)
{
	struct sr_digest d;
	char hex[SR_DIGEST_HEX], a[1000];

	memset(a, 'a', sizeof(a));
	digest_init(&d);
	for (int i = 0; i < 1000; i++)
		digest_update(&d, a, sizeof(a));
	IS_INT(d.bytes, 1000000, "bytes are counted");
	digest_final_hex(&d, hex);
	IS_STR(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0", "a million times a");
	IS_INT(d.bytes, 0, "after the end the context is new");
	digest_final_hex(&d, hex);
	IS_STR(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "and gives the digest of nothing");
}

static void fill(uint8_t *data, size_t len)
{
	uint32_t x = 12345;

	for (size_t i = 0; i < len; i++) {
		x = x * 1664525U + 1013904223U;
		data[i] = (uint8_t)(x >> 24);
	}
}

/* Every length around the edges of blocks, in pieces of every size up to a block and a little. */
static void test_pieces(void)
{
	uint8_t data[300];
	unsigned bad = 0;

	fill(data, sizeof(data));
	for (size_t len = 0; len <= sizeof(data); len++) {
		char whole[SR_DIGEST_HEX], parts[SR_DIGEST_HEX];

		digest_hex(data, len, whole);
		for (size_t piece = 1; piece <= 70; piece++) {
			struct sr_digest d;

			digest_init(&d);
			for (size_t done = 0; done < len; done += piece)
				digest_update(&d, data + done, len - done < piece ? len - done : piece);
			digest_update(&d, data, 0);
			digest_final_hex(&d, parts);
			bad += strcmp(whole, parts) != 0;
		}
	}
	IS_INT(bad, 0, "in pieces as in one");
}

static void test_copy(void)
{
	struct sr_digest a, b;
	char one[SR_DIGEST_HEX], two[SR_DIGEST_HEX];

	digest_init(&a);
	digest_update(&a, "ab", 2);
	b = a;
	digest_update(&a, "c", 1);
	digest_update(&b, "d", 1);
	digest_final_hex(&a, one);
	digest_final_hex(&b, two);
	IS_STR(one, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", "a copied context goes its own way");
	OK(strcmp(one, two) != 0, "and so does the copy");
}

static void test_raw(void)
{
	static const uint8_t want[4] = { 0xba, 0x78, 0x16, 0xbf };
	uint8_t raw[SR_DIGEST_BYTES];
	struct sr_digest d;

	digest_init(&d);
	digest_update(&d, "abc", 3);
	digest_final(&d, raw);
	OK(memcmp(raw, want, sizeof(want)) == 0 && raw[31] == 0xad, "the raw bytes are those of the hex form");
}

/* sha256sum(1) of the same bytes; false when there is none. */
static bool reference(const uint8_t *data, size_t len, char hex[static SR_DIGEST_HEX])
{
	char path[] = "/tmp/sr-digest-XXXXXX", command[64];
	int fd = mkstemp(path);
	bool good = false;
	FILE *f;

	if (fd < 0)
		return false;
	(void)snprintf(command, sizeof(command), "sha256sum %s", path);
	if (write(fd, data, len) == (ssize_t)len && (f = popen(command, "r"))) {
		good = fgets(hex, SR_DIGEST_HEX, f) && strlen(hex) == SR_DIGEST_HEX - 1;
		(void)pclose(f);
	}
	(void)close(fd);
	(void)unlink(path);
	return good;
}

static void test_reference(void)
{
	static const size_t lengths[] = { 0, 1, 55, 56, 57, 63, 64, 65, 119, 120, 4095, 65536, 1000003 };
	uint8_t *data = malloc(1000003);
	unsigned bad = 0, compared = 0;

	if (!data)
		return;
	fill(data, 1000003);
	for (size_t i = 0; i < SR_ELEMENTSOF(lengths); i++) {
		char ours[SR_DIGEST_HEX], theirs[SR_DIGEST_HEX];

		if (!reference(data, lengths[i], theirs))
			continue;
		digest_hex(data, lengths[i], ours);
		compared++;
		bad += strcmp(ours, theirs) != 0;
	}
	IS_INT(compared, SR_ELEMENTSOF(lengths), "sha256sum answers");
	IS_INT(bad, 0, "and says the same");
	free(data);
}

int main(void)
{
	test_vectors();
	test_million();
	test_pieces();
	test_copy();
	test_raw();
	test_reference();
	return tap_done();
}
