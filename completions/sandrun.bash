# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# bash completion for sandrun(1): options, their values, then the script or command.

_sandrun_profiles() {
	local dir dirs=()
	IFS=: read -ra dirs <<<"${XDG_DATA_DIRS:-/usr/local/share:/usr/share}"
	for dir in "${XDG_CONFIG_HOME:-$HOME/.config}/sandrun/profiles" "${dirs[@]/%//sandrun/profiles}"; do
		[[ -d $dir ]] && (cd "$dir" && compgen -G '*.ini' | sed 's/\.ini$//')
	done
	printf '%s\n' default
}

_sandrun_environments() {
	(cd "${XDG_DATA_HOME:-$HOME/.local/share}/sandrun/images/names" 2>/dev/null && compgen -G '*.ini' | sed 's/\.ini$//')
}

# Files and folders, with their trailing slash left to readline.
_sandrun_files() {
	compopt -o filenames 2>/dev/null
	mapfile -t COMPREPLY < <(compgen "$1" -- "$2")
}

_sandrun_words() {
	mapfile -t COMPREPLY < <(compgen -W "$1" -- "$2")
}

# Completes the value of option $1 that starts with $2; fails for an option without a value.
_sandrun_value() {
	case $1 in
	--lang) _sandrun_words 'python node typescript bash sh ruby perl R php lua awk go c c++ wasm' "$2" ;;
	-C | --project | -O | --output-dir | --build-layer) _sandrun_files -d "$2" ;;
	-E | --environment)
		local folders
		mapfile -t folders < <(compgen -d -- "$2")
		_sandrun_words "host $(_sandrun_environments)" "$2"
		COMPREPLY+=("${folders[@]}")
		compopt -o filenames 2>/dev/null
		;;
	-p | --profile)
		if [[ $2 == */* ]]; then
			_sandrun_files -f "$2"
		else
			_sandrun_words "$(_sandrun_profiles)" "$2"
		fi
		;;
	-i | --input | --private-input | --bind | --output-archive | --report | --certificate | --salt-file | --attest-simulated) _sandrun_files -f "$2" ;;
	--show | -o | --output) _sandrun_files -f "$2" ;;
	--setenv) mapfile -t COMPREPLY < <(compgen -v -- "$2") ;;
	--proc) _sandrun_words 'fresh none' "$2" ;;
	--salt) _sandrun_words 'kept destroyed' "$2" ;;
	--error-format) _sandrun_words 'text json' "$2" ;;
	--attest) _sandrun_words 'auto none tsm dstack' "$2" ;;
	--color) _sandrun_words 'auto always never' "$2" ;;
	--cpu-max) _sandrun_words '50% 100% 200% 400% unlimited' "$2" ;;
	--cpu-window) _sandrun_words '10s/60s 1s/10s unlimited' "$2" ;;
	-t | --timeout | --cpu-time) _sandrun_words '10s 1m 5m 1h unlimited' "$2" ;;
	-m | --memory | --work-size | --tmp-size | --file-size | --output-limit) _sandrun_words '64M 256M 512M 1G 2G unlimited' "$2" ;;
	--pids | --nofile) _sandrun_words '64 128 256 1024' "$2" ;;
	-c | --nonce | --audience) COMPREPLY=() ;;
	*) return 1 ;;
	esac
}

_sandrun_options='--lang -c -C --project -E --environment --install --no-predict --proc -p --profile --no-config --no-manifest --setenv --build-layer --build-network -i --input --bind --show -o --output
-O --output-dir --output-archive --force -t --timeout --cpu-time --cpu-max --cpu-window -m --memory --pids --work-size --tmp-size --nofile --file-size
--output-limit --strict --no-strict --certificate --no-certificate --nonce --audience --record-args --durable --trace --private-input --private-args --private-outputs
--salt-file --salt --attest --attest-simulated -q --quiet -v --verbose --report --error-format --explain --learn --timing --color -h --help --version'

# The words behind "sandrun profile"; $1 is the one at the cursor.
_sandrun_profile_command() {
	local files
	case $1 in
	-*) _sandrun_words '--json --help' "$1" ;;
	*/*) _sandrun_files -f "$1" ;;
	*)
		if ((COMP_CWORD == 2)); then
			_sandrun_words 'list show check diff learn' "$1"
		elif [[ ${COMP_WORDS[2]} != list ]]; then
			_sandrun_words "$(_sandrun_profiles)" "$1"
			mapfile -t files < <(compgen -f -X '!*.ini' -- "$1")
			COMPREPLY+=("${files[@]}")
		fi
		;;
	esac
}

