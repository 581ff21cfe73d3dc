/* SPDX-License-Identifier: MIT */
/*
 * sandrun verify CERT: one line a check, never a bare "verified".
 */
#include "cli/verify.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/io.h"
#include "cli/subcommand.h"
#include "evidence/opening.h"
#include "evidence/verify-files.h"
#include "run/certstore.h"

#define STAGE "verify"
#define SHOWN(s) str_escape((s), (char[512]){ 0 }, 512)

static const char usage[] = "Usage: sandrun verify [OPTION...] CERTIFICATE      '-' is standard input\n"
			    "  --key FILE           the identity that must have signed: a public key as PEM,\n"
			    "                       or a line of OpenSSH's form; may be given more than once\n"
			    "  --trust DIR          any of the identities DIR/*.pem\n"
			    "  --nonce HEX          the nonce that the run must have been given\n"
			    "  --audience TEXT      for whom it must have been made\n"
			    "  --require LEVEL      self-asserted, simulated-quote or quote-present\n"
			    "  --input NAME=FILE    FILE is the input (script, stdin) of that name\n"
			    "  --output NAME=FILE   FILE is the output (stdout, stderr) of that name\n"
			    "  --opening FILE       salts of private items; else what lies beside it\n"
			    "  --trace FILE         the trace's log; else what lies beside it\n"
			    "  --after CERTIFICATE  an earlier one: number, back-link and nonce must follow it\n"
			    "  --json               the checks as JSON\n"
			    "Without --key and --trust: the keys in the data folder's trusted/, then the own\n"
			    "key. The network is never used. Exit status: 0 every required check holds; 1 one\n"
			    "fails; 2 malformed; 3 below what was required, or signed by an unknown identity\n"
			    "or by this user's own alone; 125 a file or option cannot be used.\n";

/* --- options -------------------------------------------------------------------------------------------------------------- */

static int misused(const struct verify_call *call, const char *what, const char *why)
{
	struct sr_error err = SR_ERROR_INIT;

	(void)sr_error_set(&err, SR_E_OPTION, EINVAL, "options", "cannot use 'sandrun %s%s%s': %s", call->word,
			   *what ? " " : "", SHOWN(what), why);
	sr_error_hint(&err, "sandrun %s --help says what it takes", call->word);
	message_error(&call->c->policy, &err);
	return err.status;
}

static int set_nonce(struct verify_call *call, const char *value)
{
	size_t len = strlen(value);

	if (len < 32 || len > 128 || len % 2 != 0 || strspn(value, "0123456789abcdefABCDEF") != len)
		return -EINVAL;
	free(call->nonce);
	call->nonce = strdup(value);
	for (size_t i = 0; call->nonce && i < len; i++)
		call->nonce[i] = (char)tolower((unsigned char)call->nonce[i]);
	return call->nonce ? 0 : -ENOMEM;
}

/* 0, -EINVAL or -ENOMEM; *ret_why on -EINVAL. */
static int set(struct verify_call *call, const char *name, const char *value, const char **ret_why)
{
	const struct {
		const char *name;
		struct sr_strv *many;
		const char **one;
		bool named; /* NAME=FILE */
	} rows[] = {
		{ "--key", &call->keys, NULL, false },	  { "--trust", &call->trusts, NULL, false },
		{ "--input", &call->inputs, NULL, true }, { "--output", &call->outputs, NULL, true },
		{ "--after", &call->after, NULL, false }, { "--audience", NULL, &call->audience, false },
		{ "--trace", NULL, &call->trace, false }, { "--opening", NULL, &call->opening, false },
	};

	*ret_why = "it takes self-asserted, simulated-quote or quote-present";
	if (strcmp(name, "--require") == 0)
		return assurance_from_name(value, &call->require);
	*ret_why = "it takes 32 to 128 hexadecimal digits";
	if (strcmp(name, "--nonce") == 0)
		return set_nonce(call, value);
	for (size_t i = 0; i < SR_ELEMENTSOF(rows); i++) {
		if (strcmp(rows[i].name, name) != 0)
			continue;
		*ret_why = "it takes NAME=FILE";
		if (rows[i].named && (value[0] == '=' || !strchr(value, '=')))
			return -EINVAL;
		if (rows[i].many)
			return strv_add(rows[i].many, value);
		*rows[i].one = value;
	}
	return 0;
}

