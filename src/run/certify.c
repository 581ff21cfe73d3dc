/* SPDX-License-Identifier: MIT */
#include "run/certify.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <sched.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/str.h"
#include "base/xdg.h"
#include "evidence/attest.h"
#include "evidence/envelope.h"
#include "run/certstore.h"
#include "sys/kernel.h"

#define STAGE "certificate"
#define PREDICATE "https://sandrun.io/"
#define SLACK_S (24LL * 3600)          /* run-open holds a day longer than the run may take: it may be stopped in between */
#define NO_LIMIT_S (30LL * 24 * 3600)
#define NONCE_MIN 32                 /* hex digits */
#define NONCE_MAX 128
#define AUDIENCE_MAX 255

/*
 * Between pieces of work that are done while the kernel builds the sandbox or takes it down: its own threads for that (RCU's
 * above all) are woken on this processor too and wait for their turn, and the sandbox for them.
 */
static void give_way(void)
{
	(void)sched_yield();
}

static int cannot_write(const char *path, int errnum, struct sr_error *err)
{
	char shown[512];

	return sr_error_set(err, SR_E_CERTIFICATE, errnum, STAGE, "cannot write the certificate %s: %s",
			    str_escape(path, shown, sizeof(shown)), strerror(errnum));
}

static int check_challenge(const struct sr_policy *p, struct sr_error *err)
{
	size_t n = p->nonce ? strlen(p->nonce) : NONCE_MIN;

	if (n < NONCE_MIN || n > NONCE_MAX || n % 2 || (p->nonce && strspn(p->nonce, "0123456789abcdef") != n)) {
		(void)sr_error_set(err, SR_E_OPTION, EINVAL, "options", "cannot use --nonce: it takes 16 to 64 bytes as lowercase hex");
		sr_error_hint(err, "for example --nonce $(openssl rand -hex 32)");
		return -EINVAL;
	}
	if (p->audience && (strlen(p->audience) > AUDIENCE_MAX || !str_is_utf8(p->audience, strlen(p->audience))))
		return sr_error_set(err, SR_E_OPTION, EINVAL, "options", "cannot use --audience: it takes at most 255 bytes of UTF-8");
	return 0;
}

/* The opening file needs a folder to lie in; a pipe has none. */
static int check_beside(const char *path, struct sr_error *err)
{
	struct stat st;
	char shown[512];

	if (stat(path, &st) < 0 || S_ISREG(st.st_mode))
		return 0;
	(void)sr_error_set(err, SR_E_CERTIFICATE, EINVAL, STAGE, "cannot keep the salt beside the certificate %s: that is no file",
			   str_escape(path, shown, sizeof(shown)));
	sr_error_hint(err, "name a file, or say what becomes of the salt: --salt-file FILE or --salt destroyed");
	return -EINVAL;
}

int certify_check(const struct sr_policy *p, struct sr_error *err)
{
	int r = check_challenge(p, err);

	if (r < 0)
		return r;
	if (p->no_certificate && (p->certificate || p->nonce || p->audience || policy_is_given(p, "salt")))
		return sr_error_set(err, SR_E_OPTION, EINVAL, "options", "cannot use --no-certificate together with --%s",
				    p->certificate ? "certificate" : p->nonce ? "nonce" : p->audience ? "audience" : "salt");
	r = attest_check(p, err);
	if (r < 0 || !p->certificate)
		return r;
	r = file_check_place(p->certificate);
	if (r < 0)
		return cannot_write(p->certificate, -r, err);
	return certify_keeps_salt(p) ? check_beside(p->certificate, err) : 0;
}

