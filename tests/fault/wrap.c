/* SPDX-License-Identifier: MIT */
/*
 * sandrun with a liar between it and the kernel: the same objects, linked with --wrap around a few calls. For tests alone;
 * nothing of it is in the program that is installed.
 *
 *	SR_FAULT=NAME    takes one layer away behind sandrun's back: the call "succeeds" and does nothing
 *	SR_LOOK=FILE     where the secrets are looked for, and what was found is written there:
 *	                 at the end of the supervisor, and in the sandbox's PID 1 when its payload runs
 *	SR_FIND=HEX      more bytes to look for, each XORed with 0x5a
 *
 * What is looked for is kept XORed in this file's own memory, so that the search does not find itself.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MASK 0x5a
#define LOOK_FD 200
#define SEED 32
#define NEEDLES 4
#define NEEDLE_MAX 64

#ifndef CLONE_NEWCGROUP
#define CLONE_NEWCGROUP 0x02000000
#endif

/* In a file that is shared with PID 1 by its descriptor: PID 1 was cloned before the keys were made. */
struct needle {
	uint8_t kind; /* 'e'phemeral, 'i'dentity, 'm'arker; 0: none */
	uint8_t len;
	uint8_t bytes[NEEDLE_MAX];
};

static struct needle needles[NEEDLES];
static size_t needle_count;
static int look_fd = -1;
static bool is_child;

long __real_syscall(long nr, long a, long b, long c, long d, long e, long f);
long __wrap_syscall(long nr, long a, long b, long c, long d, long e, long f);
int __real_prctl(int op, unsigned long a, unsigned long b, unsigned long c, unsigned long d);
int __wrap_prctl(int op, unsigned long a, unsigned long b, unsigned long c, unsigned long d);
int __real_crypto_sign_keypair(unsigned char *pk, unsigned char *sk);
int __wrap_crypto_sign_keypair(unsigned char *pk, unsigned char *sk);
int __real_crypto_sign_seed_keypair(unsigned char *pk, unsigned char *sk, const unsigned char *seed);
int __wrap_crypto_sign_seed_keypair(unsigned char *pk, unsigned char *sk, const unsigned char *seed);
void __real_sodium_memzero(void *p, size_t n);
void __wrap_sodium_memzero(void *p, size_t n);
int __real_fstatvfs(int fd, struct statvfs *st);
int __wrap_fstatvfs(int fd, struct statvfs *st);
void __real_sodium_free(void *p);
void __wrap_sodium_free(void *p);

static bool fault(const char *name)
{
	const char *asked = getenv("SR_FAULT");

	return asked && strcmp(asked, name) == 0;
}

/* ---- layers ---------------------------------------------------------------------------------------------------------- */

static uint64_t stolen(void)
{
	static const struct {
		const char *name;
		uint64_t flag;
	} flags[] = {
		{ "net", CLONE_NEWNET }, { "ipc", CLONE_NEWIPC }, { "uts", CLONE_NEWUTS },
		{ "cgroup", CLONE_NEWCGROUP }, { "mount", CLONE_NEWNS }, { "pid", CLONE_NEWPID },
	};

	for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++) {
		if (fault(flags[i].name))
			return flags[i].flag;
	}
	return 0;
}

static void open_look(void)
{
	const char *path = getenv("SR_LOOK");
	int fd = path && look_fd < 0 ? open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600) : -1;

	if (fd < 0)
		return;
	look_fd = dup3(fd, LOOK_FD, O_CLOEXEC);
	(void)close(fd);
}

/* PID 1's environment is wiped before it is asked what to do: the answer is kept. */
static bool no_seccomp, no_landlock, no_caps, no_privs;

static void remember_faults(void)
{
	no_seccomp = fault("seccomp") || fault("everything");
	no_landlock = fault("landlock");
	no_caps = fault("caps") || fault("everything");
	no_privs = fault("everything");
}

long __wrap_syscall(long nr, long a, long b, long c, long d, long e, long f)
{
	long r;

	if (nr == SYS_clone3) {
		*(uint64_t *)a &= ~stolen(); /* the first field of struct clone_args */
		remember_faults();
		open_look();
		r = __real_syscall(nr, a, b, c, d, e, f);
		is_child = is_child || r == 0;
		return r;
	}
	if (nr == SYS_seccomp && a == 1 && no_seccomp && is_child)
		return 0;
	if (nr == 446 /* landlock_restrict_self */ && no_landlock)
		return 0;
	if (nr == 424 /* pidfd_send_signal */ && c == 0 && b == 0 && fault("alive") && !is_child)
		return 0;
	if ((nr == SYS_capset || nr == SYS_capget) && no_caps)
		return nr == SYS_capget ? (memset((void *)b, 0, 24), 0) : 0;
	return __real_syscall(nr, a, b, c, d, e, f);
}

