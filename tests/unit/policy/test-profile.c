/* SPDX-License-Identifier: MIT */
/* Profiles: the shipped ones, lookup, extends, every refusal with its line, and who may own the file. */
#include "policy/profile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include "../tap.h"
#include "policy/profile-files.h"
#include "policy/profile-read.h"
#include "policy/syscalls.h"

static char folder[] = "/tmp/sandrun-test-profile-XXXXXX";
static char user_dir[64], installed_dir[64];

static void write_bytes(const char *path, const char *text, size_t len, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, text, len) != (ssize_t)len || fchmod(fd, mode) < 0)
		tap_note("cannot write %s: %s", path, strerror(errno));
	if (fd >= 0)
		(void)close(fd);
}

/* NAME.ini in one of the two folders. */
static void put(const char *dir, const char *name, const char *text)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/%s.ini", dir, name);
	write_bytes(path, text, strlen(text), 0600);
}

static void drop(const char *dir, const char *name)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/%s.ini", dir, name);
	(void)unlink(path);
}

static int load(const char *name, struct sr_policy *p, struct sr_error *err)
{
	const struct profile_places places = { .user = user_dir, .installed = installed_dir };

	*err = (struct sr_error)SR_ERROR_INIT;
	policy_init(p);
	return profile_load_from(&places, name, p, err);
}

/* --- one text ------------------------------------------------------------------------------------------------------- */

static int parse(const char *text, size_t len, struct sr_profile *profile, struct sr_error *err)
{
	*err = (struct sr_error)SR_ERROR_INIT;
	return profile_parse("x.ini", text, len, profile, err);
}

#define LINE_100 "; 3456789 123456789 123456789 123456789 123456789 123456789 123456789 123456789 123456789 123456789"
#define NAME_60 "abcdefghij_abcdefghij_abcdefghij_abcdefghij_abcdefghij_abcde"

