"""Encoders written down as plain data and read back do to new rows what they did."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from bench.data.config import DataConfig
from bench.data.features.fit_encoders import fit
from bench.data.tables.schema import Table
from bench.export.encoder_state import KINDS, dump_encoders, field_of, field_state, load_encoders
from bench.export.errors import ExportError
from strategies.features import Bag, Field
from strategies.model import Takes
from tests.export.rows import asked, written


@pytest.fixture(scope="module", params=[{"outliers": "clip", "fence": 1.0}, {"outliers": "quantiles"}])
def table(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> tuple[Table, DataConfig]:
    config = asked(written(tmp_path_factory.mktemp("orders")), hashed={"code": 5}, **request.param)
    return config.load(), config


def equal(one: Any, other: Any) -> bool:
    if isinstance(one, Bag):
        return all(torch.equal(getattr(one, n), getattr(other, n)) for n in ("ids", "weights", "offsets"))
    return torch.equal(one.isnan(), other.isnan()) and torch.equal(one.nan_to_num(), other.nan_to_num())


@pytest.mark.parametrize(
    "takes",
    [
        Takes(),
        Takes(missing="kept", categories="frequent first"),
        Takes(categories="one-hot", text="tokens"),
    ],
)
def test_every_kind_survives_json_to_the_last_bit(table: tuple[Table, DataConfig], takes: Takes) -> None:
    """Fitted on half of the rows, so that the other half has categories and words that were never seen."""
    held, config = table
    rows = np.arange(0, len(held), 2)
    encoders = fit(held, rows, config, takes)
    again = load_encoders(json.loads(json.dumps(dump_encoders(encoders), allow_nan=False)))
    assert [type(e) for e in again] == [type(e) for e in encoders]
    for one, other in zip(encoders, again, strict=True):
        assert one.field == other.field
        assert one.columns == other.columns
        assert equal(one(held.frame), other(held.frame)), type(one).__name__


def test_all_kinds_are_tried() -> None:
    """The test above reaches every entry of the table of kinds."""
    reached = {"numeric", "categories", "target_shares", "tf_idf", "one_hot", "tokens"}
    pretrained = {"embedding", "subwords"}  # test_text_encoder_folder.py
    assert set(KINDS) == reached | pretrained, "add what the new kind needs to the test above"


def test_characters_are_cut_as_in_training(tmp_path: Path) -> None:
    """What `auto` came to is part of the state: new rows may look otherwise."""
    from tests.export.rows import orders

    frame = orders(80)
    frame["note"] = ["质量很好" * 3 if i % 3 else "尺码 合适 掉色 严重" + str(i) for i in range(80)]
    config = asked(written(tmp_path, frame), kinds={"note": "text", "size": "categorical", "code": "categorical"})
    held = config.load()
    encoders = fit(held, np.arange(len(held)), config)
    (text,) = (e for e in load_encoders(dump_encoders(encoders)) if e.field.name == "text")
    (before,) = (e for e in encoders if e.field.name == "text")
    latin = held.frame.assign(note="soft and 质量")
    assert equal(before(latin), text(latin))
    assert len(text(latin).ids)


def test_an_encoder_that_nobody_writes_down_is_refused() -> None:
    class Odd:
        field, columns, fitted = Field("odd", "numeric"), ("a",), None

    with pytest.raises(ExportError, match="got Odd, whose state nobody writes down yet"):
        dump_encoders([Odd()])  # type: ignore[list-item]
    with pytest.raises(ExportError, match=r"expected encoders of the kinds .* got 'odd'"):
        load_encoders([{"kind": "odd"}])


def test_a_field_is_plain_data() -> None:
    field = Field("categorical", "categorical", (3, 4), 2)
    assert field_of(json.loads(json.dumps(field_state(field)))) == field
    words = Field("text", "tokens", (9,), 7, origin="/where/it/was")
    assert "where" not in json.dumps(field_state(words))
    assert field_of(field_state(words), "/where/it/is") == Field("text", "tokens", (9,), 7, origin="/where/it/is")
