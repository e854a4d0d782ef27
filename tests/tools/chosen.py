"""Does what validation chooses keep up with the best reference? It depends on how that is read: by how much, is said
here. python -m tests.tools.chosen LINES.jsonl [--models linear mlp lightgbm] [--out results/data/chosen.md].

The lines are those of `tests.tools.quality … --models …`; nothing is trained. Sets of which a line lacks are left out.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import mean

import numpy as np

from tests.tools.measured import Line, score
from tests.tools.quality import SETS, paired

REFERENCES = ("lr", "hgb", "bare")
SPLITS = 5

Scores = Sequence[float]


@dataclass(frozen=True)
class Compared:
    """Test scores of one set, each (splits,), by reference and by model; validation losses by model."""

    name: str
    references: Mapping[str, Scores]
    ours: Mapping[str, Scores]
    losses: Mapping[str, Scores]

    def chosen(self) -> list[float]:
        """Of the model of the least validation loss in each split, the first listed where several have it."""
        return [tied[0] for tied in self.of_least()]

    def shared(self) -> list[float]:
        """As `chosen`, but the mean of the models that have the least loss."""
        return [mean(tied) for tied in self.of_least()]

    def of_least(self) -> list[list[float]]:
        """Scores of the models that have the least validation loss, in each split."""
        least = [min(column) for column in zip(*self.losses.values(), strict=True)]
        return [[self.ours[m][r] for m in self.ours if self.losses[m][r] == least[r]] for r in range(len(least))]

    def tied(self) -> int:
        """Splits in which several models have the least validation loss."""
        return sum(len(tied) > 1 for tied in self.of_least())

    def one_model(self) -> Scores:
        """Of the one model of the least mean validation loss."""
        return self.ours[min(self.ours, key=lambda m: mean(self.losses[m]))]

    def best_of_ours(self) -> Scores:
        """Of our model with the best test mean."""
        return max(self.ours.values(), key=mean)

    def best(self) -> Scores:
        """Of the reference with the best test mean."""
        return max(self.references.values(), key=mean)

    def foreseen(self) -> list[float]:
        """Of the reference with the best test mean of the other splits, in each split."""
        splits = range(len(self.best()))
        others = {r: [i for i in splits if i != r] for r in splits}
        return [max(self.references.values(), key=lambda s, r=r: mean(s[i] for i in others[r]))[r] for r in splits]  # type: ignore[misc]


def kept(ours: Scores, theirs: Scores, errors: float = 1.0) -> bool:
    """At least as good, up to so many standard errors of the paired difference."""
    gap, error = paired(ours, theirs)
    return gap >= -errors * error


READINGS: Mapping[str, Callable[[Compared], bool]] = {
    "against the best of three references by its test mean, one standard error": lambda c: kept(c.chosen(), c.best()),
    "the same, two standard errors": lambda c: kept(c.chosen(), c.best(), 2),
    "the same, no tolerance": lambda c: kept(c.chosen(), c.best(), 0),
    "the same, but models that validation does not tell apart share the choice": lambda c: kept(c.shared(), c.best()),
    "the same, but one model a set, by its mean validation loss": lambda c: kept(c.one_model(), c.best()),
    "against the reference that is best on the other splits": lambda c: kept(c.chosen(), c.foreseen()),
    **{
        f"against {name} alone": partial(lambda c, key: kept(c.chosen(), c.references[key]), key=key)
        for key, name in zip(REFERENCES, ("logistic regression", "HistGradientBoosting", "bare LightGBM"), strict=True)
    },
    "our best by its test mean against theirs": lambda c: kept(c.best_of_ours(), c.best()),
}


def equally_good(references: int, splits: int = SPLITS, repetitions: int = 100_000) -> float:
    """How often the first reading holds of a model and references that are all equally good, with normal errors."""
    scores = np.random.default_rng(0).normal(size=(repetitions, 1 + references, splits))
    best = scores[:, 1:].mean(2).argmax(1)
    gaps = scores[:, 0] - scores[np.arange(repetitions), 1 + best]
    return float((gaps.mean(1) >= -gaps.std(1, ddof=1) / splits**0.5).mean())


def compared(lines: Iterable[Line], models: Sequence[str]) -> list[Compared]:
    """The sets of which there are all lines; of several lines of a cell the last counts."""
    found = {key: line for line in lines for key in [cell_of(line)] if key is not None}
    sets = []
    for name in SETS:
        kinds = {kind: [found.get((kind, name, r)) for r in range(SPLITS)] for kind in (*REFERENCES, *models)}
        scores = {kind: [float("nan") if line is None else score(line) for line in of] for kind, of in kinds.items()}
        if any(np.isnan(values).any() for values in scores.values()):
            continue
        losses = {m: [float(line["val"]) for line in kinds[m] if line is not None] for m in models}
        sets.append(Compared(name, {k: scores[k] for k in REFERENCES}, {m: scores[m] for m in models}, losses))
    return sets


def cell_of(line: Line) -> tuple[str, str, int] | None:
    """Kind of model, set and split of a line; None for cells with other settings than a set's own."""
    if "job" not in line:
        kind, _, rest = line["key"].partition(" ")
        name, _, split = rest.rpartition(" ")
        return kind, name, int(split)
    words = [word for word in line["job"] if word != "strategy=none"]
    model = next((word.removeprefix("model=") for word in words if word.startswith("model=")), "mlp")
    own = {word for word in words if not word.startswith(("model=", "split=", "seed="))}
    split = next(int(word.removeprefix("split=")) for word in words if word.startswith("split="))
    return next(((model, name, split) for name, data in SETS.items() if set(data) == own), None)


def markdown(sets: Sequence[Compared]) -> str:
    """The table of readings, and the sets that the first of them misses."""
    first = next(iter(READINGS.values()))
    missed = [c for c in sets if not first(c)]
    by_chance = equally_good(len(REFERENCES))
    return "\n".join(
        [
            "# Does what validation chooses keep up with the best reference?",
            "",
            f"Sets of {len(sets)} on which it does, by how that is read. Made by `python -m tests.tools.chosen`.",
            "",
            "| reading | sets |",
            "|---|--:|",
            *(f"| {reading} | {sum(map(holds, sets))} |" for reading, holds in READINGS.items()),
            "",
            f"Of models and three references that were all equally good, the first reading would hold on "
            f"{by_chance:.0%} of sets ({by_chance * len(sets):.1f} of {len(sets)}), against one reference on "
            f"{equally_good(1):.0%}: the reference is chosen by the test rows that it is judged on.",
            "",
            "Missed by the first reading (tied: splits in which several models have the least validation loss, and the "
            "first listed is taken):",
            "",
            "| set | chosen − best reference | tied | our best − best reference |",
            "|---|--:|--:|--:|",
            *(
                f"| {c.name} | {shown(c.chosen(), c.best())} | {c.tied()} | {shown(c.best_of_ours(), c.best())} |"
                for c in missed
            ),
            "",
        ]
    )


def shown(ours: Scores, theirs: Scores) -> str:
    """A paired difference and its standard error."""
    return "{:+.3f} ± {:.3f}".format(*paired(ours, theirs))


def main() -> None:
    """Read lines, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("lines", type=Path)
    parser.add_argument("--models", nargs="+", default=["linear", "mlp", "lightgbm"])
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    lines = [json.loads(text) for text in arguments.lines.read_text(encoding="utf-8").splitlines() if text]
    text = markdown(compared(lines, arguments.models))
    print(text)
    if arguments.out:
        arguments.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