static const struct {
	const char *text, *want;
} refused[] = {
	{ "[limits]\nmemory = 1G\n", "x.ini:2: unknown key \"memory\" in [limits]" },
	{ "[limit]\n", "x.ini:1: unknown section [limit]" },
	{ "\n\n[limit]\nmemory.max = 1G\n", "x.ini:3: unknown section [limit]" },
	{ "[" NAME_60 "]\n", "x.ini:1: unknown section [" NAME_60 "]" },
	{ "[" NAME_60 NAME_60 "]\n", "x.ini:1: a section name of 120 bytes" },
	{ "[limits]\n" NAME_60 " = 1\n", "x.ini:2: unknown key" },
	{ "memory.max = 1G\n", "x.ini:1: key \"memory.max\" stands before the first section" },
	{ "[limits]\nmemory.max\n", "x.ini:2: neither [section] nor key = value" },
	{ "[limits\nmemory.max = 1G\n", "x.ini:1: neither [section] nor key = value" },
	{ "[limits]\nmemory.max\npids.max = x\n", "x.ini:2: neither" },
	{ "[limits]\npids.max = x\nmemory.max\n", "x.ini:2: pids.max does not take \"x\"" },
	{ "[limits]\nmemory.max = 1G\nmemory.max = 1G\n", "x.ini:3: memory.max in [limits] a second time" },
	{ "[limits]\nmemory.max = 1G\n[rlimit]\n[limits]\nmemory.max = 2G\n", "x.ini:5: memory.max in [limits] a second time" },
	{ "[seccomp]\nallow = @base\nallow = @files\n", "x.ini:3: allow in [seccomp] a second time" },
	{ "[seccomp]\nallow = @base\n[seccomp]\n allow = @files\n", "x.ini:4: allow in [seccomp] a second time" },
	{ "[limits]\nmemory.max = 1G\n 2G\n", "x.ini:3: an indented line goes on with memory.max" },
	{ "[profile]\ndescription = x\n\tdeny = ptrace\n", "x.ini:3: an indented line goes on with description" },
	{ "[limits]\nmemory.max = 1X\n", "x.ini:2: memory.max does not take \"1X\"" },
	{ "[limits]\nmemory.max =\n", "x.ini:2: memory.max does not take \"\"" },
	{ "[limits]\nmemory.max = -1\n", "x.ini:2: memory.max does not take \"-1\"" },
	{ "[limits]\nmemory.max = 99999999999G\n", "x.ini:2: memory.max = 99999999999G is too large" },
	{ "[limits]\nmemory.max = 99999999999999999999\n", "is too large" },
	{ "[limits]\nmemory.max = 0\n", "x.ini:2: memory.max must not be 0" },
	{ "[limits]\nwall.time = 0s\n", "x.ini:2: wall.time must not be 0" },
	{ "[filesystem]\nwork.size = 0\n", "x.ini:2: work.size must not be 0" },
	{ "[filesystem]\ntmp.inodes = 0\n", "x.ini:2: tmp.inodes must not be 0" },
	{ "[rlimit]\nnofile = 0\n", "x.ini:2: nofile must not be 0" },
	{ "[limits]\nwall.time = 5 minutes\n", "x.ini:2: wall.time does not take" },
	{ "[limits]\npids.max = 12K\n", "x.ini:2: pids.max does not take \"12K\"" },
	{ "[limits]\npids.max = \x1b[31m\n", "x.ini:2: pids.max does not take \"\\x1b[31m\"" },
	{ "[network]\nmode = host\n", "x.ini:2: mode must be none, not \"host\"" },
	{ "[seccomp]\ndefault = ALLOW\n", "x.ini:2: default must be ENOSYS, not \"ALLOW\"" },
	{ "[seccomp]\nallow = @base @basis\n", "x.ini:2: unknown group \"@basis\"" },
	{ "[seccomp]\nallow = @base raed\n", "x.ini:2: unknown system call \"raed\"" },
	{ "[seccomp]\nallow = @base\n @files\n  raed\n", "x.ini:4: unknown system call \"raed\"" },
	{ "[seccomp]\nallow = @base # all\n", "x.ini:2: unknown system call \"#\"" },
	{ "[seccomp]\ndeny = nosuch\n", "x.ini:2: unknown system call \"nosuch\"" },
	{ "[seccomp]\nallow = mount\n", "x.ini:2: mount can never be allowed" },
	{ "[seccomp]\nallow = @mount\n", "x.ini:2: @mount can never be allowed" },
	{ "[seccomp]\nallow = unshare\n", "x.ini:2: unshare can never be allowed" },
	{ "[seccomp]\nallow = clone3\n", "x.ini:2: clone3 can never be allowed" },
	{ "[seccomp]\nallow = io_uring_setup\n", "x.ini:2: io_uring_setup can never be allowed" },
	{ "[seccomp]\nallow = ptrace\n", "x.ini:2: ptrace is allowed only together with its group @debug" },
	{ "[seccomp]\nallow = @base, @files\n", "x.ini:2: unknown group \"@base,\"" },
	{ "[profile]\nextends =\n", "x.ini:2: extends names no profile" },
	{ LINE_100 LINE_100 LINE_100 "\n[limits]\n", "x.ini:1: a line of" },
	{ "[seccomp]\nallow = @base\n; x\n" LINE_100 LINE_100 LINE_100, "x.ini:4: a line of" },
};

static void test_refused(void)
{
	for (size_t i = 0; i < SR_ELEMENTSOF(refused); i++) {
		struct sr_profile profile = { .extends = NULL };
		struct sr_error err;
		int r = parse(refused[i].text, strlen(refused[i].text), &profile, &err);

		OK(r < 0 && err.code == SR_E_PROFILE && err.status == 125 && strstr(err.text, refused[i].want), refused[i].want);
		if (r == 0 || !strstr(err.text, refused[i].want))
			tap_note("got %d, \"%s\"", r, err.text);
	}
}

