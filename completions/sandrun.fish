# SPDX-License-Identifier: MIT
# fish completion for sandrun(1): options, their values, then the script or command.

function __sandrun_profiles
    set -l config $XDG_CONFIG_HOME
    test -n "$config"; or set config $HOME/.config
    set -l data /usr/local/share /usr/share
    set -q XDG_DATA_DIRS; and set data (string split : -- $XDG_DATA_DIRS)
    echo default
    for file in $config/sandrun/profiles/*.ini $data/sandrun/profiles/*.ini
        string replace -r '.*/(.*)\.ini$' '$1' -- $file
    end
end

function __sandrun_environments
    set -l data $XDG_DATA_HOME
    test -n "$data"; or set data $HOME/.local/share
    for file in $data/sandrun/images/names/*.ini
        string replace -r '.*/(.*)\.ini$' '$1' -- $file
    end
end

# Whether the command line holds a bare "--" and no --lang: what follows is a command.
function __sandrun_in_command
    set -l words (commandline -opc)
    contains -- -- $words; and not string match -q -- '--lang*' $words
end

# Whether only options were given so far, as far as can be seen: the last word is one, or this is the first.
function __sandrun_at_first
    test (count (commandline -opc)) -eq 1
end

# The words behind "sandrun profile".
function __sandrun_profile_at
    set -l words (commandline -opc)
    test "$words[2]" = profile; or return 1
    switch $argv[1]
        case verb
            test (count $words) -eq 2
        case option
            string match -q -- '-*' (commandline -ct)
        case name
            test (count $words) -gt 2; and test "$words[3]" != list
    end
end

# The words behind "sandrun environment": the verb, or those of some verbs.
function __sandrun_environment_at
    set -l words (commandline -opc)
    test "$words[2]" = environment; or return 1
    if test "$argv[1]" = verb
        test (count $words) -eq 2
    else
        test (count $words) -gt 2; and contains -- $words[3] $argv
    end
end

