/* SPDX-License-Identifier: MIT */
#include "policy/profile-lint.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy/limit.h"
#include "policy/profile-origin.h"

#define STAGE "profile"

/* Below these the interpreters of today do not start: python with the least memory, node with the fewest descriptors. */
#define LEAST_MEMORY (8ULL << 20)
#define LEAST_NOFILE 20
#define LEAST_STACK (128ULL << 10)
#define LEAST_WALL_NS (50ULL * 1000000ULL)

struct lint {
	const struct profile_chain *chain;
	const struct profile_link *file; /* the one that is checked */
	struct sr_policy policy;
	struct profile_names allow, deny;
	bool allowed[SR_SYSCALL_MAX]; /* by some allow, before denies */
	bool has_problems;            /* of the reader's */
	unsigned int processors;
	struct sr_findings found;
	bool out_of_memory;
};

static void add(struct lint *l, const struct profile_link *file, unsigned int line, bool error, char *text, char *mend)
{
	SR_AUTOFREE char *own_text = text, *own_mend = mend, *own_file = NULL;
	const char *label = profile_link_label(file);
	size_t size = strlen(label) * 4 + 8;
	struct sr_finding *bigger = realloc(l->found.items, (l->found.count + 1) * sizeof(*bigger));

	if (bigger)
		l->found.items = bigger;
	own_file = malloc(size);
	if (!bigger || !own_file || !own_text || !own_mend) {
		l->out_of_memory = true;
		return;
	}
	(void)str_escape(label, own_file, size);
	bigger[l->found.count++] = (struct sr_finding){
		.error = error,
		.depth = (unsigned int)(file - l->chain->links),
		.file = SR_TAKE_PTR(own_file),
		.line = line ? line : 1,
		.text = SR_TAKE_PTR(own_text),
		.mend = SR_TAKE_PTR(own_mend),
	};
}

/* Of the file that is checked. mend is fresh from strdup() or str_format() and belongs to the finding. */
static void SR_PRINTF(4, 5) warn(struct lint *l, unsigned int line, char *mend, const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	add(l, l->file, line, false, text, mend);
}

void findings_done(struct sr_findings *f)
{
	for (size_t i = 0; i < f->count; i++) {
		free(f->items[i].file);
		free(f->items[i].text);
		free(f->items[i].mend);
	}
	free(f->items);
	*f = (struct sr_findings){ .count = 0 };
}

/* --- what the reader refuses ---------------------------------------------------------------------------------------------- */

static void problems(struct lint *l)
{
	for (size_t i = 0; i < l->chain->count; i++) {
		const struct profile_link *link = &l->chain->links[i];

		for (size_t k = 0; k < link->notes.problems.count; k++) {
			const struct sr_ini_problem *p = &link->notes.problems.items[k];

			l->has_problems = true;
			add(l, link, p->line, true, strdup(p->reason), strdup(p->hint));
		}
	}
}

/* --- who else may write ------------------------------------------------------------------------------------------------- */

static const char *distrust_folder(const struct stat *st)
{
	bool own_group = st->st_gid == getegid() || (st->st_uid == 0 && st->st_gid == 0);

	if (st->st_uid != geteuid() && st->st_uid != 0)
		return "another user owns";
	if (st->st_mode & S_ISVTX)
		return NULL; /* only the owner of a file takes it away */
	if (st->st_mode & S_IWOTH)
		return "everybody may write";
	if ((st->st_mode & S_IWGRP) && !own_group)
		return "a group that is not your primary one may write";
	return NULL;
}

/* Whoever may write one of the folders above can put another file in its place; the reader looks at the file alone. */
static void folders(struct lint *l)
{
	SR_AUTOFREE char *path = l->file->path ? realpath(l->file->path, NULL) : NULL;
	char shown[512];

	for (char *slash = path ? strrchr(path, '/') : NULL; slash; slash = strrchr(path, '/')) {
		const char *reason;
		struct stat st;

		slash[slash == path] = '\0'; /* "/" stays */
		reason = stat(path, &st) == 0 ? distrust_folder(&st) : NULL;
		if (reason) {
			(void)str_escape(path, shown, sizeof(shown));
			warn(l, 1, str_format("chmod go-w %s, or keep the file elsewhere", shown),
			     "%s the folder %s and can replace this file", reason, shown);
			return;
		}
		if (slash == path)
			return;
	}
}

/* --- allow and deny ------------------------------------------------------------------------------------------------------- */

