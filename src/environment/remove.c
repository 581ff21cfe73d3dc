/* SPDX-License-Identifier: MIT */
/*
 * sandrun environment remove NAME... | prune [--dry-run] [--json]
 */
#include <inttypes.h>

#include "environment/common.h"
#include "image/store-write.h"

static void tell(const struct store_freed *f, bool dry)
{
	char size[16];

	verb_size(f->bytes, size);
	(void)printf("%s %zu layer%s, %s\n", dry ? "would free" : "freed", f->layers, f->layers == 1 ? "" : "s", size);
	if (f->busy)
		(void)printf("kept %zu layer%s that a run uses; prune frees %s afterwards\n", f->busy, f->busy == 1 ? "" : "s",
			     f->busy == 1 ? "it" : "them");
	if (f->leftovers)
		(void)printf("removed what %zu killed maker%s left\n", f->leftovers, f->leftovers == 1 ? "" : "s");
}

/* Each of the names. One that cannot be removed is said, and keeps none of the others. Its exit status, or 0. */
static int remove_names(const struct store_writer *s, char **names, int count, int *ret_removed)
{
	int status = 0;

	for (int i = 0; i < count; i++) {
		struct sr_error err = SR_ERROR_INIT;

		if (store_remove_name(s, names[i], &err) == 0)
			(*ret_removed)++;
		else
			status = verb_fail(&err);
	}
	return status;
}

int environment_remove(int argc, char **argv)
{
	struct store_writer s = SR_STORE_WRITER_INIT;
	struct store_freed freed = { .layers = 0 };
	struct sr_error err = SR_ERROR_INIT;
	int r = verb_options(&argc, argv, NULL, 0, 1, INT32_MAX), status = 0, removed = 0;

	if (r >= 0)
		return r;
	r = store_writer_open(&s, &err);
	if (r == 0)
		status = remove_names(&s, argv + 1, argc - 1, &removed);
	if (r == 0 && removed)
		r = store_prune(&s, false, &freed, &err);
	store_writer_done(&s);
	if (r < 0)
		return verb_fail(&err);
	if (removed)
		tell(&freed, false);
	return verb_flush(status);
}

int environment_prune(int argc, char **argv)
{
	struct store_writer s = SR_STORE_WRITER_INIT;
	struct store_freed freed = { .layers = 0 };
	struct sr_error err = SR_ERROR_INIT;
	bool dry = false, json = false;
	const struct verb_option options[] = { { .name = "--dry-run", .flag = &dry }, { .name = "--json", .flag = &json } };
	int r = verb_options(&argc, argv, options, SR_ELEMENTSOF(options), 0, 0);

	if (r >= 0)
		return r;
	r = store_writer_open(&s, &err);
	if (r == 0)
		r = store_prune(&s, dry, &freed, &err);
	store_writer_done(&s);
	if (r < 0)
		return verb_fail(&err);
	if (json)
		return verb_print_json(json_pack("{s:b, s:I, s:I, s:I, s:I}", "dryRun", dry, "layers", (json_int_t)freed.layers, "bytes",
						 (json_int_t)freed.bytes, "busy", (json_int_t)freed.busy, "leftovers",
						 (json_int_t)freed.leftovers), 0);
	tell(&freed, dry);
	return verb_flush(0);
}
