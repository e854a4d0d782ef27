"""Numbers do not change unless a version does: predictions of every strategy and model, a partition, an evaluation.

    python -m tests.training.test_golden      # renews golden.json, after the version in bench/records/versions.py
                                              # (or of the strategy, model or source) has been raised

Compared to four digits and on the torch that the file names, so that processors may differ in the last ones.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from bench.data.loaded import loaded_table
from bench.data.tables.splits import partition
from bench.evaluation.evaluate import Predictions, evaluate
from bench.models.registry import MODELS
from bench.records.record import digest
from bench.records.versions import VERSIONS
from strategies.registry import STRATEGIES
from strategies.spec import Chain
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
    if made.needs_encoder and not kind.has_encoder:
        return None
    predictor = trained(Chain((made,)).train(toy.recipe(model=kind, **STEPS)))
    return [*rounded(predictor.logits(toy.val.x)[:SHOWN]), *rounded(predictor.prior), float(predictor.cost.steps)]


def of_splitting() -> list[str]:
    """Digests of the rows of a partition, of two splits."""
    config = asked("impressions", target="click", rows=2000, prevalence=0.1)
    parts = [partition(loaded_table(config), split, 1, 0.2, 0.15) for split in (0, 1)]
    return [digest([p.train.tolist(), p.val.tolist(), p.test.tolist()]) for p in parts]


def of_evaluation() -> dict[str, float | None]:
    """All metrics of logits of two classes and of four."""
    found: dict[str, float | None] = {}
    for classes in (2, 4):
        g = np.random.default_rng(classes)
        y = g.choice(classes, 300, p=np.arange(classes, 0, -1) / (classes * (classes + 1) / 2))
        z = g.normal(size=(300, classes)) + 1.5 * np.eye(classes)[y]
        counts = np.bincount(y, minlength=classes)
        result = evaluate(
            Predictions(z[:150], y[:150]), Predictions(z[150:], y[150:]), prior=np.full(classes, 1 / classes),
            natural=counts / counts.sum(), train_counts=counts,
        )  # fmt: skip
        found |= {f"{classes}/{k}": None if v is None else rounded([v])[0] for k, v in result.values.items()}
    return found


def cases() -> Iterator[tuple[str, str]]:
    yield from ((s, m) for s in sorted(STRATEGIES.names()) for m in sorted(MODELS.names()))


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


def test_rows_of_parts_change_with_the_version_of_splitting_only(golden: dict[str, Any]) -> None:
    kept = golden["splitting"]
    assert (kept["version"], kept["digests"]) == (VERSIONS["splitting"], of_splitting()), f"splitting: {RENEW}"


def test_metrics_change_with_the_version_of_evaluation_only(golden: dict[str, Any]) -> None:
    kept, got = golden["evaluation"], of_evaluation()
    assert kept["version"] == VERSIONS["evaluation"]
    for name, value in kept["metrics"].items():
        assert name in got, f"{name} is gone: {RENEW}"  # new ones are welcome
        assert got[name] == pytest.approx(value, rel=1e-3, abs=1e-4), f"{name}: {RENEW}"


def renew() -> None:
    """Write the file."""
    torch.set_num_threads(1)
    toys = {"binary": table((0.875, 0.125)), "multi": table((0.6, 0.25, 0.1, 0.05), seed=1)}
    training = {
        f"{s} {m}": {"versions": version_of(s, m), **{name: of_training(toy, s, m) for name, toy in toys.items()}}
        for s, m in cases()
    }
    found = {
        "torch": torch.__version__.partition("+")[0],
        "training": training,
        "splitting": {"version": VERSIONS["splitting"], "digests": of_splitting()},
        "evaluation": {"version": VERSIONS["evaluation"], "metrics": of_evaluation()},
    }
    text = ",\n".join(f'"{k}": {json.dumps(v)}' for k, v in found.items() if k != "training")
    rows = ",\n".join(f'  "{k}": {json.dumps(v)}' for k, v in training.items())
    FILE.write_text('{\n"training": {\n' + rows + "\n},\n" + text + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    renew()
