#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The README's section about certificates is run as it is written.

load ../lib/common

@test "evidence: the commands of the README, one after the other, and what they say" {
	require_cmd jq openssl
	export HOME="$T/home"
	mkdir -p "$HOME" "$T/bin" "$T/contrib"
	ln -s "$SANDRUN" "$T/bin/sandrun"
	cp "$TOP/examples/weather.csv" "$TOP/examples/summary.py" "$T"
	cp "$TOP/contrib/verify.sh" "$T/contrib"
	sed -n '/run by tests\/cli\/readme.bats/,/^## /{/^```$/,/^```$/p}' "$TOP/README.md" | grep -v '^```' >"$T/commands"
	assert_equal "$(grep -c 'sandrun' "$T/commands")" 3
	cd "$T"
	PATH="$T/bin:$PATH" try bash -euc ". ./commands"
	assert_success
	assert_contains "$output" "result: every required check holds"
	assert_match "$output" 'ok +nonce'
	assert_match "$output" 'ok +input'
	assert_match "$output" 'ok +output'
	assert_contains "$output" "self-asserted"
	# and it is the files that are checked: another output, another input, another nonce
	echo more >>summary.txt
	PATH="$T/bin:$PATH" try bash -c '! sandrun verify run.intoto.jsonl --key operator.pem --output stdout=summary.txt'
	assert_success
	assert_contains "$output" FAILED
	PATH="$T/bin:$PATH" try bash -c '! sandrun verify run.intoto.jsonl --key operator.pem --nonce "$(openssl rand -hex 32)"'
	assert_success
}
