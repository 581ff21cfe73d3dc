/* SPDX-License-Identifier: MIT */
/*
 * The client of the dstack guest agent against a small agent that answers right, and in every way wrong. Every wrong
 * answer must end in "no attestation" with its reason, within bounds of memory and time.
 */
#include "evidence/attest-source.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../tap.h"
#include "base/fd.h"
#include "base/macros.h"
#include "base/str.h"

#define HEX (2 * SR_REPORT_DATA_BYTES)

/* How the agent sends what it says. */
enum manner {
	PLAIN,    /* whole, then it closes */
	PIECES,   /* byte by byte, at once */
	DRIP,     /* a byte every 300 ms */
	SILENT,   /* reads the request and says nothing */
	FOREVER,  /* its text, then the letter x without end */
	HANG_UP,  /* closes before it reads */
	KEEP,     /* whole, and the connection stays open */
};

struct answer {
	const char *name;
	enum manner manner;
	/* The head, "%L" is the body's length. NULL: a good one with a length. */
	const char *head;
	/* The body. "%R": the report data that were asked for; "%Q": an Intel quote over them; "%q": one over others. */
	const char *body;
	const char *reason; /* NULL: it is taken */
};

#define OKAY "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
#define GOOD "{\"quote\":\"%Q\",\"event_log\":\"[]\",\"report_data\":\"%R\",\"vm_config\":\"{\\\"cpu\\\":1}\"}"

