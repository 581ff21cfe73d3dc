/* SPDX-License-Identifier: MIT */
/*
 * The supervisor's side of --output-archive: libarchive lives in a program of its own, sandrun-archive, so that sandrun
 * does not load its twenty libraries at every start and its code never shares memory with ours. archive/protocol.h says
 * how the two talk.
 */
#ifndef SR_RUN_ARCHIVE_H
#define SR_RUN_ARCHIVE_H

#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

struct sr_archive {
	pid_t pid;     /* 0: not started */
	int socket_fd;
	int words_fd;
};

#define SR_ARCHIVE_INIT { .socket_fd = -1, .words_fd = -1 }

/* Where the program is: beside the running program, else in SR_LIBEXEC_DIR. Code E_OUTPUT when it is in neither. */
int archive_find(char **ret_path, struct sr_error *err);
/* Starts it, writing to out_fd (borrowed). */
int archive_start(struct sr_archive *a, const char *program, int out_fd, struct sr_error *err);
/* Announces a file; exactly `bytes` bytes must follow on socket_fd. 0 or -errno. */
int archive_file(struct sr_archive *a, const char *name, uint64_t bytes);
/* Ends the archive and waits. An error when the program did not say that all is written. */
int archive_finish(struct sr_archive *a, struct sr_error *err);
/* Ends the program, whatever it is at. Idempotent. */
void archive_abort(struct sr_archive *a);

#endif
