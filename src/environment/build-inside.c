/* SPDX-License-Identifier: MIT */
/*
 * What runs inside: dpkg and the scripts of the packages, in a sandbox whose root is the layer that is being made, without a
 * network. They are as hostile as anything else that sandrun runs.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/io.h"
#include "base/xdg.h"
#include "environment/build-apt.h"
#include "environment/common.h"
#include "image/tree.h"

#define LOG "build.log"

/* --- a run ------------------------------------------------------------------------------------------------------------------------ */

static int base_words(struct build *b, struct sr_strv *words)
{
	static const char *const options[] = {
		"--no-config",     "--no-manifest",  "--no-certificate", "-q",          "-p",
		"build",           "--memory",       "unlimited",        "--file-size", "16G",
		"--output-limit",  "unlimited",      "--timeout",        "2h",          "--cpu-time",
		"unlimited",       "--pids",         "1024",             "--setenv",    "DEBIAN_FRONTEND=noninteractive",
		"--setenv",        "DEBCONF_NONINTERACTIVE_SEEN=true",   "--setenv",    "DEBCONF_NOWARNINGS=yes",
		"--setenv",        "LC_ALL=C.UTF-8", "--setenv",         "PYTHONHASHSEED=0",
		"--setenv",        "PYTHONDONTWRITEBYTECODE=1",          "--setenv",    "SOURCE_DATE_EPOCH=315532800",
		"--setenv",        "HOME=/root",     "--setenv",         "PERL_HASH_SEED=0",
	};
	int r = strv_addf(words, "--build-layer=%s/layer", b->dir);

	if (r == 0)
		r = strv_addf(words, "--environment=%s", b->stack);
	if (r == 0 && b->debs_dir)
		r = strv_addf(words, "--bind=%s:/debs", b->debs_dir);
	for (size_t i = 0; r == 0 && i < SR_ELEMENTSOF(options); i++)
		r = strv_add(words, options[i]);
	return r;
}

/* The line of the log that tells most, cut for a terminal. */
static void find_reason(const char *text, char out[static 256])
{
	static const char *const marks[] = { "No space left on device", "File too large", "dpkg: error processing", "sandrun: ", "dpkg: error", "Error" };
	const char *line = NULL;

	for (size_t i = 0; i < SR_ELEMENTSOF(marks) && !line; i++)
		line = strstr(text, marks[i]);
	if (!line) { /* the last one */
		for (const char *p = text; *p; p += strcspn(p, "\n"), p += *p == '\n') {
			if (*p != '\n')
				line = p;
		}
	}
	while (line && line > text && line[-1] != '\n')
		line--;
	(void)str_escape_n(line ? line : "", line ? strcspn(line, "\n") : 0, out, 256);
}

/* Copies the log to where it outlives the work folder. Its path, or NULL. */
static char *keep_log(struct build *b, const char *text, size_t len)
{
	SR_AUTOCLOSE int fd = -1;
	SR_AUTOFREE char *dir = NULL;
	SR_AUTOFREE char *name = str_format("%s.log", b->definition->name);

	if (!name || xdg_open(SR_XDG_STATE, "builds", &fd, &dir) < 0 || file_write_at(fd, name, 0600, text, len, false) < 0)
		return NULL;
	return str_format("%s/%s", dir, name);
}

static int explain(struct build *b, const char *what, int status, struct sr_error *err)
{
	SR_AUTOFREE char *text = NULL;
	SR_AUTOFREE char *path = NULL;
	char reason[256];
	size_t len = 0;
	int r = build_read(b, LOG, &text, &len, err);

	if (r < 0)
		return r;
	find_reason(text, reason);
	path = keep_log(b, text, len);
	(void)sr_error_set(err, SR_E_ENVIRONMENT, EIO, STAGE, "cannot %s for %s: status %d%s%s", what, b->definition->name, status,
			   *reason ? ": " : "", reason);
	if ((strstr(reason, "No space left") || strstr(reason, "MB left")) && path)
		sr_error_hint(err, "the disk is full: free some, or sandrun environment prune; the log is %s", SHOWN(path));
	else if (path)
		sr_error_hint(err, "the log is %s", SHOWN(path));
	return -EIO;
}

struct counter {
	struct build *b;
	int fd;
	off_t at;
	size_t seen, total;
	const char *mark;
};

