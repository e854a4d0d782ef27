"""A real PostgreSQL server for tests of shared studies."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.command_line import LAST_RESORT


@pytest.fixture
def postgresql() -> Iterator[str]:
    """The URL of a real server from the system's packages, on a socket of its own; no port is opened."""
    pytest.importorskip("psycopg2", reason="needs psycopg2")
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not programs:
        pytest.skip("needs a PostgreSQL server (Debian: postgresql)")
    program = programs[-1].parent
    user = "postgres" if os.getuid() == 0 else None  # the server refuses to run as root
    home = Path(tempfile.mkdtemp(prefix="pg", dir="/tmp"))  # a socket's path must be short
    if user is not None:
        shutil.chown(home, user)
    command = [program / "initdb", "-D", home / "data", "-U", "imbench", "--auth=trust", "--no-sync"]
    subprocess.run(command, user=user, check=True, capture_output=True, cwd=home)
    server = subprocess.Popen(
        [program / "postgres", "-D", home / "data", "-k", home, "-h", ""],
        user=user,
        cwd=home,
        stderr=subprocess.DEVNULL,
    )
    try:
        give_up = time.monotonic() + LAST_RESORT
        while subprocess.run([program / "pg_isready", "-h", home], check=False, capture_output=True).returncode:
            assert server.poll() is None
            assert time.monotonic() < give_up
            time.sleep(0.05)
        yield f"postgresql+psycopg2://imbench@/postgres?host={home}"
    finally:
        server.send_signal(signal.SIGINT)  # fast shutdown: does not wait for our connections
        server.wait(LAST_RESORT)
        shutil.rmtree(home, ignore_errors=True)
