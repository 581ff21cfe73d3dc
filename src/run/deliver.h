/* SPDX-License-Identifier: MIT */
/*
 * The host's side of files on their way out: a destination folder into which files are written under temporary names and
 * renamed when all of them are complete. Below the destination nothing is followed: every folder on the way is a real one,
 * existing or made. Without force nothing that exists is touched; with it a file or a link is replaced, never a folder.
 *
 * deliver_open, deliver_check for every name, deliver_file for every name, deliver_commit. deliver_done() takes back
 * whatever was not committed. One at a time; the struct may not be copied once it is open.
 */
#ifndef SR_RUN_DELIVER_H
#define SR_RUN_DELIVER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/str.h"

#define SR_DELIVER_TEMP 32

struct sr_delivery {
	char *name;                 /* below the destination */
	char temp[SR_DELIVER_TEMP]; /* in the same folder */
	bool placed;
};

struct sr_deliver {
	int above_fd;    /* the folder that holds the destination, borrowed */
	char *base;      /* the destination's name there, or "." */
	char *shown;     /* as the user named it, for messages */
	bool force;
	int fd;          /* the destination; -1 until it exists */
	bool made;       /* by us */
	struct sr_strv folders; /* made by us below it, in the order they were made */
	struct sr_delivery *items;
	size_t count, room;
	char *parent;    /* the folder used last */
	int parent_fd;
};

#define SR_DELIVER_INIT { .above_fd = -1, .fd = -1, .parent_fd = -1 }

/* Borrows above_fd. The destination need not exist. */
int deliver_open(struct sr_deliver *d, int above_fd, const char *base, const char *shown, bool force,
		 struct sr_error *err);
/* Would this name be refused? Changes nothing. */
int deliver_check(struct sr_deliver *d, const char *name, struct sr_error *err);
/* Starts a file: mode 0644 less the umask, no execute bits. Makes the folders above it. *ret_fd is the caller's. */
int deliver_file(struct sr_deliver *d, const char *name, int *ret_fd, struct sr_error *err);
/* Forgets the file started last and removes what there is of it. */
void deliver_drop(struct sr_deliver *d);
/* Renames all. On failure what this call placed is gone again, but for files that were replaced under force. */
int deliver_commit(struct sr_deliver *d, struct sr_error *err);
void deliver_done(struct sr_deliver *d);

/* Splits a path the user gave: the folder above (fresh) and the last component (fresh; "." for "/", "." and ".."). */
int deliver_split(const char *path, char **ret_above, char **ret_base);
/* A new empty file under a random name in dir_fd. Returns its descriptor or -errno. */
int deliver_temp(int dir_fd, char ret_name[static SR_DELIVER_TEMP]);
/* Gives it its name. -EEXIST without force when that is taken; -EISDIR when a folder has it. */
int deliver_rename(int dir_fd, const char *temp, const char *name, bool force);

#endif
