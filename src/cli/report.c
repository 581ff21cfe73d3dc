/* SPDX-License-Identifier: MIT */
/*
 * --report: what happened as one JSON object (jansson). Nanosecond and byte counters are strings where they may pass 2^53.
 */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#include "base/file.h"
#include "cli/learn.h"

static json_t *number(uint64_t v, const char *source)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%" PRIu64, v);
	return json_pack("{s:s, s:s}", "value", text, "source", source ? source : "none");
}

static json_t *text_or_null(const char *s)
{
	char shown[4096];

	return s ? json_string(str_escape(s, shown, sizeof(shown))) : json_null();
}

/* What bytes are recorded by. Of private ones the size stays out too: it can tell "yes" from "no". */
static json_t *measured(json_t *o, bool is_private, const char *hex, uint64_t bytes)
{
	(void)json_object_set_new(o, measure_name(is_private), json_string(hex));
	if (!is_private)
		(void)json_object_set_new(o, "bytes", json_integer((json_int_t)bytes));
	return o;
}

static json_t *stream(const struct sr_stream_result *s)
{
	if (!s->present)
		return json_null();
	return measured(json_pack("{s:b}", "truncated", s->truncated), s->is_private, s->hex, s->bytes);
}

static json_t *limits(const struct cli_run *c)
{
	json_t *all = json_object();

	for (unsigned i = 0; i < SR_LIMIT_MAX; i++) {
		char value[32];

		limit_text(&c->policy, (enum sr_limit_id)i, value);
		(void)json_object_set_new(all, limit_name((enum sr_limit_id)i),
					  json_pack("{s:s, s:s}", "value", value, "source", source_name(c->policy.limits[i].source)));
	}
	return all;
}

static json_t *files_in(const struct sr_snapshot *s)
{
	json_t *all = json_array();

	for (size_t i = 0; i < s->count; i++) {
		const struct sr_snapshot_item *f = &s->items[i];

		(void)json_array_append_new(all, measured(json_pack("{s:o, s:o}", "path", text_or_null(f->path), "name",
								    text_or_null(f->name)), f->is_private, f->hex, f->bytes));
	}
	return all;
}

static json_t *files_out(const struct sr_collected *out)
{
	json_t *all = json_array();

	for (size_t i = 0; i < out->count; i++) {
		const struct sr_collected_item *f = &out->items[i];

		(void)json_array_append_new(all, measured(json_pack("{s:o}", "name", text_or_null(f->name)), f->is_private, f->hex,
							  f->bytes));
	}
	return all;
}

static json_t *notes(const struct cli_run *c)
{
	json_t *all = json_array();

	for (size_t i = 0; i < c->box.note_count; i++) {
		const struct sr_plan_note *n = &c->box.notes[i];

		(void)json_array_append_new(all, json_pack("{s:s, s:s, s:b}", "what", n->what, "text", n->text, "degraded",
							   n->degraded));
	}
	for (size_t i = 0; i < c->collected.warnings.count; i++)
		(void)json_array_append_new(all, json_pack("{s:s, s:s, s:b}", "what", "output", "text",
							   c->collected.warnings.items[i], "degraded", 0));
	return all;
}

static json_t *names(const struct sr_strv *v)
{
	json_t *all = json_array();

	for (size_t i = 0; i < v->count; i++)
		(void)json_array_append_new(all, json_string(v->items[i]));
	return all;
}

/* The project's sandrun.ini: which of its keys took effect, and which the command line took the place of. */
static json_t *manifest(const struct cli_run *c)
{
	const struct sr_manifest *m = &c->manifest;

	if (!m->path)
		return json_null();
	return json_pack("{s:s, s:o, s:o}", "path", m->path, "used", names(&m->used), "unused", names(&m->unused));
}

/* What sandrun itself installed; each step was checked when it was taken, or nothing would have run. */
static json_t *enforced(const struct cli_run *c)
{
	const struct sr_plan *p = &c->box.plan;

	if (!c->planned)
		return json_null();
	return json_pack("{s:[sssssss], s:b, s:s, s:i, s:i, s:i, s:s, s:s, s:s}", "namespaces", "user", "pid", "mount", "network",
			 "ipc", "uts", "cgroup", "noNewPrivileges", 1, "capabilities", "none", "landlockAbi", p->landlock_abi,
			 "seccompInstructions",
			 (int)(c->box.counted ? p->counted_filter.count : p->filter.count), "hostUid", (int)p->outer_uid, "network", "none", "cgroup",
			 cgroup_way_name(c->cgroup.way), "howKnown", "installed");
}

static json_t *usage(const struct sr_outcome *o)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:I, s:I, s:I, s:I}", "wallNs", number(o->wall_ns, "clock-monotonic"), "userNs",
			 number(o->user_us * 1000, o->cpu_source), "systemNs", number(o->system_us * 1000, o->cpu_source),
			 "memoryPeakBytes", number(o->memory_peak_bytes, o->memory_source), "processesPeak",
			 (json_int_t)o->pids_peak, "forksRefused", (json_int_t)o->forks_refused, "throttledNs",
			 (json_int_t)o->throttled_us * 1000, "pausedNs", (json_int_t)o->frozen_ns);
}

