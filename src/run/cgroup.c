/* SPDX-License-Identifier: MIT */
#include "run/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "sys/cgroup.h"

#define PREFIX "sandrun-"
#define SIBLING "supervisor" /* where the processes of a crowded cgroup go */
#define SWEEP_MAX 32    /* taken away by one run */
#define SWEEP_LOOK 1024 /* looked at */
#define CPU_PERIOD_US UINT64_C(100000)

static const struct {
	const char *name;
	unsigned bit;
} controllers[] = {
	{ "memory", SR_CGROUP_MEMORY },
	{ "pids", SR_CGROUP_PIDS },
	{ "cpu", SR_CGROUP_CPU },
	{ "io", SR_CGROUP_IO },
};

const char *cgroup_way_name(enum sr_cgroup_way way)
{
	static const char *const names[] = {
		[SR_CGROUP_NONE] = "none", [SR_CGROUP_DELEGATED] = "delegated", [SR_CGROUP_SCOPE] = "scope"
	};

	return names[way];
}

void cgroup_give_up(struct sr_cgroup *cg, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(cg->why, sizeof(cg->why), fmt, ap);
	va_end(ap);
	scope_abort(cg);
	cg->way = SR_CGROUP_NONE;
	cg->controllers = 0;
	if (cg->dir_fd >= 0) {
		fd_close(&cg->dir_fd);
		(void)unlinkat(cg->parent_fd, cg->name, AT_REMOVEDIR);
	}
	scope_done(cg);
	fd_close(&cg->parent_fd);
}

static unsigned listed(int dir_fd, const char *file)
{
	char buf[512], *word, *rest;
	unsigned found = 0;

	if (cgroup_read(dir_fd, file, buf, sizeof(buf)) < 0)
		return 0;
	for (word = strtok_r(buf, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
		for (size_t i = 0; i < SR_ELEMENTSOF(controllers); i++)
			found |= strcmp(word, controllers[i].name) == 0 ? controllers[i].bit : 0;
	}
	return found;
}

/*
 * Whether a folder was given to this user to manage. systemd marks what it delegates since version 252 or so; before that,
 * who owns it tells: the system manager hands a folder over only with Delegate=. Below a user manager all of them are the
 * user's, and root's are everywhere: there only the mark counts. The user manager's own top was given to the manager.
 */
static bool is_given(int fd, const char *path)
{
	const char *manager = strstr(path, "/user@"), *last = strrchr(path, '/');
	struct stat st;

	if (manager == last && manager && str_has_suffix(last, ".service"))
		return false;
	/* a container's cgroup namespace shows its cgroup as the top; where a systemd of its own runs there, that manages it */
	if (strcmp(path, "/") == 0)
		return !cgroup_is_root(fd) && access("/run/systemd/system", F_OK) < 0;
	if (cgroup_is_delegated(fd))
		return true;
	return geteuid() != 0 && !manager && fstat(fd, &st) == 0 && st.st_uid == geteuid();
}

/* Takes over fd and path on success. */
static bool take_delegated(struct sr_cgroup *cg, int *fd, char **path, bool crowded)
{
	if (!cgroup_is_writable(*fd))
		return false;
	cg->controllers = listed(*fd, "cgroup.controllers");
	if (!(cg->controllers & (SR_CGROUP_MEMORY | SR_CGROUP_PIDS))) {
		(void)snprintf(cg->why, sizeof(cg->why), "sandrun's own cgroup is delegated without controllers");
		return false;
	}
	cg->why[0] = '\0';
	cg->way = SR_CGROUP_DELEGATED;
	cg->crowded = crowded;
	cg->parent_fd = SR_TAKE_FD(*fd);
	cg->path = SR_TAKE_PTR(*path);
	return true;
}

/* Whether sandrun's own cgroup, or the one around it, was given to its user. */
static bool find_delegated(struct sr_cgroup *cg)
{
	SR_AUTOCLOSE int own = -1, above = -1;
	SR_AUTOFREE char *path = NULL;
	char *slash;
	int r = cgroup_open(0, &own, &path);

	if (r < 0) {
		(void)snprintf(cg->why, sizeof(cg->why), r == -ENOENT ? "no cgroup v2 here" :
			       r == -EXDEV ? "sandrun's own cgroup lies outside of what is mounted here" :
					     "cannot open sandrun's own cgroup: %s", strerror(-r));
		return false;
	}
	(void)snprintf(cg->why, sizeof(cg->why), "sandrun's own cgroup is not delegated");
	if (cgroup_is_root(own)) /* root may use the top itself where no systemd manages it; processes there are no hindrance */
		return geteuid() == 0 && access("/run/systemd/system", F_OK) < 0 && take_delegated(cg, &own, &path, false);
	slash = strrchr(path, '/');
	if (slash[1]) { /* the one above first: what is below it already, another run has made there */
		char *parent = slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));

		above = openat(own, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (parent && above >= 0 && !cgroup_is_root(above) && is_given(above, parent) &&
		    take_delegated(cg, &above, &parent, false))
			return true;
		free(parent);
	}
	return is_given(own, path) && take_delegated(cg, &own, &path, true);
}

