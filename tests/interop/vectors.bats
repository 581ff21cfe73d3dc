#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The committed test vectors, judged by verifiers that share no code with sandrun, and by each other.

load ../lib/common
load interop
BATS_TEST_TIMEOUT=600

@test "the vectors are what their program writes" {
	need_verifier python
	mkdir "$T/again"
	try python3 "$VECTORS/make.py" all "$T/again"
	assert_success
	cp "$VECTORS/make.py" "$T/again"
	try diff -r "$VECTORS" "$T/again"
	assert_output ""
	assert_success
	[ "$(grep -c '^bad-' "$VECTORS/expected")" -ge 30 ]
	[ "$(grep -c '^good-' "$VECTORS/expected")" -ge 15 ]
}

@test "openssl and jq: every vector" {
	need_verifier shell
	vectors shell
}

@test "python3-cryptography: every vector" {
	need_verifier python
	vectors python
}

@test "python: the trace's log, and not another" {
	need_verifier python
	try python3 "$TESTS/interop/verify.py" --trace "$VECTORS/good-trace.trace.jsonl" "$VECTORS/good-trace.intoto.jsonl" "$VECTORS/identity.pub.pem"
	assert_success
	assert_contains "$output" "ok trace: the tree's root"
	sed '2s/2/3/' "$VECTORS/good-trace.trace.jsonl" >"$T/other"
	try python3 "$TESTS/interop/verify.py" --trace "$T/other" "$VECTORS/good-trace.intoto.jsonl" "$VECTORS/identity.pub.pem"
	assert_status 1
}

@test "node:crypto: every vector" {
	need_verifier node
	vectors node
}

@test "sandrun verify: every vector, as the others" {
	local file want wrong=''
	while IFS=$'\t' read -r file want; do
		sr verify --key "$VECTORS/identity.pub.pem" "$VECTORS/$file"
		[ "$file" != bad-untrusted-identity.intoto.jsonl ] || want=3 # nothing failed, nobody known signed
		[ "$status" = "$want" ] || wrong+="$file: status $status, expected $want: $(grep -v '^ok' <<<"$output" | head -n 3)"$'\n'
	done < <(rows nobody)
	assert_equal "$wrong" ""
}

@test "verify.sh: nonce, audience and the required level" {
	need_verifier shell
	local v=$TOP/contrib/verify.sh f=$VECTORS/good-challenge.intoto.jsonl key=$VECTORS/identity.pub.pem nonce
	nonce=$(printf '2f%.0s' {1..32})
	try "$v" --nonce "$nonce" --audience verifier.example "$f" "$key"
	assert_success
	assert_contains "$output" "ok         freshness: the nonce is the one that was given"
	try "$v" --nonce "${nonce/2f/2e}" "$f" "$key"
	assert_status 1
	assert_contains "$output" "FAILED     freshness"
	try "$v" --audience verifier.example.org "$f" "$key"
	assert_status 1
	try "$v" --nonce "$nonce" "$VECTORS/good-exited.intoto.jsonl" "$key"
	assert_status 1
	try "$v" "$VECTORS/good-exited.intoto.jsonl" "$key"
	assert_success
	assert_contains "$output" "not shown  freshness"
	assert_contains "$output" "every fact above is the operator's word"
	try "$v" --require quote-present "$VECTORS/good-exited.intoto.jsonl" "$key"
	assert_status 3
	try "$v" --require quote-present "$VECTORS/good-simulated-quote.intoto.jsonl" "$key"
	assert_status 3
	try "$v" --require quote-present "$VECTORS/good-quote-present.intoto.jsonl" "$key"
	assert_success
	for _ in {1..70}; do echo '{}'; done | cat "$f" - >"$T/long"
	try timeout 60 "$v" "$T/long" "$key"
	assert_status 2
	assert_contains "$output" "more than 64 lines"
	try "$v" --require most "$f" "$key"
	assert_status 2
	try "$v" "$f"
	assert_status 2
}

