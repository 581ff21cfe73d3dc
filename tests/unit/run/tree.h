/* SPDX-License-Identifier: MIT */
/*
 * Trees of files for the tests of files in and out: made in one temporary folder, which is the working folder meanwhile.
 * A failure of these helpers is none of the program's: they abort.
 */
#ifndef SR_TESTS_TREE_H
#define SR_TESTS_TREE_H

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAYBE __attribute__((__unused__)) static

static char tree_top[] = "/tmp/sandrun-test.XXXXXX";

MAYBE void tree_must(bool good, const char *what)
{
	if (good)
		return;
	printf("Bail out! %s: %s\n", what, strerror(errno));
	exit(99);
}

MAYBE void tree_start(void)
{
	tree_must(mkdtemp(tree_top) && chdir(tree_top) == 0, "temporary folder");
	(void)umask(022);
}

MAYBE void tree_folder(const char *path)
{
	tree_must(mkdir(path, 0755) == 0, path);
}

MAYBE void tree_bytes(const char *path, const void *data, size_t len, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	tree_must(fd >= 0 && write(fd, data, len) == (ssize_t)len && fchmod(fd, mode) == 0 && close(fd) == 0, path);
}

MAYBE void tree_file(const char *path, const char *text)
{
	tree_bytes(path, text, strlen(text), 0644);
}

MAYBE void tree_link(const char *target, const char *path)
{
	tree_must(symlink(target, path) == 0, path);
}

MAYBE int tree_open(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	tree_must(fd >= 0, path);
	return fd;
}

/* The file's text (at most 4095 bytes), "<folder>", "<link> TARGET" or "<errno text>". */
MAYBE const char *tree_text(const char *path)
{
	static char text[4096];
	struct stat st;
	ssize_t n;
	int fd;

	if (lstat(path, &st) < 0) {
		(void)snprintf(text, sizeof(text), "<%s>", strerror(errno));
		return text;
	}
	if (S_ISDIR(st.st_mode))
		return "<folder>";
	if (S_ISLNK(st.st_mode)) {
		(void)memcpy(text, "<link> ", 7);
		n = readlink(path, text + 7, sizeof(text) - 8);
		text[n < 0 ? 7 : n + 7] = '\0';
		return text;
	}
	if (!S_ISREG(st.st_mode))
		return "<special>";
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	text[n < 0 ? 0 : n] = '\0';
	(void)close(fd);
	return text;
}

MAYBE bool tree_has(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

MAYBE unsigned tree_mode(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 ? st.st_mode & 07777 : 0;
}

/* Removes everything beneath the temporary folder, whatever modes were left. */
MAYBE void tree_clear(void)
{
	tree_must(chdir(tree_top) == 0, "temporary folder");
	tree_must(system("find . -mindepth 1 -type d -exec chmod u+rwx {} + 2>/dev/null; find . -mindepth 1 -delete") == 0,
		  "clear");
}

MAYBE void tree_end(void)
{
	tree_clear();
	tree_must(chdir("/") == 0 && rmdir(tree_top) == 0, "remove");
}

#endif
