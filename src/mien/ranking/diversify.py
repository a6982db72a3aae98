"""Diversity: not everything from one shelf. Both ways are terms, so that reasons still add up to the score.

*Variety* is maximal marginal relevance (Carbonell, Goldstein, SIGIR 1998): the next is the item with the highest
    s_i − d · S · max over those chosen of sim(i, j),
with s the scores, S their spread, d the one setting, sim the share of facet values in common. What was taken off an
item when it was chosen is its term. What is taken off only grows as more are chosen, so the highest remainder only
falls: by score, items stand in the order in which they were chosen.

*Caps* move what comes after the first few of one facet value below all that is not held back.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from mien.core.ids import Rows
from mien.profiles.wording import liking_name
from mien.ranking.blend import Blend, Term
from mien.ranking.shelf import Context
from mien.ranking.wording import say

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]
LOW = (1 << 32) - 1
"""The lower half of a number of 64 bits."""
MARGIN = 0.01
"""Keeps the best item held back below the worst that is not."""
CHOSEN = 50
"""How many are chosen one by one; what follows keeps what was taken off it by then."""
CATEGORY = "category"


def variety_term(blend: Blend, diversity: float, span: Floats, context: Context) -> Term:
    """`diversity`: what is like an item before it moves down, by up to `diversity` times the spread of `span`.

    `span (n,)`: scores without tiers. Cost: 50 passes over the candidates.
    """
    n = len(blend.rows)
    taken, like = np.zeros(n), np.full(n, -1, dtype=np.int64)
    strength = diversity * (float(span.max() - span.min()) if n else 0.0)
    codes = context.shelf.codes(blend.rows)
    known = np.maximum((codes >= 0).sum(axis=0), 1)
    first = context.shelf.place[blend.rows]
    left = np.ones(n, dtype=np.bool_)
    scores = blend.scores
    for _ in range(min(CHOSEN, n)):
        standing = np.where(left, scores - taken, -np.inf)
        best = np.flatnonzero(standing == standing.max())
        chosen = int(best[np.argmin(first[best])])
        left[chosen] = False
        alike = ((codes == codes[:, [chosen]]) & (codes >= 0)).sum(axis=0) / np.maximum(known, known[chosen])
        closer = left & (strength * alike > taken)
        taken, like = np.where(closer, strength * alike, taken), np.where(closer, chosen, like)

    def explain(k: int) -> tuple[str, tuple[str, ...]]:
        title = context.shelf.catalogue.title[int(blend.rows[like[k]])]
        return say(context.language, "variety", title=title), ()

    return Term("diversity", -taken, explain)


def cap_term(blend: Blend, caps: Mapping[str, int], span: Floats, context: Context) -> Term:
    """`cap`: below the first few of a facet value, its further items move below all that is not held back.

    `caps`: facet → most items of one value; of the category its whole path counts. `span (n,)`: scores without tiers;
    their spread is what an item moves down by, so the order of those held back and the tiers stay as they are. Items
    without a value are free. Cost: one walk down the candidates.
    """
    groups = {name: _groups(name, blend.rows, context) for name, limit in caps.items() if limit > 0}
    order, codes = blend.order(context.shelf.place), list(groups.values())
    limits = [caps[name] for name in groups]
    by, before = _held_alone(order, codes[0], limits[0]) if len(codes) == 1 else _held_back(order, codes, limits)
    values = np.where(by < 0, 0.0, -(float(span.max() - span.min()) + MARGIN))

    def explain(k: int) -> tuple[str, tuple[str, ...]]:
        value = _value(list(groups)[by[k]], int(blend.rows[k]), context)
        return say(context.language, "cap", n=int(before[k]), value=value), ()

    return Term("cap", values, explain)


Codes = npt.NDArray[np.int32]
Held = tuple[Places, Places]
"""`(n,)` which facet holds each candidate back, −1: none does; `(n,)` how many of its value come before."""


def _held_alone(order: Places, codes: Codes, limit: int) -> Held:
    """Of one facet: what has as many of its value before it as may be. Cost: one sort."""
    walk = np.arange(len(order))
    by_value = np.sort((codes[order].astype(np.int64) << 32) + walk)
    value, before = by_value >> 32, np.empty(len(order), dtype=np.int64)
    before[order[by_value & LOW]] = walk - np.searchsorted(value, value)
    return np.where((codes >= 0) & (before >= limit), 0, -1), before


def _held_back(order: Places, groups: Sequence[Codes], limits: Sequence[int]) -> Held:
    """Of several facets, walked down `order`: what one of them holds back takes no place of another."""
    by, before = np.full(len(order), -1, dtype=np.int64), np.zeros(len(order), dtype=np.int64)
    codes = [group.tolist() for group in groups]
    met: dict[tuple[int, int], int] = {}
    let_in: dict[tuple[int, int], int] = {}
    for k in order.tolist():
        mine = [(at, of[k]) for at, of in enumerate(codes) if of[k] >= 0]
        full = [group for group in mine if let_in.get(group, 0) >= limits[group[0]]]
        if full:
            by[k], before[k] = full[0][0], met[full[0]]
        for group in mine:
            met[group] = met.get(group, 0) + 1
            let_in[group] = let_in.get(group, 0) + (not full)
    return by, before


def _groups(name: str, rows: Rows, context: Context) -> npt.NDArray[np.int32]:
    if name == CATEGORY:
        return context.shelf.leaf[rows]
    facets = [facet for facet in context.shelf.yardstick.facets if facet.name == name]
    return facets[-1].codes[rows] if facets else np.full(len(rows), -1, dtype=np.int32)


def _value(name: str, row: int, context: Context) -> str:
    if name == CATEGORY:
        return context.shelf.catalogue.category[row] or ""
    facet = next(facet for facet in context.shelf.yardstick.facets if facet.name == name)
    return liking_name(context.language, name, facet.values[int(facet.codes[row])])
