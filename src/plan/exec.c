/* SPDX-License-Identifier: MIT */
#include "plan/exec.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "plan/interpreter.h"
#include "plan/variables.h"
#include "policy/lang.h"
#include "sys/openat2.h"

#define STAGE_SCRIPT "script"
#define STAGE_LANGUAGE "language"
#define WORK "/work"
#define SHOWN(s) str_escape((s), (char[256]){ 0 }, 256)
/* Longest single argument execve(2) takes, without its NUL: MAX_ARG_STRLEN of linux/binfmts.h. */
#define MAX_ARG_BYTES (32U * 4096U - 1U)

/* What exec_build() has at hand. */
struct build {
	const struct sr_policy *p;
	const struct sr_environment *e;
	const struct sr_langs *langs;
	struct sr_exec *x;
	struct sr_error *err;
};

/* How a script is to be started. */
struct choice {
	const struct sr_lang *lang;  /* NULL: by the shebang alone, or by itself */
	struct sr_shebang shebang;   /* program empty: none, or not used */
	char wanted[256];            /* the interpreter that --lang or the shebang names; "": the row's own */
	bool strict;                 /* `wanted` and no other */
	bool elf;
};

void exec_done(struct sr_exec *x)
{
	free(x->path);
	free(x->lang);
	free(x->script);
	free(x->script_name);
	free(x->script_path);
	free(x->entry);
	script_done(&x->read);
	strv_done(&x->argv);
	strv_done(&x->envp);
	strv_done(&x->notes);
	*x = (struct sr_exec){ .path = NULL };
}

static int oom(struct build *b)
{
	return sr_error_oom(b->err, STAGE_SCRIPT);
}

static int copy_string(struct build *b, char **to, const char *s)
{
	*to = strdup(s);
	return *to ? 0 : oom(b);
}

static int unknown_language(struct build *b, const char *name)
{
	char list[512];

	(void)sr_error_set(b->err, SR_E_LANGUAGE, EINVAL, STAGE_LANGUAGE, "cannot use language '%s': not known", SHOWN(name));
	sr_error_hint(b->err, "known are: %s", lang_list(b->langs, list, sizeof(list)));
	return -EINVAL;
}

/* --lang: a row's name, or an interpreter's with a version ("python3.11"). */
static int choose_named(struct build *b, struct choice *c)
{
	const char *name = b->p->lang;

	if (!name) { /* the parser refuses this before */
		(void)sr_error_set(b->err, SR_E_INTERNAL, EINVAL, STAGE_LANGUAGE, "cannot start code without a language");
		return -EINVAL;
	}
	c->lang = lang_by_name(b->langs, name);
	if (c->lang)
		return 0;
	c->lang = lang_by_program(b->langs, name, &c->strict);
	if (!c->lang)
		return unknown_language(b, name);
	(void)snprintf(c->wanted, sizeof(c->wanted), "%s", name);
	return 0;
}

static int bad_shebang(struct build *b, const struct sr_script *s, int why)
{
	const char *reason = why == -EILSEQ	   ? "a NUL byte" :
			     why == -ENAMETOOLONG ? "more than 255 bytes" :
			     why == -EINVAL	   ? "several words after env" :
						     "no interpreter";
	int r;

	if (why == -ENOMEM)
		return oom(b);
	r = sr_error_set(b->err, SR_E_SCRIPT, EINVAL, STAGE_SCRIPT, "cannot run %s: its '#!' line holds %s", s->shown, reason);
	if (why == -EINVAL)
		sr_error_hint(b->err, "env takes them for one name: write '#!/usr/bin/env -S NAME OPTION...'");
	else
		sr_error_hint(b->err, "write e.g. '#!/usr/bin/env python3', or name the language with --lang");
	return r;
}

