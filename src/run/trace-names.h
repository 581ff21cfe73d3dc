/* SPDX-License-Identifier: MIT */
/*
 * Numbers of the kernel by their names, for the trace.
 */
#ifndef SR_RUN_TRACE_NAMES_H
#define SR_RUN_TRACE_NAMES_H

#include <stddef.h>
#include <stdint.h>

#define SR_TRACE_FLAGS_TEXT 256

/* "ENOENT"; one that has no name here in `other`, as "E123". */
const char *trace_errno_name(int errnum, char other[static 16]);
/* Flags of open(2): "O_WRONLY|O_CREAT|O_TRUNC|0x80000000". */
void trace_open_flags(uint64_t value, char out[static SR_TRACE_FLAGS_TEXT]);

#endif
