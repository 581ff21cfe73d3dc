/* SPDX-License-Identifier: MIT */
/*
 * One HTTP/1.1 answer of a local agent, as far as one request on a connection of its own needs it: status, then a body
 * with a length or in chunks. Nothing is guessed: an answer in any other shape is refused. Pure: bytes are fed in any
 * pieces, and what is kept is bounded.
 */
#ifndef SR_EVIDENCE_HTTP_ANSWER_H
#define SR_EVIDENCE_HTTP_ANSWER_H

#include <stdbool.h>
#include <stddef.h>

#define SR_HTTP_HEAD_MAX ((size_t)16 << 10)

enum sr_http_state {
	SR_HTTP_STATUS, /* the status line */
	SR_HTTP_FIELDS,
	SR_HTTP_BODY,   /* of `left` bytes */
	SR_HTTP_CHUNK,  /* the line with a chunk's size */
	SR_HTTP_DATA,   /* of a chunk, `left` bytes */
	SR_HTTP_BEHIND, /* the end of the line behind a chunk */
	SR_HTTP_LAST,   /* the empty line behind the last chunk */
	SR_HTTP_WHOLE,
};

struct sr_http_answer {
	enum sr_http_state state;
	int status;        /* 200 ..., 0 while unknown */
	size_t body_max;
	char *body;        /* NUL-terminated once there is one; freed by http_answer_done() */
	size_t len;
	size_t left;
	size_t head;       /* bytes of lines so far */
	bool has_length, chunked;
	char line[1024];
	size_t line_len;
	const char *wrong; /* what is wrong with it, after a failure */
};

void http_answer_init(struct sr_http_answer *a, size_t body_max);
void http_answer_done(struct sr_http_answer *a);
/*
 * Takes the next bytes. 0: more are needed. 1: it is whole; nothing may follow. -EBADMSG with a->wrong set: malformed.
 * -EFBIG: larger than body_max. -ENOMEM. A status other than 200 ends it with -EREMOTEIO: its body says nothing here.
 */
int http_answer_feed(struct sr_http_answer *a, const char *data, size_t len);

#endif
