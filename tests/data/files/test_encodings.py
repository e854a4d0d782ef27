"""Encodings: text that was written in one is offered as that one, and reads as it was written once it is asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.data.errors import DataError
from bench.data.files.dialect import Asked
from bench.data.files.guess_encoding import detect
from bench.data.files.text import read_text

CHINESE = "订单号,金额,备注,退货\nA1,12,尺码合适质量很好,否\nA2,13,掉色严重客服态度差,是\n"
TRADITIONAL = "訂單號,金額,備註\nA1,12,顏色漂亮物流很快\nA2,13,客服態度差\n"
JAPANESE = "注文番号,金額,備考\n1,12,サイズがぴったりで、とても良いです\n2,13,色落ちがひどい\n"
KOREAN = "주문번호,금액,비고\n1,12,배송이 아주 빨라요 좋습니다\n"
GERMAN = "Stück,Größe,Straße\n1,2,Münchner Straße in Köln\n3,4,Übergröße für Männer\n"
RUSSIAN = "номер,имя\n1,Очень хороший товар\n2,Плохое качество\n"
EURO = "Preis,Art\n5 €,groß\n6 €,klein\n"

WRITTEN = [
    (CHINESE, "gb18030"), (CHINESE, "gbk"), (TRADITIONAL, "big5"), (JAPANESE, "shift_jis"), (JAPANESE, "euc_jp"),
    (KOREAN, "euc_kr"), (GERMAN, "latin-1"), (RUSSIAN, "cp1251"), (EURO, "cp1252"), (CHINESE, "utf-16"),
    (CHINESE, "utf-16-le"), (GERMAN, "utf-16-be"), (GERMAN, "utf-32"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "encoding"), WRITTEN, ids=[e for _, e in WRITTEN])
def test_the_encoding_offered_reads_what_was_written(tmp_path: Path, text: str, encoding: str) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(text.encode(encoding))
    with pytest.raises(DataError, match=r"expected UTF-8 text, got .* If so: data.encoding=") as caught:
        read_text(path, Asked())
    offered = str(caught.value).rpartition("data.encoding=")[2]
    assert text.encode(encoding).decode(offered).removeprefix("\ufeff") == text
    header, table, _ = read_text(path, Asked(encoding=offered))
    lines = [line.split(",") for line in text.splitlines()]
    assert header == lines[0]
    assert [list(row.values()) for row in table.to_pylist()] == lines[1:]


def test_a_byte_far_into_the_file_is_found_and_its_line_said(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(b"a,b\n" + b"1,x\n" * 600_000 + "2,Köln\n3,Bonn\n".encode("latin-1"))
    with pytest.raises(DataError, match=r"in line 600002: it seems to be latin-1, where it reads '2,Köln"):
        read_text(path, Asked())


@pytest.mark.parametrize(
    ("encoding", "message"),
    [("gb1803", "expected a text encoding, got 'gb1803'. Did you mean 'gb18030'"), ("ascii", r"not, about line 1\.")],
)
def test_an_encoding_that_does_not_fit_is_refused(tmp_path: Path, encoding: str, message: str) -> None:
    (tmp_path / "t.csv").write_bytes(CHINESE.encode("gb18030"))
    with pytest.raises(DataError, match=message):
        read_text(tmp_path / "t.csv", Asked(encoding=encoding))


def test_what_is_no_text_is_offered_nothing() -> None:
    assert detect(b"\xff\xff\x81\xff") in (None, "latin-1", "cp1252")
