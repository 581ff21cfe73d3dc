/* SPDX-License-Identifier: MIT */
#include "evidence/opening.h"

#include <errno.h>
#include <jansson.h>
#include <malloc.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "evidence/json-strict.h"

#define VALUES_MAX 700000 /* an item has four and some 100 bytes: as many as 16M hold */

/* ---- jansson's memory: what it frees held salts --------------------------------------------------------------------- */

static void free_wiped(void *p)
{
	if (p)
		secret_wipe(p, malloc_usable_size(p));
	free(p);
}

static struct {
	json_malloc_t take;
	json_free_t give;
} before;

static void begin_wiping(void)
{
	json_get_alloc_funcs(&before.take, &before.give);
	json_set_alloc_funcs(malloc, free_wiped);
}

static void end_wiping(void)
{
	json_set_alloc_funcs(before.take, before.give);
}

/* ---- writing -------------------------------------------------------------------------------------------------------- */

static json_t *item_json(const struct sr_salt *salt, const struct sr_opening_name *n)
{
	char hex[SR_SALT_HEX], shown[SR_COMMITMENT_NAME_MAX];
	uint8_t raw[SR_SALT_BYTES];
	json_t *o;

	salt_item(salt, n->role, commitment_name(n->name, shown), raw);
	str_hex(raw, sizeof(raw), hex);
	o = json_pack("{s:s, s:s, s:s}", "name", commitment_name(n->name, shown), "role", n->role, "salt", hex);
	secret_wipe(raw, sizeof(raw));
	secret_wipe(hex, sizeof(hex));
	return o;
}

static char *text_of(const char *run_id, const struct sr_salt *salt, const struct sr_opening_name *names, size_t count)
{
	json_t *items = json_array(), *all;
	char *text = NULL;

	for (size_t i = 0; items && i < count; i++) {
		if (json_array_append_new(items, item_json(salt, &names[i])) < 0) {
			json_decref(items);
			items = NULL;
		}
	}
	all = items ? json_pack("{s:o, s:s, s:i}", "items", items, "runId", run_id, "v", 1) : NULL;
	if (all)
		text = json_dumps(all, JSON_COMPACT | JSON_SORT_KEYS);
	json_decref(all);
	return text;
}

int opening_text(const char *run_id, const struct sr_salt *salt, const struct sr_opening_name *names, size_t count, char **ret)
{
	char *line, *text;
	size_t len;

	begin_wiping();
	line = text_of(run_id, salt, names, count);
	end_wiping();
	if (!line)
		return -ENOMEM;
	len = strlen(line);
	text = malloc(len + 2);
	if (text) {
		memcpy(text, line, len);
		memcpy(text + len, "\n", 2);
	}
	free_wiped(line);
	*ret = text;
	return text ? 0 : -ENOMEM;
}

void opening_text_free(char *text)
{
	free_wiped(text);
}

char *opening_path(const char *certificate, const char *run_id)
{
	const char *slash = strrchr(certificate, '/');

	return str_format("%.*s%s.opening.json", slash ? (int)(slash + 1 - certificate) : 0, certificate, run_id);
}

/* ---- reading -------------------------------------------------------------------------------------------------------- */

void opening_done(struct sr_opening *o)
{
	for (size_t i = 0; i < o->count; i++) {
		free(o->items[i].role);
		free(o->items[i].name);
		secret_wipe(o->items[i].salt, SR_SALT_BYTES);
	}
	free(o->items);
	*o = (struct sr_opening){ .items = NULL };
}

static int compare(const void *a, const void *b)
{
	const struct sr_opening_item *x = a, *y = b;
	int r = strcmp(x->role, y->role);

	return r ? r : strcmp(x->name, y->name);
}

const struct sr_opening_item *opening_find(const struct sr_opening *o, const char *role, const char *name)
{
	for (size_t i = 0; i < o->count; i++) {
		if (strcmp(o->items[i].role, role) == 0 && strcmp(o->items[i].name, name) == 0)
			return &o->items[i];
	}
	return NULL;
}

/* "0190f3a4-...": lowercase hex in five groups. */
static bool is_run_id(const char *s)
{
	static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

	if (strlen(s) != SR_RUN_ID_LEN)
		return false;
	for (size_t i = 0; i < SR_RUN_ID_LEN; i++) {
		if (form[i] == '-' ? s[i] != '-' : !strchr("0123456789abcdef", s[i]))
			return false;
	}
	return true;
}

static int take_item(json_t *o, struct sr_opening *ret, const char **why)
{
	struct sr_opening_item *item = &ret->items[ret->count];
	const char *name, *role, *salt, *end = NULL;
	size_t got = 0;

	*why = "an item is not name, role and salt";
	if (json_unpack(o, "{s:s, s:s, s:s !}", "name", &name, "role", &role, "salt", &salt) < 0)
		return -EBADMSG;
	*why = "a salt is not 64 lowercase hex digits";
	if (strlen(salt) != SR_SALT_HEX - 1 || strspn(salt, "0123456789abcdef") != SR_SALT_HEX - 1 ||
	    sodium_hex2bin(item->salt, SR_SALT_BYTES, salt, SR_SALT_HEX - 1, NULL, &got, &end) != 0 || got != SR_SALT_BYTES)
		return -EBADMSG;
	item->role = strdup(role);
	item->name = strdup(name);
	ret->count++; /* opening_done() takes both from here */
	return item->role && item->name ? 0 : -ENOMEM;
}

static int take(json_t *o, struct sr_opening *ret, const char **why)
{
	const char *run_id;
	json_t *items;
	json_int_t version;
	int r = 0;

	*why = "it is not an object of items, runId and v";
	if (json_unpack(o, "{s:o, s:s, s:I !}", "items", &items, "runId", &run_id, "v", &version) < 0 || !json_is_array(items))
		return -EBADMSG;
	*why = "its version is not 1";
	if (version != 1)
		return -EBADMSG;
	*why = "its runId is none";
	if (!is_run_id(run_id))
		return -EBADMSG;
	memcpy(ret->run_id, run_id, sizeof(ret->run_id));
	ret->items = calloc(json_array_size(items) + 1, sizeof(*ret->items));
	if (!ret->items)
		return -ENOMEM;
	for (size_t i = 0; r == 0 && i < json_array_size(items); i++)
		r = take_item(json_array_get(items, i), ret, why);
	if (r < 0)
		return r;
	*why = "an item stands in it twice";
	qsort(ret->items, ret->count, sizeof(*ret->items), compare);
	for (size_t i = 1; i < ret->count; i++) {
		if (compare(&ret->items[i - 1], &ret->items[i]) == 0)
			return -EBADMSG;
	}
	return 0;
}

int opening_read(const char *text, size_t len, struct sr_opening *ret, const char **ret_why)
{
	struct sr_opening out = { .items = NULL };
	const char *code;
	json_t *o;
	int r;

	*ret_why = "it is larger than 16M";
	if (len > SR_OPENING_MAX)
		return -EBADMSG;
	begin_wiping();
	*ret_why = "it is no JSON, or a key stands in it twice";
	o = json_strict(text, len, VALUES_MAX, &code);
	if (!o && code && strcmp(code, "json-size") == 0)
		*ret_why = "it has too many values";
	r = o ? take(o, &out, ret_why) : -EBADMSG;
	json_decref(o);
	end_wiping();
	if (r == 0)
		*ret = out;
	else
		opening_done(&out);
	return r;
}
