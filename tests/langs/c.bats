#!/usr/bin/env bats
# SPDX-License-Identifier: MIT

load forms

setup() {
	lang_is_compiled c c gcc
}

@test "c: a script file: arguments, standard input as data, status" {
	check_script
}

@test "c: a file without an extension and --lang" {
	check_lang_of_a_file
}

@test "c: the program on standard input" {
	check_stdin
}

@test "c: the program on standard input with arguments" {
	check_stdin_arguments
}

@test "c: -c CODE: arguments, standard input as data, status" {
	check_code
}

@test "c: a script's name, argument and input that are not ASCII" {
	check_unicode_argument
}

@test "c: a file beside the script comes in with -i" {
	check_file_beside
}

@test "c: a run-time error: standard error byte for byte" {
	check_runtime_error
}

@test "c: what the compiler says, byte for byte" {
	check_compile_error
}
