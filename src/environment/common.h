/* SPDX-License-Identifier: MIT */
/*
 * What the verbs of `sandrun environment` share: their command lines, their words, the runs that they start.
 */
#ifndef SR_ENVIRONMENT_COMMON_H
#define SR_ENVIRONMENT_COMMON_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/str.h"

#define STAGE "environment"
/* A text of others, fit for a terminal. */
#define SHOWN(s) str_escape((s), (char[512]){ 0 }, 512)

#define SR_VERB(word, function, operands, help) int function(int argc, char **argv);
#include "environment/verbs.def"

/* --- the command line --------------------------------------------------------------------------------------------------- */

/* One option of a verb: a flag (set to true), or text (the word behind it, or behind '='), or each into a list. */
struct verb_option {
	const char *name; /* "--json" */
	bool *flag;
	const char **text;
	struct sr_strv *list;
};

/*
 * Takes the options out of argv; they stand anywhere before a "--". What stays are argv[1] ... argv[*argc - 1], `least` to
 * `most` operands. Returns -1, or the exit status after --help (the usage printed) or a refusal that was said.
 */
int verb_options(int *argc, char **argv, const struct verb_option *options, size_t count, int least, int most);
/* Says what is wrong with the command line: WHAT (may be NULL), and why. Returns the exit status. */
int verb_misused(const char *verb, const char *what, const char *why);

/* The umask that the caller set, for what is written where the user says. The program's own is 077. */
extern mode_t verb_umask;

/* --- words -------------------------------------------------------------------------------------------------------------- */

/* Prints an error; returns its exit status. */
int verb_fail(const struct sr_error *err);
/* "sandrun: environment: TEXT" on standard error. The text must be fit for a terminal (SHOWN). */
void verb_say(const char *fmt, ...) SR_PRINTF(1, 2);
/* Empties standard output's buffer. Returns `status`, or 125 after saying why what was printed is not out. */
int verb_flush(int status);
/* Prints and frees o (NULL: memory was out), in ASCII, which no terminal obeys; then as verb_flush(). */
int verb_print_json(json_t *o, int status);
/* "812 B", "4.1 kB", "195 MB", "1.15 GB": powers of 1000, as disks and package managers count. */
void verb_size(uint64_t bytes, char out[static 16]);

/*
 * One line on a terminal's standard error that changes while something goes on; nothing on what is no terminal. `end` takes
 * it away; what is said in between must end it first.
 */
void progress_show(const char *fmt, ...) SR_PRINTF(1, 2);
void progress_end(void);

/* --- the engine ----------------------------------------------------------------------------------------------------------- */

/*
 * In a child, between fork(2) and exec: no signal blocked or ignored, fds as its 0, 1 and 2 (-1: /dev/null), and it is killed when
 * its parent dies. Ends it with 125 where that cannot be had.
 */
void child_ready(const int fds[3], pid_t parent);

/*
 * Starts the sandrun that this program was started by, with these words behind its name. fds become its 0, 1 and 2; -1 gives
 * /dev/null. It is killed when this program dies. 0 or negative with the error set; the caller waits (engine_wait).
 */
int engine_start(const struct sr_strv *words, const int fds[3], pid_t *ret, struct sr_error *err);
/* Its exit status as a shell tells it: 0..255, 128 + N for signal N. Negative: -errno. */
int engine_wait(pid_t pid);

/* SIGINT, SIGTERM or SIGHUP came: whoever makes something cleans up and gives up. The number, or 0. */
int verb_interrupted(void);
/* From here on these signals only set what verb_interrupted() tells, and no call is started again. */
void verb_catch_signals(void);
/* -EINTR with the error set: "cannot WHAT: interrupted". */
int verb_give_up(const char *what, struct sr_error *err);

#endif
