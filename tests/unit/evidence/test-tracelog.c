/* SPDX-License-Identifier: MIT */
/* The log of --trace: JSON for any bytes, its bounds, its root and digest, and what is left of one that cannot be written on. */
#include "evidence/tracelog.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../tap.h"
#include "base/io.h"
#include "base/str.h"

static char folder[] = "/tmp/test-tracelog.XXXXXX";
static int dir_fd;

static void one_line(struct sr_tracelog *t, const char *bytes, size_t len)
{
	tracelog_begin(t);
	tracelog_number(t, "seq", (int64_t)t->text.tree.size);
	tracelog_bytes(t, "path", bytes, len);
	tracelog_end(t, false);
}

/* The kept file's text; the caller frees. */
static char *read_kept(const char *name, size_t *len)
{
	int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC);
	char *text = NULL;

	if (fd < 0 || io_read_all(fd, 64U << 20, &text, len) < 0)
		text = NULL;
	(void)close(fd);
	return text;
}

/* Root and digest are those of the file's text. */
static bool is_true(const char *text, size_t len, const struct sr_tracelog_result *r)
{
	uint8_t root[SR_DIGEST_BYTES], sha256[SR_DIGEST_BYTES];
	char hex[SR_DIGEST_HEX];
	struct sr_merkle_text t;

	merkle_text_init(&t);
	merkle_text_feed(&t, text, len);
	if (merkle_text_finish(&t, root, sha256) < 0 || t.tree.size != r->lines || len != r->bytes)
		return false;
	str_hex(root, sizeof(root), hex);
	if (strcmp(hex, r->root) != 0)
		return false;
	str_hex(sha256, sizeof(sha256), hex);
	return strcmp(hex, r->sha256) == 0;
}

static size_t files(void)
{
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fdopendir(fd);
	size_t n = 0;

	while (readdir(d))
		n++;
	(void)closedir(d);
	return n - 2;
}

static void test_bytes(void)
{
	static const char all[] = "plain \" \\ \n\t\x01\x7f \xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80";
	static const char bad[] = "/a\xff\xc3(\xed\xa0\x80z";
	struct sr_tracelog t = SR_TRACELOG_INIT;
	struct sr_tracelog_result r;
	SR_AUTOFREE char *text = NULL;
	size_t len = 0;
	json_t *o;

	OK(tracelog_open(&t, dir_fd) == 0, "a log is opened");
	one_line(&t, all, sizeof(all) - 1);
	one_line(&t, bad, sizeof(bad) - 1);
	tracelog_begin(&t);
	tracelog_texts(&t, "argv", "a\0\0b c", 7);
	tracelog_end(&t, false);
	tracelog_finish(&t, &r);
	OK(r.complete && r.dropped == 0 && r.lines == 3, "three lines, complete");
	IS_INT(tracelog_keep(&t, "bytes", false, true), 0, "it is kept under a name");
	text = read_kept("bytes", &len);
	OK(text && is_true(text, len, &r), "digest, root and size are those of the file");
	o = json_loads(text, JSON_DISABLE_EOF_CHECK, NULL);
	IS_STR(json_string_value(json_object_get(o, "path")), all, "text comes back as it was");
	OK(!json_object_get(o, "pathHex"), "without a second form");
	json_decref(o);
	o = json_loads(strchr(text, '\n') + 1, JSON_DISABLE_EOF_CHECK, NULL);
	IS_STR(json_string_value(json_object_get(o, "path")),
	       "/a\xef\xbf\xbd\xef\xbf\xbd(\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz", "what is no UTF-8 is shown as such");
	IS_STR(json_string_value(json_object_get(o, "pathHex")), "2f61ffc328eda0807a", "and stands exactly beside it");
	json_decref(o);
	OK(strstr(text, "\"argv\":[\"a\",\"\",\"b c\"]"), "words with an empty one among them");
	tracelog_done(&t);
}

