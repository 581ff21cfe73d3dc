/* SPDX-License-Identifier: MIT */
/* Environments: what is taken for one, and that a hostile tree leads nobody out of it. */
#include "plan/environment.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../tap.h"

static char base[] = "/tmp/test-environment-XXXXXX";

/* A path beneath the test's folder; one of a few static buffers. */
static const char *at(const char *name)
{
	static char buffers[4][256];
	static unsigned next;
	char *out = buffers[next++ % 4];

	(void)snprintf(out, sizeof(buffers[0]), "%s/%s", base, name);
	return out;
}

static bool put(const char *name, mode_t mode)
{
	int fd = open(at(name), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	return fd >= 0 && write(fd, "#!/bin/sh\n", 10) == 10 && fchmod(fd, mode) == 0 && close(fd) == 0;
}

static bool folder(const char *name)
{
	return mkdir(at(name), 0755) == 0;
}

static bool link_to(const char *target, const char *name)
{
	return symlink(target, at(name)) == 0;
}

static void found(const struct sr_environment *e, const char *name, int result, const char *path, const char *what)
{
	SR_AUTOFREE char *got = NULL;
	int r = environment_find_program(e, name, &got);

	if (!OK(r == result && (r < 0 ? !got : strcmp(got, path) == 0), what))
		tap_note("%s: %d %s", name, r, got ? got : "-");
}

static void make_tree(void)
{
	OK(folder("tree") && folder("tree/usr") && folder("tree/usr/bin") && folder("tree/usr/local") &&
		   folder("tree/usr/local/bin") && folder("tree/opt"),
	   "a tree");
	OK(put("tree/usr/bin/tool", 0755) && put("tree/usr/bin/plain", 0644) && put("tree/opt/real", 0755) &&
		   put("tree/usr/local/bin/twice", 0755) && put("tree/usr/bin/twice", 0755) &&
		   put("tree/usr/local/bin/half", 0644) && put("tree/usr/bin/half", 0755) && put("outside", 0755) &&
		   folder("tree/usr/bin/dir") && mkfifo(at("tree/usr/bin/fifo"), 0755) == 0,
	   "files of all kinds");
	OK(link_to("usr/bin", "tree/bin") && link_to("/opt/real", "tree/usr/bin/absolute") &&
		   link_to("../../opt/real", "tree/usr/bin/relative") && link_to("loop2", "tree/usr/bin/loop1") &&
		   link_to("loop1", "tree/usr/bin/loop2") && link_to("/../../../../../opt/real", "tree/usr/bin/dots") &&
		   link_to("../../../outside", "tree/usr/bin/climb") && link_to(at("outside"), "tree/usr/bin/escape") &&
		   link_to("/bin/sh", "tree/usr/bin/hostshell") && link_to("/proc/self/exe", "tree/usr/bin/magic") &&
		   link_to("/", "tree/sbin"),
	   "links of all kinds");
}

static void test_tree(void)
{
	struct sr_environment e = SR_ENVIRONMENT_INIT;
	struct sr_error err = SR_ERROR_INIT;
	struct stat st;

	make_tree();
	IS_INT(environment_open(at("tree"), &e, &err), 0, "a tree is an environment");
	IS_INT(e.kind, SR_ENVIRONMENT_TREE, "of that kind");
	OK(e.layers.count == 1 && *e.layers.items[0].path == '/' && stat(at("tree"), &st) == 0 &&
		   st.st_ino == e.layers.items[0].ino && st.st_dev == e.layers.items[0].dev,
	   "with its path and identity");
	found(&e, "tool", 0, "/usr/bin/tool", "a program in PATH");
	found(&e, "/bin/tool", 0, "/bin/tool", "an absolute path through a link of the root");
	found(&e, "twice", 0, "/usr/local/bin/twice", "PATH's order");
	found(&e, "half", 0, "/usr/bin/half", "a file that is not executable is passed by");
	found(&e, "plain", -EACCES, NULL, "unless there is no other");
	found(&e, "dir", -EACCES, NULL, "a folder is no program");
	found(&e, "fifo", -EACCES, NULL, "a FIFO is no program and nobody waits for it");
	found(&e, "absolute", 0, "/usr/bin/absolute", "an absolute link starts at the tree's root");
	found(&e, "relative", 0, "/usr/bin/relative", "a relative link");
	found(&e, "dots", 0, "/usr/bin/dots", "'..' stops at the tree's root");
	OK(access(at("outside"), X_OK) == 0 && access("/bin/sh", X_OK) == 0, "(the files outside would do)");
	found(&e, "climb", -ENOENT, NULL, "a relative link out of the tree leads nowhere");
	found(&e, "escape", -ENOENT, NULL, "an absolute link to a file of the host leads nowhere");
	found(&e, "hostshell", -ENOENT, NULL, "nor one to the host's shell");
	found(&e, "magic", -ENOENT, NULL, "nor one to a process");
	found(&e, "loop1", -ENOENT, NULL, "links in a circle end");
	found(&e, "absent", -ENOENT, NULL, "what is not there");
	found(&e, "", -ENOENT, NULL, "an empty name");
	found(&e, "usr/bin/tool", -ENOENT, NULL, "a relative path");
	found(&e, "/usr/bin/tool/x", -ENOENT, NULL, "a path through a file");
	environment_done(&e);
	IS_INT(e.layers.count, 0, "closed");
	environment_done(&e);
}

static void test_near(void)
{
	struct sr_environment e = SR_ENVIRONMENT_INIT;
	struct sr_error err = SR_ERROR_INIT;
	struct sr_strv near = { 0 };

	OK(put("tree/usr/bin/python3", 0755) && put("tree/usr/bin/python3.11", 0755) && put("tree/usr/bin/python3-config", 0755) &&
		   put("tree/usr/bin/python.txt", 0644),
	   "some names");
	IS_INT(environment_open(at("tree"), &e, &err), 0, "the tree again");
	IS_INT(environment_programs_like(&e, "python", 9, &near), 0, "what is near");
	IS_INT(near.count, 2, "programs only, each once");
	strv_done(&near);
	IS_INT(environment_programs_like(&e, "python", 1, &near), 0, "not more than asked for");
	IS_INT(near.count, 1, "is one");
	strv_done(&near);
	environment_done(&e);
}

static void test_host(void)
{
	struct sr_environment e = SR_ENVIRONMENT_INIT;
	struct sr_error err = SR_ERROR_INIT;
	SR_AUTOFREE char *path = NULL;

	IS_INT(environment_open(NULL, &e, &err), 0, "without a name it is the host");
	IS_INT(e.kind, SR_ENVIRONMENT_HOST, "of that kind");
	IS_INT(environment_find_program(&e, "sh", &path), 0, "sh");
	OK(path && str_has_suffix(path, "/bin/sh"), "is in a bin folder");
	found(&e, "/bin/sh", 0, "/bin/sh", "by its path");
	OK(access(at("outside"), X_OK) == 0, "(an executable file of the host)");
	found(&e, at("outside"), -ENOENT, NULL, "outside /usr is not in the sandbox");
	found(&e, "/etc/passwd", -ENOENT, NULL, "nor is what lies in /etc");
	environment_done(&e);
	IS_INT(environment_open("host", &e, &err), 0, "by its name");
	environment_done(&e);
}

static void refused(const char *name, const char *text, const char *what)
{
	struct sr_environment e = SR_ENVIRONMENT_INIT;
	struct sr_error err = SR_ERROR_INIT;
	int r = environment_open(name, &e, &err);

	if (!OK(r < 0 && err.code == SR_E_ENVIRONMENT && err.status == 125 && strstr(err.text, text) && e.root_fd == -1 && !e.layers.count, what))
		tap_note("%d %s", r, err.text);
	if (r == 0)
		environment_done(&e);
}

static void test_refusals(void)
{
	OK(folder("empty") && folder("closed") && folder("closed/tree") && folder("closed/tree/usr"), "bad folders");
	OK(folder("lure") && link_to("/usr", "lure/usr") && link_to("/", "root"), "and links");
	refused("/", "this machine's own root", "the root");
	refused(at("root"), "this machine's own root", "a link to the root");
	refused(at("empty"), "no /usr and no /bin", "an empty folder");
	refused(at("lure"), "no /usr and no /bin", "a link to the host's /usr is none of its own");
	refused(at("outside"), "not a folder", "a file");
	refused(at("absent"), "No such file", "a path that is not there");
	refused("debian", "no such environment", "a name that is not there");
	if (geteuid() != 0) {
		OK(chmod(at("closed"), 0) == 0, "a closed folder");
		refused(at("closed/tree"), "Permission denied", "cannot be entered");
		OK(chmod(at("closed"), 0700) == 0, "open again");
	} else {
		tap_skip("cannot be entered", "root enters every folder");
	}
}

int main(void)
{
	char command[300];

	if (!mkdtemp(base) || chmod(base, 0755) < 0)
		return 1;
	test_tree();
	test_near();
	test_host();
	test_refusals();
	(void)snprintf(command, sizeof(command), "rm -rf '%s'", base);
	OK(system(command) == 0, "all is gone");
	return tap_done();
}
