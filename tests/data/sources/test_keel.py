"""KEEL's files, and the name of a set."""

from __future__ import annotations

import pytest

from bench.data.errors import DataError
from bench.data.sources import keel
from tests.data.asked import asked


def test_keel_files_have_the_class_last() -> None:
    data = b"0.5, 1, M, negative\n0.25, 2, F, positive\n"
    table = keel.Keel.parse({f"{keel.FOLDER}a1.dat": data})["keel/a1"]
    assert table.to_pydict() == {"x0": ["0.5", "0.25"], "x1": ["1", "2"], "x2": ["M", "F"], "positive": [0, 1]}


def test_an_unknown_set_is_refused_with_the_nearest() -> None:
    with pytest.raises(DataError, match=r"data.name 'yeast44': expected one of KEEL's 100 .*Did you mean 'yeast4'"):
        asked("keel", name="yeast44").load()