/* `allowed` has each option's name between blanks. A value stands behind "=" or is the next word. */
static int take_option(struct verify_call *call, const char *allowed, int argc, char **argv, int *i)
{
	char name[32], padded[36];
	const char *equals = strchr(argv[*i], '='), *value = equals ? equals + 1 : NULL, *why;
	size_t len = equals ? (size_t)(equals - argv[*i]) : strlen(argv[*i]);
	struct sr_error err = SR_ERROR_INIT;
	int r;

	(void)snprintf(name, sizeof(name), "%.*s", (int)(len < sizeof(name) ? len : sizeof(name) - 1), argv[*i]);
	(void)snprintf(padded, sizeof(padded), " %s ", name);
	if (len >= sizeof(name) || !strstr(allowed, padded))
		return misused(call, argv[*i], "no such option");
	if (!value && *i + 1 >= argc)
		return misused(call, name, "it takes a value");
	if (!value)
		value = argv[++*i];
	if (!*value)
		return misused(call, name, "its value is empty");
	r = set(call, name, value, &why);
	if (r == -EINVAL)
		return misused(call, name, why);
	if (r == 0)
		return 0;
	(void)sr_error_oom(&err, STAGE);
	message_error(&call->c->policy, &err);
	return err.status;
}

static int take_words(struct verify_call *call, int argc, char **argv, const char *allowed)
{
	bool only_words = false;
	int kept = 0;

	for (int i = 0; i < argc; i++) {
		int status = 0;

		if (only_words || *argv[i] != '-' || !argv[i][1])
			argv[kept++] = argv[i];
		else if (strcmp(argv[i], "--") == 0)
			only_words = true;
		else if (strcmp(argv[i], "--json") == 0)
			call->json = true;
		else if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
			call->help = true;
		else
			status = take_option(call, allowed, argc, argv, &i);
		if (status)
			return status;
	}
	call->operands = argv;
	call->count = kept;
	return 0;
}

static int load_keys(struct verify_call *call, struct sr_error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < call->keys.count; i++)
		r = trust_add_file(&call->trust, call->keys.items[i], err);
	for (size_t i = 0; r == 0 && i < call->trusts.count; i++)
		r = trust_add_folder(&call->trust, call->trusts.items[i], err);
	if (r == 0 && call->keys.count == 0 && call->trusts.count == 0)
		r = trust_add_default(&call->trust, err);
	return r;
}

int verify_begin(struct verify_call *call, int argc, char **argv, const char *allowed)
{
	struct sr_error err = SR_ERROR_INIT;
	int status;

	call->word = argv[0];
	status = take_words(call, argc - 1, argv + 1, allowed);
	if (status || call->help)
		return status;
	if (load_keys(call, &err) == 0)
		return 0;
	message_error(&call->c->policy, &err);
	return err.status;
}

void verify_end(struct verify_call *call)
{
	struct sr_strv *all[] = { &call->keys, &call->trusts, &call->inputs, &call->outputs, &call->after };

	for (size_t i = 0; i < SR_ELEMENTSOF(all); i++)
		strv_done(all[i]);
	free(call->nonce);
	trust_done(&call->trust);
}

/* --- files ---------------------------------------------------------------------------------------------------------------- */

static int cannot_read(struct sr_error *err, const char *path, int errnum)
{
	return sr_error_set(err, SR_E_CERTIFICATE, errnum, STAGE, "cannot read %s: %s", SHOWN(path), strerror(errnum));
}

