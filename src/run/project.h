/* SPDX-License-Identifier: MIT */
/*
 * A folder on its way in: the project of -C, or a folder given as -i. It is scanned while planning and copied, hashed,
 * into the work folder; nothing that is written inside reaches it (finding 8).
 *
 * What goes in: regular files (hard links by value), folders, symbolic links as the text they hold, never followed. Other
 * kinds are left out and noted. Names that usually hold secrets (finding 9) are left out unless --show names them. Folders
 * may be 64 deep. All steps go by descriptor, none through a link.
 *
 * Digest of a folder: SHA-256 over the line "sandrun-manifest-1" and one record for each entry, sorted by path (bytes,
 * strcmp order). Each ends in a NUL, the first line too. A record is
 *
 *	TYPE MODE SIZE VALUE PATH
 *
 * with one space between the fields: TYPE f, d or l; MODE four octal digits, as the entry has inside (0000 for a link);
 * SIZE in decimal, bytes of a file or of a link's text, 0 for a folder; VALUE the SHA-256 of the file's bytes or of the
 * link's text, "-" for a folder; PATH relative, bytes as they are, up to the NUL.
 */
#ifndef SR_RUN_PROJECT_H
#define SR_RUN_PROJECT_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "base/error.h"
#include "base/str.h"
#include "evidence/digest.h"
#include "run/glob.h"
#include "run/place.h"

#define SR_PROJECT_DEPTH 64

enum sr_project_kind {
	SR_PROJECT_FOLDER = 'd',
	SR_PROJECT_FILE = 'f',
	SR_PROJECT_LINK = 'l',
};

struct sr_project_entry {
	char *path;                 /* below the folder */
	char *target;               /* of a link */
	enum sr_project_kind kind;
	uint32_t mode;              /* as it will be inside */
	uint64_t bytes;
	struct timespec mtime;
	char sha256[SR_DIGEST_HEX]; /* "" until copied */
};

struct sr_project {
	int fd;                     /* the folder, borrowed */
	const char *pinned;         /* a file whose bytes were used already ("sandrun.ini"), or NULL, and their digest: */
	char pinned_sha256[SR_DIGEST_HEX]; /* what is copied must be the same */
	char *path;                 /* as the user named it */
	struct sr_project_entry *entries; /* sorted by path */
	size_t count, room;
	uint64_t files, bytes;      /* regular files and their bytes */
	uint64_t seen;              /* entries met, also those beyond the limit, which are not kept */
	uint64_t charged;           /* what the work tmpfs will count: whole pages */
	bool is_partial;            /* the scan gave up counting */
	struct sr_strv hidden;      /* left out as a likely secret */
	struct sr_strv skipped;     /* left out as no file, folder or link */
};

/* --show as a scan needs it: which names were met at all is remembered across scans. */
struct sr_project_show {
	const struct sr_strv *names;
	bool *met; /* names->count long */
};

/* Patterns of the entries that go in (`inputs` of sandrun.ini, matched as -o matches), and paths that go in whatever they say. */
struct sr_project_only {
	const struct sr_glob *globs;
	size_t count;         /* 0: everything goes in */
	bool *met;            /* count long */
	const char *paths[2]; /* or NULL; with all that is beneath them */
};

struct sr_project_rules {
	struct sr_project_show show;
	const struct sr_strv *hide;  /* [project] hide of the configuration, or NULL */
	const struct sr_project_only *only; /* or NULL */
	uint64_t max_entries;     /* of work.inodes */
	bool read_only;           /* files get 0444 or 0555, folders 0755; else their own bits without set-id and sticky */
};

/*
 * Refuses a folder that is or contains "/", the home folder or a folder of sandrun's own, or lies in one of the latter
 * (finding 9). Compared by identity, not by name. 0 or an error.
 */
int project_check(int fd, const char *path, struct sr_error *err);
/* Lists what would go in. Fails on what cannot be read: it would be missing without a word. *ret is zeroed by the caller. */
int project_scan(int fd, const char *path, struct sr_project_rules *rules, struct sr_project *ret, struct sr_error *err);
/* The entry of that path, or NULL. */
const struct sr_project_entry *project_find(const struct sr_project *t, const char *path);
/*
 * Copies all below `prefix` ("" or a folder that exists already) and measures its manifest (started by the caller, ended
 * here). place NULL: copies nothing, and measures the files where they are.
 */
int project_copy(struct sr_project *t, struct sr_place *place, const char *prefix,
		 struct sr_measure *measure, char ret_hex[static SR_DIGEST_HEX], struct sr_error *err);
void project_done(struct sr_project *t);

/* True when path ("a/.git/config") is one that stays outside by default, or by a pattern of `hide` (may be NULL). */
bool project_is_hidden(const char *path, const struct sr_strv *hide);

#endif
