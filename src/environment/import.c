/* SPDX-License-Identifier: MIT */
/*
 * sandrun environment import FILE: a root file system as a tar, an OCI layout (folder or tar), a docker-archive. Told apart by
 * what is in them: any archive is unpacked first, and one that turns out to be a container's is read from there.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "environment/common.h"
#include "environment/content.h"
#include "environment/source.h"
#include "environment/unpack.h"
#include "image/store-write.h"
#include "image/tree.h"

#define MAX_ENTRIES 1000000
#define MAX_BYTES (UINT64_C(16) << 30)

struct import {
	const char *file, *name, *tag;
	char own_name[SR_STORE_NAME_MAX + 1];
	struct unpack limits;
	struct store_writer store;
	struct store_work work;
	struct container container;
	int fds[SR_STORE_LAYERS_MAX]; /* the trees that were made, bottom first */
	char made[SR_STORE_LAYERS_MAX][24];
	size_t count, made_count;
	char source[300];
};

/* "Debian_12.tar.gz" -> "debian_12". False where nothing is left of it. */
static bool name_from_file(const char *file, char out[static SR_STORE_NAME_MAX + 1])
{
	static const char *const ends[] = { ".gz", ".zst", ".xz", ".bz2", ".tgz", ".tzst", ".tar", ".oci" };
	char base[NAME_MAX + 1];
	size_t len = strlen(file), n = 0;

	while (len > 1 && file[len - 1] == '/')
		len--;
	while (n < len && file[len - n - 1] != '/')
		n++;
	(void)snprintf(base, sizeof(base), "%.*s", (int)n, file + len - n);
	for (size_t i = 0; i < SR_ELEMENTSOF(ends); i++) {
		if (strlen(base) > strlen(ends[i]) && str_has_suffix(base, ends[i]))
			base[strlen(base) - strlen(ends[i])] = '\0';
	}
	(void)snprintf(out, SR_STORE_NAME_MAX + 1, "%.*s", SR_STORE_NAME_MAX, base);
	for (char *p = out; *p; p++) {
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
		if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789._-", *p))
			*p = '-';
	}
	return store_is_name(out);
}

