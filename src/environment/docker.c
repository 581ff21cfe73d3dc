/* SPDX-License-Identifier: MIT */
/* A docker-archive, unpacked: manifest.json, a configuration, layers as tars. `docker save`, podman and skopeo write it. */
#include <errno.h>
#include <string.h>

#include "environment/common.h"
#include "environment/content.h"

static bool has_tag(const json_t *image, const char *tag)
{
	const json_t *item;
	size_t i;

	json_array_foreach(json_object_get(image, "RepoTags"), i, item) {
		const char *text = json_string_value(item);

		if (text && strcmp(text, tag) == 0)
			return true;
	}
	return false;
}

static void list_tags(const json_t *all, char *out, size_t size)
{
	const json_t *image, *item;
	size_t i, j, used = 0;

	out[0] = '\0';
	json_array_foreach(all, i, image) {
		json_array_foreach(json_object_get(image, "RepoTags"), j, item) {
			const char *text = json_string_value(item);
			char shown[64];

			if (text && used + 70 < size)
				used += (size_t)snprintf(out + used, size - used, "%s%s", used ? ", " : "",
							 str_escape(text, shown, sizeof(shown)));
		}
	}
}

static int choose(const json_t *all, const char *tag, const json_t **ret, struct sr_error *err)
{
	const json_t *item, *found = NULL;
	char list[400];
	size_t i, fitting = 0;

	json_array_foreach(all, i, item) {
		if (tag && !has_tag(item, tag))
			continue;
		fitting++;
		found = item;
	}
	*ret = found;
	if (fitting == 1)
		return 0;
	list_tags(all, list, sizeof(list));
	if (fitting > 1) {
		(void)sr_error_set(err, SR_E_INPUT, EINVAL, STAGE, "cannot choose among %zu images%s%s", fitting, *list ? ": " : "", list);
		sr_error_hint(err, "name one with --tag");
		return -EINVAL;
	}
	(void)sr_error_set(err, SR_E_INPUT, ENOENT, STAGE, "cannot find %s%s in the archive%s%s", tag ? "the tag " : "an image",
			   tag ? SHOWN(tag) : "", *list ? "; it has " : "", list);
	sr_error_hint(err, "%s", *list ? "name one of these with --tag" : "save the image again, by its name: docker save NAME:TAG");
	return -ENOENT;
}

/* "HEX.json", "blobs/sha256/HEX": a name that says what the file's digest is. */
static void take_hex(const char *path, struct content *what)
{
	const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
	size_t n = strspn(base, "0123456789abcdef");

	if (n == 64 && (!base[n] || strcmp(base + n, ".json") == 0)) {
		memcpy(what->hex, base, 64);
		what->hex[64] = '\0';
	}
}

static int read_layers(struct container *c, const json_t *image, const json_t *config, struct sr_error *err)
{
	const json_t *layers = json_object_get(image, "Layers"), *item;
	const json_t *diffs = json_object_get(json_object_get(config, "rootfs"), "diff_ids");
	size_t i;

	if (!json_is_array(layers) || json_array_size(layers) == 0 || json_array_size(layers) > SR_STORE_LAYERS_MAX)
		return sr_error_set(err, SR_E_INPUT, EBADMSG, STAGE, "cannot use the image: it has %zu layers; 1 to %d are possible",
				    json_array_size(layers), SR_STORE_LAYERS_MAX);
	json_array_foreach(layers, i, item) {
		const char *path = json_string_value(item), *diff = json_string_value(json_array_get(diffs, i));
		struct content *what = &c->layers[c->layer_count];

		if (str_is_empty(path))
			return sr_error_set(err, SR_E_INPUT, EBADMSG, STAGE, "cannot use the image: the name of a layer is no text");
		*what = (struct content){ .path = strdup(path), .size = -1, .plain_only = true };
		if (!what->path)
			return sr_error_oom(err, STAGE);
		c->layer_count++;
		if (diff && str_has_prefix(diff, "sha256:") && strlen(diff) == 7 + 64)
			memcpy(what->hex, diff + 7, sizeof(what->hex));
	}
	return 0;
}

static int read_image(struct container *c, const json_t *image, struct sr_error *err)
{
	struct content what = { .path = NULL, .size = -1 };
	const char *path = json_string_value(json_object_get(image, "Config"));
	json_t *config;
	int r;

	if (str_is_empty(path))
		return sr_error_set(err, SR_E_INPUT, EBADMSG, STAGE, "cannot use the image: manifest.json names no configuration");
	what.path = strdup(path);
	if (!what.path)
		return sr_error_oom(err, STAGE);
	take_hex(path, &what);
	config = content_json(c, &what, err);
	content_done(&what);
	if (!config)
		return -EBADMSG;
	r = read_layers(c, image, config, err);
	if (r == 0)
		r = container_config(c, config, err);
	json_decref(config);
	return r;
}

int docker_read(struct container *c, const char *tag, struct sr_error *err)
{
	struct content top = { .path = (char[]){ "manifest.json" }, .size = -1 };
	const json_t *image = NULL;
	json_t *all = content_json(c, &top, err);
	int r;

	if (!all)
		return -EBADMSG;
	if (!json_is_array(all))
		r = sr_error_set(err, SR_E_INPUT, EBADMSG, STAGE, "cannot use the image: manifest.json is no list");
	else
		r = choose(all, tag, &image, err);
	if (r == 0)
		r = read_image(c, image, err);
	json_decref(all);
	return r;
}
