/* SPDX-License-Identifier: MIT */
#include "evidence/attest.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/str.h"
#include "evidence/attest-source.h"
#include "evidence/envelope.h"

#define TSM_FOLDER "/sys/kernel/config/tsm/report"
#define DSTACK_SOCKET "/var/run/dstack.sock"

_Static_assert(SR_REPORT_DATA_BYTES == crypto_hash_sha512_BYTES, "a quote carries one SHA-512 value");

int attest_report_data(const void *payload, size_t len, uint8_t out[static SR_REPORT_DATA_BYTES])
{
	uint8_t *pae;
	size_t pae_len;
	int r = envelope_pae(SR_REPORT_DATA_TYPE, payload, len, &pae, &pae_len);

	if (r < 0)
		return r;
	(void)crypto_hash_sha512(out, pae, pae_len); /* it cannot fail */
	free(pae);
	return 0;
}

/* Little endian, whatever the machine. */
static uint32_t le(const uint8_t *p, size_t bytes)
{
	uint32_t v = 0;

	for (size_t i = 0; i < bytes; i++)
		v |= (uint32_t)p[i] << (8 * i);
	return v;
}

static enum sr_quote_holds at(const uint8_t *quote, size_t len, size_t offset, const uint8_t *report_data)
{
	if (len < offset + SR_REPORT_DATA_BYTES || memcmp(quote + offset, report_data, SR_REPORT_DATA_BYTES) != 0)
		return SR_QUOTE_OTHER;
	return SR_QUOTE_HOLDS;
}

/*
 * An Intel quote: a header of 48 bytes (version, kind of key, kind of environment ...), in version 5 the kind and length
 * of the body, then the body, whose report data stands behind 520 bytes of measurements. Newer platforms may answer with
 * a CBOR web token instead, which starts with a tag or an array (0x80 and above) and is not read here.
 */
static enum sr_quote_holds tdx_holds(const uint8_t *quote, size_t len, const uint8_t *report_data)
{
	enum { HEADER = 48, MEASURED = 520, BODY_HEAD = 6, TDX = 0x81 };
	uint32_t version = len < HEADER ? 0 : le(quote, 2);

	if (len >= HEADER && quote[0] >= 0x80)
		return SR_QUOTE_UNKNOWN;
	if ((version != 4 && version != 5) || le(quote + 4, 4) != TDX)
		return SR_QUOTE_OTHER;
	return at(quote, len, HEADER + MEASURED + (version == 5 ? BODY_HEAD : 0), report_data);
}

/* An AMD report: version, then guest's numbers; the report data stands at 80, the whole is 1184 bytes. */
static enum sr_quote_holds snp_holds(const uint8_t *quote, size_t len, const uint8_t *report_data)
{
	enum { REPORT_DATA = 0x50, REPORT = 1184 };

	return len < REPORT ? SR_QUOTE_OTHER : at(quote, len, REPORT_DATA, report_data);
}

enum sr_quote_holds attest_quote_holds(const char *provider, const void *quote, size_t len,
				       const uint8_t report_data[static SR_REPORT_DATA_BYTES])
{
	if (strcmp(provider, "tdx_guest") == 0 || strcmp(provider, "dstack") == 0)
		return tdx_holds(quote, len, report_data);
	if (strcmp(provider, "sev_guest") == 0)
		return snp_holds(quote, len, report_data);
	return SR_QUOTE_UNKNOWN;
}

