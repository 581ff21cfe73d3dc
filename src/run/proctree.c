/* SPDX-License-Identifier: MIT */
#include "run/proctree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/io.h"

#define KCMP_VM_TYPE 1 /* KCMP_VM of linux/kcmp.h: same address space */

/* A small file of /proc as text; -errno when the process is gone. */
static ssize_t read_text(const char *path, char *buf, size_t size)
{
	SR_AUTOCLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = io_read_full(fd, buf, size - 1);
	if (n >= 0)
		buf[n] = '\0';
	return n;
}

static void push(struct proctree *t, unsigned parent, long pid)
{
	if (t->count == PROCTREE_MAX)
		return;
	t->process[t->count++] = (struct proctree_process){ .pid = (pid_t)pid, .parent = parent };
}

/* "12 13 14 ": numbers, each with a blank behind it. One that ends at the buffer's edge is kept for the next piece. */
static int push_children(struct proctree *t, unsigned parent, const char *path)
{
	SR_AUTOCLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	char buf[4096];
	long pid = 0;

	if (fd < 0)
		return -errno;
	for (;;) {
		ssize_t n = read(fd, buf, sizeof(buf));

		if (n <= 0)
			return n < 0 ? -errno : 0;
		for (ssize_t i = 0; i < n; i++) {
			if (buf[i] >= '0' && buf[i] <= '9') {
				pid = pid * 10 + (buf[i] - '0');
			} else if (pid) {
				push(t, parent, pid);
				pid = 0;
			}
		}
	}
}

/* Children hang on the thread that forked them. */
static int children_of(struct proctree *t, unsigned parent, pid_t pid, long threads)
{
	char path[64];
	struct dirent *d;
	DIR *dir;

	if (threads <= 1) {
		(void)snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, pid);
		return push_children(t, parent, path);
	}
	(void)snprintf(path, sizeof(path), "/proc/%d/task", pid);
	dir = opendir(path);
	if (!dir)
		return -errno;
	while ((d = readdir(dir))) {
		char child[96];

		if (d->d_name[0] == '.' || strlen(d->d_name) > 10)
			continue;
		(void)snprintf(child, sizeof(child), "/proc/%d/task/%.10s/children", pid, d->d_name);
		(void)push_children(t, parent, child); /* that thread is gone */
	}
	(void)closedir(dir);
	return 0;
}

/* Fields 14 to 17, 20 and 22 of /proc/PID/stat; the name in parentheses may hold anything, so from the last one on. */
static int read_stat(pid_t pid, struct proctree_process *p, long *ret_threads)
{
	unsigned long long ut, st, cut, cst, start;
	char path[64], buf[1024], *after;
	long threads;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	if (read_text(path, buf, sizeof(buf)) <= 0)
		return -ESRCH;
	after = strrchr(buf, ')');
	if (!after || sscanf(after + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %llu %llu %*d %*d %ld %*d %llu",
			     &ut, &st, &cut, &cst, &threads, &start) != 6)
		return -EINVAL;
	p->own_ticks = ut + st;
	p->child_ticks = cut + cst;
	p->start = start;
	*ret_threads = threads;
	return 0;
}

/* "Key:   123 kB" of a status text, in bytes. */
static uint64_t field(const char *text, const char *key)
{
	const char *p = strstr(text, key);

	return p ? strtoull(p + strlen(key), NULL, 10) * 1024 : 0;
}

/* 1 when the text told of memory, 0 when it is a zombie's, -errno when it is gone. */
static int memory_from(const char *path, struct proctree_process *p)
{
	char buf[4096];
	ssize_t n = read_text(path, buf, sizeof(buf));
	const char *rest;

	if (n <= 0)
		return -ESRCH;
	rest = strstr(buf, "\nVmPeak:"); /* behind the name, which may hold anything but a line's end */
	if (!rest)
		return 0;
	p->table_bytes = field(rest, "\nVmPTE:");
	p->anon_bytes = field(rest, "\nRssAnon:") + p->table_bytes;
	p->mapped_bytes = field(rest, "\nVmSize:");
	return 1;
}

/* A leader that has ended while its threads live on shows no memory: a living thread does. */
static void memory_of(struct proctree_process *p, long threads)
{
	char path[64];
	struct dirent *d;
	DIR *dir;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", p->pid);
	if (memory_from(path, p) != 0 || threads <= 1)
		return;
	(void)snprintf(path, sizeof(path), "/proc/%d/task", p->pid);
	dir = opendir(path);
	if (!dir)
		return;
	while ((d = readdir(dir))) {
		char status[96];

		if (d->d_name[0] == '.' || strlen(d->d_name) > 10)
			continue;
		(void)snprintf(status, sizeof(status), "/proc/%d/task/%.10s/status", p->pid, d->d_name);
		if (memory_from(status, p) > 0)
			break;
	}
	(void)closedir(dir);
}

bool proctree_visible(pid_t init)
{
	struct proctree_process p;
	char path[64];
	long threads;

	(void)snprintf(path, sizeof(path), "/proc/%d/task/%d/children", init, init);
	return read_stat(init, &p, &threads) == 0 && access(path, R_OK) == 0;
}

