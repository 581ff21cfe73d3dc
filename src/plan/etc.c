/* SPDX-License-Identifier: MIT */
#include "plan/etc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/io.h"
#include "base/str.h"
#include "plan/plan.h"

/* Counts up when the lists below change: it is part of the mask's name. */
#define MASK_VERSION 1
#define STALE_SECONDS 3600 /* a mask of another time may still be in the hands of a run that just starts */

const struct etc_file etc_files[] = {
	{ "passwd", "root:x:0:0:root:/root:/usr/sbin/nologin\n"
		    SR_INNER_USER ":x:1000:1000:" SR_INNER_USER ":" SR_WORK ":/bin/sh\n"
		    "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n" },
	{ "group", "root:x:0:\n" SR_INNER_USER ":x:1000:\nnogroup:x:65534:\n" },
	{ "hosts", "127.0.0.1 localhost " SR_HOSTNAME "\n::1 localhost ip6-localhost ip6-loopback\n" },
	{ "nsswitch.conf", "passwd: files\ngroup: files\nhosts: files\nservices: files\nprotocols: files\n" },
	{ "hostname", SR_HOSTNAME "\n" },
	{ "resolv.conf", "" },
	{ NULL, NULL },
};

/* No machine-id, no accounts, no ssh, no cron, no package sources: only what /usr's programs link to or read. */
const char *const etc_pieces[] = {
	"alternatives",    "ld.so.cache",     "localtime",       "timezone",   "locale.alias",   "locale.conf", "services",
	"protocols",       "mime.types",      "ssl",             "pki",        "ca-certificates", "terminfo",   "fonts",
	"R",               "php",             "perl",            "python3",    "python3.11",     "python3.12",  "python3.13",
	"java",            "java-11-openjdk", "java-17-openjdk", "java-21-openjdk", "os-release", "debian_version", "magic",
	"magic.mime",      "papersize",       "lua*",            "python3*",   "java-*",         "ImageMagick-*", "crypto-policies",
};
const unsigned etc_piece_count = SR_ELEMENTSOF(etc_pieces);

static bool shown(const char *name)
{
	for (size_t i = 0; i < SR_ELEMENTSOF(etc_pieces); i++) {
		size_t n = strlen(etc_pieces[i]);

		if (etc_pieces[i][n - 1] == '*' ? strncmp(name, etc_pieces[i], n - 1) == 0 : strcmp(name, etc_pieces[i]) == 0)
			return true;
	}
	return false;
}

static bool synthetic(const char *name)
{
	for (const struct etc_file *f = etc_files; f->name; f++) {
		if (strcmp(name, f->name) == 0)
			return true;
	}
	return false;
}

int etc_names(struct sr_strv *ret)
{
	DIR *etc = opendir("/etc");
	struct dirent *d;
	int r = 0;

	if (!etc)
		return -errno;
	while (!r && (d = readdir(etc))) {
		if (shown(d->d_name) && !synthetic(d->d_name))
			r = strv_add(ret, d->d_name);
	}
	(void)closedir(etc);
	return r;
}

static int write_files(int dir_fd)
{
	for (const struct etc_file *f = etc_files; f->name; f++) {
		SR_AUTOCLOSE int fd = openat(dir_fd, f->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
		int r = fd < 0 ? -errno : io_write_full(fd, f->text, strlen(f->text));

		if (r == 0 && fchmod(fd, 0444) < 0)
			r = -errno;
		if (r < 0)
			return r;
	}
	return 0;
}

/* A character device 0:0 is overlayfs' whiteout; anyone may make one (Linux 5.8). */
static int write_whiteouts(int dir_fd)
{
	DIR *etc = opendir("/etc");
	struct dirent *d;
	int r = 0;

	if (!etc)
		return -errno;
	while (!r && (d = readdir(etc))) {
		if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0 || shown(d->d_name) || synthetic(d->d_name))
			continue;
		if (mknodat(dir_fd, d->d_name, S_IFCHR, makedev(0, 0)) < 0)
			r = -errno;
	}
	(void)closedir(etc);
	return r;
}

