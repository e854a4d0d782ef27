"""CDNOW: features are from before the cut, targets from after it."""

from __future__ import annotations

from bench.data.sources import cdnow


def test_cdnow_features_are_from_before_the_cut() -> None:
    text = (
        " customer_id date number_of_cds dollar_value\n"
        " 1 19970101 1 10.00\n 1 19970101 2 5.00\n 1 19970925 1 20.00\n 1 19971003 1 99.00\n"
        " 2 19970201 3 30.00\n 2 19971020 1 9.00\n 3 19970301 1 7.00\n 3 19971115 5 70.00\n"
    )
    table = cdnow.Cdnow.parse({cdnow.MEMBER: text.encode()})["cdnow"].to_pandas()
    assert table["visits"].tolist() == [2, 1, 1]
    assert table["items"].tolist() == [4, 3, 1]
    assert table["spent"].tolist() == [35, 30, 7]
    assert table["days_since_last"].tolist() == [6, 242, 214]
    assert table["visits_7d"].tolist() == [1, 0, 0]
    assert table["days_between_visits"].isna().tolist() == [False, True, True]
    assert table["buys_30d"].tolist() == [1, 1, 0]
    assert table["buys_7d"].tolist() == [1, 0, 0]
