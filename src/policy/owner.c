/* SPDX-License-Identifier: MIT */
#include "policy/owner.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/xattr.h>
#include <unistd.h>

/*
 * The user's own primary group is the user (umask 002); an access list shows as group rights and may name anybody.
 */
static const char *writers(int fd, const struct stat *st, const char *copy, const char **ret_mend)
{
	bool own_group = st->st_gid == getegid() || (st->st_uid == 0 && st->st_gid == 0);

	if (st->st_uid != geteuid() && st->st_uid != 0) {
		*ret_mend = copy;
		return "it belongs to another user";
	}
	*ret_mend = "chmod o-w";
	if (st->st_mode & S_IWOTH)
		return "everybody may write it";
	*ret_mend = "chmod g-w";
	if ((st->st_mode & S_IWGRP) && !own_group)
		return "a group that is not your primary one may write it";
	if ((st->st_mode & S_IWGRP) && fgetxattr(fd, "system.posix_acl_access", NULL, 0) >= 0)
		return "its access list may let others write it";
	return NULL;
}

const char *owner_refusal(int fd, const struct stat *st, const char **ret_mend)
{
	*ret_mend = NULL;
	return S_ISREG(st->st_mode) ? writers(fd, st, "use a copy of your own: cp", ret_mend) : "not a regular file";
}

const char *owner_folder_refusal(int fd, const struct stat *st, const char **ret_mend)
{
	*ret_mend = NULL;
	return S_ISDIR(st->st_mode) ? writers(fd, st, "use a copy of your own: cp -r", ret_mend) : "not a folder";
}
