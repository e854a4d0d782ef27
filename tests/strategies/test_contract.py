"""One suite over every registered strategy and model: what the contract promises of each, whatever it does."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import cache
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import yaml
from torch import Tensor

from bench import config
from bench.models.parts.build import build_network
from bench.models.registry import MODELS, kind, refusal, takes
from bench.sweep.runner import training as cell_training
from strategies.predictor import Predictor
from strategies.registry import STRATEGIES, RegistryError
from strategies.spec import Bag, CosineHead, Features, Inapplicable, LinearHead, Recipe, Split, Strategy, Training
from strategies.stack import Chain
from tests import ROOT
from tests.conftest import SCHEMA, Toy, asking, logits, table, trained

CONF = ROOT / "conf"
NAMES = STRATEGIES.names()
MODEL_NAMES = tuple(n for n in MODELS.names() if takes(MODELS.get(n)).text != "subwords" and n != "tabm")  # have files
NETWORKS = tuple(name for name in MODEL_NAMES if kind(MODELS.get(name)) != "estimator")
TREATMENTS = tuple(name for name in NAMES if name != "none")


def section(group: str, name: str) -> dict[str, Any]:
    """A strategy's or model's YAML file."""
    loaded: dict[str, Any] = yaml.safe_load((CONF / group / f"{name}.yaml").read_text(encoding="utf-8"))
    return loaded.get("model", loaded)  # model files may also set training's defaults


def build(name: str, **parameters: Any) -> Strategy:
    """The strategy as a user gets it: its YAML, and these overrides."""
    (strategy,) = config.read_strategies({name: section("strategy", name) | parameters}) or (STRATEGIES.get("none")(),)
    return strategy


@cache
def toy(classes: int) -> Toy:
    return table((0.875, 0.125)) if classes == 2 else table((0.6, 0.25, 0.1, 0.05), seed=1)


def supports(strategy: Strategy, model: str) -> bool:
    return not refusal(MODELS.get(model), strategy)


def watched(training: Training, seen: list[Recipe]) -> Training:
    """The same training; every recipe that it asks for is noted."""
    asks = next(training)
    while True:
        seen.extend(asks)
        got = yield asks
        try:
            asks = training.send(got)
        except StopIteration as stop:
            return stop.value


@dataclass(frozen=True)
class Ran:
    """One strategy, driven to its end."""

    given: Recipe
    before: Any
    asks: tuple[Recipe, ...]
    predictor: Predictor


@cache
def ran(name: str, classes: int) -> Ran:
    """A strategy on a small table, through the trainer, with everything it asked for."""
    recipe = toy(classes).recipe()
    before, seen = snapshot(recipe), list[Recipe]()
    predictor = trained(watched(Chain((build(name),)).train(recipe), seen))
    return Ran(recipe, before, tuple(seen), predictor)


def snapshot(value: Any) -> Any:
    """A deep copy as plain containers, tensors cloned."""
    if isinstance(value, Tensor):
        return value.clone()
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: snapshot(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Mapping):
        return {k: snapshot(v) for k, v in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [snapshot(v) for v in value]
    return value


def same(a: Any, b: Any) -> bool:
    """Equal snapshots, tensors bit for bit."""
    if isinstance(a, Tensor):
        return isinstance(b, Tensor) and a.dtype == b.dtype and torch.equal(a, b)
    if isinstance(a, dict):
        return isinstance(b, dict) and a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list):
        return isinstance(b, list) and len(a) == len(b) and all(map(same, a, b))
    return bool(a == b)


def test_a_snapshot_sees_every_change() -> None:
    """What the purity tests rest on: one changed number anywhere in a recipe is seen."""
    recipe = table((0.5, 0.5)).recipe()
    before = snapshot(recipe)
    assert same(before, snapshot(recipe))
    for split in (recipe.train, recipe.val, *recipe.extra["other"]):
        for tensor in (split.y, split.x.columns["numeric"], split.x.columns["text"].weights):  # type: ignore[union-attr]
            kept = tensor.clone()
            tensor.view(-1)[-1] += 1
            assert not same(before, snapshot(recipe))
            tensor.copy_(kept)
    assert same(before, snapshot(recipe))


# --- registries and files ---


def test_a_strategy_is_one_module_and_one_yaml_file() -> None:
    """The registry is the folder conf/strategy, in both directions."""
    assert {path.stem for path in (CONF / "strategy").glob("*.yaml")} == set(NAMES) - set(STRATEGIES.plugged())


def test_a_model_is_one_module_and_one_yaml_file() -> None:
    """The registry is the folder conf/model, in both directions."""
    assert {path.stem for path in (CONF / "model").glob("*.yaml")} == set(MODELS.own())


@pytest.mark.parametrize("name", NAMES)
def test_the_registered_class_bears_the_name(name: str) -> None:
    """One name for module, class, YAML and boards."""
    cls = STRATEGIES.get(name)
    assert cls.name == name
    assert isinstance(cls.version, int)
    assert cls.owns <= set(Recipe.OWNED)


@pytest.mark.parametrize("name", MODEL_NAMES)
def test_the_registered_model_bears_the_name(name: str) -> None:
    """A model's section names it, so that a configuration says which one it is."""
    assert MODELS.get(name).name == name
    assert section("model", name)["name"] == name


