/* SPDX-License-Identifier: MIT */
/*
 * The filters: the assembler, the golden tables of calls, a linear reference run against the generated programs (the
 * running kernel: test-filter-kernel.c; argument rules by hand: test-filter-args.c; libseccomp: test-filter-oracle.c).
 * With "--table PROFILE ARCH" it prints a golden table, with "--profiles" the names of all profiles (golden/regenerate).
 */
#include "plan/filter.h"

#include <errno.h>
#include <linux/audit.h>
#include <stdlib.h>
#include <sys/syscall.h>

#include "../../lib/bpf-sim.h"
#include "../tap.h"
#include "plan/bpf.h"
#include "plan/filter-build.h"

#define GOLDEN_MAX 600
#define NUMBERS_MAX 1100
#define HIGH 0x100000000ULL

static const char *const arch_names[SR_ARCH_MAX] = { "x86_64", "aarch64" };
static const uint32_t audit_archs[SR_ARCH_MAX] = { AUDIT_ARCH_X86_64, AUDIT_ARCH_AARCH64 };

struct args {
	uint64_t a[6];
};

static struct bpf_sim run(const struct sr_compiled_filter *f, uint32_t arch, uint32_t nr, const struct args *args)
{
	struct seccomp_data data = { .nr = (int)nr, .arch = arch };
	struct bpf_sim sim = { .action = 0xdeadbeef };

	if (args)
		memcpy(data.args, args->a, sizeof(data.args));
	if (!bpf_sim_run(f->insns, f->count, &data, &sim))
		sim.action = 0xdeadbeef;
	return sim;
}

/* --- the assembler ------------------------------------------------------------------------------------------------- */

/* n compares in a row, each of which goes to the first of two far returns when it holds. */
static bool chain_works(int n)
{
	struct bpf_program p = BPF_PROGRAM_INIT;
	struct sock_filter *insns = NULL;
	unsigned short count = 0;
	struct sr_compiled_filter f;
	int yes = bpf_label(&p), no = bpf_label(&p), far = bpf_label(&p);
	bool good;

	bpf_load(&p, 0);
	for (int i = 0; i < n; i++)
		bpf_jump(&p, BPF_JEQ, (uint32_t)i, i % 3 ? yes : far, i == n - 1 ? no : BPF_LABEL_NEXT);
	bpf_bind(&p, far); /* not a return: only a jump can stand in for it */
	bpf_load(&p, 4);
	bpf_jump(&p, BPF_JEQ, AUDIT_ARCH_X86_64, yes, no);
	bpf_bind(&p, yes);
	bpf_return(&p, 1);
	bpf_bind(&p, no);
	bpf_return(&p, 2);
	good = bpf_assemble(&p, &insns, &count) == 0 && bpf_sim_check(insns, count) == NULL;
	f = (struct sr_compiled_filter){ insns, count };
	for (int i = 0; good && i < n + 2; i++) {
		good = run(&f, AUDIT_ARCH_X86_64, (uint32_t)i, NULL).action == (i < n ? 1U : 2U) &&
		       run(&f, AUDIT_ARCH_AARCH64, (uint32_t)i, NULL).action == (i < n && i % 3 ? 1U : 2U);
	}
	free(insns);
	bpf_done(&p);
	return good;
}

static void test_assembler(void)
{
	static const int lengths[] = { 1, 2, 250, 251, 252, 253, 254, 255, 256, 257, 258, 300, 511, 512, 600, 2000, 4000 };
	struct bpf_program p = BPF_PROGRAM_INIT;
	struct sock_filter *insns = NULL;
	unsigned short count = 0;
	bool good = true;
	int label;

	for (size_t i = 0; i < SR_ELEMENTSOF(lengths); i++) {
		if (!chain_works(lengths[i])) {
			tap_note("a chain of %d compares is wrong", lengths[i]);
			good = false;
		}
	}
	OK(good, "jumps reach any distance");
	label = bpf_label(&p);
	bpf_bind(&p, label);
	bpf_load(&p, 0);
	bpf_jump(&p, BPF_JEQ, 0, label, BPF_LABEL_NEXT);
	bpf_return(&p, 0);
	IS_INT(bpf_assemble(&p, &insns, &count), -EINVAL, "a jump back is refused");
	bpf_done(&p);
	for (int i = 0; i < BPF_MAXINSNS + 1; i++)
		bpf_return(&p, 0);
	IS_INT(bpf_assemble(&p, &insns, &count), -E2BIG, "a program that is too long is refused");
	bpf_done(&p);
	IS_INT(bpf_assemble(&p, &insns, &count), -EINVAL, "an empty program is refused");
	OK(insns == NULL, "and nothing is handed out");
}

