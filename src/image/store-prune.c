/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/io.h"
#include "image/store-internal.h"
#include "image/tree.h"

#define TEXT_MAX (1 << 20)

int store_remove_name(const struct store_writer *s, const char *name, struct sr_error *err)
{
	SR_AUTOCLOSE int lock = -1;
	char file[SR_STORE_NAME_MAX + 8];
	int r = store_check_name(name, err);

	if (r == 0)
		r = store_lock(s, &lock, err);
	if (r < 0)
		return r;
	(void)snprintf(file, sizeof(file), "%s.ini", name);
	if (unlinkat(s->names_fd, file, 0) < 0) {
		r = store_failed(err, "remove", s->path, file, -errno);
		if (r == -ENOENT) {
			(void)sr_error_set(err, SR_E_ENVIRONMENT, ENOENT, SR_STORE_STAGE,
					   "cannot remove %s: there is no such environment", name);
			sr_error_hint(err, "sandrun environment list names those of the store");
		}
		return r;
	}
	return fsync(s->names_fd) < 0 ? store_failed(err, "write", s->path, "names", -errno) : 0;
}

/* --- what is reached ------------------------------------------------------------------------------------------------------ */

static int read_text(int dir_fd, const char *name, char **ret)
{
	SR_AUTOCLOSE int fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	size_t len;

	return fd < 0 ? -errno : io_read_all(fd, TEXT_MAX, ret, &len);
}

/* Every digest in the text, whatever it is the digest of: a layer that is kept in vain costs less than one that is missed. */
static int add_digests(struct sr_strv *reached, const char *text)
{
	static const char mark[] = "sha256:";

	for (const char *p = text; p && (p = strstr(p, mark)); p++) {
		const char *hex = p + strlen(mark);

		if (strspn(hex, "0123456789abcdef") >= 64 && strv_addf(reached, "%.64s", hex) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int read_names(const struct store_writer *s, struct sr_strv *reached, struct sr_error *err)
{
	struct sr_tree_list l = { .items = NULL };
	int r = tree_list(s->names_fd, &l);

	if (r < 0)
		return store_failed(err, "list", s->path, "names", r);
	for (size_t i = 0; r == 0 && i < l.count; i++) {
		SR_AUTOFREE char *text = NULL;

		if (str_has_prefix(l.items[i].name, ".sandrun-")) { /* a writer holds the lock until it has its name */
			(void)unlinkat(s->names_fd, l.items[i].name, 0);
			continue;
		}
		r = read_text(s->names_fd, l.items[i].name, &text);
		if (r == 0)
			r = add_digests(reached, text);
		if (r < 0) {
			char shown[100];

			(void)store_failed(err, "read", s->path, str_escape(l.items[i].name, shown, sizeof(shown)), r);
			sr_error_hint(err, "nothing was removed, for its layers are not known; remove that file of names/, or mend it");
		}
	}
	tree_list_done(&l);
	return r;
}

static bool is_reached(const struct sr_strv *reached, const char *hex)
{
	for (size_t i = 0; i < reached->count; i++) {
		if (strcmp(reached->items[i], hex) == 0)
			return true;
	}
	return false;
}

/* --- what goes ------------------------------------------------------------------------------------------------------------ */

static uint64_t layer_bytes(int layer_fd)
{
	SR_AUTOFREE char *text = NULL;
	const char *p = read_text(layer_fd, "layer.ini", &text) < 0 || !text ? NULL : strstr(text, "\nbytes = ");

	return p ? strtoull(p + strlen("\nbytes = "), NULL, 10) : 0;
}

/* A run holds a shared lock on the layer's folder as long as it lasts. */
static int take_layer(const struct store_writer *s, const struct store_work *w, const char *hex, bool dry,
		      struct store_freed *freed, struct sr_error *err)
{
	SR_AUTOCLOSE int fd = tree_open_folder(s->layers_fd, hex);

	if (fd < 0)
		return store_failed(err, "open", s->path, hex, fd);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK)
			return store_failed(err, "lock", s->path, hex, -errno);
		freed->busy++;
		return 0;
	}
	freed->layers++;
	freed->bytes += layer_bytes(fd);
	if (!dry && renameat(s->layers_fd, hex, w->fd, hex) < 0)
		return store_failed(err, "remove", s->path, hex, -errno);
	return 0;
}

static int take_layers(const struct store_writer *s, const struct store_work *w, bool dry, struct store_freed *freed,
		       struct sr_error *err)
{
	struct sr_strv reached = { .items = NULL };
	struct sr_tree_list l = { .items = NULL };
	int r = read_names(s, &reached, err);

	if (r == 0) {
		r = tree_list(s->layers_fd, &l);
		if (r < 0)
			(void)store_failed(err, "list", s->path, "layers", r);
	}
	for (size_t i = 0; r == 0 && i < l.count; i++) {
		const char *name = l.items[i].name;

		if (strlen(name) == 64 && S_ISDIR(l.items[i].st.st_mode) && !is_reached(&reached, name))
			r = take_layer(s, w, name, dry, freed, err);
	}
	strv_done(&reached);
	tree_list_done(&l);
	return r;
}

int store_prune(const struct store_writer *s, bool dry, struct store_freed *ret, struct sr_error *err)
{
	struct store_work w = SR_STORE_WORK_INIT;
	SR_AUTOCLOSE int lock = -1;
	int r = store_work_begin(s, &w, err);

	*ret = (struct store_freed){ .leftovers = w.leftovers };
	if (r == 0)
		r = store_lock(s, &lock, err);
	if (r == 0)
		r = take_layers(s, &w, dry, ret, err);
	if (r == 0 && fsync(s->layers_fd) < 0)
		r = store_failed(err, "write", s->path, "layers", -errno);
	fd_close(&lock);
	store_work_end(s, &w);
	return r;
}