# The words behind "sandrun verify" and "sandrun compare"; $1 is the one at the cursor, $2 the one before.
_sandrun_verify_command() {
	case $2 in
	--trust) _sandrun_files -d "$1" ;;
	--require) _sandrun_words 'self-asserted simulated-quote quote-present' "$1" ;;
	--nonce | --audience) COMPREPLY=() ;;
	*)
		case $1 in
		-*)
			if [[ ${COMP_WORDS[1]} == verify ]]; then
				_sandrun_words '--key --trust --nonce --audience --require --input --output --opening --trace --after --json --help' "$1"
			else
				_sandrun_words '--key --trust --json --help' "$1"
			fi
			;;
		*) _sandrun_files -f "$1" ;;
		esac
		;;
	esac
}

# Options of a verb of "sandrun environment".
_sandrun_environment_options() {
	case $1 in
	import) echo --name --tag --force --max-entries --max-bytes --help ;;
	export) echo --format --force --help ;;
	list | show) echo --json --help ;;
	digest) echo --json --manifest --help ;;
	prune) echo --dry-run --json --help ;;
	build) echo --force --list -q --help ;;
	which) echo --json -C --lang --help ;;
	requirements) echo --on -C --script --lang -q --help ;;
	*) echo --help ;;
	esac
}

# The words behind "sandrun environment"; $1 is the one at the cursor, $2 the one before.
_sandrun_environment_command() {
	local verb=${COMP_WORDS[2]}
	if ((COMP_CWORD == 2)); then
		_sandrun_words 'import export list show build check which requirements digest remove prune --help' "$1"
		return
	fi
	case $2 in
	--format) _sandrun_words 'tar oci' "$1" && return ;;
	--max-bytes) _sandrun_words '1G 4G 16G 64G' "$1" && return ;;
	--name | --tag | --max-entries) COMPREPLY=() && return ;;
	esac
	case $1 in
	-*) _sandrun_words "$(_sandrun_environment_options "$verb")" "$1" ;;
	*)
		case $verb in
		import | which) _sandrun_files -f "$1" ;;
		export) ((COMP_CWORD == 3)) && _sandrun_words "$(_sandrun_environments)" "$1" || _sandrun_files -f "$1" ;;
		build) _sandrun_words "$("${COMP_WORDS[0]}" environment build --list 2>/dev/null | cut -d' ' -f1)" "$1" ;;
		show | digest | remove | check) _sandrun_words "$(_sandrun_environments)" "$1" ;;
		esac
		;;
	esac
}

# Prints where the operands begin: "options", "script" or "command", from the words before the cursor.
_sandrun_place() {
	local i word lang=
	for ((i = 1; i < $#; i++)); do
		word=${*:i+1:1}
		case $word in
		--)
			[[ $lang ]] && echo script || echo command
			return
			;;
		--*=*) [[ $word == --lang=* ]] && lang=1 ;;
		--lang) lang=1 i=$((i + 1)) ;;
		-*) COMPREPLY=() && _sandrun_value "$word" '' && i=$((i + 1)) ;;
		explain) ;;
		*)
			echo script
			return
			;;
		esac
	done
	echo options
}

# export and bill: options, their values, certificates.
_sandrun_certificates() {
	local cur=$3 options='--sigstore-bundle --slsa --runtime-trace --ssh-signature --line --trace --sign --key --trust --help'
	[[ $1 == export ]] || options='--rates --json --csv --key --trust --help'
	case $2 in
	--line) _sandrun_words 'run-open execution run-close' "$cur" ;;
	--trust) _sandrun_files -d "$cur" ;;
	*)
		case $cur in
		-*) _sandrun_words "$options" "$cur" ;;
		*) _sandrun_files -f "$cur" ;;
		esac
		;;
	esac
}