static uint64_t random_state = 0x5eed5eed5eedULL;

static uint32_t rnd(uint32_t below)
{
	random_state = random_state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(random_state >> 33) % below;
}

#define DRAFTS 1200

/* Compares that go 200 to 320 instructions on, both ways, around what a jump reaches; k tells which one it is. */
static void draft_far_jumps(struct bpf_program *p)
{
	int labels[DRAFTS];

	for (int i = 0; i < DRAFTS; i++)
		labels[i] = bpf_label(p);
	for (int i = 0; i < DRAFTS; i++) {
		int left = DRAFTS - 1 - i, t = 200 + (int)rnd(120), f = rnd(3) ? 200 + (int)rnd(120) : 1;

		bpf_bind(p, labels[i]);
		if (left < 320 || rnd(8) == 0)
			bpf_return(p, (uint32_t)i);
		else
			bpf_jump(p, BPF_JEQ, (uint32_t)i, labels[i + t], labels[i + f]);
	}
}

/* Follows a jump to the instruction it means, past a stand-in. */
static bool arrives(const struct sock_filter *insns, size_t from, uint8_t offset, uint32_t k)
{
	const struct sock_filter *to = &insns[from + 1 + offset];

	if (to->code == (BPF_JMP | BPF_JA))
		to += 1 + to->k;
	return to->code != (BPF_JMP | BPF_JA) && to->k == k;
}

static bool far_jumps_arrive(void)
{
	struct bpf_program p = BPF_PROGRAM_INIT;
	struct sock_filter *insns = NULL;
	unsigned short count = 0;
	bool good;

	draft_far_jumps(&p);
	good = bpf_assemble(&p, &insns, &count) == 0 && bpf_sim_check(insns, count) == NULL && count > DRAFTS;
	for (size_t i = 0; good && i < count; i++) {
		const struct bpf_insn_draft *d = &p.insns[insns[i].k < DRAFTS ? insns[i].k : 0];

		if (insns[i].code == (BPF_JMP | BPF_JEQ | BPF_K))
			good = arrives(insns, i, insns[i].jt, (uint32_t)p.labels[d->jt]) &&
			       arrives(insns, i, insns[i].jf, (uint32_t)p.labels[d->jf]);
	}
	free(insns);
	bpf_done(&p);
	return good;
}

static void test_far_jumps(void)
{
	bool good = true;

	for (int i = 0; good && i < 100; i++)
		good = far_jumps_arrive();
	OK(good, "100 programs full of jumps at the edge of their reach arrive");
}

static void test_simulator(void)
{
	static const struct sock_filter bad[][2] = {
		{ { BPF_LD | BPF_W | BPF_ABS, 0, 0, 64 }, { BPF_RET | BPF_K, 0, 0, 0 } },
		{ { BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0 }, { BPF_RET | BPF_K, 0, 0, 0 } },
		{ { BPF_JMP | BPF_JA, 0, 0, 1 }, { BPF_RET | BPF_K, 0, 0, 0 } },
		{ { BPF_RET | BPF_K, 0, 0, 0 }, { BPF_LD | BPF_W | BPF_ABS, 0, 0, 0 } },
		{ { BPF_ST, 0, 0, 0 }, { BPF_RET | BPF_K, 0, 0, 0 } },
	};

	for (size_t i = 0; i < SR_ELEMENTSOF(bad); i++)
		OK(bpf_sim_check(bad[i], 2) != NULL, "the checker finds a bad program");
}

