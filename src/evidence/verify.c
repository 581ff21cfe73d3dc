/* SPDX-License-Identifier: MIT */
/*
 * The way through a certificate: envelopes, whose signature each has, the three statements; then every side of them.
 */
#include "evidence/verify.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/str.h"
#include "evidence/envelope.h"
#include "evidence/verify-internal.h"

/* Only run-open and run-close are signed by an identity: what is larger is neither, and is not hashed once a key. */
#define IDENTITY_PAYLOAD_MAX 65536

/* --- the list ------------------------------------------------------------------------------------------------------------- */

static const char *const assurance_names[SR_ASSURANCE_MAX] = {
	[SR_ASSURANCE_SELF] = "self-asserted",
	[SR_ASSURANCE_SIMULATED] = "simulated-quote",
	[SR_ASSURANCE_QUOTE] = "quote-present",
};

const char *assurance_name(enum sr_assurance a)
{
	return assurance_names[a];
}

int assurance_from_name(const char *name, enum sr_assurance *ret)
{
	for (unsigned i = 0; i < SR_ASSURANCE_MAX; i++) {
		if (strcmp(assurance_names[i], name) == 0) {
			*ret = (enum sr_assurance)i;
			return 0;
		}
	}
	return -EINVAL;
}

const char *check_state_name(enum sr_check_state s)
{
	static const char *const names[] = {
		[SR_CHECK_OK] = "ok",	      [SR_CHECK_NOT_SHOWN] = "not-shown", [SR_CHECK_BELOW] = "below",
		[SR_CHECK_FAILED] = "failed", [SR_CHECK_MALFORMED] = "malformed",
	};

	return names[s];
}

void verify_add(struct sr_verified *v, enum sr_check_state state, const char *what, const char *code, const char *fmt,
		...)
{
	struct sr_check *bigger;
	char text[1024], *own;
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	own = strdup(str_trim_utf8(text)); /* a list with half a character in it can not be written as JSON */
	bigger = own ? realloc(v->checks, (v->count + 1) * sizeof(*bigger)) : NULL;
	if (!bigger) {
		free(own);
		v->out_of_memory = true; /* a list that may lack its worst line is no list */
		return;
	}
	v->checks = bigger;
	v->checks[v->count++] = (struct sr_check){ .what = what, .code = code, .state = state, .text = own };
}

static void add_fault(struct verifier *c, const char *what, const struct sr_fault *f)
{
	verify_add(c->v, SR_CHECK_MALFORMED, what, f->code, "%s", f->text);
}

const struct sr_check *verify_worst(const struct sr_verified *v)
{
	const struct sr_check *worst = NULL;

	for (size_t i = 0; i < v->count; i++) {
		if (v->checks[i].state >= SR_CHECK_BELOW && (!worst || v->checks[i].state > worst->state))
			worst = &v->checks[i];
	}
	return worst;
}

bool verify_holds(const struct sr_verified *v, const struct sr_check **ret_why)
{
	const struct sr_check *why = NULL;

	for (size_t i = 0; i < v->count; i++) {
		const struct sr_check *one = &v->checks[i];

		if (one->state == SR_CHECK_BELOW && strcmp(one->code, "identity-own") == 0)
			continue;
		if (one->state >= SR_CHECK_BELOW && (!why || one->state > why->state))
			why = one;
	}
	*ret_why = why;
	return !why && v->execution && v->identity && !v->out_of_memory;
}

int verify_status(const struct sr_verified *v)
{
	const struct sr_check *worst = verify_worst(v);

	switch (worst ? worst->state : SR_CHECK_OK) {
	case SR_CHECK_MALFORMED:
		return 2;
	case SR_CHECK_FAILED:
		return 1;
	case SR_CHECK_BELOW:
		return 3;
	default:
		return v->out_of_memory || !v->execution ? 2 : 0;
	}
}

/* --- whose signature ------------------------------------------------------------------------------------------------------ */

struct signers {
	const struct sr_trusted *identity[SR_BUNDLE_LINES_MAX]; /* by the bundle's items; NULL: none known */
	bool ephemeral[SR_BUNDLE_LINES_MAX];
	unsigned signed_by_identity;
};

