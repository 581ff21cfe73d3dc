/* SPDX-License-Identifier: MIT */
/*
 * The default filter against one that libseccomp generates from the same rules, written down here a second time. A kernel
 * with two filters takes the stricter answer; so does this: one libseccomp filter allows calls by name and answers
 * ENOSYS to others, the second allows everything but what the argument rules and the deny lists refuse.
 */
#include <errno.h>
#include <limits.h>
#include <linux/audit.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../lib/bpf-sim.h"
#include "../tap.h"
#include "base/macros.h"
#include "plan/filter-build.h"

#define INSNS_MAX 8192
#define LOW 0xffffffffULL
#define HIGH 0x100000000ULL
#define FAMILIES 64

struct program {
	struct sock_filter insns[INSNS_MAX];
	size_t count;
};

static const uint32_t tokens[SR_ARCH_MAX] = { SCMP_ARCH_X86_64, SCMP_ARCH_AARCH64 };
static const char *const arch_names[SR_ARCH_MAX] = { "x86_64", "aarch64" };
static const uint32_t audit_archs[SR_ARCH_MAX] = { AUDIT_ARCH_X86_64, AUDIT_ARCH_AARCH64 };

/* --- the rules a second time ---------------------------------------------------------------------------------------- */

static const char *const refused[] = {
	"mount", "umount2", "pivot_root", "chroot", "open_tree", "move_mount", "fsopen", "fsconfig", "fsmount", "fspick",
	"mount_setattr", "name_to_handle_at", "open_by_handle_at", "unshare", "setns", "bpf", "perf_event_open",
	"userfaultfd", "keyctl", "add_key", "request_key", "fanotify_init", "fanotify_mark", "syslog", "lookup_dcookie",
	"modify_ldt", "iopl", "ioperm", "kexec_load", "kexec_file_load", "init_module", "finit_module", "delete_module",
	"reboot", "swapon", "swapoff", "acct", "quotactl", "quotactl_fd", "settimeofday", "clock_settime", "adjtimex",
	"clock_adjtime", "sethostname", "setdomainname", "vhangup", "ptrace", "process_vm_readv", "process_vm_writev",
	"pidfd_getfd", "kcmp", "process_madvise", "process_mrelease",
	"open_tree_attr",
};

static bool is_refused(const char *name)
{
	for (size_t i = 0; i < SR_ELEMENTSOF(refused); i++) {
		if (strcmp(refused[i], name) == 0)
			return true;
	}
	return false;
}

/* Calls of our default profile, taken from the program itself: names are not what this test is about. */
static bool is_allowed(const struct sr_compiled_filter *ours, enum sr_arch arch, int nr)
{
	struct seccomp_data data = { .nr = nr, .arch = audit_archs[arch] };
	struct bpf_sim sim;

	if (!bpf_sim_run(ours->insns, ours->count, &data, &sim))
		return false;
	return sim.read_args || sim.action == SECCOMP_RET_ALLOW || sim.action == SECCOMP_RET_ERRNO;
}

#define ABSENT INT_MIN

static int failures; /* of libseccomp calls */

static void add_array(scmp_filter_ctx ctx, uint32_t action, int nr, unsigned int count, const struct scmp_arg_cmp *conds)
{
	int r;

	if (nr == ABSENT)
		return;
	r = seccomp_rule_add_exact_array(ctx, action, nr, count, conds);
	if (r < 0) {
		tap_note("libseccomp takes no rule for call %d: %s", nr, strerror(-r));
		failures++;
	}
}

static void add(scmp_filter_ctx ctx, uint32_t action, int nr, unsigned int count, struct scmp_arg_cmp a,
		struct scmp_arg_cmp b)
{
	add_array(ctx, action, nr, count, (struct scmp_arg_cmp[]){ a, b });
}

#define EQ(n, v) SCMP_CMP64(n, SCMP_CMP_MASKED_EQ, LOW, (v))
#define MASK(n, m, v) SCMP_CMP64(n, SCMP_CMP_MASKED_EQ, (m), (v))
#define NOT_ZERO(n) SCMP_CMP64(n, SCMP_CMP_NE, 0)
#define NONE ((struct scmp_arg_cmp){ 0 })

