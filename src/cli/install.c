/* SPDX-License-Identifier: MIT */
/*
 * --install: what the program requires beyond its environment, as a layer over it. A layer that is there is used at once;
 * one that is not is made by sandrun-environment, in a sandbox of its own, which alone has a network.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/io.h"
#include "cli/cli.h"
#include "image/store.h"
#include "run/helper.h"
#include "run/requirements.h"

#define STAGE "install"
#define SHOWN(s) str_escape((s), (char[256]){ 0 }, 256)
#define PROGRAM "sandrun-environment"

/* Requirements lie over layers; `host` has none. The smallest environment of the language takes its place where nobody named one. */
static int choose_base(struct cli_run *c, struct sr_error *err)
{
	enum sr_script_language l = c->choice.language;
	const struct sr_predict *best = NULL;
	const char *wanted = l == SR_SCRIPT_JAVASCRIPT ? "node" : "python";
	int r = c->choice.named || c->choice.built.count ? 0 : predicts_built(&c->choice.built, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < c->choice.built.count; i++) {
		const struct sr_predict *p = &c->choice.built.items[i];

		if (!p->problem && p->speaks[l == SR_SCRIPT_OTHER ? SR_SCRIPT_PYTHON : l] && (!best || p->bytes < best->bytes))
			best = p;
	}
	if (!best) {
		r = sr_error_set(err, SR_E_INSTALL, EINVAL, STAGE, "cannot install over the environment 'host': it has no layers");
		sr_error_hint(err, "sandrun environment build %s, then the same command%s", wanted,
			      c->policy.environment || c->policy.no_predict ? " with -E and its name" : "");
		return r;
	}
	environment_done(&c->env);
	c->env = (struct sr_environment)SR_ENVIRONMENT_INIT;
	r = environment_open_named(best->name, &c->env, err);
	if (r < 0)
		return r;
	free(c->choice.note);
	c->choice.note = str_format("environment %s: the smallest that is built and has %s, for what is installed over it", best->name, wanted);
	free(c->choice.environment);
	c->choice.environment = strdup(best->name);
	return c->choice.note && c->choice.environment ? 0 : sr_error_oom(err, STAGE);
}

/* The layers below are those that it was made for: its name holds 48 bits of their digest. */
static bool lies_on(const struct sr_environment *e, const struct sr_environment *base)
{
	bool same = e->layers.count == base->layers.count + 1;

	for (size_t i = 0; same && i < base->layers.count; i++)
		same = strcmp(e->layers.items[i].digest, base->layers.items[i].digest) == 0;
	return same;
}

/* 1: the run is in it now; 0: there is none of that name. */
static int use(struct cli_run *c, const char *name, struct sr_error *err)
{
	struct sr_environment e = SR_ENVIRONMENT_INIT;
	struct sr_store store = SR_STORE_INIT;
	struct sr_image image = { .profile = NULL };
	int r = store_open(&store, err);

	if (r == 0)
		r = image_read(&store, name, &image, err);
	image_done(&image);
	store_done(&store);
	if (r == -ENOENT)
		return 0;
	if (r == 0)
		r = environment_open_named(name, &e, err);
	if (r < 0)
		return r;
	if (!lies_on(&e, &c->env)) {
		environment_done(&e);
		(void)sr_error_set(err, SR_E_INSTALL, EINVAL, STAGE, "cannot use '%s': it was not made over '%s'", name, SHOWN(c->env.name));
		sr_error_hint(err, "sandrun environment remove %s, then the same command", name);
		return -EINVAL;
	}
	environment_done(&c->env);
	c->env = e;
	return 1;
}

/* What config.ini says, where the caller's variables do not. */
static int set_variables(const struct sr_policy *p, struct sr_error *err)
{
	if ((p->install_index && setenv("PIP_INDEX_URL", p->install_index, 0) < 0) ||
	    (p->install_find_links && setenv("PIP_FIND_LINKS", p->install_find_links, 0) < 0) ||
	    (p->install_registry && setenv("npm_config_registry", p->install_registry, 0) < 0))
		return sr_error_oom(err, STAGE);
	return 0;
}

static int set_program(struct sr_error *err)
{
	char self[4096];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (n < 0)
		return sr_error_set(err, SR_E_INSTALL, errno, STAGE, "cannot tell where this program is: %s", strerror(errno));
	self[n] = '\0';
	return setenv("SANDRUN_PROGRAM", self, 1) < 0 ? sr_error_oom(err, STAGE) : 0;
}

/* "requirements -E NAME [-C DIR] [--script FILE] [--lang LANG]" */
static int helper_words(const struct cli_run *c, const char *program, struct sr_strv *words)
{
	const struct sr_policy *p = &c->policy;
	int r = strv_add(words, program);

	if (r == 0)
		r = strv_add(words, "requirements");
	if (r == 0)
		r = strv_addf(words, "--on=%s", c->env.name);
	if (r == 0 && p->project_dir)
		r = strv_addf(words, "-C=%s", p->project_dir);
	if (r == 0 && p->form == SR_FORM_SCRIPT)
		r = strv_addf(words, "--script=%s", p->operands.items[0]);
	if (r == 0 && p->lang)
		r = strv_addf(words, "--lang=%s", p->lang);
	if (r == 0 && p->quiet)
		r = strv_add(words, "-q");
	return r;
}

