/* SPDX-License-Identifier: MIT */
#include "evidence/verify-files.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/str.h"
#include "evidence/json-strict.h"
#include "evidence/merkle.h"
#include "evidence/verify-internal.h"
#include "evidence/verify-shape.h"

#define PIECE 65536
#define LINE_MAX_BYTES ((size_t)256 << 10) /* tracelog.h */
#define LINE_VALUES 100000
#define SHOWN(s) str_escape((s), (char[160]){ 0 }, 160)

/* --- one file ------------------------------------------------------------------------------------------------------------- */

/* Something that the certificate has a digest of. */
struct item {
	const json_t *set;	 /* NULL: there is none of that name */
	const char *role, *name; /* for its opening */
};

/* Both at once: which one is wanted is the certificate's matter, the cost is the same reading. */
static int digest_of(int fd, const uint8_t *salt, char out[static SR_DIGEST_HEX])
{
	SR_AUTOFREE char *piece = malloc(PIECE);
	struct sr_commitment commitment;
	struct sr_digest digest;
	ssize_t n = 1;

	if (!piece)
		return -ENOMEM;
	digest_init(&digest);
	if (salt)
		commitment_init(&commitment, salt);
	while (n > 0) {
		n = io_read_full(fd, piece, PIECE);
		if (n < 0)
			return (int)n;
		if (salt)
			commitment_update(&commitment, piece, (size_t)n);
		else
			digest_update(&digest, piece, (size_t)n);
	}
	if (salt)
		commitment_final_hex(&commitment, out);
	else
		digest_final_hex(&digest, out);
	return 0;
}

static int verify_item(struct sr_verified *v, const char *what, const struct item *i, const char *name, int fd,
		       const struct sr_opening *opening)
{
	const struct sr_opening_item *salt = NULL;
	char hex[SR_DIGEST_HEX];
	const char *wanted;
	int r;

	if (!i->set) {
		verify_add(v, SR_CHECK_FAILED, what, "file-unknown", "the certificate has no %s of the name %s", what,
			   SHOWN(name));
		return 0;
	}
	wanted = text_at(i->set, SHAPE_SHA256_NAME);
	if (!wanted) {
		wanted = text_at(i->set, SHAPE_HMAC_NAME);
		salt = opening ? opening_find(opening, i->role, i->name) : NULL;
		if (!salt) {
			verify_add(v, SR_CHECK_BELOW, what, "opening-missing",
				   "%s is private: whether the file is it shows with its opening alone (--opening)",
				   SHOWN(name));
			return 0;
		}
	}
	r = digest_of(fd, salt ? salt->salt : NULL, hex);
	if (r < 0)
		return r;
	if (strcmp(hex, wanted) != 0)
		verify_add(v, SR_CHECK_FAILED, what, salt ? "commitment-differs" : "file-differs",
			   "the file is not the %s %s%s", what, SHOWN(name),
			   salt ? ", or the opening is not its opening" : "");
	else
		verify_add(v, SR_CHECK_OK, what, salt ? "commitment" : "file", "the file is the %s %s%s", what,
			   SHOWN(name), salt ? ", by its opened commitment" : "");
	return 0;
}

static const json_t *named(const json_t *list, const char *name)
{
	const json_t *item;
	size_t i;

	json_array_foreach(list, i, item)
	{
		if (strcmp(text_at(item, "name"), name) == 0)
			return json_object_get(item, "digest");
	}
	return NULL;
}

/* Two of one name and of other bytes: which of them the caller means cannot be told, and a program must not choose. */
static bool is_ambiguous(struct sr_verified *v, const char *what, const char *name, const json_t *a, const json_t *b)
{
	if (!a || !b || json_equal(a, b))
		return false;
	verify_add(v, SR_CHECK_FAILED, what, "name-ambiguous", "the certificate has two of the name %s", SHOWN(name));
	return true;
}

int verify_input(struct sr_verified *v, const char *name, int fd, const struct sr_opening *opening)
{
	const json_t *script = json_at(v->execution, "plan.script");
	struct item i = { named(json_at(v->execution, "plan.inputs"), name), "input", name };
	const json_t *as_script = NULL, *as_stdin = NULL;

	if (!v->execution)
		return 0;
	if (json_is_object(script) && strcmp(text_at(script, "name"), name) == 0)
		as_script = json_object_get(script, "digest");
	if (strcmp(name, "stdin") == 0)
		as_stdin = json_at(v->execution, "result.stdin.digest");
	if (is_ambiguous(v, "input", name, i.set, as_script) ||
	    is_ambiguous(v, "input", name, i.set ? i.set : as_script, as_stdin))
		return 0;
	if (!i.set && as_script)
		i = (struct item){ as_script, "script", name };
	else if (!i.set && as_stdin)
		i = (struct item){ as_stdin, "stdin", "stdin" };
	return verify_item(v, "input", &i, name, fd, opening);
}

