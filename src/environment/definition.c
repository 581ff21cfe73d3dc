/* SPDX-License-Identifier: MIT */
#include "environment/definition.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <nettle/sha2.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/io.h"
#include "base/xdg.h"
#include "environment/common.h"
#include "environment/definition-read.h"
#include "image/predict.h"
#include "image/store-write.h"

#define SUFFIX ".ini"

void definition_done(struct sr_definition *d)
{
	struct sr_strv *lists[] = { &d->debian,         &d->drop_packages, &d->drop_paths,    &d->missing_libraries,
				    &d->language_names, &d->language_paths, &d->predict_keys, &d->predict_words,
				    &d->variable_names, &d->variable_values };

	for (size_t i = 0; i < SR_ELEMENTSOF(lists); i++)
		strv_done(lists[i]);
	for (size_t i = 0; i < SR_CHECKS; i++)
		free(d->checks[i].code);
	free(d->name);
	free(d->path);
	free(d->description);
	free(d->base);
	free(d->profile);
	free(d->finish);
	*d = (struct sr_definition){ .name = NULL };
}

void definitions_done(struct sr_definitions *d)
{
	for (size_t i = 0; i < d->count; i++)
		definition_done(&d->items[i]);
	free(d->items);
	*d = (struct sr_definitions){ .count = 0 };
}

/* --- where ---------------------------------------------------------------------------------------------------------------- */

/* Opens NAME.ini, the user's or the shipped one. Descriptor and its path, or -errno (-ENOENT: neither). */
static int open_definition(const char *name, char **ret_path, bool *ret_shipped)
{
	for (int place = 0; place < 2; place++) {
		SR_AUTOFREE char *folder = NULL;
		SR_AUTOFREE char *path = NULL;
		int r = place ? 0 : xdg_path(SR_XDG_CONFIG, "environments", &folder);
		int fd;

		if (r == -ENOENT)
			continue;
		if (r < 0)
			return r;
		path = str_format("%s/%s" SUFFIX, place ? predicts_shipped_folder() : folder, name);
		if (!path)
			return -ENOMEM;
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
		if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
			continue;
		r = fd < 0 ? -errno : fd;
		*ret_shipped = place == 1;
		*ret_path = SR_TAKE_PTR(path);
		return r;
	}
	return -ENOENT;
}

