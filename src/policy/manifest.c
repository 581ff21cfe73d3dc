/* SPDX-License-Identifier: MIT */
#include "policy/manifest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/io.h"
#include "policy/ini-read.h"
#include "policy/limit.h"
#include "policy/options.h"
#include "sys/openat2.h"

#define STAGE "manifest"
#define SHOWN(s) str_escape((s), (char[160]){ 0 }, 160)

void manifest_done(struct sr_manifest *m)
{
	struct sr_manifest_text *texts[] = { &m->entrypoint, &m->language, &m->environment, &m->profile };
	struct sr_strv *lists[] = { &m->args.words,   &m->inputs.words, &m->outputs.words,
				    &m->setenv.words, &m->used,		&m->unused };

	free(m->path);
	free(m->text);
	for (size_t i = 0; i < SR_ELEMENTSOF(texts); i++)
		free(texts[i]->value);
	for (size_t i = 0; i < SR_ELEMENTSOF(lists); i++)
		strv_done(lists[i]);
	*m = (struct sr_manifest){ .path = NULL };
}

/* ---- one line ------------------------------------------------------------------------------------------------------ */

static void option_text(const struct sr_option_row *o, char *out, size_t size)
{
	if (o->short_name)
		(void)snprintf(out, size, "-%c", o->short_name);
	else
		(void)snprintf(out, size, "--%s", o->name);
}

/* Has the user said about that option what he wants? Then the project's wish is answered, and not an error. */
static bool is_answered(struct sr_ini *in, const char *option)
{
	const struct sr_manifest *m = in->into;

	return policy_is_given(m->user, option);
}

/* 0 when the command line has the option. A relative path means another place there than here, so it is not repeated. */
static int needs_command_line(struct sr_ini *in, const struct sr_option_row *o, const char *value)
{
	struct sr_manifest *m = in->into;
	bool is_elsewhere = strchr(value, '/') && *value != '/';
	const char *arg = !o->arg ? "" : is_elsewhere ? o->arg : str_plain_or(value, o->arg);
	char option[64];
	int e;

	if (is_answered(in, o->name))
		return strv_add(&m->unused, o->name) < 0 ? ini_oom(in) : 0;
	e = ini_refuse(in, "%s needs the command line: a project cannot give it to itself", o->name);
	option_text(o, option, sizeof(option));
	sr_error_hint(in->err, "if you trust the project: %s%s%s; or --no-manifest to ignore its sandrun.ini", option,
		      *arg ? " " : "", arg);
	return e;
}

static int take_text(struct sr_ini *in, const struct sr_ini_key *key, const char *value)
{
	struct sr_manifest_text *to = (struct sr_manifest_text *)(void *)((char *)in->into + key->id);

	if (!*value)
		return ini_no_value(in, key);
	to->line = in->line;
	to->value = strdup(value);
	return to->value ? 0 : ini_oom(in);
}

static int refuse_value(struct sr_ini *in, const struct sr_ini_key *key, const char *value, const char *why,
			const char *hint)
{
	int e = ini_refuse(in, "%s = %s: %s", key->name, SHOWN(value), why);

	sr_error_hint(in->err, "%s", hint);
	return e;
}

/* A word that names a profile or an environment of the user's: never a path, which could lead anywhere. */
static int take_name(struct sr_ini *in, const struct sr_ini_key *key, const char *value)
{
	struct sr_option_row option;

	if (strchr(value, '/') && options_find(key->name, &option))
		return needs_command_line(in, &option, value);
	if (*value == '.' || *value == '-' || strpbrk(value, " \t"))
		return refuse_value(in, key, value, "not a name", "a name starts with a letter or a digit");
	return take_text(in, key, value);
}

/* Does a path lead out of the folder it starts at, as it is written? */
static bool leads_out(const char *path)
{
	if (*path == '/' || *path == '~')
		return true;
	for (; *path; path += strspn(path, "/")) {
		size_t n = strcspn(path, "/");

		if (n == 2 && strncmp(path, "..", 2) == 0)
			return true;
		path += n;
	}
	return false;
}

static int take_entrypoint(struct sr_ini *in, const struct sr_ini_key *key, const char *value)
{
	if (leads_out(value))
		return refuse_value(in, key, value, "it is not beneath the project folder",
				    "name the program as seen from the folder of sandrun.ini: entrypoint = src/main.py");
	return take_text(in, key, value);
}

