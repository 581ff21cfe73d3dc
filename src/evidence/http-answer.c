/* SPDX-License-Identifier: MIT */
#include "evidence/http-answer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"

void http_answer_init(struct sr_http_answer *a, size_t body_max)
{
	*a = (struct sr_http_answer){ .body_max = body_max };
}

void http_answer_done(struct sr_http_answer *a)
{
	free(a->body);
	*a = (struct sr_http_answer){ .body_max = a->body_max };
}

static int malformed(struct sr_http_answer *a, const char *what)
{
	a->wrong = what;
	return -EBADMSG;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Room for so many more bytes of body, and a NUL. */
static int reserve(struct sr_http_answer *a, size_t more)
{
	char *body;

	if (more > a->body_max - a->len)
		return -EFBIG;
	body = realloc(a->body, a->len + more + 1);
	if (!body)
		return -ENOMEM;
	a->body = body;
	a->body[a->len] = '\0';
	return 0;
}

/* "HTTP/1.1 200 OK": the reason behind the number may be missing. */
static int status_line(struct sr_http_answer *a)
{
	static const char version[] = "HTTP/1.1 ";
	const char *s = a->line + sizeof(version) - 1;

	if (!str_has_prefix(a->line, version) || !is_digit(s[0]) || !is_digit(s[1]) || !is_digit(s[2]) || (s[3] && s[3] != ' '))
		return malformed(a, "it does not begin as an HTTP/1.1 answer does");
	a->status = (s[0] - '0') * 100 + (s[1] - '0') * 10 + (s[2] - '0');
	if (a->status != 200)
		return -EREMOTEIO;
	a->state = SR_HTTP_FIELDS;
	return 0;
}

static int content_length(struct sr_http_answer *a, const char *value)
{
	uint64_t n;
	int r;

	if (a->has_length)
		return malformed(a, "it has two lengths");
	r = str_to_u64(value, &n);
	if (r == -ERANGE || (r == 0 && n > a->body_max))
		return -EFBIG;
	if (r < 0)
		return malformed(a, "its length is no number");
	a->has_length = true;
	a->left = (size_t)n;
	return 0;
}

/* "Name: value"; a line that continues the one before (obsolete) starts with a blank and has no name. */
static int field_line(struct sr_http_answer *a)
{
	char *colon = strchr(a->line, ':'), *value, *end;

	if (!colon || colon == a->line || strcspn(a->line, " \t") < (size_t)(colon - a->line))
		return malformed(a, "a header is not NAME: VALUE");
	*colon = '\0';
	value = colon + 1 + strspn(colon + 1, " \t");
	for (end = value + strlen(value); end > value && (end[-1] == ' ' || end[-1] == '\t');)
		*--end = '\0';
	if (strcasecmp(a->line, "Content-Length") == 0)
		return content_length(a, value);
	if (strcasecmp(a->line, "Transfer-Encoding") == 0) {
		if (a->chunked || strcasecmp(value, "chunked") != 0)
			return malformed(a, "its body is encoded in a way that is not read here");
		a->chunked = true;
	}
	return 0;
}

/* The empty line behind the headers. */
static int end_of_head(struct sr_http_answer *a)
{
	if (a->chunked == a->has_length)
		return malformed(a, a->chunked ? "it has a length and chunks" : "it has neither a length nor chunks");
	if (a->chunked) {
		a->state = SR_HTTP_CHUNK;
		return reserve(a, 0);
	}
	a->state = a->left > 0 ? SR_HTTP_BODY : SR_HTTP_WHOLE;
	return reserve(a, a->left);
}

/* A size in hexadecimal, no extension behind it. */
static int chunk_line(struct sr_http_answer *a)
{
	size_t n = 0;

	if (a->line_len == 0 || strspn(a->line, "0123456789abcdefABCDEF") != a->line_len)
		return malformed(a, "a chunk's size is no number");
	for (const char *s = a->line; *s; s++) {
		if (n > a->body_max)
			return -EFBIG;
		n = n * 16 + (size_t)(is_digit(*s) ? *s - '0' : (*s | 0x20) - 'a' + 10);
	}
	a->left = n;
	a->state = n > 0 ? SR_HTTP_DATA : SR_HTTP_LAST;
	return reserve(a, n);
}

/* A whole line is in a->line, without its end. */
static int take_line(struct sr_http_answer *a)
{
	switch (a->state) {
	case SR_HTTP_STATUS:
		return status_line(a);
	case SR_HTTP_FIELDS:
		return a->line_len > 0 ? field_line(a) : end_of_head(a);
	case SR_HTTP_CHUNK:
		return chunk_line(a);
	case SR_HTTP_BEHIND:
		if (a->line_len > 0)
			return malformed(a, "a chunk is longer than it says");
		a->state = SR_HTTP_CHUNK;
		return 0;
	default: /* SR_HTTP_LAST: the others are no lines */
		if (a->line_len > 0)
			return malformed(a, "it has headers behind its body");
		a->state = SR_HTTP_WHOLE;
		return 0;
	}
}

/* One byte of a line, which ends in CR LF and holds no other control byte than the tab. */
static int line_byte(struct sr_http_answer *a, char c)
{
	int r;

	/* the lines of a body in chunks are bounded by the body itself: a chunk has a byte at least */
	if (a->state <= SR_HTTP_FIELDS && ++a->head > SR_HTTP_HEAD_MAX)
		return malformed(a, "its headers are too long");
	if (c == '\n') {
		if (a->line_len == 0 || a->line[a->line_len - 1] != '\r')
			return malformed(a, "a line ends without a carriage return");
		a->line[--a->line_len] = '\0';
		r = take_line(a);
		a->line_len = 0;
		return r;
	}
	if ((a->line_len > 0 && a->line[a->line_len - 1] == '\r') || ((unsigned char)c < ' ' && c != '\t' && c != '\r') || c == 0x7f)
		return malformed(a, "a header holds a control byte");
	if (a->line_len + 1 >= sizeof(a->line))
		return malformed(a, "a header is too long");
	a->line[a->line_len++] = c;
	return 0;
}

/* As much of the body or the chunk as there is. Returns the bytes taken. */
static size_t take_data(struct sr_http_answer *a, const char *data, size_t len)
{
	size_t n = len < a->left ? len : a->left;

	memcpy(a->body + a->len, data, n);
	a->len += n;
	a->body[a->len] = '\0';
	a->left -= n;
	if (a->left == 0)
		a->state = a->state == SR_HTTP_DATA ? SR_HTTP_BEHIND : SR_HTTP_WHOLE;
	return n;
}

int http_answer_feed(struct sr_http_answer *a, const char *data, size_t len)
{
	size_t at = 0;

	while (at < len) {
		int r;

		if (a->state == SR_HTTP_BODY || a->state == SR_HTTP_DATA) {
			at += take_data(a, data + at, len - at);
			continue;
		}
		if (a->state == SR_HTTP_WHOLE)
			return malformed(a, "it goes on behind its end");
		r = line_byte(a, data[at++]);
		if (r < 0)
			return r;
	}
	return a->state == SR_HTTP_WHOLE;
}
