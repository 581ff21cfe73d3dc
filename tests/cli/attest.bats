#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Hardware evidence in the certificate: from stand-ins that speak the documented interfaces, and what happens without any.
# The clients themselves are tested in tests/unit/evidence/test-attest-*.c.

load ../lib/common

setup() {
	require_cmd jq openssl python3
	export HOME=$T/home XDG_STATE_HOME=$T/state XDG_DATA_HOME=$T/data
	mkdir -p "$HOME"
	# a stand-in lives as long as this descriptor is open
	mkfifo "$T/alive"
	exec 7<>"$T/alive"
}

teardown() {
	exec 7>&-
	[ -z "${keeper-}" ] || kill "$keeper" 2>/dev/null || true
}

# stand_in ARGS...: starts one and waits until it can be asked.
stand_in() {
	python3 "$TESTS/lib/attest-stand-in.py" "$@" <"$T/alive" >"$T/said" 2>"$T/stand-in-errors" 7>&- 3>&- &
	keeper=$!
	wait_for 30 grep -q ready "$T/said"
}

# The payload of the line with that predicate.
payload() {
	jq -r '.payload | @base64d' "$T/cert" | jq -c "select(.predicateType | test(\"/$1/\"))"
}

execution() {
	payload execution | jq -c ".predicate$1"
}

# The report data as anybody can compute them from run-open's payload.
report_data() {
	jq -r 'select(.payload | @base64d | contains("/run-open/v0.1\"")) | .payload' "$T/cert" | head -n 1 |
		base64 -d >"$T/open"
	{ printf 'DSSEv1 38 application/vnd.sandrun.report-data.v1 %d ' "$(stat -c %s "$T/open")"; cat "$T/open"; } |
		openssl dgst -sha512 -r | cut -d ' ' -f 1
}

# The 64 bytes in the quote, where an Intel quote of version 4 has them.
quoted() {
	execution '.attestation[0].quote' | jq -r . | base64 -d | tail -c +569 | head -c 64 | od -An -v -tx1 | tr -d ' \n'
}

@test "without hardware a certificate is self-asserted" {
	[ ! -e /var/run/dstack.sock ] && [ ! -e /sys/kernel/config/tsm/report ] || skip "this machine has hardware evidence"
	sr --certificate "$T/cert" -- true
	assert_success
	assert_stderr ''
	assert_equal "$(execution .assurance) $(execution .attestation)" '"self-asserted" []'
	sr --attest auto --certificate "$T/cert" -- true
	assert_success
	assert_equal "$(execution .assurance) $(execution .attestation)" '"self-asserted" []'
	sr --attest none --certificate "$T/cert" -- true
	assert_success
	assert_equal "$(execution .assurance) $(execution .attestation)" '"self-asserted" []'
}

@test "a quote of a stand-in for configfs-tsm is over this run's run-open, and simulated" {
	mkdir "$T/report"
	stand_in tsm "$T/report"
	sr --attest-simulated "$T/report" --certificate "$T/cert" -- echo hello
	assert_success
	assert_output hello
	assert_equal "$(execution .assurance)" '"simulated-quote"'
	assert_equal "$(execution '.attestation | length')" 1
	assert_equal "$(execution '.attestation[0] | [.provider, .simulated, .reportDataPreimage, .generation]')" \
		'["tdx_guest",true,"run-open","1"]'
	assert_equal "$(execution '.attestation[0].reportData' | jq -r .)" "$(report_data)"
	assert_equal "$(quoted)" "$(report_data)"
	assert_equal "$(execution '.attestation[0].auxblob' | jq -r . | base64 -d)" certificates
	assert_equal "$(ls -A "$T/report")" ""
	# another run, another quote
	cp "$T/cert" "$T/first"
	first=$(quoted)
	sr --attest-simulated "$T/report" --certificate "$T/cert" -- echo hello
	assert_success
	assert_equal "$(quoted)" "$(report_data)"
	[ "$first" != "$(quoted)" ]
}

