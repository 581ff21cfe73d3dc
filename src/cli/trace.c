/* SPDX-License-Identifier: MIT */
/*
 * sandrun trace show | prove | check: reads the logs of --trace. Whether a log is the one of a certificate is for
 * `sandrun verify --trace`; a proof holds against a root that somebody has verified.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/io.h"
#include "base/str.h"
#include "base/xdg.h"
#include "cli/cli.h"
#include "cli/subcommand.h"
#include "evidence/inclusion.h"
#include "evidence/tracelog.h"
#include "run/certstore.h"

#define STAGE "trace"
#define LINE_MAX_BYTES ((size_t)2 * SR_TRACELOG_LINE_MAX)
#define SHOWN(s) str_escape((s), (char[512]){ 0 }, 512)

#define HOLDS 0
#define FAILS 1
#define MALFORMED 2

static const char usage[] =
	"Usage: sandrun trace show [LOG|ID]              what it says, one line an event (of the newest)\n"
	"       sandrun trace prove [--json] LOG LINE    a proof that the line, from 0, is in the log\n"
	"       sandrun trace check PROOF... ROOT SIZE   whether proofs of --json hold for a certificate's trace:\n"
	"                                                its rootHash and treeSize\n"
	"ID is a run id or its first letters. Exit status of check: 0 all hold, 1 one does not,\n"
	"2 one is no proof; else 0, or 125 where something cannot be read.\n";

static int failed(const struct cli_run *c, const struct sr_error *err)
{
	message_error(&c->policy, err);
	return err->status;
}

static int cannot_read(const struct cli_run *c, const char *path, const char *why)
{
	struct sr_error err = SR_ERROR_INIT;

	(void)sr_error_set(&err, SR_E_CERTIFICATE, EBADMSG, STAGE, "cannot read the trace %s: %s", SHOWN(path), why);
	return failed(c, &err);
}

/* ---- which log ------------------------------------------------------------------------------------------------------- */

/* The newest log in the folder whose run id starts like that; NULL where there is none. */
static char *in_store(const char *prefix)
{
	SR_AUTOCLOSE int state_fd = -1, dir_fd = -1;
	struct sr_strv all = { 0 };
	char *found = NULL;

	if (xdg_open(SR_XDG_STATE, NULL, &state_fd, NULL) == 0 && certstore_open(state_fd, &dir_fd) == 0)
		(void)certstore_list(dir_fd, &all);
	for (size_t i = all.count; !found && i-- > 0;) {
		SR_AUTOFREE char *name = str_format("%s" SR_CERTSTORE_TRACE, all.items[i]);

		if (name && str_has_prefix(name, prefix) && faccessat(dir_fd, name, F_OK, 0) == 0)
			found = certstore_path(name);
	}
	strv_done(&all);
	return found;
}

/* Opens the log that the operand (or none) means; *ret_path is fresh. */
static int open_log(const char *operand, char **ret_path, struct sr_error *err)
{
	bool file = operand && (strchr(operand, '/') || access(operand, F_OK) == 0);
	struct stat st;
	int fd;

	*ret_path = file ? strdup(operand) : in_store(operand ? operand : "");
	if (!*ret_path) {
		(void)sr_error_set(err, SR_E_CERTIFICATE, ENOENT, STAGE, "cannot find a trace%s%s", operand ? " " : "",
				   operand ? SHOWN(operand) : "");
		sr_error_hint(err, "make one with sandrun --trace; it lies beside the certificate");
		return -ENOENT;
	}
	fd = open(*ret_path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		int e = fd < 0 ? errno : EINVAL;

		fd_close(&fd);
		return sr_error_set(err, SR_E_CERTIFICATE, e, STAGE, "cannot read the trace %s: %s", SHOWN(*ret_path),
				    e == EINVAL ? "it is no regular file" : strerror(e));
	}
	return fd;
}

/* ---- show ------------------------------------------------------------------------------------------------------------ */

static const char *text_of(const json_t *o, const char *key, char *out, size_t size)
{
	const char *s = json_string_value(json_object_get(o, key));

	return str_escape(s ? s : "?", out, size);
}