/* "FILE:LINE" of a name as seen from the file that is checked: "line 3", or with the other file's name. */
static const char *place_of(const struct lint *l, const struct profile_name *n, char *out, size_t size)
{
	char shown[256];

	if (n->link == 0)
		(void)snprintf(out, size, "line %u", n->line);
	else
		(void)snprintf(out, size, "%s:%u",
			       str_escape(profile_link_label(&l->chain->links[n->link]), shown, sizeof(shown)), n->line);
	return out;
}

/* Another name that says all that number i says: any of a parent's, a group of the same file, or the same word before. */
static const struct profile_name *find_cover(const struct profile_names *names, size_t i)
{
	const struct profile_name *n = &names->items[i];

	for (size_t k = 0; k < names->count; k++) {
		const struct profile_name *other = &names->items[k];
		bool wider = other->link > 0 || (n->call >= 0 && other->group >= 0) || k < i;

		if (k != i && wider && profile_name_covers(other, n))
			return other;
	}
	return NULL;
}

static const struct profile_name *find_denied_above(const struct lint *l, const struct profile_name *n)
{
	for (size_t i = 0; i < l->deny.count; i++) {
		if (l->deny.items[i].link > 0 && profile_name_covers(&l->deny.items[i], n))
			return &l->deny.items[i];
	}
	return NULL;
}

static void allowed_name(struct lint *l, size_t i)
{
	const struct profile_name *n = &l->allow.items[i], *cover = find_cover(&l->allow, i),
				  *denied = find_denied_above(l, n);
	char place[320];

	if (cover && !denied)
		warn(l, n->line, str_format("take %s out of the allow list", n->text), "%s is allowed already, by %s (%s)",
		     n->text, cover->text, place_of(l, cover, place, sizeof(place)));
	if (denied)
		warn(l, n->line, str_format("extend a profile that does not deny it, or take %s out", n->text),
		     "%s stays denied: %s denies %s, and a deny wins over every allow", n->text,
		     place_of(l, denied, place, sizeof(place)), denied->text);
	if (n->group >= 0 && sr_syscall_groups[n->group].kind == SR_GROUP_GUARDED && !cover)
		warn(l, n->line, str_format("leave %s out unless the program needs it", n->text),
		     "%s opens a large piece of the kernel: %s", n->text, sr_syscall_groups[n->group].reason);
	if (n->group == SR_GROUP_ID_sockets_inet && !l->allowed[SR_SYSCALL_socket] && !l->allowed[SR_SYSCALL_socketpair])
		warn(l, n->line, strdup("allow @sockets-local too, or take it out"),
		     "%s does nothing: it widens socket and socketpair, which nothing allows", n->text);
}

/* The allow of the same file that a deny takes back whole. */
static const struct profile_name *find_shadowed(const struct lint *l, const struct profile_name *deny)
{
	for (size_t i = 0; i < l->allow.count; i++) {
		if (l->allow.items[i].link == 0 && profile_name_covers(deny, &l->allow.items[i]))
			return &l->allow.items[i];
	}
	return NULL;
}

static bool is_allowed(const struct lint *l, const struct profile_name *n)
{
	if (n->group >= 0 && profile_names_find_group(&l->allow, n->group))
		return true;
	for (int i = 0; i < SR_SYSCALL_MAX; i++) {
		if (l->allowed[i] && profile_name_covers_call(n, i))
			return true;
	}
	return false;
}

static bool stops_programs(const struct profile_name *n)
{
	for (size_t i = 0; i < SR_SYSCALLS_NEEDED; i++) {
		if (profile_name_covers_call(n, (int)sr_syscalls_needed[i]))
			return true;
	}
	return false;
}

static void denied_name(struct lint *l, size_t i)
{
	const struct profile_name *n = &l->deny.items[i], *cover = find_cover(&l->deny, i), *shadowed = find_shadowed(l, n);
	bool open = sr_syscall_groups[n->group >= 0 ? n->group : sr_syscalls[n->call].group].kind == SR_GROUP_OPEN;
	char place[320];

	if (stops_programs(n) && is_allowed(l, n))
		add(l, l->file, n->line, true, str_format("deny names %s, without which no program can run", n->text),
		    str_format("take %s out of the deny list", n->text));
	else if (shadowed)
		warn(l, n->line, str_format("take %s out of one of the lists", n->text),
		     "deny takes back %s, which %s allows: a deny wins over every allow", shadowed->text,
		     place_of(l, shadowed, place, sizeof(place)));
	else if (!is_allowed(l, n))
		warn(l, n->line, str_format("take %s out of the deny list", n->text), "%s is denied but was never allowed: %s",
		     n->text, open ? "its answer becomes EPERM instead of ENOSYS, and nothing else changes" : "nothing changes");
	if (cover)
		warn(l, n->line, str_format("take %s out of the deny list", n->text), "%s is denied already, by %s (%s)", n->text,
		     cover->text, place_of(l, cover, place, sizeof(place)));
}

