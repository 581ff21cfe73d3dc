/* SPDX-License-Identifier: MIT */
#include "evidence/inclusion.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/macros.h"
#include "base/str.h"
#include "evidence/tracelog.h"

#define PIECE (64U << 10)

int inclusion_hex(const char *text, uint8_t out[static SR_DIGEST_BYTES])
{
	static const char digits[] = "0123456789abcdef0123456789ABCDEF";

	if (!text || strlen(text) != SR_DIGEST_HEX - 1)
		return -EBADMSG;
	for (size_t i = 0; i < SR_DIGEST_BYTES; i++) {
		const char *high = strchr(digits, text[2 * i]), *low = strchr(digits, text[2 * i + 1]);

		if (!high || !low)
			return -EBADMSG;
		out[i] = (uint8_t)((high - digits) % 16 * 16 + (low - digits) % 16);
	}
	return 0;
}

/* Both passes over a log. */
struct pass {
	struct sr_merkle_prover *prover; /* NULL: the first pass, which counts */
	struct sr_merkle_text text;
	uint64_t index;
	char *line; /* the one that is proven, as far as it was seen */
	size_t len;
	bool too_long;
};

static void each(void *arg, const uint8_t leaf[static SR_DIGEST_BYTES])
{
	merkle_prove_add(((struct pass *)arg)->prover, leaf);
}

/* Keeps what of this piece belongs to the wanted line. */
static void keep_line(struct pass *p, const char *data, size_t len)
{
	uint64_t line = p->text.tree.size;

	for (const char *end = data + len; data < end && line <= p->index; line++) {
		const char *newline = memchr(data, '\n', (size_t)(end - data));
		size_t n = (size_t)((newline ? newline : end) - data);

		if (line == p->index) {
			p->too_long = p->too_long || n > SR_TRACELOG_LINE_MAX - p->len;
			if (!p->too_long) {
				memcpy(p->line + p->len, data, n);
				p->len += n;
			}
		}
		if (!newline)
			return;
		data = newline + 1;
	}
}

static int pass(int fd, struct pass *p, uint8_t root[static SR_DIGEST_BYTES])
{
	SR_AUTOFREE char *buf = malloc(PIECE);
	uint8_t sha256[SR_DIGEST_BYTES];
	off_t at = 0;
	ssize_t n;

	if (!buf)
		return -ENOMEM;
	merkle_text_init(&p->text);
	if (p->prover) {
		p->text.each = each;
		p->text.arg = p;
	}
	while ((n = pread(fd, buf, PIECE, at)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (p->prover)
			keep_line(p, buf, (size_t)n);
		merkle_text_feed(&p->text, buf, (size_t)n);
		at += n;
	}
	return merkle_text_finish(&p->text, root, sha256);
}

int inclusion_make(int log_fd, uint64_t index, struct sr_inclusion *ret, uint64_t *ret_lines)
{
	SR_AUTOFREE struct sr_merkle_prover *prover = calloc(1, sizeof(*prover));
	SR_AUTOFREE char *line = malloc(SR_TRACELOG_LINE_MAX);
	struct pass first = { .prover = NULL }, second = { .prover = prover, .index = index, .line = line };
	uint8_t root[SR_DIGEST_BYTES] = { 0 }, again[SR_DIGEST_BYTES] = { 0 };
	int r = prover && line ? pass(log_fd, &first, root) : -ENOMEM;

	*ret_lines = first.text.tree.size;
	if (!r)
		r = merkle_prove_start(prover, index, first.text.tree.size);
	if (!r)
		r = pass(log_fd, &second, again);
	if (!r)
		r = merkle_prove_finish(prover, again);
	if (!r && (memcmp(root, again, sizeof(root)) != 0 || merkle_verify(&prover->proof, prover->leaf, root) < 0))
		r = -EBADMSG;
	if (!r && second.too_long)
		r = -E2BIG;
	if (r < 0)
		return r;
	*ret = (struct sr_inclusion){ .proof = prover->proof, .leaf = SR_TAKE_PTR(line), .leaf_len = second.len };
	memcpy(ret->root, root, sizeof(root));
	return 0;
}

json_t *inclusion_json(const struct sr_inclusion *p)
{
	json_t *path = json_array();
	char hex[SR_DIGEST_HEX];

	for (size_t i = 0; path && i < p->proof.count; i++) {
		str_hex(p->proof.path[i], SR_DIGEST_BYTES, hex);
		if (json_array_append_new(path, json_string(hex)) < 0) {
			json_decref(path);
			return NULL;
		}
	}
	str_hex(p->root, SR_DIGEST_BYTES, hex);
	return json_pack("{s:s, s:I, s:o, s:o, s:s, s:s, s:I, s:i}", "format", SR_INCLUSION_FORMAT, "index", (json_int_t)p->proof.index,
			 "leaf", json_stringn(p->leaf, p->leaf_len), "path", path, "rootHash", hex, "tree", SR_TRACELOG_TREE,
			 "treeSize", (json_int_t)p->proof.size, "version", 1);
}

static bool is_text(const json_t *o, const char *key, const char *value)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text && strcmp(text, value) == 0;
}

static int take(const json_t *o, struct sr_inclusion *ret)
{
	json_t *path = json_object_get(o, "path"), *leaf = json_object_get(o, "leaf"), *entry;
	json_int_t index = json_integer_value(json_object_get(o, "index")), size = json_integer_value(json_object_get(o, "treeSize"));
	size_t i;

	if (!is_text(o, "format", SR_INCLUSION_FORMAT) || !is_text(o, "tree", SR_TRACELOG_TREE) ||
	    json_integer_value(json_object_get(o, "version")) != 1 || !json_is_integer(json_object_get(o, "index")) ||
	    !json_is_array(path) || json_array_size(path) > SR_MERKLE_LEVELS || !json_is_string(leaf) || index < 0 || size <= index ||
	    inclusion_hex(json_string_value(json_object_get(o, "rootHash")), ret->root) < 0)
		return -EBADMSG;
	ret->proof.index = (uint64_t)index;
	ret->proof.size = (uint64_t)size;
	ret->proof.count = json_array_size(path);
	json_array_foreach(path, i, entry) {
		if (inclusion_hex(json_string_value(entry), ret->proof.path[i]) < 0)
			return -EBADMSG;
	}
	ret->leaf_len = json_string_length(leaf);
	ret->leaf = malloc(ret->leaf_len + 1);
	if (!ret->leaf)
		return -ENOMEM;
	memcpy(ret->leaf, json_string_value(leaf), ret->leaf_len + 1);
	/* a leaf with a newline in it is no line of any log */
	return memchr(ret->leaf, '\n', ret->leaf_len) ? -EBADMSG : 0;
}

int inclusion_read(const char *text, size_t len, struct sr_inclusion *ret)
{
	json_t *o = len <= SR_INCLUSION_BYTES_MAX ? json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL) : NULL;
	struct sr_inclusion p = { .leaf = NULL };
	int r = o ? take(o, &p) : -EBADMSG;

	json_decref(o);
	if (r < 0)
		inclusion_done(&p);
	else
		*ret = p;
	return r;
}

int inclusion_check(const struct sr_inclusion *p, const uint8_t root[static SR_DIGEST_BYTES])
{
	uint8_t leaf[SR_DIGEST_BYTES];

	merkle_leaf(p->leaf, p->leaf_len, leaf);
	return merkle_verify(&p->proof, leaf, root);
}

void inclusion_done(struct sr_inclusion *p)
{
	free(p->leaf);
	p->leaf = NULL;
}
