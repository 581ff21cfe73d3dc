/* SPDX-License-Identifier: MIT */
#include "policy/profile-read.h"

#include <errno.h>
#include <ini.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "policy/limit.h"
#include "policy/syscalls.h"

#define STAGE "profile"

/* One text on its way through inih. */
struct reading {
	const char *label;
	const char *next, *end;
	unsigned int line;        /* of the line that inih holds */
	bool indented;            /* that line starts with a blank */
	const struct key *last;   /* the key before, until a new section starts: what an indented line goes on with */
	bool seen[64];            /* by index of keys[] */
	int failed;               /* negative errno of the first error */
	struct sr_profile *profile;
	struct sr_error *err;
};

/* Takes a value; negative when it is refused, with the error set. */
typedef int (*key_fn)(struct reading *r, const struct key *key, const char *value);

struct key {
	const char *section, *name;
	key_fn take;
	bool list; /* may go on in indented lines */
	int limit; /* enum sr_limit_id */
};

static int SR_PRINTF(2, 3) refuse(struct reading *r, const char *fmt, ...)
{
	char reason[512];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(reason, sizeof(reason), fmt, ap);
	va_end(ap);
	r->failed = sr_error_set(r->err, SR_E_PROFILE, EINVAL, STAGE, "cannot read profile %s:%u: %s", r->label,
				 r->line, reason);
	return r->failed;
}

static int out_of_memory(struct reading *r)
{
	r->failed = sr_error_oom(r->err, STAGE);
	return r->failed;
}

static int take_extends(struct reading *r, const struct key *key, const char *value)
{
	(void)key;
	if (!*value)
		return refuse(r, "extends names no profile");
	r->profile->extends = strdup(value);
	return r->profile->extends ? 0 : out_of_memory(r);
}

static int take_description(struct reading *r, const struct key *key, const char *value)
{
	/* For people who read the file; nothing in a run depends on it. */
	(void)r;
	(void)key;
	(void)value;
	return 0;
}

/* Values of which there is one so far; named so that a file can say what it relies on. */
static int take_only(struct reading *r, const struct key *key, const char *value, const char *only)
{
	char shown[64];
	int e;

	if (strcmp(value, only) == 0)
		return 0;
	e = refuse(r, "%s must be %s, not \"%s\"", key->name, only, str_escape(value, shown, sizeof(shown)));
	sr_error_hint(r->err, "write \"%s = %s\" or leave the line out", key->name, only);
	return e;
}

static int take_switch(struct reading *r, const struct key *key, const char *value, enum sr_profile_switch *ret)
{
	char shown[64];
	int e;

	if (strcmp(value, "yes") == 0 || strcmp(value, "no") == 0) {
		*ret = *value == 'y' ? SR_SWITCH_YES : SR_SWITCH_NO;
		return 0;
	}
	e = refuse(r, "%s does not take \"%s\"", key->name, str_escape(value, shown, sizeof(shown)));
	sr_error_hint(r->err, "%s takes yes or no", key->name);
	return e;
}

static int take_strict(struct reading *r, const struct key *key, const char *value)
{
	return take_switch(r, key, value, &r->profile->strict);
}

static int take_quiet(struct reading *r, const struct key *key, const char *value)
{
	return take_switch(r, key, value, &r->profile->quiet);
}

static int take_default(struct reading *r, const struct key *key, const char *value)
{
	return take_only(r, key, value, "ENOSYS");
}

static int take_network(struct reading *r, const struct key *key, const char *value)
{
	return take_only(r, key, value, "none");
}

