/* SPDX-License-Identifier: MIT */
/*
 * The opening file beside a certificate: a salt for every commitment in it (evidence/opening.h).
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "evidence/opening.h"
#include "run/certify.h"
#include "run/certstore.h"

struct names {
	struct sr_opening_name *items;
	size_t count;
};

static void add(struct names *n, bool wanted, const char *role, const char *name)
{
	if (wanted)
		n->items[n->count++] = (struct sr_opening_name){ .role = role, .name = name };
}

/* What the certificate holds commitments to: the conditions are those of certify-plan.c and certify-result.c. */
static int collect_names(const struct sr_certify_facts *f, struct names *n)
{
	const struct sr_stream_result *const streams[] = { &f->run->outcome.in, &f->run->outcome.out, &f->run->outcome.err };

	n->items = calloc(8 + f->snapshot->count + f->collected->count, sizeof(*n->items));
	if (!n->items)
		return -ENOMEM;
	add(n, !f->policy->record_args, "argv", "argv");
	add(n, true, "env", "env");
	add(n, f->exec->script && policy_is_script_private(f->policy), "script", certify_script_name(f->exec));
	for (size_t i = 0; i < f->snapshot->count; i++)
		add(n, f->snapshot->items[i].is_private, "input", f->snapshot->items[i].name);
	for (size_t i = 0; f->ran && i < SR_ELEMENTSOF(streams); i++)
		add(n, streams[i]->present && streams[i]->is_private, streams[i]->role, streams[i]->role);
	for (size_t i = 0; i < f->collected->count; i++)
		add(n, f->collected->items[i].is_private, "output", f->collected->items[i].name);
	return 0;
}

int certify_write_opening(const struct sr_certify *c, const struct sr_certify_facts *f, char **ret_path)
{
	struct names n = { .items = NULL };
	char name[SR_RUN_ID + 16];
	char *text = NULL;
	int r;

	(void)snprintf(name, sizeof(name), "%s" SR_CERTSTORE_OPENING, c->run_id);
	*ret_path = f->policy->certificate ? opening_path(f->policy->certificate, c->run_id) : certstore_path(name);
	r = *ret_path ? collect_names(f, &n) : -ENOMEM;
	if (r == 0)
		r = opening_text(c->run_id, f->salt, n.items, n.count, &text);
	if (r == 0 && f->policy->certificate)
		r = file_write_whole(*ret_path, 0600, text, strlen(text), f->policy->durable);
	else if (r == 0)
		r = file_write_at(c->dir_fd, name, 0600, text, strlen(text), f->policy->durable);
	opening_text_free(text);
	free(n.items);
	return r;
}
