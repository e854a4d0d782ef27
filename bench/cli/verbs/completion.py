"""Print the script by which bash, zsh or fish complete imbench.

Verbs, keys, choices and values:

    eval "$(imbench completion bash)"        in ~/.bashrc
    eval "$(imbench completion zsh)"         in ~/.zshrc, after compinit
    imbench completion fish | source         in ~/.config/fish/config.fish

The scripts ask `imbench completion query LINE`, which prints what the last word of a command line may become.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from bench.cli.completing import candidates
from bench.cli.verb import Verb
from bench.cli.verbs.parts.shells import SCRIPTS
from bench.errors import Complaint
from strategies.registry import unknown


class Completion(Verb):
    """Serves shells."""

    name = "completion"
    group = "look after the rest"
    order = 60
    usage = "bash|zsh|fish"
    examples = ('eval "$(imbench completion bash)"',)
    completes = "shell"

    def act(self, arguments: Sequence[str]) -> int:
        if len(arguments) == 2 and arguments[0] == "query":
            sys.stdout.writelines(f"{word}\n" for word in candidates(arguments[1]))
            return 0
        if len(arguments) != 1:
            got = " ".join(arguments) or "nothing"
            raise Complaint(f"completion: expected the name of a shell, got {got}; one of {', '.join(SCRIPTS)}")
        if arguments[0] not in SCRIPTS:
            raise Complaint(unknown("shell", arguments[0], list(SCRIPTS)))
        print(SCRIPTS[arguments[0]], end="")
        return 0
