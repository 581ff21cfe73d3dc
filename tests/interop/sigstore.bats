#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Exported bundles, verified by the sigstore project's own packages.

load ../lib/common
load interop
BATS_TEST_TIMEOUT=300

PACKAGES=$BUILD/interop/sigstore

setup_file() {
	command -v npm >/dev/null && command -v node >/dev/null || return 0
	[ -d "$PACKAGES/node_modules/@sigstore/verify" ] || [ ! -w "$BUILD" ] ||
		timeout 200 "$TESTS/interop/sigstore/install" "$PACKAGES" >"$BATS_FILE_TMPDIR/npm.log" 2>&1 3>&- || true
}

setup() {
	require_cmd node npm
	[ -d "$PACKAGES/node_modules/@sigstore/verify" ] || skip "npm could not fetch the packages of tests/interop/sigstore"
	cd "$T"
	export XDG_DATA_HOME=$T/data XDG_STATE_HOME=$T/state
	KEY=$VECTORS/identity.pub.pem
	GOOD=$VECTORS/good-exited.intoto.jsonl
}

# sigstore BUNDLE KEY [strict]
sigstore() {
	try timeout 60 node "$TESTS/interop/sigstore/verify.mjs" "$PACKAGES" "$@"
}

# The run's own key, out of run-open, as PEM.
ephemeral() {
	head -n 1 "$1" | jq -j .payload | base64 -d | jq -r .predicate.ephemeralKey.spki | base64 -d |
		openssl pkey -pubin -inform DER -out "$2"
}

bundle() {
	"$SANDRUN" export --sigstore-bundle --line "$1" --key "${3:-$KEY}" "$2" 3>&-
}

@test "each line as a bundle: @sigstore/verify accepts it, from its signer alone" {
	local line key
	ephemeral "$GOOD" ephemeral.pem
	for line in run-open execution run-close; do
		bundle "$line" "$GOOD" >"$line.json"
		key=$KEY
		[ "$line" != execution ] || key=ephemeral.pem
		sigstore "$line.json" "$key"
		assert_success
		assert_output "accepted https://sandrun.io/$line/v0.1"
		sigstore "$line.json" "$VECTORS/other.pub.pem"
		assert_status 1
		assert_contains "$output" SIGNATURE_ERROR
	done
	sigstore execution.json "$KEY"
	assert_status 1
}

@test "a changed payload, signature or payloadType: refused" {
	local filter
	bundle run-open "$GOOD" >good.json
	for filter in '.dsseEnvelope.payload |= "A" + .[1:]' '.dsseEnvelope.signatures[0].sig |= "A" + .[1:]' \
		'.dsseEnvelope.payloadType = "application/json"' '.dsseEnvelope.signatures += .dsseEnvelope.signatures' \
		'.dsseEnvelope.signatures = []' 'del(.verificationMaterial)'; do
		jq -c "$filter" good.json >bad.json
		cmp -s good.json bad.json && sr_fail "nothing was changed: $filter"
		sigstore bad.json "$KEY"
		assert_status 1
		assert_match "$output" '^refused '
	done
	sigstore good.json "$KEY"
	assert_success
}

@test "the package's own thresholds want a log and a time, which a run without a network has not" {
	bundle run-open "$GOOD" >good.json
	sigstore good.json "$KEY" strict
	assert_status 1
	assert_contains "$output" TIMESTAMP_ERROR
}

@test "a real run's bundle" {
	require_user
	sr --certificate real.jsonl -- sh -c 'exit 3'
	assert_status 3
	ephemeral real.jsonl ephemeral.pem
	bundle execution real.jsonl "$XDG_DATA_HOME/sandrun/identity.pub.pem" >real.json
	sigstore real.json ephemeral.pem
	assert_success
	sigstore real.json "$XDG_DATA_HOME/sandrun/identity.pub.pem"
	assert_status 1
}
