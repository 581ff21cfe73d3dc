/* SPDX-License-Identifier: MIT */
#include "image/store-write.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/xdg.h"
#include "image/store-internal.h"
#include "image/tree.h"

/* --- the store ---------------------------------------------------------------------------------------------------------- */

static int open_part(const struct store_writer *s, const char *name, int *ret, struct sr_error *err)
{
	struct stat st;

	if (mkdirat(s->fd, name, 0700) < 0 && errno != EEXIST)
		return store_failed(err, "make", s->path, name, -errno);
	*ret = tree_open_folder(s->fd, name);
	if (*ret < 0)
		return store_failed(err, "open", s->path, name, *ret);
	if (fstat(*ret, &st) < 0 || st.st_uid != geteuid() || (st.st_mode & 022)) {
		(void)store_failed(err, "use", s->path, name, -EPERM);
		sr_error_hint(err, "the store must be yours, and nobody else may write it: chmod go-w %s",
			      str_plain_or(s->path, "the folder"));
		return -EPERM;
	}
	return 0;
}

int store_writer_open(struct store_writer *s, struct sr_error *err)
{
	int r = xdg_open(SR_XDG_DATA, "images", &s->fd, &s->path);

	if (r == -ENOENT && !s->path) {
		(void)sr_error_set(err, SR_E_ENVIRONMENT, ENOENT, SR_STORE_STAGE, "cannot find the store: neither XDG_DATA_HOME nor HOME is set");
		sr_error_hint(err, "set HOME to your home folder");
		return r;
	}
	if (r < 0) {
		(void)store_failed(err, "open", s->path ? s->path : "the store", NULL, r);
		if (r == -EPERM)
			sr_error_hint(err, "the store must be yours, and nobody else may write it: chmod go-w %s",
				      str_plain_or(s->path, "the folder"));
		else
			sr_error_hint(err, "set XDG_DATA_HOME to a folder that you can write; the store is in sandrun/images there");
		return r;
	}
	if (fchmod(s->fd, 0700) < 0) /* files of any mode lie in the layers: this folder is what keeps others out */
		return store_failed(err, "close", s->path, NULL, -errno);
	r = open_part(s, "layers", &s->layers_fd, err);
	if (r == 0)
		r = open_part(s, "names", &s->names_fd, err);
	return r < 0 ? r : open_part(s, "work", &s->work_fd, err);
}

void store_writer_done(struct store_writer *s)
{
	fd_close(&s->fd);
	fd_close(&s->layers_fd);
	fd_close(&s->names_fd);
	fd_close(&s->work_fd);
	free(SR_TAKE_PTR(s->path));
}

int store_failed(struct sr_error *err, const char *verb, const char *path, const char *name, int r)
{
	char shown[400];

	(void)sr_error_set(err, SR_E_ENVIRONMENT, -r, SR_STORE_STAGE, "cannot %s %s%s%s: %s", verb,
			   str_escape(path, shown, sizeof(shown)), name ? "/" : "", name ? name : "", strerror(-r));
	if (r == -ENOSPC || r == -EDQUOT)
		sr_error_hint(err, "the disk is full: sandrun environment prune frees what no name reaches");
	return r;
}

int store_lock(const struct store_writer *s, int *ret_fd, struct sr_error *err)
{
	SR_AUTOCLOSE int fd = openat(s->fd, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0 || flock(fd, LOCK_EX) < 0) /* EINTR: somebody wants the caller to end */
		return store_failed(err, "lock", s->path, "lock", -errno);
	*ret_fd = SR_TAKE_FD(fd);
	return 0;
}

bool store_is_name(const char *name)
{
	static const char first[] = "abcdefghijklmnopqrstuvwxyz0123456789";
	static const char others[] = "abcdefghijklmnopqrstuvwxyz0123456789._-";
	size_t len = strlen(name);

	return len > 0 && len <= SR_STORE_NAME_MAX && strchr(first, *name) && strspn(name, others) == len &&
	       strcmp(name, "host") != 0 && strcmp(name, "none") != 0;
}