/* --- golden tables ------------------------------------------------------------------------------------------------- */

static const char *name_of(enum sr_arch arch, int nr)
{
	for (int i = 0; i < SR_SYSCALL_MAX; i++) {
		if (sr_syscall_numbers.number[arch][i] == nr)
			return sr_syscalls[i].name;
	}
	return "-";
}

static const struct sr_compiled_profile *profile(const char *name)
{
	for (size_t i = 0; i < sr_compiled_profile_count; i++) {
		if (strcmp(sr_compiled_profiles[i].name, name) == 0)
			return &sr_compiled_profiles[i];
	}
	return NULL;
}

static const char *table_word(const struct sr_compiled_filter *f, enum sr_arch arch, int nr)
{
	struct bpf_sim sim = run(f, audit_archs[arch], (uint32_t)nr, NULL);

	return sim.read_args ? "args" : bpf_sim_action_name(sim.action);
}

/* Two answers where it counts that a memory cgroup is there. */
static void table_line(const struct sr_compiled_profile *p, enum sr_arch arch, int nr, char *line, size_t size)
{
	const char *counted = table_word(&p->filter[arch][1], arch, nr), *without = table_word(&p->filter[arch][0], arch, nr);
	bool differ = strcmp(counted, without) != 0;

	(void)snprintf(line, size, "%3d %-24s %s%s%s\n", nr, name_of(arch, nr), counted, differ ? ", without a memory cgroup " : "",
		       differ ? without : "");
}

static int print_table(const char *name, const char *arch_name)
{
	const struct sr_compiled_profile *p = profile(name);
	enum sr_arch arch = strcmp(arch_name, arch_names[0]) == 0 ? SR_ARCH_X86_64 : SR_ARCH_AARCH64;

	if (!p)
		return 1;
	for (int nr = 0; nr <= GOLDEN_MAX; nr++) {
		char line[96];

		table_line(p, arch, nr, line, sizeof(line));
		(void)fputs(line, stdout);
	}
	return 0;
}

static int print_profiles(void)
{
	for (size_t i = 0; i < sr_compiled_profile_count; i++)
		(void)puts(sr_compiled_profiles[i].name);
	return 0;
}

static bool same_as_golden(const struct sr_compiled_profile *p, enum sr_arch arch, FILE *golden)
{
	bool good = true;
	char want[96], got[96];
	int nr = 0;

	for (; fgets(want, sizeof(want), golden); nr++) {
		table_line(p, arch, nr, got, sizeof(got));
		if (strcmp(want, got) != 0) {
			tap_note("%.*s, expected %s", (int)strlen(got) - 1, got, want);
			good = false;
		}
	}
	return good && nr == GOLDEN_MAX + 1;
}

static FILE *open_golden(const char *name)
{
	const char *srcdir = getenv("srcdir");
	char path[4096];

	(void)snprintf(path, sizeof(path), "%s/tests/golden/%s", srcdir ? srcdir : ".", name);
	return fopen(path, "re");
}

/* golden/syscalls: a line "PROFILE TABLE" a profile, for profiles with the same calls share their tables. */
static bool find_table(const char *name, char table[static 32])
{
	FILE *list = open_golden("syscalls");
	char of[32];
	bool found = false;

	if (!list)
		return false;
	while (!found && fscanf(list, "%31s %31s", of, table) == 2)
		found = strcmp(of, name) == 0;
	(void)fclose(list);
	return found;
}

static void test_golden(const struct sr_compiled_profile *p)
{
	char table[32] = "none";

	OK(find_table(p->name, table), "golden/syscalls names the profile's tables");
	for (int a = 0; a < SR_ARCH_MAX; a++) {
		char file[96], name[160];
		FILE *golden;

		(void)snprintf(file, sizeof(file), "syscalls-%s-%s", table, arch_names[a]);
		(void)snprintf(name, sizeof(name), "%s has the golden table %s", p->name, file);
		golden = open_golden(file);
		OK(golden && same_as_golden(p, (enum sr_arch)a, golden), name);
		if (golden)
			(void)fclose(golden);
	}
}

