/* SPDX-License-Identifier: MIT */
#include "evidence/commitment.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/io.h"
#include "base/str.h"
#include "evidence/public-key.h"

#define LABEL "sandrun-commit-v1"

#ifndef MADV_WIPEONFORK
#define MADV_WIPEONFORK 18
#endif

_Static_assert(SR_SALT_BYTES == crypto_auth_hmacsha256_KEYBYTES, "the key of HMAC-SHA256");
_Static_assert(SR_DIGEST_BYTES == crypto_auth_hmacsha256_BYTES, "a digest's size");

void secret_wipe(void *data, size_t len)
{
	if (data)
		sodium_memzero(data, len);
}

void secret_process(void)
{
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	/* 1 and not 0: a piped core handler is started all the same for 0 (finding 3). Children see private outputs as well */
	(void)setrlimit(RLIMIT_CORE, &(struct rlimit){ .rlim_cur = 1, .rlim_max = 1 });
}

/*
 * One locked page between two that nobody may touch, for all the small secrets of a process: keys and salts are some dozens of
 * bytes each, and libsodium's way to a page of its own is a dozen system calls.
 */
#define POOL_BYTES 4096
#define POOL_HEAD 16 /* the size of the block behind it */

static struct {
	uint8_t *bytes;
	size_t used;
	unsigned live;
	bool is_locked;
} pool;

static bool pool_begin(void)
{
	uint8_t *p = mmap(NULL, (size_t)3 * POOL_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return false;
	if (mprotect(p + POOL_BYTES, POOL_BYTES, PROT_READ | PROT_WRITE) < 0) {
		(void)munmap(p, (size_t)3 * POOL_BYTES);
		return false;
	}
	pool.bytes = p + POOL_BYTES;
	pool.is_locked = mlock(pool.bytes, POOL_BYTES) == 0;
	(void)madvise(pool.bytes, POOL_BYTES, MADV_DONTDUMP);
	(void)madvise(pool.bytes, POOL_BYTES, MADV_WIPEONFORK); /* Linux 4.14; the clone that matters is over by now anyway */
	return true;
}

/* NULL where it is not possible or does not fit: the caller takes libsodium's way. */
static void *pool_take(size_t size, bool *ret_locked)
{
	size_t whole = POOL_HEAD + ((size + 15) & ~(size_t)15);
	uint8_t *at;

	if (size > POOL_BYTES / 4 || sysconf(_SC_PAGESIZE) != POOL_BYTES || (!pool.bytes && !pool_begin()) ||
	    whole > POOL_BYTES - pool.used)
		return NULL;
	at = pool.bytes + pool.used;
	memcpy(at, &size, sizeof(size));
	pool.used += whole;
	pool.live++;
	*ret_locked = pool.is_locked;
	return at + POOL_HEAD;
}

static bool pool_give(uint8_t *data)
{
	size_t size;

	if (!pool.bytes || (uintptr_t)data - (uintptr_t)pool.bytes >= POOL_BYTES)
		return false;
	memcpy(&size, data - POOL_HEAD, sizeof(size));
	sodium_memzero(data, size);
	if (--pool.live == 0)
		pool.used = 0;
	return true;
}

void *secret_alloc(size_t size, bool *ret_locked)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), whole;
	uint8_t *data, *at;

	*ret_locked = false;
	if (sodium_start() < 0)
		return NULL;
	data = pool_take(size, ret_locked);
	if (data)
		return data;
	data = sodium_malloc(size);
	if (!data)
		return NULL;
	/* libsodium puts the bytes at the end of whole pages, before a guard page; the page before them may begin earlier */
	at = (uint8_t *)((uintptr_t)data & ~(uintptr_t)(page - 1));
	whole = (size_t)(data + size - at + (ptrdiff_t)page - 1) / page * page;
	*ret_locked = mlock(at, whole) == 0; /* sodium_malloc() tried, and does not say how it went */
	(void)madvise(at, whole, MADV_WIPEONFORK);
	return data;
}

void secret_free(void *data)
{
	if (data && !pool_give(data))
		sodium_free(data); /* wipes, and ends the program if somebody wrote past it */
}

/* ---- salts --------------------------------------------------------------------------------------------------------- */

static int allocate(struct sr_salt *s)
{
	if (sodium_start() < 0)
		return -ENOSYS;
	s->bytes = secret_alloc(SR_SALT_BYTES, &s->is_locked);
	return s->bytes ? 0 : -ENOMEM;
}

int salt_new(struct sr_salt *ret)
{
	struct sr_salt s = { .bytes = NULL };
	int r = allocate(&s);

	if (r < 0)
		return r;
	randombytes_buf(s.bytes, SR_SALT_BYTES);
	*ret = s;
	return 0;
}