int store_check_name(const char *name, struct sr_error *err)
{
	char shown[100];

	if (store_is_name(name))
		return 0;
	(void)sr_error_set(err, SR_E_ENVIRONMENT, EINVAL, SR_STORE_STAGE, "cannot call an environment \"%s\"",
			   str_escape(name, shown, sizeof(shown)));
	sr_error_hint(err, "a name has 1 to 64 of a-z, 0-9, '.', '_' and '-', starts with a letter or digit, and is neither host nor none");
	return -EINVAL;
}

/* --- work folders ------------------------------------------------------------------------------------------------------- */

static int random_name(char name[static 20])
{
	uint64_t random;

	if (getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return -EIO;
	(void)snprintf(name, 20, "%016" PRIx64, random);
	return 0;
}

/* Under the store's lock: so nobody sees a folder without its lock but a dead maker's. */
static int make_work(const struct store_writer *s, struct store_work *w)
{
	int r = random_name(w->name);

	if (r < 0)
		return r;
	if (mkdirat(s->work_fd, w->name, 0700) < 0)
		return -errno;
	w->fd = tree_open_folder(s->work_fd, w->name);
	if (w->fd < 0)
		return w->fd;
	w->lock_fd = openat(w->fd, "lock", O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	return w->lock_fd < 0 || flock(w->lock_fd, LOCK_EX | LOCK_NB) < 0 ? -errno : 0;
}

/* Under the store's lock: moves a folder whose maker is dead into this one. */
static bool take_leftover(const struct store_writer *s, const struct store_work *w, const char *name)
{
	SR_AUTOCLOSE int fd = tree_open_folder(s->work_fd, name);
	SR_AUTOCLOSE int lock = fd < 0 ? -1 : openat(fd, "lock", O_RDWR | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 || (lock < 0 && errno != ENOENT) || (lock >= 0 && flock(lock, LOCK_EX | LOCK_NB) < 0))
		return false;
	return renameat(s->work_fd, name, w->fd, name) == 0;
}

size_t store_take_leftovers(const struct store_writer *s, const struct store_work *w)
{
	struct sr_tree_list l = { .items = NULL };
	size_t taken = 0;

	(void)tree_list(s->work_fd, &l); /* what stays now goes another time */
	for (size_t i = 0; i < l.count; i++) {
		if (strcmp(l.items[i].name, w->name) != 0)
			taken += take_leftover(s, w, l.items[i].name);
	}
	tree_list_done(&l);
	return taken;
}

static bool looks_like_work(const char *name)
{
	return strlen(name) == 16 && strspn(name, "0123456789abcdef") == 16;
}

void store_remove_taken(const struct store_work *w)
{
	struct sr_tree_list l = { .items = NULL };

	(void)tree_list(w->fd, &l);
	for (size_t i = 0; i < l.count; i++) {
		if (looks_like_work(l.items[i].name))
			(void)tree_remove(w->fd, l.items[i].name);
	}
	tree_list_done(&l);
}

int store_work_begin(const struct store_writer *s, struct store_work *w, struct sr_error *err)
{
	SR_AUTOCLOSE int lock = -1;
	int r = store_lock(s, &lock, err);

	if (r < 0)
		return r;
	tree_raise_limit();
	r = make_work(s, w);
	if (r < 0) {
		(void)store_failed(err, "make a work folder in", s->path, "work", r);
		store_work_end(s, w);
		return r;
	}
	w->leftovers = store_take_leftovers(s, w);
	fd_close(&lock);
	if (w->leftovers)
		store_remove_taken(w);
	return 0;
}

void store_work_end(const struct store_writer *s, struct store_work *w)
{
	struct sr_tree_list l = { .items = NULL };

	if (w->fd >= 0)
		(void)tree_list(w->fd, &l);
	for (size_t i = 0; i < l.count; i++) { /* the lock last: until then it is nobody else's */
		if (strcmp(l.items[i].name, "lock") != 0)
			(void)tree_remove(w->fd, l.items[i].name);
	}
	tree_list_done(&l);
	if (w->fd >= 0)
		(void)unlinkat(w->fd, "lock", 0);
	if (*w->name)
		(void)unlinkat(s->work_fd, w->name, AT_REMOVEDIR);
	fd_close(&w->lock_fd);
	fd_close(&w->fd);
	w->name[0] = '\0';
}

int store_check_room(const struct store_work *w, uint64_t bytes, struct sr_error *err)
{
	struct statvfs v;
	uint64_t left;

	if (fstatvfs(w->fd, &v) < 0)
		return 0; /* the write itself will tell */
	left = (uint64_t)v.f_bavail * v.f_frsize;
	if (v.f_files > 0 && v.f_favail < SR_STORE_RESERVE_FILES) /* 0: the file system does not count them */
		(void)sr_error_set(err, SR_E_ENVIRONMENT, ENOSPC, SR_STORE_STAGE,
				   "cannot write more files to the store: the disk can take %" PRIu64 " more", (uint64_t)v.f_favail);
	else if (left < SR_STORE_RESERVE || left - SR_STORE_RESERVE < bytes)
		(void)sr_error_set(err, SR_E_ENVIRONMENT, ENOSPC, SR_STORE_STAGE,
				   "cannot write %" PRIu64 " more bytes to the store: the disk has %" PRIu64 " left", bytes, left);
	else
		return 0;
	sr_error_hint(err, "free some space: sandrun environment prune frees what no name reaches");
	return -ENOSPC;
}

/* --- texts -------------------------------------------------------------------------------------------------------------- */

static bool is_list(const struct store_value *v)
{
	return strcmp(v->section, "predict") == 0;
}

bool store_value_fits(const struct store_value *v)
{
	const char *value = v->value;
	size_t len = strlen(value), key = strlen(v->key);

	if (strcmp(v->section, "variables") == 0 && (strpbrk(v->key, ".+-") || strchr("0123456789", *v->key)))
		return false; /* no name of a variable */
	if (!key || key > 64 || strspn(v->key, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.+-") != key)
		return false;
	if (!str_is_utf8(value, len) || (!is_list(v) && key + len > 180))
		return false;
	if (len && (*value == ' ' || *value == ';' || value[len - 1] == ' ' || strstr(value, " ;")))
		return false;
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)value[i] < 0x20 || value[i] == 0x7f)
			return false;
	}
	return true;
}

/* Words of a list, in lines that no reader finds too long; those that go on start with a tab. */
static void print_words(FILE *f, const char *key, const char *words)
{
	size_t used = 0;

	(void)fprintf(f, "%s =", key);
	for (const char *p = words + strspn(words, " "); *p; p += strspn(p, " ")) {
		size_t n = strcspn(p, " ");

		if (used + n > 140) {
			(void)fputs("\n\t", f);
			used = 0;
		} else {
			(void)fputc(' ', f);
		}
		(void)fprintf(f, "%.*s", (int)n, p);
		used += n + 1;
		p += n;
	}
	(void)fputc('\n', f);
}

static void print_time(FILE *f)
{
	time_t now = time(NULL);
	char text[40];
	struct tm tm;

	if (gmtime_r(&now, &tm) && strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm))
		(void)fprintf(f, "created = %s\n", text);
}

