"""Which encoding short files are offered: they read as they were written, whatever their few words are."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from bench.data.files.guess_encoding import detect

# Cells of one column each: labels, names, places, remarks. The first four are Chinese of whose bytes most are Korean
# syllables as well; names and places in Japanese have no kana.
SHORT = {
    "gb18030": ["好评 差评", "高 低", "否 是", "大专 本科 高中", "北京 广东 安徽", "普通会员 黄金会员", "质量很好"],
    "big5": ["好評 差評", "男 女", "台北市 高雄市", "陳淑芬 林志明", "顏色漂亮物流很快"],
    "shift_jis": ["田中 佐藤 鈴木", "東京都 大阪府 北海道", "男性 女性", "とても良い", "カメラ"],
    "euc_jp": ["田中 佐藤 鈴木", "東京都 大阪府 北海道", "とても良い"],
    "euc_kr": ["남 여", "만족 불만족", "서울 부산", "김민준 이서연", "배송이 아주 빨라요"],
    "cp1251": ["да нет", "МОСКВА КУРСК", "Олена Ірина Її", "Хорошо Плохо"],
    "koi8-r": ["Очень хороший товар", "Плохое качество"],
    "cp1253": ["Αθήνα Θεσσαλονίκη", "καλό κακό"],
    "cp874": ["สินค้าดีมาก ส่งเร็ว"],
    "latin-1": ["Köln München", "très bien déçu", "São Paulo", "año niño"],
    "cp1252": ["5 €", "it’s fine", "cœur brisé"],
    "cp1250": ["Łódź Kraków", "příliš žluťoučký"],
    "cp1254": ["İstanbul Şişli ığdır"],
}  # fmt: skip


@pytest.mark.parametrize(("encoding", "cells"), [(name, cells) for name, every in SHORT.items() for cells in every])
@pytest.mark.parametrize("repeats", [1, 30])
def test_a_few_words_are_read_as_they_were_written(encoding: str, cells: str, repeats: int) -> None:
    """Once, and as labels that many rows repeat."""
    rows = (cells.split(" ") if len(cells) < 40 else [cells]) * repeats
    text = "id,value\n" + "".join(f"{i},{cell}\n" for i, cell in enumerate(rows))
    offered = detect(text.encode(encoding))
    assert offered is not None
    assert text.encode(encoding).decode(offered) == text


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_a_mark_is_told_from_stray_zeros(encoding: str) -> None:
    rows = "id,value\n" + "".join(f"{i},{'好评差评'[i % 4]}\n" for i in range(60))
    assert detect(rows.encode(encoding)) == encoding
    assert detect(b"id,value\n" + b"".join(b"%d,\0%d\n" % (i, i) for i in range(60))) is None


@pytest.mark.parametrize("order", [0, 10, 21, 26])
def test_equal_scores_stay_equal_in_every_process(order: int) -> None:
    """Sets of characters have another order under each hash seed; Хорошо scores alike as Russian and as Greek."""
    written = "id,value\n0,Хорошо\n1,Плохо\n".encode("cp1251").hex()
    code = f"from bench.data.files.guess_encoding import detect; print(detect(bytes.fromhex('{written}')))"
    env = {**os.environ, "PYTHONHASHSEED": str(order)}
    said = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "cp1251"