static void test_bounds(void)
{
	struct sr_tracelog t = SR_TRACELOG_INIT;
	struct sr_tracelog_result r;
	SR_AUTOFREE char *text = NULL, *wide = malloc(SR_TRACELOG_LINE_MAX);
	size_t len = 0;

	OK(wide && tracelog_open(&t, dir_fd) == 0, "another log");
	t.lines_max = 10;
	for (int i = 0; i < 25; i++)
		one_line(&t, "x", 1);
	tracelog_begin(&t);
	tracelog_text(&t, "event", "end");
	tracelog_end(&t, true);
	tracelog_finish(&t, &r);
	OK(r.lines == 11 && r.dropped == 15 && !r.complete, "past the bound events are counted, and the last line is still written");
	IS_INT(tracelog_keep(&t, "bytes", false, false), -EEXIST, "a name that is taken stays");
	IS_INT(tracelog_keep(&t, "bytes", true, false), 0, "but for one that is to be replaced");
	text = read_kept("bytes", &len);
	OK(text && is_true(text, len, &r), "and its root is right");
	tracelog_done(&t);

	OK(tracelog_open(&t, dir_fd) == 0, "another log");
	t.bytes_max = 1000;
	memset(wide, 'w', SR_TRACELOG_LINE_MAX);
	one_line(&t, wide, 900);
	one_line(&t, wide, 900);
	one_line(&t, "x", 1);
	one_line(&t, wide, SR_TRACELOG_LINE_MAX);
	tracelog_finish(&t, &r);
	OK(r.lines == 2 && r.dropped == 2, "bytes are bounded, and so is a line");
	tracelog_done(&t);
	IS_INT(files(), 1, "a log that is not kept leaves nothing");
}

static void test_full(void)
{
	struct rlimit limit = { .rlim_cur = 700U << 10, .rlim_max = RLIM_INFINITY };
	struct sr_tracelog t = SR_TRACELOG_INIT;
	struct sr_tracelog_result r;
	SR_AUTOFREE char *text = NULL;
	char line[1000];
	size_t len = 0;

	memset(line, 'y', sizeof(line));
	(void)signal(SIGXFSZ, SIG_IGN);
	(void)getrlimit(RLIMIT_FSIZE, &limit);
	limit.rlim_cur = 700U << 10;
	OK(tracelog_open(&t, dir_fd) == 0 && setrlimit(RLIMIT_FSIZE, &limit) == 0, "a log, and little room");
	for (int i = 0; i < 1500; i++)
		one_line(&t, line, sizeof(line));
	tracelog_finish(&t, &r);
	OK(!r.complete && r.error == EFBIG && r.lines > 100 && r.lines + r.dropped == 1500, "what could not be written is counted");
	OK(tracelog_keep(&t, "full", false, false) == 0 && (text = read_kept("full", &len)) && is_true(text, len, &r),
	   "and what is in the file is whole, with its root");
	tracelog_done(&t);
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_FSIZE, &limit);
}

static void test_statement(void)
{
	static const char *const words[] = { "exec", NULL }, *const none[] = { NULL };
	struct sr_tracelog_result r = { .sha256 = "aa", .root = "bb", .lines = 3, .dropped = 1 };
	json_t *o = tracelog_statement(&r, words, words, none);
	char *text = json_dumps(o, JSON_COMPACT | JSON_SORT_KEYS);

	IS_STR(text, "{\"complete\":false,\"coverage\":[\"exec\"],\"digest\":{\"sha256\":\"aa\"},\"dropped\":1,\"mechanisms\":[\"exec\"],"
		     "\"mediaType\":\"application/vnd.sandrun.trace.v1+jsonl\",\"races\":[],\"rootHash\":\"bb\","
		     "\"tree\":\"rfc6962-sha256\",\"treeSize\":3}", "the certificate's part");
	free(text);
	json_decref(o);
}

int main(void)
{
	if (!mkdtemp(folder))
		return 1;
	dir_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	test_bytes();
	test_bounds();
	test_full();
	test_statement();
	(void)unlinkat(dir_fd, "bytes", 0);
	(void)unlinkat(dir_fd, "full", 0);
	(void)close(dir_fd);
	(void)rmdir(folder);
	return tap_done();
}