static const struct answer answers[] = {
	{ "a whole answer", PLAIN, NULL, GOOD, NULL },
	{ "one that leaves the connection open", KEEP, NULL, GOOD, NULL },
	{ "one in pieces of a byte", PIECES, NULL, GOOD, NULL },
	{ "one in chunks", PLAIN, OKAY "transfer-encoding: Chunked\r\n\r\n%C", GOOD, NULL },
	{ "one in chunks and in pieces of a byte", PIECES, OKAY "Transfer-Encoding: chunked\r\n\r\n%C", GOOD, NULL },
	{ "fields that are not known", PLAIN, NULL, "{\"new\":[1,{}],\"quote\":\"%Q\",\"report_data\":\"%R\"}", NULL },
	{ "no quote but an attestation", PLAIN, NULL,
	  "{\"quote\":\"\",\"event_log\":\"\",\"report_data\":\"%R\",\"vm_config\":\"\",\"attestation\":\"00ff\"}", NULL },
	{ "an attestation alone", PLAIN, NULL, "{\"report_data\":\"%R\",\"attestation\":\"00ff\"}", NULL },

	{ "report data of another request", PLAIN, NULL, "{\"quote\":\"%Q\",\"report_data\":\"%r\"}", "for other report data" },
	{ "report data that are cut", PLAIN, NULL, "{\"quote\":\"%Q\",\"report_data\":\"00\"}", "for other report data" },
	{ "no report data", PLAIN, NULL, "{\"quote\":\"%Q\"}", "for other report data" },
	{ "report data that are a number", PLAIN, NULL, "{\"quote\":\"%Q\",\"report_data\":1}", "for other report data" },
	{ "a quote over other report data", PLAIN, NULL, "{\"quote\":\"%q\",\"report_data\":\"%R\"}", "not over this run" },
	{ "a quote that is cut", PLAIN, NULL, "{\"quote\":\"0400\",\"report_data\":\"%R\"}", "not over this run" },
	{ "neither quote nor attestation", PLAIN, NULL, "{\"quote\":\"\",\"report_data\":\"%R\"}", "no quote in it" },
	{ "a quote that is no hexadecimal", PLAIN, NULL, "{\"quote\":\"zz\",\"report_data\":\"%R\"}", "not hexadecimal" },
	{ "a quote of half a byte", PLAIN, NULL, "{\"quote\":\"abc\",\"report_data\":\"%R\"}", "not hexadecimal" },
	{ "a quote that is a list", PLAIN, NULL, "{\"quote\":[],\"report_data\":\"%R\"}", "is not text" },
	{ "a log that is a list", PLAIN, NULL, "{\"quote\":\"%Q\",\"event_log\":[],\"report_data\":\"%R\"}", "is not text" },
	{ "no JSON", PLAIN, NULL, "report data? never heard", "not one JSON object" },
	{ "nothing", PLAIN, OKAY "Content-Length: 0\r\n\r\n", "", "not one JSON object" },
	{ "a list", PLAIN, NULL, "[\"%R\"]", "not one JSON object" },
	{ "doubled keys", PLAIN, NULL, "{\"quote\":\"%Q\",\"report_data\":\"%R\",\"quote\":\"%Q\"}", "not one JSON object" },
	{ "doubled keys further in", PLAIN, NULL, "{\"quote\":\"%Q\",\"report_data\":\"%R\",\"x\":{\"a\":1,\"a\":1}}", "not one JSON object" },
	{ "text behind the object", PLAIN, NULL, GOOD "{}", "not one JSON object" },
	{ "text that is no UTF-8", PLAIN, NULL, "{\"quote\":\"%Q\",\"report_data\":\"%R\",\"event_log\":\"\xff\"}", "not one JSON object" },
	{ "a NUL in a text", PLAIN, NULL, "{\"quote\":\"%Q\",\"report_data\":\"%R\",\"event_log\":\"\\u0000\"}", "not one JSON object" },

	{ "an error of the agent", PLAIN, "HTTP/1.1 500 Internal Server Error\r\nContent-Length: %L\r\n\r\n", GOOD, "status 500" },
	{ "no such call", PLAIN, "HTTP/1.1 404 Not Found\r\nContent-Length: %L\r\n\r\n", "{}", "status 404" },
	{ "a redirection", PLAIN, "HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n", "", "status 302" },
	{ "a status that is no number", PLAIN, "HTTP/1.1 2x0 OK\r\nContent-Length: %L\r\n\r\n", GOOD, "does not begin" },
	{ "a status of four digits", PLAIN, "HTTP/1.1 2000 OK\r\nContent-Length: %L\r\n\r\n", GOOD, "does not begin" },
	{ "HTTP of long ago", PLAIN, "HTTP/1.0 200 OK\r\nContent-Length: %L\r\n\r\n", GOOD, "does not begin" },
	{ "another protocol", PLAIN, "SSH-2.0-agent\r\n", "", "does not begin" },
	{ "a body that is cut", PLAIN, OKAY "Content-Length: 9999\r\n\r\n", GOOD, "before its answer was whole" },
	{ "a head that is cut", PLAIN, OKAY, "", "before its answer was whole" },
	{ "chunks that are cut", PLAIN, OKAY "Transfer-Encoding: chunked\r\n\r\nff\r\n", "{", "before its answer was whole" },
	{ "no length", PLAIN, OKAY "\r\n", GOOD, "neither a length nor chunks" },
	{ "a length and chunks", PLAIN, OKAY "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n%C", GOOD, "a length and chunks" },
	{ "two lengths", PLAIN, OKAY "Content-Length: %L\r\nContent-Length: %L\r\n\r\n", GOOD, "two lengths" },
	{ "a length below zero", PLAIN, OKAY "Content-Length: -1\r\n\r\n", GOOD, "length is no number" },
	{ "a length that overflows", PLAIN, OKAY "Content-Length: 18446744073709551617\r\n\r\n", GOOD, "larger than 1 MiB" },
	{ "100 MB", FOREVER, OKAY "Content-Length: 100000000\r\n\r\n", "{\"quote\":\"", "larger than 1 MiB" },
	{ "a chunk of 100 MB", FOREVER, OKAY "Transfer-Encoding: chunked\r\n\r\n5F5E100\r\n", "{\"quote\":\"", "larger than 1 MiB" },
	{ "a chunk's size that overflows", PLAIN, OKAY "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n", "{", "larger than 1 MiB" },
	{ "a chunk's size that is none", PLAIN, OKAY "Transfer-Encoding: chunked\r\n\r\n-5\r\n", "{", "size is no number" },
	{ "a chunk's size with an extension", PLAIN, OKAY "Transfer-Encoding: chunked\r\n\r\n1;a=b\r\n", "{", "size is no number" },
	{ "a chunk that is longer than it says", PLAIN, OKAY "Transfer-Encoding: chunked\r\n\r\n1\r\n{}\r\n0\r\n\r\n", "", "longer than it says" },
	{ "headers behind the chunks", PLAIN, OKAY "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n0\r\nA: b\r\n\r\n", "", "headers behind its body" },
	{ "another encoding", PLAIN, OKAY "Transfer-Encoding: gzip, chunked\r\n\r\n%C", GOOD, "encoded in a way" },
	{ "chunks said twice", PLAIN, OKAY "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n%C", GOOD, "encoded in a way" },
	{ "more behind its end", PLAIN, OKAY "Content-Length: 2\r\n\r\n", "{}HTTP/1.1 200 OK\r\n", "behind its end" },
	{ "lines without a carriage return", PLAIN, "HTTP/1.1 200 OK\nContent-Length: %L\n\n", GOOD, "carriage return" },
	{ "a header without a name", PLAIN, OKAY ": 5\r\n\r\n", "", "not NAME: VALUE" },
	{ "a header that goes on in the next line", PLAIN, OKAY "A: b\r\n Content-Length: 5\r\n\r\n", "", "not NAME: VALUE" },
	{ "a blank before the colon", PLAIN, OKAY "Content-Length : 5\r\n\r\n", "", "not NAME: VALUE" },
	{ "a control byte in a header", PLAIN, OKAY "A: \x1b[2J\r\n\r\n", "", "control byte" },
	{ "a carriage return in a header", PLAIN, OKAY "A: b\rc\r\n\r\n", "", "control byte" },
	{ "a header without end", FOREVER, OKAY "A: ", "", "too long" },
	{ "it closes at once", HANG_UP, NULL, "", "closed the connection" },
	{ "it closes after the request", PLAIN, "", "", "before its answer was whole" },
	{ "it says nothing", SILENT, NULL, "", "within 2 seconds" },
	{ "a drip", DRIP, NULL, GOOD, "within 2 seconds" },
};

