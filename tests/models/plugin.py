"""A package of somebody else's, as pip would leave it: a module, its entry points, and YAML on Hydra's search path."""

from __future__ import annotations

import importlib
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from strategies import registry


@dataclass(frozen=True)
class Offered:
    """A model of another package: name, the text of its module and of its YAML, its class."""

    name: str
    code: str
    yaml: str
    cls: str


def install(folder: Path, monkeypatch: pytest.MonkeyPatch, model: Offered) -> str:
    """Offer a model; returns the override by which Hydra finds its YAML. Workers find it too."""
    site, conf, module = folder / "site", folder / "conf" / "model", f"imbench_{model.name}"
    metadata = site / f"{module}-1.0.dist-info"
    for path in (metadata, conf):
        path.mkdir(parents=True, exist_ok=True)
    (site / f"{module}.py").write_text(model.code, encoding="utf-8")
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n", encoding="utf-8")
    points = f"[imbench.models]\n{model.name} = {module}:{model.cls}\n"
    (metadata / "entry_points.txt").write_text(points, encoding="utf-8")
    (conf / f"{model.name}.yaml").write_text(model.yaml, encoding="utf-8")
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.setenv("PYTHONPATH", str(site))
    monkeypatch.delitem(sys.modules, module, raising=False)
    importlib.invalidate_caches()
    forget()
    return f"hydra.searchpath=[file://{folder / 'conf'}]"


def forget() -> None:
    """What the registries remember of installed packages."""
    registry._points.cache_clear()
    registry._found.cache_clear()
