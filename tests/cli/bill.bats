#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# sandrun bill: what certificates come to, to the last digit, or nothing at all.

load ../lib/common

setup() {
	cd "$T"
	export XDG_DATA_HOME=$T/data XDG_STATE_HOME=$T/state
	V=$TESTS/vectors
	KEY=$V/identity.pub.pem
	rates 'cpu_second = 0.0001' 'gib_second = 0.00002' 'run = 0.001' 'currency = EUR'
}

rates() {
	printf '%s\n' '[rates]' "$@" >rates.ini
}

bill() {
	sr bill --rates rates.ini --key "$KEY" "$@"
}

# used FILE USER-NS SYSTEM-NS WALL-NS PEAK-BYTES [MEMORY-SOURCE]: a certificate of a run that used so much
used() {
	python3 -c 'import cryptography' 2>/dev/null || skip "no python3-cryptography on this machine"
	python3 "$V/make.py" used "$@"
}

@test "an itemised total: a run, one that a limit ended, one that never started" {
	bill "$V"/good-exited.intoto.jsonl "$V"/good-limit.intoto.jsonl "$V"/good-setup-failed.intoto.jsonl
	assert_success
	assert_stderr ''
	assert_match "${lines[1]}" '^0192f5c0-0001-[^ ]+  2026-11-21T05:40:03Z  exited +1\.503000000 +0\.017674980 +0\.001150$'
	assert_match "${lines[2]}" '^0192f5c0-0003-[^ ]+  2026-11-21T05:40:03Z  limit +1\.503000000 +1\.005510000 +0\.001170$'
	assert_match "${lines[3]}" '^0192f5c0-0004-[^ ]+  2026-11-21T05:40:03Z  setup-failed +- +- +-$'
	assert_match "$output" $'\nCPU-seconds +3\.006000000  at +0\.0001 +0\.000300 EUR\n'
	assert_match "$output" $'\nGiB-seconds +1\.023184980  at +0\.00002 +0\.000020 EUR\n'
	assert_match "$output" $'\nruns +2  at +0\.001 +0\.002000 EUR\ntotal +0\.002320 EUR\n1 of 3 used nothing'
	assert_contains "$output" "the word of the identity that signed it"
	assert_contains "$output" "the memory peak times the wall-clock time"
	refute_contains "$output" "largest process"
	refute_contains "$output" "*"
}

@test "amounts are rounded once, halves up, and totals are sums of what is printed" {
	used a.jsonl 500000000 0 0 0
	used b.jsonl 499999999 0 0 0
	used c.jsonl 1500000000 0 0 0
	rates 'cpu_second = 0.01' 'decimals = 2'
	bill --json a.jsonl b.jsonl c.jsonl
	assert_success
	assert_equal "$(jq -r '[.items[].amount.cpu] | join(" ")' <<<"$output")" "0.01 0.00 0.02"
	assert_equal "$(jq -r .total.amount.total <<<"$output")" "0.03"
	assert_equal "$(jq -r .total.cpuSeconds <<<"$output")" "2.499999999"
	rates 'cpu_second = 3' 'decimals = 0'
	bill --json a.jsonl b.jsonl
	assert_equal "$(jq -r '[.items[].amount.cpu] | join(" ")' <<<"$output")" "2 1"
	rates 'cpu_second = 0.000000000001' 'decimals = 9'
	bill --json c.jsonl
	assert_equal "$(jq -r .total.amount.total <<<"$output")" "0.000000000"
	rates 'cpu_second = 999999.999999999999' 'decimals = 9'
	bill --json c.jsonl
	assert_equal "$(jq -r .total.amount.total <<<"$output")" "1500000.000000000"
}

@test "a GiB for a second is one GiB-second; a byte and a nanosecond are not lost" {
	used a.jsonl 0 0 1000000000 1073741824
	used b.jsonl 0 0 999999999 1073741825
	rates 'gib_second = 1' 'decimals = 9'
	bill --json a.jsonl b.jsonl
	assert_success
	assert_equal "$(jq -r '[.items[].amount.memory] | join(" ")' <<<"$output")" "1.000000000 1.000000000"
	assert_equal "$(jq -r '.items[1].used.gibSeconds' <<<"$output")" "1.000000000"
	rates 'gib_second = 1000' 'decimals = 9'
	bill --json a.jsonl b.jsonl
	assert_equal "$(jq -r '[.items[].amount.memory] | join(" ")' <<<"$output")" "1000.000000000 999.999999931"
}

