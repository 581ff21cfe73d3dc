/* SPDX-License-Identifier: MIT */
/*
 * act VERB ARG... [, VERB ARG...]...    acts on files, one line each.
 *
 * read PATH (prints the first line), size PATH (bytes that can be read), write|append|create|truncate PATH (text "probe"),
 * stat|ls|readlink|chdir|mkdir|unlink|rmdir|fifo|char|block|setuid PATH, link|symlink|rename A B,
 * setxattr PATH NAME VALUE, getxattr PATH NAME, filecap PATH (a valid security.capability),
 * exec PATH (status of PATH run without arguments), path PATH (open with O_PATH),
 * resolve PATH (openat2 inside "/" with ".." in front), sleep SECONDS, say TEXT
 */
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "probe.h"

#ifndef SYS_openat2
#define SYS_openat2 437
#endif

static char text[1 << 16];

static int put(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC | O_NOCTTY, 0644);
	ssize_t n;

	if (fd < 0)
		return -1;
	n = write(fd, "probe", 5);
	return close(fd) < 0 || n < 0 ? -1 : 0;
}

/* First line of a file (or its size), shown behind "OK". */
static int get(const char *path, int whole)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	long total = 0;
	ssize_t n;

	if (fd < 0)
		return -1;
	do {
		n = read(fd, text, sizeof(text) - 1);
		total += n > 0 ? n : 0;
	} while (whole && n > 0 && total < (1 << 26));
	if (n < 0)
		return -1;
	if (whole)
		snprintf(text, sizeof(text), "%ld", total);
	else
		text[n] = '\0';
	for (char *c = text; *c != '\0'; c++)
		if (*c == '\n')
			*c = '\0';
	return close(fd);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int list(const char *path)
{
	DIR *dir = opendir(path);
	char *names[4096];
	size_t count = 0, used = 0;
	struct dirent *entry;

	if (dir == NULL)
		return -1;
	while (count < 4096 && (entry = readdir(dir)) != NULL)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			names[count++] = strdup(entry->d_name);
	closedir(dir);
	qsort(names, count, sizeof(names[0]), by_name);
	text[0] = '\0';
	for (size_t i = 0; i < count && used + 300 < sizeof(text); i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, i > 0 ? " %s" : "%s", names[i]);
	return 0;
}

static int run(const char *path)
{
	char *argv[] = { (char *)path, NULL }, *envp[] = { NULL };
	int report[2], error = 0, status;
	pid_t pid;

	if (pipe2(report, O_CLOEXEC) < 0 || (pid = fork()) < 0)
		return -1;
	if (pid == 0) {
		execve(path, argv, envp);
		error = errno;
		if (write(report[1], &error, sizeof(error)) < 0)
			_exit(126);
		_exit(127);
	}
	close(report[1]);
	if (read(report[0], &error, sizeof(error)) == (ssize_t)sizeof(error)) {
		waitpid(pid, &status, 0);
		errno = error;
		return -1;
	}
	waitpid(pid, &status, 0);
	snprintf(text, sizeof(text), "%s %d", WIFSIGNALED(status) ? "signal" : "status",
		 WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	return 0;
}

static int resolve(const char *path)
{
	struct {
		unsigned long long flags, mode, resolve;
	} how = { O_RDONLY | O_CLOEXEC, 0, 0x10 /* RESOLVE_IN_ROOT */ };
	char up[4096];
	int root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	snprintf(up, sizeof(up), "../../../..%s", path);
	return root < 0 ? -1 : (int)syscall(SYS_openat2, root, up, &how, sizeof(how));
}

static int describe(const char *path)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return -1;
	snprintf(text, sizeof(text), "%o %u:%u", (unsigned int)st.st_mode, (unsigned int)st.st_uid,
		 (unsigned int)st.st_gid);
	return 0;
}

static int target(const char *path)
{
	ssize_t n = readlink(path, text, sizeof(text) - 1);

	if (n < 0)
		return -1;
	text[n] = '\0';
	return 0;
}

static int go(const char *path)
{
	if (chdir(path) < 0)
		return -1;
	/* The raw call: a C library turns "(unreachable)/..." into an error of its own. */
	return syscall(SYS_getcwd, text, sizeof(text)) < 0 ? -1 : 0;
}

