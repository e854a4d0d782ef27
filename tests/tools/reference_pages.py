"""`python -m tests.tools.reference_pages`: writes docs/strategies.md, docs/models.md and docs/options.md from the code.

Cards and configuration files say what there is; a test holds the pages to them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from bench.cli.keys import choices, describe, file_keys, groups, is_search, keys_of
from bench.cli.verbs.parts.cards import settings_of
from bench.leaderboard.text.numbers import with_interval
from bench.models.registry import MODELS
from strategies.registry import STRATEGIES, Registry
from tests import ROOT
from tests.tools.strategy_evidence import ASPECTS, Measured, here, measured, published, witnesses
from tests.tools.strategy_table import described, models_in_words

ABOUT = {
    "strategies": (
        "Each is one file in `strategies/`; `imbench strategies NAME` shows the same in the shell. Stacks are lists, "
        "the first listed outermost: `strategy=[undersample,focal]`. Every setting is `strategy.NAME.KEY`."
    ),
    "models": (
        "Each is one file in `bench/models/`; `imbench models NAME` shows the same in the shell. Any ordinary "
        "`nn.Module` or estimator can be added: [CONTRIBUTING](../CONTRIBUTING.md)."
    ),
}


def pages() -> dict[str, str]:
    """Text of each page by its name."""
    return {
        "strategies": "\n".join(entries("Strategies", STRATEGIES, "strategy", ABOUT["strategies"])) + "\n",
        "models": "\n".join(entries("Models", MODELS, "model", ABOUT["models"])) + "\n",
        "options": "\n".join(options()) + "\n",
    }


def entries(title: str, registry: Registry[Any], group: str, about: str) -> Iterator[str]:
    """A table of all entries, then each with its card and settings."""
    yield f"# {title}"
    yield ""
    yield about
    yield ""
    strategies = group == "strategy"
    yield "| name | what it does | effect on probabilities |" if strategies else "| name | what it is |"
    yield "| :--- | :--- | :--- |" if strategies else "| :--- | :--- |"
    for name in sorted(registry.own()):
        first = " ".join(registry.card(name).partition("\n\n")[0].split())
        last = f" {cell(effect(registry.card(name)))} |" if strategies else ""
        yield f"| [`{name}`](#{name}) | {cell(first)} |{last}"
    if strategies:
        yield ""
        yield from what_they_change()
        yield ""
        yield from what_speaks_for_them()
        yield ""
        yield from what_was_measured()
    for name in sorted(registry.own()):
        yield ""
        yield f"## {name}"
        yield ""
        yield from registry.card(name).strip().splitlines()
        if found := settings_of(registry, group, name):
            yield ""
            yield from key_table(dict(found))


def what_they_change() -> Iterator[str]:
    """A table of what strategies change and cost: found by driving each over a small table, the paper by its card."""
    yield (
        "At their defaults, as the code has it: what is trained otherwise, whether the class prior that predictions "
        "embody is known exactly (then prior correction undoes the shift exactly), how many models are trained, and "
        "for which models. A fit *aside* serves another one. Data may lack what a strategy needs: another label, "
        "groups, text."
    )
    yield ""
    yield "| name | paper | what it changes | prior exact | fits | models |"
    yield "| :--- | :--- | :--- | :--- | :--- | :--- |"
    for one in described():
        paper = f"[{one.paper}]({one.link})" if one.link else one.paper
        what, exact = ", ".join(one.changes) or "nothing", "yes" if one.exact else "no"
        cells = (f"[`{one.name}`](#{one.name})", paper, what, exact, one.cost, models_in_words(one.models))
        yield f"| {' | '.join(map(cell, cells))} |"


def what_speaks_for_them() -> Iterator[str]:
    """A table of what papers found, why it shows here or does not, and which tests check a strategy from outside."""
    yield (
        "What the paper found, and what became of it here, by the card; and the tests that check the strategy by "
        "something that is not its own code: a formula, another library, brute force."
    )
    yield ""
    yield "| name | published | here | checked by |"
    yield "| :--- | :--- | :--- | :--- |"
    for name in sorted(STRATEGIES.own()):
        card = STRATEGIES.card(name)
        tests = ", ".join(f"[{one.by}](../{one.path})" for one in witnesses().get(name, ()))
        yield f"| {' | '.join(map(cell, (f'[`{name}`](#{name})', published(card), here(card), tests)))} |"


def what_was_measured() -> Iterator[str]:
    """A table of the differences to doing nothing on the published boards, read from their `changes.csv`."""
    yield (
        "Differences to `none` on the published boards, each strategy by itself at its defaults (v2: tuned), with 95% "
        "intervals: over data sets the t interval of their mean, a data set being one value, and on one data set that "
        "of its splits. Order: average precision, of more than two classes AUROC; decisions: F1, macro-F1. The boards "
        "judge each difference beside the others ([what was found](found.md)); none of these intervals does, so that "
        "one in twenty leaves out zero by chance."
    )
    yield ""
    yield f"| name | board | model | data | {' | '.join(ASPECTS.values())} |"
    yield f"| :--- | :--- | :--- | :--- | {' | '.join('---:' for _ in ASPECTS)} |"
    for name in sorted(set(STRATEGIES.own()) - {"none"}):
        for one in measured(name) or (Measured("no board yet", "", "", {}),):
            board = f"[{one.board}](../results/published/{one.board})" if one.changes else one.board
            values = (with_interval(one.changes.get(aspect), 3, sign=True) for aspect in ASPECTS)
            yield f"| {' | '.join((f'[`{name}`](#{name})', board, one.model, one.sets, *values))} |"


def effect(card: str) -> str:
    """What a strategy's card says that it does to probabilities; prior correction undoes a prior shift, no more."""
    found = re.search(r"Effect: (.*?)(?:[.;:,](?:\s|$)|\Z)", card, re.S)
    return " ".join(found[1].split()) if found else ""


