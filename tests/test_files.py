"""Files and folders are there whole or not at all, whoever writes and whatever happens on the way."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from bench.files import PREFIX, SUFFIX, NameTaken, new_file, new_folder

Make = Callable[..., AbstractContextManager[Path]]


def fill(made: Path, text: str) -> None:
    """Put a text into a new file, or into a file of a new folder."""
    (made / "part" if made.is_dir() else made).write_text(text)


def content(path: Path) -> str:
    return (path / "part" if path.is_dir() else path).read_text()


@pytest.mark.parametrize("make", [new_file, new_folder])
def test_nobody_sees_what_is_half_written(make: Make, tmp_path: Path) -> None:
    """Until the block ends there is a temporary name in the same folder, afterwards the name alone."""
    path = tmp_path / "deep" / "down"
    with make(path) as made:
        fill(made, "half")
        assert not path.exists()
        assert made.parent == path.parent
        assert made.name.startswith(PREFIX)
        assert made.name.endswith(SUFFIX)
        fill(made, "whole")
    assert content(path) == "whole"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, OSError])
@pytest.mark.parametrize("make", [new_file, new_folder])
def test_what_fails_leaves_nothing_and_harms_nothing(make: Make, error: type[BaseException], tmp_path: Path) -> None:
    path = tmp_path / "name"
    with make(path) as made:
        fill(made, "before")

    def failing() -> None:
        with make(path, replace=True) as made:
            fill(made, "after")
            raise error

    with pytest.raises(error):
        failing()
    assert content(path) == "before"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("make", [new_file, new_folder])
def test_the_first_keeps_the_name_unless_it_may_be_replaced(make: Make, tmp_path: Path) -> None:
    path = tmp_path / "name"

    def write(text: str, *, replace: bool) -> None:
        with make(path, replace=replace) as made:
            fill(made, text)

    write("first", replace=False)
    with pytest.raises(NameTaken):
        write("second", replace=False)
    assert content(path) == "first"
    write("third", replace=True)
    assert content(path) == "third"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("make", [new_file, new_folder])
def test_a_folder_that_cannot_be_made_is_the_systems_error(make: Make, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OSError, match="file"), make(tmp_path / "file" / "name"):
        pass


def test_only_what_cannot_be_made_again_waits_for_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The content of a record is flushed before it gets its name; that of the cache is not."""
    flushed: list[str] = []
    monkeypatch.setattr(os, "fsync", lambda _: flushed.append("whole" if (tmp_path / "name").exists() else "nameless"))
    with new_file(tmp_path / "name", durable=False) as made:
        fill(made, "cache")
    assert flushed == []
    (tmp_path / "name").unlink()
    with new_file(tmp_path / "name") as made:
        fill(made, "record")
    assert flushed == ["nameless"]


def test_others_may_read_what_was_written(tmp_path: Path) -> None:
    """Temporary files are private; what gets its name is not."""
    with new_file(tmp_path / "file"):
        pass
    with new_folder(tmp_path / "folder"):
        pass
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o644
    assert (tmp_path / "folder").stat().st_mode & 0o777 == 0o755
