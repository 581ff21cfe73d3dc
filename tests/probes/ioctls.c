/* SPDX-License-Identifier: MIT */
/*
 * ioctls [stdin]    the terminal requests that inject input or change what a terminal is, on a pty made here (or on standard
 * input), plain and with bits set above the 32 that the kernel looks at; and those that programs need, as a control.
 */
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "probe.h"

#ifndef TIOCSTI
#define TIOCSTI 0x5412
#endif
#define HIGH 0x100000000UL

static long request(int fd, unsigned long number, void *arg)
{
	return syscall(SYS_ioctl, fd, number, arg);
}

int main(int argc, char **argv)
{
	char byte = 'x', linux_copy = 3;
	int line = 0 /* N_TTY */, master = -1, fd = 0, unlock = 0, index = 0;
	char path[64];
	struct winsize size;
	struct termios mode;

	(void)argv;
	if (argc < 2) {
		master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
		say("open ptmx", master);
		say("unlock", request(master, TIOCSPTLCK, &unlock));
		say("number", request(master, TIOCGPTN, &index));
		snprintf(path, sizeof(path), "/dev/pts/%d", index);
		fd = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
		say("open slave", fd);
		/* TIOCSTI needs the controlling terminal; a session of our own for it. */
		if (fork() != 0)
			return wait(&line) < 0;
		setsid();
		say("TIOCSCTTY", ioctl(fd, TIOCSCTTY, 0));
	}
	say("TCGETS", tcgetattr(fd, &mode));
	say("TIOCGWINSZ", ioctl(fd, TIOCGWINSZ, &size));
	say("TIOCSTI", request(fd, TIOCSTI, &byte));
	say("TIOCSTI high", request(fd, TIOCSTI | HIGH, &byte));
	say("TIOCSTI higher", request(fd, TIOCSTI | (HIGH << 31), &byte));
	say("TIOCLINUX", request(fd, TIOCLINUX, &linux_copy));
	say("TIOCLINUX high", request(fd, TIOCLINUX | HIGH, &linux_copy));
	say("TIOCSETD", request(fd, TIOCSETD, &line));
	say("TIOCSETD high", request(fd, TIOCSETD | HIGH, &line));
	say("TIOCCONS", request(fd, TIOCCONS, NULL));
	say("KDSIGACCEPT", request(fd, 0x4b4e, (void *)1));
	say("KDSKBENT", request(fd, 0x4b47, NULL));
	say("VT_ACTIVATE", request(fd, 0x5606, (void *)1));
	return 0;
}
