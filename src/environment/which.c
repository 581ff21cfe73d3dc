/* SPDX-License-Identifier: MIT */
/* sandrun environment which SCRIPT: which environment the script would run in, and every reason. */
#include <inttypes.h>
#include <string.h>

#include "environment/common.h"
#include "plan/choice.h"

struct which {
	const char *script;
	struct sr_choice c;
	struct sr_predicts defined;
};

static const char *language_name(enum sr_script_language l)
{
	static const char *const names[SR_SCRIPT_LANGUAGES] = { "another language", "Python", "JavaScript", "R", "Ruby" };

	return names[l];
}

static const char *kind_name(enum sr_import_kind k)
{
	static const char *const names[] = { [SR_IMPORT_WANTED] = "wanted",	[SR_IMPORT_OPTIONAL] = "optional",
					     [SR_IMPORT_TYPING] = "typing",	[SR_IMPORT_STANDARD] = "standard",
					     [SR_IMPORT_LOCAL] = "local" };

	return names[k];
}

static const char *by_name(enum sr_choice_by by)
{
	static const char *const names[] = {
		[SR_CHOICE_NOTHING] = "nothing",	   [SR_CHOICE_LINE] = "line",
		[SR_CHOICE_DEPENDENCIES] = "dependencies", [SR_CHOICE_IMPORTS] = "imports",
		[SR_CHOICE_INTERPRETER] = "interpreter",   [SR_CHOICE_VENV] = "venv",
	};

	return names[by];
}

static bool is_missing(const struct which *w, const struct sr_predict *p, const char *name)
{
	return !p->speaks[w->c.language] || !import_is_in(w->c.language, name, &p->have[w->c.language]);
}

static size_t words_of(const struct sr_predict *p)
{
	size_t n = 0;

	for (size_t i = 0; i < SR_SCRIPT_LANGUAGES; i++)
		n += p->have[i].count;
	return n;
}

/* The definition to build: of those that have all, the one that brings least else. */
static const struct sr_predict *to_build(const struct which *w)
{
	const struct sr_predict *best = NULL;

	for (size_t i = 0; w->c.wants && i < w->defined.count; i++) {
		const struct sr_predict *p = &w->defined.items[i];

		if (choice_has_all(&w->c, p) && !predicts_find(&w->c.built, p->name) && (!best || words_of(p) < words_of(best)))
			best = p;
	}
	return best;
}

/* ---- text ------------------------------------------------------------------------------------------------------------- */

static const char *meaning(enum sr_import_kind k)
{
	static const char *const texts[] = {
		[SR_IMPORT_WANTED] = "wanted",
		[SR_IMPORT_OPTIONAL] = "passed over: the script does without it",
		[SR_IMPORT_TYPING] = "passed over: never imported at run time",
		[SR_IMPORT_STANDARD] = "passed over: it comes with the language",
		[SR_IMPORT_LOCAL] = "passed over: it lies beside the script",
	};

	return texts[k];
}

static void print_found(const struct which *w)
{
	const struct sr_imports *f = &w->c.found;

	if (f->environment)
		(void)printf("%6u  environment=%s\n", f->environment_line, SHOWN(f->environment));
	if (f->metadata_line)
		(void)printf("%6u  PEP 723 block%s%s%s%s\n", f->metadata_line, f->metadata_problem ? ", which does not count: " : "",
			     f->metadata_problem ? f->metadata_problem : "", f->requires_python ? ", requires-python " : "",
			     f->requires_python ? SHOWN(f->requires_python) : "");
	for (size_t i = 0; i < f->dependency_count; i++)
		(void)printf("%6u  %-24s wanted, for the dependency %s\n", f->dependencies[i].line, SHOWN(f->dependencies[i].module),
			     SHOWN(f->dependencies[i].text));
	for (size_t i = 0; i < f->count; i++) {
		const struct sr_import *m = &f->items[i];
		bool block = m->kind == SR_IMPORT_WANTED && f->dependency_count > 0;

		(void)printf("%6u  %-24s %s\n", m->line, SHOWN(m->name),
			     block ? "passed over: the block says what is wanted" : meaning(m->kind));
	}
	if (f->cut)
		(void)printf("        the script is longer, or has more modules, than is looked at\n");
}

static void print_missing(const struct which *w, const struct sr_predict *p)
{
	const char *name, *before = "lacks ";

	for (size_t i = 0; (name = choice_wanted(&w->c, i, NULL)); i++) {
		if (!is_missing(w, p, name))
			continue;
		(void)printf("%s%s", before, SHOWN(name));
		before = ", ";
	}
	(void)printf("%s\n", *before == 'l' ? "has all of it" : "");
}

static void print_environments(const struct which *w, const char *title, const struct sr_predicts *all, bool built)
{
	char size[16] = "";

	for (size_t i = 0; i < all->count; i++) {
		const struct sr_predict *p = &all->items[i];

		if (!built && (predicts_find(&w->c.built, p->name) || !choice_has_all(&w->c, p)))
			continue;
		if (built && p->bytes)
			verb_size(p->bytes, size);
		(void)printf("%-11s %-20s %8s  ", title, SHOWN(p->name), built && p->bytes ? size : "");
		if (p->problem)
			(void)printf("cannot be used: %s\n", SHOWN(p->problem));
		else
			print_missing(w, p);
	}
}

