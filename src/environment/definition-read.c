/* SPDX-License-Identifier: MIT */
#include "environment/definition-read.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "environment/common.h"
#include "image/store-write.h"

static struct sr_definition *definition_of(const struct sr_ini *in)
{
	return in->into;
}

/* --- values ----------------------------------------------------------------------------------------------------------------- */

static int take_text(struct sr_ini *in, const struct sr_ini_key *key, const char *value)
{
	char **into = (char **)((char *)in->into + key->id);

	if (!*value)
		return ini_no_value(in, key);
	*into = strdup(value);
	return *into ? 0 : ini_oom(in);
}

static int take_name(struct sr_ini *in, const struct sr_ini_key *key, const char *value)
{
	if (*value && !store_is_name(value)) {
		(void)ini_refuse(in, "%s is not the name of an environment", SHOWN(value));
		sr_error_hint(in->err, "names are a-z, 0-9, '.', '_' and '-'");
		return -EINVAL;
	}
	definition_of(in)->base_line = in->line;
	return take_text(in, key, value);
}

static bool is_package(const char *word)
{
	size_t len = strspn(word, "abcdefghijklmnopqrstuvwxyz0123456789.+-");

	return len > 1 && !word[len] && *word != '-' && *word != '+' && *word != '.' && word[len - 1] != '-';
}

/* Names of Debian packages: nothing that apt takes for an option, a pattern, a file or a version. */
static int take_packages(struct sr_ini *in, const struct sr_ini_key *key, const char *value)
{
	struct sr_strv *list = (struct sr_strv *)((char *)in->into + key->id);
	size_t from = list->count;
	int r = ini_take_words(in, key, value, list);

	for (size_t i = from; r == 0 && i < list->count; i++) {
		if (strcmp(list->items[i], SR_ESSENTIAL) != 0 && !is_package(list->items[i]))
			r = ini_refuse(in, "%s is not the name of a package", SHOWN(list->items[i]));
	}
	return r;
}

/* Patterns below the root: relative, and nothing that leads out of it. */
static int take_paths(struct sr_ini *in, const struct sr_ini_key *key, const char *value)
{
	struct sr_strv *list = (struct sr_strv *)((char *)in->into + key->id);
	size_t from = list->count;
	int r = ini_take_words(in, key, value, list);

	for (size_t i = from; r == 0 && i < list->count; i++) {
		const char *p = list->items[i];

		if (*p == '/' || str_has_suffix(p, "/") || strstr(p, "..") || strstr(p, "//")) {
			r = ini_refuse(in, "%s is no path below the root", SHOWN(p));
			sr_error_hint(in->err, "write usr/share/..., without a slash at its ends and without ..");
		}
	}
	return r;
}

static int take_words(struct sr_ini *in, const struct sr_ini_key *key, const char *value)
{
	return ini_take_words(in, key, value, (struct sr_strv *)((char *)in->into + key->id));
}

static int take_interpreter(struct sr_ini *in, const struct sr_ini_key *key, const char *value)
{
	struct sr_definition *d = definition_of(in);

	if (*value != '/')
		return ini_refuse(in, "%s = %s is no absolute path", key->name, SHOWN(value));
	return strv_add(&d->language_names, key->name) < 0 || strv_add(&d->language_paths, value) < 0 ? ini_oom(in) : 0;
}

/* A line of a program; those that go on are further lines. */
static int take_check(struct sr_ini *in, const struct sr_ini_key *key, const char *value)
{
	struct sr_check *check = &definition_of(in)->checks[key->id];
	char *code = str_format("%s%s\n", check->code ? check->code : "", value);

	if (!code)
		return ini_oom(in);
	free(check->code);
	*check = (struct sr_check){ .language = key->name, .code = code };
	return 0;
}

static int take_finish(struct sr_ini *in, const struct sr_ini_key *key, const char *value)
{
	struct sr_definition *d = definition_of(in);
	char *text = str_format("%s%s\n", d->finish ? d->finish : "", value);

	(void)key;
	if (!text)
		return ini_oom(in);
	free(d->finish);
	d->finish = text;
	return 0;
}

