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

void json_put(struct sr_json *j, json_t *object, const char *key, json_t *value)
{
	j->failed |= json_object_set_new(object, key, value) < 0; /* -1 for a value or object that could not be made */
}

void json_add(struct sr_json *j, json_t *array, json_t *value)
{
	j->failed |= json_array_append_new(array, value) < 0;
}

json_t *json_digest(bool is_private, const char *hex)
{
	return json_pack("{s:s}", is_private ? "sandrunHmacSha256V1" : "sha256", hex);
}

json_t *json_text(const char *s)
{
	char *shown;
	json_t *text;
	size_t size;

	if (!s)
		return json_null();
	if (str_is_utf8(s, strlen(s)))
		return json_string(s);
	size = strlen(s) * 4 + 1;
	shown = malloc(size);
	text = shown ? json_string(str_escape(s, shown, size)) : NULL;
	free(shown);
	return text;
}

json_t *json_name(const char *prefix, const char *name)
{
	char shown[SR_COMMITMENT_NAME_MAX];
	SR_AUTOFREE char *whole = str_format("%s%s", prefix, commitment_name(name, shown));

	return whole ? json_string(whole) : NULL;
}

json_t *json_decimal(uint64_t v)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%" PRIu64, v);
	return json_string(text);
}

json_t *json_time(int64_t seconds)
{
	time_t t = (time_t)seconds;
	char text[32];
	struct tm tm;

	if (!gmtime_r(&t, &tm) || strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		return NULL;
	return json_string(text);
}

json_t *json_limit(enum sr_limit_id id, uint64_t value)
{
	char text[32];

	if (value == SR_UNLIMITED)
		return json_string("unlimited");
	switch (sr_limit_rows[id].kind) {
	case SR_LIMIT_KIND_TIME:
		return json_decimal(value); /* ns */
	case SR_LIMIT_KIND_WINDOW:
		limit_format(SR_LIMIT_KIND_WINDOW, value, text);
		return json_string(text);
	default:
		return value < (1ULL << 53) ? json_integer((json_int_t)value) : json_decimal(value);
	}
}

/* Words that may hold secrets: a commitment, unless they were asked for in clear (finding 20). */
static json_t *argv(struct sr_json *j, const struct sr_certify_facts *f)
{
	const struct sr_strv *v = &f->exec->argv;
	char hex[SR_DIGEST_HEX];
	json_t *words;

	if (!f->policy->record_args) {
		commitment_words(f->salt, "argv", "argv", v->items, v->count, hex);
		return json_pack("{s:I, s:o}", "count", (json_int_t)v->count, "commitment", json_digest(true, hex));
	}
	words = json_array();
	for (size_t i = 0; i < v->count; i++)
		json_add(j, words, json_text(v->items[i]));
	return json_pack("{s:o}", "recorded", words);
}

static int by_bytes(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Names in clear, values never. */
static json_t *env(struct sr_json *j, const struct sr_certify_facts *f)
{
	const struct sr_strv *v = &f->exec->envp;
	char **sorted = malloc((v->count + 1) * sizeof(*sorted)), hex[SR_DIGEST_HEX];
	json_t *all = json_array();

	if (!sorted) {
		json_decref(all);
		return NULL;
	}
	if (v->count)
		memcpy(sorted, v->items, v->count * sizeof(*sorted));
	qsort(sorted, v->count, sizeof(*sorted), by_bytes);
	for (size_t i = 0; i < v->count; i++) {
		char name[256];
		size_t n = strcspn(sorted[i], "=");

		(void)snprintf(name, sizeof(name), "%.*s", n < sizeof(name) ? (int)n : (int)sizeof(name) - 1, sorted[i]);
		json_add(j, all, json_text(name));
	}
	commitment_words(f->salt, "env", "env", sorted, v->count, hex);
	free(sorted);
	return json_pack("{s:o, s:o}", "commitment", json_digest(true, hex), "names", all);
}

static json_t *inputs(struct sr_json *j, const struct sr_certify_facts *f)
{
	json_t *all = json_array();

	for (size_t i = 0; i < f->snapshot->count; i++) {
		const struct sr_snapshot_item *item = &f->snapshot->items[i];
		json_t *o = json_object();

		json_put(j, o, "name", json_name("", item->name));
		json_put(j, o, "digest", item->hex[0] ? json_digest(item->is_private, item->hex) : json_null());
		if (!item->is_private)
			json_put(j, o, "bytes", json_integer((json_int_t)item->bytes));
		json_add(j, all, o);
	}
	return all;
}

static json_t *project(struct sr_json *j, const struct sr_snapshot *s)
{
	json_t *o;

	if (s->project_fd < 0 && !s->project_sha256[0])
		return json_null();
	o = json_object();
	json_put(j, o, "digest", s->project_sha256[0] ? json_digest(false, s->project_sha256) : json_null());
	json_put(j, o, "files", json_integer((json_int_t)s->project_files));
	json_put(j, o, "bytes", json_integer((json_int_t)s->project_bytes));
	return o;
}

const char *certify_script_name(const struct sr_exec *x)
{
	return x->script_name ? x->script_name : "stdin";
}

static json_t *script(struct sr_json *j, const struct sr_certify_facts *f)
{
	const struct sr_exec *x = f->exec;
	const bool is_private = policy_is_script_private(f->policy);
	char hex[SR_DIGEST_HEX];
	json_t *o;

	if (!x->script)
		return json_null();
	if (is_private)
		commitment_item(f->salt, "script", certify_script_name(x), x->script, x->script_len, hex);
	else
		digest_hex(x->script, x->script_len, hex);
	o = json_object();
	json_put(j, o, "name", json_name("", certify_script_name(x)));
	json_put(j, o, "digest", json_digest(is_private, hex));
	return o;
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

static json_t *privacy(const struct sr_policy *p)
{
	return json_pack("{s:b, s:b, s:o}", "args", p->private_args, "outputs", p->private_outputs, "saltMode", json_text(salt_mode(p)));
}

static json_t *environment(const struct sr_environment *e)
{
	return json_pack("{s:o, s:n, s:s}", "name", json_text(e->kind == SR_ENVIRONMENT_HOST ? "host" : e->name), "digest", "reason",
			 e->kind == SR_ENVIRONMENT_HOST ? "the host's own /usr: no image, it changes with every update" :
							  "a folder: no image, nothing keeps it from changing");
}

/* Of the profile's text and then of those that it extends. */
static json_t *profile(const struct sr_policy *p)
{
	char hex[SR_DIGEST_HEX];
	struct sr_digest d;

	digest_init(&d);
	for (size_t i = 0; i < p->profile_texts.count; i++)
		digest_update(&d, p->profile_texts.items[i], strlen(p->profile_texts.items[i]));
	digest_final_hex(&d, hex);
	return json_pack("{s:o, s:o}", "digest", json_digest(false, hex), "name", json_text(p->profile_name ? p->profile_name : "default"));
}

static json_t *names(struct sr_json *j, const struct sr_strv *v)
{
	json_t *all = json_array();

	for (size_t i = 0; i < v->count; i++)
		json_add(j, all, json_text(v->items[i]));
	return all;
}

static json_t *limits(struct sr_json *j, const struct sr_policy *p)
{
	json_t *all = json_object();

	for (unsigned i = 0; i < SR_LIMIT_MAX; i++)
		json_put(j, all, limit_name((enum sr_limit_id)i), json_limit((enum sr_limit_id)i, policy_limit(p, (enum sr_limit_id)i)));
	return all;
}

json_t *certify_plan(struct sr_json *j, const struct sr_certify_facts *f)
{
	const struct sr_policy *p = f->policy;
	json_t *o = json_object();

	json_put(j, o, "argv", argv(j, f));
	json_put(j, o, "env", env(j, f));
	json_put(j, o, "environment", environment(f->env));
	json_put(j, o, "inputs", inputs(j, f));
	json_put(j, o, "language", json_text(f->exec->lang));
	json_put(j, o, "limits", limits(j, p));
	json_put(j, o, "network", json_string("none"));
	json_put(j, o, "outputs", names(j, &p->outputs));
	json_put(j, o, "private", privacy(p));
	json_put(j, o, "profile", profile(p));
	json_put(j, o, "project", project(j, f->snapshot));
	json_put(j, o, "script", script(j, f));
	json_put(j, o, "stdin", json_string(f->stdio->closed[0] ? "none" : f->stdio->tty[0] ? "terminal" : "stream"));
	json_put(j, o, "strict", json_boolean(p->strict));
	json_put(j, o, "trace", json_boolean(p->trace));
	return o;
}
