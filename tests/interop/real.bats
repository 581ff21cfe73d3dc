#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Certificates of real runs: every verifier accepts each as it is, and none with one byte changed.

load ../lib/common
load interop
BATS_TEST_TIMEOUT=600

setup() {
	require_user
	cd "$T"
	export XDG_DATA_HOME=$T/data XDG_STATE_HOME=$T/state XDG_CONFIG_HOME=$T/config
	ID=$XDG_DATA_HOME/sandrun/identity.pub.pem
}

# accepted CERT: by all of them
accepted() {
	local name
	for name in shell python node; do
		need_verifier "$name"
		verifier "$name" "$1" "$ID"
		[ "$status" = 0 ] || sr_fail "$name does not accept $1"
	done
}

# The predicate of the execution, by a jq filter.
execution() {
	sed -n 2p "$1" | jq -j .payload | base64 -d | jq -r ".predicate.$2"
}

@test "a run that succeeds: accepted by all, and by none with one byte changed" {
	sr --certificate c.jsonl -- true
	assert_success
	accepted c.jsonl
	assert_equal "$(execution c.jsonl result.outcome)" exited
	local name n
	for name in shell python node; do
		for n in 0 1 2 3 4 5; do
			flipped c.jsonl "$n" >f.jsonl
			verifier "$name" f.jsonl "$ID"
			[ "$status" = 1 ] || [ "$status" = 2 ] || sr_fail "$name accepted change $n"
		done
		verifier "$name" c.jsonl "$VECTORS/identity.pub.pem"
		assert_status 1
	done
}

@test "each way to end: accepted by all" {
	sr --certificate code.jsonl -- sh -c 'exit 3'
	assert_status 3
	accepted code.jsonl
	assert_equal "$(execution code.jsonl result.exitCode)" 3
	sr --certificate signal.jsonl -- sh -c 'kill -9 $$'
	assert_status 137
	accepted signal.jsonl
	assert_equal "$(execution signal.jsonl result.signal)" 9
	sr -t 300ms --certificate limit.jsonl -- sleep 60
	assert_status 124
	accepted limit.jsonl
	assert_equal "$(execution limit.jsonl result.limitHit)" wall-time
	sr --output-limit 10 --certificate output.jsonl -- seq 1000
	accepted output.jsonl
	assert_equal "$(execution output.jsonl result.limitHit)" output
}

@test "a nonce and an audience; files in and out, names with strange characters" {
	local nonce
	nonce=$(printf 'a5%.0s' {1..32})
	printf 'x' >$'in \x1f\x7f"\\ \\u001f ü.txt'
	sr --nonce "$nonce" --audience 'verifier.example' --certificate c.jsonl -i $'in \x1f\x7f"\\ \\u001f ü.txt' -o 'o*' -O . -- \
		sh -c 'cat in* >o; printf done'
	assert_success
	accepted c.jsonl
	assert_equal "$(execution c.jsonl 'plan.inputs | length')" 1
	assert_equal "$(sed -n 2p c.jsonl | jq -j .payload | base64 -d | jq -r '.subject[] | select(.name == "out/o") | .digest.sha256')" \
		"$(sha256sum <o | cut -c1-64)"
	try "$TOP/contrib/verify.sh" --nonce "$nonce" --audience verifier.example c.jsonl "$ID"
	assert_success
	try "$TOP/contrib/verify.sh" --nonce "${nonce/a5/a4}" c.jsonl "$ID"
	assert_status 1
	try python3 "$TESTS/interop/verify.py" --nonce "$nonce" --audience verifier.example c.jsonl "$ID"
	assert_success
}

@test "a private run: accepted by all, its commitments reopened by openssl, nothing plain in the exports" {
	need_verifier python
	printf 'ssn,123456789\n' >s.csv
	sr --private-outputs --private-input s.csv --certificate p.jsonl -- cat s.csv
	assert_success
	accepted p.jsonl
	local salt want plain form
	salt=$(jq -r '.items[] | select(.role == "input") | .salt' "$(find . -name '*.opening.json')")
	want=$(execution p.jsonl 'plan.inputs[0].digest.sandrunHmacSha256V1')
	assert_equal "$(openssl mac -digest SHA256 -macopt "hexkey:$salt" -in s.csv HMAC | tr 'A-F' 'a-f')" "$want"
	plain=$(sha256sum <s.csv | cut -c1-64)
	for form in --slsa --sigstore-bundle; do
		sr export "$form" p.jsonl
		assert_success
		refute_contains "$output" "$plain"
		refute_contains "$(jq -r '.dsseEnvelope.payload // empty' <<<"$output" | base64 -d)" "$plain"
	done
}

@test "a traced run: in-toto's form has every event of the log" {
	sr --trace --certificate t.jsonl -- sh -c 'cat /etc/passwd >/dev/null'
	assert_success
	accepted t.jsonl
	try python3 "$TESTS/interop/verify.py" --trace t.jsonl.trace.jsonl t.jsonl "$ID"
	assert_success
	assert_contains "$output" "ok trace: the tree's root"
	sed '3d' t.jsonl.trace.jsonl >cut.jsonl
	try python3 "$TESTS/interop/verify.py" --trace cut.jsonl t.jsonl "$ID"
	assert_status 1
	sr export --runtime-trace t.jsonl
	assert_success
	printf '%s' "$output" >rt.json
	assert_equal "$(jq '.predicate.monitorLog | map(length) | add' rt.json)" \
		"$(jq -s 'map(select(.event | IN("start", "exec", "exit", "open", "connect", "bind", "send"))) | length' t.jsonl.trace.jsonl)"
	assert_contains "$(jq -r '.predicate.monitorLog.fileAccess[].uri' rt.json)" file:///etc/passwd
	assert_contains "$(jq -r '.predicate.monitorLog.process[] | select(.event == "exec") | .path' rt.json)" /cat
	printf '\n' >>t.jsonl.trace.jsonl
	sr export --runtime-trace t.jsonl
	assert_error 1 "the log is not the one that was signed"
}

@test "ssh-keygen verifies the exported signature, of this file and for this purpose" {
	require_cmd ssh-keygen
	sr --certificate c.jsonl -- true
	sr_raw export --ssh-signature c.jsonl >c.sshsig
	printf 'me namespaces="sandrun-certificate-v1" %s\n' "$(sr_raw key export --ssh)" >allowed
	ssh_verify() {
		try sh -c 'ssh-keygen -Y verify -f allowed -I "$1" -n "$2" -s c.sshsig <"$3"' x "$@"
	}
	ssh_verify me sandrun-certificate-v1 c.jsonl
	assert_success
	flipped c.jsonl 2 >f.jsonl
	ssh_verify me sandrun-certificate-v1 f.jsonl
	[ "$status" -ne 0 ]
	ssh_verify me file c.jsonl
	[ "$status" -ne 0 ]
	ssh_verify other sandrun-certificate-v1 c.jsonl
	[ "$status" -ne 0 ]
}

@test "two runs: the counter goes up and the second names the first" {
	sr --certificate 1.jsonl -- true
	sr --certificate 2.jsonl -- true
	accepted 2.jsonl
	local first second
	first=$(head -n 1 1.jsonl | jq -j .payload | base64 -d | sha256sum | cut -c1-64)
	second=$(head -n 1 2.jsonl | jq -j .payload | base64 -d | jq -r '.predicate.sequence | "\(.counter) \(.previous.sha256)"')
	assert_equal "$second" "2 $first"
}