static void show_object(const json_t *o)
{
	char text[4200], more[4200];

	if (json_object_get(o, "address"))
		(void)printf("%s port %" JSON_INTEGER_FORMAT, text_of(o, "address", text, sizeof(text)),
			     json_integer_value(json_object_get(o, "port")));
	else if (json_object_get(o, "abstract"))
		(void)printf("@%s", text_of(o, "abstract", text, sizeof(text)));
	else if (json_is_string(json_object_get(o, "path")))
		(void)printf("%s", text_of(o, "path", text, sizeof(text)));
	else
		(void)printf("%s", text_of(o, json_object_get(o, "family") ? "family" : "path", text, sizeof(text)));
	if (json_object_get(o, "asked"))
		(void)printf(" (asked: %s)", text_of(o, "asked", more, sizeof(more)));
	if (json_is_true(json_object_get(o, "deleted")))
		(void)printf(" (deleted)");
	if (json_object_get(o, "flags"))
		(void)printf(" %s", text_of(o, "flags", more, sizeof(more)));
	if (json_is_string(json_object_get(o, "result")))
		(void)printf(": %s", text_of(o, "result", more, sizeof(more)));
	if (!str_has_prefix(text_of(o, "how", more, sizeof(more)), "exe") && strcmp(more, "descriptor") != 0)
		(void)printf(" [%s]", more);
}

static void show_rest(const json_t *o, const char *event)
{
	char text[64];

	if (strcmp(event, "start") == 0)
		(void)printf("%s, parent %" JSON_INTEGER_FORMAT, text_of(o, "kind", text, sizeof(text)),
			     json_integer_value(json_object_get(o, "ppid")));
	else if (strcmp(event, "exit") == 0 && json_object_get(o, "signal"))
		(void)printf("%s, signal %" JSON_INTEGER_FORMAT, text_of(o, "kind", text, sizeof(text)),
			     json_integer_value(json_object_get(o, "signal")));
	else if (strcmp(event, "exit") == 0)
		(void)printf("%s, code %" JSON_INTEGER_FORMAT, text_of(o, "kind", text, sizeof(text)),
			     json_integer_value(json_object_get(o, "code")));
	else if (strcmp(event, "end") == 0)
		(void)printf("%" JSON_INTEGER_FORMAT " processes, %s, %" JSON_INTEGER_FORMAT " events dropped",
			     json_integer_value(json_object_get(o, "processes")),
			     json_is_true(json_object_get(o, "complete")) ? "complete" : "not complete",
			     json_integer_value(json_object_get(o, "dropped")));
	else if (strcmp(event, "begin") != 0)
		show_object(o);
}

