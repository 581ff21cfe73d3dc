/* SPDX-License-Identifier: MIT */
/*
 * The first files of a root without a base: dpkg needs a shell, a C library and itself before it can unpack anything. What is
 * extracted here is unpacked by dpkg once more, and configured.
 *
 * A .deb is an ar(1) archive; the member data.tar.* has the files. They were signed for by the distribution, and are treated as
 * hostile all the same: nothing is followed, nothing leads out of the tree.
 */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "environment/build.h"
#include "environment/common.h"

/* Folders of "/" that are links into /usr. */
static const char *const merged[] = { "bin", "sbin", "lib", "lib32", "lib64", "libx32" };

struct inner {
	struct archive *ar;
	char block[64 << 10];
};

static la_ssize_t read_inner(struct archive *a, void *arg, const void **ret)
{
	struct inner *in = arg;
	la_ssize_t n = archive_read_data(in->ar, in->block, sizeof(in->block));

	if (n < 0)
		archive_set_error(a, EIO, "%s", archive_error_string(in->ar));
	*ret = in->block;
	return n;
}

/* As dpkg takes its patterns: the last that fits counts, and '*' stands for '/' too. */
static bool is_excluded(const char *path)
{
	bool excluded = false;

	for (size_t i = 0; i < slim_exclude_count; i++) {
		if (fnmatch(slim_excludes[i].pattern, path, 0) == 0)
			excluded = !slim_excludes[i].include;
	}
	return excluded;
}

/* Makes "./bin/x" into "usr/bin/x". False for what is not to be extracted: the root, the merged folders, what is excluded. */
static bool place_entry(struct archive_entry *e)
{
	const char *name = archive_entry_pathname(e);
	SR_AUTOFREE char *path = NULL;
	size_t len;

	if (!name)
		return false;
	name += str_has_prefix(name, "./") ? 2 : 0;
	for (size_t i = 0; i < SR_ELEMENTSOF(merged); i++) {
		len = strlen(merged[i]);
		if (strncmp(name, merged[i], len) == 0 && (!name[len] || (name[len] == '/' && !name[len + 1])))
			return false;
		if (strncmp(name, merged[i], len) == 0 && name[len] == '/')
			path = str_format("usr/%s", name);
	}
	if (!path)
		path = strdup(name);
	if (!path || !*path)
		return false;
	len = strlen(path);
	if (path[len - 1] == '/')
		path[len - 1] = '\0';
	if (is_excluded(path))
		return false;
	archive_entry_set_pathname(e, path);
	return true;
}

/* A hard link's target is a path of the archive too. */
static int place_link(struct archive_entry *e)
{
	const char *target = archive_entry_hardlink(e);
	SR_AUTOFREE char *path = NULL;

	if (!target)
		return 0;
	target += str_has_prefix(target, "./") ? 2 : 0;
	for (size_t i = 0; i < SR_ELEMENTSOF(merged) && !path; i++) {
		size_t len = strlen(merged[i]);

		if (strncmp(target, merged[i], len) == 0 && target[len] == '/')
			path = str_format("usr/%s", target);
	}
	if (!path)
		path = strdup(target);
	if (!path)
		return -ENOMEM;
	archive_entry_set_hardlink(e, path);
	return 0;
}

static int copy_entry(struct archive *from, struct archive *to, struct archive_entry *e)
{
	const void *block;
	size_t size;
	la_int64_t offset;
	int r = archive_write_header(to, e);

	while (r >= ARCHIVE_WARN && archive_entry_size(e) > 0) {
		int n = archive_read_data_block(from, &block, &size, &offset);

		if (n == ARCHIVE_EOF)
			break;
		if (n < ARCHIVE_WARN)
			return -EIO;
		if (archive_write_data_block(to, block, size, offset) < 0)
			r = ARCHIVE_FATAL;
	}
	if (r < ARCHIVE_WARN || archive_write_finish_entry(to) < ARCHIVE_WARN)
		return archive_errno(to) ? -archive_errno(to) : -EIO;
	return 0;
}

static int copy_entries(struct archive *from, struct archive *to)
{
	struct archive_entry *e;
	int n;

	while ((n = archive_read_next_header(from, &e)) >= ARCHIVE_WARN && n != ARCHIVE_EOF) {
		int r;

		if (verb_interrupted())
			return -EINTR;
		if (!place_entry(e))
			continue;
		r = place_link(e);
		if (r == 0)
			r = copy_entry(from, to, e);
		if (r < 0)
			return r;
	}
	return n == ARCHIVE_EOF ? 0 : -EBADMSG;
}