static enum sr_arch target;

/*
 * libseccomp takes the numbers of this machine, made-up negative ones where it has no such call, and translates. ABSENT: the
 * target has no such call, or libseccomp is too old to know it.
 */
static int number(const char *name)
{
	int id = syscalls_find(name), nr = seccomp_syscall_resolve_name(name);

	if (sr_syscall_numbers.number[target][id] < 0)
		return ABSENT;
	return nr == __NR_SCMP_ERROR ? ABSENT : nr;
}

/* The refusals of a family of the internet's: types one by one, protocols below 32 one by one, others by each bit above. */
static void add_inet(scmp_filter_ctx ctx, const char *call, uint64_t family)
{
	uint32_t refuse = SCMP_ACT_ERRNO(EPROTONOSUPPORT);

	for (uint64_t type = 0; type < 16; type++) {
		if (type != 1 && type != 2)
			add(ctx, refuse, number(call), 2, EQ(0, family), MASK(1, 15, type));
	}
	for (int bit = 5; bit < 32; bit++)
		add(ctx, refuse, number(call), 2, EQ(0, family), MASK(2, 1ULL << bit, 1ULL << bit));
	for (uint64_t type = 1; type <= 2; type++) {
		for (uint64_t p = 1; p < 32; p++) {
			struct scmp_arg_cmp conds[] = { EQ(0, family), MASK(1, 15, type), EQ(2, p) };

			if (p != (type == 1 ? 6 : 17))
				add_array(ctx, refuse, number(call), 3, conds);
		}
	}
}

static void add_pid_one(scmp_filter_ctx ctx)
{
	static const char *const calls[] = { "sched_setscheduler", "sched_setparam", "sched_setattr", "sched_setaffinity" };
	uint32_t eperm = SCMP_ACT_ERRNO(EPERM);

	for (size_t i = 0; i < SR_ELEMENTSOF(calls); i++)
		add(ctx, eperm, number(calls[i]), 1, EQ(0, 1), NONE);
	add(ctx, eperm, number("setpriority"), 2, EQ(0, 0), EQ(1, 1));
	add(ctx, eperm, number("setpriority"), 2, EQ(0, 1), EQ(1, 1));
	add(ctx, eperm, number("setpriority"), 1, EQ(0, 2), NONE);
	add(ctx, eperm, number("ioprio_set"), 2, EQ(0, 1), EQ(1, 1));
	add(ctx, eperm, number("ioprio_set"), 2, EQ(0, 2), EQ(1, 1));
	add(ctx, eperm, number("ioprio_set"), 1, EQ(0, 3), NONE);
}

/* Sizes above 64 KiB: 64 KiB with any of the bits below, or any of the bits above. */
static void add_pipe_sizes(scmp_filter_ctx ctx)
{
	for (int bit = 0; bit < 32; bit++) {
		uint64_t bits = (1ULL << bit) | (bit < 16 ? 0x10000 : 0);

		if (bit != 16)
			add(ctx, SCMP_ACT_ERRNO(EPERM), number("fcntl"), 2, EQ(1, 1031), MASK(2, bits, bits));
	}
}

