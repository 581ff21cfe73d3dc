/* SPDX-License-Identifier: MIT */
/* What `profile check` finds, rule by rule, each beside a text that is one step away and clean; the listing; reading with notes. */
#include "policy/profile-lint.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../tap.h"
#include "policy/profile-list.h"
#include "policy/profile-origin.h"

static char folder[] = "/tmp/sandrun-test-lint-XXXXXX";
static char user_dir[64], installed_dir[64];
static struct profile_places places;

static void put(const char *path, const char *text, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text) || fchmod(fd, mode) < 0)
		tap_note("cannot write %s: %s", path, strerror(errno));
	if (fd >= 0)
		(void)close(fd);
}

static void put_in(const char *dir, const char *name, const char *text)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	put(path, text, 0600);
}

static void drop_in(const char *dir, const char *name)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	(void)unlink(path);
}

/* Lints a text as a file; two processors. */
static int lint(const char *text, struct sr_findings *found)
{
	struct sr_error err = SR_ERROR_INIT;
	char path[128];
	int r;

	(void)snprintf(path, sizeof(path), "%s/x.ini", folder);
	put(path, text, 0600);
	r = profile_lint(&places, path, 2, found, &err);
	if (r < 0)
		tap_note("%s", err.text);
	return r;
}

/* After a check that failed: what was found. */
static void show(const struct sr_findings *f)
{
	static int shown;

	if (tap_failures == shown)
		return;
	shown = tap_failures;
	for (size_t i = 0; i < f->count; i++)
		tap_note("%s:%u: %s: %s (%s)", f->items[i].file, f->items[i].line, f->items[i].error ? "error" : "warning",
			 f->items[i].text, f->items[i].mend);
}

/* --- rules ---------------------------------------------------------------------------------------------------------- */

#define CHILD "[profile]\nextends = default\n"
#define BASE "@base @files @process @memory"

