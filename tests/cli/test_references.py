"""References are followed; none leads from a record into the environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.__main__ import main
from bench.cli.compose import compose, hydra_loader
from bench.config import ConfigError

SECRET = "hunter2-secret"


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("IMBENCH_TEST_SECRET", SECRET)
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    "overrides",
    [
        ["data.name=${oc.env:IMBENCH_TEST_SECRET}"],
        ["data.target=${oc.env:IMBENCH_TEST_SECRET,other}"],
        ["data.name=a-${oc.env:IMBENCH_TEST_SECRET}-b"],
        ["data.ignore=['${oc.env:IMBENCH_TEST_SECRET}']"],
        ["results=${oc.env:IMBENCH_TEST_SECRET}", "data.name=${results}"],
        ["data.path=${oc.env:IMBENCH_TEST_SECRET}", "data.name=${data.path}"],
    ],
)
def test_no_variable_reaches_what_is_recorded(overrides: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    """Not by way of a key that may name one either, and the value is not in the message."""
    with hydra_loader() as loader, pytest.raises(ConfigError, match="IMBENCH_TEST_SECRET of the environment"):
        compose(loader, [["data=file", *overrides]])
    for several in ([], ["-m"]):
        assert main(["plan", *several, "data=file", *overrides]) == 2
        out, err = capfd.readouterr()
        assert SECRET not in out + err
        assert len(err.splitlines()) == 1


def test_paths_may_name_variables_and_values_may_refer_to_each_other() -> None:
    with hydra_loader() as loader:
        overrides = ["results=${oc.env:IMBENCH_TEST_SECRET}", "seed=3", "split=${seed}"]
        (raw,) = compose(loader, [overrides])
    assert (raw["results"], raw["split"]) == (SECRET, 3)
