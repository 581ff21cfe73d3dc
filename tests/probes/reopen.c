/* SPDX-License-Identifier: MIT */
/*
 * reopen    what standard input and output give besides what was asked for: a second open through /proc with other rights,
 * other offsets, another length. Says its lines on standard error, because standard output is what it attacks.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "probe.h"

static void tell(const char *name, long result)
{
	fprintf(stderr, "%s: %s\n", name, result < 0 ? error_name(errno) : "OK");
}

static void try_open(const char *path, const char *how, int flags)
{
	char name[128];
	int fd = open(path, flags | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	struct stat st;

	snprintf(name, sizeof(name), "%s %s", path, how);
	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
		fprintf(stderr, "%s: a regular file\n", name);
		if (flags & (O_WRONLY | O_RDWR) && pwrite(fd, "REOPENED", 8, 0) == 8)
			fprintf(stderr, "%s: written\n", name);
	} else if (fd < 0) {
		tell(name, -1);
	}
	if (fd >= 0)
		close(fd);
}

int main(void)
{
	static const char *const in[] = { "/proc/self/fd/0", "/dev/stdin", "/dev/fd/0" };
	static const char *const out[] = { "/proc/self/fd/1", "/dev/stdout", "/dev/fd/1" };
	char path[64];

	tell("lseek 0", lseek(0, 0, SEEK_SET));
	tell("lseek 1", lseek(1, 0, SEEK_SET));
	tell("pwrite 1", pwrite(1, "PWRITE", 6, 0));
	tell("ftruncate 1", ftruncate(1, 0));
	tell("pwrite 0", pwrite(0, "PWRITE", 6, 0));
	tell("ftruncate 0", ftruncate(0, 0));
	tell("mmap 0", mmap(NULL, 4096, PROT_READ, MAP_SHARED, 0, 0) == MAP_FAILED ? -1 : 0);
	for (size_t i = 0; i < 3; i++) {
		try_open(in[i], "read-write", O_RDWR);
		try_open(in[i], "write", O_WRONLY);
		try_open(in[i], "read", O_RDONLY);
		try_open(out[i], "read", O_RDONLY);
		try_open(out[i], "read-write", O_RDWR);
		try_open(out[i], "append", O_WRONLY | O_APPEND);
		try_open(out[i], "truncate", O_WRONLY | O_TRUNC);
	}
	for (int fd = 0; fd < 3; fd++) {
		ssize_t n;
		char target[256];

		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		n = readlink(path, target, sizeof(target) - 1);
		target[n > 0 ? n : 0] = '\0';
		/* The number behind "pipe:" is an inode. */
		target[strcspn(target, "[")] = '\0';
		fprintf(stderr, "fd %d: %s\n", fd, target);
	}
	return 0;
}
