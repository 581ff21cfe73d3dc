/* SPDX-License-Identifier: MIT */
/*
 * What goes out of a layer: manuals and translations (dpkg never unpacks them), what a definition drops, and what differs
 * between two builds of the same packages. Licences stay: usr/share/doc/PACKAGE/copyright.
 */
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "environment/build.h"
#include "environment/common.h"
#include "image/tree.h"

const struct slim_exclude slim_excludes[] = {
	{ false, "usr/share/doc/*" },
	{ true, "usr/share/doc/*/copyright" },
	{ false, "usr/share/doc-base/*" },
	{ false, "usr/share/man/*" },
	{ false, "usr/share/info/*" },
	{ false, "usr/share/groff/*" },
	{ false, "usr/share/lintian/*" },
	{ false, "usr/share/linda/*" },
	{ false, "usr/share/bug/*" },
	{ false, "usr/share/locale/*" },
	{ true, "usr/share/locale/locale.alias" },
	{ false, "usr/share/applications/*" },
	{ false, "usr/share/pixmaps/*" },
	{ false, "usr/share/bash-completion/*" },
	{ false, "usr/share/zsh/*" },
	{ false, "usr/share/gtk-doc/*" },
};
const size_t slim_exclude_count = SR_ELEMENTSOF(slim_excludes);

/* What differs between two builds, or is of no use without the machine that it was made on. */
static const char *const always[] = {
	"debs", /* where the packages were shown */
	"etc/.pwd.lock",
	"etc/group-",
	"etc/gshadow-",
	"etc/passwd-",
	"etc/shadow-",
	"etc/subgid-",
	"etc/subuid-",
	"etc/machine-id",
	"var/lib/dbus/machine-id",
	"var/cache/apt/*",
	"var/cache/debconf/*-old",
	"var/cache/fontconfig/*",
	"var/cache/ldconfig/*",
	"var/cache/man/*",
	"var/lib/apt/lists/*",
	"var/lib/dpkg/*-old",
	"var/lib/dpkg/lock*",
	"var/lib/dpkg/triggers/Lock",
	"var/lib/systemd/catalog/database",
	"var/log/**",
	"root/.cache",
	"run/*",
	"tmp/*",
	"usr/share/info/dir",
	"var/tmp/*",
	"var/backups/*",
};

/* ** stands for anything, * for anything but '/'. */
static bool matches(const char *pattern, const char *path)
{
	return fnmatch(pattern, path, strstr(pattern, "**") ? 0 : FNM_PATHNAME) == 0;
}

struct slimming {
	struct build *b;
	bool bytecode;  /* Python's goes too: what dpkg's scripts made is not what is compiled later */
};

static bool is_unwanted(const struct slimming *s, const char *path, const struct sr_tree_item *item)
{
	bool folder = S_ISDIR(item->st.st_mode);

	if (s->bytecode && folder && strcmp(item->name, "__pycache__") == 0)
		return true;
	for (size_t i = 0; i < SR_ELEMENTSOF(always); i++) {
		/* a folder of logs stays: programs expect it */
		if (matches(always[i], path) && !(folder && strstr(always[i], "**")))
			return true;
	}
	for (size_t i = 0; i < s->b->definition->drop_paths.count; i++) {
		if (matches(s->b->definition->drop_paths.items[i], path))
			return true;
	}
	return false;
}

static int slim_folder(const struct slimming *s, int dir_fd, const char *path, unsigned depth)
{
	struct sr_tree_list l = { .items = NULL };
	int r = depth > SR_TREE_DEPTH ? -ELOOP : 0;

	if (r == 0)
		r = tree_list(dir_fd, &l);
	for (size_t i = 0; r == 0 && i < l.count; i++) {
		SR_AUTOFREE char *full = str_format("%s%s%s", path, *path ? "/" : "", l.items[i].name);
		SR_AUTOCLOSE int fd = -1;

		if (!full)
			r = -ENOMEM;
		else if (S_ISCHR(l.items[i].st.st_mode))
			continue; /* a whiteout hides something below, and is to go on with it */
		else if (is_unwanted(s, full, &l.items[i]))
			r = tree_remove(dir_fd, l.items[i].name);
		else if (S_ISDIR(l.items[i].st.st_mode)) {
			fd = tree_open_anyway(dir_fd, l.items[i].name);
			r = fd < 0 ? fd : slim_folder(s, fd, full, depth + 1);
		}
	}
	tree_list_done(&l);
	return r;
}

int slim_tree(struct build *b, bool bytecode, struct sr_error *err)
{
	SR_AUTOCLOSE int tree_fd = openat(b->work.fd, "layer/tree", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	const struct slimming s = { .b = b, .bytecode = bytecode };
	int r = tree_fd < 0 ? -errno : slim_folder(&s, tree_fd, "", 0);

	return r < 0 ? build_failed(err, -r, "slim %s", b->definition->name) : 0;
}
