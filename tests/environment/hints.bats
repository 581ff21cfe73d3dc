#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# A module that a program missed: the closing hint names the environment that has it, or how to build one.

load ../lib/common

setup() {
	require_cmd python3
	export HOME=$T/home XDG_DATA_HOME=$T/data XDG_CONFIG_HOME=$T/config XDG_STATE_HOME=$T/state
	mkdir -p "$HOME" "$XDG_CONFIG_HOME/sandrun/environments"
	cd "$T"
}

built() {
	mkdir -p -m 700 "$XDG_DATA_HOME/sandrun/images" "$XDG_DATA_HOME/sandrun/images/names" "$XDG_DATA_HOME/sandrun/images/layers"
	chmod 700 "$XDG_DATA_HOME/sandrun" "$XDG_DATA_HOME/sandrun/images"
	printf '[image]\ndigest = sha256:%064d\nlayers = sha256:%064d\nbytes = %s\n[languages]\n%s = /x\n[predict]\n%s\n' 0 0 "$2" "$3" "$4" \
		>"$XDG_DATA_HOME/sandrun/images/names/$1.ini"
}

defined() {
	printf '[environment]\ndescription = x\n[languages]\n%s = /x\n[predict]\n%s\n' "$2" "$3" \
		>"$XDG_CONFIG_HOME/sandrun/environments/$1.ini"
}

# hint_of ARGS...: the hint at the end of sandrun ARGS on a terminal, or nothing.
hint_of() {
	python3 "$TESTS/lib/pty.py" 3>&- <<PYTHON
import shlex
t = Terminal([SANDRUN] + shlex.split("""$*"""), cols=200)
t.wait()
m = re.findall(rb"hint: (.*?)\r\n", t.output)
if m:
    open(T + "/hint", "wb").write(m[-1])
else:
    open(T + "/hint", "wb").write(b"")
PYTHON
	cat "$T/hint"
}

@test "python: a built environment that has it, with a command that names it" {
	built small 10 python 'imports = zork other'
	built large 99 python 'imports = zork'
	echo 'import zork.part' >a.py
	assert_equal "$(hint_of --no-predict a.py)" "the environment small has zork; try: sandrun -E small a.py"
	mkdir p
	echo 'x = __import__("zo" + "rk")' >p/a.py
	assert_equal "$(hint_of -C p a.py)" "the environment small has zork; try: sandrun -E small -C p a.py"
	assert_equal "$(hint_of --lang python -c "'__import__(chr(122) + \\\"ork\\\")'")" "the environment small has zork; try: sandrun -E small ..."
}

@test "python: one that could be built, and one that has all that the script wants" {
	defined maybe python 'imports = zork'
	defined more python 'imports = zork quux'
	echo 'import zork' >a.py
	assert_equal "$(hint_of a.py)" "zork is not in the environment host; one that has it: sandrun environment build maybe"
	built tiny 1 python 'imports = zork'
	built both 5 python 'imports = zork quux'
	printf 'try:\n  import zork, quux\nexcept ZeroDivisionError: pass\n' >b.py
	assert_equal "$(hint_of --no-predict b.py)" "the environment tiny has zork; try: sandrun -E tiny b.py"
	assert_equal "$(hint_of -E host b.py)" "the environment tiny has zork; try: sandrun -E tiny b.py"
}

@test "what no environment has gets no such hint, and a pipe gets none" {
	built small 10 python 'imports = zork'
	echo 'import nothing_of_that_name' >a.py
	assert_equal "$(hint_of a.py)" ""
	echo 'print("No module named '"'zork'"'")' >b.py
	assert_equal "$(hint_of b.py)" ""
	echo 'import zork' >c.py
	sr --no-predict c.py
	assert_status 1
	refute_contains "$stderr" "hint:"
}

@test "what the shipped definitions have is found by name" {
	echo 'import statsmodels' >b.py
	! python3 -c 'import statsmodels' 2>/dev/null || skip "this machine has it"
	assert_contains "$(hint_of b.py)" "sandrun environment build data-science"
}

@test "node: require and import" {
	require_cmd node
	built web 10 node 'npm = zork @a/b'
	echo 'require("zork/deep")' >a.js
	assert_equal "$(hint_of --no-predict a.js)" "the environment web has zork; try: sandrun -E web a.js"
	echo 'import x from "@a/b/c"' >a.mjs
	assert_equal "$(hint_of --no-predict a.mjs)" "the environment web has @a/b; try: sandrun -E web a.mjs"
	echo 'require("./zork")' >b.js
	assert_equal "$(hint_of --no-predict b.js)" ""
}

@test "R and Ruby" {
	require_cmd Rscript ruby
	built stats 10 R 'r = zork.r'
	echo 'library(zork.r)' >a.R
	assert_equal "$(hint_of --no-predict a.R)" "the environment stats has zork.r; try: sandrun -E stats a.R"
	built gems 10 ruby 'ruby = zork'
	echo 'require "zork/deep"' >a.rb
	assert_equal "$(hint_of --no-predict a.rb)" "the environment gems has zork/deep; try: sandrun -E gems a.rb"
}

@test "names in a hint are fit for a terminal, and for a shell" {
	built small 10 python 'imports = zork'
	printf 'import zork' >'a b$(x).py'
	assert_equal "$(hint_of --no-predict "'a b\$(x).py'")" "the environment small has zork; try: sandrun -E small SCRIPT"
}
