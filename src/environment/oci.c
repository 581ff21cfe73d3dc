/* SPDX-License-Identifier: MIT */
/* An OCI image layout, read: index.json, perhaps another index in it, a manifest, a configuration. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "environment/common.h"
#include "environment/content.h"

#define INDEX_DEPTH 3
#define REF_NAME "org.opencontainers.image.ref.name"

static const char *text_of(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

static bool is_index(const char *type)
{
	return strcmp(type, "application/vnd.oci.image.index.v1+json") == 0 ||
	       strcmp(type, "application/vnd.docker.distribution.manifest.list.v2+json") == 0;
}

static bool is_manifest(const char *type)
{
	return strcmp(type, "application/vnd.oci.image.manifest.v1+json") == 0 ||
	       strcmp(type, "application/vnd.docker.distribution.manifest.v2+json") == 0 || !*type;
}

static bool is_layer(const char *type)
{
	return (str_has_prefix(type, "application/vnd.oci.image.layer.") ||
		str_has_prefix(type, "application/vnd.docker.image.rootfs.")) && !str_has_suffix(type, "+encrypted");
}

/* For this machine, or without a word of which. Signatures and the like are of an unknown one. */
static bool is_for_here(const json_t *descriptor)
{
	const json_t *platform = json_object_get(descriptor, "platform");
	const char *os = text_of(platform, "os"), *machine = text_of(platform, "architecture");

	return (!*os || strcmp(os, "linux") == 0) && (!*machine || strcmp(machine, container_machine()) == 0);
}

static bool has_tag(const json_t *descriptor, const char *tag)
{
	const json_t *notes = json_object_get(descriptor, "annotations");

	return !tag || strcmp(text_of(notes, REF_NAME), tag) == 0 || strcmp(text_of(notes, "io.containerd.image.name"), tag) == 0;
}

/* What there is to choose from, for a message. */
static void list_choices(const json_t *all, bool tags, char *out, size_t size)
{
	const json_t *item;
	size_t i, used = 0;

	out[0] = '\0';
	json_array_foreach(all, i, item) {
		const char *text = tags ? text_of(json_object_get(item, "annotations"), REF_NAME) :
					  text_of(json_object_get(item, "platform"), "architecture");
		char shown[64];

		if (!*text || strcmp(text, "unknown") == 0 || used + 70 > size)
			continue;
		used += (size_t)snprintf(out + used, size - used, "%s%s", used ? ", " : "", str_escape(text, shown, sizeof(shown)));
	}
}

static int refuse_choice(const json_t *all, const char *tag, size_t fitting, struct sr_error *err)
{
	char list[400];

	if (fitting > 1) {
		list_choices(all, true, list, sizeof(list));
		(void)sr_error_set(err, SR_E_INPUT, EINVAL, STAGE, "cannot choose among %zu images%s%s", fitting, *list ? ": " : "", list);
		sr_error_hint(err, "name one with --tag");
		return -EINVAL;
	}
	list_choices(all, tag != NULL, list, sizeof(list));
	if (tag)
		(void)sr_error_set(err, SR_E_INPUT, ENOENT, STAGE, "cannot find the tag %s for linux/%s in the image%s%s", SHOWN(tag),
				   container_machine(), *list ? "; it has " : "", list);
	else
		(void)sr_error_set(err, SR_E_INPUT, ENOENT, STAGE, "cannot use the image: it has nothing for this machine, linux/%s%s%s",
				   container_machine(), *list ? "; it is for " : "", list);
	sr_error_hint(err, "fetch the image for linux/%s", container_machine());
	return -ENOENT;
}

/* The one descriptor of an index that is meant. */
static int choose(const json_t *index, const char *tag, const json_t **ret, struct sr_error *err)
{
	const json_t *all = json_object_get(index, "manifests"), *item, *found = NULL;
	size_t i, fitting = 0;

	if (!json_is_array(all))
		return sr_error_set(err, SR_E_INPUT, EBADMSG, STAGE, "cannot use the image: an index of it has no list of manifests");
	json_array_foreach(all, i, item) {
		const char *type = text_of(item, "mediaType");

		if ((!is_index(type) && !is_manifest(type)) || !is_for_here(item) || !has_tag(item, tag))
			continue;
		if (found && strcmp(text_of(found, "digest"), text_of(item, "digest")) == 0)
			continue;
		fitting++;
		found = item;
	}
	*ret = found;
	return fitting == 1 ? 0 : refuse_choice(all, tag, fitting, err);
}

