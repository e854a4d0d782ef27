"""Train several strategies side by side and average their probabilities, each brought under one class prior first.

The sum rule (Kittler et al. 1998, doi:10.1109/34.667881, eq. 11) with equal weights. `of` names the voters, `none`
among them if it is to vote; a voter that is listed after this one in the stack has the settings of `strategy.NAME`,
the others their defaults: 'strategy=[soft_vote,focal]' strategy.focal.gamma=1 'strategy.soft_vote.of=[none,focal]'.
What else is listed after it treats every voter. Costs a fit (or more) for each. Suggested values: three voters that
differ; [none] is off. Effect: the prior of the first voter. Combines badly with: `balanced_bagging`, `easy_ensemble`
(fits multiply).
Published: the sum rule beat other ways of combining classifiers, for faces, voices and handwritten digits. Here: voters
that rank rows alike are averaged to that ranking: it is within a hundredth of `none`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from strategies.predictor import Mean
from strategies.registry import STRATEGIES
from strategies.spec import Chain, Recipe, Strategy, Training, lockstep


@dataclass(frozen=True)
class SoftVote(Strategy):
    """The mean of the predictions of the strategies `of`."""

    name = "soft_vote"
    of: tuple[str, ...] = ("none", "class_weights", "undersample")

    def __post_init__(self) -> None:
        if not self.of or len(set(self.of)) < len(self.of) or self.name in self.of:
            raise ValueError(f"soft_vote of: expected names of other strategies, each once, got {list(self.of)}")

    def alternatives(self) -> frozenset[str]:
        return frozenset(self.of)

    def within(self, listed: frozenset[str]) -> tuple[Strategy, ...]:
        return tuple(STRATEGIES.get(name)() for name in self.of if name not in listed)

    def train(self, recipe: Recipe) -> Training:
        own = {voter.name: voter for voter in self.within(recipe.listed)}
        voters = []
        for name in self.of:
            alone = replace(recipe, passing=frozenset(self.of) - {name})
            voters.append(Chain((own[name],) if name in own else ()).train(alone))
        got = yield from lockstep(voters)
        for voter in got:
            if isinstance(voter, Exception):
                raise voter
        parts = tuple(voter for voter in got if not isinstance(voter, Exception))
        return parts[0] if len(parts) == 1 else Mean(parts)
