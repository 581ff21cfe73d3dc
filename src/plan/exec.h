/* SPDX-License-Identifier: MIT */
/*
 * What will be executed: argv, environment and the program's bytes, final. Built from the policy, the language table and
 * what the environment holds.
 */
#ifndef SR_PLAN_EXEC_H
#define SR_PLAN_EXEC_H

#include "base/error.h"
#include "base/str.h"
#include "plan/environment.h"
#include "plan/script.h"
#include "policy/policy.h"

struct sr_exec {
	char *path;              /* absolute path inside of the file to execute */
	struct sr_strv argv;
	struct sr_strv envp;     /* built from nothing: "NAME=VALUE" */
	char *lang;              /* name of the language row, NULL for COMMAND and unknown shebangs */
	char *script;            /* bytes of the program (SCRIPT without -C, STDIN, CODE kept as a file), or NULL */
	size_t script_len;
	char *script_name;       /* it goes to /work/<script_name>, mode 0555; NULL with script: it is fed to standard input */
	char *script_path;       /* as the user named it, for messages; NULL for STDIN and CODE */
	char *entry;             /* with -C: the entry script beneath the project, "main.py"; else NULL */
	struct sr_script read;   /* the program, where it was read before exec_build(); then its own */
	struct sr_strv notes;    /* what the user may want to know, one line each, to be shown with -v or after a failure */
};

/* Fills *ret (zeroed by the caller). stdin_fd is the caller's standard input, read to its end for SR_FORM_STDIN. */
int exec_build(const struct sr_policy *p, const struct sr_environment *e, int stdin_fd, struct sr_exec *ret,
	       struct sr_error *err);
void exec_done(struct sr_exec *x);

#endif