static int read_layers(struct container *c, const json_t *manifest, struct sr_error *err)
{
	const json_t *layers = json_object_get(manifest, "layers"), *item;
	size_t i;

	if (!json_is_array(layers) || json_array_size(layers) == 0 || json_array_size(layers) > SR_STORE_LAYERS_MAX)
		return sr_error_set(err, SR_E_INPUT, EBADMSG, STAGE, "cannot use the image: it has %zu layers; 1 to %d are possible",
				    json_array_size(layers), SR_STORE_LAYERS_MAX);
	json_array_foreach(layers, i, item) {
		const char *type = text_of(item, "mediaType");
		int r = content_descriptor(item, &c->layers[c->layer_count], err);

		if (r < 0)
			return r;
		c->layer_count++;
		if (!is_layer(type))
			return sr_error_set(err, SR_E_INPUT, ENOTSUP, STAGE, "cannot use the image: a layer of it is %s", SHOWN(type));
	}
	return 0;
}

static int read_manifest(struct container *c, const json_t *manifest, struct sr_error *err)
{
	struct content what = { .path = NULL };
	const char *note = text_of(json_object_get(manifest, "annotations"), "org.opencontainers.image.description");
	json_t *config;
	int r = read_layers(c, manifest, err);

	if (r == 0)
		r = content_descriptor(json_object_get(manifest, "config"), &what, err);
	if (r < 0)
		return r;
	config = content_json(c, &what, err);
	content_done(&what);
	if (!config)
		return -EBADMSG;
	if (!json_is_object(config))
		r = sr_error_set(err, SR_E_INPUT, EBADMSG, STAGE, "cannot use the image: its configuration is no object");
	else
		r = container_config(c, config, err);
	json_decref(config);
	if (r == 0 && *note) {
		c->description = strdup(note);
		r = c->description ? 0 : sr_error_oom(err, STAGE);
	}
	return r;
}

/* index is the caller's. */
static int read_index(struct container *c, const json_t *index, const char *tag, unsigned int depth, struct sr_error *err)
{
	struct content what = { .path = NULL };
	const json_t *chosen = NULL;
	json_t *o;
	int r;

	if (depth == INDEX_DEPTH)
		return sr_error_set(err, SR_E_INPUT, ELOOP, STAGE, "cannot use the image: its indexes stand too deep in each other");
	r = choose(index, tag, &chosen, err);
	if (r == 0)
		r = content_descriptor(chosen, &what, err);
	if (r < 0)
		return r;
	o = content_json(c, &what, err);
	content_done(&what);
	if (!o)
		return -EBADMSG;
	r = is_index(text_of(chosen, "mediaType")) || json_object_get(o, "manifests") ? read_index(c, o, NULL, depth + 1, err) :
											read_manifest(c, o, err);
	json_decref(o);
	return r;
}

int oci_read(struct container *c, const char *tag, struct sr_error *err)
{
	struct content layout = { .path = (char[]){ "oci-layout" }, .size = -1 }, top = { .path = (char[]){ "index.json" }, .size = -1 };
	json_t *o = content_json(c, &layout, err), *index;
	bool known = o && str_has_prefix(text_of(o, "imageLayoutVersion"), "1.");
	int r;

	if (o && !known)
		(void)sr_error_set(err, SR_E_INPUT, ENOTSUP, STAGE, "cannot use the image: its layout is of version %s, not 1",
				   SHOWN(text_of(o, "imageLayoutVersion")));
	json_decref(o);
	if (!known)
		return -EBADMSG;
	index = content_json(c, &top, err);
	if (!index)
		return -EBADMSG;
	r = read_index(c, index, tag, 0, err);
	json_decref(index);
	return r;
}
