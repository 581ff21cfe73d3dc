/* SPDX-License-Identifier: MIT */
/*
 * sandrun certificate list | show [ID|FILE] | prune: what the state folder keeps of past runs. Nothing is verified here, and
 * what is printed says so: `sandrun verify` does that.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/io.h"
#include "base/str.h"
#include "base/xdg.h"
#include "cli/cli.h"
#include "cli/subcommand.h"
#include "evidence/envelope.h"
#include "evidence/json-strict.h"
#include "evidence/runlog.h"
#include "run/certstore.h"

#define STAGE "certificate"
#define FILE_MAX ((size_t)32 << 20)
#define STATEMENTS_MAX 8 /* of a certificate there are three: what a file holds besides must not fill the memory */
#define ENVELOPE_VALUES 4096
#define PAYLOAD_VALUES 1000000 /* one of 10,000 output files has some 50,000 */
#define SHOWN(s) str_escape((s), (char[512]){ 0 }, 512)

static const char usage[] =
	"Usage: sandrun certificate list [--json]            every run that began, and whether its certificate is here\n"
	"       sandrun certificate show [--json] [ID|FILE]  what one says (the newest); nothing is checked\n"
	"       sandrun certificate prune [--keep N]         remove all but the newest N [1000]\n"
	"ID is a run id or its first letters. Check one with sandrun verify FILE.\n";

struct call {
	const struct cli_run *c;
	bool json;
	const char *operand;
	uint64_t keep;
};

static int failed(const struct call *call, const struct sr_error *err)
{
	message_error(&call->c->policy, err);
	return err->status;
}

/* 0, or -errno with err set; *ret_dir is -1 where there is no folder yet. */
static int open_store(int *ret_state, int *ret_dir, struct sr_error *err)
{
	SR_AUTOFREE char *path = NULL;
	int r = xdg_open(SR_XDG_STATE, NULL, ret_state, &path);

	if (r == 0)
		r = certstore_open(*ret_state, ret_dir);
	if (r < 0 && !path)
		return sr_error_set(err, SR_E_CERTIFICATE, -r, STAGE, "cannot find the state folder: neither HOME nor XDG_STATE_HOME is set");
	return r < 0 ? sr_error_set(err, SR_E_CERTIFICATE, -r, STAGE, "cannot use the folder %s: %s", SHOWN(path), strerror(-r)) : 0;
}

/* ---- list ------------------------------------------------------------------------------------------------------------ */