void cgroup_choose(struct sr_cgroup *cg)
{
	if (find_delegated(cg))
		return;
	if (scope_possible(cg))
		cg->way = SR_CGROUP_SCOPE;
}

void cgroup_describe(const struct sr_cgroup *cg, char *out, size_t size)
{
	char shown[96];
	int n;

	if (cg->way == SR_CGROUP_NONE) {
		(void)snprintf(out, size, "none: %s", cg->why);
		return;
	}
	if (cg->way == SR_CGROUP_SCOPE && cg->dir_fd < 0) {
		(void)snprintf(out, size, "a scope of the systemd %s manager, asked for at the start",
			       geteuid() == 0 ? "system" : "user");
		return;
	}
	n = snprintf(out, size, "%s %s:", cgroup_way_name(cg->way), str_escape(cg->path, shown, sizeof(shown)));
	for (size_t i = 0; i < SR_ELEMENTSOF(controllers) && n > 0 && (size_t)n < size; i++) {
		if (cg->controllers & controllers[i].bit)
			n += snprintf(out + n, size - (size_t)n, " %s", controllers[i].name);
	}
}

/* --- what is not held by it ----------------------------------------------------------------------------------------- */

static bool limited(const struct sr_policy *p, enum sr_limit_id id)
{
	return policy_limit(p, id) != SR_UNLIMITED;
}

bool cgroup_machine_swaps(void)
{
	struct sysinfo info;

	return sysinfo(&info) < 0 || info.totalswap > 0;
}

void cgroup_notes(const struct sr_cgroup *cg, const struct sr_policy *p, struct sr_plan_box *box)
{
	const unsigned has = cg->controllers;
	const bool any = cg->way != SR_CGROUP_NONE;
	const size_t before = box->note_count;

	if (cg->moved)
		plan_note(box, false, "cgroup", "%u processes of the delegated cgroup went to its child " SIBLING, cg->moved);
	if (!(has & SR_CGROUP_MEMORY) && limited(p, SR_LIMIT_memory_bytes))
		plan_note(box, true, "memory.max",
			  "memory limit: no cgroup v2 controller; held by a watchdog over the process tree and by RLIMIT_DATA");
	if (!(has & SR_CGROUP_MEMORY) && limited(p, SR_LIMIT_memory_high_bytes))
		plan_note(box, true, "memory.high", "memory.high: no cgroup v2 controller; not held");
	if (!(has & SR_CGROUP_SWAP) && limited(p, SR_LIMIT_swap_bytes) && cgroup_machine_swaps())
		plan_note(box, true, "memory.swap.max",
			  "swap: this machine swaps and no cgroup v2 controller keeps the run out: its memory may reach a disk");
	if (!(has & SR_CGROUP_PIDS) && limited(p, SR_LIMIT_pids))
		plan_note(box, true, "pids.max", "process limit: no cgroup v2 controller; held by RLIMIT_NPROC");
	if (!(has & SR_CGROUP_CPU) && limited(p, SR_LIMIT_cpu_percent))
		plan_note(box, true, "cpu.max", "cpu.max: no cgroup v2 controller; not held, every processor may be used");
	if (!(has & SR_CGROUP_CPU) && limited(p, SR_LIMIT_cpu_weight))
		plan_note(box, true, "cpu.weight", "cpu.weight: no cgroup v2 controller; not held");
	if (!(has & SR_CGROUP_IO) && limited(p, SR_LIMIT_io_weight))
		plan_note(box, true, "io.weight", "io.weight: no cgroup v2 controller; not held");
	if (!any && limited(p, SR_LIMIT_cpu_ns))
		plan_note(box, true, "cpu.time",
			  "CPU time limit: no cgroup v2; held by a watchdog over the process tree and by RLIMIT_CPU");
	if (!any && limited(p, SR_LIMIT_cpu_window))
		plan_note(box, true, "cpu.window",
			  "cpu.window: no cgroup v2; held by a watchdog over the process tree and by SIGSTOP");
	if (box->note_count > before && cg->why[0])
		plan_note(box, false, "cgroup", "cgroup: %s", cg->why);
}