static const struct sr_trusted *by_id(const struct sr_trust *t, const char *id)
{
	for (size_t i = 0; i < t->count; i++) {
		if (strcmp(t->items[i].id, id) == 0)
			return &t->items[i];
	}
	return NULL;
}

/* The key id says which key to try first, and nothing more. */
static const struct sr_trusted *find_signer(const struct sr_trust *t, const struct sr_envelope *e, const uint8_t *pae,
					    size_t len)
{
	const struct sr_trusted *hint = by_id(t, e->keyid);

	if (hint && public_key_signed(&hint->key, pae, len, e->sig))
		return hint;
	for (size_t i = 0; i < t->count; i++) {
		if (&t->items[i] != hint && public_key_signed(&t->items[i].key, pae, len, e->sig))
			return &t->items[i];
	}
	return NULL;
}

static int find_identities(struct verifier *c, struct signers *s)
{
	const struct sr_bundle *b = &c->v->bundle;

	for (size_t i = 0; i < b->count; i++) {
		SR_AUTOFREE uint8_t *pae = NULL;
		size_t len;

		if (b->items[i].len > IDENTITY_PAYLOAD_MAX)
			continue;
		if (envelope_pae(SR_PAYLOAD_TYPE, b->items[i].payload, b->items[i].len, &pae, &len) < 0)
			return -ENOMEM;
		s->identity[i] = find_signer(c->wants->trust, &b->items[i], pae, len);
		s->signed_by_identity += s->identity[i] != NULL;
	}
	return 0;
}

static int find_ephemeral(struct verifier *c, struct signers *s)
{
	const struct sr_bundle *b = &c->v->bundle;

	for (size_t i = 0; i < b->count; i++) {
		SR_AUTOFREE uint8_t *pae = NULL;
		size_t len;

		if (s->identity[i])
			continue;
		if (envelope_pae(SR_PAYLOAD_TYPE, b->items[i].payload, b->items[i].len, &pae, &len) < 0)
			return -ENOMEM;
		s->ephemeral[i] = public_key_signed(&c->v->ephemeral, pae, len, b->items[i].sig);
	}
	return 0;
}

/* --- statements ----------------------------------------------------------------------------------------------------------- */

/* Keeps the first of its kind. A second is a forgery by the key's owner, or a file put together wrongly: never to be chosen from. */
static int keep(struct verifier *c, const struct sr_envelope *e, enum statement_kind kind, json_t *s)
{
	const struct sr_envelope **slot[] = { &c->open, &c->execution, &c->close };

	if (c->v->statements[kind]) {
		json_decref(s);
		static const char *const codes[] = { "run-open-doubled", "execution-doubled", "run-close-doubled" };

		verify_add(c->v, SR_CHECK_FAILED, "lines", codes[kind],
			   "lines %u and %u are both a signed %s: there must be one", (*slot[kind])->line, e->line,
			   statement_name(kind));
		return -EBADMSG;
	}
	c->v->statements[kind] = s;
	*slot[kind] = e;
	return 0;
}

/* identity: what this signer may say; others' words in its mouth are refused. */
static int take(struct verifier *c, const struct sr_envelope *e, bool identity)
{
	struct sr_fault f = { NULL, "" };
	enum statement_kind kind;
	json_t *s = NULL;
	int r = statement_parse(e->payload, e->len, &s, &kind, &f);

	if (r == -EBADMSG)
		verify_add(c->v, SR_CHECK_MALFORMED, "form", f.code, "line %u: %s", e->line, f.text);
	if (r < 0)
		return r;
	if (kind == STATEMENT_OTHER && identity) {
		json_decref(s);
		return 0;
	}
	if (identity == (kind == STATEMENT_EXECUTION) || kind == STATEMENT_OTHER) {
		verify_add(c->v, SR_CHECK_FAILED, "signatures", "wrong-signer", "line %u, a %s, is signed by %s",
			   e->line, statement_name(kind),
			   identity ? "an identity and not by the run's own key"
				    : "the run's own key, which may sign its execution alone");
		json_decref(s);
		return -EBADMSG;
	}
	return keep(c, e, kind, s);
}

