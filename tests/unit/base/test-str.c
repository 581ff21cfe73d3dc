/* SPDX-License-Identifier: MIT */
#include "base/str.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "../tap.h"
#include "base/macros.h"

static void test_vectors(void)
{
	struct sr_strv v = { 0 };
	char word[] = "one";

	strv_done(&v);
	OK(v.items == NULL && v.count == 0, "an empty vector can be freed");
	IS_INT(strv_add(&v, word), 0, "a string is added");
	word[0] = 'O';
	IS_STR(v.items[0], "one", "the vector holds a copy");
	IS_INT(strv_addf(&v, "%s=%d", "two", 2), 0, "a formatted string is added");
	IS_STR(v.items[1], "two=2", "and formatted");
	for (int i = 0; i < 100; i++)
		(void)strv_addf(&v, "%d", i);
	IS_INT(v.count, 102, "it grows");
	OK(v.items[102] == NULL, "and always ends in NULL");
	IS_STR(v.items[101], "99", "with the last one in place");
	strv_done(&v);
	OK(v.items == NULL && v.count == 0, "after freeing it is empty");
}

static void test_affixes(void)
{
	SR_AUTOFREE char *s = str_format("%d-%s", 7, "x");

	IS_STR(s, "7-x", "str_format");
	OK(str_has_prefix("sandrun", "sand") && str_has_prefix("a", "") && !str_has_prefix("sa", "sand"), "prefixes");
	OK(str_has_suffix("a.py", ".py") && str_has_suffix("a", "") && !str_has_suffix("py", ".py"), "suffixes");
	OK(str_is_empty(NULL) && str_is_empty("") && !str_is_empty(" "), "emptiness");
}

static void test_numbers(void)
{
	static const struct {
		const char *text;
		int r;
		uint64_t v;
	} cases[] = {
		{ "0", 0, 0 },
		{ "18446744073709551615", 0, UINT64_MAX },
		{ "007", 0, 7 },
		{ "18446744073709551616", -ERANGE, 0 },
		{ "99999999999999999999999", -ERANGE, 0 },
		{ "", -EINVAL, 0 },
		{ "-1", -EINVAL, 0 },
		{ "+1", -EINVAL, 0 },
		{ " 1", -EINVAL, 0 },
		{ "1 ", -EINVAL, 0 },
		{ "0x10", -EINVAL, 0 },
		{ "1e3", -EINVAL, 0 },
	};

	for (size_t i = 0; i < SR_ELEMENTSOF(cases); i++) {
		SR_AUTOFREE char *name = str_format("str_to_u64(\"%s\")", cases[i].text);
		uint64_t v = 4242;
		int r = str_to_u64(cases[i].text, &v);

		IS_INT(r, cases[i].r, name);
		OK(v == (cases[i].r ? 4242 : cases[i].v), "its result is written only on success");
	}
}

static void test_bytes(void)
{
	static const struct {
		const char *text;
		int r;
		uint64_t v;
	} cases[] = {
		{ "0", 0, 0 },
		{ "100", 0, 100 },
		{ "64K", 0, 65536 },
		{ "64k", 0, 65536 },
		{ "512M", 0, 536870912 },
		{ "2G", 0, 2147483648 },
		{ "17179869183G", 0, 17179869183ULL << 30 },
		{ "17179869184G", -ERANGE, 0 },
		{ "18446744073709551615", -ERANGE, 0 },
		{ "max", 0, SR_UNLIMITED },
		{ "unlimited", 0, SR_UNLIMITED },
		{ "1T", -EINVAL, 0 },
		{ "1KB", -EINVAL, 0 },
		{ "1.5M", -EINVAL, 0 },
		{ "-1", -EINVAL, 0 },
		{ "M", -EINVAL, 0 },
		{ "", -EINVAL, 0 },
	};

	for (size_t i = 0; i < SR_ELEMENTSOF(cases); i++) {
		SR_AUTOFREE char *name = str_format("str_to_bytes(\"%s\")", cases[i].text);
		uint64_t v = 4242;
		int r = str_to_bytes(cases[i].text, &v);

		IS_INT(r, cases[i].r, name);
		OK(v == (cases[i].r ? 4242 : cases[i].v), "its result is written only on success");
	}
}

