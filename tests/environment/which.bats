#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Which environment a script gets by its own words: the corpus, what is said of it, and the runs that follow it.

load ../lib/common

setup() {
	export HOME=$T/home XDG_DATA_HOME=$T/data XDG_CONFIG_HOME=$T/config XDG_STATE_HOME=$T/state
	mkdir -p "$HOME"
	cd "$T"
}

# built NAME BYTES LANGUAGES PREDICT...: an environment of that name is in the store, as far as its file goes.
built() {
	local name=$1 bytes=$2 language=$3
	shift 3
	mkdir -p -m 700 "$XDG_DATA_HOME/sandrun/images" "$XDG_DATA_HOME/sandrun/images/names" "$XDG_DATA_HOME/sandrun/images/layers"
	chmod 700 "$XDG_DATA_HOME/sandrun" "$XDG_DATA_HOME/sandrun/images"
	{
		printf '[image]\ndigest = sha256:%064d\nlayers = sha256:%064d\nbytes = %s\n' 0 0 "$bytes"
		printf '[languages]\n%s\n[predict]\n' "$language"
		printf '%s\n' "$@"
	} >"$XDG_DATA_HOME/sandrun/images/names/$name.ini"
}

which() {
	sr environment which "$@"
}

chosen() {
	which --json "$@"
	assert_success
	jq -r '.environment' <<<"$output"
}

