/* SPDX-License-Identifier: MIT */
/*
 * What a sandbox of the environment `host` sees as /etc: the pieces of the host's that programs need (finding 34), and
 * synthetic passwd, group, hosts, nsswitch.conf, hostname and resolv.conf. Two ways to make it:
 *
 *	mask   one overlay of the host's /etc with a folder of our own on top, which holds the synthetic files and a whiteout
 *	       for every other name. One mount instead of thirty. The folder is kept in the user's cache folder
 *	       ($XDG_CACHE_HOME/sandrun, root: /run/sandrun) under a name made of /etc's device, inode and times, so a name
 *	       that appears in /etc makes a new one; the child compares the times again once the mount stands. Not within a
 *	       second or two of a change: times that fresh prove nothing.
 *	pieces the names one by one, bound from a hidden overlay. For when there is no cache folder, it cannot hold
 *	       whiteouts (NFS), or /etc has submounts (containers).
 */
#ifndef SR_PLAN_ETC_H
#define SR_PLAN_ETC_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/str.h"
#include "plan/plan.h"

struct etc_mask {
	char path[512];
	int fd;                /* holds a shared lock on it as long as a run counts on it; the caller closes it */
	dev_t dev;
	ino_t ino;
	struct sr_stamp stamp; /* of /etc when the mask was chosen */
};

/* Finds or, with `make`, makes the mask. false: use the pieces. borrowed: root's run, whose payload must reach the folder. */
bool etc_mask(bool borrowed, bool make, struct etc_mask *ret);
/* Synthetic files: name and text, ended by a NULL name. */
struct etc_file {
	const char *name, *text;
};
extern const struct etc_file etc_files[];

/* Names shown of the host's /etc. Entries ending in '*' are prefixes. */
extern const char *const etc_pieces[];
extern const unsigned etc_piece_count;
/* Those of them that /etc has now, prefixes included. 0 or negative; ret is the caller's to free either way. */
int etc_names(struct sr_strv *ret);

#endif
