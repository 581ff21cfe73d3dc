/* SPDX-License-Identifier: MIT */
/*
 * The plan as a certificate has it: what was asked for, resolved. Signed before the payload exists.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/str.h"
#include "evidence/digest.h"
#include "policy/limit.h"
#include "run/certify.h"

void certify_digest(struct sr_jsonw *j, const char *key, bool is_private, const char *hex)
{
	jsonw_open(j, key);
	jsonw_string(j, is_private ? "sandrunHmacSha256V1" : "sha256", hex);
	jsonw_close(j);
}

void certify_text(struct sr_jsonw *j, const char *key, const char *s)
{
	SR_AUTOFREE char *shown = NULL;
	size_t size;

	if (!s || str_is_utf8(s, strlen(s))) {
		jsonw_string(j, key, s);
		return;
	}
	size = strlen(s) * 4 + 1;
	shown = malloc(size);
	if (shown)
		jsonw_string(j, key, str_escape(s, shown, size));
	else
		j->failed = true;
}

void certify_name(struct sr_jsonw *j, const char *key, const char *prefix, const char *name)
{
	char shown[SR_COMMITMENT_NAME_MAX];
	SR_AUTOFREE char *whole = str_format("%s%s", prefix, commitment_name(name, shown));

	if (whole)
		jsonw_string(j, key, whole);
	else
		j->failed = true;
}

void certify_decimal(struct sr_jsonw *j, const char *key, uint64_t v)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%" PRIu64, v);
	jsonw_string(j, key, text);
}

void certify_time(struct sr_jsonw *j, const char *key, int64_t seconds)
{
	time_t t = (time_t)seconds;
	char text[32];
	struct tm tm;

	if (!gmtime_r(&t, &tm) || strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		j->failed = true;
	else
		jsonw_string(j, key, text);
}

void certify_limit(struct sr_jsonw *j, const char *key, enum sr_limit_id id, uint64_t value)
{
	char text[32];

	if (value == SR_UNLIMITED) {
		jsonw_string(j, key, "unlimited");
	} else if (sr_limit_rows[id].kind == SR_LIMIT_KIND_WINDOW) {
		limit_format(SR_LIMIT_KIND_WINDOW, value, text);
		jsonw_string(j, key, text);
	} else if (sr_limit_rows[id].kind != SR_LIMIT_KIND_TIME && value < (1ULL << 53)) {
		jsonw_number(j, key, (int64_t)value);
	} else {
		certify_decimal(j, key, value); /* times are ns */
	}
}

/* Words that may hold secrets: a commitment, unless they were asked for in clear (finding 20). */
static void argv(struct sr_jsonw *j, const struct sr_certify_facts *f)
{
	const struct sr_strv *v = &f->exec->argv;
	char hex[SR_DIGEST_HEX];

	jsonw_open(j, "argv");
	if (!f->policy->record_args) {
		commitment_words(f->salt, "argv", "argv", v->items, v->count, hex);
		certify_digest(j, "commitment", true, hex);
		jsonw_number(j, "count", (int64_t)v->count);
	} else {
		jsonw_open_array(j, "recorded");
		for (size_t i = 0; i < v->count; i++)
			certify_text(j, NULL, v->items[i]);
		jsonw_close_array(j);
	}
	jsonw_close(j);
}