static void add_args(scmp_filter_ctx ctx)
{
	static const uint64_t flags[] = { 0x00020000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000 };
	static const uint64_t requests[] = { 0x5412, 0x541c, 0x541d, 0x5423 };
	uint32_t eperm = SCMP_ACT_ERRNO(EPERM);

	for (size_t i = 0; i < SR_ELEMENTSOF(flags); i++)
		add(ctx, eperm, number("clone"), 1, MASK(0, flags[i], flags[i]), NONE);
	for (size_t i = 0; i < SR_ELEMENTSOF(requests); i++)
		add(ctx, eperm, number("ioctl"), 1, EQ(1, requests[i]), NONE);
	add(ctx, eperm, number("ioctl"), 1, MASK(1, 0xffffff00ULL, 0x4b00), NONE);
	add(ctx, eperm, number("ioctl"), 1, MASK(1, 0xffffff00ULL, 0x5600), NONE);
	add(ctx, eperm, number("setrlimit"), 1, EQ(0, 4), NONE);
	add(ctx, eperm, number("prlimit64"), 2, EQ(1, 4), NOT_ZERO(2));
	add(ctx, eperm, number("prlimit64"), 2, EQ(0, 1), NOT_ZERO(2));
	add_pipe_sizes(ctx);
	add(ctx, eperm, number("mknod"), 1, MASK(1, 0x2000, 0x2000), NONE);
	add(ctx, eperm, number("mknodat"), 1, MASK(2, 0x2000, 0x2000), NONE);
	add(ctx, eperm, number("prctl"), 1, EQ(0, 35), NONE);
	add(ctx, SCMP_ACT_ERRNO(EINVAL), number("prctl"), 1, EQ(0, 67), NONE);
	add(ctx, SCMP_ACT_ERRNO(EINVAL), number("madvise"), 1, EQ(2, 12), NONE);
	for (uint64_t family = 0; family < FAMILIES; family++) {
		if (family == 1 || family == 2 || family == 10)
			continue;
		add(ctx, SCMP_ACT_ERRNO(EAFNOSUPPORT), number("socket"), 1, EQ(0, family), NONE);
		add(ctx, SCMP_ACT_ERRNO(EAFNOSUPPORT), number("socketpair"), 1, EQ(0, family), NONE);
	}
	for (uint64_t family = 2; family <= 10; family += 8) {
		add_inet(ctx, "socket", family);
		add_inet(ctx, "socketpair", family);
	}
	add_pid_one(ctx);
	add(ctx, SCMP_ACT_ERRNO(ENOPKG), number("pipe2"), 1, MASK(1, 0x80, 0x80), NONE);
	add(ctx, SCMP_ACT_ERRNO(0), number("sync"), 0, NONE, NONE);
	add(ctx, SCMP_ACT_ERRNO(0), number("syncfs"), 0, NONE, NONE);
}

/* --- libseccomp's programs ------------------------------------------------------------------------------------------ */

static scmp_filter_ctx new_filter(uint32_t action, enum sr_arch arch)
{
	scmp_filter_ctx ctx = seccomp_init(action);

	if (!ctx)
		return NULL;
	target = arch;
	if (tokens[arch] != seccomp_arch_native()) {
		failures += seccomp_arch_add(ctx, tokens[arch]) != 0;
		failures += seccomp_arch_remove(ctx, seccomp_arch_native()) != 0;
	}
	failures += seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS) != 0;
	return ctx;
}

/* Through a memfd: libseccomp 2.5 exports to descriptors only. */
static bool export(scmp_filter_ctx ctx, struct program *p)
{
	int fd = memfd_create("filter", MFD_CLOEXEC);
	ssize_t n;
	bool good = fd >= 0 && seccomp_export_bpf(ctx, fd) == 0 && lseek(fd, 0, SEEK_SET) == 0;

	n = good ? read(fd, p->insns, sizeof(p->insns)) : -1;
	if (fd >= 0)
		(void)close(fd);
	seccomp_release(ctx);
	p->count = n > 0 ? (size_t)n / sizeof(p->insns[0]) : 0;
	return p->count > 0 && p->count < INSNS_MAX;
}

static bool build_names(const struct sr_compiled_filter *ours, enum sr_arch arch, struct program *p)
{
	scmp_filter_ctx ctx = new_filter(SCMP_ACT_ERRNO(ENOSYS), arch);

	for (int i = 0; ctx && i < SR_SYSCALL_MAX; i++) {
		const char *name = sr_syscalls[i].name;

		if (is_refused(name))
			add(ctx, SCMP_ACT_ERRNO(EPERM), number(name), 0, NONE, NONE);
		else if (is_allowed(ours, arch, sr_syscall_numbers.number[arch][i]))
			add(ctx, SCMP_ACT_ALLOW, number(name), 0, NONE, NONE);
	}
	return ctx && export(ctx, p);
}

