/* SPDX-License-Identifier: MIT */
/*
 * pump: one end of a pipe for bench/pipe.
 *
 *   pump write BYTES [BLOCK]   writes BYTES bytes to standard output
 *   pump read BYTES [BLOCK]    reads standard input to its end; status 1 when it was not BYTES bytes long
 *
 * BLOCK is the size of one read or write (64K). The bytes written are a counter, not zeros, and the buffer is not made
 * anew for each write: the ends cost as little as they can, so that what stands between them is what is measured.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int write_all(char *block, size_t size, uint64_t total)
{
	while (total) {
		size_t want = total < size ? (size_t)total : size;
		ssize_t n = write(1, block, want);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			fprintf(stderr, "pump: cannot write: %s\n", strerror(errno));
			return 1;
		}
		total -= (uint64_t)n;
	}
	return 0;
}

static int read_all(char *block, size_t size, uint64_t expected)
{
	uint64_t seen = 0;
	ssize_t n;

	while ((n = read(0, block, size)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			fprintf(stderr, "pump: cannot read: %s\n", strerror(errno));
			return 1;
		}
		seen += (uint64_t)n;
	}
	if (seen != expected) {
		fprintf(stderr, "pump: %llu bytes came instead of %llu\n", (unsigned long long)seen,
			(unsigned long long)expected);
		return 1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	uint64_t total = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;
	size_t size = argc > 3 ? strtoul(argv[3], NULL, 10) : 65536;
	uint64_t *block;

	if (argc < 3 || total == 0 || size < 8) {
		fputs("usage: pump write|read BYTES [BLOCK]\n", stderr);
		return 2;
	}
	block = malloc(size);
	if (!block)
		return 2;
	for (size_t i = 0; i < size / sizeof(*block); i++)
		block[i] = i * 0x9e3779b97f4a7c15U;
	if (strcmp(argv[1], "write") == 0)
		return write_all((char *)block, size, total);
	if (strcmp(argv[1], "read") == 0)
		return read_all((char *)block, size, total);
	fputs("usage: pump write|read BYTES [BLOCK]\n", stderr);
	return 2;
}