/* Counts the lines of the log that name one more package. */
static void count_lines(void *arg)
{
	struct counter *c = arg;
	char text[8192];
	ssize_t n = pread(c->fd, text, sizeof(text) - 1, c->at);
	char *end;

	if (n > 0) {
		text[n] = '\0';
		end = strrchr(text, '\n');
		if (end) {
			*end = '\0';
			c->at += end - text + 1;
			for (char *p = text; (p = strstr(p, c->mark)); p++)
				c->seen += p == text || p[-1] == '\n';
		}
	}
	if (c->total)
		build_tick(c->b, "%zu of %zu packages", c->seen < c->total ? c->seen : c->total, c->total);
	else
		build_tick(c->b, "%s", "");
}

/* Runs a shell's script inside with these words behind it, its output appended to the log. 0 or negative with the error set. */
static int run_inside(struct build *b, const char *what, const char *mark, int input, const char *script, const struct sr_strv *args,
		      struct sr_error *err)
{
	SR_AUTOCLOSE int log = openat(b->work.fd, LOG, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	struct sr_strv words = { .count = 0 };
	struct counter counter = { .b = b, .fd = log, .mark = mark ? mark : "\n", .at = log < 0 ? 0 : lseek(log, 0, SEEK_END) };
	const struct child_call call = { .inside = true, .words = &words, .fds = { input, log, log }, .tick = count_lines, .arg = &counter };
	int r = log < 0 ? build_failed(err, errno, "write %s/" LOG, SHOWN(b->dir)) : 0;

	for (size_t i = 0; mark && i < b->packages.count; i++)
		counter.total += b->packages.items[i].kept;
	if (r == 0 && (base_words(b, &words) < 0 || strv_add(&words, "--") < 0 || strv_add(&words, "/bin/sh") < 0 ||
		       strv_add(&words, "-c") < 0 || strv_add(&words, script) < 0 || strv_add(&words, "sh") < 0))
		r = sr_error_oom(err, STAGE);
	for (size_t i = 0; r == 0 && args && i < args->count; i++)
		r = strv_add(&words, args->items[i]) < 0 ? sr_error_oom(err, STAGE) : 0;
	if (r == 0)
		r = child_run(&call, what, err);
	strv_done(&words);
	return r <= 0 ? r : explain(b, what, r, err);
}

/* --- dpkg ------------------------------------------------------------------------------------------------------------------------- */

#define DPKG "umask 022; exec dpkg --force-unsafe-io --force-depends --force-confnew --force-overwrite-dir "

static int unpack(struct build *b, struct sr_error *err)
{
	struct sr_strv words = { .count = 0 };
	int r = 0;

	for (size_t i = 0; r == 0 && i < slim_exclude_count; i++)
		r = strv_addf(&words, "--path-%sclude=/%s", slim_excludes[i].include ? "in" : "ex", slim_excludes[i].pattern);
	if (r == 0)
		r = strv_add(&words, "--unpack");
	for (size_t i = 0; r == 0 && i < b->packages.count; i++) {
		SR_AUTOFREE char *file = package_file(&b->packages.items[i]);

		if (b->packages.items[i].kept)
			r = file ? strv_addf(&words, "/debs/%s", file) : -ENOMEM;
	}
	build_phase(b, "unpacking");
	if (r < 0)
		(void)sr_error_oom(err, STAGE);
	else
		r = run_inside(b, "unpack the packages", "Unpacking ", -1, DPKG "\"$@\"", &words, err);
	strv_done(&words);
	if (r == 0)
		build_phase_done(b, "unpacked");
	return r;
}

/* Programs that are something else while the packages are configured: services do not start, and Python is compiled later. */
static const struct stand_in {
	const char *path, *text;
	bool always; /* also where no layer has it */
} stand_ins[] = {
	{ "usr/sbin/policy-rc.d", "#!/bin/sh\nexit 101\n", true },
	{ "usr/bin/py3compile", "#!/bin/sh\nexit 0\n", false },
};

static bool layer_has(int layers_fd, const char *hex, const char *path)
{
	SR_AUTOFREE char *full = str_format("%s/tree/%s", hex, path);
	struct stat st;

	return full && fstatat(layers_fd, full, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static bool is_below(const struct build *b, const char *path)
{
	for (size_t i = 0; i < b->below.count; i++) {
		if (layer_has(b->store->layers_fd, b->below.items[i], path))
			return true;
	}
	return false;
}

/* The folders on the way that this layer does not have yet. */
static int make_folders(int tree_fd, const char *path)
{
	for (const char *p = path; (p = strchr(p, '/')); p++) {
		SR_AUTOFREE char *part = strndup(path, (size_t)(p - path));

		if (!part)
			return -ENOMEM;
		if (mkdirat(tree_fd, part, 0755) == 0 ? fchmodat(tree_fd, part, 0755, 0) < 0 : errno != EEXIST)
			return -errno;
	}
	return 0;
}

/* Nothing runs in the layer now, and its folders are dpkg's; links are not followed at the last name. */
static int put_stand_in(struct build *b, int tree_fd, const struct stand_in *s)
{
	SR_AUTOFREE char *kept = str_format("%s.kept", s->path);
	SR_AUTOCLOSE int fd = -1;
	int r;

	if (!kept)
		return -ENOMEM;
	if (renameat(tree_fd, s->path, tree_fd, kept) < 0) {
		if (errno != ENOENT)
			return -errno;
		if (!s->always && !is_below(b, s->path))
			return 0;
		r = make_folders(tree_fd, s->path);
		if (r < 0)
			return r;
	}
	fd = openat(tree_fd, s->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	if (fd < 0 || fchmod(fd, 0755) < 0)
		return -errno;
	return io_write_full(fd, s->text, strlen(s->text));
}

static int take_stand_in(int tree_fd, const struct stand_in *s)
{
	SR_AUTOFREE char *kept = str_format("%s.kept", s->path);

	if (!kept)
		return -ENOMEM;
	if (unlinkat(tree_fd, s->path, 0) < 0 && errno != ENOENT)
		return -errno;
	return renameat(tree_fd, kept, tree_fd, s->path) < 0 && errno != ENOENT ? -errno : 0;
}

static int stand_in_all(struct build *b, bool put, struct sr_error *err)
{
	SR_AUTOCLOSE int tree_fd = openat(b->work.fd, "layer/tree", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	int r = tree_fd < 0 ? -errno : 0;

	for (size_t i = 0; r == 0 && i < SR_ELEMENTSOF(stand_ins); i++)
		r = put ? put_stand_in(b, tree_fd, &stand_ins[i]) : take_stand_in(tree_fd, &stand_ins[i]);
	return r < 0 ? build_failed(err, -r, "prepare the layer of %s", b->definition->name) : 0;
}

/* What was left out is written down for later builds on this one. */
static int write_dropped(struct build *b, struct sr_error *err)
{
	SR_AUTOCLOSE int tree_fd = openat(b->work.fd, "layer/tree", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	SR_AUTOCLOSE int fd = -1;
	SR_AUTOFREE char *text = NULL;
	size_t len = 0;
	int r = build_read(b, "dropped", &text, &len, err);

	if (r < 0)
		return r;
	r = tree_fd < 0 ? -errno : make_folders(tree_fd, SR_DROPPED);
	if (r == 0) {
		fd = openat(tree_fd, SR_DROPPED, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
		r = fd < 0 || fchmod(fd, 0644) < 0 ? -errno : io_write_full(fd, text, len);
	}
	return r < 0 ? build_failed(err, -r, "write " SR_DROPPED) : 0;
}

int inside_install(struct build *b, struct sr_error *err)
{
	int r = unpack(b, err);

	if (r == 0)
		r = stand_in_all(b, true, err);
	build_phase(b, "configuring");
	if (r == 0)
		r = run_inside(b, "configure the packages", "Setting up ", -1, DPKG "--configure -a", NULL, err);
	if (r == 0)
		r = stand_in_all(b, false, err);
	if (r == 0)
		r = write_dropped(b, err);
	if (r == 0)
		build_phase_done(b, "configured");
	return r;
}

int inside_script(struct build *b, struct sr_error *err)
{
	struct sr_strv args = { .count = 0 };
	int r = strv_add(&args, b->definition->finish) < 0 ? sr_error_oom(err, STAGE) : 0;

	build_phase(b, "running [finish]");
	if (r == 0)
		r = run_inside(b, "run [finish]", NULL, -1, "umask 022; exec /bin/sh -e -c \"$1\"", &args, err);
	strv_done(&args);
	return r;
}

/* --- afterwards -------------------------------------------------------------------------------------------------------------------- */

/* Each file by itself: what a compiled file holds must not depend on those compiled before it. */
static const char compile[] =
	"import importlib.util, os, py_compile, sys\n"
	"mode = py_compile.PycInvalidationMode.UNCHECKED_HASH\n"
	"files = sys.stdin.buffer.read().split(b'\\0')[:-1]\n"
	"workers = []\n"
	"for n in range(4):\n"
	"    pid = os.fork()\n"
	"    if pid:\n"
	"        workers.append(pid)\n"
	"        continue\n"
	"    for f in files[n::4]:\n"
	"        try:\n"
	"            py_compile.compile(os.fsdecode(f), doraise=True, invalidation_mode=mode)\n"
	"        except py_compile.PyCompileError:\n"
	"            pass\n"
	"    os._exit(0)\n"
	"sys.exit(max(os.waitpid(p, 0)[1] for p in workers) != 0)\n";

static bool is_python_folder(const char *path)
{
	return str_has_prefix(path, "usr/lib/python3") || str_has_prefix(path, "usr/local/lib/python3");
}

/* Writes "/PATH\0" of each Python file below dir_fd. */
static int list_python(int dir_fd, const char *path, int out)
{
	struct sr_tree_list l;
	int r = tree_list(dir_fd, &l);

	for (size_t i = 0; r == 0 && i < l.count; i++) {
		SR_AUTOFREE char *full = str_format("%s%s%s", path, *path ? "/" : "", l.items[i].name);
		SR_AUTOCLOSE int fd = -1;

		if (!full)
			r = -ENOMEM;
		else if (S_ISREG(l.items[i].st.st_mode) && str_has_suffix(full, ".py") && is_python_folder(full)) {
			r = io_write_full(out, "/", 1);
			if (r == 0)
				r = io_write_full(out, full, strlen(full) + 1);
		} else if (S_ISDIR(l.items[i].st.st_mode) &&
			   (is_python_folder(full) || strcmp(full, "usr") == 0 || strcmp(full, "usr/lib") == 0 ||
			    strcmp(full, "usr/local") == 0 || strcmp(full, "usr/local/lib") == 0)) {
			fd = tree_open_folder(dir_fd, l.items[i].name);
			r = fd < 0 ? fd : list_python(fd, full, out);
		}
	}
	tree_list_done(&l);
	return r;
}

static int compile_python(struct build *b, int tree_fd, struct sr_error *err)
{
	SR_AUTOCLOSE int list = build_file(b, "python.list", err);
	struct sr_strv args = { .count = 0 };
	int r;

	if (list < 0)
		return list;
	r = list_python(tree_fd, "", list);
	if (r < 0)
		return build_failed(err, -r, "look for Python's files");
	if (lseek(list, 0, SEEK_END) == 0)
		return 0;
	if (lseek(list, 0, SEEK_SET) < 0)
		return build_failed(err, errno, "read the list of Python's files");
	build_phase(b, "compiling Python");
	r = strv_add(&args, compile) < 0 ? sr_error_oom(err, STAGE) :
					   run_inside(b, "compile Python's files", NULL, list, "umask 022; exec /usr/bin/python3 -I -c \"$1\"", &args, err);
	strv_done(&args);
	if (r == 0)
		build_phase_done(b, "compiled Python's files");
	return r;
}

int inside_finish(struct build *b, struct sr_error *err)
{
	SR_AUTOCLOSE int tree_fd = openat(b->work.fd, "layer/tree", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	struct stat st;
	int r = 0;

	if (tree_fd < 0)
		return build_failed(err, errno, "open the layer of %s", b->definition->name);
	if (is_below(b, "usr/bin/python3") || fstatat(tree_fd, "usr/bin/python3", &st, AT_SYMLINK_NOFOLLOW) == 0)
		r = compile_python(b, tree_fd, err);
	if (r == 0 && (is_below(b, "usr/sbin/ldconfig") || fstatat(tree_fd, "usr/sbin/ldconfig", &st, AT_SYMLINK_NOFOLLOW) == 0))
		r = run_inside(b, "make the loader's cache", NULL, -1, "umask 022; exec /usr/sbin/ldconfig", NULL, err);
	return r;
}
