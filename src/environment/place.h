/* SPDX-License-Identifier: MIT */
/*
 * Where an export goes: a file or folder that the user names. It is made under a temporary name beside its place and renamed:
 * whole or not at all, and nothing that is there is lost without --force.
 */
#ifndef SR_ENVIRONMENT_PLACE_H
#define SR_ENVIRONMENT_PLACE_H

#include <stdbool.h>

#include "base/error.h"

struct place {
	int dir_fd;       /* the folder it goes into */
	char *name;       /* there */
	const char *path; /* as the user gave it */
	bool force, is_there, is_folder; /* what is there now */
	bool is_unnamed;  /* a file that goes by itself when its maker dies */
	char temp[32];    /* "" until something is made that has a name */
	char other[32];   /* a second temporary name, for the layout behind a tar */
};
#define PLACE_INIT { .dir_fd = -1 }

/* Looks at the place, and refuses it before anything is made. folder: what will be made. */
int place_open(struct place *p, const char *path, bool folder, bool force, struct sr_error *err);
/* A fresh file without a name where that can be, or a file or folder under a temporary one. Descriptor or negative with the error set. */
int place_make_file(struct place *p, struct sr_error *err);
int place_make_folder(struct place *p, char name[static 32], struct sr_error *err);
/* Brings the temporary thing, fd, to the disk and to its name. */
int place_settle(struct place *p, int fd, struct sr_error *err);
/* Removes what was not settled. */
void place_done(struct place *p);

#endif
