#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# A sandrun that is lied to by its kernel (tests/fault/wrap.c): each layer is taken away behind its back, and the run must not
# go on as if it stood; and what is left in memory of keys and private bytes.

load ../lib/common

setup() {
	require_cmd jq
	require_plain "the wrapped calls of the static program"
	export HOME="$T/home" XDG_STATE_HOME= XDG_DATA_HOME=
	mkdir -p "$HOME"
	SANDRUN=$BUILD/tests/fault/sandrun-fault
}

execution() {
	sed -n 2p "$T/c" | jq -r .payload | base64 -d | jq -r ".predicate$1"
}

@test "with no fault it is sandrun: everything seen, everything there" {
	sr --certificate "$T/c" -- sleep 0.3
	assert_success
	assert_equal "$(execution '.enforced.seccomp | [.known, .mode]' | jq -c .)" '["observed",2]'
	assert_equal "$(execution .enforced.namespaces.known)" observed
	assert_equal "$(execution .enforced.landlock.known | sed 's/installed/probed/')" probed
}

@test "a namespace that the kernel did not give: refused before the program exists, and certified so" {
	local ns
	for ns in net ipc uts cgroup mount pid; do
		canary "$T/$ns"
		SR_FAULT=$ns sr --certificate "$T/c" --bind "$T:/t" -- sh -c "echo ran >/t/$ns"
		assert_error 125
		assert_canaries
		assert_equal "$(execution '.result | [.outcome, .startedAt]' | jq -c .)" '["setup-failed",null]'
		assert_equal "$(execution .enforced)" null
		case $ns in
		ipc | cgroup) # no step would fail by itself
			assert_contains "$stderr" "gave no"
			assert_equal "$(execution .result.error.code)" E_NAMESPACE ;;
		esac
	done
}

@test "a filter that is not there: the program is killed at its first breath, and the certificate has what was seen" {
	SR_FAULT=seccomp sr --certificate "$T/c" -- sleep 5
	assert_error 125 "without its seccomp filter"
	assert_equal "$(execution '.enforced.seccomp | [.known, .mode]' | jq -c .)" '["observed",0]'
	assert_equal "$(execution '.result | [.outcome, .error.code, .usage]' | jq -c .)" '["killed","E_SECCOMP",null]'
}

@test "capabilities and privileges that stayed, with every answer a lie: seen from outside" {
	SR_FAULT=everything sr --certificate "$T/c" -- sleep 5
	assert_error 125
	assert_equal "$(execution .result.outcome)" killed
	assert_equal "$(execution '.enforced.noNewPrivs | [.known, .value]' | jq -c .)" '["observed",false]'
	refute_contains "$(execution .enforced.capabilities.bounding)" 0000000000000000
	assert_equal "$(execution .enforced.capabilities.known)" observed
	SR_FAULT=caps sr --certificate "$T/c" -- sleep 5
	assert_error 125 "kept privileges"
	refute_contains "$(execution .enforced.capabilities.bounding)" 0000000000000000
}

@test "a Landlock that is not there: its canary act is not refused, and nothing runs" {
	sr --certificate "$T/c" -- sleep 0.1
	assert_success
	if [ "$(execution .enforced.landlock.known)" != probed ]; then
		# a kernel before ABI 6 has no act that Landlock alone refuses: then nothing may claim that it was tried
		assert_match "$(execution .enforced.landlock.known)" '^(installed|absent)$'
		return 0
	fi
	SR_FAULT=landlock sr --certificate "$T/c" -- sleep 5
	assert_error 125 Landlock
	assert_equal "$(execution '.result | [.outcome, .error.code]' | jq -c .)" '["setup-failed","E_LANDLOCK"]'
}

