/* SPDX-License-Identifier: MIT */
#include "run/snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "policy/manifest.h"
#include "run/place.h"
#include "run/project.h"

#define STAGE "files"
#define PAGE 4096U

struct opening {
	const struct sr_policy *p;
	const struct sr_exec *x;
	struct sr_snapshot *s;
	struct sr_project_rules rules;
	const struct sr_project_only *only; /* or NULL */
	struct sr_error *err;
};

static struct sr_project *folder_free(struct sr_project *t)
{
	if (t)
		project_done(t);
	free(t);
	return NULL;
}

void snapshot_done(struct sr_snapshot *s)
{
	for (size_t i = 0; i < s->count; i++) {
		struct sr_snapshot_item *item = &s->items[i];

		free(item->path);
		free(item->name);
		fd_close(&item->fd);
		item->folder = folder_free(item->folder);
	}
	free(s->items);
	s->items = NULL;
	s->count = 0;
	s->project = folder_free(s->project);
	free(s->project_path);
	s->project_path = NULL;
	fd_close(&s->project_fd);
	strv_done(&s->hidden);
	strv_done(&s->skipped);
}

/* ---- folders ------------------------------------------------------------------------------------------------------ */

static int append(struct sr_strv *to, const char *prefix, const struct sr_strv *from)
{
	for (size_t i = 0; i < from->count; i++) {
		int r = *prefix ? strv_addf(to, "%s/%s", prefix, from->items[i]) : strv_add(to, from->items[i]);

		if (r < 0)
			return r;
	}
	return 0;
}

/* Lists a folder. *ret is owned by the snapshot even when this fails. */
static int open_folder(struct opening *o, int fd, const char *path, const char *prefix, bool read_only,
		       struct sr_project **ret)
{
	int r = project_check(fd, path, o->err);

	if (r < 0)
		return r;
	*ret = calloc(1, sizeof(**ret));
	if (!*ret)
		return sr_error_oom(o->err, STAGE);
	o->rules.read_only = read_only;
	o->rules.only = read_only ? NULL : o->only; /* `inputs` is about the project, not about a folder of -i */
	r = project_scan(fd, path, &o->rules, *ret, o->err);
	if (r < 0)
		return r;
	if (append(&o->s->hidden, prefix, &(*ret)->hidden) < 0 || append(&o->s->skipped, prefix, &(*ret)->skipped) < 0)
		return sr_error_oom(o->err, STAGE);
	return 0;
}

/* With -C the script is one of the project's files; left out, it would fail inside with words that mislead. */
static int check_entry(const struct opening *o)
{
	const struct sr_project *t = o->s->project;
	const char *entry = o->x->entry;
	char shown[256];

	if (!entry || t->seen > o->rules.max_entries || project_find(t, entry))
		return 0;
	(void)str_escape(entry, shown, sizeof(shown));
	(void)sr_error_set(o->err, SR_E_SCRIPT, ENOENT, STAGE, "cannot run '%s': it does not go in with the project folder",
			   shown);
	if (project_is_hidden(entry, o->rules.hide))
		sr_error_hint(o->err, "names like this stay outside by default: --show %s", shown);
	else
		sr_error_hint(o->err, "the script must be a regular file of the folder, in no hidden folder of it");
	return -ENOENT;
}

/*
 * sandrun.ini has been read and obeyed already: what goes in must be that text. One that appeared since would go in without
 * having had its say.
 */
static int pin_manifest(const struct opening *o)
{
	const struct sr_policy *p = o->p;
	struct sr_project *t = o->s->project;
	char shown[256];

	if (p->no_manifest)
		return 0;
	if (p->manifest_text) {
		t->pinned = SR_MANIFEST_NAME;
		digest_hex(p->manifest_text, p->manifest_len, t->pinned_sha256);
		return 0;
	}
	if (!project_find(t, SR_MANIFEST_NAME))
		return 0;
	(void)sr_error_set(o->err, SR_E_INPUT_CHANGED, EAGAIN, STAGE, "cannot read '%s' of folder '%s': it was not there just now",
			   SR_MANIFEST_NAME, str_escape(p->project_dir, shown, sizeof(shown)));
	sr_error_hint(o->err, "run it again, or ignore that file: --no-manifest");
	return -EAGAIN;
}