static void test_bytes(void)
{
	static const char nul[] = "[limits]\npids.max = 3\0 0\n", head[] = "[limits]\n\0\npids.max = x\n";
	static const char mark[] = "\xef\xbb\xbf[limits]\r\npids.max = 7\r\n";
	struct sr_profile profile = { .extends = NULL };
	struct sr_error err;

	OK(parse(nul, sizeof(nul) - 1, &profile, &err) < 0 && strstr(err.text, "x.ini:2: a NUL byte"), "a NUL byte in a value");
	OK(parse(head, sizeof(head) - 1, &profile, &err) < 0 && strstr(err.text, "x.ini:2: a NUL byte"), "a NUL byte alone");
	OK(parse("", 0, &profile, &err) == 0, "an empty text says nothing");
	profile_done(&profile);
	OK(parse(mark, sizeof(mark) - 1, &profile, &err) == 0 &&
		   profile.limits[SR_LIMIT_pids].value == 7,
	   "a byte-order mark and carriage returns");
	profile_done(&profile);
	OK(parse("[limits]\npids.max = 8", 21, &profile, &err) == 0 && profile.limits[SR_LIMIT_pids].value == 8,
	   "no newline at the end");
	profile_done(&profile);
	OK(profile_parse("\x1b[2J.ini", "x", 1, &profile, &err) < 0 && !strchr(err.text, '\x1b'), "a name is escaped in messages");
	OK(profile_parse("x.ini", "x", 1, &profile, NULL) < 0, "nobody has to listen");
}

/* inih cuts lines that are longer than it takes: the last that fits is whole, one byte more is refused. */
static void test_longest_line(void)
{
	char text[512];
	struct sr_profile profile = { .extends = NULL };
	struct sr_error err;
	size_t fits = 0;

	for (size_t len = 100; len < 400; len++) {
		(void)snprintf(text, sizeof(text), "[limits]\npids.max = %0*d\n", (int)len - 11, 7);
		if (parse(text, strlen(text), &profile, &err) < 0)
			break;
		fits = profile.limits[SR_LIMIT_pids].value == 7 ? len : 0;
		profile_done(&profile);
	}
	OK(fits > 150 && fits < 399 && strstr(err.text, "x.ini:2: a line of"), "the longest line is read whole, a longer one refused");
	tap_note("the longest line has %zu bytes", fits);
}

static void test_accepted(void)
{
	static const char text[] = "; a comment\n# another\n[profile]\ndescription = for tests ; really\n"
				   "[seccomp]\nallow = @base read ; the rest\n  @files\n\n\t@debug io_setup ; and this\ndeny =\n"
				   "default = ENOSYS\n[limits]\nmemory.max: 1G\npids.max = unlimited\nwall.time = 1.5s\n"
				   "[rlimit]\nfsize = 0\n[output]\nstdio.max = max\nfiles.max = 0\n[network]\nmode = none\n";
	static const char *const names[] = { "@base", "read", "@files", "@debug", "io_setup" };
	struct sr_profile profile = { .extends = NULL };
	struct sr_error err;
	bool good = true;

	if (!IS_INT(parse(text, sizeof(text) - 1, &profile, &err), 0, "a text with everything")) {
		tap_note("%s", err.text);
		return;
	}
	IS_INT(profile.allow.count, SR_ELEMENTSOF(names), "a list over three lines, with comments");
	for (size_t i = 0; i < profile.allow.count && i < SR_ELEMENTSOF(names); i++)
		good = good && strcmp(profile.allow.items[i], names[i]) == 0;
	OK(good, "its names in order");
	IS_INT(profile.deny.count, 0, "an empty list");
	IS_INT(profile.limits[SR_LIMIT_memory_bytes].value, 1LL << 30, "memory.max, with a colon");
	OK(profile.limits[SR_LIMIT_pids].value == SR_UNLIMITED, "pids.max");
	IS_INT(profile.limits[SR_LIMIT_wall_ns].value, 1500000000LL, "wall.time");
	OK(profile.limits[SR_LIMIT_fsize_bytes].set && profile.limits[SR_LIMIT_fsize_bytes].value == 0, "fsize may be 0");
	OK(!profile.limits[SR_LIMIT_cpu_ns].set, "what is not there is not set");
	profile_done(&profile);
}

/* --- shipped -------------------------------------------------------------------------------------------------------- */

