/* SPDX-License-Identifier: MIT */
/*
 * net tcp ADDRESS PORT | udp ADDRESS PORT    one connection or datagram (and its answer), two seconds at most.
 * net serve                a TCP listener on 127.0.0.1 and on ::1: prints both ports, says "hello" to twenty callers or
 *                          ends after 20 s.
 * net loopback             listener, connection and datagram inside this process's own network namespace.
 * net interfaces           names of the interfaces that /proc/net/dev shows, and the addresses that can be bound.
 * net privileged           bind to port 80, IP_TRANSPARENT, SO_MARK, raw sockets, interface ioctls.
 */
#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "probe.h"

static socklen_t address(const char *host, long port, struct sockaddr_storage *to)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)to;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)to;

	memset(to, 0, sizeof(*to));
	if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons((uint16_t)port);
		return sizeof(*v4);
	}
	if (inet_pton(AF_INET6, host, &v6->sin6_addr) != 1)
		exit(2);
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons((uint16_t)port);
	return sizeof(*v6);
}

static long wait_for(int fd, short events)
{
	struct pollfd poll_fd = { fd, events, 0 };
	int error = 0;
	socklen_t length = sizeof(error);

	if (poll(&poll_fd, 1, 2000) != 1) {
		errno = ETIMEDOUT;
		return -1;
	}
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) == 0 && error != 0) {
		errno = error;
		return -1;
	}
	return 0;
}

static long talk(const char *host, long port, int type)
{
	struct sockaddr_storage to;
	socklen_t length = address(host, port, &to);
	int fd = socket(to.ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	char text[64];
	ssize_t n;

	if (fd < 0)
		return -1;
	if (connect(fd, (struct sockaddr *)&to, length) < 0 && (errno != EINPROGRESS || wait_for(fd, POLLOUT) < 0))
		return -1;
	if (type == SOCK_DGRAM && send(fd, "?", 1, 0) < 0)
		return -1;
	if (wait_for(fd, POLLIN) < 0 || (n = recv(fd, text, sizeof(text) - 1, 0)) < 0)
		return -1;
	text[n] = '\0';
	printf("heard %s\n", text);
	return 0;
}

static int listener(const char *host, int type)
{
	struct sockaddr_storage at;
	socklen_t length = address(host, 0, &at);
	int fd = socket(at.ss_family, type | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&at, length) < 0 || (type == SOCK_STREAM && listen(fd, 20) < 0))
		return -1;
	return fd;
}

static int port_of(int fd)
{
	struct sockaddr_storage at;
	socklen_t length = sizeof(at);

	if (fd < 0 || getsockname(fd, (struct sockaddr *)&at, &length) < 0)
		return 0;
	return ntohs(at.ss_family == AF_INET ? ((struct sockaddr_in *)&at)->sin_port
					     : ((struct sockaddr_in6 *)&at)->sin6_port);
}

static int serve(void)
{
	struct pollfd fds[2] = { { listener("127.0.0.1", SOCK_STREAM), POLLIN, 0 },
				 { listener("::1", SOCK_STREAM), POLLIN, 0 } };

	printf("%d %d\n", port_of(fds[0].fd), port_of(fds[1].fd));
	fflush(stdout);
	alarm(20);
	for (int callers = 0; callers < 20 && poll(fds, 2, -1) > 0; callers++)
		for (int i = 0; i < 2; i++)
			if (fds[i].revents & POLLIN) {
				int fd = accept(fds[i].fd, NULL, NULL);

				if (fd >= 0 && write(fd, "hello", 5) == 5)
					close(fd);
			}
	return 0;
}

static void loopback(const char *host)
{
	int stream = listener(host, SOCK_STREAM), dgram = listener(host, SOCK_DGRAM);
	int out = -1, in = -1;
	struct sockaddr_storage to;
	socklen_t length = address(host, port_of(stream), &to);
	char name[80], byte;

	out = socket(to.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	snprintf(name, sizeof(name), "tcp to myself %s", host);
	say(name, out < 0 || connect(out, (struct sockaddr *)&to, length) < 0 ? -1 : 0);
	in = accept4(stream, NULL, NULL, SOCK_NONBLOCK);
	say("accept", in);
	say("send", send(out, "x", 1, 0));
	say("receive", wait_for(in, POLLIN) < 0 ? -1 : recv(in, &byte, 1, 0));
	length = address(host, port_of(dgram), &to);
	say("udp to myself", sendto(dgram, "x", 1, 0, (struct sockaddr *)&to, length));
}

static void interfaces(void)
{
	static const char *const hosts[] = { "127.0.0.1", "0.0.0.0", "::1", "::", "10.0.0.1", "169.254.169.254" };
	char line[512], name[64];
	FILE *list = fopen("/proc/net/dev", "re");

	while (list != NULL && fgets(line, sizeof(line), list) != NULL)
		if (strchr(line, ':') != NULL)
			printf("interface %.*s\n", (int)(strcspn(line, ":") - strspn(line, " ")), line + strspn(line, " "));
	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		snprintf(name, sizeof(name), "bind %s", hosts[i]);
		say(name, listener(hosts[i], SOCK_STREAM));
	}
}

static void privileged(void)
{
	struct sockaddr_storage at;
	socklen_t length = address("127.0.0.1", 80, &at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
	struct ifreq request = { 0 };

	say("bind port 80", bind(fd, (struct sockaddr *)&at, length));
	say("transparent", setsockopt(fd, IPPROTO_IP, 19, &one, sizeof(one)));
	say("mark", setsockopt(fd, SOL_SOCKET, 36, &one, sizeof(one)));
	say("raw tcp", socket(AF_INET, SOCK_RAW, IPPROTO_TCP));
	say("raw icmp", socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
	say("raw icmp6", socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6));
	strcpy(request.ifr_name, "lo");
	request.ifr_flags = 0;
	say("interface down", ioctl(fd, SIOCSIFFLAGS, &request));
	strcpy(request.ifr_name, "lo:1");
	memcpy(&request.ifr_addr, &at, sizeof(request.ifr_addr));
	say("interface address", ioctl(fd, SIOCSIFADDR, &request));
}

int main(int argc, char **argv)
{
	char name[200];

	if (argc == 4) {
		snprintf(name, sizeof(name), "%s %s", argv[1], argv[2]);
		say(name, talk(argv[2], number(argv[3]), strcmp(argv[1], "udp") == 0 ? SOCK_DGRAM : SOCK_STREAM));
		return 0;
	}
	if (argc != 2)
		return 2;
	if (strcmp(argv[1], "serve") == 0)
		return serve();
	if (strcmp(argv[1], "loopback") == 0) {
		loopback("127.0.0.1");
		loopback("::1");
	} else if (strcmp(argv[1], "interfaces") == 0) {
		interfaces();
	} else if (strcmp(argv[1], "privileged") == 0) {
		privileged();
	} else {
		return 2;
	}
	return 0;
}
