/* SPDX-License-Identifier: MIT */
#include "plan/bpf.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/macros.h"

#define REACH 255U

void bpf_done(struct bpf_program *p)
{
	free(p->insns);
	free(p->labels);
	*p = (struct bpf_program)BPF_PROGRAM_INIT;
}

/* Makes room for one more element; false, with the error noted, when memory is out. */
static bool grow(struct bpf_program *p, void **array, size_t size, size_t count, size_t *room)
{
	size_t want = *room ? *room * 2 : 256;
	void *bigger;

	if (p->error)
		return false;
	if (count < *room)
		return true;
	bigger = reallocarray(*array, want, size);
	if (!bigger) {
		p->error = -ENOMEM;
		return false;
	}
	*array = bigger;
	*room = want;
	return true;
}

int bpf_label(struct bpf_program *p)
{
	void *array = p->labels;
	bool ok = grow(p, &array, sizeof(*p->labels), p->label_count, &p->label_room);

	p->labels = array;
	if (!ok)
		return BPF_LABEL_NEXT;
	p->labels[p->label_count] = SIZE_MAX;
	return (int)p->label_count++;
}

void bpf_bind(struct bpf_program *p, int label)
{
	if (!p->error && label >= 0)
		p->labels[label] = p->count;
}

static void add(struct bpf_program *p, struct bpf_insn_draft insn)
{
	void *array = p->insns;
	bool ok = grow(p, &array, sizeof(*p->insns), p->count, &p->room);

	p->insns = array;
	if (ok)
		p->insns[p->count++] = insn;
}

void bpf_load(struct bpf_program *p, uint32_t offset)
{
	add(p, (struct bpf_insn_draft){ .code = BPF_LD | BPF_W | BPF_ABS, .k = offset });
}

void bpf_and(struct bpf_program *p, uint32_t mask)
{
	add(p, (struct bpf_insn_draft){ .code = BPF_ALU | BPF_AND | BPF_K, .k = mask });
}

void bpf_jump(struct bpf_program *p, uint16_t op, uint32_t k, int jt, int jf)
{
	add(p, (struct bpf_insn_draft){ .code = (uint16_t)(BPF_JMP | op | BPF_K), .k = k, .jt = jt, .jf = jf });
}

void bpf_return(struct bpf_program *p, uint32_t action)
{
	add(p, (struct bpf_insn_draft){ .code = BPF_RET | BPF_K, .k = action });
}

/*
 * Assembly goes from the end to the start, so that every target is placed before a jump to it is. `place` counts
 * instructions from the end: the last one has place 1. A jump that gets place n reaches place m by offset n - m - 1.
 */
struct assembly {
	struct bpf_program *in;
	struct sock_filter *out; /* reversed: out[place - 1] */
	size_t placed;
	size_t *place; /* of each draft: where it, or its nearest stand-in, is */
};

static bool emit(struct assembly *a, struct sock_filter insn)
{
	if (a->placed >= BPF_MAXINSNS)
		return false;
	a->out[a->placed++] = insn;
	return true;
}

/* Index of the draft that a label of draft i means; SIZE_MAX when it is not ahead. */
static size_t target_of(const struct assembly *a, size_t i, int label)
{
	size_t target = label == BPF_LABEL_NEXT ? i + 1 : a->in->labels[label];

	return target > i && target < a->in->count ? target : SIZE_MAX;
}

/* Puts a stand-in for the target here if `slack` more instructions would push it out of reach. */
static bool bring_near(struct assembly *a, size_t target, size_t slack)
{
	size_t offset = a->placed - a->place[target];
	const struct bpf_insn_draft *d = &a->in->insns[target];
	bool ok;

	if (offset + slack <= REACH)
		return true;
	if (BPF_CLASS(d->code) == BPF_RET)
		ok = emit(a, (struct sock_filter){ d->code, 0, 0, d->k });
	else
		ok = emit(a, (struct sock_filter){ BPF_JMP | BPF_JA, 0, 0, (uint32_t)offset });
	a->place[target] = a->placed;
	return ok;
}

static int place_jump(struct assembly *a, size_t i)
{
	const struct bpf_insn_draft *d = &a->in->insns[i];
	size_t t = target_of(a, i, d->jt), f = target_of(a, i, d->jf);

	if (t == SIZE_MAX || f == SIZE_MAX)
		return -EINVAL;
	/* Each stand-in pushes the other target one further. */
	if (!bring_near(a, t, 1) || !bring_near(a, f, 0))
		return -E2BIG;
	if (!emit(a, (struct sock_filter){ d->code, (uint8_t)(a->placed - a->place[t]),
					   (uint8_t)(a->placed - a->place[f]), d->k }))
		return -E2BIG;
	return 0;
}

static int place_all(struct assembly *a)
{
	for (size_t i = a->in->count; i-- > 0;) {
		const struct bpf_insn_draft *d = &a->in->insns[i];
		int r = 0;

		if (BPF_CLASS(d->code) == BPF_JMP)
			r = place_jump(a, i);
		else if (!emit(a, (struct sock_filter){ d->code, 0, 0, d->k }))
			r = -E2BIG;
		if (r < 0)
			return r;
		a->place[i] = a->placed;
	}
	return 0;
}

int bpf_assemble(struct bpf_program *p, struct sock_filter **ret_insns, unsigned short *ret_count)
{
	SR_AUTOFREE struct sock_filter *out = NULL;
	SR_AUTOFREE size_t *place = NULL;
	struct sock_filter *insns;
	struct assembly a;
	int r;

	if (p->error)
		return p->error;
	if (p->count == 0)
		return -EINVAL;
	out = calloc(BPF_MAXINSNS, sizeof(*out));
	place = calloc(p->count + 1, sizeof(*place));
	if (!out || !place)
		return -ENOMEM;
	a = (struct assembly){ .in = p, .out = out, .place = place };
	r = place_all(&a);
	if (r < 0)
		return r;
	insns = calloc(a.placed, sizeof(*insns));
	if (!insns)
		return -ENOMEM;
	for (size_t i = 0; i < a.placed; i++)
		insns[i] = out[a.placed - 1 - i];
	*ret_insns = insns;
	*ret_count = (unsigned short)a.placed;
	return 0;
}
