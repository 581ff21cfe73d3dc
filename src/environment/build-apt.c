/* SPDX-License-Identifier: MIT */
/*
 * The host's apt, run as the user: it reads the host's sources and keyrings and checks signatures as it always does, and keeps
 * what it learns in the cache folder. No state of the host's is written, no hook of the host's is run.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/io.h"
#include "base/xdg.h"
#include "environment/build-apt.h"
#include "environment/build.h"
#include "environment/common.h"
#include "sys/openat2.h"

#define STATUS_MAX (64U << 20)

/* --- the folders ---------------------------------------------------------------------------------------------------------------- */

static int open_cache(const char *name, char **ret_path, int *ret_fd, struct sr_error *err)
{
	int r = xdg_open(SR_XDG_CACHE, name, ret_fd, ret_path);

	if (r == -ENOENT && !*ret_path) {
		(void)sr_error_set(err, SR_E_ENVIRONMENT, ENOENT, STAGE, "cannot find the cache: neither XDG_CACHE_HOME nor HOME is set");
		sr_error_hint(err, "set HOME to your home folder");
		return r;
	}
	if (r < 0)
		return build_failed(err, -r, "use the cache %s", *ret_path ? SHOWN(*ret_path) : name);
	if (strpbrk(*ret_path, "\"\\\n;")) /* the words of apt's configuration */
		return sr_error_set(err, SR_E_ENVIRONMENT, EINVAL, STAGE, "cannot use the cache %s: apt cannot read such a name",
				    SHOWN(*ret_path));
	return 0;
}

static int lock_cache(struct build *b, int dir_fd, struct sr_error *err)
{
	SR_AUTOCLOSE int fd = openat(dir_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return build_failed(err, errno, "lock %s", SHOWN(b->apt_dir));
	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return build_failed(err, errno, "lock %s", SHOWN(b->apt_dir));
		if (verb_interrupted())
			return verb_give_up("fetch packages", err);
		build_tick(b, "another build uses apt");
		(void)usleep(100000);
	}
	b->cache_lock = SR_TAKE_FD(fd);
	return 0;
}

static int open_caches(struct build *b, struct sr_error *err)
{
	SR_AUTOCLOSE int apt_fd = -1;
	SR_AUTOCLOSE int debs_fd = -1;
	static const char *const folders[] = { "lists", "lists/partial", "archives", "archives/partial" };
	int r = open_cache("apt", &b->apt_dir, &apt_fd, err);

	if (r == 0)
		r = open_cache("debs", &b->debs_dir, &debs_fd, err);
	for (size_t i = 0; r == 0 && i < SR_ELEMENTSOF(folders); i++) {
		if (mkdirat(apt_fd, folders[i], 0700) < 0 && errno != EEXIST)
			r = build_failed(err, errno, "make %s/%s", SHOWN(b->apt_dir), folders[i]);
	}
	return r < 0 ? r : lock_cache(b, apt_fd, err);
}

/* --- its configuration ------------------------------------------------------------------------------------------------------------ */

/* "bookworm", or "" where the host does not say. Only letters: it becomes part of a pattern. */
static void host_release(char out[static 32])
{
	SR_AUTOCLOSE int fd = open("/etc/os-release", O_RDONLY | O_CLOEXEC);
	SR_AUTOFREE char *text = NULL;
	const char *at = NULL;
	size_t len = 0;

	out[0] = '\0';
	if (fd >= 0 && io_read_all(fd, 65536, &text, &len) == 0)
		at = strstr(text, "VERSION_CODENAME=");
	if (!at)
		return;
	at += strlen("VERSION_CODENAME=");
	at += *at == '"';
	for (len = 0; len < 31 && islower((unsigned char)at[len]); len++)
		out[len] = at[len];
	out[len] = '\0';
}

