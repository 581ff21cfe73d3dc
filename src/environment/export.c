/* SPDX-License-Identifier: MIT */
/*
 * sandrun environment export NAME FILE: what a run would see as one tar, or layer by layer as an OCI layout. The same
 * environment gives the same bytes.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/io.h"
#include "environment/common.h"
#include "environment/content.h"
#include "environment/known.h"
#include "environment/pack.h"
#include "environment/place.h"
#include "image/tree.h"

#define TYPE "application/vnd.oci.image."

struct exported {
	struct store_writer store;
	struct known known;
	struct known_layer *layers;
	struct place place;
	bool oci, tar; /* a layout; packed into one file */
};

static int failed(const struct exported *x, int r, struct sr_error *err)
{
	return sr_error_set(err, SR_E_OUTPUT, -r, "output", "cannot write %s: %s", SHOWN(x->place.path), strerror(-r));
}

/* --- a tar of all of it --------------------------------------------------------------------------------------------------- */

static int export_tar(struct exported *x, struct sr_error *err)
{
	SR_AUTOCLOSE int fd = place_make_file(&x->place, err);
	SR_AUTOFREE int *trees = calloc(x->known.layers.count + 1, sizeof(*trees));
	SR_AUTOPACK struct pack *p = NULL;
	int r;

	if (fd < 0)
		return fd;
	if (!trees)
		return sr_error_oom(err, "output");
	for (size_t i = 0; i < x->known.layers.count; i++)
		trees[i] = x->layers[i].tree_fd;
	p = pack_open(fd, PACK_ZSTD, err);
	if (!p)
		return -EIO;
	progress_show("%s: writing", x->known.name);
	r = pack_stack(p, trees, x->known.layers.count);
	if (r == 0)
		r = pack_finish(p);
	return r < 0 ? r : place_settle(&x->place, fd, err);
}

/* --- an OCI layout -------------------------------------------------------------------------------------------------------- */

/* Where the blobs of a layout go, and the documents beside them. */
struct layout {
	int fd, blobs_fd;
	const struct exported *x;
};

static mode_t file_mode(void)
{
	return 0666 & ~verb_umask;
}

static int write_file(const struct layout *l, int dir_fd, const char *name, const char *text, struct sr_error *err)
{
	SR_AUTOCLOSE int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	int r = fd < 0 ? -errno : io_write_full(fd, text, strlen(text));

	if (r == 0 && fchmod(fd, file_mode()) < 0)
		r = -errno;
	return r < 0 ? failed(l->x, r, err) : 0;
}

