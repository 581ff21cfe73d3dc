/* SPDX-License-Identifier: MIT */
#include "policy/profile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/io.h"
#include "policy/profile-files.h"
#include "policy/profile-read.h"

#define STAGE "profile"
#define SUFFIX ".ini"

/* One profile of a chain of extends, the child first. */
struct link {
	char *name;         /* the word it was looked up by; NULL for a path */
	enum place place;
	char *path;         /* NULL for a text compiled in */
	char *data;         /* the file's bytes; NULL for a text compiled in */
	const char *text;
	size_t len;
	dev_t dev;
	ino_t ino;
	const struct sr_profile_text *shipped; /* NULL unless the text is the one compiled in; then `profile` stays empty */
	struct sr_profile profile;
};

struct chain {
	struct link links[SR_PROFILE_DEPTH_MAX];
	size_t count;
};

static void link_done(struct link *l)
{
	free(l->name);
	free(l->path);
	free(l->data);
	profile_done(&l->profile);
	memset(l, 0, sizeof(*l));
}

static void chain_done(struct chain *c)
{
	while (c->count > 0)
		link_done(&c->links[--c->count]);
}

static const struct sr_profile_text *find_text(const char *name)
{
	for (size_t i = 0; i < sr_profile_text_count; i++) {
		if (strcmp(sr_profile_texts[i].name, name) == 0)
			return &sr_profile_texts[i];
	}
	return NULL;
}

static int refuse_file(const char *path, const char *reason, const char *mend, struct sr_error *err)
{
	char shown[512];
	int r = sr_error_set(err, SR_E_PROFILE, EPERM, STAGE, "cannot use profile %s: %s",
			     str_escape(path, shown, sizeof(shown)), reason);

	if (mend)
		sr_error_hint(err, "%s %s", mend, shown);
	return r;
}

/*
 * Finding 27: whoever can write the file decides what sandrun allows, so that may be the user and root alone. The user's own
 * primary group is the user (umask 002); an access list shows as group rights and may name anybody.
 */
static int check_owner(int fd, const struct stat *st, const char *path, struct sr_error *err)
{
	bool own_group = st->st_gid == getegid() || (st->st_uid == 0 && st->st_gid == 0);

	if (!S_ISREG(st->st_mode))
		return refuse_file(path, "not a regular file", NULL, err);
	if (st->st_uid != geteuid() && st->st_uid != 0)
		return refuse_file(path, "it belongs to another user", "use a copy of your own: cp", err);
	if (st->st_mode & S_IWOTH)
		return refuse_file(path, "everybody may write it", "chmod o-w", err);
	if ((st->st_mode & S_IWGRP) && !own_group)
		return refuse_file(path, "a group that is not your primary one may write it", "chmod g-w", err);
	if ((st->st_mode & S_IWGRP) && fgetxattr(fd, "system.posix_acl_access", NULL, 0) >= 0)
		return refuse_file(path, "its access list may let others write it", "chmod g-w", err);
	return 0;
}

static int read_failed(const char *path, int errnum, struct sr_error *err)
{
	char shown[512];

	return sr_error_set(err, SR_E_PROFILE, errnum, STAGE, "cannot read profile %s: %s",
			    str_escape(path, shown, sizeof(shown)), strerror(errnum));
}

static int read_file(int fd, const char *path, struct link *l, struct sr_error *err)
{
	SR_AUTOFREE char *data = NULL;
	struct stat st;
	ssize_t n;
	int r;

	if (fstat(fd, &st) < 0)
		return read_failed(path, errno, err);
	r = check_owner(fd, &st, path, err);
	if (r < 0)
		return r;
	if (st.st_size > SR_PROFILE_SIZE_MAX)
		return read_failed(path, EFBIG, err);
	data = malloc((size_t)st.st_size + 1);
	if (!data)
		return sr_error_oom(err, STAGE);
	n = io_read_full(fd, data, (size_t)st.st_size + 1);
	if (n < 0)
		return read_failed(path, (int)-n, err);
	if (n != st.st_size)
		return refuse_file(path, "it changed while it was read", NULL, err);
	l->dev = st.st_dev;
	l->ino = st.st_ino;
	l->len = (size_t)n;
	l->text = l->data = SR_TAKE_PTR(data);
	return 0;
}

/*
 * Opens and reads one file. 1 when it is there, 0 when it is not and `optional`. No permission to search the folders on the
 * way (HOME of somebody else) is as good as not there; a file that is there and cannot be read is an error.
 */