def options() -> Iterator[str]:
    """Every key of the configuration with its default and what it means."""
    yield "# Options"
    yield ""
    yield (
        "Every key, its default and what it means, from the files of `conf/`. `imbench VERB --help` shows those that a "
        "verb reads. Settings of [strategies](strategies.md) and [models](models.md) have pages of their own."
    )
    yield ""
    yield "## Choices"
    yield ""
    yield from key_table({f"{k.path}={k.default}": text(describe([k])[0][1]) for k in groups().values()})
    for section in ("seed", "split", "repeats", "tuned", "results", "train", "run", "tune", "board", "need", "budget"):
        keys = [key for key in keys_of(section) if key.path not in groups()]
        if len(keys) > 1:
            yield ""
            yield f"## {section}"
            yield ""
        if keys:
            yield from key_table(dict(describe(keys)), header=len(keys) > 1)
    yield ""
    yield "## data"
    yield ""
    yield "Of every data set's table:"
    yield ""
    table = [key for key in file_keys("table", "default") if not is_search(key.path)]
    yield from key_table({f"data.{k.path.partition('.')[2]}={k.default}": k.comment for k in table})
    shared = {key.path.partition(".")[2] for key in table}
    for name in choices("data"):
        own = [k for k in file_keys("data", name) if k.comment and k.path.partition(".")[2] not in shared]
        if own:
            yield ""
            yield f"Of `data={name}`:"
            yield ""
            yield from key_table(dict(describe(own)))


def key_table(rows: Mapping[str, str], *, header: bool = True) -> Iterator[str]:
    """Keys with their defaults, and their meanings."""
    if header:
        yield "| key and default | what it means |"
        yield "| :--- | :--- |"
    for key, meaning in rows.items():
        yield f"| `{key}` | {cell(meaning)} |"


def text(meaning: str) -> str:
    """Without the list of choices that a group's comment would hold."""
    return re.sub(r"\s+", " ", meaning)


def cell(words: str) -> str:
    """Text as it may stand in a table."""
    return words.replace("|", "\\|")


def main() -> None:
    """Write the pages."""
    for name, page in pages().items():
        (ROOT / "docs" / f"{name}.md").write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