/* `bad` gives one finding, on that line; `good` none. */
static const struct {
	const char *name, *bad, *good;
	unsigned int line;
	bool error;
	const char *text, *mend;
} rules[] = {
	{ "a near name", CHILD "[seccomp]\ndeny = clockgettime\n", CHILD "[seccomp]\ndeny = clock_gettime\n", 4, true,
	  "unknown system call \"clockgettime\"", "did you mean clock_gettime?" },
	{ "a near group", CHILD "[seccomp]\nallow = @dbug\n", CHILD, 4, true, "unknown group \"@dbug\"", "did you mean @debug?" },
	{ "no near name", CHILD "[seccomp]\nallow = xyzzy\n", CHILD, 4, true, "unknown system call \"xyzzy\"", "groups start with @" },
	{ "a refused call", CHILD "[seccomp]\nallow = mount\n", CHILD "[seccomp]\nallow = io_setup\n", 4, true,
	  "mount can never be allowed: mounts and roots", "take mount out" },
	{ "a refused group", CHILD "[seccomp]\nallow = @namespaces\n", CHILD "[seccomp]\nallow = @aio\n", 4, true,
	  "@namespaces can never be allowed: new or foreign namespaces", "take @namespaces out" },
	{ "an absent call", CHILD "[seccomp]\nallow = clone3\n", CHILD, 4, true, "clone3 can never be allowed", "take clone3 out" },
	{ "a guarded call", CHILD "[seccomp]\nallow = ptrace\n", CHILD, 4, true, "ptrace is allowed only together with its group @debug",
	  "allow = @debug" },
	{ "a guarded group", CHILD "[seccomp]\nallow = @debug\n", CHILD, 4, false, "@debug opens a large piece of the kernel", "leave @debug out" },
	{ "a call of an allowed group", CHILD "[seccomp]\nallow = @aio io_setup\n", CHILD "[seccomp]\nallow = @aio move_pages\n", 4, false,
	  "io_setup is allowed already, by @aio (line 4)", "take io_setup out" },
	{ "a call before its group", CHILD "[seccomp]\nallow = io_setup\n\n @aio\n", CHILD "[seccomp]\nallow = io_setup\n", 4, false,
	  "io_setup is allowed already, by @aio (line 6)", "take io_setup out" },
	{ "a call twice", CHILD "[seccomp]\nallow = io_setup\n  io_setup\n", CHILD "[seccomp]\nallow = io_setup io_destroy\n", 5, false,
	  "io_setup is allowed already, by io_setup (line 4)", "take io_setup out" },
	{ "a group twice", CHILD "[seccomp]\nallow = @aio @aio\n", CHILD "[seccomp]\nallow = @aio @pages\n", 4, false,
	  "@aio is allowed already, by @aio (line 4)", "take @aio out" },
	{ "a call that the parent allows", CHILD "[seccomp]\nallow = mkdir\n", CHILD "[seccomp]\nallow = io_setup\n", 4, false,
	  "mkdir is allowed already, by @files (default:", "take mkdir out" },
	{ "a deny over an allow by name", CHILD "[seccomp]\nallow = io_setup\ndeny = @aio\n",
	  CHILD "[seccomp]\nallow = @aio\ndeny = io_setup\n", 5, false, "deny takes back io_setup, which line 4 allows", "one of the lists" },
	{ "a deny of what was never allowed", CHILD "[seccomp]\ndeny = io_setup\n", CHILD "[seccomp]\ndeny = mkdir\n", 4, false,
	  "io_setup is denied but was never allowed: its answer becomes EPERM instead of ENOSYS", "take io_setup out" },
	{ "a deny of what is refused anyway", CHILD "[seccomp]\ndeny = ptrace\n", CHILD "[seccomp]\ndeny = @sockets-inet\n", 4, false,
	  "ptrace is denied but was never allowed: nothing changes", "take ptrace out" },
	{ "a deny twice", CHILD "[seccomp]\ndeny = @time nanosleep\n", CHILD "[seccomp]\ndeny = @time mkdir\n", 4, false,
	  "nanosleep is denied already, by @time (line 4)", "take nanosleep out" },
	{ "a deny that stops everything", CHILD "[seccomp]\ndeny = exit_group\n", CHILD "[seccomp]\ndeny = kill\n", 4, true,
	  "deny names exit_group, without which no program can run", "take exit_group out" },
	{ "nothing allowed", "[limits]\npids.max = 5\n", CHILD "[limits]\npids.max = 5\n", 1, true, "it allows no system calls",
	  "extends = default" },
	{ "not the calls that start a program", "[seccomp]\nallow = @base\n", "[seccomp]\nallow = " BASE "\n", 2, true,
	  "nothing allows execve, so no program can run", "extends = default" },
	{ "no @base", "[seccomp]\nallow = execve exit exit_group\n  @files\n", "[seccomp]\nallow = " BASE "\n", 2, false,
	  "calls of @base are not allowed (read, ...)", "allow @base" },
	{ "internet without sockets", "[seccomp]\nallow = " BASE " @sockets-inet\n", "[seccomp]\nallow = " BASE " @sockets-inet @sockets-local\n",
	  2, false, "@sockets-inet does nothing", "allow @sockets-local too" },
	{ "no memory", CHILD "[limits]\nmemory.max = 512\n", CHILD "[limits]\nmemory.max = 512M\n", 4, false,
	  "memory.max = 512: no interpreter starts in it", "unit missing" },
	{ "no files", CHILD "[rlimit]\nnofile = 8\n", CHILD "[rlimit]\nnofile = 32\n", 4, false, "nofile = 8: interpreters need more", "256" },
	{ "no children", CHILD "[limits]\npids.max = 1\n", CHILD "[limits]\npids.max = 2\n", 4, false,
	  "pids.max = 1: the program can start no thread and no child", "128" },
	{ "no stack", CHILD "[rlimit]\nstack = 8\n", CHILD "[rlimit]\nstack = 1M\n", 4, false, "stack = 8: ", "8M" },
	{ "no time", CHILD "[limits]\nwall.time = 10ms\ncpu.time = 10ms\n", CHILD "[limits]\nwall.time = 10s\ncpu.time = 10s\n", 4, false,
	  "wall.time = 10ms: no interpreter starts in it", "ms, s, m, h" },
	{ "files over memory", CHILD "[filesystem]\nwork.size = 400M\n", CHILD "[filesystem]\nwork.size = 300M\n", 4, false,
	  "work.size + tmp.size + shm.size = 528M is more than memory.max = 512M", "raise memory.max" },
	{ "less memory than files", CHILD "[limits]\nmemory.max = 383M\n", CHILD "[limits]\nmemory.max = 384M\n", 4, false, "= 384M is more than memory.max = 383M",
	  "lower work.size" },
	{ "no bound at all", CHILD "[limits]\nmemory.max = unlimited\n[filesystem]\nwork.size = unlimited\n",
	  CHILD "[limits]\nmemory.max = unlimited\n", 4, false, "nothing bounds the memory of a run", "give memory.max a size" },
	{ "a file larger than its folder", CHILD "[rlimit]\nfsize = 257M\n", CHILD "[rlimit]\nfsize = unlimited\n", 4, false,
	  "fsize = 257M is never reached: no file is larger than work.size = 256M", "lower fsize to 256M" },
	{ "a file with a place in /tmp", CHILD "[rlimit]\nfsize = 257M\n[limits]\nmemory.max = 1G\n[filesystem]\ntmp.size = 200M\n",
	  CHILD "[rlimit]\nfsize = 257M\n[limits]\nmemory.max = 1G\n[filesystem]\ntmp.size = 300M\n", 4, false, "fsize = 257M", "" },
	{ "outputs larger than /work", CHILD "[output]\nbytes.max = 1G\n", CHILD "[output]\nbytes.max = 100M\n", 4, false,
	  "bytes.max = 1G is never reached: work.size = 256M, and outputs come from /work", "lower bytes.max to 256M" },
	{ "processor time over wall time", CHILD "[limits]\ncpu.time = 6m\n", CHILD "[limits]\ncpu.time = 5m\n", 4, false,
	  "cpu.time = 6m is never reached: wall.time = 5m holds 5m of processor time at most (cpu.max = 100%)", "lower cpu.time to 5m" },
	{ "on all processors", CHILD "[limits]\ncpu.time = 11m\ncpu.max = unlimited\n", CHILD "[limits]\ncpu.time = 10m\ncpu.max = unlimited\n", 4,
	  false, "holds 10m of processor time at most (2 processors)", "lower cpu.time to 10m" },
	{ "a window that stops nothing", CHILD "[limits]\ncpu.window = 60s/60s\n", CHILD "[limits]\ncpu.window = 10s/60s\n", 4, false,
	  "cpu.window = 60s/60s stops nothing", "lower the first" },
	{ "swap", CHILD "[limits]\nmemory.swap.max = 1M\n", CHILD "[limits]\nmemory.swap.max = 0\n", 4, false, "may be written to the disk",
	  "memory.swap.max = 0" },
	{ "high over max", CHILD "[limits]\nmemory.high = 600M\n", CHILD "[limits]\nmemory.high = 400M\n", 4, false,
	  "memory.high = 600M is never reached: memory.max = 512M", "lower memory.high to 512M" },
	{ "a stack larger than memory", CHILD "[rlimit]\nstack = 1G\n", CHILD "[rlimit]\nstack = 64M\n", 4, false, "stack = 1G is never reached",
	  "raise memory.max" },
	{ "an unknown key", CHILD "[limits]\nmemory = 1G\n", CHILD, 4, true, "unknown key \"memory\" in [limits]", "[limits] takes memory.max" },
	{ "no parent", "[profile]\nextends = nosuch\n", CHILD, 2, true, "cannot find profile \"nosuch\"", "shipped profiles" },
	{ "its own parent", "[profile]\n\nextends = ./x.ini\n", CHILD, 3, true, "with \"./x.ini\" it extends itself", "" },
};