int64_t attest_clock(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int attest_failed(struct sr_error *err, int errnum, const char *path, const char *reason)
{
	char shown[256];

	return sr_error_set(err, SR_E_EVIDENCE, errnum, SR_ATTEST_STAGE, "cannot get a quote from '%s': %s",
			    str_escape(path, shown, sizeof(shown)), reason);
}

json_t *attest_element(const char *provider, bool simulated, const uint8_t report_data[static SR_REPORT_DATA_BYTES],
		       const void *quote, size_t len)
{
	char hex[2 * SR_REPORT_DATA_BYTES + 1];
	SR_AUTOFREE char *b64 = NULL;
	size_t n;

	str_hex(report_data, SR_REPORT_DATA_BYTES, hex);
	if (len > 0 && base64_encode(quote, len, &b64, &n) < 0)
		return NULL;
	return json_pack("{s:s, s:b, s:s, s:s, s:s?}", "provider", provider, "simulated", simulated, "reportData", hex,
			 "reportDataPreimage", "run-open", "quote", b64);
}

/* A stand-in is a folder or a socket. Returns S_IFDIR or S_IFSOCK, or -errno. */
static int simulated_kind(const char *path, struct sr_error *err)
{
	struct stat st;
	int r;

	if (stat(path, &st) < 0)
		r = attest_failed(err, errno, path, strerror(errno));
	else if (S_ISDIR(st.st_mode) || S_ISSOCK(st.st_mode))
		return (int)(st.st_mode & S_IFMT);
	else
		r = attest_failed(err, EINVAL, path, "a stand-in is a folder or a socket");
	sr_error_hint(err, "--attest-simulated takes the folder of a stand-in for configfs-tsm, or the socket of one for dstack");
	return r;
}

static int tsm_missing(struct sr_error *err)
{
	int saved = errno, r = attest_failed(err, errno, TSM_FOLDER, strerror(errno));

	if (saved == EACCES || saved == EPERM)
		sr_error_hint(err, "the kernel gives reports to root only: run sandrun as root, or use --attest auto");
	else
		sr_error_hint(err, "it is there in a confidential virtual machine (TDX, SEV-SNP) with Linux 6.7 or newer and "
				   "configfs mounted on /sys/kernel/config; elsewhere use --attest auto");
	return r;
}

static int dstack_missing(struct sr_error *err)
{
	int saved = errno, r = attest_failed(err, errno, DSTACK_SOCKET, strerror(errno));

	if (saved == EACCES || saved == EPERM)
		sr_error_hint(err, "let this user write to %s, or use --attest auto", DSTACK_SOCKET);
	else
		sr_error_hint(err, "in a dstack application, give the container the volume %s:%s; elsewhere use --attest auto",
			      DSTACK_SOCKET, DSTACK_SOCKET);
	return r;
}

int attest_check(const struct sr_policy *p, struct sr_error *err)
{
	if (p->no_certificate && attest_is_required(p)) {
		(void)sr_error_set(err, SR_E_OPTION, EINVAL, "options", "cannot use --no-certificate together with --%s: a quote stands in it",
				   p->attest_simulated ? "attest-simulated" : "attest");
		sr_error_hint(err, "leave one of the two out");
		return -EINVAL;
	}
	if (p->attest_simulated) {
		int r = 0;

		if (policy_is_given(p, "attest")) {
			r = sr_error_set(err, SR_E_OPTION, EINVAL, "options",
					 "cannot use '--attest' with '--attest-simulated': a stand-in takes the place of every source");
			sr_error_hint(err, "leave one of the two out");
			return r;
		}
		r = simulated_kind(p->attest_simulated, err);
		return r < 0 ? r : 0;
	}
	if (p->attest == SR_ATTEST_TSM && access(TSM_FOLDER, W_OK | X_OK) < 0)
		return tsm_missing(err);
	if (p->attest == SR_ATTEST_DSTACK && access(DSTACK_SOCKET, W_OK) < 0)
		return dstack_missing(err);
	return 0;
}

/*
 * What is there, dstack first: where both are, its answer has the log that a quote is judged by. Elsewhere two calls of
 * access(2) are all that this costs. 0 also without any; 1 with *err when one is there and gave nothing.
 */
static int fetch_any(const void *payload, size_t len, json_t **ret, struct sr_error *err)
{
	bool dstack = access(DSTACK_SOCKET, W_OK) == 0, tsm = access(TSM_FOLDER, W_OK | X_OK) == 0;
	struct sr_error why = SR_ERROR_INIT;
	uint8_t report_data[SR_REPORT_DATA_BYTES];
	int r;

	if (!dstack && !tsm)
		return 0;
	if (attest_report_data(payload, len, report_data) < 0)
		return sr_error_oom(err, SR_ATTEST_STAGE);
	r = dstack ? attest_dstack(DSTACK_SOCKET, false, report_data, ret, &why) : -ENOENT;
	if (r < 0 && tsm)
		r = attest_tsm(TSM_FOLDER, false, report_data, ret, &why);
	if (r < 0 && err)
		*err = why;
	return r < 0;
}

/* The source that was asked for by name. */
static int fetch_named(const struct sr_policy *p, const void *payload, size_t len, json_t **ret, struct sr_error *err)
{
	const char *simulated = p->attest_simulated;
	uint8_t report_data[SR_REPORT_DATA_BYTES];
	bool tsm = p->attest == SR_ATTEST_TSM;
	int r = attest_check(p, err);

	if (!r && simulated) {
		r = simulated_kind(simulated, err);
		tsm = r == S_IFDIR;
	}
	if (r < 0)
		return r;
	if (attest_report_data(payload, len, report_data) < 0)
		return sr_error_oom(err, SR_ATTEST_STAGE);
	if (tsm)
		r = attest_tsm(simulated ? simulated : TSM_FOLDER, simulated != NULL, report_data, ret, err);
	else
		r = attest_dstack(simulated ? simulated : DSTACK_SOCKET, simulated != NULL, report_data, ret, err);
	if (r < 0)
		sr_error_hint(err, "nothing was run; %s", simulated ? "leave --attest-simulated out to run without a quote" :
								      "--attest none runs without a quote");
	return r;
}

int attest_fetch(const struct sr_policy *p, const void *payload, size_t len, json_t **ret, const char **ret_assurance,
		 struct sr_error *err)
{
	json_t *element = NULL, *array = json_array();
	int r = 0;

	if (!array)
		return sr_error_oom(err, SR_ATTEST_STAGE);
	if (attest_is_required(p))
		r = fetch_named(p, payload, len, &element, err);
	else if (p->attest == SR_ATTEST_AUTO)
		r = fetch_any(payload, len, &element, err);
	if (element && json_array_append_new(array, element) < 0)
		r = sr_error_oom(err, SR_ATTEST_STAGE);
	if (r < 0) {
		json_decref(array);
		return r;
	}
	*ret_assurance = "self-asserted";
	if (element)
		*ret_assurance = p->attest_simulated ? "simulated-quote" : "quote-present";
	*ret = array;
	return r;
}