/* What nobody named and merely lies there: anybody who gave the certificate away put it there. A plain file, or none. */
static int open_found(const char *path, int *ret, struct sr_error *err)
{
	int fd = file_open_found(path);

	if (fd < 0 && fd != -ELOOP && fd != -EINVAL)
		return cannot_read(err, path, -fd);
	if (fd < 0) {
		(void)sr_error_set(err, SR_E_CERTIFICATE, EINVAL, STAGE,
				   "cannot read %s, which lies beside the certificate: it is no regular file", SHOWN(path));
		sr_error_hint(err, "remove it, or name the file that is meant: --trace FILE, --opening FILE");
		return -EINVAL;
	}
	*ret = fd;
	return 0;
}

static int open_file(const char *path, int *ret, struct sr_error *err)
{
	struct stat st;
	int fd = strcmp(path, "-") == 0 ? fcntl(0, F_DUPFD_CLOEXEC, 3) : open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return cannot_read(err, path, errno);
	if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
		fd_close(&fd);
		return cannot_read(err, path, EISDIR);
	}
	*ret = fd;
	return 0;
}

int verify_certificate(const struct verify_call *call, const char *path, const struct sr_verify_wants *wants,
		       struct sr_verified *ret, struct sr_error *err)
{
	SR_AUTOFREE char *data = NULL;
	SR_AUTOCLOSE int fd = -1;
	size_t len = 0;
	int r;

	(void)call;
	*ret = (struct sr_verified){ .run_id = NULL };
	r = open_file(path, &fd, err);
	if (r < 0)
		return r;
	r = bundle_read(fd, &data, &len);
	if (r == -EFBIG) {
		verify_add(ret, SR_CHECK_MALFORMED, "form", "too-large",
			   "the file is larger than %zu MiB, and no certificate is", SR_BUNDLE_BYTES_MAX >> 20);
		return ret->out_of_memory ? sr_error_oom(err, STAGE) : 0;
	}
	if (r == 0)
		r = verify_bundle(data, len, wants, ret);
	if (r == -ENOMEM)
		return sr_error_oom(err, STAGE);
	return r < 0 ? cannot_read(err, path, -r) : 0;
}

/* A file of the run's that lies beside its certificate: by the run's id, or where --certificate named the place. NULL: none. */
static char *beside(const char *certificate, const char *run_id, const char *suffix)
{
	const char *slash = strrchr(certificate, '/');
	size_t stem = strlen(certificate) - (str_has_suffix(certificate, SR_CERTSTORE_SUFFIX) ? strlen(SR_CERTSTORE_SUFFIX) : 0);
	char *paths[] = { str_format("%s%s", certificate, suffix), str_format("%.*s%s", (int)stem, certificate, suffix),
			  str_format("%.*s%s%s", slash ? (int)(slash + 1 - certificate) : 0, certificate, run_id, suffix) };
	char *found = NULL;

	for (size_t i = 0; i < SR_ELEMENTSOF(paths); i++) {
		if (!found && paths[i] && faccessat(AT_FDCWD, paths[i], F_OK, AT_SYMLINK_NOFOLLOW) == 0)
			found = SR_TAKE_PTR(paths[i]);
		free(paths[i]);
	}
	return found;
}

static int load_opening(struct verify_call *call, struct sr_verified *v, struct sr_opening *ret, bool *ret_have,
			struct sr_error *err)
{
	SR_AUTOFREE char *found = NULL, *text = NULL;
	const char *path = call->opening, *why = NULL;
	SR_AUTOCLOSE int fd = -1;
	size_t len = 0;
	int r;

	*ret_have = false;
	if (!path && v->run_id && strcmp(call->operands[0], "-") != 0 && (call->inputs.count || call->outputs.count))
		found = beside(call->operands[0], v->run_id, SR_CERTSTORE_OPENING);
	path = found ? found : path;
	if (!path || !v->execution)
		return 0;
	r = found ? open_found(path, &fd, err) : open_file(path, &fd, err);
	if (r < 0)
		return r;
	r = io_read_all(fd, SR_OPENING_MAX, &text, &len);
	if (r == 0)
		r = opening_read(text, len, ret, &why);
	if (text)
		secret_wipe(text, len);
	if (r == -EBADMSG)
		return sr_error_set(err, SR_E_CERTIFICATE, EBADMSG, STAGE, "cannot read %s: %s", SHOWN(path), why);
	if (r < 0)
		return cannot_read(err, path, -r);
	*ret_have = (!found || strcmp(ret->run_id, v->run_id) == 0) &&
		    verify_opening(v, ret); /* one left there by another run is none */
	if (!*ret_have)
		opening_done(ret);
	return 0;
}

