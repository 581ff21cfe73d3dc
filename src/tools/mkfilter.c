/* SPDX-License-Identifier: MIT */
/*
 * mkfilter OUT.c PROFILE.ini...: runs while sandrun is built. Reads the shipped profiles with the code that sandrun reads
 * them with, asks libseccomp for the numbers of all calls in policy/syscalls.def, and writes one C file with the numbers, the
 * profiles' texts, and a finished filter for each profile, architecture and way of counting memory (finding 18); profiles that
 * allow the same calls share theirs.
 * A profile may extend another one of the command line.
 */
#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/io.h"
#include "plan/filter-build.h"
#include "policy/profile-read.h"

#define PROFILES_MAX 16

struct source {
	const char *path;
	char *name;
	char *text;
	size_t len;
	struct sr_profile profile;
	struct sr_seccomp_policy resolved; /* with what it extends */
	size_t twin; /* the first source with the same lists, which may be itself: they share filters */
};

static const char *const arch_names[SR_ARCH_MAX] = { [SR_ARCH_X86_64] = "x86_64", [SR_ARCH_AARCH64] = "aarch64" };

static SR_NORETURN SR_PRINTF(1, 2) void fail(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)fputs("mkfilter: ", stderr);
	(void)vfprintf(stderr, fmt, ap);
	(void)fputc('\n', stderr);
	va_end(ap);
	exit(1);
}

/* One number; the own one must not contradict a libseccomp that knows the call. */
static int16_t find_number(const struct sr_syscall *call, uint32_t token)
{
	int n = seccomp_syscall_resolve_name_arch(token, call->name);

	if (n < 0)
		n = call->own_number; /* -1, or what libseccomp is too old to know */
	else if (call->own_number >= 0 && n != call->own_number)
		fail("%s is %d to libseccomp and %d in syscalls.def", call->name, n, call->own_number);
	if (n >= SR_SYSCALL_NUMBER_MAX)
		fail("%s has the number %d", call->name, n);
	return (int16_t)n;
}

static void find_numbers(struct sr_syscall_numbers *numbers)
{
	static const uint32_t tokens[SR_ARCH_MAX] = { [SR_ARCH_X86_64] = SCMP_ARCH_X86_64,
						      [SR_ARCH_AARCH64] = SCMP_ARCH_AARCH64 };

	for (int i = 0; i < SR_SYSCALL_MAX; i++) {
		bool known = false;

		for (int a = 0; a < SR_ARCH_MAX; a++) {
			numbers->number[a][i] = find_number(&sr_syscalls[i], tokens[a]);
			known = known || numbers->number[a][i] >= 0;
		}
		if (!known)
			fail("libseccomp knows no call \"%s\"", sr_syscalls[i].name);
	}
}

static void read_source(const char *path, struct source *s)
{
	const char *slash = strrchr(path, '/');
	struct sr_error err = SR_ERROR_INIT;
	SR_AUTOCLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);

	s->path = path;
	s->name = strdup(slash ? slash + 1 : path);
	if (fd < 0 || !s->name)
		fail("%s: %s", path, strerror(errno));
	if (!str_has_suffix(s->name, ".ini"))
		fail("%s: not named NAME.ini", path);
	s->name[strlen(s->name) - strlen(".ini")] = '\0';
	if (io_read_all(fd, SR_PROFILE_SIZE_MAX, &s->text, &s->len) < 0)
		fail("%s: cannot be read", path);
	if (profile_parse(path, s->text, s->len, &s->profile, &err) < 0)
		fail("%s (%s)", err.text, err.hint);
}

static const struct source *find_source(const struct source *all, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(all[i].name, name) == 0)
			return &all[i];
	}
	return NULL;
}

static void append(struct sr_strv *to, const struct sr_strv *from)
{
	for (size_t i = 0; i < from->count; i++) {
		if (strv_add(to, from->items[i]) < 0)
			fail("out of memory");
	}
}

/* Parents first, as profile_load() does. */
static void resolve(const struct source *all, size_t count, const struct source *s, struct sr_seccomp_policy *to, int depth)
{
	if (depth > SR_PROFILE_DEPTH_MAX)
		fail("%s: extends itself", s->path);
	if (s->profile.extends) {
		const struct source *parent = find_source(all, count, s->profile.extends);

		if (!parent)
			fail("%s: extends \"%s\", which is not shipped", s->path, s->profile.extends);
		resolve(all, count, parent, to, depth + 1);
	}
	append(&to->allow, &s->profile.allow);
	append(&to->deny, &s->profile.deny);
}