static void test_default(void)
{
	struct sr_policy p, builtin;
	struct sr_error err;

	policy_init(&builtin);
	if (!IS_INT(load(NULL, &p, &err), 0, "the default profile, compiled in")) {
		tap_note("%s", err.text);
		return;
	}
	IS_STR(p.profile_name, "default", "its name");
	OK(p.seccomp.shipped, "is shipped");
	OK(p.seccomp.allow.count > 10, "allows groups");
	for (int i = 0; i < SR_LIMIT_MAX; i++) {
		static const char *const names[] = {
#define SR_LIMIT_ROW(field, section, key, kind, dflt) "default.ini has the built-in value of [" section "] " key,
			SR_LIMITS(SR_LIMIT_ROW)
#undef SR_LIMIT_ROW
		};

		OK(p.limits[i].value == builtin.limits[i].value &&
			   (p.limits[i].source == SR_FROM_PROFILE || p.limits[i].value == SR_UNLIMITED), names[i]);
	}
	policy_done(&p);
}

static void put_changed(const struct sr_profile_text *t)
{
	SR_AUTOFREE char *text = strdup(t->text);

	if (!text || *text != ';')
		return;
	text[2] ^= 0x20;
	put(installed_dir, t->name, text);
}

/* Each shipped text, read as a file, must say what the build noted down for it. */
static void test_shipped(void)
{
	for (size_t i = 0; i < sr_profile_text_count; i++) {
		const struct sr_profile_text *t = &sr_profile_texts[i];
		struct sr_profile profile = { .extends = NULL };
		struct sr_policy p, noted;
		struct sr_error err;
		bool good = true;

		OK(parse(t->text, t->len, &profile, &err) == 0, t->name);
		policy_init(&p);
		policy_init(&noted);
		OK(profile_apply(&profile, &p, NULL) == 0 && profile_apply_shipped(t, &noted, NULL) == 0, "is applied");
		OK(memcmp(p.limits, noted.limits, sizeof(p.limits)) == 0, "the same limits as noted");
		good = p.seccomp.allow.count == noted.seccomp.allow.count && p.seccomp.deny.count == noted.seccomp.deny.count;
		for (size_t n = 0; good && n < p.seccomp.allow.count; n++)
			good = strcmp(p.seccomp.allow.items[n], noted.seccomp.allow.items[n]) == 0;
		OK(good, "the same lists as noted");
		put(installed_dir, t->name, t->text);
		policy_done(&p);
		OK(load(t->name, &p, &err) == 0 && p.seccomp.shipped, "and is shipped when it comes from the installed file");
		policy_done(&p);
		put_changed(t);
		OK(load(t->name, &p, &err) == 0 && !p.seccomp.shipped, "but not with one letter of a comment changed");
		drop(installed_dir, t->name);
		policy_done(&p);
		policy_done(&noted);
		profile_done(&profile);
	}
}

/* --- lookup and extends --------------------------------------------------------------------------------------------- */

static void test_lookup(void)
{
	struct sr_policy p;
	struct sr_error err;
	char path[128];

	put(installed_dir, "default", "[limits]\npids.max = 5\n");
	OK(load("default", &p, &err) == 0 && policy_limit(&p, SR_LIMIT_pids) == 5, "the installed file wins over the compiled-in text");
	OK(!p.seccomp.shipped && p.seccomp.allow.count == 0, "and is not shipped when it says something else");
	policy_done(&p);
	put(user_dir, "default", "[limits]\npids.max = 6\n");
	OK(load("default", &p, &err) == 0 && policy_limit(&p, SR_LIMIT_pids) == 6, "the user's file wins over both");
	policy_done(&p);
	put(user_dir, "default", "[profile]\nextends = default\n[limits]\nmemory.max = 7K\n");
	OK(load("default", &p, &err) == 0 && policy_limit(&p, SR_LIMIT_pids) == 5 &&
		   policy_limit(&p, SR_LIMIT_memory_bytes) == 7168,
	   "the user's default extends the installed one");
	policy_done(&p);
	drop(installed_dir, "default");
	OK(load("default", &p, &err) == 0 && p.seccomp.allow.count > 10 && !p.seccomp.shipped, "or the compiled-in one");
	policy_done(&p);
	drop(user_dir, "default");
	(void)snprintf(path, sizeof(path), "%s/mine.ini", folder);
	write_bytes(path, "[rlimit]\nnofile = 9\n", 20, 0600);
	OK(load(path, &p, &err) == 0 && policy_limit(&p, SR_LIMIT_nofile) == 9, "a path");
	IS_STR(p.profile_name, path, "is its own name");
	OK(!p.seccomp.shipped, "and not shipped");
	policy_done(&p);
	policy_init(&p);
	policy_set_limit(&p, SR_LIMIT_nofile, 11, SR_FROM_COMMAND_LINE);
	OK(profile_load(path, &p, &err) == 0 && policy_limit(&p, SR_LIMIT_nofile) == 11, "the command line is stronger");
	policy_done(&p);
	(void)unlink(path);
}

