/* SPDX-License-Identifier: MIT */
/*
 * What came of a run, as a certificate has it: how each layer is known to have stood (finding 19), the result, what was
 * checked to be gone. Nothing here is copied from the plan without saying so.
 */
#include <linux/audit.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>

#include "base/io.h"
#include "evidence/digest.h"
#include "policy/limit.h"
#include "run/certify.h"
#include "sys/cgroup.h"

#if defined(__x86_64__)
#define ARCH "AUDIT_ARCH_X86_64"
#elif defined(__aarch64__)
#define ARCH "AUDIT_ARCH_AARCH64"
#else
#define ARCH "unknown"
#endif

/* ---- enforced -------------------------------------------------------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void namespaces(struct sr_jsonw *j, const struct sr_observed *seen)
{
	const char *names[SR_NS_MAX + 1] = { [SR_NS_MAX] = "known" };

	for (unsigned i = 0; i < SR_NS_MAX; i++)
		names[i] = observe_namespace_name((enum sr_namespace)i);
	qsort(names, SR_NS_MAX + 1, sizeof(*names), by_name);
	jsonw_open(j, "namespaces");
	for (unsigned i = 0; i <= SR_NS_MAX; i++) {
		if (strcmp(names[i], "known") == 0) /* installed: clone3(2) took the flags and returned a process; each of them is refused or given, clone(2) */
			jsonw_string(j, "known", seen->namespaces_seen ? "observed" : "installed");
		else
			jsonw_bool(j, names[i], true);
	}
	jsonw_close(j);
}

static void id_map(struct sr_jsonw *j, const struct sr_certify_facts *f)
{
	const struct sr_observed *seen = &f->run->observed;
	const bool known = seen->uid_map[0] && seen->gid_map[0];
	char uid[48], gid[48];

	(void)snprintf(uid, sizeof(uid), "%u %u 1", (unsigned)f->box->plan.inner_uid, (unsigned)f->box->plan.outer_uid);
	(void)snprintf(gid, sizeof(gid), "%u %u 1", (unsigned)f->box->plan.inner_gid, (unsigned)f->box->plan.outer_gid);
	jsonw_open(j, "idMap");
	jsonw_string(j, "gid", known ? seen->gid_map : gid);
	jsonw_string(j, "known", known ? "observed" : "installed");
	jsonw_string(j, "uid", known ? seen->uid_map : uid);
	jsonw_close(j);
}

static void capabilities(struct sr_jsonw *j, const struct sr_observed *seen)
{
	static const char none[] = "0000000000000000";
	const bool known = seen->status_seen; /* else the child's capget(2), read back before the payload existed */

	jsonw_open(j, "capabilities");
	jsonw_string(j, "ambient", known ? seen->cap_amb : none);
	jsonw_string(j, "bounding", known ? seen->cap_bnd : none);
	jsonw_string(j, "effective", known ? seen->cap_eff : none);
	jsonw_string(j, "inheritable", known ? seen->cap_inh : none);
	jsonw_string(j, "known", known ? "observed" : "installed");
	jsonw_string(j, "permitted", known ? seen->cap_prm : none);
	jsonw_close(j);
}

static void no_new_privs(struct sr_jsonw *j, const struct sr_observed *seen)
{
	jsonw_open(j, "noNewPrivs");
	jsonw_string(j, "known", seen->status_seen ? "observed" : "installed");
	jsonw_bool(j, "value", !seen->status_seen || seen->no_new_privs);
	jsonw_close(j);
}

static void seccomp(struct sr_jsonw *j, const struct sr_certify_facts *f)
{
	const struct sr_observed *seen = &f->run->observed;
	const struct sr_plan *p = &f->box->plan;
	const struct sr_bpf *filter = f->box->counted && p->counted_filter.count ? &p->counted_filter : &p->filter;
	char hex[SR_DIGEST_HEX];

	digest_hex(filter->insns, filter->count * sizeof(*filter->insns), hex);
	jsonw_open(j, "seccomp");
	jsonw_open(j, "filter");
	jsonw_string(j, "arch", ARCH);
	certify_digest(j, "digest", false, hex);
	jsonw_number(j, "instructions", (int64_t)filter->count);
	jsonw_string(j, "known", "installed");
	jsonw_close(j);
	jsonw_string(j, "known", seen->payload_seen ? "observed" : "installed");
	jsonw_number(j, "mode", seen->payload_seen ? seen->seccomp : 2);
	jsonw_close(j);
}