complete -c sandrun -n __sandrun_at_first -a environment -d 'Import, export, list, build and choose environments'
complete -c sandrun -n '__sandrun_environment_at verb' -f -a import -d 'Out of a tar, an OCI layout or a docker-archive'
complete -c sandrun -n '__sandrun_environment_at verb' -f -a export -d 'Into a tar or an OCI layout'
complete -c sandrun -n '__sandrun_environment_at verb' -f -a list -d 'Those of the store'
complete -c sandrun -n '__sandrun_environment_at verb' -f -a show -d 'What is known of one'
complete -c sandrun -n '__sandrun_environment_at verb' -f -a build -d 'Out of a definition'
complete -c sandrun -n '__sandrun_environment_at verb' -f -a check -d 'Run the checks of built ones'
complete -c sandrun -n '__sandrun_environment_at verb' -f -a which -d 'The one a script would run in'
complete -c sandrun -n '__sandrun_environment_at verb' -f -a requirements -d 'What a program requires, over one'
complete -c sandrun -n '__sandrun_environment_at verb' -f -a digest -d 'Read all of it again and compare'
complete -c sandrun -n '__sandrun_environment_at verb' -f -a remove -d 'Forget some'
complete -c sandrun -n '__sandrun_environment_at verb' -f -a prune -d 'Free the layers that none has'
complete -c sandrun -n '__sandrun_environment_at export show digest remove check' -a '(__sandrun_environments)' -d Environment
complete -c sandrun -n '__sandrun_environment_at build' -a '(sandrun environment build --list 2>/dev/null | string replace -r " .*" "")' -d Environment
complete -c sandrun -n '__sandrun_environment_at import' -a '--name --tag --force --max-entries --max-bytes'
complete -c sandrun -n '__sandrun_environment_at export' -a '--format --force'
complete -c sandrun -n '__sandrun_environment_at list show digest prune which' -a --json -d 'Print JSON'
complete -c sandrun -n '__sandrun_environment_at digest' -a --manifest -d 'What the digest is made of'
complete -c sandrun -n '__sandrun_environment_at prune' -a --dry-run -d 'Only say how much that is'
complete -c sandrun -n '__sandrun_environment_at requirements' -a '--on -C --script --lang -q'
complete -c sandrun -n '__sandrun_environment_at build' -a '--force --list -q'
complete -c sandrun -n '__sandrun_environment_at which' -a '-C --lang'
complete -c sandrun -n __sandrun_at_first -a profile -d 'List, show, check and compare profiles'
complete -c sandrun -n '__sandrun_profile_at verb' -f -a list -d 'Every profile that a name finds'
complete -c sandrun -n '__sandrun_profile_at verb' -f -a show -d 'Limits and system calls, with reasons'
complete -c sandrun -n '__sandrun_profile_at verb' -f -a check -d 'What is wrong, and the mend'
complete -c sandrun -n '__sandrun_profile_at verb' -f -a diff -d 'What the second changes against the first'
complete -c sandrun -n '__sandrun_profile_at verb' -f -a learn -d 'Run, and say what was refused'
complete -c sandrun -n '__sandrun_profile_at name' -a '(__sandrun_profiles)' -d Profile
complete -c sandrun -n '__sandrun_profile_at option' -f -a '--json' -d 'Print JSON'
complete -c sandrun -n __sandrun_at_first -a explain -d 'Print the plan and run nothing'
complete -c sandrun -n __sandrun_at_first -a key -d 'The keys that sign certificates'
complete -c sandrun -f -n '__fish_seen_subcommand_from key' -a 'show export rotate --json --ssh --yes'
complete -c sandrun -n __sandrun_at_first -a certificate -d 'List, show and prune certificates'
complete -c sandrun -n '__fish_seen_subcommand_from certificate' -a 'list show prune --json --keep --help'
complete -c sandrun -n __sandrun_at_first -a verify -d 'Check a certificate'
complete -c sandrun -n '__fish_seen_subcommand_from verify; and string match -q -- "-*" (commandline -ct)' -a '--key --trust --nonce --audience --require --input --output --opening --trace --after --json --help'
complete -c sandrun -n __sandrun_at_first -a compare -d 'Compare two certificates of the same plan'
complete -c sandrun -n '__fish_seen_subcommand_from compare; and string match -q -- "-*" (commandline -ct)' -a '--key --trust --json --help'
complete -c sandrun -n __sandrun_at_first -a trace -d 'Show a trace, prove that a line is in it'
complete -c sandrun -n '__fish_seen_subcommand_from trace' -a 'show prove check --json --help'
complete -c sandrun -n __sandrun_at_first -a open -d 'Open a commitment of a certificate'
complete -c sandrun -n '__fish_seen_subcommand_from open' -a '--item --input --opening --salt-file --key --trust --json --help'
complete -c sandrun -n __sandrun_at_first -a doctor -d 'Try what this machine can do, and say the mend'
complete -c sandrun -n __sandrun_at_first -a export -d 'A certificate in forms of other tools'
complete -c sandrun -n '__fish_seen_subcommand_from export; and not __fish_seen_subcommand_from environment' -a '--sigstore-bundle --slsa --runtime-trace --ssh-signature --line --trace --sign --key --trust --help'
complete -c sandrun -n __sandrun_at_first -a bill -d 'An itemised total out of certificates'
complete -c sandrun -n '__fish_seen_subcommand_from bill' -a '--rates --json --csv --key --trust --help'
complete -c sandrun -f -n '__fish_seen_subcommand_from doctor' -a '--json --apparmor'
complete -c sandrun -n __sandrun_in_command -a '(__fish_complete_command)'

