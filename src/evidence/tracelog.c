/* SPDX-License-Identifier: MIT */
#include "evidence/tracelog.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/io.h"
#include "base/macros.h"
#include "base/str.h"

#define KERNEL_RENAME_NOREPLACE 1U

/* A file without a name, where it can be given one later by way of /proc. */
static int open_nameless(int dir_fd)
{
	char path[48];
	int fd = openat(dir_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd < 0)
		return -1;
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (access(path, F_OK) < 0)
		fd_close(&fd);
	return fd;
}

static void temporary_name(struct sr_tracelog *t)
{
	uint64_t random = 0;

	(void)getrandom(&random, sizeof(random), 0); /* a name that is taken is refused where it is used */
	(void)snprintf(t->temporary, sizeof(t->temporary), ".%016llx.trace.tmp", (unsigned long long)random);
}

int tracelog_open(struct sr_tracelog *t, int dir_fd)
{
	struct sr_tracelog log = { .fd = open_nameless(dir_fd), .dir_fd = dir_fd, .lines_max = SR_TRACELOG_LINES_MAX,
				   .bytes_max = SR_TRACELOG_BYTES_MAX };

	for (int i = 0; i < 8 && log.fd < 0; i++) {
		temporary_name(&log);
		log.fd = openat(dir_fd, log.temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (log.fd < 0 && errno != EEXIST)
			return -errno;
	}
	if (log.fd < 0)
		return -EEXIST;
	log.line = malloc(SR_TRACELOG_LINE_MAX);
	log.out = malloc(SR_TRACELOG_LINE_MAX);
	*t = log;
	if (!log.line || !log.out) {
		tracelog_done(t);
		return -ENOMEM;
	}
	merkle_text_init(&t->text);
	t->written = t->text;
	return 0;
}

/* --- a line ------------------------------------------------------------------------------------------------------------------ */

static void put(struct sr_tracelog *t, const char *s, size_t len)
{
	if (t->line_over || len > SR_TRACELOG_LINE_MAX - t->line_len) {
		t->line_over = true;
		return;
	}
	memcpy(t->line + t->line_len, s, len);
	t->line_len += len;
}

static void put_text(struct sr_tracelog *t, const char *s)
{
	put(t, s, strlen(s));
}

static void put_name(struct sr_tracelog *t, const char *name, const char *suffix)
{
	if (t->line_len > 1)
		put(t, ",", 1);
	put(t, "\"", 1);
	put_text(t, name);
	put_text(t, suffix);
	put(t, "\":", 2);
}

/* How many bytes at s are one character of UTF-8; 0: none. */
static size_t character(const char *s, size_t len)
{
	for (size_t n = 1; n <= 4 && n <= len; n++) {
		if (str_is_utf8(s, n))
			return n;
	}
	return 0;
}

static void put_quoted(struct sr_tracelog *t, const char *s, size_t len)
{
	static const char digits[] = "0123456789abcdef";

	put(t, "\"", 1);
	for (size_t at = 0; at < len;) {
		const unsigned char c = (unsigned char)s[at];
		const char control[] = { '\\', 'u', '0', '0', digits[c >> 4], digits[c & 15] };
		const char escaped[] = { '\\', s[at] };
		size_t n = c < 0x80 ? 1 : character(s + at, len - at);

		if (n == 0)
			put(t, "\xef\xbf\xbd", 3); /* U+FFFD */
		else if (c < 0x20 || c == 0x7f)
			put(t, control, sizeof(control));
		else if (c == '"' || c == '\\')
			put(t, escaped, sizeof(escaped));
		else
			put(t, s + at, n);
		at += n ? n : 1;
	}
	put(t, "\"", 1);
}

void tracelog_begin(struct sr_tracelog *t)
{
	t->line_len = 0;
	t->line_over = false;
	put(t, "{", 1);
}

void tracelog_number(struct sr_tracelog *t, const char *name, int64_t value)
{
	char text[24];

	put_name(t, name, "");
	put(t, text, (size_t)snprintf(text, sizeof(text), "%lld", (long long)value));
}

void tracelog_boolean(struct sr_tracelog *t, const char *name, bool value)
{
	put_name(t, name, "");
	put_text(t, value ? "true" : "false");
}

static void put_hex(struct sr_tracelog *t, const char *name, const char *value, size_t len)
{
	if (str_is_utf8(value, len))
		return;
	put_name(t, name, "Hex");
	put(t, "\"", 1);
	for (size_t i = 0; i < len; i++) {
		char hex[3];

		str_hex(value + i, 1, hex);
		put(t, hex, 2);
	}
	put(t, "\"", 1);
}

void tracelog_bytes(struct sr_tracelog *t, const char *name, const char *value, size_t len)
{
	put_name(t, name, "");
	put_quoted(t, value, len);
	put_hex(t, name, value, len);
}

void tracelog_text(struct sr_tracelog *t, const char *name, const char *value)
{
	tracelog_bytes(t, name, value, strlen(value));
}

void tracelog_null(struct sr_tracelog *t, const char *name)
{
	put_name(t, name, "");
	put_text(t, "null");
}

void tracelog_decimal(struct sr_tracelog *t, const char *name, uint64_t value)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	tracelog_text(t, name, text);
}