/* The text of an owner's file into the salt's own memory. */
static int decode(const char *text, size_t len, uint8_t *out)
{
	size_t got = 0;
	const char *end = NULL;

	if (len == SR_SALT_BYTES) {
		memcpy(out, text, SR_SALT_BYTES);
		return 0;
	}
	if (len == SR_SALT_HEX && text[len - 1] == '\n')
		len--;
	if (len != SR_SALT_HEX - 1 || sodium_hex2bin(out, SR_SALT_BYTES, text, len, NULL, &got, &end) != 0 ||
	    got != SR_SALT_BYTES || end != text + len)
		return -EBADMSG;
	return 0;
}

int salt_read(int fd, struct sr_salt *ret)
{
	struct sr_salt s = { .bytes = NULL };
	char text[SR_SALT_HEX + 1];
	ssize_t n;
	int r = allocate(&s);

	if (r < 0)
		return r;
	n = io_read_full(fd, text, sizeof(text));
	r = n < 0 ? (int)n : (size_t)n > SR_SALT_HEX ? -EBADMSG : decode(text, (size_t)n, s.bytes);
	secret_wipe(text, sizeof(text));
	if (r == 0 && memcmp(s.bytes, s.bytes + 1, SR_SALT_BYTES - 1) == 0)
		r = -EDOM;
	if (r == 0)
		*ret = s;
	else
		salt_free(&s);
	return r;
}

void salt_free(struct sr_salt *s)
{
	secret_free(s->bytes);
	*s = (struct sr_salt){ .bytes = NULL };
}

const char *commitment_name(const char *name, char out[static SR_COMMITMENT_NAME_MAX])
{
	bool utf8 = str_is_utf8(name, strlen(name));
	size_t o = 0;

	if (utf8 && !strchr(name, '\\'))
		return name;
	for (const char *p = name; *p && o + 8 < SR_COMMITMENT_NAME_MAX;) {
		size_t n = *p == '\\' ? 0 : strcspn(p, "\\");

		if (n == 0) { /* doubled, or a name could be made to read like the escape of another */
			memcpy(out + o, "\\\\", 2);
			o += 2;
			p++;
		} else if (utf8) {
			n = n < SR_COMMITMENT_NAME_MAX - o - 8 ? n : SR_COMMITMENT_NAME_MAX - o - 8;
			memcpy(out + o, p, n);
			o += n;
			p += n;
		} else {
			(void)str_escape_n(p, n, out + o, SR_COMMITMENT_NAME_MAX - o);
			o += strlen(out + o);
			p += n;
		}
	}
	out[o] = '\0';
	return out;
}

void salt_item(const struct sr_salt *s, const char *role, const char *name, uint8_t out[static SR_SALT_BYTES])
{
	crypto_auth_hmacsha256_state state;

	(void)crypto_auth_hmacsha256_init(&state, s->bytes, SR_SALT_BYTES);
	(void)crypto_auth_hmacsha256_update(&state, (const uint8_t *)LABEL, sizeof(LABEL)); /* with its NUL */
	(void)crypto_auth_hmacsha256_update(&state, (const uint8_t *)role, strlen(role) + 1);
	(void)crypto_auth_hmacsha256_update(&state, (const uint8_t *)name, strlen(name));
	(void)crypto_auth_hmacsha256_final(&state, out);
	secret_wipe(&state, sizeof(state));
}

/* ---- commitments --------------------------------------------------------------------------------------------------- */

void commitment_init(struct sr_commitment *c, const uint8_t item_salt[static SR_SALT_BYTES])
{
	(void)crypto_auth_hmacsha256_init(&c->state, item_salt, SR_SALT_BYTES);
}

void commitment_update(struct sr_commitment *c, const void *data, size_t len)
{
	(void)crypto_auth_hmacsha256_update(&c->state, data, len);
}

void commitment_final_hex(struct sr_commitment *c, char out[static SR_DIGEST_HEX])
{
	uint8_t raw[SR_DIGEST_BYTES];

	(void)crypto_auth_hmacsha256_final(&c->state, raw);
	secret_wipe(c, sizeof(*c));
	str_hex(raw, sizeof(raw), out);
}

static void start(struct sr_commitment *c, const struct sr_salt *s, const char *role, const char *name)
{
	char shown[SR_COMMITMENT_NAME_MAX];
	uint8_t item[SR_SALT_BYTES];

	salt_item(s, role, commitment_name(name, shown), item);
	commitment_init(c, item);
	secret_wipe(item, sizeof(item));
}

void commitment_item(const struct sr_salt *s, const char *role, const char *name, const void *data, size_t len,
		     char out[static SR_DIGEST_HEX])
{
	struct sr_commitment c;

	start(&c, s, role, name);
	commitment_update(&c, data, len);
	commitment_final_hex(&c, out);
}

void commitment_words(const struct sr_salt *s, const char *role, const char *name, char *const *words, size_t count,
		      char out[static SR_DIGEST_HEX])
{
	struct sr_commitment c;

	start(&c, s, role, name);
	for (size_t i = 0; i < count; i++)
		commitment_update(&c, words[i], strlen(words[i]) + 1);
	commitment_final_hex(&c, out);
}
