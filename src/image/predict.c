/* SPDX-License-Identifier: MIT */
#include "image/predict.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/io.h"
#include "base/xdg.h"
#include "image/store.h"
#include "policy/ini-read.h"
#include "policy/owner.h"

#define STAGE "environment"
#define SUFFIX ".ini"
#define WORDS_MAX 4096 /* of one list */
#define DEPTH_MAX 16   /* environments on each other */

static void predict_done(struct sr_predict *p)
{
	free(p->name);
	free(p->base);
	free(p->digest);
	free(p->problem);
	for (size_t i = 0; i < SR_SCRIPT_LANGUAGES; i++)
		strv_done(&p->have[i]);
	*p = (struct sr_predict){ .name = NULL };
}

void predicts_done(struct sr_predicts *p)
{
	for (size_t i = 0; i < p->count; i++)
		predict_done(&p->items[i]);
	free(p->items);
	*p = (struct sr_predicts){ .items = NULL };
}

/* ---- one file ------------------------------------------------------------------------------------------------------- */

static int take_text(struct sr_ini *in, const struct sr_ini_key *key, const char *value)
{
	char **to = (char **)((char *)in->into + key->id);

	*to = strdup(value);
	return *to ? 0 : ini_oom(in);
}

static int take_bytes(struct sr_ini *in, const struct sr_ini_key *key, const char *value)
{
	struct sr_predict *p = in->into;

	(void)key;
	return str_to_u64(value, &p->bytes) < 0 ? ini_refuse(in, "bytes is no number") : 0;
}

static int take_language(struct sr_ini *in, const struct sr_ini_key *key, const char *value)
{
	struct sr_predict *p = in->into;

	p->speaks[key->id] = *value != '\0';
	return 0;
}

static int take_words(struct sr_ini *in, const struct sr_ini_key *key, const char *value)
{
	struct sr_predict *p = in->into;
	struct sr_strv *to = &p->have[key->id];

	while (*(value += strspn(value, " \t,"))) {
		size_t n = strcspn(value, " \t,");
		char word[256];

		if (n < sizeof(word)) {
			memcpy(word, value, n);
			word[n] = '\0';
			if (to->count == WORDS_MAX)
				return ini_refuse(in, "%s has more than %d words", key->name, WORDS_MAX);
			if (strv_add(to, word) < 0)
				return ini_oom(in);
		}
		value += n;
	}
	return 0;
}

/* What else these files hold is others' to judge. */
static int pass_over(struct sr_ini *in, const char *section, const char *name, const char *value)
{
	(void)in;
	(void)section;
	(void)value;
	return name ? 1 : 0;
}

#define TEXT(section_, name_, field) \
	{ .section = (section_), .name = (name_), .take = take_text, .id = (int)offsetof(struct sr_predict, field) }
#define LANGUAGE(name_, language) { .section = "languages", .name = (name_), .take = take_language, .id = (language) }
#define WORDS(name_, language) { .section = "predict", .name = (name_), .take = take_words, .list = true, .id = (language) }
/* Their keys are passed over, but a section must be known by one. */
#define SECTION(section_) { .section = (section_), .name = "", .take = take_language, .list = true, .id = SR_SCRIPT_OTHER }

static const struct sr_ini_key keys[] = {
	TEXT("image", "base", base),
	TEXT("image", "digest", digest),
	{ .section = "image", .name = "bytes", .take = take_bytes },
	TEXT("environment", "base", base),
	LANGUAGE("python", SR_SCRIPT_PYTHON),
	LANGUAGE("node", SR_SCRIPT_JAVASCRIPT),
	LANGUAGE("R", SR_SCRIPT_R),
	LANGUAGE("r", SR_SCRIPT_R),
	LANGUAGE("ruby", SR_SCRIPT_RUBY),
	WORDS("imports", SR_SCRIPT_PYTHON),
	WORDS("npm", SR_SCRIPT_JAVASCRIPT),
	WORDS("r", SR_SCRIPT_R),
	WORDS("ruby", SR_SCRIPT_RUBY),
	SECTION("variables"),
	SECTION("run"),
	SECTION("packages"),
	SECTION("slim"),
	SECTION("check"),
	SECTION("paths"),
};

static const struct sr_ini_format format = {
	.stage = STAGE,
	.cannot = "cannot read",
	.code = SR_E_ENVIRONMENT,
	.keys = keys,
	.key_count = SR_ELEMENTSOF(keys),
	.explain = pass_over,
};