static int take_all(struct verifier *c, const struct signers *s, bool identity)
{
	for (size_t i = 0; i < c->v->bundle.count; i++) {
		int r = (identity ? s->identity[i] != NULL : s->ephemeral[i])
				? take(c, &c->v->bundle.items[i], identity)
				: 0;

		if (r < 0)
			return r;
	}
	return 0;
}

/* An unsigned line that names this key: then the signature was damaged, or the line. Only ever used to say what is wrong. */
static const struct sr_envelope *damaged(const struct verifier *c, const struct signers *s, const char *id)
{
	for (size_t i = 0; i < c->v->bundle.count; i++) {
		const struct sr_envelope *e = &c->v->bundle.items[i];

		if (!s->identity[i] && !s->ephemeral[i] &&
		    (id ? strcmp(e->keyid, id) == 0 : by_id(c->wants->trust, e->keyid) != NULL))
			return e;
	}
	return NULL;
}

static int missing(struct verifier *c, const struct signers *s, enum statement_kind kind, const char *id)
{
	static const char *const codes[] = { "run-open-missing", "execution-missing", "run-close-missing" };
	const struct sr_envelope *e = damaged(c, s, id);

	if (e)
		verify_add(c->v, SR_CHECK_FAILED, "signatures", "signature",
			   "the signature of line %u does not fit its payload and the key that it names: one of them "
			   "was changed, or another key signed",
			   e->line);
	else
		verify_add(c->v, SR_CHECK_FAILED, "lines", codes[kind],
			   "no line is a %s with the signature that it needs", statement_name(kind));
	return -EBADMSG;
}

/* No run-open by anybody known: nothing of the certificate can be shown. */
static int nobody(struct verifier *c, const struct signers *s)
{
	const struct sr_bundle *b = &c->v->bundle;
	const char *claimed = "";

	for (size_t i = 0; i < b->count && !*claimed; i++)
		claimed = b->items[i].keyid;
	if (b->count == 0) {
		verify_add(c->v, SR_CHECK_MALFORMED, "lines", "envelope", "the file has no DSSE envelope in it");
		return -EBADMSG;
	}
	if (s->signed_by_identity || damaged(c, s, NULL))
		return missing(c, s, STATEMENT_OPEN, NULL);
	if (c->wants->trust->count == 0)
		verify_add(c->v, SR_CHECK_BELOW, "identity", "identity-none",
			   "no key is known to check the signatures with: "
			   "nothing of this certificate is shown (give --key or --trust)");
	else
		verify_add(c->v, SR_CHECK_BELOW, "identity", "identity-unknown",
			   "unknown: none of the %zu keys that may be used here signed this; "
			   "nothing of it is shown%s%s",
			   c->wants->trust->count, *claimed ? "; a line names key " : "", claimed);
	return -EBADMSG;
}

static const struct sr_trusted *signer_of(const struct verifier *c, const struct signers *s,
					  const struct sr_envelope *e)
{
	return s->identity[e - c->v->bundle.items];
}

static void name_identity(struct verifier *c)
{
	const struct sr_trusted *id = c->v->identity;
	char shown[256];

	(void)str_escape(id->name, shown, sizeof(shown));
	if (id->own)
		verify_add(c->v, SR_CHECK_BELOW, "identity", "identity-own",
			   "only this user's own key %s (%s), which any process of the user can sign with; "
			   "--key or --trust says whose word is taken",
			   id->id, shown);
	else
		verify_add(c->v, SR_CHECK_OK, "identity", "identity-trusted",
			   "key %s (%s) signed run-open, which endorses the run's own key", id->id, shown);
}

