/* SPDX-License-Identifier: MIT */
#include "run/match.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"

#define STAGE "output"

#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif

struct walk {
	struct sr_match *m;
	dev_t dev;        /* of the work folder: what is mounted below it is none of the payload's */
	uint64_t seen;
	bool stopped;     /* a limit ended it */
	struct sr_error *err;
};

int match_warn(struct sr_match *m, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	if (m->warnings.count >= SR_MATCH_WARNINGS) {
		m->unsaid++;
		return 0;
	}
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return strv_add(&m->warnings, text);
}

static int left_out(struct walk *w, const char *path, const char *why)
{
	char shown[600];

	if (match_warn(w->m, "output '%s' is not copied: %s", str_escape(path, shown, sizeof(shown)), why) < 0)
		return sr_error_oom(w->err, STAGE);
	return 0;
}

static int stop(struct walk *w, const char *path, const char *limit)
{
	w->stopped = true;
	w->m->limit_hit = true;
	return left_out(w, path, limit);
}

/* ---- what the payload made unreadable ------------------------------------------------------------------------------ */

static int chmod_path_fd(int fd, mode_t mode)
{
	char link[64];

	if (syscall(SYS_fchmodat2, fd, "", mode, AT_EMPTY_PATH) == 0)
		return 0;
	/* before Linux 6.6: the magic link leads to this very inode, which is known to be no link */
	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	return chmod(link, mode) < 0 ? -errno : 0;
}

