#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# One table of options: --help, the man page and the completions name the same ones.

load ../lib/common

# "--long" and "-c" of every row of the table; a row without a long name gives the short one alone.
table() {
	local text
	text=$(printf '%s\n' '#define SR_OPTION(short_name, name, kind, target, arg, group, help) ROW short_name name END' \
		'#include "policy/options.def"' | gcc -E -P -I"$TOP/src" -x c - | grep '^ROW') || return 1
	sed -E "s/^ROW 0 \"([^\"]+)\".*/--\1/; s/^ROW ('.') NULL.*/\1/; s/^ROW ('.') \"([^\"]+)\".*/\1\n--\2/; s/^ROW 0 NULL.*//" \
		<<<"$text" | sed -E "s/^'(.)'/-\1/" | grep . | sort -u
}

# What a text names: words that start with - or --, in any of the ways that texts write them.
named() {
	sed -E 's/\\-/-/g; s/\\f[BIRP]//g' "$@" | grep -oE '(^|[^A-Za-z0-9_/.-])--?[A-Za-z][A-Za-z0-9-]*' | grep -oE -- '--?[A-Za-z].*' | sort -u
}

@test "the table has options, short and long" {
	local all
	all=$(table)
	[ "$(wc -l <<<"$all")" -gt 20 ]
	assert_contains "$all" "--timeout"
	assert_contains "$all" "-c"
}

@test "--help names every option of the table and no other" {
	sr --help
	assert_success
	assert_equal "$(named <<<"$output" | grep '^--')" "$(table | grep '^--')"
	assert_equal "$(comm -23 <(table | grep -v '^--') <(named <<<"$output"))" ""
}

# The options that the man page has a paragraph for: ".It Fl c , -long Ar value".
described() {
	grep -E '^\.It Fl ' "$TOP/man/sandrun.1" | sed -E 's/^\.It Fl //; s/ (Ar|Cm|Ns|Oo|Op) .*//; s/ , /\n/g' |
		sed -E 's/^Fl //; s/^/-/' | sort -u
}

@test "the man page has a paragraph for every option of the table and for no other" {
	assert_equal "$(described)" "$(table)"
}

@test "the man pages have no errors" {
	require_cmd mandoc
	try mandoc -T lint -W warning "$TOP"/man/*.[1-9]
	assert_output ""
	assert_success
}

# The keys that sandrun.ini(5) describes are those that the reader takes; it lists them itself in a hint.
@test "sandrun.ini(5) names every key of a project's sandrun.ini, and of config.ini" {
	mkdir -p "$T/p" "$T/config/sandrun"
	printf '[run]\nxyzzy = 1\n' >"$T/p/sandrun.ini"
	XDG_CONFIG_HOME=$T/none sr -C "$T/p" main.py
	assert_error 125 "[run] takes "
	local page key keys="${stderr##*takes }"
	page=$(sed 's/\\&//g' "$TOP/man/sandrun.ini.5")
	for key in ${keys//,/}; do
		grep -qE "^\.It Cm (.* )?$key( .*)?\$" <<<"$page" || sr_fail "no paragraph for $key"
	done
	printf '[run]\nxyzzy = 1\n' >"$T/config/sandrun/config.ini"
	XDG_CONFIG_HOME=$T/config sr -- true
	assert_error 125 "[run] takes "
	keys=${stderr##*takes }
	for key in ${keys//,/}; do
		grep -qE "^\.It Cm (.* )?$key( .*)?\$" <<<"$page" || sr_fail "no paragraph for $key"
	done
}

# bash's own answer to a word that starts with a dash.
bash_completions() {
	bash -c 'source "$1"; COMP_WORDS=(sandrun "$2"); COMP_CWORD=1; COMP_LINE="sandrun $2"; COMP_POINT=${#COMP_LINE}
		fn=$(complete -p sandrun | sed -E "s/.*-F ([^ ]+).*/\1/"); "$fn" sandrun "$2" sandrun; printf "%s\n" "${COMPREPLY[@]}"' \
		bash "$TOP/completions/sandrun.bash" "$1" | sed -E 's/[ =]+$//' | sort -u
}

