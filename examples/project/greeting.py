# SPDX-License-Identifier: MIT
"""Used by main.py."""


def greet(template, name):
    return template.strip().replace("NAME", name)