static int check_files(struct sr_verified *v, const struct sr_strv *files, bool inputs,
		       const struct sr_opening *opening, struct sr_error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < files->count; i++) {
		const char *path = strchr(files->items[i], '=') + 1;
		SR_AUTOFREE char *name = strndup(files->items[i], (size_t)(path - 1 - files->items[i]));
		SR_AUTOCLOSE int fd = -1;

		r = name ? open_file(path, &fd, err) : sr_error_oom(err, STAGE);
		if (r < 0)
			return r;
		r = inputs ? verify_input(v, name, fd, opening) : verify_output(v, name, fd, opening);
		if (r < 0)
			return cannot_read(err, path, -r);
	}
	return r;
}

static int check_trace(struct verify_call *call, struct sr_verified *v, struct sr_error *err)
{
	SR_AUTOFREE char *found = NULL;
	const char *path = call->trace;
	SR_AUTOCLOSE int fd = -1;
	int r;

	if (!path && v->execution && json_is_object(json_object_get(v->execution, "trace"))) {
		if (strcmp(call->operands[0], "-") != 0)
			found = beside(call->operands[0], v->run_id, SR_CERTSTORE_TRACE);
		path = found;
		if (!path)
			verify_add(v, SR_CHECK_NOT_SHOWN, "trace", "trace-not-given",
				   "there is one, and its log is not here (--trace)");
	}
	if (!path)
		return 0;
	r = found ? open_found(path, &fd, err) : open_file(path, &fd, err);
	if (r == 0)
		r = verify_trace(v, fd);
	return r < 0 && err->code == SR_E_NONE ? cannot_read(err, path, -r) : r;
}

static int check_after(struct verify_call *call, struct sr_verified *v, struct sr_error *err)
{
	const struct sr_verify_wants wants = { .trust = &call->trust };
	int r = 0;

	for (size_t i = 0; r == 0 && i < call->after.count; i++) {
		struct sr_verified earlier;

		r = verify_certificate(call, call->after.items[i], &wants, &earlier, err);
		if (r == 0 && (!earlier.execution || verify_status(&earlier) == 1 || verify_status(&earlier) == 2))
			verify_add(v, SR_CHECK_FAILED, "sequence", "after-certificate",
				   "the earlier certificate %s does not hold itself: %s", SHOWN(call->after.items[i]),
				   verify_worst(&earlier) ? verify_worst(&earlier)->text : "");
		else if (r == 0)
			verify_after(v, &earlier);
		verified_done(&earlier);
	}
	return r;
}

/* --- what comes of it ----------------------------------------------------------------------------------------------------- */

void verify_print(const struct sr_verified *v, const char *prefix)
{
	static const char *const words[] = {
		[SR_CHECK_OK] = "ok",	      [SR_CHECK_NOT_SHOWN] = "not shown", [SR_CHECK_BELOW] = "BELOW",
		[SR_CHECK_FAILED] = "FAILED", [SR_CHECK_MALFORMED] = "MALFORMED",
	};

	for (size_t i = 0; i < v->count; i++)
		(void)printf("%s%-10s %-12s %s\n", prefix, words[v->checks[i].state], v->checks[i].what,
			     v->checks[i].text);
}

