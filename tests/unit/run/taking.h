/* SPDX-License-Identifier: MIT */
/* What the tests of files going in share: one request, and taking it in. */
#ifndef SR_TESTS_TAKING_H
#define SR_TESTS_TAKING_H

#include "run/project.h"
#include "run/snapshot.h"
#include "tap.h"
#include "tree.h"

static struct sr_policy policy;
static struct sr_exec exec;
static struct sr_snapshot snap;
static struct sr_error err;

/* A fresh temporary folder with an empty "work", and an empty request. */
MAYBE void fresh(void)
{
	tree_clear();
	tree_folder("work");
	tree_folder("home");
	(void)setenv("HOME", "home", 1);
	(void)unsetenv("XDG_CONFIG_HOME");
	(void)unsetenv("XDG_DATA_HOME");
	(void)unsetenv("XDG_STATE_HOME");
	(void)unsetenv("XDG_CACHE_HOME");
	policy_done(&policy);
	policy_init(&policy);
	snapshot_done(&snap);
	snap = (struct sr_snapshot)SR_SNAPSHOT_INIT;
	memset(&exec, 0, sizeof(exec));
	err = (struct sr_error)SR_ERROR_INIT;
}

MAYBE void project(const char *path)
{
	policy.project_dir = strdup(path);
}

MAYBE void show(const char *name)
{
	tree_must(strv_add(&policy.show, name) == 0, "memory");
}

MAYBE int take_in(void)
{
	int r = snapshot_open(&policy, &exec, &snap, &err), work;

	if (r < 0)
		return r;
	work = tree_open("work");
	r = snapshot_copy(&snap, &exec, work, geteuid(), getegid(), &err);
	(void)close(work);
	return r;
}

MAYBE void is_refused(int r, enum sr_error_code code, const char *text, const char *name)
{
	bool good = r < 0 && err.code == code && strstr(err.text, text) && err.status == 125;

	OK(good, name);
	if (!good)
		tap_note("got %d, %s: %s", r, sr_error_code_name(err.code), err.text);
}

#endif
