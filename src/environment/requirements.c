/* SPDX-License-Identifier: MIT */
/*
 * sandrun environment requirements: what a program requires, installed over an environment by pip or npm. The tool runs in a
 * sandbox that builds a layer, the only place with a network; of what it leaves there the packages' folder alone is kept, so
 * that no install script changes anything else of the environment. `sandrun --install` calls it.
 */
#include "run/requirements.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/io.h"
#include "environment/common.h"
#include "image/store-write.h"
#include "image/tree.h"
#include "plan/choice.h"
#include "policy/lang.h"

#define SCRATCH "sandrun-scratch" /* in the layer's root while it is made: home, temporary files, caches */
#define FOLDER "sandrun-requirements"
#define TAIL_LINES 12

struct making {
	struct store_writer store;
	struct store_work work;
	char *dir;  /* path of the work folder */
	struct sr_environment on;
	struct sr_requirements wanted;
	struct sr_predicts built; /* for the sizes of what it lies on */
	bool quiet;
};

/* ---- folders --------------------------------------------------------------------------------------------------------- */

static int cannot(struct sr_error *err, const char *what, int r)
{
	(void)sr_error_set(err, SR_E_INSTALL, -r, "install", "cannot %s: %s", what, strerror(-r));
	if (r == -ENOSPC || r == -EDQUOT)
		sr_error_hint(err, "the disk is full: free some, or sandrun environment prune");
	return r;
}

/* Makes all folders of a path below dir_fd. */
static int make_folders(int dir_fd, const char *path)
{
	SR_AUTOFREE char *part = strdup(path);

	if (!part)
		return -ENOMEM;
	for (char *slash = part; (slash = strchr(slash, '/')); *slash++ = '/') {
		*slash = '\0';
		if (*part && mkdirat(dir_fd, part, 0755) < 0 && errno != EEXIST)
			return -errno;
	}
	return mkdirat(dir_fd, path, 0755) < 0 && errno != EEXIST ? -errno : 0;
}