int verify_output(struct sr_verified *v, const char *name, int fd, const struct sr_opening *opening)
{
	const json_t *subjects = json_object_get(v->statements[STATEMENT_EXECUTION], "subject");
	SR_AUTOFREE char *full = str_format("out/%s", name);
	struct item i = { full ? named(subjects, full) : NULL, "output", name };

	if (!full)
		return -ENOMEM;
	if (!v->execution)
		return 0;
	if (verify_is_stream(name)) { /* never a file that the program called so: that one is out/NAME */
		i = (struct item){ named(subjects, name), name, name };
	} else if (str_has_prefix(name, "out/")) { /* as the certificate writes it */
		if (is_ambiguous(v, "output", name, i.set, named(subjects, name)))
			return 0;
		if (!i.set)
			i = (struct item){ named(subjects, name), "output", name + strlen("out/") };
	}
	return verify_item(v, "output", &i, name, fd, opening);
}

bool verify_opening(struct sr_verified *v, const struct sr_opening *opening)
{
	if (!v->run_id || strcmp(opening->run_id, v->run_id) == 0)
		return v->run_id != NULL;
	verify_add(v, SR_CHECK_FAILED, "opening", "opening-run", "the opening file is another run's, %s",
		   SHOWN(opening->run_id));
	return false;
}

/* --- the trace ------------------------------------------------------------------------------------------------------------ */

/* Of this host itself, or of none. What is no address of the Internet (a path) leaves no sandbox either. */
static bool is_local(const char *address)
{
	struct in6_addr six;
	struct in_addr four;

	if (inet_pton(AF_INET, address, &four) == 1)
		return ntohl(four.s_addr) >> 24 == 127 || four.s_addr == 0;
	if (inet_pton(AF_INET6, address, &six) != 1)
		return true;
	if (IN6_IS_ADDR_V4MAPPED(&six))
		return six.s6_addr[12] == 127;
	return IN6_IS_ADDR_LOOPBACK(&six) || IN6_IS_ADDR_UNSPECIFIED(&six);
}

/* A connection of a socket that does not wait is on its way by then: it leaves the sandbox without any other event. */
static bool was_sent(const json_t *event)
{
	const char *result = text_at(event, "result");

	return number_at(event, "result", -1) == 0 || (result && strcmp(result, "EINPROGRESS") == 0);
}

enum event_leaves verify_event_leaves(const json_t *event)
{
	const char *what = text_at(event, "event"), *address = text_at(event, "address"), *how = text_at(event, "how");

	if (!what || !address || (strcmp(what, "connect") != 0 && strcmp(what, "send") != 0) ||
	    !was_sent(event) || is_local(address))
		return EVENT_STAYS;
	return how && str_has_prefix(how, "descriptor") ? EVENT_LEAVES : EVENT_CLAIMS;
}

struct reader {
	struct sr_verified *v;
	struct sr_merkle_text text;
	char *line; /* of LINE_MAX_BYTES: what its newline is still to come of */
	size_t len;
	uint64_t lines, claims, bytes, most; /* most: lines that were signed */
	bool failed;
};

/* More than was signed: what follows changes nothing, and may have no end. */
static bool is_too_much(const struct reader *r)
{
	return r->lines > r->most || r->bytes / LINE_MAX_BYTES > r->most;
}

static void fail(struct reader *r, enum sr_check_state state, const char *code, const char *text)
{
	if (!r->failed)
		verify_add(r->v, state, "trace", code, "line %llu of the trace %s", (unsigned long long)r->lines, text);
	r->failed = true;
}