/* The distribution's own packages come before those of other sources that the host has. */
static int write_preferences(struct build *b, struct sr_error *err)
{
	static const char *const parts[] = { "", "-security", "-updates" };
	SR_AUTOFREE char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);
	char release[32];
	int r;

	if (!f)
		return sr_error_oom(err, STAGE);
	host_release(release);
	for (size_t i = 0; *release && i < SR_ELEMENTSOF(parts); i++)
		(void)fprintf(f, "Package: *\nPin: release n=%s%s\nPin-Priority: 990\n\n", release, parts[i]);
	if (fclose(f) != 0)
		return sr_error_oom(err, STAGE);
	r = file_write_at(b->work.fd, "preferences", 0600, text, len, false);
	return r < 0 ? build_failed(err, -r, "write %s/preferences", SHOWN(b->dir)) : 0;
}

static int write_config(struct build *b, struct sr_error *err)
{
	static const char *const hooks[] = { "APT::Update::Pre-Invoke", "APT::Update::Post-Invoke", "APT::Update::Post-Invoke-Success",
					     "DPkg::Pre-Invoke", "DPkg::Post-Invoke", "DPkg::Pre-Install-Pkgs", "APT::Default-Release",
					     "APT::NeverAutoRemove", "DPkg::Tools" };
	SR_AUTOFREE char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);
	int r;

	if (!f)
		return sr_error_oom(err, STAGE);
	for (size_t i = 0; i < SR_ELEMENTSOF(hooks); i++)
		(void)fprintf(f, "#clear %s;\n", hooks[i]);
	(void)fprintf(f, "APT::Sandbox::User \"\";\nDir::State \"%s\";\nDir::State::lists \"%s/lists\";\n", b->apt_dir, b->apt_dir);
	(void)fprintf(f, "Dir::State::status \"%s/status\";\nDir::State::extended_states \"%s/extended_states\";\n", b->dir, b->dir);
	(void)fprintf(f, "Dir::Cache \"%s\";\nDir::Cache::archives \"%s/archives\";\nDir::Log \"%s/log\";\n", b->apt_dir, b->apt_dir,
		      b->apt_dir);
	(void)fprintf(f, "Dir::Cache::pkgcache \"pkgcache.bin\";\nDir::Cache::srcpkgcache \"srcpkgcache.bin\";\n"
			 "APT::Install-Recommends \"false\";\nAPT::Install-Suggests \"false\";\nAPT::Get::AllowUnauthenticated \"false\";\n"
			 "Acquire::AllowInsecureRepositories \"false\";\nAcquire::AllowDowngradeToInsecureRepositories \"false\";\n"
			 "Acquire::Languages \"none\";\nAcquire::Retries \"2\";\nAPT::Color \"0\";\nDpkg::Use-Pty \"0\";\n");
	(void)fprintf(f, "Dir::Etc::preferences \"%s/preferences\";\n", b->dir);
	if (fclose(f) != 0)
		return sr_error_oom(err, STAGE);
	r = file_write_at(b->work.fd, "apt.conf", 0600, text, len, false);
	return r < 0 ? build_failed(err, -r, "write %s/apt.conf", SHOWN(b->dir)) : 0;
}

/* --- what is there already ---------------------------------------------------------------------------------------------------------- */

/* The text of a file in the uppermost layer below that has it; NULL where none has. */
static int read_below(struct build *b, const char *path, char **ret, struct sr_error *err)
{
	*ret = NULL;
	for (size_t i = b->below.count; i > 0; i--) {
		SR_AUTOFREE char *full = str_format("%s/tree/%s", b->below.items[i - 1], path);
		SR_AUTOCLOSE int fd = -1;
		size_t len = 0;
		int r;

		if (!full)
			return sr_error_oom(err, STAGE);
		fd = sys_open_beneath(b->store->layers_fd, full, O_RDONLY, 0);
		if (fd == -ENOENT)
			continue;
		r = fd < 0 ? fd : io_read_all(fd, STATUS_MAX, ret, &len);
		return r < 0 ? build_failed(err, -r, "read %s of layer %.12s", path, b->below.items[i - 1]) : 0;
	}
	return 0;
}

static bool has_package(const char *status, const char *name, size_t len)
{
	struct stanza s;

	while (status && stanza_next(&status, &s)) {
		const char *value;
		size_t n;

		if (stanza_field(&s, "Package", &value, &n) && n == len && strncmp(value, name, n) == 0)
			return true;
	}
	return false;
}

