"""imbench from Python: which treatment of class imbalance is worth using on your data, by how much, and at what cost.

    import imbench

    frame = imbench.run(["strategy=none,focal", "data=womens", "repeats=5"])
    frame.groupby("strategy")["raw/average_precision"].mean()

Every function takes overrides, a list of texts in Hydra's grammar: those of the shell, without its quotes;
`imbench run --help` lists them. It works in notebooks and in scripts, which need no `if __name__ == "__main__"`.

`imbench.load(FOLDER)` is a model that `imbench export` wrote: `load(FOLDER).predict_proba(frame)`.

What their caller can mend is raised as `imbench.Complaint`, in one line.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .shadows import refuse_shadows

refuse_shadows(__path__[0])

if TYPE_CHECKING:
    from bench.errors import Complaint
    from bench.export.model import ExportedModel
    from bench.export.model_folder import load

    from .classifier import ImbalancedClassifier
    from .comparing import compare
    from .publishing import boards, publish
    from .searching import tune
    from .sweeping import run

__all__ = ["Complaint", "ExportedModel", "ImbalancedClassifier", "boards", "compare", "load", "publish", "run", "tune"]

_MODULES = {
    "run": ".sweeping",
    "tune": ".searching",
    "boards": ".publishing",
    "publish": ".publishing",
    "Complaint": "bench.errors",
    "ImbalancedClassifier": ".classifier",
    "compare": ".comparing",
    "ExportedModel": "bench.export.model",
    "load": "bench.export.model_folder",
}


def __getattr__(name: str) -> Any:
    """Import what is asked for when it is: `import imbench` itself costs nothing."""
    if name not in _MODULES:
        raise AttributeError(f"module 'imbench' has no attribute {name!r}; it has {', '.join(__all__)}")
    found = getattr(import_module(_MODULES[name], __name__), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    """What there is, imported or not."""
    return sorted({*globals(), *__all__})
