#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Certificates as runs leave them: the key, the run log, the three statements, what they say and when.

load ../lib/common
load ../lib/under

PLAIN=$SANDRUN
WITHOUT=$BUILD/tests/lib/without

setup() {
	require_cmd jq openssl
	export HOME="$T/home" XDG_STATE_HOME= XDG_DATA_HOME=
	mkdir -p "$HOME"
	state="$HOME/.local/state/sandrun"
	data="$HOME/.local/share/sandrun"
}

# statement N FILE: the N-th statement of a bundle as JSON.
statement() {
	sed -n "$1p" "$2" | jq -r .payload | base64 -d
}

# execution FILTER [FILE]: a field of the execution statement.
execution() {
	statement 2 "${2:-$T/c}" | jq -r ".predicate$1"
}

# signed_by LINE FILE PEM: the envelope's signature by openssl, not by our code.
signed_by() {
	local body
	statement "$1" "$2" >"$T/body"
	{
		printf 'DSSEv1 28 application/vnd.in-toto+json %d ' "$(wc -c <"$T/body")"
		cat "$T/body"
	} >"$T/pae"
	sed -n "$1p" "$2" | jq -r '.signatures[0].sig' | base64 -d >"$T/sig"
	openssl pkeyutl -verify -rawin -pubin -inkey "$3" -in "$T/pae" -sigfile "$T/sig"
}

