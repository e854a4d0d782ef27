"""What each shell is given to complete `imbench`: all ask `imbench completion query LINE` and offer its lines."""

from __future__ import annotations

from collections.abc import Mapping

_BASH = r"""# bash completion of imbench
_imbench() {
    local line="${COMP_LINE:0:COMP_POINT}" word before IFS=$'\n'
    word="${line##*[[:space:]]}"
    before="${word%"${word##*[=:]}"}"                  # bash may count what stands before = as a word of its own
    case "$word" in [\"\']*) before="" ;; esac         # within quotes it does not
    [[ "$COMP_WORDBREAKS" == *=* ]] || before=""
    COMPREPLY=($("$1" completion query "$line" 2>/dev/null))
    COMPREPLY=("${COMPREPLY[@]#"$before"}")
    case "${COMPREPLY[0]-}" in *[=./,]) compopt -o nospace 2>/dev/null ;; esac
}
complete -o bashdefault -o default -F _imbench imbench
"""

_ZSH = r"""#compdef imbench
_imbench() {
    local -a found open
    found=("${(@f)$(${words[1]} completion query "$LBUFFER" 2>/dev/null)}")
    found=(${found:#})
    if (( ! ${#found} )); then
        compset -P '*='
        _files
        return
    fi
    open=(${(M)found:#*[=./,]})
    compadd -Q -S '' -- $open
    compadd -Q -- ${found:#*[=./,]}
}
compdef _imbench imbench
"""

_FISH = r"""# fish completion of imbench
function __imbench_candidates
    imbench completion query (commandline -cp) 2>/dev/null
end
complete -c imbench -f
complete -c imbench -n 'count (__imbench_candidates) >/dev/null' -a '(__imbench_candidates)'
complete -c imbench -n 'not count (__imbench_candidates) >/dev/null' -F
"""

SCRIPTS: Mapping[str, str] = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}
