#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Private inputs, arguments and outputs: recorded by commitments that open, and in no other way; `sandrun open`.

load ../lib/common

setup() {
	require_cmd python3 jq openssl
	export HOME=$T/home
	unset XDG_STATE_HOME XDG_DATA_HOME XDG_CACHE_HOME XDG_CONFIG_HOME
	mkdir -p "$HOME"
	cd "$T" || return 1
	printf 'ssn,123456789\n' >salaries.csv
	printf 'ssn,123456780\n' >other.csv
	(umask 077 && printf '%s\n' "$SALT" >salt)
}

SALT=000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f

commit() {
	python3 "$TESTS/lib/commit.py" "$@"
}

# The certificate of the newest run of this test, and its opening file. Run ids sort by time.
certificate() {
	printf '%s\n' "$HOME"/.local/state/sandrun/certificates/*.intoto.jsonl | tail -n1
}

opening() {
	local cert
	cert=$(certificate)
	printf '%s\n' "${cert%.intoto.jsonl}.opening.json"
}

# A run with everything private: input, argument, both streams, an output file.
private_run() {
	sr --private-input salaries.csv --private-args --private-outputs -o approved.txt -O out --force "$@" -- /bin/sh -c \
		'cat salaries.csv; echo "rejected-$1" >&2; echo "approved-$1" >approved.txt' sh customer-4711
}

@test "an owner's salt gives the commitment that python and openssl compute" {
	local want item
	sr --private-input salaries.csv --salt-file salt --report report.json -- /bin/true
	assert_success
	want=$(commit value "$SALT" input salaries.csv salaries.csv)
	assert_equal "$(report '.inputs[0].sandrunHmacSha256V1')" "$want"
	assert_equal "$(commit of "$(certificate)" input salaries.csv)" "sandrunHmacSha256V1 $want"
	item=$(printf 'sandrun-commit-v1\0input\0salaries.csv' | openssl mac -digest SHA256 -macopt "hexkey:$SALT" HMAC)
	assert_equal "$(openssl mac -digest SHA256 -macopt "hexkey:$item" -in salaries.csv HMAC | tr A-F a-f)" "$want"
	[ ! -e "$(opening)" ]
	assert_equal "$(commit statement "$(certificate)" | jq -r .predicate.plan.private.saltMode)" owner
}

@test "32 raw bytes are the same salt as their 64 hex digits" {
	(umask 077 && python3 -c 'import sys; sys.stdout.buffer.write(bytes(range(32)))' >raw)
	sr --private-input salaries.csv --salt-file raw --report report.json -- /bin/true
	assert_success
	assert_equal "$(report '.inputs[0].sandrunHmacSha256V1')" "$(commit value "$SALT" input salaries.csv salaries.csv)"
}

@test "without a salt of the owner's, two runs commit to the same bytes in two ways" {
	local first
	sr --private-input salaries.csv --report report.json -- /bin/true
	assert_success
	first=$(report '.inputs[0].sandrunHmacSha256V1')
	sr --private-input salaries.csv --report report.json -- /bin/true
	[ "$first" != "$(report '.inputs[0].sandrunHmacSha256V1')" ]
}

@test "the opening file opens every commitment of the certificate" {
	local cert open
	private_run
	assert_success
	assert_output 'ssn,123456789'
	assert_stderr 'rejected-customer-4711'
	cert=$(certificate) open=$(opening)
	assert_equal "$(stat -c %a "$open")" 600
	commit check "$cert" "$open" input salaries.csv salaries.csv
	printf '%s\n' "$output" >seen-out
	printf '%s\n' "$stderr" >seen-err
	commit check "$cert" "$open" stdout stdout seen-out
	commit check "$cert" "$open" stderr stderr seen-err
	commit check "$cert" "$open" output approved.txt out/approved.txt
	printf '%s\0' /bin/sh -c 'cat salaries.csv; echo "rejected-$1" >&2; echo "approved-$1" >approved.txt' sh customer-4711 >argv
	commit check "$cert" "$open" argv argv argv
	assert_equal "$(jq '.items | length' "$open")" 6 # and env
	refute_contains "$(cat "$cert")" "$(jq -r '.items[0].salt' "$open")"
	assert_equal "$(commit statement "$cert" | jq -c '.predicate.plan.private')" '{"args":true,"outputs":true,"saltMode":"kept"}'
	# no size either
	assert_equal "$(commit statement "$cert" | jq -c '[.predicate.plan.inputs[0].bytes, .predicate.result.streams.stdout.bytes, .predicate.result.outputs.bytes]')" \
		'[null,null,null]'
}

@test "streams that are one pipe are one item" {
	"$SANDRUN" --private-outputs -- /bin/sh -c 'echo a; echo b >&2' >both 2>&1 3>&-
	commit check "$(certificate)" "$(opening)" stdout+stderr stdout+stderr both
	sr open "$(certificate)" --item stdout+stderr --input both
	assert_success
}

@test "a terminal's stream is committed to as a whole" {
	local cert
	try python3 "$TESTS/lib/pty.py" <<-'PYTHON'
		t = Terminal([SANDRUN, "-q", "--private-outputs", "--", "/bin/echo", "shown"])
		equal(t.wait(), 0)
		open(T + "/shown", "wb").write(t.output)
	PYTHON
	assert_success
	cert=$(certificate)
	commit check "$cert" "$(opening)" terminal terminal shown
}

@test "private standard input: its commitment, and the program's that came that way" {
	printf 'secret line\n' >stdin
	sr --private-input - --report report.json -- /bin/cat <stdin
	assert_success
	assert_output 'secret line'
	assert_equal "$(jq '.stdin | has("sha256") or has("bytes")' report.json)" false
	commit check "$(certificate)" "$(opening)" stdin stdin stdin
	printf 'echo ran\n' >program
	sr --private-input - --lang sh <program
	assert_output ran
	commit check "$(certificate)" "$(opening)" script stdin program
	commit check "$(certificate)" "$(opening)" stdin stdin program
	assert_equal "$(commit leaks "$HOME" -- 'echo ran')" ''
}

@test "code on the command line is an argument: with --private-args its digest is a commitment" {
	sr --private-args --private-outputs --lang awk -c 'BEGIN { print "code-4711" }'
	assert_success
	assert_output 'code-4711'
	assert_equal "$(commit leaks "$HOME" -- 'BEGIN { print "code-4711" }' 'code-4711')" ''
}

@test "a private folder is committed to by its manifest" {
	mkdir -p folder/sub
	printf 'one\n' >folder/a
	printf 'three\n' >folder/sub/b
	sr --private-input folder --private-outputs --salt-file salt --report report.json -- /bin/cat folder/a folder/sub/b
	assert_success
	assert_output $'one\nthree'
	python3 - folder >manifest <<-'PYTHON'
		import hashlib, sys
		out = sys.stdout.buffer
		out.write(b"sandrun-manifest-1\0")
		for path in ("a", "sub", "sub/b"):
		    if path == "sub":
		        out.write(b"d 0755 0 - sub\0")
		        continue
		    data = open("folder/" + path, "rb").read()
		    out.write(f"f 0444 {len(data)} {hashlib.sha256(data).hexdigest()} {path}\0".encode())
	PYTHON
	assert_equal "$(report '.inputs[0].sandrunHmacSha256V1')" "$(commit value "$SALT" input folder manifest)"
	assert_equal "$(commit leaks "$HOME" -- one three)" ''
	sr open "$(certificate)" --item input:folder --input folder --salt-file salt
	assert_success
	sr open "$(certificate)" --item input:folder --input manifest --salt-file salt
	assert_success
	printf 'two\n' >folder/a
	sr open "$(certificate)" --item input:folder --input folder --salt-file salt
	assert_status 1
	sr open "$(certificate)" --item stdout --input folder --salt-file salt
	assert_error 125 'Is a directory'
}

# ---- nothing else is left -------------------------------------------------------------------------------------------------

# What a run may leave: everything in the home folder (state, caches), the report, temporary files.
left() {
	commit leaks "$HOME" "$T/kept" "$T/tmp" -- 'ssn,123456789' 'rejected-customer-4711' 'approved-customer-4711' 'customer-4711'
}

@test "no byte that a run leaves holds private data or its plain digest; the same search finds them after an open run" {
	mkdir kept tmp
	export TMPDIR=$T/tmp
	private_run --report kept/report.json -v
	assert_success
	printf '%s\n' "$stderr" | grep -v '^rejected-' >kept/messages
	assert_equal "$(left)" ''
	# a run that fails in its set-up, and one that is ended by a limit
	sr --private-input salaries.csv --private-args --private-outputs --report kept/report2.json -- /no/such/program customer-4711
	assert_status 127
	printf '%s\n' "$stderr" >kept/messages2
	sr --private-input salaries.csv --private-args --private-outputs --report kept/report3.json -t 300ms -- /bin/sh -c \
		'cat salaries.csv; while :; do :; done' sh customer-4711
	assert_status 124
	printf '%s\n' "$stderr" >kept/messages3
	assert_equal "$(find "$HOME/.local/state/sandrun/certificates" -name '*.intoto.jsonl' | wc -l)" 2
	assert_equal "$(left)" ''
	# the positive control: plain, the digests are there, and the data where arguments are recorded
	sr -i salaries.csv --record-args --report kept/open.json -o approved.txt -O out --force -- /bin/sh -c \
		'cat salaries.csv; echo "rejected-$1" >&2; echo "approved-$1" >approved.txt' sh customer-4711
	assert_success
	assert_contains "$(left)" 'kept/open.json: the plain digest in hex of ssn,123456789'
	assert_contains "$(left)" '(payload): the plain digest in hex of ssn,123456789'
	assert_contains "$(left)" 'the plain digest in hex of rejected-customer-4711'
	assert_contains "$(left)" 'the plain digest in hex of approved-customer-4711'
	assert_contains "$(left)" '(payload): the data of customer-4711'
}

@test "with --private-args no argument is shown by --explain" {
	sr --explain --private-args --private-input salaries.csv -- /bin/sh -c 'echo customer-4711' customer-4711
	assert_success
	refute_contains "$output" 4711
	assert_contains "$output" 'command     /bin/sh (private) (private) (private)'
	assert_contains "$output" 'salaries.csv as /work/salaries.csv, private'
	assert_contains "$output" 'arguments; commitments, no digests'
	sr --explain --private-args --lang python -c 'print(4711)'
	refute_contains "$output" 4711
	sr --explain -- /bin/sh -c 'echo customer-4711' # the control
	assert_contains "$output" 4711
}

@test "nobody reads the memory of a sandrun that holds private data" {
	require_user
	local pid
	mkfifo gate
	# the control: without secrets it can be read
	"$SANDRUN" --no-certificate -- /bin/cat <gate >/dev/null 2>&1 3>&- &
	pid=$!
	exec 7>gate
	wait_for 10 test -e "/proc/$pid/task/$pid/children"
	wait_for 10 grep -q . "/proc/$pid/task/$pid/children"
	on_host cat "/proc/$pid/maps"
	exec 7>&-
	wait "$pid"
	"$SANDRUN" --no-certificate --private-input salaries.csv -- /bin/cat <gate >/dev/null 2>&1 3>&- 7>&- &
	pid=$!
	exec 7>gate
	wait_for 10 grep -q . "/proc/$pid/task/$pid/children"
	wait_for 10 not_readable "/proc/$pid/maps"
	try cat "/proc/$pid/mem"
	[ "$status" -ne 0 ]
	try cat "/proc/$pid/environ"
	[ "$status" -ne 0 ]
	exec 7>&-
	wait "$pid"
}

not_readable() {
	! cat "$1" >/dev/null 2>&1
}

@test "where memory cannot be locked that is said" {
	require_plain "mlock(2), which they answer themselves"
	require_user
	(ulimit -l 0 && sr -v --private-input salaries.csv -- /bin/true && assert_success &&
		assert_contains "$stderr" 'private data may go to swap: only 0 kB of memory can be locked')
	sr -v -i salaries.csv -- /bin/true
	refute_contains "$stderr" 'may go to swap'
}

# ---- options ----------------------------------------------------------------------------------------------------------------

@test "options about privacy that contradict each other are refused" {
	sr --salt kept --salt-file salt -- /bin/true
	assert_error 125 "cannot use '--salt' with '--salt-file'"
	sr --private-args --learn -- /bin/true
	assert_error 125 "cannot use '--learn' with '--private-args'"
	sr --private-args --trace -- /bin/true
	assert_error 125 "cannot use '--trace' with private"
	sr --private-outputs --trace -- /bin/true
	assert_error 125 "cannot use '--trace' with private"
	sr --private-args --record-args -- /bin/true
	assert_error 125 "cannot use '--record-args' with '--private-args'"
	sr --salt kept --no-certificate -- /bin/true
	assert_error 125 "cannot use --no-certificate together with --salt"
	sr --salt lost -- /bin/true
	assert_error 125 "--salt takes kept|destroyed"
	sr --private-input salaries.csv --certificate /dev/null -- /bin/true
	assert_error 125 "cannot keep the salt beside the certificate /dev/null"
}

@test "a salt that is none, or that others can read, is refused" {
	local bad
	sr --salt-file missing -- /bin/true
	assert_error 125 'cannot use the salt of missing: No such file'
	sr --salt-file "$T" -- /bin/true
	assert_error 125 'it is no file'
	mkfifo pipe
	sr --salt-file pipe -- /bin/true
	assert_error 125 'it is no file'
	umask 077
	for bad in '' 'short' "${SALT}0" "${SALT/0/g}" "$SALT"$'\n\n'; do
		printf '%s' "$bad" >bad
		sr --salt-file bad -- /bin/true
		assert_error 125 'neither 32 bytes nor 64 hex digits'
	done
	printf '%064d' 0 >bad
	sr --salt-file bad -- /bin/true
	assert_error 125 'all its bytes are the same'
	cp salt open && chmod 640 open
	sr --salt-file open -- /bin/true
	assert_error 125 'others can read it' 'chmod 600'
}

@test "config.ini and a project's sandrun.ini may ask for privacy, and take none away" {
	mkdir -p "$HOME/.config/sandrun" project
	printf '[run]\nprivate-outputs = yes\n' >"$HOME/.config/sandrun/config.ini"
	sr --report report.json -- /bin/echo x
	assert_success
	report '.stdout.sandrunHmacSha256V1' >/dev/null
	rm "$HOME/.config/sandrun/config.ini"
	printf 'echo x\n' >project/main.sh
	printf '[run]\nentrypoint = main.sh\nprivate-outputs = yes\nprivate-args = yes\n' >project/sandrun.ini
	sr -C project --report report.json
	assert_success
	report '.stdout.sandrunHmacSha256V1' >/dev/null
	assert_equal "$(report '.manifest.used | index("private-outputs") != null')" true
	printf '[run]\nentrypoint = main.sh\nprivate-outputs = no\n' >project/sandrun.ini
	sr -C project --private-outputs --report report.json
	assert_success
	report '.stdout.sandrunHmacSha256V1' >/dev/null
	assert_equal "$(report '.manifest.unused | index("private-outputs") != null')" true
	printf '[run]\nentrypoint = main.sh\nsalt-file = /etc/passwd\n' >project/sandrun.ini
	sr -C project
	assert_error 125 'salt-file needs the command line'
}

# ---- sandrun open -----------------------------------------------------------------------------------------------------------

@test "open: yes for the file, no for another" {
	local cert
	private_run
	cert=$(certificate)
	printf '%s\n' "$stderr" >seen-err
	sr open "$cert" --item input:salaries.csv --input salaries.csv
	assert_success
	assert_contains "$output" 'yes: salaries.csv is the input:salaries.csv of run'
	sr open "$cert" --item input:salaries.csv --input other.csv
	assert_status 1
	assert_contains "$output" 'no: other.csv is not the input:salaries.csv'
	sr open "$cert" --item output:approved.txt --input out/approved.txt
	assert_success
	sr open "$cert" --json --item=stderr --input=seen-err
	assert_success
	assert_equal "$(jq -c '[.opened, .item, .kind]' <<<"$output")" '[true,"stderr","sandrunHmacSha256V1"]'
	sr open "$cert" --json --item stderr --input other.csv
	assert_status 1
	assert_equal "$(jq .opened <<<"$output")" false
	printf '%s\0' /bin/sh -c 'cat salaries.csv; echo "rejected-$1" >&2; echo "approved-$1" >approved.txt' sh customer-4711 >argv
	sr open "$cert" --item argv --input argv
	assert_success
}

@test "open: the stock commands that it prints give the certificate's value" {
	local want
	private_run
	sr open "$(certificate)" --item input:salaries.csv --input salaries.csv
	assert_success
	want=$(commit of "$(certificate)" input salaries.csv)
	grep '^  ' <<<"$output" >commands
	assert_equal "$(bash commands | tr A-F a-f)" "${want#* }"
	private_run --salt-file salt
	sr open "$(certificate)" --item input:salaries.csv --input salaries.csv --salt-file salt
	assert_success
	want=$(commit of "$(certificate)" input salaries.csv)
	grep '^  ' <<<"$output" >commands
	assert_equal "$(SALT=$SALT bash commands | tr A-F a-f)" "${want#* }"
}

@test "open: what is recorded by its digest needs no opening" {
	sr -i salaries.csv -- /bin/echo x
	sr open "$(certificate)" --item input:salaries.csv --input salaries.csv
	assert_success
	sr open "$(certificate)" --item input:salaries.csv --input other.csv
	assert_status 1
	sr open "$(certificate)"
	assert_success
	assert_contains "$output" "input:salaries.csv   sha256 $(sha256sum <salaries.csv | cut -d' ' -f1)"
}

@test "open: a wrong salt, another item's, another run's, none" {
	local first cert open
	private_run
	first=$(opening)
	private_run
	cert=$(certificate) open=$(opening)
	[ "$first" != "$open" ]
	sr open "$cert" --item input:salaries.csv --input salaries.csv --opening "$first"
	assert_error 1 'is of another run'
	jq -c '.runId = $id' --arg id "$(jq -r .runId "$open")" "$first" >forged
	sr open "$cert" --item input:salaries.csv --input salaries.csv --opening forged
	assert_status 1
	assert_contains "$output" 'no: salaries.csv is not'
	# the salt of stdout, whose bytes are the same
	jq -c '(.items[] | select(.role == "stdout").salt) as $s | .items |= map(if .role == "input" then .salt = $s else . end)' "$open" >swapped
	sr open "$cert" --item stdout --input salaries.csv --opening swapped
	assert_success
	sr open "$cert" --item input:salaries.csv --input salaries.csv --opening swapped
	assert_status 1
	sr open "$cert" --item input:salaries.csv --input salaries.csv --salt-file salt
	assert_status 1
	jq -c '.items |= map(select(.role != "input"))' "$open" >less
	sr open "$cert" --item input:salaries.csv --input salaries.csv --opening less
	assert_error 1 'has no salt for it'
	rm "$open"
	sr open "$cert" --item input:salaries.csv --input salaries.csv
	assert_error 125 'is not there' '--opening FILE'
}

@test "open: a salt that was destroyed opens nothing" {
	private_run --salt destroyed
	assert_success
	[ ! -e "$(opening)" ]
	sr open "$(certificate)" --item input:salaries.csv --input salaries.csv
	assert_error 1 'destroyed with the run'
	private_run --salt-file salt
	sr open "$(certificate)" --item input:salaries.csv --input salaries.csv
	assert_error 125 "its salt is an owner's" '--salt-file FILE'
}

@test "open: what is malformed is said to be, with status 2" {
	local cert open
	private_run
	cert=$(certificate) open=$(opening)
	sr open salaries.csv --item stdout --input other.csv
	assert_error 2 'cannot rely on'
	sed 's/"v":1/"v":1,"v":1/' "$open" >doubled
	sr open "$cert" --item stdout --input other.csv --opening doubled
	assert_error 2 'a key stands in it twice'
	sr open "$cert" --item stdout --input other.csv --opening salaries.csv
	assert_error 2 'cannot understand'
	sr open "$cert" --item stdout --input other.csv --salt-file salaries.csv
	assert_error 2 'a salt is 32 bytes'
}

@test "open: a certificate that does not hold, or that nobody known has signed, opens nothing" {
	local cert
	private_run
	cert=$(certificate)
	sed -n 1p "$cert" >cut
	sr open cut --item stdout --input salaries.csv --opening "$(opening)"
	assert_error 1 'cannot rely on'
	# the commitment of another file, put into the signed statement
	python3 - "$cert" >forged <<-'PYTHON'
		import base64, json, sys
		for line in open(sys.argv[1]):
		    e = json.loads(line)
		    body = base64.b64decode(e["payload"]).replace(b'"stdout"', b'"stderr"')
		    e["payload"] = base64.b64encode(body).decode()
		    print(json.dumps(e))
	PYTHON
	sr open forged --item stdout --input salaries.csv --opening "$(opening)"
	assert_error 1 'cannot rely on'
	openssl genpkey -algorithm ed25519 | openssl pkey -pubout -out stranger.pem
	sr open "$cert" --item stdout --input salaries.csv --key stranger.pem
	assert_error 1 'unknown: none of the 1 keys' '--key FILE'
	sr key export
	printf '%s\n' "$output" >own.pem
	sr open "$cert" --item stdout --input salaries.csv --key own.pem
	assert_success
	assert_match "$output" 'assurance: self-asserted, the word of identity [0-9a-f]{64}$'
}

@test "open: wrong words" {
	private_run
	sr open
	assert_error 125 'no certificate is named'
	sr open "$(certificate)" --item stdout
	assert_error 125 'it needs --input FILE'
	sr open "$(certificate)" --item stdout --input missing
	assert_error 125 "cannot read 'missing'"
	sr open "$(certificate)" --item nothing --input salaries.csv
	assert_error 1 'no such item'
	sr open "$(certificate)" --frob
	assert_error 125 'no such option'
	sr open --help
	assert_success
	assert_contains "$output" 'Usage: sandrun open'
}
