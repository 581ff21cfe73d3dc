/* SPDX-License-Identifier: MIT */
/*
 * The list of steps that make the new root (stage/fs.c walks it).
 *
 *	host: a tmpfs with /usr as a read-only overlay of the host's, the links that lead into it, chosen pieces of /etc with
 *	      synthetic passwd, group, hosts, nsswitch (plan/etc.h); sealed read-only.
 *	tree: an overlay, the image's layers below, a sized tmpfs above. The folders that sandrun mounts on are made in the
 *	      upper first: whatever the image has under those names, a link to the host for one, is hidden by a real folder.
 *	build: (--build-layer) the upper is a folder on disk, and those folders are the topmost of the lowers, that nothing of
 *	      ours gets into the layer. What an earlier build left in the upper lies over them, so each folder is looked at again once it is
 *	      mounted, and each file while it is planned (environment_check_point).
 *
 * Everything of the host's comes through an overlay, never a plain bind: a socket or FIFO below it could be reached
 * through a bind in spite of the empty network namespace (finding 10). Single devices are checked character devices.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/fd.h"
#include "plan/build.h"
#include "plan/etc.h"

/* A folder of the scaffold that stays empty: overlayfs wants two lowers where there is no upper. */
#define EMPTY "run"

struct root_builder {
	struct sr_plan_box *box;
	const struct sr_policy *policy;
	const struct sr_environment *environment;
	const char *stage; /* host folder that the scaffold is mounted over, in the child's namespace only */
	bool oom;
};

static struct sr_fs_op *add(struct root_builder *b, enum sr_fs_kind kind, const char *dest, unsigned flags)
{
	static struct sr_fs_op scrap; /* written when memory is out; the list is thrown away then */
	struct sr_plan_box *box = b->box;
	struct sr_fs_op *op;

	if (box->ops_count == box->ops_size) {
		size_t size = box->ops_size ? box->ops_size * 2 : 96;
		struct sr_fs_op *bigger = realloc(box->ops, size * sizeof(*bigger));

		if (!bigger) {
			b->oom = true;
			return &scrap;
		}
		box->ops = bigger;
		box->ops_size = size;
	}
	op = &box->ops[box->ops_count++];
	*op = (struct sr_fs_op){ .kind = kind, .dest = dest, .flags = flags };
	return op;
}

/* A text owned by the box. */
static const char *SR_PRINTF(2, 3) text(struct root_builder *b, const char *fmt, ...)
{
	char buf[4096];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(buf) || strv_add(&b->box->strings, buf) < 0) {
		b->oom = true;
		return "";
	}
	return b->box->strings.items[b->box->strings.count - 1];
}

/* The box is moved when it is finished: what a step points to must stand by itself. */
static const char *stamp_text(struct root_builder *b, const struct sr_stamp *stamp)
{
	b->box->stamp = malloc(sizeof(*stamp));
	if (!b->box->stamp) {
		b->oom = true;
		return "";
	}
	*b->box->stamp = *stamp;
	return (const char *)b->box->stamp;
}

static void make_dir(struct root_builder *b, const char *dest, uint32_t mode)
{
	add(b, SR_FS_MKDIR, dest, 0)->mode = mode;
}

static void make_link(struct root_builder *b, const char *dest, const char *target)
{
	add(b, SR_FS_SYMLINK, dest, 0)->src = target;
}

static void make_file(struct root_builder *b, const char *dest, const char *data)
{
	struct sr_fs_op *op = add(b, SR_FS_FILE, dest, 0);

	op->mode = 0444;
	op->data = data;
	op->len = strlen(data);
}

static void mount_tmpfs(struct root_builder *b, const char *dest, uint64_t size, uint64_t inodes, const char *mode)
{
	struct sr_fs_op *op = add(b, SR_FS_TMPFS, dest, 0);

	/* "unlimited" leaves tmpfs its own ceiling, half of the machine's memory, tmpfs(5): no size would be no ceiling at all */
	if (size == SR_UNLIMITED)
		op->data = text(b, "mode=%s", mode);
	else
		op->data = text(b, "size=%llu,nr_inodes=%llu,mode=%s", (unsigned long long)size,
				inodes == SR_UNLIMITED ? 0ULL : (unsigned long long)inodes, mode);
}

