"""Do verdicts keep their promises on real learners? Boards whose true differences are known, because tables are drawn.

    python -m tests.tools.real_tables LINES [--boards 200] [--write results/real-tables.md]

A population of impressions is drawn once; each board gets rows of its own from it and repeats over splits of these.

- `none against itself`: every strategy is `none` with other seeds. Any verdict but `same` is false. Where one is given,
  the two are judged again on 300,000 fresh rows: what a second look would say.
- `recentred networks` and `recentred logistic regression`: real strategies; the mean difference over all boards is the
  true one (with a standard error that the table shows), and is subtracted from each board: what is left is real noise
  around a true difference of nothing. Any verdict but `same` is false.

Boards are kept as they come: the same command goes on where it was stopped; `--write` makes the table of what is there.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from bench.leaderboard.statistics.design import Unit, design_of
from bench.leaderboard.statistics.verdicts import Comparison, judge
from tests.tools.simulated import Count

if TYPE_CHECKING:
    from bench.data.tables.schema import Table
    from bench.sweep.plan import Planned
    from strategies.predictor import Predictor

Floats = npt.NDArray[np.float64]
Board = dict[str, Any]  # kind, board, repeats, ratio, scores: by strategy one value a repeat; looks: fresh scores

ROWS: Final = 2000  # of a board; 200 positives at 10%, 40 of them in a test part
FRESH: Final = 300_000
REPEATS: Final = 5
KINDS: Final = ("none against itself", "recentred networks", "recentred logistic regression")
SAME: Final = tuple(f"none {j}" for j in range(4))
STRATEGIES: Final = ("none", "class_weights", "oversample", "undersample")


@cache
def population(boards: int) -> Table:
    """All rows of all boards, and the fresh ones after them."""
    from bench.data.loaded import loaded_table

    return loaded_table(_cells([[f"data.rows={boards * ROWS + FRESH}"]])[0].cell.data)


def rows_of(table: Table, rows: npt.NDArray[np.int64]) -> Table:
    """Some rows of a table, as a table."""
    other = {name: replace(o, y=o.y[rows]) for name, o in table.other.items()}
    return replace(
        table,
        frame=table.frame.iloc[rows].reset_index(drop=True),
        y=table.y[rows],
        rows=np.arange(len(rows)),
        roles=None if table.roles is None else table.roles.take(rows),
        truth=None if table.truth is None else table.truth[rows],
        other=other,
    )


def _cells(jobs: Sequence[Sequence[str]]) -> list[Planned]:
    from bench.cli.compose import compose, hydra_loader
    from bench.config import read_cell
    from bench.sweep.plan import Planned

    data = ("data=impressions", "data.target=purchase", "data.prevalence=0.1", "model=mlp", "model.bins=0")
    with hydra_loader() as loader:
        composed = compose(loader, [[*data, *job] for job in jobs])
    return [Planned(read_cell(raw), str(i), {}, "impressions", "purchase") for i, raw in enumerate(composed)]


def networks(kind: str, board: int, boards: int, repeats: int) -> Board:
    """A board of trained networks: same splits, and the same seeds where the strategies differ."""
    import torch

    from bench.data.features.encode import encode
    from bench.data.tables.splits import partition
    from bench.models.registry import takes
    from bench.sweep.runner import training
    from bench.training.trainer import drive

    table = rows_of(population(boards), np.arange(board * ROWS, (board + 1) * ROWS))
    names = SAME if kind == KINDS[0] else STRATEGIES
    jobs = [
        [f"strategy={name.split()[0]}", f"split={r}", f"seed={r + 100 * j if kind == KINDS[0] else r}"]
        for j, name in enumerate(names)
        for r in range(repeats)
    ]
    planned = _cells([[*job, f"data.rows={boards * ROWS + FRESH}"] for job in jobs])
    data, parts = [], []
    for p in planned:
        cell = p.cell
        drawn = partition(table, cell.split, cell.split, cell.data.test_fraction, cell.data.val_fraction)
        parts.append(drawn)
        data.append(encode(table, drawn, cell.data, takes(cell.model)))
    found: dict[int, Predictor | Exception] = {}
    drive(
        [training(p, d) for p, d in zip(planned, data, strict=True)],
        found.__setitem__,
        device=torch.device("cpu"),
        stack="auto",
    )
    scores: dict[str, list[float]] = {name: [] for name in names}
    for i in range(len(jobs)):
        predictor = found[i]
        if isinstance(predictor, Exception):
            raise predictor
        scores[names[i // repeats]].append(precision(predictor.logits(data[i].test), data[i].test_y.numpy()))
    ratio = len(parts[0].test) / len(parts[0].train)
    made: Board = {"kind": kind, "board": board, "repeats": repeats, "ratio": ratio, "scores": scores}
    if kind == KINDS[0] and (claimed := claims(verdicts_of(made))):
        fresh = np.arange(boards * ROWS, boards * ROWS + FRESH)
        both = rows_of(population(boards), np.concatenate([np.arange(board * ROWS, (board + 1) * ROWS), fresh]))
        looks: dict[str, list[float]] = {}
        for i, p in enumerate(planned):
            if names[i // repeats] in {names[0], *claimed}:
                again = replace(parts[i], test=np.arange(ROWS, ROWS + FRESH))
                encoded = encode(both, again, p.cell.data, takes(p.cell.model))
                predictor = found[i]
                assert not isinstance(predictor, Exception)
                score = precision(predictor.logits(encoded.test), encoded.test_y.numpy())
                looks.setdefault(names[i // repeats], []).append(score)
        made["looks"] = looks
    return made


def precision(logits: Any, y: npt.NDArray[np.int64]) -> float:
    """Average precision of two-class logits."""
    from sklearn.metrics import average_precision_score

    return float(average_precision_score(y, (logits[:, 1] - logits[:, 0]).numpy()))


def regressions(board: int, boards: int, repeats: int) -> Board:
    """A board of scikit-learn's logistic regression and imbalanced-learn's resampling: nothing of ours but the rule."""
    from imblearn.over_sampling import RandomOverSampler  # type: ignore[import-untyped]
    from imblearn.pipeline import make_pipeline  # type: ignore[import-untyped]
    from imblearn.under_sampling import RandomUnderSampler  # type: ignore[import-untyped]
    from sklearn.compose import make_column_selector, make_column_transformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import average_precision_score
    from sklearn.model_selection import train_test_split
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    table = rows_of(population(boards), np.arange(board * ROWS, (board + 1) * ROWS))
    frame = table.frame.copy()
    for name in table.names("numeric"):
        frame[name] = frame[name].fillna(frame[name].median())
    for name in table.names("categorical"):
        frame[name] = frame[name].astype(object).fillna("missing")
    scores: dict[str, list[float]] = {name: [] for name in STRATEGIES}
    for r in range(repeats):
        train, test = train_test_split(np.arange(ROWS), test_size=0.2, stratify=table.y, random_state=r)
        for name in STRATEGIES:
            columns = make_column_transformer(
                (OneHotEncoder(handle_unknown="ignore", min_frequency=5), make_column_selector(dtype_exclude="number")),
                (StandardScaler(), make_column_selector(dtype_include="number")),
            )
            sampler = {"oversample": RandomOverSampler, "undersample": RandomUnderSampler}.get(name)
            steps = [] if sampler is None else [sampler(random_state=r)]
            weights = "balanced" if name == "class_weights" else None
            model = make_pipeline(columns, *steps, LogisticRegression(class_weight=weights, max_iter=300))
            model.fit(frame.iloc[train], table.y[train])
            chances = model.predict_proba(frame.iloc[test])[:, 1]
            scores[name].append(float(average_precision_score(table.y[test], chances)))
    return {"kind": KINDS[2], "board": board, "repeats": repeats, "ratio": 0.25, "scores": scores}


def verdicts_of(board: Board, true: Mapping[str, float] | None = None) -> Comparison:
    """The rule's comparison of a board, after subtracting true differences."""
    units: list[Unit] = [(r, r) for r in range(board["repeats"])]
    values = {
        name: {unit: s - (true or {}).get(name, 0.0) for unit, s in zip(units, scores, strict=True)}
        for name, scores in board["scores"].items()
    }
    return judge(values, next(iter(values)), higher_is_better=True, design=design_of(units, board["ratio"]))


