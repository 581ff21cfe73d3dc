/* SPDX-License-Identifier: MIT */
#include "policy/profile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/io.h"
#include "base/xdg.h"
#include "policy/owner.h"
#include "policy/profile-files.h"
#include "policy/profile-read.h"

#define STAGE "profile"
#define SUFFIX SR_PROFILE_SUFFIX

static void link_done(struct profile_link *l)
{
	free(l->name);
	free(l->path);
	free(l->data);
	profile_done(&l->profile);
	profile_notes_done(&l->notes);
	memset(l, 0, sizeof(*l));
}

void profile_chain_done(struct profile_chain *c)
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

/* Finding 27: whoever can write the file decides what sandrun allows. */
static int check_owner(int fd, const struct stat *st, const char *path, struct profile_link *l, struct sr_error *err)
{
	const char *mend = NULL, *reason = owner_refusal(fd, st, &mend);
	char shown[512], hint[600];

	if (!reason)
		return 0;
	if (!l->noted || !S_ISREG(st->st_mode))
		return refuse_file(path, reason, mend, err);
	(void)snprintf(hint, sizeof(hint), "%s %s", mend, str_escape(path, shown, sizeof(shown)));
	return ini_problem_add(&l->notes.problems, 1, reason, hint) < 0 ? sr_error_oom(err, STAGE) : 0;
}

static int read_failed(const char *path, int errnum, struct sr_error *err)
{
	char shown[512];

	return sr_error_set(err, SR_E_PROFILE, errnum, STAGE, "cannot read profile %s: %s",
			    str_escape(path, shown, sizeof(shown)), strerror(errnum));
}

