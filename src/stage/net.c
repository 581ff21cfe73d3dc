/* SPDX-License-Identifier: MIT */
/*
 * Host name and loopback.
 * Needs: CAP_SYS_ADMIN, CAP_NET_ADMIN over the fresh uts and network namespaces. Gives up: nothing.
 * Before: capabilities go. If skipped: the host's name shows, programs that talk to themselves over 127.0.0.1 fail.
 */
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "stage/stage.h"
#include "sys/kernel.h"

void stage_net(const struct sr_stage_ctx *c)
{
	struct ifreq ifr = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	int fd;

	if (sethostname(SR_HOSTNAME, sizeof(SR_HOSTNAME) - 1) < 0 || setdomainname("", 0) < 0)
		stage_fail(c, SR_STAGE_HOSTNAME, errno, 0);
	if (c->plan->host_network)
		return;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &ifr) < 0)
		stage_fail(c, SR_STAGE_LOOPBACK, errno, 0);
	(void)close(fd);
}