int proctree_look(struct proctree *t, pid_t init)
{
	struct proctree_process p;
	long threads;

	t->count = t->shared_count = 0;
	t->shared_bytes = t->init_ticks = 0;
	if (read_stat(init, &p, &threads) < 0 || children_of(t, UINT_MAX, init, 1) < 0)
		return -ESRCH;
	t->init_ticks = p.child_ticks;
	for (unsigned i = 0; i < t->count; i++) {
		if (read_stat(t->process[i].pid, &t->process[i], &threads) < 0)
			continue;
		memory_of(&t->process[i], threads);
		(void)children_of(t, i, t->process[i].pid, threads); /* it has just ended */
	}
	return 0;
}

static void add_shared(struct proctree *t, uint64_t inode, uint64_t bytes)
{
	for (unsigned i = 0; i < t->shared_count; i++) {
		if (t->shared[i].inode == inode) {
			if (bytes > t->shared[i].bytes) {
				t->shared_bytes += bytes - t->shared[i].bytes;
				t->shared[i].bytes = bytes;
			}
			return;
		}
	}
	t->shared_bytes += bytes;
	if (t->shared_count < PROCTREE_MAX_SHARED) {
		t->shared[t->shared_count].inode = inode;
		t->shared[t->shared_count++].bytes = bytes;
	}
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ULL + (uint64_t)ts.tv_nsec;
}

/* Every line of the text that names shared anonymous memory. The last, unfinished line is left for the next piece. */
static size_t shared_lines(struct proctree *t, char *buf, size_t len)
{
	static const char needle[] = "/dev/zero (deleted)";
	char *end = memrchr(buf, '\n', len), *hit = buf;

	if (!end)
		return 0;
	*end = '\0';
	while ((hit = strstr(hit, needle))) {
		unsigned long long from, to, offset, inode;
		char perms[8], *line = hit;

		while (line > buf && line[-1] != '\n')
			line--;
		/* the object reaches as far as its last mapping: two pieces of one are not two */
		if (sscanf(line, "%llx-%llx %7s %llx %*s %llu", &from, &to, perms, &offset, &inode) == 5 && perms[3] == 's')
			add_shared(t, inode, offset + (to - from));
		hit += sizeof(needle) - 1;
	}
	return (size_t)(end - buf) + 1;
}

/*
 * Shared anonymous memory stays allocated after MADV_DONTNEED although nobody has it resident: counted by its mappings
 * (finding 14). The kernel names them "/dev/zero (deleted)". memfd and System V segments do not exist without a memory cgroup.
 */
static void shared_of(struct proctree *t, pid_t pid, uint64_t deadline)
{
	char path[64], buf[65536 + 1];
	size_t len = 0;
	SR_AUTOCLOSE int fd = -1;

	(void)snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	while (fd >= 0 && now_ns() < deadline) {
		ssize_t n = read(fd, buf + len, sizeof(buf) - 1 - len);
		size_t used;

		if (n <= 0)
			return;
		len += (size_t)n;
		used = shared_lines(t, buf, len);
		if (used == 0 && len == sizeof(buf) - 1)
			return; /* a line of 64 KiB is none of the kernel's */
		memmove(buf, buf + used, len - used);
		len -= used;
	}
}

void proctree_shared(struct proctree *t, uint64_t limit_bytes, uint64_t budget_ns, unsigned *from)
{
	uint64_t deadline = now_ns() + budget_ns;

	for (unsigned n = 0; n < t->count && now_ns() < deadline; n++) {
		unsigned i = *from % t->count;

		*from = i + 1;
		/* whole address spaces that are small: all of these together hold a quarter of the limit at most */
		if (t->process[i].mapped_bytes > limit_bytes / 4 / t->count)
			shared_of(t, t->process[i].pid, deadline);
	}
}

/* A child between vfork and exec has its parent's memory and is no second holder of it. */
static bool shares_memory_with_parent(const struct proctree *t, unsigned i)
{
	unsigned parent = t->process[i].parent;

	return parent != UINT_MAX &&
	       syscall(SYS_kcmp, t->process[parent].pid, t->process[i].pid, KCMP_VM_TYPE, 0UL, 0UL) == 0;
}

/*
 * No smaps_rollup: what /proc/PID/status says now. A process that has ended since it was listed holds nothing; one whose
 * leader alone has ended holds what its threads show.
 */
static uint64_t rough_bytes(const struct proctree_process *p)
{
	struct proctree_process now = { .pid = p->pid };
	long threads;

	if (read_stat(p->pid, &now, &threads) < 0 || now.start != p->start)
		return 0;
	memory_of(&now, threads);
	return now.anon_bytes;
}

uint64_t proctree_exact_bytes(const struct proctree *t)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < t->count; i++) {
		const struct proctree_process *p = &t->process[i];
		char path[64], buf[2048], *pss = NULL;

		if (p->anon_bytes == 0 || shares_memory_with_parent(t, i))
			continue;
		(void)snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", p->pid);
		if (read_text(path, buf, sizeof(buf)) > 0)
			pss = strstr(buf, "Pss_Anon:");
		sum += pss ? strtoull(pss + 9, NULL, 10) * 1024 + p->table_bytes : rough_bytes(p);
	}
	return sum;
}
