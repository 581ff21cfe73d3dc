#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Prints the primes up to a bound, ten a line, and a summary: sandrun examples/primes.py 1000"""

import sys


def primes_up_to(bound):
    """The sieve of Eratosthenes: cross out the multiples of every number that is still there."""
    composite = bytearray(bound + 1)
    for n in range(2, bound + 1):
        if composite[n]:
            continue
        yield n
        for multiple in range(n * n, bound + 1, n):
            composite[multiple] = 1


def main():
    try:
        bound = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    except ValueError:
        sys.exit(f"primes.py: not a whole number: {sys.argv[1]!r}")
    primes = list(primes_up_to(bound))
    width = len(str(bound))
    for start in range(0, len(primes), 10):
        print(" ".join(f"{p:{width}}" for p in primes[start:start + 10]))
    largest = f", the largest is {primes[-1]}" if primes else ""
    print(f"{len(primes)} primes up to {bound}{largest}")


if __name__ == "__main__":
    main()