/* Why it is not used, in static or *buffer's text; NULL and the text: it is read. */
static const char *read_file(int dir_fd, const char *file, char **ret, size_t *ret_len)
{
	SR_AUTOCLOSE int fd = openat(dir_fd, file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	const char *refusal, *mend;
	struct stat st;
	int r;

	if (fd < 0 || fstat(fd, &st) < 0)
		return strerror(errno);
	refusal = owner_refusal(fd, &st, &mend);
	if (refusal)
		return refusal;
	r = io_read_all(fd, SR_INI_SIZE_MAX, ret, ret_len);
	return r < 0 ? strerror(-r) : NULL;
}

static int read_one(int dir_fd, const char *file, struct sr_predict *p)
{
	SR_AUTOFREE char *text = NULL;
	struct sr_error bad = SR_ERROR_INIT;
	size_t len = 0;
	const char *problem = read_file(dir_fd, file, &text, &len);

	if (!problem && ini_read(&format, file, text, len, p, &bad) < 0)
		problem = bad.text;
	for (size_t i = 0; i < SR_SCRIPT_LANGUAGES; i++)
		p->speaks[i] = p->speaks[i] || p->have[i].count > 0;
	if (!problem)
		return 0;
	p->problem = strdup(problem);
	return p->problem ? 0 : -ENOMEM;
}

/* ---- a folder of them ------------------------------------------------------------------------------------------------ */

const struct sr_predict *predicts_find(const struct sr_predicts *p, const char *name)
{
	for (size_t i = 0; i < p->count; i++) {
		if (strcmp(p->items[i].name, name) == 0)
			return &p->items[i];
	}
	return NULL;
}

static int add(struct sr_predicts *ret, int dir_fd, const char *file)
{
	struct sr_predict p = { .name = strndup(file, strlen(file) - strlen(SUFFIX)) };
	struct sr_predict *bigger;
	int r;

	if (!p.name)
		return -ENOMEM;
	if (!image_is_name(p.name) || str_has_prefix(p.name, SR_REQUIREMENTS_PREFIX) || predicts_find(ret, p.name)) {
		predict_done(&p);
		return 0;
	}
	bigger = realloc(ret->items, (ret->count + 1) * sizeof(*bigger));
	if (bigger)
		ret->items = bigger;
	r = bigger ? read_one(dir_fd, file, &p) : -ENOMEM;
	if (r < 0) {
		predict_done(&p);
		return r;
	}
	ret->items[ret->count++] = p;
	return 0;
}

static int by_name(const void *a, const void *b)
{
	const struct sr_predict *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int list_files(DIR *dir, struct sr_strv *ret)
{
	struct dirent *d;
	int r = 0;

	while (r == 0 && (d = readdir(dir))) {
		if (*d->d_name != '.' && str_has_suffix(d->d_name, SUFFIX))
			r = strv_add(ret, d->d_name);
	}
	if (ret->count)
		qsort(ret->items, ret->count, sizeof(*ret->items), by_text);
	return r;
}

int predicts_folder(const char *folder, struct sr_predicts *ret, struct sr_error *err)
{
	DIR *dir = opendir(folder);
	struct sr_strv files = { .items = NULL };
	int r;

	if (!dir)
		return errno == ENOMEM ? sr_error_oom(err, STAGE) : 0;
	r = list_files(dir, &files);
	for (size_t i = 0; r == 0 && i < files.count && ret->count < SR_PREDICTS_MAX; i++)
		r = add(ret, dirfd(dir), files.items[i]);
	(void)closedir(dir);
	strv_done(&files);
	if (ret->count)
		qsort(ret->items, ret->count, sizeof(*ret->items), by_name);
	return r < 0 ? sr_error_oom(err, STAGE) : 0;
}

bool predicts_exist(void)
{
	SR_AUTOFREE char *folder = NULL;

	return xdg_path(SR_XDG_DATA, "images/names", &folder) == 0 && access(folder, F_OK) == 0;
}

int predicts_built(struct sr_predicts *ret, struct sr_error *err)
{
	SR_AUTOFREE char *folder = NULL;
	int r = xdg_path(SR_XDG_DATA, "images/names", &folder);

	if (r < 0)
		return r == -ENOENT ? 0 : sr_error_oom(err, STAGE);
	r = predicts_folder(folder, ret, err);
	return r == 0 && predicts_inherit(ret, NULL) < 0 ? sr_error_oom(err, STAGE) : r;
}

/* A sandrun that runs out of its build tree has the definitions in its source tree, wherever both were moved. */
const char *predicts_shipped_folder(void)
{
	static char tree[2 * PATH_MAX];
	char path[PATH_MAX], *end;
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

	if (n <= 0)
		return SR_ENVIRONMENT_DIR;
	path[n] = '\0';
	end = strrchr(path, '/');
	if (end)
		*end = '\0';
	(void)snprintf(tree, sizeof(tree), "%s/config.status", path);
	if (access(tree, F_OK) < 0)
		return SR_ENVIRONMENT_DIR;
	if (*SR_SOURCE_DIR == '/')
		return SR_SOURCE_DIR "/environments";
	(void)snprintf(tree, sizeof(tree), "%s/" SR_SOURCE_DIR "/environments", path);
	return tree;
}

int predicts_defined(struct sr_predicts *ret, struct sr_error *err)
{
	SR_AUTOFREE char *own = NULL;
	int r = xdg_path(SR_XDG_CONFIG, "environments", &own);

	if (r == -ENOMEM)
		return sr_error_oom(err, STAGE);
	r = own ? predicts_folder(own, ret, err) : 0;
	if (r == 0)
		r = predicts_folder(predicts_shipped_folder(), ret, err);
	return r == 0 && predicts_inherit(ret, NULL) < 0 ? sr_error_oom(err, STAGE) : r;
}

static int inherit(struct sr_predict *p, const struct sr_predict *base)
{
	for (size_t l = 0; l < SR_SCRIPT_LANGUAGES; l++) {
		p->speaks[l] = p->speaks[l] || base->speaks[l];
		for (size_t i = 0; i < base->have[l].count && p->have[l].count < WORDS_MAX; i++) {
			const char *word = base->have[l].items[i];

			if (!import_is_in(SR_SCRIPT_OTHER, word, &p->have[l]) && strv_add(&p->have[l], word) < 0)
				return -ENOMEM;
		}
	}
	return 0;
}

int predicts_inherit(struct sr_predicts *p, const struct sr_predicts *more)
{
	for (size_t i = 0; i < p->count; i++) {
		const struct sr_predict *at = &p->items[i];

		for (int depth = 0; depth < DEPTH_MAX && at->base && *at->base; depth++) {
			const struct sr_predict *base = predicts_find(p, at->base);

			if (!base && more)
				base = predicts_find(more, at->base);
			if (!base || base == &p->items[i])
				break;
			if (!base->problem && inherit(&p->items[i], base) < 0)
				return -ENOMEM;
			at = base;
		}
	}
	return 0;
}
