#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Files on their way in: -i, -C, --show. The unit tests of run/snapshot go further into names, kinds and races; here is
# what a user sees, and what the payload does.

load ../lib/common

setup() {
	cd "$T" || return 1
	mkdir -p home
	export HOME=$T/home
	unset XDG_CONFIG_HOME XDG_DATA_HOME XDG_STATE_HOME
}

# After `sr`: one message line and one hint line.
assert_refused() {
	assert_error "$@" || return 1
	assert_match "${stderr_lines[0]}" '^sandrun: [a-z]+: cannot ' || return 1
	assert_match "${stderr_lines[1]-}" '^hint: .' || return 1
	assert_equal "${#stderr_lines[@]}" 2
}

digest() {
	sha256sum <"$1" | cut -d' ' -f1
}

@test "an input lies in the work folder, read-only, with its bytes" {
	head -c 300000 /dev/urandom >data.bin
	sr -i data.bin -- sha256sum data.bin
	assert_success
	assert_output "$(digest data.bin)  data.bin"
	sr -i data.bin -- stat -c '%a %U' data.bin
	assert_output "444 sandbox"
	sr -i data.bin -- sh -c 'echo x >>data.bin'
	[ "$status" -ne 0 ]
	sr -- sh -c 'echo x >>data.bin && cat data.bin' # control: the folder itself can be written
	assert_output x
}

@test "an input keeps its execute bit and takes another name, in folders that are made" {
	printf '#!/bin/sh\necho "tool $1"\n' >tool
	chmod 0750 tool
	sr -i tool:bin/deep/t -- bin/deep/t works
	assert_success
	assert_output "tool works"
	sr -i tool:bin/deep/t -- stat -c %a bin/deep/t
	assert_output 555
}

@test "several inputs, one through the user's own link, one with an odd name" {
	echo one >one
	ln -s one alias
	echo odd >$'a\nb'
	sr -i one -i alias:two -i $'a\nb:odd' -- cat one two odd
	assert_success
	assert_output "one"$'\n'"one"$'\n'"odd"
}

@test "the report has inputs with their digests" {
	require_cmd jq
	printf 'abc' >in.txt
	sr -i in.txt:data/x.txt --report "$T/report.json" -- cat data/x.txt
	assert_success
	assert_equal "$(report '.inputs | length')" 1
	assert_equal "$(report '.inputs[0].path')" in.txt
	assert_equal "$(report '.inputs[0].name')" data/x.txt
	assert_equal "$(report '.inputs[0].bytes')" 3
	assert_equal "$(report '.inputs[0].sha256')" "$(digest in.txt)"
}

@test "what the payload does to an input stays inside" {
	canary data.csv 1,2,3
	sr -i data.csv -- sh -c 'chmod 600 data.csv && echo changed >data.csv && cat data.csv && rm data.csv && ls'
	assert_success
	assert_output changed
	assert_canaries
}

@test "a folder as input: its files read-only, links as links, secrets outside" {
	mkdir -p d/sub
	echo a >d/sub/a
	ln -s sub/a d/link
	echo SECRET >d/.env
	sr -i d:in/d -- sh -c 'cat in/d/link; readlink in/d/link; ls -A in/d; stat -c %a in/d/sub/a; echo x >in/d/new && cat in/d/new'
	assert_success
	assert_output $'a\nsub/a\nlink\nsub\n444\nx'
}

@test "a FIFO is refused at once, and so are a device and a missing file" {
	mkfifo fifo
	sr -i fifo -- true
	assert_refused 125 "cannot take in 'fifo': it is a FIFO" "standard input"
	sr -i /dev/zero -- true
	assert_refused 125 "it is a device"
	sr -i absent -- true
	assert_refused 125 "cannot open input 'absent': No such file"
	sr -i $'\e[31mx' -- true
	assert_refused 125 '\x1b[31mx'
}

@test "an unreadable input" {
	require_user
	echo x >closed
	chmod 0 closed
	sr -i closed -- true
	assert_refused 125 "Permission denied" "chmod"
}

