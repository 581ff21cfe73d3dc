/* SPDX-License-Identifier: MIT */
/*
 * sandrun open CERT --item ROLE:NAME --input FILE: is FILE what the certificate holds a commitment to?
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/io.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/subcommand.h"
#include "cli/verify.h"
#include "evidence/committed.h"
#include "evidence/measure.h"
#include "evidence/opening.h"
#include "evidence/public-key.h"
#include "run/project.h"

#define STAGE "open"
#define PIECE ((size_t)64 << 10)
#define SHOWN(s) str_escape((s), (char[512]){ 0 }, 512)

enum { IS_IT = 0, IS_NOT = 1, MALFORMED = 2, FAILED = 125 };

static const char usage[] =
	"Usage: sandrun open CERTIFICATE --item ITEM --input FILE [OPTION...]\n"
	"       sandrun open CERTIFICATE                  the items that it has\n"
	"  --item ITEM       input:NAME, output:NAME, script:NAME, argv, env, stdin,\n"
	"                    stdout, stderr, terminal or stdout+stderr\n"
	"  --input FILE      the exact bytes; argv: each word with a NUL behind it\n"
	"  --opening FILE    the salts of the run; else RUNID.opening.json beside it\n"
	"  --salt-file FILE  the owner's salt instead, as it was given to the run\n"
	"  --key FILE        the identity that must have signed, as for sandrun verify\n"
	"  --trust DIR       any of the identities DIR/*.pem\n"
	"  --json            the answer as JSON\n"
	"The certificate is verified first. Exit status: 0 the file is it; 1 it is not, or\n"
	"the certificate does not hold; 2 the certificate or the opening is malformed; 125\n"
	"a file or option cannot be used.\n";

struct call {
	const struct cli_run *c;
	const char *certificate, *word, *input, *opening, *salt_file;
	struct sr_trust trust;
	bool json, help;
	char *own_opening;               /* the path that was found; owned */
	struct sr_verified v;
	struct sr_committed_list items;
	const struct sr_committed *item;
	uint8_t salt[SR_SALT_BYTES];     /* of the item */
	struct sr_error err;
};

/* ---- words ----------------------------------------------------------------------------------------------------------- */

/* Sets the error; `status` becomes the exit status. */
static int SR_PRINTF(4, 5) refuse(struct call *k, int status, int errnum, const char *fmt, ...)
{
	char text[700];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	(void)sr_error_set(&k->err, status == FAILED ? SR_E_OPTION : SR_E_CERTIFICATE, errnum, STAGE, "%s", text);
	k->err.status = status;
	return -errnum;
}

static int misused(struct call *k, const char *what, const char *why)
{
	(void)refuse(k, FAILED, EINVAL, "cannot use '%s': %s", SHOWN(what), why);
	sr_error_hint(&k->err, "sandrun open --help says what it takes");
	return -EINVAL;
}

static int oom(struct call *k)
{
	return sr_error_oom(&k->err, STAGE);
}

/* An option with a value, which stands behind "=" or in the next word. */
static int take_option(struct call *k, int argc, char **argv, int *i)
{
	const char *key = NULL, *trust = NULL;
	const struct {
		const char *name;
		const char **to;
	} rows[] = { { "--item", &k->word },	      { "--input", &k->input }, { "--opening", &k->opening },
		     { "--salt-file", &k->salt_file }, { "--key", &key },	{ "--trust", &trust } };
	const char *word = argv[*i], *equals = strchr(word, '='), **to = NULL;
	size_t len = equals ? (size_t)(equals - word) : strlen(word);

	for (size_t n = 0; n < SR_ELEMENTSOF(rows); n++) {
		if (strlen(rows[n].name) == len && strncmp(rows[n].name, word, len) == 0)
			to = rows[n].to;
	}
	if (!to)
		return misused(k, word, "no such option");
	*to = equals ? equals + 1 : *i + 1 < argc ? argv[++*i] : "";
	if (!**to)
		return misused(k, word, "its value is missing");
	if (key)
		return trust_add_file(&k->trust, key, &k->err);
	return trust ? trust_add_folder(&k->trust, trust, &k->err) : 0;
}

static int take_words(struct call *k, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		int r = 0;

		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
			k->help = true;
		else if (strcmp(argv[i], "--json") == 0)
			k->json = true;
		else if (*argv[i] == '-' && argv[i][1])
			r = take_option(k, argc, argv, &i);
		else if (k->certificate)
			r = misused(k, argv[i], "one certificate at a time");
		else
			k->certificate = argv[i];
		if (r < 0)
			return r;
	}
	if (k->help)
		return 0;
	if (!k->certificate)
		return misused(k, "open", "no certificate is named");
	if (!k->word != !k->input)
		return misused(k, k->word ? "--item" : "--input", k->word ? "it needs --input FILE" : "it needs --item ITEM");
	return k->opening && k->salt_file ? misused(k, "--opening' with '--salt-file", "one of them has the salt") : 0;
}

