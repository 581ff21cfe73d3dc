/* SPDX-License-Identifier: MIT */
#include "plan/environment.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/xdg.h"
#include "image/merge.h"
#include "image/predict.h"
#include "image/store.h"
#include "sys/openat2.h"

#define STAGE "environment"
#define SHOWN(s) str_escape((s), (char[256]){ 0 }, 256)

static int open_host(struct sr_environment *ret, struct sr_error *err)
{
	SR_AUTOCLOSE int fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	SR_AUTOFREE char *name = strdup("host");

	if (!name)
		return sr_error_oom(err, STAGE);
	if (fd < 0)
		return sr_error_set(err, SR_E_ENVIRONMENT, errno, STAGE, "cannot open '/': %s", strerror(errno));
	*ret = (struct sr_environment)SR_ENVIRONMENT_INIT;
	ret->kind = SR_ENVIRONMENT_HOST;
	ret->name = SR_TAKE_PTR(name);
	ret->root_fd = SR_TAKE_FD(fd);
	return 0;
}

/* A definition of that name, the user's own or one that ships: it can be built. */
static bool is_defined(const char *name)
{
	SR_AUTOFREE char *file = str_format("environments/%s.ini", name);
	SR_AUTOFREE char *shipped = str_format("%s/%s.ini", predicts_shipped_folder(), name);
	SR_AUTOFREE char *own = NULL;

	if (!image_is_name(name) || !file || !shipped)
		return false;
	return (xdg_path(SR_XDG_CONFIG, file, &own) == 0 && access(own, R_OK) == 0) || access(shipped, R_OK) == 0;
}

/* "a, b, c ..." and the one that was perhaps meant. */
static void hint_names(const char *name, const struct sr_strv *names, struct sr_error *err)
{
	const char *near = NULL;
	char list[300] = "";
	size_t used = 0;

	for (size_t i = 0; i < names->count; i++) {
		const char *have = names->items[i];

		if (str_distance(name, strlen(name), have, strlen(have)) <= 2 || (strlen(name) >= 3 && str_has_prefix(have, name)))
			near = near ? near : have;
		if (used < sizeof(list) - 80)
			used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s", i ? ", " : "", have);
		else if (used < sizeof(list) - 8)
			used += (size_t)snprintf(list + used, sizeof(list) - used, " ...");
	}
	if (near)
		sr_error_hint(err, "did you mean %s? built or imported are: %s", near, list);
	else
		sr_error_hint(err, "built or imported are: %s; a folder that holds a root works too: -E ./FOLDER", list);
}

static int unknown(const char *name, struct sr_error *err)
{
	struct sr_store store = SR_STORE_INIT;
	struct sr_error ignored = SR_ERROR_INIT;
	struct sr_strv names = { 0 };
	bool defined = is_defined(name);
	int r = sr_error_set(err, SR_E_ENVIRONMENT, ENOENT, STAGE, "cannot find environment '%s': %s", SHOWN(name),
			     defined ? "it is not built yet" : "no such environment");

	if (!defined && store_open(&store, &ignored) == 0)
		(void)store_names(&store, &names); /* out of memory: a shorter list */
	if (defined)
		sr_error_hint(err, "sandrun environment build %s", name);
	else if (names.count)
		hint_names(name, &names, err);
	else
		sr_error_hint(err, "known is 'host'; a folder that holds a root works too: -E ./FOLDER");
	strv_done(&names);
	store_done(&store);
	return r;
}

static int cannot_open(const char *name, int errnum, struct sr_error *err)
{
	int r;

	if (errnum == ENOENT && !strchr(name, '/'))
		return unknown(name, err);
	r = sr_error_set(err, SR_E_ENVIRONMENT, errnum, STAGE, "cannot open environment '%s': %s", SHOWN(name),
			 errnum == ENOTDIR ? "not a folder" : strerror(errnum));
	if (errnum == ENOTDIR)
		sr_error_hint(err, "unpack it, then give the folder: mkdir root && tar -C root -xf FILE; sandrun -E ./root ...");
	else if (errnum == EACCES)
		sr_error_hint(err, "you need read and search permission for the folder");
	else
		sr_error_hint(err, "-E takes 'host', the name of an environment or a folder that holds a root");
	return r;
}