/* A version 4 quote over `data` (hexadecimal text), as hexadecimal text. */
static void put_quote(FILE *f, const char *data)
{
	fputs("0400" "0200" "81000000", f);
	for (int i = 8; i < 568; i++)
		fputs("11", f);
	fputs(data, f);
	for (int i = 0; i < 400; i++)
		fputs("22", f);
}

/* The body in three chunks. */
static void put_chunks(FILE *f, const char *body, size_t len)
{
	size_t third = len / 3;

	fprintf(f, "%zx\r\n%.*s\r\n", third, (int)third, body);
	fprintf(f, "%zX\r\n%.*s\r\n", third, (int)third, body + third);
	fprintf(f, "0%zx\r\n%s\r\n0\r\n\r\n", len - 2 * third, body + 2 * third);
}

static void put_text(FILE *f, const char *text, const char *hex, const char *body, size_t body_len)
{
	static char others[HEX + 1];

	memset(others, 'a', HEX);
	for (; *text; text++) {
		if (*text != '%') {
			(void)putc(*text, f);
			continue;
		}
		switch (*++text) {
		case 'R': fputs(hex, f); break;
		case 'r': fputs(others, f); break;
		case 'Q': put_quote(f, hex); break;
		case 'q': put_quote(f, others); break;
		case 'L': fprintf(f, "%zu", body_len); break;
		case 'C': put_chunks(f, body, body_len); break;
		default: break;
		}
	}
}

