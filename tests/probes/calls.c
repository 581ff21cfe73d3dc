/* SPDX-License-Identifier: MIT */
/*
 * calls GROUP...    makes every call of the groups with arguments that can do no harm and prints what came back.
 *
 * The arguments are chosen so that a kernel without a filter answers something else than EPERM and ENOSYS wherever it
 * looks at them before it looks at capabilities (bad pointers, bad flags): the answer tells the filter from the kernel.
 */
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "probe.h"

#ifndef SYS_open_tree
#define SYS_open_tree 428
#define SYS_move_mount 429
#define SYS_fsopen 430
#define SYS_fsconfig 431
#define SYS_fsmount 432
#define SYS_fspick 433
#endif
#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd 438
#endif
#ifndef SYS_mount_setattr
#define SYS_mount_setattr 442
#endif
#ifndef SYS_memfd_secret
#define SYS_memfd_secret 447
#endif
#ifndef SYS_statmount
#define SYS_statmount 457
#define SYS_listmount 458
#endif
#define BAD 1L /* no address */

struct call {
	const char *group, *name;
	long number;
	long args[6];
};

static char buffer[64];
static struct {
	void *base;
	size_t len;
} vector = { buffer, sizeof(buffer) };

#define CALL(g, n, ...) { g, #n, SYS_##n, { __VA_ARGS__ } }

static const struct call calls[] = {
	CALL("mount", mount, 0, BAD, 0, 0, 0),
	CALL("mount", umount2, BAD, 0),
	CALL("mount", pivot_root, BAD, BAD),
	CALL("mount", chroot, BAD),
	CALL("mount", open_tree, -1, BAD, 0),
	CALL("mount", move_mount, -1, BAD, -1, BAD, 0xffff),
	CALL("mount", fsopen, BAD, 0),
	CALL("mount", fsconfig, -1, 0, 0, 0, 0),
	CALL("mount", fsmount, -1, 0, 0),
	CALL("mount", fspick, -1, BAD, 0),
	CALL("mount", mount_setattr, -1, BAD, 0, 0, 0),
	CALL("mount", statmount, BAD, BAD, 0, 0),
	CALL("mount", listmount, BAD, BAD, 0, 0),
	CALL("namespace", unshare, 1),
	CALL("namespace", setns, -1, 0),
	CALL("process", ptrace, 16 /* PTRACE_ATTACH */, 0x7ffffff0),
	CALL("process", process_vm_readv, 0, (long)&vector, 1, (long)&vector, 1, 0),
	CALL("process", process_vm_writev, 0, (long)&vector, 1, (long)&vector, 1, 0),
	CALL("process", pidfd_getfd, -1, 0, 0),
	CALL("process", kcmp, 0, 0, 0, 0, 0),
	CALL("keys", add_key, BAD, BAD, 0, 0, 0),
	CALL("keys", request_key, BAD, BAD, 0, 0),
	CALL("keys", keyctl, 9999, 0, 0, 0, 0),
	CALL("kernel", bpf, 9999, 0, 0),
	CALL("kernel", perf_event_open, 0, 0, -1, -1, -1),
	CALL("kernel", userfaultfd, 0x40001),
	CALL("kernel", kexec_load, 0, 0, 0, 0x40000000),
	CALL("kernel", init_module, BAD, 0, BAD),
	CALL("kernel", finit_module, -1, BAD, 0),
	CALL("kernel", delete_module, BAD, 0),
	CALL("kernel", swapon, BAD, 0x7fffffff),
	CALL("kernel", swapoff, BAD),
	CALL("kernel", quotactl, (200 << 8) | 77, 0, 0, 0),
	CALL("kernel", acct, BAD),
	CALL("kernel", syslog, 10 /* size of the buffer */, 0, 0),
	CALL("kernel", fanotify_init, 0x200 /* FAN_REPORT_FID */, 0),
	CALL("kernel", reboot, 0, 0, 0, 0),
	CALL("kernel", settimeofday, BAD, 0),
	CALL("kernel", clock_settime, 9999, BAD),
	CALL("kernel", sethostname, BAD, 1),
	CALL("kernel", setdomainname, BAD, 1),
#ifdef SYS_lookup_dcookie
	CALL("kernel", lookup_dcookie, 0, BAD, 0),
#endif
#ifdef SYS_modify_ldt
	CALL("kernel", modify_ldt, 0, (long)buffer, 0),
	CALL("kernel", ioperm, -1, 2, 1),
	CALL("kernel", iopl, 4),
#endif
	CALL("handle", name_to_handle_at, -1, BAD, BAD, BAD, 0),
	CALL("handle", open_by_handle_at, -1, BAD, 0),
	CALL("uring", io_uring_setup, 1, BAD),
	CALL("uring", io_uring_enter, -1, 0, 0, 0, 0, 0),
	CALL("uring", io_uring_register, -1, 0, 0, 0),
	CALL("unaccounted", memfd_create, (long)"probe", 0),
	CALL("unaccounted", memfd_secret, 0),
	CALL("unaccounted", shmget, 0x5172, 1L << 62, 01600),
	CALL("unaccounted", msgget, 0x51725172, 0),
	CALL("unaccounted", semget, 0x51725172, -1, 01600),
};

int main(int argc, char **argv)
{
	for (int a = 1; a < argc; a++)
		for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
			const struct call *c = &calls[i];

			if (strcmp(c->group, argv[a]) == 0)
				say(c->name, syscall(c->number, c->args[0], c->args[1], c->args[2], c->args[3],
						     c->args[4], c->args[5]));
		}
	return argc < 2 ? 2 : 0;
}
