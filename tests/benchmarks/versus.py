"""python -m tests.benchmarks.versus OTHER [ROW …] [--rounds 3] [--out FILE.md]: speed before and after a change.

OTHER is a checkout with a .venv of its own. Rows run in both checkouts by turns, each with its own benchmarks, so that
a machine that becomes slower slows both; commands that should start at once are timed likewise. The table has medians.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from tests import ROOT
from tests.benchmarks.measure import timed

ROWS = ("training", "stacking", "planning", "sweep", "ranking", "tuning")
STARTS = (
    ("--version",),
    ("--help",),
    ("strategies",),
    ("models",),
    ("data", "list"),
    ("plan", "data=digits_lt", "strategy=none,focal", "seed=0,1,2"),
    ("status",),
    ("publish", "board.data=digits_lt"),
)


def main() -> int:
    """Measure both, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("other", type=Path)
    parser.add_argument("rows", nargs="*", metavar="ROW", default=list(ROWS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    sides = {"before": options.other.resolve(), "after": ROOT}
    found: dict[tuple[str, str, str], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    with tempfile.TemporaryDirectory() as folder:
        for side, checkout in sides.items():  # records that `status` and `publish` read
            imbench(checkout, Path(folder) / side, "run", "-m", *STARTS[5][1:], "train.max_steps=40")
        for i in range(options.rounds):
            for side, checkout in list(sides.items())[:: -1 if i % 2 else 1]:
                for command in STARTS:
                    spent, _ = timed(lambda c=checkout, s=side, x=command: imbench(c, Path(folder) / s, *x))
                    found["starts", " ".join(command), "s"][side].append(spent)
            for row in options.rows:
                for side, checkout in list(sides.items())[:: -1 if i % 2 else 1]:
                    out = Path(folder) / f"{side}{i}{row}"
                    run(checkout, checkout, "-m", "tests.benchmarks", row, "--date", "now", "--out", str(out))
                    for line in json.loads((out / "now.json").read_text(encoding="utf-8"))["rows"]:
                        if line["value"] is not None:
                            found[line["row"], line["what"], line["unit"]][side].append(float(line["value"]))
                            print(side, line["row"], line["what"], f"{line['value']:.3g}", line["unit"], flush=True)
    text = table(found, options.rounds)
    print(text)
    if options.out:
        options.out.write_text(text, encoding="utf-8")
    return 0


def imbench(checkout: Path, results: Path, *arguments: str) -> None:
    """A command of a checkout, from an empty folder."""
    results.mkdir(parents=True, exist_ok=True)
    run(checkout, results, "-m", "bench", *arguments)


def run(checkout: Path, cwd: Path, *arguments: str) -> None:
    """A checkout's own interpreter.

    Raises:
        RuntimeError: it failed, for another reason than a missed target.
    """
    command = [str(checkout / ".venv" / "bin" / "python"), *arguments]
    done = subprocess.run(command, cwd=cwd, text=True, capture_output=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(arguments)} failed in {checkout}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")


def table(found: dict[tuple[str, str, str], dict[str, list[float]]], rounds: int) -> str:
    """Markdown: medians with their ranges; `after` over `before`."""

    def cell(values: Sequence[float]) -> str:
        return f"{median(values):.3g} ({min(values):.3g}–{max(values):.3g})" if values else "–"

    lines = [
        f"Medians (ranges) of {rounds} rounds, both checkouts by turns, each with its own benchmarks.",
        "",
        "| row | what | unit | before | after | after / before |",
        "|---|---|---|--:|--:|--:|",
    ]
    for (row, what, unit), sides in found.items():
        both = sides["before"] and sides["after"]
        ratio = f"{median(sides['after']) / median(sides['before']):.2f}" if both else "–"
        lines.append(f"| {row} | {what} | {unit} | {cell(sides['before'])} | {cell(sides['after'])} | {ratio} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
