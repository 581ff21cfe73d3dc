/* SPDX-License-Identifier: MIT */
/*
 * sandrun-archive: turns the files it is sent into a tar.gz that depends on nothing but their names and bytes. Started by
 * sandrun alone (archive/protocol.h says how and what comes on standard input); it opens no file, and nothing of it runs in
 * sandrun itself.
 *
 * The format is GNU tar's: names are bytes there, so that one which is no UTF-8 stays what it is. Times are 0, owners 0,
 * modes 0644, and gzip's header has no time either.
 */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "archive/protocol.h"
#include "base/io.h"

static char buffer[128 << 10];

/* The last words: sandrun prints them behind "cannot write the archive: ". */
static int fail(const char *what, const char *why)
{
	char text[400];
	int n = snprintf(text, sizeof(text), "%s%s%s\n", what, why ? ": " : "", why ? why : "");

	(void)io_write_full(STDERR_FILENO, text, n < (int)sizeof(text) ? (size_t)n : sizeof(text) - 1);
	return 1;
}

static int fail_archive(struct archive *a)
{
	const char *text = archive_error_string(a);
	int e = archive_errno(a);

	return fail(e == ENOSPC || e == EDQUOT ? "the destination is full" : "libarchive", text ? text : strerror(e));
}

static int read_exactly(void *to, size_t len)
{
	ssize_t n = io_read_full(STDIN_FILENO, to, len);

	return n < 0 ? (int)n : (size_t)n == len ? 0 : -EPIPE;
}

/* A second fence: sandrun has matched these names below its work folder already. */
static bool is_name_safe(const char *name)
{
	if (name[0] == '/' || name[0] == '\0')
		return false;
	for (const char *p = name; p; p = strchr(p, '/')) {
		p += *p == '/';
		if (p[0] == '.' && p[1] == '.' && (p[2] == '/' || p[2] == '\0'))
			return false;
	}
	return true;
}

static int copy_bytes(struct archive *a, uint64_t left)
{
	while (left > 0) {
		size_t n = left < sizeof(buffer) ? (size_t)left : sizeof(buffer);

		if (read_exactly(buffer, n) < 0)
			return fail("the files ended too soon", NULL);
		if (archive_write_data(a, buffer, n) != (la_ssize_t)n)
			return fail_archive(a);
		left -= n;
	}
	return 0;
}

static int add_file(struct archive *a, struct archive_entry *e, const struct sr_archive_record *record)
{
	char name[PATH_MAX];

	if (record->name_len >= sizeof(name) || record->bytes > INT64_MAX)
		return fail("a record is out of range", NULL);
	if (read_exactly(name, record->name_len) < 0)
		return fail("the files ended too soon", NULL);
	name[record->name_len] = '\0';
	if (strlen(name) != record->name_len || !is_name_safe(name))
		return fail("a name leads out of the archive", NULL);
	(void)archive_entry_clear(e);
	archive_entry_set_pathname(e, name);
	archive_entry_set_filetype(e, AE_IFREG);
	archive_entry_set_perm(e, 0644);
	archive_entry_set_size(e, (la_int64_t)record->bytes);
	archive_entry_set_mtime(e, 0, 0);
	archive_entry_set_uid(e, 0);
	archive_entry_set_gid(e, 0);
	if (archive_write_header(a, e) != ARCHIVE_OK)
		return fail_archive(a);
	return copy_bytes(a, record->bytes);
}

static int add_all(struct archive *a, struct archive_entry *e)
{
	for (;;) {
		struct sr_archive_record record;
		int r;

		if (read_exactly(&record, sizeof(record)) < 0)
			return fail("the files ended too soon", NULL);
		if (record.magic != SR_ARCHIVE_MAGIC)
			return fail("this program is started by sandrun", NULL);
		if (record.name_len == 0)
			return 0;
		r = add_file(a, e, &record);
		if (r)
			return r;
	}
}

static int write_archive(struct archive *a, struct archive_entry *e)
{
	int r;

	if (archive_write_set_format_gnutar(a) != ARCHIVE_OK || archive_write_add_filter_gzip(a) != ARCHIVE_OK ||
	    archive_write_set_filter_option(a, "gzip", "timestamp", NULL) != ARCHIVE_OK ||
	    archive_write_set_bytes_in_last_block(a, 1) != ARCHIVE_OK || /* or zeros fill the file up to 10 KiB */
	    archive_write_open_fd(a, STDOUT_FILENO) != ARCHIVE_OK)
		return fail_archive(a);
	r = add_all(a, e);
	if (r)
		return r;
	if (archive_write_close(a) != ARCHIVE_OK)
		return fail_archive(a);
	return 0;
}

int main(void)
{
	const struct rlimit no_core = { .rlim_cur = 1, .rlim_max = 1 }; /* 0 would not stop a piped core handler */
	struct archive *a = archive_write_new();
	struct archive_entry *e = archive_entry_new();
	int status;

	(void)setrlimit(RLIMIT_CORE, &no_core); /* best effort: the files are the user's own */
	if (!a || !e)
		return fail("memory is out", NULL);
	status = write_archive(a, e);
	archive_entry_free(e);
	if (status) {
		(void)archive_write_fail(a); /* or freeing would finish a half archive */
		(void)archive_write_free(a);
		return status;
	}
	if (archive_write_free(a) != ARCHIVE_OK)
		return fail("libarchive failed at the end", NULL);
	return io_write_full(STDERR_FILENO, SR_ARCHIVE_DONE, strlen(SR_ARCHIVE_DONE)) < 0;
}
