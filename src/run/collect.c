/* SPDX-License-Identifier: MIT */
#include "run/collect.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "run/archive.h"
#include "run/deliver.h"
#include "run/filecopy.h"
#include "run/match.h"
#include "sys/openat2.h"

#define STAGE "output"

void collected_done(struct sr_collected *c)
{
	for (size_t i = 0; i < c->count; i++)
		free(c->items[i].name);
	free(c->items);
	c->items = NULL;
	c->count = 0;
	strv_done(&c->warnings);
}

/* ---- patterns ------------------------------------------------------------------------------------------------------ */

static int refuse_pattern(const char *pattern, int r, struct sr_error *err)
{
	char shown[256], tail[256];

	if (r == -ENOMEM)
		return sr_error_oom(err, STAGE);
	(void)str_escape(pattern, shown, sizeof(shown));
	(void)sr_error_set(err, SR_E_OUTPUT, -r, STAGE, "cannot take pattern '%s': %s", shown,
			   r == -EXDEV && pattern[0] == '/' ? "it is absolute" :
			   r == -EXDEV			    ? "it leads upwards" :
			   r == -E2BIG			    ? "it has too many components" :
							      "it is empty");
	if (str_has_prefix(pattern, "/work/") && pattern[6])
		sr_error_hint(err, "patterns are relative to /work: -o '%s'", str_escape(pattern + 6, tail, sizeof(tail)));
	else
		sr_error_hint(err, "patterns name files below /work, e.g. -o 'out/*'");
	return r;
}

static void globs_free(struct sr_glob *globs, size_t count)
{
	for (size_t i = 0; i < count; i++)
		glob_done(&globs[i]);
	free(globs);
}

static int parse_patterns(const struct sr_policy *p, struct sr_glob **ret, struct sr_error *err)
{
	struct sr_glob *globs = calloc(p->outputs.count, sizeof(*globs));

	if (!globs)
		return sr_error_oom(err, STAGE);
	for (size_t i = 0; i < p->outputs.count; i++) {
		int r = glob_parse(p->outputs.items[i], &globs[i]);

		if (r < 0) {
			globs_free(globs, i);
			return refuse_pattern(p->outputs.items[i], r, err);
		}
	}
	*ret = globs;
	return 0;
}

/* ---- places -------------------------------------------------------------------------------------------------------- */

/* A destination as the user named it: a descriptor of the folder above, and the name there. */
struct place {
	const char *path;
	int above_fd;
	char *base;
};

static void place_free(struct place *p)
{
	fd_close(&p->above_fd);
	free(p->base);
}

static int refuse_place(const char *what, const char *path, const char *why, int errnum, struct sr_error *err)
{
	char shown[256];

	(void)sr_error_set(err, SR_E_OUTPUT, errnum, STAGE, "cannot use %s '%s': %s", what,
			   str_escape(path, shown, sizeof(shown)), why);
	sr_error_hint(err, "name a place that you can write to: -O DIR or --output-archive FILE.tar.gz");
	return -errnum;
}

/* Links in the folders above are the user's own and followed; the last component is looked at by whoever uses it. */
static int open_place(const char *what, const char *path, struct place *ret, struct sr_error *err)
{
	SR_AUTOFREE char *above = NULL, *base = NULL;
	SR_AUTOCLOSE int fd = -1;
	char shown[256];

	if (!*path)
		return refuse_place(what, path, "the name is empty", EINVAL, err);
	if (deliver_split(path, &above, &base) < 0)
		return sr_error_oom(err, STAGE);
	fd = open(above, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		int e = errno;

		(void)refuse_place(what, path, e == ENOENT ? "the folder above it does not exist" : strerror(e), e, err);
		if (e == ENOENT)
			sr_error_hint(err, "mkdir -p '%s'", str_escape(above, shown, sizeof(shown)));
		return -e;
	}
	*ret = (struct place){ .path = path, .above_fd = SR_TAKE_FD(fd), .base = SR_TAKE_PTR(base) };
	return 0;
}

static const char *output_dir(const struct sr_policy *p)
{
	return p->output_dir ? p->output_dir : ".";
}