/* --- making it ------------------------------------------------------------------------------------------------------ */

/* Lets children of the parent have the controllers. What it has not got or refuses is left out of the mask. */
static unsigned hand_out(int parent_fd)
{
	unsigned want = listed(parent_fd, "cgroup.controllers"), have = listed(parent_fd, "cgroup.subtree_control");

	for (size_t i = 0; i < SR_ELEMENTSOF(controllers); i++) {
		char text[16];

		if (!(want & controllers[i].bit) || (have & controllers[i].bit))
			continue;
		(void)snprintf(text, sizeof(text), "+%s", controllers[i].name);
		(void)cgroup_write(parent_fd, "cgroup.subtree_control", text); /* one by one: one refusal is not all; read back: */
	}
	return listed(parent_fd, "cgroup.subtree_control");
}

/* Writes and reads back: what counts is what the kernel took. It rounds bytes down to pages. */
static int set_number(int dir_fd, const char *file, uint64_t value, uint64_t slack)
{
	char text[24];
	uint64_t now;
	int r;

	(void)snprintf(text, sizeof(text), "%" PRIu64, value);
	r = cgroup_write(dir_fd, file, value == SR_UNLIMITED ? "max" : text);
	if (!r)
		r = cgroup_read_number(dir_fd, file, &now);
	if (r < 0)
		return r;
	return now <= value && value - now <= slack ? 0 : -EIO;
}

static int set_memory(int dir_fd, const struct sr_policy *p, unsigned *has)
{
	const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE) - 1;
	int r = set_number(dir_fd, "memory.max", policy_limit(p, SR_LIMIT_memory_bytes), page);

	if (!r && limited(p, SR_LIMIT_memory_high_bytes))
		r = set_number(dir_fd, "memory.high", policy_limit(p, SR_LIMIT_memory_high_bytes), page);
	if (!r) /* one process killed alone would leave a crippled rest: the whole run ends, and by that name */
		r = set_number(dir_fd, "memory.oom.group", 1, 0);
	if (!r && set_number(dir_fd, "memory.swap.max", policy_limit(p, SR_LIMIT_swap_bytes), page) == 0)
		*has |= SR_CGROUP_SWAP; /* else: a kernel without swap accounting; the note tells whether it matters */
	return r;
}

static int set_cpu(int dir_fd, const struct sr_policy *p)
{
	uint64_t percent = policy_limit(p, SR_LIMIT_cpu_percent);
	char text[64], now[64];
	int r = 0;

	if (percent != SR_UNLIMITED) {
		(void)snprintf(text, sizeof(text), "%" PRIu64 " %" PRIu64, percent * CPU_PERIOD_US / 100, CPU_PERIOD_US);
		r = cgroup_write(dir_fd, "cpu.max", text);
		if (!r && (cgroup_read(dir_fd, "cpu.max", now, sizeof(now)) < 0 || strcmp(text, now) != 0))
			r = -EIO;
	}
	if (!r && limited(p, SR_LIMIT_cpu_weight))
		r = set_number(dir_fd, "cpu.weight", policy_limit(p, SR_LIMIT_cpu_weight), 0);
	return r;
}

static int set_io(int dir_fd, const struct sr_policy *p)
{
	char text[32], now[64];
	int r;

	if (!limited(p, SR_LIMIT_io_weight))
		return 0;
	(void)snprintf(text, sizeof(text), "default %" PRIu64, policy_limit(p, SR_LIMIT_io_weight));
	r = cgroup_write(dir_fd, "io.weight", text);
	return r < 0 ? r : cgroup_read(dir_fd, "io.weight", now, sizeof(now)) < 0 || strncmp(text, now, strlen(text)) != 0 ? -EIO : 0;
}

