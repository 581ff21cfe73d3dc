/* SPDX-License-Identifier: MIT */
#include "run/project.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "run/filecopy.h"
#include "run/glob.h"
#include "sys/openat2.h"

#define STAGE "project"

enum {
	PAGE = 4096,
	MAX_SEEN = 1000000,  /* past the limit the scan counts on for the message, but not for ever */
	SHORT_LINK = 128,    /* tmpfs keeps shorter targets in the inode */
};

/* ---- which folders are refused ------------------------------------------------------------------------------------- */

struct identity {
	dev_t dev;
	ino_t ino;
};

static int identify(int fd, struct identity *ret)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	*ret = (struct identity){ .dev = st.st_dev, .ino = st.st_ino };
	return 0;
}

static bool is_same(const struct identity *a, const struct identity *b)
{
	return a->dev == b->dev && a->ino == b->ino;
}

/* Is `above` the folder `start` or one of those above it, up to "/"? 1, 0, -errno. */
static int is_at_or_above(const struct identity *above, int start)
{
	SR_AUTOCLOSE int fd = openat(start, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct identity here, last;
	int r = fd < 0 ? -errno : identify(fd, &here);

	while (r == 0) {
		int up;

		if (is_same(&here, above))
			return 1;
		up = openat(fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (up < 0)
			return -errno;
		fd_close(&fd);
		fd = up;
		last = here;
		r = identify(fd, &here);
		if (r == 0 && is_same(&here, &last))
			return 0; /* "/" is its own parent */
	}
	return r;
}

/* sandrun's own folders: variable, where it points without the variable, in the home folder. */
static const struct {
	const char *variable;
	const char *fallback;
} own_folders[] = {
	{ "XDG_CONFIG_HOME", ".config" },
	{ "XDG_DATA_HOME", ".local/share" },
	{ "XDG_STATE_HOME", ".local/state" },
	{ "XDG_CACHE_HOME", ".cache" },
};

static int refuse(const char *path, const char *why, struct sr_error *err)
{
	char shown[256];

	(void)sr_error_set(err, SR_E_PROJECT, EPERM, STAGE, "cannot use folder '%s': it %s",
			   str_escape(path, shown, sizeof(shown)), why);
	sr_error_hint(err, "name the folder of the one project: -C DIR; single files go in with -i FILE");
	return -EPERM;
}

static int cannot_check(const char *path, int r, struct sr_error *err)
{
	char shown[256];

	return sr_error_set(err, SR_E_PROJECT, -r, STAGE, "cannot tell what folder '%s' contains: %s",
			    str_escape(path, shown, sizeof(shown)), strerror(-r));
}

/* Compares with one protected folder; one that does not exist protects nothing. */
static int check_against(int fd, const struct identity *id, const char *path, const char *protected, bool is_own,
			 struct sr_error *err)
{
	SR_AUTOCLOSE int guard = open(protected, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct identity guard_id;
	int r;

	if (guard < 0) {
		if (errno == ENOENT || errno == ENOTDIR)
			return 0;
		if (is_own && errno == EACCES)
			return 0; /* where this user cannot go, sandrun keeps nothing of his */
		return cannot_check(path, -errno, err);
	}
	r = is_at_or_above(id, guard);
	if (r < 0)
		return cannot_check(path, r, err);
	if (r > 0)
		return refuse(path, is_own ? "contains a folder of sandrun's own" : "is or contains your home folder", err);
	if (!is_own)
		return 0;
	r = identify(guard, &guard_id);
	if (r == 0)
		r = is_at_or_above(&guard_id, fd);
	if (r < 0)
		return cannot_check(path, r, err);
	return r > 0 ? refuse(path, "is or lies in a folder of sandrun's own", err) : 0;
}

/* Without HOME (a service, a cron job) the user database knows. NULL when nobody does. */
static const char *home_folder(void)
{
	const char *home = getenv("HOME");
	const struct passwd *pw;

	if (!str_is_empty(home))
		return home;
	pw = getpwuid(getuid());
	return pw && !str_is_empty(pw->pw_dir) ? pw->pw_dir : NULL;
}

int project_check(int fd, const char *path, struct sr_error *err)
{
	const char *home = home_folder();
	struct identity id;
	int r = identify(fd, &id);

	if (r < 0)
		return cannot_check(path, r, err);
	r = check_against(fd, &id, path, "/", false, err);
	if (r < 0)
		return refuse(path, "is the root of all folders", err);
	if (!str_is_empty(home))
		r = check_against(fd, &id, path, home, false, err);
	for (size_t i = 0; r == 0 && i < SR_ELEMENTSOF(own_folders); i++) {
		const char *base = getenv(own_folders[i].variable);
		SR_AUTOFREE char *own = NULL;

		if (!str_is_empty(base) && base[0] == '/')
			own = str_format("%s/sandrun", base);
		else if (!str_is_empty(home))
			own = str_format("%s/%s/sandrun", home, own_folders[i].fallback);
		else
			continue;
		if (!own)
			return sr_error_oom(err, STAGE);
		r = check_against(fd, &id, path, own, true, err);
	}
	return r;
}

/* ---- scan --------------------------------------------------------------------------------------------------------- */

struct scan {
	struct sr_project *t;
	struct sr_project_rules *rules;
	struct sr_error *err;
};

/* Where a scan is: a folder and what is known of it. */
struct where {
	const char *prefix;          /* its path, "" at the top */
	unsigned depth;
	bool hidden;                 /* kept out but for what --show names in it */
	const sr_glob_state *states; /* one a pattern of `only`; NULL when all in it goes in */
};

static int unreadable(const struct scan *s, const char *path, int errnum)
{
	char shown[256], folder[256];

	(void)str_escape(path, shown, sizeof(shown));
	(void)str_escape(s->t->path, folder, sizeof(folder));
	if (errnum == ENOENT || errnum == ELOOP || errnum == ENOTDIR) {
		(void)sr_error_set(s->err, SR_E_INPUT_CHANGED, errnum, STAGE,
				   "cannot read '%s' of folder '%s': it changes while read", shown, folder);
		sr_error_hint(s->err, "wait until nothing writes there, or give a copy of it");
		return -errnum;
	}
	(void)sr_error_set(s->err, SR_E_PROJECT, errnum, STAGE, "cannot read '%s' of folder '%s': %s", shown, folder,
			   strerror(errnum));
	sr_error_hint(s->err, "make it readable (chmod u+r), or move it out of the folder: it would be missing inside");
	return -errnum;
}

/* Does an item of --show name this entry? By its name alone, or by its path below the folder. */
static bool is_shown(struct sr_project_show *show, const char *path, const char *name)
{
	bool shown = false;

	for (size_t i = 0; i < show->names->count; i++) {
		const char *item = show->names->items[i];
		size_t len;

		while (str_has_prefix(item, "./"))
			item += 2;
		len = strlen(item);
		while (len > 0 && item[len - 1] == '/')
			len--;
		if ((strlen(path) == len && memcmp(item, path, len) == 0) ||
		    (strlen(name) == len && memcmp(item, name, len) == 0)) {
			show->met[i] = true;
			shown = true;
		}
	}
	return shown;
}

/* Something beneath a hidden folder is shown by its path. */
static bool is_above_shown(const struct sr_project_show *show, const char *path)
{
	size_t len = strlen(path);

	for (size_t i = 0; i < show->names->count; i++) {
		const char *item = show->names->items[i];

		while (str_has_prefix(item, "./"))
			item += 2;
		if (strncmp(item, path, len) == 0 && item[len] == '/' && item[len + 1])
			return true;
	}
	return false;
}

/* Takes over path and target in either case. */
static int add_entry(struct scan *s, char *path, char *target, enum sr_project_kind kind, const struct stat *st)
{
	struct sr_project *t = s->t;
	uint32_t bits = (uint32_t)st->st_mode & 0777U;
	struct sr_project_entry e = { .path = path, .target = target, .kind = kind, .mtime = st->st_mtim };

	t->seen++;
	e.bytes = kind == SR_PROJECT_FOLDER ? 0 : (uint64_t)st->st_size;
	if (kind == SR_PROJECT_FILE) {
		e.mode = s->rules->read_only ? (bits & 0111 ? 0555 : 0444) : bits | 0400;
		t->files++;
		t->bytes += e.bytes;
	} else if (kind == SR_PROJECT_FOLDER) {
		e.mode = s->rules->read_only ? 0755 : bits | 0700;
	}
	if (kind == SR_PROJECT_FILE || e.bytes >= SHORT_LINK)
		t->charged += (e.bytes + PAGE - 1) / PAGE * PAGE;
	if (t->seen > s->rules->max_entries) { /* counted for the message, not kept */
		free(path);
		free(target);
		return 0;
	}
	if (t->count == t->room) {
		size_t room = t->room ? t->room * 2 : 256;
		struct sr_project_entry *bigger = realloc(t->entries, room * sizeof(*bigger));

		if (!bigger) {
			free(path);
			free(target);
			return sr_error_oom(s->err, STAGE);
		}
		t->entries = bigger;
		t->room = room;
	}
	t->entries[t->count++] = e;
	return 0;
}

static int read_link(int dir_fd, const char *name, struct stat *st, char **ret)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(dir_fd, name, target, sizeof(target) - 1);

	if (n < 0)
		return -errno;
	target[n] = '\0';
	st->st_size = n;
	*ret = strdup(target);
	return *ret ? 0 : -ENOMEM;
}

/* Only asks the kernel where the mode does not tell already. */
static bool is_readable(int dir_fd, const char *name, const struct stat *st)
{
	uid_t me = geteuid();

	if (me == 0 || (st->st_uid == me && (st->st_mode & 0400)))
		return true;
	return faccessat(dir_fd, name, R_OK, 0) == 0;
}

static int scan_folder(struct scan *s, int fd, const struct where *here);

static int enter(struct scan *s, int dir_fd, const char *name, const struct where *there)
{
	const char *path = there->prefix;
	char shown[256];
	int fd;

	if (there->depth > SR_PROJECT_DEPTH) {
		(void)sr_error_set(s->err, SR_E_PROJECT, ENAMETOOLONG, STAGE,
				   "cannot take in '%s': folders are more than %d deep", str_escape(path, shown, sizeof(shown)),
				   SR_PROJECT_DEPTH);
		sr_error_hint(s->err, "move the deep folders out, or take in single files with -i");
		return -ENAMETOOLONG;
	}
	fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return unreadable(s, path, errno);
	return scan_folder(s, fd, there);
}

static int note(struct scan *s, struct sr_strv *list, const char *path)
{
	return strv_add(list, path) < 0 ? sr_error_oom(s->err, STAGE) : 0;
}

/* Is `path` one of those that go in whatever the patterns say, beneath one, or a folder above one? */
static bool is_on_path(const struct sr_project_only *only, const char *path, bool *ret_all)
{
	size_t len = strlen(path);
	bool on = false;

	for (size_t i = 0; i < SR_ELEMENTSOF(only->paths); i++) {
		const char *p = only->paths[i];
		size_t n = p ? strlen(p) : 0;

		if (!p)
			continue;
		if (strncmp(p, path, n) == 0 && (path[n] == '/' || !path[n]))
			*ret_all = on = true;
		else if (strncmp(p, path, len) == 0 && p[len] == '/')
			on = true;
	}
	return on;
}

/*
 * Does the entry go in? For a folder: may something in it? `states` are those of the folder it is in and become its own.
 * *ret_all: it is matched itself.
 */
static bool is_wanted(const struct scan *s, const char *path, const char *name, sr_glob_state *states, bool *ret_all)
{
	const struct sr_project_only *only = s->rules->only;
	bool wanted = is_on_path(only, path, ret_all);

	if (is_shown(&s->rules->show, path, name)) /* the user asked for it by name */
		*ret_all = true;
	wanted = wanted || is_above_shown(&s->rules->show, path);
	for (size_t i = 0; i < only->count; i++) {
		states[i] = glob_step(&only->globs[i], states[i], name);
		if (glob_is_match(&only->globs[i], states[i]))
			*ret_all = only->met[i] = true;
		wanted = wanted || states[i];
	}
	return wanted || *ret_all;
}

/* A folder that was entered only because something in it might go in, and nothing did. */
static void drop_empty(struct scan *s, size_t count, uint64_t seen)
{
	if (s->t->count != count + 1 || s->t->seen != seen + 1)
		return;
	free(s->t->entries[count].path);
	free(s->t->entries[count].target);
	s->t->count--;
	s->t->seen--;
}

/* 1 to go on, 0 when it stays outside. */
static int judge(struct scan *s, const struct where *here, const char *path, const char *name, bool is_folder, bool *hidden)
{
	*hidden = here->hidden;
	if (is_shown(&s->rules->show, path, name)) {
		*hidden = false;
	} else if (*hidden || project_is_hidden(path, s->rules->hide)) {
		*hidden = true;
		if (!is_folder || !is_above_shown(&s->rules->show, path))
			return strv_add(&s->t->hidden, path) < 0 ? sr_error_oom(s->err, STAGE) : 0;
	}
	return 1;
}

/* Takes in one entry that goes in. */
static int take_entry(struct scan *s, int dir_fd, const char *name, const char *path, struct stat *st)
{
	SR_AUTOFREE char *copy = NULL, *target = NULL;
	int r = 0;

	if (S_ISLNK(st->st_mode))
		r = read_link(dir_fd, name, st, &target);
	else if (S_ISREG(st->st_mode))
		r = is_readable(dir_fd, name, st) ? 0 : -EACCES;
	if (r == -ENOMEM)
		return sr_error_oom(s->err, STAGE);
	if (r < 0)
		return unreadable(s, path, -r);
	copy = strdup(path);
	if (!copy)
		return sr_error_oom(s->err, STAGE);
	return add_entry(s, SR_TAKE_PTR(copy), SR_TAKE_PTR(target),
			 S_ISREG(st->st_mode)	? SR_PROJECT_FILE
			 : S_ISLNK(st->st_mode) ? SR_PROJECT_LINK
						: SR_PROJECT_FOLDER,
			 st);
}

static int scan_entry(struct scan *s, int dir_fd, const char *name, const struct where *here)
{
	SR_AUTOFREE char *path = *here->prefix ? str_format("%s/%s", here->prefix, name) : strdup(name);
	SR_AUTOFREE sr_glob_state *states = NULL;
	struct where there = { .prefix = path, .depth = here->depth + 1 };
	const size_t count = s->t->count;
	const uint64_t seen = s->t->seen;
	bool all = !here->states;
	struct stat st;
	int r;

	if (!path)
		return sr_error_oom(s->err, STAGE);
	if (strlen(path) >= PATH_MAX)
		return unreadable(s, path, ENAMETOOLONG);
	if (!all) {
		states = malloc((s->rules->only->count + 1) * sizeof(*states));
		if (!states)
			return sr_error_oom(s->err, STAGE);
		memcpy(states, here->states, s->rules->only->count * sizeof(*states));
		if (!is_wanted(s, path, name, states, &all))
			return 0;
	}
	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return unreadable(s, path, errno);
	if (!all && !S_ISDIR(st.st_mode))
		return 0; /* a pattern could match beneath it, if it were a folder */
	r = judge(s, here, path, name, S_ISDIR(st.st_mode), &there.hidden);
	if (r <= 0)
		return r;
	if (!S_ISLNK(st.st_mode) && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
		return note(s, &s->t->skipped, path);
	r = take_entry(s, dir_fd, name, path, &st);
	if (r < 0 || !S_ISDIR(st.st_mode))
		return r;
	there.states = states;
	r = enter(s, dir_fd, name, &there);
	if (r == 0 && !all)
		drop_empty(s, count, seen);
	return r;
}

static void close_dir(DIR **d)
{
	if (*d)
		(void)closedir(*d);
}

/* Owns fd. */
static int scan_folder(struct scan *s, int fd, const struct where *here)
{
	__attribute__((__cleanup__(close_dir))) DIR *d = fdopendir(fd);

	if (!d) {
		fd_close(&fd);
		return sr_error_oom(s->err, STAGE);
	}
	for (;;) {
		struct dirent *de;
		int r;

		errno = 0;
		de = readdir(d);
		if (!de)
			return errno ? unreadable(s, *here->prefix ? here->prefix : ".", errno) : 0;
		if (strcmp(de->d_name, ".") == 0 || strcmp(de->d_name, "..") == 0)
			continue;
		if (s->t->seen >= MAX_SEEN && s->t->seen >= s->rules->max_entries) {
			s->t->is_partial = true;
			return 0;
		}
		r = scan_entry(s, dirfd(d), de->d_name, here);
		if (r < 0)
			return r;
	}
}

static int compare_entries(const void *a, const void *b)
{
	return strcmp(((const struct sr_project_entry *)a)->path, ((const struct sr_project_entry *)b)->path);
}

int project_scan(int fd, const char *path, struct sr_project_rules *rules, struct sr_project *ret, struct sr_error *err)
{
	struct scan s = { .t = ret, .rules = rules, .err = err };
	struct where top = { .prefix = "" };
	SR_AUTOFREE sr_glob_state *states = NULL;
	int again, r;

	ret->fd = fd;
	ret->path = strdup(path);
	if (!ret->path)
		return sr_error_oom(err, STAGE);
	if (rules->only) {
		states = malloc((rules->only->count + 1) * sizeof(*states));
		if (!states)
			return sr_error_oom(err, STAGE);
		for (size_t i = 0; i < rules->only->count; i++)
			states[i] = glob_start(&rules->only->globs[i]);
		top.states = states;
	}
	again = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC); /* fdopendir(3) takes it and moves its position */
	if (again < 0)
		return unreadable(&s, ".", errno);
	r = scan_folder(&s, again, &top);
	if (r == 0 && ret->count > 0)
		qsort(ret->entries, ret->count, sizeof(*ret->entries), compare_entries);
	return r;
}

const struct sr_project_entry *project_find(const struct sr_project *t, const char *path)
{
	union {
		/* cppcheck-suppress unusedStructMember ; written by the initialiser */
		const char *in;
		char *out;
	} key = { .in = path }; /* bsearch(3) reads it only */
	const struct sr_project_entry wanted = { .path = key.out };

	if (t->count == 0)
		return NULL;
	return bsearch(&wanted, t->entries, t->count, sizeof(*t->entries), compare_entries);
}

void project_done(struct sr_project *t)
{
	for (size_t i = 0; i < t->count; i++) {
		free(t->entries[i].path);
		free(t->entries[i].target);
	}
	free(t->entries);
	free(t->path);
	strv_done(&t->hidden);
	strv_done(&t->skipped);
	t->entries = NULL;
	t->path = NULL;
	t->count = t->room = 0;
}

/* ---- copy --------------------------------------------------------------------------------------------------------- */

struct copy {
	struct sr_project *t;
	struct sr_place *place;
	struct sr_measure *measure;
	struct sr_error *err;
	char *folder;  /* the source folder used last, kept open: entries come sorted */
	int folder_fd;
};

/* Opens a file of the folder for reading, without following a link anywhere. */
static int open_source(struct copy *c, const char *path)
{
	const char *slash = strrchr(path, '/');
	size_t len = slash ? (size_t)(slash - path) : 0;
	int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, fd;

	if (!slash) {
		fd = openat(c->t->fd, path, flags);
		return fd < 0 ? -errno : fd;
	}
	if (!c->folder || strlen(c->folder) != len || memcmp(c->folder, path, len) != 0) {
		free(c->folder);
		fd_close(&c->folder_fd);
		c->folder = strndup(path, len);
		if (!c->folder)
			return -ENOMEM;
		fd = sys_open_beneath(c->t->fd, c->folder, O_PATH | O_DIRECTORY, 0);
		if (fd < 0) {
			free(SR_TAKE_PTR(c->folder));
			return fd;
		}
		c->folder_fd = fd;
	}
	fd = openat(c->folder_fd, slash + 1, flags);
	return fd < 0 ? -errno : fd;
}

static void add_record(struct copy *c, const struct sr_project_entry *e)
{
	char head[160];
	int n = snprintf(head, sizeof(head), "%c %04o %llu %s ", (char)e->kind, e->mode, (unsigned long long)e->bytes,
			 e->kind == SR_PROJECT_FOLDER ? "-" : e->sha256);

	measure_update(c->measure, head, (size_t)n);
	if (c->measure->is_private)
		secret_wipe(head, sizeof(head));
	measure_update(c->measure, e->path, strlen(e->path) + 1);
}

/* Without a place to copy to: the bytes are measured where they are. */
static int measure_file(struct copy *c, struct sr_project_entry *e, int fd, struct sr_measure *each)
{
	struct sr_filecopy copy = { .buffer = filecopy_buffer(c->measure->is_private), .dst_fd = -1, .socket_fd = -1, .max = UINT64_MAX,
				    .measure = each };
	struct scan s = { .t = c->t, .err = c->err };
	int r;

	if (!copy.buffer)
		return sr_error_oom(c->err, STAGE);
	r = filecopy(fd, &copy);
	filecopy_buffer_free(copy.buffer, c->measure->is_private);
	e->bytes = copy.bytes;
	memcpy(e->sha256, copy.hex, sizeof(e->sha256));
	return r < 0 ? unreadable(&s, e->path, -r) : 0;
}

static int copy_file(struct copy *c, struct sr_project_entry *e, const char *dest)
{
	SR_AUTOCLOSE int fd = open_source(c, e->path);
	SR_AUTOFREE char *source = str_format("%s/%s", c->t->path, e->path);
	struct scan s = { .t = c->t, .err = c->err };
	struct sr_measure each;
	int r;

	if (fd < 0)
		return unreadable(&s, e->path, -fd);
	if (!source)
		return sr_error_oom(c->err, STAGE);
	measure_plain(&each);
	r = !c->place ? measure_file(c, e, fd, &each) :
			place_copy(c->place, fd, source, dest, e->mode, &each, &e->bytes, e->sha256, c->err);
	if (c->measure->is_private)
		secret_wipe(&each, sizeof(each));
	if (r == 0 && c->t->pinned && strcmp(e->path, c->t->pinned) == 0 && strcmp(e->sha256, c->t->pinned_sha256) != 0)
		return unreadable(&s, e->path, ENOENT); /* not the bytes that were obeyed */
	return r;
}

static int copy_entry(struct copy *c, struct sr_project_entry *e, const char *prefix)
{
	SR_AUTOFREE char *dest = *prefix ? str_format("%s/%s", prefix, e->path) : strdup(e->path);
	int r;

	if (!dest)
		return sr_error_oom(c->err, STAGE);
	if (e->kind == SR_PROJECT_FILE)
		return copy_file(c, e, dest);
	if (e->kind == SR_PROJECT_LINK) {
		digest_hex(e->target, strlen(e->target), e->sha256);
		r = c->place ? place_link(c->place, dest, e->target) : 0;
	} else {
		r = c->place ? place_folder(c->place, dest) : 0;
	}
	return r < 0 ? place_error(c->place, dest, r, c->err) : 0;
}

/* Folders get their mode and time last, deepest first: filling them changes the time. */
static int finish_folders(struct copy *c, const char *prefix)
{
	for (size_t i = c->t->count; i-- > 0;) {
		const struct sr_project_entry *e = &c->t->entries[i];
		SR_AUTOFREE char *dest = NULL;
		int r;

		if (e->kind != SR_PROJECT_FOLDER)
			continue;
		dest = *prefix ? str_format("%s/%s", prefix, e->path) : strdup(e->path);
		if (!dest)
			return sr_error_oom(c->err, STAGE);
		r = place_finish_folder(c->place, dest, e->mode, &e->mtime);
		if (r < 0)
			return place_error(c->place, dest, r, c->err);
	}
	return 0;
}

int project_copy(struct sr_project *t, struct sr_place *place, const char *prefix,
		 struct sr_measure *measure, char ret_hex[static SR_DIGEST_HEX], struct sr_error *err)
{
	static const char head[] = "sandrun-manifest-1";
	struct copy c = { .t = t, .place = place, .measure = measure, .err = err, .folder_fd = -1 };
	int r = 0;

	measure_update(measure, head, sizeof(head));
	t->bytes = 0;
	for (size_t i = 0; r == 0 && i < t->count; i++) {
		r = copy_entry(&c, &t->entries[i], prefix);
		if (r < 0)
			break;
		add_record(&c, &t->entries[i]);
		if (measure->is_private) /* the digests were for the manifest, and are not to stay */
			secret_wipe(t->entries[i].sha256, sizeof(t->entries[i].sha256));
		if (t->entries[i].kind == SR_PROJECT_FILE)
			t->bytes += t->entries[i].bytes;
	}
	if (r == 0 && place)
		r = finish_folders(&c, prefix);
	free(c.folder);
	fd_close(&c.folder_fd);
	measure_final_hex(measure, ret_hex);
	if (r < 0)
		*ret_hex = '\0';
	return r;
}
