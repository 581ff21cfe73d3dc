#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# sandrun verify: every certificate that must be refused, by its exact status and reasons, beside the good one that it was made
# from. forge.py makes them all, with keys of its own.

load ../lib/common

setup_file() {
	python3 -c 'import cryptography' 2>/dev/null || return 0
	mkdir -p "$BATS_FILE_TMPDIR/forged"
	python3 "$BATS_TEST_DIRNAME/forge.py" "$BATS_FILE_TMPDIR/forged"
	python3 "$BATS_TEST_DIRNAME/forge.py" --list >"$BATS_FILE_TMPDIR/list"
}

setup() {
	require_cmd python3 jq
	[ -e "$BATS_FILE_TMPDIR/list" ] || skip "no python3-cryptography on this machine"
	cd "$BATS_FILE_TMPDIR/forged"
	export HOME=$T/home XDG_DATA_HOME=$T/data
	mkdir -p "$HOME"
}

# The reasons against a certificate: those of the worst state first come last; each once.
reasons() {
	jq -r '[.checks[] | select(.state != "ok" and .state != "not-shown") | .code] | unique | join(",")' <<<"$output"
}

# checked NAME [OPTION...]: the certificate with what lies beside it.
checked() {
	local name=$1
	shift
	sr verify --key acme.pem --json "$@" "$name.jsonl"
}

# refuses [OPTION...] <<table: lines of NAME STATUS REASONS. The good twin passes with the same options.
refuses() {
	local name want codes base
	while read -r name want codes; do
		base=$(awk -v n="$name" '$1 == n { print $2 }' "$BATS_FILE_TMPDIR/list")
		[ -n "$base" ] || sr_fail "forge.py has no case $name" || return 1
		checked "$base" "$@"
		[ "$status" = 0 ] || sr_fail "the positive control of $name, $base, is refused" || return 1
		checked "$name" "$@"
		[ "$status" = "$want" ] || sr_fail "$name: status $status, expected $want" || return 1
		[ "$(reasons)" = "$codes" ] || sr_fail "$name: reasons $(reasons), expected $codes" || return 1
		[ "$(jq .status <<<"$output")" = "$want" ] || sr_fail "$name: the JSON says another status" || return 1
		case $want in
		1 | 2) [ "$(jq -c '[.assurance, .wordOf]' <<<"$output")" = '[null,null]' ] || sr_fail "$name: assured all the same" || return 1 ;;
		esac
	done
}

# accepts [OPTION...] <<names
accepts() {
	local name
	while read -r name; do
		checked "$name" "$@"
		[ "$status" = 0 ] || sr_fail "$name is refused: $(reasons)" || return 1
		[ "$(jq -r '.wordOf' <<<"$output")" = "$(openssl pkey -pubin -in acme.pem -outform DER | sha256sum | cut -d' ' -f1)" ] ||
			sr_fail "$name: not acme's word" || return 1
	done
}