@test "bash completes exactly the long options of the table" {
	assert_equal "$(bash_completions -- | grep '^--')" "$(table | grep '^--')"
}

@test "fish completes exactly the long options of the table" {
	assert_equal "$(grep -E '^complete ' "$TOP/completions/sandrun.fish" | grep -oE -- ' (-l|--long-option) [a-z-]+' | awk '{ print "--" $2 }' | sort -u)" \
		"$(table | grep '^--')"
}

@test "zsh completes exactly the long options of the table" {
	# those before it are a subcommand's own
	assert_equal "$(sed -n '/^_arguments /,$p' "$TOP/completions/_sandrun" | grep -oE -- '--[a-z][a-z-]+' | sort -u)" "$(table | grep '^--')"
}

# What bash offers for the last of the words.
bash_words() {
	bash -c 'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _sandrun sandrun "${COMP_WORDS[-1]}" x
		printf "%s\n" "${COMPREPLY[@]}"' bash "$TOP/completions/sandrun.bash" "$@" | grep . | sort
}

@test "bash and fish complete the profile commands, names and files" {
	cd "$T"
	export XDG_CONFIG_HOME=$T/config XDG_DATA_DIRS=$T/data
	mkdir -p "$T/config/sandrun/profiles" "$T/data/sandrun/profiles"
	touch "$T/config/sandrun/profiles/mine.ini" "$T/data/sandrun/profiles/strict.ini" here.ini here.txt
	assert_contains "$(bash_words sandrun pro)" profile
	assert_equal "$(bash_words sandrun profile '' | xargs)" "check diff learn list show"
	assert_equal "$(bash_words sandrun profile s)" show
	assert_equal "$(bash_words sandrun profile show '' | xargs)" "default here.ini mine strict"
	assert_equal "$(bash_words sandrun profile diff default m)" mine
	assert_equal "$(bash_words sandrun profile list '')" ""
	assert_equal "$(bash_words sandrun profile check --j)" --json
	require_cmd fish
	fish_words() {
		fish --no-config -c 'source $argv[1]; complete -C "$argv[2]"' "$TOP/completions/sandrun.fish" "$1" | cut -f1 | sort | xargs
	}
	assert_equal "$(fish_words 'sandrun profile ')" "check diff learn list show"
	assert_equal "$(fish_words 'sandrun profile check m')" mine
	assert_contains "$(fish_words 'sandrun profile show ')" "default"
	assert_contains "$(fish_words 'sandrun pro')" profile
	assert_equal "$(fish_words 'sandrun profile show --j')" --json
}

@test "bash and fish complete doctor and its options" {
	assert_contains "$(bash_words sandrun doc)" doctor
	assert_equal "$(bash_words sandrun doctor --)" $'--apparmor\n--json'
	require_cmd fish
	assert_equal "$(fish --no-config -c 'source $argv[1]; complete -C "sandrun doctor "' "$TOP/completions/sandrun.fish" | cut -f1 | sort)" \
		$'--apparmor\n--json'
}

