#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A project folder: a module beside the script and a file beneath it.

    sandrun -C examples/project main.py Ada
"""
import pathlib
import sys

from greeting import greet

template = (pathlib.Path(__file__).parent / "texts" / "hello.txt").read_text(encoding="utf-8")
for name in sys.argv[1:] or ["world"]:
    print(greet(template, name))
pathlib.Path("seen.txt").write_text("this stays in memory\n", encoding="utf-8")
