/* SPDX-License-Identifier: MIT */
/*
 * sandrun environment build NAME...: an environment out of its definition, and those that it stands on where they are missing.
 */
#include "environment/build.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "environment/common.h"
#include "environment/known.h"
#include "image/tree.h"

struct options {
	bool force, quiet, list;
};

static void build_done(struct build *b)
{
	store_work_end(b->store, &b->work);
	fd_close(&b->cache_lock);
	strv_done(&b->below);
	packages_done(&b->packages);
	free(b->dir);
	free(b->stack);
	free(b->apt_dir);
	free(b->debs_dir);
}

/* --- before and after ----------------------------------------------------------------------------------------------------------------- */

/* The layers below, as -E takes them: their trees, bottom first. */
static int set_stack(struct build *b, const struct known *base, struct sr_error *err)
{
	for (size_t i = 0; i < base->layers.count; i++) {
		char *longer = str_format("%s%s%s/layers/%s/tree", b->stack ? b->stack : "", b->stack ? "," : "", b->store->path,
					  base->layers.items[i]);

		if (!longer || strv_add(&b->below, base->layers.items[i]) < 0) {
			free(longer);
			return sr_error_oom(err, STAGE);
		}
		free(b->stack);
		b->stack = longer;
	}
	if (!b->stack)
		b->stack = strdup("none");
	return b->stack ? 0 : sr_error_oom(err, STAGE);
}

static int make_folders(struct build *b, struct sr_error *err)
{
	int r;

	if (strchr(b->store->path, ',') || strchr(b->store->path, ':'))
		return sr_error_set(err, SR_E_ENVIRONMENT, EINVAL, STAGE, "cannot build below %s: its name holds ',' or ':'",
				    SHOWN(b->store->path));
	r = store_work_begin(b->store, &b->work, err);
	if (r < 0)
		return r;
	b->dir = str_format("%s/work/%s", b->store->path, b->work.name);
	if (!b->dir)
		return sr_error_oom(err, STAGE);
	if (mkdirat(b->work.fd, "layer", 0700) < 0 || mkdirat(b->work.fd, "layer/tree", 0755) < 0 ||
	    fchmodat(b->work.fd, "layer/tree", 0755, 0) < 0)
		return build_failed(err, errno, "make %s/layer", SHOWN(b->dir));
	return 0;
}

