"""Measures: the columns that a learned ranker may look at, by name; each belongs to the term that is its reason.

A column holds one number a candidate. `neutral` is its value where it says nothing (an item never bought, a price
nobody knows): there it adds nothing to any score.
"""

from dataclasses import dataclass

from mien.core.errors import UnknownName

NOTHING = float("nan")
TAG = "tag"


@dataclass(frozen=True, slots=True)
class Measure:
    """`sense`: 1 where more can only speak for an item, −1 where it can only speak against it, 0 where either may be.

    `personal`: whether it comes from who asks. `wide`: whether it compares items of all categories, and so is looked at
    for recommendations only; what matches one text is mostly of one kind.
    """

    name: str
    sense: int
    neutral: float
    personal: bool
    help: str
    wide: bool = False


MEASURES: dict[str, Measure] = {
    one.name: one
    for one in (
        Measure("text", 1, 0.0, False, "BM25 of the words, over that of the best match"),
        Measure("category", 1, 0.0, False, "share of the words of its category's name that the query says"),
        Measure("meaning", 1, 0.0, False, "nearness to the query in the content encoder's space, 0 … 1"),
        Measure("meaning.cosine", 1, 0.0, False, "the same as a cosine, as it is"),
        Measure("words.rare", 1, 0.0, False, "BM25 of the words, as it is"),
        Measure("words.share", 1, 0.0, False, "share of the query's words that it holds"),
        Measure("words.pairs", 1, 0.0, False, "share of the query's neighbouring words that stand together in it"),
        Measure("words.order", 1, 0.0, False, "share of the query's neighbouring words that it holds in this order"),
        Measure("words.numbers", 1, 0.0, False, "share of the query's numbers that it holds"),
        Measure("spelling.nearest", 1, 0.0, False, "nearness by letters of its nearest word to each of the query's"),
        Measure("spelling.weakest", 1, 0.0, False, "the same of the query's word that is answered worst"),
        Measure(
            "spelling.back",
            1,
            0.0,
            False,
            "the other way round: each word of what it is called, to the query's nearest one",
        ),
        Measure("popular", 1, 0.0, False, "log of what was done with it lately, over that of the most popular"),
        Measure("popular.here", 1, 0.0, False, "purchases of the last 28 days over the most among the candidates"),
        Measure("popular.long", 1, 0.0, False, "log(1 + purchases of the last 90 days)"),
        Measure("popular.buyers", 1, 0.0, False, "log(1 + people who ever bought it)"),
        Measure(
            "fresh", 0, 0.0, False, "log((3 p + 3) / (q + 3)), purchases p of 28 days, q of 90 days: is it growing?"
        ),
        Measure("repeat.share", 1, 0.0, True, "its share of what the person bought of its category, decayed"),
        Measure("repeat.count", 1, 0.0, True, "its share of the person's purchases of its category, plain counts"),
        Measure("repeat.strength", 1, 0.0, True, "log(1 + decayed number of the person's purchases of it)"),
        Measure("repeat.days", 0, NOTHING, True, "days since the person last bought it"),
        Measure("repeat.times", 1, 0.0, True, "log(1 + plain number of the person's purchases of it)", wide=True),
        Measure("repeat.best", 1, 0.0, True, "its decayed number of purchases over the person's highest", wide=True),
        Measure("repeat.most", 1, 0.0, True, "its plain number of purchases over the person's highest", wide=True),
        Measure("repeat.newest", 1, 0.0, True, "1 for what the person bought last of its category"),
        Measure("seen", 0, 0.0, True, "x / (x + 4) of the decayed weight of views, carts and the like"),
        Measure("neighbour", 1, 0.0, True, "what the person's items pass on to it by likeness"),
        Measure("neighbour.here", 1, 0.0, True, "the same over the most among the candidates"),
        Measure("behaviour", 1, 0.0, True, "what the behaviour model expects next: log-odds over the candidates' mean"),
        Measure("behaviour.here", 1, 0.0, True, "the same odds over the highest among the candidates"),
        Measure("taste", 1, 0.0, True, "product of the person's and the item's vectors (ALS)"),
        Measure("taste.here", 1, 0.0, True, "the same over the most among the candidates", wide=True),
        Measure("price", 0, NOTHING, True, "log of its price over the person's usual price in the wider category"),
        Measure("brand", 1, 0.0, True, "share of its brand in what the person bought in the wider category"),
    )
}
"""Name → measure. Beside these each facet has one, `tag.FACET` and its level: how much the person likes its value."""


def measure_of(name: str) -> Measure:
    """The measure of a column; `UnknownName` with the nearest ones."""
    if name.startswith(f"{TAG}."):
        return Measure(name, 1, 0.0, True, "how much the person likes its value of the facet, 0 … 1")
    if name not in MEASURES:
        raise UnknownName("measure", name, MEASURES)
    return MEASURES[name]
