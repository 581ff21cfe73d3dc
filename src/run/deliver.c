/* SPDX-License-Identifier: MIT */
#include "run/deliver.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "sys/openat2.h"

#define STAGE "output"
#define FOLDER_FLAGS (O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE 1U
#endif

int deliver_split(const char *path, char **ret_above, char **ret_base)
{
	SR_AUTOFREE char *copy = strdup(path), *above = NULL, *base = NULL;
	size_t len = strlen(path);
	char *slash;

	if (!copy)
		return -ENOMEM;
	while (len > 1 && copy[len - 1] == '/')
		copy[--len] = '\0';
	slash = strrchr(copy, '/');
	base = strdup(slash ? slash + 1 : copy);
	if (!base)
		return -ENOMEM;
	if (strcmp(base, ".") == 0 || strcmp(base, "..") == 0 || !*base) {
		free(base); /* no name of its own: the folder itself, without a link to look at */
		base = strdup(".");
		above = strdup(copy);
	} else {
		above = !slash ? strdup(".") : slash == copy ? strdup("/") : strndup(copy, (size_t)(slash - copy));
	}
	if (!base || !above)
		return -ENOMEM;
	*ret_above = SR_TAKE_PTR(above);
	*ret_base = SR_TAKE_PTR(base);
	return 0;
}

