#!/usr/bin/env bats
# SPDX-License-Identifier: MIT

load forms

setup() {
	lang_is lua lua lua
}

@test "lua: a script file: arguments, standard input as data, status" {
	check_script
}

@test "lua: a file without an extension and --lang" {
	check_lang_of_a_file
}

@test "lua: the shebang names the interpreter" {
	check_shebang lua
}

@test "lua: the program on standard input" {
	check_stdin
}

@test "lua: the program on standard input with arguments" {
	check_stdin_arguments
}

@test "lua: -c CODE: arguments, standard input as data, status" {
	check_code
}

@test "lua: a script's name, argument and input that are not ASCII" {
	check_unicode_argument
}

@test "lua: a file beside the script comes in with -i" {
	check_file_beside
}

@test "lua: a run-time error: standard error byte for byte" {
	check_runtime_error
}
