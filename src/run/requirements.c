/* SPDX-License-Identifier: MIT */
#include "run/requirements.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/io.h"
#include "evidence/json-strict.h"
#include "image/predict.h"
#include "sys/openat2.h"

#define STAGE "install"
#define SHOWN(s) str_escape((s), (char[256]){ 0 }, 256)
#define LIST_MAX (1UL << 20)   /* bytes of a list */
#define LOCK_MAX (64UL << 20)  /* of a lock file */
#define FILES_MAX 64

void requirements_done(struct sr_requirements *r)
{
	for (size_t i = 0; i < r->count; i++) {
		free(r->files[i].name);
		free(r->files[i].data);
	}
	free(r->files);
	free(r->tool);
	*r = (struct sr_requirements){ .kind = SR_REQUIREMENTS_NONE };
}

static int refuse(struct sr_error *err, const char *file, const char *why, const char *hint)
{
	(void)sr_error_set(err, SR_E_INSTALL, EINVAL, STAGE, "cannot install what '%s' lists: %s", SHOWN(file), why);
	sr_error_hint(err, "%s", hint);
	return -EINVAL;
}

/* Takes data. */
static int add_file(struct sr_requirements *r, const char *name, char *data, size_t len, struct sr_error *err)
{
	struct sr_requirements_file *bigger = realloc(r->files, (r->count + 1) * sizeof(*bigger));

	if (bigger) {
		r->files = bigger;
		bigger[r->count] = (struct sr_requirements_file){ .name = strdup(name), .data = data, .len = len };
		if (bigger[r->count].name) {
			r->count++;
			return 0;
		}
	}
	free(data);
	return sr_error_oom(err, STAGE);
}

/* A regular file of the project, links resolved inside. 1: read; 0: there is none. */
static int read_file(int project_fd, const char *name, size_t max, char **ret, size_t *ret_len, struct sr_error *err)
{
	SR_AUTOCLOSE int probe = sys_open_in_root(project_fd, name, O_PATH);
	SR_AUTOCLOSE int fd = -1;
	struct stat st;
	int r = probe;

	if (probe == -ENOENT || probe == -ENOTDIR)
		return 0;
	if (probe >= 0 && (fstat(probe, &st) < 0 || !S_ISREG(st.st_mode)))
		r = -EINVAL;
	if (r >= 0) {
		fd = sys_open_in_root(project_fd, name, O_RDONLY | O_NONBLOCK | O_NOCTTY);
		r = fd < 0 ? fd : io_read_all(fd, max, ret, ret_len);
	}
	if (r >= 0)
		return 1;
	return sr_error_set(err, SR_E_INSTALL, -r, STAGE, "cannot read '%s' of the project: %s", SHOWN(name),
			    r == -EINVAL ? "no regular file" : strerror(-r));
}

/* ---- pip ------------------------------------------------------------------------------------------------------------- */

/* One logical line of a list, without comment and with its continuations, into out. False at the end. */
static bool next_line(const char **at, const char *end, char *out, size_t size)
{
	size_t n = 0;
	bool more = true;

	if (*at == end)
		return false;
	while (more && *at < end) {
		const char *stop = memchr(*at, '\n', (size_t)(end - *at));
		size_t len = (size_t)((stop ? stop : end) - *at);

		more = len > 0 && (*at)[len - 1] == '\\';
		for (size_t i = 0; i < len - more; i++) {
			char ch = (*at)[i];

			if (ch == '#' && (i == 0 || (*at)[i - 1] == ' ' || (*at)[i - 1] == '\t'))
				break;
			if (n + 1 < size)
				out[n++] = (char)(ch == '\t' || ch == '\r' || ch == '\0' ? ' ' : ch);
		}
		*at = stop ? stop + 1 : end;
	}
	while (n > 0 && out[n - 1] == ' ')
		n--;
	out[n] = '\0';
	return true;
}

/* What stands behind -r, --requirement=, -c and the like; NULL: the line is no such one. */
static const char *included(const char *line)
{
	static const char *const words[] = { "--requirement", "--constraint", "-r", "-c" };

	for (size_t i = 0; i < SR_ELEMENTSOF(words); i++) {
		size_t n = strlen(words[i]);

		if (strncmp(line, words[i], n) != 0)
			continue;
		line += n;
		return line + strspn(line, " =");
	}
	return NULL;
}

