/* SPDX-License-Identifier: MIT */
/*
 * Why a file or a socket was refused, and which option would let it in. The tracer saw the kernel's answer; which layer gave
 * it is told from the plan (what is mounted where, what Landlock allows) and from what lies outside under that name. Where
 * two layers give the same answer and neither can be ruled out, the layer is "unknown".
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "cli/learn.h"
#include "policy/syscalls.h"
#include "run/project.h"
#include "sys/kernel.h"

#define TOO_MUCH "its folder is or contains your home folder or one of sandrun's own"
#define WRITE_ELSEWHERE "only /work and /tmp can be written; bring files out with -o"

static void SR_PRINTF(4, 5) judge(struct learn_advice *a, const char *layer, const char *by, const char *fmt, ...)
{
	va_list ap;

	a->layer = layer;
	a->by = by;
	va_start(ap, fmt);
	(void)vsnprintf(a->why, sizeof(a->why), fmt, ap);
	va_end(ap);
}

static void offer(struct learn_advice *a, const char *option, const char *value)
{
	if (snprintf(a->value, sizeof(a->value), "%s", value) < (int)sizeof(a->value))
		(void)snprintf(a->option, sizeof(a->option), "%s", option);
}

static bool below(const char *path, const char *folder)
{
	size_t n = strlen(folder);

	return strncmp(path, folder, n) == 0 && (path[n] == '/' || path[n] == '\0');
}

/*
 * The name without "//", "." and what ".." takes back: layers are told by what a name starts with. NULL out of memory. A
 * relative one that leads out of its folder keeps its "..".
 */
static char *tidied(const char *name)
{
	bool absolute = *name == '/';
	char *out = malloc(strlen(name) + 2), *end = out, *floor;

	if (!out)
		return NULL;
	if (absolute)
		*end++ = '/';
	floor = end;
	while (*name) {
		size_t n = strcspn(name, "/");

		if (n == 2 && memcmp(name, "..", n) == 0 && (absolute || end > floor)) {
			while (end > floor && *--end != '/')
				;
		} else if (n > 0 && !(n == 1 && *name == '.')) {
			if (end > floor)
				*end++ = '/';
			memcpy(end, name, n);
			end += n;
			if (n == 2 && memcmp(name, "..", n) == 0) { /* out of an unknown folder: nothing takes that back */
				*end++ = '/';
				floor = end;
			}
		}
		name += n + strspn(name + n, "/");
	}
	*end = '\0';
	return out;
}

static bool of_kernel(const char *path, const char **ret)
{
	static const char *const kernels[] = { "/proc", "/dev", "/sys", "/run" };

	for (size_t i = 0; i < SR_ELEMENTSOF(kernels); i++) {
		if (below(path, kernels[i])) {
			*ret = kernels[i];
			return true;
		}
	}
	return false;
}

/* May it be a secret by its own name, or by that of a folder above it? What cannot be told may be one. */
static bool is_secret(const struct cli_run *c, const char *path)
{
	SR_AUTOFREE char *upto = strdup(*path == '/' ? path + 1 : path);

	for (char *p = upto; p && *p; p++) {
		bool hidden;

		if (p[1] != '/' && p[1] != '\0')
			continue;
		if (p[1] == '\0')
			return project_is_hidden(upto, &c->policy.hide);
		p[1] = '\0';
		hidden = project_is_hidden(upto, &c->policy.hide);
		p[1] = '/';
		if (hidden)
			return true;
	}
	return !upto;
}

/* A folder that -C refuses is too much for --bind as well: whole homes, sandrun's own. False for a file. */
static bool is_too_much(const char *path)
{
	SR_AUTOCLOSE int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct sr_error err = SR_ERROR_INIT;

	return fd >= 0 && project_check(fd, path, &err) < 0;
}

/* The folder that stands for /work outside: the project's, else the script's, else where sandrun was called. */
static char *work_outside(const struct cli_run *c)
{
	const char *script = c->exec.script_path, *slash = script ? strrchr(script, '/') : NULL;

	if (c->policy.project_dir)
		return str_format("%s", c->policy.project_dir);
	return slash ? str_format("%.*s", slash == script ? 1 : (int)(slash - script), script) : str_format(".");
}