/* --- the reference: verdicts, looked up one by one ------------------------------------------------------------------ */

static bool cond_holds(const struct sr_arg_cond *c, const struct args *args)
{
	uint32_t low = (uint32_t)args->a[c->arg];

	switch (c->kind) {
	case SR_COND_LOW_EQUAL:
		return low == c->value;
	case SR_COND_LOW_ANY:
		return (low & c->value) != 0;
	case SR_COND_LOW_MASKED:
		return (low & c->mask) == c->value;
	case SR_COND_LOW_ABOVE:
		return low > c->value;
	default:
		return args->a[c->arg] != 0;
	}
}

static uint32_t reference_rules(const struct sr_verdicts *v, const struct sr_arg_rules *rules, const struct args *args)
{
	for (size_t i = 0; i < rules->count; i++) {
		const struct sr_arg_rule *r = &rules->rules[i];
		bool all = r->when == SR_RULE_ALWAYS || (r->when == SR_RULE_WITH_INET && v->inet) ||
			   (r->when == SR_RULE_WITHOUT_WRITE_EXEC && !v->write_exec);

		for (size_t c = 0; c < r->cond_count; c++)
			all = all && cond_holds(&r->conds[c], args);
		if (all)
			return r->action;
	}
	return rules->otherwise;
}

static uint32_t reference(const struct sr_verdicts *v, enum sr_arch arch, uint32_t audit_arch, uint32_t nr,
			  const struct args *args)
{
	if (audit_arch != audit_archs[arch])
		return SECCOMP_RET_KILL_PROCESS;
	if (arch == SR_ARCH_X86_64 && (nr & 0x40000000U) && nr != UINT32_MAX)
		return SECCOMP_RET_KILL_PROCESS;
	for (int i = 0; i < SR_SYSCALL_MAX; i++) {
		int number = sr_syscall_numbers.number[arch][i];

		if (number < 0 || (uint32_t)number != nr)
			continue;
		return v->of[i].rules ? reference_rules(v, v->of[i].rules, args) : v->of[i].action;
	}
	return v->unknown;
}

/* Values on both sides of every rule, with and without something in the upper half. */
static uint64_t random_arg(void)
{
	static const uint32_t low[] = { 0,	    1,		2,	    3,		4,	    5,		10,	   16,
					17,	    35,		1030,	    1031,	1032,	    0x1000,	0x1003,	   0x1004,
					0x1005,	    0x1011,	0x1012,	    0x101f,	0x1020,	    0x1027,	0x1028,	   0x2000,
					0x2001,	    0x3001,	0x4b00,	    0x4bff,	0x4c00,	    0x4b4e,	0x4fff,	   0x5000,
					0x5007,	    0x5008,	0x5401,	    0x5412,	0x541c,	    0x541d,	0x5423,	   0x55ff,
					0x5600,	    0x56ff,	0x5700,	    0x6000,	0x8000,	    0x10000,	0x20000,   0x40000,
					0x2000000,  0x4000000,	0x8000000,  0x10000000, 0x20000000, 0x40000000, 0x7fffffff, 0x80000000,
					0xfffffffe, 0xffffffff, 0x01200011, 0x003d0f00, 6,	    7,		0x9000,	   0xffff,
					0x10001,    12,		67 };
	uint64_t value = low[rnd(SR_ELEMENTSOF(low))];

	switch (rnd(4)) {
	case 0:
		return value | HIGH;
	case 1:
		return value | 0xffffffff00000000ULL;
	case 2:
		return value ^ (1ULL << rnd(64));
	default:
		return value;
	}
}

static struct args random_args(void)
{
	struct args args;

	for (size_t i = 0; i < 6; i++)
		args.a[i] = random_arg();
	return args;
}