/* A text of others as one plain line, cut where it is too long. */
static void print_text(FILE *f, const char *key, const char *text)
{
	char line[170];
	size_t len;

	if (str_is_empty(text))
		return;
	(void)str_escape(text, line, sizeof(line));
	for (char *p = line; (p = strstr(p, " ;")); p++)
		p[1] = ',';
	if (line[0] == ';')
		line[0] = ',';
	for (len = strlen(line); len && line[len - 1] == ' '; len--)
		line[len - 1] = '\0';
	(void)fprintf(f, "%s = %s\n", key, line + strspn(line, " "));
}

static int finish_text(FILE *f, struct sr_error *err)
{
	bool bad = ferror(f) != 0;

	return fclose(f) != 0 || bad ? sr_error_oom(err, SR_STORE_STAGE) : 0;
}

static int layer_text(const struct store_layer *layer, char **ret, size_t *ret_len, struct sr_error *err)
{
	FILE *f = open_memstream(ret, ret_len);

	if (!f)
		return sr_error_oom(err, SR_STORE_STAGE);
	(void)fprintf(f, "[layer]\ndigest = sha256:%s\nentries = %" PRIu64 "\nbytes = %" PRIu64 "\n", layer->seal.hex,
		      layer->seal.entries, layer->seal.bytes);
	print_time(f);
	print_text(f, "source", layer->source);
	return finish_text(f, err);
}