/* 0, or negative errno. */
static int find_folder(const struct sr_layers *l, const char *path)
{
	int fd = merge_open(l, NULL, path);
	struct stat st;
	int r = fd < 0 ? fd : fstat(fd, &st) < 0 ? -errno : S_ISDIR(st.st_mode) ? 0 : -ENOENT;

	fd_close(&fd);
	return r;
}

/* Whether it looks like a root. */
static int check_root(const char *name, const struct sr_layers *l, struct sr_error *err)
{
	int r = find_folder(l, "usr");

	if (r < 0 && r != -EACCES)
		r = find_folder(l, "bin");
	if (r == 0)
		return 0;
	if (r == -EACCES)
		return cannot_open(name, EACCES, err);
	r = sr_error_set(err, SR_E_ENVIRONMENT, EINVAL, STAGE, "cannot use '%s' as environment: it holds no /usr and no /bin",
			 SHOWN(name));
	sr_error_hint(err, "give the folder that is to become '/' inside; for a project folder use -C");
	return r;
}

/* What was opened is no root of this machine. */
static int check_no_host(const char *name, const struct stat *st, struct sr_error *err)
{
	struct stat root;
	int r;

	if (stat("/", &root) < 0)
		return sr_error_set(err, SR_E_ENVIRONMENT, errno, STAGE, "cannot look at '/': %s", strerror(errno));
	if (root.st_dev != st->st_dev || root.st_ino != st->st_ino)
		return 0;
	r = sr_error_set(err, SR_E_ENVIRONMENT, EINVAL, STAGE,
			 "cannot use '%s' as environment: it is this machine's own root", SHOWN(name));
	sr_error_hint(err, "leave -E out: the environment 'host' shows this machine's programs and nothing private");
	return r;
}

