/* SPDX-License-Identifier: MIT */
/* Trees into archives, in the order of their names: a folder before what it holds. */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/fd.h"
#include "environment/common.h"
#include "environment/lowers.h"
#include "environment/pack.h"
#include "image/store-write.h"
#include "image/tree.h"

struct packing {
	struct pack *p;
	bool layer; /* whiteouts are spelled; else they only hide */
	unsigned int depth;
	char path[PATH_MAX];
};

/* The same folder of several trees, topmost first. */
struct merged {
	int fds[SR_STORE_LAYERS_MAX];
	size_t count;
};

static int cannot(const struct packing *x, const char *why, int errnum)
{
	return sr_error_set(x->p->err, SR_E_ENVIRONMENT, errnum, STAGE, "cannot pack %s: %s", SHOWN(x->path), why);
}

static void merged_done(struct merged *m)
{
	for (size_t i = 0; i < m->count; i++)
		fd_close(&m->fds[i]);
	m->count = 0;
}

/* One name of a merged folder: who has it, topmost first. */
struct found {
	const struct sr_tree_item *item;
	size_t level;
};

static int compare_found(const void *pa, const void *pb)
{
	const struct found *a = pa, *b = pb;
	int r = strcmp(a->item->name, b->item->name);

	return r ? r : (a->level > b->level) - (a->level < b->level);
}

/* The folders that merge at a name: down to the first that is opaque or no folder. */
static int open_below(const struct packing *x, const struct merged *m, const struct found *f, size_t count, struct merged *ret)
{
	for (size_t i = 0; i < count && S_ISDIR(f[i].item->st.st_mode); i++) {
		int fd = tree_open_folder(m->fds[f[i].level], f[i].item->name);

		if (fd < 0)
			return cannot(x, strerror(-fd), -fd);
		ret->fds[ret->count++] = fd;
		if (seal_is_opaque(fd))
			break;
	}
	return 0;
}

static int pack_all(struct packing *x, const struct merged *m);

static int pack_mark(struct packing *x, const char *name)
{
	char path[PATH_MAX + 16];
	const char *slash = strrchr(x->path, '/');

	(void)snprintf(path, sizeof(path), "%.*s%s", (int)(slash ? slash - x->path + 1 : 0), x->path, name);
	return pack_add_mark(x->p, path);
}

static int pack_below(struct packing *x, const struct merged *m, const struct found *f, size_t count)
{
	SR_AUTOFREE struct merged *below = calloc(1, sizeof(*below));
	char mark[PATH_MAX + 16];
	int r;

	if (!below)
		return sr_error_oom(x->p->err, STAGE);
	r = open_below(x, m, f, count, below);
	if (r == 0 && x->layer && seal_is_opaque(below->fds[0])) {
		(void)snprintf(mark, sizeof(mark), "%s/.wh..wh..opq", x->path);
		r = pack_add_mark(x->p, mark);
	}
	if (r == 0 && x->depth == SR_TREE_DEPTH)
		r = cannot(x, "folders stand too deep in each other", ELOOP);
	if (r == 0) {
		x->depth++;
		r = pack_all(x, below);
		x->depth--;
	}
	merged_done(below);
	return r;
}

static int pack_one(struct packing *x, const struct merged *m, const struct found *f, size_t count)
{
	const struct sr_tree_item *top = f->item;
	size_t before = strlen(x->path);
	char mark[NAME_MAX + 8];
	int r;

	if (before + 1 + strlen(top->name) >= sizeof(x->path))
		return cannot(x, "a path in it is longer than 4095 bytes", ENAMETOOLONG);
	(void)snprintf(x->path + before, sizeof(x->path) - before, "%s%s", before ? "/" : "", top->name);
	if (str_has_prefix(top->name, ".wh.")) {
		r = cannot(x, "in an archive its name means that something is gone", EINVAL);
		sr_error_hint(x->p->err, "no archive can hold it: remove or rename it in what made the environment, and make that again");
	} else if (is_whiteout(&top->st)) {
		(void)snprintf(mark, sizeof(mark), ".wh.%s", top->name);
		r = !x->layer ? 0 : strlen(mark) > NAME_MAX ? cannot(x, "its whiteout would have too long a name", ENAMETOOLONG) : pack_mark(x, mark);
	} else {
		r = pack_add(x->p, m->fds[f->level], top->name, x->path, &top->st);
		if (r == 0 && S_ISDIR(top->st.st_mode))
			r = pack_below(x, m, f, count);
	}
	x->path[before] = '\0';
	return r;
}

static int pack_found(struct packing *x, const struct merged *m, const struct found *f, size_t count)
{
	int r = 0;

	for (size_t i = 0, n; r == 0 && i < count; i += n) {
		for (n = 1; i + n < count && strcmp(f[i + n].item->name, f[i].item->name) == 0; n++)
			;
		r = pack_one(x, m, f + i, n);
	}
	return r;
}

/* Every name of every tree, those of one name beside each other. */
static int pack_lists(struct packing *x, const struct merged *m, const struct sr_tree_list *lists)
{
	SR_AUTOFREE struct found *found = NULL;
	size_t count = 0, n = 0;

	for (size_t i = 0; i < m->count; i++)
		count += lists[i].count;
	found = calloc(count + 1, sizeof(*found));
	if (!found)
		return sr_error_oom(x->p->err, STAGE);
	for (size_t i = 0; i < m->count; i++) {
		for (size_t k = 0; k < lists[i].count; k++)
			found[n++] = (struct found){ .item = &lists[i].items[k], .level = i };
	}
	if (n > 1)
		qsort(found, n, sizeof(*found), compare_found);
	return pack_found(x, m, found, n);
}

static int pack_all(struct packing *x, const struct merged *m)
{
	SR_AUTOFREE struct sr_tree_list *lists = calloc(m->count + 1, sizeof(*lists));
	int r = 0;

	if (!lists)
		return sr_error_oom(x->p->err, STAGE);
	for (size_t i = 0; r == 0 && i < m->count; i++) {
		r = tree_list(m->fds[i], &lists[i]);
		if (r < 0)
			(void)cannot(x, strerror(-r), -r);
	}
	if (r == 0)
		r = pack_lists(x, m, lists);
	for (size_t i = 0; i < m->count; i++)
		tree_list_done(&lists[i]);
	return r;
}

static int pack_trees(struct pack *p, const int *trees, size_t count, bool layer)
{
	SR_AUTOFREE struct packing *x = calloc(1, sizeof(*x));
	struct merged m = { .count = 0 };

	if (!x)
		return sr_error_oom(p->err, STAGE);
	x->p = p;
	x->layer = layer;
	for (size_t i = count; i > 0; i--)
		m.fds[m.count++] = trees[i - 1]; /* the caller's */
	return pack_all(x, &m);
}

int pack_folder(struct pack *p, int dir_fd)
{
	return pack_trees(p, &dir_fd, 1, false);
}

int pack_layer(struct pack *p, int tree_fd)
{
	return pack_trees(p, &tree_fd, 1, true);
}

int pack_stack(struct pack *p, const int *trees, size_t count)
{
	return pack_trees(p, trees, count, false);
}
