"""Numbers do not change unless a version does: those of training, partitions, encoded features, an evaluation.

    python -m tests.training.test_golden      # renews golden.json, after the version in bench/records/versions.py
                                              # (or of the strategy, model or source) has been raised

Compared to four digits and on the torch that the file names, so that processors may differ in the last ones.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from bench.data.features.load import load_encoded
from bench.data.loaded import loaded_table
from bench.data.tables.splits import partition
from bench.evaluation.evaluate import Predictions, evaluate
from bench.models.registry import MODELS, refusal, takes
from bench.records.record import digest
from bench.records.versions import VERSIONS
from strategies.registry import STRATEGIES
from strategies.spec import Bag, Chain, Inapplicable
from tests.conftest import Toy, table, trained
from tests.data.asked import asked

FILE = Path(__file__).with_name("golden.json")
COMMAND = "renew the file by: python -m tests.training.test_golden"
RENEW = f"raise its version (bench/records/versions.py, or the strategy's or model's own) and {COMMAND}"
SHOWN = 4  # validation rows whose logits are kept
STEPS: dict[str, Any] = {"max_steps": 60, "eval_every": 5, "patience": 3}  # long enough for both phases of the rate


def rounded(values: Any) -> list[float]:
    """Four significant digits."""
    return [float(f"{v:.4g}") for v in np.asarray(values, dtype=np.float64).ravel()]


def of_training(toy: Toy, strategy: str, model: str) -> list[float] | None:
    """Logits of some validation rows, the prior and the steps; None where the strategy does not apply."""
    made, kind = STRATEGIES.get(strategy)(), MODELS.get(model)()
    if refusal(kind, made):
        return None
    try:
        predictor = trained(Chain((made,)).train(toy.recipe(model=kind, **STEPS)))
    except Inapplicable:
        return None
    return [*rounded(predictor.logits(toy.val.x)[:SHOWN]), *rounded(predictor.prior), float(predictor.cost.steps)]


def shop(folder: Path) -> Path:
    """A file with every kind of column: numbers with gaps, categories, dates, English, Chinese, users, weights."""
    g, n = np.random.default_rng(0), 400
    words, signs = [f"word{i}" for i in range(60)], "好坏大小多少快慢新旧高低红白"
    frame = pd.DataFrame(
        {
            "price": np.where(g.random(n) < 0.1, np.nan, g.lognormal(3, 1, n).round(2)),
            "city": g.choice(["Köln", "Bonn", "Graz", "Linz"], n, p=[0.6, 0.2, 0.15, 0.05]),
            "day": [f"{d:02}/{m:02}/2024" for d, m in zip(g.integers(1, 29, n), g.integers(1, 13, n), strict=True)],
            "note": [" ".join(g.choice(words, 5)) for _ in range(n)],
            "评论": ["".join(g.choice(list(signs), 12)) for _ in range(n)],
            "user": [f"u{i}" for i in g.zipf(1.6, n) % 80],
            "share": g.uniform(0.5, 3, n).round(2),
            "buys": (g.random(n) < 0.3).astype(int),
        }
    )
    frame.to_csv(folder / "shop.csv", index=False)
    return folder / "shop.csv"


WAYS: dict[str, dict[str, Any]] = {
    "classes": {},
    "groups": {"group": "user"},
    "times": {"time": "day"},
    "folds of groups": {"group": "user", "folds": 4},
    "long tail": {"imbalance": 5.0},
}
"""How rows are divided."""


def of_splitting(folder: Path) -> dict[str, str]:
    """Digests of the rows of the parts, of two splits each way."""
    found = {}
    for way, options in WAYS.items():
        config = asked("file", path=str(shop(folder)), target="buys", day_first=True, **options)
        parts = [partition(loaded_table(config), split, 1, 0.2, 0.15) for split in (0, 1)]
        found[way] = digest([[p.train.tolist(), p.val.tolist(), p.test.tolist()] for p in parts])
    return found


def of_encoding(folder: Path) -> dict[str, list[float]]:
    """Of each field, of the test rows: its width, and sums that every value and its place take part in."""
    options = {"dates": ("day",), "crosses": (("city", "user"),), "target_encode": ("city",), "hashed": {"user": 16}}
    config = asked("file", path=str(shop(folder)), target="buys", day_first=True, weight="share", **options)
    encoded, found = load_encoded(config, 0, 1), {}
    for field in encoded.schema:
        value = encoded.test.columns[field.name]
        parts = [value.ids, value.weights, value.offsets] if isinstance(value, Bag) else [value]
        sums = [float((p.double().flatten() * (1 + torch.arange(p.numel()) % 97)).sum()) for p in parts]
        found[field.name] = [float(field.width), *map(float, field.sizes), *rounded(sums)]
    return found


def of_evaluation() -> dict[str, float | None]:
    """All metrics of logits of two classes and of four."""
    found: dict[str, float | None] = {}
    for classes in (2, 4):
        g = np.random.default_rng(classes)
        y = g.choice(classes, 300, p=np.arange(classes, 0, -1) / (classes * (classes + 1) / 2))
        z = g.normal(size=(300, classes)) + 1.5 * np.eye(classes)[y]
        counts, w = np.bincount(y, minlength=classes), g.lognormal(size=300)
        for weighted in ("", "weighted/"):
            parts = [Predictions(z[at], y[at], w[at] if weighted else None) for at in (slice(150), slice(150, 300))]
            prior = np.full(classes, 1 / classes)
            result = evaluate(*parts, prior=prior, natural=counts / counts.sum(), train_counts=counts)
            for name, value in result.values.items():
                found[f"{classes}/{weighted}{name}"] = None if value is None else rounded([value])[0]
    return found


def cases() -> Iterator[tuple[str, str]]:
    """Every strategy with every model that takes the toy table; the others have tests of their own."""
    models = [m for m in sorted(MODELS.names()) if takes(MODELS.get(m)).text != "subwords" and m != "tabm"]
    yield from ((s, m) for s in sorted(STRATEGIES.names()) for m in models)


def version_of(strategy: str, model: str) -> list[int]:
    """All versions that the numbers of a case stand under."""
    return [VERSIONS["training"], STRATEGIES.get(strategy).version, MODELS.get(model).version]


@pytest.fixture(scope="module")
def golden() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    if found["torch"] != torch.__version__.partition("+")[0]:
        pytest.skip(f"golden.json was made with torch {found['torch']}")
    return found


@pytest.mark.parametrize(("strategy", "model"), list(cases()))
def test_numbers_of_training_change_with_its_version_only(
    strategy: str, model: str, golden: dict[str, Any], binary: Toy, multi: Toy
) -> None:
    kept = golden["training"].get(f"{strategy} {model}")
    assert kept is not None, f"{strategy} with {model} is new: {COMMAND}"
    assert kept["versions"] == version_of(strategy, model), f"a version was raised: {COMMAND}"
    for name, toy in (("binary", binary), ("multi", multi)):
        got = of_training(toy, strategy, model)
        assert (got is None) == (kept[name] is None)
        if got is not None:
            np.testing.assert_allclose(got, kept[name], rtol=2e-3, atol=2e-4, err_msg=f"{strategy} {model}: {RENEW}")


def test_rows_of_parts_change_with_the_version_of_splitting_only(golden: dict[str, Any], tmp_path: Path) -> None:
    kept, got = golden["splitting"], of_splitting(tmp_path)
    assert kept["version"] == VERSIONS["splitting"], f"a version was raised: {COMMAND}"
    for way, digested in kept["digests"].items():
        assert got[way] == digested, f"splitting by {way}: {RENEW}"


def test_features_change_with_the_version_of_encoding_only(golden: dict[str, Any], tmp_path: Path) -> None:
    kept, got = golden["encoding"], of_encoding(tmp_path)
    assert kept["version"] == VERSIONS["encoding"], f"a version was raised: {COMMAND}"
    assert kept["fields"].keys() == got.keys()
    for name, numbers in kept["fields"].items():
        np.testing.assert_allclose(got[name], numbers, rtol=2e-3, atol=1e-3, err_msg=f"encoding of {name}: {RENEW}")


def test_metrics_change_with_the_version_of_evaluation_only(golden: dict[str, Any]) -> None:
    kept, got = golden["evaluation"], of_evaluation()
    assert kept["version"] == VERSIONS["evaluation"]
    for name, value in kept["metrics"].items():
        assert name in got, f"{name} is gone: {RENEW}"  # new ones are welcome
        assert got[name] == pytest.approx(value, rel=1e-3, abs=1e-4), f"{name}: {RENEW}"


def renew(folder: Path) -> None:
    """Write the file; what it takes in between lies in the folder."""
    torch.set_num_threads(1)
    toys = {"binary": table((0.875, 0.125)), "multi": table((0.6, 0.25, 0.1, 0.05), seed=1)}
    training = {
        f"{s} {m}": {"versions": version_of(s, m), **{name: of_training(toy, s, m) for name, toy in toys.items()}}
        for s, m in cases()
    }
    found = {
        "torch": torch.__version__.partition("+")[0],
        "training": training,
        "splitting": {"version": VERSIONS["splitting"], "digests": of_splitting(folder)},
        "encoding": {"version": VERSIONS["encoding"], "fields": of_encoding(folder)},
        "evaluation": {"version": VERSIONS["evaluation"], "metrics": of_evaluation()},
    }
    text = ",\n".join(f'"{k}": {json.dumps(v)}' for k, v in found.items() if k != "training")
    rows = ",\n".join(f'  "{k}": {json.dumps(v)}' for k, v in training.items())
    FILE.write_text('{\n"training": {\n' + rows + "\n},\n" + text + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as work:
        renew(Path(work))
