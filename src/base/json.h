/* SPDX-License-Identifier: MIT */
/* jansson where a run's start and end are counted in microseconds. */
#ifndef SR_BASE_JSON_H
#define SR_BASE_JSON_H

#include <jansson.h>

/*
 * From here on jansson takes its memory from a fixed piece of this program's, and from malloc(3) when that is used up; what is
 * given back there is used again only if it was the newest. For a process that makes a few documents and ends. Before the
 * first use of jansson, once.
 */
void json_arena_begin(void);

/* json_dumps() into memory of malloc(3), whatever jansson takes its own from. NULL without memory, or for a NULL or broken o. */
char *json_dump_text(const json_t *o, size_t flags);

#endif
