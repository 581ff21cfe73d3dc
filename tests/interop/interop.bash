# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# Certificates checked by others' tools:    load ../lib/common; load interop
#
#   verifier NAME CERT [KEY]    runs one of: shell (contrib/verify.sh: openssl and jq), python (python3-cryptography),
#                               node (node:crypto); KEY is identity.pub.pem by default. $status, $output as with `try`.
#   vectors NAME                that verifier gives every test vector the status that tests/vectors/expected lists
#   flipped CERT N              the certificate with one byte changed: in line N/2's payload, or in its signature
#
# shellcheck disable=SC2034  # for the files that load this one

VECTORS=$TESTS/vectors

need_verifier() {
	case $1 in
	shell) require_cmd openssl jq iconv ;;
	python) python3 -c 'import cryptography' 2>/dev/null || skip "no python3-cryptography on this machine" ;;
	node) require_cmd node ;;
	esac
}

verifier() {
	local key=${3:-$VECTORS/identity.pub.pem}
	case $1 in
	shell) try timeout 60 "$TOP/contrib/verify.sh" "$2" "$key" ;;
	python) try timeout 60 python3 "$TESTS/interop/verify.py" "$2" "$key" ;;
	node) try timeout 60 node "$TESTS/interop/verify.mjs" "$2" "$key" ;;
	esac
}

# The rows of tests/vectors/expected for a verifier: FILE<TAB>STATUS.
rows() {
	awk -F'\t' -v blind="$1" '!/^#/ { print $1 "\t" ($3 == blind ? 0 : $2) }' "$VECTORS/expected"
}

vectors() {
	local file want seen=0 wrong='' blind=$1
	[ "$blind" != shell ] || blind=verify.sh
	while IFS=$'\t' read -r file want; do
		verifier "$1" "$VECTORS/$file"
		[ "$status" = "$want" ] || wrong+="$file: status $status, expected $want: $(tail -n 1 <<<"$output")"$'\n'
		seen=$((seen + 1))
	done < <(rows "$blind")
	assert_equal "$wrong" ""
	[ "$seen" -ge 45 ] || sr_fail "only $seen vectors"
}

flipped() {
	python3 - "$1" "$2" <<'END'
import json, sys
lines = [json.loads(l) for l in open(sys.argv[1], encoding="utf-8")]
line, member = divmod(int(sys.argv[2]), 2)
e = lines[line]
text = e["signatures"][0]["sig"] if member else e["payload"]
at = len(text) // 2
text = text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1:]
if member:
    e["signatures"][0]["sig"] = text
else:
    e["payload"] = text
for l in lines:
    print(json.dumps(l, separators=(",", ":"), sort_keys=True))
END
}
