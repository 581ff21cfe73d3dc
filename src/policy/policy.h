/* SPDX-License-Identifier: MIT */
/*
 * What the user asked for: built from the profile and the command line, comparable and printable. It names things (paths,
 * languages, limits); nothing is opened or resolved here. plan/ turns it into what will be done.
 *
 * Ownership: every pointer belongs to the struct; policy_done() frees them. A zeroed struct (policy_init) is valid.
 */
#ifndef SR_POLICY_POLICY_H
#define SR_POLICY_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"

/* How the program reaches sandrun (interface.md, "Forms"). */
enum sr_form {
	SR_FORM_SCRIPT,  /* operands[0] is a file; with -C there may be none yet: sandrun.ini names it (policy/manifest.h) */
	SR_FORM_STDIN,   /* --lang without an operand, or with "-": the program is standard input */
	SR_FORM_CODE,    /* --lang LANG -c CODE */
	SR_FORM_COMMAND, /* -- COMMAND: operands are the argv inside */
	SR_FORM_REPL,    /* --lang on a terminal without an operand: the interpreter itself */
};

/* Where a value came from; a later source wins, command line last. A project's sandrun.ini stands apart: it only lowers. */
enum sr_source {
	SR_FROM_BUILTIN,
	SR_FROM_PROFILE,
	SR_FROM_CONFIG,
	SR_FROM_COMMAND_LINE,
	SR_FROM_MANIFEST,
	SR_FROM_MAX
};

/* Room for a flag a row of policy/options.def: which of them were given is remembered (policy_is_given). */
#define SR_OPTIONS_MAX 96

/*
 * Limits. One X-macro row a limit: field, INI section, INI key, value kind, built-in value.
 * Kinds: BYTES, TIME (ns), COUNT, PERCENT, WEIGHT, WINDOW; policy/limit.h says how each is written and what its unit is.
 */
#define SR_LIMITS(X)                                                                   \
	X(memory_bytes, "limits", "memory.max", BYTES, 512ULL << 20)                   \
	X(memory_high_bytes, "limits", "memory.high", BYTES, SR_UNLIMITED)             \
	X(swap_bytes, "limits", "memory.swap.max", BYTES, 0)                           \
	X(pids, "limits", "pids.max", COUNT, 128)                                      \
	X(cpu_percent, "limits", "cpu.max", PERCENT, 100)                              \
	X(cpu_weight, "limits", "cpu.weight", WEIGHT, SR_UNLIMITED)                    \
	X(cpu_window, "limits", "cpu.window", WINDOW, SR_UNLIMITED)                    \
	X(io_weight, "limits", "io.weight", WEIGHT, SR_UNLIMITED)                      \
	X(cpu_ns, "limits", "cpu.time", TIME, 60ULL * 1000000000ULL)                   \
	X(wall_ns, "limits", "wall.time", TIME, 300ULL * 1000000000ULL)                \
	X(nofile, "rlimit", "nofile", COUNT, 256)                                      \
	X(fsize_bytes, "rlimit", "fsize", BYTES, 256ULL << 20)                         \
	X(stack_bytes, "rlimit", "stack", BYTES, 8ULL << 20)                           \
	X(memlock_bytes, "rlimit", "memlock", BYTES, 64ULL << 10)                      \
	X(sigpending, "rlimit", "sigpending", COUNT, 1024)                             \
	X(msgqueue_bytes, "rlimit", "msgqueue", BYTES, 64ULL << 10)                    \
	X(work_bytes, "filesystem", "work.size", BYTES, 256ULL << 20)                  \
	X(work_inodes, "filesystem", "work.inodes", COUNT, 65536)                      \
	X(tmp_bytes, "filesystem", "tmp.size", BYTES, 64ULL << 20)                     \
	X(tmp_inodes, "filesystem", "tmp.inodes", COUNT, 65536)                        \
	X(shm_bytes, "filesystem", "shm.size", BYTES, 64ULL << 20)                     \
	X(stdio_bytes, "output", "stdio.max", BYTES, 10ULL << 20)                      \
	X(out_files, "output", "files.max", COUNT, 10000)                              \
	X(out_bytes, "output", "bytes.max", BYTES, 256ULL << 20)

/* Where 0 is an answer: none at all. */
#define SR_LIMITS_THAT_MAY_BE_ZERO(X)                                              \
	X(swap_bytes) X(fsize_bytes) X(memlock_bytes) X(sigpending) X(msgqueue_bytes)  \
	X(stdio_bytes) X(out_files) X(out_bytes)

enum sr_limit_id {
#define SR_LIMIT_ROW(field, section, key, kind, dflt) SR_LIMIT_##field,
	SR_LIMITS(SR_LIMIT_ROW)
#undef SR_LIMIT_ROW
	SR_LIMIT_MAX
};

struct sr_limit {
	uint64_t value; /* in the unit of its row; SR_UNLIMITED */
	enum sr_source source;
};

/* One --input, --private-input or --bind: PATH[:NAME]. */
struct sr_file_arg {
	char *path;
	char *name; /* NULL: the last component of path (inputs), the absolute path (binds) */
	bool is_private;
};

struct sr_file_args {
	struct sr_file_arg *items;
	size_t count;
};

/* The seccomp part of a profile, unresolved: group names with '@' and call names, in the order they were read. */
struct sr_seccomp_policy {
	struct sr_strv allow;
	struct sr_strv deny;
	bool shipped; /* the profile's texts are byte for byte the ones the build compiled; see plan/filter.h */
};

