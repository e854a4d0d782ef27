"""Public sets: what is fetched is checked, read without being imported, and gives the recorded tables."""

from __future__ import annotations

import io
import lzma
import pickle
import struct
import subprocess
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import yaml

from bench.data.errors import DataError
from bench.data.fetching import fetch
from bench.data.fetching.cache import sha256
from bench.data.fetching.fetch import Package, contents, debian_data
from bench.data.fetching.rda import read_rda
from bench.data.fetching.unpickle import read_frame
from bench.data.sources import caravan, cdnow, census_kdd, fashion_mnist, keel, open_bandit
from bench.data.sources.parts.public import PublicSet
from bench.data.sources.registry import SOURCES, DataConfig, load_table
from bench.data.tables.schema import Table
from tests import ROOT

CONF = ROOT / "conf" / "data"
RECORDED = {  # source, target, name: rows, positives (or classes), fingerprint
    ("cdnow", "buys_30d", None): (23570, 1806, "36bb09c4eae48467"),
    ("cdnow", "buys_7d", None): (23570, 417, "b91b0fdcfe57f9dd"),
    ("open_bandit", "click", None): (60000, 287, "d800565bc3021c9e"),
    ("open_bandit", "click_women", None): (20000, 92, "b244238e4f12446d"),
    ("caravan", "purchase", None): (9822, 586, "f1c5574fa8d91926"),
    ("caravan_islr", "purchase", None): (5822, 348, "f53c35ed9d595fe6"),
    ("lending_club", "bad_loan", None): (9857, 517, "a9a37fff6d01dfd3"),
    ("census_kdd", "over_50k", None): (299285, 18568, "264b2dbf5cd5108d"),
    ("keel", "positive", "yeast4"): (1484, 51, "da0add21fafee155"),
    ("keel", "positive", "abalone19"): (4174, 32, "51aa302673d9ee9e"),
    ("keel", "positive", "page-blocks0"): (5472, 559, "88fbbf6aea00c8ee"),
    ("fashion_mnist_lt", "article", None): (60000, 6000, "936af015e34e2655"),
}


def load(source: str, target: str, name: str | None) -> Table:
    public = SOURCES[source].fetchable()
    assert public is not None
    if not public.fetched():
        pytest.skip(f"{source} is not in the cache: imbench data get {source}")
    values = yaml.safe_load((CONF / f"{source}.yaml").read_text())
    values.update(target=target, name=name)
    return load_table(DataConfig(**{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}))


@pytest.mark.parametrize("key", sorted(RECORDED, key=str), ids=lambda k: f"{k[0]}-{k[2] or k[1]}")
def test_sets_are_as_recorded(key: tuple[str, str, str | None]) -> None:
    rows, positives, fingerprint = RECORDED[key]
    table = load(*key)
    assert (len(table), int(table.counts()[-1])) == (rows, positives)
    assert table.fingerprint[:16] == fingerprint
    assert table.target == key[1]


def test_the_challenges_split_is_given() -> None:
    table = load("caravan", "purchase", None)
    assert table.roles is not None
    assert table.roles.given is not None
    assert (table.roles.given == np.where(np.arange(9822) < 5822, 0, 2)).all()
    assert table.y[5822:].sum() == 238


def test_bands_of_caravan_are_in_order_in_both_packages() -> None:
    full, islr = load("caravan", "purchase", None), load("caravan_islr", "purchase", None)
    assert (full.y[:5822] == islr.y).all()
    for name in islr.names("numeric"):
        one, other = full.frame[name].to_numpy()[:5822], islr.frame[name].to_numpy()
        assert len(np.unique(other - one)) == 1, name


