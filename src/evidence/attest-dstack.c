/* SPDX-License-Identifier: MIT */
/*
 * A dstack guest agent: POST /GetQuote with {"report_data": HEX} over its unix socket, answered by an object with quote,
 * event_log, report_data, vm_config and, from some agents, attestation. The agent is trusted no more than its answer can
 * be checked: bounded in bytes and time, JSON without doubled keys, the report data repeated, the quote over them.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "evidence/attest-source.h"
#include "evidence/http-answer.h"

#define HEX_MAX (2 * SR_REPORT_DATA_BYTES + 1)

struct talk {
	const char *path;
	int64_t deadline;
	int fd;
	struct sr_error *err;
};

static int failed(const struct talk *t, int errnum, const char *reason)
{
	return attest_failed(t->err, errnum, t->path, reason);
}

static int late(const struct talk *t)
{
	return failed(t, ETIMEDOUT, "it did not answer within 2 seconds");
}

/* Until the socket is ready for `events`. */
static int wait_for(const struct talk *t, short events)
{
	struct pollfd p = { .fd = t->fd, .events = events };

	for (;;) {
		int64_t left = t->deadline - attest_clock();
		int n = left > 0 ? poll(&p, 1, (int)left) : 0;

		if (n > 0)
			return 0;
		if (n == 0)
			return late(t);
		if (errno != EINTR)
			return failed(t, errno, strerror(errno));
	}
}

static int connect_to(struct talk *t)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (strlen(t->path) >= sizeof(address.sun_path))
		return failed(t, ENAMETOOLONG, "a socket's path has at most 107 bytes");
	memcpy(address.sun_path, t->path, strlen(t->path) + 1);
	t->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (t->fd < 0)
		return failed(t, errno, strerror(errno));
	/* EAGAIN: its queue of connections is full. Nothing says when that ends, so it is asked again. */
	while (connect(t->fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN)
			return failed(t, errno, strerror(errno));
		if (attest_clock() >= t->deadline)
			return late(t);
		(void)poll(NULL, 0, 10);
	}
	return 0;
}

static int send_request(const struct talk *t, const char *hex)
{
	char text[512];
	size_t at = 0, len;
	int n = snprintf(text, sizeof(text),
			 "POST /GetQuote HTTP/1.1\r\nHost: dstack\r\nContent-Type: application/json\r\nAccept: application/json\r\n"
			 "Connection: close\r\nContent-Length: %zu\r\n\r\n{\"report_data\":\"%s\"}",
			 strlen(hex) + sizeof("{\"report_data\":\"\"}") - 1, hex);

	len = (size_t)n;
	while (at < len) {
		ssize_t sent = send(t->fd, text + at, len - at, MSG_NOSIGNAL);
		int r;

		if (sent >= 0) {
			at += (size_t)sent;
			continue;
		}
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN)
			return failed(t, errno, "it closed the connection");
		r = wait_for(t, POLLOUT);
		if (r < 0)
			return r;
	}
	return 0;
}

/* What http_answer_feed() says of an answer that is none. */
static int refuse(const struct talk *t, const struct sr_http_answer *answer, int r)
{
	char reason[64];

	if (r == -EREMOTEIO) {
		(void)snprintf(reason, sizeof(reason), "it answered with HTTP status %d", answer->status);
		return failed(t, EREMOTEIO, reason);
	}
	if (r == -EFBIG)
		return failed(t, EFBIG, "its answer is larger than 1 MiB");
	return r == -ENOMEM ? sr_error_oom(t->err, SR_ATTEST_STAGE) : failed(t, EBADMSG, answer->wrong);
}

static int receive(const struct talk *t, struct sr_http_answer *answer)
{
	char buf[16384];
	int r = 0;

	while (r == 0) {
		ssize_t n;

		r = wait_for(t, POLLIN);
		if (r < 0)
			return r;
		n = recv(t->fd, buf, sizeof(buf), 0);
		if (n == 0 || (n < 0 && errno == ECONNRESET))
			return failed(t, ECONNRESET, "it closed the connection before its answer was whole");
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return failed(t, errno, strerror(errno));
		if (n > 0)
			r = http_answer_feed(answer, buf, (size_t)n);
		if (r < 0)
			return refuse(t, answer, r);
	}
	return 0;
}

