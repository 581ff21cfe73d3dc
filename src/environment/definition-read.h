/* SPDX-License-Identifier: MIT */
/*
 * The text of a definition.
 */
#ifndef SR_ENVIRONMENT_DEFINITION_READ_H
#define SR_ENVIRONMENT_DEFINITION_READ_H

#include "environment/definition.h"
#include "policy/ini-read.h"

/* d->name and d->path are set; fills the rest. On failure d is half filled, and the error names file and line. */
int definition_read(const char *text, size_t len, struct sr_definition *d, struct sr_error *err);

#endif