static bool agrees(const struct sr_compiled_filter *f, const struct sr_verdicts *v, enum sr_arch arch, uint32_t audit_arch,
		   uint32_t nr)
{
	struct args args = random_args();
	uint32_t want = reference(v, arch, audit_arch, nr, &args), got = run(f, audit_arch, nr, &args).action;

	if (want == got)
		return true;
	tap_note("%s arch %#x call %#x (%#llx, %#llx, %#llx): got %#x, expected %#x", arch_names[arch], audit_arch, nr,
		 (unsigned long long)args.a[0], (unsigned long long)args.a[1], (unsigned long long)args.a[2], got, want);
	return false;
}

/* All numbers, each `rounds` times with other arguments; x32, -1 and foreign architectures besides. */
static bool agrees_everywhere(const struct sr_compiled_filter *f, const struct sr_verdicts *v, enum sr_arch arch, int rounds)
{
	static const uint32_t foreign[] = { AUDIT_ARCH_I386, AUDIT_ARCH_ARM, AUDIT_ARCH_X86_64, AUDIT_ARCH_AARCH64, 0 };
	static const uint32_t bases[] = { 0, 0x40000000, 0x80000000, 0xc0000000, 0x7ffffc00, 0xfffffbb4 };

	for (uint32_t n = 0; n < NUMBERS_MAX; n++) {
		for (int round = 0; round < (n < 600 ? rounds : 1); round++) {
			if (!agrees(f, v, arch, audit_archs[arch], n))
				return false;
		}
		for (size_t i = 1; i < SR_ELEMENTSOF(bases); i++) {
			if (!agrees(f, v, arch, audit_archs[arch], bases[i] + n))
				return false;
		}
		if (!agrees(f, v, arch, foreign[n % SR_ELEMENTSOF(foreign)], n))
			return false;
	}
	return agrees(f, v, arch, audit_archs[arch], UINT32_MAX);
}

static struct sr_strv list_of(const char *const *names)
{
	struct sr_strv v = { .items = NULL };

	for (; *names; names++)
		(void)strv_add(&v, *names);
	return v;
}

static void test_reference_shipped(const struct sr_compiled_profile *p)
{
	struct sr_seccomp_policy s = { .allow = list_of(p->allow), .deny = list_of(p->deny) };
	char name[128];

	for (int counted = 0; counted < 2; counted++) {
		struct sr_verdicts v;
		int r = filter_resolve(&s, counted, &v, NULL);

		for (int a = 0; a < SR_ARCH_MAX; a++) {
			const struct sr_compiled_filter *f = &p->filter[a][counted];

			(void)snprintf(name, sizeof(name), "%s, %s, %s: %u instructions, the kernel would take them", p->name,
				       arch_names[a], counted ? "counted" : "uncounted", f->count);
			IS_STR(bpf_sim_check(f->insns, f->count), NULL, name);
			OK(r == 0 && agrees_everywhere(f, &v, (enum sr_arch)a, 200), "and say what the linear reference says");
		}
	}
	strv_done(&s.allow);
	strv_done(&s.deny);
}

/* A policy of groups and calls picked by chance, among those that may be allowed. */
static struct sr_seccomp_policy random_policy(void)
{
	struct sr_seccomp_policy s = { .shipped = false };
	uint32_t share = 1 + rnd(9);

	for (int i = 0; i < SR_GROUP_ID_MAX; i++) {
		if (sr_syscall_groups[i].kind <= SR_GROUP_GUARDED && rnd(10) < share)
			(void)strv_add(&s.allow, sr_syscall_groups[i].name);
		if (rnd(20) == 0)
			(void)strv_add(&s.deny, sr_syscall_groups[i].name);
	}
	for (int i = 0; i < SR_SYSCALL_MAX; i++) {
		if (sr_syscall_groups[sr_syscalls[i].group].kind == SR_GROUP_OPEN && rnd(10) < share)
			(void)strv_add(&s.allow, sr_syscalls[i].name);
		if (rnd(20) == 0)
			(void)strv_add(&s.deny, sr_syscalls[i].name);
	}
	return s;
}

