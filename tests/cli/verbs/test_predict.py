"""`imbench predict`: words that it does not know are refused in a line, before anything is scored."""

from __future__ import annotations

import pytest

from bench.__main__ import main


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("model", "new.csv"), "expected a model, a table and out=FILE"),
        (("model", "out=scored.csv"), "expected a model, a table and out=FILE"),
        (("no/such/model", "new.csv", "out=scored.csv"), "expected a model that imbench export wrote"),
        (("model", "new.csv", "out=scored.csv", "strict=perhaps"), "strict: expected true or false"),
        (("model", "new.csv", "out=scored.csv", "treshold=3"), "Unknown key of predict 'treshold'"),
    ],
)
def test_wrong_use(capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str) -> None:
    assert main(["predict", *words]) == 2
    assert said in capsys.readouterr().err