def test_an_unknown_name_suggests_the_nearest() -> None:
    """Errors name what, expected, got, remedy."""
    with pytest.raises(RegistryError, match=r"Unknown strategy 'focl'\. Did you mean 'focal'\? Known: "):
        STRATEGIES.get("focl")
    with pytest.raises(RegistryError, match=r"Unknown model 'mpl'\. Did you mean 'mlp'\?"):
        MODELS.get("mpl")


@pytest.mark.parametrize("name", NAMES)
def test_yaml_holds_each_field_with_the_default_of_the_class(name: str) -> None:
    """Neither a parameter that the class lacks, nor one that the YAML hides, nor a second default."""
    raw = section("strategy", name)
    defaults = {f.name: getattr(STRATEGIES.get(name)(), f.name) for f in fields(STRATEGIES.get(name))}  # type: ignore[arg-type]
    listed = {k: tuple(v) if isinstance(v, list) else v for k, v in raw.items() if k not in ("space", "neutral")}
    assert listed == defaults
    assert build(name) == STRATEGIES.get(name)()


@pytest.mark.parametrize("name", MODEL_NAMES)
def test_yaml_of_a_model_holds_the_defaults_of_the_class(name: str) -> None:
    """As for strategies; lists stand for tuples."""
    assert config.read_model(section("model", name)) == MODELS.get(name)()


@pytest.mark.parametrize("name", NAMES)
def test_yaml_lives_in_its_own_package(name: str) -> None:
    """Several files of the group merge without overwriting one another only with this header."""
    first = (CONF / "strategy" / f"{name}.yaml").read_text(encoding="utf-8").splitlines()[0]
    assert first == f"# @package strategy.{name}"


def corners(spec: Any) -> list[Any]:
    """Values of one dimension of a search space, for two classes and for more: every choice, both bounds."""
    if isinstance(spec, dict) and "low" not in spec:
        return [value for part in spec.values() for value in corners(part)]
    return spec if isinstance(spec, list) else [spec["low"], spec["high"], *spec.get("also", [])]


@pytest.mark.parametrize("name", NAMES)
def test_every_corner_of_the_search_space_is_a_valid_setting(name: str) -> None:
    """Keys of `space` are hyperparameters, and tuning cannot propose what the class refuses."""
    known = {f.name for f in fields(STRATEGIES.get(name))}  # type: ignore[arg-type]
    for key, spec in section("strategy", name)["space"].items():
        assert key in known
        for value in corners(spec):
            assert getattr(build(name, **{key: value}), key) == value


@pytest.mark.parametrize("name", MODEL_NAMES)
def test_every_corner_of_a_models_search_space_is_a_valid_setting(name: str) -> None:
    raw = section("model", name)
    for key, spec in raw["space"].items():
        for value in corners(spec):
            asked = tuple(value) if isinstance(value, list) else value
            assert getattr(config.read_model(raw | {key: value}), key) == asked


@pytest.mark.parametrize("name", TREATMENTS)
def test_the_neutral_setting_is_a_setting(name: str) -> None:
    """It builds, and says something that the default does not."""
    assert build(name, **section("strategy", name)["neutral"]) != build(name)


# --- cards ---


@pytest.mark.parametrize("name", NAMES)
def test_the_docstring_is_a_card(name: str) -> None:
    """One sentence, a dated source, suggested values, what it combines badly with."""
    card = STRATEGIES.card(name)
    first = card.split("\n\n")[0].replace("\n", " ")
    assert first.endswith(".")
    assert not re.search(r"\. [A-Z]", first)
    flat = " ".join(card.split())
    assert re.search(r"\b(19|20)\d\d\b", flat), "expected a paper and its year"
    assert "Suggested values" in flat
    assert ("Combines with: everything" if name == "none" else "Combines badly with") in flat


@pytest.mark.parametrize("name", MODEL_NAMES)
def test_the_docstring_of_a_model_opens_with_one_sentence(name: str) -> None:
    first = MODELS.card(name).split("\n\n")[0].replace("\n", " ")
    assert first.endswith(".")
    assert not re.search(r"\. [A-Z]", first)


