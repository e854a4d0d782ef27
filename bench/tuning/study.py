"""One study: a strategy's search on one data set, target, model and split; its identity, trials and best settings."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import optuna
import yaml
from optuna.trial import FrozenTrial, TrialState

from bench.config import Cell, ConfigError, TuneConfig, read_cell
from bench.data.loaded import loaded_table
from bench.records.files import write_text_atomically
from bench.records.record import digest
from bench.sweep.plan import identify
from bench.tuning.best import BEST, of_space, read_best, readable
from bench.tuning.objective import maximized, objectives
from bench.tuning.owner import Owner
from bench.tuning.pruning import pruner
from bench.tuning.space import Dimension, apply, dimensions, starting_points
from bench.tuning.storage import GIVEN_BACK, JOURNAL, OWNER, SETTINGS, claim, open_storage, reap

FINISHED = (TrialState.COMPLETE, TrialState.PRUNED)


@dataclass(frozen=True)
class Identity:
    """What a study is about: its folder's name, and the content that the name is the hash of."""

    name: str
    content: Mapping[str, Any]
    space: tuple[Dimension, ...]
    columns: tuple[str, ...]


def identity(raw: Mapping[str, Any], tune: TuneConfig) -> Identity:
    """The study of a composed configuration. The number of trials is no part of it: a study can be extended."""
    planned = identify(read_cell({**raw, "tuned": False}))
    n_classes = len(loaded_table(planned.cell.data).classes)
    space = dimensions(raw, n_classes)
    columns = objectives(tune.objective, n_classes)
    fixed = apply(raw, {d.path: None for d in space})
    config = planned.config
    content = {
        "data": config["data"],
        "split": config["split"],
        "model": {k: v for k, v in fixed["model"].items() if k != "space"},
        "strategies": {
            name: {k: v for k, v in (own or {}).items() if k not in ("space", "neutral")}
            for name, own in (fixed.get("strategy") or {}).items()
        },
        "harness": config["versions"],
        "versions": [config["model"]["version"], *([name, version] for name, version, _ in config["strategies"])],
        "train": {k: v for k, v in fixed["train"].items() if k in planned.cell.train.key()},
        "space": [asdict(d) for d in space],
        "tune": {
            "seeds": list(tune.seeds),
            "folds": tune.folds,
            "objectives": list(columns),
            "batch": tune.batch,
            "prune": tune.prune,
            "sampler": f"TPESampler/{tune.sampler_seed}",
        },
    }
    slug = file_name(planned.data_name, planned.target, planned.cell.model.name, planned.cell.strategy)[:60]
    return Identity(f"{slug}-split{config['split']}-{digest(content)[:8]}", content, space, columns)


def file_name(*names: str) -> str:
    """Names joined by hyphens, as a part of a file's name: lower case, other signs than `-_+.` as underscores."""
    return "".join(c if c.isalnum() or c in "-_+." else "_" for c in "-".join(names).lower())


def check(raw: Mapping[str, Any], tune: TuneConfig) -> None:
    """Find out whether a study can begin, before anything is written.

    Raises:
        ConfigError, DataError: it cannot; says why.
    """
    starting_points(raw, identity(raw, tune).space)