static int add_folder(const char *name, struct sr_layers *ret, struct sr_error *err)
{
	SR_AUTOCLOSE int fd = open(name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	SR_AUTOFREE char *path = NULL;
	struct sr_layer *layer;
	struct stat st, again;
	int r;

	if (fd < 0)
		return cannot_open(name, errno, err);
	path = realpath(name, NULL);
	if (!path || fstat(fd, &st) < 0 || stat(path, &again) < 0)
		return cannot_open(name, errno, err);
	if (st.st_dev != again.st_dev || st.st_ino != again.st_ino)
		return sr_error_set(err, SR_E_ENVIRONMENT, EAGAIN, STAGE, "cannot open environment '%s': it was replaced just now",
				    SHOWN(name));
	r = check_no_host(name, &st, err);
	if (r < 0)
		return r;
	layer = layers_add(ret, err);
	if (!layer)
		return -ENOMEM;
	layer->path = SR_TAKE_PTR(path);
	layer->dev = st.st_dev;
	layer->ino = st.st_ino;
	layer->fd = SR_TAKE_FD(fd);
	return 0;
}

static int move_all(struct sr_strv *to, struct sr_strv *from, struct sr_error *err)
{
	for (size_t i = 0; i < from->count; i++) {
		if (strv_add(to, from->items[i]) < 0)
			return sr_error_oom(err, STAGE);
	}
	return 0;
}

/* An environment of the store. -ENOENT without an error where there is none of that name. */
static int add_image(const char *name, struct sr_environment *e, struct sr_error *err)
{
	struct sr_store store = SR_STORE_INIT;
	struct sr_image image = { .profile = NULL };
	int r = store_open(&store, err);

	if (r == 0)
		r = image_read(&store, name, &image, err);
	if (r == 0 && geteuid() == 0) { /* its payload is nobody (finding 13), and the store is closed to all but its owner */
		r = sr_error_set(err, SR_E_ENVIRONMENT, EPERM, STAGE, "cannot use environment '%s' as root", name);
		sr_error_hint(err, "run sandrun as an ordinary user, who has a store of his own; root can give a folder that is open to all: -E DIR");
	}
	if (r == 0)
		r = image_open_layers(&store, name, &image, &e->layers, err);
	if (r == 0)
		r = move_all(&e->languages, &image.languages, err);
	if (r == 0)
		r = move_all(&e->variables, &image.variables, err);
	if (r == 0 && image.profile) {
		free(e->profile);
		e->profile = SR_TAKE_PTR(image.profile);
	}
	image_done(&image);
	store_done(&store);
	return r;
}

/* A folder of the current one that is called as what was meant to be built is not what was meant. */
static int refuse_namesake(const char *name, struct sr_error *err)
{
	int r = unknown(name, err);

	sr_error_hint(err, "sandrun environment build %s; or, for the folder of that name here, -E ./%s", name, name);
	return r;
}

static int add_one(const char *name, struct sr_environment *e, struct sr_error *err)
{
	int r = image_is_name(name) ? add_image(name, e, err) : -ENOENT;

	if (r != -ENOENT)
		return r;
	if (is_defined(name))
		return access(name, F_OK) == 0 ? refuse_namesake(name, err) : unknown(name, err);
	return add_folder(name, &e->layers, err);
}

/* What is no stack of layers has no place in a list. */
static int refuse_alone(const char *name, struct sr_error *err)
{
	int r = sr_error_set(err, SR_E_ENVIRONMENT, EINVAL, STAGE, "cannot put '%s' together with other environments: it has no layers", name);

	sr_error_hint(err, "leave it out of the list; for a folder of that name here, -E ./%s", name);
	return r;
}

static bool is_same(const struct sr_layer *a, const struct sr_layer *b)
{
	return (a->dev == b->dev && a->ino == b->ino) || (a->digest[0] && strcmp(a->digest, b->digest) == 0);
}

/* Of those from `from` on, drops what the stack has already: overlayfs takes no lower twice, and environments share their base. */
static void drop_known(struct sr_layers *l, size_t from)
{
	size_t kept = from;

	for (size_t i = from; i < l->count; i++) {
		size_t k = 0;

		while (k < kept && !is_same(&l->items[k], &l->items[i]))
			k++;
		if (k < kept)
			layer_done(&l->items[i]);
		else
			l->items[kept++] = l->items[i];
	}
	l->count = kept;
}

int environment_add(const char *name, struct sr_environment *e, struct sr_error *err)
{
	const char *p = name;
	struct stat st;

	if (!strchr(name, ',') || stat(name, &st) == 0) /* a folder whose name holds a comma is one */
		return add_one(name, e, err);
	for (bool more = true; more;) {
		size_t n = strcspn(p, ","), from = e->layers.count;
		SR_AUTOFREE char *one = strndup(p, n);
		int r;

		if (!one)
			return sr_error_oom(err, STAGE);
		r = strcmp(one, "host") == 0 || strcmp(one, "none") == 0 ? refuse_alone(one, err) : add_one(one, e, err);
		if (r < 0)
			return r;
		drop_known(&e->layers, from);
		more = p[n];
		p += n + 1;
	}
	return 0;
}

static int refuse_nested(const struct sr_layer *inner, const struct sr_layer *outer, struct sr_error *err)
{
	int r = sr_error_set(err, SR_E_ENVIRONMENT, ELOOP, STAGE, "cannot use '%s' and '%s' together: one lies in the other",
			     SHOWN(outer->path), SHOWN(inner->path));

	sr_error_hint(err, "overlayfs takes no such layers: leave one of them out, or copy the inner folder to another place");
	return r;
}

/* Whether layer l lies in one of e's, seen from the folders above it. */
static int check_above(const struct sr_environment *e, const struct sr_layer *l, struct sr_error *err)
{
	SR_AUTOCLOSE int fd = fcntl(l->fd, F_DUPFD_CLOEXEC, 0);
	struct stat last = { .st_dev = l->dev, .st_ino = l->ino };

	for (unsigned depth = 0; fd >= 0 && depth < PATH_MAX; depth++) {
		int up = openat(fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
		struct stat st;

		fd_close(&fd);
		fd = up;
		/* what cannot be entered from below is left to the kernel, which refuses as well */
		if (fd < 0 || fstat(fd, &st) < 0 || (st.st_dev == last.st_dev && st.st_ino == last.st_ino))
			return 0;
		for (size_t i = 0; i < e->layers.count; i++) {
			if (e->layers.items[i].dev == st.st_dev && e->layers.items[i].ino == st.st_ino)
				return refuse_nested(l, &e->layers.items[i], err);
		}
		if (e->upper.fd >= 0 && e->upper.dev == st.st_dev && e->upper.ino == st.st_ino)
			return refuse_nested(l, &e->upper, err);
		last = st;
	}
	return 0;
}

int environment_check_apart(const struct sr_environment *e, struct sr_error *err)
{
	const struct sr_layer *upper = e->upper.fd >= 0 ? &e->upper : NULL;
	size_t folders = 0;
	int r = 0;

	for (size_t i = 0; i < e->layers.count; i++) {
		folders += !e->layers.items[i].digest[0];
		if (upper && is_same(&e->layers.items[i], upper))
			return refuse_nested(upper, &e->layers.items[i], err);
	}
	if (!folders || e->layers.count + (upper ? 1 : 0) < 2) /* those of the store lie side by side */
		return 0;
	for (size_t i = 0; r == 0 && i < e->layers.count; i++)
		r = check_above(e, &e->layers.items[i], err);
	return r == 0 && upper ? check_above(e, upper, err) : r;
}

/* What was added is whole: it gets its name. Or it goes. */
static int finish(const char *name, int r, struct sr_environment *e, struct sr_environment *ret, struct sr_error *err)
{
	if (r == 0 && !(e->layers.count && e->layers.items[0].digest[0])) /* the store has roots only */
		r = check_root(name, &e->layers, err);
	if (r == 0)
		r = environment_check_apart(e, err);
	if (r == 0) {
		e->kind = SR_ENVIRONMENT_TREE;
		e->name = strdup(name);
		r = e->name ? 0 : sr_error_oom(err, STAGE);
	}
	if (r < 0)
		environment_done(e);
	else
		*ret = *e;
	return r;
}

int environment_open(const char *name, struct sr_environment *ret, struct sr_error *err)
{
	struct sr_environment e = SR_ENVIRONMENT_INIT;

	if (!name || strcmp(name, "host") == 0)
		return open_host(ret, err);
	return finish(name, environment_add(name, &e, err), &e, ret, err);
}

int environment_open_named(const char *name, struct sr_environment *ret, struct sr_error *err)
{
	struct sr_environment e = SR_ENVIRONMENT_INIT;
	int r;

	if (strcmp(name, "host") == 0)
		return open_host(ret, err);
	r = image_is_name(name) ? add_image(name, &e, err) : -ENOENT;
	return finish(name, r == -ENOENT ? unknown(name, err) : r, &e, ret, err);
}

const char *environment_interpreter(const struct sr_environment *e, const char *language)
{
	size_t len = strlen(language);

	for (size_t i = e->languages.count; i-- > 0;) {
		if (strncmp(e->languages.items[i], language, len) == 0 && e->languages.items[i][len] == '=')
			return e->languages.items[i] + len + 1;
	}
	return NULL;
}

void environment_done(struct sr_environment *e)
{
	free(e->name);
	free(e->profile);
	e->name = e->profile = NULL;
	strv_done(&e->languages);
	strv_done(&e->variables);
	layers_done(&e->layers);
	layer_done(&e->upper);
	layer_done(&e->work);
	fd_close(&e->root_fd);
}

/*
 * The sandbox shows of the host /usr and the links to it in "/" (bin, sbin, lib ...), nothing else: a link that leads to
 * /opt or to somebody's home leads nowhere inside. The descriptor's own path tells.
 */
static int check_shown(int fd)
{
	char link[64], path[PATH_MAX];
	ssize_t n;

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	if (n < 0)
		return errno == ENOENT ? 0 : -errno; /* no /proc here: setting up fails over that, and says so */
	path[n] = '\0';
	return str_has_prefix(path, "/usr/") ? 0 : -ENOENT;
}

/* 0 for an executable regular file, -ENOENT, -EACCES. path is absolute. */
static int probe(const struct sr_environment *e, const char *path)
{
	SR_AUTOCLOSE int fd = e->kind == SR_ENVIRONMENT_HOST ? sys_open_in_root(e->root_fd, path, O_PATH) :
							       merge_open(&e->layers, e->upper.fd >= 0 ? &e->upper : NULL, path);
	struct stat st;
	int r;

	if (fd == -ENOTDIR || fd == -ELOOP || fd == -ENAMETOOLONG)
		return -ENOENT;
	if (fd < 0)
		return fd;
	if (e->kind == SR_ENVIRONMENT_HOST) {
		r = check_shown(fd);
		if (r < 0)
			return r;
	}
	if (fstat(fd, &st) < 0)
		return -errno;
	return S_ISREG(st.st_mode) && (st.st_mode & 0111) ? 0 : -EACCES;
}

/* The next folder of SR_INSIDE_PATH, or false. */
static bool next_folder(const char **rest, char *out, size_t out_size)
{
	size_t n = strcspn(*rest, ":");

	if (n == 0)
		return false;
	(void)snprintf(out, out_size, "%.*s", (int)n, *rest);
	*rest += n + ((*rest)[n] == ':');
	return true;
}

/* Quick no: on the host the name is looked up as it stands, which costs one call; only its absence is believed. */
static bool surely_absent(const struct sr_environment *e, const char *path)
{
	struct stat st;

	return e->kind == SR_ENVIRONMENT_HOST && fstatat(e->root_fd, path + 1, &st, AT_SYMLINK_NOFOLLOW) < 0 &&
	       errno == ENOENT;
}

int environment_find_program(const struct sr_environment *e, const char *name, char **ret_path)
{
	const char *rest = SR_INSIDE_PATH;
	char folder[64];
	int worst = -ENOENT;

	if (strchr(name, '/')) {
		int r = *name == '/' ? probe(e, name) : -ENOENT;

		if (r < 0)
			return r;
		*ret_path = strdup(name);
		return *ret_path ? 0 : -ENOMEM;
	}
	if (!*name)
		return -ENOENT;
	while (next_folder(&rest, folder, sizeof(folder))) {
		SR_AUTOFREE char *path = str_format("%s/%s", folder, name);
		int r;

		if (!path)
			return -ENOMEM;
		if (surely_absent(e, path))
			continue;
		r = probe(e, path);
		if (r == 0) {
			*ret_path = SR_TAKE_PTR(path);
			return 0;
		}
		if (r != -ENOENT)
			worst = r; /* as execvp(3): go on, remember */
	}
	return worst;
}

/* Adds path's name to ret unless it is there. */
static int add_once(struct sr_strv *ret, const char *name)
{
	for (size_t i = 0; i < ret->count; i++) {
		if (strcmp(ret->items[i], name) == 0)
			return 0;
	}
	return strv_add(ret, name);
}

/* What is asked for: names that start with stem, at most max of them, and how many may still be looked at. */
struct search {
	const char *stem;
	size_t max;
	unsigned tries; /* each is a walk through all layers, and an image can hold any number of names that lead nowhere */
};

static int list_folder(const struct sr_environment *e, int root_fd, const char *folder, struct search *s, struct sr_strv *ret)
{
	int fd = sys_open_in_root(root_fd, folder, O_RDONLY | O_DIRECTORY | O_NONBLOCK);
	struct dirent *d;
	DIR *dir;
	int r = 0;

	if (fd < 0)
		return 0; /* a folder that is not there holds nothing */
	dir = fdopendir(fd);
	if (!dir) {
		fd_close(&fd);
		return -ENOMEM;
	}
	while (r == 0 && ret->count < s->max && s->tries && (d = readdir(dir))) {
		SR_AUTOFREE char *path = NULL;

		if (!str_has_prefix(d->d_name, s->stem) || strchr(d->d_name, '-'))
			continue; /* python3.11-config and the like are no interpreters */
		s->tries--;
		path = str_format("%s/%s", folder, d->d_name);
		if (!path)
			r = -ENOMEM;
		else if (probe(e, path) == 0)
			r = add_once(ret, d->d_name);
	}
	(void)closedir(dir);
	return r;
}

/* A folder's names in each layer; what another layer hides is not found by probe(). */
static int list_layers(const struct sr_environment *e, const char *folder, struct search *s, struct sr_strv *ret)
{
	int r = e->kind == SR_ENVIRONMENT_HOST ? list_folder(e, e->root_fd, folder, s, ret) : 0;

	if (r == 0 && e->upper.fd >= 0)
		r = list_folder(e, e->upper.fd, folder, s, ret);
	for (size_t i = e->layers.count; r == 0 && i-- > 0;)
		r = list_folder(e, e->layers.items[i].fd, folder, s, ret);
	return r;
}

int environment_programs_like(const struct sr_environment *e, const char *stem, size_t max, struct sr_strv *ret)
{
	struct search s = { .stem = stem, .max = max, .tries = 40 };
	const char *rest = SR_INSIDE_PATH;
	char folder[64];

	while (ret->count < max && s.tries && next_folder(&rest, folder, sizeof(folder))) {
		int r = list_layers(e, folder, &s, ret);

		if (r < 0)
			return r;
	}
	return 0;
}