/* Whose word it is, for every result. */
static void print_result(const struct sr_verified *v)
{
	static const char *const words[] = {
		[0] = "every required check holds",
		[1] = "a check failed; nothing that this file says is to be relied on",
		[2] = "this is no certificate that can be read; nothing is shown",
		[3] = "no check failed, but less is shown than was required",
	};
	int status = verify_status(v);
	const struct sr_check *worst = verify_worst(v);

	(void)printf("result: %s%s%s%s\n", words[status], worst ? " (" : "", worst ? worst->code : "",
		     worst ? ")" : "");
	if (v->execution && (status == 0 || status == 3))
		(void)printf("assurance: %s, the word of identity %s%s\n", assurance_name(v->assurance),
			     v->identity->id, v->identity->own ? ", which is this user's own" : "");
	else
		(void)printf("assurance: none, nobody's word\n");
}

json_t *verify_checks_json(const struct sr_verified *v)
{
	json_t *checks = json_array();

	for (size_t i = 0; i < v->count; i++) {
		const struct sr_check *x = &v->checks[i];

		if (json_array_append_new(checks, json_pack("{s:s, s:s, s:s, s:s}", "check", x->what, "code", x->code,
							    "state", check_state_name(x->state), "text", x->text)) <
		    0) {
			json_decref(checks);
			return NULL;
		}
	}
	return checks;
}

json_t *verify_json(const struct sr_verified *v)
{
	const int status = verify_status(v);
	const bool shown = v->execution && (status == 0 || status == 3);
	json_t *identity = json_null();

	if (v->identity)
		identity = json_pack("{s:s, s:s, s:b}", "keyId", v->identity->id, "file", SHOWN(v->identity->name),
				     "own", v->identity->own);
	return json_pack("{s:i, s:i, s:s?, s:s?, s:o, s:o, s:s?}", "v", 1, "status", status, "runId", v->run_id,
			 "assurance", shown ? assurance_name(v->assurance) : NULL, "identity", identity, "checks",
			 verify_checks_json(v), "wordOf", shown ? v->identity->id : NULL);
}

static int verify_one(struct verify_call *call, struct sr_verified *v, struct sr_error *err)
{
	const struct sr_verify_wants wants = {
		.trust = &call->trust,
		.nonce = call->nonce,
		.audience = call->audience,
		.require = call->require,
	};
	struct sr_opening opening = { .items = NULL };
	bool have;
	int r = verify_certificate(call, call->operands[0], &wants, v, err);

	if (r == 0)
		r = load_opening(call, v, &opening, &have, err);
	if (r < 0)
		return r;
	r = check_files(v, &call->inputs, true, have ? &opening : NULL, err);
	if (r == 0)
		r = check_files(v, &call->outputs, false, have ? &opening : NULL, err);
	if (have)
		opening_done(&opening);
	if (r == 0)
		r = check_trace(call, v, err);
	if (r == 0)
		r = check_after(call, v, err);
	return r == 0 && v->out_of_memory ? sr_error_oom(err, STAGE) : r;
}

static int verify_run(struct verify_call *call)
{
	struct sr_error err = SR_ERROR_INIT;
	struct sr_verified v = { .run_id = NULL };
	int status;

	if (call->count != 1)
		return misused(call, "", "it takes one certificate");
	if (verify_one(call, &v, &err) < 0) {
		message_error(&call->c->policy, &err);
		status = err.status;
	} else if (call->json) {
		status = message_json(&call->c->policy, STAGE, verify_json(&v), JSON_SORT_KEYS, verify_status(&v));
	} else {
		verify_print(&v, "");
		print_result(&v);
		status = message_flush(&call->c->policy, verify_status(&v));
	}
	verified_done(&v);
	return status;
}

int verify_main(int argc, char **argv, struct cli_run *c)
{
	struct verify_call call = { .c = c };
	int status =
		verify_begin(&call, argc, argv,
			     " --key --trust --nonce --audience --require --input --output --opening --trace --after ");

	if (status == 0 && call.help) {
		(void)fputs(usage, stdout);
		status = message_flush(&c->policy, 0);
	} else if (status == 0) {
		status = verify_run(&call);
	}
	verify_end(&call);
	return status;
}