/* The ruleset as it was handed to the kernel: handled rights, scopes, and each rule's path and rights, a line each. */
static void ruleset_digest(const struct sr_plan *p, char hex[static SR_DIGEST_HEX])
{
	struct sr_digest d;
	char line[96];

	digest_init(&d);
	digest_update(&d, line, (size_t)snprintf(line, sizeof(line), "handled %llx scoped %llx\n", (unsigned long long)p->landlock_fs,
						 (unsigned long long)p->landlock_scoped));
	for (size_t i = 0; i < p->rule_count; i++) {
		digest_update(&d, line, (size_t)snprintf(line, sizeof(line), "%llx ", (unsigned long long)p->rules[i].access));
		digest_update(&d, p->rules[i].path, strlen(p->rules[i].path));
		digest_update(&d, "\n", 1);
	}
	digest_final_hex(&d, hex);
}

static void landlock(struct sr_jsonw *j, const struct sr_certify_facts *f)
{
	const struct sr_plan *p = &f->box->plan;
	char hex[SR_DIGEST_HEX];

	jsonw_open(j, "landlock");
	if (p->landlock_abi < 1) {
		jsonw_number(j, "abi", 0);
		jsonw_string(j, "known", "absent");
		jsonw_string(j, "reason", "this kernel has none that serves");
	} else {
		ruleset_digest(p, hex);
		jsonw_number(j, "abi", p->landlock_abi);
		jsonw_string(j, "known", p->landlock_scoped ? "probed" : "installed");
		certify_digest(j, "rulesetDigest", false, hex);
	}
	jsonw_close(j);
}

/* ---- limits, each with what really held it --------------------------------------------------------------------------- */

static const struct {
	enum sr_limit_id id;
	unsigned controller;   /* 0: no cgroup holds it */
	const char *file;      /* of the cgroup */
	int resource;          /* RLIMIT_*, -1: none */
	const char *fallback;  /* what holds it without the controller; NULL: nothing */
} held[] = {
	{ SR_LIMIT_memory_bytes, SR_CGROUP_MEMORY, "memory.max", RLIMIT_DATA, "supervisor:watchdog+RLIMIT_DATA" },
	{ SR_LIMIT_memory_high_bytes, SR_CGROUP_MEMORY, "memory.high", -1, NULL },
	{ SR_LIMIT_swap_bytes, SR_CGROUP_SWAP, "memory.swap.max", -1, NULL },
	{ SR_LIMIT_pids, SR_CGROUP_PIDS, "pids.max", RLIMIT_NPROC, "rlimit:RLIMIT_NPROC" },
	{ SR_LIMIT_cpu_percent, SR_CGROUP_CPU, "cpu.max", -1, NULL },
	{ SR_LIMIT_cpu_weight, SR_CGROUP_CPU, "cpu.weight", -1, NULL },
	{ SR_LIMIT_io_weight, SR_CGROUP_IO, "io.weight", -1, NULL },
	{ SR_LIMIT_cpu_window, 0, NULL, -1, "supervisor:pause" },
	{ SR_LIMIT_cpu_ns, 0, NULL, RLIMIT_CPU, "supervisor:watchdog+RLIMIT_CPU" },
	{ SR_LIMIT_wall_ns, 0, NULL, -1, "supervisor:deadline" },
	{ SR_LIMIT_nofile, 0, NULL, RLIMIT_NOFILE, "rlimit:RLIMIT_NOFILE" },
	{ SR_LIMIT_fsize_bytes, 0, NULL, RLIMIT_FSIZE, "rlimit:RLIMIT_FSIZE" },
	{ SR_LIMIT_stack_bytes, 0, NULL, RLIMIT_STACK, "rlimit:RLIMIT_STACK" },
	{ SR_LIMIT_memlock_bytes, 0, NULL, RLIMIT_MEMLOCK, "rlimit:RLIMIT_MEMLOCK" },
	{ SR_LIMIT_sigpending, 0, NULL, RLIMIT_SIGPENDING, "rlimit:RLIMIT_SIGPENDING" },
	{ SR_LIMIT_msgqueue_bytes, 0, NULL, RLIMIT_MSGQUEUE, "rlimit:RLIMIT_MSGQUEUE" },
	{ SR_LIMIT_work_bytes, 0, NULL, -1, "tmpfs:size" },
	{ SR_LIMIT_work_inodes, 0, NULL, -1, "tmpfs:nr_inodes" },
	{ SR_LIMIT_tmp_bytes, 0, NULL, -1, "tmpfs:size" },
	{ SR_LIMIT_tmp_inodes, 0, NULL, -1, "tmpfs:nr_inodes" },
	{ SR_LIMIT_shm_bytes, 0, NULL, -1, "tmpfs:size" },
	{ SR_LIMIT_stdio_bytes, 0, NULL, -1, "supervisor:streams" },
	{ SR_LIMIT_out_files, 0, NULL, -1, "supervisor:collect" },
	{ SR_LIMIT_out_bytes, 0, NULL, -1, "supervisor:collect" },
};

