/* SPDX-License-Identifier: MIT */
/*
 * --learn, printed: what was refused, by which layer, and the smallest lines that would allow it.
 */
#include <jansson.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/audit.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>

#include "cli/learn.h"
#include "policy/syscalls.h"

#define LINES_MAX 100 /* files on the terminal */
#define X32_BIT 0x40000000

static const char *errno_name(int e, char other[static 16])
{
#define NAME(n) { n, #n }
	static const struct {
		int number;
		const char *name;
	} names[] = {
		NAME(EPERM), NAME(ENOENT), NAME(EACCES), NAME(EROFS), NAME(ENOSYS), NAME(EINVAL), NAME(EBUSY), NAME(ENOPKG),
		NAME(EAFNOSUPPORT), NAME(EPROTONOSUPPORT), NAME(ENETUNREACH), NAME(EHOSTUNREACH), NAME(ECONNREFUSED),
		NAME(EADDRNOTAVAIL), NAME(EXDEV), NAME(ENOTDIR),
	};
#undef NAME

	for (size_t i = 0; i < SR_ELEMENTSOF(names); i++) {
		if (names[i].number == e)
			return names[i].name;
	}
	(void)snprintf(other, 16, "errno %d", e);
	return other;
}

static const char *family_name(uint64_t family)
{
#define NAME(n) [n] = #n
	static const char *const names[] = {
		NAME(AF_UNSPEC), NAME(AF_UNIX), NAME(AF_INET), NAME(AF_AX25), NAME(AF_IPX), NAME(AF_INET6), NAME(AF_KEY),
		NAME(AF_NETLINK), NAME(AF_PACKET), NAME(AF_RDS), NAME(AF_CAN), NAME(AF_TIPC), NAME(AF_BLUETOOTH), NAME(AF_ALG),
		NAME(AF_NFC), NAME(AF_VSOCK), NAME(AF_QIPCRTR), [44] = "AF_XDP", [43] = "AF_SMC",
	};
#undef NAME

	return family < SR_ELEMENTSOF(names) ? names[family] : NULL;
}

static const char *type_name(uint64_t type)
{
	static const char *const names[] = { [SOCK_STREAM] = "SOCK_STREAM", [SOCK_DGRAM] = "SOCK_DGRAM", [SOCK_RAW] = "SOCK_RAW",
					     [SOCK_RDM] = "SOCK_RDM", [SOCK_SEQPACKET] = "SOCK_SEQPACKET", [10] = "SOCK_PACKET" };

	return type < SR_ELEMENTSOF(names) ? names[type] : NULL;
}

/* The namespaces among a call's flags, then the rest as a number. */
static void clone_flags(uint64_t flags, char *out, size_t size)
{
	static const struct {
		uint32_t flag;
		const char *name;
	} names[] = {
		{ CLONE_NEWUSER, "CLONE_NEWUSER" }, { CLONE_NEWNS, "CLONE_NEWNS" },   { CLONE_NEWPID, "CLONE_NEWPID" },
		{ CLONE_NEWNET, "CLONE_NEWNET" },   { CLONE_NEWIPC, "CLONE_NEWIPC" }, { CLONE_NEWUTS, "CLONE_NEWUTS" },
		{ 0x02000000U, "CLONE_NEWCGROUP" },
	};
	size_t used = 0;

	out[0] = '\0';
	for (size_t i = 0; i < SR_ELEMENTSOF(names); i++) {
		if (flags & names[i].flag && used < size)
			used += (size_t)snprintf(out + used, size - used, "%s%s", used ? "|" : "", names[i].name);
		flags &= ~(uint64_t)names[i].flag;
	}
	if ((flags || !used) && used < size)
		(void)snprintf(out + used, size - used, "%s%#" PRIx64, used ? "|" : "", flags);
}

static void arg_text(const struct sr_learn_arg *a, uint64_t value, char *out, size_t size)
{
	const char *name = a->form == SR_LEARN_FAMILY ? family_name(value) : a->form == SR_LEARN_TYPE ? type_name(value) : NULL;

	if (name)
		(void)snprintf(out, size, "%s", name);
	else if (a->form == SR_LEARN_CLONE)
		clone_flags(value, out, size);
	else if (a->form == SR_LEARN_HEX)
		(void)snprintf(out, size, "%#" PRIx64, value);
	else
		(void)snprintf(out, size, "%" PRId32, (int32_t)(uint32_t)value);
}

static void call_name(const struct sr_learned_call *call, char *out, size_t size)
{
	if (call->call < 0)
		(void)snprintf(out, size, "call %d", call->number);
	else
		(void)snprintf(out, size, "%s", sr_syscalls[call->call].name);
}

