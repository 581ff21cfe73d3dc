/* SPDX-License-Identifier: MIT */
#include "run/certstore.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
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

/* A certificate and the number of its run; 0 where the run log does not go back so far, or was lost. */
struct kept {
	const char *id;
	uint64_t counter;
};

static int by_counter(const void *a, const void *b)
{
	const struct kept *x = a, *y = b;

	return x->counter != y->counter ? (x->counter < y->counter ? -1 : 1) : strcmp(x->id, y->id);
}

static int by_id(const void *a, const void *b)
{
	return strcmp(((const struct kept *)a)->id, ((const struct kept *)b)->id);
}

static void note_counter(const char *line, struct kept *all, size_t count)
{
	struct sr_runlog_record rec;
	struct kept key = { .id = rec.run_id }, *found;

	if (runlog_parse(line, &rec) < 0)
		return;
	found = bsearch(&key, all, count, sizeof(*all), by_id);
	if (found)
		found->counter = rec.counter;
}

/* Clocks go back, numbers do not: the order of the runs is that of the run log, as far back as it is worth reading. */
static void read_counters(int state_fd, struct kept *all, size_t count)
{
	SR_AUTOCLOSE int fd = openat(state_fd, SR_RUNLOG, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	const uint64_t most = count * 4 + 64;
	struct stat st;
	uint64_t records;

	if (fd < 0 || fstat(fd, &st) < 0)
		return;
	records = (uint64_t)st.st_size / SR_RUNLOG_RECORD;
	for (uint64_t i = records > most ? records - most : 0; i < records;) {
		char piece[64 * SR_RUNLOG_RECORD];
		ssize_t n = pread(fd, piece, sizeof(piece), (off_t)(i * SR_RUNLOG_RECORD));

		if (n < SR_RUNLOG_RECORD)
			return;
		for (ssize_t at = 0; at + SR_RUNLOG_RECORD <= n; at += SR_RUNLOG_RECORD, i++)
			note_counter(piece + at, all, count);
	}
}

/* 1 when all that belongs to the run is gone, -errno. */
static int remove_run(int dir_fd, const char *id)
{
	static const char *const suffixes[] = { SR_CERTSTORE_TRACE, SR_CERTSTORE_OPENING, SR_CERTSTORE_SUFFIX };

	for (size_t s = 0; s < sizeof(suffixes) / sizeof(*suffixes); s++) {
		char name[SR_RUN_ID + 24];

		(void)snprintf(name, sizeof(name), "%s%s", id, suffixes[s]);
		if (unlinkat(dir_fd, name, 0) < 0 && errno != ENOENT)
			return -errno;
	}
	return 1;
}

int certstore_prune(int state_fd, int dir_fd, size_t keep)
{
	struct sr_strv ids = { 0 };
	struct kept *all = NULL;
	int r = certstore_list(dir_fd, &ids), gone = 0;

	if (r == 0 && ids.count > keep) {
		all = calloc(ids.count, sizeof(*all));
		r = all ? 0 : -ENOMEM;
	}
	for (size_t i = 0; all && i < ids.count; i++)
		all[i].id = ids.items[i]; /* sorted by name: as bsearch wants it */
	if (all) {
		read_counters(state_fd, all, ids.count);
		qsort(all, ids.count, sizeof(*all), by_counter);
	}
	for (size_t i = 0; all && r >= 0 && i + keep < ids.count; i++) {
		r = remove_run(dir_fd, all[i].id);
		gone += r > 0;
	}
	free(all);
	strv_done(&ids);
	return r < 0 ? r : gone;
}
