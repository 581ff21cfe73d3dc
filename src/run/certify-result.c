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

static json_t *namespaces(struct sr_json *j, const struct sr_observed *seen)
{
	json_t *o = json_object();

	/* installed: clone3(2) took the flags and returned a process; each of them is refused or given, clone(2) */
	json_put(j, o, "known", json_string(seen->namespaces_seen ? "observed" : "installed"));
	for (unsigned i = 0; i < SR_NS_MAX; i++)
		json_put(j, o, observe_namespace_name((enum sr_namespace)i), json_true());
	return o;
}

static json_t *id_map(const struct sr_certify_facts *f)
{
	const struct sr_observed *seen = &f->run->observed;
	char uid[48], gid[48];

	if (seen->uid_map[0] && seen->gid_map[0])
		return json_pack("{s:s, s:s, s:s}", "gid", seen->gid_map, "known", "observed", "uid", seen->uid_map);
	(void)snprintf(uid, sizeof(uid), "%d %u 1", SR_INNER_UID, (unsigned)f->box->plan.outer_uid);
	(void)snprintf(gid, sizeof(gid), "%d %u 1", SR_INNER_GID, (unsigned)f->box->plan.outer_gid);
	return json_pack("{s:s, s:s, s:s}", "gid", gid, "known", "installed", "uid", uid);
}

static json_t *capabilities(const struct sr_observed *seen)
{
	static const char none[] = "0000000000000000";
	const bool known = seen->status_seen; /* else the child's capget(2), read back before the payload existed */

	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "ambient", known ? seen->cap_amb : none, "bounding", known ? seen->cap_bnd : none,
			 "effective", known ? seen->cap_eff : none, "inheritable", known ? seen->cap_inh : none, "known",
			 known ? "observed" : "installed", "permitted", known ? seen->cap_prm : none);
}

static json_t *seccomp(const struct sr_certify_facts *f)
{
	const struct sr_observed *seen = &f->run->observed;
	const struct sr_plan *p = &f->box->plan;
	const struct sr_bpf *filter = f->box->counted && p->counted_filter.count ? &p->counted_filter : &p->filter;
	char hex[SR_DIGEST_HEX];

	digest_hex(filter->insns, filter->count * sizeof(*filter->insns), hex);
	return json_pack("{s:s, s:i, s:{s:o, s:s, s:i, s:s}}", "known", seen->payload_seen ? "observed" : "installed", "mode",
			 seen->payload_seen ? seen->seccomp : 2, "filter", "digest", json_digest(false, hex), "arch", ARCH,
			 "instructions", (int)filter->count, "known", "installed");
}

