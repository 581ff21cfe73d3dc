/* SPDX-License-Identifier: MIT */
/*
 * Files on their way in: the script, inputs (-i) and a project folder (-C) are copied into the run's work tmpfs while
 * they are hashed, one pass. The supervisor does this by descriptor while the child sets the rest up.
 *
 * Two steps: snapshot_open() while planning (everything that can fail for the user's reasons: opens, types, names, sizes),
 * snapshot_copy() when the work folder exists.
 */
#ifndef SR_RUN_SNAPSHOT_H
#define SR_RUN_SNAPSHOT_H

#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "evidence/measure.h"
#include "plan/exec.h"
#include "policy/policy.h"

struct sr_project; /* run/project.h: a folder on its way in */

/*
 * One -i that went in; kept for the report and later the certificate. A folder goes in whole, as a project does: the
 * same names stay outside, its files are read-only, its links stay links.
 */
struct sr_snapshot_item {
	char *path;                  /* host path as the user gave it */
	char *name;                  /* below /work */
	uint64_t bytes;              /* of a folder: of all its files */
	uint32_t mode;               /* 0444, or 0555 when the source has an execute bit; 0755 for a folder */
	bool is_private;             /* --private-input: hex is a commitment; nothing of its bytes, nor their number, is kept */
	char hex[SR_DIGEST_HEX];     /* SHA-256; of a folder: of its sorted manifest, run/project.h; "" until copied */
	int fd;                      /* source, -1 after the copy */
	struct sr_project *folder;   /* NULL for a file */
};

struct sr_snapshot {
	struct sr_snapshot_item *items; /* -i alone: neither the script nor a project's files */
	size_t count;
	int project_fd;              /* -1 without -C */
	char *project_path;
	uint64_t project_files, project_bytes;
	char project_sha256[SR_DIGEST_HEX]; /* digest of the sorted manifest, run/project.h; "" without -C and until copied */
	struct sr_project *project;  /* NULL without -C */
	uint64_t needed_bytes;       /* of work.size, for all that goes in */
	const struct sr_salt *salt;  /* for private items, borrowed; set before snapshot_copy() */
	struct sr_strv hidden;       /* left out as likely secrets (finding 9), below the folder; for -v and the hints */
	struct sr_strv skipped;      /* left out as no file, folder or link */
};

#define SR_SNAPSHOT_INIT { .project_fd = -1 }

/*
 * Opens and lists all that will go in, and refuses what cannot: kinds, names, sizes, unreadable files. Codes: E_INPUT,
 * E_PROJECT, E_INPUT_CHANGED, E_SCRIPT (with -C: the script is not among the files that go in).
 */
int snapshot_open(const struct sr_policy *p, const struct sr_exec *x, struct sr_snapshot *ret, struct sr_error *err);
/*
 * Copies all into work_fd (an O_DIRECTORY descriptor of /work inside, empty). owner/group: host ids that files must
 * belong to; differs from the caller's only when root runs sandrun: then creation happens under setfsuid(2)/setfsgid(2)
 * of those ids, because root has no id in the sandbox's user namespace (EOVERFLOW otherwise).
 */
int snapshot_copy(struct sr_snapshot *s, const struct sr_exec *x, int work_fd, uid_t owner, gid_t group,
		  struct sr_error *err);
void snapshot_done(struct sr_snapshot *s);

#endif
