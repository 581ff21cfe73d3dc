/* SPDX-License-Identifier: MIT */
#include "environment/packages.h"

#include <errno.h>
#include <string.h>

#include "base/macros.h"
#include "environment/definition.h"

/* --- stanzas ------------------------------------------------------------------------------------------------------------------ */

bool stanza_next(const char **at, struct stanza *ret)
{
	const char *p = *at + strspn(*at, "\n"), *end;

	if (!*p)
		return false;
	end = strstr(p, "\n\n");
	*ret = (struct stanza){ .at = p, .len = end ? (size_t)(end - p) + 1 : strlen(p) };
	*at = p + ret->len;
	return true;
}

bool stanza_field(const struct stanza *s, const char *name, const char **ret, size_t *ret_len)
{
	size_t len = strlen(name);
	const char *end = s->at + s->len;

	for (const char *p = s->at, *next; p < end; p = next) {
		const char *stop = memchr(p, '\n', (size_t)(end - p));

		stop = stop ? stop : end;
		next = stop < end ? stop + 1 : end;
		if ((size_t)(stop - p) <= len || strncmp(p, name, len) != 0 || p[len] != ':')
			continue;
		p += len + 1;
		while (p < stop && *p == ' ')
			p++;
		*ret = p;
		*ret_len = (size_t)(stop - p);
		return true;
	}
	return false;
}

/* A fresh copy, "" where it is missing; NULL when memory is out. */
static char *copy_field(const struct stanza *s, const char *name)
{
	const char *value = "";
	size_t len = 0;

	(void)stanza_field(s, name, &value, &len);
	return strndup(value, len);
}

static uint64_t number_field(const struct stanza *s, const char *name)
{
	SR_AUTOFREE char *text = copy_field(s, name);
	uint64_t n = 0;

	return text && str_to_u64(text, &n) == 0 ? n : 0;
}

/* --- the list ------------------------------------------------------------------------------------------------------------------ */

static void package_done(struct sr_package *p)
{
	free(p->name);
	free(p->version);
	free(p->arch);
	free(p->sha256);
	free(p->depends);
	free(p->pre_depends);
	free(p->provides);
	free(p->multi_arch);
}

void packages_done(struct sr_packages *p)
{
	for (size_t i = 0; i < p->count; i++)
		package_done(&p->items[i]);
	free(p->items);
	*p = (struct sr_packages){ .count = 0 };
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(((const struct sr_package *)a)->name, ((const struct sr_package *)b)->name);
}

static int parse_package(const struct stanza *s, struct sr_package *p)
{
	SR_AUTOFREE char *essential = copy_field(s, "Essential");

	*p = (struct sr_package){ .name = copy_field(s, "Package"),
				  .version = copy_field(s, "Version"),
				  .arch = copy_field(s, "Architecture"),
				  .sha256 = copy_field(s, "SHA256"),
				  .depends = copy_field(s, "Depends"),
				  .pre_depends = copy_field(s, "Pre-Depends"),
				  .provides = copy_field(s, "Provides"),
				  .multi_arch = copy_field(s, "Multi-Arch"),
				  .size = number_field(s, "Size"),
				  .installed = number_field(s, "Installed-Size") << 10 };
	p->essential = essential && strcmp(essential, "yes") == 0;
	if (essential && p->name && p->version && p->arch && p->sha256 && p->depends && p->pre_depends && p->provides &&
	    p->multi_arch)
		return 0;
	package_done(p);
	return -ENOMEM;
}

int packages_parse(const char *text, struct sr_packages *ret)
{
	struct stanza s;

	*ret = (struct sr_packages){ .count = 0 };
	while (stanza_next(&text, &s)) {
		struct sr_package *bigger, p;
		const char *value;
		size_t len;

		if (!stanza_field(&s, "Package", &value, &len) || !stanza_field(&s, "SHA256", &value, &len))
			continue;
		bigger = parse_package(&s, &p) < 0 ? NULL : realloc(ret->items, (ret->count + 1) * sizeof(*bigger));
		if (!bigger) {
			packages_done(ret);
			return -ENOMEM;
		}
		ret->items = bigger;
		for (size_t i = 0; i < ret->count; i++) {
			if (strcmp(ret->items[i].name, p.name) == 0) {
				package_done(&p);
				p.name = NULL;
				break;
			}
		}
		if (p.name)
			ret->items[ret->count++] = p;
	}
	if (ret->count)
		qsort(ret->items, ret->count, sizeof(*ret->items), compare_names);
	return 0;
}

