/* SPDX-License-Identifier: MIT */
/*
 * filters allow      stacks a seccomp filter that allows everything and repeats a denied call.
 * filters notify     stacks one whose listener is asked about chroot and getppid, and answers 0 or CONTINUE.
 * filters errno       stacks one that is stricter: a payload may do that to itself. getppid gives EACCES then.
 * filters sweep      every number no kernel has given out yet (and some absurd ones): all but ENOSYS is printed.
 * filters trace       stacks one that returns TRACE with nobody tracing: getppid gives ENOSYS then.
 */
#include <fcntl.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "probe.h"

/* linux/filter.h and linux/seccomp.h, as far as these few filters need them. */
struct insn {
	uint16_t code;
	uint8_t jt, jf;
	uint32_t k;
};
struct program {
	unsigned short length;
	struct insn *code;
};
struct notification {
	uint64_t id;
	uint32_t pid, flags;
	int32_t nr;
	uint32_t arch;
	uint64_t ip, args[6];
};
struct response {
	uint64_t id;
	int64_t value;
	int32_t error;
	uint32_t flags;
};
#define LOAD_NR { 0x20, 0, 0, 0 }
#define RETURN(v) { 0x06, 0, 0, (uint32_t)(v) }
#define IF_NOT(nr, skip) { 0x15, 0, skip, (uint32_t)(nr) }
#define ALLOW 0x7fff0000U
#define NOTIFY 0x7fc00000U
#define TRACE 0x7ff00000U
#define ERRNO(e) (0x00050000U | (uint32_t)(e))
#define RECEIVE _IOWR('!', 0, struct notification)
#define SEND _IOWR('!', 1, struct response)

static long install(struct insn *code, unsigned short length, unsigned long flags)
{
	struct program program = { length, code };

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	return syscall(SYS_seccomp, 1, flags, &program);
}

static void denied(void)
{
	say("chroot", syscall(SYS_chroot, "/"));
	say("mount", syscall(SYS_mount, NULL, 1, NULL, 0, NULL));
	say("keyctl", syscall(SYS_keyctl, 9999, 0, 0, 0, 0));
}

static void allow(void)
{
	struct insn all[] = { RETURN(ALLOW) };
	struct program program = { 1, all };

	denied();
	say("seccomp allow", install(all, 1, 0));
	say("prctl allow", prctl(PR_SET_SECCOMP, 2, &program, 0, 0));
	denied();
}

static void answer(int listener, int count)
{
	for (int i = 0; i < count; i++) {
		struct notification request = { 0 };
		struct response reply = { 0 };

		if (syscall(SYS_ioctl, listener, RECEIVE, &request) < 0)
			_exit(0);
		reply.id = request.id;
		/* CONTINUE for getppid, an invented success for everything else. */
		reply.flags = request.nr == SYS_getppid ? 1 : 0;
		syscall(SYS_ioctl, listener, SEND, &reply);
	}
	_exit(0);
}

static void notify(void)
{
	struct insn code[] = { LOAD_NR, IF_NOT(SYS_chroot, 1), RETURN(NOTIFY), IF_NOT(SYS_getppid, 1), RETURN(NOTIFY),
			       RETURN(ALLOW) };
	int go[2], listener;
	char byte;
	pid_t pid;

	if (pipe(go) < 0)
		exit(1);
	listener = (int)install(code, 6, 8 /* NEW_LISTENER */);
	say("listener", listener);
	if (listener < 0)
		return;
	pid = fork();
	if (pid == 0) {
		if (read(go[0], &byte, 1) != 1)
			_exit(1);
		/* A filter's own answer (EPERM) outranks the notification: the listener is never asked. */
		say("chroot with listener", syscall(SYS_chroot, "/nowhere/at/all"));
		say("getppid with listener", syscall(SYS_getppid));
		_exit(0);
	}
	if (fork() == 0)
		answer(listener, 2);
	close(listener);
	if (write(go[1], "x", 1) != 1)
		exit(1);
	waitpid(pid, NULL, 0);
}

static void stricter(uint32_t verdict)
{
	struct insn code[] = { LOAD_NR, IF_NOT(SYS_getppid, 1), RETURN(verdict), RETURN(ALLOW) };

	say("seccomp", install(code, 4, 0));
	say("getppid", syscall(SYS_getppid));
	denied();
}

static void sweep(void)
{
	/* 400 to 423 were never given to 64-bit machines; 600 is beyond what kernels use today. */
	static const long odd[] = { 0x3fffffff, 0xffff, 4096, 1000, 1023, 512, 547 };
	long asked = 0;

	for (long nr = 600; nr < 1000; nr++, asked++)
		if (syscall(nr, 0, 0, 0, 0, 0, 0) != -1 || errno != ENOSYS)
			printf("%ld: %s\n", nr, error_name(errno));
	for (long nr = 387; nr < 424; nr++, asked++)
		if (syscall(nr, 0, 0, 0, 0, 0, 0) != -1 || errno != ENOSYS)
			printf("%ld: %s\n", nr, error_name(errno));
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++, asked++)
		if (syscall(odd[i], 0, 0, 0, 0, 0, 0) != -1 || errno != ENOSYS)
			printf("%ld: %s\n", odd[i], error_name(errno));
	printf("asked %ld unknown calls\n", asked);
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "";

	if (strcmp(mode, "allow") == 0)
		allow();
	else if (strcmp(mode, "notify") == 0)
		notify();
	else if (strcmp(mode, "errno") == 0)
		stricter(ERRNO(EACCES));
	else if (strcmp(mode, "trace") == 0)
		stricter(TRACE);
	else if (strcmp(mode, "sweep") == 0)
		sweep();
	else
		return 2;
	return 0;
}