static void test_rules(void)
{
	for (size_t i = 0; i < SR_ELEMENTSOF(rules); i++) {
		struct sr_findings bad = { .count = 0 }, good = { .count = 0 };
		const struct sr_finding *f;
		char name[256];
		bool right;

		(void)snprintf(name, sizeof(name), "%s: found", rules[i].name);
		right = lint(rules[i].bad, &bad) == 0 && bad.count == 1;
		f = right ? &bad.items[0] : NULL;
		OK(right && f->line == rules[i].line && f->error == rules[i].error && strstr(f->text, rules[i].text) &&
			   strstr(f->mend, rules[i].mend) && strstr(f->file, "/x.ini"),
		   name);
		show(&bad);
		(void)snprintf(name, sizeof(name), "%s: one step beside it is clean", rules[i].name);
		OK(lint(rules[i].good, &good) == 0 && good.count == 0, name);
		show(&good);
		findings_done(&bad);
		findings_done(&good);
	}
}

/* A parent in the user's folder: its denies hold for the child, its own faults are not the child's. */
static void test_parents(void)
{
	struct sr_findings f = { .count = 0 };

	put_in(user_dir, "parent.ini", CHILD "[seccomp]\ndeny = mkdir\nallow = @aio @aio\n[limits]\npids.max = 1\n");
	OK(lint("[profile]\nextends = parent\n", &f) == 0 && f.count == 0, "warnings about a parent are not the child's");
	show(&f);
	findings_done(&f);
	OK(lint("[profile]\nextends = parent\n[seccomp]\nallow = mkdir\n", &f) == 0 && f.count == 1 &&
		   strstr(f.items[0].text, "mkdir stays denied: ") && strstr(f.items[0].text, "/parent.ini:4 denies mkdir"),
	   "a child cannot give back what its parent denies");
	show(&f);
	findings_done(&f);
	OK(lint("[profile]\nextends = parent\n[seccomp]\ndeny = mkdir\n", &f) == 0 && f.count == 1 &&
		   strstr(f.items[0].text, "mkdir is denied already, by mkdir (") && strstr(f.items[0].text, "/parent.ini:4)"),
	   "nor needs to deny it again");
	findings_done(&f);
	OK(lint("[profile]\nextends = parent\n[limits]\npids.max = 1\n", &f) == 0 && f.count == 1 && f.items[0].line == 4,
	   "a limit is the fault of who sets it");
	findings_done(&f);
	put_in(user_dir, "parent.ini", "[profile]\nextends = default\n[limits]\npids.max = x\nbar = 1\n");
	OK(lint("[limits]\npids.max = 1\n[profile]\nextends = parent\n", &f) == 0 && f.count == 3 && f.items[0].depth == 0 &&
		   f.items[0].line == 2 && f.items[1].depth == 1 && f.items[1].error && f.items[1].line == 4 && f.items[2].line == 5 &&
		   strstr(f.items[1].file, "/parent.ini"),
	   "what a run refuses in a parent is reported, behind the file's own");
	show(&f);
	findings_done(&f);
	drop_in(user_dir, "parent.ini");
}