static bool fails(const char *name, const char *want)
{
	struct sr_policy p;
	struct sr_error err;
	int r = load(name, &p, &err);
	bool good = r < 0 && err.code == SR_E_PROFILE && strstr(err.text, want) && !p.profile_name && p.seccomp.allow.count == 0;

	if (!good)
		tap_note("got %d, \"%s\"", r, err.text);
	policy_done(&p);
	return good;
}

static bool works(const char *name)
{
	struct sr_policy p;
	struct sr_error err;
	int r = load(name, &p, &err);

	if (r < 0)
		tap_note("%s", err.text);
	policy_done(&p);
	return r == 0;
}

static void test_not_found(void)
{
	static const char *const names[] = { "nosuch", "", ".", "..", ".hidden", "-x", "a b", "\x1b[31m", "nosuch.ini" };
	char path[128];

	for (size_t i = 0; i < SR_ELEMENTSOF(names); i++)
		OK(fails(names[i], "cannot find profile"), "no such profile");
	(void)snprintf(path, sizeof(path), "%s/nosuch.ini", folder);
	OK(fails(path, "No such file"), "no such path");
	OK(fails(folder, "not a regular file"), "a folder");
	(void)snprintf(path, sizeof(path), "%s/fifo.ini", folder);
	(void)mkfifo(path, 0600);
	OK(fails(path, "not a regular file"), "a fifo does not block");
	(void)unlink(path);
}

static void test_extends(void)
{
	struct sr_policy p;
	struct sr_error err;
	char path[128], name[16], text[64];

	put(user_dir, "child", "[profile]\nextends = parent\n[seccomp]\nallow = @files\ndeny = write\n[limits]\npids.max = 3\n");
	put(user_dir, "parent", "[seccomp]\nallow = @base\ndeny = read\n[limits]\npids.max = 4\nmemory.max = 5K\n");
	OK(load("child", &p, &err) == 0 && policy_limit(&p, SR_LIMIT_pids) == 3 &&
		   policy_limit(&p, SR_LIMIT_memory_bytes) == 5120,
	   "the child's limits win, the parent's others hold");
	OK(p.seccomp.allow.count == 2 && strcmp(p.seccomp.allow.items[0], "@base") == 0 &&
		   strcmp(p.seccomp.allow.items[1], "@files") == 0 && p.seccomp.deny.count == 2,
	   "lists append to the parent's");
	IS_STR(p.profile_name, "child", "the child's name");
	policy_done(&p);
	put(user_dir, "bigger", "[profile]\nextends = default\n[limits]\nmemory.max = 2G\n");
	OK(load("bigger", &p, &err) == 0 && !p.seccomp.shipped && p.seccomp.allow.count > 10, "the shipped one with a larger limit");
	policy_done(&p);
	put(user_dir, "loop", "[profile]\nextends = loop\n");
	OK(fails("loop", "cannot find profile \"loop\""), "a name that extends itself and stands in front of nothing");
	put(user_dir, "a", "[profile]\nextends = b\n");
	put(user_dir, "b", "[profile]\nextends = a\n");
	OK(fails("a", "extends itself"), "a loop of two");
	put(user_dir, "b", "[profile]\nextends = ./a.ini\n");
	OK(fails("a", "extends itself"), "a loop through a path, from the file's folder");
	for (int i = 0; i < 9; i++) {
		(void)snprintf(name, sizeof(name), "n%d", i);
		(void)snprintf(text, sizeof(text), "[profile]\nextends = n%d\n", i + 1);
		put(user_dir, name, text);
	}
	OK(fails("n0", "more than 8 files"), "a chain that is too long");
	put(user_dir, "orphan", "[profile]\nextends = nosuch\n");
	OK(fails("orphan", "cannot find profile \"nosuch\""), "a parent that is not there");
	put(user_dir, "heir", "[profile]\nextends = parent\n[limits]\n");
	put(user_dir, "parent", "[limits]\n\nbad = 1\n");
	(void)snprintf(path, sizeof(path), "%s/parent.ini:3:", user_dir);
	OK(fails("heir", path), "an error names the parent's file and line");
}

