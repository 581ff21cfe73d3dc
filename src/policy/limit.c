/* SPDX-License-Identifier: MIT */
#include "policy/limit.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define MS 1000000ULL
#define MAX_PERCENT 100000 /* a thousand processors */
#define MIN_WINDOW_MS 100  /* the supervisor looks every 50 ms */
#define MAX_WINDOW_MS 3600000

const struct sr_limit_row sr_limit_rows[SR_LIMIT_MAX] = {
#define SR_LIMIT_ROW(field, section_, key, kind_, dflt) \
	[SR_LIMIT_##field] = { .section = (section_), .name = (key), .kind = SR_LIMIT_KIND_##kind_, .builtin = (dflt) },
	SR_LIMITS(SR_LIMIT_ROW)
#undef SR_LIMIT_ROW
};

bool limit_may_be_zero(enum sr_limit_id id)
{
	static const bool may[SR_LIMIT_MAX] = {
#define SR_ZERO(field) [SR_LIMIT_##field] = true,
		SR_LIMITS_THAT_MAY_BE_ZERO(SR_ZERO)
#undef SR_ZERO
	};

	return may[id];
}

static bool is_unlimited(const char *text)
{
	return strcmp(text, "unlimited") == 0 || strcmp(text, "max") == 0;
}

static int parse_count(const char *text, uint64_t *ret)
{
	if (is_unlimited(text)) {
		*ret = SR_UNLIMITED;
		return 0;
	}
	return str_to_u64(text, ret);
}

static int parse_percent(const char *text, uint64_t *ret)
{
	char number[16];
	size_t n = strlen(text);
	uint64_t v;
	int r;

	if (is_unlimited(text)) {
		*ret = SR_UNLIMITED;
		return 0;
	}
	if (n < 2 || text[n - 1] != '%')
		return -EINVAL;
	if (n - 1 >= sizeof(number))
		return -ERANGE;
	memcpy(number, text, n - 1);
	number[n - 1] = '\0';
	r = str_to_u64(number, &v);
	if (r < 0)
		return r;
	if (v > MAX_PERCENT)
		return -ERANGE;
	*ret = v;
	return 0;
}

static int parse_weight(const char *text, uint64_t *ret)
{
	uint64_t v;
	int r;

	if (strcmp(text, "default") == 0) {
		*ret = SR_UNLIMITED;
		return 0;
	}
	r = str_to_u64(text, &v);
	if (r < 0)
		return r;
	if (v < 1 || v > 10000)
		return -ERANGE;
	*ret = v;
	return 0;
}

/* "10s/60s" */
static int parse_window(const char *text, uint64_t *ret)
{
	char budget[32];
	const char *slash = strchr(text, '/');
	uint64_t use, length;
	int r;

	if (is_unlimited(text)) {
		*ret = SR_UNLIMITED;
		return 0;
	}
	if (!slash || (size_t)(slash - text) >= sizeof(budget))
		return -EINVAL;
	memcpy(budget, text, (size_t)(slash - text));
	budget[slash - text] = '\0';
	r = str_to_duration(budget, &use);
	if (!r)
		r = str_to_duration(slash + 1, &length);
	if (r < 0)
		return r;
	if (use == SR_UNLIMITED || length == SR_UNLIMITED)
		return -EINVAL;
	use /= MS;
	length /= MS;
	if (use < 1 || use >= UINT32_MAX || length < MIN_WINDOW_MS || length > MAX_WINDOW_MS)
		return -ERANGE;
	*ret = use << 32 | length;
	return 0;
}

int limit_parse(enum sr_limit_kind kind, const char *text, uint64_t *ret)
{
	switch (kind) {
	case SR_LIMIT_KIND_BYTES:
		return str_to_bytes(text, ret);
	case SR_LIMIT_KIND_TIME:
		return str_to_duration(text, ret);
	case SR_LIMIT_KIND_COUNT:
		return parse_count(text, ret);
	case SR_LIMIT_KIND_PERCENT:
		return parse_percent(text, ret);
	case SR_LIMIT_KIND_WEIGHT:
		return parse_weight(text, ret);
	default:
		return parse_window(text, ret);
	}
}

const char *limit_takes(enum sr_limit_kind kind)
{
	static const char *const takes[] = {
		[SR_LIMIT_KIND_BYTES] = "a size such as 100, 64K, 512M, 2G, or unlimited",
		[SR_LIMIT_KIND_TIME] = "a duration such as 250ms, 10s, 5m, 1h, or unlimited",
		[SR_LIMIT_KIND_COUNT] = "a whole number, or unlimited",
		[SR_LIMIT_KIND_PERCENT] = "a share of one processor such as 50%, 100%, 400% (four), or unlimited",
		[SR_LIMIT_KIND_WEIGHT] = "a number from 1 to 10000, or default",
		[SR_LIMIT_KIND_WINDOW] = "processor time in a stretch of 100ms to 1h, such as 10s/60s, or unlimited",
	};

	return takes[kind];
}

struct sr_window limit_window(uint64_t value)
{
	return (struct sr_window){ .budget_ns = (value >> 32) * MS, .length_ns = (value & UINT32_MAX) * MS };
}

void limit_format(enum sr_limit_kind kind, uint64_t value, char out[static 32])
{
	char budget[32], length[32];
	struct sr_window w;

	if (kind == SR_LIMIT_KIND_BYTES) {
		str_from_bytes(value, out);
	} else if (kind == SR_LIMIT_KIND_TIME) {
		str_from_duration(value, out);
	} else if (value == SR_UNLIMITED) {
		(void)snprintf(out, 32, kind == SR_LIMIT_KIND_WEIGHT ? "default" : "unlimited");
	} else if (kind == SR_LIMIT_KIND_WINDOW) {
		w = limit_window(value);
		str_from_duration(w.budget_ns, budget);
		str_from_duration(w.length_ns, length);
		(void)snprintf(out, 32, "%.14s/%.14s", budget, length);
	} else {
		(void)snprintf(out, 32, "%" PRIu64 "%s", value, kind == SR_LIMIT_KIND_PERCENT ? "%" : "");
	}
}

bool limit_is_within(enum sr_limit_kind kind, uint64_t a, uint64_t b)
{
	const uint64_t usual_weight = 100; /* the kernel's default */
	struct sr_window wa, wb;

	if (kind == SR_LIMIT_KIND_WEIGHT)
		return (a == SR_UNLIMITED ? usual_weight : a) <= (b == SR_UNLIMITED ? usual_weight : b);
	if (kind != SR_LIMIT_KIND_WINDOW || a == SR_UNLIMITED || b == SR_UNLIMITED)
		return a <= b;
	wa = limit_window(a);
	wb = limit_window(b);
	/* a stretch of b is covered by so many of a, each of which may be used up */
	return (wb.length_ns + wa.length_ns - 1) / wa.length_ns * (wa.budget_ns / MS) <= wb.budget_ns / MS;
}

const char *limit_name(enum sr_limit_id id)
{
	return sr_limit_rows[id].name;
}

void limit_text(const struct sr_policy *p, enum sr_limit_id id, char out[static 32])
{
	limit_format(sr_limit_rows[id].kind, policy_limit(p, id), out);
}
