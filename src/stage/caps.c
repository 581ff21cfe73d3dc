/* SPDX-License-Identifier: MIT */
/*
 * This process hides (non-dumpable, finding 1), once the supervisor has looked at its namespaces: what it saw stands in the
 * certificate (finding 19), and by now it has looked, so that nobody waits. The cgroup namespace begins anew where the run's
 * own cgroup is: inside, it is the top, and no path of the host's shows. Then privileges go for good: no_new_privs, bounding
 * set, securebits, all capability sets.
 * Needs: CAP_SYS_ADMIN for the namespace, CAP_SETPCAP for the bounding set. Gives up: every right over the user namespace.
 * After: the last mount and the network. Before: Landlock and the filters (which rest on no_new_privs), before the payload.
 * If skipped: the payload rewrites init through /proc/1/mem; mount(2) and friends inside, set-id programs of an image count again.
 */
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "stage/stage.h"
#include "sys/kernel.h"

#define LOCKED_BITS                                                                                          \
	(SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP | SECBIT_NO_SETUID_FIXUP_LOCKED |     \
	 SECBIT_KEEP_CAPS_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED)

void stage_caps(struct sr_stage_ctx *c)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { { 0 }, { 0 } };
	struct sr_msg msg = { .type = SR_MSG_FAILED };

	if (c->plan->observed && (recv(c->fds->ctl, &msg, sizeof(msg), 0) != (ssize_t)sizeof(msg) || msg.type != SR_MSG_OBSERVED))
		_exit(1); /* end of file or worse: never on to the payload */
	if (prctl(PR_SET_DUMPABLE, 0) < 0 || prctl(PR_GET_DUMPABLE) != 0)
		stage_fail(c, SR_STAGE_CAPS, errno, 6);
	if (c->plan->cgroup_wait && (recv(c->fds->ctl, &msg, sizeof(msg), 0) != (ssize_t)sizeof(msg) || msg.type != SR_MSG_PLACED))
		_exit(1);
	c->counted = c->plan->cgroup_wait && msg.index == 1;
	if (c->plan->cgroup && unshare(CLONE_NEWCGROUP) < 0)
		stage_fail(c, SR_STAGE_CGROUP, errno, 0);

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		stage_fail(c, SR_STAGE_CAPS, errno, 0);
	for (int cap = 0; cap <= c->plan->last_cap; cap++) {
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
			stage_fail(c, SR_STAGE_CAPS, errno, 1);
	}
	if (prctl(PR_CAPBSET_READ, c->plan->last_cap + 1, 0, 0, 0) >= 0) /* a capability that the plan does not know */
		stage_fail(c, SR_STAGE_CAPS, EINVAL, 2);
	if (prctl(PR_SET_SECUREBITS, LOCKED_BITS, 0, 0, 0) < 0)
		stage_fail(c, SR_STAGE_CAPS, errno, 3);
	if (syscall(SYS_capset, &head, data) < 0)
		stage_fail(c, SR_STAGE_CAPS, errno, 4);
	data[0].permitted = data[1].permitted = ~0U; /* read back: what counts is what the kernel says */
	if (syscall(SYS_capget, &head, data) < 0 || data[0].effective || data[1].effective || data[0].permitted ||
	    data[1].permitted || data[0].inheritable || data[1].inheritable)
		stage_fail(c, SR_STAGE_CAPS, EPERM, 5);
}
