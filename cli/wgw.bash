# Completion of wgw(8) for bash: the command itself knows what may follow.

_wgw() {
    local word=${COMP_WORDS[COMP_CWORD]}

    mapfile -t COMPREPLY < <(compgen -W \
        "$(wgw complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2> /dev/null | sort -u)" \
        -- "$word")
}

complete -o default -F _wgw wgw
