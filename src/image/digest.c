/* SPDX-License-Identifier: MIT */
#include "image/digest.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <nettle/sha2.h>

#include "base/fd.h"
#include "base/str.h"
#include "image/tree.h"

#define STAGE "layer"
#define OPAQUE "user.overlay.opaque"

struct walk {
	struct sha256_ctx ctx;
	FILE *manifest;
	struct sr_seal facts;
	struct sr_error *err;
	bool seal;
	unsigned int depth;
	size_t len;
	char path[PATH_MAX];
	unsigned char buffer[128 << 10];
};

static int (*stop_asked)(void);

void seal_stop_when(int (*asked)(void))
{
	stop_asked = asked;
}

static int refuse(const struct walk *w, const char *verb, int errnum, const char *why)
{
	char shown[512];

	return sr_error_set(w->err, SR_E_ENVIRONMENT, errnum, STAGE, "cannot %s %s of the layer: %s", verb,
			    *w->path ? str_escape(w->path, shown, sizeof(shown)) : "the top folder", why);
}

static int failed(const struct walk *w, const char *verb, int r)
{
	return refuse(w, verb, -r, strerror(-r));
}

/* --- the manifest ------------------------------------------------------------------------------------------------------- */

static void feed(struct walk *w, const char *text, size_t len)
{
	sha256_update(&w->ctx, len, (const uint8_t *)text);
	if (w->manifest)
		(void)fwrite(text, 1, len, w->manifest); /* the caller asks for the stream's error */
}

static void feed_escaped(struct walk *w, const char *text)
{
	char out[3 * 256];
	size_t n = 0;

	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (n + 4 > sizeof(out)) { /* three characters and snprintf(3)'s NUL */
			feed(w, out, n);
			n = 0;
		}
		if (c < 0x21 || c == '%' || c > 0x7e)
			n += (size_t)snprintf(out + n, 4, "%%%02X", c);
		else
			out[n++] = (char)c;
	}
	feed(w, out, n);
}

static void add_line(struct walk *w, char type, mode_t mode, uint64_t size, const char *hex, const char *target)
{
	char text[128];
	int n = snprintf(text, sizeof(text), "%c %04o %" PRIu64 " %s ", type, (unsigned int)(mode & 07777), size, hex);

	feed(w, text, (size_t)n);
	feed_escaped(w, w->path);
	if (target) {
		feed(w, " -> ", 4);
		feed_escaped(w, target);
	}
	feed(w, "\n", 1);
	w->facts.entries++;
	w->facts.bytes += size;
}

static void final_hex(struct sha256_ctx *ctx, char out[static SR_SEAL_HEX])
{
	uint8_t digest[SHA256_DIGEST_SIZE];

	sha256_digest(ctx, sizeof(digest), digest);
	str_hex(digest, sizeof(digest), out);
}

/* --- attributes --------------------------------------------------------------------------------------------------------- */

int seal_is_opaque(int dir_fd)
{
	char value[2];

	return fgetxattr(dir_fd, OPAQUE, value, sizeof(value)) == 1 && *value == 'y';
}

static bool is_unwanted(const char *name)
{
	return str_has_prefix(name, "user.") || str_has_prefix(name, "system.posix_acl_");
}

/* One that is left over after sealing would be read by overlayfs, or would give rights that the mode does not show. */
static int check_attribute(struct walk *w, int fd, const char *name)
{
	char shown[128], why[256];

	if (*w->path && strcmp(name, OPAQUE) == 0 && seal_is_opaque(fd))
		return 0; /* of the top folder it would mean nothing */
	if (w->seal && strcmp(name, "security.capability") == 0) {
		/* drops it, where removing it would take a right; and where it does not: no run honours it */
		return fchown(fd, (uid_t)-1, (gid_t)-1) < 0 ? failed(w, "remove the capabilities of", -errno) : 0;
	}
	if (!is_unwanted(name))
		return 0;
	if (w->seal)
		return fremovexattr(fd, name) < 0 ? failed(w, "remove an attribute from", -errno) : 0;
	if (!str_has_prefix(name, "user.overlay.") && !str_has_prefix(name, "system."))
		return 0;
	(void)snprintf(why, sizeof(why), "it has the attribute %s, which no sealed layer has", str_escape(name, shown, sizeof(shown)));
	return refuse(w, "use", EINVAL, why);
}

