#!/bin/bash
# SPDX-License-Identifier: MIT
# What a program sees of the machine from inside.
#
#     sandrun examples/look.bash

echo "user       $(id -un) ($(id -u):$(id -g))"
echo "host       $(uname -n)"
echo "folder     $PWD, home $HOME"
echo "root       $(ls -A / | tr '\n' ' ')"
echo "homes      $(ls -A /home 2>/dev/null | wc -l) of the host's"
echo "networks   $(sed -n 's/^ *\([^:|]*\):.*/\1/p' /proc/net/dev 2>/dev/null | tr '\n' ' ')"
echo "processes  $(find /proc -maxdepth 1 -name '[0-9]*' 2>/dev/null | wc -l) to be seen"
if [ -w /usr ]; then echo "/usr       writable"; else echo "/usr       read-only"; fi
if [ -w . ]; then echo "here       writable, in memory"; else echo "here       read-only"; fi
