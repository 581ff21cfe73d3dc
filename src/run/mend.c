/* SPDX-License-Identifier: MIT */
#include "run/mend.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/io.h"
#include "base/str.h"
#include "plan/plan.h"

static const char *const texts[MEND_MAX] = {
	[MEND_NONE] = "",
	[MEND_NESTED] = "run the inner program directly: it is isolated already",
	[MEND_APPARMOR] = MEND_ROOT "sandrun doctor --apparmor >/etc/apparmor.d/sandrun && apparmor_parser -r "
				    "/etc/apparmor.d/sandrun (allows it for this sandrun alone; for every program: "
				    "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0)",
	[MEND_USERNS_CLONE] = MEND_ROOT "sysctl -w kernel.unprivileged_userns_clone=1",
	[MEND_USERNS_MAX] = MEND_ROOT "sysctl -w user.max_user_namespaces=15000",
	[MEND_USERNS_USED_UP] = "a limit of /proc/sys/user/max_*_namespaces is used up: end other sandboxes, or raise it as root",
	[MEND_USERNS_KERNEL] = "this kernel was built without some namespaces: use one with CONFIG_USER_NS, PID_NS, NET_NS, IPC_NS, "
			       "UTS_NS and CGROUPS",
	[MEND_CHROOT] = "sandrun was started in a chroot, where the kernel allows no user namespaces: start it outside, or make the "
			"new root with pivot_root",
	[MEND_UNMAPPED] = "sandrun was started in a user namespace that does not map its user: map it there (unshare "
			  "--map-current-user, podman run --userns=keep-id)",
	[MEND_CONTAINER] = "this container forbids it: start it with --security-opt seccomp=unconfined --security-opt "
			   "systempaths=unconfined (Docker, Podman) or a seccomp profile that allows clone, clone3, unshare, mount, umount2, "
			   "mount_setattr, pivot_root, sethostname, openat2 and landlock_*",
	[MEND_FILTER] = "a seccomp filter of whatever started sandrun forbids it (a service with SystemCallFilter= or "
			"RestrictNamespaces=, snap, flatpak, a CI runner): start sandrun outside of that",
	[MEND_SECURITY_MODULE] = "a security module forbids it (SELinux, AppArmor, Tomoyo; in a container try --security-opt "
				 "apparmor=unconfined): its log names the rule, journalctl -k",
	[MEND_KERNEL] = "this kernel lacks a call that is needed: update it to Linux 6.1 or later",
	[MEND_PROC_MASKED] = "parts of this machine's /proc are masked (Docker, Kubernetes): start the container with "
			     "--security-opt systempaths=unconfined, or run sandrun with --proc none (nothing is less isolated)",
	[MEND_PROC_MISSING] = "no /proc is mounted here; " MEND_ROOT "mount -t proc proc /proc",
};

const char *mend_text(enum mend_id id)
{
	return texts[id];
}

bool mend_needs_root(const char *text)
{
	return strstr(text, MEND_ROOT) != NULL;
}

/* First number in a file of /proc/sys, or -1. */
static long sysctl_number(const char *path)
{
	SR_AUTOCLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	char buf[32] = "";

	if (fd < 0 || io_read_full(fd, buf, sizeof(buf) - 1) <= 0)
		return -1;
	return strtol(buf, NULL, 10);
}

/* Inside a sandbox of sandrun's own: by its host name, and its ceiling or, under --proc none, its variable. */
static bool is_nested(void)
{
	long ceiling = sysctl_number("/proc/sys/user/max_user_namespaces");
	char name[64] = "";

	return gethostname(name, sizeof(name) - 1) == 0 && strcmp(name, SR_HOSTNAME) == 0 &&
	       (ceiling == 0 || (ceiling < 0 && getenv("SANDRUN")));
}

/*
 * Whether AppArmor denies programs like this one user namespaces, or every right in them (Ubuntu 23.10 and later).
 * A program under a profile of its own, that of sandrun or a container's, is not restricted by this: its profile decides.
 * Without AppArmor the label cannot be read.
 */
static bool apparmor_restricts(void)
{
	SR_AUTOCLOSE int fd = -1;
	char label[16] = "";

	if (sysctl_number("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") != 1)
		return false;
	fd = open("/proc/self/attr/current", O_RDONLY | O_CLOEXEC);
	return fd < 0 || io_read_full(fd, label, sizeof(label) - 1) <= 0 || str_has_prefix(label, "unconfined");
}

