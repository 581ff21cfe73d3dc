/* SPDX-License-Identifier: MIT */
/*
 * Shared by the probes: small static programs that try one kind of act each and print what happened, one line an act,
 * "name: OK" or "name: EPERM", so that a test compares whole output. A probe judges nothing: the same program runs
 * outside as the positive control. Nothing here needs more than a C library, and no kernel headers.
 */
#ifndef SR_TESTS_PROBE_H
#define SR_TESTS_PROBE_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Name of an errno; musl has no strerrorname_np(3). */
static inline const char *error_name(int error)
{
#define SR_NAME(e) { e, #e }
	static const struct {
		int number;
		const char *name;
	} names[] = {
		SR_NAME(EPERM), SR_NAME(ENOENT), SR_NAME(ESRCH), SR_NAME(EINTR), SR_NAME(EIO), SR_NAME(ENXIO),
		SR_NAME(E2BIG), SR_NAME(ENOEXEC), SR_NAME(EBADF), SR_NAME(ECHILD), SR_NAME(EAGAIN), SR_NAME(ENOMEM),
		SR_NAME(EACCES), SR_NAME(EFAULT), SR_NAME(ENOTBLK), SR_NAME(EBUSY), SR_NAME(EEXIST), SR_NAME(EXDEV),
		SR_NAME(ENODEV), SR_NAME(ENOTDIR), SR_NAME(EISDIR), SR_NAME(EINVAL), SR_NAME(ENFILE), SR_NAME(EMFILE),
		SR_NAME(ENOTTY), SR_NAME(ETXTBSY), SR_NAME(EFBIG), SR_NAME(ENOSPC), SR_NAME(ESPIPE), SR_NAME(EROFS),
		SR_NAME(EMLINK), SR_NAME(EPIPE), SR_NAME(EDOM), SR_NAME(ERANGE), SR_NAME(EDEADLK),
		SR_NAME(ENAMETOOLONG), SR_NAME(ENOSYS), SR_NAME(ENOTEMPTY), SR_NAME(ELOOP), SR_NAME(ENODATA),
		SR_NAME(EOVERFLOW), SR_NAME(EUSERS), SR_NAME(ENOTSOCK), SR_NAME(EPROTOTYPE), SR_NAME(ENOPROTOOPT),
		SR_NAME(EPROTONOSUPPORT), SR_NAME(ESOCKTNOSUPPORT), SR_NAME(EOPNOTSUPP), SR_NAME(EAFNOSUPPORT),
		SR_NAME(EADDRINUSE), SR_NAME(EADDRNOTAVAIL), SR_NAME(ENETDOWN), SR_NAME(ENETUNREACH),
		SR_NAME(ECONNABORTED), SR_NAME(ECONNRESET), SR_NAME(ENOBUFS), SR_NAME(ENOTCONN), SR_NAME(ETIMEDOUT),
		SR_NAME(ECONNREFUSED), SR_NAME(EHOSTUNREACH), SR_NAME(EINPROGRESS), SR_NAME(ESTALE), SR_NAME(EDQUOT),
		SR_NAME(ENOKEY), SR_NAME(EUCLEAN), SR_NAME(ENOMSG), SR_NAME(EBADFD),
	};
#undef SR_NAME
	static char other[32];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].number == error)
			return names[i].name;
	snprintf(other, sizeof(other), "errno %d", error);
	return other;
}

/* One line: "name: OK" for a result that is not negative, else the name of errno. */
static inline void say(const char *name, long result)
{
	int error = errno;

	printf("%s: %s\n", name, result < 0 ? error_name(error) : "OK");
	fflush(stdout);
	errno = error;
}

static inline long number(const char *text)
{
	char *end;
	long n = strtol(text, &end, 0);

	if (*text == '\0' || *end != '\0') {
		fprintf(stderr, "not a number: %s\n", text);
		exit(2);
	}
	return n;
}

#endif
