/* SPDX-License-Identifier: MIT */
/*
 * The old root goes.
 * Needs: CAP_SYS_ADMIN; the working folder is the root of a mount. Gives up: every path to the host.
 * After: the last bind from the host. Before: anything that trusts a path.
 * If skipped: chroot's classic ways out, and every host file the user can read.
 */
#include <sys/mount.h>
#include <unistd.h>

#include "stage/stage.h"
#include "sys/kernel.h"

void stage_pivot(const struct sr_stage_ctx *c)
{
	/* pivot_root(".", ".") stacks the old root on the new one; the lazy unmount takes it off again, pivot_root(2) */
	int r = sys_pivot_root(".", ".");

	if (r < 0)
		stage_fail(c, SR_STAGE_PIVOT, -r, 0);
	if (umount2(".", MNT_DETACH) < 0)
		stage_fail(c, SR_STAGE_PIVOT, errno, 1);
	if (chdir("/") < 0)
		stage_fail(c, SR_STAGE_PIVOT, errno, 2);
	/* the root tmpfs of `host` holds only links and mount points: nothing in it is for writing */
	if (!c->plan->tree &&
	    mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV, NULL) < 0)
		stage_fail(c, SR_STAGE_PIVOT, errno, 3);
	if (chdir(SR_WORK) < 0)
		stage_fail(c, SR_STAGE_PIVOT, errno, 4);
}
