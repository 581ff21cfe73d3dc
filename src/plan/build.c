/* SPDX-License-Identifier: MIT */
#include "plan/build.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/fd.h"
#include "plan/filter-learn.h"
#include "plan/filter-trace.h"
#include "sys/kernel.h"

void plan_note(struct sr_plan_box *box, bool degraded, const char *what, const char *fmt, ...)
{
	struct sr_plan_note *n;
	va_list ap;

	if (box->note_count < SR_PLAN_MAX_NOTES) {
		n = &box->notes[box->note_count++];
	} else { /* a loss is never crowded out by what is plain information: a project can bring as much of that as it likes */
		size_t i = 0;

		while (i < SR_PLAN_MAX_NOTES - 1 && box->notes[i].degraded)
			i++;
		if (!degraded)
			return;
		n = &box->notes[i];
	}
	n->what = what;
	n->degraded = degraded;
	va_start(ap, fmt);
	(void)vsnprintf(n->text, sizeof(n->text), fmt, ap);
	va_end(ap);
}

/* The highest capability that the kernel knows: prctl(PR_CAPBSET_READ) fails beyond it, capabilities(7). */
static int last_capability(void)
{
	int low = 0, high = 63;

	while (low < high) {
		int mid = (low + high + 1) / 2;

		if (prctl(PR_CAPBSET_READ, mid, 0, 0, 0) >= 0)
			low = mid;
		else
			high = mid - 1;
	}
	return low;
}

/*
 * Which ids of the current user namespace a borrowed id may be: the widest range of the map that reaches beyond the
 * ordinary (65536 and up; in a container with only 65536 ids, the upper part of those).
 */
static int borrowable_range(const char *map_path, uint64_t *ret_first, uint64_t *ret_count)
{
	FILE *f = fopen(map_path, "re");
	unsigned long long inside, outside, count;
	uint64_t first = 0, best = 0;

	if (!f)
		return -errno;
	while (fscanf(f, "%llu %llu %llu", &inside, &outside, &count) == 3) {
		uint64_t from = inside, to = inside + count; /* [from, to) */
		/* above what systemd-nspawn, subuid files and directory services hand out, where the map reaches that far */
		const uint64_t floor = to > 0x78000000ULL ? 0x78000000ULL : to > 131072 ? 131072 : 30000;

		if (to > 0x7fff0000ULL)
			to = 0x7fff0000ULL; /* below the sign bit and the overflow ids */
		else if (to > 65530 && to <= 65536)
			to = 65530; /* not "nobody" */
		if (from < floor)
			from = floor;
		if (to > from && to - from > best) {
			first = from;
			best = to - from;
		}
	}
	(void)fclose(f);
	if (best < 1000)
		return -EUSERS;
	*ret_first = first;
	*ret_count = best;
	return 0;
}

/*
 * Who the inside user is outside. An ordinary user: himself. Root: a random high id that owns nothing (finding 13), one
 * per run, so that two runs cannot reach each other either.
 */
int plan_identity(struct sr_plan_box *box, struct sr_error *err)
{
	uint64_t first, count, gid_first, gid_count, random;
	int r;

	box->plan.outer_uid = geteuid();
	box->plan.outer_gid = getegid();
	if (geteuid() != 0)
		return 0;
	r = borrowable_range("/proc/self/uid_map", &first, &count);
	if (!r)
		r = borrowable_range("/proc/self/gid_map", &gid_first, &gid_count);
	if (!r) { /* one number serves as both */
		uint64_t end = first + count < gid_first + gid_count ? first + count : gid_first + gid_count;

		first = first > gid_first ? first : gid_first;
		count = end > first ? end - first : 0;
		r = count < 1000 ? -EUSERS : 0;
	}
	if (!r && getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random))
		r = -errno;
	if (r < 0) {
		(void)sr_error_set(err, SR_E_NAMESPACE, -r, "sandbox",
				   "cannot find an unused user id to run the program as: %s", strerror(-r));
		sr_error_hint(err, "run sandrun as an ordinary user: it needs no root");
		return r;
	}
	box->plan.outer_uid = box->plan.outer_gid = (uid_t)(first + random % count);
	box->plan.borrowed_id = true;
	return 0;
}

int plan_build(const struct sr_policy *p, const struct sr_environment *e, const struct sr_exec *x,
	       const struct sr_plan_wants *w, struct sr_plan_box *ret, struct sr_error *err)
{
	struct sr_plan_box box = { .plan = { .last_cap = last_capability() }, .mask_fd = -1, .disk_fd = e->upper.fd };
	int (*remake)(const struct sr_filter *, struct sr_filter *, struct sr_error *) =
		w->learn ? filter_learn : w->trace ? filter_trace : NULL;
	int r;

	box.plan.watched = remake != NULL;
	box.plan.inner_uid = p->build_layer ? 0 : SR_INNER_UID;
	box.plan.inner_gid = p->build_layer ? 0 : SR_INNER_GID;
	box.plan.host_network = p->build_network;
	r = plan_identity(&box, err);
	if (!r)
		r = filter_build(p, false, &box.filter, err);
	if (!r && w->cgroup)
		r = filter_build(p, true, &box.counted_filter, err);
	if (!r && remake)
		r = remake(&box.filter, &box.watched_filter, err);
	if (!r && remake && w->cgroup)
		r = remake(&box.counted_filter, &box.watched_counted_filter, err);
	if (!r && w->learn)
		r = filter_listener_flags(&box.plan.filter_flags, err);
	if (!r)
		r = plan_root(&box, p, e, w, err);
	if (r < 0) {
		plan_done(&box);
		return r;
	}
	filter_for_init(&box.init_filter);
	for (size_t i = 0; i < x->notes.count; i++)
		plan_note(&box, false, "program", "%s", x->notes.items[i]);
	plan_limits(&box, p);
	plan_landlock(&box, e);
	box.plan.filter = (struct sr_bpf){ box.filter.insns, box.filter.count };
	box.plan.counted_filter = (struct sr_bpf){ box.counted_filter.insns, box.counted_filter.count };
	if (remake) {
		box.plan.filter = (struct sr_bpf){ box.watched_filter.insns, box.watched_filter.count };
		box.plan.counted_filter = (struct sr_bpf){ box.watched_counted_filter.insns, box.watched_counted_filter.count };
	}
	box.plan.init_filter = (struct sr_bpf){ box.init_filter.insns, box.init_filter.count };
	box.plan.fs = box.ops;
	box.plan.fs_count = box.ops_count;
	box.plan.tree = e->kind == SR_ENVIRONMENT_TREE;
	box.plan.pty = w->pty;
	box.plan.caller_argv = w->caller_argv;
	box.plan.path = x->path;
	box.plan.argv = x->argv.items;
	box.plan.envp = x->envp.items;
	*ret = box;
	return 0;
}

void plan_done(struct sr_plan_box *box)
{
	if (box->ops) /* a box that was never built holds no descriptor: 0 is not one */
		fd_close(&box->mask_fd);
	free(box->ops);
	box->ops = NULL;
	box->ops_count = box->ops_size = 0;
	free(box->stamp);
	box->stamp = NULL;
	strv_done(&box->strings);
	filter_done(&box->filter);
	filter_done(&box->counted_filter);
	filter_done(&box->watched_filter);
	filter_done(&box->watched_counted_filter);
	filter_done(&box->init_filter);
}
