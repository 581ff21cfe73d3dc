#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# sandrun export: a certificate in the forms of others. tests/interop/sigstore.bats has their own verifiers.

load ../lib/common

setup() {
	cd "$T"
	umask 022
	export XDG_DATA_HOME=$T/data XDG_STATE_HOME=$T/state
	V=$TESTS/vectors
	KEY=$V/identity.pub.pem
	GOOD=$V/good-exited.intoto.jsonl
}

# ours NAME: the vectors' key NAME becomes this user's identity
ours() {
	python3 -c 'import cryptography' 2>/dev/null || skip "no python3-cryptography on this machine"
	mkdir -p -m 700 "$XDG_DATA_HOME/sandrun"
	(umask 077 && python3 "$V/make.py" key "$1" >"$XDG_DATA_HOME/sandrun/identity.key")
	cp "$V/$1.pub.pem" "$XDG_DATA_HOME/sandrun/identity.pub.pem"
}

export_() {
	sr export --key "$KEY" "$@"
}

payload() {
	sed -n "$1p" "$GOOD" | jq -j .payload | base64 -d
}

@test "--sigstore-bundle: one envelope, the hint is the signing key's id" {
	export_ --sigstore-bundle "$GOOD"
	assert_success
	assert_equal "$(jq -r .mediaType <<<"$output")" application/vnd.dev.sigstore.bundle.v0.3+json
	assert_equal "$(jq -j .dsseEnvelope.payload <<<"$output" | base64 -d | sha256sum)" "$(payload 2 | sha256sum)"
	assert_equal "$(jq -c '.verificationMaterial | [keys[], .publicKey.hint]' <<<"$output")" \
		"$(jq -c '["publicKey", .signatures[0].keyid]' <<<"$(sed -n 2p "$GOOD")")"
	assert_equal "$(jq -r '.dsseEnvelope.signatures[0].keyid' <<<"$output")" "$(jq -r .verificationMaterial.publicKey.hint <<<"$output")"
	local line n=0
	for line in run-open execution run-close; do
		n=$((n + 1))
		export_ --sigstore-bundle --line "$line" "$V/good-reordered.intoto.jsonl"
		assert_success
		assert_equal "$(jq -c .dsseEnvelope <<<"$output")" "$(sed -n ${n}p "$GOOD")"
	done
}

@test "--sigstore-bundle: a wrong or missing key id and the other base64 come out right" {
	local form
	export_ --sigstore-bundle "$GOOD"
	local plain=$output
	for form in no-keyid wrong-keyid url-safe unknown-lines; do
		export_ --sigstore-bundle "$V/good-$form.intoto.jsonl"
		assert_success
		assert_output "$plain"
	done
}

@test "--slsa: provenance v1, of a builder of our own" {
	export_ --slsa "$GOOD"
	assert_success
	printf '%s' "$output" >slsa.json
	try python3 - "$(payload 1 | sha256sum | cut -c1-64)" "$(payload 2 | sha256sum | cut -c1-64)" <<'END'
import json, re, sys
s = json.load(open("slsa.json"))
assert set(s) == {"_type", "subject", "predicateType", "predicate"}
assert s["_type"] == "https://in-toto.io/Statement/v1" and s["predicateType"] == "https://slsa.dev/provenance/v1"
assert [x["name"] for x in s["subject"]] == ["run", "stdout", "stderr", "out/n.txt"]
p = s["predicate"]
assert set(p) == {"buildDefinition", "runDetails"}
b, r = p["buildDefinition"], p["runDetails"]
assert set(b) == {"buildType", "externalParameters", "internalParameters", "resolvedDependencies"}
assert b["buildType"] == "https://sandrun.io/execution/v0.1" and b["externalParameters"]["network"] == "none"
assert not set(b["externalParameters"]) & set(b["internalParameters"])
assert "No SLSA build level is claimed" in b["internalParameters"]["note"]
for d in b["resolvedDependencies"] + r["byproducts"]:
    assert d["digest"] and set(d) <= {"name", "uri", "digest", "content", "downloadLocation", "mediaType", "annotations"}
assert {(d["annotations"]["role"], d["name"]) for d in b["resolvedDependencies"]} == {
    ("input", "hello.txt"), ("script", "primes.py"), ("profile", "default")}
assert set(r) == {"builder", "metadata", "byproducts"}
assert re.fullmatch("https://sandrun.io/builder/self-asserted/v0.1", r["builder"]["id"])
assert all(isinstance(v, str) for v in r["builder"]["version"].values())
assert set(r["metadata"]) == {"invocationId", "startedOn", "finishedOn"}
assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", r["metadata"][k]) for k in ("startedOn", "finishedOn"))
assert {d["name"]: d["digest"]["sha256"] for d in r["byproducts"]}["run-open"] == sys.argv[1]
assert {d["name"]: d["digest"]["sha256"] for d in r["byproducts"]}["execution"] == sys.argv[2]
print("fits")
END
	assert_output fits
	assert_success
}