/* ---- the certificate --------------------------------------------------------------------------------------------------- */

static int cannot_read(struct call *k, const char *path, int errnum)
{
	(void)refuse(k, FAILED, errnum, "cannot read '%s': %s", SHOWN(path), strerror(errnum));
	sr_error_hint(&k->err, "name a file that you can read");
	return -errnum;
}

/* 0, or 1 for a folder that may be the item, or an error. */
static int open_file(struct call *k, const char *path, int *ret)
{
	const bool found = path == k->own_opening; /* nobody named it: a plain file, or none */
	int fd = !found && strcmp(path, "-") == 0 ?
			 fcntl(0, F_DUPFD_CLOEXEC, 3) :
			 open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | (found ? O_NONBLOCK | O_NOFOLLOW : 0));
	struct stat st;

	if (fd < 0)
		return cannot_read(k, path, errno);
	if (found && (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))) {
		fd_close(&fd);
		return refuse(k, FAILED, EINVAL, "cannot read '%s': it lies beside the certificate and is no regular file",
			      SHOWN(path));
	}
	if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
		if (path == k->input && strcmp(k->item->role, "input") == 0) {
			*ret = fd;
			return 1;
		}
		fd_close(&fd);
		return cannot_read(k, path, EISDIR);
	}
	*ret = fd;
	return 0;
}

static int malformed(struct call *k, const char *path, const char *why)
{
	return refuse(k, MALFORMED, EBADMSG, "cannot understand '%s': %s", SHOWN(path), why);
}

/* Says what sandrun verify would say first, where that rules an answer out. */
static int does_not_hold(struct call *k)
{
	const struct sr_check *worst = verify_worst(&k->v);
	const int status = verify_status(&k->v);

	(void)refuse(k, status == MALFORMED ? MALFORMED : IS_NOT, EBADMSG, "cannot rely on '%s': %s", SHOWN(k->certificate), worst ? worst->text : "");
	sr_error_hint(&k->err, "sandrun verify %s says more%s", str_plain_or(k->certificate, "CERTIFICATE"),
		      status == 3 ? "; --key FILE or --trust DIR names whose word is taken" : "");
	return -EBADMSG;
}

static int read_certificate(struct call *k)
{
	const struct sr_verify_wants wants = { .trust = &k->trust };
	const struct verify_call call = { .c = k->c, .word = "open" };
	int r = k->trust.count ? 0 : trust_add_default(&k->trust, &k->err);

	if (r == 0)
		r = verify_certificate(&call, k->certificate, &wants, &k->v, &k->err);
	if (r < 0)
		return r;
	if (!k->v.execution || verify_status(&k->v) == 1 || verify_status(&k->v) == MALFORMED)
		return does_not_hold(k);
	r = committed_list(k->v.statements[1], &k->items);
	return r == -EBADMSG ? malformed(k, k->certificate, "its execution has another form") : r < 0 ? oom(k) : 0;
}

static const char *run_id(const struct call *k)
{
	return k->v.run_id ? k->v.run_id : "";
}

/* ---- the salt ---------------------------------------------------------------------------------------------------------- */

static int take_owners(struct call *k)
{
	struct sr_salt salt = { .bytes = NULL };
	SR_AUTOCLOSE int fd = -1;
	int r = open_file(k, k->salt_file, &fd);

	if (r < 0)
		return r;
	r = salt_read(fd, &salt);
	if (r == -EBADMSG || r == -EDOM)
		return malformed(k, k->salt_file, "a salt is 32 bytes, or 64 hex digits");
	if (r < 0)
		return cannot_read(k, k->salt_file, -r);
	salt_item(&salt, k->item->role, k->item->name, k->salt);
	salt_free(&salt);
	return 0;
}

static int no_opening(struct call *k)
{
	const json_t *plan = json_object_get(k->v.execution, "plan");
	const char *mode = json_string_value(json_object_get(json_object_get(plan, "private"), "saltMode"));

	if (mode && strcmp(mode, "owner") == 0) {
		(void)refuse(k, FAILED, ENOENT, "cannot open '%s': its salt is an owner's", SHOWN(k->word));
		sr_error_hint(&k->err, "give the file that the run was given: --salt-file FILE");
	} else if (mode && strcmp(mode, "kept") == 0) {
		(void)refuse(k, FAILED, ENOENT, "cannot open '%s': %s is not there", SHOWN(k->word), SHOWN(k->own_opening));
		sr_error_hint(&k->err, "whoever ran it has it, in the state folder beside the certificate: --opening FILE");
	} else {
		(void)refuse(k, IS_NOT, ENOENT, "cannot open '%s': the salt was destroyed with the run, and nobody can", SHOWN(k->word));
		sr_error_hint(&k->err, "for later runs: --salt kept, or --salt-file FILE");
	}
	return -ENOENT;
}

