/* SPDX-License-Identifier: MIT */
#include "policy/policy.h"

#include <errno.h>
#include <string.h>

void policy_init(struct sr_policy *p)
{
	static const uint64_t builtin[SR_LIMIT_MAX] = {
#define SR_LIMIT_ROW(field, section, key, kind, dflt) [SR_LIMIT_##field] = (dflt),
		SR_LIMITS(SR_LIMIT_ROW)
#undef SR_LIMIT_ROW
	};

	memset(p, 0, sizeof(*p));
	for (size_t i = 0; i < SR_LIMIT_MAX; i++)
		p->limits[i] = (struct sr_limit){ .value = builtin[i], .source = SR_FROM_BUILTIN };
}

static void file_args_done(struct sr_file_args *v)
{
	for (size_t i = 0; i < v->count; i++) {
		free(v->items[i].path);
		free(v->items[i].name);
	}
	free(v->items);
	v->items = NULL;
	v->count = 0;
}

void policy_done(struct sr_policy *p)
{
	char **strings[] = { &p->lang,	     &p->code,		 &p->project_dir,  &p->environment, &p->profile,
			     &p->output_dir, &p->output_archive, &p->profile_name, &p->report,
			     &p->config_path, &p->manifest_text, &p->certificate, &p->nonce, &p->audience, &p->salt_file,
			     &p->attest_simulated, &p->build_layer, &p->install_index, &p->install_find_links, &p->install_registry };
	struct sr_strv *vectors[] = { &p->operands, &p->show,	       &p->setenv,
				      &p->outputs,  &p->seccomp.allow, &p->seccomp.deny,
				      &p->hide,     &p->only,	       &p->profile_texts };

	for (size_t i = 0; i < SR_ELEMENTSOF(strings); i++) {
		free(*strings[i]);
		*strings[i] = NULL;
	}
	for (size_t i = 0; i < SR_ELEMENTSOF(vectors); i++)
		strv_done(vectors[i]);
	file_args_done(&p->inputs);
	file_args_done(&p->binds);
}

void policy_set_limit(struct sr_policy *p, enum sr_limit_id id, uint64_t value, enum sr_source source)
{
	if (source < p->limits[id].source)
		return;
	p->limits[id] = (struct sr_limit){ .value = value, .source = source };
}

void policy_lower_limit(struct sr_policy *p, enum sr_limit_id id, uint64_t value)
{
	if (value != p->limits[id].value || !policy_is_asked(p, id))
		p->limits[id] = (struct sr_limit){ .value = value, .source = SR_FROM_MANIFEST };
}

static bool has(const struct sr_strv *names, const char *name)
{
	for (size_t i = 0; i < names->count; i++) {
		if (strcmp(names->items[i], name) == 0)
			return true;
	}
	return false;
}

bool policy_lacks_group(const struct sr_policy *p, const char *group)
{
	return p->seccomp.allow.count > 0 && (!has(&p->seccomp.allow, group) || has(&p->seccomp.deny, group));
}

int policy_add_file(struct sr_file_args *v, const char *path, const char *name)
{
	struct sr_file_arg arg = { .path = strdup(path), .name = name ? strdup(name) : NULL };
	struct sr_file_arg *bigger = NULL;

	if (arg.path && (arg.name || !name))
		bigger = realloc(v->items, (v->count + 1) * sizeof(*bigger));
	if (!bigger) {
		free(arg.path);
		free(arg.name);
		return -ENOMEM;
	}
	v->items = bigger;
	v->items[v->count++] = arg;
	return 0;
}

bool policy_is_private(const struct sr_policy *p)
{
	bool is_private = p->private_stdin || p->private_args || p->private_outputs;

	for (size_t i = 0; i < p->inputs.count; i++)
		is_private = is_private || p->inputs.items[i].is_private;
	return is_private;
}

bool policy_is_script_private(const struct sr_policy *p)
{
	return (p->form == SR_FORM_CODE && p->private_args) || (p->form == SR_FORM_STDIN && p->private_stdin);
}

size_t policy_argument_count(const struct sr_policy *p)
{
	bool is_program_first = p->form == SR_FORM_SCRIPT || p->form == SR_FORM_COMMAND;

	return p->operands.count - (is_program_first && p->operands.count > 0 ? 1 : 0);
}