static int take_words(struct sr_ini *in, const struct sr_ini_key *key, const char *value)
{
	struct sr_manifest_list *to = (struct sr_manifest_list *)(void *)((char *)in->into + key->id);

	if (!to->line)
		to->line = in->line;
	return ini_take_words(in, key, value, &to->words);
}

static void drop_word(struct sr_strv *v, size_t at)
{
	free(v->items[at]);
	memmove(&v->items[at], &v->items[at + 1], (v->count - at) * sizeof(*v->items)); /* with the NULL at the end */
	v->count--;
}

/* Words of which some may need an option of the command line; with that option given they are left out. */
static int take_checked(struct sr_ini *in, const struct sr_ini_key *key, const char *value, const char *option,
			const char *(*check)(const char *word))
{
	struct sr_manifest_list *to = (struct sr_manifest_list *)(void *)((char *)in->into + key->id);
	size_t i = to->words.count;
	int r = take_words(in, key, value);

	while (r == 0 && i < to->words.count) {
		const char *word = to->words.items[i], *why = check(word);
		struct sr_option_row o;
		char spelled[64];

		if (!why) {
			i++;
			continue;
		}
		if (is_answered(in, option) || !options_find(option, &o)) {
			drop_word(&to->words, i);
			continue;
		}
		r = ini_refuse(in, "%s = %s needs the command line: %s", key->name, SHOWN(word), why);
		option_text(&o, spelled, sizeof(spelled));
		sr_error_hint(in->err, "if you trust the project: %s %s; or --no-manifest to ignore its sandrun.ini", spelled,
			      strchr(word, '/') && *word != '/' ? o.arg : str_plain_or(word, o.arg));
	}
	return r;
}

static const char *check_input(const char *word)
{
	return !*word ? "it is empty" : leads_out(word) ? "it is not beneath the project folder" : NULL;
}

static int take_inputs(struct sr_ini *in, const struct sr_ini_key *key, const char *value)
{
	return take_checked(in, key, value, "input", check_input);
}

/* What comes out lands in a folder of the user's, where names with a dot are settings of other programs. */
static const char *check_output(const char *word)
{
	if (!*word || leads_out(word))
		return !*word ? "it is empty" : "it is not beneath the project folder";
	for (; *word; word += strspn(word, "/")) {
		size_t n = strcspn(word, "/");

		if (*word == '.' && n > 1)
			return "names that start with a dot come out only where you ask for them";
		word += n;
	}
	return NULL;
}

static int take_outputs(struct sr_ini *in, const struct sr_ini_key *key, const char *value)
{
	return take_checked(in, key, value, "output", check_output);
}