/* A profile that stands by itself has to allow what a program starts with. */
static void base(struct lint *l)
{
	unsigned int line = l->allow.count && l->allow.items[0].link == 0 ? l->allow.items[0].line : 1, missing = 0;
	const char *first = NULL;

	if (!l->allow.count) {
		add(l, l->file, 1, true, strdup("it allows no system calls, for it extends no profile and has no allow line"),
		    strdup("put two lines on top: [profile] and extends = default"));
		return;
	}
	for (size_t i = 0; i < SR_SYSCALLS_NEEDED; i++) {
		if (!l->allowed[sr_syscalls_needed[i]]) {
			add(l, l->file, line, true, str_format("nothing allows %s, so no program can run",
							      sr_syscalls[sr_syscalls_needed[i]].name),
			    strdup("start from a shipped profile: [profile] extends = default"));
			return;
		}
	}
	for (int i = 0; i < SR_SYSCALL_MAX; i++) {
		if (sr_syscalls[i].group != SR_GROUP_ID_base || l->allowed[i])
			continue;
		first = first ? first : sr_syscalls[i].name;
		missing++;
	}
	if (missing)
		warn(l, line, strdup("allow @base, or start from a shipped profile: [profile] extends = default"),
		     "%u calls of @base are not allowed (%s%s): C libraries may not start without them", missing, first,
		     missing > 1 ? ", ..." : "");
}

static void lists(struct lint *l)
{
	for (int i = 0; i < SR_SYSCALL_MAX; i++)
		l->allowed[i] = profile_names_find_call(&l->allow, i) != NULL;
	for (size_t i = 0; i < l->allow.count && l->allow.items[i].link == 0; i++)
		allowed_name(l, i);
	if (!l->has_problems)
		base(l);
	for (size_t i = 0; i < l->deny.count && l->deny.items[i].link == 0; i++)
		denied_name(l, i);
}

/* --- limits --------------------------------------------------------------------------------------------------------------- */

static uint64_t value_of(const struct lint *l, enum sr_limit_id id)
{
	return policy_limit(&l->policy, id);
}

/* The first of these limits that the checked file sets itself; what it inherits is the parent's matter. 0: none. */
static unsigned int line_of(const struct lint *l, const enum sr_limit_id *ids, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (l->file->notes.limit_lines[ids[i]])
			return l->file->notes.limit_lines[ids[i]];
	}
	return 0;
}
#define LINE_OF(l, ...) \
	line_of(l, (const enum sr_limit_id[]){ __VA_ARGS__ }, SR_ELEMENTSOF(((const enum sr_limit_id[]){ __VA_ARGS__ })))

static uint64_t add_sizes(uint64_t a, uint64_t b)
{
	return a > SR_UNLIMITED - b ? SR_UNLIMITED : a + b;
}

static uint64_t times(uint64_t v, uint64_t n)
{
	return v > SR_UNLIMITED / n ? SR_UNLIMITED : v * n;
}

/* Limits under which nothing starts. */
static void floors(struct lint *l)
{
	static const struct {
		enum sr_limit_id id;
		uint64_t least;
		const char *why, *mend;
	} rows[] = {
		{ SR_LIMIT_memory_bytes, LEAST_MEMORY, "no interpreter starts in it", "python needs about 16M, node 64M; is a unit missing (K, M, G)?" },
		{ SR_LIMIT_nofile, LEAST_NOFILE, "interpreters need more open files than that to start", "256 is the default" },
		{ SR_LIMIT_pids, 2, "the program can start no thread and no child", "shells need 2 or more, node about 16; 128 is the default" },
		{ SR_LIMIT_stack_bytes, LEAST_STACK, "arguments and variables of a program lie there too", "8M is the default; is a unit missing (K, M, G)?" },
		{ SR_LIMIT_wall_ns, LEAST_WALL_NS, "no interpreter starts in it", "times take ms, s, m, h" },
	};

	for (size_t i = 0; i < SR_ELEMENTSOF(rows); i++) {
		unsigned int line = LINE_OF(l, rows[i].id);
		char value[32];

		if (!line || value_of(l, rows[i].id) >= rows[i].least)
			continue;
		limit_text(&l->policy, rows[i].id, value);
		warn(l, line, strdup(rows[i].mend), "%s = %s: %s", limit_name(rows[i].id), value, rows[i].why);
	}
}

