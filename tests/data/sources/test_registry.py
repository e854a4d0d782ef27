"""Every source says what it is, has a YAML, and gives a table; sources of other packages are found too."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import yaml

from bench.cli.compose import compose, hydra_loader
from bench.config import ConfigError, read_data
from bench.data.sources.parts.fetched import FetchedSource
from bench.data.sources.registry import SOURCES
from bench.data.sources.spec import ColumnKind, DataError, Source, Table, TableConfig, Values
from strategies import registry
from tests import ROOT

CONF = ROOT / "conf"
NAMES = sorted(SOURCES.own())


def written(path: str) -> dict[str, Any]:
    """A YAML file of conf, as it stands there."""
    found: dict[str, Any] = yaml.safe_load((CONF / path).read_text(encoding="utf-8"))
    return found


def composed(name: str, *overrides: str) -> dict[str, Any]:
    """The section `data` as Hydra composes it."""
    with hydra_loader() as loader:
        (raw,) = compose(loader, [[f"data={name}", *overrides]])
    return dict(raw["data"])


def test_every_source_has_a_yaml() -> None:
    assert {p.stem for p in (CONF / "data").glob("*.yaml")} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_source_says_what_it_is(name: str) -> None:
    source = SOURCES.get(name)
    assert source.title
    assert source.licence
    assert source.version >= 1
    assert source.targets or name == "file"
    assert SOURCES.card(name)


@pytest.mark.parametrize("name", NAMES)
def test_a_yaml_holds_what_differs_from_the_table_and_the_options_of_its_source(name: str) -> None:
    """An option has one default, whether a source is made in Python or composed."""
    shared, values = written("table/default.yaml"), written(f"data/{name}.yaml")
    assert values.pop("defaults") == [{"/table@_here_": "default"}, "_self_"]
    assert values.pop("source") == name
    options = {f.name: f.default for f in dataclasses.fields(SOURCES.get(name))}
    assert {k: v for k, v in values.items() if k not in shared} == options
    assert composed(name) == {**shared, "source": name, **values}


def test_defaults_of_the_table_are_those_of_python() -> None:
    shared = {k: tuple(v) if isinstance(v, list) else v for k, v in written("table/default.yaml").items()}
    assert shared == {"source": None, **{f.name: f.default for f in dataclasses.fields(TableConfig)}}


@pytest.mark.parametrize("name", NAMES)
def test_a_source_gives_a_table_of_its_own(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sets that must be fetched first say how; what they hold is tested with the recorded fingerprints."""
    monkeypatch.setenv("IMBENCH_CACHE", str(tmp_path))
    config, source = read_data(composed(name)), SOURCES.get(name)
    if issubclass(source, FetchedSource):
        assert not source.fetched()
        with pytest.raises(DataError, match=f"imbench data get {name}"):
            config.load()
    elif name != "file":
        table = config.load()
        assert table.source == name
        assert table.target in source.targets
        assert (table.version, table.licence) == (source.version, source.licence)


def test_one_override_swaps_the_data_set_and_its_options() -> None:
    assert composed("impressions", "data.rows=200")["rows"] == 200
    assert "rows" not in composed("womens")
    assert composed("womens", "data.fence=2.0") == composed("womens") | {"fence": 2.0}


@dataclasses.dataclass(frozen=True)
class Elsewhere(Source):
    """A source of another package."""

    name = "elsewhere"
    title = "a set of another package"
    licence = "its own"
    targets: ClassVar = {"late": "it comes late"}

    rows: int = 40

    def load(self, config: TableConfig) -> Table:
        kinds: dict[str, ColumnKind] = {"a": "numeric"}
        numbers = np.arange(self.rows, dtype=np.float64)
        columns = {"a": Values("number", 1.5 * numbers), "late": Values("number", (numbers % 4 == 0) * 1.0)}
        return self.build(columns, self.pick_target(config), config, kinds=kinds)


def test_a_source_of_another_package_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """By an entry point; its options are keys under `data`, for it alone."""
    point = EntryPoint("elsewhere", "tests.data.sources.test_registry:Elsewhere", SOURCES.group)
    monkeypatch.setattr(registry, "_points", lambda group: {"elsewhere": point} if group == SOURCES.group else {})
    assert "elsewhere" in SOURCES.names()
    assert SOURCES.card("elsewhere") == "A source of another package."
    table = read_data({"source": "elsewhere", "rows": 60, "min_class_rows": 2}).load()
    assert (len(table), table.classes, table.target, table.name) == (60, ("0", "1"), "late", "elsewhere")
    with pytest.raises(ConfigError, match=r"data.rows: expected unset for source 'womens', got 60"):
        read_data({"source": "womens", "rows": 60})
    with pytest.raises(ConfigError, match=r"data.rows: .*got \"many\""):
        read_data({"source": "elsewhere", "rows": "many"})


def test_an_option_may_not_have_the_name_of_a_key_of_every_table(monkeypatch: pytest.MonkeyPatch) -> None:
    clashing = dataclasses.make_dataclass("Clashing", [("weight", float, 1.0)], bases=(Elsewhere,), frozen=True)
    monkeypatch.setattr(type(SOURCES), "get", lambda *_: clashing)
    with pytest.raises(ConfigError, match="'elsewhere': expected options of other names than every table's, got weigh"):
        read_data({"source": "elsewhere"})


def test_sources_are_imported_without_torch_and_scikit_learn() -> None:
    """Listing, planning and checking data must not wait for them."""
    code = (
        "import sys; from bench.data.inspect import check, report; from bench.data.tables import large; "
        "from bench.data.sources.registry import SOURCES; [SOURCES.get(name) for name in SOURCES.names()]; "
        "print([m for m in ('torch', 'sklearn', 'scipy', 'pytorch_lightning') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_names_and_cards_import_no_source() -> None:
    code = (
        "import sys; from bench.data.sources.registry import SOURCES; [SOURCES.card(n) for n in SOURCES.names()]; "
        "print([n for n in SOURCES.names() if f'bench.data.sources.{n}' in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
