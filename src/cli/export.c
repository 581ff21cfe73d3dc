/* SPDX-License-Identifier: MIT */
/*
 * sandrun export CERT: a certificate that holds, in a form that others' tools read.
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/io.h"
#include "cli/subcommand.h"
#include "cli/verify.h"
#include "evidence/export.h"
#include "evidence/verify-files.h"
#include "run/certstore.h"

#define STAGE "export"
#define SHOWN(s) str_escape((s), (char[512]){ 0 }, 512)

static const char usage[] =
	"Usage: sandrun export FORM [OPTION...] CERTIFICATE      '-' is standard input\n"
	"  --sigstore-bundle    one envelope as a sigstore bundle v0.3\n"
	"  --slsa               SLSA provenance v1 of a run that succeeded, unsigned;\n"
	"                       no build level is claimed\n"
	"  --runtime-trace      in-toto runtime trace v0.1, unsigned\n"
	"  --ssh-signature      what `ssh-keygen -Y verify -n sandrun-certificate-v1`\n"
	"                       takes for the file, by the identity key\n"
	"  --line NAME          run-open, execution (the default) or run-close\n"
	"  --trace FILE         the trace's log; else what lies beside it\n"
	"  --sign               the statement in an envelope signed by the identity key\n"
	"  --key FILE, --trust DIR    who may have signed it, as for sandrun verify\n"
	"The certificate is verified first; what does not hold is not exported.\n"
	"Exit status: 0; 1 it does not hold; 2 it is malformed; 125 a file or option\n"
	"cannot be used.\n";

enum form { FORM_NONE, FORM_SIGSTORE, FORM_SLSA, FORM_TRACE, FORM_SSH };

struct export_call {
	struct verify_call verify;
	enum form form;
	enum sr_export_line line;
	bool line_given, sign;
	const char *trace;

	/* the certificate: one reading, which is verified, exported and signed */
	char *data;
	size_t len;
	struct sr_verified v;
	struct sr_identity identity;
};

/* --- options ---------------------------------------------------------------------------------------------------------------- */

static int misused(const struct cli_run *c, const char *what, const char *why)
{
	struct sr_error err = SR_ERROR_INIT;

	(void)sr_error_set(&err, SR_E_OPTION, EINVAL, "options", "cannot use 'sandrun export%s%s': %s", *what ? " " : "", SHOWN(what),
			   why);
	sr_error_hint(&err, "sandrun export --sigstore-bundle | --slsa | --runtime-trace | --ssh-signature CERTIFICATE; sandrun export "
			    "--help says more");
	message_error(&c->policy, &err);
	return err.status;
}

/* 1: taken. 0: none of ours. Else -status after a message. */
static int take_form(struct export_call *call, const char *word)
{
	static const struct { const char *word; enum form form; } forms[] = {
		{ "--sigstore-bundle", FORM_SIGSTORE }, { "--slsa", FORM_SLSA },
		{ "--runtime-trace", FORM_TRACE },	{ "--ssh-signature", FORM_SSH },
	};

	for (size_t i = 0; i < SR_ELEMENTSOF(forms); i++) {
		if (strcmp(word, forms[i].word) != 0)
			continue;
		if (call->form != FORM_NONE && call->form != forms[i].form)
			return -misused(call->verify.c, word, "one form at a time");
		call->form = forms[i].form;
		return 1;
	}
	if (strcmp(word, "--sign") != 0)
		return 0;
	call->sign = true;
	return 1;
}

static int take_line(struct export_call *call, const char *value)
{
	static const char *const names[] = { "run-open", "execution", "run-close" };

	for (size_t i = 0; i < SR_ELEMENTSOF(names); i++) {
		if (strcmp(value, names[i]) == 0) {
			call->line = (enum sr_export_line)i;
			call->line_given = true;
			return 0;
		}
	}
	return misused(call->verify.c, "--line", "it takes run-open, execution or run-close");
}