static int take_limit(struct reading *r, const struct key *key, const char *value)
{
	const struct sr_limit_row *row = &sr_limit_rows[key->limit];
	uint64_t number = 0;
	char shown[64];
	int e = limit_parse(row->kind, value, &number);

	(void)str_escape(value, shown, sizeof(shown));
	if (e == -ERANGE && (row->kind == SR_LIMIT_KIND_WEIGHT || row->kind == SR_LIMIT_KIND_WINDOW)) {
		e = refuse(r, "%s = %s is out of range", key->name, shown);
	} else if (e == -ERANGE) {
		e = refuse(r, "%s = %s is too large", key->name, shown);
	} else if (e < 0) {
		e = refuse(r, "%s does not take \"%s\"", key->name, shown);
	} else if (number == 0 && !limit_may_be_zero((enum sr_limit_id)key->limit)) {
		e = refuse(r, "%s must not be 0", key->name);
	} else {
		r->profile->limits[key->limit].set = true;
		r->profile->limits[key->limit].value = number;
		return 0;
	}
	sr_error_hint(r->err, "%s takes %s", key->name, limit_takes(row->kind));
	return e;
}

static int refuse_never(struct reading *r, const char *name, const struct sr_syscall_group *group)
{
	int e = refuse(r, "%s can never be allowed: %s", name, group->reason);

	sr_error_hint(r->err, "take %s out of the allow list", name);
	return e;
}

static int check_allowed_call(struct reading *r, const char *name, const struct sr_syscall_group *group)
{
	int e;

	if (group->kind == SR_GROUP_OPEN)
		return 0;
	if (group->kind != SR_GROUP_GUARDED)
		return refuse_never(r, name, group);
	e = refuse(r, "%s is allowed only together with its group %s", name, group->name);
	sr_error_hint(r->err, "write \"allow = %s\" (%s)", group->name, group->reason);
	return e;
}

/* One name of an allow or deny list. */
static int check_name(struct reading *r, const char *name, bool allow)
{
	bool is_group = *name == '@';
	int id = is_group ? syscalls_find_group(name) : syscalls_find(name);
	char shown[64];
	int e;

	if (id < 0) {
		e = refuse(r, "unknown %s \"%s\"", is_group ? "group" : "system call",
			   str_escape(name, shown, sizeof(shown)));
		sr_error_hint(r->err, "names are those of syscalls(2), groups start with @ (@base, @files, ...)");
		return e;
	}
	if (!allow)
		return 0;
	if (!is_group)
		return check_allowed_call(r, name, &sr_syscall_groups[sr_syscalls[id].group]);
	if (sr_syscall_groups[id].kind == SR_GROUP_OPEN || sr_syscall_groups[id].kind == SR_GROUP_GUARDED)
		return 0;
	return refuse_never(r, name, &sr_syscall_groups[id]);
}

static int take_list(struct reading *r, const char *value, bool allow)
{
	SR_AUTOFREE char *copy = strdup(value);
	struct sr_strv *list = allow ? &r->profile->allow : &r->profile->deny;
	char *save = NULL;

	if (!copy)
		return out_of_memory(r);
	for (char *name = strtok_r(copy, " \t", &save); name; name = strtok_r(NULL, " \t", &save)) {
		int e;

		if (*name == ';')
			break; /* inih cuts comments off first lines, not off those that go on */
		e = check_name(r, name, allow);
		if (e < 0)
			return e;
		if (strv_add(list, name) < 0)
			return out_of_memory(r);
	}
	return 0;
}

static int take_allow(struct reading *r, const struct key *key, const char *value)
{
	(void)key;
	return take_list(r, value, true);
}

static int take_deny(struct reading *r, const struct key *key, const char *value)
{
	(void)key;
	return take_list(r, value, false);
}