static int check_attributes(struct walk *w, int fd)
{
	char small[1024];
	SR_AUTOFREE char *large = NULL;
	char *names = small;
	ssize_t n = flistxattr(fd, small, sizeof(small));

	if (n < 0 && errno == ERANGE) {
		large = malloc(XATTR_LIST_MAX);
		if (!large)
			return sr_error_oom(w->err, STAGE);
		names = large;
		n = flistxattr(fd, large, XATTR_LIST_MAX);
	}
	if (n < 0)
		return errno == ENOTSUP ? 0 : failed(w, "list the attributes of", -errno);
	for (const char *name = names; name < names + n; name += strlen(name) + 1) {
		int r = check_attribute(w, fd, name);

		if (r < 0)
			return r;
	}
	return 0;
}

/* --- entries ------------------------------------------------------------------------------------------------------------ */

static const struct timespec sealed_times[2] = { { .tv_sec = SR_SEAL_TIME }, { .tv_sec = SR_SEAL_TIME } };

static int set_times(struct walk *w, int dir_fd, const char *name)
{
	if (!w->seal || utimensat(dir_fd, name, sealed_times, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	return failed(w, "set the time of", -errno);
}

/* The mode that a sealed file or folder has. */
static mode_t sealed_mode(const struct stat *st)
{
	return (st->st_mode & (S_ISDIR(st->st_mode) ? 01777 : 0777)) | (S_ISDIR(st->st_mode) ? 0700 : 0400);
}

static int settle_mode(struct walk *w, int dir_fd, const struct sr_tree_item *item)
{
	int r;

	if ((item->st.st_mode & 07777) == sealed_mode(&item->st))
		return 0;
	if (!w->seal)
		return refuse(w, "use", EINVAL, "its mode is none of a sealed layer's");
	r = tree_set_mode(dir_fd, item->name, sealed_mode(&item->st));
	return r < 0 ? failed(w, "set the mode of", r) : 0;
}

static int hash_file(struct walk *w, int fd, uint64_t *ret_size, char hex[static SR_SEAL_HEX])
{
	struct sha256_ctx ctx;
	uint64_t size = 0;

	sha256_init(&ctx);
	for (;;) {
		ssize_t n = read(fd, w->buffer, sizeof(w->buffer));

		if (stop_asked && stop_asked())
			return refuse(w, "read", EINTR, "interrupted");
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return failed(w, "read", -errno);
		if (n == 0)
			break;
		sha256_update(&ctx, (size_t)n, w->buffer);
		size += (uint64_t)n;
	}
	final_hex(&ctx, hex);
	*ret_size = size;
	return 0;
}

static int visit_file(struct walk *w, int dir_fd, const struct sr_tree_item *item)
{
	SR_AUTOCLOSE int fd = -1;
	char hex[SR_SEAL_HEX];
	uint64_t size = 0;
	struct stat st;
	int r = settle_mode(w, dir_fd, item);

	if (r < 0)
		return r;
	fd = openat(dir_fd, item->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return failed(w, "open", -errno);
	if (!S_ISREG(st.st_mode) || st.st_ino != item->st.st_ino)
		return refuse(w, "read", EAGAIN, "it changed meanwhile");
	r = check_attributes(w, fd);
	if (r == 0)
		r = hash_file(w, fd, &size, hex);
	if (r < 0)
		return r;
	add_line(w, 'f', sealed_mode(&item->st), size, hex, NULL);
	if (w->seal && futimens(fd, sealed_times) < 0)
		return failed(w, "set the time of", -errno);
	return 0;
}

static int visit_link(struct walk *w, int dir_fd, const struct sr_tree_item *item)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(dir_fd, item->name, target, sizeof(target));

	if (n < 0)
		return failed(w, "read the link", -errno);
	if ((size_t)n == sizeof(target))
		return refuse(w, "read the link", ENAMETOOLONG, "its target is too long");
	target[n] = '\0';
	add_line(w, 'l', 0777, 0, "-", target);
	return set_times(w, dir_fd, item->name);
}

/* The folder itself; what it holds comes later, where the order of the paths puts it. */
static int visit_folder(struct walk *w, int dir_fd, const struct sr_tree_item *item)
{
	SR_AUTOCLOSE int fd = -1;
	int r = settle_mode(w, dir_fd, item);

	if (r < 0)
		return r;
	fd = tree_open_folder(dir_fd, item->name);
	if (fd < 0)
		return failed(w, "open", fd);
	r = check_attributes(w, fd);
	if (r == 0)
		add_line(w, seal_is_opaque(fd) ? 'o' : 'd', sealed_mode(&item->st), 0, "-", NULL);
	return r;
}

static int visit_special(struct walk *w, int dir_fd, const struct sr_tree_item *item)
{
	const struct stat *st = &item->st;

	if (S_ISCHR(st->st_mode) && st->st_rdev == makedev(0, 0)) {
		add_line(w, 'w', 0, 0, "-", NULL);
		return set_times(w, dir_fd, item->name);
	}
	if (w->seal && (S_ISFIFO(st->st_mode) || S_ISSOCK(st->st_mode)))
		return unlinkat(dir_fd, item->name, 0) < 0 ? failed(w, "remove", -errno) : 0;
	return refuse(w, "use", EINVAL, S_ISFIFO(st->st_mode) ? "it is a FIFO" : S_ISSOCK(st->st_mode) ? "it is a socket" :
		      "it is a device");
}

static int visit(struct walk *w, int dir_fd, const struct sr_tree_item *item)
{
	if (S_ISREG(item->st.st_mode))
		return visit_file(w, dir_fd, item);
	if (S_ISDIR(item->st.st_mode))
		return visit_folder(w, dir_fd, item);
	if (S_ISLNK(item->st.st_mode))
		return visit_link(w, dir_fd, item);
	return visit_special(w, dir_fd, item);
}

/* --- the order ---------------------------------------------------------------------------------------------------------- */

/*
 * One name of a folder, or what lies below it. The manifest is sorted by the bytes of whole paths, and a '/' sorts behind some
 * bytes of names: "a", "a-b", "a.b", "a/x", "a0". So a folder stands in the list twice, its contents as "a/".
 */
struct step {
	const struct sr_tree_item *item;
	bool below;
};

static int compare_steps(const void *pa, const void *pb)
{
	const struct step *a = pa, *b = pb;
	const char *p = a->item->name, *q = b->item->name;
	unsigned char c, d;

	while (*p && *p == *q) {
		p++;
		q++;
	}
	c = (unsigned char)(*p ? *p : a->below ? '/' : '\0');
	d = (unsigned char)(*q ? *q : b->below ? '/' : '\0');
	return (c > d) - (c < d);
}

static int visit_all(struct walk *w, int dir_fd);

static int visit_below(struct walk *w, int dir_fd, const char *name)
{
	SR_AUTOCLOSE int fd = tree_open_folder(dir_fd, name);
	int r;

	if (fd < 0)
		return failed(w, "open", fd);
	if (w->depth == SR_TREE_DEPTH)
		return refuse(w, "read", ELOOP, "folders stand too deep in each other (256 are the limit)");
	w->depth++;
	r = visit_all(w, fd);
	w->depth--;
	if (r == 0 && w->seal && futimens(fd, sealed_times) < 0)
		r = failed(w, "set the time of", -errno);
	return r;
}

static int visit_step(struct walk *w, int dir_fd, const struct step *s)
{
	size_t before = w->len, n = strlen(s->item->name);
	int r;

	if (stop_asked && stop_asked())
		return refuse(w, "read", EINTR, "interrupted");
	if (before + 1 + n >= sizeof(w->path))
		return refuse(w, "read", ENAMETOOLONG, "a path in it is longer than 4095 bytes");
	if (before)
		w->path[w->len++] = '/';
	memcpy(w->path + w->len, s->item->name, n + 1);
	w->len += n;
	r = s->below ? visit_below(w, dir_fd, s->item->name) : visit(w, dir_fd, s->item);
	if (r == 0) { /* else the message may still want it */
		w->len = before;
		w->path[before] = '\0';
	}
	return r;
}

static int visit_all(struct walk *w, int dir_fd)
{
	struct sr_tree_list list = { .items = NULL };
	struct step *steps = NULL;
	size_t count = 0;
	int r = tree_list(dir_fd, &list);

	if (r < 0)
		return failed(w, "list", r);
	steps = list.count ? calloc(list.count, 2 * sizeof(*steps)) : NULL;
	if (list.count && !steps)
		r = sr_error_oom(w->err, STAGE);
	for (size_t i = 0; steps && i < list.count; i++) {
		steps[count++] = (struct step){ .item = &list.items[i] };
		if (S_ISDIR(list.items[i].st.st_mode))
			steps[count++] = (struct step){ .item = &list.items[i], .below = true };
	}
	if (count > 1)
		qsort(steps, count, sizeof(*steps), compare_steps);
	for (size_t i = 0; r == 0 && i < count; i++)
		r = visit_step(w, dir_fd, &steps[i]);
	free(steps);
	tree_list_done(&list);
	return r;
}

static int walk_tree(int tree_fd, bool seal, FILE *manifest, struct sr_seal *ret, struct sr_error *err)
{
	SR_AUTOFREE struct walk *w = calloc(1, sizeof(*w));
	int r;

	if (!w)
		return sr_error_oom(err, STAGE);
	w->manifest = manifest;
	w->err = err;
	w->seal = seal;
	sha256_init(&w->ctx);
	feed(w, "sandrun-layer v1\n", strlen("sandrun-layer v1\n"));
	if (seal && fchmod(tree_fd, 0755) < 0)
		return failed(w, "set the mode of", -errno);
	r = check_attributes(w, tree_fd);
	if (r == 0)
		r = visit_all(w, tree_fd);
	if (r == 0 && seal && futimens(tree_fd, sealed_times) < 0)
		r = failed(w, "set the time of", -errno);
	if (r < 0)
		return r;
	final_hex(&w->ctx, w->facts.hex);
	*ret = w->facts;
	return 0;
}

int seal_check(int tree_fd, FILE *manifest, struct sr_seal *ret, struct sr_error *err)
{
	return walk_tree(tree_fd, false, manifest, ret, err);
}

int seal_tree(int tree_fd, struct sr_seal *ret, struct sr_error *err)
{
	return walk_tree(tree_fd, true, NULL, ret, err);
}

void seal_stack(const char *const *layers, size_t count, char out[static SR_SEAL_HEX])
{
	static const char head[] = "sandrun-image v1\n";
	struct sha256_ctx ctx;

	sha256_init(&ctx);
	sha256_update(&ctx, strlen(head), (const uint8_t *)head);
	for (size_t i = 0; i < count; i++) {
		sha256_update(&ctx, 7, (const uint8_t *)"sha256:");
		sha256_update(&ctx, strlen(layers[i]), (const uint8_t *)layers[i]);
		sha256_update(&ctx, 1, (const uint8_t *)"\n");
	}
	final_hex(&ctx, out);
}
