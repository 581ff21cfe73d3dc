/* SPDX-License-Identifier: MIT */
/*
 * Which environment a run gets where neither the command line nor a file names one: the script's own words. A line
 * `# sandrun: environment=NAME`; the dependencies of a PEP 723 block; else what it imports, against what the built
 * environments say they have. The smallest one that has all of it is taken, else `host`. The script is read, never executed.
 *
 * A run looks at the built environments only where some are built and the script is one of a language that is understood.
 */
#ifndef SR_PLAN_CHOICE_H
#define SR_PLAN_CHOICE_H

#include "base/error.h"
#include "image/imports.h"
#include "image/predict.h"
#include "plan/exec.h"
#include "policy/policy.h"

enum sr_choice_by {
	SR_CHOICE_NOTHING,      /* the script says nothing: host */
	SR_CHOICE_LINE,         /* # sandrun: environment=NAME */
	SR_CHOICE_DEPENDENCIES, /* PEP 723 */
	SR_CHOICE_IMPORTS,
	SR_CHOICE_INTERPRETER,  /* the host lacks the language, an environment has it */
	SR_CHOICE_VENV,         /* the project has a virtual environment of the host's: host */
};

/* What is asked. Folders and names belong to the caller. */
struct sr_choice_of {
	enum sr_script_language language;
	const char *lang_name;    /* of the language table; NULL where unknown */
	const char *data;
	size_t len;
	int folders[2];           /* where modules of the project's own may lie: -1, or O_PATH descriptors */
	const struct sr_file_args *inputs; /* files that go in beside the script; may be NULL */
};

struct sr_choice {
	enum sr_choice_by by;
	enum sr_script_language language;
	char *environment;        /* NULL: host */
	struct sr_imports found;
	struct sr_predicts built; /* read when they are needed: most scripts want nothing of them */
	bool asked;               /* choice_for_run() was called */
	bool stored;              /* there is a store of environments */
	bool named;               /* an environment is named, or prediction is off: only what the script says is of use */
	bool wants;               /* the script wants what does not come with its language */
	char *wanted;             /* its names, "numpy, pandas", cut to some hundred bytes; NULL without */
	char *note;               /* one line on it for the plan; NULL: there is nothing to say */
};

/* Reads what data says and chooses. 0 or negative with the error set; *ret is to be freed either way. */
int choice_make(const struct sr_choice_of *of, struct sr_choice *ret, struct sr_error *err);
void choice_done(struct sr_choice *c);

/* Whether an environment brings all that the script wants. */
bool choice_has_all(const struct sr_choice *c, const struct sr_predict *p);
/* Name i of what the script wants, from 0, or NULL behind the last; *ret_line (may be NULL): where it says so. */
const char *choice_wanted(const struct sr_choice *c, size_t i, unsigned *ret_line);

/*
 * For a run: does nothing and costs nothing where an environment is named, prediction is off, or it is no script; with
 * --install what the script says is read all the same. A program on standard input is read here and kept in x for
 * exec_build(). Fills *ret.
 */
int choice_for_run(const struct sr_policy *p, int stdin_fd, struct sr_exec *x, struct sr_choice *ret, struct sr_error *err);
/* The same question for a script by name, which `environment which` asks; project_dir may be NULL. */
int choice_for_script(const char *project_dir, const char *path, const char *lang, struct sr_choice *ret, struct sr_error *err);

#endif