/* A package of the project's own folder would have to be built outside of what the list's bytes name. */
static bool is_local(const char *line)
{
	return *line == '.' || *line == '/' || str_has_prefix(line, "-e") || str_has_prefix(line, "--editable") ||
	       strstr(line, "file:") || (strchr(line, '/') && !strstr(line, "://") && *line != '-' && !strchr(line, ' '));
}

/* "more/base.txt" as seen from the list that includes it; -EINVAL for what leads out of the project. */
static int beside(const char *from, const char *name, char **ret)
{
	const char *slash = strrchr(from, '/');

	if (*name == '/' || strstr(name, "..") || strstr(name, "://") || !*name)
		return -EINVAL;
	while (name[0] == '.' && name[1] == '/')
		name += 2;
	*ret = str_format("%.*s%s", slash ? (int)(slash - from) + 1 : 0, from, name);
	return *ret ? 0 : -ENOMEM;
}

static bool has_file(const struct sr_requirements *r, const char *name)
{
	for (size_t i = 0; i < r->count; i++) {
		if (strcmp(r->files[i].name, name) == 0)
			return true;
	}
	return false;
}

static int add_included(int project_fd, struct sr_requirements *r, const char *from, const char *line, struct sr_error *err)
{
	SR_AUTOFREE char *name = NULL;
	char *data = NULL;
	size_t len = 0;
	int e = beside(from, included(line), &name);

	if (e == -ENOMEM)
		return sr_error_oom(err, STAGE);
	if (e < 0)
		return refuse(err, from, "it includes a list from outside of the project", "copy that list into the project folder");
	if (has_file(r, name))
		return 0;
	if (r->count == FILES_MAX)
		return refuse(err, from, "too many lists include each other", "put them into fewer files");
	e = read_file(project_fd, name, LIST_MAX, &data, &len, err);
	if (e == 0)
		return refuse(err, from, "it includes a list that is not in the project", "check the names behind -r and -c");
	return e < 0 ? e : add_file(r, name, data, len, err);
}

/* The lists that this one includes, and so on: each is looked at once. Whether any of them asks for something. */
static int read_lists(int project_fd, struct sr_requirements *r, bool *ret_any, struct sr_error *err)
{
	for (size_t i = 0; i < r->count; i++) {
		SR_AUTOFREE char *from = strdup(r->files[i].name);
		const char *at = r->files[i].data, *end = at + r->files[i].len;
		char line[4096];

		if (!from)
			return sr_error_oom(err, STAGE);
		while (next_line(&at, end, line, sizeof(line))) {
			const char *text = line + strspn(line, " ");
			int e = 0;

			if (included(text))
				e = add_included(project_fd, r, from, text, err);
			else if (is_local(text))
				e = refuse(err, from, "it names a package of this machine's folders",
					   "build a wheel of it, and give its folder: PIP_FIND_LINKS=DIR");
			else if (*text && *text != '-')
				*ret_any = true;
			if (e < 0)
				return e;
		}
	}
	return 0;
}

static int read_pip_project(int project_fd, struct sr_requirements *r, struct sr_error *err)
{
	char *data = NULL;
	size_t len = 0;
	bool any = false;
	int e = read_file(project_fd, "requirements.txt", LIST_MAX, &data, &len, err);

	if (e <= 0)
		return e;
	e = add_file(r, "requirements.txt", data, len, err);
	if (e == 0)
		e = read_lists(project_fd, r, &any, err);
	if (e == 0 && any)
		r->kind = SR_REQUIREMENTS_PIP;
	return e;
}

/* A list made of a PEP 723 block. */
static int read_pip_block(const struct sr_imports *found, struct sr_requirements *r, struct sr_error *err)
{
	char *text = strdup("");
	size_t len;

	for (size_t i = 0; text && i < found->dependency_count; i++) {
		char *longer;

		if (is_local(found->dependencies[i].text)) {
			free(text);
			return refuse(err, found->dependencies[i].text, "it is a package of this machine's folders",
				      "build a wheel of it, and give its folder: PIP_FIND_LINKS=DIR");
		}
		longer = str_format("%s%s\n", text, found->dependencies[i].text);
		free(text);
		text = longer;
	}
	if (!text)
		return sr_error_oom(err, STAGE);
	len = strlen(text);
	r->kind = SR_REQUIREMENTS_PIP;
	return add_file(r, "requirements.txt", text, len, err);
}

