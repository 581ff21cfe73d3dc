/* SPDX-License-Identifier: MIT */
/*
 * sandrun environment digest NAME: reads every byte of its layers again, and compares. Nothing else does: a run trusts the store.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "environment/common.h"
#include "environment/known.h"
#include "image/tree.h"

struct verdict {
	bool json, manifest, differs;
	json_t *layers;
};

static int judge(struct verdict *v, const char *hex, const struct sr_seal *seal, const struct sr_error *why, struct sr_error *err)
{
	const char *seen = why ? NULL : seal->hex;
	bool good = seen && strcmp(seen, hex) == 0;
	char size[16];

	v->differs = v->differs || !good;
	if (v->json)
		return json_array_append_new(v->layers, json_pack("{s:o, s:o, s:b, s:o}", "digest", json_sprintf("sha256:%s", hex),
								  "computed", seen ? json_sprintf("sha256:%s", seen) : json_null(), "good",
								  good, "error", why ? json_string(SHOWN(why->text)) : json_null())) < 0 ?
			       sr_error_oom(err, STAGE) : 0;
	if (v->manifest)
		return 0;
	verb_size(seal->bytes, size);
	if (good)
		(void)printf("good     sha256:%s  %" PRIu64 " entries, %s\n", hex, seal->entries, size);
	else
		(void)printf("differs  sha256:%s\n         %s%s\n", hex, seen ? "it is now sha256:" : "", seen ? seen : SHOWN(why->text));
	return 0;
}

static int check_layer(struct verdict *v, const struct store_writer *s, const char *hex, struct sr_error *err)
{
	struct known_layer layer = { .lock_fd = -1, .tree_fd = -1 };
	struct sr_error why = SR_ERROR_INIT;
	struct sr_seal seal = { .entries = 0 };
	int r = known_layer_open(s, hex, &layer, &why);

	progress_show("reading sha256:%.16s...", hex);
	if (r == 0)
		r = seal_check(layer.tree_fd, v->manifest ? stdout : NULL, &seal, &why);
	progress_end();
	known_layer_done(&layer);
	if (r == -ENOMEM || r == -EINTR) {
		*err = why;
		return r;
	}
	return judge(v, hex, &seal, r < 0 ? &why : NULL, err);
}

static int check(struct verdict *v, const char *name, struct known *k, struct sr_error *err)
{
	struct store_writer s = SR_STORE_WRITER_INIT;
	int r = store_writer_open(&s, err);

	tree_raise_limit();
	if (r == 0)
		r = known_read(&s, name, k, err);
	for (size_t i = 0; r == 0 && i < k->layers.count; i++)
		r = check_layer(v, &s, k->layers.items[i], err);
	store_writer_done(&s);
	return r;
}

int environment_digest(int argc, char **argv)
{
	struct verdict v = { .json = false };
	struct known k = { .name = "" };
	struct sr_error err = SR_ERROR_INIT;
	const struct verb_option options[] = { { .name = "--json", .flag = &v.json }, { .name = "--manifest", .flag = &v.manifest } };
	int r = verb_options(&argc, argv, options, SR_ELEMENTSOF(options), 1, 1), status = 0;

	if (r >= 0)
		return r;
	if (v.json && v.manifest)
		return verb_misused(argv[0], "--manifest", "it is a text of its own, not JSON");
	v.layers = v.json ? json_array() : NULL;
	r = check(&v, argv[1], &k, &err);
	if (r == 0 && v.json)
		status = verb_print_json(json_pack("{s:s, s:s, s:b, s:O}", "name", k.name, "digest", known_text(&k, "image.digest"), "good",
						   !v.differs, "layers", v.layers), v.differs);
	else if (r == 0 && !v.manifest)
		(void)printf("%s  %s\n", v.differs ? "differs" : "good   ", known_text(&k, "image.digest"));
	if (r == 0 && v.differs) {
		(void)fflush(stdout);
		(void)fprintf(stderr, "hint: a layer was changed after it was made. Remove every environment that has it "
			      "(sandrun environment remove %s), then build or import them again\n", k.name);
	}
	json_decref(v.layers);
	known_done(&k);
	return r < 0 ? verb_fail(&err) : v.json ? status : verb_flush(v.differs);
}
