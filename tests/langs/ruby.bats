#!/usr/bin/env bats
# SPDX-License-Identifier: MIT

load forms

setup() {
	lang_is ruby rb ruby
}

@test "ruby: a script file: arguments, standard input as data, status" {
	check_script
}

@test "ruby: a file without an extension and --lang" {
	check_lang_of_a_file
}

@test "ruby: the shebang names the interpreter" {
	check_shebang ruby
}

@test "ruby: the program on standard input" {
	check_stdin
}

@test "ruby: the program on standard input with arguments" {
	check_stdin_arguments
}

@test "ruby: -c CODE: arguments, standard input as data, status" {
	check_code
}

@test "ruby: a script's name, argument and input that are not ASCII" {
	check_unicode_argument
}

@test "ruby: a file beside the script comes in with -i" {
	check_file_beside
}

@test "ruby: a run-time error: standard error byte for byte" {
	check_runtime_error
}