static bool in_store(int dir_fd, const char *id)
{
	char name[SR_RUN_ID + 24];

	(void)snprintf(name, sizeof(name), "%s" SR_CERTSTORE_SUFFIX, id);
	return faccessat(dir_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* One byte a counter: whether the run's end is in run-ends. Runs end in another order than they begin. */
static char *read_ends(int state_fd, uint64_t highest)
{
	SR_AUTOCLOSE int fd = openat(state_fd, SR_RUNLOG_ENDS, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	char *ended = calloc(1, (size_t)highest + 1);
	struct sr_runlog_record rec;
	int r;

	for (uint64_t i = 0; ended && fd >= 0 && (r = runlog_read(fd, i, &rec)) != -ENOENT; i++) {
		if (r == 0 && rec.counter <= highest)
			ended[rec.counter] = 1;
		else if (r < 0 && r != -EBADMSG)
			break;
	}
	return ended;
}

static void list_one(const struct call *call, json_t *all, const struct sr_runlog_record *rec, const char *state)
{
	time_t at = (time_t)rec->at;
	char text[32] = "";
	struct tm tm;

	if (gmtime_r(&at, &tm))
		(void)strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	if (call->json)
		(void)json_array_append_new(all, json_pack("{s:I, s:s, s:s, s:s}", "counter", (json_int_t)rec->counter, "runId",
							   rec->run_id, "began", text, "state", state));
	else
		(void)printf("%8" PRIu64 "  %s  %s  %s\n", rec->counter, text, rec->run_id, state);
}

static int list(const struct call *call)
{
	SR_AUTOCLOSE int state_fd = -1, dir_fd = -1, fd = -1;
	struct sr_error err = SR_ERROR_INIT;
	struct sr_runlog_record rec;
	uint64_t records = 0, highest = 0;
	json_t *all = json_array();
	char *ended;
	int r = open_store(&state_fd, &dir_fd, &err);

	if (r < 0) {
		json_decref(all);
		return failed(call, &err);
	}
	fd = openat(state_fd, SR_RUNLOG, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	for (; fd >= 0 && (r = runlog_read(fd, records, &rec)) != -ENOENT && (r == 0 || r == -EBADMSG); records++)
		highest = r == 0 && rec.counter > highest ? rec.counter : highest;
	/* a counter is at most a number a record and what was lost beside it; a file that says more is not ours */
	ended = read_ends(state_fd, highest <= 16 * records + 1024 ? highest : 0);
	for (uint64_t i = 0; ended && i < records; i++) {
		if (runlog_read(fd, i, &rec) < 0)
			continue;
		list_one(call, all, &rec, in_store(dir_fd, rec.run_id) ? "here" : rec.counter <= highest && ended[rec.counter] ?
						  "elsewhere or pruned" : "no end: killed, or still running");
	}
	free(ended);
	if (call->json)
		return message_json(&call->c->policy, STAGE, all, JSON_SORT_KEYS, 0);
	json_decref(all);
	return message_flush(&call->c->policy, 0);
}

/* ---- show ------------------------------------------------------------------------------------------------------------ */

/* The file that an operand means. The caller frees *ret. */
static int find_file(const struct call *call, char **ret, struct sr_error *err)
{
	SR_AUTOCLOSE int state_fd = -1, dir_fd = -1;
	struct sr_strv all = { 0 };
	const char *found = NULL;
	int r;

	if (call->operand && (strchr(call->operand, '/') || access(call->operand, F_OK) == 0)) {
		*ret = strdup(call->operand);
		return *ret ? 0 : sr_error_oom(err, STAGE);
	}
	r = open_store(&state_fd, &dir_fd, err);
	if (!r && certstore_list(dir_fd, &all) < 0)
		r = sr_error_oom(err, STAGE);
	for (size_t i = all.count; !r && i-- > 0;) {
		if (call->operand && !str_has_prefix(all.items[i], call->operand))
			continue;
		if (found && call->operand) {
			r = sr_error_set(err, SR_E_CERTIFICATE, EEXIST, STAGE, "cannot tell which certificate '%s' is: give more of the run id",
					 SHOWN(call->operand));
			break;
		}
		found = found ? found : all.items[i];
	}
	if (!r && !found) {
		r = sr_error_set(err, SR_E_CERTIFICATE, ENOENT, STAGE, "cannot find a certificate%s%s", call->operand ? " " : "",
				 call->operand ? SHOWN(call->operand) : "");
		sr_error_hint(err, "sandrun certificate list shows what there is");
	}
	if (!r) {
		SR_AUTOFREE char *name = str_format("%s" SR_CERTSTORE_SUFFIX, found);

		*ret = name ? certstore_path(name) : NULL;
		r = *ret ? 0 : sr_error_oom(err, STAGE);
	}
	strv_done(&all);
	return r;
}

/* The statement in one line, as it claims to be. NULL where it is none. */
static json_t *decode(const char *line, size_t len)
{
	const char *code;
	json_t *envelope = json_strict(line, len, ENVELOPE_VALUES, &code), *statement = NULL;
	const char *payload = json_string_value(json_object_get(envelope, "payload"));
	SR_AUTOFREE char *text = NULL;
	size_t n;

	if (payload && base64_decode(payload, strlen(payload), &text, &n) == 0)
		statement = json_strict(text, n, PAYLOAD_VALUES, &code);
	json_decref(envelope);
	return statement;
}

static json_t *read_statements(const char *path, struct sr_error *err)
{
	SR_AUTOCLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	SR_AUTOFREE char *text = NULL;
	json_t *all = json_array();
	size_t len = 0;
	int r = fd < 0 ? -errno : io_read_all(fd, FILE_MAX, &text, &len);

	for (char *line = text; r == 0 && line && *line && json_array_size(all) < STATEMENTS_MAX;) {
		size_t n = strcspn(line, "\n");
		json_t *s = decode(line, n);

		if (s)
			(void)json_array_append_new(all, s);
		line += n + (line[n] == '\n');
	}
	if (r == 0 && json_array_size(all) > 0)
		return all;
	json_decref(all);
	(void)sr_error_set(err, SR_E_CERTIFICATE, r < 0 ? -r : EBADMSG, STAGE, "cannot read the certificate %s: %s", SHOWN(path),
			   r < 0 ? strerror(-r) : "it holds no statement");
	return NULL;
}

/* A scalar of a statement as text fit for a terminal. */
static const char *scalar(json_t *o, const char *a, const char *b, char *out, size_t size)
{
	json_t *v = json_object_get(o, a);

	v = b ? json_object_get(v, b) : v;
	if (json_is_string(v))
		return str_escape(json_string_value(v), out, size);
	if (json_is_integer(v))
		(void)snprintf(out, size, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
	else
		(void)snprintf(out, size, "%s", json_is_true(v) ? "true" : json_is_false(v) ? "false" : "-");
	return out;
}

static void show_limits(json_t *limits)
{
	size_t i;
	json_t *l;
	char name[64], value[64], how[96], why[160];

	json_array_foreach(limits, i, l) {
		(void)printf("  %-16s %-14s %s%s%s\n", scalar(l, "name", NULL, name, sizeof(name)),
			     scalar(l, "enforced", NULL, value, sizeof(value)), scalar(l, "mechanism", NULL, how, sizeof(how)),
			     json_object_get(l, "reason") ? ": " : "",
			     json_object_get(l, "reason") ? scalar(l, "reason", NULL, why, sizeof(why)) : "");
	}
}

static void show_execution(json_t *s)
{
	json_t *p = json_object_get(s, "predicate"), *enforced = json_object_get(p, "enforced"), *subject;
	char a[256], b[256], d[256];
	size_t i;

	(void)printf("run        %s\n", scalar(p, "runId", NULL, a, sizeof(a)));
	(void)printf("assurance  %s\n", scalar(p, "assurance", NULL, a, sizeof(a)));
	(void)printf("outcome    %s, exit code %s, signal %s, limit %s\n", scalar(json_object_get(p, "result"), "outcome", NULL, a, sizeof(a)),
		     scalar(json_object_get(p, "result"), "exitCode", NULL, b, sizeof(b)),
		     scalar(json_object_get(p, "result"), "signal", NULL, d, sizeof(d)),
		     scalar(json_object_get(p, "result"), "limitHit", NULL, (char[64]){ 0 }, 64));
	(void)printf("time       %s to %s (this machine's clock)\n", scalar(json_object_get(p, "result"), "startedAt", NULL, a, sizeof(a)),
		     scalar(json_object_get(p, "result"), "finishedAt", NULL, b, sizeof(b)));
	(void)printf("profile    %s, environment %s, language %s\n", scalar(json_object_get(p, "plan"), "profile", "name", a, sizeof(a)),
		     scalar(json_object_get(p, "plan"), "environment", "name", b, sizeof(b)),
		     scalar(json_object_get(p, "plan"), "language", NULL, d, sizeof(d)));
	if (json_is_object(json_object_get(json_object_get(json_object_get(p, "plan"), "environment"), "digest")))
		(void)printf("image      sha256:%s\n", scalar(json_object_get(json_object_get(json_object_get(p, "plan"), "environment"), "digest"),
							      "sha256", NULL, a, sizeof(a)));
	(void)printf("limits held\n");
	show_limits(json_object_get(enforced, "limits"));
	(void)printf("subjects\n");
	json_array_foreach(json_object_get(s, "subject"), i, subject) {
		const char *kind = json_object_iter_key(json_object_iter(json_object_get(subject, "digest")));

		(void)printf("  %-16s %s %s\n", scalar(subject, "name", NULL, a, sizeof(a)), kind ? str_escape(kind, b, sizeof(b)) : "-",
			     kind ? scalar(json_object_get(subject, "digest"), kind, NULL, d, sizeof(d)) : "");
	}
}

static int show(const struct call *call)
{
	struct sr_error err = SR_ERROR_INIT;
	SR_AUTOFREE char *path = NULL;
	json_t *all = NULL, *s;
	size_t i;

	if (find_file(call, &path, &err) == 0)
		all = read_statements(path, &err);
	if (!all)
		return failed(call, &err);
	if (call->json)
		return message_json(&call->c->policy, STAGE, all, JSON_SORT_KEYS, 0);
	(void)printf("file       %s\n", SHOWN(path));
	json_array_foreach(all, i, s) {
		const char *type = json_string_value(json_object_get(s, "predicateType"));

		if (type && strcmp(type, "https://sandrun.io/execution/v0.1") == 0)
			show_execution(s);
	}
	(void)printf("nothing was checked: sandrun verify %s\n", str_plain_or(path, "FILE"));
	json_decref(all);
	return message_flush(&call->c->policy, 0);
}

/* ---- prune ----------------------------------------------------------------------------------------------------------- */

static int prune(const struct call *call)
{
	SR_AUTOCLOSE int state_fd = -1, dir_fd = -1;
	struct sr_error err = SR_ERROR_INIT;
	int r = open_store(&state_fd, &dir_fd, &err);

	if (r < 0)
		return failed(call, &err);
	r = certstore_prune(state_fd, dir_fd, (size_t)call->keep);
	if (r < 0) {
		(void)sr_error_set(&err, SR_E_CERTIFICATE, -r, STAGE, "cannot remove old certificates: %s", strerror(-r));
		return failed(call, &err);
	}
	(void)printf("%d removed; the run log keeps their numbers\n", r);
	return message_flush(&call->c->policy, 0);
}

int certificate_main(int argc, char **argv, struct cli_run *c)
{
	struct call call = { .c = c, .keep = SR_CERTSTORE_KEEP };
	const char *verb = argc > 1 ? argv[1] : "";
	struct sr_error err = SR_ERROR_INIT;
	bool good = true;

	if (strcmp(verb, "--help") == 0 || strcmp(verb, "-h") == 0) {
		(void)fputs(usage, stdout);
		return message_flush(&c->policy, 0);
	}
	for (int i = 2; i < argc && good; i++) {
		if (strcmp(argv[i], "--json") == 0 && strcmp(verb, "prune") != 0)
			call.json = true;
		else if (strcmp(argv[i], "--keep") == 0 && strcmp(verb, "prune") == 0 && i + 1 < argc)
			good = str_to_u64(argv[++i], &call.keep) == 0 && call.keep < SIZE_MAX / 2;
		else if (argv[i][0] != '-' && !call.operand && strcmp(verb, "show") == 0)
			call.operand = argv[i];
		else
			good = false;
	}
	if (good && strcmp(verb, "list") == 0)
		return list(&call);
	if (good && strcmp(verb, "show") == 0)
		return show(&call);
	if (good && strcmp(verb, "prune") == 0)
		return prune(&call);
	(void)sr_error_set(&err, SR_E_OPTION, EINVAL, "options", "cannot understand 'sandrun certificate %s'", SHOWN(verb));
	sr_error_hint(&err, "sandrun certificate list|show|prune; --help says more");
	return failed(&call, &err);
}
