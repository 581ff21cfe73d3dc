/* SPDX-License-Identifier: MIT */
/*
 * What sandrun sends to sandrun-archive, its helper for --output-archive. The program is started with an empty environment
 * and three descriptors: 0 a socket with the files, 1 the archive's file, 2 a pipe for its words. It opens nothing.
 *
 * On the socket, in the machine's own byte order: a struct sr_archive_record, the name without a NUL, the bytes; one file
 * after the other, sorted by name; a record with name_len 0 ends it. The program's verdict is all that it says on 2:
 * SR_ARCHIVE_DONE, or one line that says why not.
 */
#ifndef SR_ARCHIVE_PROTOCOL_H
#define SR_ARCHIVE_PROTOCOL_H

#include <stdint.h>

#define SR_ARCHIVE_PROGRAM "sandrun-archive"
#define SR_ARCHIVE_MAGIC 0x41525331U
#define SR_ARCHIVE_DONE "done\n"

struct sr_archive_record {
	uint32_t magic;
	uint32_t name_len; /* below PATH_MAX */
	uint64_t bytes;
};

#endif
