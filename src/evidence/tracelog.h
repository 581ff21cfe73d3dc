/* SPDX-License-Identifier: MIT */
/*
 * The log of --trace: JSON lines, a tree of RFC 6962 over them, and a bound. While the run goes on the file has no name (or a
 * temporary one, where the file system cannot do without); tracelog_keep() gives it its own. What does not fit any more is
 * counted, not written. Written by one thread at a time.
 *
 * Text from the sandbox is JSON text where it is UTF-8. Where it is not, NAME holds it with U+FFFD for each byte that is
 * none, and NAME + "Hex" the exact bytes.
 */
#ifndef SR_EVIDENCE_TRACELOG_H
#define SR_EVIDENCE_TRACELOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "evidence/merkle.h"

#define SR_TRACELOG_MEDIA_TYPE "application/vnd.sandrun.trace.v1+jsonl"
#define SR_TRACELOG_TREE "rfc6962-sha256"
#define SR_TRACELOG_LINES_MAX 1000000U
#define SR_TRACELOG_BYTES_MAX (256ULL << 20)
#define SR_TRACELOG_LINE_MAX (256U << 10)

struct sr_tracelog {
	int fd, dir_fd;
	char temporary[64];   /* its name meanwhile; "" where it has none */
	uint64_t lines_max, bytes_max; /* may be lowered after tracelog_open() */
	uint64_t bytes, dropped;
	int error;            /* positive errno of a write that failed: the log ends where the last good one did */
	struct sr_merkle_text text, written; /* with what is in `out`; without */
	uint64_t bytes_written;
	char *line, *out;     /* the line that is being made; what is not in the file yet */
	size_t line_len, out_len;
	bool line_over;
};

#define SR_TRACELOG_INIT { .fd = -1, .dir_fd = -1 }

/* What the certificate says of it, but for what the tracer knows. */
struct sr_tracelog_result {
	char sha256[SR_DIGEST_HEX], root[SR_DIGEST_HEX];
	uint64_t lines, bytes, dropped;
	bool complete; /* nothing was dropped, and all could be written */
	int error;     /* positive errno */
};

/* A new log in that folder (a descriptor, borrowed until tracelog_done()), mode 0600. 0 or -errno. */
int tracelog_open(struct sr_tracelog *t, int dir_fd);

/* ---- a line: one object, its fields in the order they are given ---- */
void tracelog_begin(struct sr_tracelog *t);
void tracelog_number(struct sr_tracelog *t, const char *name, int64_t value);
void tracelog_boolean(struct sr_tracelog *t, const char *name, bool value);
/* Any bytes (see above). */
void tracelog_bytes(struct sr_tracelog *t, const char *name, const char *value, size_t len);
void tracelog_text(struct sr_tracelog *t, const char *name, const char *value);
void tracelog_null(struct sr_tracelog *t, const char *name);
/* A counter in ns: a decimal string. */
void tracelog_decimal(struct sr_tracelog *t, const char *name, uint64_t value);
/* Words of our own, up to NULL. */
void tracelog_words(struct sr_tracelog *t, const char *name, const char *const *words);
/* NUL-terminated texts, one behind the other; NAME + "Hex" holds them all, NULs included. */
void tracelog_texts(struct sr_tracelog *t, const char *name, const char *texts, size_t len);
/* Writes it, or counts it as dropped. The last line of a log (`last`) may go over the bounds. */
void tracelog_end(struct sr_tracelog *t, bool last);
/* An event that came to no line. */
void tracelog_drop(struct sr_tracelog *t);

/* No line comes after it. */
void tracelog_finish(struct sr_tracelog *t, struct sr_tracelog_result *ret);
/* Gives the finished log its name in the folder; -EEXIST for one that is there, or `replace`. `sync`: file and folder. 0, -errno. */
int tracelog_keep(struct sr_tracelog *t, const char *name, bool replace, bool sync);
/* Frees; without tracelog_keep() nothing stays. May be called on SR_TRACELOG_INIT. */
void tracelog_done(struct sr_tracelog *t);

/* The certificate's `trace` object, fresh; the words up to NULL. NULL: out of memory. */
json_t *tracelog_statement(const struct sr_tracelog_result *r, const char *const *coverage, const char *const *mechanisms,
			   const char *const *races);

#endif