/* Programs that break on it say so in a way nobody understands. */
static int check_crlf(struct build *b, const struct choice *c, const struct sr_script *s)
{
	int r;

	if (!c->shebang.crlf || (c->lang && !(c->lang->flags & SR_LANG_SHELL)))
		return 0;
	r = sr_error_set(b->err, SR_E_SCRIPT, EINVAL, STAGE_SCRIPT,
			 "cannot run %s: its lines end in carriage return and line feed, which %s does not read", s->shown,
			 SHOWN(c->shebang.program));
	sr_error_hint(b->err, "convert it: sed -i 's/\\r$//' FILE");
	return r;
}

/* 1: the shebang decides, 0: there is none. */
static int choose_shebang(struct build *b, const struct sr_script *s, struct choice *c)
{
	const char *slash;
	int r;

	if (script_has_bom_shebang(s)) {
		r = sr_error_set(b->err, SR_E_SCRIPT, EINVAL, STAGE_SCRIPT,
				 "cannot run %s: a byte order mark stands before its '#!'", s->shown);
		sr_error_hint(b->err, "remove it: sed -i '1s/^\\xef\\xbb\\xbf//' FILE; or name the language with --lang");
		return r;
	}
	r = shebang_parse(s->data, s->len, &c->shebang);
	if (r < 0)
		return bad_shebang(b, s, r);
	if (r == 0)
		return 0;
	slash = strrchr(c->shebang.program, '/');
	c->lang = lang_by_program(b->langs, slash ? slash + 1 : c->shebang.program, &c->strict);
	(void)snprintf(c->wanted, sizeof(c->wanted), "%s", c->shebang.program);
	r = check_crlf(b, c, s);
	return r < 0 ? r : 1;
}

static int choose(struct build *b, const struct sr_script *s, const char *file_name, struct choice *c)
{
	int r;

	if (b->p->lang)
		return choose_named(b, c);
	r = choose_shebang(b, s, c);
	if (r != 0)
		return r < 0 ? r : 0;
	c->elf = script_is_elf(s);
	if (c->elf)
		return 0;
	c->lang = lang_by_extension(b->langs, file_name);
	if (c->lang)
		return 0;
	r = sr_error_set(b->err, SR_E_LANGUAGE, EINVAL, STAGE_LANGUAGE,
			 "cannot tell the language of %s: no '#!' line and no extension that is known", s->shown);
	sr_error_hint(b->err, "name it: sandrun --lang LANG %s", SHOWN(b->p->operands.items[0]));
	return r;
}

/*
 * .venv/bin/python of the project: where it leads. Only the last component's links are followed by hand: within bin, or an
 * absolute path, which then must be a program of the environment. True: it will work inside.
 */
