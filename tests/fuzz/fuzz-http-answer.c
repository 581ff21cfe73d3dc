/* SPDX-License-Identifier: MIT */
/* Answers of an agent: what comes of them does not depend on the pieces in which they come. The first byte is their size. */
#include "evidence/http-answer.h"

#include <string.h>

#include "fuzz.h"

#define BODY_MAX 4096

static int feed(struct sr_http_answer *a, const char *data, size_t len, size_t piece)
{
	int r = 0;

	http_answer_init(a, BODY_MAX);
	for (size_t at = 0; at < len && r >= 0; at += piece)
		r = http_answer_feed(a, data + at, len - at < piece ? len - at : piece);
	FUZZ_HOLDS(a->len <= BODY_MAX);
	FUZZ_HOLDS(r <= 1 && (r != 1 || (a->status == 200 && a->state == SR_HTTP_WHOLE && a->body)));
	FUZZ_HOLDS(!a->body || a->body[a->len] == '\0');
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sr_http_answer whole, pieces;
	int one, other;

	if (size < 2)
		return 0;
	one = feed(&whole, (const char *)data + 1, size - 1, size);
	other = feed(&pieces, (const char *)data + 1, size - 1, data[0] ? data[0] : 1);
	FUZZ_HOLDS(one == other && whole.status == pieces.status);
	FUZZ_HOLDS(one < 0 || (whole.len == pieces.len && (!whole.len || memcmp(whole.body, pieces.body, whole.len) == 0)));
	http_answer_done(&whole);
	http_answer_done(&pieces);
	return 0;
}
