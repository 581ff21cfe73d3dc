/* SPDX-License-Identifier: MIT */
/*
 * --explain: the plan as text, in the order in which it would happen. The same text is what golden tests compare, so it holds
 * nothing that changes from run to run.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "cli/cli.h"

static void words(FILE *f, const char *title, const struct sr_strv *v)
{
	(void)fprintf(f, "%-12s", title);
	for (size_t i = 0; i < v->count; i++) {
		const char *word = v->items[i], *quote = !*word || strpbrk(word, " '\"") ? "'" : "";
		char shown[512];

		(void)fprintf(f, "%s%s%s%s", i ? " " : "", quote, str_escape(word, shown, sizeof(shown)), quote);
	}
	(void)fprintf(f, "\n");
}

/* A word of the command line inside that --private-args does not let out, wherever the language puts it. */
static bool is_hidden(const struct sr_policy *p, const char *word)
{
	size_t count = policy_argument_count(p);

	if (!p->private_args)
		return false;
	for (size_t i = p->operands.count - count; i < p->operands.count; i++) {
		if (strcmp(p->operands.items[i], word) == 0)
			return true;
	}
	return p->code && strstr(word, p->code);
}

static void command(const struct cli_run *c, FILE *f)
{
	const struct sr_strv *argv = &c->exec.argv;
	struct sr_strv shown = { .items = NULL };

	for (size_t i = 0; i < argv->count; i++) /* out of memory: a word less */
		(void)strv_add(&shown, is_hidden(&c->policy, argv->items[i]) ? "(private)" : argv->items[i]);
	words(f, "command", &shown);
	strv_done(&shown);
}

static void list(FILE *f, const char *before, const struct sr_strv *v)
{
	for (size_t i = 0; i < v->count; i++)
		(void)fprintf(f, "%s%s", i ? ", " : before, v->items[i]);
}

/* The files that had a say. */
static void sources(const struct cli_run *c, FILE *f)
{
	const struct sr_manifest *m = &c->manifest;
	char shown[512];

	if (c->policy.config_path)
		(void)fprintf(f, "%-12s%s\n", "config", str_escape(c->policy.config_path, shown, sizeof(shown)));
	if (!m->path)
		return;
	(void)fprintf(f, "%-12s%s", "manifest", m->path);
	list(f, ": ", &m->used);
	list(f, m->used.count ? "; not used: " : ": not used: ", &m->unused);
	(void)fprintf(f, "\n");
}

static void program(const struct cli_run *c, FILE *f)
{
	char shown[512];

	if (c->exec.lang)
		(void)fprintf(f, "%-12s%s\n", "language", c->exec.lang);
	command(c, f);
	if (c->exec.script && policy_is_script_private(&c->policy))
		(void)fprintf(f, "%-12sprivate\n", "program");
	else if (c->exec.script && c->exec.script_name)
		(void)fprintf(f, "%-12s/work/%s, %zu bytes, read-only\n", "program", str_escape(c->exec.script_name, shown, sizeof(shown)),
			      c->exec.script_len);
	else if (c->exec.script)
		(void)fprintf(f, "%-12son standard input, %zu bytes\n", "program", c->exec.script_len);
	words(f, "variables", &c->exec.envp);
}

static void privacy(const struct sr_policy *p, FILE *f)
{
	char shown[512];

	(void)fprintf(f, "%-12s%s%s%scommitments, no digests\n", "private", p->private_args ? "arguments; " : "",
		      p->private_stdin ? "standard input; " : "", p->private_outputs ? "outputs; " : "");
	if (p->salt_file)
		(void)fprintf(f, "%-12syours, %s\n", "salt", str_escape(p->salt_file, shown, sizeof(shown)));
	else
		(void)fprintf(f, "%-12s%s\n", "salt",
			      p->salt == SR_SALT_KEPT ? "kept, in the opening file beside the certificate" :
							"destroyed: nothing of this can ever be shown to belong to the run");
}