static void etc_synthetic(struct root_builder *b, unsigned flags)
{
	for (const struct etc_file *f = etc_files; f->name; f++) {
		struct sr_fs_op *op = add(b, SR_FS_FILE, text(b, "etc/%s", f->name), flags);

		op->mode = 0444;
		op->data = f->text;
		op->len = strlen(f->text);
	}
}

/* An overlay of one host folder without an upper: two lowers, the first one empty, as overlayfs wants. */
static void overlay_of(struct root_builder *b, const char *dest, const char *host, unsigned flags)
{
	struct sr_fs_op *op = add(b, SR_FS_OVERLAY, dest, SR_FS_OR_BIND | flags);

	op->src = host;
	op->mode = 1; /* read-only */
	op->data = text(b, "lowerdir=%s/" EMPTY ":%s", b->stage, host);
}

/* The mask of /etc is looked at before the scaffold covers any folder of the host: it may lie in /tmp. */
static bool etc_look(struct root_builder *b, struct etc_mask *mask)
{
	struct sr_fs_op *op;

	if (!etc_mask(b->box->plan.borrowed_id, !b->policy->explain, mask))
		return false;
	b->box->mask_fd = mask->fd;
	op = add(b, SR_FS_OPEN, "", 0);
	op->src = text(b, "%s", mask->path);
	op->dev = mask->dev;
	op->ino = mask->ino;
	return true;
}

static void etc_piece(struct root_builder *b, const char *name, unsigned flags)
{
	add(b, SR_FS_BIND, text(b, "etc/%s", name), SR_FS_OPTIONAL | SR_FS_MAKE | flags)->src = text(b, "proc/%s", name);
}

/* /etc/hosts is a mount of its own in containers: no overlay then, so that the pieces are what counts. */
static bool etc_has_mounts(void)
{
	struct stat etc, hosts;

	return stat("/etc", &etc) == 0 && stat("/etc/hosts", &hosts) == 0 && etc.st_dev != hosts.st_dev;
}

/* With `exact`, patterns count too, which costs reading the names of /etc. */
static void etc_pieces_of(struct root_builder *b, bool exact, unsigned flags)
{
	struct sr_strv names = { 0 };

	if (exact && etc_names(&names) == 0) {
		for (size_t i = 0; i < names.count; i++)
			etc_piece(b, names.items[i], flags);
	} else {
		for (unsigned i = 0; i < etc_piece_count; i++) {
			if (!str_has_suffix(etc_pieces[i], "*"))
				etc_piece(b, etc_pieces[i], flags);
		}
	}
	strv_done(&names);
}

/*
 * /etc: one overlay with the mask on top, or (plan/etc.h) piece by piece. The hidden overlay for the pieces stands where
 * /proc comes later. Both are listed: whether the kernel takes the first shows only when it is mounted.
 */
static void host_etc(struct root_builder *b, const struct etc_mask *mask)
{
	struct sr_fs_op *op;
	unsigned other = 0;

	if (mask) {
		op = add(b, SR_FS_OVERLAY, text(b, "%s/etc", b->stage), SR_FS_HERE | SR_FS_TRY);
		op->src = "/etc";
		op->mode = 1;
		op->data = "lowerdir=.:/etc";
		op = add(b, SR_FS_SAME, "", 0);
		op->src = "/etc";
		op->data = stamp_text(b, &mask->stamp);
		other = SR_FS_ELSE;
	}
	etc_synthetic(b, other);
	overlay_of(b, "proc", "/etc", other);
	etc_pieces_of(b, !mask || etc_has_mounts(), other);
	add(b, SR_FS_DETACH, "proc", other);
}

/* /bin, /lib ... : links into /usr on a merged system (made again), folders of their own elsewhere (overlaid). */
static void merged_links(struct root_builder *b)
{
	static const char *const names[] = { "bin", "sbin", "lib", "lib32", "lib64", "libx32" };

	for (size_t i = 0; i < SR_ELEMENTSOF(names); i++) {
		char path[16], target[256];
		struct stat st;
		ssize_t n;

		(void)snprintf(path, sizeof(path), "/%s", names[i]);
		n = readlink(path, target, sizeof(target) - 1);
		if (n > 0) {
			target[n] = '\0';
			make_link(b, names[i], text(b, "%s", target));
		} else if (lstat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
			make_dir(b, names[i], 0755);
			overlay_of(b, names[i], text(b, "%s", path), 0);
		}
	}
}