/* ---- secrets --------------------------------------------------------------------------------------------------------- */

static void add_needle(uint8_t kind, const uint8_t *bytes, size_t len, uint8_t mask)
{
	struct needle *n = &needles[needle_count];

	if (needle_count == NEEDLES || len > NEEDLE_MAX)
		return;
	for (size_t i = 0; i < len; i++)
		n->bytes[i] = bytes[i] ^ mask;
	n->len = (uint8_t)len;
	n->kind = kind;
	needle_count++;
	if (look_fd >= 0)
		(void)!pwrite(look_fd, needles, sizeof(needles), 0);
}

static void add_marker(void)
{
	const char *hex = getenv("SR_FIND");
	uint8_t bytes[NEEDLE_MAX];
	size_t n = 0;
	unsigned v;

	for (; hex && n < sizeof(bytes) && sscanf(hex + 2 * n, "%2x", &v) == 1; n++)
		bytes[n] = (uint8_t)v;
	if (n)
		add_needle('m', bytes, n, 0);
}

int __wrap_crypto_sign_keypair(unsigned char *pk, unsigned char *sk)
{
	int r = __real_crypto_sign_keypair(pk, sk);

	add_needle('e', sk, SEED, MASK);
	return r;
}

int __wrap_crypto_sign_seed_keypair(unsigned char *pk, unsigned char *sk, const unsigned char *seed)
{
	int r = __real_crypto_sign_seed_keypair(pk, sk, seed);

	add_needle('i', sk, SEED, MASK);
	return r;
}

void __wrap_sodium_memzero(void *p, size_t n)
{
	if (!fault("keep"))
		__real_sodium_memzero(p, n);
}

void __wrap_sodium_free(void *p)
{
	if (!fault("keep"))
		__real_sodium_free(p);
}

static bool __attribute__((__no_sanitize__("address"))) here(const volatile uint8_t *p, const struct needle *n)
{
	for (size_t i = 0; i < n->len; i++) {
		if ((p[i] ^ MASK) != n->bytes[i])
			return false;
	}
	return true;
}

static unsigned search(const volatile uint8_t *from, const volatile uint8_t *to, const struct needle *n)
{
	unsigned found = 0;

	for (; from + n->len <= to; from++)
		found += here(from, n);
	return found;
}

/* Every readable page of this process. */
static void look(const char *who, off_t at)
{
	struct needle wanted[NEEDLES];
	unsigned found[NEEDLES] = { 0 }, pages = 0;
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[512], out[256];
	int n;

	if (pread(look_fd, wanted, sizeof(wanted), 0) != (ssize_t)sizeof(wanted))
		memset(wanted, 0, sizeof(wanted));
	while (maps && fgets(line, sizeof(line), maps)) {
		unsigned long from, to;
		char mode[8];

		if (sscanf(line, "%lx-%lx %7s", &from, &to, mode) != 3 || mode[0] != 'r' || strstr(line, "[v"))
			continue;
		pages += (unsigned)((to - from) / 4096);
		for (size_t i = 0; i < NEEDLES; i++) {
			if (wanted[i].kind)
				found[i] += search((uint8_t *)from, (uint8_t *)to, &wanted[i]);
		}
	}
	n = snprintf(out, sizeof(out), "\n%s pages %u", who, pages);
	for (size_t i = 0; i < NEEDLES; i++) {
		if (wanted[i].kind)
			n += snprintf(out + n, sizeof(out) - (size_t)n, " %c %u", wanted[i].kind, found[i]);
	}
	out[n++] = '\n';
	(void)!pwrite(look_fd, out, (size_t)n, at);
	if (maps)
		(void)fclose(maps);
}

static void look_at_end(void)
{
	if (look_fd < 0 || is_child)
		return;
	add_marker();
	look("supervisor", 4096);
}

int __wrap_prctl(int op, unsigned long a, unsigned long b, unsigned long c, unsigned long d)
{
	if (op == PR_SET_NO_NEW_PRIVS && no_privs)
		return 0;
	if ((op == PR_CAPBSET_DROP || op == PR_SET_SECUREBITS) && no_caps)
		return 0;
	if (op == PR_SET_NAME && is_child && look_fd >= 0)
		look("init", 8192); /* the payload runs, init is about to lock itself in */
	return __real_prctl(op, a, b, c, d);
}

/* "disk": it is full before anything is written; "disk-later": from the second look on. */
int __wrap_fstatvfs(int fd, struct statvfs *st)
{
	static unsigned looks;
	int r = __real_fstatvfs(fd, st);

	if (fault("disk") || (fault("disk-later") && looks++ > 0))
		st->f_bavail = 1;
	return r;
}

static void __attribute__((__constructor__)) begin(void)
{
	(void)atexit(look_at_end);
}
