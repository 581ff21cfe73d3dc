/* SPDX-License-Identifier: MIT */
/*
 * Identity.
 * Needs: the fresh user namespace, the host's /proc. Gives up: every id but one; setgroups for good.
 * After: clone. Before: mounts, whose owner is the inside id.
 * If skipped: the process runs as the overflow id and mount(2) fails.
 */
#include <fcntl.h>
#include <grp.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "stage/stage.h"
#include "sys/kernel.h"

/* Writes decimal v at p and returns the end. */
static char *put_number(char *p, unsigned v)
{
	char digits[10];
	int n = 0;

	do
		digits[n++] = (char)('0' + v % 10);
	while (v /= 10);
	while (n > 0)
		*p++ = digits[--n];
	return p;
}

static void write_file(const struct sr_stage_ctx *c, const char *path, const char *data, size_t len, int index)
{
	int fd = sys_open(path, O_WRONLY | O_CLOEXEC, 0);

	/* one write(2): the kernel takes an id map in one piece or not at all, user_namespaces(7) */
	if (fd < 0 || write(fd, data, len) != (ssize_t)len)
		stage_fail(c, SR_STAGE_IDS, errno, index);
	(void)close(fd);
}

static void write_map(const struct sr_stage_ctx *c, const char *path, unsigned inside, unsigned outside, int index)
{
	char line[32], *p;

	p = put_number(line, inside);
	*p++ = ' ';
	p = put_number(p, outside);
	*p++ = ' ';
	*p++ = '1';
	*p++ = '\n';
	write_file(c, path, line, (size_t)(p - line), index);
}

void stage_ids(const struct sr_stage_ctx *c)
{
	const struct sr_plan *p = c->plan;
	const struct sr_msg mapping = { .type = SR_MSG_MAPPING };

	if (p->observed)
		stage_send(c, &mapping, -1);

	/* A borrowed id came by seteuid in the supervisor, which made this process undumpable: /proc/self is root's then. */
	if (p->borrowed_id && prctl(PR_SET_DUMPABLE, 1) < 0)
		stage_fail(c, SR_STAGE_IDS, errno, 0);
	write_file(c, "/proc/self/setgroups", "deny", 4, 1);
	write_map(c, "/proc/self/uid_map", p->inner_uid, p->outer_uid, 2);
	write_map(c, "/proc/self/gid_map", p->inner_gid, p->outer_gid, 3);
	if (p->borrowed_id) {
		/* real and saved ids are still root's outside: none of the three may stay (finding 13) */
		if (setresgid(p->inner_gid, p->inner_gid, p->inner_gid) < 0 ||
		    setresuid(p->inner_uid, p->inner_uid, p->inner_uid) < 0)
			stage_fail(c, SR_STAGE_IDS, errno, 4);
		if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0) /* setresuid clears it (finding 4) */
			stage_fail(c, SR_STAGE_IDS, errno, 5);
	}
	if (getuid() != p->inner_uid || geteuid() != p->inner_uid || getgid() != p->inner_gid)
		stage_fail(c, SR_STAGE_IDS, EPERM, 6);
}
