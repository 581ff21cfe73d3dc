#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# One table of options: --help, the manual and the completions say the same as src/policy/options.def.

load ../lib/common

# "SHORT LONG" a row; "-" where there is none.
table() {
	sed -nE "s/^SR_OPTION\((0|'(.)'), +(NULL|\"([^\"]+)\"),.*/\2 \4/p" "$TOP/src/policy/options.def" |
		sed 's/^ /- /; s/ $/ -/'
}

long_names() {
	table | awk '$2 != "-" { print $2 }' | sort
}

short_names() {
	table | awk '$1 != "-" { print $1 }' | sort
}

# Long options that a text speaks of, without those of other programs.
longs_in() {
	grep -oE -- "$1" "$2" | sed -E "$3" | sort -u
}

languages() {
	sed -nE 's/^\t\{ \.name = "([^"]+)",$/\1/p' "$TOP/src/policy/lang.c"
}

@test "the table is read" {
	[ "$(long_names | wc -l)" -gt 25 ]
	[ "$(short_names | wc -l)" -ge 10 ]
	assert_contains "$(table)" "m memory"
	assert_contains "$(table)" "c -"
	assert_contains "$(table)" "- lang"
	assert_equal "$(table | wc -l)" "$(grep -c "^SR_OPTION(" "$TOP/src/policy/options.def")"
}

@test "--help has every option and no other" {
	sr --help
	assert_success
	assert_stderr ''
	assert_equal "$(grep -oE '^ +(-., )? *--[a-z-]+' <<<"$output" | grep -oE '[a-z]+[a-z-]*$' | sort)" "$(long_names)"
	assert_equal "$(grep -oE '^  -[a-zA-Z]' <<<"$output" | tr -d ' -' | sort)" "$(short_names)"
	assert_equal "$(awk 'length > 80' <<<"$output")" ""
}

@test "--version says a name and a number" {
	sr --version
	assert_success
	assert_match "$output" '^sandrun [0-9]+\.[0-9]+(\.[0-9]+)?$'
}

@test "--help into a full disk is an error" {
	[ -w /dev/full ] || skip "no /dev/full"
	status=0
	sr_raw --help >/dev/full 2>"$T/err" || status=$?
	assert_equal "$status" 125
}

@test "the manual describes every option and no other" {
	assert_equal "$(sed -nE 's/^\.It Fl (. , )?-([a-z-]+).*/\2/p' "$TOP/man/sandrun.1" | sort)" "$(long_names)"
	assert_equal "$(sed -nE 's/^\.It Fl ([a-zA-Z]) .*/\1/p' "$TOP/man/sandrun.1" | sort)" "$(short_names)"
}

@test "the manual is clean" {
	require_cmd mandoc
	assert_equal "$(mandoc -Tlint "$TOP/man/sandrun.1" 2>&1 | grep -v 'outdated mandoc.db\|referenced manual not found' || true)" ""
}

@test "the manual lists every language" {
	[ "$(languages | wc -l)" -gt 12 ]
	assert_equal "$(sed -nE 's/^\.It ([^ ]+) Ta .*/\1/p' "$TOP/man/sandrun.1")" "$(languages)"
}

@test "bash: every option, every language" {
	local options
	# shellcheck disable=SC1091
	options=$(source "$TOP/completions/sandrun.bash" && printf '%s\n' $_sandrun_options)
	assert_equal "$(sed -n 's/^--//p' <<<"$options" | sort)" "$(long_names)"
	assert_equal "$(grep -E '^-[^-]$' <<<"$options" | tr -d - | sort)" "$(short_names)"
	assert_contains "$(cat "$TOP/completions/sandrun.bash")" "'$(languages | tr '\n' ' ' | sed 's/ $//')'"
}

# What bash offers at the end of a line of words.
offers() {
	COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
	_sandrun 2>/dev/null || true
	printf '%s ' "${COMPREPLY[@]}"
}

@test "bash: what is offered where" {
	# shellcheck disable=SC1091
	source "$TOP/completions/sandrun.bash"
	cd "$T"
	touch script.py
	assert_equal "$(offers sandrun --la)" "--lang "
	assert_equal "$(offers sandrun --lang py)" "python "
	assert_equal "$(offers sandrun --color = a)" "auto always "
	assert_equal "$(offers sandrun -q scr)" "script.py "
	assert_equal "$(offers sandrun script.py --la)" " "
	assert_equal "$(offers sandrun --memory = 1G --pi)" "--pids "
	assert_contains "$(offers sandrun -- tru)" "true "
	assert_equal "$(offers sandrun --lang python -- scr)" "script.py "
	assert_contains "$(XDG_CONFIG_HOME=$T offers sandrun -p '')" "default "
}

@test "zsh: every option, every language" {
	sed -n '/^_arguments /,$p' "$TOP/completions/_sandrun" >"$T/arguments" # those of subcommands stand before it
	assert_equal "$(longs_in '[{,'"'"'*)]--[a-z-]+[[}]' "$T/arguments" 's/^.*--//; s/.$//')" "$(long_names)"
	assert_contains "$(cat "$TOP/completions/_sandrun")" "($(languages | tr '\n' ' ' | sed 's/ $//'))"
	require_cmd zsh
	zsh -n "$TOP/completions/_sandrun"
}

@test "fish: every option, every language" {
	assert_equal "$(sed -nE 's/^complete -c sandrun .*-l ([a-z-]+) .*/\1/p' "$TOP/completions/sandrun.fish" | sort)" "$(long_names)"
	assert_equal "$(sed -nE 's/^complete -c sandrun -s (.) .*/\1/p' "$TOP/completions/sandrun.fish" | sort)" "$(short_names)"
	assert_contains "$(cat "$TOP/completions/sandrun.fish")" "'$(languages | tr '\n' ' ' | sed 's/ $//')'"
	require_cmd fish
	assert_equal "$(fish -c "source '$TOP/completions/sandrun.fish'; complete -C 'sandrun --la'" 2>&1 | cut -f1)" "--lang"
}