int deliver_temp(int dir_fd, char ret_name[static SR_DELIVER_TEMP])
{
	for (int i = 0; i < 16; i++) {
		uint8_t random[8];
		char hex[2 * sizeof(random) + 1];
		int fd;

		if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
			return -EIO;
		str_hex(random, sizeof(random), hex);
		(void)snprintf(ret_name, SR_DELIVER_TEMP, ".sandrun-%s", hex);
		fd = openat(dir_fd, ret_name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
		if (fd >= 0)
			return fd;
		if (errno != EEXIST)
			return -errno;
	}
	return -EEXIST;
}

static bool is_folder(int dir_fd, const char *name)
{
	struct stat st;

	return fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

int deliver_rename(int dir_fd, const char *temp, const char *name, bool force)
{
	int fd;

	if (force) /* replaces a link as such, and refuses a folder with EISDIR */
		return renameat(dir_fd, temp, dir_fd, name) < 0 ? -errno : 0;
	if (syscall(SYS_renameat2, dir_fd, temp, dir_fd, name, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno == EEXIST)
		return is_folder(dir_fd, name) ? -EISDIR : -EEXIST;
	if (errno != EINVAL && errno != ENOSYS && errno != EPERM)
		return -errno;
	/* a file system or a kernel that does not know the flag: a hard link refuses to replace as well */
	if (linkat(dir_fd, temp, dir_fd, name, 0) == 0) {
		(void)unlinkat(dir_fd, temp, 0);
		return 0;
	}
	if (errno == EEXIST)
		return -EEXIST;
	/* nor hard links: take the name first, then rename over our own empty file */
	fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	(void)close(fd);
	if (renameat(dir_fd, temp, dir_fd, name) == 0)
		return 0;
	fd = -errno;
	(void)unlinkat(dir_fd, name, 0);
	return fd;
}

/* ---- messages ------------------------------------------------------------------------------------------------------ */

static int cannot_write(const struct sr_deliver *d, const char *name, int r, struct sr_error *err)
{
	char shown[400], folder[256];

	(void)str_escape(name, shown, sizeof(shown));
	(void)str_escape(d->shown, folder, sizeof(folder));
	if (r == -EEXIST) {
		(void)sr_error_set(err, SR_E_OUTPUT, EEXIST, STAGE, "cannot copy '%s' to '%s': it exists there", shown, folder);
		sr_error_hint(err, "--force replaces existing files; -O DIR puts them somewhere else");
	} else if (r == -EISDIR) {
		(void)sr_error_set(err, SR_E_OUTPUT, EISDIR, STAGE, "cannot copy '%s' to '%s': a folder has that name there", shown,
				   folder);
		sr_error_hint(err, "-O DIR puts the outputs somewhere else");
	} else if (r == -ELOOP || r == -ENOTDIR) {
		(void)sr_error_set(err, SR_E_OUTPUT, -r, STAGE, "cannot copy '%s' to '%s': on the way there is %s", shown, folder,
				   r == -ELOOP ? "a symbolic link" : "something that is no folder");
		sr_error_hint(err, "outputs are never written through links; -O DIR puts them somewhere else");
	} else {
		(void)sr_error_set(err, SR_E_OUTPUT, -r, STAGE, "cannot copy '%s' to '%s': %s", shown, folder, strerror(-r));
		sr_error_hint(err, "nothing was copied; make room there, or name another place with -O DIR");
	}
	return r;
}

/* ---- folders ------------------------------------------------------------------------------------------------------- */

int deliver_open(struct sr_deliver *d, int above_fd, const char *base, const char *shown, bool force,
		 struct sr_error *err)
{
	int fd;

	d->above_fd = above_fd;
	d->force = force;
	d->base = strdup(base);
	d->shown = strdup(shown);
	if (!d->base || !d->shown)
		return sr_error_oom(err, STAGE);
	fd = openat(above_fd, base, FOLDER_FLAGS);
	if (fd < 0 && errno == ENOTDIR) {
		struct stat st;

		errno = fstatat(above_fd, base, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode) ? ELOOP : ENOTDIR;
	}
	if (fd < 0 && errno != ENOENT) {
		char text[256];

		fd = errno;
		(void)sr_error_set(err, SR_E_OUTPUT, fd, STAGE, "cannot open output folder '%s': %s",
				   str_escape(shown, text, sizeof(text)), fd == ELOOP ? "it is a symbolic link" : strerror(fd));
		sr_error_hint(err, "name a folder that you can write to: -O DIR");
		return -fd;
	}
	d->fd = fd < 0 ? -1 : fd;
	return 0;
}

/* Makes (or finds) one folder; *made says which. A link or a file of that name is none. */
static int make_folder(int dir_fd, const char *path, bool *made)
{
	struct stat st;

	*made = mkdirat(dir_fd, path, 0777) == 0;
	if (*made)
		return 0;
	if (errno != EEXIST)
		return -errno;
	if (fstatat(dir_fd, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	return S_ISDIR(st.st_mode) ? 0 : S_ISLNK(st.st_mode) ? -ELOOP : -ENOTDIR;
}

static int make_destination(struct sr_deliver *d)
{
	int r;

	if (d->fd >= 0)
		return 0;
	r = make_folder(d->above_fd, d->base, &d->made);
	if (r < 0)
		return r;
	d->fd = openat(d->above_fd, d->base, FOLDER_FLAGS);
	return d->fd < 0 ? -errno : 0;
}

/* All folders of path below the destination; those that are new are noted. */
static int make_folders(struct sr_deliver *d, const char *path)
{
	SR_AUTOFREE char *part = strdup(path);
	SR_AUTOCLOSE int fd = -1;
	char *end = part;

	if (!part)
		return -ENOMEM;
	while (end) {
		char *name = end;
		bool made;
		int r, next;

		end = strchr(name, '/');
		if (end)
			*end = '\0';
		r = make_folder(fd < 0 ? d->fd : fd, name, &made);
		if (r == 0 && made && strv_add(&d->folders, part) < 0)
			r = -ENOMEM;
		if (r < 0)
			return r;
		next = openat(fd < 0 ? d->fd : fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (next < 0)
			return -errno;
		fd_close(&fd);
		fd = next;
		if (end)
			*end++ = '/';
	}
	return 0;
}

/* The folder that holds name, and its last component. Names come sorted, so the last folder is kept open. */
static int parent_of(struct sr_deliver *d, const char *name, bool make, const char **ret_last)
{
	const char *slash = strrchr(name, '/');
	SR_AUTOFREE char *folder = NULL;
	int fd, r;

	*ret_last = slash ? slash + 1 : name;
	if (!slash)
		return d->fd;
	folder = strndup(name, (size_t)(slash - name));
	if (!folder)
		return -ENOMEM;
	if (d->parent && strcmp(d->parent, folder) == 0)
		return d->parent_fd;
	if (make) {
		r = make_folders(d, folder);
		if (r < 0)
			return r;
	}
	fd = sys_open_beneath(d->fd, folder, O_PATH | O_DIRECTORY, 0);
	if (fd < 0)
		return fd;
	free(d->parent);
	fd_close(&d->parent_fd);
	d->parent = SR_TAKE_PTR(folder);
	d->parent_fd = fd;
	return fd;
}

/* ---- files --------------------------------------------------------------------------------------------------------- */

int deliver_check(struct sr_deliver *d, const char *name, struct sr_error *err)
{
	const char *last;
	struct stat st;
	int fd;

	if (d->fd < 0)
		return 0; /* a destination that does not exist holds nothing */
	fd = parent_of(d, name, false, &last);
	if (fd == -ENOENT)
		return 0;
	if (fd < 0)
		return cannot_write(d, name, fd, err);
	if (fstatat(fd, last, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : cannot_write(d, name, -errno, err);
	if (S_ISDIR(st.st_mode))
		return cannot_write(d, name, -EISDIR, err);
	return d->force ? 0 : cannot_write(d, name, -EEXIST, err);
}

int deliver_file(struct sr_deliver *d, const char *name, int *ret_fd, struct sr_error *err)
{
	struct sr_delivery *item;
	const char *last;
	int r = make_destination(d), dir_fd;

	if (d->count == d->room) {
		size_t room = d->room ? d->room * 2 : 64;
		struct sr_delivery *bigger = realloc(d->items, room * sizeof(*bigger));

		if (!bigger)
			return sr_error_oom(err, STAGE);
		d->items = bigger;
		d->room = room;
	}
	dir_fd = r < 0 ? r : parent_of(d, name, true, &last);
	if (dir_fd < 0)
		return cannot_write(d, name, dir_fd, err);
	item = &d->items[d->count];
	*item = (struct sr_delivery){ .name = strdup(name) };
	if (!item->name)
		return sr_error_oom(err, STAGE);
	r = deliver_temp(dir_fd, item->temp);
	if (r < 0) {
		free(SR_TAKE_PTR(item->name));
		return cannot_write(d, name, r, err);
	}
	d->count++;
	*ret_fd = r;
	return 0;
}

static void remove_item(struct sr_deliver *d, const struct sr_delivery *item)
{
	const char *last;
	int fd = parent_of(d, item->name, false, &last);

	if (fd >= 0)
		(void)unlinkat(fd, item->placed ? last : item->temp, 0); /* it may be gone; then it is gone */
}

void deliver_drop(struct sr_deliver *d)
{
	if (d->count == 0)
		return;
	d->count--;
	remove_item(d, &d->items[d->count]);
	free(SR_TAKE_PTR(d->items[d->count].name));
}

int deliver_commit(struct sr_deliver *d, struct sr_error *err)
{
	for (size_t i = 0; i < d->count; i++) {
		struct sr_delivery *item = &d->items[i];
		const char *last;
		int fd = parent_of(d, item->name, false, &last), r;

		r = fd < 0 ? fd : deliver_rename(fd, item->temp, last, d->force);
		if (r < 0)
			return cannot_write(d, item->name, r, err);
		item->placed = true;
	}
	for (size_t i = 0; i < d->count; i++)
		free(d->items[i].name);
	d->count = 0; /* nothing is left to take back */
	d->made = false;
	strv_done(&d->folders);
	return 0;
}

void deliver_done(struct sr_deliver *d)
{
	for (size_t i = 0; i < d->count; i++) {
		struct sr_delivery *item = &d->items[i];

		/* under force the name may have been taken from an older file: removing the new one would lose both */
		if (!item->placed || !d->force)
			remove_item(d, item);
		free(item->name);
	}
	for (size_t i = d->folders.count; i-- > 0;) {
		const char *last;
		int fd = parent_of(d, d->folders.items[i], false, &last);

		if (fd >= 0)
			(void)unlinkat(fd, last, AT_REMOVEDIR); /* not empty: somebody else uses it */
	}
	if (d->made)
		(void)unlinkat(d->above_fd, d->base, AT_REMOVEDIR);
	free(d->items);
	free(d->parent);
	free(d->base);
	free(d->shown);
	strv_done(&d->folders);
	fd_close(&d->parent_fd);
	fd_close(&d->fd);
	*d = (struct sr_deliver)SR_DELIVER_INIT;
}