/* Everything that is wrong with a text, and nothing twice. */
static void test_all_errors(void)
{
	static const char text[] = "before = 1\n[limits]\nmemory.max = 1X\nnonsense\n\n; comment\n[limts]\nfoo = 1\nmore nonsense\n[rlimit]\n"
				   "nofile = -1\nfsize = 1M\nfsize = 2M\n[seccomp\nallow = @base\n[profile]\nextends = default\n extends\n"
				   "[network]\nmode = host\n";
	static const unsigned int lines[] = { 1, 3, 4, 7, 11, 13, 14, 18, 20 };
	struct sr_findings f = { .count = 0 };
	bool good = true;

	if (!OK(lint(text, &f) == 0 && f.count == SR_ELEMENTSOF(lines), "each wrong line is found once"))
		show(&f);
	for (size_t i = 0; i < f.count && i < SR_ELEMENTSOF(lines); i++)
		good = good && f.items[i].error && f.items[i].line == lines[i];
	if (!OK(good, "in the order of the lines"))
		show(&f);
	findings_done(&f);
}

static void test_bytes(void)
{
	static const char nul[] = "[limits]\n\0\npids.max = x\n";
	char longer[900] = "[limits]\npids.max = x\n;", path[128];
	struct sr_profile profile = { .extends = NULL };
	struct sr_profile_notes notes = { .description = NULL };
	struct sr_findings f = { .count = 0 };
	struct sr_error err = SR_ERROR_INIT;

	OK(profile_parse_noted("x", nul, sizeof(nul) - 1, &profile, &notes, &err) == 0 && notes.problems.count == 2 &&
		   strstr(notes.problems.items[0].reason, "a NUL byte") && notes.problems.items[0].line == 2 && notes.problems.items[1].line == 3,
	   "behind a NUL the reading goes on");
	profile_notes_done(&notes);
	profile_done(&profile);
	memset(longer + strlen(longer), 'x', 500);
	(void)strcat(longer, "\n[rlimit]\nnofile = x\n");
	OK(lint(longer, &f) == 0 && f.count == 3 && f.items[1].line == 3 && strstr(f.items[1].text, "a line of") && f.items[2].line == 5,
	   "and behind a line that is too long");
	show(&f);
	findings_done(&f);
	OK(lint("\xef\xbb\xbf; mark\n[profile]\nextends = default\n", &f) == 0 && f.count == 0, "a byte-order mark before a comment");
	show(&f);
	findings_done(&f);
	OK(lint("[limits]\n\x1b[31m = 1\n[profile]\nextends = default\n", &f) == 0 && f.count == 1 && !strchr(f.items[0].text, '\x1b'),
	   "texts are fit for a terminal");
	findings_done(&f);
	(void)snprintf(path, sizeof(path), "%s/a\x1b.ini", folder);
	put(path, "[limits]\npids.max = x\n[profile]\nextends = default\n", 0600);
	OK(profile_lint(&places, path, 2, &f, &err) == 0 && f.count == 1 && strstr(f.items[0].file, "a\\x1b.ini"), "and so are names");
	findings_done(&f);
	(void)unlink(path);
}

static uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525U + 1013904223U;
	return *state >> 8;
}

/* Reading with notes refuses what a run refuses, and names the same first line for the same reason. */
static bool reads_alike(const char *text, size_t len, bool *ret_refused)
{
	struct sr_profile plain = { .extends = NULL }, noted = { .extends = NULL };
	struct sr_profile_notes notes = { .description = NULL };
	struct sr_error err = SR_ERROR_INIT;
	char want[700];
	bool good;

	*ret_refused = profile_parse("x", text, len, &plain, &err) < 0;
	good = profile_parse_noted("x", text, len, &noted, &notes, NULL) == 0 && *ret_refused == (notes.problems.count > 0);
	if (good && *ret_refused) {
		(void)snprintf(want, sizeof(want), "cannot read profile x:%u: %s", notes.problems.items[0].line, notes.problems.items[0].reason);
		good = strcmp(want, err.text) == 0 && strcmp(notes.problems.items[0].hint, err.hint) == 0;
		if (!good)
			tap_note("\"%s\" and \"%s\"", err.text, want);
	}
	if (good && !*ret_refused)
		good = memcmp(plain.limits, noted.limits, sizeof(plain.limits)) == 0 && plain.allow.count == noted.allow.count &&
		       plain.deny.count == noted.deny.count;
	profile_notes_done(&notes);
	profile_done(&plain);
	profile_done(&noted);
	return good;
}

static void test_alike(void)
{
	static const char base[] = "; x\n[profile]\nextends = default\ndescription = y ; z\n\n[seccomp]\nallow = @base read\n  @files ; a\n\t@aio\n"
				   "deny = mkdir\ndefault = ENOSYS\n[limits]\nmemory.max = 1G\npids.max: 7\n[network]\nmode = none\n";
	static const char pieces[] = "[]=;#: \t\n\r@x7\0\x1b\xef";
	uint32_t state = 7;
	unsigned int refused = 0, different = 0, count = 20000;

	for (unsigned int i = 0; i < count; i++) {
		char text[sizeof(base)];
		bool was_refused;

		memcpy(text, base, sizeof(base));
		for (unsigned int k = 0; k < i % 3; k++)
			text[next_random(&state) % (sizeof(base) - 1)] = pieces[next_random(&state) % (sizeof(pieces) - 1)];
		different += !reads_alike(text, sizeof(base) - 1, &was_refused);
		refused += was_refused;
	}
	IS_INT(different, 0, "with notes the same texts are refused, for the same first reason");
	OK(refused > count / 4 && refused < count - count / 4, "and not all of them");
	tap_note("%u of %u refused", refused, count);
}

/* --- files ---------------------------------------------------------------------------------------------------------- */

