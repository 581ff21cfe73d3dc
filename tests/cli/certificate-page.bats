#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# sandrun-certificate(5) tells how to verify by hand: its commands run as they stand there, and see a change.

load ../lib/common

setup() {
	require_cmd jq openssl
	export HOME=$T/home XDG_STATE_HOME=$T/state XDG_DATA_HOME=$T/data
	mkdir -p "$HOME" "$T/verify"
	# The commands of the section, with the page's escapes taken out.
	sed -n '/^\.Sh VERIFYING BY HAND/,/^\.Ed/p' "$TOP/man/sandrun-certificate.5" | sed '1,/^\.Bd/d; /^\.Ed/d; s/\\e/\\/g' >"$T/commands"
	sr --certificate "$T/verify/run.intoto.jsonl" -- echo hello
	assert_success
	sr key export
	assert_success
	printf '%s\n' "$output" >"$T/verify/identity.pub.pem"
}

by_hand() {
	try sh -c 'cd "$0" && . "$1"' "$T/verify" "$T/commands"
}

# change LINE OLD NEW: replaces text in the payload of a line; its signature stays.
change() {
	local file=$T/verify/run.intoto.jsonl
	jq -c --argjson n "$1" --arg old "$2" --arg new "$3" \
		'if input_line_number == $n then .payload |= (@base64d | sub($old; $new) | @base64) else . end' "$file" >"$T/changed"
	! cmp -s "$T/changed" "$file" || sr_fail "nothing was changed" || return 1
	cp "$T/changed" "$file"
}

@test "a certificate holds" {
	by_hand
	assert_success
	assert_equal "$(grep -c 'Signature Verified Successfully' <<<"$output")" 3
	assert_equal "$(grep -c ': the same$' <<<"$output")" 3
	assert_equal "$(wc -l <<<"$output")" 6
}

@test "the page names the type that report data are made with" {
	local text
	text=$(sed -n '/^\.It Cm reportData/,/^\.Ed/p' "$TOP/man/sandrun-certificate.5")
	assert_contains "$text" "DSSEv1 38 application/vnd.sandrun.report-data.v1 LENGTH PAYLOAD"
	assert_contains "$(cat "$TOP/src/evidence/attest.h")" '"application/vnd.sandrun.report-data.v1"'
}

@test "the page names every field" {
	local key page keys
	mkfifo "$T/alive"
	exec 7<>"$T/alive"
	python3 "$TESTS/lib/attest-stand-in.py" dstack "$T/agent" <"$T/alive" >"$T/said" 2>&1 7>&- 3>&- &
	keeper=$!
	wait_for 30 grep -q ready "$T/said"
	echo a >"$T/in"
	cd "$T"
	sr --certificate "$T/full" --private-input "$T/in" --attest-simulated "$T/agent" --nonce "$(openssl rand -hex 32)" \
		-o '*.txt' -- sh -c 'echo 1 >a.txt'
	exec 7>&-
	kill "$keeper" || true
	assert_success
	sr --certificate "$T/traced" --trace -- true
	assert_success
	cat "$T/traced" >>"$T/full"
	page=$(sed 's/\\&//g' "$TOP/man/sandrun-certificate.5")
	# names of limits are those of sandrun.ini(5), and kinds of claims come and go
	keys=$(jq -r '.payload | @base64d | fromjson | .predicate | del(.plan.limits) | .. | objects | keys[]' "$T/full" | sort -u)
	[ "$(wc -l <<<"$keys")" -gt 60 ]
	for key in $keys; do
		grep -qwF -- "$key" <<<"$page" || echo "$key"
	done >"$T/missing"
	assert_equal "$(cat "$T/missing")" ""
}

@test "another exit code does not hold" {
	change 2 '"exitCode":0' '"exitCode":7'
	by_hand
	assert_status 1
	refute_contains "$output" NOT
	assert_equal "$(grep -c 'Signature Verified Successfully' <<<"$output")" 1
}

@test "another identity does not hold" {
	openssl genpkey -algorithm ed25519 2>/dev/null | openssl pkey -pubout -out "$T/verify/identity.pub.pem"
	by_hand
	assert_status 1
	refute_contains "$output" "the same"
}

@test "the record of another run does not hold" {
	sr --certificate "$T/other" -- echo hello
	assert_success
	{
		sed -n 1p "$T/other"
		sed -n 2,3p "$T/verify/run.intoto.jsonl"
	} >"$T/mixed"
	cp "$T/mixed" "$T/verify/run.intoto.jsonl"
	by_hand
	assert_status 1
	# its key signed nothing here
	refute_contains "$output" "the same"
}
