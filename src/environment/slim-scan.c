/* SPDX-License-Identifier: MIT */
/*
 * What a slim layer might miss: each ELF file of it names the libraries that it needs (DT_NEEDED), and a file of that name must
 * be in some layer. Where the loader looks depends on RPATH, LD_LIBRARY_PATH and who loaded what before, so only the name
 * counts here; the checks run the programs.
 *
 * The files are hostile: nothing of them is believed, every offset is checked against the file's size.
 */
#include <elf.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "environment/build.h"
#include "environment/common.h"
#include "image/tree.h"

#define NEEDED_MAX 512 /* of one file */

struct scan {
	struct build *b;
	struct sr_strv provided; /* names with ".so" of all layers, sorted before the second walk */
	bool collecting;
	char missing[300];       /* what is found to be missing, the first few */
	size_t missing_count;
};

/* --- one file ---------------------------------------------------------------------------------------------------------------------- */

struct elf {
	const unsigned char *at;
	size_t size;
};

static const void *span(const struct elf *e, uint64_t offset, uint64_t len)
{
	return offset <= e->size && len <= e->size - offset ? e->at + offset : NULL;
}

static bool is_native(const struct elf *e)
{
	const unsigned char *ident = span(e, 0, sizeof(Elf64_Ehdr));

	return ident && memcmp(ident, ELFMAG, SELFMAG) == 0 && ident[EI_CLASS] == ELFCLASS64 &&
	       ident[EI_DATA] == (BYTE_ORDER == LITTLE_ENDIAN ? ELFDATA2LSB : ELFDATA2MSB);
}

/* The i-th program header, copied: the file may not be aligned. */
static bool get_header(const struct elf *e, const Elf64_Ehdr *h, size_t i, Elf64_Phdr *ret)
{
	const void *p = h->e_phentsize == sizeof(*ret) ? span(e, h->e_phoff + i * sizeof(*ret), sizeof(*ret)) : NULL;

	if (p)
		memcpy(ret, p, sizeof(*ret));
	return p;
}

/* An address of the loaded file as an offset in it; UINT64_MAX where none is. */
static uint64_t offset_of(const struct elf *e, const Elf64_Ehdr *h, uint64_t address)
{
	Elf64_Phdr p;

	for (size_t i = 0; i < h->e_phnum && get_header(e, h, i, &p); i++) {
		if (p.p_type == PT_LOAD && address >= p.p_vaddr && address - p.p_vaddr < p.p_filesz)
			return p.p_offset + (address - p.p_vaddr);
	}
	return UINT64_MAX;
}

static bool find_dynamic(const struct elf *e, const Elf64_Ehdr *h, Elf64_Phdr *ret)
{
	for (size_t i = 0; i < h->e_phnum && get_header(e, h, i, ret); i++) {
		if (ret->p_type == PT_DYNAMIC)
			return span(e, ret->p_offset, ret->p_filesz) != NULL;
	}
	return false;
}

/* Calls back with each name that the file needs. */
static void each_needed(const struct elf *e, void (*call)(void *arg, const char *name), void *arg)
{
	uint64_t needed[NEEDED_MAX], strings = UINT64_MAX;
	size_t count = 0;
	Elf64_Ehdr h;
	Elf64_Phdr dynamic;

	if (!is_native(e))
		return;
	memcpy(&h, e->at, sizeof(h));
	if (!find_dynamic(e, &h, &dynamic))
		return;
	for (uint64_t i = 0; i + sizeof(Elf64_Dyn) <= dynamic.p_filesz; i += sizeof(Elf64_Dyn)) {
		Elf64_Dyn d;

		memcpy(&d, e->at + dynamic.p_offset + i, sizeof(d));
		if (d.d_tag == DT_NULL)
			break;
		if (d.d_tag == DT_STRTAB)
			strings = offset_of(e, &h, d.d_un.d_ptr);
		if (d.d_tag == DT_NEEDED && count < NEEDED_MAX)
			needed[count++] = d.d_un.d_val;
	}
	for (size_t i = 0; i < count && strings < e->size; i++) {
		const char *name = needed[i] < e->size - strings ? (const char *)e->at + strings + needed[i] : NULL;

		if (name && memchr(name, '\0', e->size - strings - needed[i]))
			call(arg, name);
	}
}

