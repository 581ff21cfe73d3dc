/* SPDX-License-Identifier: MIT */
/*
 * A certificate's file: lines of DSSE envelopes (in-toto's bundle form). This reads the envelopes and decodes the payloads; it
 * looks into no payload, because no signature has been checked yet. Whatever a file holds, time and memory stay bounded.
 */
#ifndef SR_EVIDENCE_BUNDLE_H
#define SR_EVIDENCE_BUNDLE_H

#include <stddef.h>
#include <stdint.h>

#include "evidence/digest.h"
#include "evidence/public-key.h"

/* A certificate is about 10 KB, one of a run with 10,000 output files some 4 MB. */
#define SR_BUNDLE_BYTES_MAX ((size_t)32 << 20)
#define SR_BUNDLE_LINE_MAX ((size_t)24 << 20)
#define SR_BUNDLE_LINES_MAX 64

struct sr_envelope {
	unsigned line; /* from 1 */
	char *payload; /* NUL-terminated; the NUL is not counted */
	size_t len;
	uint8_t sig[SR_SIGNATURE_BYTES];
	char keyid[SR_DIGEST_HEX];  /* a hint; "" where there is none, or none of our form */
	char sha256[SR_DIGEST_HEX]; /* of the payload */
};

struct sr_bundle {
	struct sr_envelope *items;
	size_t count;
	unsigned other_lines; /* JSON objects that are no envelopes: ignored */
	size_t bytes;
};

/* Why a file is no bundle: a stable code, and a sentence fit for a terminal. */
struct sr_fault {
	const char *code;
	char text[256];
};

/*
 * Reads a file, pipe or terminal whole. A file's size is looked at first. 0, -EFBIG (more than SR_BUNDLE_BYTES_MAX), -EISDIR,
 * or what read(2) says. The caller frees *ret.
 */
int bundle_read(int fd, char **ret, size_t *ret_len);

/* 0; -EBADMSG with *fault set; -ENOMEM. *ret is to be dropped with bundle_done() in any case. */
int bundle_parse(const char *data, size_t len, struct sr_bundle *ret, struct sr_fault *fault);
void bundle_done(struct sr_bundle *b);

/* Words for a code of json_strict(): "WHAT is not JSON" and so on. -EBADMSG, or -ENOMEM for NULL. */
int json_fault(const char *code, const char *what, struct sr_fault *fault);

#endif
