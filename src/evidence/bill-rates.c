/* SPDX-License-Identifier: MIT */
/* The rates of a bill: an INI file of the user's. */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/io.h"
#include "base/str.h"
#include "evidence/bill.h"
#include "policy/ini-read.h"

#define STAGE "bill"
#define WHOLE_DIGITS 6 /* before the point: with twelve behind it a rate fits 64 bits */
#define DECIMALS_DEFAULT 6
#define SHOWN(s) str_escape((s), (char[256]){ 0 }, 256)

struct rates {
	struct sr_rates *to;
	bool any;
};

/* Digits, and perhaps a point and more digits: nothing else is a rate. 0, -EINVAL, -ERANGE for too many of them. */
static int to_rate(const char *value, uint64_t *ret)
{
	size_t whole = strspn(value, "0123456789");
	const char *rest = value[whole] == '.' ? value + whole + 1 : value + whole;
	size_t behind = rest == value + whole ? 0 : strspn(rest, "0123456789");
	uint64_t n = 0;

	if (whole == 0 || rest[behind] != '\0' || (value[whole] == '.' && behind == 0))
		return -EINVAL;
	if (whole > WHOLE_DIGITS || behind > SR_RATE_DIGITS)
		return -ERANGE;
	for (size_t i = 0; i < whole; i++)
		n = n * 10 + (uint64_t)(value[i] - '0');
	for (size_t i = 0; i < SR_RATE_DIGITS; i++)
		n = n * 10 + (i < behind ? (uint64_t)(rest[i] - '0') : 0);
	*ret = n;
	return 0;
}

static int take_rate(struct sr_ini *in, const struct sr_ini_key *key, const char *value)
{
	struct rates *r = in->into;
	int e;

	if (!*value)
		return ini_no_value(in, key);
	e = to_rate(value, &r->to->rate[key->id]);
	if (e == 0) {
		r->any = true;
		return 0;
	}
	if (*value == '-')
		e = ini_refuse(in, "%s does not take \"%s\": a rate is not negative", key->name, SHOWN(value));
	else if (e == -ERANGE)
		e = ini_refuse(in, "%s does not take \"%s\": at most %d digits before the point and %d behind it", key->name, SHOWN(value),
			       WHOLE_DIGITS, SR_RATE_DIGITS);
	else
		e = ini_refuse(in, "%s does not take \"%s\": not a decimal number", key->name, SHOWN(value));
	sr_error_hint(in->err, "write it with a point and without an exponent: %s = 0.0001", key->name);
	return e;
}

static int take_currency(struct sr_ini *in, const struct sr_ini_key *key, const char *value)
{
	struct rates *r = in->into;
	size_t len = strlen(value);

	if (len == 0)
		return ini_no_value(in, key);
	if (len >= sizeof(r->to->currency) || strspn(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") != len) {
		int e = ini_refuse(in, "currency does not take \"%s\": 1 to %zu letters", SHOWN(value), sizeof(r->to->currency) - 1);

		sr_error_hint(in->err, "its code or a word: currency = EUR");
		return e;
	}
	memcpy(r->to->currency, value, len + 1);
	return 0;
}

static int take_decimals(struct sr_ini *in, const struct sr_ini_key *key, const char *value)
{
	struct rates *r = in->into;
	uint64_t n;

	if (!*value)
		return ini_no_value(in, key);
	if (str_to_u64(value, &n) < 0 || n > SR_BILL_DECIMALS_MAX)
		return ini_refuse(in, "decimals does not take \"%s\": a number from 0 to %d", SHOWN(value), SR_BILL_DECIMALS_MAX);
	r->to->decimals = (unsigned)n;
	return 0;
}

static const struct sr_ini_key keys[] = {
	{ "rates", "cpu_second", take_rate, false, SR_BILL_CPU },
	{ "rates", "gib_second", take_rate, false, SR_BILL_MEMORY },
	{ "rates", "run", take_rate, false, SR_BILL_RUN },
	{ "rates", "currency", take_currency, false, 0 },
	{ "rates", "decimals", take_decimals, false, 0 },
};

static const struct sr_ini_format format = {
	.stage = STAGE,
	.cannot = "cannot read rates",
	.code = SR_E_CONFIG,
	.keys = keys,
	.key_count = SR_ELEMENTSOF(keys),
	.utf8 = true,
};

static int cannot_read(const char *path, int errnum, struct sr_error *err)
{
	return sr_error_set(err, SR_E_CONFIG, errnum, STAGE, "cannot read rates %s: %s", SHOWN(path), strerror(errnum));
}

int rates_load(const char *path, struct sr_rates *ret, struct sr_error *err)
{
	struct sr_rates to = { .decimals = DECIMALS_DEFAULT };
	struct rates r = { .to = &to };
	SR_AUTOCLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	SR_AUTOFREE char *text = NULL;
	size_t len = 0;
	int e;

	if (fd < 0)
		return cannot_read(path, errno, err);
	e = io_read_all(fd, SR_INI_SIZE_MAX, &text, &len);
	if (e < 0)
		return cannot_read(path, -e, err);
	e = ini_read(&format, path, text, len, &r, err);
	if (e < 0)
		return e;
	if (!r.any) {
		e = sr_error_set(err, SR_E_CONFIG, EINVAL, STAGE, "cannot read rates %s: it names no rate", SHOWN(path));
		sr_error_hint(err, "[rates] takes cpu_second, gib_second and run, at least one of them");
		return e;
	}
	*ret = to;
	return 0;
}
