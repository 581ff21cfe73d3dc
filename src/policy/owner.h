/* SPDX-License-Identifier: MIT */
/* Who may have written a file that says what sandrun allows: the user and root alone (finding 27). */
#ifndef SR_POLICY_OWNER_H
#define SR_POLICY_OWNER_H

#include <sys/stat.h>

/*
 * NULL when the open file fd may be used; else why not, fit behind "cannot use FILE: ". *ret_mend is then a command that
 * takes the file's name as its last word, or NULL.
 */
const char *owner_refusal(int fd, const struct stat *st, const char **ret_mend);
/* The same of a folder, whose writers could put any file into it. */
const char *owner_folder_refusal(int fd, const struct stat *st, const char **ret_mend);

#endif