@test "what others wrote cannot draw on the screen or forge a line of ours" {
	local name bad=$T/$'x\nok         everything'
	printf '{"a\xe2\x80\xae\xc2\x9b2J":1,"a\xe2\x80\xae\xc2\x9b2J":1}\n' >"$T/twice"
	for name in shell python node; do
		need_verifier "$name"
		for cert in "$T/twice" "$bad"; do
			verifier "$name" "$cert"
			assert_status 2
			assert_match "$(tail -n 1 <<<"$output")" ^MALFORMED
			[ "$(LC_ALL=C tr -d '\040-\176\n' <<<"$output" | wc -c)" = 0 ] || sr_fail "$name: $(cat -v <<<"$output")"
			[[ $output != *$'\nok '* ]] || sr_fail "$name: a forged line"
		done
	done
	tr '\n' '\0' <"$VECTORS/good-exited.intoto.jsonl" >"$T/nul"
	verifier shell "$T/nul"
	assert_status 2
}

@test "another's key, no key and no certificate: no verifier accepts" {
	local name key f=$VECTORS/good-exited.intoto.jsonl
	printf 'x' >"$T/not.pem"
	for name in shell python node; do
		need_verifier "$name"
		verifier "$name" "$f"
		assert_success
		verifier "$name" "$f" "$VECTORS/other.pub.pem"
		assert_status 1
		for key in "$T/not.pem" "$T/none.pem"; do
			verifier "$name" "$f" "$key"
			assert_status 2
		done
		: >"$T/empty"
		for cert in "$T/empty" "$T/none" "$VECTORS/identity.pub.pem"; do
			verifier "$name" "$cert"
			assert_status 2
		done
	done
}

@test "a changed byte in any payload or signature: no verifier accepts" {
	local name n
	for name in shell python node; do
		need_verifier "$name"
		for n in 0 1 2 3 4 5; do
			flipped "$VECTORS/good-trace.intoto.jsonl" "$n" >"$T/flipped"
			verifier "$name" "$T/flipped"
			[ "$status" = 1 ] || [ "$status" = 2 ] || sr_fail "$name accepted change $n"
		done
	done
}

@test "ssh-keygen: the signature of a vector, and not of another file" {
	require_cmd ssh-keygen
	ssh_verify() {
		try sh -c 'ssh-keygen -Y verify -f "$1" -I identity -n "$2" -s "$3" <"$4"' x "$VECTORS/allowed_signers" "$1" \
			"$VECTORS/good-exited.sshsig" "$VECTORS/$2"
	}
	ssh_verify sandrun-certificate-v1 good-exited.intoto.jsonl
	assert_success
	ssh_verify sandrun-certificate-v1 good-signaled.intoto.jsonl
	[ "$status" -ne 0 ]
	ssh_verify file good-exited.intoto.jsonl
	[ "$status" -ne 0 ]
}

@test "ssh-keygen signs a vector with the same key to the same bytes" {
	require_cmd ssh-keygen
	need_verifier python
	(umask 077 && python3 "$VECTORS/make.py" ssh-key identity >"$T/id")
	cp "$VECTORS/good-exited.intoto.jsonl" "$T/cert"
	try ssh-keygen -Y sign -f "$T/id" -n sandrun-certificate-v1 "$T/cert"
	assert_success
	cmp "$T/cert.sig" "$VECTORS/good-exited.sshsig"
}

@test "openssl alone reopens a commitment of a vector" {
	need_verifier python
	require_cmd openssl
	local salt want
	want=$(jq -r 'select(.payload) | .payload' "$VECTORS/good-private.intoto.jsonl" | sed -n 2p | base64 -d |
		jq -r '.predicate.plan.inputs[0].digest.sandrunHmacSha256V1')
	salt=$(printf 'sandrun-commit-v1\0input\0salaries.csv' |
		openssl dgst -sha256 -mac HMAC -macopt "hexkey:$(printf 'sandrun test vector salt' | sha256sum | cut -c1-64)" | sed 's/.*= *//')
	printf 'ssn,123456789\n' >"$T/salaries.csv"
	assert_equal "$(openssl mac -digest SHA256 -macopt "hexkey:$salt" -in "$T/salaries.csv" HMAC | tr 'A-F' 'a-f')" "$want"
	printf 'ssn,123456780\n' >"$T/salaries.csv"
	[ "$(openssl mac -digest SHA256 -macopt "hexkey:$salt" -in "$T/salaries.csv" HMAC | tr 'A-F' 'a-f')" != "$want" ]
}