static int read_file(int fd, const char *path, struct profile_link *l, struct sr_error *err)
{
	SR_AUTOFREE char *data = NULL;
	struct stat st;
	ssize_t n;
	int r;

	if (fstat(fd, &st) < 0)
		return read_failed(path, errno, err);
	r = check_owner(fd, &st, path, l, err);
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
static int load_file(const char *path, bool optional, struct profile_link *l, struct sr_error *err)
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

static int load_compiled_in(const char *name, struct profile_link *l)
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
static int load_at(const struct profile_places *places, enum place place, const char *name, struct profile_link *l,
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

bool profile_is_word(const char *name)
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

static int load_word(const struct profile_places *places, const char *name, enum place first, struct profile_link *l,
		     struct sr_error *err)
{
	if (!profile_is_word(name))
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
static int load_path(const struct profile_link *child, const char *name, struct profile_link *l,
		     struct sr_error *err)
{
	const char *slash = child && child->path && *name != '/' ? strrchr(child->path, '/') : NULL;
	const char *below = slash && str_has_prefix(name, "./") ? name + 2 : name;
	SR_AUTOFREE char *path = slash ? str_format("%.*s/%s", (int)(slash - child->path), child->path, below)
				       : strdup(name);
	int r;

	if (!path)
		return sr_error_oom(err, STAGE);
	r = load_file(path, false, l, err);
	return r < 0 ? r : 0;
}

static int load_link(const struct profile_places *places, const struct profile_link *child, const char *name, struct profile_link *l,
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

static bool same_text(const struct profile_link *a, const struct profile_link *b)
{
	if (a->path && b->path)
		return a->dev == b->dev && a->ino == b->ino;
	return a->text == b->text;
}

static int check_loop(const struct profile_chain *c, const struct profile_link *l, const char *name, struct sr_error *err)
{
	char shown[128];

	for (size_t i = 0; i < c->count; i++) {
		if (same_text(&c->links[i], l))
			return sr_error_set(err, SR_E_PROFILE, ELOOP, STAGE, "with \"%s\" it extends itself",
					    str_escape(name, shown, sizeof(shown)));
	}
	return 0;
}

/* The compiled-in profile whose text, under the same name, this is byte for byte; or NULL. */
static const struct sr_profile_text *find_shipped(const struct profile_link *l)
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

static int read_text(struct profile_link *l, struct sr_error *err)
{
	if (!l->shipped)
		l->shipped = find_shipped(l);
	if (l->noted)
		return profile_parse_noted(profile_link_label(l), l->text, l->len, &l->profile, &l->notes, err);
	return l->shipped ? 0 : profile_parse(l->path, l->text, l->len, &l->profile, err);
}

static const char *extends_of(const struct profile_link *l)
{
	return l->shipped ? l->shipped->extends : l->profile.extends;
}

static int find_link(const struct profile_places *places, const struct profile_chain *c, const char *name,
		     struct profile_link *l, struct sr_error *err)
{
	const struct profile_link *child = c->count ? &c->links[c->count - 1] : NULL;
	int r;

	if (c->count == SR_PROFILE_DEPTH_MAX)
		return sr_error_set(err, SR_E_PROFILE, ELOOP, STAGE, "more than %d files extend each other",
				    SR_PROFILE_DEPTH_MAX);
	r = load_link(places, child, name, l, err);
	return r == 0 ? check_loop(c, l, name, err) : r;
}

/* The line is looked for when somebody has to read it, and not before. */
static unsigned int extends_line(const struct profile_link *l)
{
	struct sr_profile profile = { .extends = NULL };
	struct sr_profile_notes notes = { .description = NULL };
	unsigned int line;

	(void)profile_parse_noted(profile_link_label(l), l->text, l->len, &profile, &notes, NULL);
	line = notes.extends_line;
	profile_notes_done(&notes);
	profile_done(&profile);
	return line;
}

/* What is wrong with a parent is said of the line that names it: `why` holds the reason. 0 where it became a note. */
static int blame_child(struct profile_chain *c, const struct sr_error *why, struct sr_error *err)
{
	struct profile_link *child = &c->links[c->count - 1];
	char shown[256];
	int r;

	if (c->noted) {
		c->cut = true;
		return ini_problem_add(&child->notes.problems, child->notes.extends_line, why->text, why->hint) < 0 ?
			       sr_error_oom(err, STAGE) : 0;
	}
	r = sr_error_set(err, why->code, why->errnum, STAGE, "cannot read profile %s:%u: %s",
			 str_escape(profile_link_label(child), shown, sizeof(shown)), extends_line(child), why->text);
	sr_error_hint(err, "%s", why->hint);
	return r;
}

static int add_link(const struct profile_places *places, struct profile_chain *c, const char *name, struct sr_error *err)
{
	struct profile_link l = { .noted = c->noted };
	struct sr_error why = SR_ERROR_INIT;
	int r = find_link(places, c, name, &l, &why);

	if (r < 0) {
		link_done(&l);
		if (c->count && why.code == SR_E_PROFILE)
			return blame_child(c, &why, err);
		if (err)
			*err = why;
		return r;
	}
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

int profile_chain_apply(const struct profile_chain *c, const char *name, struct sr_policy *p, struct sr_error *err)
{
	SR_AUTOFREE char *own_name = strdup(name);
	bool shipped = true;

	if (!own_name)
		return sr_error_oom(err, STAGE);
	for (size_t i = c->count; i-- > 0;) {
		const struct profile_link *l = &c->links[i];
		int r = l->shipped ? profile_apply_shipped(l->shipped, p, err) : profile_apply(&l->profile, p, err);

		if (r < 0)
			return r;
		shipped = shipped && l->shipped;
	}
	strv_done(&p->profile_texts);
	for (size_t i = 0; i < c->count; i++) {
		if (strv_addf(&p->profile_texts, "%.*s", (int)c->links[i].len, c->links[i].text) < 0)
			return sr_error_oom(err, STAGE);
	}
	settle_switches(p);
	p->seccomp.shipped = shipped;
	free(p->profile_name);
	p->profile_name = SR_TAKE_PTR(own_name);
	return 0;
}

int profile_chain_load(const struct profile_places *places, const char *name, struct profile_chain *c, struct sr_error *err)
{
	int r = add_link(places, c, name ? name : "default", err);

	while (r == 0 && !c->cut && extends_of(&c->links[c->count - 1]))
		r = add_link(places, c, extends_of(&c->links[c->count - 1]), err);
	return r;
}

int profile_load_from(const struct profile_places *places, const char *name, struct sr_policy *p, struct sr_error *err)
{
	struct profile_chain c = { .count = 0 };
	int r;

	name = name ? name : "default";
	r = profile_chain_load(places, name, &c, err);
	if (r == 0)
		r = profile_chain_apply(&c, name, p, err);
	profile_chain_done(&c);
	return r;
}

char *profile_user_folder(void)
{
	char *path = NULL;

	return xdg_path(SR_XDG_CONFIG, "profiles", &path) < 0 ? NULL : path;
}

int profile_load(const char *name, struct sr_policy *p, struct sr_error *err)
{
	SR_AUTOFREE char *user = profile_user_folder();
	const struct profile_places places = { .user = user, .installed = SR_PROFILE_DIR };

	return profile_load_from(&places, name, p, err);
}
