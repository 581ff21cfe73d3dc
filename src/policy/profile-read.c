/* SPDX-License-Identifier: MIT */
#include "policy/profile-read.h"

#include <errno.h>
#include <string.h>

#include "policy/ini-read.h"
#include "policy/syscalls.h"

#define STAGE "profile"

struct reading {
	struct sr_profile *profile;
	struct sr_profile_notes *notes; /* NULL: nobody asks */
};

static struct sr_profile *profile_of(const struct sr_ini *in)
{
	return ((struct reading *)in->into)->profile;
}

static struct sr_profile_notes *notes_of(const struct sr_ini *in)
{
	return ((struct reading *)in->into)->notes;
}

/* Notes the line of the name that is about to become number `count` of its list. */
static int note_name(struct sr_ini *in, unsigned int **lines, size_t count)
{
	unsigned int *bigger = realloc(*lines, (count + 1) * sizeof(*bigger));

	if (!bigger)
		return ini_oom(in);
	*lines = bigger;
	bigger[count] = in->line;
	return 0;
}

static int take_extends(struct sr_ini *in, const struct sr_ini_key *key, const char *value)
{
	(void)key;
	if (!*value)
		return ini_refuse(in, "extends names no profile");
	profile_of(in)->extends = strdup(value);
	if (notes_of(in))
		notes_of(in)->extends_line = in->line;
	return profile_of(in)->extends ? 0 : ini_oom(in);
}

static int take_description(struct sr_ini *in, const struct sr_ini_key *key, const char *value)
{
	/* For people who read the file; nothing in a run depends on it. */
	(void)key;
	if (!notes_of(in))
		return 0;
	notes_of(in)->description = strdup(value);
	return notes_of(in)->description ? 0 : ini_oom(in);
}

/* Values of which there is one so far; named so that a file can say what it relies on. */
static int take_only(struct sr_ini *in, const struct sr_ini_key *key, const char *value, const char *only)
{
	char shown[64];
	int e;

	if (strcmp(value, only) == 0)
		return 0;
	e = ini_refuse(in, "%s must be %s, not \"%s\"", key->name, only, str_escape(value, shown, sizeof(shown)));
	sr_error_hint(in->err, "write \"%s = %s\" or leave the line out", key->name, only);
	return e;
}

static int take_switch(struct sr_ini *in, const struct sr_ini_key *key, const char *value, enum sr_profile_switch *ret)
{
	char shown[64];
	int e;

	if (strcmp(value, "yes") == 0 || strcmp(value, "no") == 0) {
		*ret = *value == 'y' ? SR_SWITCH_YES : SR_SWITCH_NO;
		return 0;
	}
	e = ini_refuse(in, "%s does not take \"%s\"", key->name, str_escape(value, shown, sizeof(shown)));
	sr_error_hint(in->err, "%s takes yes or no", key->name);
	return e;
}

static int take_strict(struct sr_ini *in, const struct sr_ini_key *key, const char *value)
{
	if (notes_of(in))
		notes_of(in)->strict_line = in->line;
	return take_switch(in, key, value, &profile_of(in)->strict);
}

static int take_quiet(struct sr_ini *in, const struct sr_ini_key *key, const char *value)
{
	if (notes_of(in))
		notes_of(in)->quiet_line = in->line;
	return take_switch(in, key, value, &profile_of(in)->quiet);
}

static int take_default(struct sr_ini *in, const struct sr_ini_key *key, const char *value)
{
	return take_only(in, key, value, "ENOSYS");
}

static int take_network(struct sr_ini *in, const struct sr_ini_key *key, const char *value)
{
	return take_only(in, key, value, "none");
}

static int take_limit(struct sr_ini *in, const struct sr_ini_key *key, const char *value)
{
	struct sr_profile_limit *limit = &profile_of(in)->limits[key->id];
	int r = ini_take_limit(in, key, value, &limit->value);

	limit->set = r == 0;
	if (limit->set && notes_of(in))
		notes_of(in)->limit_lines[key->id] = in->line;
	return r;
}