@test "every case that forge.py makes is in a test" {
	local name missing=
	while read -r name _; do
		cat "$BATS_TEST_DIRNAME"/*.bats | grep -qE "(^|[[:space:]])$name(\.jsonl)?([[:space:]\"]|\$)" || missing+=" $name"
	done <"$BATS_FILE_TMPDIR/list"
	assert_equal "$missing" ""
	[ "$(wc -l <"$BATS_FILE_TMPDIR/list")" -gt 150 ]
}

@test "good certificates pass, in every form that others may give them" {
	accepts <<-EOF
		good
		private
		traced
		quoted
		ok-reordered
		ok-extra-object
		ok-extra-statement
		ok-extra-by-identity
		ok-keyid-wrong
		ok-keyid-of-another
		ok-keyid-missing
		ok-keyid-not-text
		ok-urlsafe
		ok-last-newline-missing
		ok-spaced
		ok-unknown-member
		ok-name-with-newline
	EOF
}

@test "good certificates of every outcome pass" {
	accepts <<-EOF
		ok-signaled
		ok-image
		ok-limit
		ok-setup-failed
		ok-no-number
		ok-first-run
		ok-no-challenge
		ok-owner-salt
		ok-modest
		ok-passed-a-watchdog
		ok-window
		ok-salt-unsaid
		previous-none
		killed-and-status-0
		ok-shadow
		ok-nested
		stdin-read
		ok-simulated
		ok-sev
		ok-quote-of-an-unknown-kind
	EOF
}

@test "a byte, a signature or a payload type that was changed" {
	refuses <<-EOF
		byte-open 1 signature
		byte-execution 1 signature
		byte-limit 1 signature
		byte-close 1 signature
		payload-type 2 payload-type
		payload-type-case 2 payload-type
		payload-type-signed 2 payload-type
		unsigned 2 signature-count
		signatures-missing 2 signature-count
		signatures-object 2 signature-count
		sig-missing 2 envelope
		signature-twice 2 signature-count
		signatures-two 2 signature-count
		signature-short 2 signature-length
		signature-zero 1 signature
		signature-of-body 1 signature
	EOF
}

@test "a signature by somebody else" {
	refuses <<-EOF
		execution-resigned 1 signature
		execution-resigned-own-hint 1 execution-missing
		execution-by-identity 1 wrong-signer
		close-by-ephemeral 1 wrong-signer
		close-by-rival 1 run-close-missing
		open-by-ephemeral 1 run-open-missing
		all-by-mallory 3 identity-unknown
		embedded-identity 3 identity-unknown
		execution-alone 3 identity-unknown
	EOF
	# rival is trusted as well: two identities still do not make one run
	checked good --key rival.pem
	assert_success
	checked close-by-rival --key rival.pem
	assert_status 1
	assert_equal "$(reasons)" run-close-signer
}

@test "lines that are missing, doubled or of another kind" {
	refuses <<-EOF
		no-open 1 run-open-missing
		no-execution 1 execution-missing
		no-close 1 run-close-missing
		open-twice 1 run-open-doubled
		execution-twice 1 execution-doubled
		close-twice 1 run-close-doubled
		execution-two 1 execution-doubled
		ephemeral-signs-other 1 wrong-signer
		other-version 1 wrong-signer
		other-project 1 run-open-missing
		slsa 1 run-open-missing
		statement-type 2 field-form
	EOF
}

@test "keys that fit every message, and signatures that are not the only one" {
	refuses <<-EOF
		key-neutral 1 key-rejected
		key-order-8 1 key-rejected
		key-not-canonical 1 key-rejected
		key-off-curve 1 key-rejected
		key-31-bytes 2 key-form
		key-33-bytes 2 key-form
		key-x25519 2 key-form
		key-algorithm 2 field-form
		key-use 2 field-form
		key-is-identity 1 wrong-signer
		late-s-open 1 signature
		late-s-execution 1 signature
	EOF
	local weak
	for weak in neutral order-8 not-canonical; do
		sr verify --key "weak-$weak.pem" good.jsonl
		assert_error 125 "cannot use the key weak-$weak.pem"
	done
}

@test "statements that are not one run" {
	refuses <<-EOF
		plan-not-opened 1 plan-digest
		plan-changed-after-open 1 plan-digest
		open-of-another-run 1 run-open-digest
		subject-of-another-run 1 run-subject
		subject-run-not-first 1 run-subject,subject-unknown
		close-of-another-execution 1 run-close-execution
		close-of-another-open 1 run-close-open
		open-names-another-key 1 ephemeral-subject
		close-names-another-key 1 run-close-key
		close-key-kept 1 run-close-state
		close-two-signatures 1 run-close-signatures
		close-outcome 1 run-close-outcome
		close-number 1 run-close-counter
		identity-id 1 identity-id
		run-id-execution 1 run-id
		run-id-close 1 run-id
		challenge-differs 1 challenge-differs
		number-zero 1 counter-form,run-close-counter
		first-with-previous 1 counter-form
		previous-missing 1 previous-missing
		open-of-two-subjects 1 subject-count
		close-of-two-subjects 1 subject-count
		no-number-no-reason 1 counter-form
	EOF
}

@test "times that cannot be" {
	refuses <<-EOF
		time-ends-before-it-begins 1 time-finished
		time-begins-before-open 1 time-started
		time-ends-after-expiry 1 time-expired
		time-expires-before-open 1 time-expired,time-expires
		time-closed-before-end 1 time-closed
		time-future 1 time-future
		time-closed-in-the-future 1 time-future
		time-wall-too-long 1 time-wall
		time-no-such-day 2 field-form
		time-with-zone 2 field-form
	EOF
}

@test "results that contradict themselves" {
	refuses <<-EOF
		exit-and-signal 1 exit-and-signal
		exit-missing 1 outcome
		exit-256 1 exit-range
		signal-0 1 exit-range
		signaled-without-signal 1 outcome
		limit-hit-but-exited 1 outcome
		limit-without-hit 1 outcome
		outcome-unknown 2 field-form
		status-0-of-exit-1 1 status
		setup-failed-but-started 1 outcome
		setup-failed-with-output 1 setup-failed
		setup-failed-with-usage 1 setup-failed
		setup-failed-with-streams 1 setup-failed
		status-0-of-a-failure-with-error 1 status
		ran-without-sandbox 1 enforced-missing
		ran-without-usage 1 usage-missing
		stdin-not-planned 1 stdin
		memory-over-limit 1 usage-over-limit
		cpu-over-limit 1 usage-over-limit
		wall-over-limit 1 usage-over-limit
		cpu-sum-wraps 1 usage-over-limit
		limit-above-request 1 limit-above-request
		limit-not-the-plan 1 limit-request
		limit-twice 1 limit-doubled
		limit-enforced-and-absent 1 limit-known
		limit-dropped-without-reason 1 limit-reason
		limit-unlisted 1 limit-unlisted
		limit-above-request-in-text 1 limit-above-request
		limit-word 2 limit-form
		limit-unlimited-in-words 2 limit-form
		limit-with-zeros 2 limit-form
		limit-asked-in-words 2 limit-form
		window-of-another-limit 2 limit-form
		input-without-digest 1 input-digest
		outputs-uncounted 1 outputs-count
		stream-unsigned 1 streams-count
		stream-not-in-result 1 stream-unknown
	EOF
}

@test "a run that lacked a part of the sandbox: status 3" {
	refuses <<-EOF
		lacks-pids 3 isolation-lacks
	EOF
}

@test "plans and sandboxes that contradict themselves" {
	refuses <<-EOF
		network-of-the-host 1 network-none
		plan-with-network 2 field-form
		plan-unknown-member 2 field-unknown
		landlock-without-ruleset 1 landlock
		absent-namespaces 1 known
		absent-privs 1 known
		absent-capabilities 1 known
		absent-seccomp 1 known
		absent-filter 1 known
		absent-landlock 1 known
		filter-empty 1 known
		known-by-guess 2 field-form
		not-covered-empty 2 field-form
		not-claimed-empty 2 field-form
		argv-both 1 argv
		argv-neither 1 argv
		variables-twice 1 variables
	EOF
}

@test "members that are missing, or of another form" {
	refuses <<-EOF
		field-missing 2 field-missing
		field-kind 2 field-form
		field-negative 2 field-form
		memory-unknown 2 field-form
		field-case 2 field-case
		field-case-of-a-statement 2 field-case
		line-case 2 field-case
		line-case-of-a-signature 2 field-case
		number-too-large 2 number-range
		number-real 2 number-range
		digest-uppercase 2 field-form
		digest-short 2 field-form
		digest-unknown 2 field-form
		run-id-not-v7 2 field-form
		nonce-short 2 field-form
	EOF
}

@test "images whose digest is not that of their layers" {
	refuses <<-EOF
		image-of-other-layers 1 environment
		image-layers-in-another-order 1 environment
		image-layer-left-out 1 environment
		image-without-layers 1 environment
		image-without-digest 1 environment
		image-of-no-layer 2 field-form
		image-by-commitment 2 field-form
		image-layer-by-commitment 2 field-form
		image-with-more 2 field-unknown
	EOF
}

@test "names that lead out of the output folder" {
	refuses <<-EOF
		name-up 1 name-unsafe
		name-absolute 1 name-unsafe
		name-dot 1 name-unsafe
		name-empty-part 1 name-unsafe
		name-up-at-the-end 1 name-unsafe
		name-nothing 1 name-unsafe
		name-twice 1 name-doubled
		name-unknown 1 subject-unknown
		input-up 1 name-unsafe
		input-absolute 1 name-unsafe
		input-twice 1 name-doubled
	EOF
}

@test "digests that give a private item away" {
	refuses <<-EOF
		plain-beside-commitment 2 digest-set
		private-with-size 1 private-bytes
		private-stdout-with-size 1 private-bytes
		private-outputs-with-size 1 private-bytes
		open-stdout-without-size 1 size-missing
		open-input-without-size 1 size-missing
		salt-unsaid 1 salt-mode
		salt-unsaid-of-stdin 1 salt-mode
		private-args-recorded 1 private-args
		private-output-plain 1 private-outputs
		open-output-committed 1 private-outputs
	EOF
}

@test "hardware evidence of another run, and more assurance than it carries" {
	refuses <<-EOF
		assurance-without-quote 1 assurance-above
		assurance-unknown 2 field-form
		assurance-of-simulation 1 assurance-above
		report-data-of-another-run 1 report-data
		quote-of-another-run 1 quote
		quote-of-another-provider 1 quote
		quote-not-base64 1 quote
		quote-missing 1 assurance-above
		quote-of-a-debug-machine 1 quote-debug
	EOF
}

@test "--require: less is status 3, and a simulation or an unknown form is never more" {
	local name
	checked quoted --require quote-present
	assert_success
	for name in good ok-simulated ok-modest ok-quote-of-an-unknown-kind; do
		checked "$name" --require self-asserted
		assert_success
		checked "$name" --require quote-present
		assert_status 3
		assert_equal "$(reasons)" assurance-below
	done
	sr verify --key acme.pem ok-simulated.jsonl
	assert_contains "$output" "simulated-quote: its hardware evidence is a simulation"
	sr verify --key acme.pem --require tee good.jsonl
	assert_error 125 "--require" "self-asserted, simulated-quote or quote-present"
}

@test "JSON that readers would not agree on" {
	refuses <<-EOF
		payload-key-twice 2 json-duplicate-key
		payload-key-twice-escaped 2 json-duplicate-key
		payload-key-twice-deep 2 json-duplicate-key
		payload-utf8 2 json-utf8
		payload-utf8-overlong 2 json-utf8
		payload-surrogate 2 json-syntax
		payload-nul 2 json-nul
		payload-nul-escaped 2 json-nul
		payload-trailing 2 json-trailing-data
		payload-not-json 2 json-syntax
		payload-list 2 field-form
		payload-depth 2 json-depth
		payload-number-beyond 2 json-syntax
		payload-nan 2 json-syntax
		payload-empty 1 signature
		payload-number 2 envelope
		line-key-twice 2 json-duplicate-key
		line-trailing 2 json-trailing-data
		line-two-objects 2 json-trailing-data
		line-depth 2 json-depth
		line-utf8 2 json-utf8
		line-nul 2 json-nul
		line-list 2 envelope
		line-empty 2 json-syntax
		line-many-values 2 json-size
		line-half 2 json-syntax
		lines-many 2 too-many-lines
		file-empty 2 empty
		file-newline 2 json-syntax
		file-text 2 json-syntax
		file-other-lines 2 envelope
	EOF
}

@test "base64 that is not exact" {
	refuses <<-EOF
		base64-blank 2 base64
		base64-space 2 base64
		base64-unpadded 2 base64
		base64-overpadded 2 base64
		base64-loose-bits 2 base64
		base64-mixed 2 base64
	EOF
}

@test "a nonce and an audience that are not those asked for" {
	local nonce=2faf92280cb3c61a83b9a877e0745096694fca0b5392c3a08290e2d556df634d
	checked good --nonce "$nonce" --audience verifier.example
	assert_success
	checked good --nonce "${nonce^^}" --audience verifier.example
	assert_success
	checked good --nonce "${nonce/2f/00}"
	assert_status 1
	assert_equal "$(reasons)" nonce-differs
	checked good --audience verifier.example.org
	assert_status 1
	assert_equal "$(reasons)" audience-differs
	checked ok-no-challenge --nonce "$nonce" --audience verifier.example
	assert_status 1
	assert_equal "$(reasons)" audience-missing,nonce-missing
	sr verify --key acme.pem good.jsonl
	assert_success
	assert_contains "$output" "not shown  nonce        none was asked for (--nonce)"
	sr verify --key acme.pem --nonce 12 good.jsonl
	assert_error 125 "--nonce" "32 to 128 hexadecimal digits"
}

@test "--after: number, back-link and nonce follow the earlier certificate" {
	checked after-next --after first.jsonl
	assert_success
	assert_contains "$output" '"sequence-next"'
	checked after-gap --after first.jsonl
	assert_success
	assert_contains "$output" "3 runs between"
	checked after-next --after after-gap.jsonl
	assert_status 1
	assert_equal "$(reasons)" counter-not-above,nonce-reused
	local name codes
	while read -r name codes; do
		checked "$name" --after first.jsonl
		assert_status 1
		assert_equal "$(reasons)" "$codes"
	done <<-EOF
		after-nonce-reused nonce-reused
		after-number-again counter-not-above
		after-number-below counter-not-above
		after-link-broken previous-differs
		first after-same
		byte-open signature
	EOF
	checked after-next --after byte-close.jsonl
	assert_status 1
	assert_equal "$(reasons)" after-certificate
	checked after-next --key rival.pem --after rival-same.jsonl
	assert_status 1
	assert_equal "$(reasons)" after-identity
}

@test "inputs and outputs are compared with the digests" {
	local all=(--input weather.csv=file-weather.csv --input script.py=file-script.py --output stdout=file-stdout --output stderr=file-stderr
		--output result.json=file-result.json --output out/plots/a.png=file-a.png)
	checked good "${all[@]}"
	assert_success
	assert_equal "$(jq '[.checks[] | select(.code == "file")] | length' <<<"$output")" 6
	checked good --output stdout=file-result.json
	assert_status 1
	assert_equal "$(reasons)" file-differs
	checked good --input weather.csv=file-script.py
	assert_status 1
	assert_equal "$(reasons)" file-differs
	local name
	for name in weather.txt ../weather.csv run stdin; do
		checked good --input "$name=file-weather.csv"
		assert_status 1
		assert_equal "$(reasons)" file-unknown
	done
	for name in a.png run result.jso terminal; do
		checked good --output "$name=file-a.png"
		assert_status 1
		assert_equal "$(reasons)" file-unknown
	done
	checked good --input weather.csv=absent.csv
	assert_error 125 "cannot read absent.csv: No such file or directory"
}

@test "a file that the program called stdout is not the stream, and of two of one name none is taken" {
	printf another >"$T/another"
	checked ok-shadow --output stdout=file-stdout --output "out/stdout=$T/another"
	assert_success
	checked ok-shadow --output "stdout=$T/another"
	assert_status 1
	assert_equal "$(reasons)" file-differs
	printf a >"$T/a"
	printf b >"$T/b"
	checked ok-nested --output "n=$T/a" --output "out/out/n=$T/b"
	assert_success
	for file in "$T/a" "$T/b"; do
		checked ok-nested --output "out/n=$file"
		assert_status 1
		assert_equal "$(reasons)" name-ambiguous
	done
}

@test "private items are compared by their opening, given or beside the certificate" {
	local all=(--input weather.csv=file-weather.csv --output stdout=file-stdout --output result.json=file-result.json --output plots/a.png=file-a.png)
	checked private "${all[@]}"
	assert_status 3
	assert_equal "$(reasons)" opening-missing
	checked private "${all[@]}" --opening private.opening.json
	assert_success
	assert_equal "$(jq '[.checks[] | select(.code == "commitment")] | length' <<<"$output")" 4
	cp private.jsonl private.opening.json "$T"
	mv "$T/private.opening.json" "$T/0192f5c0-7d3a-7c10-9a50-3f2b6f1f0c11.opening.json"
	sr verify --key acme.pem "${all[@]}" "$T/private.jsonl"
	assert_success
	checked private --opening private.opening.json --output stdout=file-result.json
	assert_status 1
	assert_equal "$(reasons)" commitment-differs
}

@test "an opening with another salt, of another run, or none for the item" {
	local name want codes
	while read -r name want codes; do
		checked private --input weather.csv=file-weather.csv --opening private.opening.json
		assert_success
		checked "$name" --input weather.csv=file-weather.csv --opening "$name.opening.json"
		assert_status "$want"
		assert_equal "$(reasons)" "$codes"
	done <<-EOF
		opening-wrong-salt 1 commitment-differs
		opening-salt-of-another 1 commitment-differs
		opening-of-another-run 1 opening-missing,opening-run
		opening-without-it 3 opening-missing
	EOF
	checked opening-broken --opening opening-broken.opening.json
	assert_error 125 "cannot read opening-broken.opening.json"
}

@test "a trace's log is recomputed, given or beside the certificate" {
	local name want codes
	checked traced
	assert_success
	assert_contains "$output" '"trace-not-given"'
	while read -r name want codes; do
		checked traced --trace traced.trace.jsonl
		assert_success
		checked "$name" --trace "$name.trace.jsonl"
		[ "$status" = "$want" ] || sr_fail "$name: status $status, expected $want"
		assert_equal "$name $(reasons)" "$name $codes"
	done <<-EOF
		trace-line-cut 1 trace-size
		trace-half-line 1 trace-cut
		trace-inserted 1 trace-size
		trace-moved 1 trace-root
		trace-edited 1 trace-root
		trace-empty 1 trace-size
		trace-root 1 trace-root
		trace-digest 1 trace-digest
		trace-node-as-leaf 2 trace-form,trace-root
		trace-dropped-complete 1 trace-complete
		trace-nothing-complete 1 trace-complete
		trace-not-planned 1 trace-unplanned
		trace-absent 1 trace-absent,trace-none
		trace-covers-nothing 1 trace-coverage
		trace-connected 1 network-none
		trace-connecting 1 network-none
		trace-connected-v6 1 network-none
		trace-not-json 2 trace-form
	EOF
	cp traced.jsonl "$T/a.jsonl"
	cp trace-moved.trace.jsonl "$T/0192f5c0-7d3a-7c10-9a50-3f2b6f1f0c11.trace.jsonl"
	sr verify --key acme.pem "$T/a.jsonl"
	assert_status 1
	cp traced.trace.jsonl "$T/0192f5c0-7d3a-7c10-9a50-3f2b6f1f0c11.trace.jsonl"
	sr verify --key acme.pem "$T/a.jsonl"
	assert_success
	cp traced.trace.jsonl "$T/a.jsonl.trace.jsonl"
	cp trace-moved.trace.jsonl "$T/0192f5c0-7d3a-7c10-9a50-3f2b6f1f0c11.trace.jsonl"
	sr verify --key acme.pem "$T/a.jsonl"
	assert_success
	# an address that stood in the program's memory is the program's claim
	checked trace-claims --trace trace-claims.trace.jsonl
	assert_success
	assert_contains "$output" '"trace-claims"'
	checked good --trace traced.trace.jsonl
	assert_status 1
	assert_equal "$(reasons)" trace-none
}

@test "what lies beside a certificate is a plain file, or is not read" {
	local run=0192f5c0-7d3a-7c10-9a50-3f2b6f1f0c11 kind
	cp traced.jsonl private.jsonl "$T"
	for kind in pipe link; do
		rm -f "$T/$run".*
		case $kind in
		pipe) mkfifo "$T/$run.trace.jsonl" "$T/$run.opening.json" ;;
		link) ln -s "$PWD/traced.trace.jsonl" "$T/$run.trace.jsonl" && ln -s "$PWD/private.opening.json" "$T/$run.opening.json" ;;
		esac
		sr_capture timeout 20 "$SANDRUN" verify --key acme.pem "$T/traced.jsonl"
		assert_error 125 "trace.jsonl" "no regular file"
		sr_capture timeout 20 "$SANDRUN" verify --key acme.pem --output stdout=file-stdout "$T/private.jsonl"
		assert_error 125 "opening.json" "no regular file"
		sr_capture timeout 20 "$SANDRUN" open "$T/private.jsonl" --key acme.pem --item stdout --input file-stdout
		assert_status 125
	done
	# one that is named may be a pipe
	sr verify --key acme.pem --trace - "$T/traced.jsonl" < <(cat traced.trace.jsonl)
	assert_success
}

@test "a log without an end is left where more was read than was signed" {
	sr_capture timeout 20 "$SANDRUN" verify --key acme.pem --json --trace - traced.jsonl < <(yes '{"event":"open"}')
	assert_status 1
	assert_equal "$(reasons)" trace-size
	sr_capture timeout 20 "$SANDRUN" verify --key acme.pem --json --trace /dev/zero traced.jsonl
	assert_status 2
	assert_equal "$(reasons)" trace-form,trace-size
}

@test "openings and certificates of millions of values stay bounded" {
	require_plain "the sanitizer's shadow memory"
	python3 - "$T" <<-'EOF'
		import base64, json, sys
		open(sys.argv[1] + "/opening", "wb").write(b'{"items":[' + b"[]," * (5 << 20) + b"[]]}")
		text = b'{"predicateType":"https://sandrun.io/execution/v0.1","a":[' + b"[]," * (4 << 20) + b"[]]}"
		open(sys.argv[1] + "/bomb.jsonl", "w").write(json.dumps({"payload": base64.b64encode(text).decode()}))
	EOF
	bounded() {
		(ulimit -v 400000 && exec "$SANDRUN" "$@" 3>&-)
	}
	sr_capture bounded verify --key acme.pem --output stdout=file-stdout --opening "$T/opening" private.jsonl
	assert_error 125 "it has too many values"
	sr_capture bounded certificate show "$T/bomb.jsonl"
	assert_error 125 "it holds no statement"
	sr_capture bounded certificate show "$PWD/good.jsonl"
	assert_success
}

@test "whose word it is: named keys, trusted ones, the own one, nobody's" {
	sr verify --json good.jsonl
	assert_status 3
	assert_equal "$(reasons)" identity-none
	# the own key, which any process of this user can sign with
	mkdir -p "$XDG_DATA_HOME/sandrun"
	cp acme.pem "$XDG_DATA_HOME/sandrun/identity.pub.pem"
	chmod 0644 "$XDG_DATA_HOME/sandrun/identity.pub.pem"
	sr verify good.jsonl
	assert_status 3
	assert_contains "$output" "only this user's own key"
	assert_contains "$output" "which is this user's own"
	sr verify --json byte-execution.jsonl
	assert_status 1
	assert_equal "$(reasons)" identity-own,signature
	# trusted besides
	mkdir "$XDG_DATA_HOME/sandrun/trusted"
	cp acme.pem "$XDG_DATA_HOME/sandrun/trusted/"
	chmod 0644 "$XDG_DATA_HOME/sandrun/trusted/acme.pem"
	sr verify good.jsonl
	assert_success
	assert_contains "$output" "trusted/acme.pem"
	# somebody else is named: the own and the trusted keys no longer count
	sr verify --json --key rival.pem good.jsonl
	assert_status 3
	assert_equal "$(reasons)" identity-unknown
	sr verify --key acme.pub good.jsonl
	assert_success
	sr verify --trust "$XDG_DATA_HOME/sandrun/trusted" good.jsonl
	assert_success
}

@test "keys that others could have put there are not taken" {
	mkdir -p "$XDG_DATA_HOME/sandrun/trusted"
	cp acme.pem "$XDG_DATA_HOME/sandrun/trusted/"
	chmod 0644 "$XDG_DATA_HOME/sandrun/trusted/acme.pem"
	sr verify good.jsonl
	assert_success
	chmod 0666 "$XDG_DATA_HOME/sandrun/trusted/acme.pem"
	sr verify good.jsonl
	assert_error 125 "trusted/acme.pem: everybody may write it" "hint: chmod o-w"
	chmod 0644 "$XDG_DATA_HOME/sandrun/trusted/acme.pem"
	chmod 0777 "$XDG_DATA_HOME/sandrun/trusted"
	sr verify good.jsonl
	assert_error 125 "everybody may write it"
	chmod 0755 "$XDG_DATA_HOME/sandrun/trusted"
	# an access list, which shows as rights of the group
	if python3 -c 'import os, struct, sys; os.setxattr(sys.argv[1], "system.posix_acl_access", struct.pack("<I", 2) + b"".join(
		struct.pack("<HHI", *e) for e in ((1, 7, 2**32 - 1), (2, 7, 12345), (4, 5, 2**32 - 1), (16, 7, 2**32 - 1), (32, 5, 2**32 - 1))))' \
		"$XDG_DATA_HOME/sandrun/trusted" 2>/dev/null; then
		sr verify good.jsonl
		assert_error 125 "its access list may let others write it"
		python3 -c 'import os, sys; os.removexattr(sys.argv[1], "system.posix_acl_access")' "$XDG_DATA_HOME/sandrun/trusted"
	fi
	chmod 0755 "$XDG_DATA_HOME/sandrun/trusted"
	ln -s /nowhere "$XDG_DATA_HOME/sandrun/trusted/zz.pem"
	sr verify good.jsonl
	assert_error 125 "zz.pem: No such file or directory"
	sr verify --trust "$T" good.jsonl
	assert_error 125 "no *.pem"
	sr verify --key file-stdout good.jsonl
	assert_error 125 "cannot use the key file-stdout" "hint: "
}

@test "what does not show is not called ok" {
	local calm='.checks[] | select(.check == "sequence" or .check == "result") | select(.state != "ok") | "\(.check) \(.code)"'
	checked previous-none
	assert_success
	assert_equal "$(jq -r "$calm" <<<"$output")" "sequence previous-none"
	assert_contains "$output" "none today"
	checked killed-and-status-0
	assert_success
	assert_equal "$(jq -r "$calm" <<<"$output")" "result killed-status"
}

@test "a text that is too long is cut between two characters" {
	local i
	python3 - "$T" "$BATS_TEST_DIRNAME" <<-'EOF'
		import sys
		sys.path.insert(0, sys.argv[2])
		sys.dont_write_bytecode = True
		import forge
		for i in range(4):
		    claims = [{"target": "x" * i + "\u20ac" * 60, "storage": "s", "method": "m", "checked": "c", "performed": False}] * 5
		    run = forge.Run()
		    open(sys.argv[1] + "/cut%d.jsonl" % i, "wb").write(run.build({"facts": forge.put("execution", "destruction.claims", claims)}))
	EOF
	for i in 0 1 2 3; do
		sr verify --key acme.pem --json "$T/cut$i.jsonl"
		assert_success
		assert_contains "$(jq -r '.checks[] | select(.code == "destruction-open") | .text' <<<"$output")" €€€
	done
}

@test "many lines and many keys stay within a bound of processor time" {
	require_plain "the sanitizer's own time"
	python3 - "$T" <<-'EOF'
		import base64, json, os, sys
		from cryptography.hazmat.primitives import serialization
		from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
		os.mkdir(sys.argv[1] + "/keys", 0o755)
		for i in range(256):
		    key = Ed25519PrivateKey.generate().public_key()
		    fd = os.open(sys.argv[1] + "/keys/%d.pem" % i, os.O_WRONLY | os.O_CREAT, 0o644)
		    os.write(fd, key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo))
		sig = base64.b64encode(os.urandom(63) + b"\0").decode()
		line = json.dumps({"payload": base64.b64encode(bytes(64000)).decode(), "payloadType": "application/vnd.in-toto+json", "signatures": [{"sig": sig}]})
		open(sys.argv[1] + "/lines.jsonl", "w").write((line + "\n") * 64)
	EOF
	bounded() {
		(ulimit -t "$CPU_S" && exec "$SANDRUN" verify --trust "$T/keys" --json "$T/lines.jsonl" 3>&-)
	}
	CPU_S=20 sr_capture bounded
	assert_status 3
	assert_equal "$(reasons)" identity-unknown
}

@test "one line a check, the assurance and whose word it is; never a bare verified" {
	sr verify --key acme.pem good.jsonl
	assert_success
	refute_contains "${output,,}" verified
	assert_equal "${lines[-2]}" "result: every required check holds"
	assert_match "${lines[-1]}" '^assurance: self-asserted, the word of identity [0-9a-f]{64}$'
	assert_match "$output" 'ok +assurance +self-asserted: every fact above is the word of whoever holds identity key'
	sr verify --key acme.pem byte-execution.jsonl
	assert_status 1
	assert_contains "$output" "FAILED     signatures"
	assert_equal "${lines[-2]}" "result: a check failed; nothing that this file says is to be relied on (signature)"
	assert_equal "${lines[-1]}" "assurance: none, nobody's word"
	sr verify --key acme.pem file-text.jsonl
	assert_status 2
	assert_equal "${lines[-1]}" "assurance: none, nobody's word"
	sr verify --key rival.pem good.jsonl
	assert_status 3
	assert_equal "${lines[-1]}" "assurance: none, nobody's word"
}

@test "standard input, pipes and what is no file" {
	sr verify --key acme.pem - <good.jsonl
	assert_success
	sr verify --key acme.pem - <byte-close.jsonl
	assert_status 1
	mkfifo "$T/pipe"
	cat good.jsonl >"$T/pipe" 3>&- &
	sr verify --key acme.pem "$T/pipe"
	assert_success
	sr verify --key acme.pem "$T"
	assert_error 125 "Is a directory"
	sr verify --key acme.pem "$T/absent"
	assert_error 125 "No such file or directory"
	sr verify --key acme.pem
	assert_error 125 "it takes one certificate"
	sr verify --key acme.pem good.jsonl good.jsonl
	assert_error 125 "it takes one certificate"
	sr verify --kez acme.pem good.jsonl
	assert_error 125 "--kez" "no such option"
	sr verify good.jsonl --key
	assert_error 125 "it takes a value"
	sr verify --help
	assert_success
	assert_contains "$output" "--audience TEXT"
}

@test "text from a certificate does not reach the terminal as it is" {
	python3 - "$T" "$BATS_TEST_DIRNAME" <<-'EOF'
		import sys
		sys.path.insert(0, sys.argv[2])
		sys.dont_write_bytecode = True
		import forge
		evil = "\x1b[2J\x07\u202e"
		run = forge.Run()
		open(sys.argv[1] + "/evil.jsonl", "wb").write(run.build({"facts": forge.several(
		    ("open.challenge.audience", evil), ("execution.challenge.audience", evil), ("execution.destruction.claims.0.performed", False),
		    ("execution.destruction.claims.0.target", evil))}))
	EOF
	sr verify --key acme.pem "$T/evil.jsonl"
	assert_success
	assert_contains "$output" '\x1b[2J'
	refute_contains "$output" $'\e'
	refute_contains "$output" $'\u202e'
	sr verify --key acme.pem --json "$T/evil.jsonl"
	assert_success
	refute_contains "$output" $'\e'
}

@test "a file of 1 GiB is refused at once, within little memory" {
	truncate -s 1G "$T/sparse"
	head -c 200 good.jsonl >"$T/start"
	truncate -s 1G "$T/start"
	bounded() {
		(ulimit -v 200000 && ulimit -t 10 && exec "$SANDRUN" verify --key acme.pem --json "$@" 3>&-)
	}
	require_plain "the sanitizer's shadow memory"
	sr_capture bounded good.jsonl
	assert_success
	local file
	for file in "$T/sparse" "$T/start" /dev/zero; do
		sr_capture bounded "$file"
		assert_status 2
		assert_equal "$(reasons)" too-large
	done
	# a pipe has no size to look at
	sr_capture bounded - < <(cat "$T/sparse" 2>/dev/null)
	assert_status 2
	assert_equal "$(reasons)" too-large
}

@test "hostile files of the largest size that is read stay bounded" {
	require_plain "the sanitizer's shadow memory"
	python3 - "$T" <<-'EOF'
		import base64, json, sys
		size = 32 << 20
		def save(name, text):
		    open(sys.argv[1] + "/" + name, "wb").write(text[:size])
		save("one-line", b'{"a":"' + b"x" * size)
		save("deep", b"[" * size)
		save("values", b'{"a":[' + b"0," * (size // 2))
		save("keys", b"{" + b"".join(b'"%d":0,' % i for i in range(2000000)))
		save("newlines", b"\n" * size)
		sig = base64.b64encode(bytes(64)).decode()
		line = json.dumps({"payload": base64.b64encode(bytes(17 << 20)).decode(), "payloadType": "application/vnd.in-toto+json", "signatures": [{"sig": sig}]})
		save("payload", line.encode())
		line = json.dumps({"payload": base64.b64encode(bytes(60000)).decode(), "payloadType": "application/vnd.in-toto+json", "signatures": [{"sig": sig}]})
		save("many", (line.encode() + b"\n") * 64)
	EOF
	bounded() {
		(ulimit -v 400000 && ulimit -t 20 && exec "$SANDRUN" verify --key acme.pem --json "$@" 3>&-)
	}
	local name want codes
	while read -r name want codes; do
		sr_capture bounded "$T/$name"
		[ "$status" = "$want" ] || sr_fail "$name: status $status, expected $want"
		assert_equal "$name $(reasons)" "$name $codes"
	done <<-EOF
		one-line 2 too-large
		deep 2 too-large
		values 2 too-large
		keys 2 json-size
		newlines 2 json-syntax
		payload 3 identity-unknown
		many 3 identity-unknown
	EOF
}

@test "no network is used" {
	require_cmd strace
	require_plain "the leak check under strace"
	strace -f -o "$T/calls" "$SANDRUN" verify --key acme.pem good.jsonl >/dev/null
	[ "$(wc -l <"$T/calls")" -gt 10 ]
	assert_equal "$(grep -E 'socket\(|connect\(|clone|fork' "$T/calls" || true)" ""
}

# A run with an identity of its own: in $1, with the rest of the words.
run_as() {
	local who=$1
	shift
	HOME=$T/$who XDG_DATA_HOME=$T/$who/data XDG_STATE_HOME=$T/$who/state sr "$@"
}

@test "what a run of sandrun's leaves holds, and so does what it brought out" {
	require_user
	cd "$T"
	mkdir acme
	# shellcheck disable=SC2016
	run_as acme --certificate c.jsonl --record-args -i "$BATS_TEST_FILENAME:in.txt" -o 'out/*' -O res -- sh -c 'mkdir out; wc -l <in.txt >out/n; echo hello; echo bad >&2'
	assert_success
	assert_output hello
	printf 'hello\n' >stdout
	run_as acme verify c.jsonl
	assert_status 3
	assert_contains "$output" "only this user's own key"
	refute_contains "$output" FAILED
	local key=$T/acme/data/sandrun/identity.pub.pem
	sr verify --key "$key" --input "in.txt=$BATS_TEST_FILENAME" --output stdout=stdout --output out/n=res/out/n --output out/out/n=res/out/n c.jsonl
	assert_success
	assert_contains "$output" "the file is the output out/n"
	sr verify --key "$key" --output out/n=stdout c.jsonl
	assert_status 1
	run_as acme --certificate p.jsonl --private-input "$BATS_TEST_FILENAME:in.txt" --private-outputs -- cat in.txt
	assert_success
	run_as acme verify --key "$key" --input "in.txt=$BATS_TEST_FILENAME" --output "stdout=$BATS_TEST_FILENAME" p.jsonl
	assert_success
	assert_contains "$output" "the file is the input in.txt, by its opened commitment"
	assert_contains "$output" "the file is the output stdout, by its opened commitment"
	run_as acme verify --key "$key" --input in.txt=stdout p.jsonl
	assert_status 1
	run_as acme --certificate t.jsonl --trace -- sh -c ':; echo x | cat'
	assert_success
	sr verify --key "$key" t.jsonl
	assert_success
	assert_match "$output" 'ok +trace +[0-9]+ events, root and digest recomputed; complete'
	sed -i 's/"exec"/"axec"/' t.jsonl.trace.jsonl
	sr verify --key "$key" t.jsonl
	assert_status 1
	rm c.jsonl
	run_as acme --certificate c.jsonl -- true
	run_as acme --certificate d.jsonl --nonce 00112233445566778899aabbccddeeff --audience someone -- sh -c 'kill -SEGV $$'
	assert_status 139
	sr verify --key "$key" --nonce 00112233445566778899aabbccddeeff --audience someone --after c.jsonl d.jsonl
	assert_success
	assert_contains "$output" "the run right after the earlier certificate's"
	sr verify --key "$key" --after d.jsonl c.jsonl
	assert_status 1
}

@test "two users' runs of one script agree, and disagree where it does" {
	require_user
	cd "$T"
	mkdir acme rival
	echo 'echo $((6 * 7))' >same.sh
	# shellcheck disable=SC2016
	echo 'cat /proc/sys/kernel/random/uuid' >other.sh
	local who script
	for who in acme rival; do
		for script in same other; do
			run_as "$who" --record-args --certificate "$who-$script.jsonl" "$script.sh"
			assert_success
		done
		cp "$who/data/sandrun/identity.pub.pem" "$who.pem"
	done
	sr compare --key acme.pem --key rival.pem acme-same.jsonl rival-same.jsonl
	assert_success
	sr compare --key acme.pem --key rival.pem acme-other.jsonl rival-other.jsonl
	assert_status 1
	assert_contains "$output" "FAILED     stdout       they differ"
	sr compare --key acme.pem --key rival.pem acme-same.jsonl rival-other.jsonl
	assert_status 1
	assert_contains "$output" "FAILED     plan"
	sr compare --key acme.pem acme-same.jsonl acme-same.jsonl
	assert_status 3
}