static void devices(struct root_builder *b)
{
	static const struct {
		const char *dest, *src;
		unsigned major, minor;
	} nodes[] = {
		{ "dev/null", "/dev/null", 1, 3 },     { "dev/zero", "/dev/zero", 1, 5 },
		{ "dev/full", "/dev/full", 1, 7 },     { "dev/random", "/dev/random", 1, 8 },
		{ "dev/urandom", "/dev/urandom", 1, 9 }, { "dev/tty", "/dev/tty", 5, 0 },
	};

	for (size_t i = 0; i < SR_ELEMENTSOF(nodes); i++) {
		struct sr_fs_op *op = add(b, SR_FS_BIND, nodes[i].dest, SR_FS_CHARDEV | SR_FS_MAKE);

		op->src = nodes[i].src;
		op->dev = makedev(nodes[i].major, nodes[i].minor);
	}
	make_dir(b, "dev/pts", 0755);
	make_dir(b, "dev/shm", 0755);
	make_link(b, "dev/ptmx", "pts/ptmx");
	make_link(b, "dev/fd", "/proc/self/fd");
	make_link(b, "dev/stdin", "/proc/self/fd/0");
	make_link(b, "dev/stdout", "/proc/self/fd/1");
	make_link(b, "dev/stderr", "/proc/self/fd/2");
	add(b, SR_FS_DEVPTS, "dev/pts", 0)->data = "newinstance,ptmxmode=0666,mode=0600,max=64";
	mount_tmpfs(b, "dev/shm", policy_limit(b->policy, SR_LIMIT_shm_bytes),
		    policy_limit(b->policy, SR_LIMIT_tmp_inodes), "1777");
}

/* A fresh procfs shows only what the payload may trace, so not init (finding 1); entries about the host are masked. */
static void proc(struct root_builder *b)
{
	/* what everybody may read; what only root may (kcore, kmsg, timer_list, sysrq-trigger ...) is closed to the payload,
	 * who is nobody's root: kernels of 6.1 and later have no other kind */
	static const char *const files[] = { "kallsyms",  "keys",    "key-users", "interrupts",
					     "config.gz", "cmdline", "latency_stats" };
	static const char *const dirs[] = { "acpi", "scsi", "asound" };
	struct sr_fs_op *op;

	add(b, SR_FS_PROC, "proc", 0)->data = "hidepid=ptraceable";
	for (size_t i = 0; i < SR_ELEMENTSOF(files); i++) {
		op = add(b, SR_FS_BIND, text(b, "proc/%s", files[i]), SR_FS_CHARDEV | SR_FS_OPTIONAL);
		op->src = "dev/null";
		op->dev = makedev(1, 3);
	}
	for (size_t i = 0; i < SR_ELEMENTSOF(dirs); i++)
		add(b, SR_FS_TMPFS, text(b, "proc/%s", dirs[i]), SR_FS_OPTIONAL | SR_FS_READONLY)->data =
			"size=4k,nr_inodes=1,mode=0555";
}

/*
 * Ceilings of the sandbox's own user and network namespaces. Some kernel objects are otherwise counted per user of the
 * host: the payload could use up what the user's desktop needs (finding 16). No user namespace below this one, whatever the filter says.
 */
static void sysctls(struct root_builder *b)
{
	static const char *const rows[][2] = {
		{ "/proc/sys/user/max_user_namespaces", "0" },
		{ "/proc/sys/user/max_inotify_instances", "16" },
		{ "/proc/sys/user/max_inotify_watches", "8192" },
		/* loopback traffic is charged to one pool of the whole machine */
		{ "/proc/sys/net/ipv4/tcp_rmem", "4096 32768 131072" },
		{ "/proc/sys/net/ipv4/tcp_wmem", "4096 16384 65536" },
	};

	for (size_t i = 0; i < SR_ELEMENTSOF(rows); i++) {
		struct sr_fs_op *op;

		if (b->policy->build_network && str_has_prefix(rows[i][0], "/proc/sys/net/"))
			continue; /* it is the host's */
		op = add(b, SR_FS_SYSCTL, "", 0);

		op->src = rows[i][0];
		op->data = rows[i][1];
		op->len = strlen(op->data);
	}
}

/* Each folder on the way to dest, so that the path holds nothing but folders of ours. */
static void make_parents(struct root_builder *b, const char *dest)
{
	for (const char *slash = strchr(dest, '/'); slash; slash = strchr(slash + 1, '/'))
		make_dir(b, text(b, "%.*s", (int)(slash - dest), dest), 0755);
}

