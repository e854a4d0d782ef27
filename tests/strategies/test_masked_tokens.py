"""Masked tokens: how many, what becomes of them, which are never among them; against transformers' own collator."""

from __future__ import annotations

from math import sqrt
from pathlib import Path

import pytest
import torch
from torch import Tensor

from strategies.features import MASKED
from strategies.parts.masked_tokens import MaskTokens, any_text
from strategies.spec import Features, Field, Split
from tests.strategies.rows import gen

SPECIAL, MASK = (0, 2, 3, 7), 7  # padding, two ends, the mask; of a vocabulary of 40


def rows_of(n: int, width: int = 20, seed: int = 0) -> Features:
    """Texts of 0 to `width` - 2 tokens between two ends, then padding."""
    g = gen(seed)
    field = Field("text", "tokens", (40,), width, "somewhere", MASK, SPECIAL)
    length = torch.randint(0, width - 1, (n, 1), generator=g)
    at = torch.arange(width)
    tokens = torch.where(at < length + 1, any_text(field, torch.Size((n, width)), g), 0)
    tokens[:, 0] = 2
    tokens.scatter_(1, length + 1, 3)
    return Features((field, Field("price", "numeric")), {"text": tokens, "price": torch.randn(n, 1, generator=g)})


def masked(x: Features, longest: int = 20, seed: int = 1) -> tuple[Tensor, Tensor, Tensor, Features]:
    """Tokens before and after, which of them are to be guessed; all targets; the batch."""
    y = torch.zeros(len(x), dtype=torch.int64)
    made, targets = MaskTokens(x.schema[0], longest)(x, y, gen(seed), Split(x, y, 1))
    before, after, chosen = x.columns["text"], made.columns["text"], made.columns[MASKED]
    assert isinstance(before, Tensor)
    assert isinstance(after, Tensor)
    assert isinstance(chosen, Tensor)
    assert torch.equal(targets, before[chosen])
    return before, after, chosen, made


def near(count: int, of: int, share: float) -> bool:
    """Whether so many of so many are a draw of that share, by five standard deviations."""
    return abs(count - of * share) < 5 * sqrt(of * share * (1 - share))


def test_shares_are_the_papers_and_special_tokens_stay() -> None:
    x = rows_of(4000)
    before, after, chosen, made = masked(x)
    special = torch.isin(before, torch.tensor(SPECIAL))
    assert not bool((chosen & special).any())
    assert torch.equal(before[~chosen], after[~chosen])
    assert near(int(chosen.sum()), int((~special).sum()), 0.15)
    hidden, changed = after[chosen] == MASK, after[chosen] != before[chosen]
    n = int(chosen.sum())
    assert near(int(hidden.sum()), n, 0.8)
    assert near(int((changed & ~hidden).sum()), n, 0.1 * 35 / 36)  # one in 36 draws is the token itself
    assert not bool(torch.isin(after[chosen & (after != MASK)], torch.tensor(SPECIAL)).any())
    assert made.columns["price"] is x.columns["price"]


def test_tokens_that_the_model_does_not_read_are_not_to_be_guessed() -> None:
    before, after, chosen, _ = masked(rows_of(500), longest=6)
    assert bool(chosen[:, :6].any())
    assert not bool(chosen[:, 6:].any())
    assert torch.equal(before[:, 6:], after[:, 6:])


def test_every_token_of_text_is_drawn_alike_and_no_other() -> None:
    field = rows_of(1).schema[0]
    counts = torch.bincount(any_text(field, torch.Size((36_000,)), gen()), minlength=40)
    assert counts[list(SPECIAL)].sum() == 0
    others = counts[[i for i in range(40) if i not in SPECIAL]]
    assert bool(((others - 1000).abs() < 5 * sqrt(1000)).all())


def test_a_batch_always_has_something_to_guess() -> None:
    """One word: it is chosen by itself sooner or later, otherwise alone. No word at all: the first token, unchanged."""
    field = rows_of(1).schema[0]
    one = Features((field,), {"text": torch.tensor([[2, 11, 3, 0]])})
    for seed in range(8):
        _, _, chosen, _ = masked(one, seed=seed)
        assert chosen.tolist() == [[False, True, False, False]]
    before, after, chosen, _ = masked(Features((field,), {"text": torch.tensor([[2, 3, 0, 0]])}))
    assert chosen.tolist() == [[True, False, False, False]]
    assert torch.equal(before, after)


def test_transformers_collator_draws_the_same_shares(tmp_path: Path) -> None:
    """The same texts through both: the numbers of tokens hidden, replaced and left differ by chance only."""
    transformers = pytest.importorskip("transformers", reason="the extra `text` is not installed")
    from tests.data.embeddings.made_encoders import WORDS, tokenizer

    tokenizer(tmp_path / "tokenizer.json", ends=True)
    names = {"pad_token": "[PAD]", "mask_token": "[MASK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    own = transformers.PreTrainedTokenizerFast(tokenizer_file=str(tmp_path / "tokenizer.json"), **names)
    g = gen(3)
    texts = [" ".join(WORDS[i] for i in torch.randint(len(WORDS), (12,), generator=g).tolist()) for _ in range(2000)]
    rows = own(texts)["input_ids"]
    collator = transformers.DataCollatorForLanguageModeling(own, mlm_probability=0.15, seed=5)
    theirs = collator([{"input_ids": row} for row in rows])
    special = tuple(sorted(own.all_special_ids))
    field = Field("text", "tokens", (len(own),), len(rows[0]), "", own.mask_token_id, special)
    before, after, chosen, _ = masked(Features((field,), {"text": torch.tensor(rows)}))
    counts = []
    for new, named in ((after, chosen), (theirs["input_ids"], theirs["labels"] != -100)):
        hidden = named & (new == own.mask_token_id)
        counts.append([int(named.sum()), int(hidden.sum()), int((named & ~hidden & (new == before)).sum())])
        assert not bool((named & torch.isin(before, torch.tensor(special))).any())
    text = 2000 * 12
    for ours, other, share in zip(counts[0], counts[1], (0.15, 0.12, 0.15 * (0.1 + 0.1 / 10)), strict=True):
        assert near(ours, text, share)
        assert abs(ours - other) < 5 * sqrt(2 * text * share)