static void set_limits(struct sr_cgroup *cg, const struct sr_policy *p, unsigned handed_out)
{
	const uint64_t pids = policy_limit(p, SR_LIMIT_pids);
	unsigned has = handed_out;

	if (has & SR_CGROUP_MEMORY && set_memory(cg->dir_fd, p, &has) < 0)
		has &= ~(SR_CGROUP_MEMORY | SR_CGROUP_SWAP);
	/* sandrun's own PID 1 is in it too */
	if (has & SR_CGROUP_PIDS && set_number(cg->dir_fd, "pids.max", pids == SR_UNLIMITED ? pids : pids + 1, 0) < 0)
		has &= ~SR_CGROUP_PIDS;
	if (has & SR_CGROUP_CPU && set_cpu(cg->dir_fd, p) < 0)
		has &= ~SR_CGROUP_CPU;
	if (has & SR_CGROUP_IO && set_io(cg->dir_fd, p) < 0)
		has &= ~SR_CGROUP_IO;
	cg->controllers = has;
}

/* Cgroups of runs whose sandrun was killed: nobody holds their lock, nothing is in them. */
static void sweep(const struct sr_cgroup *cg)
{
	int fd = openat(cg->parent_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), seen = 0, gone = 0;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *d;

	if (!dir) {
		fd_close(&fd);
		return;
	}
	while (gone < SWEEP_MAX && seen < SWEEP_LOOK && (d = readdir(dir))) {
		SR_AUTOCLOSE int left = -1;

		if (d->d_type != DT_DIR || !str_has_prefix(d->d_name, PREFIX) || str_has_suffix(d->d_name, ".scope"))
			continue;
		seen++;
		left = openat(cg->parent_fd, d->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (left >= 0 && flock(left, LOCK_EX | LOCK_NB) == 0 && unlinkat(cg->parent_fd, d->d_name, AT_REMOVEDIR) == 0)
			gone++; /* EBUSY: it dies just now */
	}
	(void)closedir(dir);
}

int cgroup_new_name(struct sr_cgroup *cg)
{
	uint64_t random;

	if (getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return -EIO;
	(void)snprintf(cg->name, sizeof(cg->name), PREFIX "%d-%016" PRIx64, (int)getpid(), random);
	return 0;
}

/* A fresh folder, locked. Another run's sweep can take it away before the lock stands: then again. */
static int make_folder(struct sr_cgroup *cg)
{
	for (int tries = 0; tries < 10; tries++) {
		SR_AUTOCLOSE int fd = -1;
		struct stat by_fd, by_name;
		int r = cgroup_new_name(cg);

		if (r < 0)
			return r;
		if (mkdirat(cg->parent_fd, cg->name, 0755) < 0)
			return -errno;
		fd = openat(cg->parent_fd, cg->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
			continue;
		if (fstat(fd, &by_fd) < 0 || fstatat(cg->parent_fd, cg->name, &by_name, AT_SYMLINK_NOFOLLOW) < 0 ||
		    by_fd.st_ino != by_name.st_ino)
			continue;
		cg->dir_fd = SR_TAKE_FD(fd);
		return 0;
	}
	return -EAGAIN;
}

/* No cgroup with processes of its own can hand controllers to children: those of a crowded one go to a child of it. */
static int clear_parent(struct sr_cgroup *cg)
{
	SR_AUTOCLOSE int fd = -1;

	if (mkdirat(cg->parent_fd, SIBLING, 0755) < 0 && errno != EEXIST)
		return -errno;
	fd = openat(cg->parent_fd, SIBLING, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : cgroup_move_all(cg->parent_fd, fd, &cg->moved);
}

void cgroup_make(struct sr_cgroup *cg, const struct sr_policy *p)
{
	unsigned handed_out;
	int r = 0;

	if (cg->way != SR_CGROUP_DELEGATED)
		return;
	if (cg->crowded)
		r = clear_parent(cg);
	if (r < 0) {
		cgroup_give_up(cg, "cannot move the processes of the delegated cgroup into one of their own: %s", strerror(-r));
		return;
	}
	sweep(cg);
	handed_out = hand_out(cg->parent_fd);
	r = make_folder(cg);
	if (r < 0)
		cgroup_give_up(cg, "cannot make a cgroup in the delegated one: %s", strerror(-r));
	else
		set_limits(cg, p, handed_out);
	if (r == 0 && (cg->controllers & (SR_CGROUP_MEMORY | SR_CGROUP_PIDS)) != (SR_CGROUP_MEMORY | SR_CGROUP_PIDS))
		(void)snprintf(cg->why, sizeof(cg->why), "the delegated cgroup hands not every controller out: processes may be in it");
}

int cgroup_place(struct sr_cgroup *cg, const struct sr_policy *p, pid_t init)
{
	int r;

	if (cg->way == SR_CGROUP_SCOPE) {
		r = scope_ask(cg, init);
		if (r < 0)
			return r == -EINTR || r == -ETIMEDOUT ? r : 0;
		r = make_folder(cg);
		if (r < 0) {
			cgroup_give_up(cg, "cannot make a cgroup in the scope: %s", strerror(-r));
			return 0;
		}
	}
	if (cg->way == SR_CGROUP_NONE)
		return 0;
	r = cgroup_move(cg->dir_fd, init);
	if (r < 0)
		cgroup_give_up(cg, "cannot move the sandbox into its cgroup: %s", strerror(-r));
	else if (cg->way == SR_CGROUP_SCOPE) /* only now is the scope itself empty and can hand out */
		set_limits(cg, p, hand_out(cg->parent_fd));
	return 0;
}

/* --- using it ------------------------------------------------------------------------------------------------------- */

static uint64_t key(const struct sr_cgroup *cg, const char *file, const char *name, uint64_t otherwise)
{
	uint64_t v;

	return cgroup_read_key(cg->dir_fd, file, name, &v) < 0 ? otherwise : v;
}

static uint64_t number(const struct sr_cgroup *cg, const char *file)
{
	uint64_t v;

	return cgroup_read_number(cg->dir_fd, file, &v) < 0 ? SR_UNLIMITED : v;
}

void cgroup_started(struct sr_cgroup *cg)
{
	if (cg->dir_fd < 0)
		return;
	cg->user0_us = key(cg, "cpu.stat", "user_usec", 0);
	cg->system0_us = key(cg, "cpu.stat", "system_usec", 0);
}

uint64_t cgroup_cpu_ns(struct sr_cgroup *cg)
{
	uint64_t used = key(cg, "cpu.stat", "usage_usec", 0), before = cg->user0_us + cg->system0_us;

	if (used > before && (used - before) * 1000 > cg->cpu_ns) /* out of descriptors: no time has gone back */
		cg->cpu_ns = (used - before) * 1000;
	return cg->cpu_ns;
}

int cgroup_freeze(const struct sr_cgroup *cg, bool frozen)
{
	return cgroup_write(cg->dir_fd, "cgroup.freeze", frozen ? "1" : "0");
}

void cgroup_usage(const struct sr_cgroup *cg, struct sr_cgroup_usage *ret)
{
	uint64_t user = key(cg, "cpu.stat", "user_usec", SR_UNLIMITED), system = key(cg, "cpu.stat", "system_usec", SR_UNLIMITED);
	uint64_t groups = key(cg, "memory.events", "oom_group_kill", 0), single = key(cg, "memory.events", "oom_kill", 0);

	*ret = (struct sr_cgroup_usage){
		.user_us = user == SR_UNLIMITED ? user : user - (user < cg->user0_us ? user : cg->user0_us),
		.system_us = system == SR_UNLIMITED ? system : system - (system < cg->system0_us ? system : cg->system0_us),
		.memory_peak_bytes = number(cg, "memory.peak"),
		.pids_peak = number(cg, "pids.peak"),
		.oom_kills = single > groups ? single : groups,
		.own_ooms = key(cg, "memory.events", "oom", 0),
		.forks_refused = key(cg, "pids.events", "max", 0),
		.throttled_us = key(cg, "cpu.stat", "throttled_usec", 0),
	};
	if (ret->pids_peak != SR_UNLIMITED && ret->pids_peak > 0)
		ret->pids_peak--; /* PID 1 is ours */
}

void cgroup_done(struct sr_cgroup *cg)
{
	const struct timespec pause = { .tv_nsec = 2000000 };

	scope_abort(cg);
	if (cg->way != SR_CGROUP_NONE && cg->dir_fd >= 0) { /* a zeroed one has no way */
		(void)cgroup_write(cg->dir_fd, "cgroup.kill", "1"); /* empty after a run that ended well; before 5.14: init's death did it */
		fd_close(&cg->dir_fd);
		for (int i = 0; i < 100 && unlinkat(cg->parent_fd, cg->name, AT_REMOVEDIR) < 0 && errno == EBUSY; i++)
			(void)nanosleep(&pause, NULL);
	}
	scope_done(cg);
	if (cg->path) /* one that was never opened holds no descriptor: 0 is not one */
		fd_close(&cg->parent_fd);
	free(SR_TAKE_PTR(cg->path));
	free(SR_TAKE_PTR(cg->program));
	cg->way = SR_CGROUP_NONE;
}
