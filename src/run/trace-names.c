/* SPDX-License-Identifier: MIT */
#include "run/trace-names.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/macros.h"

#define NAME(n) { n, #n }
static const struct {
	int number;
	const char *name;
} errnos[] = {
	NAME(EPERM), NAME(ENOENT), NAME(ESRCH), NAME(EINTR), NAME(EIO), NAME(ENXIO), NAME(E2BIG), NAME(ENOEXEC), NAME(EBADF),
	NAME(ECHILD), NAME(EAGAIN), NAME(ENOMEM), NAME(EACCES), NAME(EFAULT), NAME(ENOTBLK), NAME(EBUSY), NAME(EEXIST),
	NAME(EXDEV), NAME(ENODEV), NAME(ENOTDIR), NAME(EISDIR), NAME(EINVAL), NAME(ENFILE), NAME(EMFILE), NAME(ENOTTY),
	NAME(ETXTBSY), NAME(EFBIG), NAME(ENOSPC), NAME(ESPIPE), NAME(EROFS), NAME(EMLINK), NAME(EPIPE), NAME(ENAMETOOLONG),
	NAME(ENOSYS), NAME(ELOOP), NAME(EOVERFLOW), NAME(ELIBBAD), NAME(EUSERS), NAME(ENOTSOCK), NAME(EDESTADDRREQ),
	NAME(EMSGSIZE), NAME(EPROTOTYPE), NAME(ENOPROTOOPT), NAME(EPROTONOSUPPORT), NAME(ESOCKTNOSUPPORT), NAME(EOPNOTSUPP),
	NAME(EPFNOSUPPORT), NAME(EAFNOSUPPORT), NAME(EADDRINUSE), NAME(EADDRNOTAVAIL), NAME(ENETDOWN), NAME(ENETUNREACH),
	NAME(ENETRESET), NAME(ECONNABORTED), NAME(ECONNRESET), NAME(ENOBUFS), NAME(EISCONN), NAME(ENOTCONN), NAME(ETIMEDOUT),
	NAME(ECONNREFUSED), NAME(EHOSTDOWN), NAME(EHOSTUNREACH), NAME(EALREADY), NAME(EINPROGRESS), NAME(ESTALE),
	NAME(EDQUOT), NAME(ENOMEDIUM), NAME(ENOKEY),
};

#ifndef O_TMPFILE
#define O_TMPFILE (020000000 | O_DIRECTORY)
#endif
#define KERNEL_O_LARGEFILE 0100000U /* musl's own headers say 0 where it is always on */

/* O_SYNC and O_TMPFILE hold bits of O_DSYNC and O_DIRECTORY: they come first. */
static const struct {
	uint64_t bits;
	const char *name;
} flags[] = {
	NAME(O_TMPFILE), NAME(O_SYNC), NAME(O_CREAT), NAME(O_EXCL), NAME(O_NOCTTY), NAME(O_TRUNC), NAME(O_APPEND), NAME(O_NONBLOCK),
	NAME(O_DSYNC), NAME(O_DIRECT), NAME(O_DIRECTORY), NAME(O_NOFOLLOW), NAME(O_NOATIME), NAME(O_CLOEXEC), NAME(O_PATH),
	NAME(O_ASYNC),
};

const char *trace_errno_name(int errnum, char other[static 16])
{
	for (size_t i = 0; i < SR_ELEMENTSOF(errnos); i++) {
		if (errnos[i].number == errnum)
			return errnos[i].name;
	}
	(void)snprintf(other, 16, "E%d", errnum);
	return other;
}

void trace_open_flags(uint64_t value, char out[static SR_TRACE_FLAGS_TEXT])
{
	static const char *const ways[] = { "O_RDONLY", "O_WRONLY", "O_RDWR", "O_ACCMODE" };
	uint64_t left = value & ~(uint64_t)O_ACCMODE;
	int n;

#ifdef O_PATH /* musl counts it to O_ACCMODE */
	left |= value & O_PATH;
#endif
#if defined(__x86_64__)
	left &= ~(uint64_t)KERNEL_O_LARGEFILE;
#endif
	n = snprintf(out, SR_TRACE_FLAGS_TEXT, "%s", ways[value & 3]);
	for (size_t i = 0; i < SR_ELEMENTSOF(flags); i++) {
		if ((left & flags[i].bits) != flags[i].bits)
			continue;
		left &= ~flags[i].bits;
		n += snprintf(out + n, SR_TRACE_FLAGS_TEXT - (size_t)n, "|%s", flags[i].name);
	}
	if (left)
		(void)snprintf(out + n, SR_TRACE_FLAGS_TEXT - (size_t)n, "|0x%llx", (unsigned long long)left);
}