static const struct key keys[] = {
	{ .section = "profile", .name = "extends", .take = take_extends },
	{ .section = "profile", .name = "description", .take = take_description },
	{ .section = "profile", .name = "strict", .take = take_strict },
	{ .section = "profile", .name = "quiet", .take = take_quiet },
	{ .section = "seccomp", .name = "allow", .take = take_allow, .list = true },
	{ .section = "seccomp", .name = "deny", .take = take_deny, .list = true },
	{ .section = "seccomp", .name = "default", .take = take_default },
	{ .section = "network", .name = "mode", .take = take_network },
#define SR_LIMIT_ROW(field, section_name, key_name, kind_name, dflt)         \
	{ .section = (section_name), .name = (key_name), .take = take_limit, \
	  .limit = SR_LIMIT_##field },
	SR_LIMITS(SR_LIMIT_ROW)
#undef SR_LIMIT_ROW
};

_Static_assert(SR_ELEMENTSOF(keys) <= sizeof(((struct reading *)0)->seen), "one flag a key");

static bool is_section(const char *name)
{
	for (size_t i = 0; i < SR_ELEMENTSOF(keys); i++) {
		if (strcmp(keys[i].section, name) == 0)
			return true;
	}
	return false;
}

static const struct key *find_key(const char *section, const char *name)
{
	for (size_t i = 0; i < SR_ELEMENTSOF(keys); i++) {
		if (strcmp(keys[i].section, section) == 0 && strcmp(keys[i].name, name) == 0)
			return &keys[i];
	}
	return NULL;
}

static void hint_keys(struct reading *r, const char *section)
{
	char list[512];
	size_t used = 0;

	for (size_t i = 0; i < SR_ELEMENTSOF(keys) && used < sizeof(list); i++) {
		int n;

		if (strcmp(keys[i].section, section) != 0)
			continue;
		n = snprintf(list + used, sizeof(list) - used, "%s%s", used ? ", " : "", keys[i].name);
		used += n > 0 ? (size_t)n : 0;
	}
	sr_error_hint(r->err, "[%s] takes %s", section, list);
}

static int refuse_key(struct reading *r, const char *section, const char *name)
{
	char shown_section[64], shown[64];
	int e;

	(void)str_escape(section, shown_section, sizeof(shown_section));
	(void)str_escape(name, shown, sizeof(shown));
	if (!*section) {
		e = refuse(r, "key \"%s\" stands before the first section", shown);
		sr_error_hint(r->err, "start with a line such as [limits]");
		return e;
	}
	if (is_section(section)) {
		e = refuse(r, "unknown key \"%s\" in [%s]", shown, shown_section);
		hint_keys(r, section);
		return e;
	}
	e = refuse(r, "unknown section [%s]", shown_section);
	sr_error_hint(r->err, "sections are [profile], [seccomp], [limits], [rlimit], [filesystem], [network], [output]");
	return e;
}

static int take_pair(struct reading *r, const char *section, const char *name, const char *value)
{
	const struct key *key = find_key(section, name);
	bool continued = r->indented && r->last && key == r->last;

	if (!key)
		return refuse_key(r, section, name);
	if (continued && !key->list)
		return refuse(r, "an indented line goes on with %s, which takes one line", key->name);
	if (!continued && r->seen[key - keys])
		return refuse(r, "%s in [%s] a second time", key->name, section);
	r->seen[key - keys] = true;
	r->last = key;
	return key->take(r, key, value ? value : "");
}

/* inih's handler: 1 is good, 0 bad. After the first error the rest is not looked at. */
static int on_pair(void *user, const char *section, const char *name, const char *value)
{
	struct reading *r = user;

	return !r->failed && take_pair(r, section, name, value) == 0;
}

/* inih knows a header by its bracket alone and calls nothing for it, so that is looked at here. */
static void check_header(struct reading *r, const char *line, size_t len)
{
	const char *close = memchr(line, ']', len);
	char name[64], shown[64];

	r->last = NULL;
	if (!close)
		return; /* inih reports it */
	if ((size_t)(close - line) > sizeof(name)) {
		(void)refuse(r, "a section name of %zu bytes", (size_t)(close - line) - 1);
		return;
	}
	memcpy(name, line + 1, (size_t)(close - line) - 1);
	name[close - line - 1] = '\0';
	if (!is_section(name))
		(void)refuse(r, "unknown section [%s]", str_escape(name, shown, sizeof(shown)));
}

/* inih's reader, in the manner of fgets: a line that does not fit would come in pieces, so it is refused. */
static char *next_line(char *buf, int size, void *stream)
{
	struct reading *r = stream;
	const char *stop;
	size_t len;

	if (r->failed || r->next == r->end)
		return NULL;
	stop = memchr(r->next, '\n', (size_t)(r->end - r->next));
	len = (size_t)((stop ? stop + 1 : r->end) - r->next);
	r->line++;
	if (memchr(r->next, '\0', len)) {
		(void)refuse(r, "a NUL byte");
		return NULL;
	}
	if (len + 1 > (size_t)size) {
		(void)refuse(r, "a line of %zu bytes; %d are the limit", len, size - 1);
		sr_error_hint(r->err, "a list may go on in the next line when that starts with a blank");
		return NULL;
	}
	memcpy(buf, r->next, len);
	buf[len] = '\0';
	r->next += len;
	r->indented = *buf == ' ' || *buf == '\t';
	if (*buf == '[')
		check_header(r, buf, len);
	return r->failed ? NULL : buf;
}

int profile_parse(const char *label, const char *text, size_t len, struct sr_profile *ret, struct sr_error *err)
{
	struct sr_profile profile = { .extends = NULL };
	char shown[256];
	struct reading r = { .label = str_escape(label, shown, sizeof(shown)),
			     .next = text,
			     .end = text + len,
			     .profile = &profile,
			     .err = err };
	int line = ini_parse_stream(next_line, &r, on_pair, &r);

	if (line < 0 && !r.failed) {
		(void)out_of_memory(&r);
	} else if (line > 0 && (!r.failed || (unsigned int)line < r.line)) {
		r.line = (unsigned int)line; /* inih's own error, before any of ours */
		(void)refuse(&r, "neither [section] nor key = value");
		sr_error_hint(err, "comments start with ; or #");
	}
	if (r.failed) {
		profile_done(&profile);
		return r.failed;
	}
	*ret = profile;
	return 0;
}

void profile_done(struct sr_profile *profile)
{
	free(profile->extends);
	profile->extends = NULL;
	strv_done(&profile->allow);
	strv_done(&profile->deny);
}

static int append(struct sr_strv *to, const struct sr_strv *from)
{
	for (size_t i = 0; i < from->count; i++) {
		if (strv_add(to, from->items[i]) < 0)
			return -ENOMEM;
	}
	return 0;
}

static void apply_limits(const struct sr_profile_limit *limits, struct sr_policy *p)
{
	for (int i = 0; i < SR_LIMIT_MAX; i++) {
		if (limits[i].set)
			policy_set_limit(p, (enum sr_limit_id)i, limits[i].value, SR_FROM_PROFILE);
	}
}

/* The child's word holds, also where it takes back the parent's. */
static void apply_switches(enum sr_profile_switch strict, enum sr_profile_switch quiet, struct sr_policy *p)
{
	if (strict != SR_SWITCH_UNSET)
		p->strict_by_profile = strict == SR_SWITCH_YES;
	if (quiet != SR_SWITCH_UNSET)
		p->quiet_by_profile = quiet == SR_SWITCH_YES;
}

int profile_apply(const struct sr_profile *profile, struct sr_policy *p, struct sr_error *err)
{
	if (append(&p->seccomp.allow, &profile->allow) < 0 || append(&p->seccomp.deny, &profile->deny) < 0)
		return sr_error_oom(err, STAGE);
	apply_limits(profile->limits, p);
	apply_switches(profile->strict, profile->quiet, p);
	return 0;
}

static int append_names(struct sr_strv *to, const char *const *names)
{
	for (; *names; names++) {
		if (strv_add(to, *names) < 0)
			return -ENOMEM;
	}
	return 0;
}

int profile_apply_shipped(const struct sr_profile_text *shipped, struct sr_policy *p, struct sr_error *err)
{
	if (append_names(&p->seccomp.allow, shipped->allow) < 0 || append_names(&p->seccomp.deny, shipped->deny) < 0)
		return sr_error_oom(err, STAGE);
	apply_limits(shipped->limits, p);
	apply_switches(shipped->strict, shipped->quiet, p);
	return 0;
}
