/* SPDX-License-Identifier: MIT */
#include "image/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/io.h"
#include "base/xdg.h"
#include "policy/ini-read.h"
#include "policy/owner.h"
#include "sys/openat2.h"

#define STAGE "environment"
#define SHOWN(s) str_escape((s), (char[256]){ 0 }, 256)
#define NAME_SUFFIX ".ini"
#define DIGEST_PREFIX "sha256:"
#define HEX "0123456789abcdef"

bool image_is_name(const char *name)
{
	static const char first[] = "abcdefghijklmnopqrstuvwxyz0123456789", others[] = "abcdefghijklmnopqrstuvwxyz0123456789._-";
	size_t len = strlen(name);

	return len > 0 && len <= SR_IMAGE_NAME_MAX && strchr(first, *name) && strspn(name, others) == len &&
	       strcmp(name, "host") != 0 && strcmp(name, "none") != 0;
}

static bool is_digest(const char *text)
{
	return str_has_prefix(text, DIGEST_PREFIX) && strlen(text) == SR_LAYER_DIGEST - 1 &&
	       strspn(text + strlen(DIGEST_PREFIX), HEX) == 64;
}

/* ---- the folders --------------------------------------------------------------------------------------------------- */

static int bad(const char *what, const char *path, const char *name, const char *reason, int errnum, struct sr_error *err)
{
	int r = sr_error_set(err, SR_E_ENVIRONMENT, errnum, STAGE, "cannot use %s %s%s%s: %s", what, SHOWN(path), *name ? "/" : "",
			     SHOWN(name), reason);

	if (errnum == EMFILE)
		sr_error_hint(err, "each layer takes two descriptors: ulimit -n 1024");
	return r;
}

static int refused(const char *path, const char *name, const char *reason, const char *mend, struct sr_error *err)
{
	int r = bad("the store's", path, name, reason, EPERM, err);

	if (mend)
		sr_error_hint(err, "%s %s%s%s", mend, SHOWN(path), *name ? "/" : "", SHOWN(name));
	return r;
}

/* Files of any mode lie in the layers' trees: what keeps others from writing them is this folder. */
static int check_closed(const char *path, int fd, struct sr_error *err)
{
	const char *mend = NULL, *reason;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return bad("the store", path, "", strerror(errno), errno, err);
	reason = owner_folder_refusal(fd, &st, &mend);
	if (!reason && (st.st_mode & 077)) {
		reason = "others can enter it";
		mend = "chmod 700";
	}
	return reason ? refused(path, "", reason, st.st_uid == geteuid() ? mend : NULL, err) : 0;
}

int store_open(struct sr_store *ret, struct sr_error *err)
{
	struct sr_store s = SR_STORE_INIT;
	SR_AUTOCLOSE int fd = -1;
	int r = xdg_path(SR_XDG_DATA, "images", &s.path);

	if (r < 0)
		return r == -ENOMEM ? sr_error_oom(err, STAGE) : -ENOENT;
	fd = open(s.path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0 && check_closed(s.path, fd, err) < 0) {
		store_done(&s);
		return -EPERM;
	}
	r = fd < 0 ? -errno : 0;
	if (r == 0)
		r = s.names_fd = sys_open_beneath(fd, "names", O_RDONLY | O_DIRECTORY, 0);
	if (r >= 0)
		r = s.layers_fd = sys_open_beneath(fd, "layers", O_PATH | O_DIRECTORY, 0);
	if (r < 0 && r != -ENOENT)
		(void)bad("the store", s.path, "", strerror(-r), -r, err);
	if (r < 0)
		store_done(&s);
	else
		*ret = s;
	return r < 0 ? r : 0;
}

