/* SPDX-License-Identifier: MIT */
#include "plan/interpreter.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"

#define STAGE "environment"
#define SHOWN(s) str_escape((s), (char[256]){ 0 }, 256)

static bool is_beneath(const char *path, const char *folder)
{
	size_t n = strlen(folder);

	return strncmp(path, folder, n) == 0 && (path[n] == '/' || path[n] == '\0');
}

/* Whether something that is not part of the environment will stand at this path inside. */
static bool comes_later(const struct sr_policy *p, const char *path)
{
	if (is_beneath(path, "/work"))
		return p->project_dir || p->inputs.count > 0;
	for (size_t i = 0; i < p->binds.count; i++) {
		const struct sr_file_arg *b = &p->binds.items[i];
		SR_AUTOFREE char *real = b->name ? NULL : realpath(b->path, NULL);
		const char *dest = b->name ? b->name : *b->path == '/' ? b->path : real;

		if ((dest && is_beneath(path, dest)) || (real && is_beneath(path, real)))
			return true;
	}
	return false;
}

/* A program of that name along the caller's PATH, outside what the sandbox shows; fresh, or NULL. */
static char *find_outside(const char *name)
{
	const char *path = getenv("PATH");

	if (strchr(name, '/'))
		return NULL;
	while (path && *path) {
		size_t n = strcspn(path, ":");
		SR_AUTOFREE char *candidate = str_format("%.*s/%s", (int)n, path, name);
		struct stat st;

		if (candidate && *candidate == '/' && stat(candidate, &st) == 0 && S_ISREG(st.st_mode) &&
		    access(candidate, X_OK) == 0)
			return SR_TAKE_PTR(candidate);
		path += n + (path[n] == ':');
	}
	return NULL;
}

/*
 * The folder to show for a program outside: the installation that a bin folder belongs to (its libraries lie beside bin),
 * but neither the root nor a whole home.
 */
static char *installation_of(const char *program)
{
	const char *home = getenv("HOME");
	char *folder = strdup(program);
	char *slash = folder ? strrchr(folder, '/') : NULL;

	if (!slash)
		return folder;
	*slash = '\0';
	slash = strrchr(folder, '/');
	if (!slash || slash == folder || (strcmp(slash, "/bin") != 0 && strcmp(slash, "/shims") != 0))
		return folder;
	*slash = '\0';
	if (home && strcmp(folder, home) == 0)
		*slash = '/';
	return folder;
}

static bool hint_outside(const struct sr_environment *e, const char *name, struct sr_error *err)
{
	SR_AUTOFREE char *outside = find_outside(name);
	SR_AUTOFREE char *folder = outside ? installation_of(outside) : NULL;

	if (!folder || !*folder)
		return false;
	if (e->kind == SR_ENVIRONMENT_TREE && is_beneath(outside, "/usr"))
		sr_error_hint(err, "the environment 'host' has it: leave -E out");
	else
		sr_error_hint(err, "%s is outside the sandbox; show it: sandrun --bind %s -- %s ...", SHOWN(outside),
			      SHOWN(folder), SHOWN(outside));
	return true;
}

/* "near are python3, python3.11": programs that begin as the wanted one does without its version. */
static bool hint_near(const struct sr_environment *e, const char *name, struct sr_error *err)
{
	const char *slash = strrchr(name, '/');
	const char *base = slash ? slash + 1 : name;
	size_t n = strcspn(base, "0123456789.-");
	SR_AUTOFREE char *stem = strndup(base, n);
	struct sr_strv near = { 0 };
	char list[256] = "";
	bool found;

	if (stem && n >= 2)
		(void)environment_programs_like(e, stem, 5, &near); /* out of memory: no hint */
	for (size_t i = 0; i < near.count; i++) {
		size_t used = strlen(list);

		(void)snprintf(list + used, sizeof(list) - used, "%s%s", i ? ", " : "", SHOWN(near.items[i]));
	}
	found = near.count > 0;
	if (found)
		sr_error_hint(err, "near are: %s", list);
	strv_done(&near);
	return found;
}

static int not_executable(const char *name, const struct sr_environment *e, struct sr_error *err)
{
	int r = sr_error_set_status(err, 126, SR_E_EXEC_DENIED, EACCES, STAGE,
				    "cannot run '%s': it is no executable file in the environment '%s'", SHOWN(name),
				    SHOWN(e->name));

	sr_error_hint(err, "look at its kind and mode; a file of yours comes in with -i and keeps its execute bit");
	return r;
}

static int not_found(const char *name, const struct sr_environment *e, struct sr_error *err)
{
	return sr_error_set_status(err, 127, SR_E_EXEC_NOT_FOUND, ENOENT, STAGE,
				   "cannot run '%s': not found in the environment '%s'", SHOWN(name), SHOWN(e->name));
}

/* A path as the payload's shell would take it, from /work. */
static int absolute_inside(const char *name, char **ret)
{
	*ret = *name == '/' ? strdup(name) : str_format("/work/%s", str_has_prefix(name, "./") ? name + 2 : name);
	return *ret ? 0 : -ENOMEM;
}

/* The command is a path that nothing brings in: the user most likely means a file of this machine. */
static void hint_own_file(const char *name, struct sr_error *err)
{
	const char *slash = strrchr(name, '/');
	struct stat st;

	if (stat(name, &st) < 0)
		sr_error_hint(err, "paths of a command are those inside; a file of yours comes in with -i FILE as /work/FILE");
	else if (S_ISREG(st.st_mode))
		sr_error_hint(err, "it is a file of yours: sandrun %s, or sandrun -i %s -- /work/%s", SHOWN(name), SHOWN(name),
			      SHOWN(slash ? slash + 1 : name));
	else
		sr_error_hint(err, "show the folder inside: --bind %s", SHOWN(name));
}

