/* SPDX-License-Identifier: MIT */
/*
 * sandrun's own words on standard error. `sandrun: <stage>: cannot <verb> <object>: <reason>`, then `hint: ...`.
 */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "cli/learn.h"

static bool use_color(const struct sr_policy *p)
{
	if (p->color != SR_COLOR_AUTO)
		return p->color == SR_COLOR_ALWAYS;
	return isatty(2) && !getenv("NO_COLOR");
}

static void error_json(const struct sr_error *err)
{
	char message[2048], hint[2048]; /* escaped once more: a text cut at its field's end may end inside a character */
	json_t *o = json_pack("{s:s, s:i, s:s, s:s, s:s}", "code", sr_error_code_name(err->code), "status", err->status, "stage",
			      err->stage, "message", str_escape(err->text, message, sizeof(message)), "hint",
			      str_escape(err->hint, hint, sizeof(hint)));
	char *text = o ? json_dumps(o, JSON_COMPACT | JSON_SORT_KEYS) : NULL;

	if (text)
		(void)fprintf(stderr, "%s\n", text);
	else /* out of memory; never be silent */
		(void)fprintf(stderr, "{\"code\":\"%s\",\"status\":%d}\n", sr_error_code_name(err->code), err->status);
	free(text);
	json_decref(o);
}

void message_error(const struct sr_policy *p, const struct sr_error *err)
{
	if (p->error_format == SR_ERRORS_JSON) {
		error_json(err);
		return;
	}
	if (use_color(p))
		(void)fprintf(stderr, "\033[1;31msandrun:\033[0m %s: %s\n", err->stage, err->text);
	else
		(void)fprintf(stderr, "sandrun: %s: %s\n", err->stage, err->text);
	if (err->hint[0])
		(void)fprintf(stderr, "hint: %s\n", err->hint);
}

int message_printed(const struct sr_policy *p, int r)
{
	struct sr_error err = SR_ERROR_INIT;

	if (r >= 0)
		return 0;
	(void)sr_error_set(&err, SR_E_OUTPUT, -r, "output", "cannot write to standard output: %s", strerror(-r));
	message_error(p, &err);
	return 125;
}

int message_flush(const struct sr_policy *p, int status)
{
	errno = 0;
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	return message_printed(p, errno ? -errno : -EIO);
}

int message_json(const struct sr_policy *p, const char *stage, json_t *o, size_t flags, int status)
{
	struct sr_error err = SR_ERROR_INIT;
	char *text = o ? json_dumps(o, JSON_INDENT(1) | flags) : NULL;

	json_decref(o);
	if (!text) {
		(void)sr_error_oom(&err, stage);
		message_error(p, &err);
		return err.status;
	}
	(void)puts(text);
	free(text);
	return message_flush(p, status);
}

void message_warning(const struct sr_policy *p, const char *text)
{
	if (!p->quiet)
		(void)fprintf(stderr, "sandrun: %s\n", text);
}

const char *outcome_name(enum sr_outcome_kind kind)
{
	static const char *const names[] = {
		[SR_OUTCOME_SETUP_FAILED] = "setup-failed", [SR_OUTCOME_EXITED] = "exited",
		[SR_OUTCOME_SIGNALED] = "signaled",	    [SR_OUTCOME_LIMIT] = "limit",
		[SR_OUTCOME_KILLED] = "killed",
	};

	return names[kind];
}

const char *hit_name(enum sr_limit_hit hit)
{
	static const char *const names[] = {
		[SR_HIT_NONE] = NULL,	      [SR_HIT_WALL] = "wall-time",	    [SR_HIT_CPU] = "cpu-time",
		[SR_HIT_MEMORY] = "memory", [SR_HIT_HOST_MEMORY] = "host-memory", [SR_HIT_OUTPUT] = "output",
		[SR_HIT_DISK] = "disk",
	};

	return names[hit];
}

/* The line for a limit, the same words as in interface.md. */
static void limit_line(const struct cli_run *c, char *out, size_t size)
{
	static const struct {
		enum sr_limit_id id;
		const char *what;
	} rows[] = {
		[SR_HIT_WALL] = { SR_LIMIT_wall_ns, "time limit" },
		[SR_HIT_CPU] = { SR_LIMIT_cpu_ns, "CPU time limit" },
		[SR_HIT_MEMORY] = { SR_LIMIT_memory_bytes, "memory limit" },
		[SR_HIT_OUTPUT] = { SR_LIMIT_stdio_bytes, "output limit" },
	};
	enum sr_limit_hit hit = c->run.outcome.hit;
	char value[32], shown[256];

	out[0] = '\0';
	if (c->run.outcome.lost)
		(void)snprintf(out, size, "ended: the sandbox's first process was killed from outside (out of memory, perhaps)");
	if (hit == SR_HIT_NONE)
		return;
	if (hit == SR_HIT_HOST_MEMORY) {
		(void)snprintf(out, size, "ended because the memory of the machine, or of the cgroup around sandrun, was running out");
		return;
	}
	if (hit == SR_HIT_DISK) {
		(void)snprintf(out, size, "ended because the disk of %s has less than %llu MB left", str_escape(c->policy.build_layer, shown, sizeof(shown)),
			       SR_BUILD_RESERVE >> 20);
		return;
	}
	limit_text(&c->policy, rows[hit].id, value);
	(void)snprintf(out, size, "%s %s reached", rows[hit].what, value);
}