static void files(const struct cli_run *c, FILE *f)
{
	char shown[512], name[512];

	if (c->snapshot.project_path)
		(void)fprintf(f, "%-12s%s copied to /work\n", "project", str_escape(c->snapshot.project_path, shown, sizeof(shown)));
	if (c->policy.only.count)
		words(f, "only", &c->policy.only);
	for (size_t i = 0; i < c->snapshot.count; i++) {
		const struct sr_snapshot_item *item = &c->snapshot.items[i];

		if (item->path)
			(void)fprintf(f, "%-12s%s as /work/%s%s\n", "input", str_escape(item->path, shown, sizeof(shown)),
				      str_escape(item->name, name, sizeof(name)), item->is_private ? ", private" : "");
	}
	(void)str_escape(c->policy.output_archive ? c->policy.output_archive : c->policy.output_dir ? c->policy.output_dir : ".",
			 name, sizeof(name));
	for (size_t i = 0; i < c->policy.outputs.count; i++)
		(void)fprintf(f, "%-12s/work/%s to %s\n", "output", str_escape(c->policy.outputs.items[i], shown, sizeof(shown)), name);
	if (policy_is_private(&c->policy))
		privacy(&c->policy, f);
}

/* Where a step mounts, seen from inside: some name their place by the folder that the root is built on. */
static const char *place_inside(const struct sr_plan *p, const struct sr_fs_op *op)
{
	const char *base = "", *place = op->dest;
	size_t len;

	for (size_t i = 0; i < p->fs_count; i++) {
		if (p->fs[i].kind == SR_FS_STAGE)
			base = p->fs[i].src;
	}
	len = strlen(base);
	if (*place != '/' || strncmp(place, base, len) != 0 || place[len] != '/')
		return place;
	place += len + 1;
	if (p->tree && *place == 'r') /* the tree's root is mounted at "r" itself */
		place += place[1] == '/' ? 2 : 1;
	return place;
}

static void mount_line(const struct sr_plan *p, const struct sr_fs_op *op, FILE *f)
{
	const char *place = place_inside(p, op);
	char shown[512], from[512];

	(void)str_escape(place, shown, sizeof(shown));
	(void)str_escape(op->src ? op->src : "", from, sizeof(from));
	switch (op->kind) {
	case SR_FS_TMPFS:
		if (!(op->flags & SR_FS_READONLY))
			(void)fprintf(f, "%-12s/%s tmpfs, %s\n", "mount", shown, op->data);
		break;
	case SR_FS_OVERLAY:
		if (op->flags & SR_FS_ELSE)
			break; /* the other way to do what the line before says */
		if ((op->flags & SR_FS_TRY) || (strcmp(op->src, "/etc") == 0 && strcmp(place, "proc") == 0))
			(void)fprintf(f, "%-12s/etc read-only, the pieces that programs need of the host's\n", "mount");
		else if (op->mode)
			(void)fprintf(f, "%-12s/%s read-only, from %s\n", "mount", shown, from);
		else
			(void)fprintf(f, "%-12s/ overlay of %s, writes go to %s\n", "mount", from,
				      strstr(op->data, "upperdir=/") ? "a tmpfs" : "the layer's folder");
		break;
	case SR_FS_BIND:
		if (op->ino)
			(void)fprintf(f, "%-12s/%s read-only, from %s\n", "mount", shown, from);
		break;
	case SR_FS_PROC:
		(void)fprintf(f, "%-12s/%s fresh, read-only, %s, entries about the host masked\n", "mount", shown, op->data);
		break;
	default:
		break;
	}
}