static void test_durations(void)
{
	static const struct {
		const char *text;
		int r;
		uint64_t v;
	} cases[] = {
		{ "0", 0, 0 },
		{ "10", 0, 10000000000 },
		{ "10s", 0, 10000000000 },
		{ "250ms", 0, 250000000 },
		{ "1.5s", 0, 1500000000 },
		{ "1.5", 0, 1500000000 },
		{ "0.5m", 0, 30000000000 },
		{ "5m", 0, 300000000000 },
		{ "1h", 0, 3600000000000 },
		{ "0.1234567891234s", 0, 123456789 },
		{ "none", 0, SR_UNLIMITED },
		{ "unlimited", 0, SR_UNLIMITED },
		{ "6000000h", -ERANGE, 0 },
		{ "18446744073709551615", -ERANGE, 0 },
		{ "1.s", -EINVAL, 0 },
		{ ".5s", -EINVAL, 0 },
		{ "1d", -EINVAL, 0 },
		{ "1 s", -EINVAL, 0 },
		{ "s", -EINVAL, 0 },
		{ "", -EINVAL, 0 },
	};

	for (size_t i = 0; i < SR_ELEMENTSOF(cases); i++) {
		SR_AUTOFREE char *name = str_format("str_to_duration(\"%s\")", cases[i].text);
		uint64_t v = 4242;
		int r = str_to_duration(cases[i].text, &v);

		IS_INT(r, cases[i].r, name);
		OK(v == (cases[i].r ? 4242 : cases[i].v), "its result is written only on success");
	}
}

static void test_printed_numbers(void)
{
	char b[32];

	str_from_bytes(0, b);
	IS_STR(b, "0", "no bytes");
	str_from_bytes(1500, b);
	IS_STR(b, "1500", "bytes without a unit");
	str_from_bytes(1536, b);
	IS_STR(b, "1536", "never a rounded unit");
	str_from_bytes(65536, b);
	IS_STR(b, "64K", "kilobytes");
	str_from_bytes(536870912, b);
	IS_STR(b, "512M", "megabytes");
	str_from_bytes(4ULL << 30, b);
	IS_STR(b, "4G", "gigabytes");
	str_from_bytes(SR_UNLIMITED - 1, b);
	IS_STR(b, "18446744073709551614", "the largest number");
	str_from_bytes(SR_UNLIMITED, b);
	IS_STR(b, "unlimited", "no limit");

	str_from_duration(0, b);
	IS_STR(b, "0s", "no time");
	str_from_duration(1, b);
	IS_STR(b, "1ms", "less than a millisecond is rounded up");
	str_from_duration(250000000, b);
	IS_STR(b, "250ms", "milliseconds");
	str_from_duration(90000000000, b);
	IS_STR(b, "90s", "seconds up to two minutes");
	str_from_duration(300000000000, b);
	IS_STR(b, "5m", "minutes");
	str_from_duration(7200000000000, b);
	IS_STR(b, "2h", "hours");
	str_from_duration(SR_UNLIMITED, b);
	IS_STR(b, "unlimited", "no time limit");
}

