/* SPDX-License-Identifier: MIT */
/*
 * A private pty, only where a standard descriptor of the caller's is a terminal.
 * Needs: the private devpts. Gives up: nothing. After: pivot (the name /dev/pts/0 must be the inside one).
 * If skipped: the payload would hold the caller's terminal and could type into it (TIOCSTI and its kin).
 */
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "stage/stage.h"
#include "sys/kernel.h"

#ifndef TIOCGPTPEER
#define TIOCGPTPEER 0x5441
#endif

void stage_terminal(struct sr_stage_ctx *c)
{
	int unlock = 0;

	if (!c->plan->pty)
		return;
	c->pty_master = sys_open("/dev/pts/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC, 0);
	if (c->pty_master < 0 || ioctl(c->pty_master, TIOCSPTLCK, &unlock) < 0)
		stage_fail(c, SR_STAGE_TERMINAL, errno, 0);
	c->pty_slave = ioctl(c->pty_master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC); /* ioctl_tty(2) */
	if (c->pty_slave < 0)
		stage_fail(c, SR_STAGE_TERMINAL, errno, 1);
}