/* A limit that another one never lets a run reach. */
static void unreachable(struct lint *l, enum sr_limit_id id, enum sr_limit_id ceiling, const char *why)
{
	uint64_t value = value_of(l, id), most = value_of(l, ceiling);
	unsigned int line = LINE_OF(l, id, ceiling);
	char shown[32], shown_most[32];

	if (!line || value == SR_UNLIMITED || value <= most)
		return;
	limit_text(&l->policy, id, shown);
	limit_text(&l->policy, ceiling, shown_most);
	warn(l, line, str_format("lower %s to %s, or raise %s", limit_name(id), shown_most, limit_name(ceiling)),
	     "%s = %s is never reached: %s = %s, %s", limit_name(id), shown, limit_name(ceiling), shown_most, why);
}

/*
 * The processor time that `ns` of wall time can give, and what bounds it: cpu.max, or where that is unlimited the machine. So
 * a profile for a larger machine is not found fault with on a smaller one.
 */
static uint64_t most_time(const struct lint *l, uint64_t ns, char *why, size_t size)
{
	uint64_t percent = value_of(l, SR_LIMIT_cpu_percent);

	if (percent == SR_UNLIMITED) {
		(void)snprintf(why, size, "%u processor%s", l->processors, l->processors == 1 ? "" : "s");
		return times(ns, l->processors);
	}
	(void)snprintf(why, size, "cpu.max = %" PRIu64 "%%", percent);
	return ns == SR_UNLIMITED ? ns : times(ns / 100, percent);
}

static void processor_time(struct lint *l)
{
	uint64_t cpu = value_of(l, SR_LIMIT_cpu_ns), wall = value_of(l, SR_LIMIT_wall_ns), most;
	unsigned int line = LINE_OF(l, SR_LIMIT_cpu_ns, SR_LIMIT_wall_ns, SR_LIMIT_cpu_percent);
	char shown[32], shown_wall[32], shown_most[32], why[64];

	most = most_time(l, wall, why, sizeof(why));
	if (!line || cpu == SR_UNLIMITED || cpu <= most)
		return;
	str_from_duration(cpu, shown);
	str_from_duration(wall, shown_wall);
	str_from_duration(most, shown_most);
	warn(l, line, str_format("lower cpu.time to %s, or raise wall.time or cpu.max", shown_most),
	     "cpu.time = %s is never reached: wall.time = %s holds %s of processor time at most (%s)", shown, shown_wall,
	     shown_most, why);
}

static void processor_window(struct lint *l)
{
	uint64_t packed = value_of(l, SR_LIMIT_cpu_window), most;
	unsigned int line = LINE_OF(l, SR_LIMIT_cpu_window, SR_LIMIT_cpu_percent);
	char shown[32], shown_most[32], why[64];
	struct sr_window w;

	if (!line || packed == SR_UNLIMITED)
		return;
	w = limit_window(packed);
	most = most_time(l, w.length_ns, why, sizeof(why));
	if (w.budget_ns < most)
		return;
	limit_text(&l->policy, SR_LIMIT_cpu_window, shown);
	str_from_duration(most, shown_most);
	warn(l, line, strdup("lower the first of the two, or take the line out"),
	     "cpu.window = %s stops nothing: a run gets no more than %s in that time (%s)", shown, shown_most, why);
}

static void swap(struct lint *l)
{
	unsigned int line = LINE_OF(l, SR_LIMIT_swap_bytes);
	char shown[32];

	if (!line || value_of(l, SR_LIMIT_swap_bytes) == 0)
		return;
	limit_text(&l->policy, SR_LIMIT_swap_bytes, shown);
	warn(l, line, strdup("write memory.swap.max = 0, or leave the line out"),
	     "memory.swap.max = %s: what a run holds in memory, its files among it, may be written to the disk", shown);
}

