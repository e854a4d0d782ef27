"""`imbench.compare` on a data frame is the board that the shell makes of the same rows as a file."""

from __future__ import annotations

from pathlib import Path

import imbench
import pytest

from tests.export.rows import orders

SETTINGS = ("train.max_steps=40", "train.eval_every=20", "debug=true", "data.ignore=[order]")


def test_a_board_of_a_data_frame(tmp_path: Path) -> None:
    frame = orders(600)
    made = imbench.compare(
        frame, "late", ["none", ["undersample", "focal"]], model="linear", repeats=2, settings=SETTINGS, quiet=True
    )
    assert {row.label for row in made.rows} == {"none", "undersample+focal"}
    assert made.sentence.startswith("No verdict")
    path = tmp_path / "frame.parquet"
    frame.to_parquet(path)
    words = ["strategy=none", "model=linear", "repeats=2", "data=file", f"data.path={path}", "data.target=late"]
    table = imbench.run([*words, f"results={tmp_path / 'results'}", *SETTINGS], quiet=True)
    (none,) = (row for row in made.rows if row.label == "none")
    assert none.score is not None
    assert none.score.mean == pytest.approx(table["raw/average_precision"].mean())


def test_a_folder_keeps_the_records(tmp_path: Path) -> None:
    words = {"model": "linear", "repeats": 2, "settings": SETTINGS, "quiet": True, "results": tmp_path}
    imbench.compare(orders(200), "late", ["none"], **words)  # type: ignore[arg-type]
    assert len(list(tmp_path.glob("runs/??/*.json"))) == 2


def test_what_cannot_be_compared_says_why() -> None:
    frame = orders(60)
    with pytest.raises(imbench.Complaint, match="target='lat': expected a column of the frame"):
        imbench.compare(frame, "lat", ["none"])
    mixed = frame.assign(odd=[1, "a"] * 30)
    with pytest.raises(imbench.Complaint, match="expected columns of one type"):
        imbench.compare(mixed, "late", ["none"])