void store_done(struct sr_store *s)
{
	free(s->path);
	s->path = NULL;
	fd_close(&s->names_fd);
	fd_close(&s->layers_fd);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int store_names(const struct sr_store *s, struct sr_strv *ret)
{
	int fd = openat(s->names_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
	struct dirent *d;
	DIR *dir;

	if (fd < 0)
		return -errno;
	dir = fdopendir(fd);
	if (!dir) {
		fd_close(&fd);
		return -ENOMEM;
	}
	while (r == 0 && (d = readdir(dir))) {
		size_t len = strlen(d->d_name);
		SR_AUTOFREE char *name = NULL;

		if (!str_has_suffix(d->d_name, NAME_SUFFIX))
			continue;
		name = strndup(d->d_name, len - strlen(NAME_SUFFIX));
		if (!name)
			r = -ENOMEM;
		else if (image_is_name(name))
			r = strv_add(ret, name);
	}
	(void)closedir(dir);
	if (ret->count > 1)
		qsort(ret->items, ret->count, sizeof(*ret->items), by_name);
	return r;
}

/* ---- one name ------------------------------------------------------------------------------------------------------- */

static int take_nothing(struct sr_ini *in, const struct sr_ini_key *key, const char *value)
{
	(void)in;
	(void)key;
	(void)value;
	return 0;
}

static int take_digest(struct sr_ini *in, const struct sr_ini_key *key, const char *value)
{
	struct sr_image *i = in->into;

	if (!is_digest(value))
		return ini_refuse(in, "%s is no digest", key->name);
	memcpy(i->digest, value, sizeof(i->digest));
	return 0;
}

static int take_layers(struct sr_ini *in, const struct sr_ini_key *key, const char *value)
{
	struct sr_image *i = in->into;
	size_t from = i->layers.count;
	int r = ini_take_words(in, key, value, &i->layers);

	for (; r == 0 && from < i->layers.count; from++) {
		if (!is_digest(i->layers.items[from]))
			r = ini_refuse(in, "one of its %s has no digest's form", key->name);
		for (size_t k = 0; r == 0 && k < from; k++) {
			if (strcmp(i->layers.items[k], i->layers.items[from]) == 0)
				r = ini_refuse(in, "a layer twice");
		}
	}
	return r;
}

static int take_profile(struct sr_ini *in, const struct sr_ini_key *key, const char *value)
{
	struct sr_image *i = in->into;

	(void)key;
	i->profile = strdup(value);
	return i->profile ? 0 : ini_oom(in);
}

static int add_language(struct sr_ini *in, const char *name, const char *value)
{
	struct sr_image *i = in->into;

	if (*value != '/')
		return ini_refuse(in, "an interpreter is no absolute path");
	return strv_addf(&i->languages, "%s=%s", name, value) < 0 ? ini_oom(in) : 0;
}

static bool is_variable(const char *name)
{
	static const char others[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";

	return *name && strspn(name, others) == strlen(name) && (*name < '0' || *name > '9');
}

/* What is sandrun's own inside stays so, whatever an image says. */
static bool is_own(const char *name)
{
	static const char *const own[] = { "PATH", "HOME", "USER", "LOGNAME", "SHELL", "TMPDIR", "SANDRUN" };

	for (size_t i = 0; i < SR_ELEMENTSOF(own); i++) {
		if (strcmp(own[i], name) == 0)
			return true;
	}
	return false;
}

/* The keys that are not in the table: names of languages and variables are free. */
static int take_free(struct sr_ini *in, const char *section, const char *name, const char *value)
{
	struct sr_image *i = in->into;
	int r;

	if (!name)
		return 0;
	if (strcmp(section, "languages") == 0) {
		r = add_language(in, name, value);
	} else if (strcmp(section, "variables") != 0) {
		return 1; /* what later versions note down */
	} else {
		if (!is_variable(name))
			return ini_refuse(in, "not a variable's name");
		r = !is_own(name) && strv_addf(&i->variables, "%s=%s", name, value) < 0 ? ini_oom(in) : 0;
	}
	return r < 0 ? r : 1;
}

static int take_language(struct sr_ini *in, const struct sr_ini_key *key, const char *value)
{
	return add_language(in, key->name, value);
}

/* The reader wants a row of each section. */
static const struct sr_ini_key keys[] = {
	{ "image", "digest", take_digest, false, 0 },     { "image", "layers", take_layers, true, 0 },
	{ "languages", "python", take_language, false, 0 }, { "variables", "PATH", take_nothing, false, 0 },
	{ "run", "profile", take_profile, false, 0 },     { "predict", "imports", take_nothing, true, 0 },
	{ "predict", "npm", take_nothing, true, 0 },      { "predict", "ruby", take_nothing, true, 0 },
	{ "predict", "r", take_nothing, true, 0 },
};
static const struct sr_ini_format format = { .stage = STAGE,
					     .cannot = "cannot read environment",
					     .code = SR_E_ENVIRONMENT,
					     .keys = keys,
					     .key_count = SR_ELEMENTSOF(keys),
					     .utf8 = true,
					     .explain = take_free };

static int read_text(const struct sr_store *s, const char *file, const char *path, char **ret, size_t *ret_len, struct sr_error *err)
{
	SR_AUTOCLOSE int fd = sys_open_beneath(s->names_fd, file, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	const char *mend = NULL, *reason;
	struct stat st;
	int r;

	if (fd == -ENOENT)
		return fd;
	if (fd < 0)
		return bad("environment", path, "", fd == -ELOOP ? "it is a link" : strerror(-fd), -fd, err);
	if (fstat(fd, &st) < 0)
		return bad("environment", path, "", strerror(errno), errno, err);
	reason = owner_refusal(fd, &st, &mend);
	if (reason)
		return refused(path, "", reason, st.st_uid == geteuid() ? mend : NULL, err);
	r = io_read_all(fd, SR_INI_SIZE_MAX, ret, ret_len);
	return r < 0 ? bad("environment", path, "", r == -EFBIG ? "it is too large" : strerror(-r), -r, err) : 0;
}

static void mend_hint(const char *name, struct sr_error *err)
{
	if (err->code == SR_E_ENVIRONMENT && !err->hint[0])
		sr_error_hint(err, "remove it and make it anew: sandrun environment remove %s; then build or import it again", name);
}

int image_parse(const char *path, const char *text, size_t len, struct sr_image *ret, struct sr_error *err)
{
	struct sr_image i = { .profile = NULL };
	char stack[SR_LAYER_DIGEST];
	int r = ini_read(&format, path, text, len, &i, err);

	if (r < 0)
		err->hint[0] = '\0'; /* of how to write such a file, which nobody does by hand */
	if (r == 0 && (!i.digest[0] || i.layers.count == 0))
		r = bad("environment", path, "", "it names no digest or no layers", EINVAL, err);
	if (r == 0) {
		layers_digest((const char *const *)i.layers.items, i.layers.count, stack);
		r = strcmp(stack, i.digest) != 0 ? bad("environment", path, "", "its digest is not that of its layers", EINVAL, err) : 0;
	}
	if (r < 0)
		image_done(&i);
	else
		*ret = i;
	return r;
}

int image_read(const struct sr_store *s, const char *name, struct sr_image *ret, struct sr_error *err)
{
	SR_AUTOFREE char *file = str_format("%s" NAME_SUFFIX, name);
	SR_AUTOFREE char *path = file ? str_format("%s/names/%s", s->path, file) : NULL;
	SR_AUTOFREE char *text = NULL;
	size_t len = 0;
	int r;

	if (!path)
		return sr_error_oom(err, STAGE);
	r = read_text(s, file, path, &text, &len, err);
	if (r == -ENOENT)
		return r;
	if (r == 0)
		r = image_parse(path, text, len, ret, err);
	if (r < 0)
		mend_hint(name, err);
	return r == -ENOENT ? -EINVAL : r;
}

void image_done(struct sr_image *i)
{
	strv_done(&i->layers);
	strv_done(&i->languages);
	strv_done(&i->variables);
	free(i->profile);
	*i = (struct sr_image){ .profile = NULL };
}

/* ---- its layers ----------------------------------------------------------------------------------------------------- */

/* Whether the name still leads to the folder that was locked: what is pruned is renamed first, under its lock. */
static bool is_still(const struct sr_store *s, const char *hex, const struct stat *locked)
{
	struct stat st;

	return fstatat(s->layers_fd, hex, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_dev == locked->st_dev && st.st_ino == locked->st_ino;
}

/* The folder HEX, locked against prune. */
static int lock_layer(const struct sr_store *s, const char *hex, struct sr_layer *l, struct sr_error *err)
{
	const char *mend = NULL, *reason;
	SR_AUTOFREE char *path = str_format("layers/%s", hex);
	struct stat st;

	if (!path)
		return sr_error_oom(err, STAGE);
	l->lock_fd = sys_open_beneath(s->layers_fd, hex, O_RDONLY | O_DIRECTORY, 0);
	if (l->lock_fd < 0)
		return bad("a layer:", s->path, path, l->lock_fd == -ENOENT ? "it is missing" : strerror(-l->lock_fd), -l->lock_fd, err);
	if (fstat(l->lock_fd, &st) < 0)
		return bad("a layer:", s->path, path, strerror(errno), errno, err);
	reason = owner_folder_refusal(l->lock_fd, &st, &mend);
	if (reason)
		return refused(s->path, path, reason, st.st_uid == geteuid() ? mend : NULL, err);
	if (flock(l->lock_fd, LOCK_SH | LOCK_NB) < 0 || !is_still(s, hex, &st))
		return bad("a layer:", s->path, path, "it is being removed", EBUSY, err);
	return 0;
}

static int open_layer(const struct sr_store *s, const char *digest, struct sr_layers *ret, struct sr_error *err)
{
	const char *hex = digest + strlen(DIGEST_PREFIX);
	struct sr_layer *l = layers_add(ret, err);
	struct stat st;
	int r = l ? lock_layer(s, hex, l, err) : -ENOMEM;

	if (r < 0)
		return r;
	memcpy(l->digest, digest, sizeof(l->digest));
	l->path = str_format("%s/layers/%s/tree", s->path, hex);
	if (!l->path)
		return sr_error_oom(err, STAGE);
	l->fd = sys_open_beneath(l->lock_fd, "tree", O_PATH | O_DIRECTORY | O_NOFOLLOW, 0);
	if (l->fd < 0 || fstat(l->fd, &st) < 0)
		return bad("a layer:", l->path, "", l->fd < 0 ? strerror(-l->fd) : strerror(errno), l->fd < 0 ? -l->fd : errno, err);
	if (st.st_uid != geteuid() && st.st_uid != 0)
		return refused(l->path, "", "it belongs to another user", NULL, err);
	l->dev = st.st_dev;
	l->ino = st.st_ino;
	return 0;
}

int image_open_layers(const struct sr_store *s, const char *name, const struct sr_image *i, struct sr_layers *ret,
		      struct sr_error *err)
{
	for (size_t k = 0; k < i->layers.count; k++) {
		int r = open_layer(s, i->layers.items[k], ret, err);

		if (r < 0) {
			mend_hint(name, err);
			return r == -ENOENT ? -EINVAL : r;
		}
	}
	return 0;
}
