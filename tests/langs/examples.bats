#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# The examples, as their own first lines say to run them.

load ../lib/common

EXAMPLES=$TOP/examples

@test "examples: primes.py with an argument" {
	sr "$EXAMPLES/primes.py" 30 </dev/null
	assert_success
	assert_output "$(/usr/bin/python3 -I "$EXAMPLES/primes.py" 30)"
	assert_contains "$output" 29
}

@test "examples: summary.py with an input file and with standard input" {
	sr -i "$EXAMPLES/weather.csv" "$EXAMPLES/summary.py" --by town weather.csv </dev/null
	assert_success
	assert_output "$(/usr/bin/python3 -I "$EXAMPLES/summary.py" --by town "$EXAMPLES/weather.csv")"
	assert_contains "$output" Córdoba
	sr "$EXAMPLES/summary.py" <"$EXAMPLES/weather.csv"
	assert_success
	assert_output "$(/usr/bin/python3 -I "$EXAMPLES/summary.py" <"$EXAMPLES/weather.csv")"
}

@test "examples: summary.py's own mistakes keep their status and message" {
	sr -i "$EXAMPLES/weather.csv" "$EXAMPLES/summary.py" --by nothing weather.csv </dev/null
	assert_status 1
	assert_output ''
	assert_stderr "no column 'nothing'; there are: day, town, high, low, rain"
}

@test "examples: plot.py writes a file that comes out" {
	sr -i "$EXAMPLES/weather.csv" -o 'out/*.svg' -O "$T/results" \
		"$EXAMPLES/plot.py" weather.csv high town </dev/null
	assert_success
	assert_output 'wrote out/high.svg'
	(cd "$T" && /usr/bin/python3 -I "$EXAMPLES/plot.py" "$EXAMPLES/weather.csv" high town)
	cmp "$(find "$T/results" -name high.svg)" "$T/out/high.svg"
}

@test "examples: the project folder" {
	cp -r "$EXAMPLES/project" "$T/project"
	sr -C "$T/project" main.py Ada 'Grace H.' </dev/null
	assert_success
	assert_output $'Hello, Ada!\nHello, Grace H.!'
	[ ! -e "$T/project/seen.txt" ]
	sr -C "$EXAMPLES/project" </dev/null # its sandrun.ini is enough
	assert_success
	assert_output $'Hello, Ada!\nHello, Grace H.!'
}

@test "examples: words.js counts standard input" {
	require_cmd node
	sr "$EXAMPLES/words.js" 2 <<<'der Hund, die Katze; die Größe der Katze, die Maus'
	assert_success
	assert_output $'     3 die\n     2 der'
}

@test "examples: look.bash sees a small machine" {
	sr "$EXAMPLES/look.bash" </dev/null
	assert_success
	assert_contains "$output" 'user       sandbox (1000:1000)'
	assert_contains "$output" 'host       sandrun'
	assert_contains "$output" 'folder     /work, home /work'
	assert_contains "$output" "homes      0 of the host's"
	assert_contains "$output" '/usr       read-only'
	assert_contains "$output" 'here       writable'
}

@test "examples: mandelbrot.c is compiled and run" {
	require_cmd cc
	sr "$EXAMPLES/mandelbrot.c" 60 20 </dev/null
	assert_success
	on_host cc -O2 -o "$T/mandelbrot" "$EXAMPLES/mandelbrot.c" -lm
	assert_output "$("$T/mandelbrot" 60 20)"
}