/* What the sandbox itself sets, what the loader obeys before any program, and what would be the caller's own value. */
static const char *check_variable(const char *word)
{
	static const char *const own[] = { "PATH", "HOME", "USER", "LOGNAME", "SHELL", "TMPDIR", "SANDRUN", "GLIBC_TUNABLES" };
	size_t len = strcspn(word, "=");

	if (!word[len])
		return "it would be the value of your own variable";
	if (len == 0 || (*word >= '0' && *word <= '9') ||
	    strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") < len)
		return "that is no variable's name";
	if (str_has_prefix(word, "LD_") || str_has_prefix(word, "SANDRUN_"))
		return "it changes how every program is loaded or seen";
	for (size_t i = 0; i < SR_ELEMENTSOF(own); i++) {
		if (strlen(own[i]) == len && strncmp(own[i], word, len) == 0)
			return "sandrun sets it itself";
	}
	return NULL;
}

static int take_setenv(struct sr_ini *in, const struct sr_ini_key *key, const char *value)
{
	return take_checked(in, key, value, "setenv", check_variable);
}

static int take_strict(struct sr_ini *in, const struct sr_ini_key *key, const char *value)
{
	struct sr_manifest *m = in->into;

	m->strict_line = in->line;
	return ini_take_bool(in, key, value, &m->strict);
}

static int take_private_args(struct sr_ini *in, const struct sr_ini_key *key, const char *value)
{
	struct sr_manifest *m = in->into;

	m->private_args_line = in->line;
	return ini_take_bool(in, key, value, &m->private_args);
}

static int take_private_outputs(struct sr_ini *in, const struct sr_ini_key *key, const char *value)
{
	struct sr_manifest *m = in->into;

	m->private_outputs_line = in->line;
	return ini_take_bool(in, key, value, &m->private_outputs);
}

static int take_limit(struct sr_ini *in, const struct sr_ini_key *key, const char *value)
{
	struct sr_manifest *m = in->into;

	m->limits[key->id].line = in->line;
	return ini_take_limit(in, key, value, &m->limits[key->id].value);
}

#define RUN(key_name, take_fn, field, is_list)                                                     \
	{ .section = "run", .name = (key_name), .take = (take_fn), .list = (is_list),              \
	  .id = (int)offsetof(struct sr_manifest, field) }

static const struct sr_ini_key own_keys[] = {
	RUN("entrypoint", take_entrypoint, entrypoint, false),
	RUN("language", take_text, language, false),
	RUN("args", take_words, args, true),
	RUN("inputs", take_inputs, inputs, true),
	RUN("outputs", take_outputs, outputs, true),
	RUN("setenv", take_setenv, setenv, true),
	RUN("environment", take_name, environment, false),
	RUN("profile", take_name, profile, false),
	RUN("strict", take_strict, strict, false),
	RUN("private-args", take_private_args, private_args, false),
	RUN("private-outputs", take_private_outputs, private_outputs, false),
};

/* The keys above, and the limits by their options' names. Returns how many. */
static size_t all_keys(struct sr_ini_key out[static SR_INI_KEYS_MAX])
{
	size_t count = SR_ELEMENTSOF(own_keys);

	memcpy(out, own_keys, sizeof(own_keys));
	for (size_t i = 0; i < options_count() && count < SR_INI_KEYS_MAX; i++) {
		struct sr_option_row o = options_at(i);

		if (o.limit >= 0 && o.name)
			out[count++] = (struct sr_ini_key){ .section = "run", .name = o.name, .take = take_limit, .id = o.limit };
	}
	return count;
}

static int did_you_mean(struct sr_ini *in, const char *name, const char *meant)
{
	int e = ini_refuse(in, "unknown key \"%s\" in [run]", SHOWN(name));

	sr_error_hint(in->err, "did you mean %s?", meant);
	return e;
}

/* The other options' names, and the words of a profile or of the configuration. */
static int explain(struct sr_ini *in, const char *section, const char *name, const char *value)
{
	static const char *const others[][2] = { { "input", "inputs" },	     { "output", "outputs" },	{ "arg", "args" },
						 { "lang", "language" },     { "script", "entrypoint" }, { "entry", "entrypoint" },
						 { "memory.max", "memory" }, { "wall.time", "timeout" }, { "cpu.time", "cpu-time" },
						 { "pids.max", "pids" } };
	struct sr_option_row o;
	char singular[64];
	size_t len;
	int e;

	if (strcmp(section, "run") != 0) {
		e = ini_refuse(in, "unknown section [%s]", SHOWN(section));
		sr_error_hint(in->err, "a project's sandrun.ini has the one section [run]; limits stand there too: memory = 256M");
		return e;
	}
	if (!name)
		return 0;
	for (size_t i = 0; i < SR_ELEMENTSOF(others); i++) {
		if (strcmp(others[i][0], name) == 0)
			return did_you_mean(in, name, others[i][1]);
	}
	len = strlen(name);
	(void)snprintf(singular, sizeof(singular), "%.*s", (int)(len > 1 && name[len - 1] == 's' ? len - 1 : len), name);
	if (options_find(name, &o) || options_find(singular, &o)) {
		e = needs_command_line(in, &o, value);
		return e < 0 ? e : 1;
	}
	if (strcmp(name, "network") != 0)
		return 0;
	e = ini_refuse(in, "network needs the command line: a project cannot give it to itself");
	sr_error_hint(in->err, "take the line out: no run of this version has a network");
	return e;
}

/* ---- the file ------------------------------------------------------------------------------------------------------ */

static int refuse_file(const char *path, int errnum, const char *reason, struct sr_error *err)
{
	int r = sr_error_set(err, SR_E_MANIFEST, errnum, STAGE, "cannot use %s: %s", path, reason);

	sr_error_hint(err, "make it a text file of at most 64K that you can read, or ignore it: --no-manifest");
	return r;
}

static const char *kind_name(mode_t mode)
{
	return S_ISLNK(mode)  ? "it is a symbolic link" :
	       S_ISDIR(mode)  ? "it is a folder" :
	       S_ISFIFO(mode) ? "it is a FIFO" :
	       S_ISSOCK(mode) ? "it is a socket" :
				"it is a device";
}

/* What it is, is asked before it is opened, since opening can wait or act, and again of what was opened. */
static int open_file(int dir_fd, const char *path, int *ret_fd, struct sr_error *err)
{
	SR_AUTOCLOSE int probe = sys_open_beneath(dir_fd, SR_MANIFEST_NAME, O_PATH | O_NOFOLLOW, 0);
	SR_AUTOCLOSE int fd = -1;
	struct stat st;

	if (probe == -ENOENT)
		return 0;
	if (probe < 0 || fstat(probe, &st) < 0)
		return refuse_file(path, probe < 0 ? -probe : errno, strerror(probe < 0 ? -probe : errno), err);
	if (S_ISREG(st.st_mode)) {
		fd = sys_open_beneath(dir_fd, SR_MANIFEST_NAME, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0);
		if (fd < 0 || fstat(fd, &st) < 0)
			return refuse_file(path, fd < 0 ? -fd : errno, strerror(fd < 0 ? -fd : errno), err);
	}
	if (!S_ISREG(st.st_mode))
		return refuse_file(path, EINVAL, kind_name(st.st_mode), err);
	if (st.st_size > SR_INI_SIZE_MAX)
		return refuse_file(path, EFBIG, "it is larger than 64K", err);
	*ret_fd = SR_TAKE_FD(fd);
	return 1;
}

static int open_project(const struct sr_policy *p, struct sr_error *err)
{
	int fd = open(p->project_dir, O_PATH | O_DIRECTORY | O_CLOEXEC), r;

	if (fd >= 0)
		return fd;
	r = sr_error_set(err, SR_E_PROJECT, errno, "project", "cannot open project folder '%s': %s", SHOWN(p->project_dir),
			 errno == ENOTDIR ? "not a folder" : strerror(errno));
	sr_error_hint(err, "-C takes a folder: sandrun -C DIR SCRIPT");
	return r;
}

/* That it may be read and run is looked at when it is. */
static const char *find_problem(int dir_fd, const char *entry)
{
	SR_AUTOCLOSE int fd = sys_open_beneath(dir_fd, entry, O_PATH | O_NOFOLLOW, 0);
	struct stat st;

	if (fd == -ENOENT || fd == -ENOTDIR)
		return "there is no such file";
	if (fd == -ELOOP)
		return "a symbolic link is in its path";
	if (fd < 0 || fstat(fd, &st) < 0)
		return strerror(fd < 0 ? -fd : errno);
	return S_ISREG(st.st_mode) ? NULL : kind_name(st.st_mode);
}

static int parse(const struct sr_policy *user, int dir_fd, const char *path, struct sr_manifest *m, struct sr_error *err)
{
	struct sr_ini_key keys[SR_INI_KEYS_MAX];
	const struct sr_ini_format format = { .stage = STAGE,
					      .cannot = "cannot use",
					      .code = SR_E_MANIFEST,
					      .keys = keys,
					      .key_count = all_keys(keys),
					      .utf8 = true,
					      .explain = explain };
	int r;

	m->user = user;
	r = ini_read(&format, path, m->text, m->len, m, err);
	m->user = NULL;
	m->path = strdup(SHOWN(path));
	if (r == 0 && !m->path)
		r = sr_error_oom(err, STAGE);
	if (r == 0 && m->entrypoint.value)
		m->entry_problem = find_problem(dir_fd, m->entrypoint.value);
	return r;
}

int manifest_read(const struct sr_policy *p, struct sr_manifest *ret, struct sr_error *err)
{
	struct sr_manifest m = { .path = NULL };
	SR_AUTOCLOSE int dir_fd = -1;
	SR_AUTOCLOSE int fd = -1;
	SR_AUTOFREE char *path = NULL;
	size_t len;
	int r;

	if (!p->project_dir || p->no_manifest)
		return 0;
	dir_fd = open_project(p, err);
	if (dir_fd < 0)
		return dir_fd;
	len = strlen(p->project_dir);
	path = str_format("%s%s" SR_MANIFEST_NAME, p->project_dir, len && p->project_dir[len - 1] == '/' ? "" : "/");
	if (!path)
		return sr_error_oom(err, STAGE);
	r = open_file(dir_fd, SHOWN(path), &fd, err);
	if (r <= 0)
		return r;
	r = io_read_all(fd, SR_INI_SIZE_MAX, &m.text, &m.len);
	if (r < 0)
		r = refuse_file(SHOWN(path), -r, r == -EFBIG ? "it is larger than 64K" : strerror(-r), err);
	else
		r = parse(p, dir_fd, path, &m, err);
	if (r < 0)
		manifest_done(&m);
	else
		*ret = m;
	return r;
}

/* ---- the stricter of user and project ------------------------------------------------------------------------------ */

struct apply {
	struct sr_manifest *m;
	struct sr_policy *p;
	struct sr_error *err;
	bool entry; /* the entrypoint is what runs */
};

static int oom(const struct apply *a)
{
	return sr_error_oom(a->err, STAGE);
}

/* Notes a key that the file has; line 0: it has not. */
static int note(const struct apply *a, const char *key, unsigned int line, bool used)
{
	if (!line)
		return 0;
	return strv_add(used ? &a->m->used : &a->m->unused, key) < 0 ? oom(a) : 0;
}

static int SR_PRINTF(3, 4) refuse(const struct apply *a, unsigned int line, const char *fmt, ...)
{
	char reason[512];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(reason, sizeof(reason), fmt, ap);
	va_end(ap);
	return sr_error_set(a->err, SR_E_MANIFEST, EPERM, STAGE, "cannot use %s:%u: %s", a->m->path, line, reason);
}

/* "./src//main.py" and "src/main.py" are one file. */
static bool is_same_path(const char *a, const char *b)
{
	for (;;) {
		size_t n, k;

		while (*a == '/' || (*a == '.' && (a[1] == '/' || !a[1])))
			a++;
		while (*b == '/' || (*b == '.' && (b[1] == '/' || !b[1])))
			b++;
		n = strcspn(a, "/");
		k = strcspn(b, "/");
		if (n != k || strncmp(a, b, n) != 0)
			return false;
		if (n == 0)
			return true;
		a += n;
		b += k;
	}
}

static int copy_list(const struct apply *a, const struct sr_strv *from, struct sr_strv *to)
{
	for (size_t i = 0; i < from->count; i++) {
		if (strv_add(to, from->items[i]) < 0)
			return oom(a);
	}
	return 0;
}

/* entrypoint and args: only where the command line names no program of its own. */
static int apply_program(struct apply *a)
{
	struct sr_manifest *m = a->m;
	struct sr_policy *p = a->p;
	bool alone = p->form == SR_FORM_SCRIPT && p->operands.count == 0 && m->entrypoint.value;
	int r = 0;

	if (alone && m->entry_problem) {
		r = refuse(a, m->entrypoint.line, "entrypoint = %s: %s", SHOWN(m->entrypoint.value), m->entry_problem);
		sr_error_hint(a->err, "name a regular file of the project there, or one on the command line: sandrun -C %s SCRIPT",
			      str_plain_or(p->project_dir, "DIR"));
		return r;
	}
	a->entry = alone || (p->form == SR_FORM_SCRIPT && p->operands.count > 0 && m->entrypoint.value && *p->operands.items[0] != '/' &&
			     is_same_path(p->operands.items[0], m->entrypoint.value));
	if (alone) {
		if (strv_add(&p->operands, m->entrypoint.value) < 0)
			return oom(a);
		r = copy_list(a, &m->args.words, &p->operands);
	}
	if (r == 0)
		r = note(a, "entrypoint", m->entrypoint.line, a->entry);
	return r == 0 ? note(a, "args", m->args.line, alone) : r;
}

static int apply_language(const struct apply *a)
{
	struct sr_manifest_text *language = &a->m->language;
	bool use = a->entry && !a->p->lang;

	if (use && language->value) {
		a->p->lang = strdup(language->value);
		if (!a->p->lang)
			return oom(a);
	}
	return note(a, "language", language->line, use);
}

/* The command line's variables come later and win. */
static int apply_variables(const struct apply *a)
{
	struct sr_strv all = { .items = NULL };
	int r;

	if (!a->entry)
		return note(a, "setenv", a->m->setenv.line, false);
	r = copy_list(a, &a->m->setenv.words, &all);
	if (r == 0)
		r = copy_list(a, &a->p->setenv, &all);
	if (r < 0) {
		strv_done(&all);
		return r;
	}
	strv_done(&a->p->setenv);
	a->p->setenv = all;
	return note(a, "setenv", a->m->setenv.line, true);
}

/* Where outputs go is the user's to say; before the run, since afterwards they would be lost. */
static int apply_files(const struct apply *a)
{
	const struct sr_manifest *m = a->m;
	struct sr_policy *p = a->p;
	bool use_outputs = a->entry && p->outputs.count == 0;
	int r = a->entry ? copy_list(a, &m->inputs.words, &p->only) : 0;

	if (r == 0)
		r = note(a, "inputs", m->inputs.line, a->entry);
	if (r == 0 && use_outputs && m->outputs.line && !p->output_dir && !p->output_archive) {
		r = refuse(a, m->outputs.line, "outputs needs the command line: you say where files of a project may be written");
		sr_error_hint(a->err, "give a folder for them: -O out; or --no-manifest to run without them");
		return r;
	}
	if (r == 0 && use_outputs)
		r = copy_list(a, &m->outputs.words, &p->outputs);
	return r == 0 ? note(a, "outputs", m->outputs.line, use_outputs) : r;
}

static int apply_environment(const struct apply *a)
{
	const struct sr_manifest_text *wanted = &a->m->environment;
	struct sr_policy *p = a->p;
	int r;

	if (!wanted->value)
		return 0;
	if (policy_is_given(p, "environment"))
		return note(a, "environment", wanted->line, strcmp(p->environment, wanted->value) == 0);
	if (p->environment && strcmp(p->environment, wanted->value) != 0) {
		r = refuse(a, wanted->line, "environment = %s needs the command line: your configuration chose %s",
			   SHOWN(wanted->value), SHOWN(p->environment));
		sr_error_hint(a->err, "-E %s, or -E %s to stay with yours", str_plain_or(wanted->value, "NAME"),
			      str_plain_or(p->environment, "NAME"));
		return r;
	}
	if (!p->environment) {
		p->environment = strdup(wanted->value);
		p->environment_by_name = true;
	}
	return p->environment ? note(a, "environment", wanted->line, true) : oom(a);
}

static int limit_above(const struct apply *a, const struct sr_option_row *o)
{
	static const char *const whose[SR_FROM_MAX] = { [SR_FROM_BUILTIN] = "sandrun's own",
							[SR_FROM_PROFILE] = "the profile's",
							[SR_FROM_CONFIG] = "your configuration's",
							[SR_FROM_COMMAND_LINE] = "the command line's",
							[SR_FROM_MANIFEST] = "its own" };
	const struct sr_manifest_limit *wanted = &a->m->limits[o->limit];
	const struct sr_limit *have = &a->p->limits[o->limit];
	enum sr_limit_kind kind = sr_limit_rows[o->limit].kind;
	char want_text[32], have_text[32], option[64];
	int r;

	limit_format(kind, wanted->value, want_text);
	limit_format(kind, have->value, have_text);
	option_text(o, option, sizeof(option));
	r = refuse(a, wanted->line, "%s = %s needs the command line: %s %s is stricter", o->name, want_text, whose[have->source],
		   have_text);
	sr_error_hint(a->err, "%s %s to give the project what it asks for, %s %s to stay with the stricter one", option, want_text,
		      option, have_text);
	return r;
}

static int apply_limit(const struct apply *a, const struct sr_option_row *o)
{
	const struct sr_manifest_limit *wanted = &a->m->limits[o->limit];
	const struct sr_limit *have = &a->p->limits[o->limit];

	if (!wanted->line)
		return 0;
	if (limit_is_within(sr_limit_rows[o->limit].kind, wanted->value, have->value)) {
		policy_lower_limit(a->p, (enum sr_limit_id)o->limit, wanted->value);
		return note(a, o->name, wanted->line, true);
	}
	/* what the command line says is the user's answer to this very project: then that holds */
	if (have->source != SR_FROM_COMMAND_LINE)
		return limit_above(a, o);
	return note(a, o->name, wanted->line, false);
}

static int apply_limits(const struct apply *a)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < options_count(); i++) {
		struct sr_option_row o = options_at(i);

		if (o.limit >= 0 && o.name)
			r = apply_limit(a, &o);
	}
	return r;
}

