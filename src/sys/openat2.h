/* SPDX-License-Identifier: MIT */
/*
 * Opening a path that somebody hostile may have laid out: openat2(2) with its resolve flags, and the same by hand,
 * component by component, where the call is refused (ENOSYS in gVisor and under some seccomp filters, EPERM in old
 * container filters). Stack only, no allocation: usable between clone and exec.
 *
 * Every function returns a close-on-exec descriptor (O_CLOEXEC is added) or -errno. Rests on openat2(2),
 * path_resolution(7).
 */
#ifndef SR_SYS_OPENAT2_H
#define SR_SYS_OPENAT2_H

#include <sys/types.h>

/*
 * Opens path beneath dir_fd; no component may be a symbolic link, nothing leads out. path is relative and holds no ".."
 * (refused with -EXDEV both ways, so that both ways answer alike). "." is dir_fd itself. A trailing slash asks for a
 * folder. -ELOOP: a component is a link. O_PATH | O_NOFOLLOW opens a last component that is a link as the link it is.
 * mode counts with O_CREAT only; umask(2) applies.
 */
int sys_open_beneath(int dir_fd, const char *path, int flags, mode_t mode);

/*
 * Opens path as if root_fd were "/": symbolic links are followed inside it (40 at most, then -ELOOP), absolute ones start
 * at root_fd, ".." stops there. Magic links of /proc are not followed. O_CREAT is refused (-EINVAL).
 */
int sys_open_in_root(int root_fd, const char *path, int flags);

/* The fallbacks alone. For the tests, and for callers that must not depend on openat2(2). */
int sys_open_beneath_walk(int dir_fd, const char *path, int flags, mode_t mode);
int sys_open_in_root_walk(int root_fd, const char *path, int flags);

#endif