/* The ruleset as it was handed to the kernel: handled rights, scopes, and each rule's path and rights, a line each. */
static json_t *landlock(const struct sr_certify_facts *f)
{
	const struct sr_plan *p = &f->box->plan;
	char line[96], hex[SR_DIGEST_HEX];
	struct sr_digest d;

	if (p->landlock_abi < 1)
		return json_pack("{s:s, s:i, s:s}", "known", "absent", "abi", 0, "reason", "this kernel has none that serves");
	digest_init(&d);
	digest_update(&d, line, (size_t)snprintf(line, sizeof(line), "handled %llx scoped %llx\n", (unsigned long long)p->landlock_fs,
						 (unsigned long long)p->landlock_scoped));
	for (size_t i = 0; i < p->rule_count; i++) {
		digest_update(&d, line, (size_t)snprintf(line, sizeof(line), "%llx ", (unsigned long long)p->rules[i].access));
		digest_update(&d, p->rules[i].path, strlen(p->rules[i].path));
		digest_update(&d, "\n", 1);
	}
	digest_final_hex(&d, hex);
	return json_pack("{s:s, s:i, s:o}", "known", p->landlock_scoped ? "probed" : "installed", "abi", p->landlock_abi, "rulesetDigest",
			 json_digest(false, hex));
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

static json_t *limit_item(struct sr_json *j, const struct sr_certify_facts *f, size_t row)
{
	const enum sr_limit_id id = held[row].id;
	const uint64_t asked = policy_limit(f->policy, id);
	const bool cgroup = held[row].controller && f->cgroup->dir_fd >= 0 &&
			    (f->cgroup->controllers & held[row].controller) == held[row].controller;
	const char *mechanism = held[row].fallback, *known = "installed", *reason = why_not(f, id);
	json_t *o = json_object(), *enforced = NULL;
	char text[64];

	if (cgroup) {
		(void)snprintf(text, sizeof(text), "cgroup2:%s", held[row].file);
		mechanism = text;
		known = "observed"; /* each was read back after it was written (set_number() in cgroup.c) */
		enforced = json_limit(id, asked);
	} else if (mechanism && !reason) {
		enforced = json_limit(id, by_rlimit(&f->box->plan, id, held[row].resource, asked));
		if (held[row].controller)
			reason = "no cgroup v2 controller";
	} else {
		enforced = json_null();
		known = "absent";
		reason = reason ? reason : "no cgroup v2 controller";
	}
	json_put(j, o, "enforced", enforced);
	json_put(j, o, "known", json_string(known));
	json_put(j, o, "mechanism", json_string(mechanism ? mechanism : "none"));
	json_put(j, o, "name", json_string(limit_name(id)));
	json_put(j, o, "requested", json_limit(id, asked));
	if (reason)
		json_put(j, o, "reason", json_string(reason));
	return o;
}

json_t *certify_enforced(struct sr_json *j, const struct sr_certify_facts *f)
{
	json_t *o, *limits;

	if (!f->started)
		return json_null(); /* nothing untrusted ran: what stood is of no account */
	o = json_object();
	limits = json_array();
	json_put(j, o, "namespaces", namespaces(j, &f->run->observed));
	json_put(j, o, "idMap", id_map(f));
	json_put(j, o, "noNewPrivs", json_pack("{s:s, s:b}", "known", f->run->observed.status_seen ? "observed" : "installed", "value",
					       f->run->observed.status_seen ? f->run->observed.no_new_privs : 1));
	json_put(j, o, "capabilities", capabilities(&f->run->observed));
	json_put(j, o, "seccomp", seccomp(f));
	json_put(j, o, "landlock", landlock(f));
	for (size_t i = 0; i < SR_ELEMENTSOF(held); i++) {
		if (policy_limit(f->policy, held[i].id) != SR_UNLIMITED)
			json_add(j, limits, limit_item(j, f, i));
	}
	json_put(j, o, "limits", limits);
	return o;
}

/* ---- result ---------------------------------------------------------------------------------------------------------- */

/* Children of a parent that ignores SIGCHLD are waited for by nobody, and their time is in no rusage: say what it is. */
static const char *cpu_source(const struct sr_outcome *o)
{
	return strcmp(o->cpu_source, "rusage") == 0 ? "rusage-of-waited-children-lower-bound" : o->cpu_source;
}

static json_t *usage(const struct sr_outcome *o)
{
	return json_pack("{s:o, s:o, s:I, s:{s:s, s:s, s:s}, s:o}", "cpuSystemNs", json_decimal(o->system_us * 1000), "cpuUserNs",
			 json_decimal(o->user_us * 1000), "memoryPeakBytes", (json_int_t)o->memory_peak_bytes, "source", "cpu",
			 cpu_source(o), "memory", o->memory_source, "wall", "clock-monotonic", "wallNs", json_decimal(o->wall_ns));
}

/* Of what is private the size stays out: it can tell "yes" from "no". */
static void put_size(struct sr_json *j, json_t *o, bool is_private, uint64_t bytes)
{
	if (!is_private)
		json_put(j, o, "bytes", json_integer((json_int_t)bytes));
}

static json_t *streams(struct sr_json *j, const struct sr_outcome *o)
{
	const struct sr_stream_result *const both[] = { &o->out, &o->err };
	json_t *all = json_object();

	for (size_t i = 0; i < SR_ELEMENTSOF(both); i++) {
		json_t *s = both[i]->present ? json_pack("{s:b}", "truncated", both[i]->truncated) : NULL;

		if (!both[i]->present)
			continue;
		put_size(j, s, both[i]->is_private, both[i]->bytes);
		json_put(j, all, both[i]->role, s);
	}
	return all;
}

static json_t *standard_input(struct sr_json *j, const struct sr_stream_result *in)
{
	json_t *o;

	if (!in->present)
		return json_null();
	o = json_pack("{s:o}", "digest", json_digest(in->is_private, in->hex));
	put_size(j, o, in->is_private, in->bytes);
	return o;
}

static json_t *outputs(struct sr_json *j, const struct sr_certify_facts *f)
{
	json_t *o = json_pack("{s:I}", "files", (json_int_t)f->collected->count);

	put_size(j, o, f->policy->private_outputs, f->collected->bytes);
	return o;
}

static void add_subject(struct sr_json *j, json_t *subjects, json_t *name, json_t *digest)
{
	json_add(j, subjects, json_pack("{s:o, s:o}", "digest", digest, "name", name));
}

void certify_subjects(struct sr_json *j, json_t *subjects, const struct sr_certify_facts *f)
{
	const struct sr_outcome *o = &f->run->outcome;

	if (!f->ran)
		return;
	if (o->out.present)
		add_subject(j, subjects, json_string(o->out.role), json_digest(o->out.is_private, o->out.hex));
	if (o->err.present)
		add_subject(j, subjects, json_string(o->err.role), json_digest(o->err.is_private, o->err.hex));
	for (size_t i = 0; i < f->collected->count; i++) {
		const struct sr_collected_item *item = &f->collected->items[i];

		add_subject(j, subjects, json_name("out/", item->name), json_digest(item->is_private, item->hex));
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

static json_t *limit_hit(const struct sr_outcome *o)
{
	static const char *const words[] = {
		[SR_HIT_WALL] = "wall-time", [SR_HIT_CPU] = "cpu-time", [SR_HIT_MEMORY] = "memory",
		[SR_HIT_HOST_MEMORY] = "host-memory", [SR_HIT_OUTPUT] = "output",
	};

	return o->hit == SR_HIT_NONE ? json_null() : json_string(words[o->hit]);
}

json_t *certify_result(struct sr_json *j, const struct sr_certify *c, const struct sr_certify_facts *f, int status)
{
	const struct sr_outcome none = { .hit = SR_HIT_NONE };
	const struct sr_outcome *o = f->ran ? &f->run->outcome : &none;
	int64_t started = c->issued_s + (f->started ? (int64_t)((f->run->outcome.executed_ns - c->issued_ns) / 1000000000ULL) : 0);
	uint64_t now_ns = run_now();
	json_t *r = json_object();

	json_put(j, r, "outcome", json_string(outcome_word(f)));
	json_put(j, r, "status", json_integer(status));
	json_put(j, r, "exitCode", f->ran && o->kind == SR_OUTCOME_EXITED ? json_integer(o->exit_code) : json_null());
	json_put(j, r, "signal", f->ran && o->signal ? json_integer(o->signal) : json_null());
	json_put(j, r, "limitHit", limit_hit(o));
	json_put(j, r, "startedAt", f->started ? json_time(started) : json_null());
	/* by the monotonic clock: a wall clock that was set back meanwhile must not make an end before the start */
	json_put(j, r, "finishedAt", json_time(c->issued_s + (int64_t)((now_ns - c->issued_ns) / 1000000000ULL)));
	json_put(j, r, "error", f->error->code == SR_E_NONE ? json_null() :
							      json_pack("{s:s, s:s}", "code", sr_error_code_name(f->error->code), "stage",
									f->error->stage));
	json_put(j, r, "stdin", standard_input(j, &o->in));
	json_put(j, r, "streams", streams(j, o));
	json_put(j, r, "outputs", outputs(j, f));
	json_put(j, r, "usage", f->ran ? usage(o) : json_null());
	return r;
}

/* ---- destruction ----------------------------------------------------------------------------------------------------- */

static void add_claim(struct sr_json *j, json_t *claims, const char *target, const char *storage, const char *method,
		      const char *checked, bool performed)
{
	json_add(j, claims, json_pack("{s:s, s:s, s:b, s:s, s:s}", "checked", checked, "method", method, "performed", performed, "storage",
				      storage, "target", target));
}

static void add_private_input(struct sr_json *j, json_t *claims, const struct sr_snapshot_item *item,
			      const struct sr_certify_gone *g)
{
	char shown[SR_COMMITMENT_NAME_MAX];
	char *target;

	if (!item->is_private)
		return;
	target = str_format("input:%s", commitment_name(item->name, shown));
	add_claim(j, claims, target ? target : "", "tmpfs of the sandbox, buffers of sandrun's that were wiped",
		  "mount-namespace-teardown", "no process of the namespace lives; the last descriptor of /work is closed (EBADF)",
		  target && g->processes && g->work_fd);
	free(target);
}

json_t *certify_destruction(struct sr_json *j, const struct sr_certify_facts *f, const struct sr_certify_gone *g)
{
	json_t *claims = json_array(), *not_covered = json_array();

	if (g->had_process) {
		add_claim(j, claims, "processes", "pid-namespace", "SIGKILL to PID 1's children, then its end",
			  "PID 1 was waited for; the kernel ends every process of a PID namespace with it", g->processes);
		add_claim(j, claims, "sandbox-mounts", "tmpfs", "mount-namespace-teardown",
			  g->had_work ? "no process of the namespace lives; the last descriptor of /work is closed (EBADF)" :
					"no process of the namespace lives; no descriptor of it was ever held outside",
			  g->processes && g->work_fd);
		add_claim(j, claims, "control-descriptors", "socket, pipes", "close", "fcntl(F_GETFD) answers EBADF", g->control);
	}
	for (size_t i = 0; g->had_process && i < f->snapshot->count; i++)
		add_private_input(j, claims, &f->snapshot->items[i], g);
	if (g->had_cgroup)
		add_claim(j, claims, "cgroup", "cgroup2", "rmdir", "its name is gone", g->cgroup);
	json_add(j, not_covered, json_string("host-page-cache-of-sources"));
	json_add(j, not_covered, json_string("copies-outside-sandrun"));
	json_add(j, not_covered, json_string(g->swaps ? "swap: this machine has some" : "memory-cells: nothing overwrites what the kernel frees"));
	return json_pack("{s:o, s:o}", "claims", claims, "notCovered", not_covered);
}

json_t *certify_executor(struct sr_json *j)
{
	json_t *o = json_object();
	struct utsname u;

	json_put(j, o, "name", json_string("sandrun"));
	json_put(j, o, "digest", json_null()); /* a program that digests itself proves nothing; see notClaimed */
	json_put(j, o, "version", json_pack("{s:s, s:s, s:s}", "kernel", uname(&u) == 0 ? u.release : "unknown", "libsodium",
					    sodium_version_string(), "sandrun", SR_VERSION));
	return o;
}

json_t *certify_not_claimed(struct sr_json *j, const struct sr_certify_facts *f)
{
	static const char *const texts[] = {
		"that the operator did not change sandrun, the kernel or this record: every fact here is the operator's word",
		"that nobody else signed: any process of the same user can use the identity key and turn the counter back",
		"that wall-clock times are right",
		"that no other copy of inputs or outputs exists",
		"that usage is more than a lower bound where its source says so",
	};
	json_t *all = json_array();

	for (size_t i = 0; i < SR_ELEMENTSOF(texts); i++)
		json_add(j, all, json_string(texts[i]));
	if (policy_is_private(f->policy))
		json_add(j, all, json_string("that nothing of private data shows in exit status, times or memory used"));
	if (f->env->kind == SR_ENVIRONMENT_HOST)
		json_add(j, all, json_string("which programs the host's /usr held"));
	return all;
}
