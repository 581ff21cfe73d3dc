/* SPDX-License-Identifier: MIT */
/*
 * The program's text on its way in: read whole, once, and checked before anything starts. A name that is no regular file
 * never makes sandrun wait, and nothing is read of a file that is too large.
 */
#ifndef SR_PLAN_SCRIPT_H
#define SR_PLAN_SCRIPT_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"

#define SR_SCRIPT_MAX_BYTES (64ULL << 20)

struct sr_script {
	char *data;   /* NUL-terminated, the NUL not counted */
	size_t len;
	mode_t mode;  /* of the file; 0 for other sources */
	char *shown;  /* the name as messages show it, escaped */
};

/*
 * Reads a script file. project_fd -1: path as this process sees it; else path beneath that folder, links resolved inside.
 * Status 127 for what is missing, 126 for what is there and cannot be read or is no regular file, 125 for the rest.
 */
int script_read(int project_fd, const char *path, struct sr_script *ret, struct sr_error *err);
/* Reads a program from a descriptor to its end. */
int script_read_fd(int fd, struct sr_script *ret, struct sr_error *err);
void script_done(struct sr_script *s);

bool script_is_elf(const struct sr_script *s);
/* A byte order mark before "#!": the kernel would not take it for a shebang. */
bool script_has_bom_shebang(const struct sr_script *s);
/* NUL bytes, but for a zip archive where zip is true (python runs those). */
int script_check_text(const struct sr_script *s, bool zip, struct sr_error *err);

/*
 * The entry of a project as a path beneath it: "./src//main.py" -> "src/main.py"; an absolute path beneath project_dir is
 * taken as well. "..", or a path that lies elsewhere, is an error. *ret_entry is fresh.
 */
int script_entry(const char *project_dir, const char *operand, char **ret_entry, struct sr_error *err);

#endif