struct bind_target {
	const char *dest; /* relative to the root */
	struct stat st;
	char *source;     /* resolved */
};

/* Whether dest is the folder or lies below it; both relative to the root. */
static bool is_below(const char *dest, const char *folder)
{
	size_t len = strlen(folder);

	return strncmp(dest, folder, len) == 0 && (dest[len] == '/' || !dest[len]);
}

/* An absolute path without empty, "." and ".." components. */
static bool is_plain(const char *path)
{
	if (*path != '/')
		return false;
	while (*path) {
		size_t len = strcspn(++path, "/");

		if (len == 0 || (len == 1 && path[0] == '.') || (len == 2 && path[0] == '.' && path[1] == '.'))
			return false;
		path += len;
	}
	return true;
}

/* Whether the host has dest itself, of the same kind, and no link on the way. */
static bool on_host(const char *dest, bool folder)
{
	size_t len = 0;

	do {
		SR_AUTOFREE char *path = NULL;
		struct stat st;

		len += strcspn(dest + len, "/");
		path = str_format("/%.*s", (int)len, dest);
		if (!path || lstat(path, &st) < 0 || !(dest[len] || folder ? S_ISDIR(st.st_mode) : S_ISREG(st.st_mode)))
			return false;
	} while (dest[len++]);
	return true;
}

/* The host's folders that stand read-only in the root: nothing can be added there, and a link would lead past the root. */
static bool is_overlaid(const struct root_builder *b, const char *dest)
{
	static const char *const names[] = { "usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32" };

	for (size_t i = 0; !b->box->plan.tree && i < SR_ELEMENTSOF(names); i++) {
		if (is_below(dest, names[i]))
			return true;
	}
	return false;
}

/* Why nothing can be shown at this place inside, or NULL. */
static const char *refused_place(const struct root_builder *b, const char *dest, bool folder)
{
	if (is_below(dest, "proc") || is_below(dest, "dev") || strcmp(dest, "work") == 0 || strcmp(dest, "tmp") == 0)
		return "the place inside is sandrun's own";
	if (b->box->plan.tree)
		return NULL;
	if (is_below(dest, "etc") || is_below(dest, "var/tmp"))
		return "the place inside is fixed in the environment 'host'";
	if (is_overlaid(b, dest) && (strcmp(dest, "usr") == 0 || !on_host(dest, folder)))
		return "the place inside is read-only: there only what exists, and is no link, can be covered";
	return NULL;
}

static int bind_check(const struct root_builder *b, const struct sr_file_arg *arg, struct bind_target *t,
		      struct sr_error *err)
{
	char shown[256];
	const char *reason;

	str_escape(arg->path, shown, sizeof(shown));
	t->source = realpath(arg->path, NULL);
	if (!t->source || stat(t->source, &t->st) < 0)
		return sr_error_set(err, SR_E_BIND, errno, "options", "cannot bind %s: %s", shown, strerror(errno));
	if (!S_ISDIR(t->st.st_mode) && !S_ISREG(t->st.st_mode)) {
		(void)sr_error_set(err, SR_E_BIND, EINVAL, "options",
				   "cannot bind %s: it is no regular file and no folder", shown);
		sr_error_hint(err, "sockets, FIFOs and devices of the host stay outside");
		return -EINVAL;
	}
	t->dest = arg->name ? arg->name : t->source;
	if (strcmp(t->source, "/") == 0)
		return sr_error_set(err, SR_E_BIND, EINVAL, "options", "cannot bind %s: it is this machine's own root", shown);
	if (!is_plain(t->dest)) {
		(void)sr_error_set(err, SR_E_BIND, EINVAL, "options", "cannot bind %s: the place inside is no plain absolute path",
				   shown);
		sr_error_hint(err, "--bind PATH:/place/inside, without ., .. and double slashes");
		return -EINVAL;
	}
	t->dest++;
	reason = refused_place(b, t->dest, S_ISDIR(t->st.st_mode));
	if (!reason)
		return 0;
	(void)sr_error_set(err, SR_E_BIND, EINVAL, "options", "cannot bind %s: %s", shown, reason);
	sr_error_hint(err, "name another place: --bind %s:/place/inside", shown);
	return -EINVAL;
}

/* What a bind is mounted on. */
static void bind_point(struct root_builder *b, const char *dest, bool folder)
{
	if (is_overlaid(b, dest))
		return; /* it exists: that was checked */
	make_parents(b, dest);
	if (folder)
		make_dir(b, dest, 0755);
	else
		make_file(b, dest, "");
}