static void print_values(FILE *f, const struct store_image *image, const char *section)
{
	bool begun = false;

	for (size_t i = 0; i < image->value_count; i++) {
		const struct store_value *v = &image->values[i];

		if (strcmp(v->section, section) != 0 || !store_value_fits(v))
			continue;
		if (!begun)
			(void)fprintf(f, "[%s]\n", section);
		begun = true;
		if (is_list(v))
			print_words(f, v->key, v->value);
		else
			(void)fprintf(f, "%s = %s\n", v->key, v->value);
	}
}

static void print_image(FILE *f, const struct store_layer *layers, size_t count, const struct store_image *image)
{
	const char *hex[SR_STORE_LAYERS_MAX] = { NULL };
	char stack[SR_SEAL_HEX];
	uint64_t bytes = 0;

	for (size_t i = 0; i < count; i++) {
		hex[i] = layers[i].seal.hex;
		bytes += layers[i].seal.bytes;
	}
	seal_stack(hex, count, stack);
	(void)fprintf(f, "[image]\ndigest = sha256:%s\nlayers =", stack);
	for (size_t i = 0; i < count; i++)
		(void)fprintf(f, "%ssha256:%s\n", i ? "\t" : " ", hex[i]);
	print_text(f, "description", image->description);
	print_text(f, "base", image->base);
	print_time(f);
	print_text(f, "definition", image->definition);
	(void)fprintf(f, "bytes = %" PRIu64 "\n", image->bytes ? image->bytes : bytes);
	print_values(f, image, "languages");
	print_values(f, image, "predict");
	print_values(f, image, "variables");
	if (!str_is_empty(image->profile)) {
		(void)fputs("[run]\n", f);
		print_text(f, "profile", image->profile);
	}
}

/* --- putting ------------------------------------------------------------------------------------------------------------ */

/* The folder that becomes layers/HEX, without what a build left beside the tree. */
static int prepare_layer(const struct store_work *w, size_t i, const struct store_layer *layer, struct sr_error *err)
{
	SR_AUTOCLOSE int made = tree_open_folder(w->fd, layer->made), put = -1;
	SR_AUTOFREE char *text = NULL;
	char name[24];
	size_t len = 0;
	int r = layer_text(layer, &text, &len, err);

	if (r < 0)
		return r;
	(void)snprintf(name, sizeof(name), "put-%zu", i);
	if (made >= 0 && mkdirat(w->fd, name, 0700) == 0)
		put = tree_open_folder(w->fd, name);
	if (made < 0 || put < 0 || renameat(made, "tree", put, "tree") < 0)
		return store_failed(err, "prepare a layer in", w->name, layer->made, -errno);
	r = file_write_at(put, "layer.ini", 0600, text, len, false);
	return r < 0 ? store_failed(err, "write", name, "layer.ini", r) : 0;
}

