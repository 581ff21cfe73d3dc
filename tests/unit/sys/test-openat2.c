/* SPDX-License-Identifier: MIT */
/*
 * openat2(2) and the walk by hand must answer alike on the same tree, and neither may leave it.
 */
#include "sys/openat2.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tap.h"

static char top[] = "/tmp/test-openat2.XXXXXX";
static int root = -1;

static void put(const char *path, const char *text)
{
	int fd = openat(root, path, O_WRONLY | O_CREAT | O_EXCL, 0644);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		abort();
	(void)close(fd);
}

static void folder(const char *path)
{
	if (mkdirat(root, path, 0755) < 0)
		abort();
}

static void sym(const char *target, const char *path)
{
	if (symlinkat(target, root, path) < 0)
		abort();
}

/* The tree "r" in top; top/secret lies outside of it. */
static void build(void)
{
	int fd;

	if (!mkdtemp(top) || chdir(top) < 0 || mkdir("r", 0755) < 0)
		abort();
	fd = open("secret", O_WRONLY | O_CREAT, 0644);
	if (fd < 0 || write(fd, "secret", 6) != 6)
		abort();
	(void)close(fd);
	root = open("r", O_PATH | O_DIRECTORY | O_CLOEXEC);
	put("file", "file");
	put("secret", "inner");
	folder("a");
	folder("a/b");
	put("a/b/file", "deep");
	sym("file", "link");
	sym("a/b", "to-b");
	sym("/a/b/file", "absolute");
	sym("../../../../../../secret", "up");
	sym("b/../../link", "a/chain");
	sym("loop", "loop");
	sym("nowhere", "dangling");
	sym("/proc/self/fd/0", "magic");
	sym("to-b/", "slashed");
	if (mkfifoat(root, "fifo", 0644) < 0)
		abort();
}

/* Content of what was opened, "<errno>" or "<folder>". */
static const char *content(int fd, char out[64])
{
	ssize_t n;

	if (fd < 0) {
		(void)snprintf(out, 64, "<%s>", strerror(-fd));
		return out;
	}
	n = read(fd, out, 63);
	if (n < 0)
		(void)snprintf(out, 64, "<%s>", strerror(errno));
	else
		out[n] = '\0';
	if (!(fcntl(fd, F_GETFD) & FD_CLOEXEC))
		(void)snprintf(out, 64, "not close-on-exec");
	(void)close(fd);
	return out;
}

typedef int open_function(const char *path, int flags);

static int beneath(const char *path, int flags)
{
	return sys_open_beneath(root, path, flags, 0644);
}

static int beneath_walk(const char *path, int flags)
{
	return sys_open_beneath_walk(root, path, flags, 0644);
}

static int in_root(const char *path, int flags)
{
	return sys_open_in_root(root, path, flags);
}

static int in_root_walk(const char *path, int flags)
{
	return sys_open_in_root_walk(root, path, flags);
}

struct expectation {
	const char *path;
	int flags;
	const char *seen; /* text, or NULL: errnum */
	int errnum;
};

static const struct expectation beneath_table[] = {
	{ "file", O_RDONLY, "file", 0 },
	{ "./a//b/./file", O_RDONLY, "deep", 0 },
	{ "a/b/file", O_RDONLY, "deep", 0 },
	{ "a/b/none", O_RDONLY, NULL, ENOENT },
	{ "none/file", O_RDONLY, NULL, ENOENT },
	{ "file/x", O_RDONLY, NULL, ENOTDIR },
	{ "file/", O_RDONLY, NULL, ENOTDIR },
	{ "link", O_RDONLY, NULL, ELOOP },
	{ "link", O_PATH, NULL, ELOOP },
	{ "to-b", O_RDONLY | O_DIRECTORY, NULL, ELOOP },
	{ "to-b/file", O_RDONLY, NULL, ELOOP },
	{ "to-b/", O_RDONLY, NULL, ELOOP },
	{ "up", O_RDONLY, NULL, ELOOP },
	{ "magic", O_RDONLY, NULL, ELOOP },
	{ "..", O_RDONLY, NULL, EXDEV },
	{ "a/../file", O_RDONLY, NULL, EXDEV },
	{ "/file", O_RDONLY, NULL, EXDEV },
	{ "", O_RDONLY, NULL, ENOENT },
	{ "file", O_RDONLY | O_DIRECTORY, NULL, ENOTDIR },
	{ "a", O_WRONLY, NULL, EISDIR },
	{ "file", O_WRONLY | O_CREAT | O_EXCL, NULL, EEXIST },
	{ "dangling", O_WRONLY | O_CREAT, NULL, ELOOP },
	{ "a/new/", O_WRONLY | O_CREAT, NULL, EISDIR },
};