/* The files of data.tar in the ar archive that stands at it. */
static int extract_data(struct archive *ar, struct archive *to)
{
	struct inner *in = calloc(1, sizeof(*in));
	struct archive *tar = archive_read_new();
	int r = -ENOMEM;

	if (in && tar) {
		in->ar = ar;
		(void)archive_read_support_format_tar(tar);
		(void)archive_read_support_filter_all(tar);
		r = archive_read_open(tar, in, NULL, read_inner, NULL) == ARCHIVE_OK ? copy_entries(tar, to) : -EBADMSG;
	}
	(void)archive_read_free(tar);
	free(in);
	return r;
}

static int extract_deb(int debs_fd, const char *file, struct archive *to)
{
	SR_AUTOCLOSE int fd = openat(debs_fd, file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct archive *ar = archive_read_new();
	struct archive_entry *e;
	int r = fd < 0 ? -errno : -ENOMEM;

	if (fd >= 0 && ar) {
		(void)archive_read_support_format_ar(ar);
		r = archive_read_open_fd(ar, fd, 64 << 10) == ARCHIVE_OK ? -ENOENT : -EBADMSG;
		while (r == -ENOENT && archive_read_next_header(ar, &e) == ARCHIVE_OK) {
			if (str_has_prefix(archive_entry_pathname(e), "data.tar"))
				r = extract_data(ar, to);
		}
	}
	(void)archive_read_free(ar);
	return r == -ENOENT ? -EBADMSG : r;
}

/* The links of a merged /usr, and what dpkg wants to find. */
static int make_skeleton(int tree_fd)
{
	static const char *const folders[] = { "usr", "usr/bin", "usr/sbin", "usr/lib", "usr/lib64", "var", "var/lib", "var/lib/dpkg",
					       "var/lib/dpkg/info", "var/lib/dpkg/updates", "var/lib/dpkg/triggers" };
	static const char *const files[] = { "var/lib/dpkg/status", "var/lib/dpkg/available" };

	for (size_t i = 0; i < SR_ELEMENTSOF(folders); i++) {
		if (mkdirat(tree_fd, folders[i], 0755) < 0 || fchmodat(tree_fd, folders[i], 0755, 0) < 0)
			return -errno;
	}
	for (size_t i = 0; i < SR_ELEMENTSOF(merged); i++) {
		SR_AUTOFREE char *target = str_format("usr/%s", merged[i]);

		if (!target)
			return -ENOMEM;
		if (strstr(merged[i], "32"))
			continue;
		if (symlinkat(target, tree_fd, merged[i]) < 0)
			return -errno;
	}
	for (size_t i = 0; i < SR_ELEMENTSOF(files); i++) {
		SR_AUTOCLOSE int fd = openat(tree_fd, files[i], O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

		if (fd < 0 || fchmod(fd, 0644) < 0)
			return -errno;
	}
	return 0;
}

static int extract_all(struct build *b, int debs_fd, struct sr_error *err)
{
	struct archive *to = archive_write_disk_new();
	int r = to ? 0 : -ENOMEM;

	if (to)
		(void)archive_write_disk_set_options(to, ARCHIVE_EXTRACT_PERM | ARCHIVE_EXTRACT_UNLINK | ARCHIVE_EXTRACT_SECURE_NODOTDOT |
								 ARCHIVE_EXTRACT_SECURE_SYMLINKS | ARCHIVE_EXTRACT_SECURE_NOABSOLUTEPATHS);
	for (size_t i = 0; r == 0 && i < b->packages.count; i++) {
		const struct sr_package *p = &b->packages.items[i];
		SR_AUTOFREE char *file = p->kept ? package_file(p) : NULL;

		if (!p->kept)
			continue;
		r = file ? extract_deb(debs_fd, file, to) : -ENOMEM;
		build_tick(b, "%s", p->name);
		if (r < 0)
			(void)build_failed(err, -r, "extract %s", file ? SHOWN(file) : "...");
	}
	if (archive_write_free(to) != ARCHIVE_OK && r == 0)
		r = build_failed(err, EIO, "extract the essential packages");
	return r;
}

int bootstrap_extract(struct build *b, struct sr_error *err)
{
	SR_AUTOCLOSE int tree_fd = openat(b->work.fd, "layer/tree", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	SR_AUTOCLOSE int debs_fd = open(b->debs_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	SR_AUTOCLOSE int back = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int r = tree_fd < 0 || debs_fd < 0 ? -errno : make_skeleton(tree_fd);

	build_phase(b, "extracting the essential packages");
	/* libarchive writes below the folder that it is in */
	if (r == 0 && fchdir(tree_fd) < 0)
		r = -errno;
	if (r < 0)
		return build_failed(err, -r, "extract the essential packages");
	r = extract_all(b, debs_fd, err);
	if ((back < 0 || fchdir(back) < 0) && r == 0)
		r = build_failed(err, errno, "return from the layer's folder");
	if (r == -EINTR)
		return verb_give_up("extract the essential packages", err);
	if (r == 0)
		build_phase_done(b, "extracted the essential packages");
	return r;
}