static bool same_list(const struct sr_strv *a, const struct sr_strv *b)
{
	for (size_t i = 0; i < a->count && i < b->count; i++) {
		if (strcmp(a->items[i], b->items[i]) != 0)
			return false;
	}
	return a->count == b->count;
}

static size_t find_twin(const struct source *all, size_t i)
{
	size_t twin = 0;

	while (!same_list(&all[twin].resolved.allow, &all[i].resolved.allow) ||
	       !same_list(&all[twin].resolved.deny, &all[i].resolved.deny))
		twin++;
	return twin;
}

static void write_numbers(FILE *f, const struct sr_syscall_numbers *numbers)
{
	(void)fputs("const struct sr_syscall_numbers sr_syscall_numbers = { .number = {\n", f);
	for (int a = 0; a < SR_ARCH_MAX; a++) {
		(void)fprintf(f, "\t{ /* %s */\n", arch_names[a]);
		for (int i = 0; i < SR_SYSCALL_MAX; i++)
			(void)fprintf(f, "\t\t[SR_SYSCALL_%s] = %d,\n", sr_syscalls[i].name, numbers->number[a][i]);
		(void)fputs("\t},\n", f);
	}
	(void)fputs("} };\n\n", f);
}

/* A text as one string literal, a line each. */
static void write_literal(FILE *f, const char *text, size_t len)
{
	bool fresh = true;

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (fresh)
			(void)fputs("\n\t\"", f);
		fresh = c == '\n';
		if (c == '\n')
			(void)fputs("\\n\"", f);
		else if (c < ' ' || c > '~' || c == '"' || c == '\\' || c == '?')
			(void)fprintf(f, "\\%03o", c);
		else
			(void)fputc(c, f);
	}
	(void)fputs(fresh ? (len ? "" : "\"\"") : "\"", f);
}

static void write_list(FILE *f, const char *what, size_t i, const struct sr_strv *names)
{
	(void)fprintf(f, "static const char *const %s_%zu[] = { ", what, i);
	for (size_t n = 0; n < names->count; n++)
		(void)fprintf(f, "\"%s\", ", names->items[n]);
	(void)fputs("NULL };\n", f);
}

static void write_text(FILE *f, const struct source *s, size_t i)
{
	(void)fprintf(f, "\t{ .name = \"%s\", .text = text_%zu, .len = sizeof(text_%zu) - 1,\n", s->name, i, i);
	if (s->profile.extends)
		(void)fprintf(f, "\t  .extends = \"%s\",\n", s->profile.extends);
	(void)fprintf(f, "\t  .allow = own_allow_%zu, .deny = own_deny_%zu, .strict = %d, .quiet = %d, .limits = {\n", i, i,
		      s->profile.strict, s->profile.quiet);
	for (int n = 0; n < SR_LIMIT_MAX; n++)
		(void)fprintf(f, "\t\t{ %d, %lluULL },\n", s->profile.limits[n].set,
			      (unsigned long long)s->profile.limits[n].value);
	(void)fputs("\t} },\n", f);
}

static void write_texts(FILE *f, const struct source *all, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		(void)fprintf(f, "static const char text_%zu[] =", i);
		write_literal(f, all[i].text, all[i].len);
		(void)fputs(";\n", f);
		write_list(f, "own_allow", i, &all[i].profile.allow);
		write_list(f, "own_deny", i, &all[i].profile.deny);
	}
	(void)fputs("\nconst struct sr_profile_text sr_profile_texts[] = {\n", f);
	for (size_t i = 0; i < count; i++)
		write_text(f, &all[i], i);
	(void)fprintf(f, "};\nconst size_t sr_profile_text_count = %zu;\n\n", count);
}

static void write_filter(FILE *f, const char *name, const struct sr_verdicts *v, const struct sr_syscall_numbers *numbers,
			 enum sr_arch arch)
{
	SR_AUTOFREE struct sock_filter *insns = NULL;
	unsigned short count = 0;
	int r = filter_compile(v, numbers, arch, &insns, &count);

	if (r < 0)
		fail("%s for %s: %s", name, arch_names[arch], strerror(-r));
	(void)fprintf(f, "static const struct sock_filter %s_%s[] = { /* %u */", name, arch_names[arch], count);
	for (unsigned int i = 0; i < count; i++)
		(void)fprintf(f, "%s{ 0x%02x, %u, %u, 0x%08x },", i % 4 ? " " : "\n\t", insns[i].code, insns[i].jt,
			      insns[i].jf, insns[i].k);
	(void)fputs("\n};\n", f);
}

