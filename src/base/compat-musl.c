/* SPDX-License-Identifier: MIT */
/*
 * What glibc's headers put into a static archive and musl does not have.
 *
 * Debian builds libinih.a, libnettle.a, libjansson.a and libseccomp.a against glibc with _FORTIFY_SOURCE, so they call
 * the checked twins of a few functions: the same arguments and the size of the destination as the compiler knew it,
 * (size_t)-1 where it did not. Their interface is the one of the Linux Standard Base, "Interfaces for libc". Linked
 * into a musl program they are found here. The checks are kept: a write that would not fit ends the program.
 *
 * configure links all of the archives together and runs the result before it chooses musl, so that a need which is not
 * met here shows there and not in a user's hands. Built for musl only.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef __GLIBC__
#error "glibc has these functions: this file is for musl, and its compiler (clang?) did not take musl's specs"
#endif
#undef fopen64 /* older headers of musl make it a macro */

/* The names are glibc's, in the implementation's name space: nothing of ours calls them. */
/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
void *__memcpy_chk(void *dst, const void *src, size_t n, size_t dst_size);
void *__memset_chk(void *dst, int c, size_t n, size_t dst_size);
char *__strncpy_chk(char *dst, const char *src, size_t n, size_t dst_size);
void __explicit_bzero_chk(void *dst, size_t n, size_t dst_size);
int __snprintf_chk(char *dst, size_t n, int flag, size_t dst_size, const char *fmt, ...);
int __vsnprintf_chk(char *dst, size_t n, int flag, size_t dst_size, const char *fmt, va_list ap);
int __fprintf_chk(FILE *f, int flag, const char *fmt, ...);
FILE *fopen64(const char *path, const char *mode);

/* Not a message and exit(3): whoever comes here has lost its memory's integrity. */
static void check(size_t n, size_t dst_size)
{
	if (n > dst_size)
		abort();
}

void *__memcpy_chk(void *dst, const void *src, size_t n, size_t dst_size)
{
	check(n, dst_size);
	return memcpy(dst, src, n);
}

void *__memset_chk(void *dst, int c, size_t n, size_t dst_size)
{
	check(n, dst_size);
	return memset(dst, c, n);
}

char *__strncpy_chk(char *dst, const char *src, size_t n, size_t dst_size)
{
	check(n, dst_size); /* strncpy(3) fills all n bytes */
	return strncpy(dst, src, n);
}

void __explicit_bzero_chk(void *dst, size_t n, size_t dst_size)
{
	check(n, dst_size);
	explicit_bzero(dst, n);
}

int __vsnprintf_chk(char *dst, size_t n, int flag, size_t dst_size, const char *fmt, va_list ap)
{
	(void)flag; /* asks glibc to refuse %n in writable formats; musl has no such mode, the callers' formats are constant */
	check(n, dst_size);
	return vsnprintf(dst, n, fmt, ap);
}

int __snprintf_chk(char *dst, size_t n, int flag, size_t dst_size, const char *fmt, ...)
{
	va_list ap;
	int r;

	va_start(ap, fmt);
	r = __vsnprintf_chk(dst, n, flag, dst_size, fmt, ap);
	va_end(ap);
	return r;
}

int __fprintf_chk(FILE *f, int flag, const char *fmt, ...)
{
	va_list ap;
	int r;

	(void)flag;
	va_start(ap, fmt);
	r = vfprintf(f, fmt, ap);
	va_end(ap);
	return r;
}

/* glibc's name for fopen(3) with 64-bit offsets, which musl always has. */
FILE *fopen64(const char *path, const char *mode)
{
	return fopen(path, mode);
}
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