struct sr_package *packages_find(const struct sr_packages *p, const char *name, size_t len)
{
	size_t low = 0, high = p->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int c = strncmp(p->items[middle].name, name, len);

		if (c == 0 && p->items[middle].name[len])
			c = 1;
		if (c == 0)
			return &p->items[middle];
		if (c < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

/* --- what is kept ----------------------------------------------------------------------------------------------------------------- */

/* The next name of a list such as "a (>= 1) | b:any, c"; 0 at the end. */
static size_t next_name(const char **at)
{
	const char *p = *at;

	while (*p == ' ' || *p == ',' || *p == '|')
		p++;
	*at = p;
	return strcspn(p, " ,|:(");
}

/* Behind the name: its version and architecture. */
static const char *after_name(const char *p)
{
	return p + strcspn(p, ",|");
}

static bool is_provided(const struct sr_package *p, const char *name, size_t len)
{
	const char *at = p->provides;

	for (size_t n; (n = next_name(&at)) > 0; at = after_name(at)) {
		if (n == len && strncmp(at, name, n) == 0)
			return true;
	}
	return false;
}

struct todo {
	struct sr_package **items; /* room for each package once */
	size_t count;
};

static void keep(struct todo *t, struct sr_package *p)
{
	if (p->kept || p->dropped)
		return;
	p->kept = true;
	t->items[t->count++] = p;
}

/* A package by its name, else all that provide it. */
static void keep_name(struct todo *t, const struct sr_packages *all, const char *name, size_t len)
{
	struct sr_package *p = packages_find(all, name, len);

	if (p) {
		keep(t, p);
		return;
	}
	for (size_t i = 0; i < all->count; i++) {
		if (is_provided(&all->items[i], name, len))
			keep(t, &all->items[i]);
	}
}

static void keep_list(struct todo *t, const struct sr_packages *all, const char *list)
{
	for (size_t n; (n = next_name(&list)) > 0; list = after_name(list))
		keep_name(t, all, list, n);
}

int packages_select(struct sr_packages *p, const struct sr_strv *named, const struct sr_strv *drop)
{
	SR_AUTOFREE struct sr_package **items = calloc(p->count + 1, sizeof(struct sr_package *));
	struct todo todo = { .items = items };

	if (!items)
		return -ENOMEM;
	for (size_t i = 0; i < drop->count; i++) {
		struct sr_package *found = packages_find(p, drop->items[i], strlen(drop->items[i]));

		if (found)
			found->dropped = true;
	}
	for (size_t i = 0; i < named->count; i++) {
		bool essential = strcmp(named->items[i], SR_ESSENTIAL) == 0;

		for (size_t k = 0; essential && k < p->count; k++) {
			if (p->items[k].essential)
				keep(&todo, &p->items[k]);
		}
		if (!essential)
			keep_name(&todo, p, named->items[i], strlen(named->items[i]));
	}
	while (todo.count > 0) {
		const struct sr_package *one = todo.items[--todo.count];

		keep_list(&todo, p, one->pre_depends);
		keep_list(&todo, p, one->depends);
	}
	return 0;
}

char *package_file(const struct sr_package *p)
{
	const char *colon = strchr(p->version, ':');

	if (!colon)
		return str_format("%s_%s_%s.deb", p->name, p->version, p->arch);
	return str_format("%s_%.*s%%3a%s_%s.deb", p->name, (int)(colon - p->version), p->version, colon + 1, p->arch);
}

void packages_print_dropped(const struct sr_packages *p, FILE *f)
{
	for (size_t i = 0; i < p->count; i++) {
		const struct sr_package *one = &p->items[i];

		if (!one->dropped)
			continue;
		(void)fprintf(f, "Package: %s\nStatus: install ok installed\nVersion: %s~dropped\nArchitecture: %s\n", one->name,
			      one->version, one->arch);
		if (*one->multi_arch)
			(void)fprintf(f, "Multi-Arch: %s\n", one->multi_arch);
		(void)fprintf(f, "Provides: %s (= %s)%s%s\n", one->name, one->version, *one->provides ? ", " : "", one->provides);
		(void)fprintf(f, "Description: left out of this environment\n\n");
	}
}
