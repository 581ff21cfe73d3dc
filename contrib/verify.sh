#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Verifies a sandrun certificate with openssl, jq and the tools of every Linux system: nothing of sandrun's own, no network.
#
#   verify.sh [--nonce HEX] [--audience NAME] [--require LEVEL] CERTIFICATE IDENTITY.pub.pem
#
# IDENTITY.pub.pem is the public key (SubjectPublicKeyInfo, PEM) of the sandrun that you trust, from somewhere else than the
# certificate. LEVEL is self-asserted, simulated-quote or quote-present, the least first. One line a check.
# Exit status: 0 every check holds, 1 one fails, 2 malformed or misused, 3 below LEVEL.
#
# Needs openssl 3, jq 1.6, iconv and coreutils. What it cannot see, and `sandrun verify` can: public keys outside the main
# subgroup of Ed25519 that are not of small order (whoever made such a key signs as usual; nobody else can).
set -u
LC_ALL=C
export LC_ALL

TYPE='application/vnd.in-toto+json'
STATEMENT=https://in-toto.io/Statement/v1
MAX_BYTES=16777216
MAX_LINES=64
nonce='' audience='' require=''

usage() {
	sed -n '4,7s/^# \{0,1\}//p' "$0" >&2
	exit 2
}

# What others wrote may hold control characters, and newlines that would look like a check of ours.
say() { printf '%s' "$*" | tr -c '\040-\176' '?' && echo; }
ok() { say "ok         $*"; }
failed() { say "FAILED     $*"; exit 1; }
malformed() { say "MALFORMED  $*"; exit 2; }

while [ $# -gt 0 ]; do
	case $1 in
	--nonce | --audience | --require) [ $# -ge 2 ] || usage ;;
	esac
	case $1 in
	--nonce) nonce=$2 && shift 2 ;;
	--audience) audience=$2 && shift 2 ;;
	--require) require=$2 && shift 2 ;;
	--) shift && break ;;
	-*) usage ;;
	*) break ;;
	esac
done
[ $# -eq 2 ] || usage
rank() { case $1 in '' | self-asserted) echo 0 ;; simulated-quote) echo 1 ;; quote-present) echo 2 ;; *) return 1 ;; esac; }
rank "$require" >/dev/null || usage
for tool in openssl jq iconv base64 od mktemp; do
	command -v "$tool" >/dev/null 2>&1 || { echo "verify.sh: $tool is needed" >&2; exit 2; }
done
certificate=$1 identity=$2
w=$(mktemp -d) || exit 2
trap 'rm -rf "$w"' EXIT
trap 'exit 2' INT TERM HUP

sha256() { openssl dgst -sha256 -r <"$1" | cut -c1-64; }
# Compared inside jq: the shell cuts newlines off the end of a text, and NULs out of it.
same() { jq -e --arg wanted "$3" "($2) == \$wanted" <"$1" >/dev/null 2>&1; } # FILE FILTER TEXT

# One JSON object, in UTF-8, no member twice (jq takes the last of two; its stream shows both), not deeper than 32, no NUL in
# a text, and no number but integers below 10^16 (jq takes 1.0 for 1, and two that a double cannot tell apart for one).
check_json() { # FILE NAME
	iconv -f UTF-8 -t UTF-8 <"$1" >/dev/null 2>&1 || malformed "$2: no UTF-8"
	jq -se 'length == 1 and (.[0] | type == "object" and ([paths | length] | max // 0) <= 32)' <"$1" >/dev/null 2>&1 ||
		malformed "$2: not one JSON object, or nested too deeply"
	twice=$(jq -c --stream 'if length == 2 then .[0] else .[0][:-1] end' <"$1" | sort | uniq -d)
	[ -z "$twice" ] || malformed "$2: a member stands twice: $(printf %s "$twice" | head -n 1)"
	! grep -qE '(^|[^\\])(\\\\)*\\u0000' <"$1" || malformed "$2: a NUL in a text"
	! sed -E 's/"([^"\\]|\\.)*"//g' "$1" | grep -qE '[0-9][.eE]|[0-9]{17}' || malformed "$2: a number that is no exact integer"
}

# Standard or URL-safe base64, encoded in the only right way.
decode() { # TEXT-FILE OUT NAME
	if grep -q '[-_]' "$1"; then
		! grep -q '[+/]' "$1" || malformed "$3: two base64 alphabets in one text"
		tr -- '-_' '+/' <"$1" >"$w/b64"
	else
		cat "$1" >"$w/b64"
	fi
	base64 -d <"$w/b64" >"$2" 2>/dev/null || malformed "$3: bad base64"
	base64 -w 0 <"$2" | cmp -s - "$w/b64" || malformed "$3: bad base64"
}