static int load_file(const char *path, bool optional, struct link *l, struct sr_error *err)
{
	SR_AUTOCLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;
	int r;

	if (fd < 0) {
		int e = errno;

		if (optional && (e == ENOENT || e == ENOTDIR || (e == EACCES && lstat(path, &st) < 0)))
			return 0;
		return read_failed(path, e, err);
	}
	r = read_file(fd, path, l, err);
	if (r < 0)
		return r;
	l->path = strdup(path);
	return l->path ? 1 : sr_error_oom(err, STAGE);
}

static int load_compiled_in(const char *name, struct link *l)
{
	const struct sr_profile_text *t = find_text(name);

	if (!t)
		return 0;
	l->text = t->text;
	l->len = t->len;
	l->shipped = t;
	return 1;
}

/* One place of the lookup order. 1 found, 0 not there, or negative. */
static int load_at(const struct profile_places *places, enum place place, const char *name, struct link *l,
		   struct sr_error *err)
{
	const char *folder = place == PLACE_USER ? places->user : places->installed;
	SR_AUTOFREE char *path = NULL;

	if (place == PLACE_COMPILED_IN)
		return load_compiled_in(name, l);
	if (!folder)
		return 0;
	path = str_format("%s/%s" SUFFIX, folder, name);
	if (!path)
		return sr_error_oom(err, STAGE);
	return load_file(path, true, l, err);
}

static bool is_word(const char *name)
{
	if (!*name || *name == '.' || *name == '-')
		return false;
	for (; *name; name++) {
		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-", *name))
			return false;
	}
	return true;
}

static int not_found(const char *name, struct sr_error *err)
{
	char shown[128], list[256] = "";
	size_t used = 0;
	int r = sr_error_set(err, SR_E_PROFILE, ENOENT, STAGE, "cannot find profile \"%s\"",
			     str_escape(name, shown, sizeof(shown)));

	for (size_t i = 0; i < sr_profile_text_count && used < sizeof(list); i++) {
		int n = snprintf(list + used, sizeof(list) - used, " %s", sr_profile_texts[i].name);

		used += n > 0 ? (size_t)n : 0;
	}
	sr_error_hint(err, "shipped profiles:%s; a file is named with a '/': ./my.ini", list);
	return r;
}

static int load_word(const struct profile_places *places, const char *name, enum place first, struct link *l,
		     struct sr_error *err)
{
	if (!is_word(name))
		return not_found(name, err);
	for (int place = (int)first; place < PLACE_MAX; place++) {
		int r = load_at(places, (enum place)place, name, l, err);

		if (r < 0)
			return r;
		if (r == 0)
			continue;
		l->place = (enum place)place;
		l->name = strdup(name);
		return l->name ? 0 : sr_error_oom(err, STAGE);
	}
	return not_found(name, err);
}

/* A path in `extends` starts at the folder of the file that holds it. */
static int load_path(const struct link *child, const char *name, struct link *l, struct sr_error *err)
{
	const char *slash = child && child->path && *name != '/' ? strrchr(child->path, '/') : NULL;
	SR_AUTOFREE char *path = slash ? str_format("%.*s/%s", (int)(slash - child->path), child->path, name)
				       : strdup(name);
	int r;

	if (!path)
		return sr_error_oom(err, STAGE);
	r = load_file(path, false, l, err);
	return r < 0 ? r : 0;
}

static int load_link(const struct profile_places *places, const struct link *child, const char *name, struct link *l,
		     struct sr_error *err)
{
	enum place first = PLACE_USER;

	if (strchr(name, '/'))
		return load_path(child, name, l, err);
	/* The user's own "default" that extends "default" means the one it stands in front of. */
	if (child && child->name && strcmp(child->name, name) == 0)
		first = (enum place)(child->place + 1);
	return load_word(places, name, first, l, err);
}

static bool same_text(const struct link *a, const struct link *b)
{
	if (a->path && b->path)
		return a->dev == b->dev && a->ino == b->ino;
	return a->text == b->text;
}

static int check_loop(const struct chain *c, const struct link *l, const char *name, struct sr_error *err)
{
	char shown[128];

	for (size_t i = 0; i < c->count; i++) {
		if (same_text(&c->links[i], l))
			return sr_error_set(err, SR_E_PROFILE, ELOOP, STAGE,
					    "cannot read profile \"%s\": it extends itself",
					    str_escape(name, shown, sizeof(shown)));
	}
	return 0;
}

