/* SPDX-License-Identifier: MIT */
#include "run/observe.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/macros.h"
#include "base/str.h"

static const struct {
	const char *name, *link;
} namespaces[SR_NS_MAX] = {
	[SR_NS_USER] = { "user", "user" },       [SR_NS_PID] = { "pid", "pid" }, [SR_NS_MOUNT] = { "mount", "mnt" },
	[SR_NS_NETWORK] = { "network", "net" },  [SR_NS_IPC] = { "ipc", "ipc" }, [SR_NS_UTS] = { "uts", "uts" },
	[SR_NS_CGROUP] = { "cgroup", "cgroup" },
};

const char *observe_namespace_name(enum sr_namespace ns)
{
	return namespaces[ns].name;
}

int observe_namespaces(pid_t init, struct sr_observed *ret, struct sr_error *err)
{
	SR_AUTOCLOSE int ours = open("/proc/self/ns", O_RDONLY | O_DIRECTORY | O_CLOEXEC), theirs = -1;
	char path[48];

	(void)snprintf(path, sizeof(path), "/proc/%d/ns", (int)init);
	theirs = ours < 0 ? -1 : open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (theirs < 0)
		return 0;
	for (size_t i = 0; i < SR_NS_MAX; i++) {
		char a[48], b[48]; /* "net:[4026531840]": type and inode number, namespaces(7) */
		ssize_t n = readlinkat(ours, namespaces[i].link, a, sizeof(a)), m = readlinkat(theirs, namespaces[i].link, b, sizeof(b));

		if (n <= 0 || m <= 0 || n == (ssize_t)sizeof(a) || m == (ssize_t)sizeof(b))
			return 0; /* a masked or hiding /proc: nothing was seen */
		if (n == m && memcmp(a, b, (size_t)n) == 0)
			return sr_error_set(err, SR_E_NAMESPACE, EPERM, "sandbox",
					    "cannot run: the kernel gave no %s namespace of its own, and said nothing", namespaces[i].name);
	}
	ret->namespaces_seen = true;
	return 0;
}

static ssize_t read_proc(pid_t pid, const char *name, char *buf, size_t size)
{
	SR_AUTOCLOSE int fd = -1;
	char path[64];
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -errno : read(fd, buf, size - 1); /* such a file comes in one piece */
	if (n >= 0)
		buf[n] = '\0';
	return n;
}

/* The value behind "\nNAME:\t". */
static bool field(const char *text, const char *name, char *out, size_t size)
{
	const char *at = strstr(text, name);
	size_t n;

	if (!at)
		return false;
	at += strlen(name);
	n = strcspn(at, "\n");
	if (n == 0 || n >= size)
		return false;
	memcpy(out, at, n);
	out[n] = '\0';
	return true;
}

static bool read_status(pid_t pid, struct sr_observed *ret)
{
	char text[4096], number[8], mode[8];

	if (read_proc(pid, "status", text, sizeof(text)) <= 0 || !field(text, "\nNoNewPrivs:\t", number, sizeof(number)) ||
	    !field(text, "\nSeccomp:\t", mode, sizeof(mode)) || !field(text, "\nCapInh:\t", ret->cap_inh, sizeof(ret->cap_inh)) ||
	    !field(text, "\nCapPrm:\t", ret->cap_prm, sizeof(ret->cap_prm)) ||
	    !field(text, "\nCapEff:\t", ret->cap_eff, sizeof(ret->cap_eff)) ||
	    !field(text, "\nCapBnd:\t", ret->cap_bnd, sizeof(ret->cap_bnd)) ||
	    !field(text, "\nCapAmb:\t", ret->cap_amb, sizeof(ret->cap_amb)))
		return false;
	ret->no_new_privs = atoi(number);
	ret->seccomp = atoi(mode);
	if (ret->seccomp == 3) /* SECCOMP_MODE_DEAD: its filter has killed it already */
		ret->seccomp = 2;
	return true;
}

/* "      1000       1003          1\n" -> "1000 1003 1" */
static void read_map(pid_t pid, const char *name, char *out, size_t size)
{
	char text[256];
	unsigned inside, outside, count;
	char *p = text;

	if (read_proc(pid, name, text, sizeof(text)) <= 0)
		return;
	inside = (unsigned)strtoul(p, &p, 10);
	outside = (unsigned)strtoul(p, &p, 10);
	count = (unsigned)strtoul(p, &p, 10);
	if (strcmp(p, "\n") == 0) /* one line, or it is not the map that was written */
		(void)snprintf(out, size, "%u %u %u", inside, outside, count);
}

static bool none(const char *caps)
{
	return strspn(caps, "0") == strlen(caps);
}

int observe_payload(pid_t init, struct sr_observed *ret, struct sr_error *err)
{
	char children[64], name[48];
	long payload = 0;

	(void)snprintf(name, sizeof(name), "task/%d/children", (int)init);
	if (read_proc(init, name, children, sizeof(children)) > 0)
		payload = strtol(children, NULL, 10);
	read_map(init, "uid_map", ret->uid_map, sizeof(ret->uid_map));
	read_map(init, "gid_map", ret->gid_map, sizeof(ret->gid_map));
	ret->payload_seen = payload > 0 && read_status((pid_t)payload, ret);
	ret->status_seen = ret->payload_seen || read_status(init, ret);
	if (!ret->status_seen)
		return 0;
	if (ret->payload_seen && ret->seccomp != 2)
		return sr_error_set(err, SR_E_SECCOMP, EPERM, "sandbox", "cannot go on: the program runs without its seccomp filter");
	if (ret->no_new_privs != 1 || !none(ret->cap_inh) || !none(ret->cap_prm) || !none(ret->cap_eff) || !none(ret->cap_bnd) ||
	    !none(ret->cap_amb))
		return sr_error_set(err, SR_E_SETUP, EPERM, "sandbox", "cannot go on: the program has kept privileges");
	return 0;
}