/* What the name, tidied, would mean outside; NULL where that cannot be told. */
static char *outside(const struct cli_run *c, const char *name)
{
	SR_AUTOFREE char *folder = NULL;

	if (str_has_prefix(name, "../"))
		return NULL;
	if (name[0] == '/' && !below(name, SR_WORK))
		return str_format("%s", name);
	folder = work_outside(c);
	name = name[0] == '/' ? name + strlen(SR_WORK) : name;
	while (*name == '/')
		name++;
	return folder && strcmp(folder, ".") == 0 ? str_format("%s", *name ? name : ".") :
						    str_format("%s/%s", folder ? folder : ".", name);
}

static bool look(const char *path, struct stat *st)
{
	return fstatat(AT_FDCWD, path, st, AT_NO_AUTOMOUNT) == 0;
}

static bool parent_exists(const char *path)
{
	const char *slash = strrchr(path, '/');
	SR_AUTOFREE char *parent = slash && slash != path ? str_format("%.*s", (int)(slash - path), path) : NULL;
	struct stat st;

	return parent && look(parent, &st);
}

/* It lies in the folder that /work stands for. */
static void offer_work(const struct cli_run *c, const char *rest, const char *path, const struct stat *st, struct learn_advice *a)
{
	SR_AUTOFREE char *folder = work_outside(c);

	if (c->policy.project_dir) {
		judge(a, "missing", "it was left out of the project's copy",
		      c->policy.only.count && !is_secret(c, rest) ? "`inputs` of its sandrun.ini does not name it"
											: "it may hold a secret");
		offer(a, "--show", rest);
	} else if (S_ISREG(st->st_mode) && !strchr(rest, '/')) {
		judge(a, "missing", "it is not in the sandbox", "%s", is_secret(c, path) ? "it may hold a secret" : "");
		offer(a, "-i", path);
	} else if (is_too_much(folder ? folder : ".")) {
		judge(a, "missing", "it is not in the sandbox", TOO_MUCH "; move the program into a folder of its own for -C");
	} else if (is_secret(c, rest)) {
		judge(a, "missing", "it is not in the sandbox", "it may hold a secret, which -C leaves out; --show names what it is to take");
	} else {
		judge(a, "missing", "it is not in the sandbox", "%s", "");
		offer(a, "-C", folder ? folder : ".");
	}
}

static void offer_bind(const struct cli_run *c, const char *path, struct learn_advice *a)
{
	const char *kernels;

	judge(a, "missing", "it is not in the sandbox", "%s", "");
	if (of_kernel(path, &kernels)) {
		judge(a, "missing", "it is not in the sandbox", "nothing of the host's %s is shown", kernels);
		return;
	}
	if (!c->box.plan.tree && (below(path, "/etc") || below(path, "/var/tmp"))) {
		judge(a, "missing", "it is not in the sandbox", "the environment 'host' shows a fixed part of /etc; -E names another root");
		return;
	}
	if (access(path, R_OK) < 0) {
		judge(a, "missing", "it is not in the sandbox", "nor may you read it yourself");
		return;
	}
	if (is_too_much(path)) {
		judge(a, "missing", "it is not in the sandbox", TOO_MUCH "; name the file that it needs");
		return;
	}
	if (is_secret(c, path))
		judge(a, "missing", "it is not in the sandbox", "it may hold a secret");
	offer(a, "--bind", path);
}

static bool missing(const struct cli_run *c, const struct sr_traced *item, struct learn_advice *a)
{
	SR_AUTOFREE char *path = outside(c, item->name);
	bool work = item->name[0] != '/' || below(item->name, SR_WORK);
	const char *rest = !work || item->name[0] != '/' ? item->name : item->name + strlen(SR_WORK);
	struct stat st;

	rest += *rest == '/';

	if (!path)
		return false;
	if (!look(path, &st)) {
		if (!item->writes || work || !parent_exists(path))
			return false;
		judge(a, "missing", "its folder is not in the sandbox", WRITE_ELSEWHERE);
		return true;
	}
	if (work && !*rest)
		return false;
	if (str_has_prefix(path, "/proc/") && path[6] >= '0' && path[6] <= '9')
		return false; /* a process inside that has ended or is not shown; outside, that number is another's */
	if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
		judge(a, "missing", "it is not in the sandbox", "sockets, FIFOs and devices of the host stay outside");
	else if (work)
		offer_work(c, rest, path, &st, a);
	else
		offer_bind(c, path, a);
	return true;
}