_Static_assert(SR_ELEMENTSOF(held) == SR_LIMIT_MAX, "every limit says what holds it");

static const struct sr_rlimit_op *find_rlimit(const struct sr_plan *p, int resource)
{
	for (size_t i = 0; i < p->rlimit_count; i++) {
		if (p->rlimits[i].resource == resource)
			return &p->rlimits[i];
	}
	return NULL;
}

/* A hard limit of the caller's may have been lower than what was asked for. */
static uint64_t by_rlimit(const struct sr_plan *p, enum sr_limit_id id, int resource, uint64_t asked)
{
	const struct sr_rlimit_op *op = find_rlimit(p, resource);

	if (!op || id == SR_LIMIT_memory_bytes || id == SR_LIMIT_cpu_ns || id == SR_LIMIT_pids)
		return asked; /* the rlimit is a backstop behind the exact value, or counts one process more */
	return op->hard < asked ? op->hard : asked;
}

static const char *why_not(const struct sr_certify_facts *f, enum sr_limit_id id)
{
	switch (id) {
	case SR_LIMIT_wall_ns:
		return f->run->wall_deadline ? NULL : "a terminal without a limit of its own: who sits there can end it";
	case SR_LIMIT_stdio_bytes:
		return f->run->budget_set ? NULL : "into a pipe: its reader is the limit";
	case SR_LIMIT_memory_bytes:
	case SR_LIMIT_cpu_ns:
	case SR_LIMIT_cpu_window:
		/* a run that ended before the watchdog's first look: what was seen at its start tells whether it could have seen */
		return (f->run->blind || !f->run->observed.status_seen) && f->run->cgroup->dir_fd < 0 ?
			       "/proc hides the sandbox: only rlimits of each process hold" : NULL;
	default:
		return NULL;
	}
}

static void limit_item(struct sr_jsonw *j, const struct sr_certify_facts *f, size_t row)
{
	const enum sr_limit_id id = held[row].id;
	const uint64_t asked = policy_limit(f->policy, id);
	const bool cgroup = held[row].controller && f->cgroup->dir_fd >= 0 &&
			    (f->cgroup->controllers & held[row].controller) == held[row].controller;
	const char *mechanism = held[row].fallback, *known = "installed", *reason = why_not(f, id);
	char text[64];

	jsonw_open(j, NULL);
	if (cgroup) {
		(void)snprintf(text, sizeof(text), "cgroup2:%s", held[row].file);
		mechanism = text;
		known = "observed"; /* each was read back after it was written (set_number() in cgroup.c) */
		certify_limit(j, "enforced", id, asked);
	} else if (mechanism && !reason) {
		certify_limit(j, "enforced", id, by_rlimit(&f->box->plan, id, held[row].resource, asked));
		if (held[row].controller)
			reason = "no cgroup v2 controller";
	} else {
		jsonw_null(j, "enforced");
		known = "absent";
		reason = reason ? reason : "no cgroup v2 controller";
	}
	jsonw_string(j, "known", known);
	jsonw_string(j, "mechanism", mechanism ? mechanism : "none");
	jsonw_string(j, "name", limit_name(id));
	if (reason)
		jsonw_string(j, "reason", reason);
	certify_limit(j, "requested", id, asked);
	jsonw_close(j);
}

