"""What `compare` takes."""

from __future__ import annotations

from bench.cli.verbs.compare import positional


def test_folders_and_overrides_are_told_apart_and_rules_are_quoted() -> None:
    """`<` is no part of Hydra's grammar; a folder may have = in its name."""
    folders, overrides = positional(["a", "x/k=v", "board.fail_if=score<-1; missing>0", "board.metric=raw/auroc"])
    assert folders == ["a", "x/k=v"]
    assert overrides == ["board.fail_if='score<-1; missing>0'", "board.metric=raw/auroc"]
    assert positional(["board.fail_if='runs>1'"])[1] == ["board.fail_if='runs>1'"]
