"""The package as others install it: a wheel in a fresh environment, run from an empty folder."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from bench.records.store import Store
from tests import ROOT


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        str(out),
        str(ROOT),
    ]
    subprocess.run(command, check=True, capture_output=True, text=True)
    (found,) = out.glob("*.whl")
    return found


def test_the_wheel_holds_code_configuration_and_data_and_nothing_at_top_level(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names}
    assert {t for t in tops if not t.endswith(".dist-info")} == {"bench", "strategies", "hydra_plugins", "imbench"}
    assert "hydra_plugins/__init__.py" not in names  # Hydra's namespace is shared with other plugins
    for name in (
        "bench/conf/config.yaml",
        "bench/conf/table/default.yaml",
        "bench/conf/strategy/focal.yaml",
        "bench/data/sources/keel.json",
        "bench/data/sources/embedded/womens.parquet",
    ):
        assert name in names
    yaml = {str(p.relative_to(ROOT / "conf")) for p in (ROOT / "conf").rglob("*.yaml")}
    assert {n.removeprefix("bench/conf/") for n in names if n.startswith("bench/conf/") and n.endswith(".yaml")} == yaml
    modules = {
        str(p.relative_to(ROOT)) for p in [*(ROOT / "bench").rglob("*.py"), *(ROOT / "strategies").rglob("*.py")]
    }
    mapped = {
        m: m.replace("bench/api/", "imbench/").replace("bench/cli/hydra_plugin/", "hydra_plugins/imbench/")
        for m in modules
    }
    assert set(mapped.values()) <= set(names)


def test_the_wheel_runs_from_an_empty_folder(wheel: Path, tmp_path: Path) -> None:
    """Installed without the repository on the path, with a strategies/ folder of the user's own beside it."""
    site, work = tmp_path / "site", tmp_path / "work"
    (work / "strategies").mkdir(parents=True)
    (work / "strategies" / "__init__.py").write_text("raise RuntimeError('a user owns this folder')")
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--no-deps", "--no-index", "--target", str(site), str(wheel)],
        check=True,
        capture_output=True,
    )
    # As the console script: the script's folder is first on the path, never the working directory.
    script = tmp_path / "bin" / "imbench"
    script.parent.mkdir()
    script.write_text(
        f"import sys; sys.path.insert(0, {str(site)!r})\nfrom bench.__main__ import main\n"
        "if __name__ == '__main__':\n    sys.exit(main())\n"
    )
    command = [sys.executable, str(script), "run", "-m", "strategy=none,focal", "data=digits_lt", "train.max_steps=20"]
    done = subprocess.run(command, cwd=work, capture_output=True, text=True, check=False, env=clean_environment(site))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Macro-F1" in done.stdout
    where = subprocess.run(
        [sys.executable, "-c", "import bench, bench.conf; print(bench.__file__, bench.conf.__file__)"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        env=clean_environment(site),
    )
    assert str(site / "bench" / "__init__.py") in where.stdout
    assert str(site / "bench" / "conf") in where.stdout


DEMO = """
import sys
from bench.cli.verb import VERBS
if __name__ == "__main__":
    sys.exit(VERBS.get("demo")().act(["repeats=2", "run.workers=1", "train.max_steps=20", "train.eval_every=10"]))
"""
"""The demo with its own grid, each of its cells trained for an instant."""


@pytest.mark.long
def test_the_demo_from_an_empty_folder_is_that_of_the_repository(wheel: Path, tmp_path: Path) -> None:
    """The same cells under the same keys with the same metrics, the same files, the same tables but for seconds."""
    site, script = tmp_path / "site", tmp_path / "bin" / "demo.py"
    script.parent.mkdir()
    script.write_text(DEMO)
    pip = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-index", "--target", str(site), str(wheel)]
    subprocess.run(pip, check=True, capture_output=True)
    for name, path in (("wheel", site), ("repository", ROOT)):
        (tmp_path / name).mkdir()
        command = [sys.executable, str(script)]
        done = subprocess.run(
            command, cwd=tmp_path / name, capture_output=True, text=True, check=False, env=clean_environment(path)
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert "next: open results/leaderboard.html" in done.stdout
        assert [p.name for p in (tmp_path / name).iterdir()] == ["results"]
    stores = [Store(tmp_path / name / "results") for name in ("wheel", "repository")]
    ours, theirs = ({r.key: (r.status, r.metrics) for r in store} for store in stores)
    assert len(ours) == 32
    assert ours == theirs
    files = [sorted(p.name for p in store.root.iterdir() if p.is_file()) for store in stores]
    assert files[0] == files[1]
    tables = [pd.read_csv(store.root / "leaderboard.csv").drop(columns=COSTS) for store in stores]
    pd.testing.assert_frame_equal(*tables)


COSTS = ["train_seconds", "peak_mb", "inference_rows_per_second"]
"""Of the machine and the moment."""


def clean_environment(site: Path) -> dict[str, str]:
    """The site folder before the editable install, for the script and its workers alike."""
    import os

    return {**os.environ, "PYTHONPATH": str(site), "COLUMNS": "120"}