@test "names that lead out, are empty, absolute, or taken" {
	local name
	echo a >a
	echo b >b
	for name in ../x x/../../y /etc/passwd x/ .; do
		sr -i "a:$name" -- true
		assert_refused 125 "cannot take in 'a' as" "-i a:NAME"
	done
	sr -i "$T/" -- true
	[ "$status" -eq 125 ]
	sr -i a:same -i b:same -- true
	assert_refused 125 "cannot take in 'b' as 'same': the input 'a' is in its way"
	sr -i a:x/y -i b:x -- true
	assert_refused 125 "'a' is in its way"
	echo 'print(1)' >s.py
	sr -i a:s.py s.py
	assert_refused 125 "the script 's.py' is in its way"
	sr -i a:other.py s.py
	assert_success
}

@test "an input that changes while it is read" {
	local i writer
	head -c 64M /dev/zero >log
	sh -c 'while echo x; do sleep 0.001; done' >>log 3>&- &
	writer=$!
	for i in 1 2 3 4 5; do
		sr -i log -- true
		[ "$status" -eq 0 ] || break
	done
	kill "$writer"
	wait "$writer" || true
	assert_refused 125 "cannot read 'log': it changes while read"
}

@test "an input larger than the work folder, and the size that the message names" {
	truncate -s 300M big
	sr -i big -- true
	assert_refused 125 "300M do not fit into a work folder of 256M" "--work-size 300M"
	truncate -s 1T huge
	sr -i huge -- true
	assert_refused 125 "1024G do not fit"
	head -c 3M /dev/urandom >three
	sr --work-size 2M -i three -- true
	assert_refused 125 "--work-size 3M"
	sr --work-size 3M -i three -- wc -c three
	assert_success
	assert_output "3145728 three"
}

@test "a project: imports and data work, writes stay inside" {
	mkdir -p p/lib
	echo 'x = 42' >p/lib/__init__.py
	echo data >p/data.txt
	cat >p/main.py <<-'PY'
		import lib
		print(lib.x, open("data.txt").read().strip())
		open("data.txt", "a").write("more")
		open("new", "w").write("new")
	PY
	canary p/data.txt data
	sr -C p main.py
	assert_success
	assert_output "42 data"
	[ ! -e p/new ]
	[ ! -e p/lib/__pycache__ ]
	assert_canaries
}

@test "a project keeps modes, times and links; links out of it lead nowhere" {
	mkdir p
	printf '#!/bin/sh\necho ran\n' >p/run
	chmod 0755 p/run
	echo secret >outside
	ln -s ../outside p/out
	ln -s "$T/outside" p/absolute
	ln -s run p/in
	echo x >p/hard
	ln p/hard p/hard2
	touch -d @1000000000 p/hard
	sr -C p -- ./in
	assert_output ran
	sr -C p -- sh -c 'cat out absolute; readlink out; stat -c "%a %Y %h" hard'
	refute_contains "$output" secret
	assert_output $'../outside\n644 1000000000 1'
	on_host cat p/out
}

@test "secrets of a project stay outside; --show lets one in" {
	require_cmd jq
	mkdir -p p/.git/hooks p/.ssh p/conf
	echo k1 >p/.env
	echo k2 >p/conf/.env
	echo k3 >p/server.pem
	echo k4 >p/.git/config
	echo k5 >p/.ssh/id_rsa
	echo ref >p/.git/HEAD
	sr -C p -- sh -c 'find . -type f | sort'
	assert_success
	assert_output "./.git/HEAD"
	sr -C p --show conf/.env --show server.pem -- sh -c 'cat .env; cat conf/.env server.pem'
	assert_output $'k2\nk3'
	sr -C p --show .envy -- true
	assert_refused 125 "cannot show '.envy'"
}

@test "a project with special files and an odd name" {
	mkdir p
	mkfifo p/fifo
	echo odd >$'p/a\nb\e[31m'
	echo bytes >$'p/\xff'
	sr -C p -- sh -c 'ls | wc -l; cat $(printf "\377")'
	assert_success
	assert_output $'3\nbytes'
}