class Study:
    """An Optuna study in `<results>/tuned/<name>`, driven by ask and tell in batches."""

    def __init__(self, raw: Mapping[str, Any], tune: TuneConfig, root: Path) -> None:
        self.raw, self.tune = raw, tune
        self.identity = identity(raw, tune)
        self.folder = root / "tuned" / self.identity.name
        self.base = read_cell({**raw, "tuned": False})
        self.planned = identify(self.base)  # as it is now: the file may be another one when the search is over
        directions = [
            optuna.study.StudyDirection.MAXIMIZE if maximized(c) else optuna.study.StudyDirection.MINIMIZE
            for c in self.identity.columns
        ]
        self.points = starting_points(raw, self.identity.space)
        self.storage = open_storage(self.folder, tune.storage)
        self.study = optuna.create_study(
            storage=self.storage,
            study_name=self.identity.name,
            directions=directions,
            load_if_exists=True,
            pruner=pruner(),
        )
        with self.claimed():
            self.owner = Owner(self.folder, self.storage)
            reap(self.study, self.owner)
            self.begin()

    @cached_property
    def label(self) -> str:
        """`womens/one_star mlp focal`."""
        return f"{self.planned.data_name}/{self.planned.target} {self.base.model.name} {self.base.strategy}"

    def claimed(self) -> AbstractContextManager[None]:
        """The moment in which this process alone decides which trials begin."""
        return claim(self.folder, self.identity.name, self.storage)

    @property
    def single(self) -> bool:
        """Whether there is one objective (only then can trials be pruned)."""
        return len(self.identity.columns) == 1

    def begin(self) -> None:
        """Enqueue the default and the neutral setting, unless an earlier run has. Under `claim`."""
        there = {t.user_attrs.get("origin") for t in self.study.get_trials(deepcopy=False)}
        for origin, point in self.points.items():
            if origin not in there:
                self.study.enqueue_trial(point, user_attrs={"origin": origin})

    def trials(self, *states: TrialState) -> list[FrozenTrial]:
        """Trials in any of these states, by number."""
        return self.study.get_trials(deepcopy=False, states=states)

    def finished(self) -> int:
        """Completed and pruned trials: what `tune.trials` counts."""
        return len(self.trials(*FINISHED))

    def ask(self) -> list[tuple[optuna.Trial, Cell]]:
        """The next batch, at most so many that the total is met; empty when it is, or others run the rest.

        A proposal follows from the study's seed and the trial's place in it, so that processes that share a study never
        draw alike. A batch that a kill cut short is filled up before the next is proposed: a study killed and resumed,
        within a proposal too, proposes what it would have.
        """
        with self.claimed():
            reap(self.study, self.owner)
            done, running = self.finished(), len(self.trials(TrialState.RUNNING))
            batch = []
            left_in_batch = self.tune.batch - (done + running) % self.tune.batch
            place = self.placed()
            for i in range(min(left_in_batch, self.tune.trials - done - running)):
                self.study.sampler = self.sampler(place + i)
                trial = self.study.ask()
                trial.set_user_attr(OWNER, self.owner.name)
                self.owner.takes(trial._trial_id)
                values = {d.path: d.suggest(trial) for d in self.identity.space}
                trial.set_user_attr(SETTINGS, values)
                batch.append((trial, read_cell({**apply(self.raw, values), "tuned": False})))
        return batch

    def placed(self) -> int:
        """How many trials have a place in the study: those whose parameters went to another trial have none."""
        trials = self.trials(*FINISHED, TrialState.RUNNING, TrialState.FAIL)
        return sum(GIVEN_BACK not in trial.user_attrs for trial in trials)

    def sampler(self, place: int) -> optuna.samplers.BaseSampler:
        """What proposes the trial of one place."""
        seed = int.from_bytes(hashlib.sha256(f"{self.tune.sampler_seed}/{place}".encode()).digest()[:4], "little")
        return optuna.samplers.TPESampler(  # group: ranges exist only where `also` was not chosen
            seed=seed, n_startup_trials=10, n_ei_candidates=24, multivariate=True, group=True, constant_liar=True
        )

    def best(self) -> FrozenTrial | None:
        """The best completed trial; of several objectives, the one of the Pareto set that is best in the first."""
        complete = self.trials(TrialState.COMPLETE)
        if not complete:
            return None
        candidates = complete if self.single else self.study.best_trials
        sign = -1 if maximized(self.identity.columns[0]) else 1
        return min(candidates, key=lambda t: (sign * t.values[0], t.number))

    def totals(self) -> dict[str, float]:
        """What the search took: trials, fits, steps, seconds of all finished trials."""
        finished = self.trials(*FINISHED)
        total = {k: float(sum(t.user_attrs.get(k, 0) for t in finished)) for k in ("fits", "steps", "seconds")}
        return {"trials": float(len(finished)), **total}

    def save_best(self, *, skipped: str = "") -> Path | None:
        """Write the best settings as YAML, which `run tuned=true` reads; or why the strategy does not apply."""
        best = None if skipped else self.best()  # switched off, an inapplicable strategy would be tuned as `none`
        if best is None and not skipped:
            return None
        content: dict[str, Any] = {
            "study": self.identity.name,
            "data": self.planned.data_name,
            "target": self.planned.target,
            "model": self.base.model.name,
            "strategy": self.base.strategy,
            "split": self.base.split,
        }
        if best is None:
            content |= {"skipped": skipped, "objective": {}, "trial": None, **self.totals(), "settings": {}}
        else:
            content |= {
                "objective": dict(zip(self.identity.columns, [float(v) for v in best.values], strict=True)),
                "trial": best.number,
                **self.totals(),
                "optuna": optuna.__version__,
                "settings": best.user_attrs["settings"],
            }
        text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
        path = self.folder / BEST
        write_text_atomically(path, text)
        return path


def tuned(raw: Mapping[str, Any], tune: TuneConfig, root: Path) -> tuple[dict[str, Any], dict[str, float]]:
    """A configuration with its tuned settings, and the budget that found them.

    Raises:
        ConfigError: there are none, or only for another split, whose test rows may have been tuned on.
    """
    found = identity(raw, tune)
    path = root / "tuned" / found.name / BEST
    if path.exists():
        best = read_best(path)
        if best.get("skipped"):
            return dict(raw), {}  # the run will find the same and leave a record that says so
        budget = {f"tuning_{k}": float(best[k]) for k in ("trials", "fits", "steps", "seconds")}
        return apply(raw, of_space(best["settings"], found.space, path)), budget
    planned = identify(read_cell({**raw, "tuned": False}))
    want = {
        "data": planned.data_name,
        "target": planned.target,
        "model": planned.cell.model.name,
        "strategy": planned.cell.strategy,
    }
    others = [best for best in readable(root)[0] if want.items() <= best.items()]
    splits = sorted({b["split"] for b in others} - {planned.cell.split})
    here = f"{want['data']}/{want['target']} {want['model']} {want['strategy']} split={planned.cell.split}"
    if splits:
        listed = ", ".join(map(str, splits))
        hint = f"there are settings for split {listed}: refused, rows that are test rows here were seen there"
    elif others:
        hint = "there are settings of another search (budget, space, objective or data differ)"
    else:
        hint = "none were searched for"
    raise ConfigError(
        f"tuned=true: expected tuned settings for {here}, {hint}. Run imbench tune with the same overrides"
    )


def folders(root: Path) -> list[Path]:
    """The study folders of a results folder."""
    return sorted(p.parent for p in (root / "tuned").glob(f"*/{JOURNAL}"))