static bool has_layer(const struct store_writer *s, const char *hex)
{
	char path[SR_SEAL_HEX + 8];

	(void)snprintf(path, sizeof(path), "%s/tree", hex);
	return faccessat(s->layers_fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Under the lock. */
static int place_layer(const struct store_writer *s, const struct store_work *w, size_t i, const struct store_layer *layer,
		       struct sr_error *err)
{
	char name[24], broken[32];

	if (has_layer(s, layer->seal.hex))
		return 0;
	if (!layer->made) {
		(void)sr_error_set(err, SR_E_ENVIRONMENT, ENOENT, SR_STORE_STAGE,
				   "cannot use the layer sha256:%s: it is no longer in the store", layer->seal.hex);
		sr_error_hint(err, "something removed it meanwhile; build or import the environment below it again");
		return -ENOENT;
	}
	(void)snprintf(name, sizeof(name), "put-%zu", i);
	(void)snprintf(broken, sizeof(broken), "broken-%zu", i);
	(void)renameat(s->layers_fd, layer->seal.hex, w->fd, broken); /* without its tree it is no layer */
	if (renameat(w->fd, name, s->layers_fd, layer->seal.hex) < 0)
		return store_failed(err, "put a layer into", s->path, "layers", -errno);
	return 0;
}

int store_name_taken(const char *name, struct sr_error *err)
{
	(void)sr_error_set(err, SR_E_ENVIRONMENT, EEXIST, SR_STORE_STAGE, "cannot make %s: an environment of that name is there", name);
	sr_error_hint(err, "--force replaces it; --name gives the new one another name");
	return -EEXIST;
}

/* Under the lock, for another maker may have been faster. */
static int check_new(const struct store_writer *s, const struct store_image *image, const char *file, struct sr_error *err)
{
	if (!image->is_new || faccessat(s->names_fd, file, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	return store_name_taken(image->name, err);
}

static int place_all(const struct store_writer *s, const struct store_work *w, const struct store_layer *layers, size_t count,
		     const struct store_image *image, struct sr_error *err)
{
	SR_AUTOCLOSE int lock = -1;
	SR_AUTOFREE char *text = NULL;
	char name[SR_STORE_NAME_MAX + 8];
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);
	int r;

	if (!f)
		return sr_error_oom(err, SR_STORE_STAGE);
	print_image(f, layers, count, image);
	r = finish_text(f, err);
	if (r == 0 && len > SR_STORE_TEXT_MAX)
		r = sr_error_set(err, SR_E_ENVIRONMENT, EFBIG, SR_STORE_STAGE, "cannot note down the environment %s: there is more "
				 "than 64 KiB to say of it", image->name);
	if (r == 0)
		r = store_lock(s, &lock, err);
	(void)snprintf(name, sizeof(name), "%s.ini", image->name);
	if (r == 0)
		r = check_new(s, image, name, err);
	for (size_t i = 0; r == 0 && i < count; i++)
		r = place_layer(s, w, i, &layers[i], err);
	if (r < 0)
		return r;
	if (fsync(s->layers_fd) < 0)
		return store_failed(err, "write", s->path, "layers", -errno);
	r = file_write_at(s->names_fd, name, 0600, text, len, true);
	return r < 0 ? store_failed(err, "write the name into", s->path, "names", r) : 0;
}

size_t store_drop_twins(struct store_layer *layers, size_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++) {
		bool again = false;

		for (size_t k = i + 1; k < count; k++)
			again = again || strcmp(layers[k].seal.hex, layers[i].seal.hex) == 0;
		if (!again)
			layers[kept++] = layers[i];
	}
	return kept;
}

int store_put(const struct store_writer *s, const struct store_work *w, const struct store_layer *layers, size_t count,
	      const struct store_image *image, struct sr_error *err)
{
	SR_AUTOFREE struct store_layer *own = calloc(count + 1, sizeof(*own));
	int r;

	if (!own)
		return sr_error_oom(err, SR_STORE_STAGE);
	r = store_check_name(image->name, err);
	if (r < 0)
		return r;
	memcpy(own, layers, count * sizeof(*own));
	count = store_drop_twins(own, count);
	if (count == 0 || count > SR_STORE_LAYERS_MAX)
		return sr_error_set(err, SR_E_ENVIRONMENT, EINVAL, SR_STORE_STAGE, "cannot make an environment of %zu layers: 1 to %d are possible",
				    count, SR_STORE_LAYERS_MAX);
	for (size_t i = 0; r == 0 && i < count; i++)
		r = own[i].made ? prepare_layer(w, i, &own[i], err) : 0;
	if (r < 0)
		return r;
	if (syncfs(w->fd) < 0) /* all files of all layers: before anything has its name */
		return store_failed(err, "write", s->path, "work", -errno);
	return place_all(s, w, own, count, image, err);
}
