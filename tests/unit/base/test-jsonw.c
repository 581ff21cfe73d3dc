/* SPDX-License-Identifier: MIT */
/* JSON written piece by piece: the same bytes as jansson's, and no text at all where anything went wrong. */
#include "base/jsonw.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "../tap.h"

/* What jansson makes of the text, written again: equal where it was canonical. */
static bool is_canonical(const char *text)
{
	json_t *o = text ? json_loads(text, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL) : NULL;
	char *again = o ? json_dumps(o, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY) : NULL;
	bool same = again && strcmp(again, text) == 0;

	free(again);
	json_decref(o);
	return same;
}

static void test_values(void)
{
	struct sr_jsonw j;
	char *text;

	jsonw_begin(&j, 1);
	jsonw_open(&j, NULL);
	jsonw_null(&j, "a");
	jsonw_open_array(&j, "b");
	jsonw_number(&j, NULL, INT64_MIN);
	jsonw_number(&j, NULL, INT64_MAX);
	jsonw_bool(&j, NULL, true);
	jsonw_open(&j, NULL);
	jsonw_close(&j);
	jsonw_open_array(&j, NULL);
	jsonw_close_array(&j);
	jsonw_close_array(&j);
	jsonw_string(&j, "c", NULL);
	jsonw_raw(&j, "d", "{\"x\":[1,2]}");
	jsonw_bool(&j, "da", false);
	jsonw_string(&j, "e", "");
	jsonw_close(&j);
	text = jsonw_end(&j);
	IS_STR(text, "{\"a\":null,\"b\":[-9223372036854775808,9223372036854775807,true,{},[]],\"c\":null,\"d\":{\"x\":[1,2]},\"da\":false,\"e\":\"\"}",
	       "every kind of value");
	OK(is_canonical(text), "as jansson writes it");
	free(text);
}

/* Every byte below 128 and some beyond, alone and beside others. */
static void test_texts(void)
{
	static const char *const more[] = { "caf\xc3\xa9", "\xe2\x82\xac\n\xf0\x9f\x98\x80", "\x7f\xc2\x80", "a\"b\\c/d\b\f\n\r\t\x1f" };
	unsigned good = 0;

	for (int c = 1; c < 128; c++) {
		const char s[] = { 'x', (char)c, 'y', (char)c, 0 };
		struct sr_jsonw j;
		char *text;

		jsonw_begin(&j, 8);
		jsonw_string(&j, NULL, s);
		text = jsonw_end(&j);
		good += is_canonical(text);
		free(text);
	}
	IS_INT(good, 127, "every ASCII character is escaped as jansson does it");
	for (size_t i = 0; i < sizeof(more) / sizeof(*more); i++) {
		struct sr_jsonw j;
		char *text;

		jsonw_begin(&j, 8);
		jsonw_string(&j, NULL, more[i]);
		text = jsonw_end(&j);
		OK(is_canonical(text), "text beyond ASCII is written as jansson does it");
		free(text);
	}
}

static void begin(struct sr_jsonw *j)
{
	jsonw_begin(j, 64);
	jsonw_open(j, NULL);
}

static void test_refusals(void)
{
	struct sr_jsonw j;

	begin(&j);
	jsonw_null(&j, "b");
	jsonw_null(&j, "a");
	jsonw_close(&j);
	OK(!jsonw_end(&j), "names out of order");
	begin(&j);
	jsonw_null(&j, "a");
	jsonw_null(&j, "a");
	jsonw_close(&j);
	OK(!jsonw_end(&j), "a name twice");
	begin(&j);
	jsonw_null(&j, NULL);
	jsonw_close(&j);
	OK(!jsonw_end(&j), "a member without a name");
	begin(&j);
	jsonw_open_array(&j, "a");
	jsonw_null(&j, "b");
	jsonw_close_array(&j);
	jsonw_close(&j);
	OK(!jsonw_end(&j), "an element with one");
	begin(&j);
	OK(!jsonw_end(&j), "an object that is left open");
	begin(&j);
	jsonw_close_array(&j);
	OK(!jsonw_end(&j), "an object that is closed as an array");
	begin(&j);
	jsonw_close(&j);
	jsonw_close(&j);
	OK(!jsonw_end(&j), "more closed than opened");
	begin(&j);
	jsonw_close(&j);
	jsonw_null(&j, NULL);
	OK(!jsonw_end(&j), "two outermost values");
	jsonw_begin(&j, 8);
	OK(!jsonw_end(&j), "none");
	begin(&j);
	jsonw_string(&j, "a", "\xff");
	jsonw_close(&j);
	OK(!jsonw_end(&j), "text that is no UTF-8");
	jsonw_begin(&j, 8);
	for (int i = 0; i < SR_JSONW_DEPTH + 1; i++)
		jsonw_open_array(&j, NULL);
	for (int i = 0; i < SR_JSONW_DEPTH + 1; i++)
		jsonw_close_array(&j);
	OK(!jsonw_end(&j), "too deep");
	OK(!jsonw_end(&j), "and what was ended has nothing more");
}

static void test_growth(void)
{
	struct sr_jsonw j;
	char *text;

	jsonw_begin(&j, 2);
	jsonw_open_array(&j, NULL);
	for (int i = 0; i < 20000; i++)
		jsonw_number(&j, NULL, i);
	jsonw_close_array(&j);
	text = jsonw_end(&j);
	OK(is_canonical(text), "a text of 100 KB");
	free(text);
}

int main(void)
{
	test_values();
	test_texts();
	test_refusals();
	test_growth();
	return tap_done();
}
