/* SPDX-License-Identifier: MIT */
#include "policy/profile-list.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define STAGE "profile"

static void listed_done(struct profile_listed *i)
{
	free(i->name);
	free(i->path);
	free(i->description);
	free(i->broken);
}

void profile_listing_done(struct profile_listing *l)
{
	for (size_t i = 0; i < l->count; i++)
		listed_done(&l->items[i]);
	free(l->items);
	*l = (struct profile_listing){ .count = 0 };
}

static int add(struct profile_listing *l, const char *name, size_t len, enum place place, const char *folder)
{
	struct profile_listed *bigger = realloc(l->items, (l->count + 1) * sizeof(*bigger));
	struct profile_listed item = { .place = place, .name = strndup(name, len) };

	if (bigger)
		l->items = bigger;
	if (folder && item.name)
		item.path = str_format("%s/%s" SR_PROFILE_SUFFIX, folder, item.name);
	if (!bigger || !item.name || (folder && !item.path)) {
		listed_done(&item);
		return -ENOMEM;
	}
	bigger[l->count++] = item;
	return 0;
}

/* What is named otherwise is found by no name. */
static bool is_profile(const char *file, size_t *ret_len)
{
	size_t suffix = strlen(SR_PROFILE_SUFFIX), len = strlen(file);
	char name[256];

	if (!str_has_suffix(file, SR_PROFILE_SUFFIX) || len - suffix >= sizeof(name))
		return false;
	memcpy(name, file, len - suffix);
	name[len - suffix] = '\0';
	*ret_len = len - suffix;
	return profile_is_word(name);
}

static int add_folder(struct profile_listing *l, enum place place, const char *folder, int *ret_unreadable)
{
	DIR *dir = folder ? opendir(folder) : NULL;
	struct dirent *d;
	size_t len;
	int r = 0;

	*ret_unreadable = 0;
	if (!dir) {
		*ret_unreadable = folder && errno != ENOENT && errno != ENOTDIR ? errno : 0;
		return 0;
	}
	while (r == 0 && (errno = 0, d = readdir(dir))) {
		if (is_profile(d->d_name, &len))
			r = add(l, d->d_name, len, place, folder);
	}
	if (r == 0)
		*ret_unreadable = errno;
	(void)closedir(dir);
	return r;
}

static int add_compiled_in(struct profile_listing *l)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < sr_profile_text_count; i++)
		r = add(l, sr_profile_texts[i].name, strlen(sr_profile_texts[i].name), PLACE_COMPILED_IN, NULL);
	return r;
}

static int compare(const void *a, const void *b)
{
	const struct profile_listed *x = a, *y = b;
	int names = strcmp(x->name, y->name);

	return names ? names : (int)x->place - (int)y->place;
}

static int keep_error(struct profile_listed *item, const struct sr_error *why)
{
	item->broken = malloc(sizeof(*item->broken));
	if (!item->broken)
		return -ENOMEM;
	*item->broken = *why;
	return 0;
}

/* Loads it as a run would, one in the shadow as if the places before were empty. *ret_repeats: it is a file with the text that is compiled in. */
static int look_at(const struct profile_places *places, struct profile_listed *item, bool *ret_repeats)
{
	const struct profile_places from = {
		.user = item->shadowed ? NULL : places->user,
		.installed = item->shadowed && item->place == PLACE_COMPILED_IN ? NULL : places->installed,
	};
	struct profile_chain noted = { .noted = true }, plain = { .noted = false };
	struct sr_error why = SR_ERROR_INIT, second = SR_ERROR_INIT;
	int r = 0;

	*ret_repeats = false;
	if (profile_chain_load(&from, item->name, &plain, &why) < 0)
		r = why.code == SR_E_PROFILE ? keep_error(item, &why) : -ENOMEM;
	if (r == 0 && profile_chain_load(&from, item->name, &noted, &second) < 0)
		r = second.code == SR_E_PROFILE ? 0 : -ENOMEM;
	if (r == 0 && noted.count) {
		*ret_repeats = noted.links[0].path && noted.links[0].shipped;
		item->description = SR_TAKE_PTR(noted.links[0].notes.description);
	}
	profile_chain_done(&plain);
	profile_chain_done(&noted);
	return r;
}

/* Looks at every item, and takes out those that an item before them repeats. */
static int look_at_all(const struct profile_places *places, struct profile_listing *l)
{
	bool repeats = false, repeated = false;
	size_t kept = 0;
	int r = 0;

	for (size_t i = 0; i < l->count; i++) {
		struct profile_listed *item = &l->items[i];
		const struct profile_listed *before = kept ? &l->items[kept - 1] : NULL;

		item->shadowed = before && strcmp(before->name, item->name) == 0;
		if (item->shadowed && item->place == PLACE_COMPILED_IN && repeats) {
			listed_done(item);
			continue;
		}
		if (r == 0)
			r = look_at(places, item, &repeated);
		repeats = repeated;
		l->items[kept++] = *item;
	}
	l->count = kept;
	return r;
}

int profile_list(const struct profile_places *places, struct profile_listing *ret, int ret_unreadable[static 2],
		 struct sr_error *err)
{
	struct profile_listing l = { .count = 0 };
	int r = add_folder(&l, PLACE_USER, places->user, &ret_unreadable[0]);

	if (r == 0)
		r = add_folder(&l, PLACE_INSTALLED, places->installed, &ret_unreadable[1]);
	if (r == 0)
		r = add_compiled_in(&l);
	if (r == 0) {
		qsort(l.items, l.count, sizeof(*l.items), compare);
		r = look_at_all(places, &l);
	}
	if (r < 0) {
		profile_listing_done(&l);
		return sr_error_oom(err, STAGE);
	}
	*ret = l;
	return 0;
}
