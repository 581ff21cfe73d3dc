/* SPDX-License-Identifier: MIT */
#include "plan/filter-build.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>

#include "plan/bpf.h"

#define X32_BIT 0x40000000U
#define ACTIONS_MAX 16
#define BLOCKS_MAX 32

#define OFFSET_NR ((uint32_t)offsetof(struct seccomp_data, nr))
#define OFFSET_ARCH ((uint32_t)offsetof(struct seccomp_data, arch))
/* Both architectures are little-endian: the low half comes first. */
#define OFFSET_LOW(n) ((uint32_t)offsetof(struct seccomp_data, args) + 8U * (n))
#define OFFSET_HIGH(n) (OFFSET_LOW(n) + 4U)

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "argument offsets are those of little-endian machines");

/* One run of numbers with the same answer: from start to the next range's start. */
struct range {
	uint32_t start;
	int label;
};

struct build {
	struct bpf_program program;
	const struct sr_verdicts *verdicts;
	struct {
		uint32_t action;
		int label;
	} actions[ACTIONS_MAX];
	size_t action_count;
	struct {
		const struct sr_arg_rule *rules;
		uint32_t otherwise;
		const struct sr_arg_rules *of;
		int label;
	} blocks[BLOCKS_MAX];
	size_t block_count;
	struct range ranges[SR_SYSCALL_NUMBER_MAX + 1];
	size_t range_count;
	int error;
};

/* The label of the return with that action; the returns are written at the end. */
static int action_label(struct build *b, uint32_t action)
{
	for (size_t i = 0; i < b->action_count; i++) {
		if (b->actions[i].action == action)
			return b->actions[i].label;
	}
	if (b->action_count == ACTIONS_MAX) {
		b->error = -E2BIG;
		return BPF_LABEL_NEXT;
	}
	b->actions[b->action_count].action = action;
	b->actions[b->action_count].label = bpf_label(&b->program);
	return b->actions[b->action_count++].label;
}

/* The label of a call's rules; calls with the same rules (socket, socketpair) share one block. */
static int block_label(struct build *b, const struct sr_arg_rules *rules)
{
	for (size_t i = 0; i < b->block_count; i++) {
		if (b->blocks[i].rules == rules->rules && b->blocks[i].otherwise == rules->otherwise)
			return b->blocks[i].label;
	}
	if (b->block_count == BLOCKS_MAX) {
		b->error = -E2BIG;
		return BPF_LABEL_NEXT;
	}
	b->blocks[b->block_count].rules = rules->rules;
	b->blocks[b->block_count].otherwise = rules->otherwise;
	b->blocks[b->block_count].of = rules;
	b->blocks[b->block_count].label = bpf_label(&b->program);
	return b->blocks[b->block_count++].label;
}

/* Index of the next rule that counts under this profile, or the number of rules. */
static size_t next_rule(const struct build *b, const struct sr_arg_rules *rules, size_t i)
{
	while (i < rules->count && !filter_rule_counts(b->verdicts, &rules->rules[i]))
		i++;
	return i;
}

static int verdict_label(struct build *b, const struct sr_verdict *v)
{
	if (!v->rules)
		return action_label(b, v->action);
	if (next_rule(b, v->rules, 0) == v->rules->count) /* none, or none that counts */
		return action_label(b, v->rules->otherwise);
	return block_label(b, v->rules);
}

/* Numbers to ranges. */
static int find_ranges(struct build *b, const int16_t *numbers)
{
	int by_number[SR_SYSCALL_NUMBER_MAX];
	int unknown = action_label(b, b->verdicts->unknown);
	bool taken[SR_SYSCALL_NUMBER_MAX] = { false };

	for (size_t i = 0; i < SR_SYSCALL_NUMBER_MAX; i++)
		by_number[i] = unknown;
	for (size_t i = 0; i < SR_SYSCALL_MAX; i++) {
		if (numbers[i] < 0)
			continue;
		if (numbers[i] >= SR_SYSCALL_NUMBER_MAX || taken[numbers[i]])
			return -EINVAL;
		taken[numbers[i]] = true;
		by_number[numbers[i]] = verdict_label(b, &b->verdicts->of[i]);
	}
	for (uint32_t i = 0; i < SR_SYSCALL_NUMBER_MAX; i++) {
		if (i == 0 || by_number[i] != by_number[i - 1])
			b->ranges[b->range_count++] = (struct range){ i, by_number[i] };
	}
	if (b->ranges[b->range_count - 1].label != unknown)
		b->ranges[b->range_count++] = (struct range){ SR_SYSCALL_NUMBER_MAX, unknown };
	return b->error;
}

/* Where the search over ranges [first, last] starts: at once an answer, or a label still to be bound. */
static int search_label(struct build *b, size_t first, size_t last)
{
	return first == last ? b->ranges[first].label : bpf_label(&b->program);
}

/* A single number that interrupts one answer costs one compare instead of two. */
static bool is_exception(const struct range *r, size_t first, size_t last)
{
	return last - first == 2 && r[first].label == r[last].label && r[last].start - r[first + 1].start == 1;
}