static bool random_policy_works(size_t *longest)
{
	struct sr_seccomp_policy s = random_policy();
	struct sr_verdicts v;
	bool good = true;

	for (int i = 0; good && i < 2 * SR_ARCH_MAX; i++) {
		struct sock_filter *insns = NULL;
		unsigned short count = 0;
		enum sr_arch arch = (enum sr_arch)(i / 2);
		struct sr_compiled_filter f;

		good = filter_resolve(&s, i % 2, &v, NULL) == 0 &&
		       filter_compile(&v, &sr_syscall_numbers, arch, &insns, &count) == 0 &&
		       bpf_sim_check(insns, count) == NULL;
		f = (struct sr_compiled_filter){ insns, count };
		good = good && agrees_everywhere(&f, &v, arch, 2);
		*longest = count > *longest ? count : *longest;
		free(insns);
	}
	strv_done(&s.allow);
	strv_done(&s.deny);
	return good;
}

static void test_reference_random(void)
{
	size_t longest = 0;
	bool good = true;

	for (int i = 0; good && i < 60; i++)
		good = random_policy_works(&longest);
	OK(good, "60 policies picked by chance say what the linear reference says");
	OK(longest > 200, "and some are long");
	tap_note("longest: %zu instructions", longest);
}

/* Rules of every kind and order, more than any call has. */
static void random_rules(struct sr_arg_rule *rules, struct sr_arg_rules *set)
{
	static const uint32_t values[] = { 0, 1, 2, 4, 0x10, 0x1000, 0x20000, 0x80000000 };
	static const uint32_t actions[] = { SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO | EPERM, SECCOMP_RET_ERRNO | EINVAL };

	set->rules = rules;
	set->count = (uint8_t)(1 + rnd(5));
	set->otherwise = actions[rnd(3)];
	for (size_t i = 0; i < set->count; i++) {
		rules[i] = (struct sr_arg_rule){ .cond_count = (uint8_t)(1 + rnd(3)), .when = (uint8_t)(rnd(2) ? rnd(3) : 0), .action = actions[rnd(3)] };
		for (size_t c = 0; c < 3; c++)
			rules[i].conds[c] = (struct sr_arg_cond){ .arg = (uint8_t)rnd(3), .kind = (uint8_t)rnd(5),
								  .mask = rnd(2) ? 0xff : 0xfffff000,
								  .value = values[rnd(SR_ELEMENTSOF(values))] };
	}
}

static bool random_rules_work(void)
{
	static struct sr_arg_rule rules[20][5];
	static struct sr_arg_rules sets[20];
	struct sr_verdicts v = { .unknown = SECCOMP_RET_ERRNO | ENOSYS, .inet = rnd(2), .write_exec = rnd(2) };
	struct sock_filter *insns = NULL;
	unsigned short count = 0;
	enum sr_arch arch = (enum sr_arch)rnd(SR_ARCH_MAX);
	bool good;

	for (size_t i = 0; i < SR_SYSCALL_MAX; i++)
		v.of[i].action = rnd(2) ? SECCOMP_RET_ALLOW : SECCOMP_RET_ERRNO | EPERM;
	for (size_t i = 0; i < SR_ELEMENTSOF(sets); i++) {
		random_rules(rules[i], &sets[i]);
		v.of[SR_SYSCALL_read + i].rules = &sets[i];
	}
	good = filter_compile(&v, &sr_syscall_numbers, arch, &insns, &count) == 0 && bpf_sim_check(insns, count) == NULL;
	for (uint32_t nr = 0; good && nr < GOLDEN_MAX; nr++) {
		struct sr_compiled_filter f = { insns, count };

		for (int i = 0; good && i < 40; i++)
			good = agrees(&f, &v, arch, audit_archs[arch], nr);
	}
	free(insns);
	return good;
}

static void test_random_rules(void)
{
	bool good = true;

	for (int i = 0; good && i < 60; i++)
		good = random_rules_work();
	OK(good, "argument rules picked by chance say what the linear reference says");
}

/* --- profiles that differ ------------------------------------------------------------------------------------------- */

