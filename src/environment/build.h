/* SPDX-License-Identifier: MIT */
/*
 * What the steps of `sandrun environment build` share. One `struct build` is one environment on its way: resolved and fetched
 * by the host's apt as the user, unpacked and configured by dpkg inside a sandbox, slimmed, sealed, checked, put.
 *
 *   work/<id>/layer/            the folder of --build-layer: tree/ is the layer's root
 *   work/<id>/apt.conf, status, apt.out, apt.err, dpkg.log ...
 */
#ifndef SR_ENVIRONMENT_BUILD_H
#define SR_ENVIRONMENT_BUILD_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include "base/error.h"
#include "base/str.h"
#include "environment/definition.h"
#include "environment/packages.h"
#include "image/store-write.h"

struct build {
	const struct sr_definition *definition;
	struct store_writer *store;
	struct store_work work;
	char *dir;                 /* path of the work folder */
	struct sr_strv below;      /* hex digests of the layers below, bottom first */
	char *stack;               /* their trees for -E, bottom first; "none" */
	struct sr_packages packages;
	char *apt_dir, *debs_dir;  /* in the cache */
	int cache_lock;            /* held while apt works with them */
	bool quiet;
	/* progress */
	struct timespec started, phase_started;
	const char *phase;
	struct timespec shown;
};

/* --- progress: one line that changes on a terminal, a line for each phase elsewhere ------------------------------------------- */

void build_phase(struct build *b, const char *what);
/* On a terminal, at most five times a second: "NAME: what, DETAIL, 12 s". */
void build_tick(struct build *b, const char *fmt, ...) SR_PRINTF(2, 3);
/* The phase is over: "NAME: DETAIL, 3.2 s" where there is no terminal. */
void build_phase_done(struct build *b, const char *fmt, ...) SR_PRINTF(2, 3);
double build_seconds(const struct timespec *since);

/* --- programs ----------------------------------------------------------------------------------------------------------------- */

struct child_call {
	bool inside;             /* words are sandrun's own options and command; else a program of the host's PATH */
	const struct sr_strv *words;
	int fds[3];              /* -1: /dev/null */
	const char *folder;      /* to be in, or NULL; for a program of the host */
	void (*tick)(void *arg); /* ten times a second, or NULL */
	void *arg;
};

/* Runs it to its end. Its exit status as a shell tells it, or negative with the error set; -EINTR after a signal to this one. */
int child_run(const struct child_call *call, const char *what, struct sr_error *err);
/* A fresh file in the work folder, for what a program prints. Descriptor or negative with the error set. */
int build_file(struct build *b, const char *name, struct sr_error *err);
/* The text of such a file, at most 64 MiB. */
int build_read(struct build *b, const char *name, char **ret, size_t *ret_len, struct sr_error *err);
/* "cannot WHAT: REASON" for something of the work folder or the cache; a full disk gets its hint. Returns -errnum. */
int build_failed(struct sr_error *err, int errnum, const char *fmt, ...) SR_PRINTF(3, 4);

/* --- the steps, in this order -------------------------------------------------------------------------------------------------- */

/* Lists of packages up to date, the packages resolved and fetched into the cache. 0 or negative with the error set. */
int apt_fetch(struct build *b, struct sr_error *err);
/* The essential packages' files, so that dpkg has something to run in. */
int bootstrap_extract(struct build *b, struct sr_error *err);
/* dpkg, inside. */
int inside_install(struct build *b, struct sr_error *err);
/* The definition's own [finish], inside. */
int inside_script(struct build *b, struct sr_error *err);
/* ldconfig, and Python's code compiled; inside. */
int inside_finish(struct build *b, struct sr_error *err);
/* Removes what the definition drops and what differs between builds; with bytecode Python's compiled files too. */
int slim_tree(struct build *b, bool bytecode, struct sr_error *err);
/* An error where a file of the layer needs a library that no layer has. */
int slim_scan(struct build *b, struct sr_error *err);

/* The file patterns that dpkg leaves out, below the root, in the order in which dpkg takes them. */
struct slim_exclude {
	bool include;
	const char *pattern;
};
extern const struct slim_exclude slim_excludes[];
extern const size_t slim_exclude_count;

/* --- checks -------------------------------------------------------------------------------------------------------------------- */

/*
 * Runs the definition's checks in `environment` (a word for -E). 0: all are good, 1: one is not, which `ret_why` says (512
 * bytes), or negative with the error set.
 */
int checks_run(const struct sr_definition *d, const char *environment, char *ret_why, struct sr_error *err);

#endif
