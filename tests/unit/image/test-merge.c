/* SPDX-License-Identifier: MIT */
/* Paths in layers, as their overlay would show them: what hides what, links across layers, and that none leads out. */
#include "image/merge.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/fd.h"

#include "../tap.h"

static char base[] = "/tmp/test-merge-XXXXXX";
static struct sr_layers layers;

static const char *at(const char *name)
{
	static char buffers[4][256];
	static unsigned next;
	char *out = buffers[next++ % 4];

	(void)snprintf(out, sizeof(buffers[0]), "%s/%s", base, name);
	return out;
}

static bool folder(const char *name)
{
	return mkdir(at(name), 0755) == 0;
}

/* A file that holds its own name. */
static bool put(const char *name)
{
	int fd = open(at(name), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	size_t len = strlen(name);

	return fd >= 0 && write(fd, name, len) == (ssize_t)len && close(fd) == 0;
}

static bool link_to(const char *target, const char *name)
{
	return symlink(target, at(name)) == 0;
}

static bool whiteout(const char *name)
{
	return mknod(at(name), S_IFCHR | 0600, makedev(0, 0)) == 0;
}

static bool opaque(const char *name)
{
	return folder(name) && setxattr(at(name), "user.overlay.opaque", "y", 1, 0) == 0;
}

/* What the path shows: the name that the file there was made by; "/" for a folder, "-" for nothing. */
static const char *shown(const struct sr_layers *l, const char *path)
{
	static char text[256];
	SR_AUTOCLOSE int fd = merge_open(l, NULL, path), file = -1;
	char proc[64];
	struct stat st;
	ssize_t n;

	if (fd < 0)
		return fd == -ENOENT ? "-" : strerror(-fd);
	if (fstat(fd, &st) < 0 || S_ISDIR(st.st_mode))
		return "/";
	(void)snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
	file = open(proc, O_RDONLY | O_CLOEXEC);
	n = file < 0 ? -1 : read(file, text, sizeof(text) - 1);
	if (n < 0)
		return strerror(errno);
	text[n] = '\0';
	return text;
}

static void add(const char *name)
{
	struct sr_error err = SR_ERROR_INIT;
	struct sr_layer *l = layers_add(&layers, &err);

	if (l)
		l->fd = open(at(name), O_PATH | O_DIRECTORY | O_CLOEXEC);
	OK(l && l->fd >= 0, "a layer");
}

static void make(void)
{
	OK(folder("0") && folder("0/usr") && folder("0/usr/bin") && folder("0/opt") && folder("0/opt/deep") && folder("0/gone") &&
		   folder("0/replaced") && put("0/usr/bin/low") && put("0/usr/bin/both") && put("0/usr/bin/removed") &&
		   put("0/opt/file") && put("0/opt/deep/file") && put("0/gone/file") && put("0/replaced/file") && put("0/place") &&
		   link_to("usr/bin", "0/bin") && link_to("/usr/bin/late", "0/usr/bin/forward") && put("outside"),
	   "the lowest");
	OK(folder("1") && folder("1/usr") && folder("1/usr/bin") && put("1/usr/bin/both") && put("1/usr/bin/late") &&
		   put("1/replaced") && folder("1/place") && put("1/place/file") && link_to("../opt", "1/usr/up") &&
		   link_to("../../../../../outside", "1/usr/bin/out") && link_to(at("outside"), "1/usr/bin/absolute") &&
		   link_to("loop2", "1/usr/loop1") && link_to("loop1", "1/usr/loop2"),
	   "one on it");
	OK(folder("2") && folder("2/usr") && folder("2/usr/bin") && put("2/usr/bin/top") && link_to("/place/../usr", "2/around"),
	   "and one more");
	if (!whiteout("2/usr/bin/removed") || !whiteout("2/gone") || !opaque("2/opt") || !put("2/opt/new")) {
		(void)printf("Bail out! no whiteouts or user attributes in /tmp\n");
		exit(1);
	}
}

#define DEEP 100

/* The folder d in itself, DEEP times, in each layer; a file in the uppermost of them. */
static bool make_deep(void)
{
	for (char layer = '0'; layer < '3'; layer++) {
		char name[8 + 2 * DEEP] = { layer };
		size_t len = 1;

		for (unsigned i = 0; i < DEEP; i++) {
			(void)strcpy(name + len, "/d");
			len += 2;
			if (!folder(name))
				return false;
		}
		if (layer == '2' && !put(strcpy(name + 3, "/f") - 3))
			return false;
	}
	return true;
}

/* Into d, `depth` deep, then up and down again a number of times, then all the way up to the file in the first d. */
static const char *winding(unsigned depth, unsigned turns)
{
	static char path[4096];
	size_t len = 0;

	for (unsigned i = 0; i < depth; i++)
		len += (size_t)snprintf(path + len, sizeof(path) - len, "/d");
	for (unsigned i = 0; i < turns; i++)
		len += (size_t)snprintf(path + len, sizeof(path) - len, "/../d");
	for (unsigned i = 1; i < depth; i++)
		len += (size_t)snprintf(path + len, sizeof(path) - len, "/..");
	(void)snprintf(path + len, sizeof(path) - len, "/f");
	return path;
}

static void ways_up(void)
{
	OK(make_deep(), "deep folders");
	IS_STR(shown(&layers, winding(20, 0)), "2/d/f", "twenty down, nineteen up");
	IS_STR(shown(&layers, winding(3, 200)), "2/d/f", "up and down two hundred times");
	IS_STR(shown(&layers, "/d/d/d/../../../../../opt/new"), "2/opt/new", "up beyond the root");
	/* each name here is looked up in a hundred folders of three layers: a link of 4,000 bytes must not keep the host busy */
	IS_STR(shown(&layers, winding(DEEP, 600)), strerror(ELOOP), "a way that is too long");
	OK(symlink(winding(DEEP, 600), at("1/wind")) == 0, "a link that names it");
	IS_STR(shown(&layers, "/wind"), strerror(ELOOP), "the same by a link");
}

int main(void)
{
	static const struct {
		const char *path, *want, *what;
	} rows[] = {
		{ "/usr/bin/low", "0/usr/bin/low", "of the lowest" },
		{ "/usr/bin/late", "1/usr/bin/late", "of the middle" },
		{ "usr/bin/top", "2/usr/bin/top", "of the uppermost, without a slash in front" },
		{ "/usr/bin/both", "1/usr/bin/both", "the upper one of two" },
		{ "/bin/late", "1/usr/bin/late", "a lower layer's link to an upper layer's file" },
		{ "/bin/../bin/low", "0/usr/bin/low", "'..' is that of the link's target" },
		{ "/usr/bin/forward", "1/usr/bin/late", "a file's link upwards" },
		{ "/usr/bin/removed", "-", "a whiteout" },
		{ "/bin/removed", "-", "the same through a link" },
		{ "/gone/file", "-", "below a whiteout" },
		{ "/gone", "-", "the whiteout of a folder" },
		{ "/opt/new", "2/opt/new", "in an opaque folder" },
		{ "/opt/file", "-", "what an opaque folder hides" },
		{ "/opt/deep/file", "-", "and what is deeper" },
		{ "/usr/up/new", "2/opt/new", "through a link to it" },
		{ "/usr/up/../opt/file", "-", "and back: it stays hidden" },
		{ "/opt/../usr/bin/low", "0/usr/bin/low", "and up from it: what is beside is not hidden" },
		{ "/usr/bin/../../opt/../bin/../up/new", "2/opt/new", "up through links" },
		{ "/replaced", "1/replaced", "a file over a folder" },
		{ "/replaced/file", "-", "which has nothing below it" },
		{ "/place/file", "1/place/file", "a folder over a file" },
		{ "/around/bin/low", "0/usr/bin/low", "a long way round" },
		{ "/around/../opt/file", "-", "what is hidden is so on every way" },
		{ "/../../usr/bin/low", "0/usr/bin/low", "'..' stops at the root" },
		{ "/./usr//bin/./low", "0/usr/bin/low", "dots and slashes" },
		{ "/usr/bin/out", "-", "a relative link out of the root" },
		{ "/usr/bin/absolute", "-", "an absolute one" },
		{ "/usr/loop1", "-", "links in a circle" },
		{ "/usr/bin/low/x", "-", "through a file" },
		{ "/nothing", "-", "what is not there" },
		{ "/usr/bin", "/", "a folder" },
	};
	char command[64];

	if (!mkdtemp(base))
		return 1;
	make();
	add("0");
	add("1");
	add("2");
	for (size_t i = 0; i < SR_ELEMENTSOF(rows); i++)
		IS_STR(shown(&layers, rows[i].path), rows[i].want, rows[i].what);
	ways_up();
	layers_done(&layers);
	add("0");
	IS_STR(shown(&layers, "/bin/low"), "0/usr/bin/low", "one layer alone");
	IS_STR(shown(&layers, "/bin/late"), "-", "has only its own");
	layers_done(&layers);
	(void)snprintf(command, sizeof(command), "rm -rf %s", base);
	OK(system(command) == 0, "(removed)"); /* NOLINT(cert-env33-c) */
	return tap_done();
}
