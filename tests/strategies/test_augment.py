"""New texts: what each operation may do to words, for whom rows are made, and who knows that they are."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bench.data.features.load import encode_parts
from bench.data.features.table_texts import joined
from bench.data.features.terms import characters_and_pairs, tokenizer
from bench.training.scoring import natural_prior
from strategies.augment import Augment, synonyms
from strategies.class_weights import ClassWeights
from strategies.importance_weighted import ImportanceWeighted
from strategies.parts import altered_words
from strategies.parts.altered_words import altered, recombined
from strategies.spec import Bag, Features, Inapplicable, Recipe, Takes
from strategies.stack import Chain
from tests.conftest import Toy, table
from tests.data.asked import asked
from tests.strategies.fits import run

WORDS = st.lists(st.sampled_from("abcdefgh"), min_size=2, max_size=30)


def subsequence(short: list[str], long: list[str]) -> bool:
    rest = iter(long)
    return all(word in rest for word in short)


@pytest.mark.oracle("augment", "counts and order of words")
@given(WORDS, st.integers(1, 5), st.integers(0, 99))
def test_each_operation_changes_so_many_words_and_nothing_else(words: list[str], count: int, seed: int) -> None:
    """Swapped: the same words. Deleted: some in their order, never none. Inserted: all in their order, and new ones."""
    draw = random.Random(seed)
    swapped = altered_words._swapped(words, count, (), draw)
    assert Counter(swapped) == Counter(words)
    assert sum(a != b for a, b in zip(swapped, words, strict=True)) <= 2 * count
    deleted = altered_words._deleted(words, count, (), draw)
    assert subsequence(deleted, words)
    assert len(deleted) == max(1, len(words) - count)
    inserted = altered_words._inserted(words, count, ["x", "y"], draw)
    assert subsequence(words, inserted)
    assert len(inserted) == len(words) + count
    assert Counter(inserted) - Counter(words) == Counter(w for w in inserted if w in "xy")
    there = [i for i, word in enumerate(words) if word in "ab"]
    replaced = altered_words._replaced(words, there, count, {"a": ["A"], "b": ["B"]}, draw)
    changed = [i for i, (a, b) in enumerate(zip(words, replaced, strict=True)) if a != b]
    assert len(changed) == min(count, len(there))
    assert all(replaced[i] == words[i].upper() for i in changed)


def test_every_operation_is_drawn_and_synonyms_only_where_there_are_some() -> None:
    words, found = ["a", "b", "c", "d"], Counter[str]()
    draw = random.Random(0)
    for _ in range(400):
        out = altered(words, 0.25, ["x"], {"a": ["A"]}, draw)
        kind = "replaced" if "A" in out else "inserted" if "x" in out else "deleted" if len(out) == 3 else "swapped"
        found[kind] += 1
    assert all(60 < found[kind] < 140 for kind in ("replaced", "inserted", "deleted", "swapped"))
    assert all("A" not in altered(words, 0.25, ["x"], {}, draw) for _ in range(100))
    assert altered(["a"], 0.5, ["x"], {}, draw) == ["a"]


@given(WORDS, WORDS, st.integers(0, 99))
def test_a_recombined_text_begins_as_one_and_ends_as_the_other(a: list[str], b: list[str], seed: int) -> None:
    out = recombined(a, b, random.Random(seed))
    cuts = [n for n in range(1, len(a) + 1) if out[:n] == a[:n] and out[n:] == b[len(b) - len(out) + n :]]
    assert any(n >= len(a) / 4 and len(out) - n >= len(b) / 4 - 1 for n in cuts)


def test_rows_are_made_for_rare_classes_up_to_the_ratio_and_to_so_many_copies() -> None:
    toy = table((0.6, 0.25, 0.1, 0.05), seed=1)
    before = torch.bincount(toy.train.y).tolist()
    recipe = Augment(ratio=0.5, copies=2).prepare(toy.recipe())
    after = torch.bincount(recipe.train.y).tolist()
    half = int(0.5 * max(before))
    assert after == [n + max(0, min(half - n, 2 * n)) for n in before]
    assert recipe.notes["rows_made"] == sum(after) - sum(before)
    assert not recipe.prior_exact


@pytest.mark.parametrize("method", ["eda", "recombine"])
def test_what_is_not_text_is_the_parents_and_natural_rows_stay(method: str, multi: Toy) -> None:
    """All original rows come first, unchanged; a made row has a row of its class with its numbers and categories."""
    recipe = Augment(method=method).prepare(multi.recipe())  # type: ignore[arg-type]
    n, x = len(multi.train), recipe.train.x
    assert torch.equal(recipe.train.y[:n], multi.train.y)
    for name, value in multi.train.x.columns.items():
        got = x.take(torch.arange(n)).columns[name]
        if isinstance(value, Bag):
            assert isinstance(got, Bag)
            assert torch.equal(got.ids, value.ids)
        else:
            assert isinstance(got, torch.Tensor)
            assert torch.equal(got, value)
    numbers, codes = x.columns["numeric"], x.columns["categorical"]
    assert isinstance(numbers, torch.Tensor)
    assert isinstance(codes, torch.Tensor)
    for row in range(n, len(recipe.train)):
        same = (numbers[:n] == numbers[row]).all(1) & (codes[:n] == codes[row]).all(1)
        assert bool((same & (multi.train.y == recipe.train.y[row])).any())
    assert recipe.val is multi.val


def test_made_rows_are_no_natural_ones(multi: Toy) -> None:
    """The prior to correct to stays; what trains on the side has natural rows only; weights count what is there."""
    recipe = Augment().prepare(multi.recipe())
    torch.testing.assert_close(natural_prior(recipe.train), natural_prior(multi.train))
    assert recipe.aside().train is multi.train
    weighted = ClassWeights().prepare(recipe)
    torch.testing.assert_close(weighted.mass(), torch.full((4,), 0.25, dtype=torch.float64))
    asks: list[Recipe] = []
    training = Chain((Augment(), ImportanceWeighted(mix=0.5))).train(multi.recipe())
    asks += next(training)
    assert asks[0].train is multi.train


def test_weights_that_came_with_the_data_are_inherited(multi: Toy) -> None:
    g = torch.Generator().manual_seed(0)
    weight = torch.rand(len(multi.train), generator=g, dtype=torch.float64) + 0.5
    recipe = multi.recipe(train=replace(multi.train, weight=weight, natural=weight))
    made = Augment().prepare(recipe).train
    assert made.weight is made.natural
    assert made.weight is not None
    assert len(made.weight) == len(made.y)
    torch.testing.assert_close(natural_prior(made), natural_prior(recipe.train))


def test_off_is_none_and_the_same_seed_makes_the_same_texts(binary: Toy) -> None:
    recipe = binary.recipe()
    assert Augment(copies=0).prepare(recipe) is recipe
    assert Augment(ratio=0).prepare(recipe) is recipe
    one, two = (Augment().prepare(recipe).train.x.columns["text"] for _ in range(2))
    other = Augment().prepare(replace(recipe, seed=9)).train.x.columns["text"]
    assert isinstance(one, Bag)
    assert isinstance(two, Bag)
    assert isinstance(other, Bag)
    assert torch.equal(one.ids, two.ids)
    assert one.ids.tolist() != other.ids.tolist()


def test_without_text_or_without_a_rare_class_it_does_not_apply(binary: Toy) -> None:
    with pytest.raises(Inapplicable, match="expected a table with text"):
        run([Augment()], binary.recipe(train=replace(binary.train, texts=None)))
    balanced = replace(binary.train, y=torch.arange(len(binary.train)) % 2)
    with pytest.raises(Inapplicable, match="nothing to add to"):
        run([Augment()], binary.recipe(train=balanced))


@pytest.mark.parametrize("text", ["terms", "tokens"])
def test_new_texts_are_shown_as_the_encoders_of_the_training_rows_show_any(text: str) -> None:
    """A text as it is, given by its words, becomes the very features that the row has."""
    config = asked("womens", target="one_star", vocabulary=500)
    data = encode_parts(config.load(), config, 0, 0, Takes(text=text))  # type: ignore[arg-type]
    texts = data.train.texts
    assert texts is not None
    rows = torch.tensor([0, 5, 17])
    shown = texts.shown([texts.of(int(row)) for row in rows])
    got, own = shown["text"], data.train.x.take(rows).columns["text"]
    if isinstance(got, Bag) and isinstance(own, Bag):
        assert torch.equal(got.ids, own.ids)
        torch.testing.assert_close(got.weights, own.weights)
    else:
        assert isinstance(got, torch.Tensor)
        assert isinstance(own, torch.Tensor)
        assert torch.equal(got, own)
    assert set(shown) == {"text"}


def test_characters_are_the_words_of_chinese() -> None:
    """Cut, altered and joined: no blank comes between two characters, and pairs are those of the new order."""
    text = "房间很脏 wifi 太慢"
    words = tokenizer("characters", [text])(text)
    assert words == ["房", "间", "很", "脏", "wifi", "太", "慢"]
    assert joined(words) == "房间很脏 wifi 太慢"
    assert "脏很" in characters_and_pairs(joined(["房", "间", "脏", "很"]))


def test_a_lexicon_is_read_and_a_bad_one_refused(tmp_path: Path) -> None:
    path = tmp_path / "words.tsv"
    path.write_text("Good\tfine, Great\n\nbad\tpoor\n", encoding="utf-8")
    assert synonyms(str(path)) == {"good": ("fine", "great"), "bad": ("poor",)}
    path.with_suffix(".bad").write_text("good fine", encoding="utf-8")
    with pytest.raises(ValueError, match="line 1: expected a word, a tab"):
        synonyms(str(path.with_suffix(".bad")))
    with pytest.raises(ValueError, match="expected a file, got none"):
        synonyms(str(tmp_path / "none"))


def test_features_of_made_rows_come_from_the_new_texts(binary: Toy) -> None:
    """With everything deleted but one word, a made row has one word."""
    recipe = Augment(alpha=1.0, copies=1).prepare(binary.recipe())
    made = recipe.train.x.take(torch.arange(len(binary.train), len(recipe.train)))
    assert isinstance(made, Features)
    bag = made.columns["text"]
    assert isinstance(bag, Bag)
    lengths = bag.offsets.diff()
    parents = binary.train.x.take(torch.arange(len(binary.train))).columns["text"]
    assert isinstance(parents, Bag)
    assert int((lengths == 1).sum()) > 0
    assert int(lengths.max()) > 1