complete -c sandrun -l lang -x -a 'python node typescript bash sh ruby perl R php lua awk go c c++ wasm' -d Language
complete -c sandrun -s c -x -d 'The program itself'
complete -c sandrun -s C -l project -x -a '(__fish_complete_directories)' -d 'Project folder, copied into memory'
complete -c sandrun -s E -l environment -x -a 'host (__sandrun_environments) (__fish_complete_directories)' -d 'Root to run in'
complete -c sandrun -l install -d 'Install what the project requires, once'
complete -c sandrun -l no-predict -d 'No environment by what the script imports'
complete -c sandrun -l proc -x -a 'fresh none' -d '/proc inside'
complete -c sandrun -s p -l profile -r -a '(__sandrun_profiles)' -d 'Limits and system calls allowed'
complete -c sandrun -l no-config -d "Ignore the user's config.ini"
complete -c sandrun -l no-manifest -d "Ignore the project's sandrun.ini"
complete -c sandrun -l setenv -x -a '(set -xn)' -d 'Set a variable inside'
complete -c sandrun -l build-layer -x -a '(__fish_complete_directories)' -d 'Keep what is written to the root in a folder'
complete -c sandrun -l build-network -d "With --build-layer, in the host's network"
complete -c sandrun -s i -l input -r -F -d 'Copy a file in'
complete -c sandrun -l private-input -r -F -d 'The same, recorded by a commitment'
complete -c sandrun -l bind -r -F -d 'Show a file or folder inside, read-only'
complete -c sandrun -l show -r -F -d 'Let a hidden file of the project folder in'
complete -c sandrun -s o -l output -r -F -d 'Copy matching files out afterwards'
complete -c sandrun -s O -l output-dir -x -a '(__fish_complete_directories)' -d 'Where outputs go'
complete -c sandrun -l output-archive -r -F -d 'Put the outputs into a tar.gz'
complete -c sandrun -l force -d 'Outputs may replace existing files'
complete -c sandrun -s t -l timeout -x -a '10s 1m 5m 1h unlimited' -d 'Wall-clock time'
complete -c sandrun -l cpu-max -x -a '50% 100% 200% 400% unlimited' -d 'Share of a processor'
complete -c sandrun -l cpu-window -x -a '10s/60s 1s/10s unlimited' -d 'Processor time in a stretch of time'
complete -c sandrun -l cpu-time -x -a '10s 1m 5m 1h unlimited' -d 'Processor time'
complete -c sandrun -s m -l memory -x -a '64M 256M 512M 1G 2G unlimited' -d 'Memory of all processes'
complete -c sandrun -l pids -x -a '64 128 256' -d 'Processes and threads at a time'
complete -c sandrun -l work-size -x -a '64M 256M 1G' -d 'Space in /work'
complete -c sandrun -l tmp-size -x -a '64M 256M 1G' -d 'Space in /tmp'
complete -c sandrun -l nofile -x -a '64 256 1024' -d 'Open files of a process'
complete -c sandrun -l file-size -x -a '64M 256M 1G unlimited' -d 'Size of one file'
complete -c sandrun -l output-limit -x -a '1M 10M 100M unlimited' -d 'Bytes of standard output and error'
complete -c sandrun -l strict -d 'Refuse where a limit has only a fallback'
complete -c sandrun -l no-strict -d 'Accept fallbacks that the profile refuses'
complete -c sandrun -l certificate -r -F -d 'Where the certificate goes'
complete -c sandrun -l no-certificate -d 'Make no certificate'
complete -c sandrun -l nonce -x -d 'A challenge of a verifier'
complete -c sandrun -l audience -x -d 'Whom the certificate is made for'
complete -c sandrun -l record-args -d 'Arguments in clear in the certificate'
complete -c sandrun -l trace -d 'Log what was executed, opened, connected to'
complete -c sandrun -l durable -d 'Certificate on the disk before the end'
complete -c sandrun -l private-args -d 'No argument is shown or kept'
complete -c sandrun -l private-outputs -d 'Commitments to what comes out'
complete -c sandrun -l salt -x -a 'kept destroyed' -d 'What becomes of the salt'
complete -c sandrun -l salt-file -r -F -d 'A salt of yours'
complete -c sandrun -s q -l quiet -d 'No closing line, no warnings'
complete -c sandrun -s v -l verbose -d 'Say what was planned and measured'
complete -c sandrun -l attest -x -a 'auto none tsm dstack' -d 'Whose hardware quote the certificate holds'
complete -c sandrun -l attest-simulated -r -F -d 'A quote from a stand-in, labelled simulated'
complete -c sandrun -l report -r -F -d 'Write what happened as JSON'
complete -c sandrun -l error-format -x -a 'text json' -d 'Form of messages'
complete -c sandrun -l explain -d 'Print the plan and run nothing'
complete -c sandrun -l learn -d 'Say what was refused, and what would allow it'
complete -c sandrun -l timing -d 'Say how long each phase took'
complete -c sandrun -l color -x -a 'auto always never' -d 'Colour in messages'
complete -c sandrun -s h -l help -d 'Print the options'
complete -c sandrun -l version -d 'Print the version'
