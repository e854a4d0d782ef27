"""CoIL in three folds of all 9,822 rows, as TabArena has it: python -m tests.tools.coil_folds LINES.jsonl [--models …].

AUROC of `none` with each model, of logistic regression, HistGradientBoosting and bare LightGBM, with default settings.
TabArena's figures are means over shuffles and settings of its own: near is all that ours need to be. Lines are kept as
they come: the same command goes on where it was stopped.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from tests.tools.measured import Line, Measured
from tests.tools.quality import of_models

SET = {"caravan / purchase, three folds": ("data=caravan", "data.given=null", "data.folds=3")}
TABARENA = "TabArena: LightGBM .730, CatBoost .744, TabICLv2 .771"
FOLDS = 3


def auroc(line: Line) -> float:
    """What TabArena ranks by."""
    return float(line["auroc"])


def main() -> None:
    """Train what is missing, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("lines", type=Path)
    parser.add_argument("--models", nargs="+", default=["linear", "mlp", "lightgbm"])
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    table = of_models(Measured(arguments.lines), arguments.models, FOLDS, SET, auroc)
    command = f"python -m tests.tools.coil_folds LINES --models {' '.join(arguments.models)}"
    text = (
        f"# CoIL Challenge 2000 in three folds\n\nAUROC, means over the three folds of all 9,822 rows. {TABARENA}. "
        f"Made by `{command} --out results/data/coil-folds.md`.\n\n{table}"
    )
    print(text)
    if arguments.out:
        arguments.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