static int open_project(struct opening *o)
{
	struct sr_snapshot *s = o->s;
	const char *path = o->p->project_dir;
	char shown[256];
	int r;

	if (!path)
		return 0;
	s->project_path = strdup(path);
	if (!s->project_path)
		return sr_error_oom(o->err, STAGE);
	s->project_fd = open(path, O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (s->project_fd < 0) {
		int e = errno;

		(void)sr_error_set(o->err, SR_E_PROJECT, e, STAGE, "cannot open project folder '%s': %s",
				   str_escape(path, shown, sizeof(shown)), strerror(e));
		sr_error_hint(o->err, "-C takes a folder that you can read; a single file goes in with -i");
		return -e;
	}
	r = open_folder(o, s->project_fd, path, "", false, &s->project);
	if (r == 0)
		r = pin_manifest(o);
	if (r < 0)
		return r;
	s->project_files = s->project->files;
	s->project_bytes = s->project->bytes;
	return check_entry(o);
}

/* `inputs` of sandrun.ini that names nothing: the program would miss it inside. */
static int check_met(const struct opening *o, const struct sr_project_only *only)
{
	char shown[256];

	if (!o->s->project || o->s->project->seen > o->rules.max_entries)
		return 0; /* the list is cut; check_room() says so */
	for (size_t i = 0; i < only->count; i++) {
		if (only->met[i])
			continue;
		(void)sr_error_set(o->err, SR_E_MANIFEST, ENOENT, "manifest", "cannot take in '%s': the project holds nothing that "
				   "`inputs` of its " SR_MANIFEST_NAME " could mean by it",
				   str_escape(o->p->only.items[i], shown, sizeof(shown)));
		sr_error_hint(o->err, "take the word out of `inputs`, or put the file there; a leading dot must be in the pattern");
		return -ENOENT;
	}
	return 0;
}

static int refuse_input(const struct opening *o, const char *pattern, int r)
{
	char shown[256];

	if (r == -ENOMEM)
		return sr_error_oom(o->err, STAGE);
	(void)sr_error_set(o->err, SR_E_MANIFEST, -r, "manifest", "cannot take `inputs` pattern '%s' of " SR_MANIFEST_NAME,
			   str_escape(pattern, shown, sizeof(shown)));
	sr_error_hint(o->err, "patterns name files as seen from the project folder: src data/*.csv");
	return r;
}

/* The whole project, or what `inputs` of its sandrun.ini says: with the script and the interpreter that will run it. */
static int open_chosen(struct opening *o)
{
	static const char venv[] = "/work/.venv/";
	const struct sr_strv *patterns = &o->p->only;
	struct sr_project_only only = { .paths = { o->x->entry } };
	SR_AUTOFREE struct sr_glob *globs = NULL;
	SR_AUTOFREE bool *met = NULL;
	int r = 0;

	if (patterns->count == 0)
		return open_project(o);
	globs = calloc(patterns->count, sizeof(*globs));
	met = calloc(patterns->count, sizeof(*met));
	if (!globs || !met)
		return sr_error_oom(o->err, STAGE);
	only.globs = globs;
	only.met = met;
	if (o->x->path && str_has_prefix(o->x->path, venv))
		only.paths[1] = ".venv";
	for (; r == 0 && only.count < patterns->count; only.count += r == 0) {
		r = glob_parse(patterns->items[only.count], &globs[only.count]);
		if (r < 0)
			r = refuse_input(o, patterns->items[only.count], r);
	}
	o->only = &only;
	if (r == 0)
		r = open_project(o);
	o->only = NULL;
	if (r == 0)
		r = check_met(o, &only);
	while (only.count > 0)
		glob_done(&globs[--only.count]);
	return r;
}

/* A --show that lets nothing in is a slip of the pen that would otherwise show up inside. */
static int check_shown(const struct opening *o)
{
	const struct sr_strv *names = o->rules.show.names;
	char shown[256];

	for (size_t i = 0; i < names->count; i++) {
		if (o->rules.show.met[i])
			continue;
		(void)sr_error_set(o->err, SR_E_PROJECT, ENOENT, STAGE, "cannot show '%s': the folder holds nothing of that name",
				   str_escape(names->items[i], shown, sizeof(shown)));
		sr_error_hint(o->err, "--show takes a name (.env) or a path below the folder (config/.env)");
		return -ENOENT;
	}
	return 0;
}

/* ---- inputs ------------------------------------------------------------------------------------------------------- */

static int refuse_name(const struct sr_file_arg *arg, const char *name, const char *why, struct sr_error *err)
{
	char path[256], shown[256];

	(void)str_escape(arg->path, path, sizeof(path));
	(void)sr_error_set(err, SR_E_INPUT, EINVAL, STAGE, "cannot take in '%s' as '%s': %s", path,
			   str_escape(name, shown, sizeof(shown)), why);
	sr_error_hint(err, "give it a name below /work: -i %s:NAME", path);
	return -EINVAL;
}

/* Checks and tidies a name below /work: "./" and double slashes vanish. */
static int tidy_name(const struct sr_file_arg *arg, const char *name, bool is_folder, char **ret, struct sr_error *err)
{
	SR_AUTOFREE char *out = malloc(strlen(name) + 1);
	size_t len = 0;

	if (!out)
		return sr_error_oom(err, STAGE);
	if (name[0] == '\0')
		return refuse_name(arg, name, "the name is empty", err);
	if (name[0] == '/')
		return refuse_name(arg, name, "the name is absolute", err);
	if (!is_folder && str_has_suffix(name, "/"))
		return refuse_name(arg, name, "the name is a folder's", err);
	for (const char *p = name; *p;) {
		size_t n = strcspn(p, "/");

		if (n == 2 && p[0] == '.' && p[1] == '.')
			return refuse_name(arg, name, "the name leads upwards", err);
		if (n > NAME_MAX || len + n + 2 > PATH_MAX)
			return refuse_name(arg, name, "the name is too long", err);
		if (n > 0 && !(n == 1 && p[0] == '.')) {
			if (len > 0)
				out[len++] = '/';
			memcpy(out + len, p, n);
			len += n;
		}
		p += n;
		p += strspn(p, "/");
	}
	out[len] = '\0';
	if (len == 0)
		return refuse_name(arg, name, "that is the work folder itself", err);
	*ret = SR_TAKE_PTR(out);
	return 0;
}

static int name_input(const struct sr_file_arg *arg, bool is_folder, char **ret, struct sr_error *err)
{
	SR_AUTOFREE char *path = NULL;
	const char *name;
	size_t len;

	if (arg->name)
		return tidy_name(arg, arg->name, is_folder, ret, err);
	path = strdup(arg->path);
	if (!path)
		return sr_error_oom(err, STAGE);
	for (len = strlen(path); len > 1 && path[len - 1] == '/';)
		path[--len] = '\0';
	name = strrchr(path, '/');
	name = name ? name + 1 : path;
	if (strcmp(name, "..") == 0 || strcmp(name, ".") == 0 || !*name)
		return refuse_name(arg, arg->path, "its path ends in no name", err);
	return tidy_name(arg, name, is_folder, ret, err);
}

static const char *kind_name(mode_t mode)
{
	return S_ISFIFO(mode) ? "a FIFO" : S_ISSOCK(mode) ? "a socket" : S_ISCHR(mode) || S_ISBLK(mode) ? "a device" : "no file";
}

static int check_kind(const char *path, const struct stat *st, struct sr_error *err)
{
	char shown[256];

	if (S_ISREG(st->st_mode) || S_ISDIR(st->st_mode))
		return 0;
	(void)sr_error_set(err, SR_E_INPUT, EINVAL, STAGE, "cannot take in '%s': it is %s",
			   str_escape(path, shown, sizeof(shown)), kind_name(st->st_mode));
	if (S_ISFIFO(st->st_mode))
		sr_error_hint(err, "give its data on standard input (< %s), or write it to a file first", shown);
	else
		sr_error_hint(err, "only files and folders can go in");
	return -EINVAL;
}

/*
 * Opens what -i names; links on the way there are the user's own. Looked at before it is opened, because opening a device
 * can act on it, and again afterwards, because the name may mean something else by then.
 */
static int open_source(const char *path, struct stat *st, struct sr_error *err)
{
	SR_AUTOCLOSE int fd = -1;
	char shown[256];
	int r;

	if (stat(path, st) == 0) {
		r = check_kind(path, st, err);
		if (r < 0)
			return r;
		fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	}
	if (fd < 0 || fstat(fd, st) < 0) {
		int e = errno;

		(void)sr_error_set(err, SR_E_INPUT, e, STAGE, "cannot open input '%s': %s",
				   str_escape(path, shown, sizeof(shown)), strerror(e));
		sr_error_hint(err, e == EACCES ? "make it readable: chmod u+r '%s'" : "-i takes files and folders that exist: "
				   "-i PATH or -i PATH:NAME", shown);
		return -e;
	}
	r = check_kind(path, st, err);
	return r < 0 ? r : SR_TAKE_FD(fd);
}

static int open_input(struct opening *o, const struct sr_file_arg *arg)
{
	struct sr_snapshot_item *item = &o->s->items[o->s->count];
	struct stat st;
	int r;

	*item = (struct sr_snapshot_item){ .fd = open_source(arg->path, &st, o->err), .is_private = arg->is_private };
	if (item->fd < 0)
		return item->fd;
	o->s->count++; /* snapshot_done() frees it from here */
	item->path = strdup(arg->path);
	if (!item->path)
		return sr_error_oom(o->err, STAGE);
	r = name_input(arg, S_ISDIR(st.st_mode), &item->name, o->err);
	if (r < 0)
		return r;
	if (S_ISDIR(st.st_mode)) {
		item->mode = 0755;
		r = open_folder(o, item->fd, item->path, item->name, true, &item->folder);
		if (r == 0)
			item->bytes = item->folder->bytes;
		return r;
	}
	item->mode = st.st_mode & 0111 ? 0555 : 0444;
	item->bytes = (uint64_t)st.st_size;
	return 0;
}

static int open_inputs(struct opening *o)
{
	const struct sr_file_args *args = &o->p->inputs;

	if (args->count == 0)
		return 0;
	o->s->items = calloc(args->count, sizeof(*o->s->items));
	if (!o->s->items)
		return sr_error_oom(o->err, STAGE);
	for (size_t i = 0; i < args->count; i++) {
		int r = open_input(o, &args->items[i]);

		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- names that meet ---------------------------------------------------------------------------------------------- */

static bool is_beneath(const char *path, const char *folder)
{
	size_t len = strlen(folder);

	return strncmp(path, folder, len) == 0 && path[len] == '/';
}

/* `what` of the message: who has the name already. */
static int refuse_double(const struct sr_snapshot_item *item, const char *what, const char *other, struct sr_error *err)
{
	char path[256], name[256], shown[256];

	(void)str_escape(item->path, path, sizeof(path));
	(void)sr_error_set(err, SR_E_INPUT, EEXIST, STAGE, "cannot take in '%s' as '%s': %s '%s' is in its way", path,
			   str_escape(item->name, name, sizeof(name)), what, str_escape(other, shown, sizeof(shown)));
	sr_error_hint(err, "give it another name: -i %s:NAME", path);
	return -EEXIST;
}

static bool do_meet(const char *a, const char *b)
{
	return strcmp(a, b) == 0 || is_beneath(a, b) || is_beneath(b, a);
}

/* The project may hold the folders above the name, but not the name. */
static int check_against_project(const struct opening *o, const struct sr_snapshot_item *item)
{
	SR_AUTOFREE char *part = strdup(item->name);

	if (!part)
		return sr_error_oom(o->err, STAGE);
	for (char *end = part + strlen(part); end; end = strrchr(part, '/')) {
		const struct sr_project_entry *e;

		*end = '\0';
		e = project_find(o->s->project, part);
		if (e && (e->kind != SR_PROJECT_FOLDER || strcmp(part, item->name) == 0))
			return refuse_double(item, "the project's", part, o->err);
	}
	return 0;
}

static int check_script_name(const struct opening *o)
{
	char shown[256];

	if (!o->x->script || !o->x->script_name || !o->s->project || !project_find(o->s->project, o->x->script_name))
		return 0;
	(void)sr_error_set(o->err, SR_E_SCRIPT, EEXIST, STAGE, "cannot put the program at /work/%s: the project holds that name",
			   str_escape(o->x->script_name, shown, sizeof(shown)));
	sr_error_hint(o->err, "rename that file, or leave -C out");
	return -EEXIST;
}

static int check_names(const struct opening *o)
{
	const struct sr_snapshot *s = o->s;
	int r = check_script_name(o);

	for (size_t i = 0; r == 0 && i < s->count; i++) {
		const struct sr_snapshot_item *item = &s->items[i];

		for (size_t k = 0; k < i; k++) {
			if (do_meet(item->name, s->items[k].name))
				return refuse_double(item, "the input", s->items[k].path, o->err);
		}
		if (o->x->script && o->x->script_name && do_meet(item->name, o->x->script_name))
			return refuse_double(item, "the script", o->x->script_path ? o->x->script_path : o->x->script_name, o->err);
		if (s->project)
			r = check_against_project(o, item);
	}
	return r;
}

/* ---- room --------------------------------------------------------------------------------------------------------- */

static uint64_t pages(uint64_t bytes)
{
	return bytes > UINT64_MAX - PAGE ? bytes : (bytes + PAGE - 1) / PAGE * PAGE;
}

struct demand {
	uint64_t bytes, entries;
	bool is_partial;
};

static void add_folder(struct demand *d, const struct sr_project *t)
{
	d->bytes += t->charged;
	d->entries += t->seen;
	d->is_partial |= t->is_partial;
}

static struct demand measure(const struct opening *o)
{
	struct demand d = { .entries = 1 }; /* the work folder itself */

	if (o->s->project)
		add_folder(&d, o->s->project);
	if (o->x->script && o->x->script_name) {
		d.bytes += pages(o->x->script_len);
		d.entries++;
	}
	for (size_t i = 0; i < o->s->count; i++) {
		const struct sr_snapshot_item *item = &o->s->items[i];

		d.entries++;
		if (item->folder)
			add_folder(&d, item->folder);
		else
			d.bytes = d.bytes > UINT64_MAX - pages(item->bytes) ? UINT64_MAX : d.bytes + pages(item->bytes);
		for (const char *p = item->name; *p; p++)
			d.entries += *p == '/';
	}
	return d;
}

/* What is too large is said before anything is copied, with the size that would do. */
static int check_room(const struct opening *o)
{
	const struct demand d = measure(o);
	uint64_t bytes = policy_limit(o->p, SR_LIMIT_work_bytes), entries = policy_limit(o->p, SR_LIMIT_work_inodes);
	enum sr_error_code code = o->s->project ? SR_E_PROJECT : SR_E_INPUT;
	const char *what = o->s->project ? "the project folder" : "the files", *least = d.is_partial ? "at least " : "";
	char have[32], need[32];

	o->s->needed_bytes = d.bytes;
	if (bytes != SR_UNLIMITED && d.bytes > bytes) {
		str_from_bytes(bytes, have);
		place_size(d.bytes, need);
		(void)sr_error_set(o->err, code, EFBIG, STAGE, "cannot take in %s: %s%s do not fit into a work folder of %s", what,
				   least, need, have);
		sr_error_hint(o->err, "leave out what the program does not need, or give it room: --work-size %s or more", need);
		return -EFBIG;
	}
	if (entries != SR_UNLIMITED && d.entries > entries) {
		(void)sr_error_set(o->err, code, EFBIG, STAGE,
				   "cannot take in %s: %s%llu files and folders, and the work folder takes %llu", what, least,
				   (unsigned long long)d.entries, (unsigned long long)entries);
		sr_error_hint(o->err, "leave out what the program does not need (or set work.inodes in a profile; --work-size "
				      "is about bytes)");
		return -EFBIG;
	}
	return 0;
}

/* ---- the two steps ------------------------------------------------------------------------------------------------ */

static int open_all(struct opening *o)
{
	int r;

	o->rules.max_entries = policy_limit(o->p, SR_LIMIT_work_inodes);
	o->rules.hide = &o->p->hide;
	o->rules.show.names = &o->p->show;
	if (o->p->show.count > 0) {
		o->rules.show.met = calloc(o->p->show.count, sizeof(*o->rules.show.met));
		if (!o->rules.show.met)
			return sr_error_oom(o->err, STAGE);
	}
	r = open_chosen(o);
	if (r == 0)
		r = open_inputs(o);
	if (r == 0)
		r = check_room(o); /* first: beyond the limit the lists are cut, and the checks below would miss names */
	if (r == 0)
		r = check_shown(o);
	if (r == 0)
		r = check_names(o);
	free(o->rules.show.met);
	return r;
}

int snapshot_open(const struct sr_policy *p, const struct sr_exec *x, struct sr_snapshot *ret, struct sr_error *err)
{
	struct sr_snapshot s = SR_SNAPSHOT_INIT;
	struct opening o = { .p = p, .x = x, .s = &s, .err = err };
	int r = open_all(&o);

	if (r < 0)
		snapshot_done(&s);
	else
		*ret = s;
	return r;
}

static int copy_input(struct sr_place *place, const struct sr_salt *salt, struct sr_snapshot_item *item, struct sr_error *err)
{
	const char *slash = strrchr(item->name, '/');
	struct sr_measure m;
	int r = 0;

	if (item->folder) {
		r = place_folders(place, item->name);
	} else if (slash) {
		SR_AUTOFREE char *parent = strndup(item->name, (size_t)(slash - item->name));

		if (!parent)
			return sr_error_oom(err, STAGE);
		r = place_folders(place, parent);
	}
	if (r < 0)
		return place_error(place, item->name, r, err);
	if (item->is_private)
		measure_private(&m, salt, "input", item->name);
	else
		measure_plain(&m);
	if (item->folder) {
		r = project_copy(item->folder, place, item->name, &m, item->hex, err);
		item->bytes = item->folder->bytes;
	} else {
		r = place_copy(place, item->fd, item->path, item->name, item->mode, &m, &item->bytes, item->hex, err);
	}
	if (item->is_private)
		secret_wipe(&m, sizeof(m)); /* a failure may have left it open */
	if (r == 0)
		fd_close(&item->fd);
	return r;
}

static int copy_all(struct sr_snapshot *s, const struct sr_exec *x, struct sr_place *place, struct sr_error *err)
{
	int r = 0;

	if (s->project) {
		struct sr_measure m;

		measure_plain(&m);
		r = project_copy(s->project, place, "", &m, s->project_sha256, err);
		s->project_bytes = s->project->bytes;
	}
	if (r == 0 && x->script && x->script_name) {
		r = place_data(place, x->script_name, 0555, x->script, x->script_len);
		if (r < 0)
			return place_error(place, x->script_name, r, err);
	}
	for (size_t i = 0; r == 0 && i < s->count; i++)
		r = copy_input(place, s->salt, &s->items[i], err);
	return r;
}

int snapshot_copy(struct sr_snapshot *s, const struct sr_exec *x, int work_fd, uid_t owner, gid_t group,
		  struct sr_error *err)
{
	struct sr_place place = SR_PLACE_INIT;
	int r;

	for (size_t i = 0; i < s->count; i++)
		place.is_private = place.is_private || s->items[i].is_private;
	if (place.is_private && !s->salt)
		return sr_error_set(err, SR_E_INTERNAL, EINVAL, STAGE, "cannot take in private files: there is no salt");
	if (place_init(&place, work_fd, owner, group, s->needed_bytes) < 0)
		return sr_error_oom(err, STAGE);
	r = copy_all(s, x, &place, err);
	place_done(&place);
	return r;
}