static void bind_mount(struct root_builder *b, const struct bind_target *t, const char *source, const char *dest)
{
	struct sr_fs_op *op;

	if (S_ISDIR(t->st.st_mode)) {
		/* opened once and compared; lowerdir=. of that descriptor keeps the host's path out of mountinfo */
		op = add(b, SR_FS_OPEN, "", 0);
		op->src = source;
		op->dev = t->st.st_dev;
		op->ino = t->st.st_ino;
		op = add(b, SR_FS_OVERLAY, text(b, "%s/%s%s", b->stage, b->box->plan.tree ? "r/" : "", dest), SR_FS_HERE);
		op->src = source;
		op->mode = 1;
		op->data = text(b, "lowerdir=%s/" EMPTY ":.", b->stage);
	} else {
		op = add(b, SR_FS_BIND, dest, SR_FS_REGULAR | SR_FS_READONLY);
		op->src = source;
		op->dev = t->st.st_dev;
		op->ino = t->st.st_ino;
	}
}

/* In the merged root: dest and the folders on the way are folders, no links, whatever lies in the upper. */
static void make_solid(struct root_builder *b, const char *dest)
{
	size_t len = 0;

	do {
		const char *path;

		len += strcspn(dest + len, "/");
		path = text(b, "%.*s", (int)len, dest);
		make_dir(b, path, 0755);
		add(b, SR_FS_OPEN, "", 0)->src = path;
	} while (dest[len++]);
}

static int bind_solid(struct root_builder *b, const char *dest, bool folder, struct sr_error *err)
{
	const char *slash = strrchr(dest, '/');

	if (folder)
		make_solid(b, dest);
	else if (slash)
		make_solid(b, text(b, "%.*s", (int)(slash - dest), dest));
	return folder ? 0 : environment_check_point(b->environment, b->policy->build_layer, dest, err);
}

/*
 * BIND_POINTS makes the folders and files to mount on, in a tree before its overlay is there, so that no link of the image is
 * on the way; BIND_MOUNTS mounts, and makes those points that lie in a tmpfs which was mounted since.
 */
enum bind_phase { BIND_POINTS, BIND_MOUNTS };

static int binds(struct root_builder *b, enum bind_phase phase, struct sr_error *err)
{
	for (size_t i = 0; i < b->policy->binds.count; i++) {
		struct bind_target t = { 0 };
		int r = bind_check(b, &b->policy->binds.items[i], &t, err);
		const char *source = t.source ? text(b, "%s", t.source) : "";
		const char *dest = r == 0 ? text(b, "%s", t.dest) : "";
		bool late = is_below(dest, "work") || is_below(dest, "tmp");

		free(t.source);
		if (r < 0)
			return r;
		if (late ? phase == BIND_MOUNTS : phase == BIND_POINTS)
			bind_point(b, dest, S_ISDIR(t.st.st_mode));
		if (phase == BIND_MOUNTS && b->policy->build_layer && !late)
			r = bind_solid(b, dest, S_ISDIR(t.st.st_mode), err);
		if (r < 0)
			return r;
		if (phase == BIND_MOUNTS)
			bind_mount(b, &t, source, dest);
	}
	return 0;
}

/* Whether a source of --bind lies in the folder: mounted over, it could not be found any more. */
static bool holds_bind(const struct sr_policy *p, const char *folder)
{
	size_t len = strlen(folder);

	for (size_t i = 0; i < p->binds.count; i++) {
		SR_AUTOFREE char *source = realpath(p->binds.items[i].path, NULL);

		if (source && strncmp(source, folder, len) == 0 && (source[len] == '/' || !source[len]))
			return true;
	}
	return false;
}

/* The scaffold needs some folder to be mounted over; any will do, in the child's own mount namespace. */
static const char *stage_folder(const struct sr_policy *p)
{
	static const char *const candidates[] = { "/tmp", "/run", "/mnt", "/var", "/home", "/srv", "/opt" };
	struct stat st;

	for (size_t i = 0; i < SR_ELEMENTSOF(candidates); i++) {
		if (lstat(candidates[i], &st) == 0 && S_ISDIR(st.st_mode) && access(candidates[i], X_OK) == 0 &&
		    !holds_bind(p, candidates[i]))
			return candidates[i];
	}
	return NULL;
}

