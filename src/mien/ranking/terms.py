"""The terms that hold for everybody, each between 0 and its weight (tiers and pins aside); the others: `personal`."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from mien.core.ids import Rows
from mien.core.item import Facet
from mien.core.query import PRICE
from mien.core.words import query_words
from mien.models.demand import Demand
from mien.profiles.wording import liking_name
from mien.ranking.blend import Term
from mien.ranking.lexical import Matches, Tier
from mien.ranking.options import PIN_STEP, TIER_STEP
from mien.ranking.shelf import Context
from mien.ranking.understanding import Meaning, Place
from mien.ranking.wording import say, tier

Floats = npt.NDArray[np.float64]


def text_terms(matches: Matches, context: Context) -> Iterator[Term]:
    """`text`: BM25 against the best match; `tier`: a step up for the exact title, down for less than every word.

    Where meaning is known too, less than every word is one step, and where no item holds every word `text` is BM25
    against that of one which did: the less of what was asked for the words find, the more meaning decides.
    """
    best = matches.scores.max(initial=matches.whole if matches.mixed else 0.0)
    share = matches.scores / best if best > 0 else matches.scores
    yield Term(
        "text", context.options.text * share, lambda _: (say(context.language, "text"), ()), lambda: {"text": share}
    )
    lowest = Tier.ALL_CHARACTERS if matches.mixed else Tier.NO_WORD
    steps = (np.maximum(matches.tiers, lowest).astype(np.float64) - Tier.ALL_WORDS) * TIER_STEP
    yield Term("tier", steps, lambda k: (tier(context.language, Tier(int(matches.tiers[k]))), ()))


def category_term(rows: Rows, text: str, context: Context) -> Term:
    """How much of the name of its category the query says. Adds something once it was learnt what."""
    asked = {word.term for word in query_words(text)}
    codes, member = np.unique(context.shelf.leaf[rows], return_inverse=True)
    shares = np.array([_said(context.shelf.leaf_words(code), asked) for code in codes.tolist()])
    column = shares[member] if len(shares) else np.zeros(len(rows))

    def explain(k: int) -> tuple[str, tuple[str, ...]]:
        return say(context.language, "category", category=context.shelf.leaf_name(int(rows[k]))), ()

    return Term("category", np.zeros(len(rows)), explain, lambda: {"category": column})


def _said(words: frozenset[str], asked: set[str]) -> float:
    return len(words & asked) / len(words) if words else 0.0


def understood_term(rows: Rows, meaning: Meaning, context: Context) -> Term:
    """Being of the category, brand or colour that the query names: the weight is split over what is named."""
    facets, share = context.shelf.lexicon.facets, context.search.understood / max(len(meaning.places), 1)
    named = [_of_any(rows, places, facets) for places in meaning.places]
    values: Floats = share * sum((of.astype(np.float64) for of in named), np.zeros(len(rows)))

    def explain(k: int) -> tuple[str, tuple[str, ...]]:
        told = [one for one in meaning.told if one.facet != PRICE]
        held = [one for one, of in zip(told, named, strict=True) if of[k]]
        names = [liking_name(context.language, one.facet, one.value) for one in held]
        return say(context.language, "understood", named=("、" if context.language == "zh" else ", ").join(names)), ()

    return Term("understood", values, explain)


def _of_any(rows: Rows, places: tuple[Place, ...], facets: tuple[Facet, ...]) -> npt.NDArray[np.bool_]:
    held = np.zeros(len(rows), dtype=np.bool_)
    for at, code in places:
        held |= facets[at].codes[rows] == code
    return held


def popular_term(rows: Rows, context: Context) -> Term:
    """log(1 + count) / log(1 + the highest count)."""
    shelf = context.shelf
    share = shelf.popularity[rows]

    def explain(k: int) -> tuple[str, tuple[str, ...]]:
        return say(context.language, "popular", rank=shelf.popular_rank(rows[k])), ()

    def measured() -> dict[str, Floats]:
        return {"popular": share} | ({} if shelf.demand is None else _demanded(rows, shelf.demand))

    return Term("popular", context.options.popular * share, explain, measured)


def _demanded(rows: Rows, demand: Demand) -> dict[str, Floats]:
    short, long, buyers = (part[rows] for part in (demand.short, demand.long, demand.buyers))
    return {
        "popular.here": short / max(short.max(initial=0), 1),
        "popular.long": np.log1p(long),
        "popular.buyers": np.log1p(buyers),
    }


def fresh_term(rows: Rows, context: Context) -> Iterator[Term]:
    """Whether it is bought more than it was. Adds something once it was learnt what."""
    demand = context.shelf.demand
    if demand is None:
        return
    short, long = demand.short[rows].astype(np.float64), demand.long[rows].astype(np.float64)
    growth = np.log((3.0 * short + 3.0) / (long + 3.0))

    def explain(k: int) -> tuple[str, tuple[str, ...]]:
        return say(context.language, "fresh", short=int(short[k]), long=int(long[k])), ()

    yield Term("fresh", np.zeros(len(rows)), explain, lambda: {"fresh": np.where(long > 0, growth, 0.0)})


def pin_term(rows: Rows, pinned: list[int], context: Context) -> Term:
    """Pinned items stand above all others, the first named highest."""
    values = np.zeros(len(rows))
    for place, row in enumerate(pinned):
        values[rows == row] = PIN_STEP * (len(pinned) - place)
    return Term("pin", values, lambda _: (say(context.language, "pin"), ()))