/* "socket(family AF_NETLINK, type 3, protocol 0)" */
static void call_text(const struct sr_learned_call *call, char *out, size_t size)
{
	bool any = false;
	size_t used;

	call_name(call, out, size);
	for (size_t i = 0; i < sr_learn_arg_count; i++) {
		const struct sr_learn_arg *a = &sr_learn_args[i];
		char value[160];

		used = strlen(out);
		if (a->call != call->call || call->call < 0 || used + 1 >= size)
			continue;
		arg_text(a, call->args[a->arg], value, sizeof(value));
		(void)snprintf(out + used, size - used, "%s%s %s", any ? ", " : "(", a->name, value);
		any = true;
	}
	used = strlen(out);
	if (any && used + 1 < size)
		(void)snprintf(out + used, size - used, ")");
}

static void add_once(struct sr_strv *v, const char *text)
{
	for (size_t i = 0; i < v->count; i++) {
		if (strcmp(v->items[i], text) == 0)
			return;
	}
	(void)strv_add(v, text); /* out of memory: a line less, and the report says what was refused all the same */
}

static void add_words(struct sr_strv *v, const char *text)
{
	SR_AUTOFREE char *copy = strdup(text);
	char *save = NULL;

	for (char *word = copy ? strtok_r(copy, " ", &save) : NULL; word; word = strtok_r(NULL, " ", &save))
		add_once(v, word);
}

static void print_call(const struct cli_run *c, const struct sr_learned_call *call, struct sr_strv *allow)
{
	char text[512], program[4 * SR_LEARN_PROGRAM], other[16];
	struct learn_advice advice;

	learn_advise_call(c, call, &advice);
	call_text(call, text, sizeof(text));
	(void)fprintf(stderr, "sandrun: learned: %s: %s to \"%s\", %" PRIu64 " time%s, by %s\n", text,
		      errno_name(call->errnum, other), str_escape(call->program, program, sizeof(program)), call->count,
		      call->count == 1 ? "" : "s", advice.by);
	if (advice.allow[0])
		add_words(allow, advice.allow);
	else
		(void)fprintf(stderr, "sandrun: learned:   %s\n", advice.why);
}

/* A word as a shell reads it: quoted where it must be, escaped where it could steer a terminal. */
static void shell_word(const char *s, char *out, size_t size)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+:,@%=";
	char shown[4096];

	str_escape(s, shown, sizeof(shown));
	if (*s && strspn(s, plain) == strlen(s))
		(void)snprintf(out, size, "%s", shown);
	else if (!strchr(s, '\'') && strcmp(s, shown) == 0)
		(void)snprintf(out, size, "'%s'", shown);
	else
		(void)snprintf(out, size, "'%s' (not as it is: it has bytes that were escaped)", shown);
}

static char *option_text(const struct learn_advice *advice)
{
	char word[4200];

	shell_word(advice->value, word, sizeof(word));
	return str_format("%s %s", advice->option, word);
}

/* The refusals that were printed. */
struct shown {
	const struct sr_traced *items[LINES_MAX];
	size_t count;
};

/* The same file is looked for by several calls: one line is enough. The payload chooses the names: few are compared. */
static bool said_before(const struct shown *s, const struct sr_traced *item)
{
	for (size_t i = 0; i < s->count; i++) {
		const struct sr_traced *o = s->items[i];

		if (o->hash == item->hash && o->errnum == item->errnum && o->kind == item->kind && strcmp(o->name, item->name) == 0)
			return true;
	}
	return false;
}

/* False: there was no room for a line that is worth one. */
static bool print_traced(const struct cli_run *c, const struct sr_traced *item, struct shown *s, struct sr_strv *options)
{
	char name[1024], program[4 * SR_LEARN_PROGRAM], other[16];
	SR_AUTOFREE char *option = NULL;
	struct learn_advice advice;

	if (!learn_advise_traced(c, item, &advice) || said_before(s, item))
		return true;
	if (s->count == LINES_MAX)
		return false;
	s->items[s->count++] = item;
	(void)fprintf(stderr, "sandrun: learned: %s %s: %s to \"%s\": %s\n", sr_syscalls[item->call].name,
		      str_escape(item->name, name, sizeof(name)), errno_name(item->errnum, other),
		      str_escape(item->program, program, sizeof(program)), advice.by);
	option = advice.option[0] ? option_text(&advice) : NULL;
	if (option && advice.why[0]) /* to be thought of first: not among those to copy */
		(void)fprintf(stderr, "sandrun: learned:   %s; %s would let it in\n", advice.why, option);
	else if (advice.why[0])
		(void)fprintf(stderr, "sandrun: learned:   %s\n", advice.why);
	else if (option)
		add_once(options, option);
	return true;
}

