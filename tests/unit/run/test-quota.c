/* SPDX-License-Identifier: MIT */
/* cpu.window as arithmetic: readings in, a verdict out. */
#include "run/quota.h"

#include "tap.h"

#define S 1000000000ULL
#define MS 1000000ULL

/* Runs a program that always wants the processor, with a look every 10 ms of clock; returns the time it got by `end`. */
static uint64_t greedy(struct sr_quota *q, uint64_t begin, uint64_t end, uint64_t *worst)
{
	uint64_t used = 0, history[100000] = { 0 };
	unsigned n = 0, window = (unsigned)(q->length_ns / (10 * MS));

	for (uint64_t now = begin; now < end; now += 10 * MS) {
		bool paused = quota_exceeded(q, now, used);

		used += paused ? 0 : 10 * MS;
		history[n++] = used;
		if (n > window && history[n - 1] - history[n - 1 - window] > *worst)
			*worst = history[n - 1] - history[n - 1 - window];
		else if (n <= window && used > *worst)
			*worst = used;
	}
	return used;
}

int main(void)
{
	struct sr_quota q;
	uint64_t worst = 0, used;

	quota_init(&q, 10 * S, 60 * S, 5 * S);
	OK(!quota_exceeded(&q, 5 * S, 0), "nothing used, nothing exceeded");
	OK(quota_left(&q, 5 * S, 0) == 10 * S, "all is left");
	OK(!quota_exceeded(&q, 14 * S, 9 * S), "below the budget");
	OK(quota_left(&q, 14 * S, 9 * S) == 1 * S, "what is left is known");
	OK(quota_exceeded(&q, 15 * S, 10 * S), "the budget is used up");
	OK(quota_exceeded(&q, 64 * S, 10 * S), "and stays so while the stretch has it");
	OK(!quota_exceeded(&q, 76 * S, 10 * S), "a stretch later it is all there again");
	OK(quota_left(&q, 76 * S, 10 * S) == 10 * S, "the whole of it");

	quota_init(&q, 10 * S, 60 * S, 0);
	used = greedy(&q, 0, 600 * S, &worst);
	tap_note("got %llu ms in 600 s, at most %llu ms in any 60 s", (unsigned long long)(used / MS),
		 (unsigned long long)(worst / MS));
	OK(worst <= 10 * S + 20 * MS, "no stretch has more than the budget and a look");
	OK(used >= 90 * S && used <= 101 * S, "and the program gets nearly all that it may have");

	quota_init(&q, 300 * MS, 1 * S, 3 * S);
	worst = 0;
	used = greedy(&q, 3 * S, 103 * S, &worst);
	tap_note("got %llu ms in 100 s, at most %llu ms in any second", (unsigned long long)(used / MS),
		 (unsigned long long)(worst / MS));
	OK(worst <= 320 * MS, "a short stretch as well");
	OK(used >= 25 * S, "without starving it");
	return tap_done();
}