/* Files are wanted as files, unless an archive alone is. */
static bool wants_files(const struct sr_policy *p)
{
	return p->output_dir || !p->output_archive;
}

static int check_writable(const char *what, const struct place *p, int dir_fd, struct sr_error *err)
{
	if (faccessat(dir_fd, ".", W_OK | X_OK, 0) == 0)
		return 0;
	return refuse_place(what, p->path, strerror(errno), errno, err);
}

/* Patterns without wildcards say now what will be written: no need to run first and refuse then. */
static int check_named(const struct sr_policy *p, const struct sr_glob *globs, struct sr_deliver *d, struct sr_error *err)
{
	for (size_t i = 0; i < p->outputs.count; i++) {
		SR_AUTOFREE char *name = NULL;
		struct stat st;
		int fd;

		if (globs[i].count == 0 || !glob_is_literal(&globs[i]))
			continue;
		for (unsigned k = 0; k < globs[i].count; k++) {
			char *longer = str_format("%s%s%s", name ? name : "", name ? "/" : "", globs[i].components[k]);

			free(name);
			name = longer;
			if (!name)
				return sr_error_oom(err, STAGE);
		}
		fd = sys_open_beneath(d->fd, name, O_PATH | O_NOFOLLOW, 0);
		if (fd >= 0) {
			bool is_folder = fstat(fd, &st) == 0 && S_ISDIR(st.st_mode);

			(void)close(fd);
			if (is_folder) /* the pattern may mean a folder as well: its files are checked when they are known */
				continue;
		}
		fd = deliver_check(d, name, err);
		if (fd < 0)
			return fd;
	}
	return 0;
}

static int check_folder(const struct sr_policy *p, const struct sr_glob *globs, const struct place *place,
			struct sr_error *err)
{
	struct sr_deliver d = SR_DELIVER_INIT;
	char shown[256], whole[4096];
	int r = deliver_open(&d, place->above_fd, place->base, place->path, p->force, err);

	if (r == -ELOOP && realpath(place->path, whole))
		sr_error_hint(err, "outputs are never written through a link; name its target: -O '%s'",
			      str_escape(whole, shown, sizeof(shown)));
	if (r == 0)
		r = check_writable("output folder", place, d.fd < 0 ? place->above_fd : d.fd, err);
	if (r == 0 && d.fd >= 0)
		r = check_named(p, globs, &d, err);
	deliver_done(&d);
	return r;
}

