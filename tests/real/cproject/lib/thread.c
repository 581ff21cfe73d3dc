/* SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <stdatomic.h>

#include "primes.h"
#include "words.h"

#define COUNT (sizeof(primes) / sizeof(primes[0]))

static atomic_long sum;

static void *add(void *prime)
{
	for (int i = 0; i < 1000; i++)
		atomic_fetch_add(&sum, *(const int *)prime);
	return NULL;
}

long thread_sum(void)
{
	pthread_t threads[COUNT];
	size_t started = 0;

	atomic_store(&sum, 0);
	while (started < COUNT && pthread_create(&threads[started], NULL, add, (void *)&primes[started]) == 0)
		started++;
	for (size_t i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
	return started == COUNT ? atomic_load(&sum) / 1000 : -1;
}
