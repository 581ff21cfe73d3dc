/* SPDX-License-Identifier: MIT */
/*
 * Files that a user names for what sandrun writes: whole or not at all, without a name until they are written (open(2),
 * O_TMPFILE: a killed writer leaves nothing), or under a temporary one where the file system has no such files. A pipe or a
 * device is written as it is.
 */
#ifndef SR_BASE_FILE_H
#define SR_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Whether a file could be written there, as far as that shows beforehand. 0 or -errno (-EISDIR for a folder's name). */
int file_check_place(const char *path);
/* mode: of a new file, before the umask. durable: fsync(2) of file and folder. 0 or -errno; then nothing half-made is left. */
int file_write_whole(const char *path, mode_t mode, const void *data, size_t len, bool durable);
/* The same below an open folder, for a plain name there. */
int file_write_at(int dir_fd, const char *name, mode_t mode, const void *data, size_t len, bool durable);

/*
 * Opens for reading what merely lies there and was not named by the user: a regular file that is no link, without waiting for
 * anybody. A descriptor, -EINVAL for anything else that could be opened, or what open(2) says (-ELOOP: a link).
 */
int file_open_found(const char *path);

/* A file without a name in that folder, for file_write_nameless(): making one can take the file system a while. -errno: none. */
int file_nameless(int dir_fd, mode_t mode);
/* file_write_at() with such a file made before; *fd may be -1 (there was none), and is closed. */
int file_write_nameless(int *fd, int dir_fd, const char *name, mode_t mode, const void *data, size_t len, bool durable);

#endif