static int read_opening(struct call *k, const char *path, struct sr_opening *ret)
{
	SR_AUTOFREE char *text = NULL;
	SR_AUTOCLOSE int fd = -1;
	const char *why = NULL;
	size_t len = 0;
	int r = open_file(k, path, &fd);

	if (r < 0)
		return r;
	r = io_read_all(fd, SR_OPENING_MAX, &text, &len);
	if (r == 0)
		r = opening_read(text, len, ret, &why);
	secret_wipe(text, len);
	if (r == -EBADMSG || r == -EFBIG)
		return malformed(k, path, why ? why : "it is larger than 16M");
	return r < 0 ? cannot_read(k, path, -r) : 0;
}

static int take_kept(struct call *k)
{
	const struct sr_opening_item *item;
	struct sr_opening opening;
	const char *path = k->opening;
	int r;

	if (!path) {
		k->own_opening = opening_path(k->certificate, run_id(k));
		if (!k->own_opening)
			return oom(k);
		path = k->own_opening;
		if (access(path, F_OK) < 0)
			return no_opening(k);
	}
	r = read_opening(k, path, &opening);
	if (r < 0)
		return r;
	item = opening_find(&opening, k->item->role, k->item->name);
	if (strcmp(opening.run_id, run_id(k)) != 0)
		r = refuse(k, IS_NOT, EINVAL, "cannot open '%s': %s is of another run, %s", SHOWN(k->word), SHOWN(path), opening.run_id);
	else if (!item)
		r = refuse(k, IS_NOT, ENOENT, "cannot open '%s': %s has no salt for it", SHOWN(k->word), SHOWN(path));
	else
		memcpy(k->salt, item->salt, sizeof(k->salt));
	opening_done(&opening);
	return r;
}

/* ---- the answer -------------------------------------------------------------------------------------------------------- */

/* Ends the measure. */
static int measure_file(struct call *k, int fd, struct sr_measure *m, char ret[static SR_DIGEST_HEX])
{
	SR_AUTOFREE char *piece = malloc(PIECE);
	ssize_t n = 0;

	if (!piece)
		return oom(k);
	do {
		n = io_read_full(fd, piece, PIECE);
		if (n > 0)
			measure_update(m, piece, (size_t)n);
	} while (n == (ssize_t)PIECE);
	secret_wipe(piece, PIECE);
	measure_final_hex(m, ret);
	return n < 0 ? cannot_read(k, k->input, (int)-n) : 0;
}

/* As -i takes a folder in: by its manifest. */
static int measure_folder(struct call *k, int fd, struct sr_measure *m, char ret[static SR_DIGEST_HEX])
{
	const struct sr_strv none = { .items = NULL };
	struct sr_project_rules rules = { .show.names = &none, .max_entries = SR_UNLIMITED, .read_only = true };
	struct sr_project folder = { .fd = -1 };
	int r = project_scan(fd, k->input, &rules, &folder, &k->err);

	if (r == 0)
		r = project_copy(&folder, NULL, "", m, ret, &k->err);
	project_done(&folder);
	return r;
}

static int measure_input(struct call *k, char ret[static SR_DIGEST_HEX])
{
	struct sr_measure m = { .is_private = k->item->is_private };
	SR_AUTOCLOSE int fd = -1;
	int r = open_file(k, k->input, &fd);

	if (r < 0)
		return r;
	if (m.is_private)
		commitment_init(&m.as.commitment, k->salt);
	else
		measure_plain(&m);
	r = r == 1 ? measure_folder(k, fd, &m, ret) : measure_file(k, fd, &m, ret);
	secret_wipe(&m, sizeof(m));
	return r;
}

