"""Blends of fitted models, as sums of their scores on one scale."""

from collections.abc import Callable, Mapping

import numpy as np

from mien.core.errors import UnknownName
from mien.features.weights import DEFAULT_WEIGHTS
from mien.models.named import MODELS
from mien.models.ranked import Scores
from mien.ranking.options import RankingOptions

Scale = Callable[[Scores], Scores]
_LIVE = RankingOptions()
_PURCHASE = np.float32(DEFAULT_WEIGHTS.purchase)


def _of_best(scores: Scores) -> Scores:
    """Over the highest score of the user."""
    best = scores.max(axis=1, keepdims=True)
    best[best <= 0] = 1.0
    shares: Scores = scores / best
    return shares


def _as_is(scores: Scores) -> Scores:
    """What EASE gives counts in decayed purchases already."""
    return scores


def _in_purchases(scores: Scores) -> Scores:
    """Decayed action weights in decayed purchases."""
    return scores / _PURCHASE


def _saturated(scores: Scores) -> Scores:
    """x / (x + 1) of decayed purchases x: the first time counts most."""
    x = _in_purchases(scores)
    return x / (x + 1)


def _logarithm(scores: Scores) -> Scores:
    """log(1 + x) over log(1 + the highest x)."""
    return _of_best(np.log1p(scores))


BLENDS: dict[str, dict[str, tuple[float, Scale]]] = {
    "repeat+ease": {"repeat": (1.0, _in_purchases), "ease": (1.0, _as_is)},
    "repeat+item-neighbours+popular": {
        "repeat": (_LIVE.repeat, _saturated),
        "item-neighbours": (_LIVE.neighbour, _of_best),
        "popular": (_LIVE.popular, _logarithm),
    },
}
"""Name → model → (weight, scale). The last is what answers live, with the default weights of the ranking."""


def parts_of(name: str) -> tuple[str, ...]:
    """The models that a name stands for: one, or those of a blend written as “repeat+ease”."""
    parts = tuple(name.split("+"))
    for part in parts:
        if part not in MODELS:
            raise UnknownName("model", part, [*MODELS, *BLENDS])
    return parts


def blended(name: str, scores: Mapping[str, Scores]) -> Scores:
    """`(users, items)`: the scores of a model, or of a blend; one that has no scales of its own adds up shares of the
    best score of each part."""
    parts = parts_of(name)
    if len(parts) == 1:
        return scores[name]
    recipe = BLENDS.get(name) or dict.fromkeys(parts, (1.0, _of_best))
    total = np.zeros_like(scores[parts[0]])
    for part, (weight, scale) in recipe.items():
        total += np.float32(weight) * scale(scores[part])
    return total
