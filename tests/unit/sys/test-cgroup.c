/* SPDX-License-Identifier: MIT */
/* Control files as plain files: what is read, what is refused. The real ones are tried in the guest (tests/vm). */
#include "sys/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "tap.h"

static int dir;

static void put(const char *name, const char *text)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		tap_note("cannot write %s", name);
	(void)close(fd);
}

int main(void)
{
	char path[] = "/tmp/sandrun-cgroup.XXXXXX", buf[16];
	uint64_t v = 7;

	if (!mkdtemp(path) || (dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
		return 1;
	put("number", "4096\n");
	put("max", "max\n");
	put("words", "12 apples\n");
	put("empty", "");
	put("cpu.stat", "usage_usec 10\nuser_usec 7\nsystem_usec_more 5\nsystem_usec 3\nbad x\n");
	IS_INT(cgroup_read_number(dir, "number", &v), 0, "a number is read");
	OK(v == 4096, "as it is");
	IS_INT(cgroup_read_number(dir, "max", &v), 0, "max is one");
	OK(v == SR_UNLIMITED, "without a limit");
	v = 7;
	OK(cgroup_read_number(dir, "words", &v) < 0 && v == 7, "words are none");
	OK(cgroup_read_number(dir, "empty", &v) < 0 && v == 7, "nothing is none");
	IS_INT(cgroup_read_number(dir, "missing", &v), -ENOENT, "a missing file is no 0");
	IS_INT(cgroup_read_key(dir, "cpu.stat", "user_usec", &v), 0, "a key is found");
	OK(v == 7, "with its number");
	IS_INT(cgroup_read_key(dir, "cpu.stat", "system_usec", &v), 0, "a key that another one begins with");
	OK(v == 3, "is itself");
	v = 7;
	IS_INT(cgroup_read_key(dir, "cpu.stat", "nothing", &v), -ENODATA, "a missing key is no 0");
	OK(cgroup_read_key(dir, "cpu.stat", "bad", &v) < 0 && v == 7, "nor is a word");
	IS_INT(cgroup_read(dir, "cpu.stat", buf, sizeof(buf)), 15, "a long file is cut");
	IS_STR(buf, "usage_usec 10\nu", "and ends in a NUL");
	IS_INT(cgroup_write(dir, "number", "1"), 0, "a file is written");
	IS_INT(cgroup_write(dir, "missing", "1"), -ENOENT, "none is made");
	OK(symlinkat("number", dir, "link") == 0 && cgroup_write(dir, "link", "1") == -ELOOP, "no link is followed");
	OK(cgroup_is_populated(dir), "what cannot be read counts as populated");
	OK(!cgroup_is_delegated(dir), "an unmarked folder is not delegated");
	OK(cgroup_is_root(dir), "a folder without cgroup.type is a top");
	OK(!cgroup_is_writable(dir), "without the control files nothing is the caller's");
	for (const char *const *name = (const char *const[]){ "number", "max", "words", "empty", "cpu.stat", "link", NULL }; *name; name++)
		(void)unlinkat(dir, *name, 0);
	(void)rmdir(path);
	return tap_done();
}