/* The key that run-open endorses. */
static int take_ephemeral(struct verifier *c)
{
	const char *spki = text_at(c->v->open, "ephemeralKey.spki");
	int r = public_key_from_spki_b64(spki, strlen(spki), &c->v->ephemeral);

	if (r == -EKEYREJECTED)
		verify_add(c->v, SR_CHECK_FAILED, "signatures", "key-rejected",
			   "the run's key is of small order or not in its canonical form: anybody could sign with it");
	else if (r < 0)
		verify_add(c->v, SR_CHECK_MALFORMED, "signatures", "key-form",
			   "the run's key is no Ed25519 key in DER form (44 bytes, RFC 8410)");
	else if (memcmp(c->v->ephemeral.bytes, c->v->identity->key.bytes, SR_KEY_BYTES) == 0) {
		verify_add(c->v, SR_CHECK_FAILED, "signatures", "key-reused",
			   "the run's key is the identity itself: it was not made for one run");
		r = -EBADMSG;
	}
	return r;
}

static int find_statements(struct verifier *c, struct signers *s)
{
	struct sr_verified *v = c->v;
	char id[SR_DIGEST_HEX];
	int r = find_identities(c, s);

	if (r == 0)
		r = take_all(c, s, true);
	if (r < 0)
		return r;
	if (!c->open)
		return nobody(c, s);
	v->open = json_object_get(v->statements[STATEMENT_OPEN], "predicate");
	v->identity = signer_of(c, s, c->open);
	memcpy(v->open_sha256, c->open->sha256, SR_DIGEST_HEX);
	v->run_id = text_at(v->open, "runId");
	name_identity(c);
	r = take_ephemeral(c);
	if (r == 0)
		r = find_ephemeral(c, s);
	if (r == 0)
		r = take_all(c, s, false);
	if (r < 0)
		return r;
	public_key_id(&v->ephemeral, id);
	if (!c->execution)
		return missing(c, s, STATEMENT_EXECUTION, id);
	if (!c->close)
		return missing(c, s, STATEMENT_CLOSE, v->identity->id);
	if (FAIL_IF(c, signer_of(c, s, c->close) != v->identity, "signatures", "run-close-signer",
		    "run-close is signed by another identity than run-open"))
		return -EBADMSG;
	v->execution = json_object_get(v->statements[STATEMENT_EXECUTION], "predicate");
	v->close = json_object_get(v->statements[STATEMENT_CLOSE], "predicate");
	memcpy(v->execution_sha256, c->execution->sha256, SR_DIGEST_HEX);
	memcpy(v->close_sha256, c->close->sha256, SR_DIGEST_HEX);
	verify_add(v, SR_CHECK_OK, "signatures", "signatures",
		   "run-open, execution and run-close each have their one good Ed25519 signature");
	if (v->bundle.count > 3 || v->bundle.other_lines)
		verify_add(v, SR_CHECK_NOT_SHOWN, "lines", "lines-ignored",
			   "%zu more lines are not of this certificate and were not looked at",
			   v->bundle.count - 3 + v->bundle.other_lines);
	return 0;
}

int verify_bundle(const char *data, size_t len, const struct sr_verify_wants *wants, struct sr_verified *ret)
{
	struct verifier c = { .v = ret, .wants = wants, .now = wants->now ? wants->now : time(NULL) };
	struct signers s = { .signed_by_identity = 0 };
	struct sr_fault f = { NULL, "" };
	int r;

	*ret = (struct sr_verified){ .run_id = NULL };
	r = bundle_parse(data, len, &ret->bundle, &f);
	if (r == -EBADMSG)
		add_fault(&c, "form", &f);
	if (r == 0)
		r = find_statements(&c, &s);
	if (r == 0) {
		verify_links(&c);
		verify_challenge(&c);
		verify_sequence(&c);
		verify_times(&c);
		verify_names(&c);
		verify_result(&c);
		verify_limits(&c);
		verify_isolation(&c);
		verify_private(&c);
		verify_trace_claim(&c);
		verify_destruction(&c);
		verify_assurance(&c);
	}
	return r == -ENOMEM || ret->out_of_memory ? -ENOMEM : 0;
}

void verified_done(struct sr_verified *v)
{
	for (size_t i = 0; i < v->count; i++)
		free(v->checks[i].text);
	free(v->checks);
	for (size_t i = 0; i < SR_ELEMENTSOF(v->statements); i++)
		json_decref(v->statements[i]);
	bundle_done(&v->bundle);
	*v = (struct sr_verified){ .run_id = NULL };
}