@test "--slsa of a run that did not succeed is refused: provenance cannot say so" {
	local end
	for end in signaled limit setup-failed killed; do
		export_ --slsa "$V/good-$end.intoto.jsonl"
		assert_error 1 "the run did not end with exit code 0" "hint: "
		export_ --sigstore-bundle "$V/good-$end.intoto.jsonl"
		assert_success
	done
}

@test "--slsa of a private run: commitments stay commitments" {
	export_ --slsa "$V/good-private.intoto.jsonl"
	assert_success
	assert_equal "$(jq -c '[.subject[1:][].digest | keys[]] | unique' <<<"$output")" '["sandrunHmacSha256V1"]'
	assert_equal "$(jq -c '.predicate.buildDefinition.resolvedDependencies[] | select(.name == "salaries.csv") | .digest | keys' <<<"$output")" \
		'["sandrunHmacSha256V1"]'
	refute_contains "$output" "$(printf 'ssn,123456789\n' | sha256sum | cut -c1-64)"
}

@test "--sign: an envelope that openssl verifies with the identity's public key" {
	ours identity
	sr export --slsa --sign "$GOOD"
	assert_success
	printf '%s\n' "$output" >signed.json
	assert_equal "$(wc -l <signed.json)" 1
	jq -j .payload signed.json | base64 -d >body
	{ printf 'DSSEv1 28 application/vnd.in-toto+json %d ' "$(wc -c <body)"; cat body; } >pae
	jq -j '.signatures[0].sig' signed.json | base64 -d >sig
	try openssl pkeyutl -verify -rawin -pubin -inkey "$KEY" -in pae -sigfile sig
	assert_success
	try openssl pkeyutl -verify -rawin -pubin -inkey "$V/other.pub.pem" -in pae -sigfile sig
	[ "$status" -ne 0 ]
	sr export --slsa "$GOOD"
	assert_output "$(cat body)"
}

@test "--ssh-signature: the bytes that ssh-keygen would have written" {
	ours identity
	"$SANDRUN" export --ssh-signature "$GOOD" >out.sshsig 3>&-
	cmp out.sshsig "$V/good-exited.sshsig"
	sr_raw export --ssh-signature - <"$GOOD" >stdin.sshsig
	cmp stdin.sshsig out.sshsig
}

@test "the identity key signs for its own runs alone" {
	ours other
	export_ --ssh-signature "$GOOD"
	assert_error 1 "cannot sign: the certificate is of another identity, 06f12b28"
	export_ --slsa --sign "$GOOD"
	assert_error 1 "cannot sign"
	rm "$XDG_DATA_HOME/sandrun/identity.key"
	export_ --ssh-signature "$GOOD"
	assert_error 125 "cannot sign: this user has no identity key"
	[ ! -e "$XDG_DATA_HOME/sandrun/identity.key" ]
}