@test "a sandbox that is not seen to be gone: what was written beforehand is not what is signed" {
	sr --certificate "$T/c" -- true
	assert_success
	assert_equal "$(execution '.destruction.claims[] | select(.target == "processes") | .performed')" true
	SR_FAULT=alive sr --certificate "$T/c" -- true
	assert_success
	assert_equal "$(execution '.destruction.claims[] | select(.target == "processes") | .performed')" false
	assert_equal "$(execution '.destruction.claims[] | select(.target == "sandbox-mounts") | .performed')" false
	assert_equal "$(sed -n 3p "$T/c" | jq -r .payload | base64 -d | jq -c '.predicate.ephemeralKey | [.state, .signaturesIssued]')" '["zeroed",1]'
	sr verify "$T/c"
	assert_equal "$(awk '$2 == "signatures" || $2 == "links" {print $1}' <<<"$output" | xargs)" "ok ok"
	assert_contains "$output" "not shown  destruction  not destroyed, or not seen to be: processes, sandbox-mounts"
}

# found WHO KIND: how often a secret of that kind is in the memory of the supervisor or of init.
found() {
	tr -d '\0' <"$T/look" | sed -n "s/^$1 pages [1-9][0-9]*.* $2 \([0-9]*\).*/\1/p"
}

marker() {
	printf '%s' "$1" | python3 -c 'import sys; print(bytes(b ^ 0x5a for b in sys.stdin.buffer.read()).hex())'
}

@test "keys: in no page of the supervisor at its end, in none of PID 1 ever" {
	sr -- true # makes the identity
	SR_LOOK="$T/look" sr --certificate "$T/c" -- sleep 0.3
	assert_success
	assert_equal "$(found supervisor e)" 0
	assert_equal "$(found supervisor i)" 0
	assert_equal "$(found init e)" 0
	assert_equal "$(found init i)" 0
	# the same search finds them where nothing zeroes them
	SR_FAULT=keep SR_LOOK="$T/look" sr --certificate "$T/c" -- sleep 0.3
	assert_match "$(found supervisor e)" '^[1-9]'
	assert_match "$(found supervisor i)" '^[1-9]'
	assert_equal "$(found init e)" 0
	assert_equal "$(execution .result.outcome)" exited
	assert_equal "$(sed -n 3p "$T/c" | jq -r .payload | base64 -d | jq -r .predicate.ephemeralKey.state)" unknown
}

@test "private bytes: in no page of the supervisor after the run" {
	local secret="nine-digit-record-481516234"
	printf '%s' "$secret" >"$T/private.csv"
	SR_FIND=$(marker "$secret") SR_LOOK="$T/look" sr --certificate "$T/c" --private-input "$T/private.csv:p.csv" --private-outputs -- cat p.csv
	assert_success
	assert_output "$secret"
	assert_equal "$(found supervisor m)" 0
	SR_FAULT=keep SR_FIND=$(marker "$secret") SR_LOOK="$T/look" sr --certificate "$T/c" --private-input "$T/private.csv:p.csv" --private-outputs -- cat p.csv
	assert_match "$(found supervisor m)" '^[1-9]'
}

# No cgroup counts what a build writes to the disk.
@test "a build leaves the disk a reserve" {
	require_user
	require_cmd busybox
	mkdir -p "$T/image/bin"
	cp "$(command -v busybox)" "$T/image/bin/sh"
	SR_FAULT=disk sr --build-layer "$T/layer" -E "$T/image" -- sh -c 'echo ran >/ran'
	assert_error 125 "less than 256 MB left" "on another disk"
	[ ! -e "$T/layer/tree/ran" ]
	SR_FAULT=disk-later sr --build-layer "$T/layer" -E "$T/image" --report "$T/report.json" -- sh -c 'echo ran >/ran; while :; do :; done'
	assert_error 137 "ended because the disk of $T/layer has less than 256 MB left"
	assert_equal "$(report .limitHit)" disk
	[ -e "$T/layer/tree/ran" ]
	# an ordinary run writes to no disk
	SR_FAULT=disk sr -E "$T/image" -- sh -c 'echo ran'
	assert_success
	chmod -R u+rwx "$T/layer"
}