static void test_writable(void)
{
	struct sr_findings f = { .count = 0 };
	struct sr_error err = SR_ERROR_INIT;
	char path[128], dir[128];

	(void)snprintf(dir, sizeof(dir), "%s/open", folder);
	(void)snprintf(path, sizeof(path), "%s/open/x.ini", folder);
	(void)mkdir(dir, 0700);
	put(path, CHILD "[limits]\npids.max = x\n", 0606);
	OK(profile_lint(&places, path, 2, &f, &err) == 0 && f.count == 2 && f.items[0].error && f.items[0].line == 1 &&
		   strstr(f.items[0].text, "everybody may write it") && strstr(f.items[0].mend, "chmod o-w ") && f.items[1].line == 4,
	   "a file that everybody may write is read all the same");
	show(&f);
	findings_done(&f);
	put(path, CHILD, 0600);
	OK(profile_lint(&places, path, 2, &f, &err) == 0 && f.count == 0, "one that they may not");
	findings_done(&f);
	(void)chmod(dir, 0777);
	OK(profile_lint(&places, path, 2, &f, &err) == 0 && f.count == 1 && !f.items[0].error &&
		   strstr(f.items[0].text, "everybody may write the folder ") && strstr(f.items[0].mend, "chmod go-w "),
	   "a folder that everybody may write");
	show(&f);
	findings_done(&f);
	(void)chmod(dir, 01777);
	OK(profile_lint(&places, path, 2, &f, &err) == 0 && f.count == 0, "with the sticky bit it is fine");
	findings_done(&f);
	(void)unlink(path);
	OK(profile_lint(&places, path, 2, &f, &err) < 0 && strstr(err.text, "No such file"), "a file that is not there is no finding");
	OK(profile_lint(&places, dir, 2, &f, &err) < 0, "nor is a folder");
	OK(profile_lint(&places, "nosuch", 2, &f, &err) < 0 && err.code == SR_E_PROFILE, "nor a name that nobody has");
	(void)rmdir(dir);
}

static void test_shipped(void)
{
	for (size_t i = 0; i < sr_profile_text_count; i++) {
		struct sr_findings f = { .count = 0 };
		struct sr_error err = SR_ERROR_INIT;
		char name[64];

		(void)snprintf(name, sizeof(name), "%s is clean", sr_profile_texts[i].name);
		OK(profile_lint(&places, sr_profile_texts[i].name, SR_LINT_PROCESSORS, &f, &err) == 0 && f.count == 0, name);
		show(&f);
		findings_done(&f);
	}
}

/* --- origins -------------------------------------------------------------------------------------------------------- */

static void test_origin(void)
{
	struct profile_chain c = { .noted = true };
	struct profile_names allow = { .count = 0 };
	struct sr_error err = SR_ERROR_INIT;
	const struct profile_name *n;
	struct profile_origin o;

	put_in(user_dir, "child.ini", "; x\n[profile]\ndescription = a child\nextends = default\n[seccomp]\nallow = io_setup\n\n  @pages\n"
				      "[limits]\npids.max = 9\n");
	OK(profile_chain_load(&places, "child", &c, &err) == 0 && c.count == 2 && !c.links[0].notes.problems.count, "a chain with notes");
	IS_STR(c.links[0].notes.description, "a child", "its description");
	IS_INT(c.links[0].notes.extends_line, 4, "the line of extends");
	o = profile_origin_limit(&c, SR_LIMIT_pids);
	OK(o.link == &c.links[0] && o.line == 10, "a limit of the child");
	o = profile_origin_limit(&c, SR_LIMIT_memory_bytes);
	OK(o.link == &c.links[1] && o.line > 0, "a limit of the parent");
	o = profile_origin_limit(&c, SR_LIMIT_memory_high_bytes);
	OK(!o.link, "a limit that is built in");
	OK(profile_names_collect(&c, true, &allow) == 0 && allow.count > 4, "the names");
	n = profile_names_find_call(&allow, SR_SYSCALL_io_setup);
	OK(n && n->link == 0 && n->line == 6, "a call by name");
	n = profile_names_find_call(&allow, SR_SYSCALL_move_pages);
	OK(n && n->link == 0 && n->line == 8 && n->group == SR_GROUP_ID_pages, "a call by its group, in a line that goes on");
	n = profile_names_find_call(&allow, SR_SYSCALL_read);
	OK(n && n->link == 1, "a call of the parent's");
	OK(!profile_names_find_call(&allow, SR_SYSCALL_mount), "a call of nobody's");
	profile_names_done(&allow);
	profile_chain_done(&c);
	drop_in(user_dir, "child.ini");
}

/* --- the listing ---------------------------------------------------------------------------------------------------- */

static const struct profile_listed *find(const struct profile_listing *l, const char *name, enum place place)
{
	for (size_t i = 0; i < l->count; i++) {
		if (strcmp(l->items[i].name, name) == 0 && l->items[i].place == place)
			return &l->items[i];
	}
	return NULL;
}

static const struct sr_profile_text *text_of(const char *name)
{
	for (size_t i = 0; i < sr_profile_text_count; i++) {
		if (strcmp(sr_profile_texts[i].name, name) == 0)
			return &sr_profile_texts[i];
	}
	return NULL;
}