@test "a quote of a stand-in for dstack is over this run's run-open, and simulated" {
	stand_in dstack "$T/agent"
	sr --attest-simulated "$T/agent" --certificate "$T/cert" -- echo hello
	assert_success
	assert_output hello
	assert_equal "$(execution .assurance)" '"simulated-quote"'
	assert_equal "$(execution '.attestation[0] | [.provider, .simulated, .reportDataPreimage, .eventLog, .vmConfig]')" \
		'["dstack",true,"run-open","[]","{\"cpu_count\":1}"]'
	assert_equal "$(execution '.attestation[0].reportData' | jq -r .)" "$(report_data)"
	assert_equal "$(quoted)" "$(report_data)"
}

# verified LEVEL: the status of sandrun verify where that is required.
verified() {
	sr key export
	assert_success || return 1
	printf '%s\n' "$output" >"$T/identity.pem"
	sr verify --key "$T/identity.pem" --require "$1" "$T/cert"
	printf '%s' "$status"
}

@test "the verifier takes no stand-in for hardware" {
	stand_in dstack "$T/agent"
	sr --attest-simulated "$T/agent" --certificate "$T/cert" -- true
	assert_success
	assert_equal "$(verified simulated-quote)" 0
	assert_equal "$(verified quote-present)" 3
	sr --attest none --certificate "$T/cert" -- true
	assert_success
	assert_equal "$(verified self-asserted)" 0
	assert_equal "$(verified simulated-quote)" 3
}

@test "an agent that has no quote but an attestation" {
	stand_in dstack "$T/agent" attestation
	sr --attest-simulated "$T/agent" --certificate "$T/cert" -- true
	assert_success
	assert_equal "$(execution '.attestation[0] | [.quote, .attestation]')" '[null,"00ff"]'
	assert_equal "$(execution .assurance)" '"simulated-quote"'
}

# refuses TEXT: nothing ran, and the certificate of the failure claims no quote.
refuses() {
	canary "$T/canary"
	sr --attest-simulated "$T/agent" --certificate "$T/cert" --output ran -O "$T" -- sh -c 'echo ran; echo >ran'
	assert_error 125 "$1" "hint: nothing was run" || return 1
	[ ! -e "$T/ran" ] || sr_fail "the program ran" || return 1
	assert_equal "$(execution .assurance) $(execution .attestation)" '"self-asserted" []' || return 1
	assert_equal "$(execution .result.outcome)" '"setup-failed"' || return 1
	assert_canaries
}

@test "a quote over something else ends the run before the program starts" {
	stand_in dstack "$T/agent" other
	refuses "the quote is not over this run"
}

@test "an agent's error ends the run before the program starts" {
	stand_in dstack "$T/agent" error
	refuses "it answered with HTTP status 500"
}

@test "an agent that drips ends the run before the program starts" {
	stand_in dstack "$T/agent" drip
	refuses "within 2 seconds"
}

@test "a stand-in that is not there, or is none" {
	sr --attest-simulated "$T/missing" -- echo ran
	assert_error 125 "cannot get a quote from '$T/missing': No such file" "hint: --attest-simulated takes"
	: >"$T/file"
	sr --attest-simulated "$T/file" -- echo ran
	assert_error 125 "a stand-in is a folder or a socket" "hint: --attest-simulated takes"
	# positive control: the same run without it
	sr -- echo ran
	assert_output ran
}

@test "hardware that was asked for and is not there is an error with its mend" {
	[ -e /sys/kernel/config/tsm/report ] || {
		sr --attest tsm -- echo ran
		assert_error 125 "cannot get a quote from '/sys/kernel/config/tsm/report'" "Linux 6.7" "--attest auto"
	}
	[ -e /var/run/dstack.sock ] || {
		sr --attest dstack -- echo ran
		assert_error 125 "cannot get a quote from '/var/run/dstack.sock'" "volume /var/run/dstack.sock" "--attest auto"
	}
	sr --attest none -- echo ran
	assert_output ran
}

