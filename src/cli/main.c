/* SPDX-License-Identifier: MIT */
/*
 * The sandrun program: one invocation from the command line to the exit status.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "base/fd.h"
#include "cli/args.h"
#include "cli/cli.h"
#include "cli/help.h"
#include "cli/subcommand.h"
#include "policy/config.h"
#include "sys/kernel.h"

/*
 * sandrun needs no rights and must not have any: set-user-id, set-group-id or with file capabilities it would hand the
 * kernel's checks of a more powerful user to whoever calls it. AT_SECURE covers all three, getauxval(3).
 */
static int refuse_privileges(struct sr_error *err)
{
	if (!getauxval(AT_SECURE) && getuid() == geteuid() && getgid() == getegid())
		return 0;
	(void)sr_error_set(err, SR_E_SETUID, EPERM, "sandrun",
			   "cannot run set-user-id, set-group-id or with file capabilities: it needs none of them");
	sr_error_hint(err, "install the file with mode 0755 and without capabilities: chmod 0755 FILE; setcap -r FILE");
	return -EPERM;
}

/* Nothing that the caller left open reaches the sandbox: it goes before anything else is opened. */
static int close_inherited(struct sr_error *err)
{
	struct dirent *d;
	DIR *dir;
	int max = 2;

	if (sys_close_range(3, ~0U) == 0)
		return 0;
	dir = opendir("/proc/self/fd"); /* the call is missing or denied (containers): what is open is listed here */
	if (!dir)
		return sr_error_set(err, SR_E_SETUP, errno, "sandrun", "cannot list inherited descriptors: %s", strerror(errno));
	while ((d = readdir(dir))) {
		int fd = atoi(d->d_name);

		max = fd > max ? fd : max;
	}
	(void)closedir(dir);
	for (int fd = 3; fd <= max; fd++)
		(void)close(fd);
	return 0;
}

static bool wants_work_folder(const struct cli_run *c)
{
	return (c->exec.script && c->exec.script_name) || c->snapshot.count || c->snapshot.project_fd >= 0 ||
	       c->policy.outputs.count;
}

static void note_left_out(struct cli_run *c, const char *what, const char *why, const char *name)
{
	char shown[80];

	plan_note(&c->box, false, what, "%s was left out: it %s", str_escape(name, shown, sizeof(shown)), why);
}

/* Of the environment, where the script's words made it. It has no say in the profile: that would loosen the run. */
static void note_choice(struct cli_run *c)
{
	char shown[80];

	if (c->choice.note)
		plan_note(&c->box, false, "choice", "%s", c->choice.note);
	if (c->installed == INSTALL_NOTHING)
		plan_note(&c->box, false, "install", "nothing was installed: the program requires nothing that is listed");
	if (c->installed == INSTALL_WANTED)
		plan_note(&c->box, false, "install", "what the program requires is not installed yet; without --explain it would be now");
	if (c->choice.environment && c->env.profile && !c->policy.profile)
		plan_note(&c->box, false, "choice", "%s is made for the profile %s: -p gives it", str_escape(c->env.name, shown, sizeof(shown)),
			  c->env.profile);
}

/* What is known already of the limits: all without a cgroup; what --explain expects. A run adds what it finds. */
static void note_cgroup(struct cli_run *c)
{
	struct sr_cgroup expected = c->cgroup;

	expected.controllers |= expected.controllers & SR_CGROUP_MEMORY ? SR_CGROUP_SWAP : 0;
	if (c->cgroup.way == SR_CGROUP_NONE || (c->policy.explain && c->cgroup.way == SR_CGROUP_DELEGATED))
		cgroup_notes(&expected, &c->policy, &c->box);
}