static const char *arch_name(uint32_t arch, int64_t number)
{
	if (arch == AUDIT_ARCH_X86_64)
		return number & X32_BIT ? "x32" : "x86-64";
	return arch == AUDIT_ARCH_I386 ? "i386" : arch == AUDIT_ARCH_ARM ? "arm" : arch == AUDIT_ARCH_AARCH64 ? "aarch64" : "foreign";
}

static void print_killed(const struct sr_traced_kill *k)
{
	char program[4 * SR_LEARN_PROGRAM];

	(void)fprintf(stderr, "sandrun: learned: %s call %" PRId64 ": \"%s\" was killed, %" PRIu64 " time%s, by the filter's first rule\n",
		      arch_name(k->arch, k->number), k->number & ~(int64_t)X32_BIT,
		      str_escape(k->program, program, sizeof(program)), k->count, k->count == 1 ? "" : "s");
}

static void print_files(const struct cli_run *c)
{
	const struct sr_trace_result *t = &c->run.learn->traced;
	struct sr_strv options = { .items = NULL };
	struct shown shown = { .count = 0 };
	size_t more = 0;
	bool folder = false; /* it brings the single files of the same folder too */

	for (size_t i = 0; i < t->killed_count; i++)
		print_killed(&t->killed[i]);
	if (t->killed_count)
		(void)fprintf(stderr, "sandrun: learned:   no profile can allow it: the numbers of another architecture mean other calls\n");
	for (size_t i = 0; i < t->count; i++)
		more += !print_traced(c, &t->items[i], &shown, &options);
	if (more)
		(void)fprintf(stderr, "sandrun: learned: %zu further refusals of files are in the report only (--report)\n", more);
	if (t->lost)
		(void)fprintf(stderr, "sandrun: learned: %" PRIu64 " further files are not listed: too many different ones\n", t->lost);
	if (t->left)
		(void)fprintf(stderr, "sandrun: learned: a process left the tracer (CLONE_UNTRACED): which files and sockets it was "
				      "refused is unknown\n");
	if (t->error)
		(void)fprintf(stderr, "sandrun: learned: which files and sockets were refused is unknown: cannot trace the program: %s\n",
			      strerror(t->error));
	for (size_t i = 0; i < options.count; i++)
		folder |= str_has_prefix(options.items[i], "-C ");
	if (options.count) {
		(void)fprintf(stderr, "hint: options that let in what was missing:");
		for (size_t i = 0; i < options.count; i++) {
			if (!folder || !str_has_prefix(options.items[i], "-i "))
				(void)fprintf(stderr, " %s", options.items[i]);
		}
		if (folder)
			(void)fprintf(stderr, " (names of the command line are then those in that folder)");
		(void)fprintf(stderr, "\n");
	}
	strv_done(&options);
}

/* A profile that extends the one that was used. The user's own file of that name may stand for it. */
static char *profile_text(const struct cli_run *c, const struct sr_strv *allow)
{
	const char *base = c->policy.profile_name ? c->policy.profile_name : "default"; /* a project may have named a tighter one */
	SR_AUTOFREE char *path = strchr(base, '/') ? realpath(base, NULL) : NULL; /* the new one may lie elsewhere */
	char *text = str_format("[profile]\nextends = %s\n\n[seccomp]\nallow =", path ? path : base);

	for (size_t i = 0; i < allow->count && text; i++) {
		char *longer = str_format("%s %s", text, allow->items[i]);

		free(text);
		text = longer;
	}
	return text;
}

static json_t *call_json(const struct cli_run *c, const struct sr_learned_call *call, struct sr_strv *allow)
{
	char name[64], program[4 * SR_LEARN_PROGRAM], other[16];
	json_t *args = json_object();
	struct learn_advice advice;

	learn_advise_call(c, call, &advice);
	call_name(call, name, sizeof(name));
	for (size_t i = 0; i < sr_learn_arg_count; i++) {
		const struct sr_learn_arg *a = &sr_learn_args[i];
		char value[160];

		if (call->call < 0 || a->call != call->call)
			continue;
		arg_text(a, call->args[a->arg], value, sizeof(value));
		(void)json_object_set_new(args, a->name, json_string(value));
	}
	if (advice.allow[0])
		add_words(allow, advice.allow);
	return json_pack("{s:s, s:i, s:I, s:s, s:s, s:s, s:o, s:s?, s:s?}", "call", name, "number", call->number, "count",
			 (json_int_t)call->count, "errno", errno_name(call->errnum, other), "layer", advice.layer, "program",
			 str_escape(call->program, program, sizeof(program)), "arguments", args, "allow",
			 advice.allow[0] ? advice.allow : NULL, "why", advice.why[0] ? advice.why : NULL);
}

