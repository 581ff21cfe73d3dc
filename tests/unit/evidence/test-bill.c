/* SPDX-License-Identifier: MIT */
/* A bill's arithmetic where certificates that hold do not get: at the ends of what can be counted. */
#include "evidence/bill.h"

#include <errno.h>

#include "../tap.h"
#include "base/macros.h"

static struct sr_bill_item item(uint64_t cpu_ns, uint64_t wall_ns, uint64_t peak_bytes)
{
	return (struct sr_bill_item){
		.used = true, .cpu_ns = cpu_ns, .wall_ns = wall_ns, .peak_bytes = peak_bytes, .byte_ns = (sr_amount)wall_ns * peak_bytes,
	};
}

static void texts(void)
{
	char out[SR_BILL_TEXT];

	amount_text(0, 0, out);
	IS_STR(out, "0", "nothing, no decimals");
	amount_text(0, 6, out);
	IS_STR(out, "0.000000", "nothing");
	amount_text(1, 9, out);
	IS_STR(out, "0.000000001", "the smallest");
	amount_text(1234567, 3, out);
	IS_STR(out, "1234.567", "a number");
	amount_text(~(sr_amount)0, 12, out);
	IS_STR(out, "340282366920938463463374607.431768211455", "the largest");
	gib_seconds_text((sr_amount)1 << 30, out);
	IS_STR(out, "0.000000001", "a GiB for a nanosecond");
	gib_seconds_text(((sr_amount)1 << 29) - 1, out);
	IS_STR(out, "0.000000000", "just below a half");
	gib_seconds_text((sr_amount)1 << 29, out);
	IS_STR(out, "0.000000001", "a half goes up");
}

static int finish(struct sr_bill_item *items, size_t count, const struct sr_rates *rates, struct sr_bill *ret)
{
	*ret = (struct sr_bill){ .rates = *rates, .items = items, .count = count };
	return bill_finish(ret, NULL);
}

static void ends(void)
{
	static char name[] = "x";
	const struct sr_rates top = { .rate = { 999999999999999999, 999999999999999999, 999999999999999999 }, .decimals = 9 };
	struct sr_bill_item one = item(UINT64_MAX, 1, 1), most = item(1, UINT64_MAX, UINT64_MAX), many[3];
	char out[SR_BILL_TEXT];
	struct sr_bill b;

	one.file = most.file = name;
	OK(finish(&one, 1, &top, &b) == 0, "the most processor time at the highest rate can be counted");
	amount_text(b.amount[SR_BILL_CPU], 9, out); /* 18446744073.709551615 * 999999.999999999999 */
	IS_STR(out, "18446744073709551.596553256", "and is exact");
	OK(finish(&most, 1, &top, &b) == 0, "so can the most memory");
	amount_text(b.amount[SR_BILL_MEMORY], 9, out); /* (2^64 - 1)^2 / (2^30 * 10^9) * 999999.999999999999 */
	IS_STR(out, "316912650057057350022903412.918942650", "and is exact");
	for (size_t i = 0; i < SR_ELEMENTSOF(many); i++) {
		many[i] = item(1, UINT64_MAX, UINT64_MAX >> 1);
		many[i].file = name;
	}
	OK(finish(many, 2, &(struct sr_rates){ .decimals = 0 }, &b) == 0, "two of half the most can be counted");
	OK(finish(many, 3, &(struct sr_rates){ .decimals = 0 }, &b) == -EOVERFLOW, "three of them are refused, not wrapped around");
}

int main(void)
{
	texts();
	ends();
	return tap_done();
}