/* A string of the answer, "" where it has none, NULL where it is something else. */
static const char *text_of(const json_t *answer, const char *key)
{
	const json_t *value = json_object_get(answer, key);

	return value ? json_string_value(value) : "";
}

/* Bytes of hexadecimal text; the caller frees *ret. 0, -EBADMSG, -ENOMEM. */
static int from_hex(const char *text, uint8_t **ret, size_t *ret_len)
{
	size_t len = strlen(text), got;
	const char *end;
	uint8_t *bytes;

	if (len % 2 != 0)
		return -EBADMSG;
	bytes = malloc(len / 2 + 1);
	if (!bytes)
		return -ENOMEM;
	if (sodium_hex2bin(bytes, len / 2 + 1, text, len, NULL, &got, &end) != 0 || end != text + len || got != len / 2) {
		free(bytes);
		return -EBADMSG;
	}
	*ret = bytes;
	*ret_len = got;
	return 0;
}

static int add_text(json_t *element, const char *key, const char *text)
{
	return *text && json_object_set_new(element, key, json_string(text)) < 0 ? -ENOMEM : 0;
}

/* The answer's texts become the certificate's element. */
static int make_element(const struct talk *t, const json_t *answer, bool simulated, const uint8_t *report_data, json_t **ret)
{
	const char *quote = text_of(answer, "quote"), *log = text_of(answer, "event_log"), *config = text_of(answer, "vm_config"),
		   *own = text_of(answer, "attestation");
	SR_AUTOFREE uint8_t *bytes = NULL, *own_bytes = NULL;
	size_t len = 0, own_len = 0;
	json_t *element;
	int r;

	if (!quote || !log || !config || !own)
		return failed(t, EBADMSG, "a field of its answer is not text");
	r = from_hex(quote, &bytes, &len);
	if (!r)
		r = from_hex(own, &own_bytes, &own_len);
	if (r == -EBADMSG)
		return failed(t, EBADMSG, "its quote is not hexadecimal");
	if (!r && len == 0 && own_len == 0)
		return failed(t, EBADMSG, "its answer has no quote in it");
	if (!r && len > 0 && attest_quote_holds("dstack", bytes, len, report_data) == SR_QUOTE_OTHER)
		return failed(t, EBADMSG, "the quote is not over this run");
	element = r < 0 ? NULL : attest_element("dstack", simulated, report_data, bytes, len);
	if (!element || add_text(element, "eventLog", log) < 0 || add_text(element, "vmConfig", config) < 0 ||
	    add_text(element, "attestation", own) < 0) {
		json_decref(element);
		return sr_error_oom(t->err, SR_ATTEST_STAGE);
	}
	*ret = element;
	return 0;
}

static int read_answer(const struct talk *t, const struct sr_http_answer *http, bool simulated, const uint8_t *report_data,
		       const char *hex, json_t **ret)
{
	json_t *answer = json_loadb(http->body, http->len, JSON_REJECT_DUPLICATES, NULL);
	const char *repeated;
	int r;

	if (!json_is_object(answer)) {
		json_decref(answer);
		return failed(t, EBADMSG, "its answer is not one JSON object with each key once");
	}
	repeated = text_of(answer, "report_data");
	if (!repeated || strlen(repeated) != strlen(hex) || strcasecmp(repeated, hex) != 0)
		r = failed(t, EBADMSG, "it answered for other report data");
	else
		r = make_element(t, answer, simulated, report_data, ret);
	json_decref(answer);
	return r;
}

int attest_dstack(const char *socket_path, bool simulated, const uint8_t report_data[static SR_REPORT_DATA_BYTES], json_t **ret,
		  struct sr_error *err)
{
	struct talk t = { .path = socket_path, .deadline = attest_clock() + SR_ATTEST_PATIENCE_MS, .fd = -1, .err = err };
	struct sr_http_answer answer;
	char hex[HEX_MAX];
	int r = connect_to(&t);

	http_answer_init(&answer, SR_ATTEST_MAX);
	str_hex(report_data, SR_REPORT_DATA_BYTES, hex);
	if (!r)
		r = send_request(&t, hex);
	if (!r)
		r = receive(&t, &answer);
	fd_close(&t.fd);
	if (!r)
		r = read_answer(&t, &answer, simulated, report_data, hex, ret);
	http_answer_done(&answer);
	return r;
}