/* The bytes of an answer to a request for `hex`. */
static char *compose(const struct answer *a, const char *hex, size_t *ret_len)
{
	const char *head = a->head ? a->head : OKAY "Content-Length: %L\r\n\r\n";
	char *body = NULL, *all = NULL;
	size_t body_len;
	FILE *f = open_memstream(&body, &body_len);

	put_text(f, a->body, hex, NULL, 0);
	(void)fclose(f);
	f = open_memstream(&all, ret_len);
	put_text(f, head, hex, body, body_len);
	if (!strstr(head, "%C"))
		(void)fwrite(body, 1, body_len, f);
	(void)fclose(f);
	free(body);
	return all;
}

/* Reads a request to its end; its report data go to `hex`. Only what the interface asks for is taken. */
static bool read_request(int fd, char hex[static HEX + 1])
{
	char text[4096], *body, *at;
	size_t len = 0, want = 0;

	do {
		ssize_t n = read(fd, text + len, sizeof(text) - 1 - len);

		if (n <= 0)
			return false;
		len += (size_t)n;
		text[len] = '\0';
		body = strstr(text, "\r\n\r\n");
		at = strstr(text, "Content-Length: ");
		want = body && at ? (size_t)(body + 4 - text) + strtoul(at + 16, NULL, 10) : sizeof(text);
	} while (len < want);
	at = strstr(body, "{\"report_data\":\"");
	if (len != want || !str_has_prefix(text, "POST /GetQuote HTTP/1.1\r\nHost: ") ||
	    !strstr(text, "Content-Type: application/json\r\n") || !at || strlen(at) != 16 + HEX + 2)
		return false;
	memcpy(hex, at + 16, HEX);
	hex[HEX] = '\0';
	return strcmp(at + 16 + HEX, "\"}") == 0;
}

static void say(int fd, const char *text, size_t len, enum manner manner)
{
	static const char x[4096] = { [0 ... 4095] = 'x' };

	if (manner == PLAIN || manner == KEEP || manner == FOREVER)
		(void)!write(fd, text, len);
	for (size_t i = 0; i < len && (manner == PIECES || manner == DRIP); i++) {
		if (write(fd, text + i, 1) != 1)
			return;
		if (manner == DRIP)
			(void)usleep(300000);
	}
	while (manner == FOREVER && write(fd, x, sizeof(x)) > 0)
		;
	if (manner == SILENT || manner == KEEP)
		(void)pause();
}

/* One connection, then the end. Killed with its parent. */
static void serve(int listener, const struct answer *a)
{
	char hex[HEX + 1];
	int fd = accept(listener, NULL, NULL);

	(void)signal(SIGPIPE, SIG_IGN);
	(void)alarm(60);
	if (fd >= 0 && a->manner != HANG_UP && read_request(fd, hex)) {
		size_t len;
		char *text = compose(a, hex, &len);

		say(fd, text, len, a->manner);
	}
	_exit(0);
}

static char folder[] = "/tmp/sr-attest-XXXXXX";
static uint8_t report_data[SR_REPORT_DATA_BYTES];

static int listen_at(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)unlink(path);
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 1) < 0) {
		printf("Bail out! no socket: %s\n", strerror(errno));
		exit(1);
	}
	return fd;
}

/* Asks an agent that answers so. */
static int ask(const struct answer *a, bool simulated, json_t **ret, struct sr_error *err)
{
	SR_AUTOFREE char *path = str_format("%s/agent", folder);
	int listener = listen_at(path), r;
	pid_t pid = fork();

	if (pid == 0)
		serve(listener, a);
	(void)close(listener);
	r = attest_dstack(path, simulated, report_data, ret, err);
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
	return r;
}