/* Gives the owner's missing rights back, when the owner is us. Failure shows at the opening that follows. */
static void mend(const struct walk *w, int dir_fd, const char *name, const struct stat *seen)
{
	mode_t wanted = S_ISDIR(seen->st_mode) ? 0500 : 0400;
	SR_AUTOCLOSE int fd = -1;
	struct stat st;

	if ((seen->st_mode & wanted) == wanted || seen->st_uid != geteuid())
		return;
	fd = openat(dir_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return;
	if (st.st_ino == seen->st_ino && st.st_dev == w->dev && (st.st_mode & S_IFMT) == (seen->st_mode & S_IFMT))
		(void)chmod_path_fd(fd, (st.st_mode & 0777) | wanted);
}

/* ---- the names of a folder ----------------------------------------------------------------------------------------- */

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void close_dir(DIR **d)
{
	if (*d)
		(void)closedir(*d);
}

/* Takes fd over. Fills names, sorted; stops the walk at the greatest number. */
static int read_names(struct walk *w, DIR *d, const char *path, struct sr_strv *names)
{
	size_t room = 0;

	for (;;) {
		struct dirent *de;

		errno = 0;
		de = readdir(d);
		if (!de && errno)
			return left_out(w, *path ? path : ".", strerror(errno));
		if (!de)
			break;
		if (strcmp(de->d_name, ".") == 0 || strcmp(de->d_name, "..") == 0)
			continue;
		if (++w->seen > SR_MATCH_NAMES)
			return stop(w, *path ? path : ".", "there are too many names to look at");
		if (names->count == room) { /* strv_add() grows by one, which is too slow for a million */
			char **bigger = realloc(names->items, (room ? room * 2 : 64) * sizeof(*bigger));

			if (!bigger)
				return sr_error_oom(w->err, STAGE);
			names->items = bigger;
			room = room ? room * 2 : 64;
		}
		names->items[names->count] = strdup(de->d_name);
		if (!names->items[names->count])
			return sr_error_oom(w->err, STAGE);
		names->count++;
	}
	if (names->count > 0)
		qsort(names->items, names->count, sizeof(*names->items), compare_names);
	return 0;
}

/* ---- the walk ------------------------------------------------------------------------------------------------------ */

static int add_file(struct walk *w, const char *path, uint64_t bytes)
{
	struct sr_match *m = w->m;

	if (m->count >= m->max_files)
		return stop(w, path, "the limit on the number of files is reached (files.max), it and what follows stay behind");
	if (bytes > m->max_bytes || m->bytes > m->max_bytes - bytes)
		return stop(w, path, "the limit on bytes is reached (bytes.max), it and what follows stay behind");
	if (m->count == m->room) {
		size_t room = m->room ? m->room * 2 : 64;
		struct sr_match_item *bigger = realloc(m->items, room * sizeof(*bigger));

		if (!bigger)
			return sr_error_oom(w->err, STAGE);
		m->items = bigger;
		m->room = room;
	}
	m->items[m->count] = (struct sr_match_item){ .name = strdup(path), .bytes = bytes };
	if (!m->items[m->count].name)
		return sr_error_oom(w->err, STAGE);
	m->count++;
	m->bytes += bytes;
	return 0;
}

/* The states of all patterns after one more name. */
struct step {
	bool is_match, goes_on, is_named; /* named: a component of a pattern is this very name */
};

static struct step step_all(const struct walk *w, const sr_glob_state *from, const char *name, sr_glob_state *to)
{
	struct step s = { 0 };

	for (size_t i = 0; i < w->m->glob_count; i++) {
		const struct sr_glob *g = &w->m->globs[i];

		to[i] = glob_step(g, from[i], name);
		s.goes_on |= to[i] != 0;
		s.is_match |= glob_is_match(g, to[i]);
		for (unsigned k = 0; k < g->count; k++)
			s.is_named |= (from[i] >> k & 1) && strcmp(g->components[k], name) == 0;
	}
	return s;
}

static void mark(const struct walk *w, const sr_glob_state *state)
{
	for (size_t i = 0; i < w->m->glob_count; i++) {
		if (glob_is_match(&w->m->globs[i], state[i]))
			w->m->is_matched[i] = true;
	}
}

static int walk_folder(struct walk *w, int fd, const char *path, unsigned depth, const sr_glob_state *from);

static int enter(struct walk *w, int dir_fd, const char *name, const char *path, const struct stat *st, unsigned depth,
		 const sr_glob_state *state)
{
	int fd;

	if (depth == SR_MATCH_DEPTH)
		return left_out(w, path, "folders are too deep");
	mend(w, dir_fd, name, st);
	fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return left_out(w, path, strerror(errno));
	return walk_folder(w, fd, path, depth + 1, state);
}

static const char *kind_name(mode_t mode)
{
	return S_ISLNK(mode) ? "it is a symbolic link" : S_ISFIFO(mode) ? "it is a FIFO" : S_ISSOCK(mode) ? "it is a socket" :
											   "it is a device";
}

static int visit(struct walk *w, int dir_fd, const char *name, const char *folder, unsigned depth,
		 const sr_glob_state *from, sr_glob_state *state)
{
	const struct step s = step_all(w, from, name, state);
	SR_AUTOFREE char *path = NULL;
	struct stat st;

	if (!s.goes_on)
		return 0;
	path = *folder ? str_format("%s/%s", folder, name) : strdup(name);
	if (!path)
		return sr_error_oom(w->err, STAGE);
	if (strlen(path) >= PATH_MAX)
		return left_out(w, path, "its path is too long");
	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return left_out(w, path, strerror(errno));
	if (st.st_dev != w->dev)
		return left_out(w, path, "it was mounted there");
	if (S_ISDIR(st.st_mode))
		return enter(w, dir_fd, name, path, &st, depth, state);
	if (!S_ISREG(st.st_mode))
		return s.is_match || (s.is_named && S_ISLNK(st.st_mode)) ? left_out(w, path, kind_name(st.st_mode)) : 0;
	if (!s.is_match)
		return 0;
	mark(w, state);
	mend(w, dir_fd, name, &st);
	return add_file(w, path, (uint64_t)st.st_size);
}

/* Owns fd. */
static int walk_folder(struct walk *w, int fd, const char *path, unsigned depth, const sr_glob_state *from)
{
	__attribute__((__cleanup__(close_dir))) DIR *d = fdopendir(fd);
	SR_AUTOFREE sr_glob_state *state = calloc(w->m->glob_count, sizeof(*state));
	struct sr_strv names = { 0 };
	int r;

	if (!d || !state) {
		if (!d)
			fd_close(&fd);
		return sr_error_oom(w->err, STAGE);
	}
	r = read_names(w, d, path, &names);
	for (size_t i = 0; r == 0 && i < names.count && !w->stopped; i++)
		r = visit(w, dirfd(d), names.items[i], path, depth, from, state);
	strv_done(&names);
	return r;
}

static int compare_items(const void *a, const void *b)
{
	return strcmp(((const struct sr_match_item *)a)->name, ((const struct sr_match_item *)b)->name);
}

int match_walk(int work_fd, struct sr_match *m, struct sr_error *err)
{
	struct walk w = { .m = m, .err = err };
	SR_AUTOFREE sr_glob_state *state = calloc(m->glob_count ? m->glob_count : 1, sizeof(*state));
	struct stat st;
	int fd, r;

	if (!state)
		return sr_error_oom(err, STAGE);
	if (fstat(work_fd, &st) < 0)
		return sr_error_set(err, SR_E_OUTPUT, errno, STAGE, "cannot read the work folder: %s", strerror(errno));
	w.dev = st.st_dev;
	if ((st.st_mode & 0500) != 0500 && st.st_uid == geteuid())
		(void)chmod_path_fd(work_fd, 0700); /* the payload may have closed its own home */
	fd = openat(work_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return sr_error_set(err, SR_E_OUTPUT, errno, STAGE, "cannot read the work folder: %s", strerror(errno));
	for (size_t i = 0; i < m->glob_count; i++)
		state[i] = glob_start(&m->globs[i]);
	r = walk_folder(&w, fd, "", 0, state);
	if (r == 0 && m->count > 0)
		qsort(m->items, m->count, sizeof(*m->items), compare_items);
	return r;
}

void match_done(struct sr_match *m)
{
	for (size_t i = 0; i < m->count; i++)
		free(m->items[i].name);
	free(m->items);
	m->items = NULL;
	m->count = m->room = 0;
	strv_done(&m->warnings);
}
