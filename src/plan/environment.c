/* SPDX-License-Identifier: MIT */
#include "plan/environment.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "base/fd.h"
#include "image/merge.h"
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

static int cannot_open(const char *name, int errnum, struct sr_error *err)
{
	int r;

	if (errnum == ENOENT && !strchr(name, '/')) {
		r = sr_error_set(err, SR_E_ENVIRONMENT, ENOENT, STAGE, "cannot find environment '%s': no such environment",
				 SHOWN(name));
		sr_error_hint(err, "known is 'host'; a folder that holds a root works too: -E ./FOLDER");
		return r;
	}
	r = sr_error_set(err, SR_E_ENVIRONMENT, errnum, STAGE, "cannot open environment '%s': %s", SHOWN(name),
			 errnum == ENOTDIR ? "not a folder" : strerror(errnum));
	if (errnum == ENOTDIR)
		sr_error_hint(err, "unpack it, then give the folder: mkdir root && tar -C root -xf FILE; sandrun -E ./root ...");
	else if (errnum == EACCES)
		sr_error_hint(err, "you need read and search permission for the folder");
	else
		sr_error_hint(err, "-E takes 'host' or a folder that holds a root");
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

/* NAME|DIR, or some of them with commas between; a folder whose name holds a comma is one. */
static int add_all(const char *name, struct sr_layers *ret, struct sr_error *err)
{
	const char *p = name;
	struct stat st;

	if (!strchr(name, ',') || stat(name, &st) == 0)
		return add_folder(name, ret, err);
	for (bool more = true; more;) {
		size_t n = strcspn(p, ",");
		SR_AUTOFREE char *one = strndup(p, n);
		int r = one ? add_folder(one, ret, err) : sr_error_oom(err, STAGE);

		if (r < 0)
			return r;
		more = p[n];
		p += n + 1;
	}
	return 0;
}

static int open_tree(const char *name, struct sr_environment *ret, struct sr_error *err)
{
	struct sr_environment e = SR_ENVIRONMENT_INIT;
	int r = add_all(name, &e.layers, err);

	if (r == 0)
		r = check_root(name, &e.layers, err);
	if (r == 0) {
		e.kind = SR_ENVIRONMENT_TREE;
		e.name = strdup(name);
		r = e.name ? 0 : sr_error_oom(err, STAGE);
	}
	if (r < 0)
		environment_done(&e);
	else
		*ret = e;
	return r;
}

int environment_open(const char *name, struct sr_environment *ret, struct sr_error *err)
{
	if (!name || strcmp(name, "host") == 0)
		return open_host(ret, err);
	return open_tree(name, ret, err);
}

int environment_open_named(const char *name, struct sr_environment *ret, struct sr_error *err)
{
	return strcmp(name, "host") == 0 ? open_host(ret, err) : cannot_open(name, ENOENT, err);
}

void environment_done(struct sr_environment *e)
{
	free(e->name);
	e->name = NULL;
	layers_done(&e->layers);
	layer_done(&e->upper);
	layer_done(&e->work);
	fd_close(&e->root_fd);
}

static int build_error(const char *what, const char *path, int errnum, struct sr_error *err)
{
	return sr_error_set(err, SR_E_ENVIRONMENT, errnum, STAGE, "cannot %s '%s': %s", what, SHOWN(path), strerror(errnum));
}

/* DIR itself: the user's own, closed to others, and nobody else builds in it now. */
static int open_build_folder(const char *path, int *ret_fd, struct sr_error *err)
{
	SR_AUTOCLOSE int fd = -1;
	struct stat st;
	int r;

	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return build_error("make", path, errno, err);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return build_error("build in", path, errno, err);
	if (st.st_uid != geteuid() || (st.st_mode & 077)) {
		r = sr_error_set(err, SR_E_ENVIRONMENT, EPERM, STAGE, "cannot build in '%s': others have rights to it", SHOWN(path));
		sr_error_hint(err, "give a folder of your own with mode 0700, or a name that is not there yet");
		return r;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		r = sr_error_set(err, SR_E_ENVIRONMENT, errno, STAGE, "cannot build in '%s': another sandrun does", SHOWN(path));
		sr_error_hint(err, "wait for it, or give another folder");
		return r;
	}
	*ret_fd = SR_TAKE_FD(fd);
	return 0;
}

static int open_build_part(const struct sr_policy *p, int dir_fd, const char *name, struct sr_layer *ret, struct sr_error *err)
{
	SR_AUTOFREE char *dir = realpath(p->build_layer, NULL);
	SR_AUTOFREE char *path = dir ? str_format("%s/%s", dir, name) : NULL;
	SR_AUTOCLOSE int fd = -1;
	struct stat st;

	if (!path)
		return sr_error_oom(err, STAGE);
	if (mkdirat(dir_fd, name, 0755) < 0 && errno != EEXIST)
		return build_error("make", path, errno, err);
	fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return build_error("build in", path, errno, err);
	if (st.st_uid != geteuid())
		return build_error("build in", path, EPERM, err);
	*ret = (struct sr_layer){ .path = SR_TAKE_PTR(path), .dev = st.st_dev, .ino = st.st_ino, .fd = SR_TAKE_FD(fd), .lock_fd = -1 };
	return 0;
}

/* What was deleted or replaced of a lower layer is written down in user xattrs: without them the layer would be wrong. */
static int check_xattrs(const struct sr_layer *upper, struct sr_error *err)
{
	int r;

	if (fsetxattr(upper->fd, "user.sandrun", "1", 1, 0) == 0 && fremovexattr(upper->fd, "user.sandrun") == 0)
		return 0;
	r = sr_error_set(err, SR_E_ENVIRONMENT, errno, STAGE, "cannot build in '%s': its file system keeps no user attributes: %s",
			 SHOWN(upper->path), strerror(errno));
	sr_error_hint(err, "give a folder on ext4, xfs or btrfs");
	return r;
}

static int add_upper(const struct sr_policy *p, struct sr_environment *e, struct sr_error *err)
{
	SR_AUTOCLOSE int dir_fd = -1;
	int r;

	if (p->explain && access(p->build_layer, F_OK) < 0 && errno == ENOENT)
		return 0; /* nothing is made */
	r = open_build_folder(p->build_layer, &dir_fd, err);
	if (r == 0)
		r = open_build_part(p, dir_fd, "tree", &e->upper, err);
	if (r == 0)
		r = open_build_part(p, dir_fd, "overlay-work", &e->work, err);
	if (r == 0)
		r = check_xattrs(&e->upper, err);
	e->upper.lock_fd = SR_TAKE_FD(dir_fd);
	return r;
}

int environment_open_build(const struct sr_policy *p, struct sr_environment *ret, struct sr_error *err)
{
	struct sr_environment e = SR_ENVIRONMENT_INIT;
	int r;

	if (geteuid() == 0) { /* its payload is nobody (finding 13): the folder would have to be open to all */
		r = sr_error_set(err, SR_E_ENVIRONMENT, EPERM, STAGE, "cannot build a layer as root");
		sr_error_hint(err, "run sandrun as an ordinary user: a build needs no root");
		return r;
	}
	r = strcmp(p->environment, "none") == 0 ? 0 : add_all(p->environment, &e.layers, err);
	if (r == 0)
		r = add_upper(p, &e, err);
	if (r == 0) {
		e.kind = SR_ENVIRONMENT_TREE;
		e.build = true;
		e.name = strdup(p->environment);
		r = e.name ? 0 : sr_error_oom(err, STAGE);
	}
	if (r < 0)
		environment_done(&e);
	else
		*ret = e;
	return r;
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

static int list_folder(const struct sr_environment *e, int root_fd, const char *folder, const char *stem, size_t max,
		       struct sr_strv *ret)
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
	while (r == 0 && ret->count < max && (d = readdir(dir))) {
		SR_AUTOFREE char *path = NULL;

		if (!str_has_prefix(d->d_name, stem) || strchr(d->d_name, '-'))
			continue; /* python3.11-config and the like are no interpreters */
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
static int list_layers(const struct sr_environment *e, const char *folder, const char *stem, size_t max, struct sr_strv *ret)
{
	int r = e->kind == SR_ENVIRONMENT_HOST ? list_folder(e, e->root_fd, folder, stem, max, ret) : 0;

	if (r == 0 && e->upper.fd >= 0)
		r = list_folder(e, e->upper.fd, folder, stem, max, ret);
	for (size_t i = e->layers.count; r == 0 && i-- > 0;)
		r = list_folder(e, e->layers.items[i].fd, folder, stem, max, ret);
	return r;
}

int environment_programs_like(const struct sr_environment *e, const char *stem, size_t max, struct sr_strv *ret)
{
	const char *rest = SR_INSIDE_PATH;
	char folder[64];

	while (ret->count < max && next_folder(&rest, folder, sizeof(folder))) {
		int r = list_layers(e, folder, stem, max, ret);

		if (r < 0)
			return r;
	}
	return 0;
}
