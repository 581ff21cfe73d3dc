/* SPDX-License-Identifier: MIT */
/*
 * The environment of a run as the plan sees it: what becomes the root, and what programs it holds. An environment is
 * hostile input: lookups go by descriptor (openat2 with RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS, or a component-wise
 * walk where openat2 is missing) and never leave its root.
 */
#ifndef SR_PLAN_ENVIRONMENT_H
#define SR_PLAN_ENVIRONMENT_H

#include <sys/types.h>

#include "base/error.h"
#include "image/layer.h"
#include "policy/policy.h"

enum sr_environment_kind {
	SR_ENVIRONMENT_HOST, /* the host's /usr, read-only */
	SR_ENVIRONMENT_TREE, /* layers of an overlay; writes go to a tmpfs, or with --build-layer to a folder on disk */
};

struct sr_environment {
	enum sr_environment_kind kind;
	char *name;              /* "host", or what the user gave with -E */
	int root_fd;             /* host: "/", O_PATH; else -1 */
	struct sr_layers layers; /* of a tree, bottom first; --build-layer on "none" has none */
	/* of environments of the store, those of the upper ones last: */
	struct sr_strv languages; /* "python=/usr/bin/python3": what starts programs of that language */
	struct sr_strv variables; /* "NAME=VALUE" */
	char *profile;            /* what it is made for; NULL: nothing is said */
	/* --build-layer: */
	bool build;
	struct sr_layer upper;   /* DIR/tree; its lock_fd is that of DIR */
	struct sr_layer work;    /* DIR/overlay-work */
};

/* What a build leaves free of the disk that it writes to: no cgroup counts that, and others need it. */
#define SR_BUILD_RESERVE (256ULL << 20)

#define SR_ENVIRONMENT_INIT { .root_fd = -1, .upper = { .fd = -1, .lock_fd = -1 }, .work = { .fd = -1, .lock_fd = -1 } }

/* PATH inside every sandbox, and the order in which programs are looked up. */
#define SR_INSIDE_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/*
 * Resolves -E NAME|DIR[,NAME|DIR...] (NULL: host), bottom first; a layer that is there already is not added again. A word is a
 * name of the store, or where that has none a folder. Refuses "/", a file, a folder without /usr or /bin, ... with code E_ENVIRONMENT.
 */
int environment_open(const char *name, struct sr_environment *ret, struct sr_error *err);
/* A name that a file gave (policy->environment_by_name): a known environment, never a folder that happens to be called so. */
int environment_open_named(const char *name, struct sr_environment *ret, struct sr_error *err);
/* What p asks for with --build-layer: its -E, or "none", below a folder of the user's that is written to. */
int environment_open_build(const struct sr_policy *p, struct sr_environment *ret, struct sr_error *err);
/* Whether the disk under a folder has less than the reserve. */
bool environment_disk_is_full(int fd);
void environment_done(struct sr_environment *e);

/* The interpreter inside of a language, by the name of its row, as the environment says; NULL: it says nothing. */
const char *environment_interpreter(const struct sr_environment *e, const char *language);

/* ---- between the files of plan/ ---- */

/* Adds to *e what name means: NAME|DIR, or some of them with commas between. */
int environment_add(const char *name, struct sr_environment *e, struct sr_error *err);
/*
 * A file is to be shown at dest (relative, plain) in a build: what an earlier build left there, in the upper, is a regular file
 * and no link, which a mount would follow; or it left nothing, and nothing hides the one that is made for it. The lock on the
 * folder is held, so that it stays so.
 */
int environment_check_point(const struct sr_environment *e, const char *build_layer, const char *dest, struct sr_error *err);
/* That none of its folders, the upper one included, lies in another: overlayfs refuses that. */
int environment_check_apart(const struct sr_environment *e, struct sr_error *err);

/*
 * Finds a program as the payload would: a name without '/' along SR_INSIDE_PATH, an absolute path as it is. Returns 0 and
 * a fresh absolute inside path; -ENOENT when nothing of that name is there, -EACCES when it is there but is no
 * executable regular file. For host only what the sandbox will show counts (/usr and what the root links into it).
 */
int environment_find_program(const struct sr_environment *e, const char *name, char **ret_path);

/*
 * Adds to *ret the names of at most max programs that start with stem and hold no '-': for hints ("near are python3,
 * python3.11"). 0 or -ENOMEM.
 */
int environment_programs_like(const struct sr_environment *e, const char *stem, size_t max, struct sr_strv *ret);

#endif
