echo before
no_such_command_here
exit 3
