/* SPDX-License-Identifier: MIT */
/*
 * What a script says about the environment it wants, read from its text and never executed: the modules it imports, the
 * line `# sandrun: environment=NAME`, and the dependencies of a PEP 723 block. Python, JavaScript, R and Ruby.
 *
 * The text is untrusted. At most SR_IMPORTS_READ_MAX bytes of it are read, in time that grows with its length alone; nesting
 * takes no stack of ours. A text that is no program of its language gives some answer, never an error.
 */
#ifndef SR_IMAGE_IMPORTS_H
#define SR_IMAGE_IMPORTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

#define SR_IMPORTS_READ_MAX (1UL << 20) /* bytes of a script that are looked at */
#define SR_IMPORTS_MAX 256              /* modules of one script */

enum sr_script_language {
	SR_SCRIPT_OTHER, /* only the line with environment= is looked for */
	SR_SCRIPT_PYTHON,
	SR_SCRIPT_JAVASCRIPT,
	SR_SCRIPT_R,
	SR_SCRIPT_RUBY,
	SR_SCRIPT_LANGUAGES
};

enum sr_import_kind {
	SR_IMPORT_WANTED,   /* without it the script does not run */
	SR_IMPORT_OPTIONAL, /* the script does without: try/except ImportError, a test of the platform ... */
	SR_IMPORT_TYPING,   /* never imported at run time: if TYPE_CHECKING */
	SR_IMPORT_STANDARD, /* comes with the language */
	SR_IMPORT_LOCAL,    /* lies beside the script (set by plan/choice.c) */
};

struct sr_import {
	char *name;         /* Python: top-level module; JavaScript: package; R: package; Ruby: feature ("net/ssh") */
	unsigned line;
	enum sr_import_kind kind;
};

/* One line of `dependencies` in a PEP 723 block. */
struct sr_dependency {
	char *text;         /* as written: "numpy>=1.24; python_version > '3.8'" */
	char *name;         /* normalised as PyPI does: "scikit-learn" */
	char *module;       /* what is imported then: "sklearn" */
	unsigned line;
};

struct sr_imports {
	struct sr_import *items; /* by line */
	size_t count;
	bool cut;                /* not all was seen: longer, deeper or with more modules than is looked at */
	char *environment;       /* of the line in the script, as written; NULL: none */
	unsigned environment_line;
	struct sr_dependency *dependencies;
	size_t dependency_count;
	unsigned metadata_line;  /* where the PEP 723 block starts; 0: there is none */
	char *requires_python;   /* or NULL */
	const char *metadata_problem; /* why the block does not count; static, NULL: it does */
};

/* By a language's name (policy/lang.h). */
enum sr_script_language script_language(const char *lang_name);
/* Reads `len` bytes, no NUL needed. 0 or -ENOMEM; *ret is to be freed with imports_done() either way. */
int imports_read(enum sr_script_language language, const char *data, size_t len, struct sr_imports *ret);
void imports_done(struct sr_imports *i);

/* Whether an environment's list of that language (`have`) brings what the script names. */
bool import_is_in(enum sr_script_language language, const char *name, const struct sr_strv *have);
/* Whether it comes with the language itself. name is as struct sr_import has it. */
bool import_is_standard(enum sr_script_language language, const char *name, size_t len);

/* The name of a requirement ("Foo.Bar[x] >= 1" -> "foo-bar") in a fresh string, *ret NULL where there is none. 0, -ENOMEM. */
int requirement_name(const char *text, char **ret);
/* The module that a package of PyPI brings, by a table of those that differ; else its name with '_'. Fresh, or NULL. */
char *requirement_module(const char *name);

#endif