# A key whose signature anybody can make (small order), or written in another than the one right way: OpenSSL accepts both.
check_key() { # RAW-32-BYTES NAME
	hex=$(od -An -v -tx1 <"$1" | tr -d ' \n')
	[ ${#hex} -eq 64 ] || malformed "$2: no Ed25519 key"
	case $hex in
	0000000000000000000000000000000000000000000000000000000000000000 | \
	0000000000000000000000000000000000000000000000000000000000000080 | \
	0100000000000000000000000000000000000000000000000000000000000000 | \
	0100000000000000000000000000000000000000000000000000000000000080 | \
	26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05 | \
	26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85 | \
	c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a | \
	c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa | \
	ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f | \
	ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff)
		failed "$2: a key of small order, whose signatures anybody can make" ;;
	e[def]ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff[7f]f | \
	f?ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff[7f]f)
		failed "$2: a key in an encoding that is not canonical" ;;
	esac
}

# The key as DER in $2.der, its 32 bytes in $2.raw and its PEM in $2.pem.
take_key() { # PEM-FILE OUT NAME
	openssl pkey -pubin -in "$1" -outform DER >"$2.der" 2>/dev/null || malformed "$3: no public key in PEM"
	[ "$(wc -c <"$2.der")" -eq 44 ] || malformed "$3: no Ed25519 key"
	[ "$(head -c 12 "$2.der" | od -An -v -tx1 | tr -d ' \n')" = 302a300506032b6570032100 ] || malformed "$3: no Ed25519 key"
	tail -c 32 "$2.der" >"$2.raw"
	check_key "$2.raw" "$3"
	cp "$1" "$2.pem"
}

check_signature() { # NAME KEY WHOSE
	{ printf 'DSSEv1 28 %s %d ' "$TYPE" "$(wc -c <"$w/$1")"; cat "$w/$1"; } >"$w/pae"
	# openssl wants -rawin for Ed25519, and a regular file
	openssl pkeyutl -verify -rawin -pubin -inkey "$2.pem" -in "$w/pae" -sigfile "$w/$1.sig" >/dev/null 2>&1 ||
		failed "$1: the signature is not by $3"
	ok "$1: signed by $3"
}

equal() { # NAME FILE FILTER TEXT
	same "$2" "$3" "$4" || failed "$1"
	ok "$1"
}

# --- the three lines, in any order among others -----------------------------------------------------------------------------

if ! [ -f "$certificate" ] || ! [ -r "$certificate" ]; then
	malformed "$certificate cannot be read"
fi
[ "$(wc -c <"$certificate")" -le "$MAX_BYTES" ] || malformed "$certificate: more than $MAX_BYTES bytes"
[ "$(tr -d '\000' <"$certificate" | wc -c)" -eq "$(wc -c <"$certificate")" ] || malformed "$certificate: a NUL"
take_key "$identity" "$w/identity" "$identity"