/* ---- npm ------------------------------------------------------------------------------------------------------------- */

/* Whether package.json asks for something, or an error. */
static int wants_packages(const char *text, size_t len, bool *ret, struct sr_error *err)
{
	const char *name, *code = NULL;
	json_t *o = json_strict(text, len, 100000, &code), *wanted = json_object_get(o, "dependencies"), *value;
	int r = 0;

	if (!json_is_object(o))
		r = refuse(err, "package.json", "it is no JSON object", "mend it: npm itself says where it is wrong");
	json_object_foreach(wanted, name, value) {
		const char *version = json_string_value(value);

		*ret = true;
		if (r == 0 && (!version || str_has_prefix(version, "file:") || str_has_prefix(version, "link:") || *version == '.' ||
			       *version == '/' || str_has_prefix(version, "workspace:")))
			r = refuse(err, "package.json", "a dependency is a folder of this machine",
				   "a package from a registry, or a URL, can be installed");
	}
	json_decref(o);
	return r;
}

static int read_npm(int project_fd, struct sr_requirements *r, struct sr_error *err)
{
	static const char *const locks[] = { "npm-shrinkwrap.json", "package-lock.json" };
	char *data = NULL;
	size_t len = 0;
	bool any = false;
	int e = read_file(project_fd, "package.json", LIST_MAX, &data, &len, err);

	if (e <= 0)
		return e;
	e = add_file(r, "package.json", data, len, err);
	if (e == 0)
		e = wants_packages(r->files[r->count - 1].data, len, &any, err);
	if (e < 0 || !any)
		return e;
	r->kind = SR_REQUIREMENTS_NPM;
	for (size_t i = 0; i < SR_ELEMENTSOF(locks) && !r->locked; i++) {
		e = read_file(project_fd, locks[i], LOCK_MAX, &data, &len, err);
		if (e > 0)
			e = add_file(r, locks[i], data, len, err);
		if (e < 0)
			return e;
		r->locked = r->count > 1;
	}
	return 0;
}

/* ---- the tool -------------------------------------------------------------------------------------------------------- */

/* The environment's own; else what this machine has in a form that any interpreter runs: pip as a wheel, npm with all it needs. */
static int find_tool(const struct sr_environment *on, struct sr_requirements *r, struct sr_error *err)
{
	static const char npm[] = "/usr/lib/node_modules/npm";
	const bool pip = r->kind == SR_REQUIREMENTS_PIP;
	SR_AUTOFREE char *inside = NULL;
	glob_t found;

	if (environment_find_program(on, pip ? "pip3" : "npm", &inside) == 0)
		return 0;
	if (pip && glob("/usr/share/python-wheels/pip-*.whl", 0, NULL, &found) == 0) {
		r->tool = strdup(found.gl_pathv[found.gl_pathc - 1]);
		globfree(&found);
	} else if (!pip && access("/usr/lib/node_modules/npm/node_modules", F_OK) == 0)
		r->tool = strdup(npm);
	else {
		(void)sr_error_set(err, SR_E_INSTALL, ENOENT, STAGE, "cannot install: neither the environment '%s' nor this machine has %s",
				   SHOWN(on->name), pip ? "pip" : "npm");
		sr_error_hint(err, pip ? "an environment with python3-pip in its packages; or on this machine: apt install python3-pip-whl" :
					 "an environment with npm in its packages, or npm on this machine");
		return -ENOENT;
	}
	return r->tool ? 0 : sr_error_oom(err, STAGE);
}

static void digest_text(struct sr_digest *d, const char *what, const void *data, size_t len)
{
	char head[64];

	(void)snprintf(head, sizeof(head), "%s %zu\n", what, len);
	digest_update(d, head, strlen(head));
	digest_update(d, data, len);
	digest_update(d, "\n", 1);
}