# with_agent MODE ARGS...: sandrun where a dstack agent answers at its own place, which only a mount namespace of our own has.
with_agent() {
	rm -f "$T/said"
	# shellcheck disable=SC2016  # expanded inside
	try unshare --user --map-root-user --mount sh -c '
		mount -t tmpfs tmpfs "$(readlink -f /var/run)" || exit 99
		python3 "$TESTS/lib/attest-stand-in.py" dstack /var/run/dstack.sock "$1" <"$T/alive" >"$T/said" 7>&- 3>&- &
		agent=$!
		shift
		while ! grep -qs ready "$T/said"; do sleep 0.05; done
		unshare --user --map-user=1000 --map-group=1000 "$SANDRUN" --certificate "$T/cert" "$@"
		status=$?
		kill "$agent"
		exit "$status"' sh "$@"
}

@test "an agent at its own place is asked, and what it gives is no simulation" {
	with_agent good -- echo ran
	assert_success
	assert_output ran
	assert_stderr ''
	assert_equal "$(execution .assurance) $(execution '.attestation | map([.provider, .simulated])')" '"quote-present" [["dstack",false]]'
	assert_equal "$(quoted)" "$(report_data)"
	with_agent good --attest dstack -- echo ran
	assert_success
	assert_equal "$(execution .assurance)" '"quote-present"'
	assert_equal "$(verified quote-present)" 0
	with_agent good --attest none -- echo ran
	assert_success
	assert_equal "$(execution .assurance) $(execution .attestation)" '"self-asserted" []'
}

@test "an agent at its own place that gives no quote is said, and is an error only where it was asked for by name" {
	with_agent other -- echo ran
	assert_success
	assert_output ran
	assert_contains "$stderr" "sandrun: the certificate has no quote: cannot get a quote from '/var/run/dstack.sock': the quote is not over this run"
	assert_equal "$(execution .assurance) $(execution .attestation)" '"self-asserted" []'
	with_agent other --quiet -- echo ran
	assert_success
	assert_stderr ''
	with_agent other --attest dstack -- echo ran
	assert_error 125 "the quote is not over this run" "--attest none"
	assert_equal "$(execution .assurance) $(execution .attestation)" '"self-asserted" []'
}

@test "contradictions are refused" {
	mkdir "$T/report"
	sr --attest tsm --attest-simulated "$T/report" -- echo ran
	assert_error 125 "'--attest' with '--attest-simulated'" "hint: leave one of the two out"
	sr --no-certificate --attest-simulated "$T/report" -- echo ran
	assert_error 125 "--no-certificate together with --attest-simulated" "hint: leave one of the two out"
	sr --no-certificate --attest dstack -- echo ran
	assert_error 125 "--no-certificate together with --attest"
	sr --attest sgx -- echo ran
	assert_error 125 "cannot use '--attest sgx'" "auto|none|tsm|dstack"
	sr --no-certificate --attest none -- echo ran
	assert_output ran
}

@test "nothing to keep a certificate with is an error where a quote was asked for" {
	stand_in dstack "$T/agent"
	HOME='' XDG_STATE_HOME='' XDG_DATA_HOME='' sr --attest-simulated "$T/agent" -- echo ran
	assert_error 125 "HOME"
}

@test "no variable of the environment stands in for hardware or makes a quote real" {
	refute_contains "$(cat "$TOP"/src/evidence/attest*.c)" getenv
	stand_in dstack "$T/agent"
	DSTACK_SIMULATOR_ENDPOINT=$T/agent DSTACK_SOCKET=$T/agent SANDRUN_ATTEST=dstack sr --certificate "$T/cert" -- true
	assert_success
	assert_equal "$(execution '.attestation | map(.simulated)')" '[]'
	DSTACK_SIMULATOR_ENDPOINT='' sr --attest-simulated "$T/agent" --certificate "$T/cert" -- true
	assert_equal "$(execution '.attestation | map(.simulated)') $(execution .assurance)" '[true] "simulated-quote"'
}
