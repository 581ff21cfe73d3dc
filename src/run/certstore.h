/* SPDX-License-Identifier: MIT */
/*
 * The folder `certificates` of the state folder: <run id>.intoto.jsonl and what lies beside it, <run id>.trace.jsonl and
 * <run id>.opening.json. Run ids are UUIDs of version 7, so names sort by time.
 */
#ifndef SR_RUN_CERTSTORE_H
#define SR_RUN_CERTSTORE_H

#include <stddef.h>

#include "base/str.h"

#define SR_CERTSTORE_DIR "certificates"
#define SR_CERTSTORE_SUFFIX ".intoto.jsonl"
#define SR_CERTSTORE_TRACE ".trace.jsonl"
#define SR_CERTSTORE_OPENING ".opening.json"
#define SR_CERTSTORE_KEEP 1000

/* Opens it, made where it is missing. 0, -EPERM when it is not the user's alone, -errno. */
int certstore_open(int state_fd, int *ret_fd);
/* The path of a name in it, for messages; the caller frees it. NULL without memory or HOME. */
char *certstore_path(const char *name);
/* The run ids of all certificates, oldest first. 0 or -errno. */
int certstore_list(int dir_fd, struct sr_strv *ret);
/* Removes all but the newest `keep`, by the numbers of the run log. Returns how many went, or -errno. */
int certstore_prune(int state_fd, int dir_fd, size_t keep);

#endif