static void write_profile_filters(FILE *f, const struct source *s, size_t i, const struct sr_syscall_numbers *numbers)
{
	for (int counted = 0; counted < 2; counted++) {
		struct sr_error err = SR_ERROR_INIT;
		struct sr_verdicts v;
		char name[64];

		if (filter_resolve(&s->resolved, counted, &v, &err) < 0)
			fail("%s: %s", s->path, err.text);
		(void)snprintf(name, sizeof(name), "filter_%zu_%d", i, counted);
		for (int a = 0; a < SR_ARCH_MAX; a++)
			write_filter(f, name, &v, numbers, (enum sr_arch)a);
	}
	write_list(f, "allow", i, &s->resolved.allow);
	write_list(f, "deny", i, &s->resolved.deny);
}

static void write_compiled_profiles(FILE *f, const struct source *all, size_t count)
{
	(void)fputs("\n#define FILTER(array) { array, sizeof(array) / sizeof((array)[0]) }\n", f);
	(void)fputs("const struct sr_compiled_profile sr_compiled_profiles[] = {\n", f);
	for (size_t i = 0; i < count; i++) {
		size_t twin = all[i].twin;

		(void)fprintf(f, "\t{ \"%s\", allow_%zu, deny_%zu, {\n", all[i].name, twin, twin);
		for (int a = 0; a < SR_ARCH_MAX; a++)
			(void)fprintf(f, "\t\t{ FILTER(filter_%zu_0_%s), FILTER(filter_%zu_1_%s) },\n", twin, arch_names[a],
				      twin, arch_names[a]);
		(void)fputs("\t} },\n", f);
	}
	(void)fprintf(f, "};\nconst size_t sr_compiled_profile_count = %zu;\n\n", count);
	(void)fputs("const struct sr_compiled_filter sr_compiled_init[SR_ARCH_MAX] = {\n", f);
	for (int a = 0; a < SR_ARCH_MAX; a++)
		(void)fprintf(f, "\tFILTER(filter_init_%s),\n", arch_names[a]);
	(void)fputs("};\n", f);
}

static void write_all(FILE *f, const struct source *all, size_t count)
{
	static struct sr_syscall_numbers numbers;
	const struct scmp_version *version;
	struct sr_verdicts init;

	find_numbers(&numbers);
	(void)fputs("/* Made by mkfilter from policy/syscalls.def and the shipped profiles. Do not edit. */\n"
		    "#include \"plan/filter-build.h\"\n#include \"policy/profile-read.h\"\n\n",
		    f);
	write_numbers(f, &numbers);
	write_texts(f, all, count);
	for (size_t i = 0; i < count; i++) {
		if (all[i].twin == i)
			write_profile_filters(f, &all[i], i, &numbers);
	}
	filter_resolve_init(&init);
	for (int a = 0; a < SR_ARCH_MAX; a++)
		write_filter(f, "filter_init", &init, &numbers, (enum sr_arch)a);
	write_compiled_profiles(f, all, count);
	version = seccomp_version();
	(void)fprintf(f, "const char sr_compiled_libseccomp[] = \"%u.%u.%u\";\n", version->major, version->minor, version->micro);
}

/* By a temporary name: a build that was interrupted must not leave half a file that looks new. */
static void write_file(const char *path, const struct source *all, size_t count)
{
	SR_AUTOFREE char *temporary = str_format("%s.tmp", path);
	FILE *f = temporary ? fopen(temporary, "w") : NULL;
	bool bad;

	if (!f)
		fail("%s: %s", path, strerror(errno));
	write_all(f, all, count);
	bad = ferror(f) != 0;
	if (fclose(f) != 0 || bad || rename(temporary, path) < 0)
		fail("%s: cannot be written", path);
}

static void source_done(struct source *s)
{
	free(s->name);
	free(s->text);
	profile_done(&s->profile);
	strv_done(&s->resolved.allow);
	strv_done(&s->resolved.deny);
}

int main(int argc, char **argv)
{
	static struct source all[PROFILES_MAX];
	size_t count = argc > 2 ? (size_t)argc - 2 : 0;

	if (count == 0 || count > PROFILES_MAX)
		fail("usage: mkfilter OUT.c PROFILE.ini... (1 to %d)", PROFILES_MAX);
	for (size_t i = 0; i < count; i++)
		read_source(argv[i + 2], &all[i]);
	for (size_t i = 0; i < count; i++)
		resolve(all, count, &all[i], &all[i].resolved, 1);
	for (size_t i = 0; i < count; i++)
		all[i].twin = find_twin(all, i);
	write_file(argv[1], all, count);
	for (size_t i = 0; i < count; i++)
		source_done(&all[i]);
	return 0;
}
