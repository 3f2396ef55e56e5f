# Completion for turnstile and turnstiled: all of it is read from their --help.

# The options of "$@" (a program, perhaps with a subcommand), a line each: "--dispatch=handoff|accept".
_turnstile_options() {
	"$@" --help 2>/dev/null | grep -oE -- '--[a-z][a-z-]*(=[^ ,]+)?'
}

_turnstile_subcommands() {
	"$1" --help 2>/dev/null | sed -n '/^Subcommands/,$s/^  \([a-z][a-z]*\).*/\1/p'
}

# What may follow --NAME=: the words that the help gives with '|' between them, or files.
_turnstile_values() {
	local option=$1 word=$2
	shift 2
	local values
	values=$(_turnstile_options "$@" | sed -n "s/^$option=//p" | head -n 1)
	case $values in
	*'|'*) COMPREPLY=($(compgen -W "${values//|/ }" -- "$word")) ;;
	FILE | DIRECTORY) COMPREPLY=($(compgen -f -- "$word")) ;;
	*) COMPREPLY=() ;;
	esac
}

_turnstile() {
	local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
	local program=("${COMP_WORDS[0]}") subcommands i
	subcommands=$(_turnstile_subcommands "${program[0]}")
	for ((i = 1; i < COMP_CWORD; i++)); do
		case " ${subcommands//$'\n'/ } " in
		*" ${COMP_WORDS[i]} "*)
			program+=("${COMP_WORDS[i]}")
			break
			;;
		esac
	done
	if [[ $word == = ]]; then
		_turnstile_values "$before" "" "${program[@]}"
	elif [[ $before == = ]]; then
		_turnstile_values "${COMP_WORDS[COMP_CWORD - 2]}" "$word" "${program[@]}"
	elif [[ $before == --* && $word != -* ]]; then
		_turnstile_values "$before" "$word" "${program[@]}"
	elif [[ $word == -* ]]; then
		COMPREPLY=($(compgen -W "$(_turnstile_options "${program[@]}" | sed 's/=.*//')" -- "$word"))
	elif ((${#program[@]} == 1)); then
		COMPREPLY=($(compgen -W "$subcommands" -- "$word"))
	fi
}

complete -o default -F _turnstile turnstile turnstiled
