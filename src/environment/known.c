/* SPDX-License-Identifier: MIT */
#include "environment/known.h"

#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/io.h"
#include "base/xdg.h"
#include "environment/common.h"
#include "image/tree.h"

#define TEXT_MAX (1 << 20)

int known_names(struct store_writer *s, bool *ret_open, struct sr_strv *ret, struct sr_error *err)
{
	SR_AUTOFREE char *path = NULL;
	struct sr_tree_list l = { .items = NULL };
	struct stat st;
	int r;

	*ret_open = false;
	if (xdg_path(SR_XDG_DATA, "images", &path) == 0 && stat(path, &st) < 0 && errno == ENOENT)
		return 0;
	r = store_writer_open(s, err);
	if (r < 0)
		return r;
	*ret_open = true;
	r = tree_list(s->names_fd, &l);
	if (r < 0)
		return sr_error_set(err, SR_E_ENVIRONMENT, -r, STAGE, "cannot list the environments: %s", strerror(-r));
	for (size_t i = 0; r == 0 && i < l.count; i++) {
		char *name = l.items[i].name;

		if (!str_has_suffix(name, ".ini"))
			continue;
		name[strlen(name) - 4] = '\0';
		if (store_is_name(name) && strv_add(ret, name) < 0)
			r = sr_error_oom(err, STAGE);
	}
	tree_list_done(&l);
	return r;
}

/* --- one ---------------------------------------------------------------------------------------------------------------- */

/* inih's handler. A key that comes again is a list that goes on. */
static int on_pair(void *user, const char *section, const char *name, const char *value)
{
	struct known *k = user;
	char *last = k->keys.count ? k->keys.items[k->keys.count - 1] : NULL;
	SR_AUTOFREE char *head = str_format("%s.%s=", section, name);
	char *joined;

	if (!head)
		return 0;
	if (!last || !str_has_prefix(last, head))
		return strv_addf(&k->keys, "%s%s", head, value) == 0;
	joined = str_format("%s %s", last, value);
	if (!joined)
		return 0;
	free(last);
	k->keys.items[k->keys.count - 1] = joined;
	return 1;
}

static int broken(const char *name, const char *why, struct sr_error *err)
{
	(void)sr_error_set(err, SR_E_ENVIRONMENT, EBADMSG, STAGE, "cannot use the environment %s: %s", name, why);
	sr_error_hint(err, "build or import it again; sandrun environment remove %s takes it away", name);
	return -EBADMSG;
}

static int take_layers(struct known *k, struct sr_error *err)
{
	const char *hex[SR_STORE_LAYERS_MAX] = { NULL };
	char stack[SR_SEAL_HEX];

	for (const char *p = known_text(k, "image.layers"); *p; p += strspn(p, " ")) {
		size_t n = strcspn(p, " ");

		if (n != 7 + 64 || !str_has_prefix(p, "sha256:") || strspn(p + 7, "0123456789abcdef") != 64)
			return broken(k->name, "its list of layers is damaged", err);
		if (k->layers.count == SR_STORE_LAYERS_MAX)
			return broken(k->name, "it has too many layers", err);
		if (strv_addf(&k->layers, "%.64s", p + 7) < 0)
			return sr_error_oom(err, STAGE);
		p += n;
	}
	for (size_t i = 0; i < k->layers.count; i++)
		hex[i] = k->layers.items[i];
	seal_stack(hex, k->layers.count, stack);
	if (k->layers.count == 0 || !str_has_prefix(known_text(k, "image.digest"), "sha256:") ||
	    strcmp(known_text(k, "image.digest") + 7, stack) != 0)
		return broken(k->name, "its digest is not that of its layers", err);
	return 0;
}

int known_read(const struct store_writer *s, const char *name, struct known *ret, struct sr_error *err)
{
	SR_AUTOFREE char *text = NULL;
	SR_AUTOCLOSE int fd = -1;
	char file[SR_STORE_NAME_MAX + 8];
	size_t len;
	int r = store_check_name(name, err);

	if (r < 0)
		return r;
	(void)snprintf(ret->name, sizeof(ret->name), "%s", name);
	(void)snprintf(file, sizeof(file), "%s.ini", name);
	fd = openat(s->names_fd, file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT) {
		(void)sr_error_set(err, SR_E_ENVIRONMENT, ENOENT, STAGE, "cannot find the environment %s", name);
		sr_error_hint(err, "sandrun environment list names those of the store");
		return -ENOENT;
	}
	r = fd < 0 ? -errno : io_read_all(fd, TEXT_MAX, &text, &len);
	if (r < 0 || !text)
		return broken(name, strerror(-r), err);
	if (strlen(text) != len || ini_parse_string(text, on_pair, ret) != 0)
		return broken(name, "its file in the store is damaged", err);
	return take_layers(ret, err);
}

void known_done(struct known *k)
{
	strv_done(&k->keys);
	strv_done(&k->layers);
	k->name[0] = '\0';
}

const char *known_text(const struct known *k, const char *key)
{
	size_t len = strlen(key);

	for (size_t i = 0; i < k->keys.count; i++) {
		const char *item = k->keys.items[i];

		if (strncmp(item, key, len) == 0 && item[len] == '=')
			return item + len + 1;
	}
	return "";
}

uint64_t known_bytes(const struct known *k)
{
	uint64_t bytes = 0;

	return str_to_u64(known_text(k, "image.bytes"), &bytes) == 0 ? bytes : 0;
}

/* --- layers ------------------------------------------------------------------------------------------------------------- */

int known_layer_open(const struct store_writer *s, const char *hex, struct known_layer *ret, struct sr_error *err)
{
	SR_AUTOCLOSE int fd = tree_open_folder(s->layers_fd, hex), tree = -1;
	struct stat mine, there;

	if (fd >= 0 && flock(fd, LOCK_SH) == 0)
		tree = tree_open_folder(fd, "tree");
	/* it may have been on its way out before it was locked */
	if (tree < 0 || fstat(fd, &mine) < 0 || fstatat(s->layers_fd, hex, &there, AT_SYMLINK_NOFOLLOW) < 0 ||
	    mine.st_dev != there.st_dev || mine.st_ino != there.st_ino) {
		(void)sr_error_set(err, SR_E_ENVIRONMENT, ENOENT, STAGE, "cannot open the layer sha256:%s: %s", hex,
				   fd < 0 || tree < 0 ? "it is not in the store" : "it was removed just now");
		sr_error_hint(err, "build or import the environment again");
		return -ENOENT;
	}
	*ret = (struct known_layer){ .lock_fd = SR_TAKE_FD(fd), .tree_fd = SR_TAKE_FD(tree) };
	return 0;
}

void known_layer_done(struct known_layer *l)
{
	fd_close(&l->tree_fd);
	fd_close(&l->lock_fd);
}

int known_layers_open(const struct store_writer *s, const struct known *k, struct known_layer **ret_layers, struct sr_error *err)
{
	struct known_layer *layers = calloc(k->layers.count, sizeof(*layers));
	int r = 0;

	if (!layers)
		return sr_error_oom(err, STAGE);
	for (size_t i = 0; i < k->layers.count; i++)
		layers[i] = (struct known_layer){ .lock_fd = -1, .tree_fd = -1 };
	for (size_t i = 0; r == 0 && i < k->layers.count; i++)
		r = known_layer_open(s, k->layers.items[i], &layers[i], err);
	*ret_layers = layers;
	return r;
}
