/* SPDX-License-Identifier: MIT */
#include "run/trace-peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "evidence/tracelog.h"
#include "run/trace-calls.h"

/* The same on every architecture. */
#define KERNEL_PIDFD_OPEN 434
#define KERNEL_PIDFD_GETFD 438 /* Linux 5.6 */

void trace_peer_claimed(pid_t tid, uint64_t address, uint64_t length, struct trace_peer *ret)
{
	size_t want = length < sizeof(ret->address) ? (size_t)length : sizeof(ret->address);

	memset(ret, 0, sizeof(*ret));
	ret->length = trace_read(tid, address, ret->address, want, false);
}

int trace_copy_fd(pid_t tgid, int fd)
{
	SR_AUTOCLOSE int pidfd = (int)syscall(KERNEL_PIDFD_OPEN, tgid, 0U);

	return pidfd < 0 ? -1 : (int)syscall(KERNEL_PIDFD_GETFD, pidfd, fd, 0U);
}

bool trace_peer_of(pid_t tgid, int fd, bool own, struct trace_peer *ret)
{
	SR_AUTOCLOSE int copy = trace_copy_fd(tgid, fd);
	socklen_t len = sizeof(ret->address);
	struct sockaddr *address = (struct sockaddr *)(void *)ret->address;

	memset(ret, 0, sizeof(*ret));
	if (copy < 0 || (own ? getsockname(copy, address, &len) : getpeername(copy, address, &len)) < 0)
		return false;
	ret->length = len < sizeof(ret->address) ? len : sizeof(ret->address);
	return ret->length > sizeof(sa_family_t);
}

static void write_unix(struct sr_tracelog *log, const struct trace_peer *peer, const char *cwd)
{
	SR_AUTOFREE char *joined = NULL;
	const char *name = (const char *)peer->address + offsetof(struct sockaddr_un, sun_path);
	size_t len = peer->length > offsetof(struct sockaddr_un, sun_path) ? peer->length - offsetof(struct sockaddr_un, sun_path) : 0;

	if (len > sizeof(((struct sockaddr_un *)0)->sun_path))
		len = sizeof(((struct sockaddr_un *)0)->sun_path);
	if (len > 0 && *name && *name != '/' && cwd)
		joined = str_format("%s/%.*s", cwd[1] ? cwd : "", (int)len, name);
	if (joined)
		tracelog_text(log, "path", joined);
	else if (len > 0 && !*name)
		tracelog_bytes(log, "abstract", name + 1, len - 1);
	else
		tracelog_bytes(log, "path", name, strnlen(name, len));
}

static void write_inet(struct sr_tracelog *log, int family, const void *address, in_port_t port)
{
	char text[INET6_ADDRSTRLEN];

	if (inet_ntop(family, address, text, sizeof(text)))
		tracelog_text(log, "address", text);
	tracelog_number(log, "port", ntohs(port));
}

void trace_peer_write(struct sr_tracelog *log, const struct trace_peer *peer, const char *cwd)
{
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	sa_family_t family = AF_UNSPEC;
	char other[16];

	memcpy(&family, peer->address, sizeof(family));
	memcpy(&in, peer->address, sizeof(in));
	memcpy(&in6, peer->address, sizeof(in6));
	if (peer->length < sizeof(family)) {
		tracelog_text(log, "family", "unknown");
	} else if (family == AF_UNIX) {
		tracelog_text(log, "family", "unix");
		write_unix(log, peer, cwd);
	} else if (family == AF_INET && peer->length >= sizeof(in)) {
		tracelog_text(log, "family", "inet");
		write_inet(log, AF_INET, &in.sin_addr, in.sin_port);
	} else if (family == AF_INET6 && peer->length >= offsetof(struct sockaddr_in6, sin6_scope_id)) {
		tracelog_text(log, "family", "inet6");
		write_inet(log, AF_INET6, &in6.sin6_addr, in6.sin6_port);
	} else {
		(void)snprintf(other, sizeof(other), "%u", (unsigned)family);
		tracelog_text(log, "family", family == AF_UNSPEC ? "unspecified" : other);
	}
}
