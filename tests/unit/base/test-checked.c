/* SPDX-License-Identifier: MIT */
/*
 * The checked functions that static archives call: ours in a musl program (base/compat-musl.c), glibc's own elsewhere. What
 * fits is done, what does not fit ends the program.
 */
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../tap.h"

void *__memcpy_chk(void *dst, const void *src, size_t n, size_t dst_size);
void *__memset_chk(void *dst, int c, size_t n, size_t dst_size);
char *__strncpy_chk(char *dst, const char *src, size_t n, size_t dst_size);
void __explicit_bzero_chk(void *dst, size_t n, size_t dst_size);
int __snprintf_chk(char *dst, size_t n, int flag, size_t dst_size, const char *fmt, ...);
int __vsnprintf_chk(char *dst, size_t n, int flag, size_t dst_size, const char *fmt, va_list ap);
int __fprintf_chk(FILE *f, int flag, const char *fmt, ...);

#define UNKNOWN ((size_t)-1)

static char buffer[64];
/* The compiler knows these functions: it must not see what they are called with. */
static volatile size_t four = 4, seven = 7, eight = 8;

static int format(char *dst, size_t n, size_t dst_size, const char *fmt, ...)
{
	va_list ap;
	int r;

	va_start(ap, fmt);
	r = __vsnprintf_chk(dst, n, 1, dst_size, fmt, ap);
	va_end(ap);
	return r;
}

static void test_what_fits(void)
{
	char text[32] = "";
	FILE *f;

	IS_STR(__memcpy_chk(buffer, "copied", 7, 7), "copied", "a copy that just fits");
	IS_STR(__memcpy_chk(buffer, "unknown", 8, UNKNOWN), "unknown", "or whose room is not known");
	OK(((char *)__memset_chk(buffer, 'x', 3, 3))[2] == 'x', "bytes are set");
	IS_STR(__strncpy_chk(buffer, "abc", 6, sizeof(buffer)), "abc", "a string is copied");
	OK(buffer[4] == '\0' && buffer[5] == '\0', "and filled up with NULs");
	__explicit_bzero_chk(buffer, 3, 3);
	OK(!buffer[0] && !buffer[1] && !buffer[2], "bytes are wiped");
	IS_INT(__snprintf_chk(buffer, four, 1, four, "%d", 12345), 5, "a text is cut, its length is told");
	IS_STR(buffer, "123", "with its end in place");
	IS_INT(format(buffer, sizeof(buffer), sizeof(buffer), "%s-%d", "a", 7), 3, "a text by argument list");
	IS_STR(buffer, "a-7", "is formatted");
	f = fmemopen(text, sizeof(text), "w");
	OK(f && __fprintf_chk(f, 1, "%s %d", "to a file", 5) == 11, "and to a file");
	OK(f && fclose(f) == 0 && strcmp(text, "to a file 5") == 0, "as well");
}

static void too_long_copy(void)
{
	(void)__memcpy_chk(buffer, "abcdefgh", eight, seven);
}

static void too_long_set(void)
{
	(void)__memset_chk(buffer, 0, eight, seven);
}

static void too_long_string(void)
{
	(void)__strncpy_chk(buffer, "a", eight, seven); /* it would fill all eight */
}

static void too_long_wipe(void)
{
	__explicit_bzero_chk(buffer, eight, seven);
}

static void too_long_text(void)
{
	(void)__snprintf_chk(buffer, eight, 1, seven, "a");
}

static void too_long_list(void)
{
	(void)format(buffer, eight, seven, "a");
}

static void test_what_does_not(void (*call)(void), const char *name)
{
	const struct rlimit none = { 0, 0 };
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		(void)setrlimit(RLIMIT_CORE, &none);
		(void)!freopen("/dev/null", "w", stderr); /* glibc says goodbye */
		call();
		_exit(0);
	}
	OK(pid > 0 && waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT, name);
}

int main(void)
{
	test_what_fits();
	test_what_does_not(too_long_copy, "a copy that does not fit");
	test_what_does_not(too_long_set, "too many bytes to set");
	test_what_does_not(too_long_string, "a string's filling that does not fit");
	test_what_does_not(too_long_wipe, "too many bytes to wipe");
#ifdef SR_SANITIZED /* AddressSanitizer puts its own in front of these, which ask only the buffer */
	(void)too_long_text;
	(void)too_long_list;
#else
	test_what_does_not(too_long_text, "a text for more room than there is");
	test_what_does_not(too_long_list, "the same by argument list");
#endif
	return tap_done();
}
