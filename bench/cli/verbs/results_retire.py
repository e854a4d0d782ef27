"""Put records away that were a mistake, or take them back.

A record is named by its key (the first eight digits are enough), a whole board by its slug, which the page shows under
Configuration. What is put away lies under retired/ in the results folder, predictions too: it counts nowhere, nothing
of it is lost, and back=true takes it back. Without a name it lists what was put away. To run such a cell again is to
make it anew.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rich.text import Text

from bench.cli.cells import options_from
from bench.cli.console import Console
from bench.cli.verb import Verb
from bench.config import ConfigError
from bench.leaderboard.boards.members import members_of
from bench.leaderboard.text.words import plural
from bench.records.columns import of_records
from bench.records.files import ResultsError
from bench.records.retired import keys_like, restore, retire, retired_store
from bench.records.store import Store


class ResultsRetire(Verb):
    """Moves records between `runs` and `retired`."""

    name = "results retire"
    group = "look after the results folder"
    order = 53
    usage = "[KEY or SLUG …] [back=true] [results=DIR]"
    keys = ("results",)
    examples = (
        "imbench results retire orders-bought-mlp-1a2b3c4d",
        "imbench results retire 1a2b3c4d5e6f back=true",
        "imbench results retire",
    )

    def act(self, arguments: Sequence[str]) -> int:
        own = [word for word in arguments if word.startswith("back=")]
        if any(word not in ("back=true", "back=false") for word in own):
            raise ConfigError(f"back: expected true or false, got {own[-1].partition('=')[2]!r}")
        names = [word for word in arguments if "=" not in word and not word.startswith("-")]
        store = Store(Path(options_from([w for w in arguments if w not in (*own, *names)]).results))
        back = own[-1:] == ["back=true"]
        if not names:
            return _print_retired(store)
        source = retired_store(store) if back else store
        keys = list(dict.fromkeys(key for name in names for key in _named(source, name)))
        moved = restore(store, keys) if back else retire(store, keys)
        again = f"imbench results retire {' '.join(names)}" + ("" if back else " back=true")
        done = (
            "taken back: they count again" if back else f"put away to {retired_store(store).runs}: they count nowhere"
        )
        console = Console()
        console.print(Text(f"{plural(moved, 'record')} {done}"), soft_wrap=True)
        console.print(Text(f"next: imbench publish, or undo this: {again}"), soft_wrap=True)
        return 0


def _named(store: Store, name: str) -> list[str]:
    """The keys of the records that a name means: of a board's slug all of that board, else those that begin with it.

    Raises:
        ResultsError: there is none.
    """
    if found := keys_like(store, name) or members_of(of_records(list(store)), name):
        return found
    raise ResultsError(
        f"{name}: expected the slug of a board, as its page shows it under Configuration, or at least the first eight "
        f"digits of a record's key, but nothing under {store.runs} has this name"
    )


def _print_retired(store: Store) -> int:
    """What was put away, a line for each data set, target and model."""
    console, away = Console(), retired_store(store)
    counts = Counter((record.data, record.target, record.model) for record in away)
    for names, count in sorted(counts.items()):
        console.print(Text(f"{' · '.join(names)}: {plural(count, 'record')}"), soft_wrap=True)
    console.print(Text(f"{plural(sum(counts.values()), 'record')} put away in {away.runs}"), soft_wrap=True)
    return 0