static int check_archive(const struct sr_policy *p, const struct place *place, struct sr_error *err)
{
	SR_AUTOFREE char *program = NULL;
	struct stat st;

	if (!str_has_suffix(place->base, ".tar.gz") && !str_has_suffix(place->base, ".tgz")) {
		(void)refuse_place("archive", place->path, "it will be a tar.gz, and its name says otherwise", EINVAL, err);
		sr_error_hint(err, "end the name in .tar.gz or .tgz");
		return -EINVAL;
	}
	if (fstatat(place->above_fd, place->base, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		if (S_ISDIR(st.st_mode))
			return refuse_place("archive", place->path, "a folder has that name", EISDIR, err);
		if (!p->force) {
			(void)refuse_place("archive", place->path, "it exists", EEXIST, err);
			sr_error_hint(err, "--force replaces it");
			return -EEXIST;
		}
	} else if (errno != ENOENT) {
		return refuse_place("archive", place->path, strerror(errno), errno, err);
	}
	if (check_writable("archive", place, place->above_fd, err) < 0)
		return -err->errnum;
	return archive_find(&program, err);
}

static int open_all(const struct sr_policy *p, const struct sr_glob *globs, struct place *folder, struct place *archive,
		    struct sr_error *err)
{
	int r = 0;

	if (wants_files(p)) {
		r = open_place("output folder", output_dir(p), folder, err);
		if (r == 0)
			r = check_folder(p, globs, folder, err);
	}
	if (r == 0 && p->output_archive) {
		r = open_place("archive", p->output_archive, archive, err);
		if (r == 0)
			r = check_archive(p, archive, err);
	}
	return r;
}

int collect_open(const struct sr_policy *p, int *ret_dir_fd, struct sr_error *err)
{
	struct place folder = { .above_fd = -1 }, archive = { .above_fd = -1 };
	struct sr_glob *globs = NULL;
	int r;

	if (p->outputs.count == 0) {
		if (p->output_dir || p->output_archive)
			return sr_error_set(err, SR_E_OPTION, EINVAL, STAGE, "cannot bring outputs out: no --output names any");
		*ret_dir_fd = -1;
		return 0;
	}
	r = parse_patterns(p, &globs, err);
	if (r < 0)
		return r;
	r = open_all(p, globs, &folder, &archive, err);
	globs_free(globs, p->outputs.count);
	if (r == 0)
		*ret_dir_fd = wants_files(p) ? SR_TAKE_FD(folder.above_fd) : SR_TAKE_FD(archive.above_fd);
	place_free(&folder);
	place_free(&archive);
	return r;
}

/* ---- copying ------------------------------------------------------------------------------------------------------- */

struct collecting {
	const struct sr_policy *p;
	int work_fd;
	struct sr_match match;
	struct sr_deliver deliver;   /* where files are wanted */
	struct sr_archive archive;   /* where an archive is */
	struct place archive_place;  /* its above_fd is borrowed when no files are wanted */
	bool owns_archive_place;
	char archive_temp[SR_DELIVER_TEMP];
	const struct sr_salt *salt;  /* or NULL: nothing is private */
	char *buffer;
	struct sr_collected *ret;
	struct sr_error *err;
};

static int warn(struct collecting *c, const char *name, const char *why)
{
	char shown[600];

	if (match_warn(&c->match, "output '%s' is not copied: %s", str_escape(name, shown, sizeof(shown)), why) < 0)
		return sr_error_oom(c->err, STAGE);
	return 0;
}

static int record(struct collecting *c, const char *name, const struct sr_filecopy *copy)
{
	struct sr_collected_item *item = &c->ret->items[c->ret->count];

	item->name = strdup(name);
	if (!item->name)
		return sr_error_oom(c->err, STAGE);
	item->bytes = copy->bytes;
	item->is_private = copy->measure->is_private;
	memcpy(item->hex, copy->hex, sizeof(item->hex));
	c->ret->count++;
	c->ret->bytes += copy->bytes;
	return 0;
}

/*
 * Opens what the walk found, again from the top and without any link. The tree is dead, so nothing should have changed;
 * whatever has is left out. -1: left out; the descriptor otherwise.
 */
static int open_source(struct collecting *c, const struct sr_match_item *item, struct stat *st, int *ret_fd)
{
	SR_AUTOCLOSE int fd =
		sys_open_beneath(c->work_fd, item->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0);

	*ret_fd = -1;
	if (fd < 0)
		return warn(c, item->name, strerror(-fd));
	if (fstat(fd, st) < 0)
		return warn(c, item->name, strerror(errno));
	if (!S_ISREG(st->st_mode) || (uint64_t)st->st_size != item->bytes)
		return warn(c, item->name, "it changed");
	*ret_fd = SR_TAKE_FD(fd);
	return 0;
}

static int cannot_copy(struct collecting *c, const char *name, int r)
{
	char shown[400];

	(void)sr_error_set(c->err, SR_E_OUTPUT, -r, STAGE, "cannot copy '%s' out: %s", str_escape(name, shown, sizeof(shown)),
			   strerror(-r));
	sr_error_hint(c->err, "nothing was copied; make room, or name a place that has some");
	return r;
}

/* The source is at fault: without an archive the one file is left out, a begun archive cannot go on. */
static int source_failed(struct collecting *c, const char *name, const char *why)
{
	char shown[400];

	if (wants_files(c->p))
		deliver_drop(&c->deliver);
	if (c->archive.pid > 0)
		return sr_error_set(c->err, SR_E_OUTPUT, EIO, STAGE, "cannot copy '%s' out: %s", /* nobody can mend it */
				    str_escape(name, shown, sizeof(shown)), why);
	return warn(c, name, why);
}

static int copy_one(struct collecting *c, const struct sr_match_item *item)
{
	struct sr_measure measure;
	struct sr_filecopy copy = { .buffer = c->buffer, .dst_fd = -1, .socket_fd = -1, .max = item->bytes, .measure = &measure };
	SR_AUTOCLOSE int src = -1, dst = -1;
	struct stat st;
	int r = open_source(c, item, &st, &src);

	if (r < 0 || src < 0)
		return r;
	if (wants_files(c->p)) {
		r = deliver_file(&c->deliver, item->name, &dst, c->err);
		if (r < 0)
			return r;
		copy.dst_fd = dst;
		copy.sparse = st.st_blocks * 512 < st.st_size;
	}
	if (c->archive.pid > 0) {
		copy.socket_fd = c->archive.socket_fd;
		r = archive_file(&c->archive, item->name, item->bytes);
	}
	if (r == 0) {
		if (c->salt)
			measure_private(&measure, c->salt, "output", item->name);
		else
			measure_plain(&measure);
		r = filecopy(src, &copy);
	}
	if (r < 0 && copy.is_source)
		return source_failed(c, item->name, r == -EFBIG ? "it changed" : strerror(-r));
	if (r == -EPIPE && c->archive.pid > 0 && archive_finish(&c->archive, c->err) < 0)
		return -EPIPE; /* the helper has gone, and said why */
	if (r < 0)
		return cannot_copy(c, item->name, r);
	if (copy.bytes != item->bytes)
		return source_failed(c, item->name, "it changed");
	return record(c, item->name, &copy);
}

/* ---- the archive --------------------------------------------------------------------------------------------------- */

static int start_archive(struct collecting *c, int dir_fd)
{
	SR_AUTOFREE char *program = NULL;
	SR_AUTOCLOSE int fd = -1;
	int r;

	if (!c->p->output_archive)
		return 0;
	r = open_place("archive", c->p->output_archive, &c->archive_place, c->err);
	if (r < 0)
		return r;
	if (!wants_files(c->p)) { /* the folder that was checked, whatever has its name by now */
		fd_close(&c->archive_place.above_fd);
		c->archive_place.above_fd = dir_fd;
	} else {
		c->owns_archive_place = true;
	}
	r = archive_find(&program, c->err);
	if (r < 0)
		return r;
	fd = deliver_temp(c->archive_place.above_fd, c->archive_temp);
	if (fd < 0) {
		c->archive_temp[0] = '\0';
		return refuse_place("archive", c->p->output_archive, strerror(-fd), -fd, c->err);
	}
	return archive_start(&c->archive, program, fd, c->err);
}

static int end_archive(struct collecting *c)
{
	int r;

	if (!c->p->output_archive)
		return 0;
	r = archive_finish(&c->archive, c->err);
	if (r < 0)
		return r;
	r = deliver_rename(c->archive_place.above_fd, c->archive_temp, c->archive_place.base, c->p->force);
	if (r < 0) {
		(void)refuse_place("archive", c->p->output_archive, r == -EEXIST ? "it exists" : strerror(-r), -r, c->err);
		if (r == -EEXIST)
			sr_error_hint(c->err, "--force replaces it");
		return r;
	}
	c->archive_temp[0] = '\0';
	return 0;
}

static void close_archive(struct collecting *c)
{
	archive_abort(&c->archive);
	if (c->archive_temp[0])
		(void)unlinkat(c->archive_place.above_fd, c->archive_temp, 0);
	if (c->owns_archive_place)
		fd_close(&c->archive_place.above_fd);
	free(c->archive_place.base);
}

/* ---- all of it ----------------------------------------------------------------------------------------------------- */

static int check_matches(struct collecting *c)
{
	char shown[256];

	for (size_t i = 0; i < c->match.glob_count; i++) {
		if (c->match.is_matched[i])
			continue;
		(void)str_escape(c->p->outputs.items[i], shown, sizeof(shown));
		if (c->p->strict) {
			(void)sr_error_set(c->err, SR_E_OUTPUT_NO_MATCH, ENOENT, STAGE,
					   "cannot bring '%s' out: the pattern matched nothing", shown);
			sr_error_hint(c->err, "the program left no such file below /work; %s this is a warning",
				      c->p->strict_by_profile ? "with --no-strict" : "without --strict");
			return -ENOENT;
		}
		if (strv_addf(&c->match.warnings, "output pattern '%s' matched nothing", shown) < 0)
			return sr_error_oom(c->err, STAGE);
	}
	return 0;
}

static int open_destination(struct collecting *c, int dir_fd)
{
	SR_AUTOFREE char *above = NULL, *base = NULL;
	int r;

	if (!wants_files(c->p))
		return 0;
	if (deliver_split(output_dir(c->p), &above, &base) < 0)
		return sr_error_oom(c->err, STAGE);
	r = deliver_open(&c->deliver, dir_fd, base, output_dir(c->p), c->p->force, c->err);
	for (size_t i = 0; r == 0 && i < c->match.count; i++)
		r = deliver_check(&c->deliver, c->match.items[i].name, c->err);
	return r;
}

static int collect_all(struct collecting *c, int dir_fd)
{
	int r = match_walk(c->work_fd, &c->match, c->err);

	if (r == 0)
		r = check_matches(c);
	if (r < 0 || c->match.count == 0)
		return r;
	c->ret->items = calloc(c->match.count, sizeof(*c->ret->items));
	c->buffer = filecopy_buffer(c->salt);
	if (!c->ret->items || !c->buffer)
		return sr_error_oom(c->err, STAGE);
	r = open_destination(c, dir_fd);
	if (r == 0)
		r = start_archive(c, dir_fd);
	for (size_t i = 0; r == 0 && i < c->match.count; i++)
		r = copy_one(c, &c->match.items[i]);
	if (r == 0)
		r = end_archive(c);
	return r == 0 ? deliver_commit(&c->deliver, c->err) : r;
}

/* Hands the warnings over, with a line for those that were too many. */
static int finish(struct collecting *c)
{
	if (c->match.unsaid && strv_addf(&c->match.warnings, "%llu more outputs are not copied",
					 (unsigned long long)c->match.unsaid) < 0)
		return sr_error_oom(c->err, STAGE);
	c->ret->warnings = c->match.warnings;
	c->match.warnings = (struct sr_strv){ 0 };
	c->ret->limit_hit = c->match.limit_hit;
	return 0;
}

int collect_copy(const struct sr_policy *p, const struct sr_salt *salt, int work_fd, int dir_fd, struct sr_collected *ret,
		 struct sr_error *err)
{
	struct sr_collected out = { 0 };
	struct collecting c = { .p = p,
				.work_fd = work_fd,
				.deliver = SR_DELIVER_INIT,
				.archive = SR_ARCHIVE_INIT,
				.archive_place = { .above_fd = -1 },
				.salt = p->private_outputs ? salt : NULL,
				.ret = &out,
				.err = err };
	struct sr_glob *globs = NULL;
	int r;

	if (p->outputs.count == 0)
		return 0;
	if (p->private_outputs && !salt)
		return sr_error_set(err, SR_E_INTERNAL, EINVAL, STAGE, "cannot bring private outputs out: there is no salt");
	r = parse_patterns(p, &globs, err);
	if (r < 0)
		return r;
	c.match = (struct sr_match){ .globs = globs,
				     .glob_count = p->outputs.count,
				     .max_files = policy_limit(p, SR_LIMIT_out_files),
				     .max_bytes = policy_limit(p, SR_LIMIT_out_bytes),
				     .is_matched = calloc(p->outputs.count, sizeof(bool)) };
	r = c.match.is_matched ? collect_all(&c, dir_fd) : sr_error_oom(err, STAGE);
	if (r == 0)
		r = finish(&c);
	close_archive(&c);
	deliver_done(&c.deliver);
	free(c.match.is_matched);
	match_done(&c.match);
	globs_free(globs, p->outputs.count);
	filecopy_buffer_free(c.buffer, c.salt);
	if (r < 0)
		collected_done(&out);
	else
		*ret = out;
	return r;
}
