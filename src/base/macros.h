/* SPDX-License-Identifier: MIT */
/*
 * Small compile-time helpers used on every floor. Libc only, no state.
 */
#ifndef SR_BASE_MACROS_H
#define SR_BASE_MACROS_H

#include <stdlib.h>

#define SR_ELEMENTSOF(a) (sizeof(a) / sizeof((a)[0]))
#define SR_PRINTF(f, a) __attribute__((__format__(__printf__, f, a)))
#define SR_NORETURN __attribute__((__noreturn__))
#define SR_UNUSED __attribute__((__unused__))

/* Ownership: a variable so marked frees its object when it leaves its scope. It must be initialised. */
#define SR_CLEANUP(f) __attribute__((__cleanup__(f)))

static inline void sr_freep(void *p)
{
	free(*(void **)p);
}
#define SR_AUTOFREE SR_CLEANUP(sr_freep)

/* Moves a pointer out of a cleanup variable: the caller owns it from here. */
#define SR_TAKE_PTR(p)                  \
	({                              \
		__typeof__(p) _t = (p); \
		(p) = NULL;             \
		_t;                     \
	})

#endif
