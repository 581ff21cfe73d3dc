#!/bin/bash
# SPDX-License-Identifier: MIT
# Pipelines, process substitution, temporary files, sparse files, locks: what shell scripts lean on.
set -e -o pipefail
export LC_ALL=C
seq 1 1000000 | awk '{ print ($1 * 7919) % 1000003, $1 }' >pairs
sort -S 8M -T . -k1,1 pairs >sorted
sort -c -k1,1 sorted
sha256sum <sorted
join <(head -n 1000 sorted) <(sort -k1,1 <(head -n 5000 sorted)) | wc -l
split -n 7 pairs part.
cat part.* | cmp - pairs
paste <(cut -d' ' -f1 pairs) <(cut -d' ' -f2 pairs) | md5sum
xargs -n 100 -P 8 echo <<<"$(seq 1 10000)" | wc -w
find . -name 'part.*' -print0 | xargs -0 -P 4 -I{} sh -c 'wc -c <{}' | awk '{ s += $1 } END { print s }'
truncate -s 100M sparse
[ "$(stat -c %b sparse)" -lt 1000 ] && echo sparse
mkfifo fifo
(echo through >fifo) &
cat fifo
wait
(flock 9; echo locked) 9>lock
timeout 0.2 sleep 10 || echo "timeout $?"
mktemp -d /tmp/x.XXXXXX >/dev/null
dd if=/dev/zero bs=1M count=32 status=none | tr '\0' x | sha1sum
printf '%s\n' b a c | sort | tee copy | tail -n 1
diff -u copy <(printf '%s\n' a b d) | tail -n 2 || echo different
touch -d 2020-01-01T00:00:00Z old
date -u -r old +%F
id -u >/dev/null && nproc >/dev/null && uptime >/dev/null && df . >/dev/null && free >/dev/null && ps >/dev/null