@test "a run leaves one file, three envelopes, each link of the chain by openssl" {
	sr -- echo out
	assert_success
	local files=("$state"/certificates/*)
	assert_equal "${#files[@]}" 1
	assert_match "${files[0]}" '/[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\.intoto\.jsonl$'
	assert_equal "$(stat -c %a "${files[0]}")" 600
	assert_equal "$(wc -l <"${files[0]}")" 3
	cp "${files[0]}" "$T/c"
	signed_by 1 "$T/c" "$data/identity.pub.pem"
	signed_by 3 "$T/c" "$data/identity.pub.pem"
	{
		echo "-----BEGIN PUBLIC KEY-----"
		statement 1 "$T/c" | jq -r .predicate.ephemeralKey.spki
		echo "-----END PUBLIC KEY-----"
	} >"$T/ephemeral.pem"
	signed_by 2 "$T/c" "$T/ephemeral.pem"
	! signed_by 2 "$T/c" "$data/identity.pub.pem"
	local opened executed
	opened=$(statement 1 "$T/c" | sha256sum | cut -d' ' -f1)
	executed=$(statement 2 "$T/c" | sha256sum | cut -d' ' -f1)
	assert_equal "$(execution .runOpen.digest.sha256)" "$opened"
	assert_equal "$(statement 2 "$T/c" | jq -r '.subject[0].digest.sha256')" "$opened"
	assert_equal "$(statement 3 "$T/c" | jq -r '.subject[0].digest.sha256')" "$executed"
	assert_equal "$(statement 1 "$T/c" | jq -r .predicate.plan.digest.sha256)" \
		"$(statement 2 "$T/c" | jq -cjS .predicate.plan | sha256sum | cut -d' ' -f1)"
	assert_equal "$(statement 2 "$T/c" | jq -r '.subject[] | select(.name == "stdout") | .digest.sha256')" \
		"$(echo out | sha256sum | cut -d' ' -f1)"
	assert_equal "$(openssl pkey -pubin -in "$data/identity.pub.pem" -outform DER | sha256sum | cut -d' ' -f1)" \
		"$(statement 1 "$T/c" | jq -r .predicate.worker.identityKeyId)"
}

@test "the identity key: made once, for the user alone, a key that openssl reads" {
	sr -- true
	assert_equal "$(stat -c %a "$data/identity.key")" 600
	openssl pkey -in "$data/identity.key" -pubout | cmp - "$data/identity.pub.pem"
	local before
	before=$(sha256sum <"$data/identity.key")
	sr -- true
	assert_equal "$(sha256sum <"$data/identity.key")" "$before"
	sr key export
	assert_output "$(cat "$data/identity.pub.pem")"
	sr key export --ssh
	assert_match "$output" '^ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI[A-Za-z0-9+/]+$'
	sr key show --json
	assert_equal "$(jq -r .keyId <<<"$output")" \
		"$(openssl pkey -pubin -in "$data/identity.pub.pem" -outform DER | sha256sum | cut -d' ' -f1)"
}

@test "many first runs at once agree on one key, and every number is taken once" {
	local i pids=()
	for i in {1..24}; do
		sr_raw -- true </dev/null >/dev/null 2>&1 &
		pids+=($!)
	done
	wait "${pids[@]}"
	assert_equal "$(ls "$data")" $'identity.key\nidentity.pub.pem'
	assert_equal "$(jq -r .counter "$state/run-log" | sort -n | tr '\n' ' ')" "$(seq -s ' ' 24) "
	assert_equal "$(jq -r .counter "$state/run-ends" | sort -n | tr '\n' ' ')" "$(seq -s ' ' 24) "
	assert_equal "$(cat "$state"/certificates/*.intoto.jsonl | jq -r '.payload' | base64 -d | jq -r '.predicate.worker.identityKeyId // empty' | sort -u | wc -l)" 1
	# the chain: each run-open names the one before it
	local previous=null counter digest file
	while read -r counter digest id; do
		file="$state/certificates/$id.intoto.jsonl"
		assert_equal "$(statement 1 "$file" | sha256sum | cut -d' ' -f1)" "$digest"
		assert_equal "$(statement 1 "$file" | jq -r '.predicate.sequence.previous.sha256 // "null"')" "$previous"
		assert_equal "$(statement 1 "$file" | jq -r .predicate.sequence.counter)" "$counter"
		previous=$digest
	done < <(jq -r '"\(.counter) \(.digest) \(.id)"' "$state/run-log")
}

@test "a run that is killed at any moment keeps its number in the log, and the log whole" {
	local i size
	sr -- true
	for i in {1..40}; do
		(exec "$SANDRUN" -- true </dev/null >/dev/null 2>&1 3>&-) &
		sleep "0.00$((i % 10))$((i / 10))"
		kill -KILL $! 2>/dev/null || :
		wait $! 2>/dev/null || :
	done
	sr -- true
	assert_success
	size=$(stat -c %s "$state/run-log")
	assert_equal $((size % 256)) 0
	assert_equal "$(jq -r .counter "$state/run-log" | tr '\n' ' ')" "$(seq -s ' ' $((size / 256))) "
	# some were killed before their end, or this shows nothing
	[ "$(stat -c %s "$state/run-ends")" -lt "$size" ]
	# what has no end is said to have none; what has one has a certificate
	sr certificate list --json
	assert_equal "$(jq -r '[.[] | select(.state == "here")] | length' <<<"$output")" "$(find "$state/certificates" -name '*.intoto.jsonl' | wc -l)"
	assert_equal "$(jq -r length <<<"$output")" $((size / 256))
	assert_equal "$(jq -r '.[-1].state' <<<"$output")" here
	assert_equal "$(find "$state" "$data" -name '.*' -type f | wc -l)" "$(find "$state" "$data" -name '.sandrun-*' -type f | wc -l)"
}

@test "a torn record and a damaged one: the counter goes on, the chain says that it begins anew" {
	local i
	for i in 1 2 3; do sr -- true; done
	truncate -s -100 "$state/run-log"
	sr --certificate "$T/c" -- true
	assert_success
	assert_equal "$(statement 1 "$T/c" | jq -c '[.predicate.sequence.counter, .predicate.sequence.previous]')" '[4,null]'
	assert_contains "$(statement 1 "$T/c" | jq -r .predicate.sequence.reason)" damaged
	sr --certificate "$T/d" -- true
	assert_equal "$(statement 1 "$T/d" | jq -r .predicate.sequence.previous.sha256)" "$(statement 1 "$T/c" | sha256sum | cut -d' ' -f1)"
	assert_equal "$(statement 1 "$T/d" | jq -r '.predicate.sequence | has("reason")')" false
	dd if=/dev/zero of="$state/run-log" bs=256 seek=4 count=1 conv=notrunc 2>/dev/null
	sr --certificate "$T/e" -- true
	assert_equal "$(statement 1 "$T/e" | jq -c '[.predicate.sequence.counter, .predicate.sequence.previous]')" '[6,null]'
}

@test "what ended a run stands in its certificate: exit, signal, limits, set-up" {
	sr --certificate "$T/c" -- sh -c 'exit 7'
	assert_status 7
	assert_equal "$(execution '.result | [.outcome, .exitCode, .signal, .limitHit, .status]' | jq -c .)" '["exited",7,null,null,7]'
	sr --certificate "$T/c" -- sh -c 'kill -9 $$'
	assert_equal "$(execution '.result | [.outcome, .exitCode, .signal, .limitHit, .status]' | jq -c .)" '["signaled",null,9,null,137]'
	sr --certificate "$T/c" -t 200ms -- sleep 5
	assert_equal "$(execution '.result | [.outcome, .exitCode, .limitHit, .status]' | jq -c .)" '["limit",null,"wall-time",124]'
	sr --certificate "$T/c" --output-limit 10 -- seq 100
	assert_equal "$(execution '.result | [.outcome, .limitHit, .streams.stdout.bytes, .streams.stdout.truncated]' | jq -c .)" '["limit","output",10,true]'
	without userns
	sr --certificate "$T/c" -- true
	SANDRUN=$PLAIN
	assert_error 125
	assert_equal "$(execution '.result | [.outcome, .exitCode, .startedAt, .usage, .status]' | jq -c .)" '["setup-failed",null,null,null,125]'
	assert_equal "$(execution .enforced)" null
	assert_match "$(execution .result.error.code)" '^E_'
}

@test "inputs, outputs, script, project, stdin: digests of the bytes" {
	printf 'data\n' >"$T/in.txt"
	printf 'import sys\nopen("a.txt","w").write(sys.stdin.read())\n' >"$T/s.py"
	cd "$T"
	sr --certificate "$T/c" -i in.txt -o a.txt -O "$T/res" s.py <<<'hello'
	assert_success
	assert_equal "$(execution .plan.inputs[0].digest.sha256)" "$(sha256sum <in.txt | cut -d' ' -f1)"
	assert_equal "$(execution .plan.script.digest.sha256)" "$(sha256sum <s.py | cut -d' ' -f1)"
	assert_equal "$(execution .result.stdin.digest.sha256)" "$(sha256sum <<<hello | cut -d' ' -f1)"
	assert_equal "$(statement 2 "$T/c" | jq -r '.subject[] | select(.name == "out/a.txt") | .digest.sha256')" "$(sha256sum <"$T/res/a.txt" | cut -d' ' -f1)"
	assert_equal "$(execution .plan.environment.digest)" null
	assert_contains "$(execution .plan.environment.reason)" "/usr"
	assert_equal "$(execution .plan.profile.digest.sha256)" "$(sha256sum <"$TOP/profiles/default.ini" | cut -d' ' -f1)"
}

@test "arguments and variables: committed, in clear only with --record-args" {
	sr --certificate "$T/c" --setenv "SECRET=pass-4711" -- true --token hunter2
	refute_contains "$(for i in 1 2 3; do statement $i "$T/c"; done)" hunter2
	refute_contains "$(for i in 1 2 3; do statement $i "$T/c"; done)" pass-4711
	assert_equal "$(execution '.plan.argv.count')" 3
	assert_contains "$(execution '.plan.env.names | join(" ")')" SECRET
	sr --certificate "$T/c" --record-args --setenv "SECRET=pass-4711" -- true --token hunter2
	assert_equal "$(execution '.plan.argv.recorded' | jq -c .)" '["true","--token","hunter2"]'
	refute_contains "$(for i in 1 2 3; do statement $i "$T/c"; done)" pass-4711
}

@test "enforced: namespaces, privileges and the filter were seen, Landlock was tried" {
	sr --certificate "$T/c" -- sleep 0.3
	assert_equal "$(execution '.enforced.namespaces | [.known, .user, .pid, .mount, .network, .ipc, .uts, .cgroup] | unique' | jq -c .)" '[true,"observed"]'
	assert_equal "$(execution '.enforced | [.noNewPrivs.known, .noNewPrivs.value, .capabilities.known, .capabilities.bounding, .seccomp.known, .seccomp.mode]' | jq -c .)" \
		'["observed",true,"observed","0000000000000000","observed",2]'
	if [ "$(id -u)" = 0 ]; then # root runs it as an id that nobody has
		assert_match "$(execution .enforced.idMap.uid)" '^1000 [1-9][0-9]{8,} 1$'
	else
		assert_equal "$(execution .enforced.idMap.uid)" "1000 $(id -u) 1"
	fi
	assert_match "$(execution '.enforced.landlock.known')" '^(probed|installed)$'
	local limit
	limit=$(execution '.enforced.limits[] | select(.name == "pids.max") | [.requested, .enforced, .mechanism]' | jq -c .)
	assert_match "$limit" '^\[128,128,"(rlimit:RLIMIT_NPROC|cgroup2:pids.max)"\]$'
}

@test "destruction: each claim was checked, something is always left out of it, and nothing of the run is there" {
	sr --certificate "$T/c" -o x -O "$T/out" -- sh -c 'echo x >x; sleep 100 & exit 0'
	assert_success
	assert_equal "$(execution '.destruction.claims | map(.performed) | unique' | jq -c .)" '[true]'
	assert_contains "$(execution '.destruction.claims[] | select(.target == "sandbox-mounts") | .checked')" EBADF
	assert_match "$(execution '.destruction.notCovered | length')" '^[1-9]'
	assert_match "$(execution '.notClaimed | length')" '^[1-9]'
	assert_equal "$(statement 3 "$T/c" | jq -r '.predicate.ephemeralKey | [.state, .signaturesIssued]' | jq -c .)" '["zeroed",1]'
}

@test "--nonce and --audience stand in run-open and execution; bad ones are refused before anything runs" {
	local nonce
	nonce=$(printf 'ab%.0s' {1..32})
	sr --certificate "$T/c" --nonce "$nonce" --audience "acme GmbH" -- true
	assert_equal "$(statement 1 "$T/c" | jq -c .predicate.challenge)" "{\"audience\":\"acme GmbH\",\"nonce\":\"$nonce\"}"
	assert_equal "$(execution .challenge.nonce)" "$nonce"
	for bad in 12 "${nonce}0" "${nonce^^}" "zz${nonce:2}" "$nonce$nonce$nonce"; do
		sr --nonce "$bad" -- touch "$T/ran"
		assert_error 125 --nonce
	done
	sr --no-certificate --nonce "$nonce" -- true
	assert_error 125 --no-certificate
}

@test "--no-certificate leaves nothing: no key, no folder, no number" {
	sr --no-certificate -- true
	assert_success
	[ ! -e "$HOME/.local" ]
}

@test "without HOME: a warning; with --certificate a refusal before anything runs" {
	unset HOME
	sr -- echo ran
	assert_success
	assert_output ran
	assert_contains "$stderr" "no certificate was kept"
	sr -q -- echo ran
	assert_stderr ""
	sr --certificate "$T/c" -- echo ran
	assert_error 125 "identity key" HOME
	[ ! -e "$T/c" ]
}

@test "a read-only home, a folder open to others, a key that others can read" {
	sr -- true
	chmod 644 "$data/identity.key"
	sr -- echo ran
	assert_error 125 identity.key
	assert_contains "$stderr" "chmod 600"
	chmod 600 "$data/identity.key"
	sr -- true
	assert_success
	echo garbage >"$data/identity.key"
	sr -- echo ran
	assert_error 125 identity.key "sandrun key rotate"
	sr key rotate --yes
	assert_success
	chmod 777 "$state/certificates"
	sr -- echo ran
	assert_success
	assert_contains "$stderr" "no certificate was kept"
	chmod 700 "$state/certificates"
	[ "$(id -u)" = 0 ] || { # whom no mode stops
		chmod 500 "$state/certificates"
		sr -- echo ran
		assert_success
		assert_output ran
		assert_contains "$stderr" "cannot write the certificate"
		chmod 700 "$state/certificates"
	}
}

@test "--certificate into what cannot be written is refused before the program runs" {
	for place in "$T/none/c" "$T" "$T/"; do
		sr --certificate "$place" -- touch /work/x
		assert_error 125 certificate
	done
	[ "$(id -u)" = 0 ] || {
		mkdir -m 555 "$T/closed"
		sr --certificate "$T/closed/c" -- true
		assert_error 125 certificate
	}
	canary "$T/there" old
	ln -s "$T/there" "$T/link"
	sr --certificate "$T/link" -- true
	assert_success
	assert_canaries
	assert_equal "$(wc -l <"$T/link")" 3
}

@test "certificate show, list, prune; key rotate keeps the old public key and destroys the old secret" {
	local i old
	for i in 1 2 3; do sr -- true; done
	sr certificate show
	assert_success
	assert_contains "$output" "nothing was checked"
	sr certificate show --json
	assert_equal "$(jq -r length <<<"$output")" 3
	sr certificate show 0
	assert_error 125 "give more"
	sr certificate show zzz
	assert_error 125 "certificate list"
	sr certificate prune --keep 1
	assert_success
	assert_equal "$(find "$state/certificates" -type f | wc -l)" 1
	sr certificate list --json
	assert_equal "$(jq -c 'map(.state)' <<<"$output")" '["elsewhere or pruned","elsewhere or pruned","here"]'
	old=$(openssl pkey -pubin -in "$data/identity.pub.pem" -outform DER | sha256sum | cut -d' ' -f1)
	cp "$data/identity.key" "$T/old.key"
	ln "$data/identity.key" "$T/inode"
	sr key rotate
	assert_error 125 --yes
	sr key rotate --yes
	assert_success
	openssl pkey -in "$T/old.key" -pubout | cmp - "$data/retired/$old.pem"
	! grep -q PRIVATE "$T/inode"
	sr --certificate "$T/c" -- true
	refute_contains "$(statement 1 "$T/c" | jq -r .predicate.worker.identityKeyId)" "$old"
}

@test "two output names that read alike stay two: no program makes its own certificate fail" {
	cd "$T"
	printf 'for n in [b"a\\xff", b"a\\\\xff", b"b\\\\c"]: open(n, "wb").write(b"yes")\n' >w.py
	sr --certificate "$T/c" -O "$T/res" -o 'a*' -o 'b*' w.py
	assert_success
	assert_equal "$(find "$T/res" -type f | wc -l)" 3
	assert_equal "$(statement 2 "$T/c" | jq -r '.subject[3:][].name' | sort)" $'out/a\\\\xff\nout/a\\xff\nout/b\\\\c'
	sr verify --key "$data/identity.pub.pem" "$T/c"
	assert_success
}

@test "a report or an output that cannot be written: the run has its certificate all the same" {
	sr --report /dev/full --certificate "$T/c" -- true
	assert_error 125
	assert_equal "$(execution '.result | [.outcome, .error.code, .status]' | jq -c .)" '["exited","E_REPORT",125]'
	sr certificate list --json
	assert_equal "$(jq -r '.[-1].state' <<<"$output")" "elsewhere or pruned"
	sr verify --key "$data/identity.pub.pem" "$T/c"
	assert_success
}

@test "a run that was refused before it had a process claims nothing of one" {
	sr --strict --certificate "$T/c" -- true
	[ "$status" = 0 ] || assert_equal "$(execution '.destruction.claims' | jq -c .)" '[]'
	without userns
	sr --certificate "$T/c" -- true
	SANDRUN=$PLAIN
	assert_error 125
	assert_equal "$(execution '.destruction.claims' | jq -c .)" '[]'
}

@test "pruning goes by the runs' numbers, not by the clock" {
	local i
	sr -- true
	for i in 1 2 3; do # of a time when the clock was ahead
		cp "$state"/certificates/01*.intoto.jsonl "$state/certificates/0fffffff-ffff-7fff-bfff-00000000000$i.intoto.jsonl"
	done
	sr -- true
	sr certificate prune --keep 2
	assert_success
	assert_equal "$(ls "$state/certificates" | sed 's/\.intoto\.jsonl//' | sort)" "$(jq -r .id "$state/run-log" | sort)"
}

@test "a challenge without a place to keep its answer is an error; a lost public key is made again" {
	sr -- true
	rm "$data/identity.pub.pem"
	sr -- true
	openssl pkey -in "$data/identity.key" -pubout | cmp - "$data/identity.pub.pem"
	printf '{"at":1,"counter":9007199254740991,"digest":"%064d","id":"%036d"}' 0 0 | head -c 255 >"$T/record"
	printf '%-255s\n' "$(cat "$T/record")" >>"$state/run-log"
	sr --certificate "$T/c" -- true
	assert_success
	assert_equal "$(statement 1 "$T/c" | jq -r .predicate.sequence.counter)" 4
	unset HOME
	sr --nonce "$(printf 'ab%.0s' {1..16})" -- touch /work/x
	assert_error 125 HOME
}

@test "a pipe without a reader as --certificate: sandrun can be ended" {
	mkfifo "$T/pipe"
	(exec "$SANDRUN" --certificate "$T/pipe" -- true </dev/null 2>/dev/null 3>&-) &
	local pid=$!
	sleep 2 # it waits at the pipe
	kill -0 "$pid"
	kill -TERM "$pid"
	wait_for 5 sh -c "! kill -0 $pid 2>/dev/null"
}

@test "--durable: the run log before the program, file and folder before the end; nothing of it without" {
	require_cmd strace
	require_plain "strace beside the leak check"
	syncs() {
		strace -f -qq -e trace=fsync,fdatasync -o "$T/calls" "$SANDRUN" "$@" -- true </dev/null 3>&- || return 1
		grep -c '= 0$' "$T/calls" || true
	}
	sr -- true # the identity is on the disk in any case
	assert_equal "$(syncs)" 0
	[ "$(syncs --durable)" -ge 4 ] # run-log, certificate, folder, run-ends
	assert_equal "$(find "$state/certificates" -name '*.intoto.jsonl' | wc -l)" 3
}