n=0
while IFS= read -r line || [ -n "$line" ]; do
	n=$((n + 1))
	[ "$n" -le "$MAX_LINES" ] || malformed "$certificate: more than $MAX_LINES lines"
	printf '%s\n' "$line" >"$w/line"
	check_json "$w/line" "line $n"
	jq -e 'has("payload") or has("payloadType")' <"$w/line" >/dev/null || continue
	same "$w/line" .payloadType "$TYPE" || malformed "line $n: another payloadType than $TYPE"
	jq -je '.payload | strings' <"$w/line" >"$w/text" || malformed "line $n: no payload"
	decode "$w/text" "$w/payload" "line $n, payload"
	check_json "$w/payload" "line $n, payload"
	name=$(jq -r '.predicateType as $type | "run-open", "execution", "run-close" |
		select($type == "https://sandrun.io/" + . + "/v0.1")' <"$w/payload")
	[ -n "$name" ] || continue
	same "$w/payload" ._type "$STATEMENT" || malformed "$name: another _type than $STATEMENT"
	[ ! -e "$w/$name" ] || failed "two $name lines"
	jq -e '.signatures | arrays | length == 1' <"$w/line" >/dev/null || malformed "$name: not exactly one signature"
	jq -je '.signatures[0].sig | strings' <"$w/line" >"$w/text" 2>/dev/null || malformed "$name: no signature"
	decode "$w/text" "$w/$name.sig" "$name, signature"
	mv "$w/payload" "$w/$name"
done <"$certificate"
[ "$n" -gt 0 ] || malformed "$certificate: empty"
for name in run-open execution run-close; do
	[ -e "$w/$name" ] || failed "no $name line"
done

# --- who signed: the identity endorses the ephemeral key, which signed the execution -----------------------------------------

check_signature run-open "$w/identity" "the identity key $(sha256 "$w/identity.der")"
jq -je '.predicate.ephemeralKey.spki | strings' <"$w/run-open" >"$w/text" 2>/dev/null || malformed "run-open: no ephemeral key"
decode "$w/text" "$w/spki" "run-open, ephemeral key"
openssl pkey -pubin -inform DER -in "$w/spki" -out "$w/spki.pem" 2>/dev/null || malformed "run-open: no ephemeral key"
take_key "$w/spki.pem" "$w/ephemeral" "run-open, ephemeral key"
cmp -s "$w/spki" "$w/ephemeral.der" || malformed "run-open: the ephemeral key is written in another form"
check_signature execution "$w/ephemeral" "the ephemeral key that run-open endorses"
check_signature run-close "$w/identity" "the identity key"

# --- one run: the links ----------------------------------------------------------------------------------------------------------

# Two members that are both missing are no link, and jq finds them equal.
jq -e --slurpfile open "$w/run-open" --slurpfile close "$w/run-close" '
	def text: type == "string" and . != "";
	def count: . == null or (type == "number" and . >= 1);
	$open[0].predicate as $o | $close[0].predicate as $c | .predicate as $e
	| all($o, $e, $c; .runId | text) and all($o, $c; .sequence | has("counter") and (.counter | count))
	and all($o, $e; has("challenge") and (.challenge | . == null or type == "object"))
	and ($c.ephemeralKey.signaturesIssued | type == "number") and $e.plan.network == "none"
	and all($o.issuedAt, $o.expiresAt, $e.result.finishedAt; text) and ($e.result.startedAt | . == null or text)
	and ($e.attestation | type == "array") and ($e.result | has("error")
		and (.outcome | IN("exited", "signaled", "limit", "setup-failed", "killed"))
		and (.exitCode, .signal | . == null or type == "number")
		and (.limitHit | IN(null, "wall-time", "cpu-time", "memory", "host-memory", "output")))
	' <"$w/execution" >/dev/null 2>&1 || malformed "a field has not the form that it must have"
opened=$(sha256 "$w/run-open")
ephemeral=$(sha256 "$w/ephemeral.der")
executed=$(sha256 "$w/execution")
links=$(jq -r --slurpfile open "$w/run-open" --slurpfile close "$w/run-close" --arg opened "$opened" \
	--arg executed "$executed" --arg identity "$(sha256 "$w/identity.der")" --arg ephemeral "$ephemeral" '
	$open[0] as $o | $close[0] as $c | . as $e | [
	["run-open: names this identity", $o.predicate.worker.identityKeyId, $identity],
	["run-open: its subject is the ephemeral key", $o.subject[0].digest.sha256, $ephemeral],
	["execution: belongs to this run-open", $e.predicate.runOpen.digest.sha256, $opened],
	["execution: its first subject is the run", $e.subject[0].name + " " + $e.subject[0].digest.sha256, "run " + $opened],
	["execution: the same run id", $e.predicate.runId, $o.predicate.runId],
	["execution: the same challenge", $e.predicate.challenge, $o.predicate.challenge],
	["run-close: belongs to this run-open", $c.predicate.runOpen.digest.sha256, $opened],
	["run-close: names this execution", $c.subject[0].digest.sha256, $executed],
	["run-close: the same run id", $c.predicate.runId, $o.predicate.runId],
	["run-close: the same run counter", $c.predicate.sequence.counter, $o.predicate.sequence.counter],
	["run-close: the ephemeral key was destroyed after one signature",
		($c.predicate.ephemeralKey | [.keyId, .state, .signaturesIssued]), [$ephemeral, "zeroed", 1]]
	] | .[] | (if .[1] == .[2] then "ok\t" else "FAILED\t" end) + .[0]' <"$w/execution" 2>&1) || malformed "the links: $links"
while IFS='	' read -r verdict text; do
	[ "$verdict" = ok ] || failed "$text"
	ok "$text"
done <<END
$links
END
# jq writes the control characters of a text as \u001f, sandrun as \u001F
jq -cjS .predicate.plan <"$w/execution" | sed -E ':a
s/(^|[^\\])((\\\\)*)\\u00([01])([a-f])/\1\2\\u00\4\U\5\E/
ta
:b
s/(^|[^\\])((\\\\)*)\\u007f/\1\2\x7f/
tb' >"$w/plan"
equal "execution: the plan is the one that run-open named" "$w/run-open" .predicate.plan.digest.sha256 "$(sha256 "$w/plan")"

# --- the execution does not contradict itself --------------------------------------------------------------------------------------

jq -e 'def digest_set: type == "object" and (keys == ["sha256"] or keys == ["sandrunHmacSha256V1"])
		and (.[] | type == "string" and test("^[0-9a-f]{64}$"));
	.predicate as $p | [.subject[], $p.plan.inputs[], ($p.plan.script | objects), ($p.result.stdin | objects)]
	| all(.digest | digest_set)' <"$w/execution" >/dev/null 2>&1 ||
	malformed "execution: a digest is neither one SHA-256 nor one commitment"
wrong=$(jq -r --slurpfile open "$w/run-open" '
	.predicate as $p | $p.result as $r | $open[0].predicate as $o | [
	(if ([.subject[].name] | length == (unique | length) and all(test("^/|(^|/)[.][.](/|$)") | not)) then empty
		else "a subject stands twice or leads out of the output folder" end),
	(if ($r.exitCode != null and $r.signal != null) then "an exit code and a signal" else empty end),
	(if ($r.outcome == "exited") == ($r.exitCode != null) then empty else "the exit code does not fit the outcome" end),
	(if ($r.outcome == "setup-failed") == ($r.error != null) then empty else "the error does not fit the outcome" end),
	(if ($r.outcome == "limit") == ($r.limitHit != null) then empty else "the limit does not fit the outcome" end),
	(if ($r.startedAt != null and $r.startedAt > $r.finishedAt) or $o.issuedAt > ($r.startedAt // $r.finishedAt)
		or $o.issuedAt > $o.expiresAt then "impossible times" else empty end),
	(if ($p.assurance == "self-asserted") == ($p.attestation == []) then empty else "the assurance does not fit the evidence" end),
	(if $p.assurance == "quote-present" and ($p.attestation | any(.simulated)) then "simulated evidence raises the assurance" else empty end)
	] | .[]' <"$w/execution" 2>&1) || malformed "execution: $wrong"
[ -z "$wrong" ] || failed "execution: $(printf %s "$wrong" | head -n 1)"
ok "execution: no contradiction"

{ printf 'DSSEv1 38 application/vnd.sandrun.report-data.v1 %d ' "$(wc -c <"$w/run-open")"; cat "$w/run-open"; } >"$w/pae"
report=$(openssl dgst -sha512 -r <"$w/pae" | cut -c1-128)
jq -e '.predicate.attestation == []' <"$w/execution" >/dev/null || equal "attestation: the evidence was made for this run" \
	"$w/execution" '.predicate.attestation | map(.reportData) | if unique | length == 1 then .[0] else null end' "$report"

# --- what was asked ------------------------------------------------------------------------------------------------------------------

if [ -n "$nonce" ]; then
	equal "freshness: the nonce is the one that was given" "$w/run-open" .predicate.challenge.nonce "$nonce"
elif jq -e '.predicate.challenge == null' <"$w/run-open" >/dev/null; then
	printf 'not shown  freshness: nobody gave a nonce\n'
else
	printf 'not shown  freshness: the nonce was not compared (--nonce)\n'
fi
if [ -n "$audience" ]; then
	equal "audience: this one" "$w/run-open" .predicate.challenge.audience "$audience"
fi
jq -r <"$w/execution" '.predicate.result | "outcome    \(.outcome), exit code \(.exitCode), signal \(.signal), limit \(.limitHit)"'
assurance=$(jq -c .predicate.assurance <"$w/execution" | tr -d '"')
case $assurance in
quote-present) echo "assurance  quote-present: bound to this run; whether the quote is genuine was not checked" ;;
simulated-quote) echo "assurance  simulated-quote: stands for nothing; every fact above is the operator's word" ;;
self-asserted) echo "assurance  self-asserted: every fact above is the operator's word" ;;
*) malformed "execution: unknown assurance" ;;
esac
if [ "$(rank "$assurance")" -lt "$(rank "$require")" ]; then
	echo "BELOW      $require was required"
	exit 3
fi
exit 0
