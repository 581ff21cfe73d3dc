/* SPDX-License-Identifier: MIT */
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const code_names[SR_E_MAX] = {
	[SR_E_NONE] = "E_NONE",
#define SR_ERROR(name) [SR_E_##name] = "E_" #name,
#include "base/error-codes.def"
#undef SR_ERROR
};

static void fill(struct sr_error *err, int status, enum sr_error_code code, int errnum, const char *stage,
		 const char *fmt, va_list ap)
{
	err->code = code;
	err->errnum = errnum;
	err->status = status;
	err->hint[0] = '\0';
	(void)snprintf(err->stage, sizeof(err->stage), "%s", stage);
	(void)vsnprintf(err->text, sizeof(err->text), fmt, ap);
}

int sr_error_set(struct sr_error *err, enum sr_error_code code, int errnum, const char *stage, const char *fmt, ...)
{
	if (err) {
		va_list ap;

		va_start(ap, fmt);
		fill(err, 125, code, errnum, stage, fmt, ap);
		va_end(ap);
	}
	return errnum ? -errnum : -EINVAL;
}

int sr_error_set_status(struct sr_error *err, int status, enum sr_error_code code, int errnum, const char *stage,
			const char *fmt, ...)
{
	if (err) {
		va_list ap;

		va_start(ap, fmt);
		fill(err, status, code, errnum, stage, fmt, ap);
		va_end(ap);
	}
	return errnum ? -errnum : -EINVAL;
}

void sr_error_hint(struct sr_error *err, const char *fmt, ...)
{
	va_list ap;

	if (!err)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(err->hint, sizeof(err->hint), fmt, ap);
	va_end(ap);
}

int sr_error_oom(struct sr_error *err, const char *stage)
{
	return sr_error_set(err, SR_E_NO_MEMORY, ENOMEM, stage, "cannot allocate memory");
}

const char *sr_error_code_name(enum sr_error_code code)
{
	if (code >= SR_E_MAX || !code_names[code])
		return "E_INTERNAL";
	return code_names[code];
}