# --- purity and what is asked for ---


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("name", NAMES)
def test_training_does_not_change_the_recipe_it_was_given(name: str, classes: int) -> None:
    """Strategies share tables: every tensor is, after a whole training, what it was."""
    done = ran(name, classes)
    assert same(done.before, snapshot(done.given))


@pytest.mark.parametrize("name", NAMES)
def test_prepare_is_pure(name: str) -> None:
    """The same recipe twice gives the same recipe twice, and stays as it was."""
    recipe = toy(4).recipe()
    before = snapshot(recipe)
    first, second = build(name).prepare(recipe), build(name).prepare(recipe)
    assert same(snapshot(first), snapshot(second))
    assert same(before, snapshot(recipe))


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("name", NAMES)
def test_validation_rows_are_untouched(name: str, classes: int) -> None:
    """The split object itself, for each model that is evaluated; fits in service of it validate on given rows."""
    done = ran(name, classes)
    assert any(not ask.auxiliary for ask in done.asks)
    inputs = [done.given.val.x, *(val.x for _, val in done.given.extra.values())]
    for ask in done.asks:
        untouched = not ask.auxiliary and not STRATEGIES.get(name).relabels
        assert (ask.val is done.given.val) if untouched else any(ask.val.x is x for x in inputs)
        assert ask.val.weight is None


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("name", NAMES)
def test_weights_are_finite_and_not_negative(name: str, classes: int) -> None:
    """One per row, and not all zero."""
    for ask in ran(name, classes).asks:
        weight = ask.train.weight
        if weight is not None:
            assert weight.shape == ask.train.y.shape
            assert weight.dtype == torch.float64
            assert bool(torch.isfinite(weight).all())
            assert bool((weight >= 0).all())
            assert float(weight.sum()) > 0


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("name", NAMES)
def test_epochs_are_rows_of_the_training_split(name: str, classes: int) -> None:
    """Indices in range, epoch after epoch, with rows of every class."""
    for ask in ran(name, classes).asks:
        generator = ask.generator("order")
        for _ in range(5):
            rows = ask.epoch(generator)
            assert rows.dtype == torch.int64
            assert rows.dim() == 1
            assert 0 <= int(rows.min()) <= int(rows.max()) < len(ask.train)
            assert set(ask.train.y[rows].tolist()) == set(ask.train.y.tolist())


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("name", NAMES)
def test_a_strategy_sets_only_what_it_owns(name: str, classes: int) -> None:
    """Clashes show when planning only if `owns` is true."""
    done, owns = ran(name, classes), STRATEGIES.get(name).owns
    for ask in done.asks:
        if not ask.auxiliary:
            assert set(ask.claims) <= owns
            changed = {f for f in Recipe.OWNED if getattr(ask, f) != getattr(done.given, f)}
            assert changed <= owns


@pytest.mark.parametrize("name", NAMES)
def test_the_harness_choices_are_passed_on(name: str) -> None:
    """Model, batch, learning rate, decay, seed and number type are the harness's; steps are never more than given."""
    done = ran(name, 4)
    for ask in done.asks:
        for key in ("model", "batch_size", "lr", "weight_decay", "eval_every", "patience", "seed", "dtype"):
            assert getattr(ask, key) == getattr(done.given, key)
        assert ask.max_steps <= done.given.max_steps
        assert ask.auxiliary or ask.max_steps == done.given.max_steps


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("name", NAMES)
def test_the_predictor_gives_logits_a_prior_and_its_cost(name: str, classes: int) -> None:
    """(n, C) finite logits; a prior of positive numbers with sum 1; every fit charged."""
    done = ran(name, classes)
    z = done.predictor.logits(done.given.val.x)
    assert z.shape == (len(done.given.val), classes)
    assert bool(torch.isfinite(z).all())
    assert done.predictor.prior.shape == (classes,)
    assert done.predictor.prior.dtype == torch.float64
    assert float(done.predictor.prior.sum()) == pytest.approx(1, abs=1e-12)
    assert bool((done.predictor.prior > 0).all())
    assert done.predictor.cost.fits == len(done.asks)
    assert done.predictor.cost.steps == sum(ask.max_steps for ask in done.asks)  # six steps never stop early
    assert done.predictor.cost.seconds > 0