/* Takes o; writes it, and describes it for the document above. */
static json_t *write_json(const struct layout *l, json_t *o, const char *type, struct sr_error *err)
{
	SR_AUTOFREE char *text = o ? json_dumps(o, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
	uint8_t digest[SHA256_DIGEST_SIZE];
	char hex[SR_SEAL_HEX];
	struct sha256_ctx ctx;

	json_decref(o);
	if (!text) {
		(void)sr_error_oom(err, "output");
		return NULL;
	}
	sha256_init(&ctx);
	sha256_update(&ctx, strlen(text), (const uint8_t *)text);
	sha256_digest(&ctx, sizeof(digest), digest);
	str_hex(digest, sizeof(digest), hex);
	if (write_file(l, l->blobs_fd, hex, text, err) < 0)
		return NULL;
	return json_pack("{s:s, s:o, s:I}", "mediaType", type, "digest", json_sprintf("sha256:%s", hex), "size",
			 (json_int_t)strlen(text));
}

/* One blob; its descriptor goes to layers, the digest of what is in it to diffs. */
static int write_layer(const struct layout *l, size_t i, json_t *layers, json_t *diffs, struct sr_error *err)
{
	SR_AUTOCLOSE int fd = openat(l->blobs_fd, "new", O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	SR_AUTOPACK struct pack *p = fd < 0 ? NULL : pack_open(fd, PACK_GZIP, err);
	int r;

	if (fd < 0)
		return failed(l->x, -errno, err);
	if (!p)
		return -EIO;
	progress_show("%s: writing layer %zu of %zu", l->x->known.name, i + 1, l->x->known.layers.count);
	r = pack_layer(p, l->x->layers[i].tree_fd);
	if (r == 0)
		r = pack_finish(p);
	if (r < 0)
		return r;
	if (fchmod(fd, file_mode()) < 0 || renameat(l->blobs_fd, "new", l->blobs_fd, p->packed.hex) < 0)
		return failed(l->x, -errno, err);
	if (json_array_append_new(layers, json_pack("{s:s, s:o, s:I}", "mediaType", TYPE "layer.v1.tar+gzip", "digest",
						    json_sprintf("sha256:%s", p->packed.hex), "size", (json_int_t)p->packed.bytes)) < 0 ||
	    json_array_append_new(diffs, json_sprintf("sha256:%s", p->plain.hex)) < 0)
		return sr_error_oom(err, "output");
	return 0;
}

/* "NAME=VALUE" of [variables]. */
static json_t *variables(const struct known *k)
{
	static const char section[] = "variables.";
	json_t *all = json_array();

	(void)json_array_append_new(all, json_string("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"));
	for (size_t i = 0; i < k->keys.count; i++) {
		if (str_has_prefix(k->keys.items[i], section) &&
		    json_array_append_new(all, json_string(k->keys.items[i] + strlen(section))) < 0) {
			json_decref(all);
			return NULL;
		}
	}
	return all;
}

/* Takes layers and diffs. */
static json_t *write_image(const struct layout *l, json_t *layers, json_t *diffs, struct sr_error *err)
{
	const struct known *k = &l->x->known;
	json_t *config, *manifest, *top;

	config = write_json(l, json_pack("{s:s, s:s, s:s, s:{s:o}, s:{s:s, s:o}}", "created", "1980-01-01T00:00:00Z", "architecture",
					 container_machine(), "os", "linux", "config", "Env", variables(k), "rootfs", "type", "layers",
					 "diff_ids", diffs), TYPE "config.v1+json", err);
	if (!config) {
		json_decref(layers);
		return NULL;
	}
	manifest = write_json(l, json_pack("{s:i, s:s, s:o, s:o, s:{s:s}}", "schemaVersion", 2, "mediaType", TYPE "manifest.v1+json",
					   "config", config, "layers", layers, "annotations", "org.opencontainers.image.description",
					   known_text(k, "image.description")), TYPE "manifest.v1+json", err);
	if (!manifest)
		return NULL;
	top = json_pack("{s:s, s:s}", "architecture", container_machine(), "os", "linux");
	if (json_object_set_new(manifest, "platform", top) < 0 ||
	    json_object_set_new(manifest, "annotations", json_pack("{s:s}", "org.opencontainers.image.ref.name", k->name)) < 0) {
		json_decref(manifest);
		(void)sr_error_oom(err, "output");
		return NULL;
	}
	return manifest;
}

static int write_index(const struct layout *l, json_t *manifest, struct sr_error *err)
{
	json_t *index = json_pack("{s:i, s:s, s:[o]}", "schemaVersion", 2, "mediaType", TYPE "index.v1+json", "manifests", manifest);
	SR_AUTOFREE char *text = index ? json_dumps(index, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
	int r = text ? write_file(l, l->fd, "index.json", text, err) : sr_error_oom(err, "output");

	json_decref(index);
	return r < 0 ? r : write_file(l, l->fd, "oci-layout", "{\"imageLayoutVersion\":\"1.0.0\"}", err);
}

static int make_blobs(struct layout *l, struct sr_error *err)
{
	mode_t mode = 0777 & ~verb_umask;
	SR_AUTOCLOSE int blobs = -1;

	if (mkdirat(l->fd, "blobs", 0700) < 0 || (blobs = tree_open_folder(l->fd, "blobs")) < 0 || fchmod(blobs, mode) < 0 ||
	    mkdirat(blobs, "sha256", 0700) < 0 || (l->blobs_fd = tree_open_folder(blobs, "sha256")) < 0 || fchmod(l->blobs_fd, mode) < 0)
		return failed(l->x, -errno, err);
	return 0;
}

static int fill_layout(struct layout *l, struct sr_error *err)
{
	json_t *layers = json_array(), *diffs = json_array(), *manifest;
	int r = make_blobs(l, err);

	for (size_t i = 0; r == 0 && i < l->x->known.layers.count; i++)
		r = write_layer(l, i, layers, diffs, err);
	if (r < 0) {
		json_decref(layers);
		json_decref(diffs);
		return r;
	}
	manifest = write_image(l, layers, diffs, err);
	return manifest ? write_index(l, manifest, err) : -ENOMEM;
}

static int pack_layout(struct exported *x, const struct layout *l, struct sr_error *err)
{
	SR_AUTOCLOSE int fd = place_make_file(&x->place, err);
	SR_AUTOPACK struct pack *p = fd < 0 ? NULL : pack_open(fd, PACK_PLAIN, err);
	int r;

	if (!p)
		return fd < 0 ? fd : -EIO;
	r = pack_folder(p, l->fd);
	if (r == 0)
		r = pack_finish(p);
	return r < 0 ? r : place_settle(&x->place, fd, err);
}

static int export_oci(struct exported *x, struct sr_error *err)
{
	struct layout l = { .x = x, .blobs_fd = -1 };
	int r;

	l.fd = place_make_folder(&x->place, x->tar ? x->place.other : x->place.temp, err);
	if (l.fd < 0)
		return l.fd;
	r = fill_layout(&l, err);
	if (r == 0)
		r = x->tar ? pack_layout(x, &l, err) : place_settle(&x->place, l.fd, err);
	fd_close(&l.blobs_fd);
	fd_close(&l.fd);
	return r;
}

/* --- the verb ------------------------------------------------------------------------------------------------------------- */

static int export_environment(struct exported *x, const char *name, const char *path, bool force, struct sr_error *err)
{
	int r = store_writer_open(&x->store, err);

	tree_raise_limit();
	verb_catch_signals();
	x->place.path = path;
	if (r == 0)
		r = known_read(&x->store, name, &x->known, err);
	if (r == 0)
		r = place_open(&x->place, path, x->oci && !x->tar, force, err);
	if (r == 0)
		r = known_layers_open(&x->store, &x->known, &x->layers, err);
	if (r == 0)
		r = x->oci ? export_oci(x, err) : export_tar(x, err);
	return r;
}

int environment_export(int argc, char **argv)
{
	struct exported x = { .store = SR_STORE_WRITER_INIT, .place = PLACE_INIT };
	struct sr_error err = SR_ERROR_INIT;
	const char *format = "tar";
	bool force = false;
	const struct verb_option options[] = { { .name = "--format", .text = &format }, { .name = "--force", .flag = &force } };
	int r = verb_options(&argc, argv, options, SR_ELEMENTSOF(options), 2, 2);

	if (r >= 0)
		return r;
	x.oci = strcmp(format, "oci") == 0;
	if (!x.oci && strcmp(format, "tar") != 0)
		return verb_misused(argv[0], "--format", "it takes tar or oci");
	x.tar = str_has_suffix(argv[2], ".tar");
	r = export_environment(&x, argv[1], argv[2], force, &err);
	progress_end();
	place_done(&x.place);
	for (size_t i = 0; x.layers && i < x.known.layers.count; i++)
		known_layer_done(&x.layers[i]);
	free(x.layers);
	known_done(&x.known);
	store_writer_done(&x.store);
	return r < 0 ? verb_fail(&err) : verb_flush(0);
}
