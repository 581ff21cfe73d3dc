/* SPDX-License-Identifier: MIT */
/*
 * abi x32|int80    the denied calls by x32's numbers (nr | 0x40000000) and by the i386 entry, each in a child of its own:
 * prints the signal that ended the child, or what the call gave. abi x32-die, abi int80-die: does it in this process.
 */
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "probe.h"

#if defined(__x86_64__)

#define X32 0x40000000L

static const struct {
	const char *name;
	long x64, i386;
} calls[] = {
	{ "getpid", SYS_getpid, 20 },	     { "mount", SYS_mount, 21 },	  { "umount2", SYS_umount2, 52 },
	{ "pivot_root", SYS_pivot_root, 217 }, { "chroot", SYS_chroot, 61 },	  { "unshare", SYS_unshare, 310 },
	{ "setns", SYS_setns, 346 },	     { "ptrace", 521, 26 },		  { "keyctl", SYS_keyctl, 288 },
	{ "add_key", SYS_add_key, 286 },     { "bpf", SYS_bpf, 357 },		  { "perf_event_open", 298, 336 },
	{ "userfaultfd", 323, 374 },	     { "io_uring_setup", 425, 425 },	  { "clone", SYS_clone, 120 },
	{ "process_vm_readv", 539, 347 },    { "open_by_handle_at", 304, 342 }, { "socket", SYS_socket, 359 },
	{ "ioctl", 514, 54 },
};

static long by_int80(long nr)
{
	long result;

	__asm__ volatile("int $0x80" : "=a"(result) : "a"(nr), "b"(0L), "c"(1L), "d"(0L), "S"(0L), "D"(0L)
			 : "memory", "r8", "r9", "r10", "r11");
	if (result >= 0)
		return result;
	errno = (int)-result;
	return -1;
}

static long one(int x32, size_t i)
{
	/* Arguments that can do no harm: a null or bad pointer, descriptor 0. clone without flags would be a fork. */
	if (x32)
		return syscall(X32 | calls[i].x64, 1L << 40, 1L, 0L, 0L, 0L, 0L);
	return by_int80(calls[i].i386);
}

static void in_child(int x32, size_t i)
{
	char name[64];
	int status = 0;
	pid_t self = getpid(), pid;

	snprintf(name, sizeof(name), "%s %s", x32 ? "x32" : "int80", calls[i].name);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		long result = one(x32, i);

		if (getppid() != self)
			_exit(0);
		_exit(result < 0 ? errno : 0);
	}
	waitpid(pid, &status, 0);
	if (WIFSIGNALED(status))
		printf("%s: %s\n", name, WTERMSIG(status) == SIGSYS ? "SIGSYS" : "another signal");
	else
		printf("%s: %s\n", name, WEXITSTATUS(status) == 0 ? "OK" : error_name(WEXITSTATUS(status)));
}

int main(int argc, char **argv)
{
	int x32;

	if (argc != 2)
		return 2;
	x32 = strncmp(argv[1], "x32", 3) == 0;
	if (strstr(argv[1], "-die") != NULL) {
		printf("alive\n");
		fflush(stdout);
		say(argv[1], one(x32, 0));
		return 0;
	}
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		in_child(x32, i);
	return 0;
}

#else

int main(void)
{
	puts("no foreign entry on this architecture");
	return 0;
}

#endif