/* Everything that can be refused before a process exists. */
static int plan(struct cli_run *c)
{
	struct sr_plan_wants wants = { 0 };
	int r;

	r = settle(c);
	if (!r)
		r = settle_environment(c);
	if (!r && c->policy.install)
		r = install(c);
	if (!r)
		r = exec_build(&c->policy, &c->env, 0, &c->exec, &c->err);
	if (!r)
		r = snapshot_open(&c->policy, &c->exec, &c->snapshot, &c->err);
	if (!r && (c->policy.outputs.count || c->policy.output_archive))
		r = collect_open(&c->policy, &c->out_dir_fd, &c->err);
	if (!r)
		r = report_check(&c->policy, &c->err);
	if (!r)
		r = certify_check(&c->policy, &c->err);
	if (!r)
		r = run_salt_check(&c->policy, &c->err);
	if (!r && c->policy.trace && !c->policy.explain)
		r = trace_place_open(&c->trace, &c->policy, &c->err);
	if (r < 0)
		return r;
	cgroup_choose(&c->cgroup);
	if (!c->policy.explain)
		cgroup_begin(&c->cgroup);
	wants.cgroup = c->cgroup.way != SR_CGROUP_NONE;
	wants.work_fd = wants_work_folder(c);
	wants.pty = c->stdio.tty[0] || c->stdio.tty[1] || c->stdio.tty[2];
	wants.no_proc = c->policy.proc == SR_PROC_NONE;
	wants.learn = c->policy.learn;
	wants.trace = c->policy.trace;
	wants.caller_argv = c->argv;
	r = plan_build(&c->policy, &c->env, &c->exec, &wants, &c->box, &c->err);
	c->planned = r == 0;
	if (c->planned)
		note_cgroup(c);
	note_choice(c);
	for (size_t i = 0; i < c->snapshot.hidden.count; i++)
		note_left_out(c, "hidden", "may hold secrets; --show lets it in", c->snapshot.hidden.items[i]);
	for (size_t i = 0; i < c->snapshot.skipped.count; i++)
		note_left_out(c, "skipped", "is no file, folder or link", c->snapshot.skipped.items[i]);
	c->run.outcome.phases.planned = run_now();
	return r;
}

static struct sr_certify_facts facts(struct cli_run *c)
{
	return (struct sr_certify_facts){
		.policy = &c->policy, .env = &c->env, .exec = &c->exec, .snapshot = &c->snapshot, .box = &c->box,
		.cgroup = &c->cgroup, .run = &c->run, .collected = &c->collected, .salt = &c->salt, .trace = &c->trace, .error = &c->err,
		.stdio = &c->stdio, .prepared = c->prepared,
		.started = c->prepared && c->run.started, .ran = c->ran,
	};
}

/* After the clone: no key and no salt is in the memory that the sandbox's first process was given (finding 2). */
static int begin_certificate(struct cli_run *c, struct sr_error *err)
{
	const bool is_private = policy_is_private(&c->policy);
	int r;

	if (is_private || !c->policy.no_certificate)
		secret_process();
	r = certify_begin(&c->certify, &c->policy, err);
	if (!r && (is_private || !c->certify.off) && !c->salt.bytes)
		r = run_make_salt(&c->policy, &c->box, &c->salt, err);
	c->run.salt = c->salt.bytes ? &c->salt : NULL;
	if (!r && is_private && c->certify.off && !c->policy.salt_file)
		plan_note(&c->box, false, "private", "no certificate is kept, and with it no salt: nothing private can be shown to belong to this run");
	c->uncertified = r < 0;
	return r;
}

static int open_certificate(struct cli_run *c, struct sr_error *err)
{
	struct sr_certify_facts f = facts(c);
	int r = certify_open(&c->certify, &f, err);

	c->uncertified = r < 0;
	return r;
}

static int attest(struct cli_run *c)
{
	char text[900];
	int r = certify_attest(&c->certify, &c->policy, &c->err);

	if (*c->certify.no_quote) {
		(void)snprintf(text, sizeof(text), "the certificate has no quote: %s", c->certify.no_quote);
		message_warning(&c->policy, text);
	}
	return r;
}

static void warn_of_trace(const struct cli_run *c)
{
	const struct sr_tracelog_result *t = &c->trace.result;
	SR_AUTOFREE char *text = NULL;

	if (!c->trace.finished || t->complete)
		return;
	text = str_format("the trace is not complete: %" PRIu64 " events are missing%s%s", t->dropped, t->error ? ": " : "",
			  t->error ? strerror(t->error) : "");
	message_warning(&c->policy, text ? text : "the trace is not complete");
}