static void common_folders(struct root_builder *b)
{
	static const char *const names[] = { "etc", "proc", "dev", "tmp", "work", "var", "run" };

	for (size_t i = 0; i < SR_ELEMENTSOF(names); i++)
		make_dir(b, names[i], 0755);
}

static void work_and_tmp(struct root_builder *b, const struct sr_plan_wants *w)
{
	/* first of the mounts, so that the supervisor copies files in while the rest is made */
	mount_tmpfs(b, "work", policy_limit(b->policy, SR_LIMIT_work_bytes),
		    policy_limit(b->policy, SR_LIMIT_work_inodes), "0755");
	if (w->work_fd)
		add(b, SR_FS_SEND, "work", 0);
	mount_tmpfs(b, "tmp", policy_limit(b->policy, SR_LIMIT_tmp_bytes), policy_limit(b->policy, SR_LIMIT_tmp_inodes),
		    "1777");
}

static int host_root(struct root_builder *b, const struct sr_plan_wants *w, struct sr_error *err)
{
	struct etc_mask mask;
	bool masked = etc_look(b, &mask);
	struct sr_fs_op *op = add(b, SR_FS_STAGE, "", 0);
	int r;

	op->src = b->stage;
	op->data = "size=4m,nr_inodes=4096,mode=0755";
	common_folders(b);
	work_and_tmp(b, w);
	make_link(b, "var/tmp", "/tmp");
	make_dir(b, "usr", 0755);
	overlay_of(b, "usr", "/usr", 0);
	merged_links(b);
	host_etc(b, masked ? &mask : NULL);
	r = binds(b, BIND_POINTS, err);
	if (r < 0)
		return r;
	devices(b);
	if (!w->no_proc)
		proc(b);
	return binds(b, BIND_MOUNTS, err);
}

/*
 * A layer is opened again in the child, for a mount takes no folder of another mount namespace; there it takes the place of this
 * process' descriptor. So its number is known now, and is a name short enough for hundreds of layers: mount(2) cuts its
 * options at 4,095 bytes and says nothing.
 */
static void reopen(struct root_builder *b, const struct sr_layer *layer)
{
	struct sr_fs_op *op = add(b, SR_FS_OPEN, "", 0);

	op->src = layer->path;
	op->dev = layer->dev;
	op->ino = layer->ino;
	op->mode = (uint32_t)layer->fd;
}

static void reopen_all(struct root_builder *b, const struct sr_environment *e)
{
	for (size_t i = 0; i < e->layers.count; i++)
		reopen(b, &e->layers.items[i]);
	if (!e->build)
		return;
	reopen(b, &e->upper);
	reopen(b, &e->work);
}

/* Relative names in /proc/self/fd, the uppermost layer first. */
static const char *overlay_options(struct root_builder *b, const struct sr_environment *e)
{
	char lowers[3072] = "";
	size_t used = 0;

	for (size_t i = e->layers.count; i-- > 0 && used < sizeof(lowers);)
		used += (size_t)snprintf(lowers + used, sizeof(lowers) - used, "%s%d", used ? ":" : "", e->layers.items[i].fd);
	if (used >= sizeof(lowers))
		b->oom = true;
	if (e->build) /* an index would bind the upper to these very lowers, for ever */
		return text(b, "lowerdir=%s/u%s%s,upperdir=%d,workdir=%d,userxattr,index=off", b->stage, *lowers ? ":" : "", lowers, e->upper.fd,
			    e->work.fd);
	return text(b, "lowerdir=%s,upperdir=%s/u,workdir=%s/w,userxattr", lowers, b->stage, b->stage);
}

static void solid_points(struct root_builder *b)
{
	static const char *const names[] = { "proc", "dev", "tmp", "work" };

	for (size_t i = 0; i < SR_ELEMENTSOF(names); i++)
		make_solid(b, names[i]);
}

/* What a download needs of the host's /etc: file inside, and where the host may have it. */
static const struct {
	const char *folder, *dest, *sources[4];
} network_files[] = {
	{ "etc", "etc/resolv.conf", { "/etc/resolv.conf" } },
	{ "etc", "etc/hosts", { "/etc/hosts" } },
	{ "etc/ssl/certs", "etc/ssl/certs/ca-certificates.crt",
	  { "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem", "/etc/ssl/ca-bundle.pem" } },
};

