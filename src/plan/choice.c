/* SPDX-License-Identifier: MIT */
#include "plan/choice.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "plan/interpreter.h"
#include "plan/script.h"
#include "policy/lang.h"
#include "sys/openat2.h"

#define STAGE "environment"
#define LIST_BYTES 80 /* of names in a note */

void choice_done(struct sr_choice *c)
{
	imports_done(&c->found);
	predicts_done(&c->built);
	free(c->environment);
	free(c->wanted);
	free(c->note);
	*c = (struct sr_choice){ .environment = NULL };
}

/* ---- what is wanted -------------------------------------------------------------------------------------------------- */

/* A block that names something says it all; the imports are looked at where it names nothing. */
static bool by_dependencies(const struct sr_choice *c)
{
	return c->found.dependency_count > 0;
}

const char *choice_wanted(const struct sr_choice *c, size_t i, unsigned *ret_line)
{
	for (size_t n = 0; by_dependencies(c) && n < c->found.dependency_count; n++) {
		if (i-- > 0)
			continue;
		if (ret_line)
			*ret_line = c->found.dependencies[n].line;
		return c->found.dependencies[n].module;
	}
	for (size_t n = 0; !by_dependencies(c) && n < c->found.count; n++) {
		const struct sr_import *m = &c->found.items[n];

		if (m->kind != SR_IMPORT_WANTED || i-- > 0)
			continue;
		if (ret_line)
			*ret_line = m->line;
		return m->name;
	}
	return NULL;
}

bool choice_has_all(const struct sr_choice *c, const struct sr_predict *p)
{
	const char *name;

	if (p->problem || !p->speaks[c->language])
		return false;
	for (size_t i = 0; (name = choice_wanted(c, i, NULL)); i++) {
		if (!import_is_in(c->language, name, &p->have[c->language]))
			return false;
	}
	return true;
}

/* "numpy, pandas, ..." */
static int list_wanted(struct sr_choice *c)
{
	char list[LIST_BYTES], shown[160];
	const char *name;
	size_t len = 0;

	for (size_t i = 0; (name = choice_wanted(c, i, NULL)); i++) {
		int n;

		if (len + strlen(str_escape(name, shown, sizeof(shown))) + 8 > sizeof(list)) {
			(void)snprintf(list + len, sizeof(list) - len, ", ...");
			break;
		}
		n = snprintf(list + len, sizeof(list) - len, "%s%s", i ? ", " : "", shown);
		len += n > 0 ? (size_t)n : 0;
	}
	c->wants = len > 0;
	if (!c->wants)
		return 0;
	c->wanted = strdup(list);
	return c->wanted ? 0 : -ENOMEM;
}

/* ---- what lies beside the script -------------------------------------------------------------------------------------- */

static bool is_there(const int folders[2], const char *path)
{
	for (size_t i = 0; i < 2; i++) {
		SR_AUTOCLOSE int fd = folders[i] < 0 ? -1 : sys_open_in_root(folders[i], path, O_PATH);

		if (fd >= 0)
			return true;
	}
	return false;
}

/* An input goes to /work/NAME, where the script finds it. */
static bool is_input(const struct sr_file_args *inputs, const char *path)
{
	for (size_t i = 0; inputs && i < inputs->count; i++) {
		const struct sr_file_arg *a = &inputs->items[i];
		const char *name = a->name ? a->name : a->path, *slash = strrchr(name, '/');

		name = slash && !a->name ? slash + 1 : name;
		if (strcmp(name, path) == 0)
			return true;
	}
	return false;
}

static bool is_local(const struct sr_choice_of *of, const char *name)
{
	static const char *const forms[SR_SCRIPT_LANGUAGES][4] = {
		[SR_SCRIPT_PYTHON] = { "%s.py", "%s", "%s.so" },
		[SR_SCRIPT_JAVASCRIPT] = { "node_modules/%s" },
		[SR_SCRIPT_RUBY] = { "%s.rb", "lib/%s.rb" },
	};

	for (size_t i = 0; i < 4 && forms[of->language][i]; i++) {
		SR_AUTOFREE char *path = NULL;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		path = str_format(forms[of->language][i], name);
#pragma GCC diagnostic pop
		if (path && (is_there(of->folders, path) || is_input(of->inputs, path)))
			return true;
	}
	return false;
}

static void mark_local(const struct sr_choice_of *of, struct sr_imports *found)
{
	for (size_t i = 0; i < found->count; i++) {
		struct sr_import *m = &found->items[i];

		if ((m->kind == SR_IMPORT_WANTED || m->kind == SR_IMPORT_OPTIONAL) && is_local(of, m->name))
			m->kind = SR_IMPORT_LOCAL;
	}
}

/* ---- the choice ------------------------------------------------------------------------------------------------------- */

static int note(struct sr_choice *c, char *text)
{
	c->note = text;
	return text ? 0 : -ENOMEM;
}

