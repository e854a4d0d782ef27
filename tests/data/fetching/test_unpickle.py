"""Pickles hold data frames, and nothing that runs."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from bench.data.errors import DataError
from bench.data.fetching.unpickle import read_frame


class Evil:
    def __reduce__(self) -> Any:
        return print, ("run",)


def test_pickles_may_hold_frames_only(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(DataError, match=r"got one that calls builtins.print; not read"):
        read_frame(pickle.dumps(Evil()))
    assert capsys.readouterr().out == ""
    with pytest.raises(DataError, match=r"expected a data frame, got list"):
        read_frame(pickle.dumps([1]))