/* "no" takes nothing back that the user asked for. */
static int apply_privacy(const struct apply *a)
{
	const struct sr_manifest *m = a->m;
	int r = note(a, "private-args", m->private_args_line, m->private_args);

	a->p->private_args = a->p->private_args || m->private_args;
	a->p->private_outputs = a->p->private_outputs || m->private_outputs;
	return r == 0 ? note(a, "private-outputs", m->private_outputs_line, m->private_outputs) : r;
}

int manifest_apply(struct sr_manifest *m, struct sr_policy *p, struct sr_error *err)
{
	struct apply a = { .m = m, .p = p, .err = err };
	int r;

	if (!m->path)
		return 0;
	r = apply_program(&a);
	if (r == 0)
		r = apply_language(&a);
	if (r == 0)
		r = apply_variables(&a);
	if (r == 0)
		r = apply_files(&a);
	if (r == 0)
		r = apply_environment(&a);
	if (r == 0)
		r = apply_limits(&a);
	if (r == 0)
		r = apply_privacy(&a);
	if (r < 0)
		return r;
	p->strict = p->strict || (m->strict && !p->no_strict); /* the user has answered for this run */
	p->manifest_text = SR_TAKE_PTR(m->text);
	p->manifest_len = m->len;
	return note(&a, "strict", m->strict_line, m->strict);
}

