/* SPDX-License-Identifier: MIT */
/* The filter of a build: what is answered and not made, what the host's network closes, and that nothing else differs. */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "../../lib/bpf-sim.h"
#include "../tap.h"
#include "plan/filter.h"
#include "policy/profile.h"
#include "policy/syscalls.h"

static struct sr_filter filters[3]; /* of an ordinary run, a build, a build with the network */

static int number_of(const char *call)
{
	return sr_syscall_numbers.number[syscalls_native_arch()][syscalls_find(call)];
}

static const char *answer(const struct sr_filter *f, int nr, uint64_t a, uint64_t b, uint64_t c)
{
	struct seccomp_data data = { .nr = nr, .arch = syscalls_native_arch() == SR_ARCH_X86_64 ? AUDIT_ARCH_X86_64 : AUDIT_ARCH_AARCH64,
				     .args = { a, b, c } };
	struct bpf_sim sim;

	return bpf_sim_run(f->insns, f->count, &data, &sim) ? bpf_sim_action_name(sim.action) : "no answer";
}

static void make(struct sr_filter *ret, char *layer, bool network)
{
	struct sr_error err = SR_ERROR_INIT;
	struct sr_policy p;

	policy_init(&p);
	OK(profile_load("default", &p, &err) == 0, "the profile");
	p.build_layer = layer;
	p.build_network = network;
	if (!OK(filter_build(&p, true, ret, &err) == 0 && !bpf_sim_check(ret->insns, ret->count), "a filter that the kernel takes"))
		tap_note("%s", err.text);
	p.build_layer = NULL;
	policy_done(&p);
}

static bool is_pretended(int nr)
{
	static const char *const calls[] = {
		"chown", "fchown", "lchown", "fchownat", "setuid", "setgid", "setreuid", "setregid", "setresuid", "setresgid",
		"setgroups", "setfsuid", "setfsgid", "capset", "fsync", "fdatasync", "sync", "syncfs", "sync_file_range",
	};

	for (size_t i = 0; i < SR_ELEMENTSOF(calls); i++) {
		if (nr == number_of(calls[i]))
			return true;
	}
	return false;
}

/* Every number, with arguments that the rules tell apart and some that they do not. */
static void test_others(void)
{
	static const uint64_t values[] = { 0, 1, 2, 16, 0x4b4e, 0x5412, 0x10000000, S_IFREG | 0644, S_IFIFO, 0xffffffff };
	unsigned differ = 0, pretended = 0;

	for (int nr = 0; nr < 1024; nr++) {
		for (size_t i = 0; i < SR_ELEMENTSOF(values); i++) {
			uint64_t v = values[i];
			const char *plain = answer(&filters[0], nr, v, v, v), *built = answer(&filters[1], nr, v, v, v);

			if ((nr == number_of("mknod") || nr == number_of("mknodat")) && (v & S_IFCHR))
				continue; /* test_devices() */
			if (is_pretended(nr))
				pretended += strcmp(built, "success") == 0;
			else if (strcmp(plain, built) != 0 && !differ++)
				tap_note("call %d with %llx: %s, %s", nr, (unsigned long long)v, plain, built);
		}
	}
	IS_INT(differ, 0, "all other calls have the answers of an ordinary run");
	OK(pretended > 100 && pretended % SR_ELEMENTSOF(values) == 0, "those that are pretended succeed, whatever they are asked");
}

static void test_devices(void)
{
	int mknodat = number_of("mknodat");

	IS_STR(answer(&filters[1], mknodat, 0, 0, S_IFCHR | 0600), "success", "a device's node is answered");
	IS_STR(answer(&filters[1], mknodat, 0, 0, S_IFBLK | 0600), "success", "a disk's too");
	IS_STR(answer(&filters[0], mknodat, 0, 0, S_IFBLK | 0600), "EPERM", "which is refused in a run");
	IS_STR(answer(&filters[1], mknodat, 0, 0, S_IFIFO | 0600), "allow", "a FIFO is made");
	IS_STR(answer(&filters[1], mknodat, 0, 0, 0600), "allow", "and a file");
}

static void test_network(void)
{
	int open = number_of("socket"), pair = number_of("socketpair");
	const struct sr_filter *f = &filters[2];

	IS_STR(answer(f, open, AF_INET, SOCK_STREAM, 0), "allow", "TCP");
	IS_STR(answer(f, open, AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0), "allow", "UDP");
	IS_STR(answer(f, open, AF_INET, SOCK_RAW, 0), "EPROTONOSUPPORT", "no raw sockets");
	IS_STR(answer(f, open, AF_UNIX, SOCK_STREAM, 0), "EAFNOSUPPORT", "no UNIX sockets: abstract names are the network's");
	IS_STR(answer(f, open, AF_UNIX, SOCK_DGRAM, 0), "EAFNOSUPPORT", "of any type");
	IS_STR(answer(&filters[1], open, AF_UNIX, SOCK_STREAM, 0), "allow", "which a build without the network has");
	IS_STR(answer(f, open, AF_NETLINK, SOCK_RAW, 0), "EAFNOSUPPORT", "no netlink");
	IS_STR(answer(f, pair, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), "allow", "a pair of streams");
	IS_STR(answer(f, pair, AF_UNIX, SOCK_SEQPACKET, 0), "allow", "or of packets");
	IS_STR(answer(f, pair, AF_UNIX, SOCK_DGRAM, 0), "EAFNOSUPPORT", "a datagram socket could send to any name");
	IS_STR(answer(f, pair, AF_UNIX, SOCK_RAW, 0), "EAFNOSUPPORT", "and a raw one is a datagram socket");
	IS_STR(answer(f, number_of("chown"), 0, 0, 0), syscalls_native_arch() == SR_ARCH_X86_64 ? "success" : "ENOSYS", "and the rest as without");
}

int main(void)
{
	static char layer[] = "layer";

	(void)setenv("XDG_CONFIG_HOME", "/nonexistent", 1);
	make(&filters[0], NULL, false);
	make(&filters[1], layer, false);
	make(&filters[2], layer, true);
	test_others();
	test_devices();
	test_network();
	for (size_t i = 0; i < SR_ELEMENTSOF(filters); i++)
		filter_done(&filters[i]);
	return tap_done();
}
