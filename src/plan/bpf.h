/* SPDX-License-Identifier: MIT */
/*
 * A small assembler for classic BPF as seccomp(2) runs it: instructions with labels in, sock_filter out. Conditional
 * jumps reach 255 instructions; where a target lies further, the assembler puts a copy of a return, or a jump with its
 * 32-bit reach, right behind. Knows nothing of system calls.
 * Rests on bpf(4), seccomp(2), Documentation/networking/filter.rst.
 *
 * Errors are sticky: bpf_* calls note the first one (-ENOMEM, -E2BIG), bpf_assemble() returns it.
 */
#ifndef SR_PLAN_BPF_H
#define SR_PLAN_BPF_H

#include <linux/filter.h>
#include <stddef.h>
#include <stdint.h>

#define BPF_LABEL_NEXT (-1) /* the instruction behind this one */

struct bpf_insn_draft {
	uint16_t code;
	uint32_t k;
	int jt, jf; /* labels; of use to conditional jumps only */
};

struct bpf_program {
	struct bpf_insn_draft *insns;
	size_t count, room;
	size_t *labels; /* index of the instruction each stands before; SIZE_MAX until bound */
	size_t label_count, label_room;
	int error;
};

#define BPF_PROGRAM_INIT { .insns = NULL }

void bpf_done(struct bpf_program *p);

/* A new label; bpf_bind() puts it before the next instruction. */
int bpf_label(struct bpf_program *p);
void bpf_bind(struct bpf_program *p, int label);

/* Loads 32 bits of struct seccomp_data at that offset. */
void bpf_load(struct bpf_program *p, uint32_t offset);
void bpf_and(struct bpf_program *p, uint32_t mask);
/* op: BPF_JEQ, BPF_JGT, BPF_JGE, BPF_JSET, against k. */
void bpf_jump(struct bpf_program *p, uint16_t op, uint32_t k, int jt, int jf);
void bpf_return(struct bpf_program *p, uint32_t action);

/*
 * The finished program in a fresh array that the caller frees. 0, -ENOMEM, -E2BIG (more than BPF_MAXINSNS), or -EINVAL
 * for a label that is not bound ahead of its jump.
 */
int bpf_assemble(struct bpf_program *p, struct sock_filter **ret_insns, unsigned short *ret_count);

#endif