static int refuse_never(struct sr_ini *in, const char *name, const struct sr_syscall_group *group)
{
	int e = ini_refuse(in, "%s can never be allowed: %s", name, group->reason);

	sr_error_hint(in->err, "take %s out of the allow list", name);
	return e;
}

static int check_allowed_call(struct sr_ini *in, const char *name, const struct sr_syscall_group *group)
{
	int e;

	if (group->kind == SR_GROUP_OPEN)
		return 0;
	if (group->kind != SR_GROUP_GUARDED)
		return refuse_never(in, name, group);
	e = ini_refuse(in, "%s is allowed only together with its group %s", name, group->name);
	sr_error_hint(in->err, "write \"allow = %s\" (%s)", group->name, group->reason);
	return e;
}

/* One name of an allow or deny list. */
static int check_name(struct sr_ini *in, const char *name, bool allow)
{
	bool is_group = *name == '@';
	int id = is_group ? syscalls_find_group(name) : syscalls_find(name);
	char shown[64];
	int e;

	if (id < 0) {
		const char *near = syscalls_nearest(name);

		e = ini_refuse(in, "unknown %s \"%s\"", is_group ? "group" : "system call",
			       str_escape(name, shown, sizeof(shown)));
		if (near)
			sr_error_hint(in->err, "did you mean %s?", near);
		else
			sr_error_hint(in->err, "names are those of syscalls(2), groups start with @ (@base, @files, ...)");
		return e;
	}
	if (!allow)
		return 0;
	if (!is_group)
		return check_allowed_call(in, name, &sr_syscall_groups[sr_syscalls[id].group]);
	if (sr_syscall_groups[id].kind == SR_GROUP_OPEN || sr_syscall_groups[id].kind == SR_GROUP_GUARDED)
		return 0;
	return refuse_never(in, name, &sr_syscall_groups[id]);
}

static int take_list(struct sr_ini *in, const char *value, bool allow)
{
	SR_AUTOFREE char *copy = strdup(value);
	struct sr_strv *list = allow ? &profile_of(in)->allow : &profile_of(in)->deny;
	struct sr_profile_notes *notes = notes_of(in);
	unsigned int **lines = !notes ? NULL : allow ? &notes->allow_lines : &notes->deny_lines;
	char *save = NULL;

	if (!copy)
		return ini_oom(in);
	for (char *name = strtok_r(copy, " \t", &save); name; name = strtok_r(NULL, " \t", &save)) {
		int e;

		if (*name == ';')
			break; /* inih cuts comments off first lines, not off those that go on */
		e = check_name(in, name, allow);
		if (e < 0 && ini_settle(in))
			continue;
		if (e == 0 && lines)
			e = note_name(in, lines, list->count);
		if (e < 0)
			return e;
		if (strv_add(list, name) < 0)
			return ini_oom(in);
	}
	return 0;
}

static int take_allow(struct sr_ini *in, const struct sr_ini_key *key, const char *value)
{
	(void)key;
	return take_list(in, value, true);
}

static int take_deny(struct sr_ini *in, const struct sr_ini_key *key, const char *value)
{
	(void)key;
	return take_list(in, value, false);
}

static const struct sr_ini_key keys[] = {
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
	  .id = SR_LIMIT_##field },
	SR_LIMITS(SR_LIMIT_ROW)
#undef SR_LIMIT_ROW
};

static const struct sr_ini_format format = {
	.stage = STAGE,
	.cannot = "cannot read profile",
	.code = SR_E_PROFILE,
	.keys = keys,
	.key_count = SR_ELEMENTSOF(keys),
};

int profile_parse(const char *label, const char *text, size_t len, struct sr_profile *ret, struct sr_error *err)
{
	struct sr_profile profile = { .extends = NULL };
	struct reading reading = { .profile = &profile };
	int r = ini_read(&format, label, text, len, &reading, err);

	if (r < 0)
		profile_done(&profile);
	else
		*ret = profile;
	return r;
}

int profile_parse_noted(const char *label, const char *text, size_t len, struct sr_profile *ret,
			struct sr_profile_notes *notes, struct sr_error *err)
{
	struct reading reading = { .profile = ret, .notes = notes };

	return ini_read_all(&format, label, text, len, &reading, &notes->problems, err);
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