/* /work, /tmp and /dev/shm lie in memory and count against it. */
static void memory(struct lint *l)
{
	uint64_t max = value_of(l, SR_LIMIT_memory_bytes),
		 files = add_sizes(add_sizes(value_of(l, SR_LIMIT_work_bytes), value_of(l, SR_LIMIT_tmp_bytes)),
				   value_of(l, SR_LIMIT_shm_bytes));
	unsigned int line = LINE_OF(l, SR_LIMIT_memory_bytes, SR_LIMIT_work_bytes, SR_LIMIT_tmp_bytes, SR_LIMIT_shm_bytes);
	char shown[32], shown_files[32];

	if (!line)
		return;
	str_from_bytes(max, shown);
	str_from_bytes(files, shown_files);
	if (max == SR_UNLIMITED && files == SR_UNLIMITED)
		warn(l, line, strdup("give memory.max a size"),
		     "nothing bounds the memory of a run: memory.max and a folder in memory are unlimited");
	else if (files > max)
		warn(l, line, strdup("raise memory.max, or lower work.size, tmp.size or shm.size"),
		     "work.size + tmp.size + shm.size = %s is more than memory.max = %s: files lie in memory, and a program that "
		     "fills them is killed instead of being told that the disk is full",
		     shown_files, shown);
}

static void file_size(struct lint *l)
{
	uint64_t fsize = value_of(l, SR_LIMIT_fsize_bytes), room = value_of(l, SR_LIMIT_work_bytes);
	unsigned int line = LINE_OF(l, SR_LIMIT_fsize_bytes, SR_LIMIT_work_bytes);
	char shown[32], shown_room[32];

	if (value_of(l, SR_LIMIT_tmp_bytes) > room || value_of(l, SR_LIMIT_shm_bytes) > room)
		return; /* larger files have their place there */
	if (!line || fsize == SR_UNLIMITED || fsize <= room)
		return;
	str_from_bytes(fsize, shown);
	str_from_bytes(room, shown_room);
	warn(l, line, str_format("lower fsize to %s, or raise work.size", shown_room),
	     "fsize = %s is never reached: no file is larger than work.size = %s", shown, shown_room);
}

static void limits(struct lint *l)
{
	floors(l);
	processor_time(l);
	processor_window(l);
	swap(l);
	file_size(l);
	unreachable(l, SR_LIMIT_out_bytes, SR_LIMIT_work_bytes, "and outputs come from /work");
	if (value_of(l, SR_LIMIT_memory_bytes) < LEAST_MEMORY)
		return; /* said already, and the rest follows from it */
	memory(l);
	unreachable(l, SR_LIMIT_memory_high_bytes, SR_LIMIT_memory_bytes, "where the program is killed and no longer slowed down");
	unreachable(l, SR_LIMIT_stack_bytes, SR_LIMIT_memory_bytes, "and the stack is memory");
}

/* -------------------------------------------------------------------------------------------------------------------------- */

static bool comes_before(const struct sr_finding *a, const struct sr_finding *b)
{
	return a->depth != b->depth ? a->depth < b->depth : a->line < b->line;
}

/* By insertion: what was found of one line stays in its order, and most of it is in order already. */
static void sort(struct sr_findings *f)
{
	for (size_t i = 1; i < f->count; i++) {
		struct sr_finding moved = f->items[i];
		size_t k = i;

		for (; k > 0 && comes_before(&moved, &f->items[k - 1]); k--)
			f->items[k] = f->items[k - 1];
		f->items[k] = moved;
	}
}

static int look(struct lint *l, struct sr_error *err)
{
	int r;

	l->file = &l->chain->links[0];
	if (profile_names_collect(l->chain, true, &l->allow) < 0 || profile_names_collect(l->chain, false, &l->deny) < 0)
		return sr_error_oom(err, STAGE);
	r = profile_chain_apply(l->chain, "checked", &l->policy, err);
	if (r < 0)
		return r;
	problems(l);
	folders(l);
	if (!l->chain->cut) { /* what a missing parent says is not known */
		lists(l);
		limits(l);
	}
	sort(&l->found);
	return l->out_of_memory ? sr_error_oom(err, STAGE) : 0;
}

int profile_lint(const struct profile_places *places, const char *name, unsigned int processors, struct sr_findings *ret,
		 struct sr_error *err)
{
	struct profile_chain chain = { .noted = true };
	struct lint l = { .chain = &chain, .processors = processors ? processors : 1 };
	int r = profile_chain_load(places, name, &chain, err);

	policy_init(&l.policy);
	if (r == 0)
		r = look(&l, err);
	if (r == 0)
		*ret = l.found;
	else
		findings_done(&l.found);
	profile_names_done(&l.allow);
	profile_names_done(&l.deny);
	policy_done(&l.policy);
	profile_chain_done(&chain);
	return r;
}