/* --- owners --------------------------------------------------------------------------------------------------------- */

static void test_modes(void)
{
	static const struct {
		mode_t mode;
		const char *want; /* NULL: taken */
	} cases[] = {
		{ 0400, NULL },		       { 0644, NULL },	       { 0664, NULL },
		{ 0666, "everybody may write it" }, { 0602, "everybody may write it" },
	};
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/mode.ini", folder);
	for (size_t i = 0; i < SR_ELEMENTSOF(cases); i++) {
		struct sr_policy p;
		struct sr_error err;
		char name[64];
		int r;

		(void)unlink(path);
		write_bytes(path, "[limits]\n", 9, cases[i].mode);
		if (chown(path, (uid_t)-1, getegid()) < 0) /* a set-group-ID folder would give another one */
			tap_note("chown: %s", strerror(errno));
		(void)snprintf(name, sizeof(name), "mode %04o is %s", (unsigned int)cases[i].mode, cases[i].want ? "refused" : "taken");
		r = load(path, &p, &err);
		OK(cases[i].want ? r < 0 && strstr(err.text, cases[i].want) : r == 0, name);
		if (cases[i].want)
			OK(strstr(err.hint, "chmod o-w") && strstr(err.hint, path), "with the mend");
		policy_done(&p);
	}
	(void)unlink(path);
}

/* Needs somebody to give the file away: root, or a second group. */
static void test_foreign(void)
{
	char path[128];

	if (geteuid() != 0) {
		tap_skip("a foreign owner or group", "only root can give a file away");
		return;
	}
	(void)snprintf(path, sizeof(path), "%s/foreign.ini", folder);
	write_bytes(path, "[limits]\n", 9, 0664);
	OK(chown(path, 0, 12345) == 0 && fails(path, "a group that is not your primary one may write it"), "a foreign group, 0664");
	OK(chmod(path, 0644) == 0 && works(path), "is taken when it may only read");
	OK(chown(path, 12345, 0) == 0 && fails(path, "belongs to another user"), "another user's file");
	(void)unlink(path);
}

/* An access list: version 2, then tag, rights and id of the owner, a user, the group, the mask, others. */
static void test_access_list(void)
{
	static const unsigned char list[] = { 2, 0, 0, 0, 1, 0, 6, 0, 255, 255, 255, 255, 2,  0, 6, 0, 57,  48,  0,   0,
					      4, 0, 4, 0, 255, 255, 255, 255, 16, 0, 6, 0, 255, 255, 255, 255, 32, 0, 4, 0,
					      255, 255, 255, 255 };
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/list.ini", folder);
	write_bytes(path, "[limits]\n", 9, 0600);
	if (chown(path, (uid_t)-1, getegid()) < 0 || setxattr(path, "system.posix_acl_access", list, sizeof(list), 0) < 0)
		tap_skip("an access list", "this file system has none");
	else
		OK(fails(path, "its access list"), "an access list with a second writer");
	(void)unlink(path);
}

static void test_unreadable(void)
{
	char path[128];

	if (geteuid() == 0) {
		tap_skip("a file that cannot be read", "root reads everything");
		return;
	}
	(void)snprintf(path, sizeof(path), "%s/default.ini", user_dir);
	write_bytes(path, "[limits]\n", 9, 0);
	OK(fails("default", "Permission denied"), "an unreadable file is no missing file");
	(void)unlink(path);
	(void)chmod(user_dir, 0);
	OK(works("default"), "a folder that cannot be searched is");
	(void)chmod(user_dir, 0700);
}