static bool build_args(enum sr_arch arch, struct program *p)
{
	scmp_filter_ctx ctx = new_filter(SCMP_ACT_ALLOW, arch);

	if (ctx)
		add_args(ctx);
	return ctx && export(ctx, p);
}

/* The kernel's order of actions: as a signed number, the smaller one is stricter. */
static uint32_t stricter(uint32_t a, uint32_t b)
{
	return (int32_t)(a & SECCOMP_RET_ACTION_FULL) <= (int32_t)(b & SECCOMP_RET_ACTION_FULL) ? a : b;
}

/* --- comparing ------------------------------------------------------------------------------------------------------ */

struct oracle {
	struct program names, args;
	const struct sr_compiled_filter *ours;
	enum sr_arch arch;
	size_t compared;
};

static bool same(struct oracle *o, const struct seccomp_data *data)
{
	struct bpf_sim ours, names, args;
	uint32_t want;

	o->compared++;
	if (!bpf_sim_run(o->ours->insns, o->ours->count, data, &ours) ||
	    !bpf_sim_run(o->names.insns, o->names.count, data, &names) ||
	    !bpf_sim_run(o->args.insns, o->args.count, data, &args))
		return false;
	want = stricter(names.action, args.action);
	if (want == ours.action)
		return true;
	tap_note("call %#x arch %#x (%#llx, %#llx, %#llx): ours %s, libseccomp %s", (unsigned int)data->nr, data->arch,
		 (unsigned long long)data->args[0], (unsigned long long)data->args[1], (unsigned long long)data->args[2],
		 bpf_sim_action_name(ours.action), bpf_sim_action_name(want));
	return false;
}

/*
 * Not compared: calls whose rule is "only these values" (libseccomp's second filter would need all others) and those that
 * libseccomp does not know. test-filter.c has them.
 */
static bool is_left_out(const char *name)
{
	return strcmp(name, "personality") == 0 || strcmp(name, "arch_prctl") == 0 ||
	       seccomp_syscall_resolve_name(name) == __NR_SCMP_ERROR;
}

static bool is_left_out_number(enum sr_arch arch, int nr)
{
	for (int i = 0; i < SR_SYSCALL_MAX; i++) {
		if (sr_syscall_numbers.number[arch][i] == nr)
			return is_left_out(sr_syscalls[i].name);
	}
	return false;
}

static bool is_family(const char *name)
{
	return strcmp(name, "socket") == 0 || strcmp(name, "socketpair") == 0;
}

static bool same_args(struct oracle *o, int nr, const char *name)
{
	static const uint64_t values[] = { 0,	    1,	    2,	    3,	    4,	    7,	    0x80,       10,	    16,	     35,      1030,	1031,
					   0x2000,  0x6000, 0x8000, 0x1000, 0x4b4e, 0x4c00, 0x5411,  0x5412,  0x541c,	0x5423,
					   0x56ff,  0x20000, 0x1200011, 0x10000000, 0x20000000, 0x40000000, 0x80000000, 0xfffffffe,
					   0xffff,  0x10000, 0x10001, 12,	   67 };
	static const uint64_t tops[] = { 0, HIGH, HIGH << 5, HIGH << 31, 0xffffffff00000000ULL };
	struct seccomp_data data = { .nr = nr, .arch = audit_archs[o->arch] };
	bool good = true;

	for (size_t i = 0; i < SR_ELEMENTSOF(values) * SR_ELEMENTSOF(tops); i++) {
		for (size_t k = 0; k < SR_ELEMENTSOF(values) * SR_ELEMENTSOF(tops); k += 3) {
			data.args[0] = values[i / SR_ELEMENTSOF(tops)] | tops[i % SR_ELEMENTSOF(tops)];
			data.args[1] = values[k / SR_ELEMENTSOF(tops)] | tops[k % SR_ELEMENTSOF(tops)];
			data.args[2] = values[(i + k) % SR_ELEMENTSOF(values)] | tops[(i / 3 + k) % SR_ELEMENTSOF(tops)];
			if (is_family(name))
				data.args[0] = (data.args[0] & ~LOW) | (data.args[0] % FAMILIES);
			good = good && same(o, &data);
		}
	}
	return good;
}

