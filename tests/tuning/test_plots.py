"""Plots of searches: names of any kind are in them as they are written."""

from __future__ import annotations

import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from xml.etree import ElementTree

import pandas as pd
import pytest

from bench.tuning.plots import history
from bench.tuning.report import save_plot


@pytest.mark.parametrize("name", ["客户/是否违约", "データ/クリック", "สินค้า", r"$\frac$/day", "a^b_c", "<b>&amp;"])
def test_any_name_is_text_in_the_file_and_costs_no_warning(name: str, tmp_path: Path) -> None:
    """Whoever opens it has the font; Matplotlib, which has none for most of these, need not complain of each glyph."""
    identity = SimpleNamespace(columns=("raw/average_precision",))
    study = cast(Any, SimpleNamespace(identity=identity, label=name, folder=tmp_path))
    trials = pd.DataFrame(
        {"number": [0, 1], "state": "COMPLETE", "raw/average_precision": [0.1, 0.2], "origin": ["default", "sampler"]}
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        save_plot(history(trials, study), trials, tmp_path, "history", "a title")
    texts = [node.text for node in ElementTree.parse(tmp_path / "history.svg").iter("{http://www.w3.org/2000/svg}text")]
    assert name in texts