/* --- all of them --------------------------------------------------------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool is_provided(const struct scan *s, const char *name)
{
	const char *base = strrchr(name, '/');

	base = base ? base + 1 : name;
	return s->provided.count && bsearch(&base, s->provided.items, s->provided.count, sizeof(char *), compare);
}

static bool is_forgiven(const struct scan *s, const char *name)
{
	const struct sr_strv *list = &s->b->definition->missing_libraries;

	for (size_t i = 0; i < list->count; i++) {
		if (fnmatch(list->items[i], name, 0) == 0)
			return true;
	}
	return false;
}

struct needing {
	struct scan *scan;
	const char *path;
};

static void look_up(void *arg, const char *name)
{
	const struct needing *n = arg;
	struct scan *s = n->scan;
	size_t used = strlen(s->missing);

	if (is_provided(s, name) || is_forgiven(s, name))
		return;
	s->missing_count++;
	if (s->missing_count <= 4 && used < sizeof(s->missing))
		(void)snprintf(s->missing + used, sizeof(s->missing) - used, "%s%.60s (for %.90s)", used ? ", " : "", SHOWN(name),
			       SHOWN(n->path));
}

static int scan_file(struct scan *s, int dir_fd, const struct sr_tree_item *item, const char *path)
{
	SR_AUTOCLOSE int fd = openat(dir_fd, item->name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct needing n = { .scan = s, .path = path };
	struct elf e = { .size = (size_t)item->st.st_size };
	void *at;

	if (fd < 0)
		return errno == EACCES ? 0 : -errno; /* nor can a program inside, who is no other user */
	at = mmap(NULL, e.size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (at == MAP_FAILED)
		return -errno;
	e.at = at;
	each_needed(&e, look_up, &n);
	(void)munmap(at, e.size);
	return 0;
}

static int scan_folder(struct scan *s, int dir_fd, const char *path, unsigned depth)
{
	struct sr_tree_list l = { .items = NULL };
	int r = depth > SR_TREE_DEPTH ? -ELOOP : 0;

	if (r == 0)
		r = tree_list(dir_fd, &l);
	for (size_t i = 0; r == 0 && i < l.count; i++) {
		const struct sr_tree_item *item = &l.items[i];
		SR_AUTOFREE char *full = str_format("%s%s%s", path, *path ? "/" : "", item->name);
		SR_AUTOCLOSE int fd = -1;

		if (!full)
			r = -ENOMEM;
		else if (S_ISDIR(item->st.st_mode)) {
			fd = tree_open_anyway(dir_fd, item->name);
			r = fd < 0 ? fd : scan_folder(s, fd, full, depth + 1);
		} else if (s->collecting && strstr(item->name, ".so") && !S_ISCHR(item->st.st_mode))
			r = strv_add(&s->provided, item->name);
		else if (!s->collecting && S_ISREG(item->st.st_mode) && item->st.st_size > (off_t)sizeof(Elf64_Ehdr))
			r = scan_file(s, dir_fd, item, full);
	}
	tree_list_done(&l);
	return r;
}

static int scan_layer(struct scan *s, int at_fd, const char *path)
{
	SR_AUTOCLOSE int fd = openat(at_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	return fd < 0 ? -errno : scan_folder(s, fd, "", 0);
}

static int scan_all(struct scan *s)
{
	struct build *b = s->b;
	int r = 0;

	s->collecting = true;
	for (size_t i = 0; r == 0 && i < b->below.count; i++) {
		SR_AUTOFREE char *path = str_format("%s/tree", b->below.items[i]);

		r = path ? scan_layer(s, b->store->layers_fd, path) : -ENOMEM;
	}
	if (r == 0)
		r = scan_layer(s, b->work.fd, "layer/tree");
	if (s->provided.count)
		qsort(s->provided.items, s->provided.count, sizeof(char *), compare);
	s->collecting = false;
	return r < 0 ? r : scan_layer(s, b->work.fd, "layer/tree");
}

int slim_scan(struct build *b, struct sr_error *err)
{
	struct scan s = { .b = b };
	int r = scan_all(&s);

	strv_done(&s.provided);
	if (r < 0)
		return build_failed(err, -r, "look for missing libraries in %s", b->definition->name);
	if (s.missing_count == 0)
		return 0;
	(void)sr_error_set(err, SR_E_ENVIRONMENT, ENOENT, STAGE, "cannot build %s: %zu libraries are missing: %s%s", b->definition->name,
			   s.missing_count, s.missing, s.missing_count > 4 ? ", ..." : "");
	sr_error_hint(err, "take their packages out of drop-packages in %s, or drop the files that need them, or name them as missing-libraries",
		      SHOWN(b->definition->path));
	return -ENOENT;
}
