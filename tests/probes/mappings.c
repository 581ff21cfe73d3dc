/* SPDX-License-Identifier: MIT */
/*
 * mappings    asks for memory that is writable and executable at once by every call that could give it, then for what a
 * profile without @write-exec says it allows: first the one, then the other (and runs what was written), one file twice.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "probe.h"

#define HIGH 0x100000000UL
#define ANONYMOUS (MAP_PRIVATE | MAP_ANONYMOUS)
#define WX (PROT_WRITE | PROT_EXEC)
#define RWX (PROT_READ | WX)

#ifndef SYS_pkey_mprotect
#define SYS_pkey_mprotect 329
#endif
#ifndef SHM_EXEC
#define SHM_EXEC 0100000
#endif

#if defined(__x86_64__)
static const unsigned char code[] = { 0xb8, 42, 0, 0, 0, 0xc3 }; /* mov $42, %eax; ret */
#elif defined(__aarch64__)
static const unsigned char code[] = { 0x40, 0x05, 0x80, 0x52, 0xc0, 0x03, 0x5f, 0xd6 }; /* mov w0, #42; ret */
#else
#error "no code for this architecture"
#endif

static long page;

static long map(unsigned long protection, int flags, int fd)
{
	long at = syscall(SYS_mmap, 0, page, protection, flags, fd, 0);

	return at == -1 ? -1 : at;
}

/* mmap's addresses may look negative to say(). */
static void say_map(const char *name, long at)
{
	say(name, at == -1 ? -1 : 0);
}

static void say_protect(const char *name, long call, unsigned long protection)
{
	long at = map(PROT_READ | PROT_WRITE, ANONYMOUS, -1);

	say(name, syscall(call, at, page, protection, -1));
}

static void run(const char *name, void *at)
{
	int (*function)(void);

	__builtin___clear_cache((char *)at, (char *)at + sizeof(code));
	memcpy(&function, &at, sizeof(function));
	printf("%s: %d\n", name, function());
	fflush(stdout);
}

static void first_one_then_the_other(void)
{
	void *at = (void *)map(PROT_READ | PROT_WRITE, ANONYMOUS, -1);

	memcpy(at, code, sizeof(code));
	if (mprotect(at, (size_t)page, PROT_READ | PROT_EXEC) < 0)
		say("writable, then executable", -1);
	else
		run("writable, then executable runs", at);
}

static void one_file_twice(void)
{
	char name[] = "mappings.XXXXXX";
	int fd = mkstemp(name);
	void *from, *to;

	if (fd < 0 || unlink(name) < 0 || ftruncate(fd, page) < 0) {
		say("file", -1);
		return;
	}
	from = (void *)map(PROT_READ | PROT_WRITE, MAP_SHARED, fd);
	to = (void *)map(PROT_READ | PROT_EXEC, MAP_SHARED, fd);
	if (from == MAP_FAILED || to == MAP_FAILED) {
		say("one file twice", -1);
	} else {
		memcpy(from, code, sizeof(code));
		run("one file twice runs", to);
	}
	say_map("mmap of a file", map(RWX, MAP_SHARED, fd));
	close(fd);
}

static void system_v(void)
{
	int id = shmget(IPC_PRIVATE, (size_t)page, 0700);

	if (id < 0) {
		say("shmget", -1);
		return;
	}
	say_map("shmat executable", (long)shmat(id, NULL, SHM_EXEC));
	say_map("shmat executable, read-only", (long)shmat(id, NULL, SHM_EXEC | SHM_RDONLY));
	shmctl(id, IPC_RMID, NULL);
}

int main(void)
{
	page = sysconf(_SC_PAGESIZE);
	say_map("mmap rwx", map(RWX, ANONYMOUS, -1));
	say_map("mmap wx", map(WX, ANONYMOUS, -1));
	say_map("mmap rwx high", map(RWX | HIGH, ANONYMOUS, -1));
	say_protect("mprotect rwx", SYS_mprotect, RWX);
	say_protect("mprotect wx", SYS_mprotect, WX);
	say_protect("pkey_mprotect rwx", SYS_pkey_mprotect, RWX);
	one_file_twice();
	first_one_then_the_other();
	system_v();
	say("read implies exec", personality(READ_IMPLIES_EXEC));
	return 0;
}
