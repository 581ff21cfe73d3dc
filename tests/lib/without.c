/* SPDX-License-Identifier: MIT */
/*
 * without WHAT... -- COMMAND [ARG...]
 *
 * Takes something away from COMMAND, as an older kernel, a container or a strict machine would, then executes it.
 *
 * CALL=ERRNO          that system call fails with ENOSYS, EPERM, EACCES or EINVAL (seccomp); `landlock` stands for its three calls
 * CALL=KILL           whoever makes that call is killed
 * userns              no new user namespaces, as in Docker: clone and unshare EPERM, clone3 ENOSYS
 * null:FILE           /dev/null is mounted over FILE: over one of /proc it makes a fresh procfs impossible
 * tmpfs:FOLDER        an empty tmpfs is mounted over FOLDER: below /usr it makes an overlay of /usr impossible
 * readonly:PATH       PATH is mounted read-only over itself
 * bind:SOURCE:PLACE   SOURCE is mounted over PLACE
 *
 * Mounts need root or a user namespace: an ordinary user gets one that maps nobody but himself, and stays without rights
 * in it. The mounts are locked for whoever makes a further user namespace, user_namespaces(7), as those of a container are.
 */
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#else
#error "add this machine's AUDIT_ARCH"
#endif

#define USAGE 2
#define KILL (-1)
#define CLONE3 435 /* on every machine, as every number from 424 on */

static const struct {
	const char *name;
	int number;
} calls[] = {
	{ "openat2", 437 },	     { "close_range", 436 },	{ "clone3", CLONE3 },	     { "mount_setattr", 442 },
	{ "landlock_create_ruleset", 444 }, { "landlock_add_rule", 445 }, { "landlock_restrict_self", 446 },
	{ "pidfd_open", 434 },	     { "pidfd_send_signal", 424 }, { "pidfd_getfd", 438 },
	{ "memfd_create", SYS_memfd_create }, { "copy_file_range", SYS_copy_file_range }, { "splice", SYS_splice },
	{ "tee", SYS_tee },	     { "sendfile", SYS_sendfile }, { "statx", SYS_statx },
	{ "getrandom", SYS_getrandom }, { "mount", SYS_mount }, { "pivot_root", SYS_pivot_root },
	{ "seccomp", SYS_seccomp },  { "setxattr", SYS_setxattr }, { "sethostname", SYS_sethostname },
	{ "signalfd4", SYS_signalfd4 }, { "mknodat", SYS_mknodat }, { "fchown", SYS_fchown },
	{ "ptrace", SYS_ptrace },
};

static struct sock_filter insns[256] = {
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
};
#define HEAD 4
static unsigned short count = HEAD;

static int fail(const char *what)
{
	(void)fprintf(stderr, "without: %s: %s\n", what, strerror(errno));
	exit(126);
}

static void add(struct sock_filter insn)
{
	if (count == sizeof(insns) / sizeof(insns[0]))
		exit(USAGE);
	insns[count++] = insn;
}

static void deny(int number, int errnum)
{
	add((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)number, 0, 1));
	add((struct sock_filter)BPF_STMT(BPF_RET | BPF_K,
					 errnum == KILL ? SECCOMP_RET_KILL_PROCESS : SECCOMP_RET_ERRNO | (unsigned)errnum));
}

/* The call fails when its first argument has the flag; the accumulator holds the number again afterwards. */
static void deny_flag(int number, unsigned flag, int errnum)
{
	add((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)number, 0, 4));
	add((struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args)));
	add((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, flag, 0, 1));
	add((struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)errnum));
	add((struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)));
}

static int error_number(const char *name)
{
	if (strcmp(name, "ENOSYS") == 0)
		return ENOSYS;
	if (strcmp(name, "EPERM") == 0)
		return EPERM;
	if (strcmp(name, "EACCES") == 0)
		return EACCES;
	if (strcmp(name, "EINVAL") == 0)
		return EINVAL;
	if (strcmp(name, "KILL") == 0)
		return KILL;
	(void)fprintf(stderr, "without: unknown errno %s\n", name);
	exit(USAGE);
}

