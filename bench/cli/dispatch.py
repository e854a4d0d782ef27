"""From the words of a command line to the verb that they name, and from what went wrong to an exit code."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Iterable, Sequence

from bench.cli.help import family, overview, verb_help
from bench.cli.next_step import say_next
from bench.cli.postponed_import import postpone
from bench.cli.reads import refuse_unread
from bench.cli.verb import INTERRUPTED, VERBS, WRONG_USE, outline, outlines
from bench.errors import Complaint
from bench.printed import clean, masked
from strategies.registry import RegistryError, unknown

_HELP = ("-h", "--help")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code (0 done, 1 cells failed, 2 wrong use, 130 interrupted)."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        return _run_verb(words)
    except (Complaint, RegistryError) as error:
        if os.environ.get("HYDRA_FULL_ERROR") or "debug=true" in words:
            traceback.print_exc()
        print(f"imbench: {masked(clean(' '.join(str(error).split())))}", file=sys.stderr)
        return WRONG_USE
    except KeyboardInterrupt:
        print("imbench: interrupted", file=sys.stderr)
        return INTERRUPTED


def _run_verb(words: Sequence[str]) -> int:
    """Show help, or run the verb that the words begin with.

    Raises:
        Complaint: they begin with no verb, or the verb cannot use the rest.
    """
    if words and words[0] == "help":
        words = [*words[1:], "--help"]
    if not words or words[0] in _HELP:
        return say(overview(outlines()))
    name, rest = split(words)
    if {*_HELP} & {*rest}:
        every = outlines()
        asked = next((o for o in every if o.name == name), None)
        return say(family(name, every) if asked is None else verb_help(asked, every))
    verb = outline(name)
    refuse_unread(verb, rest)
    if verb.preloads:
        _start_workers_early(verb.preloads, rest)
    for package in verb.postpones:
        postpone(package)
    code = VERBS.get(name)().act(rest)
    if code == 0 and verb.then:
        say_next(verb.then, rest)
    return code


def _start_workers_early(module: str, arguments: Sequence[str]) -> None:
    """Have worker processes import `module` while this process imports the verb and plans, if they will be needed."""
    from bench.sweep.fork_server import forking_context, likely_to_train  # noqa: PLC0415 - help needs no multiprocessing

    if likely_to_train(arguments):
        forking_context(module)


def split(words: Sequence[str]) -> tuple[str, list[str]]:
    """The verb that the words begin with, and the rest; the first word of a family where help for it is asked.

    Raises:
        Complaint: there is no such verb.
    """
    names, first = VERBS.names(), words[0]
    for length in (2, 1):
        if (name := " ".join(words[:length])) in names:
            return name, list(words[length:])
    members = [name for name in names if name.startswith(f"{first} ")]
    if members and words[1:2] and words[1] in _HELP:
        return first, list(words[1:])
    if members and not words[1:]:
        raise Complaint(f"{first}: expected a second word, got none; one of: {', '.join(members)}")
    if members:
        raise Complaint(unknown("verb", " ".join(words[:2]), members))
    if "=" in first or first.startswith("-"):
        raise Complaint(f"expected a verb, got {first!r}: imbench run {first} …, say; imbench --help lists the verbs")
    raise Complaint(unknown("verb", first, names))


def say(lines: Iterable[str]) -> int:
    """Print lines; the exit code of having done so."""
    print("\n".join(lines))
    return 0