@test "--runtime-trace: in-toto's lists, with the log that was signed and no other" {
	cp "$V/good-trace.intoto.jsonl" "$V/good-trace.trace.jsonl" .
	mv good-trace.trace.jsonl elsewhere
	export_ --runtime-trace --trace elsewhere good-trace.intoto.jsonl
	assert_success
	assert_equal "$(jq -r .predicateType <<<"$output")" https://in-toto.io/attestation/runtime-trace/v0.1
	assert_equal "$(jq -c '.predicate | keys' <<<"$output")" '["metadata","monitor","monitorLog","monitoredProcess"]'
	assert_equal "$(jq -c '.predicate.monitoredProcess | keys' <<<"$output")" '["event","hostID","type"]'
	assert_equal "$(jq -c '.predicate.monitorLog | map_values(length)' <<<"$output")" '{"fileAccess":2,"network":2,"process":3}'
	assert_equal "$(jq -c '[.predicate.monitorLog.fileAccess[].uri]' <<<"$output")" '["file:///etc/a%20%c3%bc%25","file:///work/%ff.bin"]'
	assert_equal "$(jq -c '.predicate.monitorLog.network[0] | [.ip, .port, .result, .invokingProcess]' <<<"$output")" \
		'["192.0.2.1",443,"ENETUNREACH",{"pid":2,"tid":2}]'
	assert_equal "$(jq -c '.predicate.monitor.tracePolicy | [.complete, .dropped]' <<<"$output")" '[true,0]'
	local named=$output place
	for place in "$(payload_run_id good-trace.intoto.jsonl).trace.jsonl" good-trace.intoto.jsonl.trace.jsonl good-trace.trace.jsonl; do
		cp elsewhere "$place"
		export_ --runtime-trace "$T/good-trace.intoto.jsonl"
		assert_success
		assert_output "$named"
		rm "$place"
	done
	export_ --runtime-trace good-trace.intoto.jsonl
	assert_error 125 "cannot read the trace's log beside good-trace.intoto.jsonl: No such file" "hint: --trace FILE"
	# what merely lies there: a FIFO does not hold us, a link is not followed
	mkfifo good-trace.trace.jsonl
	run --separate-stderr timeout 20 "$SANDRUN" export --key "$KEY" --runtime-trace good-trace.intoto.jsonl
	assert_error 125 "cannot read the trace's log beside good-trace.intoto.jsonl"
	rm good-trace.trace.jsonl
	ln -s elsewhere good-trace.trace.jsonl
	export_ --runtime-trace good-trace.intoto.jsonl
	assert_error 125 "cannot read the trace's log beside good-trace.intoto.jsonl"
	rm good-trace.trace.jsonl
	export_ --runtime-trace --trace none good-trace.intoto.jsonl
	assert_error 125 "cannot read none: No such file"
	sed '2d' "$V/good-trace.trace.jsonl" >cut.jsonl
	export_ --runtime-trace --trace cut.jsonl good-trace.intoto.jsonl
	assert_error 1 "the log is not the one that was signed"
	export_ --runtime-trace --trace elsewhere "$GOOD"
	assert_error 1 "the run was not traced"
}

payload_run_id() {
	head -n 1 "$1" | jq -j .payload | base64 -d | jq -r .predicate.runId
}

# forged NAME CHANGE: NAME.intoto.jsonl and its log, of a run whose lines CHANGE (Python: r, the run; e(...), a log with that event)
forged() {
	python3 -c 'import cryptography' 2>/dev/null || skip "no python3-cryptography on this machine"
	python3 - "$V" "$1" "$2" <<'END'
import sys
sys.path.insert(0, sys.argv[1])
sys.dont_write_bytecode = True
import make
def e(**event):
    line = make.compact(event) + b"\n"
    r.log = line
    r.trace.update(treeSize=1, rootHash=make.tree_root([line]).hex(), digest=make.digest_of(line))
r = make.Run("forged", 7)
make.traced(r)
exec(sys.argv[3])
make.put(".", sys.argv[2] + ".intoto.jsonl", make.text(r.envelopes()))
make.put(".", sys.argv[2] + ".trace.jsonl", r.log)
END
}