bool outcome_violation(const struct cli_run *c, char *out, size_t size)
{
	const struct sr_learn *l = c->run.learn;

	if (c->run.outcome.kind != SR_OUTCOME_SIGNALED || c->run.outcome.signal != SIGSYS)
		return false;
	if (l && !l->traced.error && !l->traced.killed_count)
		return false; /* who watched saw no such call: it, or a filter of its own, sent the signal */
	(void)snprintf(out, size, "killed by the system call filter: a call of a foreign architecture or x32%s",
		       l && l->traced.killed_count ? "" : " (or by one of its own)");
	return true;
}

static void human_bytes(uint64_t bytes, char out[static 32])
{
	if (bytes >= 10ULL << 30)
		(void)snprintf(out, 32, "%" PRIu64 " GB", bytes >> 30);
	else if (bytes >= 1ULL << 20)
		(void)snprintf(out, 32, "%" PRIu64 " MB", bytes >> 20);
	else
		(void)snprintf(out, 32, "%" PRIu64 " kB", bytes >> 10);
}

static void closing_line(const struct cli_run *c, const char *limit)
{
	const struct sr_outcome *o = &c->run.outcome;
	char how[160], memory[32];
	bool fallback = false;

	if (outcome_violation(c, how, sizeof(how)))
		;
	else if (o->kind == SR_OUTCOME_EXITED)
		(void)snprintf(how, sizeof(how), "exited %d", o->exit_code);
	else if (o->kind == SR_OUTCOME_SIGNALED)
		(void)snprintf(how, sizeof(how), "killed by signal %d (%s)", o->signal, strsignal(o->signal));
	else if (o->kind == SR_OUTCOME_KILLED)
		(void)snprintf(how, sizeof(how), "ended by sandrun");
	else
		(void)snprintf(how, sizeof(how), "%s", limit);
	human_bytes(o->memory_peak_bytes, memory);
	for (size_t i = 0; i < c->box.note_count; i++)
		fallback |= c->box.notes[i].degraded;
	(void)fprintf(stderr, "sandrun: %s; %.2f s, CPU %.2f s, memory %s%s%s%.13s\n", how, (double)o->wall_ns / 1e9,
		      (double)(o->user_us + o->system_us) / 1e6, memory, fallback ? "; some limits by fallback (-v)" : "",
		      c->certify.opened ? "; certificate " : "", c->certify.opened ? c->certify.run_id : "");
}

static void timing(const struct cli_run *c)
{
	const struct sr_phases *p = &c->run.outcome.phases;
	const struct {
		const char *name;
		uint64_t at;
	} rows[] = {
		{ "plan", p->planned },	    { "clone", p->cloned },   { "work folder", p->work }, { "files in", p->files },
		{ "at the gate", p->ready }, { "exec", p->started },   { "run", p->exited },	  { "torn down", p->reaped },
	};
	uint64_t last = c->started_ns;

	for (size_t i = 0; i < SR_ELEMENTSOF(rows); i++) {
		if (rows[i].at < last)
			continue; /* a phase that this run did not have */
		(void)fprintf(stderr, "sandrun: timing: %-11s %8.3f ms\n", rows[i].name, (double)(rows[i].at - last) / 1e6);
		last = rows[i].at;
	}
	(void)fprintf(stderr, "sandrun: timing: %-11s %8.3f ms\n", "in all", (double)(last - c->started_ns) / 1e6);
}

/* After a signal nobody waits for a reader of standard error either. */
bool message_would_block(const struct cli_run *c)
{
	struct pollfd fd = { .fd = 2, .events = POLLOUT };

	return c->run.outcome.gave_up && (poll(&fd, 1, 0) != 1 || !(fd.revents & POLLOUT));
}

void message_outcome(const struct cli_run *c)
{
	char line[160], hint[1024];

	bool closing = c->policy.verbose || (isatty(2) && !c->policy.quiet);

	if (message_would_block(c))
		return;
	if (!outcome_violation(c, line, sizeof(line)))
		limit_line(c, line, sizeof(line));
	if (line[0] && !closing)
		(void)fprintf(stderr, "sandrun: %s\n", line);
	if (c->policy.verbose) {
		for (size_t i = 0; i < c->box.note_count; i++)
			(void)fprintf(stderr, "sandrun: note: %s\n", c->box.notes[i].text);
	}
	if (closing)
		closing_line(c, line);
	if (outcome_violation(c, line, sizeof(line)) && !c->policy.learn)
		(void)fprintf(stderr, "hint: run it again with --learn, which names the call\n");
	if (isatty(2) && !c->policy.quiet) {
		hint_after(c, hint, sizeof(hint));
		if (hint[0])
			(void)fprintf(stderr, "hint: %s\n", hint);
	}
	learn_print(c);
	if (c->policy.timing)
		timing(c);
}
