"""What `publish` writes tells nobody where it lies on this machine, and no password."""

from __future__ import annotations

from pathlib import Path

from tests.command_line import TINY, imbench


def test_pages_and_manifests_hold_no_absolute_path_and_no_password(tmp_path: Path) -> None:
    """Also where predictions are missing, which a note says, and where the folder is given from the root."""
    results = tmp_path / "results"
    assert imbench("run", "-m", "strategy=none,focal", *TINY, results=results) == 0
    next(results.glob("runs/*/*.parquet")).unlink()
    home = ("board.name=first", "board.bootstrap=100")
    assert imbench("publish", *home, results=results, debug=False) == 0
    assert imbench("publish", *home[1:], results=results, debug=False) == 0
    texts = {path: path.read_bytes() for path in results.rglob("*") if path.is_file() and "runs" not in path.parts}
    assert any(path.name == "leaderboard.html" for path in texts)
    assert any(b"expected runs/" in text for text in texts.values())
    assert [path for path, text in texts.items() if str(tmp_path).encode() in text] == []