@test "--runtime-trace: a log that fits the digest and nothing else, or that holds no paths" {
	forged good 'e(event="open", path="/a", how="exe", result=0)'
	export_ --runtime-trace good.intoto.jsonl
	assert_success
	forged root 'r.trace.update(rootHash=64 * "0")'
	export_ --runtime-trace root.intoto.jsonl
	assert_error 1 "cannot export the trace: the tree over the file's lines has another root"
	forged size 'r.trace.update(treeSize=99)'
	export_ --runtime-trace size.intoto.jsonl
	assert_error 1 "99 were signed"
	forged leaves 'e(event="connect", family="inet", address="192.0.2.7", port=443, how="descriptor", result=0)'
	export_ --runtime-trace leaves.intoto.jsonl
	assert_error 1 "a connection that left the sandbox"
	local hex
	for hex in zz 6 6A -1; do
		forged hex "e(event='open', path='x', pathHex='$hex', how='exe', result=0)"
		export_ --runtime-trace hex.intoto.jsonl
		assert_error 1 "a path that is not in hex"
	done
	forged nopath 'e(event="open", pathHex="61ff", how="exe", result=0)'
	export_ --runtime-trace nopath.intoto.jsonl
	assert_success
	assert_equal "$(jq -c '.predicate.monitorLog.fileAccess[] | [.uri, .name]' <<<"$output")" '["file://a%ff",null]'
}

@test "--ssh-signature: no line is signed that nobody looked at" {
	ours identity
	{ cat "$GOOD"; echo '{"note":"x"}'; } >more.jsonl
	export_ --sigstore-bundle more.jsonl
	assert_success
	export_ --ssh-signature more.jsonl
	assert_error 1 "other lines than the certificate's three" "hint: sign a file with the three lines alone"
}

@test "what does not hold is not exported, in any form" {
	ours identity
	local form file
	for form in --sigstore-bundle --slsa --runtime-trace --ssh-signature; do
		export_ "$form" "$V/bad-payload-byte.intoto.jsonl"
		assert_error 1 "cannot export $V/bad-payload-byte.intoto.jsonl"
		export_ "$form" "$V/bad-double-key.intoto.jsonl"
		assert_error 2 "cannot export"
		export_ "$form" "$V/bad-untrusted-identity.intoto.jsonl"
		assert_error 1 "hint: --key FILE or --trust DIR"
	done
	rm -r "$XDG_DATA_HOME/sandrun"
	sr export --slsa "$GOOD"
	assert_error 1 "hint: --key FILE or --trust DIR"
}

@test "how it is called" {
	sr export --help
	assert_success
	assert_contains "$output" "--sigstore-bundle"
	export_ "$GOOD"
	assert_error 125 "it needs a form"
	export_ --slsa
	assert_error 125 "it takes one certificate"
	export_ --slsa "$GOOD" "$GOOD"
	assert_error 125 "it takes one certificate"
	export_ --slsa --sigstore-bundle "$GOOD"
	assert_error 125 "one form at a time"
	export_ --slsa --line run-open "$GOOD"
	assert_error 125 "it goes with --sigstore-bundle"
	export_ --sigstore-bundle --line first "$GOOD"
	assert_error 125 "it takes run-open, execution or run-close"
	export_ --sigstore-bundle --line
	assert_error 125 "it takes run-open, execution or run-close"
	export_ --sigstore-bundle --sign "$GOOD"
	assert_error 125 "it goes with --slsa and --runtime-trace"
	export_ --slsa --trace x "$GOOD"
	assert_error 125 "it goes with --runtime-trace"
	export_ --slsa --json "$GOOD"
	assert_error 125 "no such option"
	export_ --slsa none.jsonl
	assert_error 125 "none.jsonl" "No such file"
	sr_capture sh -c '"$SANDRUN" export --slsa --key "$1" "$2" >/dev/full 3>&-' x "$KEY" "$GOOD"
	assert_status 125
	assert_contains "$stderr" "cannot write to standard output"
}
