#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Summary of a CSV file: count, minimum, mean and maximum of each column of numbers.

    sandrun -i examples/weather.csv examples/summary.py weather.csv
    sandrun examples/summary.py < examples/weather.csv
    sandrun -i examples/weather.csv examples/summary.py --by town weather.csv
"""
import argparse
import csv
import sys


def numbers(rows, column):
    """The column's values as numbers, or None when one of them is no number."""
    try:
        return [float(row[column]) for row in rows]
    except ValueError:
        return None


def summarise(rows, columns, title):
    print(title)
    for column in columns:
        values = numbers(rows, column)
        if values:
            mean = sum(values) / len(values)
            print(f"  {column:<10} n={len(values):<4} min={min(values):<8g} mean={mean:<8.2f} max={max(values):g}")


def main():
    parser = argparse.ArgumentParser(description="summary of a CSV file")
    parser.add_argument("--by", help="one summary for each value of this column")
    parser.add_argument("file", nargs="?", help="standard input when it is left out")
    args = parser.parse_args()

    source = open(args.file, encoding="utf-8", newline="") if args.file else sys.stdin
    with source:
        reader = csv.DictReader(source)
        rows = list(reader)
    columns = reader.fieldnames or []
    if args.by is None:
        summarise(rows, columns, "all")
    elif args.by not in columns:
        sys.exit(f"no column {args.by!r}; there are: {', '.join(columns)}")
    else:
        for value in sorted({row[args.by] for row in rows}):
            summarise([row for row in rows if row[args.by] == value], columns, value)


if __name__ == "__main__":
    main()