/* Removes a mask: one level of files. */
static void remove_mask(int base_fd, const char *name)
{
	int fd = openat(base_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	char gone[NAME_MAX + 2];
	struct dirent *d;

	if (!dir) {
		fd_close(&fd);
		return;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) { /* under a run's /etc: without its whiteouts that run would see all of it */
		(void)closedir(dir);
		return;
	}
	/* out of the name that counts first: killed half-way, this leaves nothing that could be taken for a mask */
	(void)snprintf(gone, sizeof(gone), ".%s", name);
	if (name[0] != '.' && renameat(base_fd, name, base_fd, gone) == 0)
		name = gone;
	if (name[0] == '.') {
		while ((d = readdir(dir))) {
			if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0)
				(void)unlinkat(fd, d->d_name, 0);
		}
		(void)unlinkat(base_fd, name, AT_REMOVEDIR);
	}
	(void)closedir(dir);
}

static void remove_stale(int base_fd, const char *keep)
{
	int fd = openat(base_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	time_t now = time(NULL);
	struct dirent *d;
	struct stat st;

	if (!dir) {
		fd_close(&fd);
		return;
	}
	while ((d = readdir(dir))) {
		if ((!str_has_prefix(d->d_name, "etc-") && !str_has_prefix(d->d_name, ".etc-")) || strcmp(d->d_name, keep) == 0)
			continue;
		/* an unfinished one whose maker lives is locked; one whose maker was killed goes at once */
		if (d->d_name[0] == '.' ||
		    (fstatat(fd, d->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_ctime + STALE_SECONDS < now))
			remove_mask(base_fd, d->d_name);
	}
	(void)closedir(dir);
}

static int make_mask(const char *base, const char *name, mode_t base_mode, const struct sr_stamp *stamp)
{
	const struct timespec times[2] = { { .tv_sec = stamp->mtime_s, .tv_nsec = stamp->mtime_ns },
					   { .tv_sec = stamp->mtime_s, .tv_nsec = stamp->mtime_ns } };
	SR_AUTOCLOSE int base_fd = -1, fd = -1;
	char temp[64];
	uint64_t random;
	int r;

	if (mkdir(base, base_mode) < 0 && errno != EEXIST)
		return -errno;
	base_fd = open(base, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (base_fd < 0 || getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return -errno;
	remove_mask(base_fd, name); /* one of that name was found wanting; in a run's hands it stays */
	(void)snprintf(temp, sizeof(temp), ".etc-%016llx", (unsigned long long)random);
	if (mkdirat(base_fd, temp, 0755) < 0)
		return -errno;
	fd = openat(base_fd, temp, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	r = fd < 0 || flock(fd, LOCK_EX) < 0 || fchmod(fd, 0755) < 0 ? -errno : 0; /* 0755 whatever the umask */
	if (!r)
		r = write_files(fd);
	if (!r)
		r = write_whiteouts(fd);
	if (!r && (flock(fd, LOCK_SH) < 0 || futimens(fd, times) < 0 || renameat(base_fd, temp, base_fd, name) < 0))
		r = errno == EEXIST || errno == ENOTEMPTY ? 1 : -errno; /* another run was first: the same content */
	fd_close(&fd);
	if (r)
		remove_mask(base_fd, temp);
	remove_stale(base_fd, name);
	return r < 0 ? r : 0;
}

/* The user's own cache folder; root's is where the borrowed id can reach it. */
static int base_folder(bool borrowed, char *out, size_t size)
{
	const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	int n;

	if (borrowed)
		n = snprintf(out, size, "/run/sandrun");
	else if (cache && cache[0] == '/')
		n = snprintf(out, size, "%s/sandrun", cache);
	else if (home && home[0] == '/')
		n = snprintf(out, size, "%s/.cache/sandrun", home);
	else
		return -ENOENT;
	return n < 0 || (size_t)n >= size ? -ENAMETOOLONG : 0;
}

/* A folder that somebody else could have filled, or put in its place, is no mask. */
static bool usable(const char *base, const char *path, struct etc_mask *m)
{
	SR_AUTOCLOSE int fd = -1;
	struct stat st;

	if (lstat(base, &st) < 0 || !S_ISDIR(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 022))
		return false;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	/* the lock is the claim: remove_mask() takes no folder that a run holds; one that is gone already has no link left */
	if (fd < 0 || flock(fd, LOCK_SH | LOCK_NB) < 0 || fstat(fd, &st) < 0 || st.st_nlink == 0 ||
	    st.st_uid != geteuid() || (st.st_mode & 022))
		return false;
	/* make_mask() gave it /etc's own time: a name taken out of it since (a cleaner of caches) has changed that */
	if (st.st_mtim.tv_sec != m->stamp.mtime_s || (st.st_mtim.tv_nsec && st.st_mtim.tv_nsec != m->stamp.mtime_ns))
		return false; /* a filesystem may keep whole seconds only */
	m->dev = st.st_dev;
	m->ino = st.st_ino;
	m->fd = SR_TAKE_FD(fd);
	return true;
}

static int make_parents(const char *base)
{
	char parent[512];
	char *slash;

	(void)snprintf(parent, sizeof(parent), "%s", base);
	slash = strrchr(parent, '/');
	if (!slash || slash == parent)
		return 0;
	*slash = '\0';
	return mkdir(parent, 0700) < 0 && errno != EEXIST ? -errno : 0; /* ~/.cache itself; not further up */
}

static int stamp(struct sr_stamp *ret, struct stat *st)
{
	if (stat("/etc", st) < 0)
		return -errno;
	*ret = (struct sr_stamp){ st->st_mtim.tv_sec, st->st_mtim.tv_nsec, st->st_ctim.tv_sec, st->st_ctim.tv_nsec };
	return 0;
}

/*
 * Changed a moment ago, or in the future: another change within the same tick of the kernel's clock would leave the same
 * times (before Linux 6.13 a tick is up to 10 ms), so they prove nothing about the names.
 */
static bool is_fresh(const struct sr_stamp *s)
{
	int64_t seconds = s->mtime_s > s->ctime_s ? s->mtime_s : s->ctime_s;
	struct timespec now;

	return clock_gettime(CLOCK_REALTIME, &now) < 0 || now.tv_sec <= seconds + 1;
}

bool etc_mask(bool borrowed, bool make, struct etc_mask *ret)
{
	struct etc_mask m = { .path = "" };
	char base[400], name[100];
	struct sr_stamp after;
	struct stat st;

	if (base_folder(borrowed, base, sizeof(base)) < 0 || stamp(&m.stamp, &st) < 0 || is_fresh(&m.stamp))
		return false;
	(void)snprintf(name, sizeof(name), "etc-%d-%llx-%llx-%llx.%llx-%llx.%llx", MASK_VERSION, (unsigned long long)st.st_dev,
		       (unsigned long long)st.st_ino, (unsigned long long)m.stamp.mtime_s, (unsigned long long)m.stamp.mtime_ns,
		       (unsigned long long)m.stamp.ctime_s, (unsigned long long)m.stamp.ctime_ns);
	(void)snprintf(m.path, sizeof(m.path), "%s/%s", base, name);
	if (!usable(base, m.path, &m)) {
		if (!make || make_parents(base) < 0 || make_mask(base, name, borrowed ? 0755 : 0700, &m.stamp) < 0 ||
		    !usable(base, m.path, &m))
			return false;
		/* a name may have come while the list was read */
		if (stamp(&after, &st) < 0 || memcmp(&after, &m.stamp, sizeof(after)) != 0) {
			fd_close(&m.fd);
			return false;
		}
	}
	*ret = m;
	return true;
}
