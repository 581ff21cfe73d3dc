/* SPDX-License-Identifier: MIT */
#include "evidence/bill.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#define STAGE "bill"
#define SHOWN(s) str_escape((s), (char[512]){ 0 }, 512)

#define NS_PER_SECOND 1000000000ULL
#define GIB_NS 1073741824000000000ULL /* byte-nanoseconds of a GiB-second, 2^30 * 10^9: below 2^60 */

/* --- figures ----------------------------------------------------------------------------------------------------------------- */

static sr_amount power_of_ten(unsigned n)
{
	sr_amount p = 1;

	while (n-- > 0)
		p *= 10;
	return p;
}

void amount_text(sr_amount n, unsigned digits, char out[static SR_BILL_TEXT])
{
	char reversed[SR_BILL_TEXT];
	size_t len = 0, at = 0;

	for (unsigned i = 0; n > 0 || i <= digits; i++) { /* at most 39 digits, a point and a NUL */
		if (i == digits && digits > 0)
			reversed[len++] = '.';
		reversed[len++] = (char)('0' + (int)(n % 10));
		n /= 10;
	}
	while (len > 0)
		out[at++] = reversed[--len];
	out[at] = '\0';
}

void gib_seconds_text(sr_amount byte_ns, char out[static SR_BILL_TEXT])
{
	sr_amount whole = byte_ns / GIB_NS, rest = byte_ns % GIB_NS;

	amount_text(whole * NS_PER_SECOND + (rest * NS_PER_SECOND + GIB_NS / 2) / GIB_NS, 9, out);
}

/*
 * quantity / unit times rate, in units of 10^-decimals. The quotient is taken apart so that no product leaves 128 bits unseen:
 * rest < unit <= 2^60 and rate < 2^60. Cutting the last division down changes no rounding, because half a unit of the result is a
 * whole number of 10^-12.
 */
static int priced(sr_amount quantity, uint64_t unit, uint64_t rate, unsigned decimals, sr_amount *ret)
{
	const sr_amount step = power_of_ten(SR_RATE_DIGITS - decimals);
	sr_amount whole, rest = quantity % unit * rate / unit, exact;

	if (__builtin_mul_overflow(quantity / unit, (sr_amount)rate, &whole) || __builtin_add_overflow(whole, rest, &exact) ||
	    __builtin_add_overflow(exact, step / 2, &exact))
		return -EOVERFLOW;
	*ret = exact / step;
	return 0;
}

_Static_assert(SR_BILL_DECIMALS_MAX < SR_RATE_DIGITS, "half of the smallest amount is a whole number of 10^-12");

/* --- certificates --------------------------------------------------------------------------------------------------------- */

static int refuse(const char *file, const char *why, struct sr_error *err)
{
	return sr_error_set_status(err, 1, SR_E_CERTIFICATE, EBADMSG, STAGE, "cannot bill %s: %s", SHOWN(file), why);
}

static int take_number(const json_t *usage, const char *name, uint64_t *ret)
{
	const json_t *value = json_object_get(usage, name);

	if (json_is_integer(value) && json_integer_value(value) >= 0) {
		*ret = (uint64_t)json_integer_value(value);
		return 0;
	}
	return json_is_string(value) ? str_to_u64(json_string_value(value), ret) : -EINVAL;
}

static int take_usage(struct sr_bill_item *item, const json_t *usage, struct sr_error *err)
{
	uint64_t user = 0, system = 0;

	if (take_number(usage, "cpuUserNs", &user) < 0 || take_number(usage, "cpuSystemNs", &system) < 0 ||
	    take_number(usage, "wallNs", &item->wall_ns) < 0 || take_number(usage, "memoryPeakBytes", &item->peak_bytes) < 0 ||
	    __builtin_add_overflow(user, system, &item->cpu_ns))
		return refuse(item->file, "its usage is no number, or larger than any run's", err);
	item->byte_ns = (sr_amount)item->peak_bytes * item->wall_ns; /* 64 bits times 64 bits */
	item->cpu_least = !str_has_prefix(item->cpu_source, "rusage") && !str_has_prefix(item->cpu_source, "cgroup");
	item->memory_least = !str_has_prefix(item->memory_source, "cgroup");
	item->used = true;
	return 0;
}

static char *copy_or_empty(const json_t *text)
{
	return strdup(json_is_string(text) ? json_string_value(text) : "");
}

static void item_done(struct sr_bill_item *item)
{
	free(item->file);
	free(item->outcome);
	free(item->cpu_source);
	free(item->memory_source);
}

