/* SPDX-License-Identifier: MIT */
#include "run/collect.h"

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

#include "run/archive.h"
#include "run/deliver.h"
#include "run/filecopy.h"
#include "tap.h"
#include "tree.h"

static struct sr_policy policy;
static struct sr_collected got;
static struct sr_error err;

/* A fresh temporary folder with "work" (what a payload left) and "host" (the working folder of the caller). */
static void fresh(void)
{
	tree_clear();
	tree_folder("work");
	tree_folder("host");
	policy_done(&policy);
	policy_init(&policy);
	collected_done(&got);
	memset(&got, 0, sizeof(got));
	err = (struct sr_error)SR_ERROR_INIT;
	policy.output_dir = strdup("host");
}

static void pattern(const char *text)
{
	tree_must(strv_add(&policy.outputs, text) == 0, "memory");
}

static void destination(const char *path)
{
	free(policy.output_dir);
	policy.output_dir = strdup(path);
}

static int open_only(void)
{
	int fd = -1, r = collect_open(&policy, &fd, &err);

	if (fd >= 0)
		(void)close(fd);
	return r;
}

static int bring_out(void)
{
	int fd = -1, work, r = collect_open(&policy, &fd, &err);

	collected_done(&got);
	if (r < 0)
		return r;
	work = tree_open("work");
	r = collect_copy(&policy, NULL, work, fd, &got, &err);
	(void)close(work);
	(void)close(fd);
	return r;
}

static bool is_warned(const char *text)
{
	for (size_t i = 0; i < got.warnings.count; i++) {
		if (strstr(got.warnings.items[i], text))
			return true;
	}
	return false;
}

static void is_refused(int r, enum sr_error_code code, const char *text, const char *name)
{
	bool good = r < 0 && err.code == code && strstr(err.text, text) && err.status == 125;

	OK(good, name);
	if (!good)
		tap_note("got %d, %s: %s", r, sr_error_code_name(err.code), err.text);
}

/* Names directly in a folder, temporary ones included. */
static int count_names(const char *path)
{
	char command[200];
	FILE *f;
	int n = -1;

	(void)snprintf(command, sizeof(command), "find %s -mindepth 1 | wc -l", path);
	f = popen(command, "r");
	if (!f || fscanf(f, "%d", &n) != 1)
		n = -1;
	if (f)
		(void)pclose(f);
	return n;
}

/* ---- what comes out ------------------------------------------------------------------------------------------------ */

static void test_plain(void)
{
	char want[SR_DIGEST_HEX];

	fresh();
	tree_folder("work/out");
	tree_folder("work/out/deep");
	tree_bytes("work/out/a.png", "png", 3, 0755);
	tree_bytes("work/out/deep/b.png", "deep", 4, 06755);
	tree_file("work/out/c.txt", "no");
	tree_file("work/result", "");
	pattern("out/**/*.png");
	pattern("result");
	IS_INT(bring_out(), 0, "outputs come out");
	IS_STR(err.text, "", "without an error");
	IS_INT(got.warnings.count, 0, "without a warning");
	IS_STR(tree_text("host/out/a.png"), "png", "a file has its bytes");
	IS_INT(tree_mode("host/out/a.png"), 0644, "and no execute bit");
	IS_STR(tree_text("host/out/deep/b.png"), "deep", "folders are made");
	IS_INT(tree_mode("host/out/deep/b.png"), 0644, "no set-id bits");
	OK(!tree_has("host/out/c.txt"), "what no pattern matches stays behind");
	IS_STR(tree_text("host/result"), "", "an empty file comes out too");
	IS_INT(got.count, 3, "three are on record");
	IS_STR(got.items[0].name, "out/a.png", "sorted");
	digest_hex("png", 3, want);
	IS_STR(got.items[0].hex, want, "with digests");
	IS_INT(got.bytes, 7, "and bytes");
	(void)umask(077);
	fresh();
	tree_file("work/a", "a");
	pattern("a");
	OK(bring_out() == 0 && tree_mode("host/a") == 0600, "the caller's umask holds");
	(void)umask(022);
}