static int seal(struct build *b, struct sr_seal *ret, struct sr_error *err)
{
	SR_AUTOCLOSE int tree_fd = openat(b->work.fd, "layer/tree", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	build_phase(b, "sealing");
	return tree_fd < 0 ? build_failed(err, errno, "open %s/layer/tree", SHOWN(b->dir)) : seal_tree(tree_fd, ret, err);
}

static int check(struct build *b, struct sr_error *err)
{
	SR_AUTOFREE char *stack = str_format("%s%s%s/layer/tree", b->below.count ? b->stack : "", b->below.count ? "," : "", b->dir);
	char why[512];
	int r;

	build_phase(b, "checking");
	r = stack ? checks_run(b->definition, stack, why, err) : sr_error_oom(err, STAGE);
	if (r <= 0) {
		if (r == 0)
			build_phase_done(b, "checked");
		return r;
	}
	(void)sr_error_set(err, SR_E_ENVIRONMENT, EINVAL, STAGE, "cannot build %s: %s", b->definition->name, why);
	sr_error_hint(err, "nothing of it was kept; %s has the check", SHOWN(b->definition->path));
	return -EINVAL;
}

/* A pair of lists as the lines of a section. The words of one key go together. */
static int add_values(struct store_value *values, size_t *count, const char *section, const struct sr_strv *keys,
		      const struct sr_strv *texts, struct sr_strv *own)
{
	size_t from = *count;

	for (size_t i = 0; i < keys->count; i++) {
		struct store_value *same = NULL;

		for (size_t k = from; k < *count; k++) {
			if (strcmp(values[k].key, keys->items[i]) == 0)
				same = &values[k];
		}
		if (!same) {
			values[(*count)++] = (struct store_value){ .section = section, .key = keys->items[i], .value = texts->items[i] };
			continue;
		}
		if (strv_addf(own, "%s %s", same->value, texts->items[i]) < 0)
			return -ENOMEM;
		same->value = own->items[own->count - 1];
	}
	return 0;
}

static int put(struct build *b, const struct sr_seal *seal_of, uint64_t below_bytes, struct sr_error *err)
{
	const struct sr_definition *d = b->definition;
	SR_AUTOFREE char *source = str_format("build %s", d->name);
	SR_AUTOFREE struct store_layer *layers = calloc(b->below.count + 1, sizeof(*layers));
	SR_AUTOFREE struct store_value *values =
		calloc(d->language_names.count + d->predict_keys.count + d->variable_names.count + 1, sizeof(*values));
	struct store_image image = { .name = d->name,   .description = d->description, .base = d->base, .definition = d->digest,
				     .profile = d->profile, .values = values,           .bytes = below_bytes + seal_of->bytes };
	struct sr_strv own = { .count = 0 };
	int r;

	if (!source || !layers || !values)
		return sr_error_oom(err, STAGE);
	for (size_t i = 0; i < b->below.count; i++)
		memcpy(layers[i].seal.hex, b->below.items[i], SR_SEAL_HEX);
	layers[b->below.count] = (struct store_layer){ .seal = *seal_of, .made = "layer", .source = source };
	if (add_values(values, &image.value_count, "languages", &d->language_names, &d->language_paths, &own) < 0 ||
	    add_values(values, &image.value_count, "predict", &d->predict_keys, &d->predict_words, &own) < 0 ||
	    add_values(values, &image.value_count, "variables", &d->variable_names, &d->variable_values, &own) < 0)
		r = sr_error_oom(err, STAGE);
	else
		r = store_put(b->store, &b->work, layers, b->below.count + 1, &image, err);
	strv_done(&own);
	return r;
}

/* --- one environment -------------------------------------------------------------------------------------------------------------------- */

static int make_layer(struct build *b, struct sr_error *err)
{
	int r = 0;

	if (b->definition->debian.count > 0)
		r = apt_fetch(b, err);
	if (r == 0 && b->definition->debian.count > 0 && b->below.count == 0)
		r = bootstrap_extract(b, err);
	if (r == 0 && b->packages.count > 0)
		r = inside_install(b, err);
	if (r == 0 && b->definition->finish)
		r = inside_script(b, err);
	build_phase(b, "finishing");
	if (r == 0)
		r = slim_tree(b, true, err);
	if (r == 0)
		r = inside_finish(b, err);
	if (r == 0)
		r = slim_tree(b, false, err);
	return r == 0 ? slim_scan(b, err) : r;
}

/* What the store has of a name; nothing of it, *ret_found false, is no error. */
static int look_up(const struct store_writer *s, const char *name, struct known *ret, bool *ret_found, struct sr_error *err)
{
	struct sr_error why = SR_ERROR_INIT;
	int r = known_read(s, name, ret, &why);

	*ret_found = r == 0;
	if (r < 0 && r != -ENOENT) {
		*err = why;
		return r;
	}
	return 0;
}

static int build_on(struct build *b, const struct known *base, uint64_t base_bytes, struct sr_error *err)
{
	struct sr_seal seal_of = { .entries = 0 };
	char size[16];
	int r = set_stack(b, base, err);

	if (r == 0)
		r = make_folders(b, err);
	if (r == 0)
		r = make_layer(b, err);
	if (r == 0)
		r = seal(b, &seal_of, err);
	if (r == 0)
		r = check(b, err);
	if (r == 0)
		r = put(b, &seal_of, base_bytes, err);
	if (r < 0)
		return r;
	verb_size(seal_of.bytes, size);
	if (!b->quiet)
		verb_say("%s: built, %s in %" PRIu64 " entries, %.1f s, layer sha256:%.12s", b->definition->name, size, seal_of.entries,
			 build_seconds(&b->started), seal_of.hex);
	return 0;
}

/* As build_on(), with the base's layers held: nobody prunes them meanwhile. */
static int build_held(struct build *b, struct sr_error *err)
{
	struct known base = { .layers = { .count = 0 } };
	struct known_layer *layers = NULL;
	bool found = false;
	int r = b->definition->base ? look_up(b->store, b->definition->base, &base, &found, err) : 0;

	if (r == 0 && found)
		r = known_layers_open(b->store, &base, &layers, err);
	if (r == 0)
		r = build_on(b, &base, found ? known_bytes(&base) : 0, err);
	for (size_t i = 0; layers && i < base.layers.count; i++)
		known_layer_done(&layers[i]);
	free(layers);
	known_done(&base);
	return r;
}

/* One lock a name. A second build of it waits, and then finds it built. */
static int lock_name(const struct store_writer *s, const char *name, bool quiet, int *ret_fd, struct sr_error *err)
{
	SR_AUTOFREE char *path = str_format("building/%s", name);
	SR_AUTOCLOSE int fd = -1;
	bool said = quiet;

	if (!path)
		return sr_error_oom(err, STAGE);
	if (mkdirat(s->fd, "building", 0700) < 0 && errno != EEXIST)
		return build_failed(err, errno, "make %s/building", SHOWN(s->path));
	fd = openat(s->fd, path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return build_failed(err, errno, "lock %s/%s", SHOWN(s->path), path);
	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return build_failed(err, errno, "lock %s/%s", SHOWN(s->path), path);
		if (verb_interrupted())
			return verb_give_up("build", err);
		if (!said)
			verb_say("%s: another build of it is under way; waiting for it", name);
		said = true;
		(void)usleep(100000);
	}
	*ret_fd = SR_TAKE_FD(fd);
	return 0;
}

/* Whether what the store has is what would be built: of this definition, on the base as it is now. */
static bool is_current(const struct store_writer *s, const struct known *have, const struct sr_definition *d)
{
	struct known base = { .layers = { .count = 0 } };
	struct sr_error ignored = SR_ERROR_INIT;
	bool found = false, same = strcmp(known_text(have, "image.definition"), d->digest) == 0;

	if (d->base)
		same = same && look_up(s, d->base, &base, &found, &ignored) == 0 && found;
	same = same && have->layers.count == base.layers.count + 1;
	for (size_t i = 0; same && i < base.layers.count; i++)
		same = strcmp(have->layers.items[i], base.layers.items[i]) == 0;
	known_done(&base);
	return same;
}

/* wanted: the command line names it; else it is a base of one, and only has to be there. */
static int build_one(struct store_writer *s, const struct sr_definition *d, bool wanted, const struct options *o, struct sr_error *err)
{
	struct build b = { .definition = d, .store = s, .work = SR_STORE_WORK_INIT, .cache_lock = -1, .quiet = o->quiet };
	struct known have = { .layers = { .count = 0 } };
	SR_AUTOCLOSE int lock_fd = -1;
	bool found = false, current = false;
	int r = lock_name(s, d->name, o->quiet, &lock_fd, err);

	(void)clock_gettime(CLOCK_MONOTONIC, &b.started);
	if (r == 0)
		r = look_up(s, d->name, &have, &found, err);
	if (r == 0)
		current = found && (!wanted || (!o->force && is_current(s, &have, d)));
	if (r == 0 && !current)
		r = build_held(&b, err);
	else if (r == 0 && wanted && !o->quiet)
		verb_say("%s: built already; --force builds it again", d->name);
	build_done(&b);
	progress_end();
	known_done(&have);
	return r;
}

static int build_named(struct store_writer *s, const char *name, const struct options *o, struct sr_error *err)
{
	struct sr_definitions all;
	int r = definitions_load(name, &all, err);

	for (size_t i = 0; r == 0 && i < all.count; i++)
		r = build_one(s, &all.items[i], i + 1 == all.count, o, err);
	if (all.count)
		definitions_done(&all);
	return r;
}

/* What could be built: the user's own hide shipped ones of the same name. */
static int list_definitions(struct sr_error *err)
{
	struct sr_strv names = { .count = 0 };
	int r = definition_names(&names) < 0 ? sr_error_oom(err, STAGE) : 0;

	for (size_t i = 0; r == 0 && i < names.count; i++) {
		struct sr_definition d;

		if (i > 0 && strcmp(names.items[i - 1], names.items[i]) == 0)
			continue;
		r = definition_load(names.items[i], &d, err);
		if (r < 0)
			break;
		(void)printf("%-14s %s\n", d.name, SHOWN(d.description));
		definition_done(&d);
	}
	strv_done(&names);
	return r;
}

static int refuse_root(struct sr_error *err)
{
	(void)sr_error_set(err, SR_E_ENVIRONMENT, EPERM, STAGE, "cannot build environments as root");
	sr_error_hint(err, "build them as the user who runs them: no right of root's is needed");
	return -EPERM;
}

int environment_build(int argc, char **argv)
{
	struct options o = { .force = false };
	const struct verb_option options[] = { { .name = "--force", .flag = &o.force },
					       { .name = "--list", .flag = &o.list },
					       { .name = "--quiet", .flag = &o.quiet },
					       { .name = "-q", .flag = &o.quiet } };
	struct store_writer s = SR_STORE_WRITER_INIT;
	struct sr_error err = SR_ERROR_INIT;
	int status = verb_options(&argc, argv, options, SR_ELEMENTSOF(options), 0, 1000), r;

	if (status >= 0)
		return status;
	if (argc < 2 && !o.list)
		return verb_misused(argv[0], NULL, "it needs a name");
	if (o.list) {
		r = list_definitions(&err);
		return r < 0 ? verb_fail(&err) : verb_flush(0);
	}
	verb_catch_signals();
	seal_stop_when(verb_interrupted);
	tree_raise_limit();
	r = geteuid() == 0 ? refuse_root(&err) : store_writer_open(&s, &err);
	for (int i = 1; r == 0 && i < argc; i++)
		r = build_named(&s, argv[i], &o, &err);
	store_writer_done(&s);
	return r < 0 ? verb_fail(&err) : verb_flush(0);
}
