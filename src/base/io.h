/* SPDX-License-Identifier: MIT */
/*
 * Whole reads and writes over read(2) and write(2): EINTR and short transfers handled. 0 or -errno unless said otherwise.
 */
#ifndef SR_BASE_IO_H
#define SR_BASE_IO_H

#include <stddef.h>
#include <sys/types.h>

/* Writes all of len bytes. */
int io_write_full(int fd, const void *buf, size_t len);
/* Reads until len bytes or end of file. Returns the bytes read (0..len) or -errno. */
ssize_t io_read_full(int fd, void *buf, size_t len);
/*
 * Reads a whole descriptor into a fresh NUL-terminated buffer (the NUL is not counted). -EFBIG when it holds more than
 * max bytes. The caller frees *ret_data. Works on pipes too.
 */
int io_read_all(int fd, size_t max, char **ret_data, size_t *ret_len);

#endif
