"""Terms of text: scikit-learn's own for words; characters where words have no blanks; single characters count."""

from __future__ import annotations

import builtins
from typing import Any

import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

from bench.data.errors import DataError
from bench.data.features.terms import analyzer, characters_and_pairs, settled, tokenizer
from bench.data.tables.infer import count_words

ENGLISH = ["Nice dress, fits well.", "The colour is not what I expected", "a I 42 x-ray"]


@pytest.mark.parametrize("text", ENGLISH)
def test_texts_with_blanks_have_the_terms_of_scikit_learn(text: str) -> None:
    theirs = TfidfVectorizer(ngram_range=(1, 2)).build_analyzer()
    assert analyzer("auto", ENGLISH) is None
    assert sorted(characters_and_pairs(text)) == sorted(theirs(text))
    assert tokenizer("auto", ENGLISH)(text) == TfidfVectorizer().build_analyzer()(text)


@pytest.mark.parametrize("text", ["质量很好", "とても良い", "สินค้าดีมาก"])
def test_texts_without_blanks_have_the_characters_and_pairs_that_scikit_learn_finds(text: str) -> None:
    theirs = TfidfVectorizer(analyzer="char", ngram_range=(1, 2)).build_analyzer()
    cut = analyzer("auto", [text])
    assert cut is not None
    assert sorted(cut(text)) == sorted(theirs(text))
    assert tokenizer("auto", [text])(text) == list(text)


def test_words_among_characters_stay_words() -> None:
    found = characters_and_pairs("买了iPhone 15，好")
    assert {"iphone", "15", "iphone 15", "买", "买了", "好"} <= set(found)
    assert "i" not in found


def test_a_few_foreign_documents_change_nothing() -> None:
    assert settled("auto", [*ENGLISH * 20, "质量很好"]) == "words"
    assert settled("auto", [*ENGLISH, "质量很好"]) == "characters"
    assert settled("words", ["质量很好"]) == "words"


def test_jieba_is_asked_for_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "jieba":
            raise ImportError
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(DataError, match=r"data.terms=jieba: expected the package jieba, got none. Install it"):
        analyzer("jieba", [])


def test_four_characters_count_as_a_word_where_words_have_no_blanks() -> None:
    assert count_words("昨天收到裙子质量很好物流") == 3
    assert count_words("北京市") == 1
    assert count_words("General Petite") == 2