def claims(found: Comparison) -> tuple[str, ...]:
    """Whoever is said to differ from `none`."""
    return found.with_verdict("better", "worse")


def report(boards: Sequence[Board]) -> Iterator[str]:
    """The table, as lines of Markdown."""
    yield "# Boards of real learners whose true differences are known"
    yield ""
    yield (
        f"Tables of {ROWS:,} generated impressions (purchases, 10%), {REPEATS} repeats over splits, average precision. "
        "Promised: false better at most .03, any false claim at most .06, coverage at least .92. In brackets: exact "
        "95% intervals over boards. Made by `python -m tests.tools.real_tables`."
    )
    yield ""
    yield "| boards | number | strategies beside `none` | false better | any false claim | coverage of 95% intervals |"
    yield "| :--- | ---: | ---: | ---: | ---: | ---: |"
    notes = []
    for kind in KINDS:
        own = [b for b in boards if b["kind"] == kind]
        if len(own) < 2:
            continue
        names = list(own[0]["scores"])
        means = {n: np.array([np.mean(b["scores"][n]) - np.mean(b["scores"][names[0]]) for b in own]) for n in names}
        true = {} if kind == KINDS[0] else {n: float(m.mean()) for n, m in means.items()}
        better, false, inside = Count(), Count(), Count()
        for board in own:
            found = verdicts_of(board, true)
            better.add(bool(found.with_verdict("better")))
            false.add(bool(claims(found)))
            covered = sum((d.low or 0.0) <= 0 <= (d.high or 0.0) for d in found.differences.values())
            inside.add(covered, len(found.differences))
        yield f"| {kind} | {len(own)} | {len(names) - 1} | {shown(better)} | {shown(false)} | {inside.share:.3f} |"
        if true:
            each = ", ".join(
                f"{n} {true[n]:+.4f} ± {float(means[n].std(ddof=1)) / len(own) ** 0.5:.4f}" for n in names[1:]
            )
            notes.append(f"True differences to `none` of {kind.partition(' ')[2]}: {each}.")
        for board in own:
            for name, fresh in board.get("looks", {}).items():
                if name != names[0]:
                    d = np.array(fresh) - np.array(board["looks"][names[0]])
                    seen = np.mean(board["scores"][name]) - np.mean(board["scores"][names[0]])
                    notes.append(
                        f"Board {board['board']} called {name} different by {seen:+.4f}; on {FRESH:,} fresh rows the "
                        f"same models differ by {d.mean():+.4f}."
                    )
    yield ""
    for note in notes:
        yield f"- {note}"


