"""JSON holds what boards hold, under any name."""

from __future__ import annotations

import json

from bench.leaderboard.boards.build import boards
from bench.leaderboard.formats import boards_json
from bench.records.columns import of_records
from tests.leaderboard.builders import HOSTILE, golden_records, row, series


def test_json_holds_what_the_board_holds() -> None:
    tables = boards(of_records(golden_records()))
    document = json.loads(boards_json.json_text(tables, summaries=[]))
    assert document["format"] == "imbench-boards-2"
    board = document["boards"][1]
    focal = next(r for r in board["rows"] if r["label"] == "focal")
    mine = row(tables[1], "focal")
    assert focal["difference"]["p"] == mine.difference.p
    assert focal["score"]["mean"] == mine.score.mean
    assert focal["values"]["raw/auroc"] == mine.values["raw/auroc"]
    assert len(focal["records"]) == 5
    assert board["failed"][0]["reason"] == "the loss is NaN at step 40"
    assert board["sentence"].startswith("No verdict")
    assert board["comparison"]["judged"] is False
    over_splits = document["boards"][2]
    assert over_splits["comparison"]["judged"] is True
    assert over_splits["comparison"]["ruled_out_by"]["none"] == ["class_weights"]
    assert {r["label"]: r["verdict"] for r in over_splits["rows"]} == {
        "class_weights": "better",
        "focal": "undecided",
        "none": None,
        "undersample": "worse",
    }


def test_json_of_hostile_names() -> None:
    tables = boards(of_records([r for i, h in enumerate(HOSTILE) for r in series(h, [i / 100, i / 90])]))
    labels = {r["label"] for r in json.loads(boards_json.json_text(tables))["boards"][0]["rows"]}
    assert labels == {r.label for r in tables[0].rows}