static void test_answers(void)
{
	for (size_t i = 0; i < SR_ELEMENTSOF(answers); i++) {
		const struct answer *a = &answers[i];
		struct sr_error err = SR_ERROR_INIT;
		json_t *element = NULL;
		int r = ask(a, false, &element, &err);
		bool good;

		/* a loaded machine: the two seconds are not what most of the rows are about */
		for (int tries = 0; tries < 3 && r == -ETIMEDOUT && !(a->reason && strstr(a->reason, "seconds")); tries++)
			r = ask(a, false, &element, &err);
		good = a->reason ? r < 0 && !element && err.code == SR_E_EVIDENCE && strstr(err.text, a->reason) &&
					  str_has_prefix(err.text, "cannot get a quote from '/tmp/sr-attest-")
				: r == 0 && element;

		OK(good, a->name);
		if (!good)
			tap_note("returned %d, error '%s', expected '%s'", r, err.text, a->reason ? a->reason : "a quote");
		json_decref(element);
	}
}

/* The fields of an element, and that only a stand-in's is labelled. */
static void test_element(void)
{
	char hex[HEX + 1];
	json_t *element = NULL;

	str_hex(report_data, sizeof(report_data), hex);
	IS_INT(ask(&answers[0], false, &element, NULL), 0, "a quote is had");
	IS_STR(json_string_value(json_object_get(element, "provider")), "dstack", "from dstack");
	IS_STR(json_string_value(json_object_get(element, "reportData")), hex, "over the report data");
	IS_STR(json_string_value(json_object_get(element, "reportDataPreimage")), "run-open", "of run-open");
	IS_STR(json_string_value(json_object_get(element, "eventLog")), "[]", "with the log");
	IS_STR(json_string_value(json_object_get(element, "vmConfig")), "{\"cpu\":1}", "and the machine's configuration");
	OK(json_is_false(json_object_get(element, "simulated")), "it is not simulated");
	OK(str_has_prefix(json_string_value(json_object_get(element, "quote")), "BAACAIEAAAAR"), "the quote is in base64");
	OK(!json_object_get(element, "attestation") && !json_object_get(element, "generation"), "and nothing else is in it");
	json_decref(element);
	IS_INT(ask(&answers[6], true, &element, NULL), 0, "a stand-in gives an attestation without a quote");
	OK(json_is_true(json_object_get(element, "simulated")), "it is labelled simulated");
	OK(json_is_null(json_object_get(element, "quote")), "the quote is null");
	IS_STR(json_string_value(json_object_get(element, "attestation")), "00ff", "the attestation is there");
	OK(!json_object_get(element, "eventLog") && !json_object_get(element, "vmConfig"), "empty texts are left out");
	json_decref(element);
}

static void refused(const char *path, const char *reason, const char *name)
{
	struct sr_error err = SR_ERROR_INIT;
	json_t *element = NULL;
	bool good = attest_dstack(path, false, report_data, &element, &err) < 0 && !element && strstr(err.text, reason);

	OK(good, name);
	if (!good)
		tap_note("error '%s', expected '%s'", err.text, reason);
}

/* No agent behind the path. */
static void test_no_agent(void)
{
	SR_AUTOFREE char *path = str_format("%s/agent", folder), *missing = str_format("%s/missing", folder);
	char longer[200];
	SR_AUTOCLOSE int listener = -1, first = -1;
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	refused(missing, "No such file", "no socket");
	refused(folder, "Connection refused", "a folder");
	(void)close(listen_at(path));
	refused(path, "Connection refused", "a socket that nobody listens at");
	memset(longer, 'a', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	refused(longer, "at most 107 bytes", "a path that is too long");
	/* a queue of one connection, which is full */
	listener = listen_at(path);
	(void)listen(listener, 0);
	first = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	IS_INT(connect(first, (const struct sockaddr *)&address, sizeof(address)), 0, "somebody else waits");
	refused(path, "within 2 seconds", "an agent that takes no more connections");
	(void)unlink(path);
}

int main(void)
{
	if (!mkdtemp(folder)) {
		puts("Bail out! no temporary folder");
		return 1;
	}
	for (size_t i = 0; i < sizeof(report_data); i++)
		report_data[i] = (uint8_t)(i * 7 + 1);
	test_answers();
	test_element();
	test_no_agent();
	(void)rmdir(folder);
	return tap_done();
}