static void test_list(void)
{
	struct profile_listing l = { .count = 0 };
	const struct profile_listed *item;
	struct sr_error err = SR_ERROR_INIT;
	int unreadable[2];

	put_in(user_dir, "mine.ini", CHILD "description = my own\n");
	put_in(user_dir, "default.ini", CHILD);
	put_in(user_dir, "broken.ini", "[limits]\npids.max = x\n[profile]\ndescription = not whole\n");
	put_in(user_dir, "lost.ini", "[profile]\nextends = nosuch\n");
	put_in(user_dir, "not a word.ini", CHILD);
	put_in(user_dir, "note.txt", "x");
	put_in(installed_dir, "default.ini", text_of("default")->text);
	put_in(installed_dir, "mine.ini", "[limits]\nwall.time = x\n");
	if (!IS_INT(profile_list(&places, &l, unreadable, &err), 0, "a listing"))
		return;
	IS_INT(l.count, 6 + sr_profile_text_count - 1, "all of them, and no other");
	item = find(&l, "mine", PLACE_USER);
	OK(item && !item->shadowed && !item->broken, "the user's own");
	IS_STR(item ? item->description : NULL, "my own", "and its description");
	item = find(&l, "mine", PLACE_INSTALLED);
	OK(item && item->shadowed && item->broken && strstr(item->broken->text, "mine.ini:2: wall.time"), "shadows one that is broken");
	item = find(&l, "default", PLACE_USER);
	OK(item && !item->shadowed && !item->broken, "the user's default");
	item = find(&l, "default", PLACE_INSTALLED);
	OK(item && item->shadowed && !item->broken, "shadows the installed one");
	OK(!find(&l, "default", PLACE_COMPILED_IN), "which is the one that is compiled in");
	item = find(&l, "strict", PLACE_COMPILED_IN);
	OK(item && !item->shadowed && !item->path && item->description, "one that is only compiled in");
	item = find(&l, "broken", PLACE_USER);
	OK(item && item->broken && strstr(item->broken->text, "broken.ini:2: pids.max"), "a broken one does not end it");
	IS_STR(item ? item->description : NULL, "not whole", "and has a description still");
	item = find(&l, "lost", PLACE_USER);
	OK(item && item->broken && strstr(item->broken->text, "lost.ini:2: cannot find profile \"nosuch\""), "one without its parent");
	profile_listing_done(&l);
	put_in(installed_dir, "default.ini", CHILD "[limits]\npids.max = 7\n");
	OK(profile_list(&places, &l, unreadable, &err) == 0 && find(&l, "default", PLACE_COMPILED_IN) &&
		   find(&l, "default", PLACE_COMPILED_IN)->shadowed,
	   "a text that is compiled in and edited where it is installed is shadowed");
	profile_listing_done(&l);
	put_in(user_dir, "default.ini", "[limits]\npids.max = x\n");
	put_in(installed_dir, "late.ini", CHILD);
	OK(profile_list(&places, &l, unreadable, &err) == 0 && find(&l, "late", PLACE_INSTALLED) && find(&l, "late", PLACE_INSTALLED)->broken,
	   "an installed one that extends the user's broken default is broken");
	profile_listing_done(&l);
}

static void clean_up(void)
{
	static const char *const names[] = { "mine.ini",	"default.ini", "broken.ini", "lost.ini", "not a word.ini",
					     "note.txt", "late.ini" };
	char path[128];

	for (size_t i = 0; i < SR_ELEMENTSOF(names); i++) {
		drop_in(user_dir, names[i]);
		drop_in(installed_dir, names[i]);
	}
	(void)snprintf(path, sizeof(path), "%s/x.ini", folder);
	(void)unlink(path);
	(void)rmdir(user_dir);
	(void)rmdir(installed_dir);
	(void)rmdir(folder);
}

int main(void)
{
	(void)umask(022);
	if (!mkdtemp(folder))
		return 99;
	(void)snprintf(user_dir, sizeof(user_dir), "%s/user", folder);
	(void)snprintf(installed_dir, sizeof(installed_dir), "%s/installed", folder);
	(void)mkdir(user_dir, 0700);
	(void)mkdir(installed_dir, 0700);
	places = (struct profile_places){ .user = user_dir, .installed = installed_dir };
	test_rules();
	test_parents();
	test_all_errors();
	test_bytes();
	test_alike();
	test_writable();
	test_shipped();
	test_origin();
	test_list();
	clean_up();
	return tap_done();
}