static void test_folder_pattern(void)
{
	fresh();
	tree_folder("work/out");
	tree_folder("work/out/.git");
	tree_folder("work/out/.git/hooks");
	tree_file("work/out/.git/hooks/post-checkout", "evil");
	tree_file("work/out/.bashrc", "evil");
	tree_file("work/out/a", "a");
	tree_file("work/.profile", "evil");
	pattern("out/");
	pattern("**");
	IS_INT(bring_out(), 0, "a folder's name takes what is beneath it");
	OK(tree_has("host/out/a") && got.count == 1, "but no names with a dot");
	IS_INT(count_names("host"), 2, "nothing else is there");
	fresh();
	tree_folder("work/.cache");
	tree_file("work/.cache/x", "x");
	pattern(".cache");
	OK(bring_out() == 0 && tree_has("host/.cache/x"), "unless the pattern has the dot");
}

static void test_odd_names(void)
{
	char longest[NAME_MAX + 1], path[600];

	fresh();
	memset(longest, 'n', NAME_MAX);
	longest[NAME_MAX] = '\0';
	(void)snprintf(path, sizeof(path), "work/%s", longest);
	tree_file(path, "long");
	tree_file("work/a\nb\x1b[31m", "odd");
	tree_file("work/\xff\xfe", "bytes");
	tree_file("work/-rf", "dash");
	tree_file("work/..data", "dots");
	pattern("*");
	pattern("..data");
	IS_INT(bring_out(), 0, "odd names come out");
	IS_STR(tree_text("host/a\nb\x1b[31m"), "odd", "byte for byte");
	IS_STR(tree_text("host/\xff\xfe"), "bytes", "also those that are no UTF-8");
	IS_STR(tree_text("host/-rf"), "dash", "also with a dash");
	IS_STR(tree_text("host/..data"), "dots", "also with two dots in front");
	(void)snprintf(path, sizeof(path), "host/%s", longest);
	IS_STR(tree_text(path), "long", "also 255 bytes long");
	fresh();
	tree_link("x", "work/a\nb\x1b[31m");
	pattern("*");
	OK(bring_out() == 0 && is_warned("output 'a\\x0ab\\x1b[31m' is not copied: it is a symbolic link"),
	   "in messages they are escaped");
}

static void test_other_kinds(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "work/socket" };
	int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	fresh();
	tree_file("canary", "canary");
	tree_folder("outside");
	tree_file("outside/x", "canary");
	tree_link("../canary", "work/link");
	tree_link("/etc/passwd", "work/absolute");
	tree_link("../outside", "work/folder-link");
	tree_must(mkfifo("work/fifo", 0666) == 0, "fifo");
	tree_must(s >= 0 && bind(s, (struct sockaddr *)&address, sizeof(address)) == 0, "socket");
	tree_file("work/plain", "plain");
	tree_must(link("work/plain", "work/hard") == 0, "link");
	if (geteuid() == 0)
		(void)mknod("work/device", S_IFCHR | 0666, makedev(1, 5));
	pattern("*");
	pattern("folder-link/*");
	IS_INT(bring_out(), 0, "a tree of other kinds neither hangs nor fails");
	IS_STR(tree_text("host/plain"), "plain", "the plain file comes out");
	IS_STR(tree_text("host/hard"), "plain", "a hard link by value");
	IS_INT(count_names("host"), 2, "nothing else does");
	OK(is_warned("'link' is not copied: it is a symbolic link"), "a link is named");
	OK(is_warned("'absolute' is not copied"), "an absolute one too");
	OK(is_warned("'fifo' is not copied: it is a FIFO"), "a FIFO");
	OK(is_warned("'socket' is not copied: it is a socket"), "a socket");
	if (geteuid() == 0)
		OK(is_warned("'device' is not copied: it is a device"), "a device");
	OK(is_warned("'folder-link' is not copied"), "a link on the way of a pattern too");
	OK(is_warned("output pattern 'folder-link/*' matched nothing"), "and its pattern matched nothing");
	(void)close(s);
}

