"""The table of a run: JSON for machines, Markdown for people. No host names."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from tests.benchmarks.measure import Measured

CAVEAT = (
    "Both sides of a ratio ran alternately in one process; medians. *processor* is the ratio in processor seconds, "
    "which other work on the machine disturbs less than the clock. Rows of whole commands ran as often as they say."
)


def machine() -> dict[str, Any]:
    """What the numbers depend on, as far as it names nobody."""
    cuda = torch.cuda.is_available()
    accelerator = (
        {
            "gpu": torch.cuda.get_device_name(0),
            "gpu capability": ".".join(map(str, torch.cuda.get_device_capability(0))),
            "gpu memory": f"{torch.cuda.get_device_properties(0).total_memory / 2**30:.0f} GiB",
            "cuda": torch.version.cuda,
            "cudnn": torch.backends.cudnn.version(),
        }
        if cuda
        else {"gpu": None}
    )
    packages = ("torch", "pytorch-lightning", "numpy", "scikit-learn", "lightgbm", "imbalanced-learn", "torchmetrics")
    return {
        "processor": platform.machine(),
        "cores": os.cpu_count(),
        **accelerator,
        "python": platform.python_version(),
        "vectors": torch.backends.cpu.get_cpu_capability(),
        **{name: version(name) for name in packages},
    }


def write(found: Sequence[Measured], folder: Path, date: str, load: tuple[float, float]) -> list[Path]:
    """<date>.json and <date>.md; rows of an earlier run of the same day that were not run again are kept."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{date}.json"
    fresh = [{**asdict(m), "met": m.met, "load": list(load)} for m in found]
    rows = {line["row"] for line in fresh}
    old = json.loads(path.read_text(encoding="utf-8"))["rows"] if path.exists() else []
    lines = [line for line in old if line["row"] not in rows] + fresh
    lines.sort(key=lambda line: str(line["row"]))
    content = {"date": date, "machine": machine(), "rows": lines}
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    table = path.with_suffix(".md")
    table.write_text(markdown(content), encoding="utf-8")
    return [path, table]


def markdown(content: dict[str, Any]) -> str:
    """The same as a table."""
    facts = ", ".join(f"{k} {v}" for k, v in content["machine"].items() if v is not None)
    out = [
        f"# Speed on {content['date']}",
        "",
        f"{facts}.",
        "",
        CAVEAT,
        "",
        "| row | what | against | value | processor | range | target | met | load | note |",
        "|---|---|---|--:|--:|---|--:|---|--:|---|",
    ]
    for line in content["rows"]:
        unit = line["unit"]
        value = "–" if line["value"] is None else f"{line['value']:.3g} {unit}"
        limit = "–" if line["target"] is None else f"{'≥' if line['at_least'] else '≤'} {line['target']:g} {unit}"
        spread = "" if line["spread"] is None else f"{line['spread'][0]:.2f}–{line['spread'][1]:.2f}"
        cpu = "" if line["cpu"] is None else f"{line['cpu']:.2f}"
        met = {None: "", True: "yes", False: "**no**"}[line["met"]]
        cells = (
            line["row"],
            line["what"],
            line["reference"],
            value,
            cpu,
            spread,
            limit,
            met,
            f"{max(line['load']):.1f}",
            line["note"],
        )
        out.append("| " + " | ".join(str(c).replace("|", "\\|") for c in cells) + " |")
    return "\n".join(out) + "\n"