static bool same_calls(struct oracle *o)
{
	bool good = true;

	for (int i = 0; i < SR_SYSCALL_MAX; i++) {
		int nr = sr_syscall_numbers.number[o->arch][i];

		if (nr >= 0 && !is_left_out(sr_syscalls[i].name))
			good = same_args(o, nr, sr_syscalls[i].name) && good;
	}
	return good;
}

/* Every type of four families, every protocol that has a number, each with more bits besides. */
static bool same_sockets(struct oracle *o, const char *call)
{
	static const uint64_t families[] = { 1, 2, 10, 16 }, tops[] = { 0, HIGH << 4, 0xffffffff00000000ULL };
	static const uint64_t flags[] = { 0, 0x80800, 0xfffffff0 };
	struct seccomp_data data = { .nr = sr_syscall_numbers.number[o->arch][syscalls_find(call)],
				     .arch = audit_archs[o->arch] };
	bool good = true;

	for (size_t i = 0; i < SR_ELEMENTSOF(families) * 16; i++) {
		for (uint64_t protocol = 0; protocol < 512; protocol++) {
			uint64_t p = protocol < 288 ? protocol : (protocol & 31) | (1ULL << (protocol >> 5) << 16);

			for (size_t t = 0; t < SR_ELEMENTSOF(tops); t++) {
				data.args[0] = families[i / 16] | tops[t];
				data.args[1] = (i % 16) | flags[(protocol + t) % 3] | tops[protocol % 3];
				data.args[2] = p | tops[(t + i) % 3];
				good = good && same(o, &data);
			}
		}
	}
	return good;
}

/* Numbers that are no call, x32, -1, and other architectures. */
static bool same_numbers(struct oracle *o)
{
	static const uint32_t archs[] = { AUDIT_ARCH_X86_64, AUDIT_ARCH_AARCH64, AUDIT_ARCH_I386, AUDIT_ARCH_ARM,
					  AUDIT_ARCH_RISCV64, 0 };
	static const uint32_t bases[] = { 0, 0x40000000, 0xfffffc00 }; /* libseccomp takes bit 31 for x32 too */
	bool good = true;

	for (size_t a = 0; a < SR_ELEMENTSOF(archs); a++) {
		for (size_t b = 0; b < SR_ELEMENTSOF(bases); b++) {
			for (uint32_t n = 0; n < 1024; n++) {
				struct seccomp_data data = { .nr = (int)(bases[b] + n), .arch = archs[a], .args = { 1 } };

				if (!is_left_out_number(o->arch, data.nr))
					good = good && same(o, &data);
			}
		}
	}
	return good;
}

static void test_arch(const struct sr_compiled_profile *p, enum sr_arch arch)
{
	static struct oracle o;

	o.arch = arch;
	o.ours = &p->filter[arch][1];
	o.compared = 0;
	failures = 0;
	if (!OK(build_names(o.ours, arch, &o.names) && build_args(arch, &o.args) && failures == 0, "libseccomp's filters"))
		return;
	OK(same_calls(&o), "every call, with arguments on both sides of every rule");
	OK(same_sockets(&o, "socket") && same_sockets(&o, "socketpair"), "sockets of every type and protocol");
	OK(same_numbers(&o), "numbers that are no call, x32, other architectures");
	tap_note("%s: %zu answers compared; ours %u instructions, libseccomp's %zu + %zu", arch_names[arch], o.compared, o.ours->count,
		 o.names.count, o.args.count);
}

static const struct sr_compiled_profile *profile(const char *name)
{
	for (size_t i = 0; i < sr_compiled_profile_count; i++) {
		if (strcmp(sr_compiled_profiles[i].name, name) == 0)
			return &sr_compiled_profiles[i];
	}
	return NULL;
}

int main(void)
{
	const struct sr_compiled_profile *p = profile("default");

	if (!OK(p != NULL, "the default profile"))
		return tap_done();
	for (int a = 0; a < SR_ARCH_MAX; a++)
		test_arch(p, (enum sr_arch)a);
	return tap_done();
}
