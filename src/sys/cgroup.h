/* SPDX-License-Identifier: MIT */
/*
 * cgroup v2 as files: Documentation/admin-guide/cgroup-v2.rst, cgroups(7). Folders are descriptors, names are of one
 * component; nothing here decides anything.
 */
#ifndef SR_SYS_CGROUP_H
#define SR_SYS_CGROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * The cgroup that a process is in (pid 0: the caller), as a descriptor of its folder and its path in the hierarchy as the
 * caller's cgroup namespace shows it. 0, or -errno: -ENOENT without a cgroup2 hierarchy, -EXDEV when the cgroup lies outside
 * of what is mounted here. *ret_path is fresh.
 */
int cgroup_open(pid_t pid, int *ret_fd, char **ret_path);

/* A control file's text without the last newline. Length, or -errno. */
ssize_t cgroup_read(int dir_fd, const char *file, char *buf, size_t size);
/* One write(2). 0 or -errno. */
int cgroup_write(int dir_fd, const char *file, const char *text);
/* A file that holds one number; "max" is SR_UNLIMITED. 0 or -errno, -EINVAL when it is none. */
int cgroup_read_number(int dir_fd, const char *file, uint64_t *ret);
/* A line "key number" of a flat keyed file. 0 or -errno, -ENODATA when the key is missing. */
int cgroup_read_key(int dir_fd, const char *file, const char *key, uint64_t *ret);

/* Whether the folder was given to its owner: systemd marks it (user.delegate), systemd.unit(5) "Delegate=". */
bool cgroup_is_delegated(int dir_fd);
/* The top of the whole hierarchy, not only of a cgroup namespace: it alone has no cgroup.type. */
bool cgroup_is_root(int dir_fd);
/* Whether the caller may make cgroups in it and move processes: folder, cgroup.procs and cgroup.subtree_control. */
bool cgroup_is_writable(int dir_fd);

/* Moves a process. 0 or -errno; -ESRCH when it is gone. */
int cgroup_move(int dir_fd, pid_t pid);
/* Whether a live process is in it or below it; true also when that cannot be read. */
bool cgroup_is_populated(int dir_fd);
/*
 * Moves every process of folder `from` to folder `to`, again and again until none comes after (they fork). *ret_moved counts.
 * 0, or -errno of the first that cannot be moved, -EBUSY when there is no end to it.
 */
int cgroup_move_all(int from_fd, int to_fd, unsigned *ret_moved);

#endif