# What `host` means on a machine without the language.
expected_of() {
	local want=$1 script=$2
	if [ "$want" = host ] && [ "$(jq -r '.wanted | length' <<<"$3")" = 0 ]; then
		case $script in
		python/*) command -v python3 >/dev/null || want=python ;;
		javascript/*) command -v node >/dev/null || want=node ;;
		r/*) command -v Rscript >/dev/null || want=r ;;
		ruby/*) command -v ruby >/dev/null || want=ruby ;;
		esac
	fi
	printf '%s\n' "$want"
}

@test "the corpus: every script gets the environment that it wants" {
	require_cmd jq
	local want script good=0 all=0 wrong="" answer got
	mkdir -p "$XDG_DATA_HOME/sandrun/images"
	cp -r "$TESTS/corpus/names" "$XDG_DATA_HOME/sandrun/images/"
	while read -r want script; do
		[ "$want" != '#' ] || continue
		all=$((all + 1))
		answer=$("$SANDRUN" environment which --json "$TESTS/corpus/$script" 3>&-)
		got=$(jq -r .environment <<<"$answer")
		want=$(expected_of "$want" "$script" "$answer")
		if [ "$got" = "$want" ]; then
			good=$((good + 1))
		else
			wrong+="$script: $got, not $want"$'\n'
		fi
	done <"$TESTS/corpus/expected"
	printf '# %s of %s scripts of the corpus get the environment that they want\n' "$good" "$all" >&3
	[ "$all" -ge 100 ]
	assert_equal "$wrong" ""
}

@test "the known misses are still what is said of them" {
	require_cmd jq
	local want said script
	mkdir -p "$XDG_DATA_HOME/sandrun/images"
	cp -r "$TESTS/corpus/names" "$XDG_DATA_HOME/sandrun/images/"
	while read -r want said script _; do
		[ "$want" != '#' ] || continue
		[ "$want" != "$said" ]
		assert_equal "$script $(chosen "$TESTS/corpus/$script")" "$script $said"
	done <"$TESTS/corpus/misses"
}

@test "which says line by line what was found, what was passed over, and what has it" {
	built ml-basic 340000000 'python = /usr/bin/python3' 'imports = numpy' ' pandas'
	built small 1000 'python = /usr/bin/python3' 'imports = numpy'
	printf 'from __future__ import x\nimport numpy\ntry:\n    import zzz\nexcept ImportError: pass\n' >a.py
	printf 'def f():\n    from pandas.io import y\nimport helper\nif TYPE_CHECKING:\n  import torch\n' >>a.py
	: >helper.py
	which a.py
	assert_success
	assert_contains "$output" "a.py: Python"
	assert_contains "$output" "     1  __future__               passed over: it comes with the language"
	assert_contains "$output" "     2  numpy                    wanted"
	assert_contains "$output" "     4  zzz                      passed over: the script does without it"
	assert_contains "$output" "     7  pandas                   wanted"
	assert_contains "$output" "     8  helper                   passed over: it lies beside the script"
	assert_contains "$output" "    10  torch                    passed over: never imported at run time"
	assert_contains "$output" "ml-basic               340 MB  has all of it"
	assert_contains "$output" "small                 1.00 kB  lacks pandas"
	assert_contains "$output" "choice      environment ml-basic has what the script imports: numpy, pandas"
}

@test "which tells what would have to be built, with the command" {
	mkdir -p "$XDG_CONFIG_HOME/sandrun/environments"
	printf '[environment]\ndescription = x\n[languages]\npython = /usr/bin/python3\n[predict]\nimports = quux\n' \
		>"$XDG_CONFIG_HOME/sandrun/environments/mine.ini"
	printf '[environment]\nbase = mine\n[predict]\nimports = quux2 quux3\n' >"$XDG_CONFIG_HOME/sandrun/environments/more.ini"
	echo 'import quux' >a.py
	echo 'import quux, quux3' >b.py
	which a.py
	assert_success
	assert_contains "$output" "choice      environment host"
	assert_contains "$output" "not built   mine"
	assert_contains "$output" "to build    sandrun environment build mine"
	which b.py
	assert_contains "$output" "to build    sandrun environment build more"
	refute_contains "$output" "build mine"
	which --json a.py
	assert_equal "$(jq -r .build <<<"$output")" "sandrun environment build mine"
	built mine 10 'python = /usr/bin/python3' 'imports = quux'
	which a.py
	refute_contains "$output" "to build"
	assert_contains "$output" "choice      environment mine"
}

@test "the smallest environment wins, a base's modules count, and what cannot be used does not" {
	built big 900 'python = /x' 'imports = numpy'
	built tiny 100 'python = /x' 'imports = other'
	echo 'import numpy' >a.py
	assert_equal "$(chosen a.py)" big
	built mid 500 'python = /x' 'imports = numpy'
	assert_equal "$(chosen a.py)" mid
	built tiny 100 'python = /x' 'imports = other' '[image]' 'base = mid'
	assert_equal "$(chosen a.py)" tiny
	chmod o+w "$XDG_DATA_HOME/sandrun/images/names/tiny.ini"
	assert_equal "$(chosen a.py)" mid
	which a.py
	assert_contains "$output" "cannot be used: everybody may write it"
	echo 'garbage' >"$XDG_DATA_HOME/sandrun/images/names/mid.ini"
	assert_equal "$(chosen a.py)" big
	ln -sf /etc/passwd "$XDG_DATA_HOME/sandrun/images/names/big.ini"
	assert_equal "$(chosen a.py)" host
}

@test "what was installed for one program is nobody else's environment" {
	built big 900 'python = /x' 'imports = numpy'
	built requirements-0123456789ab 10 'python = /x' 'imports = numpy'
	echo 'import numpy' >a.py
	assert_equal "$(chosen a.py)" big
	which a.py
	refute_contains "$output" requirements-
}

@test "a language that the environment lacks is not chosen for its modules" {
	built odd 10 'ruby = /usr/bin/ruby' 'ruby = numpy'
	echo 'import numpy' >a.py
	assert_equal "$(chosen a.py)" host
}

@test "a project's own modules and its .venv" {
	built ml 10 'python = /x' 'imports = numpy'
	mkdir -p p/src/pkg p/lib
	printf 'import numpy, pkg, conf\n' >p/src/main.py
	: >p/src/pkg/__init__.py
	: >p/conf.py
	assert_equal "$(chosen -C p src/main.py)" ml
	rm -r p/src/pkg
	assert_equal "$(chosen -C p src/main.py)" host
	mkdir -p p/src/pkg p/.venv
	: >p/.venv/pyvenv.cfg
	which -C p src/main.py
	assert_contains "$output" ".venv"
	assert_contains "$output" "choice      environment host"
}

@test "refusals say what to do" {
	which
	assert_status 125
	assert_contains "$stderr" "too few operands"
	which nowhere.py
	assert_error 127 "cannot read 'nowhere.py': no such file"
	which --bad x.py
	assert_error 125 "no such option"
}

@test "a script of a gibibyte is looked at in a moment, and no further than a mebibyte" {
	built ml 10 'python = /x' 'imports = numpy'
	{
		echo 'import numpy'
		head -c 1100000 /dev/zero | tr '\0' '#'
		printf '\nimport torch\n'
	} >long.py
	which long.py
	assert_success
	assert_contains "$output" "environment ml has"
	assert_contains "$output" "the script is longer"
	truncate -s 1G huge.py
	which huge.py
	assert_status 125
	assert_contains "$stderr" "larger than 64M"
}

# --- runs ---------------------------------------------------------------------------------------------------------------

explained() {
	sr --explain "$@"
	assert_success
}

@test "a run says which environment its script chose, and --no-predict, -E and config.ini turn it off" {
	echo 'import numpy' >a.py
	built ml 10 'python = /usr/bin/python3' 'imports = numpy'
	sr --explain a.py # its layers are made up here: that it was chosen is what the refusal says
	assert_error 125 "cannot use environment" "names/ml.ini"
	explained --no-predict a.py
	assert_match "$output" 'environment +host'
	refute_contains "$output" "what the script imports"
	explained -E host a.py
	assert_match "$output" 'environment +host'
	mkdir -p "$XDG_CONFIG_HOME/sandrun"
	printf '[run]\npredict = no\n' >"$XDG_CONFIG_HOME/sandrun/config.ini"
	explained a.py
	assert_match "$output" 'environment +host'
	printf '[run]\npredict = perhaps\n' >"$XDG_CONFIG_HOME/sandrun/config.ini"
	sr --explain a.py
	assert_error 125 predict
}

@test "what no built environment has is noted, and the run is the host's" {
	built ml 10 'python = /usr/bin/python3' 'imports = numpy'
	echo 'import quux; print(1)' >a.py
	explained a.py
	assert_contains "$output" "no built environment has all that the script imports: quux"
	assert_match "$output" 'environment +host'
	sr --report "$T/report.json" a.py
	assert_contains "$(jq -r '.notes[].text' "$T/report.json")" "no built environment has"
}

@test "-c and standard input choose too" {
	require_cmd python3
	built ml 10 'python = /usr/bin/python3' 'imports = numpy'
	explained --lang python -c 'import quux'
	assert_contains "$output" "the script imports: quux"
	explained --lang python <<<'import quux2'
	assert_contains "$output" "the script imports: quux2"
	sr --lang python <<<'print("still whole"); import sys; print(len(sys.argv))'
	assert_success
	assert_output "still whole"$'\n'1
}

@test "a line in the script asks for an environment by name, never for a folder" {
	printf '# sandrun: environment=zzz\nprint(1)\n' >a.py
	sr a.py
	assert_error 125 "cannot find environment 'zzz'" "a.py:1"
	mkdir zzz zzz/usr
	sr a.py
	assert_error 125 "zzz"
	printf '# sandrun: environment=./zzz\nprint(1)\n' >a.py
	sr a.py
	assert_error 125 "zzz"
	sr --no-predict a.py
	assert_success
	assert_output 1
	printf '#!/bin/sh\n# sandrun: environment=host\necho hi\n' >b.sh
	sr b.sh
	assert_success
	assert_output hi
}

@test "a private program's imports are not told" {
	built ml 10 'python = /usr/bin/python3' 'imports = numpy'
	explained --lang python -c 'import secret_module'
	assert_contains "$output" "imports: secret_module"
	sr --explain --private-args --lang python -c 'import secret_module'
	assert_success
	refute_contains "$output" secret_module
}

@test "without a store a run asks for it once, and for nothing else" {
	require_cmd strace
	on_host strace -f -e trace=none true
	echo 'import numpy' >a.py
	try strace -qq -e trace=openat,open,newfstatat,access,faccessat,faccessat2,readlink -o trace.txt "$SANDRUN" --explain a.py
	assert_success
	assert_equal "$(grep -c 'sandrun/images' trace.txt)" 1
	assert_equal "$(grep -c 'a\.py' trace.txt)" 2 # what it is, then its text: as without any choice
	built ml 10 'python = /usr/bin/python3' 'imports = numpy'
	echo 'import json, os; print(1)' >a.py # nothing that is not the language's own: no environment's file is read
	try strace -qq -e trace=openat,open -o trace.txt "$SANDRUN" --explain a.py
	assert_success
	assert_equal "$(grep -c 'ml\.ini' trace.txt)" 0
	echo 'import quux' >a.py
	try strace -qq -e trace=openat,open -o trace.txt "$SANDRUN" --explain a.py
	assert_equal "$(grep -c 'ml\.ini' trace.txt)" 1
}