/*
 * Signs what happened, set-up failures too, and takes down what is left of the run. A failure of its own is said; it is the
 * run's failure where the certificate or a trace was asked for. Returns the exit status.
 */
static int certify(struct cli_run *c, int status)
{
	struct sr_error err = SR_ERROR_INIT;
	struct sr_certify_facts f;
	int r = 0;

	if (c->uncertified)
		return status;
	if (c->planned && !c->certify.opened) { /* it failed before; nothing untrusted ran */
		r = begin_certificate(c, &err);
		if (!r)
			r = open_certificate(c, &err);
	}
	f = facts(c);
	if (!r)
		r = certify_close(&c->certify, &f, status, &err);
	if (message_would_block(c))
		return r < 0 && certify_is_required(&c->policy) ? err.status : status;
	if (r == 0 && c->certify.why[0]) {
		SR_AUTOFREE char *text = str_format("no certificate was kept: %s", c->certify.why);

		message_warning(&c->policy, text ? text : "no certificate was kept");
	}
	warn_of_trace(c);
	if (r == 0)
		return status;
	message_error(&c->policy, &err);
	return certify_is_required(&c->policy) ? err.status : status;
}

/* The payload runs: time to write down what is final already. */
static void stand_certificate(void *data)
{
	struct cli_run *c = data;
	struct sr_certify_facts f = facts(c);

	f.started = true;
	certify_stand(&c->certify, &f);
}

/* The kernel is taking the sandbox down: time to write down all that is known by now. */
static void draft_certificate(void *data)
{
	struct cli_run *c = data;
	struct sr_certify_facts f = facts(c);

	certify_draft(&c->certify, &f, c->run.outcome.status);
}

static int execute(struct cli_run *c)
{
	uint64_t planned = c->run.outcome.phases.planned;
	int r;

	c->prepared = true;
	c->run.trace_log = c->policy.trace ? &c->trace.log : NULL;
	c->box.plan.observed = !c->policy.no_certificate;
	r = run_prepare(&c->run, &c->box, &c->policy, &c->exec, &c->stdio, &c->cgroup, &c->err);
	c->run.outcome.phases.planned = planned;
	if (!r)
		r = begin_certificate(c, &c->err);
	if (!r && wants_work_folder(c))
		r = run_files(&c->run, &c->snapshot, &c->err);
	if (!r)
		r = open_certificate(c, &c->err);
	if (!r)
		r = attest(c);
	if (!r)
		r = run_launch(&c->run, &c->err);
	if (r < 0)
		return r;
	c->ran = true;
	c->run.before_wait = draft_certificate;
	c->run.at_start = stand_certificate;
	c->run.hook_data = c;
	return run_supervise(&c->run, &c->err);
}

static int bring_out(struct cli_run *c)
{
	int r;

	if (!c->policy.outputs.count || !c->run.exited)
		return 0; /* never while something of the run may be alive */
	r = collect_copy(&c->policy, c->run.salt, c->run.work_fd, c->out_dir_fd, &c->collected, &c->err);
	for (size_t i = 0; i < c->collected.warnings.count; i++)
		message_warning(&c->policy, c->collected.warnings.items[i]);
	return r;
}

/* A failure of sandrun's own; the report says the same. Returns the exit status. */
static int failed(struct cli_run *c)
{
	struct sr_error second = SR_ERROR_INIT;

	message_error(&c->policy, &c->err);
	if (!c->policy.explain && report_write(c, &second) < 0)
		message_error(&c->policy, &second);
	return certify(c, c->err.status);
}

