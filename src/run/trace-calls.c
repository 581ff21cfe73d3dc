/* SPDX-License-Identifier: MIT */
#include "run/trace-calls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/str.h"
#include "policy/syscalls.h"
#include "run/learn.h"

#define PAGE 4096U

#define PATH(name, dirfd_arg, path_arg, changes) \
	{ .call = SR_SYSCALL_##name, .dirfd = (dirfd_arg), .path = (path_arg), .address = -1, .flags = -1, .writes = (changes) }
#define OPEN(name, dirfd_arg, path_arg, flags_arg) \
	{ .call = SR_SYSCALL_##name, .dirfd = (dirfd_arg), .path = (path_arg), .address = -1, .flags = (flags_arg) }
#define PEER(name, address_arg) \
	{ .call = SR_SYSCALL_##name, .path = -1, .address = (address_arg), .length = (address_arg) + 1, .flags = -1 }

/* openat2's flags lie in memory: it is shown as a reader. Of two names, the one that is changed or looked for. */
static const struct trace_call rows[] = {
	OPEN(open, -1, 0, 1), OPEN(openat, 0, 1, 2), PATH(openat2, 0, 1, false), PATH(creat, -1, 0, true),
	PATH(stat, -1, 0, false), PATH(lstat, -1, 0, false), PATH(newfstatat, 0, 1, false), PATH(statx, 0, 1, false),
	PATH(statfs, -1, 0, false), PATH(access, -1, 0, false), PATH(faccessat, 0, 1, false), PATH(faccessat2, 0, 1, false),
	PATH(readlink, -1, 0, false), PATH(readlinkat, 0, 1, false), PATH(chdir, -1, 0, false),
	PATH(execve, -1, 0, false), PATH(execveat, 0, 1, false),
	PATH(mkdir, -1, 0, true), PATH(mkdirat, 0, 1, true), PATH(rmdir, -1, 0, true), PATH(unlink, -1, 0, true),
	PATH(unlinkat, 0, 1, true), PATH(rename, -1, 1, true), PATH(renameat, 2, 3, true), PATH(renameat2, 2, 3, true),
	PATH(link, -1, 1, true), PATH(linkat, 2, 3, true), PATH(symlink, -1, 1, true), PATH(symlinkat, 1, 2, true),
	PATH(chmod, -1, 0, true), PATH(fchmodat, 0, 1, true), PATH(fchmodat2, 0, 1, true), PATH(chown, -1, 0, true),
	PATH(lchown, -1, 0, true), PATH(fchownat, 0, 1, true), PATH(truncate, -1, 0, true), PATH(utimensat, 0, 1, true),
	PATH(mknod, -1, 0, true), PATH(mknodat, 0, 1, true),
	PEER(connect, 1), PEER(bind, 1), PEER(sendto, 4),
};

const struct trace_call *trace_call_of(int number)
{
	int call = learn_call_of(number);

	for (size_t i = 0; call >= 0 && i < SR_ELEMENTSOF(rows); i++) {
		if (rows[i].call == call)
			return &rows[i];
	}
	return NULL;
}

bool trace_is_refusal(const struct trace_call *row, int errnum)
{
	switch (errnum) {
	case EACCES:
	case EPERM:
	case EROFS:
	case ENOENT: /* most are searches: whether the name means something outside is looked at afterwards */
		return true;
	case EXDEV: /* Landlock's answer to a rename or link between folders of different rights; between mounts, the kernel's */
		return row->path >= 0;
	case ENETUNREACH:
	case EHOSTUNREACH:
	case ENETDOWN:
	case ECONNREFUSED:
	case EADDRNOTAVAIL:
		return row->address >= 0;
	default:
		return false;
	}
}

size_t trace_read(pid_t tid, uint64_t from, void *out, size_t size, bool text)
{
	size_t got = 0;

	while (got < size) {
		size_t piece = PAGE - (size_t)((from + got) % PAGE);
		struct iovec local = { .iov_base = (char *)out + got };
		struct iovec remote = { .iov_base = (void *)(uintptr_t)(from + got) };
		ssize_t n;

		piece = piece < size - got ? piece : size - got;
		local.iov_len = remote.iov_len = piece;
		n = process_vm_readv(tid, &local, 1, &remote, 1, 0);
		if (n <= 0)
			break;
		if (text && memchr((char *)out + got, '\0', (size_t)n))
			return got + (size_t)n;
		got += (size_t)n;
	}
	return got;
}

/* Where a relative name starts, as the process sees it; "" where that cannot be told. */
static void base_of(pid_t tid, const struct trace_call *row, const uint64_t args[6], char out[static PATH_MAX])
{
	int dirfd = row->dirfd < 0 ? AT_FDCWD : (int)(uint32_t)args[row->dirfd];
	char link[64];
	ssize_t n;

	if (dirfd == AT_FDCWD)
		(void)snprintf(link, sizeof(link), "/proc/%d/cwd", (int)tid);
	else
		(void)snprintf(link, sizeof(link), "/proc/%d/fd/%d", (int)tid, dirfd);
	n = readlink(link, out, PATH_MAX - 1);
	out[n > 0 ? n : 0] = '\0';
}

static char *path_object(pid_t tid, const struct trace_call *row, const uint64_t args[6])
{
	char path[PATH_MAX], base[PATH_MAX];
	size_t n = trace_read(tid, args[row->path], path, sizeof(path), true);
	const char *p = path;

	if (n == 0 || !memchr(path, '\0', n) || !*path)
		return NULL; /* "" is the descriptor itself, or nothing */
	if (*p == '/')
		return str_format("%s", p);
	while (p[0] == '.' && p[1] == '/')
		p += 2;
	base_of(tid, row, args, base);
	return base[0] == '/' ? str_format("%s/%s", base[1] ? base : "", p) : str_format("%s", p);
}

static char *unix_object(const struct sockaddr_un *un, size_t len)
{
	char name[sizeof(un->sun_path) + 1];

	if (len <= offsetof(struct sockaddr_un, sun_path))
		return NULL;
	len -= offsetof(struct sockaddr_un, sun_path);
	if (len > sizeof(un->sun_path)) /* what holds any address is rounded up, and the payload says how long its own is */
		len = sizeof(un->sun_path);
	memcpy(name, un->sun_path, len);
	name[len] = '\0';
	if (!name[0])
		name[0] = '@'; /* in no folder */
	return str_format("%s", name);
}

static char *peer_object(pid_t tid, const struct trace_call *row, const uint64_t args[6], enum sr_traced_kind *ret_kind)
{
	union {
		struct sockaddr any;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
		struct sockaddr_un un;
	} a = { .un = { .sun_family = AF_UNSPEC } };
	size_t len = (uint32_t)args[row->length] < sizeof(a) ? (uint32_t)args[row->length] : sizeof(a);
	char text[INET6_ADDRSTRLEN];

	len = trace_read(tid, args[row->address], &a, len, false);
	*ret_kind = SR_TRACED_INET;
	if (len >= sizeof(a.in) && a.any.sa_family == AF_INET && inet_ntop(AF_INET, &a.in.sin_addr, text, sizeof(text)))
		return str_format("%s:%u", text, ntohs(a.in.sin_port));
	if (len >= sizeof(a.in6) && a.any.sa_family == AF_INET6 && inet_ntop(AF_INET6, &a.in6.sin6_addr, text, sizeof(text)))
		return str_format("[%s]:%u", text, ntohs(a.in6.sin6_port));
	*ret_kind = SR_TRACED_SOCKET;
	return len > sizeof(a.any.sa_family) && a.any.sa_family == AF_UNIX ? unix_object(&a.un, len) : NULL;
}

char *trace_object(pid_t tid, const struct trace_call *row, const uint64_t args[6], enum sr_traced_kind *ret_kind)
{
	*ret_kind = SR_TRACED_PATH;
	return row->path >= 0 ? path_object(tid, row, args) : peer_object(tid, row, args, ret_kind);
}
