"""What the last word of a command line may become: verbs, names, keys, choices and values.

Read from the text of verbs and YAML files, so that the Tab key answers at once. Hydra is asked for what these do not
know: its own keys, and groups of other packages.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from bench.cli.keys import Key, choices, file_keys, groups, is_search, keys_of
from bench.cli.verb import VERBS, Outline, outline
from strategies.registry import STRATEGIES

OPEN = ("data", "model", "strategy")  # groups of which the chosen files hold keys
FILES = ("data.path", "data.schema_file", "results")  # keys of which the shell knows the values


def candidates(line: str) -> list[str]:
    """Words that the last word of `line` may become; it is empty after a blank. None where only a file makes sense."""
    words = line.split()[1:]
    last = "" if not words or line[-1:].isspace() else words.pop()
    quote = last[:1] if last[:1] in ("'", '"') else ""
    return sorted(
        {word for word in _offers(words, last.removeprefix(quote)) if word.startswith(last.removeprefix(quote))}
    )


def _offers(words: Sequence[str], last: str) -> Iterable[str]:
    names = VERBS.names()
    if words[:1] == ["help"]:
        words = words[1:]
    seconds = [
        name.partition(" ")[2] for name in names if words and len(words) == 1 and name.startswith(f"{words[0]} ")
    ]
    if not words:
        return [*dict.fromkeys(name.partition(" ")[0] for name in names), "help", "--help", "--version"]
    found = next((name for length in (2, 1) if (name := " ".join(words[:length])) in names), None)
    if found is None:
        return seconds
    verb = outline(found)
    rest = words[len(found.split()) :]
    return [*seconds, *_words(verb), *_overrides(verb, rest, last)]


def _words(verb: Outline) -> Iterable[str]:
    """What a verb takes that is no override."""
    kinds: dict[str, Callable[[], Iterable[str]]] = {
        "strategy": STRATEGIES.names,
        "model": lambda: choices("model"),
        "data": lambda: choices("data"),
        "set": lambda: choices("data"),
        "shell": lambda: ("bash", "zsh", "fish"),
    }
    return kinds[verb.completes]() if verb.completes in kinds else ()


def _overrides(verb: Outline, rest: Sequence[str], last: str) -> Iterable[str]:
    """Keys; after `=` choices of groups and values, of which several and stacks are completed at the last."""
    if not verb.keys or (verb.completes in ("file", "folder") and not last):
        return ()
    known = {key.path: key.default for key in _settings(verb, rest)}
    key, equals, value = last.partition("=")
    if key in FILES:
        return ()
    if not equals:
        offers = [
            f"{path}="
            for path in [*(group for group in groups() if group in verb.keys), *known]
            if path.startswith(last)
        ]
        elsewhere = "strategy" in verb.keys or last.startswith("hydra")  # other verbs read no groups of plug-ins
        return _by_section(offers, last) if offers else _from_hydra(rest, last) if elsewhere else ()
    before = f"{key}={value[: len(value) - len(re.split(r'[,[]', value)[-1])]}"
    values = choices(key) if key in groups() else ["true", "false"] if known.get(key) in ("true", "false") else []
    if values or key in known:
        return [before + word for word in values or [known[key]]]
    return _from_hydra(rest, last)


def _settings(verb: Outline, rest: Sequence[str]) -> Iterable[Key]:
    """The keys that a verb reads, given the choices of groups so far."""
    chosen = {name: key.default for name, key in groups().items()}
    chosen |= {key: value for key, _, value in (word.strip("'\"").partition("=") for word in rest) if key in chosen}
    for section in verb.keys:
        yield from (key for key in keys_of(section) if key.path not in chosen)
        for name in re.split(r"[,[\]]+", chosen.get(section, "")) if section in OPEN else ():
            yield from (key for key in file_keys(section, name) if not is_search(key.path))


def _by_section(offers: Sequence[str], last: str) -> list[str]:
    """Keys up to their next dot, so that there are few at a time."""
    depth = last.count(".")
    parts = [offer.split(".") for offer in offers]
    return [".".join(p[: depth + 1]) + ("." if len(p) > depth + 1 else "") for p in parts]


def _from_hydra(rest: Sequence[str], last: str) -> list[str]:
    """What Hydra's own completion says."""
    from bench.cli.hydra_completion import offered  # noqa: PLC0415 - a second, for the keys that our files do not have

    return offered(rest, last)