_sandrun() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} words=() i
	COMPREPLY=()
	# "--opt=value" arrives as three words where '=' breaks words: join them again.
	for ((i = 0; i < COMP_CWORD; i++)); do
		if [[ ${COMP_WORDS[i]} == = && ${#words[@]} -gt 0 ]]; then
			words[${#words[@]} - 1]+="=${COMP_WORDS[i + 1]-}"
			i=$((i + 1))
		else
			words+=("${COMP_WORDS[i]}")
		fi
	done
	if [[ $cur == = && $prev == --* ]]; then
		_sandrun_value "$prev" ''
		return
	elif [[ $prev == = ]]; then
		_sandrun_value "${COMP_WORDS[COMP_CWORD - 2]}" "$cur"
		return
	fi
	if ((COMP_CWORD > 1)) && [[ ${COMP_WORDS[1]} == doctor ]]; then
		_sandrun_words '--json --apparmor' "$cur"
		return
	fi
	if ((COMP_CWORD > 1)) && [[ ${COMP_WORDS[1]} == key ]]; then
		_sandrun_words 'show export rotate --json --ssh --yes' "$cur"
		return
	fi
	if ((COMP_CWORD > 1)) && [[ ${COMP_WORDS[1]} == certificate ]]; then
		if [[ ${COMP_WORDS[2]-} == show && $cur != -* && COMP_CWORD -gt 2 ]]; then
			_sandrun_files -f "$cur"
		else
			_sandrun_words 'list show prune --json --keep --help' "$cur"
		fi
		return
	fi
	if ((COMP_CWORD > 1)) && [[ ${COMP_WORDS[1]} == verify || ${COMP_WORDS[1]} == compare ]]; then
		_sandrun_verify_command "$cur" "$prev"
		return
	fi
	if ((COMP_CWORD > 1)) && [[ ${COMP_WORDS[1]} == trace ]]; then
		if ((COMP_CWORD > 2)) && [[ $cur != -* ]]; then
			_sandrun_files -f "$cur"
		else
			_sandrun_words 'show prove check --json --help' "$cur"
		fi
		return
	fi
	if ((COMP_CWORD > 1)) && [[ ${COMP_WORDS[1]} == export || ${COMP_WORDS[1]} == bill ]]; then
		_sandrun_certificates "${COMP_WORDS[1]}" "$prev" "$cur"
		return
	fi
	if ((COMP_CWORD > 1)) && [[ ${COMP_WORDS[1]} == open ]]; then
		case $prev in
		--item) _sandrun_words 'input: output: script: argv env stdin stdout stderr terminal stdout+stderr' "$cur" ;;
		--trust) _sandrun_files -d "$cur" ;;
		*)
			if [[ $cur == -* ]]; then
				_sandrun_words '--item --input --opening --salt-file --key --trust --json --help' "$cur"
			else
				_sandrun_files -f "$cur"
			fi
			;;
		esac
		return
	fi
	if ((COMP_CWORD > 1)) && [[ ${COMP_WORDS[1]} == environment ]]; then
		_sandrun_environment_command "$cur" "$prev"
		return
	fi
	if ((COMP_CWORD > 1)) && [[ ${COMP_WORDS[1]} == profile ]]; then
		_sandrun_profile_command "$cur"
		return
	fi
	case $(_sandrun_place "${words[@]}") in
	script) _sandrun_files -f "$cur" ;;
	command)
		if [[ $prev == -- ]]; then
			mapfile -t COMPREPLY < <(compgen -c -- "$cur" | sort -u)
		else
			_sandrun_files -f "$cur"
		fi
		;;
	*)
		if [[ ${#words[@]} -gt 1 && $prev == -* ]] && _sandrun_value "$prev" "$cur"; then
			return
		fi
		case $cur in
		-*) _sandrun_words "$_sandrun_options" "$cur" ;;
		*)
			_sandrun_files -f "$cur"
			((COMP_CWORD == 1)) && mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -W 'explain profile environment doctor verify compare key certificate trace export bill open' -- "$cur")
			;;
		esac
		;;
	esac
}

complete -F _sandrun sandrun
