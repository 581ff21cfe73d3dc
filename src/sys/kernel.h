/* SPDX-License-Identifier: MIT */
/*
 * The kernel's interfaces that a C library may not know yet: thin wrappers, 0 (or a value) or -errno, no policy. They are
 * inline and call nothing but syscall(2), so that the trusted core (stage/) may use them.
 * Numbers from 424 on are the same on every architecture.
 */
#ifndef SR_SYS_KERNEL_H
#define SR_SYS_KERNEL_H

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424
#endif
#ifndef SYS_clone3
#define SYS_clone3 435
#endif
#ifndef SYS_close_range
#define SYS_close_range 436
#endif
#ifndef SYS_mount_setattr
#define SYS_mount_setattr 442
#endif
#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule 445
#define SYS_landlock_restrict_self 446
#endif

/* clone3(2), first version plus set_tid and cgroup. */
struct sys_clone_args {
	uint64_t flags;
	uint64_t pidfd;
	uint64_t child_tid;
	uint64_t parent_tid;
	uint64_t exit_signal;
	uint64_t stack;
	uint64_t stack_size;
	uint64_t tls;
	uint64_t set_tid;
	uint64_t set_tid_size;
	uint64_t cgroup;
};

/* landlock(7). The kernel takes shorter structures of older ABIs as well. */
struct sys_landlock_ruleset_attr {
	uint64_t handled_access_fs;
	uint64_t handled_access_net;
	uint64_t scoped;
};

struct sys_landlock_path_beneath_attr {
	uint64_t allowed_access;
	int32_t parent_fd;
} __attribute__((packed));

#define SYS_LANDLOCK_EXECUTE (1ULL << 0)
#define SYS_LANDLOCK_WRITE_FILE (1ULL << 1)
#define SYS_LANDLOCK_READ_FILE (1ULL << 2)
#define SYS_LANDLOCK_READ_DIR (1ULL << 3)
#define SYS_LANDLOCK_REMOVE_DIR (1ULL << 4)
#define SYS_LANDLOCK_REMOVE_FILE (1ULL << 5)
#define SYS_LANDLOCK_MAKE_CHAR (1ULL << 6)
#define SYS_LANDLOCK_MAKE_DIR (1ULL << 7)
#define SYS_LANDLOCK_MAKE_REG (1ULL << 8)
#define SYS_LANDLOCK_MAKE_SOCK (1ULL << 9)
#define SYS_LANDLOCK_MAKE_FIFO (1ULL << 10)
#define SYS_LANDLOCK_MAKE_BLOCK (1ULL << 11)
#define SYS_LANDLOCK_MAKE_SYM (1ULL << 12)
#define SYS_LANDLOCK_REFER (1ULL << 13)     /* ABI 2 */
#define SYS_LANDLOCK_TRUNCATE (1ULL << 14)  /* ABI 3 */
#define SYS_LANDLOCK_IOCTL_DEV (1ULL << 15) /* ABI 5 */
#define SYS_LANDLOCK_SCOPE_ABSTRACT_UNIX (1ULL << 0) /* ABI 6 */
#define SYS_LANDLOCK_SCOPE_SIGNAL (1ULL << 1)        /* ABI 6 */

/* mount_setattr(2) */
struct sys_mount_attr {
	uint64_t attr_set;
	uint64_t attr_clr;
	uint64_t propagation;
	uint64_t userns_fd;
};

#define SYS_MOUNT_ATTR_RDONLY 0x1ULL
#define SYS_MOUNT_ATTR_NOSUID 0x2ULL
#define SYS_MOUNT_ATTR_NODEV 0x4ULL
#define SYS_AT_RECURSIVE 0x8000

static inline long sys_ret(long r)
{
	return r < 0 ? -errno : r;
}

/* openat(2) as it is: musl's open(3) adds an fcntl(2) to every O_CLOEXEC. */
static inline int sys_open(const char *path, int flags, unsigned mode)
{
	return (int)syscall(SYS_openat, -100 /* AT_FDCWD */, path, flags, mode); /* -1 and errno, like open(2) */
}

static inline int sys_close_range(unsigned first, unsigned last)
{
	return (int)sys_ret(syscall(SYS_close_range, first, last, 0));
}

static inline int sys_pidfd_send_signal(int pidfd, int sig)
{
	return (int)sys_ret(syscall(SYS_pidfd_send_signal, pidfd, sig, NULL, 0));
}

static inline int sys_pivot_root(const char *new_root, const char *put_old)
{
	return (int)sys_ret(syscall(SYS_pivot_root, new_root, put_old));
}

static inline int sys_landlock_abi(void)
{
	return (int)sys_ret(syscall(SYS_landlock_create_ruleset, NULL, 0, 1U));
}

static inline int sys_landlock_create(const struct sys_landlock_ruleset_attr *attr, size_t size)
{
	return (int)sys_ret(syscall(SYS_landlock_create_ruleset, attr, size, 0U));
}

static inline int sys_landlock_add_path(int ruleset_fd, const struct sys_landlock_path_beneath_attr *attr)
{
	return (int)sys_ret(syscall(SYS_landlock_add_rule, ruleset_fd, 1, attr, 0U));
}

static inline int sys_landlock_restrict_self(int ruleset_fd)
{
	return (int)sys_ret(syscall(SYS_landlock_restrict_self, ruleset_fd, 0U));
}

static inline int sys_mount_setattr(int dir_fd, const char *path, unsigned flags, const struct sys_mount_attr *attr)
{
	return (int)sys_ret(syscall(SYS_mount_setattr, dir_fd, path, flags, attr, sizeof(*attr)));
}

/* seccomp(2), SECCOMP_SET_MODE_FILTER. prog is a struct sock_fprog. With SECCOMP_FILTER_FLAG_NEW_LISTENER: the descriptor. */
static inline int sys_seccomp_filter(const void *prog, unsigned flags)
{
	return (int)sys_ret(syscall(SYS_seccomp, 1U, flags, prog));
}

#endif
