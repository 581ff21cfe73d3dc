/* SPDX-License-Identifier: MIT */
#include "run/certstore.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/xdg.h"
#include "evidence/runlog.h"

int certstore_open(int state_fd, int *ret_fd)
{
	SR_AUTOCLOSE int fd = openat(state_fd, SR_CERTSTORE_DIR, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0 && errno == ENOENT) {
		if (mkdirat(state_fd, SR_CERTSTORE_DIR, 0700) < 0 && errno != EEXIST)
			return -errno;
		fd = openat(state_fd, SR_CERTSTORE_DIR, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	}
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0 || st.st_uid != geteuid() || (st.st_mode & 022))
		return -EPERM;
	*ret_fd = SR_TAKE_FD(fd);
	return 0;
}

char *certstore_path(const char *name)
{
	SR_AUTOFREE char *folder = NULL;

	if (xdg_path(SR_XDG_STATE, SR_CERTSTORE_DIR, &folder) < 0)
		return NULL;
	return str_format("%s/%s", folder, name);
}

/* Only names that sandrun makes: the folder is the user's, and may hold something else. */
static bool is_run_id(const char *name, size_t len)
{
	if (len != SR_RUN_ID - 1)
		return false;
	for (size_t i = 0; i < len; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? name[i] != '-' : !strchr("0123456789abcdef", name[i]))
			return false;
	}
	return true;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int certstore_list(int dir_fd, struct sr_strv *ret)
{
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *d;

	if (!dir) {
		r = -errno;
		fd_close(&fd);
		return r;
	}
	while (r == 0 && (d = readdir(dir))) {
		size_t len = strlen(d->d_name), end = strlen(SR_CERTSTORE_SUFFIX);

		if (!str_has_suffix(d->d_name, SR_CERTSTORE_SUFFIX) || !is_run_id(d->d_name, len - end))
			continue;
		d->d_name[len - end] = '\0';
		r = strv_add(ret, d->d_name);
	}
	(void)closedir(dir);
	if (ret->count)
		qsort(ret->items, ret->count, sizeof(*ret->items), by_name);
	return r;
}

int certstore_prune(int dir_fd, size_t keep)
{
	static const char *const suffixes[] = { SR_CERTSTORE_TRACE, SR_CERTSTORE_OPENING, SR_CERTSTORE_SUFFIX };
	struct sr_strv all = { 0 };
	int r = certstore_list(dir_fd, &all), gone = 0;

	for (size_t i = 0; r == 0 && i + keep < all.count; i++) {
		for (size_t s = 0; s < sizeof(suffixes) / sizeof(*suffixes); s++) {
			char name[SR_RUN_ID + 24];

			(void)snprintf(name, sizeof(name), "%s%s", all.items[i], suffixes[s]);
			if (unlinkat(dir_fd, name, 0) < 0 && errno != ENOENT)
				r = -errno;
		}
		gone += r == 0;
	}
	strv_done(&all);
	return r < 0 ? r : gone;
}
