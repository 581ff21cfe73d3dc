/* SPDX-License-Identifier: MIT */
/*
 * sandrun environment list | show NAME
 */
#include <errno.h>
#include <string.h>

#include "environment/common.h"
#include "environment/known.h"

/* The text itself: whoever reads JSON wants no other. One that is no UTF-8, which only a damaged file has, as it is shown. */
static json_t *text_json(const char *s)
{
	json_t *o = json_string(s);

	return o ? o : json_string(SHOWN(s));
}

static json_t *text_or_null(const char *s)
{
	return *s ? text_json(s) : json_null();
}

/* The keys of one section. */
static json_t *section_json(const struct known *k, const char *section)
{
	json_t *o = json_object();
	size_t len = strlen(section);

	for (size_t i = 0; i < k->keys.count; i++) {
		const char *item = k->keys.items[i], *equal = strchr(item, '=');
		SR_AUTOFREE char *key = NULL;

		if (strncmp(item, section, len) != 0 || item[len] != '.' || !equal)
			continue;
		key = str_format("%.*s", (int)(equal - item - (ptrdiff_t)len - 1), item + len + 1);
		if (!key || json_object_set_new(o, key, text_json(equal + 1)) < 0) {
			json_decref(o);
			return NULL;
		}
	}
	return o;
}

static json_t *layers_json(const struct known *k)
{
	json_t *all = json_array();

	for (size_t i = 0; i < k->layers.count; i++) {
		if (json_array_append_new(all, json_sprintf("sha256:%s", k->layers.items[i])) < 0) {
			json_decref(all);
			return NULL;
		}
	}
	return all;
}

static json_t *known_json(const struct known *k)
{
	return json_pack("{s:s, s:s, s:o, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "name", k->name, "digest",
			 known_text(k, "image.digest"), "layers", layers_json(k), "bytes", (json_int_t)known_bytes(k), "description",
			 text_or_null(known_text(k, "image.description")), "base", text_or_null(known_text(k, "image.base")),
			 "created", text_or_null(known_text(k, "image.created")), "definition",
			 text_or_null(known_text(k, "image.definition")), "profile", text_or_null(known_text(k, "run.profile")),
			 "languages", section_json(k, "languages"), "predict", section_json(k, "predict"), "variables",
			 section_json(k, "variables"));
}

static json_t *broken_json(const char *name, const struct sr_error *why)
{
	return json_pack("{s:s, s:{s:s, s:s}}", "name", name, "error", "message", SHOWN(why->text), "hint", SHOWN(why->hint));
}

/* --- list ----------------------------------------------------------------------------------------------------------------- */

static void print_listed(const struct known *k, int width)
{
	char size[16];

	verb_size(known_bytes(k), size);
	(void)printf("%-*s  %8s  %.10s  %s\n", width, k->name, size, known_text(k, "image.created"),
		     SHOWN(known_text(k, "image.description")));
}

/* One that is damaged is listed as that, so that the others can be seen. */
static int list_one(const struct store_writer *s, const char *name, int width, json_t *all, struct sr_error *err)
{
	struct known k = { .name = "" };
	struct sr_error why = SR_ERROR_INIT;
	int r = known_read(s, name, &k, &why), e = 0;

	if (r == -ENOMEM)
		*err = why;
	else if (all)
		e = json_array_append_new(all, r < 0 ? broken_json(name, &why) : known_json(&k));
	else if (r < 0)
		(void)printf("%-*s  (broken)  %s\n", width, name, why.text);
	else
		print_listed(&k, width);
	known_done(&k);
	if (e < 0)
		return sr_error_oom(err, STAGE);
	return r == -ENOMEM ? r : 0;
}

int environment_list(int argc, char **argv)
{
	struct store_writer s = SR_STORE_WRITER_INIT;
	struct sr_strv names = { .items = NULL };
	struct sr_error err = SR_ERROR_INIT;
	bool json = false, open;
	const struct verb_option options[] = { { .name = "--json", .flag = &json } };
	int r = verb_options(&argc, argv, options, SR_ELEMENTSOF(options), 0, 0), width = 0;
	json_t *all;

	if (r >= 0)
		return r;
	all = json ? json_array() : NULL;
	r = known_names(&s, &open, &names, &err);
	for (size_t i = 0; i < names.count; i++)
		width = (int)strlen(names.items[i]) > width ? (int)strlen(names.items[i]) : width;
	for (size_t i = 0; r == 0 && i < names.count; i++)
		r = list_one(&s, names.items[i], width, all, &err);
	strv_done(&names);
	store_writer_done(&s);
	if (r == 0 && json)
		return verb_print_json(all, 0);
	json_decref(all);
	return r < 0 ? verb_fail(&err) : verb_flush(0);
}

/* --- show ----------------------------------------------------------------------------------------------------------------- */

static void print_line(const char *what, const char *value)
{
	if (*value)
		(void)printf("%-12s %s\n", what, SHOWN(value));
}

static void print_section(const struct known *k, const char *section)
{
	size_t len = strlen(section);
	bool begun = false;

	for (size_t i = 0; i < k->keys.count; i++) {
		const char *item = k->keys.items[i];
		SR_AUTOFREE char *shown = NULL;

		if (strncmp(item, section, len) != 0 || item[len] != '.')
			continue;
		shown = malloc(4 * strlen(item) + 1);
		(void)printf("%-12s %s\n", begun ? "" : section, shown ? str_escape(item + len + 1, shown, 4 * strlen(item) + 1) : "");
		begun = true;
	}
}

static void print_known(const struct known *k)
{
	char size[16];

	verb_size(known_bytes(k), size);
	print_line("name", k->name);
	print_line("description", known_text(k, "image.description"));
	print_line("digest", known_text(k, "image.digest"));
	print_line("size", size);
	print_line("created", known_text(k, "image.created"));
	print_line("base", known_text(k, "image.base"));
	print_line("definition", known_text(k, "image.definition"));
	print_line("profile", known_text(k, "run.profile"));
	for (size_t i = 0; i < k->layers.count; i++)
		(void)printf("%-12s sha256:%s\n", i ? "" : "layers", k->layers.items[i]);
	print_section(k, "languages");
	print_section(k, "predict");
	print_section(k, "variables");
}

int environment_show(int argc, char **argv)
{
	struct store_writer s = SR_STORE_WRITER_INIT;
	struct known k = { .name = "" };
	struct sr_error err = SR_ERROR_INIT;
	bool json = false;
	const struct verb_option options[] = { { .name = "--json", .flag = &json } };
	int r = verb_options(&argc, argv, options, SR_ELEMENTSOF(options), 1, 1), status = 0;

	if (r >= 0)
		return r;
	r = store_writer_open(&s, &err);
	if (r == 0)
		r = known_read(&s, argv[1], &k, &err);
	if (r == 0 && json)
		status = verb_print_json(known_json(&k), 0);
	else if (r == 0)
		print_known(&k);
	known_done(&k);
	store_writer_done(&s);
	return r < 0 ? verb_fail(&err) : json ? status : verb_flush(0);
}