static json_t *files_json(const struct cli_run *c)
{
	static const char *const kinds[] = { [SR_TRACED_PATH] = "file", [SR_TRACED_INET] = "address", [SR_TRACED_SOCKET] = "socket" };
	const struct sr_trace_result *t = &c->run.learn->traced;
	json_t *all = json_array();

	for (size_t i = 0; i < t->count; i++) {
		const struct sr_traced *item = &t->items[i];
		char name[4 * 4096], program[4 * SR_LEARN_PROGRAM], other[16];
		SR_AUTOFREE char *option = NULL;
		struct learn_advice a;

		if (!learn_advise_traced(c, item, &a))
			continue;
		option = a.option[0] ? option_text(&a) : NULL;
		(void)json_array_append_new(all, json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:s?, s:s?}", "kind", kinds[item->kind],
							   "name", str_escape(item->name, name, sizeof(name)), "call",
							   sr_syscalls[item->call].name, "errno", errno_name(item->errnum, other),
							   "layer", a.layer, "program",
							   str_escape(item->program, program, sizeof(program)), "count",
							   (json_int_t)item->count, "option", option, "why",
							   a.why[0] ? a.why : NULL));
	}
	return all;
}

static json_t *killed_json(const struct sr_trace_result *t)
{
	json_t *all = json_array();

	for (size_t i = 0; i < t->killed_count; i++) {
		const struct sr_traced_kill *k = &t->killed[i];
		char program[4 * SR_LEARN_PROGRAM];

		(void)json_array_append_new(all, json_pack("{s:s, s:I, s:s, s:I}", "architecture", arch_name(k->arch, k->number), "number",
							   (json_int_t)k->number, "program",
							   str_escape(k->program, program, sizeof(program)), "count",
							   (json_int_t)k->count));
	}
	return all;
}

json_t *learn_json(const struct cli_run *c)
{
	const struct sr_learn *l = c->run.learn;
	struct sr_strv allow = { .items = NULL };
	json_t *calls, *all;

	if (!l)
		return json_null();
	calls = json_array();
	for (size_t i = 0; i < l->call_count; i++)
		(void)json_array_append_new(calls, call_json(c, &l->calls[i], &allow));
	all = json_pack("{s:o, s:I, s:o, s:I, s:b, s:o}", "calls", calls, "callsNotListed", (json_int_t)l->calls_lost, "files",
			files_json(c), "filesNotListed", (json_int_t)l->traced.lost, "filesKnown", l->traced.error == 0 && !l->traced.left, "killed",
			killed_json(&l->traced));
	if (all && allow.count) {
		SR_AUTOFREE char *text = profile_text(c, &allow);

		(void)json_object_set_new(all, "profile", text ? json_string(text) : json_null());
	} else {
		(void)json_object_set_new(all, "profile", json_null());
	}
	strv_done(&allow);
	return all ? all : json_null();
}

/* One line, as sandrun's other messages have it in this form. */
static void print_json(const struct cli_run *c)
{
	json_t *o = json_pack("{s:o}", "learned", learn_json(c));
	char *text = o ? json_dumps(o, JSON_COMPACT | JSON_SORT_KEYS) : NULL;

	(void)fprintf(stderr, "%s\n", text ? text : "{\"learned\":null}");
	free(text);
	json_decref(o);
}

void learn_print(const struct cli_run *c)
{
	const struct sr_learn *l = c->run.learn;
	struct sr_strv allow = { .items = NULL };

	if (!l)
		return;
	if (c->policy.error_format == SR_ERRORS_JSON) {
		print_json(c);
		return;
	}
	if (l->call_count == 0)
		(void)fprintf(stderr, "sandrun: learned: the filter refused no system call\n");
	for (size_t i = 0; i < l->call_count; i++)
		print_call(c, &l->calls[i], &allow);
	if (l->calls_lost)
		(void)fprintf(stderr, "sandrun: learned: %" PRIu64 " further refusals are not listed: too many different ones\n",
			      l->calls_lost);
	print_files(c);
	if (allow.count) {
		SR_AUTOFREE char *text = profile_text(c, &allow);

		(void)fprintf(stderr, "hint: a profile that allows what can be allowed; put it into a file and name that with -p:\n%s\n",
			      text ? text : "");
	}
	strv_done(&allow);
}