def shown(count: Count) -> str:
    """`.020 [.005, .050]`."""
    low, high = count.bounds
    return f"{count.share:.3f} [{low:.3f}, {high:.3f}]"


def main(arguments: Sequence[str] | None = None) -> int:
    """Train what is missing, or write the table."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.tools.real_tables", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("lines", type=Path)
    parser.add_argument("--boards", type=int, default=200)
    parser.add_argument("--write", type=Path, help="only make the table of what is there")
    options = parser.parse_args(arguments)
    kept = options.lines.read_text(encoding="utf-8").splitlines() if options.lines.exists() else []
    boards: list[Board] = [json.loads(line) for line in kept]
    if options.write is None:
        from bench.training.threads import limit_threads

        limit_threads(1)
        there = {(b["kind"], b["board"]) for b in boards}
        options.lines.parent.mkdir(parents=True, exist_ok=True)
        for kind in (KINDS[0], KINDS[2], KINDS[1]):  # what has been promised first, what costs most last
            for board in range(options.boards):
                if (kind, board) in there:
                    continue
                regression = kind == KINDS[2]
                made = (
                    regressions(board, options.boards, REPEATS)
                    if regression
                    else networks(kind, board, options.boards, REPEATS)
                )
                boards.append(made)
                with options.lines.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(made) + "\n")
                print(f"{board + 1}/{options.boards} {kind}: {claims(verdicts_of(made)) or 'no claim'}", flush=True)
    text = "\n".join(report(boards)) + "\n"
    print(text)
    if options.write is not None:
        options.write.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
