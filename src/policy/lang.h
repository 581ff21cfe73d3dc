/* SPDX-License-Identifier: MIT */
/*
 * Languages: which interpreter a script wants and how it is started. Tables and texts only; nothing is looked up in an
 * environment here (plan/exec.c does that). The user's rows (languages.ini) come before the built-in ones.
 *
 * A template is a line of words, split at blanks. These words are replaced, all others stand as they are:
 *	%i  the interpreter's path, then its flags and those of the shebang
 *	%n  the interpreter's file name, for the $0 of shells
 *	%f  path of the program's file
 *	%c  the code of -c
 *	%a  the arguments, none or more words
 *	%x  the row's shell text that compiles and runs
 * A first word that is none of these names a program of the environment.
 */
#ifndef SR_POLICY_LANG_H
#define SR_POLICY_LANG_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/str.h"

#define SR_LANG_SHELL 1U   /* a carriage return at a line's end breaks it */
#define SR_LANG_BINARY 2U  /* the program may hold NUL bytes */
#define SR_LANG_PYTHON 4U  /* takes zip archives; a project's .venv counts */

/* Lists are words split at blanks; NULL where a row has none. */
struct sr_lang {
	const char *name;
	const char *aliases;    /* further names for --lang */
	const char *extensions; /* without the dot; the first one names a program that is kept as a file */
	const char *programs;   /* interpreters, best first; "node,--flag" is started with that flag */
	const char *file;       /* template for a script file */
	const char *code;       /* for -c; NULL: the code is kept as a file */
	const char *input;      /* for a program fed to standard input; NULL: it is kept as a file */
	const char *repl;       /* on a terminal without a program; NULL: there is none */
	const char *compile;    /* shell text for %x: $1 is the compiler, $2 the source, the arguments follow */
	const char *variables;  /* NAME=VALUE words for the program's environment */
	const char *no_jit;     /* flags that keep it from translating at run time, where the profile has no @write-exec */
	unsigned flags;
};

/* Rows read from a languages.ini. Zeroed is empty. */
struct sr_langs {
	struct sr_lang *rows;
	size_t count;
	struct sr_strv strings; /* owns the texts of the rows */
};

/*
 * Reads the user's rows: $XDG_CONFIG_HOME/sandrun/languages.ini, or ~/.config/... No file is no error. Malformed, or
 * writable by others: code E_LANGUAGE, stage "language", with file and line. The caller frees with langs_done().
 */
int langs_load(struct sr_langs *ret, struct sr_error *err);
/* The same for one file by name; -ENOENT without an error set where it does not exist. */
int langs_load_file(const char *path, struct sr_langs *ret, struct sr_error *err);
void langs_done(struct sr_langs *l);

/* A name or alias as given to --lang, in any case. user may be NULL. NULL: unknown. */
const struct sr_lang *lang_by_name(const struct sr_langs *user, const char *name);
/* By a file's name: the extension as it is, then in lower case ("C" is C++, "PY" is Python). */
const struct sr_lang *lang_by_extension(const struct sr_langs *user, const char *file_name);
/*
 * By an interpreter's name: one of a row's programs, or one of them with a version ("python3.11", "lua5.3").
 * *ret_versioned: it is the latter, and only this very program will do.
 */
const struct sr_lang *lang_by_program(const struct sr_langs *user, const char *program, bool *ret_versioned);

/* "python, node, ..." for messages, cut to the size. Returns out. */
char *lang_list(const struct sr_langs *user, char *out, size_t out_size);

/* The next word of a list into out; false at its end. Words that do not fit are cut. */
bool lang_next_word(const char **list, char *out, size_t out_size);

/* What a template's words stand for. */
struct sr_lang_start {
	const char *program;         /* %i, absolute path inside */
	const struct sr_strv *flags; /* after %i; may be NULL */
	const char *file;
	const char *code;
	const struct sr_strv *args;
};

/* Appends the argv that the template makes to *ret. The first word stays as it stands there. 0 or -ENOMEM. */
int lang_argv(const struct sr_lang *l, const char *template, const struct sr_lang_start *s, struct sr_strv *ret);

/* A `#!` line, read as the kernel and env(1) read it. */
struct sr_shebang {
	char program[256];   /* path, or a name to be found in PATH */
	bool env;            /* the latter: it was `env NAME` */
	bool crlf;           /* the line ends in a carriage return, which is left out here */
	struct sr_strv args; /* between interpreter and script: one for the kernel, several for `env -S` */
};

/*
 * Reads the shebang at the start of data. 1: read, 0: there is none. Errors (execve(2), env(1)):
 * -ENOEXEC it names nothing; -EILSEQ a NUL byte in the line; -ENAMETOOLONG over 255 bytes, which the kernel would cut;
 * -EINVAL several words after env without -S, which env would take for one name; -ENOMEM.
 */
int shebang_parse(const char *data, size_t len, struct sr_shebang *ret);
void shebang_done(struct sr_shebang *s);

#endif
