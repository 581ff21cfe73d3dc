/* SPDX-License-Identifier: MIT */
/*
 * sockets    socket(2) and socketpair(2) for every family 0..45 and type; families that answer EAFNOSUPPORT throughout are
 * counted, every other answer is printed.
 */
#include <stdint.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "probe.h"

static const char *type_name(int type)
{
	static const char *const names[] = { "?", "stream", "dgram", "raw", "rdm", "seqpacket" };

	return type >= 1 && type <= 5 ? names[type] : "?";
}

static void show(const char *what, long family, int type, long result)
{
	int error = errno;
	char name[64];

	snprintf(name, sizeof(name), "%s %ld %s", what, family, type_name(type));
	errno = error;
	say(name, result);
	if (result >= 0)
		close((int)result);
}

int main(void)
{
	int refused = 0, pair[2];

	for (int family = 0; family <= 45; family++) {
		int answers = 0;

		for (int type = 1; type <= 5; type++) {
			long fd = syscall(SYS_socket, family, type, 0);

			if (fd < 0 && errno == EAFNOSUPPORT)
				continue;
			answers++;
			show("socket", family, type, fd);
		}
		refused += answers == 0;
	}
	printf("families refused with EAFNOSUPPORT: %d\n", refused);
	/* The family is an int: bits above it must not slip past a filter that compares 64. */
	show("high netlink", 16, 3, syscall(SYS_socket, (1L << 32) | 16, 3, 0));
	show("high vsock", 40, 1, syscall(SYS_socket, (1L << 32) | 40, 1, 0));
	show("high packet", 17, 3, syscall(SYS_socket, (1L << 63) | 17, 3, 0));
	show("ping", 2, 2, syscall(SYS_socket, 2, 2, 1));
	show("ping6", 10, 2, syscall(SYS_socket, 10, 2, 58));
	show("mptcp", 2, 1, syscall(SYS_socket, 2, 1, 262));
	show("sctp", 2, 1, syscall(SYS_socket, 2, 1, 132));
	show("udplite", 2, 2, syscall(SYS_socket, 2, 2, 136));
	say("socketpair unix", syscall(SYS_socketpair, 1, 1, 0, pair));
	say("socketpair tipc", syscall(SYS_socketpair, 30, 5, 0, pair));
	return 0;
}