static int special(const char *path, mode_t type)
{
	/* 1:3 is /dev/null, 7:0 /dev/loop0: harmless where they could be made. */
	return mknod(path, type | 0600, S_ISBLK(type) ? makedev(7, 0) : S_ISCHR(type) ? makedev(1, 3) : 0);
}

/* Version 2 with every capability; a namespace's root may have it turned into version 3. */
static int filecap(const char *path)
{
	static const unsigned int data[5] = { 0x02000001, 0xffffffff, 0, 0x1ff, 0 };

	return setxattr(path, "security.capability", data, sizeof(data), 0);
}

static int act_one(const char *verb, const char *a)
{
	if (strcmp(verb, "read") == 0)
		return get(a, 0);
	if (strcmp(verb, "size") == 0)
		return get(a, 1);
	if (strcmp(verb, "write") == 0)
		return put(a, O_WRONLY);
	if (strcmp(verb, "append") == 0)
		return put(a, O_WRONLY | O_APPEND);
	if (strcmp(verb, "create") == 0)
		return put(a, O_WRONLY | O_CREAT | O_EXCL);
	if (strcmp(verb, "truncate") == 0)
		return truncate(a, 0);
	if (strcmp(verb, "stat") == 0)
		return describe(a);
	if (strcmp(verb, "ls") == 0)
		return list(a);
	if (strcmp(verb, "readlink") == 0)
		return target(a);
	if (strcmp(verb, "chdir") == 0)
		return go(a);
	if (strcmp(verb, "mkdir") == 0)
		return mkdir(a, 0755);
	if (strcmp(verb, "unlink") == 0)
		return unlink(a);
	if (strcmp(verb, "rmdir") == 0)
		return rmdir(a);
	if (strcmp(verb, "fifo") == 0)
		return special(a, S_IFIFO);
	if (strcmp(verb, "char") == 0)
		return special(a, S_IFCHR);
	if (strcmp(verb, "block") == 0)
		return special(a, S_IFBLK);
	if (strcmp(verb, "setuid") == 0)
		return chmod(a, 06755);
	if (strcmp(verb, "filecap") == 0)
		return filecap(a);
	if (strcmp(verb, "exec") == 0)
		return run(a);
	if (strcmp(verb, "path") == 0)
		return open(a, O_PATH | O_CLOEXEC);
	if (strcmp(verb, "resolve") == 0)
		return resolve(a);
	if (strcmp(verb, "sleep") == 0)
		return (int)sleep((unsigned int)number(a));
	if (strcmp(verb, "say") == 0)
		return 0;
	fprintf(stderr, "unknown verb: %s\n", verb);
	exit(2);
}

static int act_two(const char *verb, const char *a, const char *b)
{
	if (strcmp(verb, "link") == 0)
		return link(a, b);
	if (strcmp(verb, "symlink") == 0)
		return symlink(a, b);
	if (strcmp(verb, "rename") == 0)
		return rename(a, b);
	if (strcmp(verb, "getxattr") == 0)
		return getxattr(a, b, text, 0) < 0 ? -1 : 0;
	fprintf(stderr, "unknown verb: %s\n", verb);
	exit(2);
}

int main(int argc, char **argv)
{
	char name[8192];

	for (int i = 1, next; i < argc; i = next + 1) {
		int result;

		for (next = i; next < argc && strcmp(argv[next], ",") != 0; next++)
			;
		text[0] = '\0';
		errno = 0;
		if (next - i == 2)
			result = act_one(argv[i], argv[i + 1]);
		else if (next - i == 3)
			result = act_two(argv[i], argv[i + 1], argv[i + 2]);
		else if (next - i == 4 && strcmp(argv[i], "setxattr") == 0)
			result = setxattr(argv[i + 1], argv[i + 2], argv[i + 3], strlen(argv[i + 3]), 0);
		else
			return 2;
		snprintf(name, sizeof(name), "%s %s", argv[i], argv[i + 1]);
		if (result >= 0 && text[0] != '\0') {
			printf("%s: OK %s\n", name, text);
			fflush(stdout);
		} else {
			say(name, result);
		}
	}
	return 0;
}
