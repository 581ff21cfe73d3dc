#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# sandrun compare: two certificates of one plan. forge.py makes them.

load ../lib/common

setup_file() {
	python3 -c 'import cryptography' 2>/dev/null || return 0
	mkdir -p "$BATS_FILE_TMPDIR/forged"
	python3 "$BATS_TEST_DIRNAME/forge.py" "$BATS_FILE_TMPDIR/forged"
}

setup() {
	require_cmd python3 jq
	[ -e "$BATS_FILE_TMPDIR/forged/good.jsonl" ] || skip "no python3-cryptography on this machine"
	cd "$BATS_FILE_TMPDIR/forged"
	export HOME=$T/home XDG_DATA_HOME=$T/data
	mkdir -p "$HOME"
}

reasons() {
	jq -r '[.checks[] | select(.state != "ok" and .state != "not-shown") | .code] | unique | join(",")' <<<"$output"
}

compare() {
	sr compare --key acme.pem --key rival.pem --json "$@"
}

@test "two identities, one plan, one outcome: status 0" {
	compare good.jsonl rival-same.jsonl
	assert_success
	assert_equal "$(reasons)" ""
	assert_equal "$(jq -r '[.checks[] | select(.state == "ok") | .code] | join(" ")' <<<"$output")" \
		"identity-two plan-same exit-same stream-same stream-same outputs-same"
	assert_equal "$(jq -r '[.a.wordOf, .b.wordOf] | unique | length' <<<"$output")" 2
	compare rival-same.jsonl good.jsonl
	assert_success
	sr compare --key acme.pem --key rival.pem good.jsonl rival-same.jsonl
	assert_success
	assert_equal "${lines[-1]}" "result: two identities ran the same plan and got the same"
	assert_match "$output" 'A: self-asserted, the word of identity [0-9a-f]{64}'
}

@test "what differs is said: status 1" {
	local name code
	while read -r name code; do
		compare good.jsonl "$name.jsonl"
		[ "$status" = 1 ] || sr_fail "$name: status $status"
		assert_equal "$name $(reasons)" "$name $code"
		compare "$name.jsonl" good.jsonl
		assert_status 1
		assert_equal "$name $(reasons)" "$name $code"
	done <<-EOF
		rival-output outputs-differ
		rival-output-missing outputs-differ
		rival-stdout stream-differs
		rival-exit exit-differs
		rival-plan plan-differs
		rival-other-image plan-differs
	EOF
	compare good.jsonl rival-private.jsonl
	assert_status 1
	assert_equal "$(reasons)" outputs-differ,plan-differs,stream-differs
}

@test "an image is compared by its digest, a folder and the host's own root cannot be" {
	compare ok-image.jsonl rival-image.jsonl
	assert_success
	assert_equal "$(jq -r '[.checks[] | select(.check == "environment") | .code] | join(" ")' <<<"$output")" image-same
	compare good.jsonl rival-same.jsonl
	assert_equal "$(jq -r '[.checks[] | select(.check == "environment") | .code] | join(" ")' <<<"$output")" environment-open
}

@test "what was read on standard input is compared as well" {
	compare stdin-read.jsonl rival-stdin.jsonl
	assert_status 1
	assert_equal "$(reasons)" stream-differs
	assert_equal "$(jq -r '.checks[] | select(.code == "stream-differs") | .check' <<<"$output")" stdin
}

@test "commitments: the same salt can be compared, another hides: status 3" {
	compare private.jsonl rival-private.jsonl
	assert_success
	compare private.jsonl rival-private-other-salt.jsonl
	assert_status 3
	assert_equal "$(reasons)" outputs-hidden,plan-hidden,stream-hidden
	compare good.jsonl rival-env.jsonl
	assert_success
	assert_contains "$output" '"variables-hidden"'
}

@test "one identity confirms nothing: status 3" {
	compare good.jsonl same-identity-again.jsonl
	assert_status 3
	assert_equal "$(reasons)" identity-same
	compare good.jsonl good.jsonl
	assert_status 3
	assert_equal "$(reasons)" identity-same-run
}

@test "a certificate that does not hold is not compared: status 2; of an unknown identity: 3" {
	compare good.jsonl byte-execution.jsonl
	assert_status 2
	assert_equal "$(reasons)" signature
	compare file-text.jsonl good.jsonl
	assert_status 2
	assert_equal "$(reasons)" json-syntax
	compare good.jsonl all-by-mallory.jsonl
	assert_status 3
	assert_equal "$(reasons)" identity-unknown
}

@test "the own key is one of the two" {
	mkdir -p "$XDG_DATA_HOME/sandrun/trusted"
	cp acme.pem "$XDG_DATA_HOME/sandrun/identity.pub.pem"
	cp rival.pem "$XDG_DATA_HOME/sandrun/trusted/"
	chmod 0644 "$XDG_DATA_HOME/sandrun"/*.pem "$XDG_DATA_HOME/sandrun/trusted/rival.pem"
	sr compare good.jsonl rival-same.jsonl
	assert_success
	assert_contains "$output" "this user's own"
	# what else is below does not hide behind that
	sr compare --json lacks-pids.jsonl rival-same.jsonl
	assert_status 3
	assert_equal "$(reasons)" isolation-lacks
	sr export --slsa lacks-pids.jsonl
	assert_error 1 "cannot export" "a process namespace"
	printf '[rates]\ncurrency = EUR\ndecimals = 2\nrun = 1\n' >"$T/rates.ini"
	sr bill --rates "$T/rates.ini" lacks-pids.jsonl
	assert_error 1 "cannot bill" "a process namespace"
	# an older own key is no second identity
	mkdir "$XDG_DATA_HOME/sandrun/retired"
	mv "$XDG_DATA_HOME/sandrun/trusted/rival.pem" "$XDG_DATA_HOME/sandrun/retired/"
	sr compare --json good.jsonl rival-same.jsonl
	assert_status 3
	assert_equal "$(reasons)" identity-same
}

@test "what it takes" {
	sr compare --key acme.pem good.jsonl
	assert_error 125 "it takes two certificates"
	sr compare --nonce 00 good.jsonl good.jsonl
	assert_error 125 "--nonce" "no such option"
	sr compare --key acme.pem good.jsonl absent.jsonl
	assert_error 125 "absent.jsonl: No such file or directory"
	sr compare --help
	assert_success
	assert_contains "$output" "Exit status"
}