enum sr_proc { SR_PROC_FRESH, SR_PROC_NONE };
enum sr_salt_mode { SR_SALT_KEPT, SR_SALT_DESTROYED };
enum sr_color { SR_COLOR_AUTO, SR_COLOR_ALWAYS, SR_COLOR_NEVER };
enum sr_attest { SR_ATTEST_AUTO, SR_ATTEST_NONE, SR_ATTEST_TSM, SR_ATTEST_DSTACK };
enum sr_error_format { SR_ERRORS_TEXT, SR_ERRORS_JSON };

struct sr_policy {
	/* what */
	enum sr_form form;
	char *lang;                /* --lang, or NULL */
	char *code;                /* -c */
	struct sr_strv operands;   /* SCRIPT ARG..., ARG..., or COMMAND ARG... according to form */
	char *project_dir;         /* -C */
	struct sr_strv show;       /* --show: hidden project files let in by name (finding 9) */
	char *environment;         /* -E; NULL is "host" */
	bool install;              /* --install: what the program requires, as a layer over its environment */
	char *install_index, *install_find_links, *install_registry; /* [install] of config.ini; NULL: the tools' own */
	bool no_predict;           /* --no-predict: the script's words do not choose one */
	bool environment_by_name;  /* from a file: a known environment's name, never a folder of the current one */
	char *build_layer;         /* --build-layer: what is written to the root stays, in this folder */
	bool build_network;        /* --build-network: in the host's network */
	enum sr_proc proc;         /* --proc: none where a container masks /proc (finding 28) */
	char *profile;             /* -p; NULL is "default" */
	struct sr_strv setenv;     /* NAME=VALUE; NAME alone was resolved against the caller's environment already */

	/* files */
	struct sr_file_args inputs;
	struct sr_file_args binds;
	struct sr_strv outputs;    /* globs */
	char *output_dir;          /* -O; NULL is "." */
	char *output_archive;
	bool force;                /* --force: existing output files may be replaced */

	/* limits */
	struct sr_limit limits[SR_LIMIT_MAX];
	bool strict;
	bool given[SR_OPTIONS_MAX]; /* rows of options.def that the command line gave */
	bool no_strict;            /* --no-strict: what the profile says of it does not count */
	bool strict_by_profile;    /* strict is on because the profile says so */
	struct sr_seccomp_policy seccomp;
	char *profile_name;        /* "default", set by the profile reader */
	struct sr_strv profile_texts; /* its text, then those it extends, as they were read: what a certificate digests */

	/* privacy */
	bool private_stdin;        /* --private-input - */
	bool private_args;
	bool private_outputs;
	enum sr_salt_mode salt;    /* --salt: without salt_file */
	char *salt_file;           /* --salt-file: the owner's */

	/* files that say more: the user's config.ini (policy/config.h) and the project's sandrun.ini (policy/manifest.h) */
	bool no_config;
	bool no_manifest;
	char *config_path;         /* of the one that was read, or NULL */
	struct sr_strv hide;       /* [project] hide: more names that stay outside */
	struct sr_strv only;       /* `inputs` of sandrun.ini: patterns of the project's files that go in; none: all */
	char *manifest_text;       /* the bytes of sandrun.ini as they were obeyed; NULL without */
	size_t manifest_len;

	/* proof */
	char *certificate;         /* --certificate; NULL: the state folder */
	bool no_certificate;
	char *nonce, *audience;
	bool record_args;
	bool trace;                /* --trace: a log of what was executed, opened and connected to */
	bool durable;
	enum sr_attest attest;     /* whose quote (evidence/attest.h) */
	char *attest_simulated;    /* the folder or socket of a stand-in; never more than "simulated-quote" */

	/* talk */
	bool quiet;
	bool quiet_by_profile;
	bool verbose;
	bool explain;
	bool timing;
	bool learn;                /* --learn: say what was refused and what would allow it */
	char *report;              /* FILE or "-" */
	enum sr_error_format error_format;
	enum sr_color color;
};

/* Zeroes the struct and puts the built-in limits in. */
void policy_init(struct sr_policy *p);
void policy_done(struct sr_policy *p);

/* Sets a limit unless a stronger source has set it already. */
void policy_set_limit(struct sr_policy *p, enum sr_limit_id id, uint64_t value, enum sr_source source);
static inline uint64_t policy_limit(const struct sr_policy *p, enum sr_limit_id id)
{
	return p->limits[id].value;
}

/* Whether the command line gave the option of that long name. In policy/options.c. */
bool policy_is_given(const struct sr_policy *p, const char *option);
/* Some run, user or project asked for this limit; the others are sandrun's and the profile's, which not every place needs. */
static inline bool policy_is_asked(const struct sr_policy *p, enum sr_limit_id id)
{
	return p->limits[id].source >= SR_FROM_CONFIG;
}
/* A project's value, which the caller has found to be within the one that holds (limit_is_within). */
void policy_lower_limit(struct sr_policy *p, enum sr_limit_id id, uint64_t value);
/* Whether the profile leaves the group out, or denies it. A policy whose profile is not loaded yet leaves out nothing. */
bool policy_lacks_group(const struct sr_policy *p, const char *group);

/* Copies both strings (name may be NULL). 0 or -ENOMEM. */
int policy_add_file(struct sr_file_args *v, const char *path, const char *name);

/* Something of this run is recorded by a commitment at the user's wish. */
bool policy_is_private(const struct sr_policy *p);
/* The program itself is: it came as an argument, or on a private standard input. */
bool policy_is_script_private(const struct sr_policy *p);
/* How many operands, at their end, are the program's arguments. */
size_t policy_argument_count(const struct sr_policy *p);

#endif