static void root(const struct cli_run *c, FILE *f)
{
	const struct sr_plan *p = &c->box.plan;
	char shown[512], stack[SR_LAYER_DIGEST];
	const bool is_image = layers_stack(&c->env.layers, stack);

	(void)fprintf(f, "%-12s%s%s%s\n", "environment", str_escape(c->env.name, shown, sizeof(shown)), is_image ? ", " : "",
		      is_image ? stack : "");
	for (size_t i = 0; is_image && i < c->env.layers.count; i++)
		(void)fprintf(f, "%-12s%s\n", "layer", c->env.layers.items[i].digest);
	if (c->env.profile && (!c->policy.profile_name || strcmp(c->policy.profile_name, c->env.profile) != 0))
		(void)fprintf(f, "%-12sthe environment is made for the profile %s, which is not used\n", "note",
			      str_escape(c->env.profile, shown, sizeof(shown)));
	for (size_t i = 0; i < p->fs_count; i++)
		mount_line(p, &p->fs[i], f);
	(void)fprintf(f, "%-12snull zero full random urandom tty pts shm\n", "devices");
	if (c->policy.build_layer)
		(void)fprintf(f, "%-12s%s/tree: what is written to / stays there\n", "build", str_escape(c->policy.build_layer, shown, sizeof(shown)));
	(void)fprintf(f, "%-12s%s\n", "network", p->host_network ? "the host's, its own services included" : "none; loopback inside");
}

static void fences(const struct cli_run *c, FILE *f)
{
	const struct sr_plan *p = &c->box.plan;
	char shown[512];

	(void)fprintf(f, "%-12suser pid mount %sipc uts cgroup\n", "namespaces", p->host_network ? "" : "network ");
	if (p->borrowed_id)
		(void)fprintf(f, "%-12s%d inside, an unused one outside\n", "user id", (int)p->inner_uid);
	else
		(void)fprintf(f, "%-12s%d inside, the caller's outside\n", "user id", (int)p->inner_uid);
	(void)fprintf(f, "%-12snone in any set, no_new_privs\n", "privileges");
	(void)str_escape(c->policy.profile_name ? c->policy.profile_name : "default", shown, sizeof(shown));
	(void)fprintf(f, "%-12sprofile %s, unknown calls ENOSYS\n", "seccomp", shown);
	if (p->filter_flags)
		(void)fprintf(f, "%-12srefused calls are noted and refused; files and sockets are watched from outside\n", "learn");
	else if (p->watched)
		(void)fprintf(f, "%-12sprograms, files and sockets are recorded from outside, by ptrace\n", "trace");
	if (c->policy.strict)
		(void)fprintf(f, "%-12syes, by %s: every fallback is refused\n", "strict",
			      c->policy.strict_by_profile		? "the profile" :
			      policy_is_given(&c->policy, "strict") ? "--strict" :
								      "a configuration file");
	if (p->landlock_abi)
		(void)fprintf(f, "%-12sABI %d\n", "landlock", p->landlock_abi);
	else
		(void)fprintf(f, "%-12snone\n", "landlock");
	cgroup_describe(&c->cgroup, shown, sizeof(shown));
	(void)fprintf(f, "%-12s%s\n", "cgroup", shown);
	for (unsigned i = 0; i < SR_LIMIT_MAX; i++) {
		char value[32];

		if (c->policy.limits[i].value == SR_UNLIMITED && c->policy.limits[i].source == SR_FROM_BUILTIN)
			continue; /* nobody asked for one */
		limit_text(&c->policy, (enum sr_limit_id)i, value);
		(void)fprintf(f, "%-12s%s = %s (%s)\n", "limit", limit_name((enum sr_limit_id)i), value,
			      source_name(c->policy.limits[i].source));
	}
	for (size_t i = 0; i < c->box.note_count; i++)
		(void)fprintf(f, "%-12s%s\n", c->policy.strict && c->box.notes[i].degraded ? "refused" : "note",
			      c->box.notes[i].text);
}

int explain_print(const struct cli_run *c, FILE *f)
{
	sources(c, f);
	program(c, f);
	files(c, f);
	root(c, f);
	fences(c, f);
	return fflush(f) != 0 || ferror(f) ? -EIO : 0;
}