static void test_no_match(void)
{
	fresh();
	tree_file("work/a", "a");
	pattern("a");
	pattern("*.\x1b");
	IS_INT(bring_out(), 0, "a pattern without a match is no error");
	OK(is_warned("output pattern '*.\\x1b' matched nothing"), "but a warning");
	OK(tree_has("host/a"), "the others come out");
	fresh();
	tree_file("work/a", "a");
	pattern("a");
	pattern("b");
	policy.strict = true;
	is_refused(bring_out(), SR_E_OUTPUT_NO_MATCH, "cannot bring 'b' out: the pattern matched nothing", "with --strict it is an error");
	IS_INT(count_names("host"), 0, "and nothing is copied");
	fresh();
	destination("host/new");
	pattern("b");
	OK(bring_out() == 0 && !tree_has("host/new"), "no folder is made for nothing");
}

static void test_unreadable(void)
{
	fresh();
	tree_folder("work/shut");
	tree_file("work/shut/a", "a");
	tree_folder("work/blind");
	tree_bytes("work/blind/b", "b", 1, 0000);
	tree_must(chmod("work/shut", 0000) == 0 && chmod("work/blind", 0400) == 0 && chmod("work", 0000) == 0, "chmod");
	tree_folder("outside");
	tree_must(chmod("outside", 0000) == 0, "chmod");
	pattern("**");
	tree_must(chmod("work", 0500) == 0, "chmod");
	IS_INT(bring_out(), 0, "folders and files of mode 000");
	IS_STR(tree_text("host/shut/a"), "a", "come out");
	IS_STR(tree_text("host/blind/b"), "b", "both");
	IS_INT(tree_mode("outside"), 0000, "what lies outside keeps its mode");
}

/* ---- limits -------------------------------------------------------------------------------------------------------- */

static void test_limits(void)
{
	fresh();
	for (int i = 0; i < 10; i++) {
		char name[32];

		(void)snprintf(name, sizeof(name), "work/%d", i);
		tree_file(name, "12345");
	}
	pattern("*");
	policy_set_limit(&policy, SR_LIMIT_out_files, 4, SR_FROM_COMMAND_LINE);
	IS_INT(bring_out(), 0, "more files than may come out");
	OK(got.count == 4 && got.limit_hit && tree_has("host/3") && !tree_has("host/4"), "the first four do");
	OK(is_warned("(files.max)"), "and a warning names the limit");
	fresh();
	tree_file("work/1", "12345");
	tree_file("work/2", "12345");
	pattern("*");
	policy_set_limit(&policy, SR_LIMIT_out_bytes, 9, SR_FROM_COMMAND_LINE);
	IS_INT(bring_out(), 0, "more bytes than may come out");
	OK(got.count == 1 && got.limit_hit && is_warned("'2' is not copied") && is_warned("(bytes.max)"), "the same");
	policy_set_limit(&policy, SR_LIMIT_out_bytes, 10, SR_FROM_COMMAND_LINE);
	policy.force = true;
	OK(bring_out() == 0 && got.count == 2 && !got.limit_hit, "exactly as many as allowed is fine");
	fresh();
	tree_file("work/a-sparse", "x");
	tree_must(truncate("work/a-sparse", 1LL << 40) == 0, "size");
	tree_file("work/b", "b");
	pattern("*");
	IS_INT(bring_out(), 0, "a sparse file of 1 TiB");
	OK(got.limit_hit && got.count == 0 && count_names("host") == 0, "counts by its size, not by its blocks");
}