/* What apt takes for installed: what dpkg knows in the layers below, and what they left out. */
static int write_status(struct build *b, struct sr_error *err)
{
	SR_AUTOFREE char *status = NULL;
	SR_AUTOFREE char *dropped = NULL;
	SR_AUTOFREE char *kept = NULL;
	SR_AUTOFREE char *all = NULL;
	size_t len = 0;
	struct stanza s;
	FILE *f;
	int r = read_below(b, "var/lib/dpkg/status", &status, err);

	if (r == 0)
		r = read_below(b, SR_DROPPED, &dropped, err);
	if (r < 0)
		return r;
	f = open_memstream(&kept, &len);
	if (!f)
		return sr_error_oom(err, STAGE);
	for (const char *at = dropped ? dropped : ""; stanza_next(&at, &s);) {
		const char *name;
		size_t n;

		if (stanza_field(&s, "Package", &name, &n) && !has_package(status, name, n))
			(void)fprintf(f, "%.*s\n", (int)s.len, s.at);
	}
	if (fclose(f) != 0)
		return sr_error_oom(err, STAGE);
	all = str_format("%s%s%s", status ? status : "", *kept ? "\n" : "", kept); /* apt does not take an empty stanza */
	if (!all)
		return sr_error_oom(err, STAGE);
	r = file_write_at(b->work.fd, "dropped", 0600, kept, len, false);
	if (r == 0)
		r = file_write_at(b->work.fd, "status", 0600, all, strlen(all), false);
	return r < 0 ? build_failed(err, -r, "write %s/status", SHOWN(b->dir)) : 0;
}

/* --- its runs ----------------------------------------------------------------------------------------------------------------------- */

/* Runs "TOOL -c CONF WORDS..."; what it prints is in apt.out, what it complains of in apt.err. Its status, or negative. */
static int run_apt(struct build *b, const struct sr_strv *words, const char *folder, void (*tick)(void *), struct sr_error *err)
{
	SR_AUTOCLOSE int out = build_file(b, "apt.out", err);
	SR_AUTOCLOSE int errors = out < 0 ? out : build_file(b, "apt.err", err);
	const struct child_call call = { .words = words, .fds = { -1, out, errors }, .folder = folder, .tick = tick, .arg = b };
	int r;

	if (errors < 0)
		return errors;
	r = child_run(&call, "fetch packages", err);
	if (r == 127) {
		(void)sr_error_set(err, SR_E_ENVIRONMENT, ENOENT, STAGE, "cannot run %s: it is not installed", words->items[0]);
		sr_error_hint(err, "environments are built from Debian's packages with the host's apt; import takes images of other makers");
		return -ENOENT;
	}
	return r;
}

static int apt_words(struct build *b, struct sr_strv *words, const char *tool, struct sr_error *err)
{
	if (strv_add(words, tool) < 0 || strv_add(words, "-c") < 0 || strv_addf(words, "%s/apt.conf", b->dir) < 0)
		return sr_error_oom(err, STAGE);
	return 0;
}

static void plain_tick(void *arg)
{
	build_tick(arg, "%s", "");
}

static int update(struct build *b, struct sr_error *err)
{
	struct sr_strv words = { .count = 0 };
	int r = apt_words(b, &words, "apt-get", err);

	if (r == 0 && (strv_add(&words, "--error-on=any") < 0 || strv_add(&words, "-qq") < 0 || strv_add(&words, "update") < 0))
		r = sr_error_oom(err, STAGE);
	if (r == 0)
		r = run_apt(b, &words, NULL, plain_tick, err);
	strv_done(&words);
	return r <= 0 ? r : apt_explain(b, "bring the lists of packages up to date", err);
}

/* "Inst NAME [OLD] (VERSION ...": adds NAME=VERSION. Anything that would be removed is an error. */
static int take_plan(struct build *b, const char *text, struct sr_strv *wanted, struct sr_error *err)
{
	for (const char *p = text, *next; *p; p = next) {
		const char *stop = strchr(p, '\n'), *version;

		next = stop ? stop + 1 : p + strlen(p);
		if (str_has_prefix(p, "Remv ")) {
			(void)sr_error_set(err, SR_E_ENVIRONMENT, EINVAL, STAGE, "cannot build %s: it would remove %.*s of its base",
					   b->definition->name, (int)strcspn(p + 5, " \n"), p + 5);
			sr_error_hint(err, "take the package out that conflicts with it, or use another base");
			return -EINVAL;
		}
		version = str_has_prefix(p, "Inst ") ? strchr(p, '(') : NULL;
		if (!version || version >= next)
			continue;
		if (strv_addf(wanted, "%.*s=%.*s", (int)strcspn(p + 5, " :"), p + 5, (int)strcspn(version + 1, " )"), version + 1) < 0)
			return sr_error_oom(err, STAGE);
	}
	return 0;
}