static const struct expectation root_table[] = {
	{ "file", O_RDONLY, "file", 0 },
	{ "/file", O_RDONLY, "file", 0 },
	{ "link", O_RDONLY, "file", 0 },
	{ "to-b/file", O_RDONLY, "deep", 0 },
	{ "slashed/file", O_RDONLY, "deep", 0 },
	{ "absolute", O_RDONLY, "deep", 0 },
	{ "up", O_RDONLY, "inner", 0 },
	{ "../../secret", O_RDONLY, "inner", 0 },
	{ "a/b/../../secret", O_RDONLY, "inner", 0 },
	{ "to-b/../../../secret", O_RDONLY, "inner", 0 },
	{ "a/chain", O_RDONLY, "file", 0 },
	{ "loop", O_RDONLY, NULL, ELOOP },
	{ "loop/x", O_RDONLY, NULL, ELOOP },
	{ "dangling", O_RDONLY, NULL, ENOENT },
	{ "magic", O_RDONLY, NULL, ENOENT }, /* there is no proc in here */
	{ "link", O_RDONLY | O_NOFOLLOW, NULL, ELOOP },
	{ "link/", O_RDONLY, NULL, ENOTDIR },
	{ "file/..", O_RDONLY, NULL, ENOTDIR },
	{ "none/..", O_RDONLY, NULL, ENOENT },
	{ "", O_RDONLY, NULL, ENOENT },
	{ "new", O_WRONLY | O_CREAT, NULL, EINVAL },
};

static void check(const struct expectation *e, open_function *open_it, const char *how)
{
	char name[160], seen[64], want[64];

	(void)snprintf(name, sizeof(name), "%s: '%s' flags %o", how, e->path, (unsigned)e->flags);
	if (!e->seen)
		(void)snprintf(want, sizeof(want), "<%s>", strerror(e->errnum));
	IS_STR(content(open_it(e->path, e->flags), seen), e->seen ? e->seen : want, name);
}

static bool has_openat2(void)
{
	return syscall(SYS_openat2, -1, "", NULL, 0) < 0 && errno != ENOSYS && errno != EPERM;
}

static ino_t inode(int fd)
{
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return 0;
	(void)close(fd);
	return st.st_ino;
}

static void test_folders(void)
{
	ino_t here = inode(dup(root));

	OK(here && inode(sys_open_beneath(root, ".", O_PATH, 0)) == here, "'.' is the folder");
	OK(here && inode(sys_open_beneath_walk(root, "./", O_PATH, 0)) == here, "also by hand");
	OK(here && inode(sys_open_in_root(root, "/../..", O_PATH)) == here, "'..' stops at the root");
	OK(here && inode(sys_open_in_root_walk(root, "/a/../..", O_PATH)) == here, "also by hand");
	OK(here && inode(sys_open_in_root_walk(root, "/", O_PATH)) == here, "'/' is the root");
}

static void test_links_as_links(void)
{
	open_function *const all[] = { beneath, beneath_walk, in_root, in_root_walk };

	for (size_t i = 0; i < 4; i++) {
		int fd = all[i]("link", O_PATH | O_NOFOLLOW);
		struct stat st;

		OK(fd >= 0 && fstat(fd, &st) == 0 && S_ISLNK(st.st_mode), "O_PATH | O_NOFOLLOW gives the link itself");
		if (fd >= 0)
			(void)close(fd);
	}
}