static void test_sparse(void)
{
	struct stat st;
	char want[SR_DIGEST_HEX], *zeros = calloc(1, 4 << 20);
	int fd;

	fresh();
	fd = open("work/holes", O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	tree_must(zeros && fd >= 0 && pwrite(fd, "end", 3, (4 << 20) - 3) == 3 && close(fd) == 0, "holes");
	tree_must(truncate("work/holes", 5 << 20) == 0, "size");
	pattern("holes");
	IS_INT(bring_out(), 0, "a file with holes comes out");
	OK(stat("host/holes", &st) == 0 && st.st_size == 5 << 20, "with its size");
	OK(st.st_blocks * 512 < 1 << 20, "and with holes");
	IS_INT(system("cmp -s work/holes host/holes"), 0, "and the same bytes");
	free(zeros);
	zeros = calloc(1, 5 << 20);
	tree_must(zeros != NULL, "memory");
	memcpy(zeros + (4 << 20) - 3, "end", 3);
	digest_hex(zeros, 5 << 20, want);
	IS_STR(got.items[0].hex, want, "the digest is that of all bytes");
	free(zeros);
}

static void test_bounds(void)
{
	int fd, made = 0;

	fresh();
	fd = tree_open("work");
	for (int i = 0; i < 4096; i++) {
		int next;

		if (mkdirat(fd, "d", 0755) < 0)
			break;
		made++;
		next = openat(fd, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		(void)close(fd);
		fd = next;
	}
	(void)close(fd);
	tree_file("work/a", "a");
	tree_file("work/d/b", "b");
	pattern("**");
	IS_INT(bring_out(), 0, "folders 4,096 deep");
	IS_INT(made, 4096, "all of which were made");
	OK(is_warned("folders are too deep") && tree_has("host/a") && tree_has("host/d/b"), "the rest comes out");
	fresh();
	for (int i = 0; i < 100; i++) {
		char name[32];

		(void)snprintf(name, sizeof(name), "work/%d", i);
		tree_link("x", name);
	}
	pattern("*");
	OK(bring_out() == 0 && got.warnings.count <= 22 && is_warned("80 more outputs are not copied"), "warnings are bounded");
}

static void test_many(void)
{
	struct timespec from, to;
	double seconds;
	int fd;

	fresh();
	fd = tree_open("work");
	for (int i = 0; i < 100000; i++) {
		char name[32];

		(void)snprintf(name, sizeof(name), "%06d", i);
		if (i == 0)
			tree_file("work/first", "");
		tree_must(linkat(fd, "first", fd, name, 0) == 0 || (errno == EMLINK && mknodat(fd, name, S_IFREG | 0644, 0) == 0),
			  name);
	}
	(void)close(fd);
	pattern("09999*");
	(void)clock_gettime(CLOCK_MONOTONIC, &from);
	IS_INT(bring_out(), 0, "a folder of 100,000 names");
	(void)clock_gettime(CLOCK_MONOTONIC, &to);
	seconds = (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
	IS_INT(got.count, 10, "the ten that match come out");
	OK(seconds < 10, "in time");
	tap_note("%.3f s", seconds);
}

/* ---- the destination ----------------------------------------------------------------------------------------------- */

static void test_existing(void)
{
	fresh();
	tree_file("work/a", "new a");
	tree_file("work/b", "new b");
	tree_file("host/b", "old b");
	pattern("?");
	is_refused(bring_out(), SR_E_OUTPUT, "cannot copy 'b' to 'host': it exists there", "an existing file is not overwritten");
	OK(strstr(err.hint, "--force") != NULL, "with a hint");
	IS_STR(tree_text("host/b"), "old b", "it is as it was");
	IS_INT(count_names("host"), 1, "and nothing else was copied");
	policy.force = true;
	IS_INT(bring_out(), 0, "with --force");
	IS_STR(tree_text("host/b"), "new b", "it is replaced");
	IS_STR(tree_text("host/a"), "new a", "and the other is there");
	fresh();
	tree_file("work/a", "new");
	tree_file("host/a", "old");
	pattern("a");
	is_refused(open_only(), SR_E_OUTPUT, "it exists there", "a pattern without wildcards is refused before anything runs");
	fresh();
	tree_file("work/a", "new");
	tree_folder("host/a");
	pattern("*");
	policy.force = true;
	is_refused(bring_out(), SR_E_OUTPUT, "a folder has that name there", "a folder is never replaced");
	OK(tree_has("host/a") && count_names("host") == 1, "nothing changed");
}

static void test_planted(void)
{
	fresh();
	tree_folder("outside");
	tree_file("outside/keys", "canary");
	tree_folder("work/sub");
	tree_file("work/sub/keys", "evil");
	tree_file("work/top", "new");
	tree_link("../outside", "host/sub");
	pattern("sub/*");
	is_refused(bring_out(), SR_E_OUTPUT, "on the way there is a symbolic link", "a planted link to a folder is not followed");
	policy.force = true;
	is_refused(bring_out(), SR_E_OUTPUT, "on the way there is a symbolic link", "not with --force either");
	IS_STR(tree_text("outside/keys"), "canary", "the file behind it is as it was");
	IS_INT(count_names("outside"), 1, "nothing was put beside it");

	fresh();
	tree_folder("outside");
	tree_file("outside/keys", "canary");
	tree_file("work/keys", "evil");
	tree_link("../outside/keys", "host/keys");
	pattern("keys*");
	is_refused(bring_out(), SR_E_OUTPUT, "it exists there", "a planted link to a file counts as existing");
	policy.force = true;
	IS_INT(bring_out(), 0, "with --force");
	IS_STR(tree_text("host/keys"), "evil", "the link itself is replaced");
	IS_STR(tree_text("outside/keys"), "canary", "not what it points to");

	fresh();
	tree_folder("outside");
	tree_file("work/a", "a");
	tree_link("outside", "linked");
	pattern("a");
	destination("linked");
	is_refused(open_only(), SR_E_OUTPUT, "it is a symbolic link", "a destination that is a link is refused");
	OK(strstr(err.hint, "outside") != NULL, "and its target named");
	destination("linked/");
	is_refused(open_only(), SR_E_OUTPUT, "it is a symbolic link", "also with a slash behind");
	fresh();
	tree_file("work/sub", "a");
	tree_file("host/sub", "x");
	tree_must(unlink("work/sub") == 0, "unlink");
	tree_folder("work/sub");
	tree_file("work/sub/a", "a");
	pattern("sub/*");
	is_refused(bring_out(), SR_E_OUTPUT, "something that is no folder", "a file where a folder is needed");
}

static void test_places(void)
{
	char cwd[PATH_MAX];

	fresh();
	tree_file("work/a", "a");
	pattern("a");
	destination("host/new");
	IS_INT(open_only(), 0, "a destination that can be made");
	OK(!tree_has("host/new"), "is not made while planning");
	OK(bring_out() == 0 && tree_has("host/new/a"), "but when there is something to put there");
	destination("host/none/new");
	is_refused(open_only(), SR_E_OUTPUT, "the folder above it does not exist", "only the last folder is made");
	OK(strstr(err.hint, "mkdir -p 'host/none'") != NULL, "with the command that makes the rest");
	destination("work/a");
	is_refused(open_only(), SR_E_OUTPUT, "Not a directory", "a file is no destination");
	destination("");
	is_refused(open_only(), SR_E_OUTPUT, "the name is empty", "nor is nothing");
	tree_must(getcwd(cwd, sizeof(cwd)) && chdir("host/new") == 0 && unlink("a") == 0, "chdir");
	destination(".");
	IS_INT(open_only(), 0, "'.' is one");
	destination("..");
	IS_INT(open_only(), 0, "'..' too");
	free(policy.output_dir);
	policy.output_dir = NULL;
	IS_INT(open_only(), 0, "and none at all is '.'");
	tree_must(chdir(cwd) == 0, "chdir");
	if (geteuid() == 0) {
		tap_skip("a destination that cannot be written", "root writes everywhere");
	} else {
		fresh();
		tree_file("work/a", "a");
		pattern("a");
		tree_must(chmod("host", 0555) == 0, "chmod");
		is_refused(open_only(), SR_E_OUTPUT, "Permission denied", "a destination that cannot be written");
	}
	fresh();
	pattern("/work/a");
	is_refused(open_only(), SR_E_OUTPUT, "it is absolute", "an absolute pattern");
	OK(strstr(err.hint, "-o 'a'") != NULL, "with the relative one");
	fresh();
	pattern("../a");
	is_refused(open_only(), SR_E_OUTPUT, "it leads upwards", "one that leads out");
	fresh();
	pattern("");
	is_refused(open_only(), SR_E_OUTPUT, "it is empty", "an empty one");
}

/* The file system full at the second file: RLIMIT_FSIZE plays it, for an ordinary user has no small one. */
static void test_full(void)
{
	const struct rlimit small = { .rlim_cur = 100000, .rlim_max = RLIM_INFINITY };
	struct rlimit before;

	fresh();
	tree_file("work/a", "a");
	tree_folder("work/b");
	tree_bytes("work/b/big", (char[200000]){ 1 }, 200000, 0644);
	pattern("**");
	destination("host/new");
	tree_must(signal(SIGXFSZ, SIG_IGN) != SIG_ERR && getrlimit(RLIMIT_FSIZE, &before) == 0, "rlimit");
	tree_must(setrlimit(RLIMIT_FSIZE, &(struct rlimit){ small.rlim_cur, before.rlim_max }) == 0, "rlimit");
	is_refused(bring_out(), SR_E_OUTPUT, "cannot copy 'b/big' out: File too large", "a write that fails is an error");
	tree_must(setrlimit(RLIMIT_FSIZE, &before) == 0, "rlimit");
	IS_INT(count_names("host"), 0, "and nothing half-made is left, no folder either");
	if (geteuid() == 0 && system("mkdir small && mount -t tmpfs -o size=64k none small 2>/dev/null") == 0) {
		destination("small");
		is_refused(bring_out(), SR_E_OUTPUT, "No space left on device", "a full file system");
		OK(strstr(err.hint, "make room") != NULL && count_names("small") == 0, "has a hint and leaves nothing");
		tree_must(system("umount small") == 0, "umount");
	}
}

/* ---- races --------------------------------------------------------------------------------------------------------- */

static atomic_bool stop;

/* Long enough for the other side to meet either state. */
static void nap(long us)
{
	(void)nanosleep(&(struct timespec){ .tv_nsec = us * 1000 }, NULL);
}

static void *swap_source(void *arg)
{
	(void)arg;
	while (!atomic_load(&stop)) {
		(void)rename("work/d", "work/.d2");
		(void)rename("work/.link", "work/d");
		(void)rename("work/f", "work/.f2");
		(void)symlink("../outside/f", "work/f");
		nap(20);
		(void)rename("work/d", "work/.link");
		(void)rename("work/.d2", "work/d");
		(void)unlink("work/f");
		(void)rename("work/.f2", "work/f");
		nap(500); /* both files are to be met at times, too */
	}
	return NULL;
}

/* The tree is dead when outputs are collected, but were it not: nothing may come from behind a link. */
static void test_source_race(void)
{
	unsigned both = 0, less = 0, leaked = 0, failed = 0;
	pthread_t t;

	fresh();
	tree_folder("work/d");
	tree_file("work/d/f", "inside");
	tree_file("work/f", "inside");
	tree_folder("outside");
	tree_file("outside/f", "canary");
	tree_link("../outside", "work/.link");
	pattern("d/*");
	pattern("f");
	policy.force = true;
	atomic_store(&stop, false);
	tree_must(pthread_create(&t, NULL, swap_source, NULL) == 0, "thread");
	for (int i = 0; i < 2500 || (i < 100000 && !(both && less)); i++) {
		(void)unlink("host/d/f");
		(void)unlink("host/f");
		failed += bring_out() < 0;
		both += got.count == 2;
		less += got.count < 2;
		leaked += strcmp(tree_text("host/d/f"), "canary") == 0;
		leaked += strcmp(tree_text("host/f"), "canary") == 0;
	}
	atomic_store(&stop, true);
	(void)pthread_join(t, NULL);
	IS_INT(leaked, 0, "2,500 copies from a tree in motion brought nothing from behind a link");
	IS_INT(failed, 0, "what vanishes is a warning");
	OK(both > 0 && less > 0, "and the race was one");
	tap_note("%u with both files, %u with less", both, less);
	IS_STR(tree_text("outside/f"), "canary", "the file outside is as it was");
}

#define EXCHANGE 2 /* RENAME_EXCHANGE, rename(2) */

static void *swap_destination(void *arg)
{
	(void)arg;
	while (!atomic_load(&stop)) {
		/* at once: a copy that found nothing would make a folder, and the two would not change places any more */
		(void)syscall(SYS_renameat2, AT_FDCWD, "trap", AT_FDCWD, "host/d", EXCHANGE);
		nap(20);
	}
	return NULL;
}

static void test_destination_race(void)
{
	unsigned good = 0, bad = 0;
	pthread_t t;

	fresh();
	tree_folder("work/d");
	tree_file("work/d/f", "evil");
	tree_folder("host/d");
	tree_folder("outside");
	tree_file("outside/f", "canary");
	tree_link("../outside", "trap");
	pattern("d/*");
	policy.force = true;
	atomic_store(&stop, false);
	tree_must(pthread_create(&t, NULL, swap_destination, NULL) == 0, "thread");
	for (int i = 0; i < 2500 || (i < 100000 && !(good && bad)); i++) {
		int r = bring_out();

		good += r == 0;
		bad += r < 0;
	}
	atomic_store(&stop, true);
	(void)pthread_join(t, NULL);
	IS_STR(tree_text("outside/f"), "canary", "2,500 copies to a folder in motion wrote nothing behind a link");
	IS_INT(count_names("outside"), 1, "and put nothing beside it");
	OK(good > 0 && bad > 0, "and the race was one");
	tap_note("%u succeeded, %u were refused", good, bad);
}

/* Somebody makes the file between the check and the rename. */
static void test_late_arrival(void)
{
	char temp[SR_DELIVER_TEMP];
	int dir, fd;

	fresh();
	dir = tree_open("host");
	fd = deliver_temp(dir, temp);
	tree_must(fd >= 0 && write(fd, "new", 3) == 3 && close(fd) == 0, "temp");
	tree_file("host/a", "theirs");
	IS_INT(deliver_rename(dir, temp, "a", false), -EEXIST, "the last step does not replace either");
	IS_STR(tree_text("host/a"), "theirs", "theirs stays");
	IS_INT(deliver_rename(dir, temp, "b", false), 0, "a free name is taken");
	IS_STR(tree_text("host/b"), "new", "with the bytes");
	IS_INT(count_names("host"), 2, "and no temporary name is left");
	(void)close(dir);
}

/* ---- the archive --------------------------------------------------------------------------------------------------- */

/* The helper lies in the build tree; beside this test where that is not told. */
static bool find_helper(char out[PATH_MAX])
{
	const char *build = getenv("SR_BUILDDIR");
	SR_AUTOFREE char *found = NULL;

	if (build) {
		(void)snprintf(out, PATH_MAX, "%s/" "sandrun-archive", build);
		return access(out, X_OK) == 0;
	}
	if (archive_find(&found, NULL) < 0)
		return false;
	(void)snprintf(out, PATH_MAX, "%s", found);
	return true;
}

static int pack(const char *helper, const char *to, const char *name, const char *text, size_t announced)
{
	struct sr_archive a = SR_ARCHIVE_INIT;
	int fd = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644), r;

	tree_must(fd >= 0, to);
	r = archive_start(&a, helper, fd, &err);
	(void)close(fd);
	if (r == 0)
		r = archive_file(&a, name, announced);
	if (r == 0)
		r = filecopy_send(a.socket_fd, text, strlen(text));
	if (r == 0)
		r = archive_finish(&a, &err);
	archive_abort(&a);
	return r;
}

static void test_archive(void)
{
	char helper[PATH_MAX];
	struct sr_archive a = SR_ARCHIVE_INIT;
	int fd;

	fresh();
	if (!find_helper(helper)) {
		tap_skip("the archive's helper program", "sandrun-archive is not built");
		return;
	}
	IS_INT(pack(helper, "1.tar.gz", "d/a\n\xff", "bytes", 5), 0, "the helper writes an archive");
	IS_INT(pack(helper, "2.tar.gz", "d/a\n\xff", "bytes", 5), 0, "and another");
	IS_INT(system("cmp -s 1.tar.gz 2.tar.gz"), 0, "both are the same, byte for byte");
	IS_INT(system("mkdir x && tar -C x -xzf 1.tar.gz"), 0, "tar reads it");
	IS_STR(tree_text("x/d/a\n\xff"), "bytes", "names and bytes are right");
	OK(pack(helper, "3.tar.gz", "../a", "x", 1) < 0 && strstr(err.text, "leads out"), "a name that leads out is refused");
	OK(pack(helper, "3.tar.gz", "a/../../b", "x", 1) < 0, "also in the middle");
	OK(pack(helper, "3.tar.gz", "a", "x", 2) < 0, "bytes that do not come are an error");
	OK(pack("/bin/false", "3.tar.gz", "a", "x", 1) < 0, "a program that fails is an error");
	OK(pack("/nonexistent", "3.tar.gz", "a", "x", 1) < 0, "one that is missing too");
	OK(pack("/bin/true", "3.tar.gz", "a", "x", 1) < 0, "and one that says nothing");
	fd = open("4.tar.gz", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	IS_INT(archive_start(&a, helper, fd, &err), 0, "a helper in the middle of its work");
	archive_abort(&a);
	OK(a.pid == 0 && waitpid(-1, NULL, WNOHANG) < 0, "can be ended, and nothing of it is left");
	(void)close(fd);
}

/* With the helper beside the running program, as installed. */
static void test_archive_whole(void)
{
	SR_AUTOFREE char *program = NULL;

	fresh();
	tree_folder("work/out");
	tree_bytes("work/out/b", "bb", 2, 0755);
	tree_file("work/out/a", "a");
	tree_link("/etc/passwd", "work/out/link");
	pattern("out");
	free(policy.output_dir);
	policy.output_dir = NULL;
	policy.output_archive = strdup("host/out.zip");
	is_refused(open_only(), SR_E_OUTPUT, "tar.gz", "an archive of another name is refused");
	free(policy.output_archive);
	policy.output_archive = strdup("host/none/out.tar.gz");
	is_refused(open_only(), SR_E_OUTPUT, "does not exist", "and one in a missing folder");
	free(policy.output_archive);
	policy.output_archive = strdup("host/out.tar.gz");
	tree_file("host/out.tar.gz", "old");
	is_refused(open_only(), SR_E_OUTPUT, "it exists", "and one that exists");
	tree_must(unlink("host/out.tar.gz") == 0, "unlink");
	if (archive_find(&program, &err) < 0) {
		is_refused(bring_out(), SR_E_OUTPUT, "sandrun-archive is missing", "without the helper that is said while planning");
		IS_INT(count_names("host"), 0, "and nothing is made");
		return;
	}
	IS_INT(bring_out(), 0, "outputs go into an archive");
	IS_INT(got.count, 2, "two files");
	IS_INT(system("mkdir x && tar -C x -xzf host/out.tar.gz && test ! -x x/out/b"), 0, "which tar reads");
	IS_STR(tree_text("x/out/b"), "bb", "with their bytes");
	IS_INT(count_names("host"), 1, "no temporary file is left");
	IS_INT(count_names("x"), 3, "and nothing else is in it");
}

int main(void)
{
	tree_start();
	policy_init(&policy);
	test_plain();
	test_folder_pattern();
	test_odd_names();
	test_other_kinds();
	test_no_match();
	test_unreadable();
	test_limits();
	test_sparse();
	test_bounds();
	test_many();
	test_existing();
	test_planted();
	test_places();
	test_full();
	test_source_race();
	test_destination_race();
	test_late_arrival();
	test_archive();
	test_archive_whole();
	collected_done(&got);
	policy_done(&policy);
	tree_end();
	return tap_done();
}
