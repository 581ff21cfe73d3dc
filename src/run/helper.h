/* SPDX-License-Identifier: MIT */
/*
 * Starts programs of ours that live in libexec, so that their libraries are loaded only by runs that use them.
 */
#ifndef SR_RUN_HELPER_H
#define SR_RUN_HELPER_H

#include <sys/types.h>

/*
 * Where the program is: beside the running program, else in SR_LIBEXEC_DIR. 0, or -errno with the latter path in *ret_path
 * (for a hint; NULL after -ENOMEM). *ret_path is fresh.
 */
int helper_find(const char *name, char **ret_path);
/*
 * Starts it with fds as its 0, 1, 2 and nothing else open, signals at their defaults, no_new_privs, killed when the caller
 * dies. 0 and the child's id, or -errno. The caller waits for it.
 */
int helper_start(const char *program, char *const argv[], char *const envp[], const int fds[3], pid_t *ret);
/* In a child: closes first and all above it, by number where it cannot be done in one call. */
void helper_close_from(int first);
/* Waits for its end; *pid becomes 0. */
void helper_reap(pid_t *pid);
/* The same, with SIGKILL before. Nothing for 0. */
void helper_end(pid_t *pid);

#endif
