/* SPDX-License-Identifier: MIT */
/*
 * The first day of a developer (finding 30): a module or file that the program missed inside lies beside the script
 * outside. The last bytes of what it printed name it; the hint is the exact command.
 */
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

struct pattern {
	const char *before; /* text in front of the name */
	char after;         /* byte behind it */
	bool module;        /* a module of the language, not a file */
};

static const struct pattern patterns[] = {
	{ "No module named '", '\'', true },		  { "Cannot find module '", '\'', true },
	{ "cannot load such file -- ", ' ', true },	  { "No such file or directory: '", '\'', false },
	{ "No such file or directory @ rb_sysopen - ", '\n', false }, { "ENOENT: no such file or directory, open '", '\'', false },
	{ "can't open file '", '\'', false },		  { "cannot open file '", '\'', false },
};

/* The name after the last occurrence of a pattern, or false. */
static bool find_name(const char *text, const struct pattern *p, char *name, size_t size)
{
	const char *at = NULL, *next = text, *end;

	while ((next = strstr(next, p->before))) {
		at = next + strlen(p->before);
		next = at;
	}
	if (!at)
		return false;
	end = at + strcspn(at, "\r\n");
	for (const char *q = at; q < end; q++) {
		if (*q == p->after) {
			end = q;
			break;
		}
	}
	if (end == at || (size_t)(end - at) >= size)
		return false;
	if (strncmp(at, SR_WORK "/", strlen(SR_WORK "/")) == 0) /* the program's name of the folder beside the script */
		at += strlen(SR_WORK "/");
	if (end <= at)
		return false;
	memcpy(name, at, (size_t)(end - at));
	name[end - at] = '\0';
	return true;
}

/* Beside the script, under one of the forms that a module takes. */
static bool beside(const char *dir, const char *name)
{
	static const char *const forms[] = { "%s/%s", "%s/%s.py", "%s/%s.js", "%s/%s.mjs", "%s/%s.rb", "%s/%s.json" };
	char first[256];

	if (strstr(name, "..") || name[0] == '/')
		return false;
	while (name[0] == '.' && name[1] == '/')
		name += 2;
	(void)snprintf(first, sizeof(first), "%s", name);
	first[strcspn(first, ".")] = '\0'; /* package.module: the package's folder is what lies there */
	for (size_t i = 0; i < SR_ELEMENTSOF(forms); i++) {
		SR_AUTOFREE char *whole = NULL, *part = NULL;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		whole = str_format(forms[i], dir, name);
		part = str_format(forms[i], dir, first);
#pragma GCC diagnostic pop
		if ((whole && access(whole, F_OK) == 0) || (part && first[0] && access(part, F_OK) == 0))
			return true;
	}
	return false;
}

/* With -C: the missing file is in the project, and `inputs` of its sandrun.ini leaves it out. */
static void hint_inputs(const struct cli_run *c, char *out, size_t size)
{
	const char *entry = c->exec.entry ? c->exec.entry : "", *slash = strrchr(entry, '/');
	SR_AUTOFREE char *dir = str_format("%s/%.*s", c->policy.project_dir, slash ? (int)(slash - entry) : 0, entry);
	char name[256], shown[512];

	for (size_t i = 0; dir && !out[0] && i < SR_ELEMENTSOF(patterns); i++) {
		if (!find_name(c->run.tail, &patterns[i], name, sizeof(name)))
			continue;
		if (beside(c->policy.project_dir, name) || beside(dir, name))
			(void)snprintf(out, size, "%s is in the project, but `inputs` of %s leaves it out: add it there, or try --no-manifest",
				       str_escape(name, shown, sizeof(shown)), c->manifest.path);
	}
}

/* A project's folder may not be the user's home; then only single files are offered. */
static void hint_beside(const struct cli_run *c, char *out, size_t size)
{
	const char *script = c->exec.script_path, *slash, *base;
	SR_AUTOFREE char *dir = NULL;
	char name[256], shown[512], shown_dir[512];

	if (c->policy.only.count && c->run.outcome.exit_code != 0 && c->run.tail_len)
		hint_inputs(c, out, size);
	if (!script || c->policy.project_dir || c->run.outcome.exit_code == 0 || !c->run.tail_len)
		return;
	slash = strrchr(script, '/');
	base = slash ? slash + 1 : script;
	dir = slash ? str_format("%.*s", slash == script ? 1 : (int)(slash - script), script) : str_format(".");
	if (!dir)
		return;
	for (size_t i = 0; i < SR_ELEMENTSOF(patterns); i++) {
		if (!find_name(c->run.tail, &patterns[i], name, sizeof(name)))
			continue;
		str_escape(name, shown, sizeof(shown));
		str_escape(dir, shown_dir, sizeof(shown_dir));
		if (!patterns[i].module && name[0] != '/' && !strstr(name, "..") && access(name, F_OK) == 0)
			(void)snprintf(out, size, "%s is outside, only the script went in; try: sandrun -i %s %s", shown, shown, script);
		else if (beside(dir, name))
			(void)snprintf(out, size, "%s lies beside the script, only the script went in; try: sandrun -C %s %s", shown,
				       shown_dir, base);
		if (out[0])
			return;
	}
}

void hint_after(const struct cli_run *c, char *out, size_t size)
{
	out[0] = '\0';
	hint_beside(c, out, size);
	if (!out[0] && c->run.outcome.exit_code != 0 && c->run.tail_len)
		hint_module(c, out, size);
}
