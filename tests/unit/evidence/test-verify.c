/* SPDX-License-Identifier: MIT */
/* The verifier's parts by themselves: bounded JSON, times, shapes, names, bundles, what a line of a trace shows. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../tap.h"
#include "base/macros.h"
#include "evidence/json-strict.h"
#include "evidence/verify-internal.h"
#include "evidence/verify-shape.h"

/* --- JSON ----------------------------------------------------------------------------------------------------------------- */

static const char *code_of(const char *text, size_t len, size_t max)
{
	const char *code = "none";
	json_t *value = json_strict(text, len, max, &code);

	if (!value)
		return code ? code : "no memory";
	json_decref(value);
	return "good";
}

static void test_json(void)
{
	static const struct {
		const char *text, *code, *name;
	} rows[] = {
		{ "{}", "good", "an object" },
		{ " [1] \n", "good", "blanks around" },
		{ "[1]x", "json-trailing-data", "something behind" },
		{ "[1,2,3,4,5,6,7,8,9]", "json-size", "more values than allowed" },
		{ "[\"[[[[,,,,,,,,,,,,,,\"]", "good", "brackets and commas in a text are text" },
		{ "[\"\\\"[,,,,,,,,,,,,,,\"]", "good", "an escaped quote ends none" },
		{ "{\"a\":1,\"a\":1}", "json-duplicate-key", "a key twice" },
		{ "{\"a\":{\"b\":1,\"\\u0062\":1}}", "json-duplicate-key", "a key twice, once escaped" },
		{ "[\"\xff\"]", "json-utf8", "no UTF-8" },
		{ "[\"\\u0000\"]", "json-nul", "an escaped NUL" },
		{ "{", "json-syntax", "half an object" },
		{ "[1e400]", "json-syntax", "a number that is none" },
		{ "", "json-syntax", "nothing" },
	};
	char nul[] = { '"', 0, '"' };

	for (size_t i = 0; i < SR_ELEMENTSOF(rows); i++)
		IS_STR(code_of(rows[i].text, strlen(rows[i].text), 8), rows[i].code, rows[i].name);
	IS_STR(code_of(nul, sizeof(nul), 8), "json-nul", "a NUL");
}

static void test_depth(void)
{
	char text[2 * SR_JSON_DEPTH_MAX + 2];

	for (int depth = SR_JSON_DEPTH_MAX; depth <= SR_JSON_DEPTH_MAX + 1; depth++) {
		memset(text, '[', (size_t)depth);
		memset(text + depth, ']', (size_t)depth);
		IS_STR(code_of(text, 2 * (size_t)depth, 100), depth > SR_JSON_DEPTH_MAX ? "json-depth" : "good",
		       depth > SR_JSON_DEPTH_MAX ? "33 levels" : "32 levels");
	}
}

static void test_numbers(void)
{
	static const struct {
		const char *text;
		bool fits;
	} rows[] = {
		{ "[9007199254740991]", true },  { "[9007199254740992]", false }, { "[-9007199254740991]", true }, { "[-9007199254740992]", false },
		{ "{\"a\":[{\"b\":1.0}]}", false }, { "[true,null,\"1.5\"]", true },
	};

	for (size_t i = 0; i < SR_ELEMENTSOF(rows); i++) {
		const char *code;
		json_t *value = json_strict(rows[i].text, strlen(rows[i].text), 100, &code);

		OK(value && json_numbers_fit(value) == rows[i].fits, rows[i].text);
		json_decref(value);
	}
}

/* --- forms ---------------------------------------------------------------------------------------------------------------- */

static void test_times(void)
{
	static const char *const bad[] = {
		"",
		"2026-11-21",
		"2026-11-21T05:40:00",
		"2026-11-21T05:40:00Z ",
		" 2026-11-21T05:40:00Z",
		"2026-11-21t05:40:00Z",
		"2026-11-21T5:40:00Z",
		"2026-11-21T05:40:60Z",
		"2026-02-29T05:40:00Z",
		"2026-13-01T00:00:00Z",
		"2026-11-21T24:00:00Z",
		"2026-11-21T05:40:00.5Z",
		"1969-12-31T23:59:59Z",
		"-026-11-21T05:40:00Z",
	};

	IS_INT(shape_time("1970-01-01T00:00:00Z"), 0, "the first second");
	IS_INT(shape_time("2026-11-21T05:40:00Z"), 1795239600, "a time");
	IS_INT(shape_time("2024-02-29T23:59:59Z"), 1709251199, "a leap day");
	for (size_t i = 0; i < SR_ELEMENTSOF(bad); i++)
		IS_INT(shape_time(bad[i]), -1, bad[i]);
}

static void test_decimals(void)
{
	static const char *const bad[] = { "", "00", "01", "-1", "+1", " 1", "1 ", "0x1", "18446744073709551616" };
	uint64_t n = 7;

	OK(shape_decimal("0", &n) && n == 0, "nothing");
	OK(shape_decimal("18446744073709551615", &n) && n == UINT64_MAX, "the largest");
	for (size_t i = 0; i < SR_ELEMENTSOF(bad); i++)
		OK(!shape_decimal(bad[i], &n), bad[i]);
}

