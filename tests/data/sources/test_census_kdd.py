"""Census income: what is no feature, and what is missing."""

from __future__ import annotations

from bench.data.sources import census_kdd


def test_census_drops_the_instance_weight_and_reads_question_marks_as_missing() -> None:
    row = ["?"] * 42
    row[0], row[24], row[41] = "73", "1700.09", "50000+."
    lines = ", ".join(row).encode() + b"\n"
    files = {census_kdd.TRAIN: lines, census_kdd.TEST: lines.replace(b"50000+", b"- 50000")}
    table = census_kdd.CensusKdd.parse(files)["census_kdd"]
    assert table.num_columns == 42  # 40 features, the label, the part
    assert "weight" not in table.column_names
    assert table["over_50k"].to_pylist() == [1, 0]
    assert table["part"].to_pylist() == ["train", "test"]
    assert table["age"].to_pylist() == [73.0, 73.0]
    assert table["race"].null_count == 2