/* RFC 9562, version 7: milliseconds, then randomness. */
static void make_run_id(char out[static SR_RUN_ID])
{
	struct timespec ts;
	uint8_t b[16];
	uint64_t ms;
	char hex[33];

	(void)clock_gettime(CLOCK_REALTIME, &ts);
	ms = (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
	randombytes_buf(b, sizeof(b));
	for (int i = 0; i < 6; i++)
		b[i] = (uint8_t)(ms >> (40 - 8 * i));
	b[6] = (uint8_t)(0x70 | (b[6] & 0x0f));
	b[8] = (uint8_t)(0x80 | (b[8] & 0x3f));
	str_hex(b, sizeof(b), hex);
	(void)snprintf(out, SR_RUN_ID, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
}

bool certify_is_required(const struct sr_policy *p)
{
	return p->certificate || p->trace || p->nonce || p->audience || p->salt_file || policy_is_given(p, "salt") ||
	       attest_is_required(p);
}

/* Nothing can be kept. Where a certificate or a trace was asked for that is an error, else it is said and the run goes on. */
static int cannot_keep(struct sr_certify *c, const struct sr_policy *p, const struct sr_error *why, struct sr_error *err)
{
	if (certify_is_required(p)) {
		*err = *why;
		return why->errnum ? -why->errnum : -EIO;
	}
	c->off = true;
	(void)snprintf(c->why, sizeof(c->why), "%s", why->text);
	return 0;
}

/* The state folder: the run log, and the certificates where no other place was named. */
static int open_state(struct sr_certify *c, const struct sr_policy *p, struct sr_error *err)
{
	struct sr_error why = SR_ERROR_INIT;
	SR_AUTOFREE char *path = NULL;
	char shown[400];
	int r = xdg_open(SR_XDG_STATE, NULL, &c->state_fd, &path);

	if (r == 0 && !p->certificate)
		r = certstore_open(c->state_fd, &c->dir_fd);
	if (r == 0 || p->certificate)
		return 0; /* without a state folder such a certificate has no counter, and says so */
	if (!path)
		(void)sr_error_set(&why, SR_E_CERTIFICATE, -r, STAGE, "neither HOME nor XDG_STATE_HOME is set");
	else
		(void)sr_error_set(&why, SR_E_CERTIFICATE, -r, STAGE, "cannot use the folder %s: %s", str_escape(path, shown, sizeof(shown)),
				   r == -EPERM ? "other users may write there, or it is not yours" : strerror(-r));
	return cannot_keep(c, p, &why, err);
}

int certify_begin(struct sr_certify *c, const struct sr_policy *p, struct sr_error *err)
{
	struct sr_error why = SR_ERROR_INIT;
	int r;

	if (c->begun || c->off)
		return 0;
	if (p->no_certificate) {
		c->off = true;
		return 0;
	}
	if (sodium_start() < 0)
		return sr_error_set(err, SR_E_INTERNAL, ENOSYS, STAGE, "cannot start libsodium");
	give_way();
	r = open_state(c, p, err);
	if (r < 0 || c->off)
		return r;
	r = identity_load(&c->identity, NULL, &why);
	if (r == -EKEYREJECTED || r == -EBADMSG) { /* a key that somebody else may have read is refused, not passed over */
		*err = why;
		return r;
	}
	if (r < 0)
		return cannot_keep(c, p, &why, err);
	make_run_id(c->run_id);
	c->begun = true;
	return 0;
}

/* ---- statements ------------------------------------------------------------------------------------------------------ */

/* What stands in front of the predicate's members, and what stands behind them but the other subjects. */
static void statement_begin(struct sr_jsonw *j, size_t size)
{
	jsonw_begin(j, size);
	jsonw_open(j, NULL);
	jsonw_string(j, "_type", "https://in-toto.io/Statement/v1");
	jsonw_open(j, "predicate");
}

static void subject_open(struct sr_jsonw *j, const char *type, const char *name, const char *hex)
{
	char uri[96];

	jsonw_close(j);
	(void)snprintf(uri, sizeof(uri), PREDICATE "%s/v0.1", type);
	jsonw_string(j, "predicateType", uri);
	jsonw_open_array(j, "subject");
	jsonw_open(j, NULL);
	certify_digest(j, "digest", false, hex);
	jsonw_string(j, "name", name);
	jsonw_close(j);
}

/* Compact, names in order: the bytes that are signed. NULL where anything could not be made. */
static char *subject_close(struct sr_jsonw *j)
{
	jsonw_close_array(j);
	jsonw_close(j);
	return jsonw_end(j);
}

static void challenge(struct sr_jsonw *j, const struct sr_policy *p)
{
	if (!p->nonce && !p->audience) {
		jsonw_null(j, "challenge");
		return;
	}
	jsonw_open(j, "challenge");
	jsonw_string(j, "audience", p->audience);
	jsonw_string(j, "nonce", p->nonce);
	jsonw_close(j);
}

static void digest_member(struct sr_jsonw *j, const char *key, const char *hex)
{
	jsonw_open(j, key);
	certify_digest(j, "digest", false, hex);
	jsonw_close(j);
}

static void sequence(struct sr_jsonw *j, const struct sr_certify *c, const struct sr_runlog *log)
{
	jsonw_open(j, "sequence");
	if (c->counter)
		jsonw_number(j, "counter", (int64_t)c->counter);
	else
		jsonw_null(j, "counter");
	if (log && log->previous[0])
		certify_digest(j, "previous", false, log->previous);
	else if (log)
		jsonw_null(j, "previous");
	if (log && !c->counter)
		jsonw_string(j, "reason", "no state folder to count in");
	else if (log && log->damaged)
		jsonw_string(j, "reason", "the run log was damaged: the chain begins anew");
	jsonw_close(j);
}

static char *run_open(const struct sr_certify *c, const struct sr_policy *p, const struct sr_runlog *log, const char *plan_digest)
{
	uint64_t wall = policy_limit(p, SR_LIMIT_wall_ns);
	int64_t expires = c->issued_s + SLACK_S + (wall == SR_UNLIMITED ? NO_LIMIT_S : (int64_t)(wall / 1000000000ULL));
	char spki[SR_SPKI_B64];
	struct sr_jsonw j;

	public_key_spki_b64(&c->ephemeral.public_key, spki);
	statement_begin(&j, 1024);
	challenge(&j, p);
	jsonw_open(&j, "ephemeralKey");
	jsonw_string(&j, "algorithm", "ed25519");
	jsonw_string(&j, "spki", spki);
	jsonw_string(&j, "use", "one-signature");
	jsonw_close(&j);
	certify_time(&j, "expiresAt", expires);
	certify_time(&j, "issuedAt", c->issued_s);
	digest_member(&j, "plan", plan_digest);
	jsonw_string(&j, "runId", c->run_id);
	sequence(&j, c, log);
	jsonw_open(&j, "worker");
	jsonw_string(&j, "identityKeyId", c->identity.id);
	jsonw_close(&j);
	subject_open(&j, "run-open", "ephemeral-key", c->ephemeral.id);
	return subject_close(&j);
}

static int cannot_make(struct sr_error *err, int r)
{
	return r == -ENOMEM ? sr_error_oom(err, STAGE) :
			      sr_error_set(err, SR_E_CERTIFICATE, -r, STAGE, "cannot make the certificate: %s", strerror(-r));
}

/* Takes the run's number and signs run-open; the record is in the log before anything untrusted runs. */
static int sign_open(struct sr_certify *c, const struct sr_policy *p, const char *plan_digest)
{
	struct sr_runlog log = SR_RUNLOG_INIT;
	int r = c->state_fd < 0 ? 0 : runlog_begin(&log, c->state_fd);

	if (r < 0 && p->certificate && r != -ENOMEM) { /* it goes elsewhere, and says that it has no number */
		fd_close(&c->state_fd);
		r = 0;
	}
	if (r < 0)
		return r;
	c->counter = log.counter;
	c->open_payload = run_open(c, p, &log, plan_digest);
	if (!c->open_payload) {
		runlog_abandon(&log);
		return -ENOMEM;
	}
	c->open_len = strlen(c->open_payload);
	digest_hex(c->open_payload, c->open_len, c->open_digest);
	if (c->state_fd >= 0)
		r = runlog_commit(&log, c->run_id, c->open_digest, c->issued_s, p->durable);
	give_way();
	return r < 0 ? r : envelope_sign(c->open_payload, c->open_len, c->identity.secret, c->open_signature);
}

int certify_open(struct sr_certify *c, const struct sr_certify_facts *f, struct sr_error *err)
{
	struct sr_error why = SR_ERROR_INIT;
	struct sr_jsonw j;
	char plan_digest[SR_DIGEST_HEX];
	struct timespec now;
	int r;

	if (c->off || !c->begun || c->opened)
		return 0;
	(void)clock_gettime(CLOCK_REALTIME, &now);
	c->issued_s = now.tv_sec;
	c->issued_ns = run_now();
	give_way();
	if (ephemeral_make(&c->ephemeral) < 0)
		return sr_error_oom(err, STAGE);
	jsonw_begin(&j, 4096);
	certify_plan(&j, f);
	c->plan = jsonw_end(&j);
	if (!c->plan)
		return sr_error_oom(err, STAGE);
	digest_hex(c->plan, strlen(c->plan), plan_digest);
	give_way();
	r = sign_open(c, f->policy, plan_digest);
	if (r < 0) { /* a full disk, a file size limit of the caller's */
		(void)cannot_make(&why, r);
		return cannot_keep(c, f->policy, &why, err);
	}
	c->opened = true;
	return 0;
}

int certify_attest(struct sr_certify *c, const struct sr_policy *p, struct sr_error *err)
{
	json_t *attestation = NULL;
	struct sr_error why = SR_ERROR_INIT;
	int r;

	if (c->off || !c->opened)
		return 0;
	r = attest_fetch(p, c->open_payload, c->open_len, &attestation, &c->assurance, &why);
	if (r == 0 && attestation && !(c->attestation = json_dumps(attestation, JSON_COMPACT | JSON_SORT_KEYS)))
		r = sr_error_oom(&why, STAGE);
	json_decref(attestation);
	if (r < 0)
		*err = why;
	if (r > 0)
		(void)snprintf(c->no_quote, sizeof(c->no_quote), "%s", why.text);
	return r < 0 ? r : 0;
}

/* ---- the end --------------------------------------------------------------------------------------------------------- */

static bool is_closed(int fd)
{
	return fd < 0 || (fcntl(fd, F_GETFD) < 0 && errno == EBADF);
}

/* Takes all of the run down and looks whether it is gone. */
static void take_down(const struct sr_certify_facts *f, struct sr_certify_gone *g)
{
	struct sr_run *run = f->run;
	int work = -1, ctl = -1;

	g->swaps = cgroup_machine_swaps();
	if (f->prepared) {
		SR_AUTOCLOSE int pidfd = run->pidfd >= 0 ? fcntl(run->pidfd, F_DUPFD_CLOEXEC, 3) : -1;

		work = run->work_fd;
		ctl = run->ctl;
		g->had_work = work >= 0;
		g->had_process = pidfd >= 0;
		run_done(run);
		if (pidfd >= 0)
			g->processes = sys_pidfd_send_signal(pidfd, 0) == -ESRCH;
		g->work_fd = is_closed(work);
		g->control = is_closed(ctl);
	}
	g->had_cgroup = f->cgroup->dir_fd >= 0;
	if (g->had_cgroup) {
		SR_AUTOCLOSE int parent = fcntl(f->cgroup->parent_fd, F_DUPFD_CLOEXEC, 3);
		char name[sizeof(f->cgroup->name)];

		memcpy(name, f->cgroup->name, sizeof(name));
		cgroup_done(f->cgroup);
		g->cgroup = parent >= 0 && faccessat(parent, name, F_OK, 0) < 0 && (errno == ENOENT || errno == ENODEV);
	}
}

/* What is to be said of the run while it stands: its cgroup is gone with it. */
static void note_facts(struct sr_certify *c, const struct sr_certify_facts *f, int status)
{
	struct sr_jsonw j;

	if (!c->enforced) {
		jsonw_begin(&j, 4096);
		certify_enforced(&j, f);
		c->enforced = jsonw_end(&j);
	}
	free(c->result);
	jsonw_begin(&j, 1024);
	certify_result(&j, c, f, status);
	c->result = jsonw_end(&j);
}

static void trace(struct sr_jsonw *j, const struct sr_certify_facts *f)
{
	json_t *o = f->policy->trace ? trace_place_statement(f->trace) : NULL;
	SR_AUTOFREE char *text = o ? json_dumps(o, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY) : NULL;

	if (text)
		jsonw_raw(j, "trace", text);
	else if (f->policy->trace)
		j->failed = true;
	else
		jsonw_null(j, "trace");
	json_decref(o);
}

/* As far as the plan. */
static void head(struct sr_jsonw *j, const struct sr_certify *c, const struct sr_certify_facts *f, const struct sr_certify_gone *gone)
{
	statement_begin(j, 12288);
	jsonw_string(j, "assurance", c->assurance);
	jsonw_raw(j, "attestation", c->attestation ? c->attestation : "[]");
	challenge(j, f->policy);
	certify_destruction(j, "destruction", f, gone);
	jsonw_raw(j, "enforced", c->enforced);
	certify_executor(j, "executor");
	certify_not_claimed(j, "notClaimed", f);
	jsonw_raw(j, "plan", c->plan);
}

static char *execution(struct sr_certify *c, const struct sr_certify_facts *f, const struct sr_certify_gone *gone)
{
	struct sr_jsonw j = c->head;

	c->head = (struct sr_jsonw){ .failed = true };
	if (!c->enforced || !c->result)
		return NULL;
	if (j.failed || memcmp(gone, &c->expected, sizeof(*gone)) != 0) {
		jsonw_drop(&j);
		head(&j, c, f, gone);
	}
	jsonw_raw(&j, "result", c->result);
	jsonw_string(&j, "runId", c->run_id);
	jsonw_open(&j, "runOpen");
	certify_digest(&j, "digest", false, c->open_digest);
	jsonw_string(&j, "mediaType", SR_PAYLOAD_TYPE);
	jsonw_close(&j);
	trace(&j, f);
	subject_open(&j, "execution", "run", c->open_digest);
	certify_subjects(&j, f);
	return subject_close(&j);
}

static char *run_close(const struct sr_certify *c, const char *execution_digest, bool zeroed, int64_t now)
{
	struct sr_jsonw j;

	statement_begin(&j, 1024);
	certify_time(&j, "closedAt", now);
	jsonw_open(&j, "ephemeralKey");
	jsonw_string(&j, "checked", zeroed ? "its memory was read and held zeroes" : "not seen to be zero");
	jsonw_string(&j, "keyId", c->ephemeral.id);
	jsonw_string(&j, "method", "sodium_memzero");
	jsonw_number(&j, "signaturesIssued", 1);
	jsonw_string(&j, "state", zeroed ? "zeroed" : "unknown");
	jsonw_close(&j);
	jsonw_string(&j, "outcome", "certified");
	jsonw_string(&j, "runId", c->run_id);
	digest_member(&j, "runOpen", c->open_digest);
	sequence(&j, c, NULL);
	subject_open(&j, "run-close", "execution", execution_digest);
	return subject_close(&j);
}

static int write_open_line(struct sr_certify *c)
{
	if (c->open_line.text)
		return 0;
	return envelope_line(c->open_payload, c->open_len, c->open_signature, &c->identity.public_key, &c->open_line.text,
			     &c->open_line.len);
}

/* Signs and encodes what comes after execution. ret->all: the three lines in their order, or text is NULL. */
static int sign_close(struct sr_certify *c, struct sr_certify_draft *ret, bool zeroed)
{
	SR_AUTOFREE char *close_text = run_close(c, ret->digest, zeroed, ret->closed_s), *second = NULL, *third = NULL;
	uint8_t sig[SR_SIGNATURE_BYTES];
	size_t second_len = 0, third_len = 0;
	char *at;
	int r;

	if (!close_text || write_open_line(c) < 0)
		return -ENOMEM;
	give_way();
	r = envelope_sign(close_text, strlen(close_text), c->identity.secret, sig);
	if (!r)
		r = envelope_line(ret->execution, strlen(ret->execution), ret->signature, &c->ephemeral.public_key, &second, &second_len);
	if (!r)
		r = envelope_line(close_text, strlen(close_text), sig, &c->identity.public_key, &third, &third_len);
	if (r < 0 || !second || !third)
		return r < 0 ? r : -ENOMEM;
	give_way();
	ret->all.len = c->open_line.len + second_len + third_len;
	at = malloc(ret->all.len + 1);
	if (!at)
		return -ENOMEM;
	ret->all.text = at;
	memcpy(at, c->open_line.text, c->open_line.len);
	memcpy(at + c->open_line.len, second, second_len);
	memcpy(at + c->open_line.len + second_len, third, third_len + 1);
	return 0;
}

static void draft_done(struct sr_certify_draft *d)
{
	if (d->all.text)
		sodium_memzero(d->all.text, d->all.len); /* where it is no use, signatures of what was not seen */
	free(d->all.text);
	free(d->execution);
	sodium_memzero(d->signature, sizeof(d->signature));
	*d = (struct sr_certify_draft){ .execution = NULL };
}

/* The text of execution and its one signature. 0 or -ENOMEM. */
static int sign_execution(struct sr_certify *c, const struct sr_certify_facts *f, const struct sr_certify_gone *gone,
			  struct sr_certify_draft *ret)
{
	ret->execution = execution(c, f, gone);
	if (!ret->execution)
		return -ENOMEM;
	digest_hex(ret->execution, strlen(ret->execution), ret->digest);
	give_way();
	return envelope_sign(ret->execution, strlen(ret->execution), c->ephemeral.secret, ret->signature);
}

static int64_t seconds_now(const struct sr_certify *c)
{
	return c->issued_s + (int64_t)((run_now() - c->issued_ns) / 1000000000ULL);
}

void certify_stand(struct sr_certify *c, const struct sr_certify_facts *f)
{
	struct sr_jsonw j;

	if (c->off || !c->opened)
		return;
	if (c->dir_fd >= 0 && !f->policy->certificate) /* some file systems look long for a place (finding 37) */
		c->file_fd = file_nameless(c->dir_fd, 0600);
	(void)write_open_line(c); /* else when it is wanted */
	c->expected = (struct sr_certify_gone){
		.had_process = true, .processes = true, .work_fd = true, .control = true, .had_work = f->run->work_fd >= 0,
		.had_cgroup = f->cgroup->dir_fd >= 0, .cgroup = f->cgroup->dir_fd >= 0, .swaps = cgroup_machine_swaps(),
	};
	jsonw_begin(&j, 4096);
	certify_enforced(&j, f);
	c->enforced = jsonw_end(&j);
	if (c->enforced)
		head(&c->head, c, f, &c->expected);
}

void certify_draft(struct sr_certify *c, const struct sr_certify_facts *f, int status)
{
	struct sr_certify_draft *d = &c->draft;

	if (c->off || !c->opened || !c->enforced || f->policy->outputs.count || f->policy->trace)
		return; /* what comes of those is not known yet */
	d->status = status;
	d->closed_s = seconds_now(c);
	note_facts(c, f, status);
	give_way();
	if (sign_execution(c, f, &c->expected, d) < 0 || sign_close(c, d, true) < 0)
		draft_done(d);
}

/*
 * Takes down what is left of the run, looks, and has the certificate of what it saw in c->draft: the one that was made
 * before, or one of now. Destroys the ephemeral key.
 */
static int finish(struct sr_certify *c, const struct sr_certify_facts *f, int status)
{
	struct sr_certify_draft *d = &c->draft;
	struct sr_certify_gone gone = { .processes = false };
	bool zeroed;
	int r = 0;

	if (d->execution && (d->status != status || f->error->code != SR_E_NONE))
		draft_done(d);
	if (!d->execution)
		note_facts(c, f, status); /* its cgroup is gone with it */
	take_down(f, &gone);
	if (d->execution && memcmp(&gone, &c->expected, sizeof(gone)) != 0)
		draft_done(d);
	if (!d->execution)
		r = sign_execution(c, f, &gone, d);
	zeroed = ephemeral_destroy(&c->ephemeral);
	if (r < 0 || (d->all.text && zeroed && d->closed_s == seconds_now(c)))
		return r;
	free(SR_TAKE_PTR(d->all.text));
	d->closed_s = seconds_now(c);
	return sign_close(c, d, zeroed);
}

static int write_bundle(struct sr_certify *c, const struct sr_policy *p, const struct sr_certify_text *all)
{
	char name[SR_RUN_ID + 16];

	if (p->certificate) {
		c->path = strdup(p->certificate);
		return c->path ? file_write_whole(p->certificate, 0666, all->text, all->len, p->durable) : -ENOMEM;
	}
	(void)snprintf(name, sizeof(name), "%s" SR_CERTSTORE_SUFFIX, c->run_id);
	c->path = certstore_path(name);
	return c->path ? file_write_nameless(&c->file_fd, c->dir_fd, name, 0600, all->text, all->len, p->durable) : -ENOMEM;
}

int certify_close(struct sr_certify *c, const struct sr_certify_facts *f, int status, struct sr_error *err)
{
	SR_AUTOFREE char *opening = NULL;
	int r;

	if (c->off || !c->opened)
		return 0;
	r = finish(c, f, status);
	if (r < 0 || !c->draft.all.text)
		return cannot_make(err, r < 0 ? r : -ENOMEM);
	if (certify_keeps_salt(f->policy)) { /* first: no certificate without what opens it */
		r = certify_write_opening(c, f, &opening);
		if (r < 0)
			return cannot_write(opening ? opening : "", -r, err);
	}
	if (f->policy->trace && (r = trace_place_keep(f->trace, c->run_id, f->policy->durable, err)) < 0)
		return r;
	r = write_bundle(c, f->policy, &c->draft.all);
	if (r < 0) {
		if (opening)
			(void)unlink(opening); /* it opens nothing */
		return cannot_write(c->path ? c->path : "", -r, err);
	}
	if (c->counter)
		r = runlog_end(c->state_fd, c->counter, c->run_id, c->draft.digest, c->draft.closed_s, f->policy->durable);
	if (c->dir_fd >= 0 && c->counter % 64 == 0)
		(void)certstore_prune(c->state_fd, c->dir_fd, SR_CERTSTORE_KEEP); /* one run in 64 (finding 25) */
	return r < 0 ? cannot_write(SR_RUNLOG_ENDS, -r, err) : 0;
}

void certify_done(struct sr_certify *c)
{
	identity_done(&c->ephemeral);
	identity_done(&c->identity);
	fd_close(&c->state_fd);
	fd_close(&c->dir_fd);
	fd_close(&c->file_fd);
#ifdef SR_SANITIZED /* else the kernel takes it all at once */
	draft_done(&c->draft);
	jsonw_drop(&c->head);
	free(c->plan);
	free(c->attestation);
	free(c->enforced);
	free(c->result);
	free(c->open_payload);
	free(c->open_line.text);
	free(c->path);
#endif
	*c = (struct sr_certify)SR_CERTIFY_INIT;
}
