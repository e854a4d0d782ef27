"""The reference of whole runs: plain Lightning as its tutorials show it, stock DataLoaders that collate row by row.

The same data, network, loss, looks and rule for stopping as ours; evaluation is ours, so that both sides do it alike.
As a script: `stock.py tune RESULTS` runs the trials of a study again with plain Optuna, `stock.py sweep …` is a Hydra
application for the basic launcher.
"""

from __future__ import annotations

import json
import math
import sys
import warnings
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import EarlyStopping
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, WeightedRandomSampler

from bench.config import Cell, read_cell
from bench.data.features.encode import Encoded
from bench.evaluation.evaluate import Predictions, evaluate
from bench.evaluation.views import refined_log_loss
from bench.models.registry import takes
from bench.sweep.plan import identify
from bench.sweep.runner import recipe as recipe_of
from bench.sweep.runner import training
from bench.training.threads import limit_threads
from strategies.spec import Bag, Features, Recipe, Split


class Rows(Dataset[tuple[Any, ...]]):
    """One encoded row at a time, as a dictionary of tensors."""

    def __init__(self, split: Split) -> None:
        self.split = split

    def __len__(self) -> int:
        return len(self.split)

    def __getitem__(self, i: int) -> tuple[Any, ...]:
        row: dict[str, Any] = {}
        for name, v in self.split.x.columns.items():
            if isinstance(v, Bag):
                a, b = int(v.offsets[i]), int(v.offsets[i + 1])
                row[name] = (v.ids[a:b], v.weights[a:b])
            else:
                row[name] = v[i]
        weight = 1.0 if self.split.weight is None else float(self.split.weight[i])
        return row, int(self.split.y[i]), weight


def collate(rows: list[tuple[Any, ...]]) -> tuple[dict[str, Any], Tensor, Tensor]:
    """Rows to a batch: bags end to end with offsets, as torch's text tutorial does it."""
    batch: dict[str, Any] = {}
    for name, first in rows[0][0].items():
        parts = [row[0][name] for row in rows]
        if isinstance(first, tuple):
            lengths = torch.tensor([0, *(len(ids) for ids, _ in parts[:-1])], dtype=torch.int32)
            batch[name] = (torch.cat([p[0] for p in parts]), torch.cat([p[1] for p in parts]), lengths.cumsum(0).int())
        else:
            batch[name] = torch.stack(parts)
    return batch, torch.tensor([r[1] for r in rows]), torch.tensor([r[2] for r in rows])


class Plain(pl.LightningModule):
    """The `mlp` without hidden layers from torch's own parts."""

    def __init__(self, made: Recipe, prior: Tensor) -> None:
        super().__init__()
        model: Any = made.model
        self.made = made
        self.tables = nn.ModuleDict()
        for f in made.train.x.schema:
            self.tables[f.name] = (
                nn.Linear(f.width, model.dim, bias=False)
                if f.kind == "numeric"
                else nn.EmbeddingBag(sum(f.sizes), model.dim, mode="sum")
            )
        self.dropout = nn.Dropout(model.dropout)
        self.head = nn.Linear(model.dim, made.train.n_classes)
        self.natural = torch.bincount(made.train.y, minlength=made.train.n_classes).double()
        self.shift = (self.natural / self.natural.sum()).log() - prior.double().log()
        self.head.bias.data = prior.float().log()
        self.seen: list[tuple[Tensor, Tensor]] = []
        self.best, self.state = math.inf, dict[str, Tensor]()

    def forward(self, batch: Mapping[str, Any]) -> Tensor:
        total: Any = 0
        for f in self.made.train.x.schema:
            value, table = batch[f.name], self.tables[f.name]
            if f.kind == "numeric":
                total = total + table(value)
            elif f.kind == "bag":
                total = total + table(value[0], value[2], per_sample_weights=value[1])
            else:
                starts = torch.tensor((0, *f.sizes[:-1])).cumsum(0)
                total = total + table(value + starts)
        out: Tensor = self.head(self.dropout(total))
        return out

    def training_step(self, batch: Any, _: int) -> Tensor:
        x, y, w = batch
        loss = (self.made.loss(self(x), y) * w).mean()
        self.log("loss", loss)
        return loss

    def validation_step(self, batch: Any, _: int) -> None:
        self.seen.append((self(batch[0]), batch[1]))

    def on_validation_epoch_end(self) -> None:
        z, y = (torch.cat(parts) for parts in zip(*self.seen, strict=True))
        self.seen.clear()
        score = refined_log_loss((z.double() + self.shift).numpy(), y.numpy())
        self.log("score", score)
        if score < self.best:
            self.best, self.state = score, {k: v.clone() for k, v in self.state_dict().items()}

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.AdamW(self.parameters(), lr=self.made.lr, weight_decay=self.made.weight_decay)


