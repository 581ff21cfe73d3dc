/* SPDX-License-Identifier: MIT */
#include "policy/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/io.h"
#include "base/xdg.h"
#include "policy/ini-read.h"
#include "policy/limit.h"
#include "policy/options.h"
#include "policy/owner.h"
#include "policy/profile-read.h"

#define STAGE "config"

struct config {
	const char *home;
	char *profile, *environment, *output_dir, *index, *find_links, *registry;
	int proc, color, error_format, strict, private_args, private_outputs, quiet, verbose, predict; /* -1 while the file does not say */
	struct sr_profile_limit limits[SR_LIMIT_MAX];
	struct sr_strv hide;
};

static void config_done(struct config *c)
{
	free(c->profile);
	free(c->environment);
	free(c->output_dir);
	free(c->index);
	free(c->find_links);
	free(c->registry);
	strv_done(&c->hide);
}

static void *field(struct sr_ini *in, const struct sr_ini_key *key)
{
	return (char *)in->into + key->id;
}

/* "~/x" means the home folder's, as people write it; where a run is started from must not matter. */
static int take_path(struct sr_ini *in, const struct sr_ini_key *key, const char *value)
{
	const struct config *c = in->into;
	char **to = field(in, key);
	char shown[128];
	int e;

	if (*value == '/')
		*to = strdup(value);
	else if (str_has_prefix(value, "~/") && c->home)
		*to = str_format("%s/%s", c->home, value + 2);
	else {
		e = ini_refuse(in, "%s is no absolute path: \"%s\"", key->name, str_escape(value, shown, sizeof(shown)));
		sr_error_hint(in->err, "start it with / or ~/");
		return e;
	}
	return *to ? 0 : ini_oom(in);
}

/* A name, or a path. */
static int take_name(struct sr_ini *in, const struct sr_ini_key *key, const char *value)
{
	char **to = field(in, key);

	if (!*value)
		return ini_no_value(in, key);
	if (strchr(value, '/'))
		return take_path(in, key, value);
	*to = strdup(value);
	return *to ? 0 : ini_oom(in);
}

/* An index of packages. */
static int take_url(struct sr_ini *in, const struct sr_ini_key *key, const char *value)
{
	char **to = field(in, key);
	char shown[128];
	int e;

	if (str_has_prefix(value, "https://") || str_has_prefix(value, "http://")) {
		*to = strdup(value);
		return *to ? 0 : ini_oom(in);
	}
	e = ini_refuse(in, "%s is no address of an index: \"%s\"", key->name, str_escape(value, shown, sizeof(shown)));
	sr_error_hint(in->err, "start it with https://");
	return e;
}

static int take_flag(struct sr_ini *in, const struct sr_ini_key *key, const char *value)
{
	bool yes = false;
	int r = ini_take_bool(in, key, value, &yes);

	if (r == 0)
		*(int *)field(in, key) = yes;
	return r;
}

static int take_proc(struct sr_ini *in, const struct sr_ini_key *key, const char *value)
{
	return ini_take_word(in, key, value, "fresh|none", field(in, key));
}

static int take_color(struct sr_ini *in, const struct sr_ini_key *key, const char *value)
{
	return ini_take_word(in, key, value, "auto|always|never", field(in, key));
}

static int take_error_format(struct sr_ini *in, const struct sr_ini_key *key, const char *value)
{
	return ini_take_word(in, key, value, "text|json", field(in, key));
}

static int take_limit(struct sr_ini *in, const struct sr_ini_key *key, const char *value)
{
	struct config *c = in->into;
	struct sr_profile_limit *limit = &c->limits[key->id];
	int r = ini_take_limit(in, key, value, &limit->value);

	limit->set = r == 0;
	return r;
}

/* What could never match would leave a secret in the project without a word. */
static int check_pattern(struct sr_ini *in, const char *pattern)
{
	const char *why = NULL;
	char shown[128];
	int e;

	if (!*pattern)
		why = "it is empty";
	else if (*pattern == '/' || *pattern == '~')
		why = "it is no name and no path beneath the project";
	for (const char *p = pattern; !why && *p; p += strspn(p, "/")) {
		size_t n = strcspn(p, "/");

		if (n <= 2 && strncmp(p, "..", n) == 0)
			why = n == 2 ? "it leads upwards" : "it has a component '.'";
		p += n;
	}
	if (!why)
		return 0;
	e = ini_refuse(in, "hide does not take \"%s\": %s", str_escape(pattern, shown, sizeof(shown)), why);
	sr_error_hint(in->err, "hide takes names (*.sqlite) and paths as seen from the project folder (config/prod.yml)");
	return e;
}