@test "a thousand certificates, against fractions computed elsewhere" {
	python3 -c 'import cryptography' 2>/dev/null || skip "no python3-cryptography on this machine"
	mkdir many
	python3 "$V/make.py" many many 1000
	rates 'cpu_second = 0.000123456789' 'gib_second = 0.0000377' 'run = 0.0015' 'decimals = 7'
	sr bill --rates rates.ini --key "$KEY" --json many/*
	assert_success
	assert_equal "$(jq '.items | length' <<<"$output")" 1000
	printf '%s' "$output" >bill.json
	try python3 - <<'END'
import json
from fractions import Fraction
def rounded(x):
    n = int(x * 10**7 * 2 + 1) // 2
    return n
b = json.load(open("bill.json"))
total = [0, 0, 0]
for i, item in enumerate(b["items"], 1):
    cpu = Fraction(i * 1000000007 + i * 11, 10**9) * Fraction("0.000123456789")
    mem = Fraction(i * 1048573 * i * 2000000011, 2**30 * 10**9) * Fraction("0.0000377")
    want = [rounded(cpu), rounded(mem), 15000]
    total = [a + w for a, w in zip(total, want)]
    seen = [int(item["amount"][k].replace(".", "")) for k in ("cpu", "memory", "run")]
    assert seen == want, (item["file"], seen, want)
    assert int(item["amount"]["total"].replace(".", "")) == sum(want)
seen = [int(b["total"]["amount"][k].replace(".", "")) for k in ("cpu", "memory", "run", "total")]
assert seen == total + [sum(total)], (seen, total)
print("agreed", b["total"]["amount"]["total"])
END
	assert_success
	assert_match "$output" '^agreed [0-9]+\.[0-9]{7}$'
}

@test "CSV: one row a certificate, names that no spreadsheet takes for a formula" {
	cp "$V/good-exited.intoto.jsonl" '=cmd"x,y'
	bill --csv '=cmd"x,y' "$V/good-setup-failed.intoto.jsonl"
	assert_success
	printf '%s\n' "$output" >bill.csv
	try python3 - <<'END'
import csv
rows = list(csv.DictReader(open("bill.csv", newline="")))
print(len(rows), rows[0]["file"], rows[0]["cpuSeconds"], rows[0]["amount"], rows[0]["currency"], rows[0]["memorySource"])
print(rows[1]["outcome"], repr(rows[1]["amount"]), rows[1]["currency"], None in rows[1], rows[2]["file"], rows[2]["amount"])
END
	assert_output $'3 ./=cmd"x,y 1.503000000 0.001150 EUR cgroup-memory.peak\nsetup-failed \'\' EUR False total 0.001150'
}

@test "memory that is the largest process's alone is said to be that" {
	used a.jsonl 1000000000 0 1000000000 1073741824 rusage-maxrss-largest-process
	bill a.jsonl
	assert_success
	assert_match "${lines[1]}" ' 1\.000000000   +1\.000000000\*  '
	assert_contains "$output" "largest process alone"
	bill --json a.jsonl
	assert_equal "$(jq -c '.items[0].used | [.memorySource, .memoryIsLeast, .cpuIsLeast]' <<<"$output")" '["rusage-maxrss-largest-process",true,false]'
	assert_contains "$(jq -r '.notes[]' <<<"$output")" "largest process alone"
}

@test "the same run twice, under two names or in another order of lines: nothing is billed" {
	cp "$V/good-exited.intoto.jsonl" copy.jsonl
	bill "$V/good-exited.intoto.jsonl" "$V/good-signaled.intoto.jsonl" copy.jsonl
	assert_error 1 "cannot bill copy.jsonl: it is the run 0192f5c0-0001-" "once more, which $V/good-exited.intoto.jsonl is" "hint: name each run's"
	bill "$V/good-exited.intoto.jsonl" "$V/good-reordered.intoto.jsonl"
	assert_error 1 "cannot bill $V/good-reordered.intoto.jsonl: it is the run"
	bill --json copy.jsonl copy.jsonl
	assert_error 1 "cannot bill copy.jsonl"
	bill copy.jsonl "$V/good-signaled.intoto.jsonl"
	assert_success
}

@test "two certificates with one run id, both validly signed: nothing is billed" {
	used a.jsonl 1 1 1 1
	mkdir other
	(cd other && used a.jsonl 2 2 2 2)
	cmp -s a.jsonl other/a.jsonl && sr_fail "the same bytes"
	bill a.jsonl other/a.jsonl
	assert_error 1 "cannot bill other/a.jsonl: it is the run"
}

@test "two runs that one identity counted as one: nothing is billed; those that nobody counted are" {
	python3 -c 'import cryptography' 2>/dev/null || skip "no python3-cryptography on this machine"
	counted() {
		python3 - "$V" "$@" <<'END'
import sys
sys.path.insert(0, sys.argv[1])
sys.dont_write_bytecode = True
import make
r = make.Run("counted " + sys.argv[2], 3)
r.run_id = "0192f5c0-0003-7c10-9a50-" + make.sha256(sys.argv[2].encode())[:12]
if sys.argv[3] == "none":
    r.change_open = lambda s: s["predicate"].update(sequence={"counter": None, "previous": None, "reason": "no state folder"})
    r.change_close = lambda s: s["predicate"].update(sequence={"counter": None})
else:
    r.counter = int(sys.argv[3])
make.put(".", sys.argv[2], make.text(r.envelopes()))
END
	}
	counted a 43
	counted b 43
	counted c 44
	bill a c
	assert_success
	bill a c b
	assert_error 1 "cannot bill b: its identity counted it as the run that a is" "hint: where that identity lost its count"
	counted d none
	counted e none
	bill a d e
	assert_success
}

@test "one that does not hold: each is named, nothing is billed" {
	bill "$V/good-exited.intoto.jsonl" "$V/bad-payload-byte.intoto.jsonl" "$V/good-signaled.intoto.jsonl" "$V/bad-double-key.intoto.jsonl"
	assert_error 1 "cannot bill $V/bad-payload-byte.intoto.jsonl: " "cannot bill $V/bad-double-key.intoto.jsonl: "
	refute_contains "$stderr" "good-"
	sed 's/"payload":"\(.\{40\}\)./"payload":"\1A/' "$V/good-exited.intoto.jsonl" >changed.jsonl
	cmp -s changed.jsonl "$V/good-exited.intoto.jsonl" && sr_fail "nothing was changed"
	bill changed.jsonl
	assert_error 1 "cannot bill changed.jsonl"
}

@test "an identity that nobody named: nothing is billed" {
	bill "$V/bad-untrusted-identity.intoto.jsonl"
	assert_error 1 "cannot bill" "hint: --key FILE or --trust DIR"
	sr bill --rates rates.ini "$V/good-exited.intoto.jsonl"
	assert_error 1 "cannot bill" "hint: --key FILE or --trust DIR"
	sr bill --rates rates.ini --key "$V/other.pub.pem" "$V/good-exited.intoto.jsonl"
	assert_error 1 "cannot bill"
	mkdir -m 755 trusted
	cp "$KEY" trusted/op.pem
	sr bill --rates rates.ini --trust trusted "$V/good-exited.intoto.jsonl"
	assert_success
	mkdir -p -m 700 "$XDG_DATA_HOME/sandrun/trusted"
	cp "$KEY" "$XDG_DATA_HOME/sandrun/trusted/op.pem"
	sr bill --rates rates.ini "$V/good-exited.intoto.jsonl"
	assert_success
}

@test "what a run of one's own comes to" {
	require_user
	rates 'run = 2.50' 'cpu_second = 0' 'decimals = 2'
	sr --certificate own.jsonl -- true
	assert_success
	sr --certificate other.jsonl -- sh -c 'exit 3'
	assert_status 3
	sr bill --rates rates.ini --json own.jsonl other.jsonl
	assert_success
	assert_equal "$(jq -r .total.amount.total <<<"$output")" "5.00"
	assert_equal "$(jq -r '.items[1].runId' <<<"$output")" "$(sed -n 1p other.jsonl | jq -r .payload | base64 -d | jq -r .predicate.runId)"
}

# refused TEXT... : rates.ini is refused with its name and the line
refused() {
	bill "$V/good-exited.intoto.jsonl"
	assert_error 125 "cannot read rates rates.ini" "$@"
}

@test "rates that are none: file, line and the mend" {
	rates 'run = 1' 'cpu_second = -0.1'
	refused "rates.ini:3: " "a rate is not negative" "hint: "
	for value in 1e-4 0,1 .5 5. 0x10 nan inf 1_000 '1 2' '+1' '１' 'EUR 1'; do
		rates "cpu_second = $value"
		refused "rates.ini:2: cpu_second does not take" "not a decimal number" "cpu_second = 0.0001"
	done
	rates 'cpu_second = 1000000'
	refused "at most 6 digits before the point and 12 behind it"
	rates 'cpu_second = 0.0000000000001'
	refused "at most 6 digits"
	rates 'cpu_second ='
	refused "rates.ini:2: "
	rates 'cpu_second = 1' 'cpu_second = 2'
	refused "rates.ini:3: "
	rates 'cpu_secnd = 1'
	refused "rates.ini:2: " "cpu_secnd"
	rates 'currency = €'
	refused "currency does not take"
	rates 'run = 1' 'decimals = 10'
	refused "rates.ini:3: decimals does not take"
	rates 'currency = EUR'
	refused "it names no rate"
	printf '[other]\nrun = 1\n' >rates.ini
	refused "rates.ini:1: "
	: >rates.ini
	refused "it names no rate"
	rm rates.ini
	refused "No such file"
	mkdir rates.ini
	refused "directory"
}

@test "how it is called" {
	sr bill --help
	assert_success
	assert_contains "$output" "--rates FILE"
	sr bill "$V/good-exited.intoto.jsonl"
	assert_error 125 "it needs --rates FILE" "hint: sandrun bill"
	sr bill --rates rates.ini
	assert_error 125 "it needs a certificate"
	sr bill --rates
	assert_error 125 "it takes a value"
	bill --json --csv "$V/good-exited.intoto.jsonl"
	assert_error 125 "one of the two"
	bill --rate x "$V/good-exited.intoto.jsonl"
	assert_error 125 "no such option"
	bill none.jsonl
	assert_error 125 "none.jsonl" "No such file"
	sr_capture sh -c '"$SANDRUN" bill --rates rates.ini --key "$1" "$2" >/dev/full 3>&-' x "$KEY" "$V/good-exited.intoto.jsonl"
	assert_status 125
	assert_contains "$stderr" "cannot write to standard output"
}
