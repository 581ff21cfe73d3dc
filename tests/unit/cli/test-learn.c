/* SPDX-License-Identifier: MIT */
/* What --learn makes of a refusal: the layer, and the option or the profile's words that would allow it. */
#include "cli/learn.h"

#include <errno.h>
#include <stdlib.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../tap.h"
#include "policy/profile.h"
#include "policy/syscalls.h"
#include "run/trace-calls.h"
#include "sys/kernel.h"

static char folder[] = "/tmp/test-learn-XXXXXX";

static char said[400]; /* why, of the last */

/* The layer, then what would allow it, then why not: "missing -i /x/a" */
static const char *traced(const struct cli_run *c, enum sr_traced_kind kind, int errnum, bool writes, const char *name)
{
	static char text[5000];
	char copy[4096];
	struct sr_traced item = { .kind = kind, .call = SR_SYSCALL_openat, .errnum = errnum, .writes = writes, .name = copy };
	struct learn_advice a;

	(void)snprintf(copy, sizeof(copy), "%s", name);
	if (!learn_advise_traced(c, &item, &a))
		return "nothing";
	(void)snprintf(said, sizeof(said), "%s", a.why);
	(void)snprintf(text, sizeof(text), "%s%s%s%s%s", a.layer, a.option[0] ? " " : "", a.option, a.option[0] ? " " : "", a.value);
	return text;
}

static const char *in_folder(const char *name)
{
	static char text[4][256];
	static unsigned next;
	char *t = text[next++ % 4];

	(void)snprintf(t, 256, "%s/%s", folder, name);
	return t;
}

static void make(const char *name)
{
	FILE *f = fopen(in_folder(name), "w");

	if (f)
		(void)fclose(f);
}

static const char *with(const char *layer_and_option, const char *path)
{
	static char text[400];

	(void)snprintf(text, sizeof(text), "%s %s", layer_and_option, path);
	return text;
}

static void files(struct cli_run *c)
{
	static char script[256];

	(void)snprintf(script, sizeof(script), "%s", in_folder("main.py"));
	c->exec.script_path = script;
	IS_STR(traced(c, SR_TRACED_PATH, ENOENT, false, "/work/data.csv"), with("missing -i", in_folder("data.csv")),
	       "a file beside the script: -i");
	IS_STR(traced(c, SR_TRACED_PATH, ENOENT, false, "data.csv"), with("missing -i", in_folder("data.csv")),
	       "its folder cannot be told: the same");
	IS_STR(traced(c, SR_TRACED_PATH, ENOENT, false, "/work/sub/x"), with("missing -C", folder), "a file below it: -C");
	IS_STR(traced(c, SR_TRACED_PATH, ENOENT, false, "/work/sub"), with("missing -C", folder), "a folder: -C");
	IS_STR(traced(c, SR_TRACED_PATH, ENOENT, false, "/work/nobody.csv"), "nothing", "what is missing outside as well");
	IS_STR(traced(c, SR_TRACED_PATH, ENOENT, false, "/work"), "nothing", "/work itself");
	IS_STR(traced(c, SR_TRACED_PATH, ENOENT, false, "/work/"), "nothing", "/work/ itself");
	IS_STR(traced(c, SR_TRACED_PATH, ENOENT, false, ""), "nothing", "an empty name");
	IS_STR(traced(c, SR_TRACED_PATH, ENOENT, false, in_folder("data.csv")), with("missing --bind", in_folder("data.csv")),
	       "by its full path: --bind");
	IS_STR(traced(c, SR_TRACED_PATH, ENOENT, true, in_folder("new")), "missing", "to be made in a folder that is not inside");
	IS_STR(traced(c, SR_TRACED_PATH, ENOENT, true, in_folder("no/new")), "nothing", "or is nowhere");
	IS_STR(traced(c, SR_TRACED_PATH, ENOENT, false, "/proc/sys/kernel/hostname"), "missing", "the kernel's files");
	IS_STR(traced(c, SR_TRACED_PATH, ENOENT, false, "/etc/passwd"), "missing", "/etc is a fixed part of it");
	IS_STR(traced(c, SR_TRACED_PATH, ENOENT, false, in_folder("fifo")), "missing", "a FIFO stays outside");
	IS_STR(traced(c, SR_TRACED_PATH, ENOENT, false, "/work/.env"), with("missing -i", in_folder(".env")), "a secret beside it");
	IS_STR(said, "it may hold a secret", "and said to be one");
	IS_STR(traced(c, SR_TRACED_PATH, ENOENT, false, "/work/./sub/..//data.csv"), with("missing -i", in_folder("data.csv")),
	       "names are read as the kernel reads them");
	IS_STR(traced(c, SR_TRACED_PATH, ENOENT, false, "/work/../etc/passwd"), "missing", "out of /work: nothing of the folder");
	IS_STR(traced(c, SR_TRACED_PATH, ENOENT, false, "../../etc/passwd"), "nothing", "out of a folder that cannot be told");
	IS_STR(traced(c, SR_TRACED_PATH, ENOENT, false, in_folder(".ssh/x")), with("missing --bind", in_folder(".ssh/x")),
	       "a file of a secret folder");
	IS_STR(said, "it may hold a secret", "is said to be one");
	(void)setenv("HOME", in_folder("sub"), 1);
	IS_STR(traced(c, SR_TRACED_PATH, ENOENT, false, in_folder("sub")), "missing", "a whole home is not offered");
	IS_STR(traced(c, SR_TRACED_PATH, ENOENT, false, folder), "missing", "nor what contains it");
	IS_STR(traced(c, SR_TRACED_PATH, ENOENT, false, "/work/sub/x"), "missing", "nor with -C");
	IS_STR(traced(c, SR_TRACED_PATH, ENOENT, false, in_folder("sub/x")), with("missing --bind", in_folder("sub/x")), "a file of it is");
	(void)setenv("HOME", "/nonexistent", 1);
	c->policy.project_dir = folder;
	IS_STR(traced(c, SR_TRACED_PATH, ENOENT, false, "/work/.env"), "missing --show .env", "a project's hidden file: --show");
	c->policy.project_dir = NULL;
	IS_STR(traced(c, SR_TRACED_PATH, EROFS, true, "/usr/x"), "read-only", "a read-only mount");
	IS_STR(traced(c, SR_TRACED_PATH, EPERM, true, "/work/x"), "unknown", "EPERM has many reasons");
}