static int take_hide(struct sr_ini *in, const struct sr_ini_key *key, const char *value)
{
	struct config *c = in->into;
	size_t before = c->hide.count;
	int r = ini_take_words(in, key, value, &c->hide);

	for (size_t i = before; r == 0 && i < c->hide.count; i++)
		r = check_pattern(in, c->hide.items[i]);
	return r;
}

#define RUN(key_name, take_fn, field_name) \
	{ .section = "run", .name = (key_name), .take = (take_fn), .id = (int)offsetof(struct config, field_name) }

#define INSTALL(key_name, take_fn, field_name) \
	{ .section = "install", .name = (key_name), .take = (take_fn), .id = (int)offsetof(struct config, field_name) }

static const struct sr_ini_key keys[] = {
	RUN("profile", take_name, profile),
	RUN("environment", take_name, environment),
	RUN("predict", take_flag, predict),
	RUN("proc", take_proc, proc),
	RUN("output-dir", take_path, output_dir),
	RUN("strict", take_flag, strict),
	RUN("private-args", take_flag, private_args),
	RUN("private-outputs", take_flag, private_outputs),
	RUN("quiet", take_flag, quiet),
	RUN("verbose", take_flag, verbose),
	RUN("error-format", take_error_format, error_format),
	RUN("color", take_color, color),
	INSTALL("index-url", take_url, index),
	INSTALL("find-links", take_path, find_links),
	INSTALL("npm-registry", take_url, registry),
	{ .section = "project", .name = "hide", .take = take_hide, .list = true },
#define SR_LIMIT_ROW(field, section_name, key_name, kind_name, dflt)         \
	{ .section = (section_name), .name = (key_name), .take = take_limit, \
	  .id = SR_LIMIT_##field },
	SR_LIMITS(SR_LIMIT_ROW)
#undef SR_LIMIT_ROW
};

/* An option's name where the same limit has a section of its own, or where it is about one run. */
static int explain(struct sr_ini *in, const char *section, const char *name, const char *value)
{
	struct sr_option_row option;
	const struct sr_limit_row *limit;
	int e;

	(void)value;
	if (!name || strcmp(section, "run") != 0 || !options_find(name, &option))
		return 0;
	if (option.limit < 0) {
		e = ini_refuse(in, "%s is about one run and stands on the command line only", name);
		sr_error_hint(in->err, "take the line out, and give --%s where you want it", name);
		return e;
	}
	limit = &sr_limit_rows[option.limit];
	e = ini_refuse(in, "%s is a limit, and limits have their own sections", name);
	sr_error_hint(in->err, "write it as %s below a line [%s]", limit->name, limit->section);
	return e;
}

static const struct sr_ini_format format = {
	.stage = STAGE,
	.cannot = "cannot read configuration",
	.code = SR_E_CONFIG,
	.keys = keys,
	.key_count = SR_ELEMENTSOF(keys),
	.utf8 = true,
	.explain = explain,
};

/* ---- the file ------------------------------------------------------------------------------------------------------ */

static int refuse(const char *path, int errnum, const char *reason, const char *mend, struct sr_error *err)
{
	char shown[512];
	int r = sr_error_set(err, SR_E_CONFIG, errnum, STAGE, "cannot use configuration %s: %s",
			     str_escape(path, shown, sizeof(shown)), reason);

	if (mend)
		sr_error_hint(err, "%s %s; or --no-config", mend, shown);
	else
		sr_error_hint(err, "mend it, or leave it out for this run: --no-config");
	return r;
}

/*
 * 1 with the text, 0 when there is no file. No permission to search the folders on the way (HOME of somebody else) is as
 * good as none; a file that is there and cannot be read is an error.
 */
static int read_file(const char *path, char **ret, size_t *ret_len, struct sr_error *err)
{
	SR_AUTOCLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	const char *reason, *mend = NULL;
	struct stat st;
	int r;

	if (fd < 0) {
		int e = errno;

		if (e == ENOENT || e == ENOTDIR || (e == EACCES && lstat(path, &st) < 0))
			return 0;
		return refuse(path, e, strerror(e), e == EACCES ? "chmod u+r" : NULL, err);
	}
	if (fstat(fd, &st) < 0)
		return refuse(path, errno, strerror(errno), NULL, err);
	reason = owner_refusal(fd, &st, &mend);
	if (reason)
		return refuse(path, EPERM, reason, mend, err);
	r = io_read_all(fd, SR_INI_SIZE_MAX, ret, ret_len);
	return r < 0 ? refuse(path, -r, strerror(-r), NULL, err) : 1;
}

/* ---- under the command line ---------------------------------------------------------------------------------------- */

static void give(char **to, char **from)
{
	if (!*to)
		*to = SR_TAKE_PTR(*from);
}

static void apply_talk(struct config *c, struct sr_policy *p)
{
	if (c->proc >= 0 && !policy_is_given(p, "proc"))
		p->proc = (enum sr_proc)c->proc;
	if (c->color >= 0 && !policy_is_given(p, "color"))
		p->color = (enum sr_color)c->color;
	if (c->error_format >= 0 && !policy_is_given(p, "error-format"))
		p->error_format = (enum sr_error_format)c->error_format;
	if (!p->quiet && !p->verbose) { /* -v answers a standing `quiet`, and -q a standing `verbose` */
		p->quiet = c->quiet > 0;
		p->verbose = c->verbose > 0;
	}
	p->strict = p->strict || (c->strict > 0 && !p->no_strict);
	p->private_args = p->private_args || c->private_args > 0;
	p->private_outputs = p->private_outputs || c->private_outputs > 0;
}

static void apply(struct config *c, struct sr_policy *p)
{
	apply_talk(c, p);
	give(&p->profile, &c->profile);
	if (!p->environment && c->environment) {
		p->environment_by_name = !strchr(c->environment, '/');
		give(&p->environment, &c->environment);
	}
	p->no_predict = p->no_predict || c->predict == 0;
	give(&p->install_index, &c->index);
	give(&p->install_find_links, &c->find_links);
	give(&p->install_registry, &c->registry);
	if (!p->output_archive) /* outputs go to one place, and the command line has named it */
		give(&p->output_dir, &c->output_dir);
	for (int i = 0; i < SR_LIMIT_MAX; i++) {
		if (c->limits[i].set)
			policy_set_limit(p, (enum sr_limit_id)i, c->limits[i].value, SR_FROM_CONFIG);
	}
	strv_done(&p->hide);
	p->hide = c->hide;
	c->hide = (struct sr_strv){ .items = NULL };
}

int config_load_from(const char *path, const char *home, struct sr_policy *p, struct sr_error *err)
{
	struct config c = { .home = home, .proc = -1, .color = -1, .error_format = -1, .strict = -1,
			    .private_args = -1, .private_outputs = -1, .quiet = -1, .verbose = -1, .predict = -1 };
	SR_AUTOFREE char *text = NULL, *own_path = NULL;
	size_t len = 0;
	int r = read_file(path, &text, &len, err);

	if (r <= 0)
		return r;
	r = ini_read(&format, path, text, len, &c, err);
	if (r == 0 && c.quiet > 0 && c.verbose > 0)
		r = refuse(path, EINVAL, "quiet and verbose ask for opposite things", NULL, err);
	own_path = r == 0 ? strdup(path) : NULL;
	if (r == 0 && !own_path)
		r = sr_error_oom(err, STAGE);
	if (r == 0) {
		apply(&c, p);
		free(p->config_path);
		p->config_path = SR_TAKE_PTR(own_path);
	}
	config_done(&c);
	return r;
}

int config_load(struct sr_policy *p, struct sr_error *err)
{
	const char *home = getenv("HOME");
	SR_AUTOFREE char *path = NULL;
	int r = xdg_path(SR_XDG_CONFIG, "config.ini", &path);

	if (r < 0)
		return r == -ENOENT ? 0 : sr_error_oom(err, STAGE);
	return config_load_from(path, home && *home == '/' ? home : NULL, p, err);
}
