/* SPDX-License-Identifier: MIT */
/*
 * A module that the program missed: which built environment has it, or which one could be built. The interpreter's own words
 * name it; environments are looked at only now, after the program has failed over it.
 */
#include <fcntl.h>
#include <string.h>

#include "base/fd.h"
#include "cli/cli.h"
#include "run/requirements.h"

struct words {
	const char *before; /* the name */
	char after;         /* byte behind it */
	enum sr_script_language language;
};

static const struct words words[] = {
	{ "No module named '", '\'', SR_SCRIPT_PYTHON },
	{ "Cannot find module '", '\'', SR_SCRIPT_JAVASCRIPT },
	{ "Cannot find package '", '\'', SR_SCRIPT_JAVASCRIPT }, /* ERR_MODULE_NOT_FOUND */
	{ "there is no package called \xe2\x80\x98", '\xe2', SR_SCRIPT_R },
	{ "there is no package called '", '\'', SR_SCRIPT_R },
	{ "cannot load such file -- ", ' ', SR_SCRIPT_RUBY },
};

/* The name of the last such line, cut to what an environment's list holds. */
static bool find_module(const char *text, const struct words *w, char *name, size_t size)
{
	const char *at = NULL, *end;

	for (const char *next = text; (next = strstr(next, w->before)); at = next)
		next += strlen(w->before);
	if (!at)
		return false;
	end = at + strcspn(at, w->after == ' ' ? " (\r\n" : "\r\n");
	for (const char *q = at; q < end; q++) {
		if (*q == w->after)
			end = q;
	}
	if (w->language == SR_SCRIPT_PYTHON)
		end = at + strcspn(at, ".'\r\n");
	if (w->language == SR_SCRIPT_JAVASCRIPT) {
		const char *slash = memchr(at, '/', (size_t)(end - at));

		if (slash && *at == '@')
			slash = memchr(slash + 1, '/', (size_t)(end - slash - 1));
		end = slash ? slash : end;
	}
	if (end == at || (size_t)(end - at) >= size || *at == '.' || *at == '/')
		return false;
	memcpy(name, at, (size_t)(end - at));
	name[end - at] = '\0';
	return true;
}

/* The smallest that has the module; one that has all that the script wants is better still. */
static const struct sr_predict *who_has(const struct cli_run *c, const struct sr_predicts *all, enum sr_script_language l, const char *name)
{
	const struct sr_predict *best = NULL;
	bool best_all = false;

	for (size_t i = 0; i < all->count; i++) {
		const struct sr_predict *p = &all->items[i];
		bool has_all = c->choice.wants && choice_has_all(&c->choice, p);

		if (p->problem || !p->speaks[l] || !import_is_in(l, name, &p->have[l]) || (c->env.name && strcmp(c->env.name, p->name) == 0))
			continue;
		if (!best || (has_all && !best_all) ||
		    (has_all == best_all && (p->bytes < best->bytes || (!p->bytes && p->have[l].count < best->have[l].count)))) {
			best = p;
			best_all = has_all;
		}
	}
	return best;
}

/* What stands behind the options of this run's command line, as far as it can be pasted. */
static const char *program(const struct sr_policy *p)
{
	bool script = p->form == SR_FORM_SCRIPT && p->operands.count;

	return script ? str_plain_or(p->operands.items[0], "SCRIPT") : "...";
}

/* Where the program's requirements stand, "requirements.txt" or the like; NULL: nowhere. */
static const char *lists_at(const struct cli_run *c, enum sr_script_language l)
{
	SR_AUTOCLOSE int project = c->policy.project_dir ? open(c->policy.project_dir, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
	struct sr_imports found = { .count = 0 };
	bool block = false;

	if (c->policy.install)
		return NULL;
	if (c->exec.script && l == SR_SCRIPT_PYTHON) {
		block = imports_read(l, c->exec.script, c->exec.script_len, &found) == 0 && found.dependency_count;
		imports_done(&found);
	}
	return block ? "a PEP 723 block" : requirements_hint(project, l);
}

static void say(const struct cli_run *c, enum sr_script_language l, const char *name, char *out, size_t size)
{
	struct sr_predicts built = { .items = NULL }, defined = { .items = NULL };
	const struct sr_predict *p;
	const char *list;
	char shown[256];

	(void)str_escape(name, shown, sizeof(shown));
	p = predicts_built(&built, NULL) == 0 ? who_has(c, &built, l, name) : NULL;
	if (p) {
		(void)snprintf(out, size, "the environment %s has %s; try: sandrun -E %s%s%s %s", p->name, shown, p->name,
			       c->policy.project_dir ? " -C " : "",
			       c->policy.project_dir ? str_plain_or(c->policy.project_dir, "DIR") : "", program(&c->policy));
	} else if ((list = lists_at(c, l))) {
		(void)snprintf(out, size, "%s lists what the program requires; to install it, once and with network: sandrun --install%s%s %s", list,
			       c->policy.project_dir ? " -C " : "",
			       c->policy.project_dir ? str_plain_or(c->policy.project_dir, "DIR") : "", program(&c->policy));
	} else {
		p = predicts_defined(&defined, NULL) == 0 ? who_has(c, &defined, l, name) : NULL;
		if (p && predicts_find(&built, p->name))
			p = NULL; /* it is built, and lacks it: its definition has changed since, or it was slimmed */
		if (p)
			(void)snprintf(out, size, "%s is not in the environment %s; one that has it: sandrun environment build %s", shown,
				       c->policy.environment ? str_plain_or(c->policy.environment, "of this run") : "host", p->name);
	}
	predicts_done(&built);
	predicts_done(&defined);
}

void hint_module(const struct cli_run *c, char *out, size_t size)
{
	enum sr_script_language own = script_language(c->exec.lang);
	char name[200];

	for (size_t i = 0; !out[0] && i < SR_ELEMENTSOF(words); i++) {
		if (own != SR_SCRIPT_OTHER && own != words[i].language)
			continue;
		if (find_module(c->run.tail, &words[i], name, sizeof(name)))
			say(c, words[i].language, name, out, size);
	}
}