static bool venv_works(const struct build *b, int bin_fd)
{
	char name[PATH_MAX] = "python";

	for (int hops = 0; hops < 8; hops++) {
		char target[PATH_MAX];
		ssize_t n = readlinkat(bin_fd, name, target, sizeof(target) - 1);
		SR_AUTOFREE char *found = NULL;
		struct stat st;

		if (n < 0)
			return errno == EINVAL && fstatat(bin_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
			       S_ISREG(st.st_mode) && (st.st_mode & 0111);
		target[n] = '\0';
		if (*target == '/')
			return environment_find_program(b->e, target, &found) == 0;
		if (strchr(target, '/'))
			return false;
		memcpy(name, target, (size_t)n + 1);
	}
	return false;
}

/* 1 with the interpreter's path: the project's virtual environment is used. 0: there is none, or a note says why not. */
static int find_venv(struct build *b, char **ret_path)
{
	SR_AUTOCLOSE int project = -1;
	SR_AUTOCLOSE int cfg = -1;
	SR_AUTOCLOSE int bin = -1;

	if (!b->p->project_dir)
		return 0;
	project = open(b->p->project_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	cfg = project < 0 ? -1 : sys_open_beneath(project, ".venv/pyvenv.cfg", O_PATH, 0);
	bin = cfg < 0 ? -1 : sys_open_beneath(project, ".venv/bin", O_RDONLY | O_DIRECTORY, 0);
	if (bin < 0)
		return 0;
	if (!venv_works(b, bin)) {
		if (strv_add(&b->x->notes, "the project's .venv is not used: its python is not in the environment") < 0)
			return oom(b);
		return 0;
	}
	*ret_path = strdup(WORK "/.venv/bin/python");
	return *ret_path ? 1 : oom(b);
}

static int find_program_of(struct build *b, const struct choice *c, char **ret_path, struct sr_strv *flags)
{
	if ((c->lang->flags & SR_LANG_PYTHON) && !c->strict) {
		int r = find_venv(b, ret_path);

		if (r != 0)
			return r < 0 ? r : 0;
	}
	return interpreter_find(b->p, b->e, c->lang, *c->wanted ? c->wanted : NULL, c->strict, ret_path, flags, b->err);
}

/* An interpreter that cannot have memory for its compiler is told so, or it would end at its first hot function. */
static int add_no_jit(struct build *b, const struct sr_lang *l, struct sr_strv *flags)
{
	const char *words = l->no_jit;
	char word[64], note[160];

	if (!words || !policy_lacks_group(b->p, "@write-exec"))
		return 0;
	while (lang_next_word(&words, word, sizeof(word))) {
		if (strv_add(flags, word) < 0)
			return oom(b);
	}
	(void)snprintf(note, sizeof(note), "%s runs without its just-in-time compiler: the profile has no @write-exec", l->name);
	return strv_add(&b->x->notes, note) < 0 ? oom(b) : 0;
}

/* Sets argv and path from a template of the row. */
static int start_language(struct build *b, const struct choice *c, const char *template, const char *file,
			  const struct sr_strv *args)
{
	struct sr_lang_start start = { .file = file, .code = b->p->code, .args = args };
	struct sr_strv flags = { 0 };
	SR_AUTOFREE char *program = NULL;
	int r = copy_string(b, &b->x->lang, c->lang->name);

	if (r == 0)
		r = find_program_of(b, c, &program, &flags);
	if (r == 0)
		r = add_no_jit(b, c->lang, &flags);
	for (size_t i = 0; r == 0 && i < c->shebang.args.count; i++)
		r = strv_add(&flags, c->shebang.args.items[i]) < 0 ? oom(b) : 0;
	if (r == 0) {
		start.program = program;
		start.flags = &flags;
		r = lang_argv(c->lang, template, &start, &b->x->argv) < 0 ? oom(b) : 0;
	}
	strv_done(&flags);
	if (r != 0)
		return r;
	if (str_has_prefix(template, "%i"))
		return copy_string(b, &b->x->path, program);
	return program_find(b->p, b->e, b->x->argv.items[0], &b->x->path, b->err);
}

/* An interpreter that no row knows: as the kernel starts it, path, the one argument, script. */
static int start_shebang(struct build *b, const struct choice *c, const char *file, const struct sr_strv *args)
{
	int r = program_find(b->p, b->e, c->shebang.program, &b->x->path, b->err);

	if (r == -ENOENT) {
		sr_error_set_status(b->err, 127, SR_E_EXEC_NOT_FOUND, ENOENT, STAGE_SCRIPT,
				    "cannot run '%s': its interpreter '%s' is not found in the environment '%s'",
				    SHOWN(b->p->operands.items[0]), SHOWN(c->shebang.program), SHOWN(b->e->name));
		sr_error_hint(b->err, "name another with --lang, give an environment that has it with -E, or show it with --bind");
	}
	if (r < 0)
		return r;
	if (strv_add(&b->x->argv, c->shebang.program) < 0)
		return oom(b);
	for (size_t i = 0; i < c->shebang.args.count; i++) {
		if (strv_add(&b->x->argv, c->shebang.args.items[i]) < 0)
			return oom(b);
	}
	if (strv_add(&b->x->argv, file) < 0)
		return oom(b);
	for (size_t i = 0; i < args->count; i++) {
		if (strv_add(&b->x->argv, args->items[i]) < 0)
			return oom(b);
	}
	return 0;
}

/* A compiled program: it is the file itself. */
static int start_elf(struct build *b, const struct sr_script *s, const char *file, const struct sr_strv *args)
{
	if (b->x->entry && !(s->mode & 0111)) { /* a lone script is made executable; a project's file keeps its mode */
		int r = sr_error_set_status(b->err, 126, SR_E_EXEC_DENIED, EACCES, STAGE_SCRIPT,
					    "cannot run %s: it is a program without execute permission", s->shown);

		sr_error_hint(b->err, "chmod +x %s", SHOWN(b->x->entry));
		return r;
	}
	if (copy_string(b, &b->x->path, file) < 0)
		return -ENOMEM;
	if (strv_add(&b->x->argv, file) < 0)
		return oom(b);
	for (size_t i = 0; i < args->count; i++) {
		if (strv_add(&b->x->argv, args->items[i]) < 0)
			return oom(b);
	}
	return 0;
}

/* Whether the text may be what it is for this way of starting it. */
static int check_content(struct build *b, const struct choice *c, const struct sr_script *s)
{
	if (c->elf || (c->lang && (c->lang->flags & SR_LANG_BINARY)))
		return 0;
	return script_check_text(s, !c->lang || (c->lang->flags & SR_LANG_PYTHON), b->err);
}

static int start_file(struct build *b, const struct sr_script *s, const char *file, const struct sr_strv *args)
{
	struct choice c = { .lang = NULL };
	int r = choose(b, s, file, &c);

	if (r == 0)
		r = check_content(b, &c, s);
	if (r == 0) {
		if (c.elf)
			r = start_elf(b, s, file, args);
		else if (c.lang)
			r = start_language(b, &c, c.lang->file, file, args);
		else
			r = start_shebang(b, &c, file, args);
	}
	shebang_done(&c.shebang);
	return r;
}

/* The operands behind the script. */
static struct sr_strv after_script(const struct sr_policy *p)
{
	return (struct sr_strv){ .items = p->operands.items + 1, .count = p->operands.count - 1 };
}

/* A missing script that bears a program's name, or is named from the wrong folder. */
static void hint_missing(struct build *b, const char *operand)
{
	SR_AUTOFREE char *program = NULL;
	struct stat st;

	if (b->p->project_dir) {
		if (stat(operand, &st) == 0)
			sr_error_hint(b->err, "name the script as seen from the project folder '%s'", SHOWN(b->p->project_dir));
		return;
	}
	if (!strchr(operand, '/') && environment_find_program(b->e, operand, &program) == 0)
		sr_error_hint(b->err, "to run the program of that name: sandrun -- %s", SHOWN(operand));
}

static int read_script(struct build *b, int project_fd, const char *path, struct sr_script *s)
{
	int r;

	if (b->x->read.data) {
		*s = b->x->read;
		b->x->read = (struct sr_script){ .data = NULL };
		return 0;
	}
	r = script_read(project_fd, path, s, b->err);
	if (r == -ENOENT)
		hint_missing(b, b->p->operands.items[0]);
	return r;
}

static int build_project_script(struct build *b, struct sr_script *s)
{
	const char *dir = b->p->project_dir;
	struct sr_strv args = after_script(b->p);
	SR_AUTOFREE char *file = NULL;
	SR_AUTOCLOSE int fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int r;

	if (fd < 0) {
		r = sr_error_set(b->err, SR_E_PROJECT, errno, "project", "cannot open project folder '%s': %s", SHOWN(dir),
				 errno == ENOTDIR ? "not a folder" : strerror(errno));
		sr_error_hint(b->err, "-C takes a folder: sandrun -C DIR SCRIPT");
		return r;
	}
	r = script_entry(dir, b->p->operands.items[0], &b->x->entry, b->err);
	if (r == 0)
		r = read_script(b, fd, b->x->entry, s);
	if (r < 0)
		return r;
	file = str_format(WORK "/%s", b->x->entry);
	return file ? start_file(b, s, file, &args) : oom(b);
}

/* Moves the program's bytes to where the run finds them. */
static void keep_script(struct build *b, struct sr_script *s)
{
	b->x->script = SR_TAKE_PTR(s->data);
	b->x->script_len = s->len;
}

static int build_lone_script(struct build *b, struct sr_script *s)
{
	const char *path = b->p->operands.items[0];
	const char *slash = strrchr(path, '/');
	struct sr_strv args = after_script(b->p);
	SR_AUTOFREE char *file = str_format(WORK "/%s", slash ? slash + 1 : path);
	int r;

	if (!file)
		return oom(b);
	r = read_script(b, -1, path, s);
	if (r == 0)
		r = start_file(b, s, file, &args);
	if (r == 0)
		r = copy_string(b, &b->x->script_name, file + strlen(WORK "/"));
	if (r == 0)
		r = copy_string(b, &b->x->script_path, path);
	if (r == 0)
		keep_script(b, s);
	return r;
}

static int build_script(struct build *b)
{
	struct sr_script s = { .data = NULL };
	int r = b->p->project_dir ? build_project_script(b, &s) : build_lone_script(b, &s);

	script_done(&s);
	return r;
}

/* The program of -c or of standard input where the interpreter needs a file: /work/code.c and the like. */
static int start_kept(struct build *b, const struct choice *c, const char *stem)
{
	const char *extensions = c->lang->extensions;
	SR_AUTOFREE char *file = NULL;
	char extension[64];
	bool has = lang_next_word(&extensions, extension, sizeof(extension));

	file = str_format(WORK "/%s%s%s", stem, has ? "." : "", has ? extension : "");
	if (!file)
		return oom(b);
	if (copy_string(b, &b->x->script_name, file + strlen(WORK "/")) < 0)
		return -ENOMEM;
	return start_language(b, c, c->lang->file, file, &b->p->operands);
}

static int build_code(struct build *b)
{
	struct choice c = { .lang = NULL };
	const char *code = b->p->code;
	size_t len = strlen(code);
	int r = choose_named(b, &c);

	if (r < 0)
		return r;
	if (len == 0) {
		r = sr_error_set(b->err, SR_E_SCRIPT, EINVAL, STAGE_SCRIPT, "cannot run the code of -c: the program is empty");
		sr_error_hint(b->err, "write -c 'CODE'; quotes keep the shell's hands off it");
		return r;
	}
	if (c.lang->code && len <= MAX_ARG_BYTES)
		return start_language(b, &c, c.lang->code, NULL, &b->p->operands);
	r = copy_string(b, &b->x->script, code);
	b->x->script_len = len;
	return r < 0 ? r : start_kept(b, &c, "code");
}

static int build_stdin(struct build *b, int stdin_fd)
{
	struct choice c = { .lang = NULL };
	struct sr_script s = { .data = NULL };
	int r = choose_named(b, &c);

	if (r == 0 && b->x->read.data) {
		s = b->x->read;
		b->x->read = (struct sr_script){ .data = NULL };
	} else if (r == 0)
		r = script_read_fd(stdin_fd, &s, b->err);
	if (r == 0)
		r = check_content(b, &c, &s);
	if (r == 0) {
		keep_script(b, &s);
		r = c.lang->input ? start_language(b, &c, c.lang->input, NULL, &b->p->operands) :
				    start_kept(b, &c, "stdin");
	}
	script_done(&s);
	return r;
}

static int build_repl(struct build *b)
{
	struct choice c = { .lang = NULL };
	int r = choose_named(b, &c);

	if (r < 0)
		return r;
	if (c.lang->repl)
		return start_language(b, &c, c.lang->repl, NULL, &b->p->operands);
	r = sr_error_set(b->err, SR_E_LANGUAGE, EINVAL, STAGE_LANGUAGE, "cannot start a prompt of %s: it has none",
			 SHOWN(c.lang->name));
	sr_error_hint(b->err, "give a script: sandrun --lang %s SCRIPT; or '-' to type the program", SHOWN(c.lang->name));
	return r;
}

static int build_command(struct build *b)
{
	for (size_t i = 0; i < b->p->operands.count; i++) {
		if (strv_add(&b->x->argv, b->p->operands.items[i]) < 0)
			return oom(b);
	}
	return program_find(b->p, b->e, b->p->operands.items[0], &b->x->path, b->err);
}

static int build_form(struct build *b, int stdin_fd)
{
	switch (b->p->form) {
	case SR_FORM_SCRIPT:
		return build_script(b);
	case SR_FORM_STDIN:
		return build_stdin(b, stdin_fd);
	case SR_FORM_CODE:
		return build_code(b);
	case SR_FORM_REPL:
		return build_repl(b);
	case SR_FORM_COMMAND:
		return build_command(b);
	}
	return sr_error_set(b->err, SR_E_INTERNAL, EINVAL, STAGE_SCRIPT, "cannot tell the form of the run");
}

/* node is started by other programs too: by npm, by a command line, by itself. --setenv says something else. */
static int add_node_options(struct build *b)
{
	static const char jitless[] = "NODE_OPTIONS=--jitless";

	if (!policy_lacks_group(b->p, "@write-exec"))
		return 0;
	for (size_t i = 0; i < b->p->setenv.count; i++) {
		if (str_has_prefix(b->p->setenv.items[i], "NODE_OPTIONS="))
			return 0;
	}
	return variables_set(&b->x->envp, jitless) < 0 ? oom(b) : 0;
}

/* Whether --setenv says something of the variable. */
static bool is_set(const struct sr_policy *p, const char *assignment)
{
	size_t len = strcspn(assignment, "=") + 1;

	for (size_t i = 0; i < p->setenv.count; i++) {
		if (strncmp(p->setenv.items[i], assignment, len) == 0)
			return true;
	}
	return false;
}

static int build_variables(struct build *b)
{
	const struct sr_lang *l = b->x->lang ? lang_by_name(b->langs, b->x->lang) : NULL;
	bool venv = b->x->path && strcmp(b->x->path, WORK "/.venv/bin/python") == 0;
	const char *words = venv ? "VIRTUAL_ENV=" WORK "/.venv PATH=" WORK "/.venv/bin:" SR_INSIDE_PATH :
			    l	 ? l->variables :
				   NULL;

	if (variables_build(environ, words, &b->p->setenv, &b->x->envp) < 0)
		return oom(b);
	for (size_t i = 0; i < b->e->variables.count; i++) {
		if (!is_set(b->p, b->e->variables.items[i]) && variables_set(&b->x->envp, b->e->variables.items[i]) < 0)
			return oom(b);
	}
	if (b->p->build_layer && (variables_set(&b->x->envp, "USER=root") < 0 || variables_set(&b->x->envp, "LOGNAME=root") < 0))
		return oom(b);
	return add_node_options(b);
}

int exec_build(const struct sr_policy *p, const struct sr_environment *e, int stdin_fd, struct sr_exec *ret,
	       struct sr_error *err)
{
	struct sr_langs langs = { 0 };
	struct build b = { .p = p, .e = e, .langs = &langs, .x = ret, .err = err };
	int r = p->form == SR_FORM_COMMAND ? 0 : langs_load(&langs, err);

	if (r == 0)
		r = build_form(&b, stdin_fd);
	if (r == 0)
		r = build_variables(&b);
	langs_done(&langs);
	if (r < 0)
		exec_done(ret);
	return r;
}