static int resolve(struct build *b, struct sr_strv *wanted, struct sr_error *err)
{
	struct sr_strv words = { .count = 0 };
	SR_AUTOFREE char *text = NULL;
	int r = apt_words(b, &words, "apt-get", err);

	if (r == 0 && (strv_add(&words, "-s") < 0 || strv_add(&words, "install") < 0))
		r = sr_error_oom(err, STAGE);
	for (size_t i = 0; r == 0 && i < b->definition->debian.count; i++) {
		if (strv_add(&words, b->definition->debian.items[i]) < 0)
			r = sr_error_oom(err, STAGE);
	}
	if (r == 0)
		r = run_apt(b, &words, NULL, plain_tick, err);
	strv_done(&words);
	if (r > 0)
		r = apt_explain(b, "find the packages", err);
	if (r == 0)
		r = build_read(b, "apt.out", &text, NULL, err);
	return r < 0 || !text ? r : take_plan(b, text, wanted, err);
}

static int describe(struct build *b, const struct sr_strv *wanted, struct sr_error *err)
{
	struct sr_strv words = { .count = 0 };
	SR_AUTOFREE char *text = NULL;
	int r = apt_words(b, &words, "apt-cache", err);

	if (r == 0 && strv_add(&words, "show") < 0)
		r = sr_error_oom(err, STAGE);
	for (size_t i = 0; r == 0 && i < wanted->count; i++)
		r = strv_add(&words, wanted->items[i]) < 0 ? sr_error_oom(err, STAGE) : 0;
	if (r == 0)
		r = run_apt(b, &words, NULL, plain_tick, err);
	strv_done(&words);
	if (r > 0)
		r = apt_explain(b, "read about the packages", err);
	if (r == 0)
		r = build_read(b, "apt.out", &text, NULL, err);
	if (r < 0 || !text)
		return r;
	if (packages_parse(text, &b->packages) < 0 || packages_select(&b->packages, &b->definition->debian, &b->definition->drop_packages) < 0)
		return sr_error_oom(err, STAGE);
	return b->packages.count == wanted->count ? 0 :
						    sr_error_set(err, SR_E_ENVIRONMENT, EINVAL, STAGE,
								 "cannot build %s: apt told of %zu packages out of %zu", b->definition->name,
								 b->packages.count, wanted->count);
}

/* What a later layer's apt takes for installed although it is not. */
static int note_dropped(struct build *b, struct sr_error *err)
{
	SR_AUTOCLOSE int fd = openat(b->work.fd, "dropped", O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "a");
	bool bad;

	if (!f)
		return build_failed(err, errno, "write %s/dropped", SHOWN(b->dir));
	(void)SR_TAKE_FD(fd);
	packages_print_dropped(&b->packages, f);
	bad = ferror(f);
	return fclose(f) != 0 || bad ? build_failed(err, EIO, "write %s/dropped", SHOWN(b->dir)) : 0;
}

int apt_fetch(struct build *b, struct sr_error *err)
{
	struct sr_strv wanted = { .count = 0 };
	int r;

	build_phase(b, "resolving packages");
	r = open_caches(b, err);
	if (r == 0)
		r = write_preferences(b, err);
	if (r == 0)
		r = write_config(b, err);
	if (r == 0)
		r = write_status(b, err);
	if (r == 0)
		r = update(b, err);
	if (r == 0)
		r = resolve(b, &wanted, err);
	if (r == 0 && wanted.count > 0)
		r = describe(b, &wanted, err);
	strv_done(&wanted);
	if (r == 0)
		r = note_dropped(b, err);
	if (r == 0)
		r = apt_download(b, err);
	fd_close(&b->cache_lock);
	return r;
}
