/* SPDX-License-Identifier: MIT */
/*
 * INI texts of sandrun's own: profiles, the user's config.ini, a project's sandrun.ini. inih reads them; each kind of file
 * is a table of keys.
 *
 * Stricter than inih: a key twice, an unknown key or section, NUL, or a line longer than inih takes is an error with file
 * and line. A list may go on in indented lines; other values may not.
 */
#ifndef SR_POLICY_INI_READ_H
#define SR_POLICY_INI_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"

#define SR_INI_SIZE_MAX 65536 /* bytes of one file */
#define SR_INI_KEYS_MAX 64
#define SR_INI_WORDS_MAX 256  /* of one list: patterns cost time for each file of a project */

struct sr_ini;
struct sr_ini_key;

/* Something that is refused. */
struct sr_ini_problem {
	unsigned int line;
	char *reason, *hint; /* fit for a terminal; hint may be "" */
};

struct sr_ini_problems {
	struct sr_ini_problem *items; /* in the order of the lines */
	size_t count;
};

/* Takes a value; negative when it is refused, with the error set (ini_refuse). */
typedef int (*sr_ini_take)(struct sr_ini *in, const struct sr_ini_key *key, const char *value);

struct sr_ini_key {
	const char *section, *name;
	sr_ini_take take;
	bool list; /* may go on in indented lines */
	int id;    /* for take: enum sr_limit_id, an offset ... */
};

/* One kind of file. */
struct sr_ini_format {
	const char *stage;      /* of its errors */
	const char *cannot;     /* what they start with: "cannot read profile" */
	enum sr_error_code code;
	const struct sr_ini_key *keys;
	size_t key_count;
	bool utf8;              /* anything else is an error */
	/*
	 * More to say about a key that is not in the table, or a section (name and value NULL): 0, negative with
	 * the error set, or 1: the key is to be passed over. May be NULL.
	 */
	int (*explain)(struct sr_ini *in, const char *section, const char *name, const char *value);
};

/* One text on its way through inih. */
struct sr_ini {
	const struct sr_ini_format *format;
	const char *label;             /* escaped */
	void *into;                    /* the caller's */
	struct sr_error *err;
	unsigned int line;             /* of the line that inih holds */
	/* the reader's own */
	const char *next, *end;
	bool indented;                 /* that line starts with a blank */
	const struct sr_ini_key *last; /* the key before, until a new section starts: what an indented line goes on with */
	bool seen[SR_INI_KEYS_MAX];
	int failed;                    /* negative errno of the first error */
	char reason[512];              /* its words */
	struct sr_ini_problems *problems; /* NULL: the first error ends the reading */
	bool unheard;                  /* (only with problems) that line holds a key, and inih has not called for it yet */
	bool skip;                     /* (only with problems) the keys of a section that was refused */
};

/* label names the text in messages ("LABEL:LINE: ..."). On failure `into` may be half filled. */
int ini_read(const struct sr_ini_format *format, const char *label, const char *text, size_t len, void *into,
	     struct sr_error *err);

/*
 * ini_read() that reads on after what it refuses, which goes to `problems`; `into` gets the rest. Only running out of memory is
 * an error here. For those who show what is wrong with a file; what has problems is not to be used.
 */
int ini_read_all(const struct sr_ini_format *format, const char *label, const char *text, size_t len, void *into,
		 struct sr_ini_problems *problems, struct sr_error *err);
/* Adds one behind the others. 0 or -ENOMEM. */
int ini_problem_add(struct sr_ini_problems *p, unsigned int line, const char *reason, const char *hint);
void ini_problems_done(struct sr_ini_problems *p);
/* For a take function that met an error and has more to look at: true where it may go on, for the error was noted. */
bool ini_settle(struct sr_ini *in);

/* For take functions. These return a negative errno; a hint may follow. */
int ini_refuse(struct sr_ini *in, const char *fmt, ...) SR_PRINTF(2, 3);
int ini_oom(struct sr_ini *in);
int ini_no_value(struct sr_ini *in, const struct sr_ini_key *key);
/* The value of the limit key->id. */
int ini_take_limit(struct sr_ini *in, const struct sr_ini_key *key, const char *value, uint64_t *ret);
/* yes, no, true, false. */
int ini_take_bool(struct sr_ini *in, const struct sr_ini_key *key, const char *value, bool *ret);
/* One of the words of "a|b|c", by its index. */
int ini_take_word(struct sr_ini *in, const struct sr_ini_key *key, const char *value, const char *words, int *ret);
/*
 * Words as a shell splits them, with '...', "..." and \, and nothing else of a shell's. A word that starts with ';' begins
 * a comment.
 */
int ini_take_words(struct sr_ini *in, const struct sr_ini_key *key, const char *value, struct sr_strv *ret);

#endif