static int deny_named(const char *name, size_t len, int errnum)
{
	int found = 0;

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		if ((strlen(calls[i].name) == len && strncmp(calls[i].name, name, len) == 0) ||
		    (len == 8 && strncmp(name, "landlock", 8) == 0 && strncmp(calls[i].name, "landlock_", 9) == 0)) {
			deny(calls[i].number, errnum);
			found = 1;
		}
	}
	return found;
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		fail(path);
	(void)close(fd);
}

static void own_mounts(void)
{
	static int done;
	unsigned uid = geteuid(), gid = getegid();
	char map[64];

	if (done++)
		return;
	if (unshare(uid == 0 ? CLONE_NEWNS : CLONE_NEWNS | CLONE_NEWUSER) < 0)
		fail("unshare");
	if (uid != 0) {
		write_file("/proc/self/setgroups", "deny");
		(void)snprintf(map, sizeof(map), "%u %u 1\n", uid, uid);
		write_file("/proc/self/uid_map", map);
		(void)snprintf(map, sizeof(map), "%u %u 1\n", gid, gid);
		write_file("/proc/self/gid_map", map);
	}
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		fail("/");
}

/* The flags that a mount has already: in a user namespace they are locked, and a remount must repeat them. */
static unsigned long kept_flags(const char *path)
{
	struct statvfs st;

	if (statvfs(path, &st) < 0)
		fail(path);
	return ((st.f_flag & ST_NOSUID) ? MS_NOSUID : 0) | ((st.f_flag & ST_NODEV) ? MS_NODEV : 0) |
	       ((st.f_flag & ST_NOEXEC) ? MS_NOEXEC : 0) | ((st.f_flag & ST_RELATIME) ? MS_RELATIME : 0) |
	       ((st.f_flag & ST_NOATIME) ? MS_NOATIME : 0);
}

static void bind_over(const char *source, const char *place)
{
	own_mounts();
	if (mount(source, place, NULL, MS_BIND | MS_REC, NULL) < 0)
		fail(place);
}

static void take_away(char *what)
{
	char *equals = strchr(what, '='), *colon = strchr(what, ':'), *second;

	if (strcmp(what, "userns") == 0) {
		deny_flag(SYS_clone, CLONE_NEWUSER, EPERM);
		deny_flag(SYS_unshare, CLONE_NEWUSER, EPERM);
		deny(CLONE3, ENOSYS);
		return;
	}
	if (colon && strncmp(what, "null:", 5) == 0) {
		bind_over("/dev/null", colon + 1);
		return;
	}
	if (colon && strncmp(what, "readonly:", 9) == 0) {
		bind_over(colon + 1, colon + 1);
		if (mount(NULL, colon + 1, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | kept_flags(colon + 1), NULL) < 0)
			fail(colon + 1);
		return;
	}
	if (colon && strncmp(what, "tmpfs:", 6) == 0) {
		own_mounts();
		if (mount("without", colon + 1, "tmpfs", 0, "mode=0755") < 0)
			fail(colon + 1);
		return;
	}
	second = colon ? strchr(colon + 1, ':') : NULL;
	if (second && strncmp(what, "bind:", 5) == 0) {
		*second = '\0';
		bind_over(colon + 1, second + 1);
		return;
	}
	if (!equals || !deny_named(what, (size_t)(equals - what), error_number(equals + 1))) {
		(void)fprintf(stderr, "without: unknown: %s\n", what);
		exit(USAGE);
	}
}

int main(int argc, char **argv)
{
	struct sock_fprog prog = { .filter = insns };
	int i = 1;

	for (; i < argc && strcmp(argv[i], "--") != 0; i++)
		take_away(argv[i]);
	if (i + 1 >= argc)
		return USAGE;
	if (count > HEAD) {
		add((struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
		prog.len = count;
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) < 0)
			return fail("seccomp");
	}
	(void)execvp(argv[i + 1], argv + i + 1);
	return fail(argv[i + 1]);
}