static int take_predict(struct sr_ini *in, const struct sr_ini_key *key, const char *value)
{
	struct sr_definition *d = definition_of(in);
	int r = ini_take_words(in, key, value, &d->predict_words);

	while (r == 0 && d->predict_keys.count < d->predict_words.count)
		r = strv_add(&d->predict_keys, key->name) < 0 ? ini_oom(in) : 0;
	return r;
}

/* --- the table ---------------------------------------------------------------------------------------------------------------- */

#define IN(field) (int)offsetof(struct sr_definition, field)

static const struct sr_ini_key keys[] = {
	{ "environment", "description", take_text, .id = IN(description) },
	{ "environment", "base", take_name, .id = IN(base) },
	{ "environment", "profile", take_text, .id = IN(profile) },
	{ "packages", "debian", take_packages, .list = true, .id = IN(debian) },
	{ "slim", "drop-packages", take_packages, .list = true, .id = IN(drop_packages) },
	{ "slim", "drop-paths", take_paths, .list = true, .id = IN(drop_paths) },
	{ "slim", "missing-libraries", take_words, .list = true, .id = IN(missing_libraries) },
	{ "finish", "sh", take_finish, .list = true },
	{ "languages", "python", take_interpreter, .list = false },
	{ "languages", "node", take_interpreter, .list = false },
	{ "languages", "ruby", take_interpreter, .list = false },
	{ "languages", "R", take_interpreter, .list = false },
	{ "languages", "sh", take_interpreter, .list = false },
	{ "languages", "c", take_interpreter, .list = false },
	{ "languages", "perl", take_interpreter, .list = false },
	{ "check", "python", take_check, .list = true, .id = 0 },
	{ "check", "node", take_check, .list = true, .id = 1 },
	{ "check", "ruby", take_check, .list = true, .id = 2 },
	{ "check", "R", take_check, .list = true, .id = 3 },
	{ "check", "sh", take_check, .list = true, .id = 4 },
	{ "check", "perl", take_check, .list = true, .id = 5 },
	{ "predict", "imports", take_predict, .list = true },
	{ "predict", "npm", take_predict, .list = true },
	{ "predict", "ruby", take_predict, .list = true },
	{ "predict", "r", take_predict, .list = true },
	/* so that the section is known; its keys are the variables' own names */
	{ "variables", "NAME", take_text, .id = IN(description) },
};

static bool is_variable(const char *name)
{
	size_t len = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");

	return len > 0 && !name[len] && (*name < '0' || *name > '9');
}

/* [variables] has keys of its own. */
static int take_variable(struct sr_ini *in, const char *section, const char *name, const char *value)
{
	struct sr_definition *d = definition_of(in);

	if (!name || strcmp(section, "variables") != 0)
		return 0;
	if (!is_variable(name) || strcmp(name, "PATH") == 0)
		return ini_refuse(in, "%s cannot be set: it is no variable's name, or one of sandrun's", SHOWN(name));
	for (size_t i = 0; i < d->variable_names.count; i++) {
		if (strcmp(d->variable_names.items[i], name) == 0)
			return ini_refuse(in, "%s in [variables] a second time", SHOWN(name));
	}
	if (strv_add(&d->variable_names, name) < 0 || strv_add(&d->variable_values, value) < 0)
		return ini_oom(in);
	return 1;
}

static const struct sr_ini_format format = {
	.stage = STAGE,
	.cannot = "cannot read",
	.code = SR_E_ENVIRONMENT,
	.keys = keys,
	.key_count = SR_ELEMENTSOF(keys),
	.utf8 = true,
	.explain = take_variable,
};

int definition_read(const char *text, size_t len, struct sr_definition *d, struct sr_error *err)
{
	int r = ini_read(&format, d->path, text, len, d, err);

	if (r < 0)
		return r;
	if (!d->description) {
		(void)sr_error_set(err, SR_E_ENVIRONMENT, EINVAL, STAGE, "cannot use %s: it has no description", SHOWN(d->path));
		sr_error_hint(err, "write \"description = ...\" below [environment]");
		return -EINVAL;
	}
	return 0;
}