def wheel(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as z:
        for name, data in files.items():
            z.writestr(name, data)
    return path


def tar(files: dict[str, bytes], mode: str) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as t:  # type: ignore[call-overload]
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            t.addfile(info, io.BytesIO(data))
    return out.getvalue()


def deb(files: dict[str, bytes]) -> bytes:
    parts = {"debian-binary": b"2.0\n", "control.tar.xz": b"odd", "data.tar.xz": tar(files, "w:xz")}
    out = b"!<arch>\n"
    for name, data in parts.items():
        out += f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(data):<10}`\n".encode() + data + b"\n" * (len(data) % 2)
    return out


@pytest.mark.parametrize("kind", ["x.whl", "x.tar.gz", "x.deb"])
def test_files_come_out_of_every_archive(tmp_path: Path, kind: str) -> None:
    files = {"./a/one.txt": b"1", "./a/two.txt": b"22"}
    path = tmp_path / kind
    if kind.endswith("whl"):
        wheel(path, files)
    else:
        path.write_bytes(deb(files) if kind.endswith("deb") else tar(files, "w:gz"))
    assert contents(path, ["./a/two.txt"]) == {"./a/two.txt": b"22"}
    with pytest.raises(DataError, match=r"x\.\S+: expected a file .*three.* got none"):
        contents(path, ["./a/three.txt"])


def test_what_is_no_debian_package_is_refused() -> None:
    with pytest.raises(DataError, match=r"expected an ar archive"):
        debian_data(b"PK something")


def packaged(monkeypatch: pytest.MonkeyPatch, data: bytes, recorded: bytes) -> PublicSet:
    monkeypatch.setattr(fetch, "download", lambda package, folder: wheel(folder / "p.whl", {"d.csv": data}))
    return PublicSet(
        name="shop", package=Package("PyPI", "p", "1", "0" * 64), members={"d.csv": sha256(recorded)},
        parse=lambda files: {"shop": pa.table({"a": [float(v) for v in files["d.csv"].split()]})},
        source="", licence="",
    )  # fmt: skip


def test_fetched_sets_are_stored_and_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMBENCH_CACHE", str(tmp_path))
    public = packaged(monkeypatch, b"1 2.5", b"1 2.5")
    assert not public.fetched()
    with pytest.raises(DataError, match=r"has not been fetched yet. Run: imbench data get shop"):
        public.read()
    assert public.get() == {"shop": 2}
    assert public.fetched()
    assert public.read()["a"].data.tolist() == [1.0, 2.5]
    assert [p.name for p in (tmp_path / "sets").iterdir()] == ["shop-v1.parquet"]


def test_a_changed_file_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMBENCH_CACHE", str(tmp_path))
    with pytest.raises(DataError, match=r"PyPI: p 1, file d.csv: expected SHA-256 \w{64}, got \w{64}"):
        packaged(monkeypatch, b"1 2.6", b"1 2.5").get()
    assert not list(tmp_path.iterdir())


def test_pip_is_told_the_hash_and_no_dependencies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []

    def run(command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        seen.append((command, (tmp_path / "requirements.txt").read_text()))
        return subprocess.CompletedProcess(command, 1, "", "ERROR: no network\n")

    monkeypatch.setattr(fetch.subprocess, "run", run)
    with pytest.raises(DataError, match=r"PyPI: p 1: expected a download, got: ERROR: no network. Is pip installed"):
        fetch.download(Package("PyPI", "p", "1", "ab"), tmp_path)
    command, wanted = seen[0]
    assert {"--no-deps", "--require-hashes"} <= set(command)
    assert wanted == "p==1 --hash=sha256:ab\n"


def test_debian_without_apt_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(DataError, match=r"Debian: q: expected apt-get"):
        fetch.download(Package("Debian", "q"), tmp_path)


def test_a_full_cache_names_the_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("IMBENCH_CACHE", str(tmp_path / "file"))
    with pytest.raises(DataError, match=r"set IMBENCH_CACHE to another folder"):
        packaged(monkeypatch, b"1", b"1").get()


def rda() -> bytes:
    """A data frame d of a factor f (b, a, NA), numbers x (1.5, NA, 3) and strings s, as R 3 would save it."""

    def text(value: str) -> bytes:
        return struct.pack(">ii", 0x40009, len(value)) + value.encode()

    def symbol(value: str) -> bytes:
        return struct.pack(">i", 1) + text(value)

    def strings(values: list[str]) -> bytes:
        return struct.pack(">ii", 16, len(values)) + b"".join(map(text, values))

    end = struct.pack(">i", 254)
    levels = struct.pack(">i", 0x402) + symbol("levels") + strings(["a", "b"]) + end
    factor = struct.pack(">iiiii", 0x30D, 3, 2, 1, -(2**31)) + levels
    reals = struct.pack(">iiddd", 14, 3, 1.5, float("nan"), 3.0)
    attributes = struct.pack(">i", 0x402) + symbol("names") + strings(["f", "x", "s"]) + end
    frame = struct.pack(">ii", 0x313, 3) + factor + reals + strings(["p", "q", "r"]) + attributes
    body = struct.pack(">i", 0x402) + symbol("d") + frame + end
    return b"RDX2\nX\n" + struct.pack(">iii", 2, 0, 0) + body


@pytest.mark.parametrize("packed", [bytes, lzma.compress])
def test_data_frames_of_r_are_read(packed: Any) -> None:
    table = read_rda(packed(rda()), "d")
    assert table["f"].to_pylist() == ["b", "a", None]
    assert table["s"].to_pylist() == ["p", "q", "r"]
    np.testing.assert_array_equal(table["x"].to_numpy(), [1.5, np.nan, 3])
    with pytest.raises(DataError, match=r"expected a data frame 'e', got d"):
        read_rda(rda(), "e")
    with pytest.raises(DataError, match=r"expected R's binary format"):
        read_rda(b"something", "d")


class Evil:
    def __reduce__(self) -> Any:
        return print, ("run",)


def test_pickles_may_hold_frames_only(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(DataError, match=r"got one that calls builtins.print; not read"):
        read_frame(pickle.dumps(Evil()))
    assert capsys.readouterr().out == ""
    with pytest.raises(DataError, match=r"expected a data frame, got list"):
        read_frame(pickle.dumps([1]))


def test_cdnow_features_are_from_before_the_cut() -> None:
    text = (
        " customer_id date number_of_cds dollar_value\n"
        " 1 19970101 1 10.00\n 1 19970101 2 5.00\n 1 19970925 1 20.00\n 1 19971003 1 99.00\n"
        " 2 19970201 3 30.00\n 2 19971020 1 9.00\n 3 19970301 1 7.00\n 3 19971115 5 70.00\n"
    )
    table = cdnow.parse({cdnow.MEMBER: text.encode()})["cdnow"].to_pandas()
    assert table["visits"].tolist() == [2, 1, 1]
    assert table["items"].tolist() == [4, 3, 1]
    assert table["spent"].tolist() == [35, 30, 7]
    assert table["days_since_last"].tolist() == [6, 242, 214]
    assert table["visits_7d"].tolist() == [1, 0, 0]
    assert table["days_between_visits"].isna().tolist() == [False, True, True]
    assert table["buys_30d"].tolist() == [1, 1, 0]
    assert table["buys_7d"].tolist() == [1, 0, 0]


def test_census_drops_the_instance_weight_and_reads_question_marks_as_missing() -> None:
    row = ["?"] * 42
    row[0], row[24], row[41] = "73", "1700.09", "50000+."
    lines = ", ".join(row).encode() + b"\n"
    table = census_kdd.parse({census_kdd.TRAIN: lines, census_kdd.TEST: lines.replace(b"50000+", b"- 50000")})[
        "census_kdd"
    ]
    assert table.num_columns == 42  # 40 features, the label, the part
    assert "weight" not in table.column_names
    assert table["over_50k"].to_pylist() == [1, 0]
    assert table["part"].to_pylist() == ["train", "test"]
    assert table["age"].to_pylist() == [73.0, 73.0]
    assert table["race"].null_count == 2


def test_open_bandit_takes_the_affinity_of_the_item_shown() -> None:
    log = pd.DataFrame(
        {
            "timestamp": ["2019-11-24 00:03:13.442536+00:00", "2019-11-24 13:03:13+00:00"], "item_id": [1, 0],
            "position": [1, 3], "click": [0, 1], "propensity_score": [0.25, 0.5],
            **{f"user_feature_{i}": ["u", "v"] for i in range(4)},
            "user-item_affinity_0": [1.0, 2.0], "user-item_affinity_1": [3.0, 4.0],
        }
    )  # fmt: skip
    context = pd.DataFrame(
        {"item_feature_0": [0.1, 0.2], **{f"item_feature_{i}": ["a", "b"] for i in (1, 2, 3)}}, index=[0, 1]
    )
    got = open_bandit.impressions(log, context, "men", "bts")
    assert got["affinity"].tolist() == [3.0, 2.0]
    assert got["affinity_sum"].tolist() == [4.0, 6.0]
    assert got["item_price"].tolist() == [0.2, 0.1]
    assert got["weight"].tolist() == [2.0, 1.0]
    assert got["hour"].tolist() == [0, 13]
    assert got["item"].tolist() == ["men-1", "men-0"]


def test_keel_files_have_the_class_last() -> None:
    data = b"0.5, 1, M, negative\n0.25, 2, F, positive\n"
    table = keel.parse({f"{keel.FOLDER}a1.dat": data})["keel/a1"]
    assert table.to_pydict() == {"x0": ["0.5", "0.25"], "x1": ["1", "2"], "x2": ["M", "F"], "positive": [0, 1]}


def test_idx_arrays() -> None:
    data = b"\0\0\x08\x02" + struct.pack(">ii", 2, 3) + bytes(range(6))
    assert fashion_mnist.idx(data).tolist() == [[0, 1, 2], [3, 4, 5]]
    with pytest.raises(DataError, match=r"expected unsigned bytes"):
        fashion_mnist.idx(b"\0\0\x0d\x01" + bytes(8))


def test_coil_score_counts_buyers_among_800_and_ties_in_expectation() -> None:
    y = np.zeros(4000, dtype=np.int64)
    y[:238] = 1
    assert caravan.coil_score(-np.arange(4000.0), y) == 238
    assert caravan.coil_score(np.arange(4000.0), y) == 0
    assert caravan.coil_score(np.zeros(4000), y) == pytest.approx(800 * 238 / 4000)
    assert caravan.coil_score(np.where(np.arange(4000) < 1000, 1.0, 0.0), y) == pytest.approx(0.8 * 238)
    with pytest.raises(DataError, match=r"4,000 test rows, got 5"):
        caravan.coil_score(np.zeros(5), y[:5])