static void network_points(struct root_builder *b)
{
	for (size_t i = 0; i < SR_ELEMENTSOF(network_files); i++) {
		make_parents(b, network_files[i].dest);
		make_file(b, network_files[i].dest, "");
	}
}

static int network_mounts(struct root_builder *b, struct sr_error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < SR_ELEMENTSOF(network_files); i++) {
		for (size_t k = 0; k < SR_ELEMENTSOF(network_files[i].sources) && network_files[i].sources[k]; k++) {
			SR_AUTOFREE char *source = realpath(network_files[i].sources[k], NULL);
			struct sr_fs_op *op;
			struct stat st;

			if (!source || stat(source, &st) < 0 || !S_ISREG(st.st_mode))
				continue;
			r = environment_check_point(b->environment, b->policy->build_layer, network_files[i].dest, err);
			make_solid(b, network_files[i].folder);
			op = add(b, SR_FS_BIND, network_files[i].dest, SR_FS_REGULAR | SR_FS_READONLY);
			op->src = text(b, "%s", source);
			op->dev = st.st_dev;
			op->ino = st.st_ino;
			break;
		}
	}
	return r;
}

/* What is to be there before the overlay is: in the upper, or for a build in a lower. Also what the overlay's options name. */
static int tree_scaffold(struct root_builder *b, const struct sr_environment *e, struct sr_error *err)
{
	make_dir(b, EMPTY, 0555);
	make_dir(b, "u", 0755);
	make_dir(b, "w", 0755);
	make_dir(b, "r", 0755);
	if (!e->build)
		add(b, SR_FS_XATTR, "u", 0);
	add(b, SR_FS_ENTER, "u", 0);
	if (e->build) {
		for (const char *const *name = (const char *const[]){ "proc", "dev", "tmp", "work", NULL }; *name; name++)
			make_dir(b, *name, 0755);
		if (b->policy->build_network)
			network_points(b);
	} else {
		common_folders(b);
		etc_synthetic(b, 0);
	}
	return binds(b, BIND_POINTS, err);
}

/* Kernels before 6.6 have no user xattrs on tmpfs: removing or renaming a folder of the image fails there (finding 7). */
static int tree_root(struct root_builder *b, const struct sr_environment *e, const struct sr_plan_wants *w,
		     struct sr_error *err)
{
	uint64_t size = policy_limit(b->policy, SR_LIMIT_work_bytes);
	struct sr_fs_op *op;
	int r;

	reopen_all(b, e);
	op = add(b, SR_FS_STAGE, "", 0);
	op->src = b->stage;
	op->data = size == SR_UNLIMITED ? "mode=0755" :
					  text(b, "size=%llu,nr_inodes=65536,mode=0755", (unsigned long long)size);
	r = tree_scaffold(b, e, err);
	if (r < 0)
		return r;
	add(b, SR_FS_OPEN, "", 0)->src = "/proc/self/fd";
	op = add(b, SR_FS_OVERLAY, text(b, "%s/r", b->stage), SR_FS_HERE);
	op->src = e->layers.count == 1 && !e->layers.items[0].digest[0] ? e->layers.items[0].path : e->name;
	op->data = overlay_options(b, e);
	add(b, SR_FS_ENTER, text(b, "%s/r", b->stage), 0);
	if (e->build)
		solid_points(b);
	work_and_tmp(b, w);
	mount_tmpfs(b, "dev", 64 << 10, 64, "0755");
	devices(b);
	if (!w->no_proc)
		proc(b);
	r = b->policy->build_network ? network_mounts(b, err) : 0;
	if (r < 0)
		return r;
	return binds(b, BIND_MOUNTS, err);
}

int plan_root(struct sr_plan_box *box, const struct sr_policy *p, const struct sr_environment *e,
	      const struct sr_plan_wants *w, struct sr_error *err)
{
	struct root_builder b = { .box = box, .policy = p, .environment = e, .stage = stage_folder(p) };
	int r;

	if (!b.stage)
		return sr_error_set(err, SR_E_MOUNT, ENOENT, "sandbox",
				    "cannot find a folder to build the new root on: none of /tmp, /run, /mnt, /var");
	box->plan.tree = e->kind == SR_ENVIRONMENT_TREE;
	sysctls(&b);
	r = box->plan.tree ? tree_root(&b, e, w, err) : host_root(&b, w, err);
	if (r < 0)
		return r;
	return b.oom ? sr_error_oom(err, "sandbox") : 0;
}