/* The value of `--name` in word i, or in the next one. NULL: another word; "" where it is missing. */
static const char *value_of(const char *name, int argc, char **argv, int *i)
{
	size_t len = strlen(name);

	if (strncmp(argv[*i], name, len) != 0)
		return NULL;
	if (argv[*i][len] == '=')
		return argv[*i] + len + 1;
	if (argv[*i][len] != '\0')
		return NULL;
	return *i + 1 < argc ? argv[++*i] : "";
}

static int take_own(struct export_call *call, int *argc, char **argv)
{
	bool only_words = false;
	int kept = 1, r = 0;

	for (int i = 1; r >= 0 && i < *argc; i++) {
		const char *line = NULL, *trace = NULL;

		only_words = only_words || strcmp(argv[i], "--") == 0;
		r = only_words ? 0 : take_form(call, argv[i]);
		if (r != 0)
			continue;
		if (!only_words && !(line = value_of("--line", *argc, argv, &i)))
			trace = value_of("--trace", *argc, argv, &i);
		if (line)
			r = -take_line(call, line);
		else if (trace && !*trace)
			r = -misused(call->verify.c, "--trace", "it takes a file");
		else if (trace)
			call->trace = trace;
		else
			argv[kept++] = argv[i];
	}
	*argc = kept;
	return r < 0 ? -r : 0;
}

static int check_combination(const struct export_call *call)
{
	const struct cli_run *c = call->verify.c;

	if (call->form == FORM_NONE)
		return misused(c, "", "it needs a form");
	if (call->verify.json)
		return misused(c, "--json", "no such option");
	if (call->verify.count != 1)
		return misused(c, "", "it takes one certificate");
	if (call->line_given && call->form != FORM_SIGSTORE)
		return misused(c, "--line", "it goes with --sigstore-bundle");
	if (call->trace && call->form != FORM_TRACE)
		return misused(c, "--trace", "it goes with --runtime-trace");
	if (call->sign && call->form != FORM_SLSA && call->form != FORM_TRACE)
		return misused(c, "--sign", "it goes with --slsa and --runtime-trace");
	return 0;
}

/* --- files ------------------------------------------------------------------------------------------------------------------ */

static int cannot_read(const char *path, int errnum, struct sr_error *err)
{
	return sr_error_set(err, SR_E_CERTIFICATE, errnum, STAGE, "cannot read %s: %s", SHOWN(path), strerror(errnum));
}

static int read_certificate(struct export_call *call, struct sr_error *err)
{
	const char *path = call->verify.operands[0];
	SR_AUTOCLOSE int fd = strcmp(path, "-") == 0 ? fcntl(0, F_DUPFD_CLOEXEC, 3) : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	int r = fd < 0 ? -errno : bundle_read(fd, &call->data, &call->len);

	return r < 0 ? cannot_read(path, -r, err) : 0;
}

/* It holds; or but for this, that the only identity that vouches is the user's own. */
static int verify(struct export_call *call, struct sr_error *err)
{
	const struct sr_verify_wants wants = { .trust = &call->verify.trust };
	const struct sr_check *worst;
	int status;

	if (verify_bundle(call->data, call->len, &wants, &call->v) < 0)
		return sr_error_oom(err, STAGE);
	status = verify_status(&call->v);
	if (verify_holds(&call->v, &worst))
		return 0;
	(void)sr_error_set_status(err, status == 2 ? 2 : 1, SR_E_CERTIFICATE, EBADMSG, STAGE, "cannot export %s: %s",
				  SHOWN(call->verify.operands[0]), worst ? worst->text : "it does not hold");
	sr_error_hint(err, call->v.identity || status == 2 ? "sandrun verify shows every check of it"
							   : "--key FILE or --trust DIR names who may have signed it");
	return -EBADMSG;
}

