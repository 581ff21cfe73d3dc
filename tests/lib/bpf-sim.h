/* SPDX-License-Identifier: MIT */
/*
 * Runs a seccomp filter on a struct seccomp_data, as the kernel would, and checks a program as the kernel does when it
 * is installed. Written from seccomp(2) and Documentation/networking/filter.rst, not from the generator.
 */
#ifndef SR_TESTS_BPF_SIM_H
#define SR_TESTS_BPF_SIM_H

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bpf_sim {
	uint32_t action;
	bool read_args; /* an argument (or the instruction pointer) was looked at */
	size_t steps;
};

/* What the filter answers. false: it ran out of its instructions or did something no seccomp filter may. */
bool bpf_sim_run(const struct sock_filter *insns, size_t count, const struct seccomp_data *data, struct bpf_sim *ret);

/* NULL when the kernel would take the program, otherwise what is wrong with it. */
const char *bpf_sim_check(const struct sock_filter *insns, size_t count);

/* "allow", "kill", "ENOSYS", "EPERM", "success" (errno 0) ... */
const char *bpf_sim_action_name(uint32_t action);

#endif