void certify_enforced(struct sr_jsonw *j, const struct sr_certify_facts *f)
{
	if (!f->started) {
		jsonw_null(j, NULL); /* nothing untrusted ran: what stood is of no account */
		return;
	}
	jsonw_open(j, NULL);
	capabilities(j, &f->run->observed);
	id_map(j, f);
	landlock(j, f);
	jsonw_open_array(j, "limits");
	for (size_t i = 0; i < SR_ELEMENTSOF(held); i++) {
		if (policy_limit(f->policy, held[i].id) != SR_UNLIMITED)
			limit_item(j, f, i);
	}
	jsonw_close_array(j);
	namespaces(j, &f->run->observed);
	no_new_privs(j, &f->run->observed);
	seccomp(j, f);
	jsonw_close(j);
}

/* ---- result ---------------------------------------------------------------------------------------------------------- */

/* Children of a parent that ignores SIGCHLD are waited for by nobody, and their time is in no rusage: say what it is. */
static const char *cpu_source(const struct sr_outcome *o)
{
	return strcmp(o->cpu_source, "rusage") == 0 ? "rusage-of-waited-children-lower-bound" : o->cpu_source;
}

static void usage(struct sr_jsonw *j, const struct sr_outcome *o)
{
	jsonw_open(j, "usage");
	certify_decimal(j, "cpuSystemNs", o->system_us * 1000);
	certify_decimal(j, "cpuUserNs", o->user_us * 1000);
	jsonw_number(j, "memoryPeakBytes", (int64_t)o->memory_peak_bytes);
	jsonw_open(j, "source");
	jsonw_string(j, "cpu", cpu_source(o));
	jsonw_string(j, "memory", o->memory_source);
	jsonw_string(j, "wall", "clock-monotonic");
	jsonw_close(j);
	certify_decimal(j, "wallNs", o->wall_ns);
	jsonw_close(j);
}

/* Of what is private the size stays out: it can tell "yes" from "no". */
static void put_size(struct sr_jsonw *j, bool is_private, uint64_t bytes)
{
	if (!is_private)
		jsonw_number(j, "bytes", (int64_t)bytes);
}

static void stream(struct sr_jsonw *j, const struct sr_stream_result *s)
{
	if (!s->present)
		return;
	jsonw_open(j, s->role);
	put_size(j, s->is_private, s->bytes);
	jsonw_bool(j, "truncated", s->truncated);
	jsonw_close(j);
}

static void streams(struct sr_jsonw *j, const struct sr_outcome *o)
{
	const bool turned = o->out.present && o->err.present && strcmp(o->err.role, o->out.role) < 0;

	jsonw_open(j, "streams");
	stream(j, turned ? &o->err : &o->out);
	stream(j, turned ? &o->out : &o->err);
	jsonw_close(j);
}

static void standard_input(struct sr_jsonw *j, const struct sr_stream_result *in)
{
	if (!in->present) {
		jsonw_null(j, "stdin");
		return;
	}
	jsonw_open(j, "stdin");
	put_size(j, in->is_private, in->bytes);
	certify_digest(j, "digest", in->is_private, in->hex);
	jsonw_close(j);
}

static void outputs(struct sr_jsonw *j, const struct sr_certify_facts *f)
{
	jsonw_open(j, "outputs");
	put_size(j, f->policy->private_outputs, f->collected->bytes);
	jsonw_number(j, "files", (int64_t)f->collected->count);
	jsonw_close(j);
}

