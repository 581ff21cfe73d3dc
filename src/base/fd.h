/* SPDX-License-Identifier: MIT */
/*
 * File descriptors: ownership and a few safe openings. Descriptors start at -1; everything is close-on-exec.
 */
#ifndef SR_BASE_FD_H
#define SR_BASE_FD_H

#include <errno.h>
#include <unistd.h>

#include "base/macros.h"

/* Closes *fd if it is open, keeps errno, leaves -1. */
static inline void fd_close(int *fd)
{
	if (*fd >= 0) {
		int saved = errno;

		(void)close(*fd); /* a failing close(2) has closed all the same on Linux */
		errno = saved;
		*fd = -1;
	}
}
#define SR_AUTOCLOSE SR_CLEANUP(fd_close)

/* Moves a descriptor out of a cleanup variable. */
#define SR_TAKE_FD(fd)         \
	({                     \
		int _t = (fd); \
		(fd) = -1;     \
		_t;            \
	})

#endif
