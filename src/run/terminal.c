/* SPDX-License-Identifier: MIT */
/*
 * The caller's terminal and the private one. The caller's goes raw while a program runs in the foreground, so that every
 * key, Ctrl-C too, reaches the private line discipline, which makes signals of it for the payload alone. It is restored
 * whatever happens short of SIGKILL to sandrun. Rests on termios(3), ioctl_tty(2).
 */
#include <errno.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "run/run.h"

/* The descriptor through which the caller's terminal is asked and set, or -1. */
static int caller_tty(const struct sr_run *run)
{
	for (int i = 0; i < 3; i++) {
		if (run->stdio.tty[i])
			return i;
	}
	return -1;
}

void terminal_resize(struct sr_run *run)
{
	struct winsize ws;

	if (run->pty_master >= 0 && ioctl(caller_tty(run), TIOCGWINSZ, &ws) == 0)
		(void)ioctl(run->pty_master, TIOCSWINSZ, &ws); /* a size that does not arrive is a blemish, no error */
}

/* Setting a terminal's modes from the background would stop sandrun (SIGTTOU, tcsetattr(3)). */
static bool in_foreground(int fd)
{
	return tcgetpgrp(fd) == getpgrp();
}

/*
 * Keys go through raw where the terminal is both keyboard and screen. In `sandrun ... | less` the pager owns the keyboard's
 * modes: the terminal stays as it is there, its own Ctrl-C reaches sandrun as a signal.
 */
static bool wants_raw(const struct sr_run *run)
{
	return run->stdio.tty[0] && run->stdio.tty[1];
}

/* The program meets the modes that the caller's terminal had; from then on they are its own to change. */
static void set_inner(struct sr_run *run, const struct termios *own)
{
	struct termios inner = *own;

	if (run->inner_set)
		return;
	run->inner_set = true;
	if (!wants_raw(run)) {
		inner.c_oflag &= ~(tcflag_t)OPOST; /* the caller's own terminal stays cooked: it adds the \r ... */
		inner.c_lflag &= ~(tcflag_t)(ECHO | ECHONL); /* ... and shows what is typed */
	}
	(void)tcsetattr(run->pty_master, TCSANOW, &inner);
}

/* At the start and after every stop; a shell may have changed the modes meanwhile, or put sandrun into the background. */
void terminal_start(struct sr_run *run)
{
	struct termios own;
	int fd = caller_tty(run);

	terminal_resize(run);
	if (fd < 0 || tcgetattr(fd, &own) < 0)
		return;
	set_inner(run, &own);
	run->tty_in.paused = run->stdio.tty[0] && !in_foreground(0);
	if (!wants_raw(run))
		return;
	if (run->tty_in.paused) {
		run->raw = false; /* the modes are the shell's business now */
		return;
	}
	if (run->raw)
		own = run->saved_termios;
	else
		run->saved_termios = own;
	cfmakeraw(&own);
	if (tcsetattr(0, TCSADRAIN, &own) == 0)
		run->raw = true;
}

/* A cooked terminal said end of file (Ctrl-D on an empty line): the private line discipline is told the same way. */
void terminal_end_of_input(struct sr_run *run)
{
	struct termios t;

	if (run->pty_master < 0 || tcgetattr(run->pty_master, &t) < 0)
		return;
	(void)!write(run->pty_master, &t.c_cc[VEOF], 1);
}

void terminal_restore(struct sr_run *run)
{
	if (!run->raw)
		return;
	run->raw = false;
	while (tcsetattr(0, TCSADRAIN, &run->saved_termios) < 0 && errno == EINTR)
		;
}