static void stream_subject(struct sr_jsonw *j, const struct sr_stream_result *s)
{
	if (!s->present)
		return;
	jsonw_open(j, NULL);
	certify_digest(j, "digest", s->is_private, s->hex);
	jsonw_string(j, "name", s->role);
	jsonw_close(j);
}

void certify_subjects(struct sr_jsonw *j, const struct sr_certify_facts *f)
{
	if (!f->ran)
		return;
	stream_subject(j, &f->run->outcome.out);
	stream_subject(j, &f->run->outcome.err);
	for (size_t i = 0; i < f->collected->count; i++) {
		const struct sr_collected_item *item = &f->collected->items[i];

		jsonw_open(j, NULL);
		certify_digest(j, "digest", item->is_private, item->hex);
		certify_name(j, "name", "out/", item->name);
		jsonw_close(j);
	}
}

static const char *outcome_word(const struct sr_certify_facts *f)
{
	static const char *const words[] = {
		[SR_OUTCOME_SETUP_FAILED] = "setup-failed", [SR_OUTCOME_EXITED] = "exited", [SR_OUTCOME_SIGNALED] = "signaled",
		[SR_OUTCOME_LIMIT] = "limit", [SR_OUTCOME_KILLED] = "killed",
	};

	return f->ran ? words[f->run->outcome.kind] : f->started ? "killed" : "setup-failed";
}

static const char *limit_hit(const struct sr_outcome *o)
{
	static const char *const words[] = {
		[SR_HIT_WALL] = "wall-time", [SR_HIT_CPU] = "cpu-time", [SR_HIT_MEMORY] = "memory",
		[SR_HIT_HOST_MEMORY] = "host-memory", [SR_HIT_OUTPUT] = "output",
		[SR_HIT_DISK] = "disk",
	};

	return o->hit == SR_HIT_NONE ? NULL : words[o->hit];
}

static void error(struct sr_jsonw *j, const struct sr_error *e)
{
	if (e->code == SR_E_NONE) {
		jsonw_null(j, "error");
		return;
	}
	jsonw_open(j, "error");
	jsonw_string(j, "code", sr_error_code_name(e->code));
	jsonw_string(j, "stage", e->stage);
	jsonw_close(j);
}

static void number_or_null(struct sr_jsonw *j, const char *key, bool is, int value)
{
	if (is)
		jsonw_number(j, key, value);
	else
		jsonw_null(j, key);
}

void certify_result(struct sr_jsonw *j, const struct sr_certify *c, const struct sr_certify_facts *f, int status)
{
	const struct sr_outcome none = { .hit = SR_HIT_NONE };
	const struct sr_outcome *o = f->ran ? &f->run->outcome : &none;

	jsonw_open(j, NULL);
	error(j, f->error);
	number_or_null(j, "exitCode", f->ran && o->kind == SR_OUTCOME_EXITED, o->exit_code);
	/* by the monotonic clock: a wall clock that was set back meanwhile must not make an end before the start */
	certify_time(j, "finishedAt", c->issued_s + (int64_t)((run_now() - c->issued_ns) / 1000000000ULL));
	jsonw_string(j, "limitHit", limit_hit(o));
	jsonw_string(j, "outcome", outcome_word(f));
	outputs(j, f);
	number_or_null(j, "signal", f->ran && o->signal, o->signal);
	if (f->started)
		certify_time(j, "startedAt", c->issued_s + (int64_t)((f->run->outcome.executed_ns - c->issued_ns) / 1000000000ULL));
	else
		jsonw_null(j, "startedAt");
	jsonw_number(j, "status", status);
	standard_input(j, &o->in);
	streams(j, o);
	if (f->ran)
		usage(j, o);
	else
		jsonw_null(j, "usage");
	jsonw_close(j);
}

/* ---- destruction ----------------------------------------------------------------------------------------------------- */

static void add_claim(struct sr_jsonw *j, const char *target, const char *storage, const char *method, const char *checked, bool performed)
{
	jsonw_open(j, NULL);
	jsonw_string(j, "checked", checked);
	jsonw_string(j, "method", method);
	jsonw_bool(j, "performed", performed);
	jsonw_string(j, "storage", storage);
	jsonw_string(j, "target", target);
	jsonw_close(j);
}

