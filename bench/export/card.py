"""The model card: what a model is, what it may be used for, and what is known of it, in Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bench.evaluation.registry import metric_of
from bench.export.decision import DecisionRule
from bench.records.record import Record

_SHOWN = {
    2: (
        "raw/average_precision", "raw/auroc", "recalibrated/log_loss", "recalibrated/ece", "tuned/f1",
        "tuned/precision", "tuned/recall",
    ),
    3: ("tuned/macro_f1", "default/macro_f1", "raw/auroc", "recalibrated/log_loss", "recalibrated/ece"),
}  # fmt: skip
"""Columns of a record that a card shows, for two classes and for more."""


def card(record: Record, facts: Mapping[str, Any], rule: DecisionRule, folder: str) -> str:
    """The card of the model of a record that decides by a rule; `folder` is the name under which it is loaded."""
    classes = facts["classes"]
    natural = record.per_class["natural"]
    lines = [
        f"# {record.data} · {record.target}: {record.strategy}, {record.model}",
        "",
        f"Predicts `{record.target}`, one of {len(classes)} classes, from the columns of `{record.data}`. "
        f"Trained by imbench on {(facts['refit'] or {}).get('rows', record.traits['n_train']):,} rows; "
        f"{_shares(classes, natural)} of the population that it is calibrated to.",
        "",
        *_quoted(facts["sentence"]),
        "## Use",
        "",
        "```python",
        "import imbench",
        "",
        f'model = imbench.load("{folder}")',
        "model.predict_proba(frame)            # recalibrated probabilities, one column for each of model.classes",
        "model.predict(frame)                  # classes, by the rule below",
        "```",
        "",
        f"Or `imbench predict {folder} new.csv out=scored.parquet`. Nothing of it is pickled; it needs neither the "
        "training data nor the network.",
        "",
        "## Decisions",
        "",
        *_decisions(record, rule, classes),
        "",
        "## Test rows",
        "",
        f"{record.traits['n_test']:,} rows that training, stopping, calibration and the rule never saw.",
        "",
        "| metric | value |",
        "| :--- | ---: |",
        *_metrics(record, len(classes)),
        "",
        *_refitted(facts["refit"]),
        "## Where it comes from",
        "",
        f"- record `{record.key}`, split {record.split}, seed {record.seed}; predictions "
        f"{'before the refit ' if facts['refit'] else ''}equal the record's",
        *_text_encoder(facts["text_encoder"]),
        f"- settings: `{_settings(record)}`",
        f"- data: {facts['licence'] or 'no licence stated'}, fingerprint `{record.config['data']['fingerprint'][:16]}`",
        *(["- rows count by the weights of a column, in training and in every figure"] if facts["weighted_by"] else []),
        *(["- it learned from labels that other strategies do not have"] if record.uses_extra else []),
        "",
        "## What it is not",
        "",
        "One training on one division of the data; the board's verdict is about the strategy, over several. Figures "
        "hold for rows like the test rows. Probabilities are those of the class shares above: where rows to score have "
        "others, say so (`new_prior=`). Correlations in the training rows, unfair ones included, are in it.",
        "",
    ]
    return "\n".join(lines)


def _shares(classes: Sequence[str], natural: Sequence[float | None]) -> str:
    if len(classes) > 2:
        rarest = min(range(len(classes)), key=lambda i: natural[i] or 0.0)
        return f"`{classes[rarest]}`, the rarest, has {natural[rarest] or 0:.2%}"
    return f"`{classes[1]}` has {natural[1] or 0:.2%}"


def _quoted(sentence: str) -> list[str]:
    return ["The board that it comes from says:", "", f"> {sentence}", ""] if sentence else []


_REASONS = {
    "tuned": "the threshold of the highest F1 on validation rows",
    "argmax": "the more probable class of the raw model",
    "alerts": "at most this share of the validation rows lie above it",
    "fpr": "at most this share of the negative validation rows lie above it",
}


def _decisions(record: Record, rule: DecisionRule, classes: Sequence[str]) -> Iterator[str]:
    """The rule in words."""
    if rule.matrix is not None:
        yield (
            "The class that is expected to cost least by recalibrated probabilities (rule=cost; Elkan 2001, eq. 1). "
            "What a decision costs, by true class (rows) and decided class:"
        )
        yield ""
        yield f"| | {' | '.join(classes)} |"
        yield f"| :--- |{' ---: |' * len(classes)}"
        for name, row in zip(classes, rule.matrix, strict=True):
            yield f"| **{name}** | {' | '.join(f'{cost:g}' for cost in row)} |"
    elif rule.costs is not None:
        costs = ", ".join(f"{outcome} {held}" for outcome, held in sorted(rule.costs.items()))
        yield (
            f"`{classes[1]}` where the recalibrated log odds exceed log((fp - tn) / (fn - tp)) by more than "
            f"{rule.threshold:.4f} (rule={rule.name}). Costs: {costs}. The excess costs least on validation rows, "
            "drawn towards 0 where these are few; 0 is exact for calibrated probabilities (Elkan 2001)."
        )
    elif rule.threshold is not None:
        yield (
            f"`{classes[1]}` where the raw log odds are above {rule.threshold:.4f} (rule={rule.name}): "
            f"{_REASONS[rule.name.partition(':')[0]]}. It is no threshold on the recalibrated probability."
        )
    else:
        yield (
            f"The class of the largest corrected logit less {rule.tau:g} times the log prior of the training rows "
            f"(rule={rule.name}): the factor of the highest macro-F1 on validation rows, unless it is 0."
        )
    exact = record.fitted.get("prior_exact")
    yield ""
    yield "Probabilities come in three views: raw, corrected to the population's class shares, and recalibrated on"
    yield "validation rows besides. Use the recalibrated ones." + (
        "" if exact else " (The corrected ones mean little here: the objective is no pure shift of the prior.)"
    )


def _metrics(record: Record, classes: int) -> Iterator[str]:
    for column in _SHOWN[min(classes, 3)]:
        value = record.metrics.get(column)
        if value is not None:
            view = column.partition("/")[0]
            yield f"| {metric_of(column).label}, {view} | {value:.4f} |"


def _refitted(refit: Mapping[str, Any] | None) -> list[str]:
    """What was done after the figures were taken; nothing where nothing was."""
    if refit is None:
        return []
    came = "; ".join(f"{name} {refit['before'][name]:.4f} before, {v:.4f} after" for name, v in refit["after"].items())
    steps = ", ".join(map(str, refit["steps"][:6])) + (", …" if len(refit["steps"]) > 6 else "")
    return [
        "The figures above are of the model as it was recorded. It was then trained once more, on the "
        f"{refit['rows']:,} rows of training and validation together, for the {steps} steps that validation had "
        "chosen, looking at nothing. Temperature and decision rule are still those of the validation rows that the "
        f"recorded model had not seen. On the test rows, which neither has seen: {came}.",
        "",
    ]


def _text_encoder(encoder: Mapping[str, Any] | None) -> list[str]:
    """Which pretrained encoder of texts the model needs, and where that is."""
    if encoder is None:
        return []
    where = {
        "named": "not in this folder: say where it is with encoder=FOLDER, if it is not where it was",
        "copied": "in this folder",
        "trained": "trained further, its weights and tokens in this folder",
    }[encoder["held"]]
    return [f"- texts are read by the encoder `{encoder['name']}`, {where}"]


def _settings(record: Record) -> str:
    held = record.config
    strategies = [f"{name}({_options(settings)})" for name, _, settings in held["strategies"]] or ["none"]
    model = {k: v for k, v in held["model"].items() if k not in ("name", "version", "takes")}
    return f"{' + '.join(strategies)}; {record.model}({_options(model)})"


def _options(settings: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in settings.items())