int program_find(const struct sr_policy *p, const struct sr_environment *e, const char *name, char **ret_path,
		 struct sr_error *err)
{
	SR_AUTOFREE char *path = NULL;
	int r;

	if (strchr(name, '/')) {
		if (absolute_inside(name, &path) < 0)
			return sr_error_oom(err, STAGE);
		if (comes_later(p, path)) {
			*ret_path = SR_TAKE_PTR(path);
			return 0;
		}
		r = environment_find_program(e, path, ret_path);
	} else {
		r = environment_find_program(e, name, ret_path);
	}
	if (r == 0)
		return 0;
	if (r == -ENOMEM)
		return sr_error_oom(err, STAGE);
	if (r != -ENOENT)
		return not_executable(name, e, err);
	r = not_found(name, e, err);
	if (strchr(name, '/'))
		hint_own_file(name, err);
	else if (!hint_outside(e, name, err) && !hint_near(e, name, err))
		sr_error_hint(err, "install it on this machine, or give an environment that has it: -E DIR");
	return r;
}

/* One entry of a row's programs: "node,--flag,--flag". 0, -ENOENT, -EACCES, -ENOMEM. */
static int try_entry(const struct sr_environment *e, char *entry, char **ret_path, struct sr_strv *flags)
{
	char *flag = strchr(entry, ',');
	int r;

	if (flag)
		*flag++ = '\0';
	r = environment_find_program(e, entry, ret_path);
	while (r == 0 && flag) {
		char *next = strchr(flag, ',');

		if (next)
			*next++ = '\0';
		r = strv_add(flags, flag);
		flag = next;
	}
	return r;
}

static int try_row(const struct sr_environment *e, const struct sr_lang *l, char **ret_path, struct sr_strv *flags)
{
	const char *list = l->programs;
	char entry[256];
	int worst = -ENOENT;

	while (lang_next_word(&list, entry, sizeof(entry))) {
		int r = try_entry(e, entry, ret_path, flags);

		if (r == 0 || r == -ENOMEM)
			return r;
		if (r != -ENOENT)
			worst = r;
	}
	return worst;
}

/* "python3 or python" */
static void name_programs(const struct sr_lang *l, char *out, size_t out_size)
{
	const char *list = l->programs;
	char entry[256];
	size_t n = 0;

	*out = '\0';
	while (n < out_size && lang_next_word(&list, entry, sizeof(entry))) {
		entry[strcspn(entry, ",")] = '\0';
		n += (size_t)snprintf(out + n, out_size - n, "%s%s", n ? " or " : "", SHOWN(entry));
	}
}

static int no_interpreter(const struct sr_environment *e, const struct sr_lang *l, const char *wanted,
			  struct sr_error *err)
{
	char names[256], first[256];
	const char *list = l->programs;
	int r;

	if (wanted)
		(void)snprintf(names, sizeof(names), "%s", SHOWN(wanted));
	else
		name_programs(l, names, sizeof(names));
	(void)lang_next_word(&list, first, sizeof(first));
	first[strcspn(first, ",")] = '\0';
	r = sr_error_set_status(err, 127, SR_E_EXEC_NOT_FOUND, ENOENT, "language",
				"cannot run %s: %s not found in the environment '%s'", SHOWN(l->name), names, SHOWN(e->name));
	if (!hint_near(e, wanted ? wanted : first, err) && !hint_outside(e, wanted ? wanted : first, err))
		sr_error_hint(err, "install it on this machine, or give an environment that has it: -E DIR");
	return r;
}

/* What the environment itself says starts the language, with the flags of the row's entry for a program of that name. */
static int try_said(const struct sr_environment *e, const struct sr_lang *l, char **ret_path, struct sr_strv *flags)
{
	const char *path = environment_interpreter(e, l->name), *list = l->programs, *base;
	char entry[256];
	int r = path ? environment_find_program(e, path, ret_path) : -ENOENT;

	if (r < 0)
		return r;
	base = strrchr(path, '/') + 1;
	while (lang_next_word(&list, entry, sizeof(entry))) {
		char *flag = strchr(entry, ',');

		if (flag)
			*flag = '\0';
		if (strcmp(entry, base) != 0)
			continue;
		for (char *next = flag; next; flag = next) {
			next = strchr(flag + 1, ',');
			if (next)
				*next = '\0';
			if (strv_add(flags, flag + 1) < 0)
				return -ENOMEM;
		}
		break;
	}
	return 0;
}

int interpreter_find(const struct sr_policy *p, const struct sr_environment *e, const struct sr_lang *l,
		     const char *wanted, bool strict, char **ret_path, struct sr_strv *flags, struct sr_error *err)
{
	const char *slash = wanted ? strrchr(wanted, '/') : NULL;
	int r = -ENOENT;

	if (wanted && *wanted == '/' && comes_later(p, wanted)) {
		*ret_path = strdup(wanted);
		return *ret_path ? 0 : sr_error_oom(err, STAGE);
	}
	if (!strict)
		r = try_said(e, l, ret_path, flags);
	if (r == -ENOENT && wanted)
		r = environment_find_program(e, wanted, ret_path);
	if (r == -ENOENT && slash && slash[1]) /* "/usr/local/bin/python3" of another machine: the name is what counts */
		r = environment_find_program(e, slash + 1, ret_path);
	if (r == -ENOENT && !strict)
		r = try_row(e, l, ret_path, flags);
	if (r == -ENOMEM)
		return sr_error_oom(err, STAGE);
	if (r == -ENOENT)
		return no_interpreter(e, l, strict ? wanted : NULL, err);
	return r < 0 ? not_executable(wanted ? wanted : l->name, e, err) : 0;
}