static int add_names(const char *folder, struct sr_strv *ret)
{
	DIR *dir = opendir(folder);
	struct dirent *e;
	int r = 0;

	if (!dir)
		return errno == ENOMEM ? -ENOMEM : 0;
	while (r == 0 && (e = readdir(dir))) {
		if (!str_has_suffix(e->d_name, SUFFIX))
			continue;
		e->d_name[strlen(e->d_name) - strlen(SUFFIX)] = '\0';
		if (store_is_name(e->d_name))
			r = strv_add(ret, e->d_name);
	}
	(void)closedir(dir);
	return r;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int definition_names(struct sr_strv *ret)
{
	SR_AUTOFREE char *user = NULL;
	int r = xdg_path(SR_XDG_CONFIG, "environments", &user);

	if (r < 0 && r != -ENOENT)
		return r;
	r = user ? add_names(user, ret) : 0;
	if (r == 0)
		r = add_names(predicts_shipped_folder(), ret);
	if (ret->count)
		qsort(ret->items, ret->count, sizeof(char *), compare_names);
	return r;
}

/* --- one -------------------------------------------------------------------------------------------------------------------- */

/* "near is X", or all there are. */
static void hint_names(const char *name, struct sr_error *err)
{
	struct sr_strv names = { .count = 0 };
	const char *near = NULL;
	size_t best = 3;
	char list[512] = "";

	if (definition_names(&names) == 0) {
		for (size_t i = 0; i < names.count; i++) {
			size_t d = str_distance(name, strlen(name), names.items[i], strlen(names.items[i]));
			size_t used = strlen(list);

			if (d < best) {
				best = d;
				near = names.items[i];
			}
			(void)snprintf(list + used, sizeof(list) - used, "%s%s", used ? ", " : "", names.items[i]);
		}
		if (near)
			sr_error_hint(err, "sandrun environment build %s", near);
		else
			sr_error_hint(err, "there are %s; one of your own is ~/.config/sandrun/environments/NAME.ini", list);
	}
	strv_done(&names);
}

/*
 * Whether others could have put something into the file: of the user's files only what the user and root alone can write is
 * read. The shipped ones are trusted as this program is.
 */
static int check_owner(int fd, const char *path, bool shipped, struct sr_error *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return sr_error_set(err, SR_E_ENVIRONMENT, errno, STAGE, "cannot read %s: %s", SHOWN(path), strerror(errno));
	if (!S_ISREG(st.st_mode))
		return sr_error_set(err, SR_E_ENVIRONMENT, EINVAL, STAGE, "cannot read %s: it is no file", SHOWN(path));
	if (!shipped && ((st.st_uid != geteuid() && st.st_uid != 0) || (st.st_mode & 022))) {
		(void)sr_error_set(err, SR_E_ENVIRONMENT, EPERM, STAGE,
				   "cannot use %s: another user could change it", SHOWN(path));
		sr_error_hint(err, "chmod go-w %s", str_plain_or(path, "FILE"));
		return -EPERM;
	}
	return 0;
}

static void digest_text(const char *text, size_t len, char out[static 72])
{
	struct sha256_ctx ctx;
	uint8_t sum[SHA256_DIGEST_SIZE];
	char hex[2 * sizeof(sum) + 1];

	sha256_init(&ctx);
	sha256_update(&ctx, len, (const uint8_t *)text);
	sha256_digest(&ctx, sizeof(sum), sum);
	str_hex(sum, sizeof(sum), hex);
	(void)snprintf(out, 72, "sha256:%s", hex);
}

int definition_load(const char *name, struct sr_definition *ret, struct sr_error *err)
{
	SR_AUTOFREE char *path = NULL;
	SR_AUTOFREE char *text = NULL;
	SR_AUTOCLOSE int fd = -1;
	bool shipped = false;
	size_t len = 0;
	int r = store_check_name(name, err);

	*ret = (struct sr_definition){ .name = NULL };
	if (r < 0)
		return r;
	fd = open_definition(name, &path, &shipped);
	if (fd == -ENOENT && !path) {
		(void)sr_error_set(err, SR_E_ENVIRONMENT, ENOENT, STAGE, "cannot build %s: there is no definition of that name",
				   SHOWN(name));
		hint_names(name, err);
		return -ENOENT;
	}
	r = fd < 0 ? fd : check_owner(fd, path, shipped, err);
	if (fd >= 0 && r < 0)
		return r;
	if (r == 0)
		r = io_read_all(fd, SR_INI_SIZE_MAX, &text, &len);
	if (r < 0)
		return sr_error_set(err, SR_E_ENVIRONMENT, -r, STAGE, "cannot read %s: %s", path ? SHOWN(path) : SHOWN(name),
				    strerror(-r));
	ret->name = strdup(name);
	ret->path = SR_TAKE_PTR(path);
	digest_text(text, len, ret->digest);
	r = ret->name ? definition_read(text, len, ret, err) : sr_error_oom(err, STAGE);
	if (r < 0)
		definition_done(ret);
	return r;
}

/* --- with its bases --------------------------------------------------------------------------------------------------------- */

static int refuse_base(const struct sr_definition *d, const char *why, struct sr_error *err)
{
	return sr_error_set(err, SR_E_ENVIRONMENT, EINVAL, STAGE, "cannot read %s:%u: base = %s %s", SHOWN(d->path), d->base_line,
			    SHOWN(d->base), why);
}

/* Puts the base of items[0] in front of it. 1 when there was one, 0 when there is none. */
static int add_base(struct sr_definitions *all, struct sr_error *err)
{
	struct sr_error why = SR_ERROR_INIT;
	struct sr_definition base, *bigger;
	const struct sr_definition *first = &all->items[0];
	int r;

	if (!first->base)
		return 0;
	for (size_t i = 0; i < all->count; i++) {
		if (strcmp(all->items[i].name, first->base) == 0)
			return refuse_base(first, "leads back to itself", err);
	}
	if (all->count == SR_DEFINITION_DEPTH)
		return refuse_base(first, "is too deep: 16 environments stand on each other", err);
	r = definition_load(first->base, &base, &why);
	if (r == -ENOENT) {
		(void)refuse_base(first, "names no definition", err);
		sr_error_hint(err, "%s", why.hint);
		return r;
	}
	if (r < 0) {
		if (err)
			*err = why;
		return r;
	}
	bigger = realloc(all->items, (all->count + 1) * sizeof(*bigger));
	if (!bigger) {
		definition_done(&base);
		return sr_error_oom(err, STAGE);
	}
	memmove(bigger + 1, bigger, all->count * sizeof(*bigger));
	bigger[0] = base;
	all->items = bigger;
	all->count++;
	return 1;
}

/* Adds the pairs of `from` whose names `to` does not have; with all also the others. */
static int add_pairs(struct sr_strv *names, struct sr_strv *texts, const struct sr_strv *from_names, const struct sr_strv *from_texts,
		     bool all)
{
	size_t own = names->count;

	for (size_t i = 0; i < from_names->count; i++) {
		bool has = false;

		for (size_t k = 0; k < own && !all; k++)
			has = has || strcmp(names->items[k], from_names->items[i]) == 0;
		if (!has && (strv_add(names, from_names->items[i]) < 0 || strv_add(texts, from_texts->items[i]) < 0))
			return -ENOMEM;
	}
	return 0;
}

/* What holds for a base holds for what stands on it: interpreters, variables, the profile, and all that it has to import. */
static int inherit(struct sr_definition *d, const struct sr_definition *base)
{
	if (!d->profile && base->profile) {
		d->profile = strdup(base->profile);
		if (!d->profile)
			return -ENOMEM;
	}
	if (add_pairs(&d->language_names, &d->language_paths, &base->language_names, &base->language_paths, false) < 0 ||
	    add_pairs(&d->variable_names, &d->variable_values, &base->variable_names, &base->variable_values, false) < 0)
		return -ENOMEM;
	return add_pairs(&d->predict_keys, &d->predict_words, &base->predict_keys, &base->predict_words, true);
}

int definitions_load(const char *name, struct sr_definitions *ret, struct sr_error *err)
{
	int r;

	*ret = (struct sr_definitions){ .items = calloc(1, sizeof(*ret->items)) };
	if (!ret->items)
		return sr_error_oom(err, STAGE);
	r = definition_load(name, &ret->items[0], err);
	ret->count = r == 0;
	do {
		if (r >= 0)
			r = add_base(ret, err);
	} while (r > 0);
	for (size_t i = 1; r == 0 && i < ret->count; i++)
		r = inherit(&ret->items[i], &ret->items[i - 1]) < 0 ? sr_error_oom(err, STAGE) : 0;
	if (r < 0)
		definitions_done(ret);
	return r;
}
