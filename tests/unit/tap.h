/* SPDX-License-Identifier: MIT */
/*
 * TAP for the unit tests: OK(condition, name...) and its kin print one result line each, tap_done() the plan and the
 * exit status. A failed check prints what was seen on the lines after it. No test stops at the first failure.
 *
 *	int main(void)
 *	{
 *		OK(1 + 1 == 2, "sums");
 *		IS_INT(str_to_u64("7", &v), 0, "a number is read");
 *		IS_STR(name, "seven", "and named");
 *		return tap_done();
 *	}
 */
#ifndef SR_TESTS_TAP_H
#define SR_TESTS_TAP_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static int tap_count, tap_failures;

__attribute__((__format__(__printf__, 1, 2), __unused__)) static void tap_note(const char *fmt, ...)
{
	__builtin_va_list ap;

	fputs("# ", stdout);
	__builtin_va_start(ap, fmt);
	(void)vprintf(fmt, ap);
	__builtin_va_end(ap);
	(void)putchar('\n');
}

__attribute__((__unused__)) static bool tap_result(bool good, const char *file, int line, const char *name)
{
	tap_count++;
	printf("%s %d - %s\n", good ? "ok" : "not ok", tap_count, name);
	if (!good) {
		tap_failures++;
		tap_note("failed at %s:%d", file, line);
	}
	(void)fflush(stdout);
	return good;
}

__attribute__((__unused__)) static bool tap_int(long long got, long long want, const char *file, int line,
						const char *name)
{
	bool good = tap_result(got == want, file, line, name);

	if (!good)
		tap_note("got %lld, expected %lld", got, want);
	return good;
}

__attribute__((__unused__)) static bool tap_str(const char *got, const char *want, const char *file, int line,
						const char *name)
{
	bool good = tap_result(got && want ? strcmp(got, want) == 0 : got == want, file, line, name);

	if (!good)
		tap_note("got '%s', expected '%s'", got ? got : "(null)", want ? want : "(null)");
	return good;
}

/* A skipped check counts and says why. */
__attribute__((__unused__)) static void tap_skip(const char *name, const char *why)
{
	printf("ok %d - %s # SKIP %s\n", ++tap_count, name, why);
}

__attribute__((__unused__)) static int tap_done(void)
{
	printf("1..%d\n", tap_count);
	return tap_failures || tap_count == 0;
}

#define OK(condition, name) tap_result((condition), __FILE__, __LINE__, (name))
#define IS_INT(got, want, name) tap_int((long long)(got), (long long)(want), __FILE__, __LINE__, (name))
#define IS_STR(got, want, name) tap_str((got), (want), __FILE__, __LINE__, (name))

#endif
