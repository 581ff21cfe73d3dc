#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# Real programs inside, compared with the same outside. check_both runs a script of ours in both places: it must succeed
# in both and print the same.

load ../lib/common

BATS_TEST_TIMEOUT=${SR_TEST_TIMEOUT:-300}

setup() {
	mkdir "$T/outside"
}

# What an ordinary run outside has of its environment, so that both see the same.
outside() {
	(cd "$T/outside" && exec env -i PATH=/usr/local/bin:/usr/bin:/bin HOME="$T/outside" LANG=C.UTF-8 "$@") \
		</dev/null 3>&-
}

# check_both OPTION... -- COMMAND SCRIPT: SCRIPT is a file of this folder, in /work inside.
check_both() {
	local options=()
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	outside "${@:1:$#-1}" "$TESTS/real/${*: -1}" >"$T/out.host" 2>"$T/err.host" || {
		tail -n 20 "$T/out.host" "$T/err.host" >&2
		sr_fail "${*: -1} fails outside"
	}
	sr "${options[@]}" -i "$TESTS/real/${*: -1}" -- "${@:1:$#-1}" "/work/${*: -1}" </dev/null
	assert_success
	assert_output "$(cat "$T/out.host")"
}

@test "node: its own parts, by node --test" {
	require_cmd node
	outside node --test "$TESTS/real/node-check.mjs" >"$T/out.host" ||
		{ cat "$T/out.host" >&2; sr_fail "it fails outside"; }
	sr -i "$TESTS/real/node-check.mjs" -- node --test /work/node-check.mjs </dev/null
	[ "$status" = 0 ] || grep -A 15 '^ *not ok' <<<"$output" >&2 || true
	assert_success
	assert_equal "$(grep -c '^ok' <<<"$output")" "$(grep -c '^ok' "$T/out.host")"
	assert_contains "$output" '# fail 0'
	assert_contains "$output" '# skipped 0'
}

@test "ruby: its own parts, by test-unit" {
	require_cmd ruby
	outside ruby -w "$TESTS/real/ruby-check.rb" >"$T/out.host" ||
		{ cat "$T/out.host" >&2; sr_fail "it fails outside"; }
	sr -i "$TESTS/real/ruby-check.rb" -- ruby -w /work/ruby-check.rb </dev/null
	assert_success
	assert_contains "$output" "$(grep -o '^[0-9]* tests' "$T/out.host")"
	assert_contains "$output" ' 0 failures, 0 errors, 0 pendings, 0 omissions'
}

@test "perl: its own parts, by Test::More" {
	require_cmd perl
	check_both -- perl perl-check.pl
}

@test "R: linear algebra, files, forked and socket workers" {
	require_cmd Rscript
	check_both -m 2G -- Rscript r-check.R
	assert_contains "$output" 'R is well'
}

@test "numpy: product, transform, decompositions, threads, a pool: the same numbers" {
	/usr/bin/python3 -c 'import numpy' 2>/dev/null || skip "no numpy on this machine"
	check_both -m 3G -- /usr/bin/python3 numpy-check.py
}

@test "git: init, commit, branch, merge, clone, gc, fsck: the same commits" {
	require_cmd git
	check_both -- sh git-check.sh
}

@test "sqlite3: 100,000 rows, an index, transactions, write-ahead log" {
	require_cmd sqlite3
	check_both -- sh sqlite-check.sh
}

@test "make and gcc: a project of several files, with its tests" {
	require_cmd make gcc
	cp -r "$TESTS/real/cproject/." "$T/outside"
	outside make -j 4 check >"$T/out.host" || sr_fail "the project fails outside"
	sr -C "$TESTS/real/cproject" -- make -j 4 check </dev/null
	assert_success
	assert_contains "$output" 'all well'
	assert_equal "$(grep -v '^cc\|^gcc\|^mkdir\|^printf\|^for\|^mv\|^rm\|^ar' <<<"$output")" \
		"$(grep -v '^cc\|^gcc\|^mkdir\|^printf\|^for\|^mv\|^rm\|^ar' "$T/out.host")"
	[ ! -e "$TESTS/real/cproject/build" ]
}

@test "gcc: the project's own src/base compiles to the same code" {
	require_cmd gcc
	local build='for f in base/*.c; do gcc -std=gnu17 -D_GNU_SOURCE -O2 -I. -S "$f" -o -; done' want
	want=$(cd "$TOP/src" && sh -c "$build" 3>&- | sha256sum)
	sr_raw -C "$TOP/src" -- sh -c "$build" </dev/null >"$T/out"
	[ "$(wc -c <"$T/out")" -gt 10000 ]
	assert_equal "$(sha256sum <"$T/out")" "$want"
}

@test "tar, gzip, xz and zstd: a round trip of 100 MB, the same bytes" {
	require_cmd tar gzip xz zstd
	check_both -m 3G --work-size 1G --file-size 1G --cpu-time 5m -- sh archive-check.sh
}

@test "coreutils: sort, join, split and friends over a million lines" {
	check_both -- bash coreutils-check.sh
}
