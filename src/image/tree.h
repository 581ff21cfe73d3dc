/* SPDX-License-Identifier: MIT */
/*
 * Folder trees that somebody hostile laid out: listed and removed by descriptors, one name at a time, no link followed.
 */
#ifndef SR_IMAGE_TREE_H
#define SR_IMAGE_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

/*
 * The deepest folder of a layer. Each level holds a descriptor while it is read, and no real tree comes near; a path has at
 * most PATH_MAX - 1 bytes, for programs could not open what lies deeper.
 */
#define SR_TREE_DEPTH 256

struct sr_tree_item {
	char *name;
	struct stat st;
};

struct sr_tree_list {
	struct sr_tree_item *items;
	size_t count, room;
};

/* What a folder holds, sorted by the bytes of the names, "." and ".." apart. dir_fd is read from its start. 0 or -errno. */
int tree_list(int dir_fd, struct sr_tree_list *ret);
void tree_list_done(struct sr_tree_list *l);

/* Opens a folder that stands right in dir_fd, no link, for reading. Descriptor or -errno. */
int tree_open_folder(int dir_fd, const char *name);
/* The same where its mode does not let its owner in: it is given 0700 then. */
int tree_open_anyway(int dir_fd, const char *name);
/* Sets the mode of what stands at a name, of a link not. 0 or -errno. */
int tree_set_mode(int dir_fd, const char *name, mode_t mode);

/*
 * Removes dir_fd's `name` and all below it, however deep and of whatever mode; nothing beside it is touched. 0 (also when it is
 * not there) or the first -errno, and then as much is gone as can be.
 */
int tree_remove(int dir_fd, const char *name);

/* An own limit on open files as high as may be: a tree takes a descriptor a level. */
void tree_raise_limit(void);

#endif
