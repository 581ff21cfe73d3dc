/* SPDX-License-Identifier: MIT */
#include "run/trace-task.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/io.h"

static size_t bucket(pid_t id)
{
	return (size_t)id % SR_TRACE_BUCKETS;
}

struct trace_task *trace_task_find(const struct trace_tasks *t, pid_t tid)
{
	struct trace_task *task = t->tasks[bucket(tid)];

	while (task && task->tid != tid)
		task = task->next;
	return task;
}

static struct trace_process *process_find(const struct trace_tasks *t, pid_t tgid)
{
	struct trace_process *p = t->processes[bucket(tgid)];

	while (p && p->tgid != tgid)
		p = p->next;
	return p;
}

/* The last number on the line of that name: for NStgid and NSpid the one of the innermost namespace. 0: no such line. */
static int last_number(const char *status, const char *name)
{
	const char *at = strstr(status, name);
	long value = 0;
	char *end;

	if (!at)
		return 0;
	at += strlen(name);
	while (*at == '\t' || *at == ' ') {
		value = strtol(at, &end, 10);
		if (end == at)
			break;
		at = end;
	}
	return (int)value;
}

struct numbers {
	pid_t tgid, parent;  /* outside */
	int inner, inner_tgid;
	bool traced;
};

/* False: /proc does not show them. */
static bool read_numbers(pid_t tid, struct numbers *ret)
{
	char path[48], status[4096];
	SR_AUTOCLOSE int fd = -1;
	ssize_t n;

	*ret = (struct numbers){ .tgid = tid, .traced = true };
	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : io_read_full(fd, status, sizeof(status) - 1);
	if (n <= 0)
		return false;
	status[n] = '\0';
	ret->tgid = last_number(status, "\nTgid:");
	ret->parent = last_number(status, "\nPPid:");
	ret->inner = last_number(status, "\nNSpid:");
	ret->inner_tgid = last_number(status, "\nNStgid:");
	ret->traced = last_number(status, "\nTracerPid:") > 0;
	return ret->tgid > 0 && ret->inner > 0 && ret->inner_tgid > 0;
}

/* Its number inside. */
static int parent_inside(const struct trace_tasks *t, pid_t outside)
{
	const struct trace_process *parent = process_find(t, outside);

	return parent ? parent->pid : outside == t->init ? 1 : 0;
}

static struct trace_process *process_add(struct trace_tasks *t, const struct numbers *n)
{
	struct trace_process *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->tgid = n->tgid;
	p->pid = n->inner_tgid;
	p->ppid = parent_inside(t, n->parent);
	p->next = t->processes[bucket(p->tgid)];
	t->processes[bucket(p->tgid)] = p;
	t->processes_seen++;
	return p;
}

int trace_task_add(struct trace_tasks *t, pid_t tid, struct trace_task **ret)
{
	struct trace_task *task = calloc(1, sizeof(*task));
	struct numbers n;

	if (!task)
		return -ENOMEM;
	if (!read_numbers(tid, &n))
		n.inner = n.inner_tgid = 0;
	if (!n.traced) {
		free(task);
		return -ESRCH;
	}
	task->process = process_find(t, n.tgid);
	if (!task->process)
		task->process = process_add(t, &n);
	if (!task->process) {
		free(task);
		return -ENOMEM;
	}
	task->process->threads++;
	task->tid = tid;
	task->inner = n.inner;
	task->next = t->tasks[bucket(tid)];
	t->tasks[bucket(tid)] = task;
	t->threads_seen++;
	*ret = task;
	return 0;
}

void trace_task_executed(struct trace_tasks *t, struct trace_task *task)
{
	struct trace_process *p = task->process;
	struct numbers n;

	if ((task->inner > 0 && p->pid > 0) || !read_numbers(task->tid, &n) || n.tgid != p->tgid)
		return;
	task->inner = n.inner;
	p->pid = n.inner_tgid;
	p->ppid = parent_inside(t, n.parent);
}

void trace_task_leave(struct trace_task *task)
{
	free(task->asked);
	task->asked = NULL;
	task->row = NULL;
}

static void process_release(struct trace_tasks *t, struct trace_process *p)
{
	struct trace_process **link = &t->processes[bucket(p->tgid)];

	if (--p->threads > 0)
		return;
	while (*link != p)
		link = &(*link)->next;
	*link = p->next;
	free(p);
}

/* Takes it out of its list. */
static struct trace_task *unlink_task(struct trace_tasks *t, pid_t tid)
{
	struct trace_task **link = &t->tasks[bucket(tid)], *task;

	while (*link && (*link)->tid != tid)
		link = &(*link)->next;
	task = *link;
	if (task)
		*link = task->next;
	return task;
}

void trace_task_remove(struct trace_tasks *t, pid_t tid)
{
	struct trace_task *task = unlink_task(t, tid);

	if (!task)
		return;
	trace_task_leave(task);
	process_release(t, task->process);
	free(task);
}

void trace_task_rename(struct trace_tasks *t, pid_t former, pid_t tid)
{
	struct trace_task *task = unlink_task(t, former);

	if (!task)
		return;
	trace_task_remove(t, tid); /* the first thread ended unreported; the process has this one still */
	task->tid = tid;
	task->inner = task->process->pid;
	task->next = t->tasks[bucket(tid)];
	t->tasks[bucket(tid)] = task;
}

void trace_tasks_done(struct trace_tasks *t)
{
	for (size_t i = 0; i < SR_TRACE_BUCKETS; i++) {
		while (t->tasks[i])
			trace_task_remove(t, t->tasks[i]->tid);
	}
}
