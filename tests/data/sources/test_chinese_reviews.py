"""Chinese reviews: copies are gone before anything is split, and negatives have the share that is asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.data.errors import DataError
from bench.data.features.terms import settled
from bench.data.sources.chinese_reviews import _FILES, ChineseReviews
from tests.data.asked import asked

NEGATIVE = ["房间很脏", "房间很脏！", "服务差", "", "一般般。", "房间,很脏"]
POSITIVE = ["很好", "一般般", "  很好  ", "推荐", "………"]


def test_copies_are_dropped_punctuation_aside_and_what_is_on_both_sides_altogether() -> None:
    files = {_FILES["1"]: "\n".join(NEGATIVE).encode(), _FILES["0"]: "\n".join(POSITIVE).encode()}
    table = ChineseReviews.parse(files)["chinese_reviews"].to_pylist()
    assert table == [
        {"review": "房间很脏", "negative": "1"},
        {"review": "服务差", "negative": "1"},
        {"review": "很好", "negative": "0"},
        {"review": "推荐", "negative": "0"},
    ]


@pytest.fixture
def stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """2,000 reviews of which half are negative, as if fetched."""
    monkeypatch.setenv("IMBENCH_CACHE", str(tmp_path))
    files = {path: "\n".join(f"第{i}条{label}评论" for i in range(1000)).encode() for label, path in _FILES.items()}
    monkeypatch.setattr("bench.data.sources.parts.fetched.fetch", lambda package, members: files)
    ChineseReviews.get()


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize(("share", "negatives"), [(0.05, 53), (0.02, 20), (None, 1000)])
def test_negatives_are_thinned_to_a_share_of_all_rows(share: float | None, negatives: int) -> None:
    """53 of 1,053 are 5%. The draw is fixed: the same reviews every time."""
    table = asked("chinese_reviews", share=share).load()
    assert table.counts().tolist() == [1000, negatives]
    assert table.classes == ("0", "1")
    assert table.fingerprint == asked("chinese_reviews", share=share).load().fingerprint


@pytest.mark.usefixtures("stored")
def test_terms_are_characters_and_pairs_by_themselves() -> None:
    texts = asked("chinese_reviews").load().frame["review"].tolist()
    assert settled("auto", texts) == "characters"


@pytest.mark.parametrize("share", [0.0, 0.5, -0.1])
def test_a_share_that_is_none_is_refused(share: float) -> None:
    with pytest.raises(DataError, match=r"data\.share: expected a share above 0 and below \.5"):
        asked("chinese_reviews", share=share)