static int take(struct sr_choice *c, enum sr_choice_by by, const char *name)
{
	c->by = by;
	c->environment = strdup(name);
	return c->environment ? 0 : -ENOMEM;
}

static int take_line(struct sr_choice *c)
{
	char shown[160];
	int r = 0;

	if (strcmp(c->found.environment, "host") != 0)
		r = take(c, SR_CHOICE_LINE, c->found.environment);
	c->by = SR_CHOICE_LINE;
	return r < 0 ? r : note(c, str_format("environment %s: line %u of the script asks for it",
					      str_escape(c->found.environment, shown, sizeof(shown)), c->found.environment_line));
}

static const struct sr_predict *smallest(const struct sr_choice *c)
{
	const struct sr_predict *best = NULL;

	for (size_t i = 0; i < c->built.count; i++) {
		const struct sr_predict *p = &c->built.items[i];

		if (choice_has_all(c, p) && (!best || p->bytes < best->bytes))
			best = p;
	}
	return best;
}

/* Whether this machine has an interpreter of that language. */
static bool host_speaks(const char *lang_name)
{
	const struct sr_lang *l = lang_by_name(NULL, lang_name);
	struct sr_environment host = SR_ENVIRONMENT_INIT;
	const char *words = l ? l->programs : NULL;
	char word[64];
	bool found = !l || environment_open(NULL, &host, NULL) < 0; /* unknown: nothing is said against it */

	while (!found && words && lang_next_word(&words, word, sizeof(word))) {
		SR_AUTOFREE char *path = NULL;

		word[strcspn(word, ",")] = '\0';
		found = environment_find_program(&host, word, &path) == 0;
	}
	environment_done(&host);
	return found;
}

static int choose_wanted(struct sr_choice *c)
{
	const struct sr_predict *p = smallest(c);
	const char *what = by_dependencies(c) ? "depends on" : "imports";
	int r;

	if (!p)
		return note(c, str_format("no built environment has all that the script %s: %s", what, c->wanted));
	r = take(c, by_dependencies(c) ? SR_CHOICE_DEPENDENCIES : SR_CHOICE_IMPORTS, p->name);
	return r < 0 ? r : note(c, str_format("environment %s has what the script %s: %s", p->name, what, c->wanted));
}

/* Nothing is wanted; `host` is right where it can run the language at all. */
static int choose_interpreter(const struct sr_choice_of *of, struct sr_choice *c)
{
	const struct sr_predict *p = smallest(c);
	int r;

	if (!p)
		return 0;
	r = take(c, SR_CHOICE_INTERPRETER, p->name);
	return r < 0 ? r : note(c, str_format("environment %s: it has %s, which this machine has not", p->name, of->lang_name));
}

static bool has_venv(const struct sr_choice_of *of)
{
	return of->language == SR_SCRIPT_PYTHON && is_there(of->folders, ".venv/pyvenv.cfg");
}

static int choose(const struct sr_choice_of *of, struct sr_choice *c)
{
	int r;

	if (c->found.environment)
		return take_line(c);
	if (of->language == SR_SCRIPT_OTHER)
		return 0;
	r = list_wanted(c);
	if (r < 0 || !c->stored || (!c->wants && host_speaks(of->lang_name)))
		return r;
	if (!c->built.count && predicts_built(&c->built, NULL) < 0)
		return -ENOMEM;
	if (has_venv(of)) {
		c->by = SR_CHOICE_VENV;
		return note(c, strdup("environment host: the project's .venv was made for it"));
	}
	return c->wants ? choose_wanted(c) : choose_interpreter(of, c);
}

int choice_make(const struct sr_choice_of *of, struct sr_choice *ret, struct sr_error *err)
{
	int r = imports_read(of->language, of->data, of->len, &ret->found);

	ret->language = of->language;
	if (r == 0 && !ret->named) {
		mark_local(of, &ret->found);
		r = choose(of, ret);
	}
	return r < 0 ? sr_error_oom(err, STAGE) : 0;
}

/* ---- for a run -------------------------------------------------------------------------------------------------------- */

/* The row of the script's language, as exec_build() will find it, or NULL. */
static const struct sr_lang *language_of(const struct sr_langs *langs, const char *lang, const char *path, const struct sr_script *s)
{
	const struct sr_lang *l = NULL;
	struct sr_shebang shebang = { .env = false };
	const char *slash;
	bool versioned;

	if (lang) {
		l = lang_by_name(langs, lang);
		return l ? l : lang_by_program(langs, lang, &versioned);
	}
	if (shebang_parse(s->data, s->len, &shebang) > 0) {
		slash = strrchr(shebang.program, '/');
		l = lang_by_program(langs, slash ? slash + 1 : shebang.program, &versioned);
	} else if (path)
		l = lang_by_extension(langs, path);
	shebang_done(&shebang);
	return l;
}