static void landlock(struct cli_run *c)
{
	struct sr_plan *p = &c->box.plan;

	p->landlock_abi = 7;
	p->rules[0] = (struct sr_landlock_rule){ "/", SYS_LANDLOCK_READ_FILE };
	p->rules[1] = (struct sr_landlock_rule){ "/work", SYS_LANDLOCK_WRITE_FILE | SYS_LANDLOCK_MAKE_REG };
	p->rule_count = 2;
	IS_STR(traced(c, SR_TRACED_PATH, EACCES, true, "/workshop/x"), "landlock", "what its rules do not allow");
	IS_STR(traced(c, SR_TRACED_PATH, EACCES, true, "/work/x"), "unknown", "what they allow was refused by something else");
	IS_STR(traced(c, SR_TRACED_PATH, EACCES, false, "/workshop/x"), "unknown", "rules add up: reading");
	p->tree = true;
	IS_STR(traced(c, SR_TRACED_PATH, EACCES, true, "/workshop/x"), "unknown",
	       "in an image the permissions come first, and are not known outside");
	p->tree = false;
	(void)chmod(in_folder("data.csv"), 0);
	IS_STR(traced(c, SR_TRACED_PATH, EACCES, false, in_folder("data.csv")), geteuid() == 0 ? "unknown" : "permissions",
	       "what the caller may not read either; root may");
	IS_STR(traced(c, SR_TRACED_PATH, EACCES, false, "/proc/1/mem"), "unknown", "a process of the same number is not looked at");
}

static void sockets(const struct cli_run *c)
{
	IS_STR(traced(c, SR_TRACED_INET, ENETUNREACH, false, "192.0.2.1:80"), "network", "no network");
	IS_STR(traced(c, SR_TRACED_INET, ECONNREFUSED, false, "127.0.0.1:80"), "network", "its own loopback");
	IS_STR(traced(c, SR_TRACED_INET, EACCES, false, "127.0.0.1:80"), "unknown", "a low port");
	IS_STR(traced(c, SR_TRACED_SOCKET, ECONNREFUSED, false, "@x"), "network", "a socket without a file");
	IS_STR(traced(c, SR_TRACED_SOCKET, ENOENT, false, "/run/nobody/has/this"), "nothing", "a socket that is nowhere");
	IS_STR(traced(c, SR_TRACED_SOCKET, ENOENT, false, in_folder("fifo")), "missing", "one that is outside");
}