static int print_text(const struct which *w)
{
	const struct sr_predict *build = to_build(w);
	const struct sr_choice *c = &w->c;

	(void)printf("%s: %s\n", SHOWN(w->script), language_name(c->language));
	print_found(w);
	if (c->wants) {
		print_environments(w, "built", &c->built, true);
		print_environments(w, "not built", &w->defined, false);
	}
	if (c->environment)
		(void)printf("choice      %s\n", c->note ? c->note : SHOWN(c->environment));
	else if (c->wants || c->by == SR_CHOICE_VENV || c->by == SR_CHOICE_LINE)
		(void)printf("choice      environment host%s%s\n", c->note ? "; " : "", c->note ? c->note : "");
	else
		(void)printf("choice      environment host: the script asks for nothing that does not come with its language\n");
	if (!c->environment && build)
		(void)printf("to build    sandrun environment build %s\n", build->name);
	return verb_flush(0);
}

/* ---- JSON ------------------------------------------------------------------------------------------------------------- */

static json_t *text_or_null(const char *s)
{
	return s && str_is_utf8(s, strlen(s)) ? json_string(s) : s ? json_string(SHOWN(s)) : json_null();
}

static json_t *imports_json(const struct sr_imports *f)
{
	json_t *all = json_array();

	for (size_t i = 0; i < f->count; i++)
		(void)json_array_append_new(all, json_pack("{s:o, s:i, s:s}", "name", text_or_null(f->items[i].name), "line",
							   (int)f->items[i].line, "kind", kind_name(f->items[i].kind)));
	return all;
}

static json_t *dependencies_json(const struct sr_imports *f)
{
	json_t *all = json_array();

	for (size_t i = 0; i < f->dependency_count; i++)
		(void)json_array_append_new(all, json_pack("{s:o, s:o, s:o, s:i}", "requirement", text_or_null(f->dependencies[i].text),
							   "name", text_or_null(f->dependencies[i].name), "module",
							   text_or_null(f->dependencies[i].module), "line",
							   (int)f->dependencies[i].line));
	return all;
}

static json_t *environments_json(const struct which *w, const struct sr_predicts *all, bool built)
{
	json_t *list = json_array();
	const char *name;

	for (size_t i = 0; i < all->count; i++) {
		const struct sr_predict *p = &all->items[i];
		json_t *missing;

		if (!built && predicts_find(&w->c.built, p->name))
			continue;
		missing = json_array();
		for (size_t n = 0; (name = choice_wanted(&w->c, n, NULL)); n++) {
			if (is_missing(w, p, name))
				(void)json_array_append_new(missing, text_or_null(name));
		}
		(void)json_array_append_new(list, json_pack("{s:s, s:o, s:o, s:b, s:o}", "name", p->name, "bytes",
							    p->bytes ? json_integer((json_int_t)p->bytes) : json_null(), "lacks",
							    missing, "speaks", p->speaks[w->c.language], "problem",
							    text_or_null(p->problem)));
	}
	return list;
}

static json_t *wanted_json(const struct sr_choice *c)
{
	json_t *all = json_array();
	const char *name;

	for (size_t i = 0; (name = choice_wanted(c, i, NULL)); i++)
		(void)json_array_append_new(all, text_or_null(name));
	return all;
}

static int print_json(const struct which *w)
{
	const struct sr_choice *c = &w->c;
	const struct sr_imports *f = &c->found;
	const struct sr_predict *build = c->environment ? NULL : to_build(w);
	json_t *o = json_pack("{s:o, s:s, s:o, s:s, s:o}", "script", text_or_null(w->script), "language", language_name(c->language),
			      "environment", c->environment ? text_or_null(c->environment) : json_string("host"), "by", by_name(c->by),
			      "note", text_or_null(c->note));

	if (!o)
		return verb_print_json(NULL, 0);
	(void)json_object_set_new(o, "wanted", wanted_json(c));
	(void)json_object_set_new(o, "imports", imports_json(f));
	(void)json_object_set_new(o, "dependencies", dependencies_json(f));
	(void)json_object_set_new(o, "requiresPython", text_or_null(f->requires_python));
	(void)json_object_set_new(o, "metadataProblem", text_or_null(f->metadata_problem));
	(void)json_object_set_new(o, "complete", json_boolean(!f->cut));
	(void)json_object_set_new(o, "built", environments_json(w, &c->built, true));
	(void)json_object_set_new(o, "defined", environments_json(w, &w->defined, false));
	(void)json_object_set_new(o, "build", build ? json_sprintf("sandrun environment build %s", build->name) : json_null());
	return verb_print_json(o, 0);
}

int environment_which(int argc, char **argv)
{
	bool json = false;
	const char *project = NULL, *lang = NULL;
	const struct verb_option options[] = { { "--json", &json, NULL, NULL },
					       { "-C", NULL, &project, NULL },
					       { "--project", NULL, &project, NULL },
					       { "--lang", NULL, &lang, NULL } };
	struct which w = { .script = NULL };
	struct sr_error err = SR_ERROR_INIT;
	int status = verb_options(&argc, argv, options, SR_ELEMENTSOF(options), 1, 1);

	if (status >= 0)
		return status;
	w.script = argv[1];
	if (choice_for_script(project, w.script, lang, &w.c, &err) < 0 || predicts_defined(&w.defined, &err) < 0)
		status = verb_fail(&err);
	else
		status = json ? print_json(&w) : print_text(&w);
	choice_done(&w.c);
	predicts_done(&w.defined);
	return status;
}
