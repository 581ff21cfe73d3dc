#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Draws a column of a CSV file as out/COLUMN.svg, one line for each value of another column. No library needed.

    sandrun -i examples/weather.csv -o 'out/*.svg' -O results/ examples/plot.py weather.csv high town
"""
import csv
import os
import sys
from xml.sax.saxutils import escape

WIDTH, HEIGHT, MARGIN = 640, 360, 40
COLOURS = ("#1b6ca8", "#c8553d", "#3c7a3b", "#8a5fa8", "#b58900")


def read_series(path, column, group):
    """{group: [value, ...]} in the order of the file."""
    series = {}
    with open(path, encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            series.setdefault(row[group], []).append(float(row[column]))
    return series


def points(values, low, high):
    step = (WIDTH - 2 * MARGIN) / max(len(values) - 1, 1)
    scale = (HEIGHT - 2 * MARGIN) / ((high - low) or 1)
    return " ".join(f"{MARGIN + i * step:.1f},{HEIGHT - MARGIN - (v - low) * scale:.1f}" for i, v in enumerate(values))


def draw(series, title):
    values = [value for line in series.values() for value in line]
    low, high = min(values), max(values)
    yield f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" font-family="sans-serif">'
    yield '<rect width="100%" height="100%" fill="white"/>'
    yield f'<text x="{MARGIN}" y="20" font-size="16">{escape(title)}</text>'
    yield f'<text x="4" y="{MARGIN + 4}">{high:g}</text><text x="4" y="{HEIGHT - MARGIN}">{low:g}</text>'
    for number, (name, line) in enumerate(series.items()):
        colour = COLOURS[number % len(COLOURS)]
        yield f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="{points(line, low, high)}"/>'
        yield f'<text x="{WIDTH - 110}" y="{20 + 14 * number}" fill="{colour}">{escape(name)}</text>'
    yield "</svg>"


def main():
    if len(sys.argv) != 4:
        sys.exit("usage: plot.py FILE COLUMN GROUP")
    path, column, group = sys.argv[1:]
    os.makedirs("out", exist_ok=True)
    target = os.path.join("out", f"{column}.svg")
    with open(target, "w", encoding="utf-8") as file:
        file.write("\n".join(draw(read_series(path, column, group), column)) + "\n")
    print(f"wrote {target}")


if __name__ == "__main__":
    main()