static json_t *error_object(const struct cli_run *c)
{
	if (c->err.code == SR_E_NONE)
		return json_null();
	return json_pack("{s:s, s:s, s:o, s:o}", "code", sr_error_code_name(c->err.code), "stage", c->err.stage, "message",
			 text_or_null(c->err.text), "hint", text_or_null(c->err.hint));
}

/* What a program died of that the filter kills: waitpid(2) tells the signal and no more. */
static json_t *violation(const struct cli_run *c)
{
	char text[160];

	if (!c->ran || !outcome_violation(c, text, sizeof(text)))
		return json_null();
	return json_pack("{s:s, s:s, s:s}", "signal", "SIGSYS", "text", text, "hint", "run it again with --learn, which names the call");
}

static json_t *build(const struct cli_run *c)
{
	const struct sr_outcome *o = &c->run.outcome;
	enum sr_outcome_kind kind = c->ran ? o->kind : SR_OUTCOME_SETUP_FAILED;
	int status = c->err.code != SR_E_NONE ? c->err.status : o->status;
	char stack[SR_LAYER_DIGEST];
	json_t *r = json_pack("{s:s, s:i, s:o, s:o, s:o, s:o}", "outcome", outcome_name(kind), "status", status, "limitHit",
			      text_or_null(c->ran ? hit_name(o->hit) : NULL), "exitCode",
			      kind == SR_OUTCOME_EXITED ? json_integer(o->exit_code) : json_null(), "signal",
			      c->ran && o->signal ? json_integer(o->signal) : json_null(), "error", error_object(c));

	if (!r)
		return NULL;
	(void)json_object_set_new(r, "limits", limits(c));
	(void)json_object_set_new(r, "inputs", files_in(&c->snapshot));
	(void)json_object_set_new(r, "outputs", files_out(&c->collected));
	(void)json_object_set_new(r, "notes", notes(c));
	(void)json_object_set_new(r, "enforced", enforced(c));
	(void)json_object_set_new(r, "profile", text_or_null(c->policy.profile_name));
	(void)json_object_set_new(r, "config", text_or_null(c->policy.config_path));
	(void)json_object_set_new(r, "manifest", manifest(c));
	(void)json_object_set_new(r, "strict", json_boolean(c->policy.strict));
	(void)json_object_set_new(r, "environment", text_or_null(c->env.name));
	(void)json_object_set_new(r, "environmentDigest", layers_stack(&c->env.layers, stack) ? json_string(stack) : json_null());
	(void)json_object_set_new(r, "language", text_or_null(c->exec.lang));
	if (c->snapshot.project_sha256[0])
		(void)json_object_set_new(r, "project", json_pack("{s:o, s:I, s:I, s:s}", "path",
								  text_or_null(c->snapshot.project_path), "files",
								  (json_int_t)c->snapshot.project_files, "bytes",
								  (json_int_t)c->snapshot.project_bytes, "sha256",
								  c->snapshot.project_sha256));
	(void)json_object_set_new(r, "usage", c->ran ? usage(o) : json_null());
	(void)json_object_set_new(r, "stdin", stream(&o->in));
	(void)json_object_set_new(r, o->terminal ? "terminal" : "stdout", stream(&o->out));
	(void)json_object_set_new(r, "stderr", stream(&o->err));
	(void)json_object_set_new(r, "merged", json_boolean(o->merged));
	if (c->policy.learn)
		(void)json_object_set_new(r, "learned", learn_json(c));
	(void)json_object_set_new(r, "violation", violation(c));
	return r;
}

static int cannot_write(const struct sr_policy *p, int errnum, struct sr_error *err)
{
	char shown[512];

	return sr_error_set(err, SR_E_REPORT, errnum, "report", "cannot write the report %s: %s",
			    str_escape(p->report, shown, sizeof(shown)), strerror(errnum));
}

int report_check(const struct sr_policy *p, struct sr_error *err)
{
	int r = !p->report || strcmp(p->report, "-") == 0 ? 0 : file_check_place(p->report);

	return r < 0 ? cannot_write(p, -r, err) : 0;
}

int report_write(const struct cli_run *c, struct sr_error *err)
{
	const struct sr_policy *p = &c->policy;
	json_t *o;
	char *text;
	int r;

	if (!p->report)
		return 0;
	o = build(c);
	text = o ? json_dumps(o, JSON_INDENT(1) | JSON_SORT_KEYS) : NULL;
	json_decref(o);
	if (!text)
		return sr_error_oom(err, "report");
	if (strcmp(p->report, "-") == 0)
		r = printf("%s\n", text) < 0 || fflush(stdout) != 0 ? -errno : 0;
	else
		r = file_write_whole(p->report, 0666, text, strlen(text), false);
	free(text);
	return r < 0 ? cannot_write(p, -r, err) : 0;
}
