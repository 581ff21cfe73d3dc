/* SPDX-License-Identifier: MIT */
/* in-toto's runtime trace v0.1: monitor, monitored process, and the events of the log in its three lists. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "evidence/digest.h"
#include "evidence/export.h"
#include "evidence/json-strict.h"

#define STAGE "export"
#define PREDICATE "https://in-toto.io/attestation/runtime-trace/v0.1"
#define MONITOR "https://sandrun.io/trace/v1"
#define IDENTITY "https://sandrun.io/identity/"
#define LINE_VALUES_MAX 100000

static int refuse(struct sr_error *err, const char *why)
{
	return sr_error_set_status(err, 1, SR_E_CERTIFICATE, EBADMSG, STAGE, "cannot export the trace: %s", why);
}

/* --- events ------------------------------------------------------------------------------------------------------------------- */

/* Which list an event belongs to; NULL: to none (the log's own first and last line). */
static const char *list_of(const char *event)
{
	static const char *const lists[][2] = {
		{ "start", "process" },	  { "exec", "process" }, { "exit", "process" }, { "open", "fileAccess" },
		{ "connect", "network" }, { "bind", "network" }, { "send", "network" },
	};

	for (size_t i = 0; i < SR_ELEMENTSOF(lists); i++) {
		if (event && strcmp(event, lists[i][0]) == 0)
			return lists[i][1];
	}
	return NULL;
}

static int unhex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool is_hex(const char *text)
{
	return strspn(text, "0123456789abcdef") == strlen(text) && strlen(text) % 2 == 0;
}

/*
 * RFC 8089 of a path's bytes; where the log has them in hex, a name that is no UTF-8 keeps its own. 0 (*ret stays NULL: no path),
 * -EBADMSG, -ENOMEM.
 */
static int file_uri(const json_t *event, char **ret)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/";
	const char *hex = json_string_value(json_object_get(event, "pathHex"));
	const char *text = json_string_value(json_object_get(event, "path"));
	size_t len = hex ? strlen(hex) / 2 : text ? strlen(text) : 0, at;
	char *uri;

	if (hex && !is_hex(hex))
		return -EBADMSG;
	if (len == 0)
		return 0;
	uri = malloc(sizeof("file://") + 3 * len);
	if (!uri)
		return -ENOMEM;
	at = (size_t)(stpcpy(uri, "file://") - uri);
	for (size_t i = 0; i < len; i++) {
		char c;

		if (hex)
			c = (char)((unsigned)unhex(hex[2 * i]) << 4 | (unsigned)unhex(hex[2 * i + 1]));
		else
			c = text[i];
		if (c && strchr(plain, c)) {
			uri[at++] = c;
		} else {
			uri[at++] = '%';
			str_hex(&c, 1, uri + at);
			at += 2;
		}
	}
	uri[at] = '\0';
	*ret = uri;
	return 0;
}

/* A resource descriptor: the log knows names and no digests, which the annotations do not hide. 0, -EBADMSG, -ENOMEM. */
static int file_access(json_t *event, json_t **ret)
{
	SR_AUTOFREE char *uri = NULL;
	int r = file_uri(event, &uri);

	if (r < 0)
		return r;
	*ret = json_pack("{s:O, s:O*, s:s*}", "annotations", event, "name", uri ? json_object_get(event, "path") : NULL, "uri", uri);
	return *ret ? 0 : -ENOMEM;
}

/* The members that readers of any monitor know, beside our own. */
static json_t *network(json_t *event)
{
	json_t *o = json_copy(event), *address = json_object_get(event, "address");
	int r = o ? 0 : -1;

	if (json_is_string(address))
		r |= json_object_set(o, "ip", address);
	r |= json_object_set_new(o, "invokingProcess", json_pack("{s:O*, s:O*}", "pid", json_object_get(event, "pid"), "tid",
								   json_object_get(event, "tid")));
	if (r == 0)
		return o;
	json_decref(o);
	return NULL;
}

/* 0, -EBADMSG, -ENOMEM. */
static int add_event(json_t *lists, const char *line, size_t len)
{
	const char *code = NULL, *name;
	json_t *event = json_strict(line, len, LINE_VALUES_MAX, &code), *entry = NULL;
	int r = 0;

	if (!event || !json_is_object(event)) {
		json_decref(event);
		return event || code ? -EBADMSG : -ENOMEM;
	}
	name = list_of(json_string_value(json_object_get(event, "event")));
	if (!name) {
		json_decref(event);
		return 0;
	}
	if (strcmp(name, "fileAccess") == 0)
		r = file_access(event, &entry);
	else
		entry = strcmp(name, "network") == 0 ? network(event) : json_incref(event);
	if (r == 0 && json_array_append_new(json_object_get(lists, name), entry) < 0)
		r = -ENOMEM;
	json_decref(event);
	return r;
}

static int add_events(json_t *lists, const char *log, size_t len)
{
	const char *end = log + len;

	while (log < end) {
		const char *newline = memchr(log, '\n', (size_t)(end - log));
		int r = newline ? add_event(lists, log, (size_t)(newline - log)) : -EBADMSG;

		if (r < 0)
			return r;
		log = newline + 1;
	}
	return 0;
}

/* --- the statement ------------------------------------------------------------------------------------------------------------ */

static json_t *make(const struct sr_verified *v, json_t *lists)
{
	const json_t *result = json_object_get(v->execution, "result");
	json_t *monitored, *all;
	char host[sizeof(IDENTITY) + SR_DIGEST_HEX];

	(void)snprintf(host, sizeof(host), IDENTITY "%s", v->identity->id);
	monitored = json_pack("{s:s, s:s, s:s}", "event", v->run_id, "hostID", host, "type", SR_PREDICATE_EXECUTION);
	all = json_pack("{s:{s:O, s:O}, s:{s:O, s:s}, s:O, s:o}", "metadata", "buildFinishedOn", json_object_get(result, "finishedAt"),
			"buildStartedOn", json_object_get(result, "startedAt"), "monitor", "tracePolicy", json_object_get(v->execution, "trace"),
			"type", MONITOR, "monitorLog", lists, "monitoredProcess", monitored);
	return all ? json_pack("{s:s, s:o, s:s, s:O}", "_type", SR_STATEMENT_TYPE, "predicate", all, "predicateType", PREDICATE, "subject",
			       json_object_get(v->statements[1], "subject")) : NULL;
}

int export_runtime_trace(const struct sr_verified *v, const char *log, size_t len, json_t **ret, struct sr_error *err)
{
	const json_t *trace = json_object_get(v->execution, "trace");
	const char *want = json_string_value(json_object_get(json_object_get(trace, "digest"), "sha256"));
	char digest[SR_DIGEST_HEX];
	json_t *lists;
	int r;

	digest_hex(log, len, digest);
	if (!want || strcmp(want, digest) != 0)
		return refuse(err, want ? "the log is not the one that was signed" : "the run was not traced");
	lists = json_pack("{s:[], s:[], s:[]}", "fileAccess", "network", "process");
	r = lists ? add_events(lists, log, len) : -ENOMEM;
	*ret = r == 0 ? make(v, lists) : NULL;
	json_decref(lists);
	if (r == -EBADMSG)
		return refuse(err, "a line of the log is no JSON object, or has a path that is not in hex");
	return *ret ? 0 : sr_error_oom(err, STAGE);
}