/* The payload chooses the length it passes, up to one that no socket's name has. */
static void long_names(void)
{
	struct {
		sa_family_t family;
		char path[200];
	} address = { .family = AF_UNIX };
	const uint64_t args[6] = { 0, (uint64_t)(uintptr_t)&address, sizeof(address) };
	enum sr_traced_kind kind = SR_TRACED_PATH;
	char wanted[109] = "";
	char *name;

	memset(address.path, 'x', sizeof(address.path));
	memset(wanted, 'x', sizeof(wanted) - 1);
	name = trace_object(getpid(), trace_call_of(SYS_connect), args, &kind);
	IS_STR(name ? name : "none", wanted, "a socket's name is cut where the kernel's longest ends");
	IS_INT((long long)kind, SR_TRACED_SOCKET, "and is a socket's");
	free(name);
}

/* "seccomp-list: @debug", or "seccomp-list" where nothing allows it. */
static const char *call(const char *profile, int id, int number, uint64_t first, uint64_t second, uint64_t third)
{
	static char text[200];
	struct cli_run c = { .err = SR_ERROR_INIT };
	struct sr_learned_call refused = { .call = id, .number = number, .args = { first, second, third } };
	struct learn_advice a;

	policy_init(&c.policy);
	if (profile_load(profile, &c.policy, &c.err) < 0)
		return "no profile";
	if (id >= 0)
		refused.number = sr_syscall_numbers.number[syscalls_native_arch()][id];
	learn_advise_call(&c, &refused, &a);
	(void)snprintf(said, sizeof(said), "%s", a.why);
	(void)snprintf(text, sizeof(text), "%s%s%s", a.layer, a.allow[0] ? ": " : "", a.allow);
	policy_done(&c.policy);
	return !a.allow[0] == !a.why[0] ? "both or none of allow and why" : text;
}

#define CALL(profile, name, ...) call(profile, SR_SYSCALL_##name, 0, __VA_ARGS__)

static void calls(void)
{
	FILE *f = fopen(in_folder("deny.ini"), "w");

	if (f) {
		(void)fputs("[profile]\nextends = default\n[seccomp]\ndeny = getcpu @time @sockets-inet\n", f);
		(void)fclose(f);
	}
	IS_STR(CALL("default", io_setup, 0, 0, 0), "seccomp-list: io_setup", "an open call: its name");
	IS_STR(CALL("default", ptrace, 0, 0, 0), "seccomp-list: @debug", "a guarded one: its group");
	IS_STR(CALL("default", mount, 0, 0, 0), "seccomp-list", "a refused one: nothing");
	IS_STR(CALL("default", clone3, 0, 0, 0), "seccomp-list", "an absent one: nothing");
	IS_STR(CALL("default", shmget, 0, 0, 0), "seccomp-list", "memory that only a cgroup counts: nothing");
	IS_STR(call("default", -1, 999, 0, 0, 0), "seccomp-list", "a call that nobody knows: nothing");
	IS_STR(CALL("default", socket, AF_NETLINK, SOCK_RAW, 0), "seccomp-argument", "a family that is never allowed");
	IS_STR(CALL("strict", socket, AF_INET, SOCK_STREAM, 0), "seccomp-argument: @sockets-inet", "the internet's, for strict");
	IS_STR(CALL("strict", socket, AF_INET, SOCK_RAW, 0), "seccomp-argument", "a raw one: nothing, there too");
	IS_STR(CALL("default", ioctl, 0, 0x5412, 0), "seccomp-argument", "TIOCSTI: nothing");
	IS_STR(CALL(in_folder("deny.ini"), getcpu, 0, 0, 0), "seccomp-list", "what the profile denies by name");
	IS_STR(CALL(in_folder("deny.ini"), socket, AF_INET, SOCK_STREAM, 0), "seccomp-argument", "and by a group that changes a rule");
	OK(strstr(said, "the profile denies @sockets-inet"), "which is named");
	IS_STR(CALL(in_folder("deny.ini"), alarm, 0, 0, 0), "seccomp-list", "and by group");
}

int main(void)
{
	static struct cli_run c; /* large */

	if (!mkdtemp(folder) || chmod(folder, 0755) < 0 || mkdir(in_folder("sub"), 0755) < 0 || mkfifo(in_folder("fifo"), 0600) < 0)
		return 99;
	make("data.csv");
	make("sub/x");
	make(".env");
	(void)mkdir(in_folder(".ssh"), 0755);
	make(".ssh/x");
	files(&c);
	landlock(&c);
	sockets(&c);
	long_names();
	calls();
	(void)unlink(in_folder("data.csv"));
	(void)unlink(in_folder("sub/x"));
	(void)unlink(in_folder(".env"));
	(void)unlink(in_folder("fifo"));
	(void)unlink(in_folder("deny.ini"));
	(void)unlink(in_folder(".ssh/x"));
	(void)rmdir(in_folder(".ssh"));
	(void)rmdir(in_folder("sub"));
	(void)rmdir(folder);
	return tap_done();
}