void tracelog_words(struct sr_tracelog *t, const char *name, const char *const *words)
{
	put_name(t, name, "");
	put(t, "[", 1);
	for (size_t i = 0; words[i]; i++) {
		if (i)
			put(t, ",", 1);
		put_quoted(t, words[i], strlen(words[i]));
	}
	put(t, "]", 1);
}

void tracelog_texts(struct sr_tracelog *t, const char *name, const char *texts, size_t len)
{
	put_name(t, name, "");
	put(t, "[", 1);
	for (size_t at = 0; at < len;) {
		size_t n = strnlen(texts + at, len - at);

		if (at)
			put(t, ",", 1);
		put_quoted(t, texts + at, n);
		at += n + 1;
	}
	put(t, "]", 1);
	put_hex(t, name, texts, len);
}

/* A log that cannot be written on is cut back to what is whole in it, so that its root is that of the file. */
static void flush(struct sr_tracelog *t)
{
	int r = io_write_full(t->fd, t->out, t->out_len);

	t->out_len = 0;
	if (r < 0) {
		t->error = -r;
		if (ftruncate(t->fd, (off_t)t->bytes_written) < 0)
			t->error = errno; /* what is too much then shows in the digest */
		t->dropped += t->text.tree.size - t->written.tree.size;
		t->text = t->written;
		t->bytes = t->bytes_written;
	} else {
		t->written = t->text;
		t->bytes_written = t->bytes;
	}
}

void tracelog_end(struct sr_tracelog *t, bool last)
{
	put(t, "}\n", 2);
	if (t->line_len > SR_TRACELOG_LINE_MAX - t->out_len)
		flush(t);
	if (t->line_over || t->error ||
	    (!last && (t->text.tree.size >= t->lines_max || t->bytes + t->line_len > t->bytes_max))) {
		t->dropped++;
		return;
	}
	merkle_text_feed(&t->text, t->line, t->line_len);
	t->bytes += t->line_len;
	memcpy(t->out + t->out_len, t->line, t->line_len);
	t->out_len += t->line_len;
}

void tracelog_drop(struct sr_tracelog *t)
{
	t->dropped++;
}

/* --- its end ----------------------------------------------------------------------------------------------------------------- */

void tracelog_finish(struct sr_tracelog *t, struct sr_tracelog_result *ret)
{
	uint8_t root[SR_DIGEST_BYTES], sha256[SR_DIGEST_BYTES];

	if (!t->error)
		flush(t);
	*ret = (struct sr_tracelog_result){ .lines = t->text.tree.size, .bytes = t->bytes, .dropped = t->dropped,
					    .complete = t->dropped == 0 && t->error == 0, .error = t->error };
	(void)merkle_text_finish(&t->text, root, sha256);
	str_hex(root, sizeof(root), ret->root);
	str_hex(sha256, sizeof(sha256), ret->sha256);
}

static int keep(struct sr_tracelog *t, const char *name, bool replace)
{
	char path[48];

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", t->fd);
	if (!*t->temporary && !replace)
		return linkat(AT_FDCWD, path, t->dir_fd, name, AT_SYMLINK_FOLLOW) < 0 ? -errno : 0;
	if (!*t->temporary) { /* a link cannot replace: by way of another name */
		temporary_name(t);
		if (linkat(AT_FDCWD, path, t->dir_fd, t->temporary, AT_SYMLINK_FOLLOW) < 0)
			return -errno;
	}
	if (syscall(SYS_renameat2, t->dir_fd, t->temporary, t->dir_fd, name, replace ? 0U : KERNEL_RENAME_NOREPLACE) < 0)
		return -errno;
	*t->temporary = '\0';
	return 0;
}

int tracelog_keep(struct sr_tracelog *t, const char *name, bool replace, bool sync)
{
	int r;

	if (sync && fsync(t->fd) < 0)
		return -errno;
	r = keep(t, name, replace);
	return r == 0 && sync && fsync(t->dir_fd) < 0 ? -errno : r;
}

void tracelog_done(struct sr_tracelog *t)
{
	if (t->fd >= 0 && *t->temporary)
		(void)unlinkat(t->dir_fd, t->temporary, 0); /* nothing to do about it if it stays */
	fd_close(&t->fd);
	free(t->line);
	free(t->out);
	t->line = t->out = NULL;
}

static json_t *words_json(const char *const *words)
{
	json_t *a = json_array();

	for (size_t i = 0; a && words[i]; i++) {
		if (json_array_append_new(a, json_string(words[i])) < 0) {
			json_decref(a);
			return NULL;
		}
	}
	return a;
}

json_t *tracelog_statement(const struct sr_tracelog_result *r, const char *const *coverage, const char *const *mechanisms,
			   const char *const *races)
{
	return json_pack("{s:{s:s}, s:s, s:s, s:s, s:I, s:I, s:b, s:o, s:o, s:o}", "digest", "sha256", r->sha256, "mediaType",
			 SR_TRACELOG_MEDIA_TYPE, "rootHash", r->root, "tree", SR_TRACELOG_TREE, "treeSize", (json_int_t)r->lines,
			 "dropped", (json_int_t)r->dropped, "complete", r->complete, "coverage", words_json(coverage),
			 "mechanisms", words_json(mechanisms), "races", words_json(races));
}