def fit_plain(made: Recipe) -> tuple[Plain, int]:
    """Train one recipe; the network with its best weights, and the steps that it took."""
    if made.train.weight is not None:
        made = replace(made, train=replace(made.train, weight=made.train.weight / made.train.weight.mean()))
    prior, sampler = made.mass(), None
    if made.sampler:
        per_class = prior / torch.bincount(made.train.y, minlength=made.train.n_classes)
        epoch = len(made.epoch(made.generator("order")))
        sampler = WeightedRandomSampler(per_class[made.train.y].tolist(), epoch)
    torch.manual_seed(made.seed)
    loader = DataLoader(
        Rows(made.train), made.batch_size, shuffle=sampler is None, sampler=sampler, collate_fn=collate, drop_last=True
    )
    looks = DataLoader(Rows(made.val), 1024, collate_fn=collate)
    module = Plain(made, prior)
    trainer = pl.Trainer(
        accelerator="cpu",
        max_steps=made.max_steps,
        logger=False,
        enable_checkpointing=False,
        enable_model_summary=False,
        enable_progress_bar=False,
        check_val_every_n_epoch=None,
        val_check_interval=made.eval_every,
        num_sanity_val_steps=0,
        callbacks=[EarlyStopping("score", patience=made.patience, min_delta=0.0)],
    )
    trainer.fit(module, loader, looks)
    module.load_state_dict(module.state)
    return module.eval(), trainer.global_step


def predict(module: Plain, x: Features, y: Tensor) -> Predictions:
    """Logits of all rows, batch by batch."""
    loader = DataLoader(Rows(Split(x, y, int(y.max()) + 1)), 1024, collate_fn=collate)
    with torch.no_grad():
        return Predictions(torch.cat([module(b[0]) for b in loader]).numpy(), y.numpy())


def run_plain(one: Cell, data: Encoded, test: bool) -> dict[str, Any]:
    """Metrics of a cell (one stage only), on the test or the validation rows."""
    planned = identify(one)
    (made,) = next(training(planned, data)) if one.strategies else [recipe_of(planned, data)]
    module, steps = fit_plain(made)
    val = predict(module, data.val.x, data.val.y)
    rows = predict(module, data.test, data.test_y) if test else val
    counts = np.bincount(data.train.y.numpy(), minlength=data.train.n_classes)
    natural = np.maximum(counts, 0.5) / np.maximum(counts, 0.5).sum()
    result = evaluate(rows, val, prior=made.mass().clamp_min(1e-9).numpy(), natural=natural, train_counts=counts)
    return {"steps": steps, "metrics": result.values}


def tune_plain(results: Path) -> None:
    """The trials of the one study under `results` again: `study.optimize`, one after another."""
    from bench.tuning.objective import tuning_data
    from tests.benchmarks.tuning import study_of

    raw, trials, column = study_of(results)
    data = None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=0))
    todo = list(trials)

    def objective(trial: optuna.Trial) -> float:
        from bench.tuning.space import apply

        nonlocal data
        one = read_cell(apply(raw, todo[trial.number]))
        data = tuning_data(one.data, one.split, 0, 0, 0, takes=takes(one.model))
        found = run_plain(one, data, test=False)
        trial.set_user_attr("steps", found["steps"])
        return float(found["metrics"][column])

    study.optimize(objective, n_trials=len(todo))
    steps = [t.user_attrs["steps"] for t in study.trials]
    (results / "stock.json").write_text(json.dumps({"steps": steps, "scores": [t.value for t in study.trials]}))


def sweep_plain() -> None:
    """Hydra's basic launcher over plain training."""
    import hydra
    from omegaconf import OmegaConf

    from bench.sweep.runner import encoded

    @hydra.main(config_path="pkg://bench.conf", config_name="config", version_base="1.3")
    def job(cfg: Any) -> None:
        raw = OmegaConf.to_container(cfg, resolve=True)
        assert isinstance(raw, dict)
        raw.pop("hydra", None)
        one = read_cell({str(k): v for k, v in raw.items()})
        data = encoded(one.data, one.split, one.seed, takes(one.model))
        found = run_plain(one, data, test=True)
        root = Path(raw["results"])
        root.mkdir(exist_ok=True)
        (root / f"{one.strategy}-{one.seed}.json").write_text(json.dumps(found))

    job()


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    limit_threads(1)
    verb = sys.argv.pop(1)
    if verb == "tune":
        tune_plain(Path(sys.argv[1]))
    else:
        sweep_plain()
