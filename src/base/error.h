/* SPDX-License-Identifier: MIT */
/*
 * The error object of policy, plan, run, image and evidence.
 *
 * A function that can fail for a reason the user must read takes `struct sr_error *err` as its last parameter and
 * returns 0 or a negative errno. The error is set once, where it arises; callers may add context in front (wrap) or a
 * mend behind (hint) and hand it up. On success it is untouched. Nothing here prints: only cli/ and service/ do.
 *
 * Texts follow one form, `cannot <verb> <object>: <reason>`; names in them are escaped with str_escape() when they come
 * from files, arguments or the payload.
 */
#ifndef SR_BASE_ERROR_H
#define SR_BASE_ERROR_H

#include "base/macros.h"

/* Stable machine codes: names are part of the interface (`--error-format=json`), numbers are not. */
enum sr_error_code {
	SR_E_NONE = 0,
#define SR_ERROR(name) SR_E_##name,
#include "base/error-codes.def"
#undef SR_ERROR
	SR_E_MAX
};

struct sr_error {
	enum sr_error_code code;
	int errnum;      /* positive errno, 0 when none applies */
	int status;      /* exit status: 125, 126 or 127 */
	char stage[24];  /* the step that failed: "options", "profile", "script", "sandbox", ... */
	char text[768];  /* "cannot ..." */
	char hint[768];  /* the exact mend, or "" */
};

#define SR_ERROR_INIT { .code = SR_E_NONE }

/* Sets the error and returns -errnum (or -EINVAL where errnum is 0). status 125. err may be NULL. */
int sr_error_set(struct sr_error *err, enum sr_error_code code, int errnum, const char *stage, const char *fmt, ...)
	SR_PRINTF(5, 6);
/* The same with an exit status of 126 or 127. */
int sr_error_set_status(struct sr_error *err, int status, enum sr_error_code code, int errnum, const char *stage,
			const char *fmt, ...) SR_PRINTF(6, 7);
/* Gives the mend of an error that is set. Replaces an earlier hint. */
void sr_error_hint(struct sr_error *err, const char *fmt, ...) SR_PRINTF(2, 3);
/* Out of memory, in one word. Returns -ENOMEM. */
int sr_error_oom(struct sr_error *err, const char *stage);
/* "E_USERNS_DENIED" and so on. Never NULL. */
const char *sr_error_code_name(enum sr_error_code code);

#endif
