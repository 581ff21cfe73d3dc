/* SPDX-License-Identifier: MIT */
/*
 * Copying the bytes of one regular file while they are hashed, in one pass: what is recorded is what was written. Plain
 * reads and writes: between two file systems copy_file_range(2) answers EXDEV, and hashing a mapping was slower.
 */
#ifndef SR_RUN_FILECOPY_H
#define SR_RUN_FILECOPY_H

#include <stdbool.h>
#include <stdint.h>

#include "evidence/measure.h"

/* Measured: hashing finds a buffer of this size still in the cache; 32K and 512K were slower. */
#define SR_FILECOPY_BUFFER (128U << 10)

struct sr_filecopy {
	char *buffer;   /* SR_FILECOPY_BUFFER bytes, the caller's */
	int dst_fd;     /* -1: none. At its end; holes are left by seeking when sparse is set */
	int socket_fd;  /* -1: none. A stream socket that gets the bytes as well; a closed peer is -EPIPE and no signal */
	bool sparse;    /* blocks of zeros become holes */
	uint64_t max;   /* -EFBIG as soon as the source holds more bytes than this */
	struct sr_measure *measure; /* the caller's, started; ended by a copy, whatever came of it */

	uint64_t bytes; /* copied */
	char hex[SR_DIGEST_HEX]; /* what was measured; "" after a failure */
	bool is_source; /* after a failure: reading failed, not writing */
};

/* Copies from src_fd's position to its end. 0 or -errno; on failure the destination holds a part. */
int filecopy(int src_fd, struct sr_filecopy *c);
/* A buffer for it, out of reach where the bytes are private. NULL when memory is out. */
char *filecopy_buffer(bool is_private);
void filecopy_buffer_free(char *buffer, bool is_private);
/* Sends all of len bytes on a stream socket, without SIGPIPE. 0 or -errno. */
int filecopy_send(int socket_fd, const void *data, size_t len);

#endif