/* Opens the log where a run leaves it: by the run's id, or by the certificate's name. A descriptor or -errno. */
static int open_beside(const char *certificate, const char *run_id)
{
	const char *slash = strrchr(certificate, '/');
	size_t folder = slash ? (size_t)(slash + 1 - certificate) : 0, stem = strlen(certificate);
	int fd = -ENOMEM;

	if (str_has_suffix(certificate, SR_CERTSTORE_SUFFIX))
		stem -= strlen(SR_CERTSTORE_SUFFIX);
	SR_AUTOFREE char *by_file = str_format("%s" SR_CERTSTORE_TRACE, certificate);
	SR_AUTOFREE char *by_stem = str_format("%.*s" SR_CERTSTORE_TRACE, (int)stem, certificate);
	SR_AUTOFREE char *by_id = str_format("%.*s%s" SR_CERTSTORE_TRACE, (int)folder, certificate, run_id);
	const char *const paths[] = { by_file, by_stem, by_id };

	for (size_t i = 0; fd < 0 && i < SR_ELEMENTSOF(paths); i++)
		fd = paths[i] ? file_open_found(paths[i]) : -ENOMEM;
	return fd;
}

static int open_named(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	return fd < 0 ? -errno : fd;
}

static int read_log(const struct export_call *call, char **ret, size_t *ret_len, struct sr_error *err)
{
	const char *certificate = call->verify.operands[0];
	SR_AUTOCLOSE int fd = -1;
	int r;

	if (!json_is_object(json_object_get(call->v.execution, "trace")))
		return sr_error_set_status(err, 1, SR_E_CERTIFICATE, EINVAL, STAGE, "cannot export %s: the run was not traced",
					   SHOWN(certificate));
	fd = call->trace ? open_named(call->trace) : open_beside(certificate, call->v.run_id);
	r = fd < 0 ? fd : io_read_all(fd, SR_EXPORT_TRACE_MAX, ret, ret_len);
	if (r == 0)
		return 0;
	if (call->trace)
		return cannot_read(call->trace, -r, err);
	r = sr_error_set(err, SR_E_CERTIFICATE, -r, STAGE, "cannot read the trace's log beside %s: %s", SHOWN(certificate), strerror(-r));
	sr_error_hint(err, "--trace FILE names it");
	return r;
}

/*
 * The signed digest is not all that was signed: the log must also fit the tree, and may not show what the plan rules out. From
 * the bytes that are exported: the file may be another one by now.
 */
static int check_log(struct export_call *call, const char *log, size_t len, struct sr_error *err)
{
	SR_AUTOCLOSE int fd = memfd_create("log", MFD_CLOEXEC);
	size_t before = call->v.count;
	int r = fd < 0 ? -errno : io_write_full(fd, log, len);

	if (r == 0)
		r = lseek(fd, 0, SEEK_SET) < 0 ? -errno : verify_trace(&call->v, fd);
	if (r < 0)
		return sr_error_set(err, SR_E_CERTIFICATE, -r, STAGE, "cannot check the trace's log: %s", strerror(-r));
	for (size_t i = before; i < call->v.count; i++) {
		const struct sr_check *check = &call->v.checks[i];

		if (check->state == SR_CHECK_FAILED || check->state == SR_CHECK_MALFORMED)
			return sr_error_set_status(err, check->state == SR_CHECK_MALFORMED ? 2 : 1, SR_E_CERTIFICATE, EBADMSG, STAGE,
						   "cannot export the trace: %s", check->text);
	}
	return 0;
}