/* The same with what every machine has. The names are in quotes, or a word that stands for them. */
static void print_stock(const struct call *k)
{
	const char *name = str_plain_or(k->item->name, "NAME"), *input = str_plain_or(k->input, "FILE");

	if (!k->item->is_private)
		(void)printf("the same with stock tools: sha256sum %s\n", input);
	else if (k->salt_file)
		(void)printf("the same with stock tools, SALT being the salt in hex:\n"
			     "  item=$(printf 'sandrun-commit-v1\\0%s\\0%s' | openssl mac -digest SHA256 -macopt hexkey:$SALT HMAC)\n"
			     "  openssl mac -digest SHA256 -macopt hexkey:$item -in %s HMAC\n", k->item->role, name, input);
	else
		(void)printf("the same with stock tools:\n"
			     "  item=$(jq -r '.items[] | select(.role == \"%s\" and .name == \"%s\").salt' %s)\n"
			     "  openssl mac -digest SHA256 -macopt hexkey:$item -in %s HMAC\n", k->item->role, name,
			     str_plain_or(k->opening ? k->opening : k->own_opening, "OPENING"), input);
}

static void print_text(const struct call *k, bool is_it)
{
	(void)printf("%s: %s %s the %s of run %s\n", is_it ? "yes" : "no", SHOWN(k->input), is_it ? "is" : "is not", SHOWN(k->word),
		     run_id(k));
	(void)printf("the certificate has %s %s\n", measure_name(k->item->is_private), k->item->hex);
	print_stock(k);
	(void)printf("assurance: %s, the word of identity %s%s\n", assurance_name(k->v.assurance), k->v.identity->id,
		     k->v.identity->own ? ", which is this user's own" : "");
}

static int print_json(json_t *o)
{
	char *text = o ? json_dumps(o, JSON_INDENT(1) | JSON_SORT_KEYS) : NULL;

	json_decref(o);
	if (!text)
		return -ENOMEM;
	(void)puts(text);
	free(text);
	return 0;
}

static int answer(struct call *k)
{
	char hex[SR_DIGEST_HEX];
	bool is_it;
	int r = measure_input(k, hex);

	if (r < 0)
		return r;
	is_it = strcmp(hex, k->item->hex) == 0;
	if (!k->json)
		print_text(k, is_it);
	else if (print_json(json_pack("{s:b, s:s, s:s, s:s, s:s, s:s, s:{s:s, s:b}, s:i}", "opened", is_it, "item", SHOWN(k->word), "kind",
				      measure_name(k->item->is_private), "value", k->item->hex, "runId", run_id(k), "assurance",
				      assurance_name(k->v.assurance), "identity", "keyId", k->v.identity->id, "own", k->v.identity->own,
				      "v", 1)) < 0)
		return oom(k);
	return is_it ? IS_IT : IS_NOT;
}

static int list_items(struct call *k)
{
	json_t *all = json_array();

	for (size_t i = 0; i < k->items.count; i++) {
		const struct sr_committed *item = &k->items.items[i];
		SR_AUTOFREE char *word = committed_word(item);

		if (k->json)
			(void)json_array_append_new(all, json_pack("{s:s, s:s, s:s}", "item", word, "kind", measure_name(item->is_private),
								   "value", item->hex));
		else
			(void)printf("%-20s %s %s\n", SHOWN(word ? word : ""), measure_name(item->is_private), item->hex);
	}
	if (k->json)
		return print_json(json_pack("{s:o, s:s, s:i}", "items", all, "runId", run_id(k), "v", 1)) < 0 ? oom(k) : 0;
	json_decref(all);
	return 0;
}

/* The exit status, or negative with the error set. */
static int act(struct call *k)
{
	int r = read_certificate(k);

	if (r < 0 || !k->word)
		return r < 0 ? r : list_items(k);
	k->item = committed_find(&k->items, k->word);
	if (!k->item) {
		(void)refuse(k, IS_NOT, ENOENT, "cannot open '%s': the certificate has no such item", SHOWN(k->word));
		sr_error_hint(&k->err, "sandrun open %s lists those that it has", str_plain_or(k->certificate, "CERTIFICATE"));
		return -ENOENT;
	}
	if (k->item->is_private)
		r = k->salt_file ? take_owners(k) : take_kept(k);
	return r < 0 ? r : answer(k);
}

int open_main(int argc, char **argv, struct cli_run *c)
{
	struct call k = { .c = c, .err = SR_ERROR_INIT };
	int r = sodium_start() < 0 ? refuse(&k, FAILED, ENOSYS, "cannot start libsodium") : take_words(&k, argc, argv);

	if (r == 0 && k.help)
		(void)fputs(usage, stdout);
	else if (r == 0)
		r = act(&k);
	secret_wipe(k.salt, sizeof(k.salt));
	committed_done(&k.items);
	verified_done(&k.v);
	trust_done(&k.trust);
	free(k.own_opening);
	if (r < 0) {
		message_error(&c->policy, &k.err);
		return k.err.status;
	}
	return message_flush(&c->policy, r);
}
