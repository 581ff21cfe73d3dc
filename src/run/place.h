/* SPDX-License-Identifier: MIT */
/*
 * Making files in a run's work folder before the payload runs: by descriptor, never through a link (a project may bring
 * links along), and as the payload's host id where the caller's means nothing there (finding 13, sys/fsid.h).
 *
 * Paths are relative to the work folder. Functions without an err parameter answer 0 or -errno; place_error() puts such
 * an answer into words. Nothing is removed after a failure: the folder is a tmpfs that is dropped with the run.
 */
#ifndef SR_RUN_PLACE_H
#define SR_RUN_PLACE_H

#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "base/error.h"
#include "evidence/measure.h"
#include "sys/fsid.h"

struct sr_place {
	int work_fd;         /* borrowed */
	struct sys_fsid id;
	bool is_private;     /* set before place_init(): some of what is copied is private */
	char *buffer;        /* SR_FILECOPY_BUFFER bytes */
	uint64_t needed;     /* bytes of work.size that all the files take; for the hint when it is full */
	char *parent;        /* the folder made or used last, kept open: files come sorted */
	int parent_fd;
};

#define SR_PLACE_INIT { .work_fd = -1, .parent_fd = -1 }

int place_init(struct sr_place *p, int work_fd, uid_t owner, gid_t group, uint64_t needed);
void place_done(struct sr_place *p);

/* Every folder of path, the last one included, mode 0755. Folders that exist are fine, anything else is not. */
int place_folders(struct sr_place *p, const char *path);
/* One folder, mode 0700 while it is filled. */
int place_folder(struct sr_place *p, const char *path);
/* Its final mode and time. */
int place_finish_folder(struct sr_place *p, const char *path, mode_t mode, const struct timespec *mtime);
int place_link(struct sr_place *p, const char *path, const char *target);
/* A file that must not exist yet, open for writing; mode is exact (no umask). */
int place_file(struct sr_place *p, const char *path, mode_t mode, int *ret_fd);
/* The same with len bytes in it. */
int place_data(struct sr_place *p, const char *path, mode_t mode, const void *data, size_t len);

/*
 * Copies the regular file src_fd to path, measuring it (started by the caller, ended here), and keeps its time of change.
 * `source` is its name for messages.
 * SR_E_INPUT_CHANGED when it changes meanwhile: size, times and inode before and after, and the bytes read, must agree.
 */
int place_copy(struct sr_place *p, int src_fd, const char *source, const char *path, mode_t mode, struct sr_measure *measure,
	       uint64_t *ret_bytes, char ret_hex[static SR_DIGEST_HEX], struct sr_error *err);

/* "cannot put 'path' into the work folder: ..." for r < 0, with the --work-size that would do when it is full. */
int place_error(const struct sr_place *p, const char *path, int r, struct sr_error *err);
/* A size for --work-size that holds `bytes`: whole mebibytes, "12M". */
void place_size(uint64_t bytes, char out[static 32]);

#endif
