/* SPDX-License-Identifier: MIT */
#include "run/watchdog.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/io.h"
#include "base/str.h"
#include "run/proctree.h"

#define MAPS_BUDGET_NS (20ULL * 1000000ULL) /* a payload with a hundred thousand mappings must not hold up the loop */

struct watchdog_seen {
	pid_t pid;
	uint64_t start, own_ticks;
};

void watchdog_init(struct sr_watchdog *w, pid_t init, uint64_t memory_limit, uint64_t cpu_limit_ns)
{
	*w = (struct sr_watchdog){ .init = init, .memory_limit = memory_limit, .cpu_limit_ns = cpu_limit_ns };
}

void watchdog_done(struct sr_watchdog *w)
{
	free(w->tree);
	free(w->seen);
	w->tree = NULL;
	w->seen = NULL;
	w->seen_count = 0;
}

static uint64_t meminfo(const char *key)
{
	SR_AUTOCLOSE int fd = open("/proc/meminfo", O_RDONLY | O_CLOEXEC);
	char buf[4096], *p;
	ssize_t n = fd < 0 ? -1 : io_read_full(fd, buf, sizeof(buf) - 1);

	if (n <= 0)
		return 0;
	buf[n] = '\0';
	p = strstr(buf, key);
	return p ? strtoull(p + strlen(key), NULL, 10) * 1024 : 0;
}

static int by_pid(const void *a, const void *b)
{
	pid_t x = ((const struct watchdog_seen *)a)->pid, y = ((const struct watchdog_seen *)b)->pid;

	return x < y ? -1 : x > y;
}

/*
 * Processor time by two ways, each without counting twice: what the living used and have waited for, with what init
 * reaped; and the own time of every process ever seen. The second catches children of a parent that ignores SIGCHLD,
 * whose time goes to nobody.
 */
static uint64_t cpu_ticks(struct sr_watchdog *w)
{
	const struct proctree *t = w->tree;
	struct watchdog_seen *now = calloc(t->count ? t->count : 1, sizeof(*now));
	uint64_t waited = t->init_ticks, own = 0;
	unsigned j = 0;

	for (unsigned i = 0; i < t->count; i++) {
		waited += t->process[i].own_ticks + t->process[i].child_ticks;
		own += t->process[i].own_ticks;
		if (now)
			now[i] = (struct watchdog_seen){ t->process[i].pid, t->process[i].start, t->process[i].own_ticks };
	}
	if (!now)
		return waited;
	qsort(now, t->count, sizeof(*now), by_pid);
	for (unsigned i = 0; i < w->seen_count; i++) {
		while (j < t->count && now[j].pid < w->seen[i].pid)
			j++;
		if (j == t->count || now[j].pid != w->seen[i].pid || now[j].start != w->seen[i].start)
			w->gone_ticks += w->seen[i].own_ticks;
	}
	free(w->seen);
	w->seen = now;
	w->seen_count = t->count;
	return waited > own + w->gone_ticks ? waited : own + w->gone_ticks;
}

/*
 * The exact sum, above the limit, is read twice: while processes fork and end, pages that several have can be counted with
 * each of them, as every reading sees another moment. The lower one holds.
 */
static uint64_t exact_bytes(struct sr_watchdog *w, uint64_t allowed)
{
	uint64_t first = proctree_exact_bytes(w->tree), second, shared = w->tree->shared_bytes;

	if (first <= allowed || proctree_look(w->tree, w->init) < 0)
		return first;
	w->tree->shared_bytes = shared;
	second = proctree_exact_bytes(w->tree);
	return second < first ? second : first;
}

static uint64_t memory_bytes(struct sr_watchdog *w)
{
	struct proctree *t = w->tree;
	uint64_t anon = 0;

	for (unsigned i = 0; i < t->count; i++)
		anon += t->process[i].anon_bytes; /* quick; pages shared by fork count twice here */
	if (w->memory_limit == SR_UNLIMITED)
		return anon;
	proctree_shared(t, w->memory_limit, MAPS_BUDGET_NS, &w->shared_from);
	if (anon + t->shared_bytes > w->memory_limit)
		anon = exact_bytes(w, t->shared_bytes < w->memory_limit ? w->memory_limit - t->shared_bytes : 0);
	return anon + t->shared_bytes;
}

/* The machine itself: the tree cannot be what is missing unless more is missing than the limit allows it. */
static bool host_runs_out(struct sr_watchdog *w)
{
	uint64_t available = meminfo("MemAvailable:"), total = meminfo("MemTotal:");

	if (w->available_at_start == 0)
		w->available_at_start = available;
	return available && available < total / 16 && available < w->available_at_start &&
	       w->available_at_start - available > w->memory_limit;
}

static unsigned next_look(const struct sr_watchdog *w, uint64_t bytes)
{
	uint64_t ms = 50, left;

	if (w->memory_limit != SR_UNLIMITED) {
		left = bytes < w->memory_limit ? w->memory_limit - bytes : 0;
		left /= 4U << 20; /* ms at 4 GB a second, what two busy processors can touch */
		ms = left < ms ? left : ms;
	}
	if (w->cpu_limit_ns != SR_UNLIMITED) {
		left = w->cpu_ns < w->cpu_limit_ns ? (w->cpu_limit_ns - w->cpu_ns) / 4000000U : 0; /* four processors */
		ms = left < ms ? left : ms;
	}
	return ms < 5 ? 5 : (unsigned)ms;
}

enum watchdog_verdict watchdog_look(struct sr_watchdog *w, unsigned *ret_next_ms)
{
	const uint64_t tick_ns = 1000000000ULL / (uint64_t)sysconf(_SC_CLK_TCK);
	uint64_t bytes, ticks;

	*ret_next_ms = 50;
	if (!w->tree)
		w->tree = malloc(sizeof(*w->tree));
	if (!w->tree)
		return WATCHDOG_HOST_MEMORY; /* not even that little is left: nobody would watch */
	if (proctree_look(w->tree, w->init) < 0)
		return WATCHDOG_OK; /* init has just ended; where it can never be seen, run_launch() has said so */
	bytes = memory_bytes(w);
	ticks = cpu_ticks(w);
	if (bytes > w->peak_bytes)
		w->peak_bytes = bytes;
	if (ticks * tick_ns > w->cpu_ns)
		w->cpu_ns = ticks * tick_ns;
	w->processes = w->tree->count;
	*ret_next_ms = next_look(w, bytes);
	if (bytes > w->memory_limit)
		return WATCHDOG_MEMORY;
	if (w->cpu_ns >= w->cpu_limit_ns)
		return WATCHDOG_CPU;
	return w->memory_limit != SR_UNLIMITED && host_runs_out(w) ? WATCHDOG_HOST_MEMORY : WATCHDOG_OK;
}
