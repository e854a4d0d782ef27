"""The step that follows a command, said at its end as a command that can be copied."""

from __future__ import annotations

import shlex
from collections.abc import Sequence


def next_step(template: str, words: Sequence[str]) -> str:
    """A verb's `then` filled in: `{words}` as the command had them, `{results}` its results folder where it named one.

    `{first}` is the first word that is no override; a command without one has no next step of that kind, and an empty
    text is returned.
    """
    plain = [word for word in words if "=" not in word and not word.startswith("-")]
    if "{first}" in template and not plain:
        return ""
    given = [word for word in words if word not in ("-m", "--multirun")]
    where = "".join(f" {shlex.quote(word)}" for word in words if word.startswith("results="))
    filled = template.format(words=shlex.join(given), results=where, first=plain[0] if plain else "")
    return f"imbench {filled.strip()}"


def say_next(template: str, words: Sequence[str]) -> None:
    """Print the next step, if there is one; asked for something of Hydra's own (`--cfg`), there is none."""
    if any(word.startswith("--") and word != "--multirun" for word in words):
        return
    if text := next_step(template, words):
        print(f"next: {text}")