/* The compiled-in profile whose text, under the same name, this is byte for byte; or NULL. */
static const struct sr_profile_text *find_shipped(const struct link *l)
{
	const char *slash = l->path ? strrchr(l->path, '/') : NULL, *base = slash ? slash + 1 : l->path;
	size_t stem;

	if (!base || !str_has_suffix(base, SUFFIX))
		return NULL;
	stem = strlen(base) - strlen(SUFFIX);
	for (size_t i = 0; i < sr_profile_text_count; i++) {
		const struct sr_profile_text *t = &sr_profile_texts[i];

		if (strlen(t->name) == stem && memcmp(t->name, base, stem) == 0)
			return t->len == l->len && memcmp(t->text, l->text, l->len) == 0 ? t : NULL;
	}
	return NULL;
}

static int read_text(struct link *l, struct sr_error *err)
{
	if (!l->shipped)
		l->shipped = find_shipped(l);
	return l->shipped ? 0 : profile_parse(l->path, l->text, l->len, &l->profile, err);
}

static const char *extends_of(const struct link *l)
{
	return l->shipped ? l->shipped->extends : l->profile.extends;
}

static int add_link(const struct profile_places *places, struct chain *c, const char *name, struct sr_error *err)
{
	struct link *child = c->count ? &c->links[c->count - 1] : NULL;
	struct link l = { .name = NULL };
	char shown[128];
	int r;

	if (c->count == SR_PROFILE_DEPTH_MAX)
		return sr_error_set(err, SR_E_PROFILE, ELOOP, STAGE,
				    "cannot read profile \"%s\": more than %d files extend each other",
				    str_escape(name, shown, sizeof(shown)), SR_PROFILE_DEPTH_MAX);
	r = load_link(places, child, name, &l, err);
	if (r == 0)
		r = check_loop(c, &l, name, err);
	if (r == 0)
		r = read_text(&l, err);
	if (r < 0) {
		link_done(&l);
		return r;
	}
	c->links[c->count++] = l;
	return 0;
}

/* The command line has been read already, and comes last. */
static void settle_switches(struct sr_policy *p)
{
	p->strict_by_profile = p->strict_by_profile && !p->strict && !p->no_strict;
	p->strict = p->strict || p->strict_by_profile;
	p->quiet_by_profile = p->quiet_by_profile && !p->quiet && !p->verbose;
	p->quiet = p->quiet || p->quiet_by_profile;
}

static int apply_chain(const struct chain *c, const char *name, struct sr_policy *p, struct sr_error *err)
{
	SR_AUTOFREE char *own_name = strdup(name);
	bool shipped = true;

	if (!own_name)
		return sr_error_oom(err, STAGE);
	for (size_t i = c->count; i-- > 0;) {
		const struct link *l = &c->links[i];
		int r = l->shipped ? profile_apply_shipped(l->shipped, p, err) : profile_apply(&l->profile, p, err);

		if (r < 0)
			return r;
		shipped = shipped && l->shipped;
	}
	settle_switches(p);
	p->seccomp.shipped = shipped;
	free(p->profile_name);
	p->profile_name = SR_TAKE_PTR(own_name);
	return 0;
}

int profile_load_from(const struct profile_places *places, const char *name, struct sr_policy *p, struct sr_error *err)
{
	struct chain c = { .count = 0 };
	int r;

	name = name ? name : "default";
	r = add_link(places, &c, name, err);
	while (r == 0 && extends_of(&c.links[c.count - 1]))
		r = add_link(places, &c, extends_of(&c.links[c.count - 1]), err);
	if (r == 0)
		r = apply_chain(&c, name, p, err);
	chain_done(&c);
	return r;
}

/* XDG base directories: relative values are to be ignored. */
static char *user_folder(void)
{
	const char *xdg = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");

	if (xdg && *xdg == '/')
		return str_format("%s/sandrun/profiles", xdg);
	if (home && *home == '/')
		return str_format("%s/.config/sandrun/profiles", home);
	return NULL;
}

int profile_load(const char *name, struct sr_policy *p, struct sr_error *err)
{
	SR_AUTOFREE char *user = user_folder();
	const struct profile_places places = { .user = user, .installed = SR_PROFILE_DIR };

	return profile_load_from(&places, name, p, err);
}