@test "folders that are no project: home, what contains it, sandrun's own, '/'" {
	mkdir -p home/.config/sandrun/profiles home/.local/state/sandrun home/code
	ln -s home alias
	echo 'print(1)' | tee home/a.py home/code/a.py a.py home/.config/sandrun/a.py home/.config/sandrun/profiles/a.py >/dev/null
	sr -C home a.py
	assert_refused 125 "cannot use folder 'home': it is or contains your home folder"
	sr -C alias a.py
	assert_refused 125 "home folder"
	sr -C . a.py
	assert_refused 125 "home folder"
	sr -C / -- true
	assert_refused 125 "root of all folders"
	sr -C home/.config/sandrun a.py
	assert_refused 125 "sandrun's own"
	sr -C home/.config/sandrun/profiles a.py
	assert_refused 125 "sandrun's own"
	sr -C home/code a.py
	assert_success
}

@test "a project that is too large, by bytes and by files" {
	mkdir p
	truncate -s 300M p/big
	sr -C p -- true
	assert_refused 125 "cannot take in the project folder: 300M do not fit" "--work-size 300M"
	rm p/big
	seq 1 300 | (cd p && xargs touch)
	printf '[profile]\nextends = default\n[filesystem]\nwork.inodes = 200\n' >few.ini
	sr -p ./few.ini -C p -- true
	assert_refused 125 "301 files and folders" "work.inodes"
	sr -C p -- sh -c 'ls | wc -l'
	assert_output 300
}

@test "a project's file that cannot be read is an error, not a gap" {
	require_user
	mkdir p
	echo x >p/closed
	chmod 0 p/closed
	sr -C p -- true
	assert_refused 125 "cannot read 'closed' of folder 'p': Permission denied" "chmod"
}

@test "an input may not replace a project's file, nor go through its links" {
	mkdir -p p/d
	echo x >p/main.py
	ln -s /etc p/link
	echo in >in
	sr -C p -i in:main.py -- true
	assert_refused 125 "the project's 'main.py' is in its way"
	sr -C p -i in:link/x -- true
	assert_refused 125 "the project's 'link' is in its way"
	sr -C p -i in:d/.env -- cat d/.env
	assert_success
	assert_output in
}

@test "the project's digest: the same for the same files, another for other ones" {
	require_cmd jq
	local one two
	mkdir p
	echo a >p/a
	sr -C p --report "$T/report.json" -- true
	one=$(report .project.sha256)
	assert_match "$one" '^[0-9a-f]{64}$'
	assert_equal "$(report .project.files)" 1
	cp -a p q
	sr -C q --report "$T/report.json" -- true
	assert_equal "$(report .project.sha256)" "$one"
	two=$( (
		printf 'sandrun-manifest-1\0'
		printf 'f 0644 2 %s a\0' "$(digest p/a)"
	) | sha256sum | cut -d' ' -f1)
	chmod 0644 p/a
	sr -C p --report "$T/report.json" -- true
	assert_equal "$(report .project.sha256)" "$two"
	echo b >p/a
	sr -C p --report "$T/report.json" -- true
	[ "$(report .project.sha256)" != "$one" ]
}

@test "run by root: a project of mode 0700 and files of 0600 go in" {
	require_root
	mkdir -m 0700 p
	(umask 077 && echo data >p/data)
	canary keep
	sr -C p -- sh -c 'cat data && echo more >>data && id -u'
	assert_success
	assert_output $'data\n1000'
	assert_canaries
}

@test "nothing of a run is left on the host but its certificate" {
	mkdir p
	echo x >p/a
	local before after
	sr -- true # the first run of a user keeps which names of /etc are masked, in his cache
	before=$(find . | sort)
	sr -C p -i p/a:b -- sh -c 'echo y >c; mkdir d'
	assert_success
	after=$(find . | sort)
	assert_match "$(comm -13 <(echo "$before") <(echo "$after"))" '^\./[^ ]*/certificates/[-0-9a-f]{36}\.intoto\.jsonl$'
	assert_equal "$(comm -23 <(echo "$before") <(echo "$after"))" ""
	before=$after
	sr --no-certificate -C p -i p/a:b -- sh -c 'echo y >c; mkdir d'
	assert_success
	assert_equal "$(find . | sort)" "$before"
}