/* Do Landlock's rules allow it? They add up along the path. */
static bool landlock_allows(const struct sr_plan *p, const struct sr_traced *item)
{
	const uint64_t need = item->writes ? SYS_LANDLOCK_WRITE_FILE | SYS_LANDLOCK_MAKE_REG : SYS_LANDLOCK_READ_FILE;
	uint64_t have = 0;

	if (p->landlock_abi < 1)
		return true;
	for (size_t i = 0; i < p->rule_count; i++) {
		if (strcmp(p->rules[i].path, "/") == 0 || below(item->name, p->rules[i].path))
			have |= p->rules[i].access;
	}
	return (have & need) == need;
}

/* EACCES: the file's permissions are asked first, then Landlock; both give the same answer. */
static void denied(const struct cli_run *c, const struct sr_traced *item, struct learn_advice *a)
{
	SR_AUTOFREE char *path = outside(c, item->name);
	const char *kernels;
	bool landlock = !landlock_allows(&c->box.plan, item), known = !c->box.plan.tree && path && !of_kernel(path, &kernels);
	int mode = item->writes ? W_OK : R_OK;
	struct stat st;

	if (known && look(path, &st) && access(path, mode) < 0 && errno == EACCES)
		judge(a, "permissions", "the file's own permissions", "they are the same outside");
	else if (landlock && known)
		judge(a, "landlock", "Landlock", WRITE_ELSEWHERE);
	else if (landlock)
		judge(a, "unknown", "Landlock or the file's permissions: which cannot be told", WRITE_ELSEWHERE);
	else
		judge(a, "unknown", "the file's permissions inside", "what sandrun puts in is read-only");
}

static bool advise_path(const struct cli_run *c, const struct sr_traced *item, struct learn_advice *a)
{
	switch (item->errnum) {
	case ENOENT:
		return missing(c, item, a);
	case EROFS:
		judge(a, "read-only", "a read-only mount", WRITE_ELSEWHERE);
		return true;
	case EACCES:
		if (item->call == SR_SYSCALL_execve || item->call == SR_SYSCALL_execveat)
			judge(a, "permissions", "no permission to execute it", "%s", "");
		else
			denied(c, item, a);
		return true;
	case EXDEV:
		judge(a, "unknown", "it goes from one mount to another, or Landlock: which cannot be told", "copy instead");
		return true;
	default:
		judge(a, "unknown", "the kernel: the program has no capabilities and one user id", "%s", "");
		return true;
	}
}

static bool advise_inet(const struct sr_traced *item, struct learn_advice *a)
{
	bool loopback = str_has_prefix(item->name, "127.") || str_has_prefix(item->name, "[::1]");

	if (item->errnum == EACCES || item->errnum == EPERM)
		judge(a, "unknown", "the kernel: the program has no capabilities", "ports below 1024 need one");
	else if (loopback)
		judge(a, "network", "the sandbox's own network", "nothing listens there: its loopback is not the host's");
	else
		judge(a, "network", "the sandbox's own network", "no profile can allow it: there is no network but a loopback");
	return true;
}

static bool advise_socket(const struct sr_traced *item, struct learn_advice *a)
{
	struct stat st;

	if (item->name[0] == '@') {
		judge(a, "network", "the sandbox's own network", "sockets without a file are the network's: the host's are not there");
		return true;
	}
	if (item->errnum == ENOENT && !look(item->name, &st))
		return false;
	if (item->errnum == ENOENT)
		judge(a, "missing", "it is not in the sandbox", "sockets of the host stay outside");
	else if (item->errnum == EROFS)
		judge(a, "read-only", "a read-only mount", WRITE_ELSEWHERE);
	else
		judge(a, "unknown", "the socket's permissions, Landlock, or nobody listens: which cannot be told", "%s", "");
	return true;
}

bool learn_advise_traced(const struct cli_run *c, const struct sr_traced *item, struct learn_advice *ret)
{
	struct sr_traced plain = *item;
	SR_AUTOFREE char *name = NULL;

	*ret = (struct learn_advice){ .layer = "unknown" };
	if (item->kind == SR_TRACED_INET)
		return advise_inet(item, ret);
	if (item->name[0] != '@' || item->kind == SR_TRACED_PATH) {
		plain.name = name = tidied(item->name);
		if (!name)
			return false;
	}
	return item->kind == SR_TRACED_SOCKET ? advise_socket(&plain, ret) : advise_path(c, &plain, ret);
}