static int run_it(struct cli_run *c)
{
	int r = plan(c);

	if (r < 0)
		return failed(c);
	if (c->policy.explain)
		return message_printed(&c->policy, explain_print(c, stdout));
	r = execute(c);
	if (r == 0 || c->ran) {
		int out = bring_out(c); /* what a run left is brought out even where its output could not be written */

		r = r < 0 ? r : out;
	}
	if (c->prepared)
		terminal_restore(&c->run);
	if (c->ran)
		message_outcome(c);
	if (r < 0)
		return failed(c);
	if (report_write(c, &c->err) < 0) {
		message_error(&c->policy, &c->err);
		return certify(c, c->err.status);
	}
	return certify(c, c->run.outcome.status);
}

static int act(struct cli_run *c, enum args_action action)
{
	switch (action) {
	case ARGS_HELP:
		return message_printed(&c->policy, help_print(stdout));
	case ARGS_VERSION:
		return message_printed(&c->policy, version_print(stdout));
	default:
		return run_it(c);
	}
}

static void cli_done(struct cli_run *c)
{
	if (c->prepared)
		run_done(&c->run);
	cgroup_done(&c->cgroup);
	trace_place_done(&c->trace);
	if (policy_is_script_private(&c->policy) && c->exec.script)
		secret_wipe(c->exec.script, c->exec.script_len);
	salt_free(&c->salt);
	certify_done(&c->certify);
#ifdef SR_SANITIZED /* else the kernel takes it all at once, which costs a short run less than unmapping page by page */
	plan_done(&c->box);
	collected_done(&c->collected);
	snapshot_done(&c->snapshot);
	exec_done(&c->exec);
	environment_done(&c->env);
	choice_done(&c->choice);
	manifest_done(&c->manifest);
	policy_done(&c->policy);
	fd_close(&c->out_dir_fd);
#endif
}

/* `sandrun profile learn [--] ...` is `sandrun --learn ...`. Returns how many words argv has then. */
static int spell_learn(int argc, char **argv)
{
	static char option[] = "--learn";
	int from = 3;

	if (argc < 3 || strcmp(argv[1], "profile") != 0 || strcmp(argv[2], "learn") != 0)
		return argc;
	if (argc > 3 && strcmp(argv[3], "--") == 0)
		from++;
	argv[1] = option;
	for (int i = from; i <= argc; i++)
		argv[i - from + 2] = argv[i]; /* the NULL at its end as well */
	return argc - from + 2;
}

int main(int argc, char **argv)
{
	struct cli_run c = {
		.env = SR_ENVIRONMENT_INIT,
		.snapshot = SR_SNAPSHOT_INIT,
		.cgroup = SR_CGROUP_INIT,
		.certify = SR_CERTIFY_INIT,
		.trace = SR_TRACE_PLACE_INIT,
		.err = SR_ERROR_INIT,
		.out_dir_fd = -1,
		.started_ns = run_now(),
		.argv = argv,
	};
	enum args_action action = ARGS_RUN;
	const struct subcommand *sub = (argc = spell_learn(argc, argv)) > 1 ? subcommand_find(argv[1]) : NULL;
	struct sr_error ignored = SR_ERROR_INIT;
	int status;

	if (refuse_privileges(&c.err) < 0 || close_inherited(&c.err) < 0 || run_stdio(&c.stdio, &c.err) < 0) {
		message_error(&c.policy, &c.err);
		return c.err.status;
	}
	(void)signal(SIGPIPE, SIG_IGN); /* a vanished reader is an errno to us; the payload gets the default back */
	(void)signal(SIGXFSZ, SIG_IGN); /* so is the caller's own file size limit while outputs are copied */
	(void)signal(SIGCHLD, SIG_DFL); /* ignored by the caller, the sandbox's end would vanish before it is waited for, wait(2) */
	if (sub && sub->run) {
		status = sub->run(argc - 1, argv + 1, &c);
	} else if (args_parse(argc, argv, c.stdio.tty[0], &c.policy, &action, &c.err) < 0) {
		if (!c.policy.no_config) /* for error-format and color alone: the first error is the one to tell */
			(void)config_load(&c.policy, &ignored);
		message_error(&c.policy, &c.err);
		status = c.err.status;
	} else {
		status = act(&c, action);
	}
	cli_done(&c);
	return status;
}
