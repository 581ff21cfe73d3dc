#!/bin/sh
# SPDX-License-Identifier: MIT
# 100 MB packed and unpacked by each. The data is made, not stored: numbers, and enciphered numbers, which do not
# compress.
set -e
mkdir data
seq 1 11000000 | head -c 85000000 >data/numbers
openssl enc -aes-128-ctr -nosalt -K 00112233445566778899aabbccddeeff -iv 00000000000000000000000000000000 \
	-in data/numbers 2>/dev/null | head -c 15000000 >data/noise
ln -s numbers data/link
mkdir data/empty
chmod 640 data/noise
du -b data/numbers data/noise
sum() { (cd "$1" && sha256sum numbers noise && readlink link && stat -c '%a %F' noise empty) | sha256sum; }
want=$(sum data)
for how in gzip xz zstd; do
	case $how in
	gzip) pack='gzip -1 -n' ;;
	xz) pack='xz -0 -T 2' ;;
	zstd) pack='zstd -q -3 -T2' ;;
	esac
	tar -C data --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -I "$pack" -cf data.tar.$how .
	sha256sum data.tar.$how
	$how -t data.tar.$how 2>/dev/null
	mkdir back
	tar -C back -I $how -xf data.tar.$how
	[ "$(sum back)" = "$want" ]
	rm -r back data.tar.$how
	echo "$how is well"
done
