/* SPDX-License-Identifier: MIT */
#include "base/error.h"

#include <errno.h>

#include "../tap.h"

static void test_set(void)
{
	struct sr_error err = SR_ERROR_INIT;

	IS_INT(sr_error_set(&err, SR_E_SCRIPT, ENOENT, "script", "cannot read %s: %d", "a.py", 3), -ENOENT,
	       "setting returns -errno");
	IS_INT(err.code, SR_E_SCRIPT, "the code is kept");
	IS_INT(err.errnum, ENOENT, "so is errno");
	IS_INT(err.status, 125, "the exit status is sandrun's own");
	IS_STR(err.stage, "script", "the stage is named");
	IS_STR(err.text, "cannot read a.py: 3", "the text is formatted");
	IS_STR(err.hint, "", "there is no hint yet");
	sr_error_hint(&err, "sandrun -C %s", ".");
	IS_STR(err.hint, "sandrun -C .", "a hint is added");
	sr_error_hint(&err, "another");
	IS_STR(err.hint, "another", "or replaced");

	IS_INT(sr_error_set_status(&err, 127, SR_E_EXEC_NOT_FOUND, 0, "exec", "cannot find x"), -EINVAL,
	       "without an errno the result is still negative");
	IS_INT(err.status, 127, "a status of its own");
	IS_STR(err.hint, "", "a new error has no old hint");
}

static void test_edges(void)
{
	struct sr_error err = SR_ERROR_INIT;
	char longer[2048];

	IS_INT(sr_error_set(NULL, SR_E_SETUP, EPERM, "setup", "cannot"), -EPERM, "nobody needs to listen");
	sr_error_hint(NULL, "nor take a hint");

	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	(void)sr_error_set(&err, SR_E_SETUP, EPERM, longer, "%s", longer);
	IS_INT(strlen(err.text), sizeof(err.text) - 1, "a long text is cut");
	IS_INT(strlen(err.stage), sizeof(err.stage) - 1, "and so is a long stage");

	IS_INT(sr_error_oom(&err, "plan"), -ENOMEM, "out of memory");
	IS_STR(err.text, "cannot allocate memory", "is said in words");
}

static void test_code_names(void)
{
	bool named = true;

	IS_STR(sr_error_code_name(SR_E_USERNS_DENIED), "E_USERNS_DENIED", "a code has its name");
	IS_STR(sr_error_code_name(SR_E_NONE), "E_NONE", "no error too");
	IS_STR(sr_error_code_name(SR_E_MAX), "E_INTERNAL", "an impossible one is an internal error");
	IS_STR(sr_error_code_name((enum sr_error_code)4711), "E_INTERNAL", "whatever it is");
	for (int i = 0; i < SR_E_MAX; i++)
		named = named && strncmp(sr_error_code_name((enum sr_error_code)i), "E_", 2) == 0;
	OK(named, "every code has a name");
}

int main(void)
{
	test_set();
	test_edges();
	test_code_names();
	return tap_done();
}
