"""What `data check` leads to: a name for the table, then a comparison."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.__main__ import main


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "orders.csv"
    lines = [f"{i * 7 % 50},{'web' if i % 3 else 'app'},{'yes' if i % 5 == 0 else 'no'}" for i in range(200)]
    path.write_text("\n".join(["amount,channel,returned", *lines]) + "\n")
    return path


def test_each_step_names_the_next(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Saved under a name, the table needs no schema file, and is not described again where nothing is inferred."""
    words = [str(table), "data.target=returned", f"results={table.parent / 'results'}"]
    assert main(["data", "check", *words]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[-1] == f"next: imbench data check {' '.join(words)} save=true"
    assert any(line.startswith("schema written to") for line in said)
    assert main(["data", "check", *words, "save=true"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[-1] == f"next: imbench run -m strategy=none,class_weights,focal repeats=5 data=orders {words[-1]}"
    assert not any(line.startswith("schema written to") for line in said)
    assert main(["plan", "data=orders", "strategy=none", words[-1]]) == 0
    assert "distinct" not in capsys.readouterr().out
    assert main(["plan", "data=file", f"data.path={table}", *words[1:]]) == 0
    assert "distinct" in capsys.readouterr().out


def test_a_set_that_has_a_name_leads_to_a_comparison(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "check", "data=digits_lt", f"results={tmp_path}"]) == 0
    said = capsys.readouterr().out.splitlines()[-1]
    assert said == f"next: imbench run -m strategy=none,class_weights,focal repeats=5 data=digits_lt results={tmp_path}"
