/* SPDX-License-Identifier: MIT */
/*
 * An archive that is imported: whatever it holds, nothing outside of its tree changes, and what is taken can be sealed and has a
 * digest that holds. The first byte: 1 puts a layer below it. The headers' checksums are set right, for no fuzzer finds them.
 */
#include "environment/unpack.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "environment/source.h"
#include "fuzz.h"
#include "image/tree.h"

#define BLOCK 512

static char folder[] = "/tmp/sandrun-fuzz-XXXXXX";
static int top = -1, lower = -1;

static void clean(void)
{
	int tmp = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)tree_remove(tmp, folder + strlen("/tmp/"));
	fd_close(&tmp);
}

static void put(int dir_fd, const char *name, const char *text)
{
	int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	FUZZ_HOLDS(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) && close(fd) == 0);
}

static void begin(void)
{
	if (top >= 0)
		return;
	FUZZ_HOLDS(mkdtemp(folder));
	(void)atexit(clean);
	top = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	FUZZ_HOLDS(top >= 0 && mkdirat(top, "lower", 0700) == 0 && mkdirat(top, "lower/d", 0700) == 0);
	put(top, "canary", "canary");
	lower = openat(top, "lower", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	put(lower, "d/a", "a");
	put(lower, "f", "f");
	FUZZ_HOLDS(symlinkat("../canary", lower, "l") == 0);
}

/* What is beside the tree is as it was. */
static void unchanged(void)
{
	struct sr_tree_list l = { .items = NULL };
	char text[16] = "";
	int fd = openat(top, "canary", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	FUZZ_HOLDS(fd >= 0 && fstat(fd, &st) == 0 && st.st_nlink == 1 && (st.st_mode & 07777) == 0600);
	FUZZ_HOLDS(read(fd, text, sizeof(text)) == 6 && strcmp(text, "canary") == 0 && close(fd) == 0);
	FUZZ_HOLDS(tree_list(top, &l) == 0 && l.count == 3);
	tree_list_done(&l);
	FUZZ_HOLDS(tree_list(lower, &l) == 0 && l.count == 3);
	tree_list_done(&l);
	FUZZ_HOLDS(faccessat(lower, "d/a", F_OK, 0) == 0);
}

static uint64_t octal(const uint8_t *text, size_t len)
{
	uint64_t n = 0;

	for (size_t i = 0; i < len && text[i] >= '0' && text[i] <= '7'; i++)
		n = n << 3 | (uint64_t)(text[i] - '0');
	return n;
}

static void repair(uint8_t *data, size_t size)
{
	for (size_t at = 0; at + BLOCK <= size;) {
		unsigned int sum = 0;
		char text[9];

		memset(data + at + 148, ' ', 8);
		for (size_t i = 0; i < BLOCK; i++)
			sum += data[at + i];
		(void)snprintf(text, sizeof(text), "%06o", sum);
		memcpy(data + at + 148, text, 7);
		at += BLOCK + (octal(data + at + 124, 12) + BLOCK - 1) / BLOCK * BLOCK;
	}
}

static int archive_of(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);
	int fd = memfd_create("archive", MFD_CLOEXEC);

	FUZZ_HOLDS(copy && fd >= 0);
	memcpy(copy, data, size);
	repair(copy, size);
	FUZZ_HOLDS(write(fd, copy, size) == (ssize_t)size && lseek(fd, 0, SEEK_SET) == 0);
	free(copy);
	return fd;
}

/* A tree that was taken: it can be sealed, unless it is too deep for that, and what was sealed is sound. */
static void judge(int tree)
{
	struct sr_error err = SR_ERROR_INIT;
	struct sr_seal sealed, seen;

	if (seal_tree(tree, &sealed, &err) < 0) {
		FUZZ_HOLDS(*err.text);
		return;
	}
	FUZZ_HOLDS(seal_check(tree, NULL, &seen, &err) == 0 && strcmp(seen.hex, sealed.hex) == 0 && seen.bytes <= 1 << 20);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct store_work work = SR_STORE_WORK_INIT;
	struct unpack u = { .max_entries = 500, .max_bytes = 1 << 20, .work = &work, .label = "fuzz" };
	struct sr_error err = SR_ERROR_INIT;
	bool alone = false;
	int fd, tree, r;

	if (size < 1)
		return 0;
	begin();
	FUZZ_HOLDS(mkdirat(top, "work", 0700) == 0);
	work.fd = tree_open_folder(top, "work");
	FUZZ_HOLDS(work.fd >= 0 && mkdirat(work.fd, "tree", 0700) == 0);
	tree = tree_open_folder(work.fd, "tree");
	fd = archive_of(data + 1, size - 1);
	{
		const struct lowers lowers = { .fds = &lower, .count = data[0] == 1 };
		SR_AUTOSOURCE struct source *s = source_open(fd, &err);

		r = s ? unpack_archive(&u, s->archive, tree, &lowers, &alone, &err) : -1;
	}
	unchanged();
	FUZZ_HOLDS(r == 0 || *err.text);
	FUZZ_HOLDS(u.bytes <= u.max_bytes && u.entries <= u.max_entries + 1);
	if (r == 0)
		judge(tree);
	fd_close(&tree);
	fd_close(&fd);
	fd_close(&work.fd);
	FUZZ_HOLDS(tree_remove(top, "work") == 0);
	return 0;
}