/* The identity key, which signs for the runs that it endorsed and for no other. */
static int load_identity(struct export_call *call, struct sr_error *err)
{
	int r = sodium_start();

	if (r < 0)
		return sr_error_set(err, SR_E_KEY, -r, STAGE, "cannot sign: libsodium does not start");
	r = identity_load_existing(&call->identity, err);
	if (r < 0 && err->code == SR_E_NONE)
		return sr_error_set(err, SR_E_KEY, ENOENT, STAGE, "cannot sign: this user has no identity key");
	if (r == 0 && strcmp(call->identity.id, call->v.identity->id) != 0) {
		r = sr_error_set_status(err, 1, SR_E_KEY, EPERM, STAGE, "cannot sign: the certificate is of another identity, %s",
					call->v.identity->id);
		sr_error_hint(err, "whoever has that identity's key can export it with a signature");
	}
	return r;
}

/* --- what comes out ----------------------------------------------------------------------------------------------------------- */

static int make_statement(struct export_call *call, json_t **ret, struct sr_error *err)
{
	SR_AUTOFREE char *log = NULL;
	size_t len = 0;
	int r;

	if (call->form == FORM_SIGSTORE)
		return export_sigstore(&call->v, call->line, ret, err);
	if (call->form == FORM_SLSA)
		return export_slsa(&call->v, ret, err);
	r = read_log(call, &log, &len, err);
	if (r == 0)
		r = export_runtime_trace(&call->v, log, len, ret, err);
	return r < 0 ? r : check_log(call, log, len, err);
}

/* A signature over the whole file says that all of it is the identity's: nothing may stand in it that nobody looked at. */
static int check_alone(const struct export_call *call, struct sr_error *err)
{
	const struct sr_bundle *b = &call->v.bundle;

	if (b->count == 3 && b->other_lines == 0)
		return 0;
	(void)sr_error_set_status(err, 1, SR_E_CERTIFICATE, EINVAL, STAGE,
				  "cannot sign %s: it has other lines than the certificate's three, and the signature would be over them too",
				  SHOWN(call->verify.operands[0]));
	sr_error_hint(err, "sign a file with the three lines alone");
	return -EINVAL;
}

static int make_text(struct export_call *call, char **ret, struct sr_error *err)
{
	SR_AUTOFREE char *plain = NULL;
	json_t *o = NULL;
	int r = 0;

	if (call->form != FORM_SSH)
		r = make_statement(call, &o, err);
	else
		r = check_alone(call, err);
	if (r == 0 && (call->form == FORM_SSH || call->sign))
		r = load_identity(call, err);
	if (r < 0) {
		json_decref(o);
		return r;
	}
	if (call->form == FORM_SSH)
		r = export_ssh(call->data, call->len, &call->identity, ret);
	else if (call->sign)
		r = export_sign(o, &call->identity, ret);
	else if ((plain = json_dumps(o, JSON_COMPACT | JSON_SORT_KEYS)))
		r = (*ret = str_format("%s\n", plain)) ? 0 : -ENOMEM;
	else
		r = -ENOMEM;
	json_decref(o);
	return r < 0 ? sr_error_oom(err, STAGE) : 0;
}

static int export(struct export_call *call)
{
	SR_AUTOFREE char *text = NULL;
	struct sr_error err = SR_ERROR_INIT;
	int r = read_certificate(call, &err);

	if (r == 0)
		r = verify(call, &err);
	if (r == 0)
		r = make_text(call, &text, &err);
	if (r == 0 && text)
		return message_printed(&call->verify.c->policy, io_write_full(1, text, strlen(text)));
	message_error(&call->verify.c->policy, &err);
	return err.status;
}

int export_main(int argc, char **argv, struct cli_run *c)
{
	struct export_call call = { .verify = { .c = c }, .line = SR_EXPORT_EXECUTION };
	int status = take_own(&call, &argc, argv);

	if (!status)
		status = verify_begin(&call.verify, argc, argv, " --key --trust ");
	if (!status && call.verify.help) {
		(void)fputs(usage, stdout);
		status = message_flush(&c->policy, 0);
	} else if (!status) {
		status = check_combination(&call);
		status = status ? status : export(&call);
	}
	identity_done(&call.identity);
	verified_done(&call.v);
	verify_end(&call.verify);
	free(call.data);
	return status;
}