/* Ends of the line that is in the buffer. */
static void end_line(struct reader *r)
{
	const char *code;
	json_t *event;

	r->lines++;
	if (r->failed)
		return;
	event = json_strict(r->line, r->len, LINE_VALUES, &code);
	if (!event && !code)
		r->v->out_of_memory = true;
	else if (!json_is_object(event))
		fail(r, SR_CHECK_MALFORMED, "trace-form", "is not one JSON object");
	else if (verify_event_leaves(event) == EVENT_LEAVES)
		fail(r, SR_CHECK_FAILED, "network-none",
		     "shows a connection that left the sandbox, and the plan has no network");
	else
		r->claims += verify_event_leaves(event) == EVENT_CLAIMS;
	json_decref(event);
}

static void feed(struct reader *r, const char *piece, size_t len)
{
	merkle_text_feed(&r->text, piece, len);
	r->bytes += len;
	while (len > 0 && !is_too_much(r)) {
		const char *newline = memchr(piece, '\n', len);
		size_t n = newline ? (size_t)(newline - piece) : len;

		if (n > LINE_MAX_BYTES - r->len) {
			fail(r, SR_CHECK_MALFORMED, "trace-form", "is longer than any that sandrun writes");
			n = LINE_MAX_BYTES - r->len; /* what follows is digested and looked at no more */
		}
		memcpy(r->line + r->len, piece, n);
		r->len += n;
		if (!newline)
			return;
		end_line(r);
		r->len = 0;
		len -= (size_t)(newline + 1 - piece);
		piece = newline + 1;
	}
}

static void judge_trace(struct reader *r, const json_t *t, bool ended)
{
	uint8_t root[SR_DIGEST_BYTES], digest[SR_DIGEST_BYTES];
	char root_hex[SR_DIGEST_HEX], hex[SR_DIGEST_HEX];
	struct verifier own = { .v = r->v }, *c = &own;

	ended = merkle_text_finish(&r->text, root, digest) == 0 && ended;
	str_hex(root, sizeof(root), root_hex);
	str_hex(digest, sizeof(digest), hex);
	if (FAIL_IF(c, is_too_much(r), "trace", "trace-size",
		    "the file is longer than the %" JSON_INTEGER_FORMAT " lines that were signed", number_at(t, "treeSize", -1)) ||
	    FAIL_IF(c, !ended, "trace", "trace-cut", "the file ends in the middle of a line") ||
	    FAIL_IF(c, (json_int_t)r->lines != number_at(t, "treeSize", -1), "trace", "trace-size",
		    "the file has %llu lines, and %" JSON_INTEGER_FORMAT " were signed", (unsigned long long)r->lines,
		    number_at(t, "treeSize", -1)) ||
	    FAIL_IF(c, strcmp(root_hex, text_at(t, "rootHash")) != 0, "trace", "trace-root",
		    "the tree over the file's lines has another root: lines were changed or moved") ||
	    FAIL_IF(c, strcmp(hex, digest_at(t, "digest")) != 0, "trace", "trace-digest",
		    "the file's digest is another one") ||
	    r->failed)
		return;
	if (r->claims)
		verify_add(r->v, SR_CHECK_NOT_SHOWN, "trace", "trace-claims",
			   "%llu events name an address outside that the program's own memory said, which it could "
			   "change meanwhile",
			   (unsigned long long)r->claims);
	verify_add(r->v, SR_CHECK_OK, "trace", "trace",
		   "%llu events, root and digest recomputed; %s, %" JSON_INTEGER_FORMAT " dropped",
		   (unsigned long long)r->lines,
		   json_is_true(json_object_get(t, "complete")) ? "complete, says the record" : "not complete",
		   number_at(t, "dropped", 0));
}

int verify_trace(struct sr_verified *v, int fd)
{
	const json_t *t = v->execution ? json_object_get(v->execution, "trace") : NULL;
	SR_AUTOFREE char *piece = malloc(PIECE), *line = malloc(LINE_MAX_BYTES);
	struct reader r = { .v = v, .line = line };
	ssize_t n = 1;

	if (!v->execution)
		return 0;
	if (!json_is_object(t)) {
		verify_add(v, SR_CHECK_FAILED, "trace", "trace-none", "the certificate has no trace");
		return 0;
	}
	if (!piece || !line)
		return -ENOMEM;
	r.most = (uint64_t)number_at(t, "treeSize", 0);
	merkle_text_init(&r.text);
	while (n > 0 && !is_too_much(&r)) {
		n = io_read_full(fd, piece, PIECE);
		if (n < 0)
			return (int)n;
		feed(&r, piece, (size_t)n);
	}
	judge_trace(&r, t, r.len == 0);
	return v->out_of_memory ? -ENOMEM : 0;
}
