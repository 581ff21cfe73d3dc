/* SPDX-License-Identifier: MIT */
/*
 * Files on their way out: after every process of the run is dead, what the output globs match beneath /work is copied out by
 * descriptor. Everything there is hostile: nothing is followed, only regular files leave, names are escaped in messages,
 * counts and bytes are limited, and a destination appears whole (temporary name, then rename) or not at all.
 */
#ifndef SR_RUN_COLLECT_H
#define SR_RUN_COLLECT_H

#include <stdint.h>

#include "base/error.h"
#include "evidence/measure.h"
#include "policy/policy.h"

struct sr_collected_item {
	char *name;                 /* below /work and below the destination */
	uint64_t bytes;
	bool is_private;            /* --private-outputs: hex is a commitment */
	char hex[SR_DIGEST_HEX];    /* SHA-256 of the bytes that were written, or the commitment to them */
};

struct sr_collected {
	struct sr_collected_item *items;
	size_t count;
	uint64_t bytes;
	struct sr_strv warnings;    /* one line each, ready to print after "sandrun: " */
	bool limit_hit;             /* files.max or bytes.max ended it; a warning says which */
};

/*
 * Checks the request while planning, before anything runs: the patterns, the destination (a folder that exists or can be
 * made, writable, its last component no link), the archive's place and its helper program. What can be told to be in the
 * way already is an error here: a pattern without wildcards that names an existing file, an existing archive. Leaves
 * nothing behind. *ret_dir_fd: the folder that holds the destination folder (or, without --output-dir, the archive); -1
 * without patterns. Codes E_OUTPUT, E_OPTION.
 */
int collect_open(const struct sr_policy *p, int *ret_dir_fd, struct sr_error *err);
/*
 * Copies out; work_fd is /work of the dead tree, dir_fd what collect_open() gave. Files go to output_dir, or into
 * output_archive, or both when both are set. 0 with warnings, or an error: destination full, a file exists and no --force,
 * --strict and a pattern that matched nothing (E_OUTPUT_NO_MATCH). Nothing half-made stays behind: files get their names
 * when all of them are complete. A pattern's folder stands for the files beneath it; names that start with a dot need a
 * pattern that does (run/glob.h). `salt` is for --private-outputs; NULL without. Modes are 0644 less the umask, zeros of sparse files stay holes, times are new.
 */
int collect_copy(const struct sr_policy *p, const struct sr_salt *salt, int work_fd, int dir_fd, struct sr_collected *ret,
		 struct sr_error *err);
void collected_done(struct sr_collected *c);

#endif