static int make_name(const struct sr_environment *on, struct sr_requirements *r, struct sr_error *err)
{
	struct sr_digest d;
	char hex[SR_DIGEST_HEX];
	const char *tool = r->tool ? r->tool : "inside";
	SR_AUTOFREE char *version = NULL;

	digest_init(&d);
	digest_text(&d, "sandrun-requirements v1", r->kind == SR_REQUIREMENTS_PIP ? "pip" : "npm", 3);
	for (size_t i = 0; i < on->layers.count; i++) {
		const struct sr_layer *l = &on->layers.items[i];

		if (!l->digest[0]) {
			(void)sr_error_set(err, SR_E_INSTALL, EINVAL, STAGE, "cannot install over '%s': a folder has no digest", SHOWN(on->name));
			sr_error_hint(err, "make an environment of it: sandrun environment import FILE.tar");
			return -EINVAL;
		}
		digest_text(&d, "layer", l->digest, strlen(l->digest));
	}
	if (r->tool && r->kind == SR_REQUIREMENTS_NPM) {
		size_t len;
		SR_AUTOCLOSE int fd = open("/usr/lib/node_modules/npm/package.json", O_RDONLY | O_CLOEXEC);

		if (fd < 0 || io_read_all(fd, LIST_MAX, &version, &len) < 0)
			return sr_error_set(err, SR_E_INSTALL, ENOENT, STAGE, "cannot read npm's own package.json");
		tool = version;
	}
	digest_text(&d, "tool", tool, strlen(tool));
	for (size_t i = 0; i < r->count; i++) {
		digest_text(&d, "name", r->files[i].name, strlen(r->files[i].name));
		digest_text(&d, "file", r->files[i].data, r->files[i].len);
	}
	digest_final_hex(&d, hex);
	(void)snprintf(r->name, sizeof(r->name), SR_REQUIREMENTS_PREFIX "%.12s", hex);
	return 0;
}

/* ---- all of it -------------------------------------------------------------------------------------------------------- */

static int read_lists_of(const struct sr_requirements_of *of, struct sr_requirements *ret, struct sr_error *err)
{
	bool python = of->language == SR_SCRIPT_PYTHON || of->language == SR_SCRIPT_OTHER;
	bool node = of->language == SR_SCRIPT_JAVASCRIPT || of->language == SR_SCRIPT_OTHER;
	int r = 0;

	if (of->found && of->found->metadata_problem) {
		(void)sr_error_set(err, SR_E_INSTALL, EINVAL, STAGE, "cannot read the PEP 723 block in line %u of the script: %s",
				   of->found->metadata_line, of->found->metadata_problem);
		sr_error_hint(err, "write # dependencies = [\"NAME\", ...] between # /// script and # ///");
		return -EINVAL;
	}
	if (of->found && of->found->dependency_count)
		return read_pip_block(of->found, ret, err);
	if (of->project_fd < 0)
		return 0;
	if (python)
		r = read_pip_project(of->project_fd, ret, err);
	if (r == 0 && node && ret->kind == SR_REQUIREMENTS_NONE) {
		requirements_done(ret);
		r = read_npm(of->project_fd, ret, err);
	}
	return r;
}

int requirements_read(const struct sr_requirements_of *of, struct sr_requirements *ret, struct sr_error *err)
{
	int r;

	*ret = (struct sr_requirements){ .kind = SR_REQUIREMENTS_NONE };
	r = read_lists_of(of, ret, err);
	if (r < 0 || ret->kind == SR_REQUIREMENTS_NONE || !of->on)
		return r;
	r = find_tool(of->on, ret, err);
	return r < 0 ? r : make_name(of->on, ret, err);
}

const char *requirements_hint(int project_fd, enum sr_script_language language)
{
	static const struct {
		enum sr_script_language language;
		const char *file;
	} rows[] = { { SR_SCRIPT_PYTHON, "requirements.txt" }, { SR_SCRIPT_JAVASCRIPT, "package.json" } };

	for (size_t i = 0; project_fd >= 0 && i < SR_ELEMENTSOF(rows); i++) {
		SR_AUTOCLOSE int fd = rows[i].language != language ? -1 : sys_open_in_root(project_fd, rows[i].file, O_PATH);

		if (fd >= 0)
			return rows[i].file;
	}
	return NULL;
}
