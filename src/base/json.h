/* SPDX-License-Identifier: MIT */
/* jansson where a run's start and end are counted in microseconds. */
#ifndef SR_BASE_JSON_H
#define SR_BASE_JSON_H

#include <jansson.h>

/*
 * From here on jansson takes its small blocks from a fixed piece of this program's, and the rest, or all when that is used up,
 * from malloc(3). For a process that makes a few documents and ends. Before the
 * first use of jansson, once.
 */
void json_arena_begin(void);

/* json_dumps() into memory of malloc(3), whatever jansson takes its own from. NULL without memory, or for a NULL or broken o. */
char *json_dump_text(const json_t *o, size_t flags);

#endif