static int open_folder(const char *path)
{
	return open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/* The folder that a path lies in. */
static int open_parent(int project_fd, const char *path)
{
	const char *slash = strrchr(path, '/');
	SR_AUTOFREE char *dir = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");

	if (!dir)
		return -1;
	return project_fd >= 0 ? sys_open_in_root(project_fd, dir, O_PATH | O_DIRECTORY) : open_folder(dir);
}

/* Of a script whose text is here. */
static int choose_text(const char *project_dir, const char *path, const char *lang, const struct sr_file_args *inputs,
		       const struct sr_script *s, struct sr_choice *ret, struct sr_error *err)
{
	SR_AUTOCLOSE int project = project_dir ? open_folder(project_dir) : -1;
	SR_AUTOCLOSE int parent = path ? open_parent(project, path) : -1;
	struct sr_error ignored = SR_ERROR_INIT;
	struct sr_langs langs = { 0 };
	const struct sr_lang *l;
	struct sr_choice_of of = { .data = s->data, .len = s->len, .folders = { parent, project }, .inputs = inputs };
	int r = 0;

	if (langs_load(&langs, &ignored) == 0) { /* else exec_build() meets the same, and says so */
		l = language_of(&langs, lang, path, s);
		of.lang_name = l ? l->name : NULL;
		of.language = script_language(of.lang_name);
		r = choice_make(&of, ret, err);
	}
	langs_done(&langs);
	return r;
}

/* Where nothing is built, a line that names an environment is all that counts, and no more is asked of the system. */
static int choose_for_run(const struct sr_policy *p, const char *path, const struct sr_script *s, struct sr_choice *ret,
			  struct sr_error *err)
{
	struct sr_choice_of plain = { .data = s->data, .len = s->len, .folders = { -1, -1 } };
	int r = ret->stored || p->install ? choose_text(p->project_dir, path, p->lang, &p->inputs, s, ret, err) : choice_make(&plain, ret, err);

	if (r < 0 || !ret->note || !policy_is_script_private(p))
		return r;
	free(ret->note); /* what a private program imports is its own */
	ret->note = str_format("environment %s: chosen by the program's text", ret->environment ? ret->environment : "host");
	return ret->note ? 0 : sr_error_oom(err, STAGE);
}

/* What cannot be read now is for exec_build() to refuse, in its words. */
static int read_script(const char *project_dir, const char *operand, struct sr_script *s, char **ret_path)
{
	SR_AUTOCLOSE int project = -1;
	SR_AUTOFREE char *path = NULL;
	int r;

	if (!project_dir) {
		r = script_read(-1, operand, s, NULL);
		path = r == 0 ? strdup(operand) : NULL;
	} else {
		project = open_folder(project_dir);
		r = project < 0 ? -errno : script_entry(project_dir, operand, &path, NULL);
		if (r == 0)
			r = script_read(project, path, s, NULL);
	}
	*ret_path = SR_TAKE_PTR(path);
	return r == 0 && !*ret_path ? -ENOMEM : r;
}

static int of_code(const struct sr_policy *p, struct sr_choice *ret, struct sr_error *err)
{
	struct sr_script s = { .data = p->code, .len = strlen(p->code) };

	return choose_for_run(p, NULL, &s, ret, err);
}

int choice_for_run(const struct sr_policy *p, int stdin_fd, struct sr_exec *x, struct sr_choice *ret, struct sr_error *err)
{
	SR_AUTOFREE char *path = NULL;
	int r;

	ret->asked = true;
	ret->named = p->environment || p->no_predict;
	if ((ret->named && !p->install) || p->build_layer || p->form == SR_FORM_COMMAND || p->form == SR_FORM_REPL)
		return 0;
	ret->stored = !ret->named && predicts_exist();
	if (p->form == SR_FORM_CODE)
		return p->code && p->lang ? of_code(p, ret, err) : 0;
	if (p->form == SR_FORM_STDIN) {
		r = script_read_fd(stdin_fd, &x->read, err);
		return r < 0 ? r : choose_for_run(p, NULL, &x->read, ret, err);
	}
	if (!p->operands.count || read_script(p->project_dir, p->operands.items[0], &x->read, &path) < 0)
		return 0;
	return choose_for_run(p, path, &x->read, ret, err);
}

int choice_for_script(const char *project_dir, const char *path, const char *lang, struct sr_choice *ret, struct sr_error *err)
{
	SR_AUTOCLOSE int project = project_dir ? open_folder(project_dir) : -1;
	SR_AUTOFREE char *entry = NULL;
	struct sr_script s = { .data = NULL };
	int r = predicts_built(&ret->built, err);

	ret->stored = true;
	if (r == 0 && project_dir && project < 0)
		return sr_error_set(err, SR_E_PROJECT, errno, "project", "cannot open project folder '%s': %s",
				    str_escape(project_dir, (char[256]){ 0 }, 256), strerror(errno));
	if (r == 0 && project_dir)
		r = script_entry(project_dir, path, &entry, err);
	if (r == 0)
		r = script_read(project, entry ? entry : path, &s, err);
	if (r == 0)
		r = choose_text(project_dir, entry ? entry : path, lang, NULL, &s, ret, err);
	script_done(&s);
	return r;
}