static int take(struct sr_bill_item *item, const char *file, const struct sr_verified *v, struct sr_error *err)
{
	const json_t *result = json_object_get(v->execution, "result"), *usage = json_object_get(result, "usage");
	const json_t *source = json_object_get(usage, "source");
	const char *finished = json_string_value(json_object_get(result, "finishedAt"));
	const json_t *counter = json_object_get(json_object_get(v->open, "sequence"), "counter");

	item->file = strdup(file);
	item->outcome = copy_or_empty(json_object_get(result, "outcome"));
	item->cpu_source = copy_or_empty(json_object_get(source, "cpu"));
	item->memory_source = copy_or_empty(json_object_get(source, "memory"));
	if (!item->file || !item->outcome || !item->cpu_source || !item->memory_source)
		return sr_error_oom(err, STAGE);
	(void)snprintf(item->run_id, sizeof(item->run_id), "%s", v->run_id);
	(void)snprintf(item->execution, sizeof(item->execution), "%s", v->execution_sha256);
	(void)snprintf(item->identity, sizeof(item->identity), "%s", v->identity->id);
	(void)snprintf(item->finished, sizeof(item->finished), "%s", finished ? finished : "");
	if (json_is_integer(counter))
		(void)snprintf(item->counted, sizeof(item->counted), "%s %" JSON_INTEGER_FORMAT, v->identity->id,
			       json_integer_value(counter));
	else
		(void)snprintf(item->counted, sizeof(item->counted), "%s", v->run_id);
	return json_is_object(usage) ? take_usage(item, usage, err) : 0;
}

int bill_add(struct sr_bill *b, const char *file, const struct sr_verified *v, struct sr_error *err)
{
	struct sr_bill_item item = { .file = NULL };
	int r;

	if (!v->execution || !v->run_id || !v->identity)
		return refuse(file, "it does not hold", err);
	if ((b->count & (b->count - 1)) == 0) { /* full: 0, 1, 2, 4 ... */
		struct sr_bill_item *more = reallocarray(b->items, b->count ? 2 * b->count : 1, sizeof(*more));

		if (!more)
			return sr_error_oom(err, STAGE);
		b->items = more;
	}
	r = take(&item, file, v, err);
	if (r < 0) {
		item_done(&item);
		return r;
	}
	b->items[b->count++] = item;
	return 0;
}

#define NAMES 3 /* of each item */

struct named {
	const char *name;
	size_t index;
};

static int compare(const void *va, const void *vb)
{
	const struct named *a = va, *b = vb;
	int r = strcmp(a->name, b->name);

	return r != 0 ? r : a->index < b->index ? -1 : a->index > b->index;
}

ssize_t bill_doubles(struct sr_bill *b, struct sr_error *err)
{
	SR_AUTOFREE struct named *all = reallocarray(NULL, NAMES * b->count + 1, sizeof(*all));
	const struct named *first = all;
	ssize_t found = 0;

	if (!all)
		return sr_error_oom(err, STAGE);
	/* a run id has dashes, a digest has none, and a blank is in the third alone: one list for all */
	for (size_t i = 0; i < b->count; i++) {
		all[NAMES * i] = (struct named){ b->items[i].run_id, i };
		all[NAMES * i + 1] = (struct named){ b->items[i].execution, i };
		all[NAMES * i + 2] = (struct named){ b->items[i].counted, i };
	}
	qsort(all, NAMES * b->count, sizeof(*all), compare);
	for (size_t i = 1; i < NAMES * b->count; i++) {
		if (strcmp(all[i].name, first->name) != 0) {
			first = &all[i];
		} else if (all[i].index != first->index && !b->items[all[i].index].twin) {
			b->items[all[i].index].twin = 1 + first->index;
			found++;
		}
	}
	return found;
}

static int price_item(const struct sr_rates *rates, struct sr_bill_item *item)
{
	const struct { sr_amount quantity; uint64_t unit; } parts[SR_BILL_PARTS] = {
		[SR_BILL_CPU] = { item->cpu_ns, NS_PER_SECOND },
		[SR_BILL_MEMORY] = { item->byte_ns, GIB_NS },
		[SR_BILL_RUN] = { 1, 1 },
	};

	item->sum = 0;
	for (int i = 0; i < SR_BILL_PARTS; i++) {
		if (priced(parts[i].quantity, parts[i].unit, rates->rate[i], rates->decimals, &item->amount[i]) < 0 ||
		    __builtin_add_overflow(item->sum, item->amount[i], &item->sum))
			return -EOVERFLOW;
	}
	return 0;
}

static int add_up(struct sr_bill *b, const struct sr_bill_item *item)
{
	bool over = __builtin_add_overflow(b->cpu_ns, (sr_amount)item->cpu_ns, &b->cpu_ns);

	over |= __builtin_add_overflow(b->byte_ns, item->byte_ns, &b->byte_ns);
	over |= __builtin_add_overflow(b->sum, item->sum, &b->sum);
	for (int i = 0; i < SR_BILL_PARTS; i++)
		over |= __builtin_add_overflow(b->amount[i], item->amount[i], &b->amount[i]);
	b->used++;
	return over ? -EOVERFLOW : 0;
}

int bill_finish(struct sr_bill *b, struct sr_error *err)
{
	for (size_t i = 0; i < b->count; i++) {
		struct sr_bill_item *item = &b->items[i];

		if (item->used && (price_item(&b->rates, item) < 0 || add_up(b, item) < 0))
			return sr_error_set_status(err, 1, SR_E_CERTIFICATE, EOVERFLOW, STAGE,
						   "cannot bill %s: the amount is larger than can be counted", SHOWN(item->file));
	}
	return 0;
}

void bill_done(struct sr_bill *b)
{
	for (size_t i = 0; i < b->count; i++)
		item_done(&b->items[i]);
	free(b->items);
	*b = (struct sr_bill){ .items = NULL };
}