static void test_creation(void)
{
	struct stat st;
	int fd;

	(void)umask(022);
	fd = sys_open_beneath(root, "a/made", O_WRONLY | O_CREAT | O_EXCL, 0666);
	OK(fd >= 0 && fstat(fd, &st) == 0 && (st.st_mode & 07777) == 0644, "a file is made with its mode");
	(void)close(fd);
	fd = sys_open_beneath_walk(root, "a/made2", O_WRONLY | O_CREAT | O_EXCL, 0600);
	OK(fd >= 0 && fstat(fd, &st) == 0 && (st.st_mode & 07777) == 0600, "also by hand");
	(void)close(fd);
}

static void test_limits(void)
{
	char chain[16], target[16], longer[PATH_MAX + 10], name[NAME_MAX + 2];

	for (int i = 0; i < 45; i++) {
		(void)snprintf(chain, sizeof(chain), "c%d", i);
		(void)snprintf(target, sizeof(target), "c%d", i + 1);
		sym(i == 44 ? "file" : target, chain);
	}
	for (int i = 0; i < 2; i++) {
		open_function *f = i ? in_root_walk : in_root;

		IS_INT(f("c4", O_RDONLY), -ELOOP, "41 links are too many");
		OK(inode(f("c5", O_RDONLY)) != 0, "40 are not");
	}
	memset(longer, 'a', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	memset(name, 'a', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	IS_INT(in_root_walk(longer, O_RDONLY), -ENAMETOOLONG, "a path beyond PATH_MAX");
	IS_INT(in_root_walk(name, O_RDONLY), -ENAMETOOLONG, "a name beyond NAME_MAX");
	IS_INT(beneath(name, O_RDONLY), -ENAMETOOLONG, "the same beneath");
}

static void test_no_hang(void)
{
	int fd = sys_open_beneath(root, "fifo", O_RDONLY | O_NONBLOCK, 0);

	OK(fd >= 0, "a FIFO opens without waiting when asked to");
	(void)close(fd);
}

static atomic_bool stop;

/* A folder that is one moment a folder and the next a link that leads out. */
static void *swap(void *arg)
{
	(void)arg;
	while (!atomic_load(&stop)) {
		(void)syscall(SYS_renameat2, root, "swap", root, "evil", 2 /* RENAME_EXCHANGE */);
		(void)renameat(root, "moved/deep", root, "deep");
		(void)renameat(root, "deep", root, "moved/deep");
	}
	return NULL;
}

static void test_race(void)
{
	open_function *const all[] = { beneath, beneath_walk, in_root, in_root_walk };
	static const char *const paths[] = { "swap/secret", "moved/deep/../../../../secret" };
	unsigned seen[3] = { 0 }, escapes = 0;
	pthread_t t;

	folder("swap");
	put("swap/secret", "inner");
	sym(top, "evil");
	folder("moved");
	folder("moved/deep");
	if (pthread_create(&t, NULL, swap, NULL) != 0)
		abort();
	for (unsigned i = 0; i < 40000; i++) {
		char text[64];
		const char *got = content(all[i % 4](paths[i / 4 % 2], O_RDONLY), text);

		if (strcmp(got, "secret") == 0)
			escapes++;
		else
			seen[strcmp(got, "inner") == 0]++;
	}
	atomic_store(&stop, true);
	(void)pthread_join(t, NULL);
	IS_INT(escapes, 0, "40,000 openings in a race never left the tree");
	OK(seen[0] > 0 && seen[1] > 0, "and the race was one: some succeeded, some did not");
	tap_note("%u opened the inner file, %u failed", seen[1], seen[0]);
}

int main(void)
{
	char command[64];

	build();
	for (size_t i = 0; i < sizeof(beneath_table) / sizeof(beneath_table[0]); i++) {
		check(&beneath_table[i], beneath, "beneath");
		check(&beneath_table[i], beneath_walk, "beneath by hand");
	}
	for (size_t i = 0; i < sizeof(root_table) / sizeof(root_table[0]); i++) {
		check(&root_table[i], in_root, "in root");
		check(&root_table[i], in_root_walk, "in root by hand");
	}
	test_folders();
	test_links_as_links();
	test_creation();
	test_limits();
	test_no_hang();
	test_race();
	tap_note("this kernel %s openat2", has_openat2() ? "has" : "refuses");
	(void)snprintf(command, sizeof(command), "rm -rf '%s'", top);
	(void)chdir("/");
	OK(system(command) == 0, "cleaned up");
	return tap_done();
}
