/* SPDX-License-Identifier: MIT */
/*
 * What a program requires beyond its environment: the dependencies of its PEP 723 block, a project's requirements.txt, a
 * project's package.json with its lock file. `sandrun --install` puts a layer with them over the environment; its name comes
 * from the environment's layers, the lists' bytes and the tool that installs, so that the same is installed once.
 *
 * Lists are untrusted. They are read here and handed to the tool inside a sandbox; nothing of them is executed outside.
 */
#ifndef SR_RUN_REQUIREMENTS_H
#define SR_RUN_REQUIREMENTS_H

#include "base/error.h"
#include "evidence/digest.h"
#include "image/imports.h"
#include "plan/environment.h"

/* Inside the layer; all that is kept of an installation lies below it. */
#define SR_REQUIREMENTS_TOP "opt"
#define SR_REQUIREMENTS_DIR "/opt/sandrun-requirements"

enum sr_requirements_kind { SR_REQUIREMENTS_NONE, SR_REQUIREMENTS_PIP, SR_REQUIREMENTS_NPM };

struct sr_requirements_file {
	char *name; /* as seen from the list's folder: "requirements.txt", "more/base.txt" */
	char *data;
	size_t len;
};

struct sr_requirements {
	enum sr_requirements_kind kind;
	struct sr_requirements_file *files; /* the first is the list, or package.json */
	size_t count;
	bool locked;                        /* npm: a lock file is among them */
	char *tool;                         /* on this machine, to be shown inside; NULL: the environment has its own */
	char name[32];                      /* of the environment: "requirements-0123456789ab" */
};

/* What is asked. */
struct sr_requirements_of {
	enum sr_script_language language;   /* OTHER: whatever the project has */
	const struct sr_imports *found;     /* of the script; NULL: it was not read */
	int project_fd;                     /* -1: there is none */
	const struct sr_environment *on;    /* NULL: only what is required is read; there is no name then */
};

/*
 * Finds and reads what is required; kind NONE where nothing is. What cannot be installed (a local package, a list that is
 * missing, an environment that has no digest) is an error. *ret is to be freed either way.
 */
int requirements_read(const struct sr_requirements_of *of, struct sr_requirements *ret, struct sr_error *err);
void requirements_done(struct sr_requirements *r);

/* Whether a project seems to have some, for hints: its file's name, or NULL. Reads no more than names. */
const char *requirements_hint(int project_fd, enum sr_script_language language);

#endif