static int settle_name(struct import *m, bool force, struct sr_error *err)
{
	char file[SR_STORE_NAME_MAX + 8];

	if (!m->name && !name_from_file(m->file, m->own_name)) {
		(void)sr_error_set(err, SR_E_OPTION, EINVAL, STAGE, "cannot make a name for the environment out of %s", SHOWN(m->file));
		sr_error_hint(err, "give one with --name");
		return -EINVAL;
	}
	m->name = m->name ? m->name : m->own_name;
	if (store_check_name(m->name, err) < 0)
		return -EINVAL;
	(void)snprintf(file, sizeof(file), "%s.ini", m->name);
	if (force || faccessat(m->store.names_fd, file, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	return store_name_taken(m->name, err);
}

/* --- trees -------------------------------------------------------------------------------------------------------------- */

/* A fresh work/NAME/tree. Descriptor, or negative with the error set. */
static int make_tree(const struct import *m, const char *name, struct sr_error *err)
{
	SR_AUTOCLOSE int fd = -1;
	int tree = -1;

	if (mkdirat(m->work.fd, name, 0700) == 0)
		fd = tree_open_folder(m->work.fd, name);
	if (fd >= 0 && mkdirat(fd, "tree", 0700) == 0)
		tree = tree_open_folder(fd, "tree");
	if (tree < 0)
		return sr_error_set(err, SR_E_ENVIRONMENT, errno ? errno : EIO, STAGE, "cannot make a work folder: %s", strerror(errno));
	return tree;
}

/* One archive into a tree; its own digest is checked where that is known. */
static int unpack_into(struct import *m, int fd, const struct content *what, int tree_fd, bool *ret_alone, struct sr_error *err)
{
	const struct lowers lowers = { .fds = m->fds, .count = m->count };
	SR_AUTOSOURCE struct source *s = source_open(fd, err);
	char hex[SR_SEAL_HEX];
	int r;

	if (!s)
		return -EINVAL;
	m->limits.digest_known = what && *what->hex && !(what->plain_only && s->compressed);
	r = unpack_archive(&m->limits, s->archive, tree_fd, &lowers, ret_alone, err);
	if (r < 0)
		return r;
	r = source_finish(s, hex, err);
	if (r < 0)
		return r;
	return m->limits.digest_known ? content_check(what, hex, err) : 0;
}

/* Takes a tree onto the stack; one that hides all below it is the new bottom. */
static void push(struct import *m, int tree_fd, const char *name, bool alone)
{
	for (size_t i = 0; alone && i < m->count; i++)
		fd_close(&m->fds[i]);
	m->count = alone ? 0 : m->count;
	(void)snprintf(m->made[m->count], sizeof(m->made[0]), "%s", name);
	m->fds[m->count++] = tree_fd;
}

static int unpack_layer(struct import *m, const struct content *what, struct sr_error *err)
{
	SR_AUTOCLOSE int fd = content_open(&m->container, what, err), tree = -1;
	struct sr_tree_list l = { .items = NULL };
	bool alone = false;
	char name[24];
	int r;

	if (fd < 0)
		return fd;
	(void)snprintf(name, sizeof(name), "layer-%zu", m->made_count++);
	tree = make_tree(m, name, err);
	if (tree < 0)
		return tree;
	r = unpack_into(m, fd, what, tree, &alone, err);
	if (r < 0)
		return r;
	r = tree_list(tree, &l);
	if (r < 0)
		return sr_error_set(err, SR_E_ENVIRONMENT, -r, STAGE, "cannot list a layer: %s", strerror(-r));
	if (l.count || alone) /* a layer of nothing changes nothing */
		push(m, SR_TAKE_FD(tree), name, alone);
	tree_list_done(&l);
	return 0;
}

/* --- kinds -------------------------------------------------------------------------------------------------------------- */

static bool has(int dir_fd, const char *name)
{
	struct stat st;

	return fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static bool is_oci(int fd)
{
	return has(fd, "oci-layout") && has(fd, "index.json");
}

static bool is_docker(int fd)
{
	return has(fd, "manifest.json") && !has(fd, "usr") && !has(fd, "bin");
}

/* container.fd is the folder of a layout or of an unpacked archive. */
static int import_container(struct import *m, struct sr_error *err)
{
	int r;

	m->container.links = !is_oci(m->container.fd);
	r = m->container.links ? docker_read(&m->container, m->tag, err) : oci_read(&m->container, m->tag, err);
	m->limits.entries = 0; /* the limits are those of the layers; what they came in was held to them as well */
	m->limits.bytes = 0;
	for (size_t i = 0; r == 0 && i < m->container.layer_count; i++)
		r = unpack_layer(m, &m->container.layers[i], err);
	return r;
}

static int import_archive(struct import *m, int fd, struct sr_error *err)
{
	SR_AUTOCLOSE int tree = make_tree(m, "archive", err);
	bool alone = false;
	int r = tree < 0 ? tree : unpack_into(m, fd, NULL, tree, &alone, err);

	if (r < 0)
		return r;
	if (is_oci(tree) || is_docker(tree)) {
		m->container.fd = SR_TAKE_FD(tree);
		return import_container(m, err);
	}
	if (m->tag)
		return sr_error_set(err, SR_E_OPTION, EINVAL, STAGE, "cannot use --tag: %s is no container image", SHOWN(m->file));
	push(m, SR_TAKE_FD(tree), "archive", false);
	return 0;
}

static int import_folder(struct import *m, int fd, struct sr_error *err)
{
	if (!is_oci(fd) && !has(fd, "manifest.json")) {
		(void)sr_error_set(err, SR_E_INPUT, EINVAL, STAGE, "cannot import the folder %s: it is no OCI layout, for it has no oci-layout "
				   "and index.json", SHOWN(m->file));
		sr_error_hint(err, "a folder that holds a root is used as it is: sandrun -E %s; or pack it: tar -C %s -cf root.tar .",
			      str_plain_or(m->file, "FOLDER"), str_plain_or(m->file, "FOLDER"));
		return -EINVAL;
	}
	m->container.fd = dup(fd);
	return m->container.fd < 0 ? sr_error_oom(err, STAGE) : import_container(m, err);
}

static int import_file(struct import *m, struct sr_error *err)
{
	bool is_stdin = strcmp(m->file, "-") == 0;
	SR_AUTOCLOSE int fd = is_stdin ? dup(0) : open(m->file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return sr_error_set(err, SR_E_INPUT, errno, STAGE, "cannot open %s: %s", SHOWN(m->file), strerror(errno));
	return S_ISDIR(st.st_mode) ? import_folder(m, fd, err) : import_archive(m, fd, err);
}

/* --- into the store ------------------------------------------------------------------------------------------------------- */

/* An image that no run could use is no environment. */
static int check_root(const struct import *m, struct sr_error *err)
{
	const struct lowers all = { .fds = m->fds, .count = m->count };
	struct stat st;

	if (lowers_find(&all, "usr", &st) || lowers_find(&all, "bin", &st))
		return 0;
	(void)sr_error_set(err, SR_E_INPUT, EINVAL, STAGE, "cannot import %s: it holds no root file system, for it has neither usr nor bin",
			   SHOWN(m->file));
	sr_error_hint(err, "pack a root from its top: tar -C ROOT -cf root.tar .");
	return -EINVAL;
}

static int seal_all(struct import *m, struct store_layer *layers, struct sr_error *err)
{
	for (size_t i = 0; i < m->count; i++) {
		int r;

		progress_show("%s: sealing layer %zu of %zu", m->limits.label, i + 1, m->count);
		layers[i] = (struct store_layer){ .made = m->made[i], .source = m->source };
		r = seal_tree(m->fds[i], &layers[i].seal, err);
		if (r < 0)
			return r == -EINTR ? verb_give_up("import", err) : r;
	}
	return 0;
}

/* The variables of the image's configuration that an INI text can hold. */
static struct store_value *make_values(struct import *m, size_t *ret_count, size_t *ret_left)
{
	struct sr_strv *all = &m->container.variables;
	struct store_value *values = calloc(all->count + 1, sizeof(*values));
	size_t count = 0;

	for (size_t i = 0; values && i < all->count; i++) {
		char *equal = strchr(all->items[i], '=');

		*equal = '\0';
		values[count] = (struct store_value){ .section = "variables", .key = all->items[i], .value = equal + 1 };
		if (store_value_fits(&values[count]))
			count++;
	}
	*ret_count = count;
	*ret_left = all->count - count;
	return values;
}

static void tell(const struct import *m, const struct store_layer *layers, size_t count, size_t variables_left)
{
	const char *hex[SR_STORE_LAYERS_MAX] = { NULL };
	char stack[SR_SEAL_HEX], size[16];
	uint64_t bytes = 0;

	for (size_t i = 0; i < count; i++) {
		hex[i] = layers[i].seal.hex;
		bytes += layers[i].seal.bytes;
	}
	seal_stack(hex, count, stack);
	verb_size(bytes, size);
	if (m->limits.left_out)
		verb_say("left out, for a sandbox has its own /dev: devices, FIFOs or sockets, %zu of them", m->limits.left_out);
	if (variables_left)
		verb_say("left out, for their text does not fit into one line: variables of the image, %zu of them", variables_left);
	progress_end();
	(void)printf("%s  sha256:%s  %zu layer%s  %s\n", m->name, stack, count, count == 1 ? "" : "s", size);
}

static int put(struct import *m, bool force, struct sr_error *err)
{
	SR_AUTOFREE struct store_layer *layers = calloc(m->count + 1, sizeof(*layers));
	SR_AUTOFREE struct store_value *values = NULL;
	struct store_image image = { .name = m->name, .description = m->container.description ? m->container.description : m->source,
				     .is_new = !force };
	size_t left = 0;
	int r;

	if (!layers)
		return sr_error_oom(err, STAGE);
	r = check_root(m, err);
	if (r == 0)
		r = seal_all(m, layers, err);
	if (r < 0)
		return r;
	values = make_values(m, &image.value_count, &left);
	if (!values)
		return sr_error_oom(err, STAGE);
	image.values = values;
	progress_show("%s: writing to the disk", m->limits.label);
	r = store_put(&m->store, &m->work, layers, m->count, &image, err);
	if (r == 0)
		tell(m, layers, store_drop_twins(layers, m->count), left);
	return r;
}

static int import(struct import *m, bool force, struct sr_error *err)
{
	char shown[256];
	int r = store_writer_open(&m->store, err);

	if (r == 0)
		r = settle_name(m, force, err);
	if (r < 0)
		return r;
	(void)snprintf(m->source, sizeof(m->source), "import %s", str_escape(m->file, shown, sizeof(shown)));
	m->limits.work = &m->work;
	m->limits.label = m->name;
	verb_catch_signals();
	seal_stop_when(verb_interrupted);
	r = store_work_begin(&m->store, &m->work, err);
	if (r == 0)
		r = import_file(m, err);
	if (r == 0)
		r = put(m, force, err);
	return r;
}

/* "--max-bytes 4G"; unlimited is not one. */
static int limit(const char *verb, const char *option, const char *text, bool bytes, uint64_t *ret)
{
	if (!text || ((bytes ? str_to_bytes(text, ret) : str_to_u64(text, ret)) == 0 && *ret > 0))
		return -1;
	return verb_misused(verb, option, bytes ? "it takes a size such as 4G" : "it takes a number");
}

int environment_import(int argc, char **argv)
{
	struct import m = { .limits = { .max_entries = MAX_ENTRIES, .max_bytes = MAX_BYTES },
			    .store = SR_STORE_WRITER_INIT, .work = SR_STORE_WORK_INIT, .container = { .fd = -1 } };
	struct sr_error err = SR_ERROR_INIT;
	const char *entries = NULL, *bytes = NULL;
	bool force = false;
	const struct verb_option options[] = {
		{ .name = "--name", .text = &m.name }, { .name = "--tag", .text = &m.tag }, { .name = "--force", .flag = &force },
		{ .name = "--max-entries", .text = &entries }, { .name = "--max-bytes", .text = &bytes },
	};
	int r = verb_options(&argc, argv, options, SR_ELEMENTSOF(options), 1, 1);

	r = r >= 0 ? r : limit(argv[0], "--max-entries", entries, false, &m.limits.max_entries);
	r = r >= 0 ? r : limit(argv[0], "--max-bytes", bytes, true, &m.limits.max_bytes);
	if (r >= 0)
		return r;
	m.file = argv[1];
	r = import(&m, force, &err);
	for (size_t i = 0; i < m.count; i++)
		fd_close(&m.fds[i]);
	container_done(&m.container);
	progress_show("cleaning up");
	store_work_end(&m.store, &m.work);
	progress_end();
	store_writer_done(&m.store);
	return r < 0 ? verb_fail(&err) : verb_flush(0);
}