static bool in_container(void)
{
	return access("/.dockerenv", F_OK) == 0 || access("/run/.containerenv", F_OK) == 0 || getenv("container") ||
	       getenv("KUBERNETES_SERVICE_HOST");
}

/* Whether this process is under somebody's seccomp filter: "Seccomp:\t2" of /proc/self/status, proc(5). */
static bool is_filtered(void)
{
	SR_AUTOFREE char *text = NULL;
	SR_AUTOCLOSE int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	size_t len = 0;

	return fd >= 0 && io_read_all(fd, 65536, &text, &len) == 0 && strstr(text, "\nSeccomp:\t2\n");
}

/*
 * Whether a filter forbids user namespaces, by trying: the kernel itself answers EINVAL to flags that no unshare(2) has
 * before it looks at anything else, so EPERM and ENOSYS can only be a filter's words. Nothing is unshared.
 */
static bool filter_forbids_userns(void)
{
	return unshare(CLONE_NEWUSER | 1) < 0 && errno != EINVAL;
}

/* The same for mount(2): without a path the kernel answers EFAULT before it looks at rights. */
static bool filter_forbids_mount(void)
{
	return mount(NULL, NULL, NULL, 0, NULL) < 0 && errno != EFAULT;
}

/* In a chroot no mount stands at "/" (proc(5), mountinfo); the kernel refuses user namespaces there, user_namespaces(7). */
static bool in_chroot(void)
{
	FILE *f = fopen("/proc/self/mountinfo", "re");
	bool found = false;
	char line[4096];

	if (!f)
		return false;
	while (!found && fgets(line, sizeof(line), f)) {
		char place[4096];

		found = sscanf(line, "%*s %*s %*s %*s %4095s", place) == 1 && strcmp(place, "/") == 0;
	}
	(void)fclose(f);
	return !found;
}

static enum mend_id mend_filter(void)
{
	return in_container() ? MEND_CONTAINER : MEND_FILTER;
}

/* A user that the namespace around does not map owns no further one, user_namespaces(7). */
static bool is_unmapped(void)
{
	SR_AUTOCLOSE int fd = open("/proc/self/uid_map", O_RDONLY | O_CLOEXEC);
	char byte;

	return fd >= 0 && io_read_full(fd, &byte, 1) == 0;
}

static enum mend_id mend_denied_clone(void)
{
	if (filter_forbids_userns())
		return mend_filter();
	if (sysctl_number("/proc/sys/kernel/unprivileged_userns_clone") == 0)
		return MEND_USERNS_CLONE;
	if (in_chroot())
		return MEND_CHROOT;
	if (apparmor_restricts())
		return MEND_APPARMOR;
	if (is_unmapped())
		return MEND_UNMAPPED;
	return is_filtered() ? mend_filter() : MEND_SECURITY_MODULE;
}

enum mend_id mend_for_clone(int errnum)
{
	if (is_nested())
		return MEND_NESTED;
	switch (errnum) {
	case EPERM:
	case EACCES:
		return mend_denied_clone();
	case ENOSPC:
	case EUSERS:
		return sysctl_number("/proc/sys/user/max_user_namespaces") == 0 ? MEND_USERNS_MAX : MEND_USERNS_USED_UP;
	case EINVAL:
		return MEND_USERNS_KERNEL;
	case ENOSYS:
		return mend_filter(); /* no kernel lacks clone(2) */
	default:
		return MEND_NONE;
	}
}

enum mend_id mend_for_refusal(int errnum)
{
	if (errnum != EPERM && errnum != EACCES && errnum != ENOSYS)
		return MEND_NONE;
	if (is_filtered())
		return mend_filter();
	return errnum == ENOSYS ? MEND_KERNEL : MEND_SECURITY_MODULE;
}

enum mend_id mend_for_rights(int errnum)
{
	if (errnum != EPERM && errnum != EACCES)
		return mend_for_refusal(errnum);
	if (filter_forbids_mount())
		return mend_filter();
	return apparmor_restricts() ? MEND_APPARMOR : mend_for_refusal(errnum);
}
