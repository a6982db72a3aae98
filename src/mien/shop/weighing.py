"""An answer under other weights than the shop's: what `[ranking]` would do, before it is written down."""

from collections.abc import Mapping
from copy import copy
from dataclasses import replace
from typing import Any

from mien.core.errors import UnknownName
from mien.ranking.options import RankingOptions
from mien.ranking.shelf import Context

WEIGHTS = ("text", "meaning", "popular", "repeat", "seen", "neighbour", "behaviour", "tag")
"""The weights of the blend, as `RankingOptions` names them."""


def weights_of(options: RankingOptions) -> dict[str, float]:
    """Weight by name, as they hold."""
    return {name: float(getattr(options, name)) for name in WEIGHTS}


def weighed(context: Context, weights: Mapping[str, float]) -> Context:
    """The same question under these weights, the others as they hold; a learned ranker, which weighs by itself, is out.

    `UnknownName` for a weight there is not, `UsageError` for what `RankingOptions` refuses.
    """
    for name in weights:
        if name not in WEIGHTS:
            raise UnknownName("weight", name, WEIGHTS)
    shelf = copy(context.shelf)  # keeps what the shelf has worked out; `replace` would have it made anew
    for learnt in ("ranker", "close"):
        object.__setattr__(shelf, learnt, None)
    changed: dict[str, Any] = dict(weights)
    return replace(context, shelf=shelf, options=replace(context.options, **changed))