static bool show_line(const char *line, size_t len)
{
	json_t *o = json_loadb(line, len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
	const char *ns = json_string_value(json_object_get(o, "ns")), *name = json_string_value(json_object_get(o, "event"));
	json_int_t pid = json_integer_value(json_object_get(o, "pid")), tid = json_integer_value(json_object_get(o, "tid"));
	uint64_t at = 0;
	char event[32], who[48] = "";
	bool good = ns && name && str_to_u64(ns, &at) == 0;

	if (good) {
		if (json_object_get(o, "pid"))
			(void)snprintf(who, sizeof(who), "%" JSON_INTEGER_FORMAT, pid);
		if (json_object_get(o, "pid") && tid != pid)
			(void)snprintf(who, sizeof(who), "%" JSON_INTEGER_FORMAT "/%" JSON_INTEGER_FORMAT, pid, tid);
		(void)printf("%6" PRIu64 "  %4" PRIu64 ".%06" PRIu64 "  %-9s %-8s ", (uint64_t)json_integer_value(json_object_get(o, "seq")),
			     at / 1000000000U, at / 1000 % 1000000U, who, str_escape(name, event, sizeof(event)));
		show_rest(o, name);
		(void)putchar('\n');
	}
	json_decref(o);
	return good;
}

/* NULL, or why it is no log. Memory is bounded whatever it holds. */
static const char *show_lines(int fd)
{
	SR_AUTOFREE char *buf = malloc(LINE_MAX_BYTES);
	size_t have = 0;
	ssize_t n;

	while (buf && (n = io_read_full(fd, buf + have, LINE_MAX_BYTES - have)) > 0) {
		char *line = buf, *newline;

		have += (size_t)n;
		while ((newline = memchr(line, '\n', have - (size_t)(line - buf)))) {
			if (!show_line(line, (size_t)(newline - line)))
				return "a line is none of a trace";
			line = newline + 1;
		}
		if (line == buf)
			return have == LINE_MAX_BYTES ? "a line is too long" : "its last line has no end";
		have -= (size_t)(line - buf);
		memmove(buf, line, have);
	}
	return !buf ? "out of memory" : have ? "its last line has no end" : NULL;
}

static int show(const struct cli_run *c, const char *operand)
{
	struct sr_error err = SR_ERROR_INIT;
	SR_AUTOFREE char *path = NULL;
	SR_AUTOCLOSE int fd = open_log(operand, &path, &err);
	const char *why;

	if (fd < 0)
		return failed(c, &err);
	why = show_lines(fd);
	if (why) {
		(void)fflush(stdout);
		return cannot_read(c, path, why);
	}
	return message_flush(&c->policy, 0);
}

/* ---- prove and check ------------------------------------------------------------------------------------------------- */

static void print_leaf(const char *before, const struct sr_inclusion *p)
{
	size_t size = 4 * p->leaf_len + 8;
	SR_AUTOFREE char *shown = malloc(size);

	(void)printf("%s%s\n", before, shown ? str_escape_n(p->leaf, p->leaf_len, shown, size) : "(out of memory)");
}

static void print_proof(const struct sr_inclusion *p)
{
	char hex[SR_DIGEST_HEX];

	str_hex(p->root, SR_DIGEST_BYTES, hex);
	(void)printf("line   %" PRIu64 " of %" PRIu64 "\nroot   %s\n", p->proof.index, p->proof.size, hex);
	print_leaf("text   ", p);
	for (size_t i = 0; i < p->proof.count; i++) {
		str_hex(p->proof.path[i], SR_DIGEST_BYTES, hex);
		(void)printf("%s %s\n", i ? "      " : "path  ", hex);
	}
}

static int print_json(const struct cli_run *c, json_t *o)
{
	SR_AUTOFREE char *text = o ? json_dumps(o, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
	struct sr_error err = SR_ERROR_INIT;

	json_decref(o);
	if (!text) {
		(void)sr_error_set(&err, SR_E_CERTIFICATE, EILSEQ, STAGE, "cannot write the proof: the line is no UTF-8 text");
		return failed(c, &err);
	}
	(void)puts(text);
	return message_flush(&c->policy, 0);
}

static int prove(const struct cli_run *c, const char *operand, uint64_t line, bool json)
{
	struct sr_error err = SR_ERROR_INIT;
	SR_AUTOFREE char *path = NULL;
	SR_AUTOCLOSE int fd = open_log(operand, &path, &err);
	struct sr_inclusion proof = { .leaf = NULL };
	uint64_t lines = 0;
	int r = fd < 0 ? 0 : inclusion_make(fd, line, &proof, &lines);

	if (fd < 0)
		return failed(c, &err);
	if (r == -ERANGE) {
		(void)sr_error_set(&err, SR_E_CERTIFICATE, ERANGE, STAGE, "cannot prove line %" PRIu64 " of %s: it has %" PRIu64 " lines", line,
				   SHOWN(path), lines);
		sr_error_hint(&err, "lines count from 0: it is what an event's \"seq\" says");
		return failed(c, &err);
	}
	if (r < 0)
		return cannot_read(c, path, r == -EBADMSG ? "its last line has no end, or it is being written" :
					    r == -E2BIG   ? "the line is too long" : strerror(-r));
	if (json) {
		r = print_json(c, inclusion_json(&proof));
	} else {
		print_proof(&proof);
		r = message_flush(&c->policy, 0);
	}
	inclusion_done(&proof);
	return r;
}

/*
 * A proof's own size is nobody's word: with another one, the same path leads from another line to the same root. With the
 * signed size, index and line are what the path says.
 */
static int judge(const char *path, const struct sr_inclusion *p, const uint8_t root[static SR_DIGEST_BYTES], uint64_t size)
{
	(void)printf("%s: line %" PRIu64 " of %" PRIu64, SHOWN(path), p->proof.index, p->proof.size);
	if (p->proof.size != size)
		(void)printf(" is not proven: the trace has %" PRIu64 " lines\n", size);
	else if (inclusion_check(p, root) < 0)
		(void)puts(" is not proven: this does not lead to that root");
	else
		print_leaf(" is in the trace of that root: ", p);
	return p->proof.size == size && inclusion_check(p, root) == 0 ? HOLDS : FAILS;
}

static int check_one(const char *path, const uint8_t root[static SR_DIGEST_BYTES], uint64_t size)
{
	SR_AUTOCLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	SR_AUTOFREE char *text = NULL;
	struct sr_inclusion proof = { .leaf = NULL };
	size_t len = 0;
	int r = fd < 0 ? -errno : io_read_all(fd, SR_INCLUSION_BYTES_MAX, &text, &len);

	if (r == 0)
		r = inclusion_read(text, len, &proof);
	if (r < 0) {
		(void)printf("%s: no proof: %s\n", SHOWN(path), r == -EBADMSG ? "it is malformed" : strerror(-r));
		return MALFORMED;
	}
	r = judge(path, &proof, root, size);
	inclusion_done(&proof);
	return r;
}

static int check(const struct cli_run *c, char *const *paths, size_t count, const char *hex, const char *lines)
{
	uint8_t root[SR_DIGEST_BYTES];
	uint64_t size = 0;
	struct sr_error err = SR_ERROR_INIT;
	int status = HOLDS;

	if (inclusion_hex(hex, root) < 0) {
		(void)sr_error_set(&err, SR_E_OPTION, EINVAL, "options", "cannot use '%s' as a root: it takes 64 hex digits", SHOWN(hex));
		sr_error_hint(&err, "it is .predicate.trace.rootHash of the certificate's execution statement");
		return failed(c, &err);
	}
	if (str_to_u64(lines, &size) < 0) {
		(void)sr_error_set(&err, SR_E_OPTION, EINVAL, "options", "cannot use '%s' as a size: it takes a number of lines", SHOWN(lines));
		sr_error_hint(&err, "it is .predicate.trace.treeSize of the certificate's execution statement");
		return failed(c, &err);
	}
	for (size_t i = 0; i < count; i++) {
		int one = check_one(paths[i], root, size);

		status = one > status ? one : status;
	}
	return message_flush(&c->policy, status);
}

int trace_main(int argc, char **argv, struct cli_run *c)
{
	const char *verb = argc > 1 ? argv[1] : "";
	struct sr_error err = SR_ERROR_INIT;
	bool json = false, good = true;
	uint64_t line = 0;
	int n = 2; /* operands move up to argv[2] */

	if (strcmp(verb, "--help") == 0 || strcmp(verb, "-h") == 0) {
		(void)fputs(usage, stdout);
		return message_flush(&c->policy, 0);
	}
	for (int i = 2; i < argc; i++) {
		if (strcmp(argv[i], "--json") == 0 && strcmp(verb, "prove") == 0)
			json = true;
		else if (argv[i][0] != '-')
			argv[n++] = argv[i];
		else
			good = false;
	}
	if (good && strcmp(verb, "show") == 0 && n <= 3)
		return show(c, n == 3 ? argv[2] : NULL);
	if (good && strcmp(verb, "prove") == 0 && n == 4 && str_to_u64(argv[3], &line) == 0)
		return prove(c, argv[2], line, json);
	if (good && strcmp(verb, "check") == 0 && n >= 5)
		return check(c, argv + 2, (size_t)n - 4, argv[n - 2], argv[n - 1]);
	(void)sr_error_set(&err, SR_E_OPTION, EINVAL, "options", "cannot understand 'sandrun trace %s'", SHOWN(verb));
	sr_error_hint(&err, "sandrun trace show [LOG] | prove [--json] LOG LINE | check PROOF... ROOT SIZE; --help says more");
	return failed(c, &err);
}