static int resolve_one(const char *allow, const char *deny, struct sr_verdicts *v, struct sr_error *err)
{
	struct sr_seccomp_policy s = { .shipped = false };
	int r;

	if (allow)
		(void)strv_add(&s.allow, allow);
	if (deny)
		(void)strv_add(&s.deny, deny);
	r = filter_resolve(&s, true, v, err);
	strv_done(&s.allow);
	strv_done(&s.deny);
	return r;
}

static void test_resolve(void)
{
	static const char *const never[] = { "@mount", "mount", "unshare", "setns", "ptrace",	     "bpf",	    "@kernel",
					     "reboot", "@admin", "keyctl", "clone3", "io_uring_setup", "@io-uring", "@clone3", "vmsplice", "@vmsplice",
					     "nosuch", "@nosuch", "", "@" };
	struct sr_verdicts v;
	uint32_t eperm = SECCOMP_RET_ERRNO | EPERM, enosys = SECCOMP_RET_ERRNO | ENOSYS;

	for (size_t i = 0; i < SR_ELEMENTSOF(never); i++) {
		struct sr_error err = SR_ERROR_INIT;
		char name[96];

		(void)snprintf(name, sizeof(name), "\"%s\" cannot be allowed", never[i]);
		OK(resolve_one(never[i], NULL, &v, &err) < 0 && err.code == SR_E_PROFILE, name);
	}
	OK(resolve_one("@debug", NULL, &v, NULL) == 0 && v.of[SR_SYSCALL_ptrace].action == SECCOMP_RET_ALLOW,
	   "ptrace comes with @debug");
	OK(resolve_one("@base", NULL, &v, NULL) == 0 && v.of[SR_SYSCALL_ptrace].action == eperm, "and is EPERM without");
	OK(v.of[SR_SYSCALL_open].action == enosys && v.unknown == enosys, "what is not allowed is ENOSYS");
	OK(resolve_one("@base", "read", &v, NULL) == 0 && v.of[SR_SYSCALL_read].action == eperm, "deny wins over allow");
	OK(resolve_one("@base", "clone3", &v, NULL) == 0 && v.of[SR_SYSCALL_clone3].action == enosys,
	   "clone3 stays ENOSYS, so that libc falls back");
	OK(resolve_one("@sockets-inet", NULL, &v, NULL) == 0 && v.inet, "@sockets-inet");
	OK(resolve_one("@sockets-inet", "@sockets-inet", &v, NULL) == 0 && !v.inet, "can be denied");
	OK(resolve_one("@write-exec", NULL, &v, NULL) == 0 && v.write_exec, "@write-exec");
	OK(resolve_one("@write-exec", "@write-exec", &v, NULL) == 0 && !v.write_exec, "can be denied");
	OK(resolve_one("@memory", NULL, &v, NULL) == 0 && !v.write_exec, "and does not come with @memory");
}

/* None of them is compiled by the run that uses it. */
static void test_shipped(const struct sr_compiled_profile *c)
{
	enum sr_arch arch = syscalls_native_arch();
	struct sr_filter f = { .insns = NULL };
	struct sr_policy p;
	char name[96];

	policy_init(&p);
	p.seccomp.allow = list_of(c->allow);
	p.seccomp.deny = list_of(c->deny);
	for (int counted = 0; counted < 2; counted++) {
		(void)snprintf(name, sizeof(name), "%s, %s: compiled when sandrun was built", c->name, counted ? "counted" : "uncounted");
		OK(filter_build(&p, counted, &f, NULL) == 0 && f.insns == c->filter[arch][counted].insns && !f.owned, name);
		filter_done(&f);
	}
	policy_done(&p);
}

static void test_build(void)
{
	struct sr_policy p;
	struct sr_filter f = { .insns = NULL };
	const struct sr_compiled_profile *c = profile("default");
	enum sr_arch arch = syscalls_native_arch();
	struct seccomp_data data = { .arch = audit_archs[arch], .nr = SYS_getpid };
	struct bpf_sim sim;

	policy_init(&p);
	p.seccomp.allow = list_of(c->allow);
	p.seccomp.deny = list_of(c->deny);
	(void)strv_add(&p.seccomp.deny, "getpid");
	p.seccomp.shipped = true; /* a claim: the lists decide */
	OK(filter_build(&p, true, &f, NULL) == 0 && f.owned, "other lists are compiled");
	OK(bpf_sim_run(f.insns, f.count, &data, &sim) && sim.action == (SECCOMP_RET_ERRNO | EPERM), "and mean what they say");
	filter_done(&f);
	OK(!f.owned && !f.insns, "and are freed");
	policy_done(&p);
}