static int write_file(int dir_fd, const struct sr_requirements_file *f)
{
	SR_AUTOFREE char *folder = strdup(f->name);
	SR_AUTOCLOSE int fd = -1;
	char *slash = folder ? strrchr(folder, '/') : NULL;
	int r = folder ? 0 : -ENOMEM;

	if (slash) {
		*slash = '\0';
		r = make_folders(dir_fd, folder);
	}
	if (r < 0)
		return r;
	fd = openat(dir_fd, f->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	return fd < 0 ? -errno : io_write_full(fd, f->data, f->len);
}

/* The layer's root, empty but for what the tools want to find, and the lists: npm's where it works, pip's on their way in. */
static int prepare(struct making *m, struct sr_error *err)
{
	static const char *const folders[] = { "layer", "layer/tree", "layer/tree/" SCRATCH, "layer/tree/" SCRATCH "/lists",
					       "layer/tree/" SR_REQUIREMENTS_TOP "/" FOLDER "/npm",
					       "layer/tree/" SR_REQUIREMENTS_TOP "/" FOLDER "/python" };
	SR_AUTOCLOSE int to = -1;
	int r = store_work_begin(&m->store, &m->work, err);

	if (r < 0)
		return r;
	m->dir = str_format("%s/work/%s", m->store.path, m->work.name);
	if (!m->dir)
		return sr_error_oom(err, STAGE);
	(void)umask(022);
	for (size_t i = 0; r == 0 && i < SR_ELEMENTSOF(folders); i++)
		r = make_folders(m->work.fd, folders[i]);
	(void)umask(077);
	if (r == 0 && fchmodat(m->work.fd, "layer", 0700, 0) < 0)
		r = -errno;
	if (r == 0) {
		to = openat(m->work.fd, m->wanted.kind == SR_REQUIREMENTS_NPM ? folders[4] : folders[3],
			    O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
		r = to < 0 ? -errno : 0;
	}
	for (size_t i = 0; r == 0 && i < m->wanted.count; i++)
		r = write_file(to, &m->wanted.files[i]);
	return r < 0 ? cannot(err, "make the folders of an installation", r) : 0;
}

/* ---- the tool -------------------------------------------------------------------------------------------------------- */

/* The trees below, as -E takes them. */
static char *stack_of(const struct making *m)
{
	char *all = strdup("");

	for (size_t i = 0; all && i < m->on.layers.count; i++) {
		char *longer = str_format("%s%s%s", all, *all ? "," : "", m->on.layers.items[i].path);

		free(all);
		all = longer;
	}
	return all;
}

static bool is_set(const char *name)
{
	const char *value = getenv(name);

	return value && *value && strcmp(value, "0") != 0;
}

/* pip is told to ask nobody but folders of this machine. */
static bool is_offline(const struct making *m)
{
	return m->wanted.kind == SR_REQUIREMENTS_PIP && is_set("PIP_NO_INDEX");
}

/* Folders of wheels are shown inside under names of ours; addresses stay. */
static int add_find_links(struct sr_strv *words)
{
	const char *at = getenv("PIP_FIND_LINKS");
	SR_AUTOFREE char *links = strdup("PIP_FIND_LINKS=");
	unsigned count = 0;

	while (links && at && *(at += strspn(at, " "))) {
		size_t n = strcspn(at, " ");
		SR_AUTOFREE char *one = strndup(at, n);
		const char *path = one && str_has_prefix(one, "file://") ? one + 7 : one;
		SR_AUTOFREE char *real = path && !strstr(path, "://") ? realpath(path, NULL) : NULL;
		char *longer;

		if (!one)
			return -ENOMEM;
		if (real && strv_addf(words, "--bind=%s:/" SCRATCH "/links-%u", real, count) < 0)
			return -ENOMEM;
		longer = real ? str_format("%s/" SCRATCH "/links-%u ", links, count++) : str_format("%s%s ", links, one);
		free(links);
		links = longer;
		at += n;
	}
	if (!links)
		return -ENOMEM;
	return strchr(links, '/') ? strv_addf(words, "--setenv=%s", links) : 0;
}

/*
 * Whose certificates are believed: this machine's authorities, which node and pip would not ask by themselves; a file that the
 * caller names is shown inside under a name of ours.
 */
static int add_authorities(struct sr_strv *words)
{
	static const char machine[] = "/etc/ssl/certs/ca-certificates.crt";
	static const char *const names[] = { "NODE_EXTRA_CA_CERTS", "npm_config_cafile", "PIP_CERT", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE" };
	int r = 0;

	for (size_t i = 0; r == 0 && i < SR_ELEMENTSOF(names); i++) {
		const char *file = getenv(names[i]);
		SR_AUTOFREE char *real = file && *file ? realpath(file, NULL) : NULL;
		bool own = strcmp(names[i], "NODE_EXTRA_CA_CERTS") == 0 || strcmp(names[i], "PIP_CERT") == 0;

		if (real && strcmp(real, machine) != 0) {
			r = strv_addf(words, "--bind=%s:/" SCRATCH "/authorities-%zu", real, i);
			if (r == 0)
				r = strv_addf(words, "--setenv=%s=/" SCRATCH "/authorities-%zu", names[i], i);
		} else if (own && access(machine, R_OK) == 0)
			r = strv_addf(words, "--setenv=%s=%s", names[i], machine);
	}
	return r;
}

/* The options of a run that builds. */
static int add_options(const struct making *m, const char *stack, bool network, struct sr_strv *words)
{
	static const char *const options[] = {
		"--no-config", "--no-manifest", "-q", "-p", "build", "--memory", "unlimited", "--file-size", "16G", "--output-limit",
		"unlimited", "--timeout", "2h", "--cpu-time", "unlimited", "--pids", "1024", "--nofile", "8192",
		"--setenv", "HOME=/" SCRATCH, "--setenv", "TMPDIR=/" SCRATCH, "--setenv", "LC_ALL=C.UTF-8", "--setenv", "SOURCE_DATE_EPOCH=315532800",
		"--setenv", "PYTHONDONTWRITEBYTECODE=1", "--setenv", "npm_config_cache=/" SCRATCH "/npm", "--setenv", "npm_config_audit=false",
		"--setenv", "npm_config_fund=false", "--setenv", "npm_config_update_notifier=false", "--setenv", "npm_config_fetch_retries=1", "--setenv",
		"npm_config_fetch_retry_mintimeout=1000", "--setenv", "npm_config_fetch_retry_maxtimeout=5000",
	};
	static const char *const passed[] = { "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_NO_INDEX", "PIP_TRUSTED_HOST", "PIP_PRE",
					      "npm_config_registry", "https_proxy", "http_proxy", "no_proxy", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY" };
	int r = strv_addf(words, "--build-layer=%s/layer", m->dir);

	if (r == 0)
		r = strv_addf(words, "--environment=%s", stack);
	if (r == 0 && network)
		r = strv_add(words, "--build-network");
	for (size_t i = 0; r == 0 && i < SR_ELEMENTSOF(options); i++)
		r = strv_add(words, options[i]);
	for (size_t i = 0; r == 0 && i < SR_ELEMENTSOF(passed); i++) {
		if (getenv(passed[i]))
			r = strv_addf(words, "--setenv=%s=%s", passed[i], getenv(passed[i]));
	}
	if (r == 0 && network)
		r = add_authorities(words);
	if (r == 0 && m->wanted.tool)
		r = strv_addf(words, "--bind=%s:/" SCRATCH "/tool%s", m->wanted.tool,
			      m->wanted.kind == SR_REQUIREMENTS_PIP ? ".whl" : "");
	return r;
}

static int add_all(struct sr_strv *words, const char *const *more)
{
	int r = 0;

	while (r == 0 && *more)
		r = strv_add(words, *more++);
	return r;
}

static const char *interpreter(const struct making *m, const char *language, const char *otherwise)
{
	const char *path = environment_interpreter(&m->on, language);

	return path ? path : otherwise;
}

static int add_pip(const struct making *m, struct sr_strv *words)
{
	const char *python = interpreter(m, "python", "python3");
	const char *const pip[] = { "install", "--target=" SR_REQUIREMENTS_DIR "/python", "--no-compile", "--no-input", "--no-cache-dir",
				    "--disable-pip-version-check", "--progress-bar=off", "--no-warn-script-location",
				    "-r", "/" SCRATCH "/lists/requirements.txt", NULL };
	int r = add_find_links(words);

	if (r == 0)
		r = add_all(words, (const char *const[]){ "--", python, NULL });
	if (r == 0)
		r = m->wanted.tool ? strv_add(words, "/" SCRATCH "/tool.whl/pip") : add_all(words, (const char *const[]){ "-m", "pip", NULL });
	return r == 0 ? add_all(words, pip) : r;
}

static int add_npm(const struct making *m, struct sr_strv *words)
{
	const char *const npm[] = { "--prefix=" SR_REQUIREMENTS_DIR "/npm", m->wanted.locked ? "ci" : "install", "--omit=dev",
				    "--no-progress", "--loglevel=error", NULL };
	int r = strv_add(words, "--");

	if (r == 0)
		r = m->wanted.tool ? add_all(words, (const char *const[]){ interpreter(m, "node", "node"), "/" SCRATCH "/tool/bin/npm-cli.js", NULL }) :
				     strv_add(words, "npm");
	return r == 0 ? add_all(words, npm) : r;
}

/* Imports are 3-4 times faster with it; its own times are those of sealing, so that it must not be compared with them. */
static int add_compile(const struct making *m, struct sr_strv *words)
{
	const char *const all[] = { "--", interpreter(m, "python", "python3"), "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash",
				    SR_REQUIREMENTS_DIR "/python", NULL };

	return add_all(words, all);
}

/* The last lines of what the tool said, on standard error. */
static void show_tail(const struct making *m, const char *tool)
{
	SR_AUTOCLOSE int fd = openat(m->work.fd, "log", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	SR_AUTOFREE char *text = NULL;
	char shown[512];
	size_t len = 0, lines = 0, from;

	if (fd < 0 || io_read_all(fd, 16UL << 20, &text, &len) < 0 || !len)
		return;
	for (from = len - 1; from > 0 && lines < TAIL_LINES; from--)
		lines += text[from - 1] == '\n';
	from += lines == TAIL_LINES;
	verb_say("the last that %s said:", tool);
	for (const char *at = text + from; at < text + len;) {
		size_t n = strcspn(at, "\n");

		(void)fprintf(stderr, "  %s\n", str_escape_n(at, n, shown, sizeof(shown)));
		at += n + (at + n < text + len);
	}
}

/* Its exit status, or negative with the error set; a signal to this program ends it and gives up. */
static int wait_for(const struct making *m, pid_t pid, struct sr_error *err)
{
	int status;

	for (unsigned turns = 0; waitpid(pid, &status, WNOHANG) == 0; turns++) {
		if (verb_interrupted()) {
			(void)kill(pid, SIGTERM);
			(void)engine_wait(pid);
			return verb_give_up("install", err);
		}
		if (!m->quiet && turns % 10 == 0)
			progress_show("installing over %s: %s is at work, %u s", SHOWN(m->on.name),
				      m->wanted.kind == SR_REQUIREMENTS_PIP ? "pip" : "npm", turns / 20);
		(void)usleep(50000);
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int run(struct making *m, int (*add)(const struct making *, struct sr_strv *), bool network, struct sr_error *err)
{
	SR_AUTOCLOSE int log = openat(m->work.fd, "log", O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
	SR_AUTOFREE char *stack = stack_of(m);
	struct sr_strv words = { .items = NULL };
	const char *tool = add == add_npm ? "npm" : add == add_pip ? "pip" : "Python's compiler";
	pid_t pid = -1;
	int r;

	if (log < 0)
		return cannot(err, "write a log", -errno);
	if (!stack || add_options(m, stack, network, &words) < 0 || add(m, &words) < 0)
		r = sr_error_oom(err, STAGE);
	else
		r = engine_start(&words, (int[]){ -1, log, log }, &pid, err);
	if (r == 0)
		r = wait_for(m, pid, err);
	strv_done(&words);
	if (r <= 0)
		return r;
	show_tail(m, tool);
	(void)sr_error_set(err, SR_E_INSTALL, ECANCELED, "install", "cannot install over '%s': %s ended with status %d", SHOWN(m->on.name), tool, r);
	sr_error_hint(err, "nothing of it was kept; %s",
		      add == add_npm ? "npm_config_registry, or npm-registry in config.ini, names another registry" :
				       "PIP_INDEX_URL and PIP_FIND_LINKS, or [install] of config.ini, name other places");
	return -ECANCELED;
}

/* ---- what is kept ---------------------------------------------------------------------------------------------------- */

/* Removes all of a folder but one name. */
static int keep_only(int dir_fd, const char *name)
{
	struct sr_tree_list l = { .items = NULL };
	int r = tree_list(dir_fd, &l);

	for (size_t i = 0; r == 0 && i < l.count; i++) {
		if (strcmp(l.items[i].name, name) != 0)
			r = tree_remove(dir_fd, l.items[i].name);
	}
	tree_list_done(&l);
	return r;
}

/*
 * Install scripts ran as the root's owner: what they wrote elsewhere is dropped, and the folders on the way are plain ones of
 * ours again. npm's packages are found from /work, and from anywhere, at /node_modules.
 */
static int keep(const struct making *m, struct sr_error *err)
{
	SR_AUTOCLOSE int tree = openat(m->work.fd, "layer/tree", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	SR_AUTOCLOSE int top = tree < 0 ? -1 : tree_open_folder(tree, SR_REQUIREMENTS_TOP);
	const bool npm = m->wanted.kind == SR_REQUIREMENTS_NPM;
	SR_AUTOCLOSE int folder = top < 0 ? -1 : tree_open_folder(top, FOLDER);
	struct stat st;
	int r = folder < 0 ? -EINVAL : keep_only(tree, SR_REQUIREMENTS_TOP);

	if (r == 0)
		r = keep_only(top, FOLDER);
	if (r == 0)
		r = keep_only(folder, npm ? "npm" : "python");
	if (r == 0 && (fchmod(tree, 0755) < 0 || fchmod(top, 0755) < 0 || fchmod(folder, 0755) < 0))
		r = -errno;
	if (r == 0 && npm && fstatat(folder, "npm/node_modules", &st, AT_SYMLINK_NOFOLLOW) < 0)
		r = -errno;
	if (r == 0 && npm && symlinkat(SR_REQUIREMENTS_DIR "/npm/node_modules", tree, "node_modules") < 0)
		r = -errno;
	if (r == 0)
		r = tree_remove(m->work.fd, "layer/overlay-work");
	return r < 0 ? cannot(err, "keep what was installed", r) : 0;
}

/* "python=/usr/bin/python3" */
static int add_values(const struct sr_strv *from, const char *section, struct sr_strv *own, struct store_value *values, size_t *count)
{
	for (size_t i = 0; i < from->count; i++) {
		const char *equals = strchr(from->items[i], '=');

		if (!equals || strv_addf(own, "%.*s", (int)(equals - from->items[i]), from->items[i]) < 0)
			return -ENOMEM;
		values[(*count)++] = (struct store_value){ .section = section, .key = own->items[own->count - 1], .value = equals + 1 };
	}
	return 0;
}

static int put(struct making *m, struct sr_error *err)
{
	SR_AUTOCLOSE int tree = openat(m->work.fd, "layer/tree", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	SR_AUTOFREE struct store_layer *layers = calloc(m->on.layers.count + 1, sizeof(*layers));
	SR_AUTOFREE struct store_value *values = calloc(m->on.languages.count + m->on.variables.count + 1, sizeof(*values));
	const struct sr_predict *below = predicts_find(&m->built, m->on.name);
	struct store_image image = { .name = m->wanted.name, .base = strchr(m->on.name, ',') ? NULL : m->on.name, .profile = m->on.profile, .values = values,
				     .description = m->wanted.kind == SR_REQUIREMENTS_PIP ? "what a program requires of Python" :
											   "what a program requires of node" };
	struct sr_strv own = { .items = NULL };
	int r;

	if (!layers || !values)
		return sr_error_oom(err, STAGE);
	r = tree < 0 ? cannot(err, "open the layer", -errno) : seal_tree(tree, &layers[m->on.layers.count].seal, err);
	if (r < 0)
		return r;
	image.bytes = (below ? below->bytes : 0) + layers[m->on.layers.count].seal.bytes;
	for (size_t i = 0; i < m->on.layers.count; i++)
		(void)snprintf(layers[i].seal.hex, sizeof(layers[i].seal.hex), "%s", m->on.layers.items[i].digest + strlen("sha256:"));
	layers[m->on.layers.count].made = "layer";
	layers[m->on.layers.count].source = "requirements";
	r = add_values(&m->on.languages, "languages", &own, values, &image.value_count);
	if (r == 0)
		r = add_values(&m->on.variables, "variables", &own, values, &image.value_count);
	if (m->wanted.kind == SR_REQUIREMENTS_PIP)
		values[image.value_count++] = (struct store_value){ "variables", "PYTHONPATH", SR_REQUIREMENTS_DIR "/python" };
	r = r < 0 ? sr_error_oom(err, STAGE) : store_put(&m->store, &m->work, layers, m->on.layers.count + 1, &image, err);
	strv_done(&own);
	return r;
}

static int make(struct making *m, struct sr_error *err)
{
	int (*const add)(const struct making *, struct sr_strv *) = m->wanted.kind == SR_REQUIREMENTS_NPM ? add_npm : add_pip;
	int r = predicts_built(&m->built, err);

	if (r == 0)
		r = store_writer_open(&m->store, err);

	if (r == 0)
		r = prepare(m, err);
	if (r == 0)
		r = run(m, add, !is_offline(m), err);
	if (r == 0 && m->wanted.kind == SR_REQUIREMENTS_PIP)
		r = run(m, add_compile, false, err);
	if (r == 0)
		r = keep(m, err);
	if (r == 0)
		r = put(m, err);
	progress_end();
	store_work_end(&m->store, &m->work);
	store_writer_done(&m->store);
	return r;
}

/* ---- the verb -------------------------------------------------------------------------------------------------------- */

struct asked {
	const char *on, *project, *script, *lang;
	bool quiet;
};

/* What the script says; "-" is standard input. */
static int read_script(const struct asked *a, struct sr_choice *c, struct sr_error *err)
{
	SR_AUTOFREE char *text = NULL;
	size_t len = 0;
	int r;

	if (a->script)
		return choice_for_script(a->project, a->script, a->lang, c, err);
	if (!a->lang)
		return 0;
	r = io_read_all(0, 64UL << 20, &text, &len);
	if (r < 0)
		return cannot(err, "read the program", r);
	c->language = script_language(lang_by_name(NULL, a->lang) ? lang_by_name(NULL, a->lang)->name : NULL);
	return len && imports_read(c->language, text, len, &c->found) < 0 ? sr_error_oom(err, STAGE) : 0;
}

static int open_base(const char *name, struct making *m, struct sr_error *err)
{
	if (name)
		return environment_open(name, &m->on, err);
	(void)sr_error_set(err, SR_E_INSTALL, EINVAL, "install", "cannot install over the environment 'host': it has no layers");
	sr_error_hint(err, "name one: --on NAME; sandrun environment list");
	return -EINVAL;
}

static int requirements(const struct asked *a, struct making *m, struct sr_error *err)
{
	SR_AUTOCLOSE int project = a->project ? open(a->project, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
	struct sr_choice c = { .environment = NULL };
	struct sr_requirements_of of = { .found = &c.found, .project_fd = project, .on = &m->on };
	int r = a->project && project < 0 ? cannot(err, "open the project folder", -errno) : read_script(a, &c, err);

	if (r == 0)
		r = open_base(a->on ? a->on : c.environment, m, err);
	of.language = c.language;
	if (r == 0)
		r = requirements_read(&of, &m->wanted, err);
	if (r == 0 && m->wanted.kind == SR_REQUIREMENTS_NONE) {
		r = sr_error_set(err, SR_E_INSTALL, ENOENT, "install", "cannot install: nothing that is required is listed");
		sr_error_hint(err, "dependencies of a PEP 723 block, requirements.txt or package.json of a project (-C DIR) are looked for");
	}
	choice_done(&c);
	return r < 0 ? r : make(m, err);
}

int environment_requirements(int argc, char **argv)
{
	struct asked a = { .on = NULL };
	const struct verb_option options[] = { { .name = "--on", .text = &a.on },	      { .name = "-C", .text = &a.project },
					       { .name = "--script", .text = &a.script }, { .name = "--lang", .text = &a.lang },
					       { .name = "-q", .flag = &a.quiet } };
	struct making m = { .store = SR_STORE_WRITER_INIT, .work = SR_STORE_WORK_INIT, .on = SR_ENVIRONMENT_INIT };
	struct sr_error err = SR_ERROR_INIT;
	int status = verb_options(&argc, argv, options, SR_ELEMENTSOF(options), 0, 0), r;

	if (status >= 0)
		return status;
	m.quiet = a.quiet;
	verb_catch_signals();
	seal_stop_when(verb_interrupted);
	tree_raise_limit();
	r = requirements(&a, &m, &err);
	if (r == 0)
		(void)printf("%s\n", m.wanted.name);
	free(m.dir);
	environment_done(&m.on);
	predicts_done(&m.built);
	requirements_done(&m.wanted);
	return r < 0 ? verb_fail(&err) : verb_flush(0);
}