static void add_private_input(struct sr_jsonw *j, const struct sr_snapshot_item *item, const struct sr_certify_gone *g)
{
	char shown[SR_COMMITMENT_NAME_MAX];
	SR_AUTOFREE char *target = NULL;

	if (!item->is_private)
		return;
	target = str_format("input:%s", commitment_name(item->name, shown));
	if (!target) {
		j->failed = true;
		return;
	}
	add_claim(j, target, "tmpfs of the sandbox, buffers of sandrun's that were wiped", "mount-namespace-teardown",
		  "no process of the namespace lives; the last descriptor of /work is closed (EBADF)", g->processes && g->work_fd);
}

void certify_destruction(struct sr_jsonw *j, const char *key, const struct sr_certify_facts *f, const struct sr_certify_gone *g)
{
	jsonw_open(j, key);
	jsonw_open_array(j, "claims");
	if (g->had_process) {
		add_claim(j, "processes", "pid-namespace", "SIGKILL to PID 1's children, then its end",
			  "PID 1 was waited for; the kernel ends every process of a PID namespace with it", g->processes);
		add_claim(j, "sandbox-mounts", "tmpfs", "mount-namespace-teardown",
			  g->had_work ? "no process of the namespace lives; the last descriptor of /work is closed (EBADF)" :
					"no process of the namespace lives; no descriptor of it was ever held outside",
			  g->processes && g->work_fd);
		add_claim(j, "control-descriptors", "socket, pipes", "close", "fcntl(F_GETFD) answers EBADF", g->control);
	}
	for (size_t i = 0; g->had_process && i < f->snapshot->count; i++)
		add_private_input(j, &f->snapshot->items[i], g);
	if (g->had_cgroup)
		add_claim(j, "cgroup", "cgroup2", "rmdir", "its name is gone", g->cgroup);
	jsonw_close_array(j);
	jsonw_open_array(j, "notCovered");
	jsonw_string(j, NULL, "host-page-cache-of-sources");
	jsonw_string(j, NULL, "copies-outside-sandrun");
	jsonw_string(j, NULL, g->swaps ? "swap: this machine has some" : "memory-cells: nothing overwrites what the kernel frees");
	jsonw_close_array(j);
	jsonw_close(j);
}

void certify_executor(struct sr_jsonw *j, const char *key)
{
	struct utsname u;

	jsonw_open(j, key);
	jsonw_null(j, "digest"); /* a program that digests itself proves nothing; see notClaimed */
	jsonw_string(j, "name", "sandrun");
	jsonw_open(j, "version");
	jsonw_string(j, "kernel", uname(&u) == 0 ? u.release : "unknown");
	jsonw_string(j, "libsodium", sodium_version_string());
	jsonw_string(j, "sandrun", SR_VERSION);
	jsonw_close(j);
	jsonw_close(j);
}

void certify_not_claimed(struct sr_jsonw *j, const char *key, const struct sr_certify_facts *f)
{
	static const char *const texts[] = {
		"that the operator did not change sandrun, the kernel or this record: every fact here is the operator's word",
		"that nobody else signed: any process of the same user can use the identity key and turn the counter back",
		"that wall-clock times are right",
		"that no other copy of inputs or outputs exists",
		"that usage is more than a lower bound where its source says so",
	};

	jsonw_open_array(j, key);
	for (size_t i = 0; i < SR_ELEMENTSOF(texts); i++)
		jsonw_string(j, NULL, texts[i]);
	if (policy_is_private(f->policy))
		jsonw_string(j, NULL, "that nothing of private data shows in exit status, times or memory used");
	if (f->env->kind == SR_ENVIRONMENT_HOST)
		jsonw_string(j, NULL, "which programs the host's /usr held");
	if (f->env->layers.count && f->env->layers.items[0].digest[0])
		jsonw_string(j, NULL, "that the image's files were those of its digest: a run does not read them all, `sandrun environment digest` does");
	jsonw_close_array(j);
}
