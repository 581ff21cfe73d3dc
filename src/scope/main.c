/* SPDX-License-Identifier: MIT */
/*
 * sandrun-scope NAME: asks the systemd user manager (for root: the system manager) for a transient scope around two processes,
 * with its cgroup delegated. org.freedesktop.systemd1(5) StartTransientUnit, systemd.scope(5), sd-bus(3).
 *
 * A program of its own, so that libsystemd is loaded by those runs alone that need it. It connects before the
 * processes exist: the two wait for each other as late as can be.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include "scope/protocol.h"

#define SERVICE "org.freedesktop.systemd1"
#define OBJECT "/org/freedesktop/systemd1"
#define MANAGER "org.freedesktop.systemd1.Manager"
#define CONNECT_US (2ULL * 1000000ULL)
#define WAIT_US (4ULL * 1000000ULL)

/* What the job of ours came to. Signals can be there before the call's answer with the job's name is. */
struct job {
	char path[128];   /* empty: not known yet */
	char seen[16][128];
	char result[16][32];
	unsigned count;
};

static int on_removed(sd_bus_message *m, void *data, sd_bus_error *error)
{
	struct job *j = data;
	const char *path, *unit, *result;
	unsigned id, at = j->count % 16;

	(void)error;
	if (sd_bus_message_read(m, "uoss", &id, &path, &unit, &result) < 0)
		return 0;
	(void)snprintf(j->seen[at], sizeof(j->seen[at]), "%s", path);
	(void)snprintf(j->result[at], sizeof(j->result[at]), "%s", result);
	j->count++;
	return 0;
}

static const char *result_of(const struct job *j)
{
	for (unsigned i = 0; i < j->count && i < 16; i++) {
		if (strcmp(j->seen[i], j->path) == 0)
			return j->result[i];
	}
	return NULL;
}

static int say(const char *what, int r, const sd_bus_error *error)
{
	const char *why = error && error->message ? error->message : strerror(-r);

	(void)printf("%s: %.150s\n", what, why);
	return 1;
}

static int start(sd_bus *bus, const char *name, const unsigned pids[2], struct job *j, sd_bus_error *error)
{
	sd_bus_message *m = NULL, *reply = NULL;
	const char *path;
	char unit[128];
	int r;

	(void)snprintf(unit, sizeof(unit), "%s.scope", name);
	r = sd_bus_message_new_method_call(bus, &m, SERVICE, OBJECT, MANAGER, "StartTransientUnit");
	if (r >= 0)
		r = sd_bus_message_append(m, "ss", unit, "fail");
	if (r >= 0) /* collected also after an OOM kill: a failed scope would stay in the list */
		r = sd_bus_message_append(m, "a(sv)a(sa(sv))", 5, "PIDs", "au", 2, pids[0], pids[1], "Delegate", "b", 1, "CollectMode", "s",
					  "inactive-or-failed", "Description", "s", "a run of sandrun", "TimeoutStopUSec", "t",
					  (uint64_t)1000000, 0);
	if (r >= 0)
		r = sd_bus_call(bus, m, WAIT_US, error, &reply);
	if (r >= 0)
		r = sd_bus_message_read(reply, "o", &path);
	if (r >= 0)
		(void)snprintf(j->path, sizeof(j->path), "%s", path);
	sd_bus_message_unref(m);
	sd_bus_message_unref(reply);
	return r;
}

/* The call's answer only says that a job was queued: the process is in the scope when the job is done. */
static int await(sd_bus *bus, const struct job *j)
{
	int r;

	while (!result_of(j)) {
		r = sd_bus_process(bus, NULL);
		if (r == 0)
			r = sd_bus_wait(bus, WAIT_US) == 0 ? -ETIMEDOUT : 0;
		if (r < 0)
			return r;
	}
	return 0;
}

/* Until the bus has let us in: a socket behind which nobody speaks is told before anything is asked. */
static int connected(sd_bus *bus)
{
	int r;

	while ((r = sd_bus_is_ready(bus)) == 0) {
		r = sd_bus_process(bus, NULL);
		if (r == 0)
			r = sd_bus_wait(bus, CONNECT_US) == 0 ? -ETIMEDOUT : 0;
		if (r < 0)
			return r;
	}
	return r;
}

int main(int argc, char **argv)
{
	sd_bus_error error = SD_BUS_ERROR_NULL;
	struct job j = { .count = 0 };
	sd_bus *bus = NULL;
	unsigned pids[2] = { 0, 0 };
	int r;

	if (argc != 2)
		return 2;
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	r = geteuid() == 0 ? sd_bus_open_system(&bus) : sd_bus_open_user(&bus);
	if (r < 0)
		return say("cannot reach the bus", r, NULL);
	r = sd_bus_match_signal_async(bus, NULL, SERVICE, OBJECT, MANAGER, "JobRemoved", on_removed, NULL, &j);
	if (r >= 0) /* without a subscriber systemd sends no signals */
		r = sd_bus_call_method_async(bus, NULL, SERVICE, OBJECT, MANAGER, "Subscribe", NULL, NULL, "");
	if (r >= 0)
		r = connected(bus);
	if (r < 0)
		return say("cannot talk to the manager", r, NULL);
	if (scanf("%u %u", &pids[0], &pids[1]) != 2 || !pids[0] || !pids[1])
		return say("no processes to put in", -EINVAL, NULL);
	r = start(bus, argv[1], pids, &j, &error);
	if (r < 0)
		return say("cannot start the scope", r, &error);
	r = await(bus, &j);
	if (r < 0)
		return say("no end of the scope's job", r, NULL);
	if (strcmp(result_of(&j), "done") != 0)
		return say("the scope's job failed", -EIO, NULL);
	(void)puts(SR_SCOPE_DONE);
	return 0; /* the process ends: its connection needs no farewell */
}