static void test_size(void)
{
	SR_AUTOFREE char *big = malloc(SR_PROFILE_SIZE_MAX + 1);
	char path[128];

	if (!big)
		return;
	for (size_t i = 0; i <= SR_PROFILE_SIZE_MAX; i++)
		big[i] = i % 64 == 63 ? '\n' : ';';
	(void)snprintf(path, sizeof(path), "%s/big.ini", folder);
	write_bytes(path, big, SR_PROFILE_SIZE_MAX, 0600);
	OK(works(path), "a file of 64K");
	write_bytes(path, big, SR_PROFILE_SIZE_MAX + 1, 0600);
	OK(fails(path, "File too large"), "and one byte more");
	(void)unlink(path);
}

static void test_environment(void)
{
	struct sr_policy p;
	struct sr_error err = SR_ERROR_INIT;
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/config/sandrun/profiles", folder);
	(void)setenv("HOME", folder, 1);
	for (size_t i = strlen(folder) + 1; path[i]; i++) {
		if (path[i] != '/')
			continue;
		path[i] = '\0';
		(void)mkdir(path, 0700);
		path[i] = '/';
	}
	(void)mkdir(path, 0700);
	put(path, "mine", "[limits]\npids.max = 21\n");
	(void)snprintf(path, sizeof(path), "%s/config", folder);
	(void)setenv("XDG_CONFIG_HOME", path, 1);
	policy_init(&p);
	OK(profile_load("mine", &p, &err) == 0 && policy_limit(&p, SR_LIMIT_pids) == 21, "$XDG_CONFIG_HOME");
	policy_done(&p);
	(void)setenv("XDG_CONFIG_HOME", "config", 1);
	policy_init(&p);
	OK(profile_load("mine", &p, &err) == -ENOENT, "is ignored when it is relative");
	policy_done(&p);
	(void)unsetenv("XDG_CONFIG_HOME");
	(void)unsetenv("HOME");
	policy_init(&p);
	OK(profile_load(NULL, &p, &err) == 0, "without HOME the default is there");
	policy_done(&p);
}

static void test_syscall_table(void)
{
	bool good = true;

	for (int i = 0; i < SR_SYSCALL_MAX; i++)
		good = good && syscalls_find(sr_syscalls[i].name) == i && *sr_syscalls[i].reason;
	OK(good, "every call is there once, with a reason");
	for (int i = 0; i < SR_GROUP_ID_MAX; i++) {
		good = good && syscalls_find_group(sr_syscall_groups[i].name) == i && *sr_syscall_groups[i].reason &&
		       *sr_syscall_groups[i].name == '@' && !strchr(sr_syscall_groups[i].name, '_');
	}
	OK(good, "every group is there once, with a reason");
}

/* Best of many: the number of interest is the code's, not the machine's. */
static void note_time(void)
{
	double best = 1e9;

	for (int i = 0; i < 50; i++) {
		struct timespec a, b;
		struct sr_policy p;
		struct sr_error err;
		double us;

		(void)clock_gettime(CLOCK_MONOTONIC, &a);
		if (load(NULL, &p, &err) < 0)
			return;
		(void)clock_gettime(CLOCK_MONOTONIC, &b);
		policy_done(&p);
		us = (double)(b.tv_sec - a.tv_sec) * 1e6 + (double)(b.tv_nsec - a.tv_nsec) / 1e3;
		best = us < best ? us : best;
	}
	tap_note("the default profile is read in %.0f us", best);
}

int main(void)
{
	char command[128];

	if (!mkdtemp(folder))
		return 1;
	(void)snprintf(user_dir, sizeof(user_dir), "%s/user", folder);
	(void)snprintf(installed_dir, sizeof(installed_dir), "%s/installed", folder);
	(void)mkdir(user_dir, 0700);
	(void)mkdir(installed_dir, 0700);
	test_refused();
	test_bytes();
	test_longest_line();
	test_accepted();
	test_default();
	test_shipped();
	test_lookup();
	test_not_found();
	test_extends();
	test_modes();
	test_foreign();
	test_access_list();
	test_unreadable();
	test_size();
	test_syscall_table();
	note_time();
	test_environment();
	(void)snprintf(command, sizeof(command), "rm -rf %s", folder);
	if (system(command) != 0)
		tap_note("cannot remove %s", folder);
	return tap_done();
}
