/* SPDX-License-Identifier: MIT */
#include "plan/environment.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
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
	*ret = (struct sr_environment){ .kind = SR_ENVIRONMENT_HOST, .name = SR_TAKE_PTR(name), .root_fd = SR_TAKE_FD(fd) };
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

/* 0 or negative errno. */
static int find_folder(int root_fd, const char *path)
{
	SR_AUTOCLOSE int fd = sys_open_in_root(root_fd, path, O_PATH | O_DIRECTORY);

	return fd < 0 ? fd : 0;
}

/* What was opened is what `name` leads to, is no root of this machine, and looks like a root. */
static int check_tree(const char *name, int fd, const struct stat *st, struct sr_error *err)
{
	struct stat root;
	int r;

	if (stat("/", &root) < 0)
		return sr_error_set(err, SR_E_ENVIRONMENT, errno, STAGE, "cannot look at '/': %s", strerror(errno));
	if (root.st_dev == st->st_dev && root.st_ino == st->st_ino) {
		r = sr_error_set(err, SR_E_ENVIRONMENT, EINVAL, STAGE,
				 "cannot use '%s' as environment: it is this machine's own root", SHOWN(name));
		sr_error_hint(err, "leave -E out: the environment 'host' shows this machine's programs and nothing private");
		return r;
	}
	r = find_folder(fd, "usr");
	if (r < 0 && r != -EACCES)
		r = find_folder(fd, "bin");
	if (r == 0)
		return 0;
	if (r == -EACCES)
		return cannot_open(name, EACCES, err);
	r = sr_error_set(err, SR_E_ENVIRONMENT, EINVAL, STAGE, "cannot use '%s' as environment: it holds no /usr and no /bin",
			 SHOWN(name));
	sr_error_hint(err, "give the folder that is to become '/' inside; for a project folder use -C");
	return r;
}

static int open_tree(const char *name, struct sr_environment *ret, struct sr_error *err)
{
	SR_AUTOCLOSE int fd = open(name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	SR_AUTOFREE char *path = NULL;
	SR_AUTOFREE char *copy = NULL;
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
	r = check_tree(name, fd, &st, err);
	if (r < 0)
		return r;
	copy = strdup(name);
	if (!copy)
		return sr_error_oom(err, STAGE);
	*ret = (struct sr_environment){ .kind = SR_ENVIRONMENT_TREE,
					.name = SR_TAKE_PTR(copy),
					.path = SR_TAKE_PTR(path),
					.dev = st.st_dev,
					.ino = st.st_ino,
					.root_fd = SR_TAKE_FD(fd) };
	return 0;
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
	free(e->path);
	e->name = NULL;
	e->path = NULL;
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
	SR_AUTOCLOSE int fd = sys_open_in_root(e->root_fd, path, O_PATH);
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

static int list_folder(const struct sr_environment *e, const char *folder, const char *stem, size_t max, struct sr_strv *ret)
{
	int fd = sys_open_in_root(e->root_fd, folder, O_RDONLY | O_DIRECTORY | O_NONBLOCK);
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

int environment_programs_like(const struct sr_environment *e, const char *stem, size_t max, struct sr_strv *ret)
{
	const char *rest = SR_INSIDE_PATH;
	char folder[64];

	while (ret->count < max && next_folder(&rest, folder, sizeof(folder))) {
		int r = list_folder(e, folder, stem, max, ret);

		if (r < 0)
			return r;
	}
	return 0;
}