/* ---- profile ------------------------------------------------------------------------------------------------------- */

/* A limit of `wanted` that gives more than the user's profile; -1 when there is none. */
static int first_higher(const struct sr_policy *user, const struct sr_policy *wanted)
{
	for (int i = 0; i < SR_LIMIT_MAX; i++) {
		if (!limit_is_within(sr_limit_rows[i].kind, wanted->limits[i].value, user->limits[i].value))
			return i;
	}
	return -1;
}

int manifest_apply_profile(struct sr_manifest *m, struct sr_policy *p, const struct sr_policy *user, struct sr_policy *wanted,
			   bool is_within, struct sr_error *err)
{
	const struct apply a = { .m = m, .p = p, .err = err };
	int higher = first_higher(user, wanted), r;

	if (!is_within || higher >= 0) {
		r = refuse(&a, m->profile.line, "profile = %s needs the command line: it allows more than %s (%s)",
			   SHOWN(m->profile.value), SHOWN(user->profile_name),
			   is_within ? sr_limit_rows[higher].name : "system calls");
		sr_error_hint(err, "if you trust the project: -p %s; or -p %s to stay with yours",
			      str_plain_or(m->profile.value, "NAME"), str_plain_or(user->profile_name, "NAME"));
		return r;
	}
	for (int i = 0; i < SR_LIMIT_MAX; i++) {
		if (wanted->limits[i].value != p->limits[i].value &&
		    limit_is_within(sr_limit_rows[i].kind, wanted->limits[i].value, p->limits[i].value))
			policy_lower_limit(p, (enum sr_limit_id)i, wanted->limits[i].value);
	}
	if (wanted->strict && !p->strict && !p->no_strict) /* a profile may say it too */
		p->strict = p->strict_by_profile = true;
	strv_done(&p->seccomp.allow);
	strv_done(&p->seccomp.deny);
	free(p->profile_name);
	p->seccomp = wanted->seccomp;
	p->profile_name = SR_TAKE_PTR(wanted->profile_name);
	strv_done(&p->profile_texts);
	p->profile_texts = wanted->profile_texts;
	wanted->profile_texts = (struct sr_strv){ 0 };
	wanted->seccomp = (struct sr_seccomp_policy){ .shipped = false };
	return note(&a, "profile", m->profile.line, true);
}