static void test_uncounted(const struct sr_compiled_profile *p)
{
	static const char *const calls[] = { "memfd_create", "memfd_secret", "shmget", "shmat", "msgget", "semget" };

	for (size_t i = 0; i < SR_ELEMENTSOF(calls); i++) {
		for (int a = 0; a < SR_ARCH_MAX; a++) {
			uint32_t nr = (uint32_t)sr_syscall_numbers.number[a][syscalls_find(calls[i])];

			IS_STR(bpf_sim_action_name(run(&p->filter[a][0], audit_archs[a], nr, NULL).action), "ENOSYS", calls[i]);
			IS_STR(bpf_sim_action_name(run(&p->filter[a][1], audit_archs[a], nr, NULL).action), "allow", calls[i]);
		}
	}
}

static void test_init(void)
{
	static const int may[] = { SR_SYSCALL_read,	    SR_SYSCALL_write,	      SR_SYSCALL_poll,
				   SR_SYSCALL_ppoll,	    SR_SYSCALL_wait4,	      SR_SYSCALL_waitid,
				   SR_SYSCALL_kill,	    SR_SYSCALL_pidfd_send_signal, SR_SYSCALL_close,
				   SR_SYSCALL_exit,	    SR_SYSCALL_exit_group,    SR_SYSCALL_rt_sigreturn,
				   SR_SYSCALL_restart_syscall, SR_SYSCALL_rt_sigprocmask, SR_SYSCALL_getrusage,
				   SR_SYSCALL_clock_gettime, SR_SYSCALL_sendmsg,      SR_SYSCALL_recvmsg };
	struct sr_filter f;

	for (int a = 0; a < SR_ARCH_MAX; a++) {
		bool good = bpf_sim_check(sr_compiled_init[a].insns, sr_compiled_init[a].count) == NULL;

		for (uint32_t nr = 0; nr < NUMBERS_MAX; nr++) {
			uint32_t want = SECCOMP_RET_KILL_PROCESS;

			for (size_t i = 0; i < SR_ELEMENTSOF(may); i++) {
				if (sr_syscall_numbers.number[a][may[i]] == (int)nr)
					want = SECCOMP_RET_ALLOW;
			}
			good = good && run(&sr_compiled_init[a], audit_archs[a], nr, NULL).action == want;
			good = good && run(&sr_compiled_init[a], AUDIT_ARCH_I386, nr, NULL).action == SECCOMP_RET_KILL_PROCESS;
		}
		good = good && run(&sr_compiled_init[a], audit_archs[a], UINT32_MAX, NULL).action == SECCOMP_RET_KILL_PROCESS;
		OK(good, "init: its eighteen calls, and nothing else");
	}
	filter_for_init(&f);
	OK(f.insns == sr_compiled_init[syscalls_native_arch()].insns && f.count > 0 && !f.owned, "init: the native one");
	tap_note("init: %u instructions", f.count);
}

int main(int argc, char **argv)
{
	const struct sr_compiled_profile *p = profile("default");

	if (argc == 4 && strcmp(argv[1], "--table") == 0)
		return print_table(argv[2], argv[3]);
	if (argc == 2 && strcmp(argv[1], "--profiles") == 0)
		return print_profiles();
	test_simulator();
	test_assembler();
	test_far_jumps();
	for (size_t i = 0; i < sr_compiled_profile_count; i++) {
		test_golden(&sr_compiled_profiles[i]);
		test_reference_shipped(&sr_compiled_profiles[i]);
		test_shipped(&sr_compiled_profiles[i]);
	}
	test_reference_random();
	test_random_rules();
	test_resolve();
	test_build();
	test_uncounted(p);
	test_init();
	return tap_done();
}
