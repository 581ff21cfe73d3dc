#!/usr/bin/env bats
# SPDX-License-Identifier: MIT

load forms

setup() {
	lang_is perl pl perl
}

@test "perl: a script file: arguments, standard input as data, status" {
	check_script
}

@test "perl: a file without an extension and --lang" {
	check_lang_of_a_file
}

@test "perl: the shebang names the interpreter" {
	check_shebang perl
}

@test "perl: the program on standard input" {
	check_stdin
}

@test "perl: the program on standard input with arguments" {
	check_stdin_arguments
}

@test "perl: -c CODE: arguments, standard input as data, status" {
	check_code
}

@test "perl: a script's name, argument and input that are not ASCII" {
	check_unicode_argument
}

@test "perl: a file beside the script comes in with -i" {
	check_file_beside
}

@test "perl: a run-time error: standard error byte for byte" {
	check_runtime_error
}