static int by_bytes(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Names in clear, values never. */
static void env(struct sr_jsonw *j, const struct sr_certify_facts *f)
{
	const struct sr_strv *v = &f->exec->envp;
	char **sorted = malloc((v->count + 1) * sizeof(*sorted)), hex[SR_DIGEST_HEX];

	if (!sorted) {
		j->failed = true;
		return;
	}
	if (v->count)
		memcpy(sorted, v->items, v->count * sizeof(*sorted));
	qsort(sorted, v->count, sizeof(*sorted), by_bytes);
	commitment_words(f->salt, "env", "env", sorted, v->count, hex);
	jsonw_open(j, "env");
	certify_digest(j, "commitment", true, hex);
	jsonw_open_array(j, "names");
	for (size_t i = 0; i < v->count; i++) {
		char name[256];
		size_t n = strcspn(sorted[i], "=");

		(void)snprintf(name, sizeof(name), "%.*s", n < sizeof(name) ? (int)n : (int)sizeof(name) - 1, sorted[i]);
		certify_text(j, NULL, name);
	}
	jsonw_close_array(j);
	jsonw_close(j);
	free(sorted);
}

static void digest_or_null(struct sr_jsonw *j, const char *key, bool is_private, const char *hex)
{
	if (hex[0])
		certify_digest(j, key, is_private, hex);
	else
		jsonw_null(j, key);
}

static void inputs(struct sr_jsonw *j, const struct sr_certify_facts *f)
{
	jsonw_open_array(j, "inputs");
	for (size_t i = 0; i < f->snapshot->count; i++) {
		const struct sr_snapshot_item *item = &f->snapshot->items[i];

		jsonw_open(j, NULL);
		if (!item->is_private)
			jsonw_number(j, "bytes", (int64_t)item->bytes);
		digest_or_null(j, "digest", item->is_private, item->hex);
		certify_name(j, "name", "", item->name);
		jsonw_close(j);
	}
	jsonw_close_array(j);
}

static void project(struct sr_jsonw *j, const struct sr_snapshot *s)
{
	if (s->project_fd < 0 && !s->project_sha256[0]) {
		jsonw_null(j, "project");
		return;
	}
	jsonw_open(j, "project");
	jsonw_number(j, "bytes", (int64_t)s->project_bytes);
	digest_or_null(j, "digest", false, s->project_sha256);
	jsonw_number(j, "files", (int64_t)s->project_files);
	jsonw_close(j);
}

const char *certify_script_name(const struct sr_exec *x)
{
	return x->script_name ? x->script_name : "stdin";
}

static void script(struct sr_jsonw *j, const struct sr_certify_facts *f)
{
	const struct sr_exec *x = f->exec;
	const bool is_private = policy_is_script_private(f->policy);
	char hex[SR_DIGEST_HEX];

	if (!x->script) {
		jsonw_null(j, "script");
		return;
	}
	if (is_private)
		commitment_item(f->salt, "script", certify_script_name(x), x->script, x->script_len, hex);
	else
		digest_hex(x->script, x->script_len, hex);
	jsonw_open(j, "script");
	certify_digest(j, "digest", is_private, hex);
	certify_name(j, "name", "", certify_script_name(x));
	jsonw_close(j);
}

/* null: nothing was said to be private, and the salt of argv and env went with the run. */
static const char *salt_mode(const struct sr_policy *p)
{
	if (p->salt_file)
		return "owner";
	if (!policy_is_private(p) && !policy_is_given(p, "salt"))
		return NULL;
	return p->salt == SR_SALT_KEPT ? "kept" : "destroyed";
}

bool certify_keeps_salt(const struct sr_policy *p)
{
	const char *mode = salt_mode(p);

	return mode && strcmp(mode, "kept") == 0;
}

static void privacy(struct sr_jsonw *j, const struct sr_policy *p)
{
	jsonw_open(j, "private");
	jsonw_bool(j, "args", p->private_args);
	jsonw_bool(j, "outputs", p->private_outputs);
	jsonw_string(j, "saltMode", salt_mode(p));
	jsonw_close(j);
}

static void environment(struct sr_jsonw *j, const struct sr_environment *e)
{
	const bool is_host = e->kind == SR_ENVIRONMENT_HOST;
	char stack[SR_LAYER_DIGEST];
	const bool is_image = layers_stack(&e->layers, stack);

	jsonw_open(j, "environment");
	if (is_image)
		certify_digest(j, "digest", false, stack + strlen("sha256:"));
	else
		jsonw_null(j, "digest");
	if (is_image) {
		jsonw_open_array(j, "layers");
		for (size_t i = 0; i < e->layers.count; i++)
			certify_digest(j, NULL, false, e->layers.items[i].digest + strlen("sha256:"));
		jsonw_close_array(j);
	}
	certify_text(j, "name", is_host ? "host" : e->name);
	if (!is_image)
		jsonw_string(j, "reason", is_host ? "the host's own /usr: no image, it changes with every update" :
						    "a folder: no image, nothing keeps it from changing");
	jsonw_close(j);
}

/* Of the profile's text and then of those that it extends. */
static void profile(struct sr_jsonw *j, const struct sr_policy *p)
{
	char hex[SR_DIGEST_HEX];
	struct sr_digest d;

	digest_init(&d);
	for (size_t i = 0; i < p->profile_texts.count; i++)
		digest_update(&d, p->profile_texts.items[i], strlen(p->profile_texts.items[i]));
	digest_final_hex(&d, hex);
	jsonw_open(j, "profile");
	certify_digest(j, "digest", false, hex);
	certify_text(j, "name", p->profile_name ? p->profile_name : "default");
	jsonw_close(j);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(limit_name(*(const enum sr_limit_id *)a), limit_name(*(const enum sr_limit_id *)b));
}

static void limits(struct sr_jsonw *j, const struct sr_policy *p)
{
	enum sr_limit_id ids[SR_LIMIT_MAX];

	for (unsigned i = 0; i < SR_LIMIT_MAX; i++)
		ids[i] = (enum sr_limit_id)i;
	qsort(ids, SR_LIMIT_MAX, sizeof(*ids), by_name);
	jsonw_open(j, "limits");
	for (unsigned i = 0; i < SR_LIMIT_MAX; i++)
		certify_limit(j, limit_name(ids[i]), ids[i], policy_limit(p, ids[i]));
	jsonw_close(j);
}

void certify_plan(struct sr_jsonw *j, const struct sr_certify_facts *f)
{
	const struct sr_policy *p = f->policy;

	jsonw_open(j, NULL);
	argv(j, f);
	env(j, f);
	environment(j, f->env);
	inputs(j, f);
	certify_text(j, "language", f->exec->lang);
	limits(j, p);
	jsonw_string(j, "network", "none");
	jsonw_open_array(j, "outputs");
	for (size_t i = 0; i < p->outputs.count; i++)
		certify_text(j, NULL, p->outputs.items[i]);
	jsonw_close_array(j);
	privacy(j, p);
	profile(j, p);
	project(j, f->snapshot);
	script(j, f);
	jsonw_string(j, "stdin", f->stdio->closed[0] ? "none" : f->stdio->tty[0] ? "terminal" : "stream");
	jsonw_bool(j, "strict", p->strict);
	jsonw_bool(j, "trace", p->trace);
	jsonw_close(j);
}