@test "bash and fish complete verify and compare as their --help has them" {
	local word options
	for word in verify compare; do
		sr "$word" --help
		assert_success
		assert_equal "$(bash_words sandrun "$word" --key x --)" "$(named <<<"$output"$'\n--help' | grep '^--' | sort -u)"
		options=$(bash_words sandrun "$word" -- | xargs)
		assert_contains "$options" "--key"
		! command -v fish >/dev/null || assert_equal "$(fish --no-config -c 'source $argv[1]; complete -C "sandrun $argv[2] --"' \
			"$TOP/completions/sandrun.fish" "$word" | cut -f1 | grep -xF -e "${options// /$'\n'}" | sort -u | xargs)" "$options"
	done
	assert_equal "$(bash_words sandrun verify --require q)" quote-present
	# those of verify have each a paragraph
	sr verify --help
	for word in $(named <<<"$output" | grep '^--' | grep -v -- '--help'); do
		grep -qF ".It Cm ${word/--/\\-\\-}" "$TOP/man/sandrun.1" || sr_fail "no paragraph for $word"
	done
}

@test "bash and fish complete export, bill and their options" {
	local forms='--sigstore-bundle --slsa --runtime-trace --ssh-signature --line --trace --sign --key --trust --help' words='--rates --json --csv --key --trust --help'
	cd "$T"
	touch c.jsonl
	assert_contains "$(bash_words sandrun ex)" export
	assert_contains "$(bash_words sandrun bi)" bill
	assert_equal "$(bash_words sandrun export -- | xargs)" "$(tr ' ' '\n' <<<"$forms" | sort | xargs)"
	assert_equal "$(bash_words sandrun bill -- | xargs)" "$(tr ' ' '\n' <<<"$words" | sort | xargs)"
	assert_equal "$(bash_words sandrun export --line '' | xargs)" "execution run-close run-open"
	assert_equal "$(bash_words sandrun bill c)" c.jsonl
	# the usage names the same ones
	sr export --help
	assert_equal "$(named <<<"$output" | grep '^--' | xargs)" "$(tr ' ' '\n' <<<"$forms" | grep -v -- --help | sort | xargs)"
	sr bill --help
	assert_equal "$(named <<<"$output" | grep '^--' | xargs)" "$(tr ' ' '\n' <<<"$words" | grep -v -- --help | sort | xargs)"
	require_cmd fish
	fish_words() {
		fish --no-config -c 'source $argv[1]; complete -C "$argv[2]"' "$TOP/completions/sandrun.fish" "$1" | cut -f1 | grep '^--' | sort | xargs
	}
	assert_equal "$(fish_words 'sandrun export ')" "$(tr ' ' '\n' <<<"$forms" | sort | xargs)"
	assert_equal "$(fish_words 'sandrun bill ')" "$(tr ' ' '\n' <<<"$words" | sort | xargs)"
}

@test "bash and fish complete environment, its verbs, options and names; its page has them all" {
	local verb option
	cd "$T"
	export XDG_DATA_HOME=$T/data
	mkdir -p "$T/data/sandrun/images/names"
	touch "$T/data/sandrun/images/names/mine.ini" image.tar
	fish_words() {
		fish --no-config -c 'source $argv[1]; complete -C "$argv[2]"' "$TOP/completions/sandrun.fish" "$1" | cut -f1
	}
	assert_contains "$(bash_words sandrun env)" environment
	sr environment --help
	assert_success
	# what a verb takes stands behind its name in the usage
	while read -r verb options; do
		bash_words sandrun environment '' | grep -qx "$verb" || sr_fail "bash has no $verb" || return 1
		grep -qF "Cm environment $verb" "$TOP/man/sandrun-environment.5" || sr_fail "the page has no $verb" || return 1
		! command -v fish >/dev/null || fish_words 'sandrun environment ' | grep -qx "$verb" || sr_fail "fish has no $verb" || return 1
		for option in $(named <<<"$options"); do
			bash_words sandrun environment "$verb" - | grep -qxe "$option" || sr_fail "bash: $verb has no $option" || return 1
			grep -qE "(^|[ .])Fl ${option#-}( |\$)" "$TOP/man/sandrun-environment.5" || sr_fail "the page: $verb has no $option" || return 1
			! command -v fish >/dev/null || fish_words "sandrun environment $verb -" | grep -qxe "$option" ||
				sr_fail "fish: $verb has no $option" || return 1
		done
	done < <(grep -E '^  [a-z]' <<<"$output")
	assert_equal "$(bash_words sandrun environment show '')" mine
	assert_contains "$(bash_words sandrun environment import '')" image.tar
	assert_equal "$(bash_words sandrun environment export mine x --format '' | xargs)" "oci tar"
}

@test "the zsh completion is good zsh" {
	require_cmd zsh
	try zsh -n "$TOP/completions/_sandrun"
	assert_success
	assert_stderr ''
}