static void test_escape(void)
{
	static const struct {
		const char *in, *out, *name;
	} cases[] = {
		{ "plain text.py", "plain text.py", "printable ASCII stays" },
		{ "a\\b", "a\\b", "so does a backslash" },
		{ "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "and valid UTF-8" },
		{ "\x1b[31mred", "\\x1b[31mred", "an escape sequence does not" },
		{ "a\nb\tc\rd", "a\\x0ab\\x09c\\x0dd", "nor line ends and tabs" },
		{ "\x7f", "\\x7f", "nor DEL" },
		{ "\xc2\x9b[1m", "\\xc2\\x9b[1m", "nor a C1 control" },
		{ "\xff\xfe", "\\xff\\xfe", "nor bytes that are no UTF-8" },
		{ "\xc0\xaf", "\\xc0\\xaf", "nor an over-long form" },
		{ "\xe0\x80\xaf", "\\xe0\\x80\\xaf", "of any length" },
		{ "\xed\xa0\x80", "\\xed\\xa0\\x80", "nor a surrogate" },
		{ "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80", "nor a code point past the last" },
		{ "\xe2\x80\xaegpj.exe", "\\xe2\\x80\\xaegpj.exe", "nor a bidirectional override" },
		{ "\xe2\x81\xa6x", "\\xe2\\x81\\xa6x", "nor a bidirectional isolate" },
		{ "\xe2\x80\xa8", "\\xe2\\x80\\xa8", "nor a line separator" },
		{ "\xe2\x82", "\\xe2\\x82", "nor a sequence cut short" },
		{ "", "", "nothing is nothing" },
	};
	char b[128];

	for (size_t i = 0; i < SR_ELEMENTSOF(cases); i++)
		IS_STR(str_escape(cases[i].in, b, sizeof(b)), cases[i].out, cases[i].name);
	IS_STR(str_escape_n("a\0b", 3, b, sizeof(b)), "a\\x00b", "a NUL inside is shown");
}

/* Whatever the size of the buffer: terminated, inside, and marked when cut. */
static void test_plain(void)
{
	static const char *const odd[] = { "", "-x", "a b", "$(x)", "a;b", "a'b", "a\nb", "a*", "~/x", "\xc3\xa4" };

	IS_STR(str_plain_or("dir/x-1.py", "DIR"), "dir/x-1.py", "a plain word stays");
	for (size_t i = 0; i < SR_ELEMENTSOF(odd); i++)
		IS_STR(str_plain_or(odd[i], "DIR"), "DIR", "one that a shell would take apart does not");
}

static void test_utf8(void)
{
	static const char *const good[] = { "", "a\tb\n", "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\x1b[0m" };
	static const char *const bad[] = { "\xff", "\xc3", "a\x80", "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82" };

	for (size_t i = 0; i < SR_ELEMENTSOF(good); i++)
		OK(str_is_utf8(good[i], strlen(good[i])), "well-formed");
	for (size_t i = 0; i < SR_ELEMENTSOF(bad); i++)
		OK(!str_is_utf8(bad[i], strlen(bad[i])), "not well-formed");
	OK(str_is_utf8("a\0b", 3), "a NUL is a character");
}

static void test_escape_bounds(void)
{
	static const char text[] = "ab\x1b\xe2\x82\xac and a good deal more text than fits";
	char b[64];
	bool in_bounds = true, terminated = true, marked = true;

	for (size_t size = 0; size <= 48; size++) {
		memset(b, '#', sizeof(b));
		(void)str_escape(text, b, size);
		in_bounds = in_bounds && b[size] == '#';
		if (size == 0)
			continue;
		terminated = terminated && memchr(b, '\0', size) != NULL;
		if (size >= 4 && terminated)
			marked = marked && str_has_suffix(b, "...");
	}
	OK(in_bounds, "no byte is written behind the buffer");
	OK(terminated, "the text is terminated whatever the size");
	OK(marked, "a text that does not fit ends in dots");
}

static void test_hex(void)
{
	static const unsigned char bytes[] = { 0x00, 0x0f, 0xa5, 0xff };
	char b[9];

	str_hex(bytes, sizeof(bytes), b);
	IS_STR(b, "000fa5ff", "hex");
	str_hex(bytes, 0, b);
	IS_STR(b, "", "hex of nothing");
}

static void test_distance(void)
{
	static const char longer[] = "123456789012345678901234567890123";

	IS_INT(str_distance("mkdir", 5, "mkdir", 5), 0, "the same word");
	IS_INT(str_distance("mkdirt", 6, "mkdir", 5), 1, "a letter too many");
	IS_INT(str_distance("raed", 4, "read", 4), 2, "two exchanged");
	IS_INT(str_distance("", 0, "abc", 3), 3, "nothing");
	IS_INT(str_distance("kitten", 6, "sitting", 7), 3, "the usual example");
	IS_INT(str_distance(longer, 33, longer, 33), 33, "words that are too long are never near");
}

static void test_trim(void)
{
	static const struct {
		const char *text, *trimmed, *name;
	} rows[] = {
		{ "", "", "nothing" },
		{ "abc", "abc", "plain text" },
		{ "a\xe2\x82\xac", "a\xe2\x82\xac", "a whole character" },
		{ "a\xe2\x82", "a", "two bytes of three" },
		{ "a\xe2", "a", "one byte of three" },
		{ "a\xf0\x9f\x98", "a", "three bytes of four" },
		{ "\xc3", "", "half a character alone" },
	};

	for (size_t i = 0; i < SR_ELEMENTSOF(rows); i++) {
		char text[16];

		(void)snprintf(text, sizeof(text), "%s", rows[i].text);
		IS_STR(str_trim_utf8(text), rows[i].trimmed, rows[i].name);
	}
}

int main(void)
{
	test_trim();
	test_vectors();
	test_affixes();
	test_numbers();
	test_bytes();
	test_durations();
	test_printed_numbers();
	test_escape();
	test_plain();
	test_utf8();
	test_escape_bounds();
	test_hex();
	test_distance();
	return tap_done();
}