/*
 * Not as other helpers are started: it starts sandboxes of its own, and no_new_privs would keep AppArmor from giving them the
 * profile that lets them.
 */
static void become(const char *program, char *const argv[], int in, int out)
{
	(void)signal(SIGPIPE, SIG_DFL);
	(void)signal(SIGXFSZ, SIG_DFL);
	if (dup2(in, 0) < 0 || dup2(out, 1) < 0)
		_exit(125);
	(void)execv(program, argv);
	_exit(127);
}

/* Its status as a shell tells it, or -errno; what it prints into *ret. The user's Ctrl-C reaches both. */
static int run_helper(char *const argv[], const char *program, const char *input, size_t len, char **ret)
{
	int out[2], in[2], status = 0;
	size_t n = 0;
	pid_t pid;
	int r;

	if (pipe2(out, O_CLOEXEC) < 0 || pipe2(in, O_CLOEXEC) < 0)
		return -errno;
	pid = fork();
	if (pid == 0)
		become(program, argv, in[0], out[1]);
	r = pid < 0 ? -errno : 0;
	(void)close(out[1]);
	(void)close(in[0]);
	if (r == 0) {
		(void)io_write_full(in[1], input, len); /* one that it does not read is its own failure */
		fd_close(&in[1]);
		r = io_read_all(out[0], 4096, ret, &n);
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
		if (r == 0)
			r = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	}
	fd_close(&in[1]);
	(void)close(out[0]);
	return r;
}

static int make(struct cli_run *c, struct sr_error *err)
{
	SR_AUTOFREE char *program = NULL;
	SR_AUTOFREE char *text = NULL;
	struct sr_strv words = { .items = NULL };
	const char *input = c->policy.form == SR_FORM_STDIN ? c->exec.read.data : c->policy.code;
	size_t len = c->policy.form == SR_FORM_STDIN ? c->exec.read.len : input ? strlen(input) : 0;
	int r = helper_find(PROGRAM, &program);

	if (r < 0 || !program)
		return program ? sr_error_set(err, SR_E_INSTALL, ENOENT, STAGE, "cannot install: the program %s is missing", program) :
				 sr_error_oom(err, STAGE);
	r = set_variables(&c->policy, err);
	if (r == 0)
		r = set_program(err);
	if (r < 0)
		return r;
	r = helper_words(c, program, &words) < 0 ? sr_error_oom(err, STAGE) : run_helper(words.items, program, input ? input : "", len, &text);
	strv_done(&words);
	if (r < 0)
		return sr_error_set(err, SR_E_INSTALL, -r, STAGE, "cannot install: %s", strerror(-r));
	if (r > 0 || !text) {
		sr_error_set_status(err, r > 128 ? r : 125, SR_E_INSTALL, ECANCELED, STAGE, "cannot run %s without what it requires",
				    c->policy.operands.count ? SHOWN(c->policy.operands.items[0]) : "the program");
		sr_error_hint(err, "without --install it runs in %s as it is", SHOWN(c->env.name));
		return -ECANCELED;
	}
	text[strcspn(text, "\n")] = '\0';
	r = use(c, text, err);
	return r ? r : sr_error_set(err, SR_E_INSTALL, ENOENT, STAGE, "cannot find what was installed just now: '%s'", SHOWN(text));
}

int install(struct cli_run *c)
{
	const struct sr_policy *p = &c->policy;
	SR_AUTOCLOSE int project = p->project_dir ? open(p->project_dir, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
	struct sr_requirements_of of = { .found = &c->choice.found, .project_fd = project };
	struct sr_requirements r = { .kind = SR_REQUIREMENTS_NONE };
	int e = c->choice.asked ? 0 : choice_for_run(p, 0, &c->exec, &c->choice, &c->err);

	of.language = c->choice.language;
	if (e == 0)
		e = requirements_read(&of, &r, &c->err);

	if (e == 0 && r.kind == SR_REQUIREMENTS_NONE) {
		requirements_done(&r);
		c->installed = INSTALL_NOTHING;
		return 0;
	}
	requirements_done(&r);
	if (e == 0 && c->env.kind == SR_ENVIRONMENT_HOST)
		e = choose_base(c, &c->err);
	of.on = &c->env;
	if (e == 0)
		e = requirements_read(&of, &r, &c->err);
	if (e == 0)
		e = use(c, r.name, &c->err);
	if (e == 0 && !p->explain)
		e = make(c, &c->err);
	c->installed = e > 0 ? INSTALL_DONE : INSTALL_WANTED;
	requirements_done(&r);
	return e < 0 ? e : 0;
}
