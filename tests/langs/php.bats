#!/usr/bin/env bats
# SPDX-License-Identifier: MIT

load forms

setup() {
	lang_is php php php
}

@test "php: a script file: arguments, standard input as data, status" {
	check_script
}

@test "php: a file without an extension and --lang" {
	check_lang_of_a_file
}

@test "php: the shebang names the interpreter" {
	check_shebang php
}

@test "php: the program on standard input" {
	check_stdin
}

@test "php: the program on standard input with arguments" {
	check_stdin_arguments
}

@test "php: -c CODE: arguments, standard input as data, status" {
	check_code
}

@test "php: a script's name, argument and input that are not ASCII" {
	check_unicode_argument
}

@test "php: a file beside the script comes in with -i" {
	check_file_beside
}

@test "php: a run-time error: standard error byte for byte" {
	check_runtime_error
}
