/* SPDX-License-Identifier: MIT */
#include "evidence/committed.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "base/str.h"
#include "evidence/commitment.h"

void committed_done(struct sr_committed_list *l)
{
	for (size_t i = 0; i < l->count; i++) {
		free(l->items[i].role);
		free(l->items[i].name);
	}
	free(l->items);
	*l = (struct sr_committed_list){ .items = NULL };
}

char *committed_word(const struct sr_committed *item)
{
	return strcmp(item->role, item->name) == 0 ? str_format("%s", item->role) : str_format("%s:%s", item->role, item->name);
}

const struct sr_committed *committed_find(const struct sr_committed_list *l, const char *word)
{
	for (size_t i = 0; i < l->count; i++) {
		SR_AUTOFREE char *called = committed_word(&l->items[i]);

		if (called && strcmp(called, word) == 0)
			return &l->items[i];
	}
	return NULL;
}

/* A digest set: one of the two, never both. */
static int take_set(const json_t *set, struct sr_committed *ret)
{
	const char *plain = json_string_value(json_object_get(set, "sha256"));
	const char *hidden = json_string_value(json_object_get(set, SR_COMMITMENT_NAME));
	const char *hex = hidden ? hidden : plain;

	if (!hex || json_object_size(set) != 1 || strlen(hex) != SR_DIGEST_HEX - 1 ||
	    strspn(hex, "0123456789abcdef") != SR_DIGEST_HEX - 1)
		return -EBADMSG;
	ret->is_private = hidden;
	memcpy(ret->hex, hex, SR_DIGEST_HEX);
	return 0;
}

/* A set that is missing or null stands for nothing. */
static int add(struct sr_committed_list *l, const char *role, const char *name, const json_t *set)
{
	struct sr_committed item = { .role = NULL }, *bigger;
	int r;

	if (!set || json_is_null(set))
		return 0;
	r = name ? take_set(set, &item) : -EBADMSG;
	if (r < 0)
		return r;
	bigger = realloc(l->items, (l->count + 1) * sizeof(*bigger));
	if (!bigger)
		return -ENOMEM;
	l->items = bigger;
	item.role = strdup(role);
	item.name = strdup(name);
	l->items[l->count++] = item; /* committed_done() takes both from here */
	return item.role && item.name ? 0 : -ENOMEM;
}

static const char *text(const json_t *o, const char *key)
{
	return json_string_value(json_object_get(o, key));
}

static int add_plan(struct sr_committed_list *l, const json_t *plan)
{
	const json_t *script = json_object_get(plan, "script"), *inputs = json_object_get(plan, "inputs"), *input;
	size_t i;
	int r = add(l, "argv", "argv", json_object_get(json_object_get(plan, "argv"), "commitment"));

	if (r == 0)
		r = add(l, "env", "env", json_object_get(json_object_get(plan, "env"), "commitment"));
	if (r == 0)
		r = add(l, "script", text(script, "name"), json_object_get(script, "digest"));
	json_array_foreach(inputs, i, input) {
		if (r == 0)
			r = add(l, "input", text(input, "name"), json_object_get(input, "digest"));
	}
	return r;
}

static int add_subject(struct sr_committed_list *l, const json_t *subject)
{
	static const char *const streams[] = { "stdout", "stderr", "terminal", "stdout+stderr" };
	const char *name = text(subject, "name");
	const json_t *set = json_object_get(subject, "digest");

	if (!name)
		return -EBADMSG;
	if (str_has_prefix(name, "out/"))
		return add(l, "output", name + 4, set);
	for (size_t i = 0; i < SR_ELEMENTSOF(streams); i++) {
		if (strcmp(name, streams[i]) == 0)
			return add(l, name, name, set);
	}
	return 0; /* the run itself */
}

int committed_list(const json_t *statement, struct sr_committed_list *ret)
{
	const json_t *predicate = json_object_get(statement, "predicate"), *subjects = json_object_get(statement, "subject"), *subject;
	const json_t *plan = json_object_get(predicate, "plan");
	struct sr_committed_list l = { .items = NULL };
	size_t i;
	int r;

	if (!json_is_object(plan) || !json_is_array(subjects))
		return -EBADMSG;
	r = add_plan(&l, plan);
	if (r == 0)
		r = add(&l, "stdin", "stdin", json_object_get(json_object_get(json_object_get(predicate, "result"), "stdin"), "digest"));
	json_array_foreach(subjects, i, subject) {
		if (r == 0)
			r = add_subject(&l, subject);
	}
	if (r < 0)
		committed_done(&l);
	else
		*ret = l;
	return r;
}
