/* SPDX-License-Identifier: MIT */
/*
 * The user's folders by the XDG Base Directory Specification: the variable where it holds an absolute path (a relative
 * one is to be ignored), else its default below HOME; sandrun's own is the folder "sandrun" in it.
 */
#ifndef SR_BASE_XDG_H
#define SR_BASE_XDG_H

enum sr_xdg {
	SR_XDG_CONFIG, /* ~/.config */
	SR_XDG_DATA,   /* ~/.local/share */
	SR_XDG_STATE,  /* ~/.local/state */
	SR_XDG_CACHE,  /* ~/.cache */
};

/* "FOLDER/sandrun" or "FOLDER/sandrun/NAME" (name may be NULL). 0, -ENOENT without variable and HOME, -ENOMEM. */
int xdg_path(enum sr_xdg which, const char *name, char **ret);

/*
 * A descriptor of "FOLDER/sandrun" or "FOLDER/sandrun/NAME", made with mode 0700 together with what is missing above it.
 * Only a folder that nobody but its owner, this user, can write is opened: -EPERM for any other, *ret_path (may be NULL)
 * names it all the same. 0, -ENOENT as above, -errno of what failed. The caller closes and frees.
 */
int xdg_open(enum sr_xdg which, const char *name, int *ret_fd, char **ret_path);

#endif