# --- training ---


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("name", NAMES)
def test_two_drives_are_bit_identical(name: str, classes: int) -> None:
    """Everything is drawn from the recipe's own streams: torch's global one is set otherwise, and does not matter."""
    done = ran(name, classes)
    torch.manual_seed(12345)
    again = logits(Chain((build(name),)).train(toy(classes).recipe()), done.given.val)
    assert torch.equal(done.predictor.logits(done.given.val.x), again)


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("model", MODEL_NAMES)
@pytest.mark.parametrize("name", NAMES)
def test_two_training_steps_with_every_model(name: str, model: str, classes: int) -> None:
    """Each pair trains, or is refused at once in words that name both."""
    strategy, recipe = build(name), toy(classes).recipe(model=config.read_model(section("model", model)), max_steps=2)
    if supports(strategy, model):
        z = logits(Chain((strategy,)).train(recipe), recipe.val)
        assert bool(torch.isfinite(z).all())
        assert z.shape == (len(recipe.val), classes)
    else:
        planned: Any = SimpleNamespace(
            cell=SimpleNamespace(strategies=(strategy,), model=recipe.model, train=config.TrainConfig())
        )
        with pytest.raises(Inapplicable, match=f"(?s){name}.*{model}"):
            cell_training(planned, None)  # type: ignore[arg-type]


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("name", TREATMENTS)
def test_the_neutral_setting_is_none(name: str, classes: int) -> None:
    """Off means off, bit for bit: neutral samplers draw nothing, neutral weights and γ = 0 multiply by 1.0."""
    recipe = toy(classes).recipe(max_steps=30, eval_every=10)
    off = trained(Chain((build(name, **section("strategy", name)["neutral"]),)).train(recipe))
    plain = trained(Chain(()).train(recipe))
    assert torch.equal(off.logits(recipe.val.x), plain.logits(recipe.val.x))
    assert torch.equal(off.prior, plain.prior)
    assert off.prior_exact
    assert off.cost.fits == 1


@pytest.mark.parametrize("name", TREATMENTS)
def test_the_default_setting_is_not_none(name: str) -> None:
    """On means on: the test above does not hold because nothing is ever done."""
    recipe = toy(2).recipe(max_steps=30, eval_every=10)
    on, plain = (logits(Chain(parts).train(recipe), recipe.val) for parts in ((build(name),), ()))
    assert not torch.allclose(on.double(), plain.double(), atol=1e-3)


@pytest.mark.parametrize("seed", [0, 4])
@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_is_initialised_from_the_seed_alone(name: str, seed: int) -> None:
    """The same seed gives the same parameters, alone or as any member of a stack."""
    model, recipe, prior = MODELS.get(name)(), toy(4).recipe(seed=seed), torch.full((4,), 0.25)
    other = replace(recipe, seed=99)
    alone = build_network(model, 1, SCHEMA, LinearHead(), 4)
    pair = build_network(model, 2, SCHEMA, LinearHead(), 4)
    for part in (alone, pair):
        for p in part.parameters():
            p.data.fill_(float("nan"))  # so that what is left uninitialised shows
    alone.start(0, recipe, prior)
    pair.start(0, other, prior)
    pair.start(1, recipe, prior)
    for p, q in zip(alone.parameters(), pair.parameters(), strict=True):
        assert bool(torch.isfinite(q).all())
        assert torch.equal(p.data[0], q.data[1])
    if model.has_encoder:
        assert any(not torch.equal(p.data[0], p.data[1]) for p in pair.parameters())


@pytest.mark.parametrize("name", MODEL_NAMES)
def test_a_model_takes_every_head_or_refuses_it(name: str) -> None:
    """Linear heads of any width; a cosine head where there is an encoding."""
    model = MODELS.get(name)()
    recipe = toy(2).recipe(model=model, max_steps=2)
    if name in NETWORKS:
        net = build_network(model, 1, SCHEMA, LinearHead(7), 2)
        net.start(0, replace(recipe, head=LinearHead(7)), torch.tensor([0.5, 0.5]))
        assert net.eval()(toy(2).val.x).shape == (1, 120, 7)
    else:
        with pytest.raises(Inapplicable, match=f"{name} cannot honour a head of its own width"):
            trained(asking(replace(recipe, head=LinearHead(7))))
    cosine = asking(replace(recipe, head=CosineHead(scale=5.0)))
    if model.has_encoder:
        assert float(logits(cosine, recipe.val).abs().max()) <= 5 + 1e-5
    else:
        with pytest.raises(Inapplicable, match=name):
            trained(cosine)


@pytest.mark.parametrize("name", MODEL_NAMES)
def test_rows_do_not_influence_one_another(name: str) -> None:
    """A prediction for a row is the same alone, in any order, and among others."""
    recipe = toy(4).recipe(model=MODELS.get(name)())
    predictor = trained(asking(recipe))
    x, order = recipe.val.x, torch.randperm(120, generator=torch.Generator().manual_seed(0))
    z = predictor.logits(x)
    torch.testing.assert_close(predictor.logits(x.take(order)), z[order])
    torch.testing.assert_close(predictor.logits(x.take(torch.tensor([17]))), z[17:18])


def test_split_and_features_are_compared_by_identity() -> None:
    """Equal recipes are found by hashing, never by comparing tables."""
    assert Split.__eq__ is object.__eq__
    assert Features.__eq__ is object.__eq__
    assert Bag.__eq__ is object.__eq__
