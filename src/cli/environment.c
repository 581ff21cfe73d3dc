/* SPDX-License-Identifier: MIT */
/*
 * sandrun environment VERB ...: becomes sandrun-environment, a program of its own, for its libraries are none that a run needs.
 */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "cli/cli.h"
#include "cli/subcommand.h"
#include "run/helper.h"

#define PROGRAM "sandrun-environment"

/* It starts runs of its own, by this very program. */
static int name_this_program(struct sr_error *err)
{
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (n < 0)
		return sr_error_set(err, SR_E_ENVIRONMENT, errno, "environment", "cannot tell where this program is: %s",
				    strerror(errno));
	self[n] = '\0';
	return setenv("SANDRUN_PROGRAM", self, 1) < 0 ? sr_error_oom(err, "environment") : 0;
}

static int become(char **argv, struct sr_error *err)
{
	SR_AUTOFREE char *path = NULL;
	int r = helper_find(PROGRAM, &path);

	if (!path)
		return sr_error_oom(err, "environment");
	if (r < 0) {
		(void)sr_error_set(err, SR_E_ENVIRONMENT, -r, "environment",
				   "cannot manage environments: the program " PROGRAM " is missing");
		sr_error_hint(err, "install it as %s; make install does", path);
		return r;
	}
	r = name_this_program(err);
	if (r < 0)
		return r;
	(void)signal(SIGPIPE, SIG_DFL); /* as main() found them, or nearly */
	(void)signal(SIGXFSZ, SIG_DFL);
	(void)execv(path, argv);
	return sr_error_set(err, SR_E_ENVIRONMENT, errno, "environment", "cannot start %s: %s", path, strerror(errno));
}

int environment_main(int argc, char **argv, struct cli_run *c)
{
	struct sr_error err = SR_ERROR_INIT;

	(void)argc;
	(void)become(argv, &err);
	message_error(&c->policy, &err);
	return err.status;
}