/* The search over ranges [first, last], at least two; the number is in the accumulator. */
static void write_search(struct build *b, size_t first, size_t last)
{
	const struct range *r = b->ranges;
	size_t middle = first + (last - first + 1) / 2;
	int below, above;

	if (is_exception(r, first, last)) {
		bpf_jump(&b->program, BPF_JEQ, r[first + 1].start, r[first + 1].label, r[first].label);
		return;
	}
	below = search_label(b, first, middle - 1);
	above = search_label(b, middle, last);
	bpf_jump(&b->program, BPF_JGE, r[middle].start, above, below);
	if (first != middle - 1) {
		bpf_bind(&b->program, below);
		write_search(b, first, middle - 1);
	}
	if (middle != last) {
		bpf_bind(&b->program, above);
		write_search(b, middle, last);
	}
}

/* One condition: falls through to the next instruction when it holds, unless `yes` says where to go. */
static void write_cond(struct build *b, const struct sr_arg_cond *c, int yes, int no, int *loaded)
{
	static const uint16_t jumps[] = { [SR_COND_LOW_EQUAL] = BPF_JEQ,
					  [SR_COND_LOW_ANY] = BPF_JSET,
					  [SR_COND_LOW_MASKED] = BPF_JEQ,
					  [SR_COND_LOW_ABOVE] = BPF_JGT };
	struct bpf_program *p = &b->program;

	if (c->kind == SR_COND_NONZERO) {
		int low = bpf_label(p), end = bpf_label(p);

		bpf_load(p, OFFSET_HIGH(c->arg));
		bpf_jump(p, BPF_JEQ, 0, low, yes == BPF_LABEL_NEXT ? end : yes);
		bpf_bind(p, low);
		bpf_load(p, OFFSET_LOW(c->arg));
		bpf_jump(p, BPF_JEQ, 0, no, yes);
		bpf_bind(p, end);
		*loaded = -1;
		return;
	}
	if (*loaded != c->arg)
		bpf_load(p, OFFSET_LOW(c->arg));
	*loaded = c->arg;
	if (c->kind == SR_COND_LOW_MASKED) {
		bpf_and(p, c->mask);
		*loaded = -1;
	}
	bpf_jump(p, jumps[c->kind], c->value, yes, no);
}

static void write_rule(struct build *b, const struct sr_arg_rule *rule, int no, int *loaded)
{
	int yes = action_label(b, rule->action);

	for (size_t i = 0; i < rule->cond_count; i++) {
		write_cond(b, &rule->conds[i], i + 1 == rule->cond_count ? yes : BPF_LABEL_NEXT, no, loaded);
		/* The next rule is reached from each of several conditions, with different things in the accumulator. */
		if (i > 0)
			*loaded = -1;
	}
}

static void write_block(struct build *b, const struct sr_arg_rules *rules)
{
	int otherwise = action_label(b, rules->otherwise);
	size_t i = next_rule(b, rules, 0);
	int loaded = -1;

	while (i < rules->count) {
		size_t next = next_rule(b, rules, i + 1);
		int no = next == rules->count ? otherwise : bpf_label(&b->program);

		write_rule(b, &rules->rules[i], no, &loaded);
		if (next < rules->count)
			bpf_bind(&b->program, no);
		i = next;
	}
}

static uint32_t audit_arch(enum sr_arch arch)
{
	return arch == SR_ARCH_X86_64 ? AUDIT_ARCH_X86_64 : AUDIT_ARCH_AARCH64;
}

/*
 * A foreign architecture and x32 have other numbers: nothing below would mean what it says. Number -1 has the x32 bit but is no
 * x32 call: the kernel answers it ENOSYS, and a tracer sets it to skip a call.
 */
static void write_prologue(struct build *b, enum sr_arch arch)
{
	struct bpf_program *p = &b->program;
	int kill = action_label(b, SECCOMP_RET_KILL_PROCESS);
	int unknown = action_label(b, b->verdicts->unknown);
	int search = bpf_label(p), x32 = bpf_label(p);

	bpf_load(p, OFFSET_ARCH);
	bpf_jump(p, BPF_JEQ, audit_arch(arch), BPF_LABEL_NEXT, kill);
	bpf_load(p, OFFSET_NR);
	if (arch == SR_ARCH_X86_64) {
		bpf_jump(p, BPF_JSET, X32_BIT, x32, search);
		bpf_bind(p, x32);
		bpf_jump(p, BPF_JEQ, UINT32_MAX, unknown, kill);
	}
	bpf_bind(p, search);
}

static int build(struct build *b, const int16_t *numbers, enum sr_arch arch)
{
	int r;

	write_prologue(b, arch);
	r = find_ranges(b, numbers);
	if (r < 0)
		return r;
	if (b->range_count > 1)
		write_search(b, 0, b->range_count - 1);
	else
		return -EINVAL; /* a filter that tells no call from another is a mistake */
	for (size_t i = 0; i < b->block_count; i++) {
		bpf_bind(&b->program, b->blocks[i].label);
		write_block(b, b->blocks[i].of);
	}
	for (size_t i = 0; i < b->action_count; i++) {
		bpf_bind(&b->program, b->actions[i].label);
		bpf_return(&b->program, b->actions[i].action);
	}
	return b->error;
}

int filter_compile(const struct sr_verdicts *v, const struct sr_syscall_numbers *numbers, enum sr_arch arch,
		   struct sock_filter **ret_insns, unsigned short *ret_count)
{
	struct build b = { .program = BPF_PROGRAM_INIT, .verdicts = v };
	int r;

	if (arch >= SR_ARCH_MAX)
		return -EINVAL;
	r = build(&b, numbers->number[arch], arch);
	if (r == 0)
		r = bpf_assemble(&b.program, ret_insns, ret_count);
	bpf_done(&b.program);
	return r;
}