static void test_names(void)
{
	static const char *const good[] = { "a", "out/a", "...", "..a", "a/..b/c", "a b", ".hidden" };
	static const char *const bad[] = { "", "/", "/a", "..", ".", "../a", "a/..", "a/../b", "a//b", "a/", "./a", "a/./b" };

	for (size_t i = 0; i < SR_ELEMENTSOF(good); i++)
		OK(name_is_safe(good[i]), good[i]);
	for (size_t i = 0; i < SR_ELEMENTSOF(bad); i++)
		OK(!name_is_safe(bad[i]), bad[i][0] ? bad[i] : "no name");
}

/* --- bundles -------------------------------------------------------------------------------------------------------------- */

#define SIG "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=="
#define LINE(payload) "{\"payload\":\"" payload "\",\"payloadType\":\"application/vnd.in-toto+json\",\"signatures\":[{\"sig\":\"" SIG "\"}]}"

static const char *bundle_code(const char *text, size_t *ret_count)
{
	struct sr_fault fault = { NULL, "" };
	struct sr_bundle b;
	int r = bundle_parse(text, strlen(text), &b, &fault);

	*ret_count = b.count;
	bundle_done(&b);
	return r == 0 ? "good" : r == -EBADMSG ? fault.code : "no memory";
}

static void test_bundles(void)
{
	static const struct {
		const char *text, *code, *name;
		size_t count;
	} rows[] = {
		{ LINE("e30="), "good", "one line without a newline", 1 },
		{ LINE("e30=") "\n" LINE("e30=") "\n{\"other\":1}\n", "good", "two and another's", 2 },
		{ LINE("e30"), "base64", "no padding", 1 },
		{ LINE("e31="), "base64", "bits behind the end", 1 },
		{ LINE(""), "good", "an empty payload is for its signature to refuse", 1 },
		{ LINE("e30=") "\n\n", "json-syntax", "an empty line", 1 },
		{ "{\"payload\":\"e30=\"}", "envelope", "a third of an envelope", 1 },
	};

	for (size_t i = 0; i < SR_ELEMENTSOF(rows); i++) {
		size_t count;

		IS_STR(bundle_code(rows[i].text, &count), rows[i].code, rows[i].name);
		IS_INT(count, rows[i].count, "and so many envelopes");
	}
}

/* Whatever a byte of it becomes, an envelope is read or refused with a reason; under AddressSanitizer this is a test of bounds. */
static void test_changed_bytes(void)
{
	static const char good[] = LINE("e30=");
	char text[sizeof(good)];
	unsigned nameless = 0;

	for (size_t i = 0; i < sizeof(good) - 1; i++) {
		for (unsigned c = 0; c < 256; c += 5) {
			struct sr_fault fault = { NULL, "" };
			struct sr_bundle b;
			int r;

			memcpy(text, good, sizeof(good));
			text[i] = (char)c;
			r = bundle_parse(text, sizeof(good) - 1, &b, &fault);
			nameless += r != 0 && (r != -EBADMSG || !fault.code || !fault.text[0]);
			bundle_done(&b);
		}
	}
	IS_INT(nameless, 0, "every refusal has a code and a sentence");
}

/* --- traces --------------------------------------------------------------------------------------------------------------- */

static void test_events(void)
{
	static const struct {
		const char *text;
		enum event_leaves want;
	} rows[] = {
		{ "{\"event\":\"connect\",\"address\":\"192.0.2.1\",\"result\":0,\"how\":\"descriptor\"}", EVENT_LEAVES },
		{ "{\"event\":\"connect\",\"address\":\"192.0.2.1\",\"result\":0,\"how\":\"descriptor-shared\"}", EVENT_LEAVES },
		{ "{\"event\":\"send\",\"address\":\"2001:db8::1\",\"result\":0,\"how\":\"sockaddr\"}", EVENT_CLAIMS },
		{ "{\"event\":\"connect\",\"address\":\"::ffff:192.0.2.1\",\"result\":0,\"how\":\"descriptor\"}", EVENT_LEAVES },
		{ "{\"event\":\"connect\",\"address\":\"::ffff:127.0.0.1\",\"result\":0,\"how\":\"descriptor\"}", EVENT_STAYS },
		{ "{\"event\":\"connect\",\"address\":\"127.9.9.9\",\"result\":0,\"how\":\"descriptor\"}", EVENT_STAYS },
		{ "{\"event\":\"connect\",\"address\":\"::1\",\"result\":0,\"how\":\"descriptor\"}", EVENT_STAYS },
		{ "{\"event\":\"connect\",\"address\":\"192.0.2.1\",\"result\":\"ENETUNREACH\",\"how\":\"sockaddr\"}", EVENT_STAYS },
		{ "{\"event\":\"connect\",\"path\":\"/run/x\",\"result\":0,\"how\":\"descriptor\"}", EVENT_STAYS },
		{ "{\"event\":\"bind\",\"address\":\"192.0.2.1\",\"result\":0,\"how\":\"descriptor\"}", EVENT_STAYS },
		{ "{\"event\":7,\"address\":[],\"result\":{},\"how\":null}", EVENT_STAYS },
		{ "{}", EVENT_STAYS },
	};

	for (size_t i = 0; i < SR_ELEMENTSOF(rows); i++) {
		const char *code;
		json_t *event = json_strict(rows[i].text, strlen(rows[i].text), 100, &code);

		IS_INT(event ? (int)verify_event_leaves(event) : -1, rows[i].want, rows[i].text);
		json_decref(event);
	}
}

int main(void)
{
	test_json();
	test_depth();
	test_numbers();
	test_times();
	test_decimals();
	test_names();
	test_bundles();
	test_changed_bytes();
	test_events();
	return tap_done();
}
