"""Terms from the items asked about: likeness by people, by what they are and by content; complements; the visit."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from mien.core.ids import Rows, places
from mien.core.item import Facet
from mien.profiles.wording import liking_name
from mien.ranking.asking import Asked
from mien.ranking.blend import Term
from mien.ranking.shelf import Context
from mien.ranking.wording import say, times

Floats = npt.NDArray[np.float64]
STRONG = 6.0
"""Log lift at which a complement has all of its weight."""


def shared_term(rows: Rows, asked: Asked, weight: float) -> Term:
    """Σ over the anchors of likeness by people, against the best candidate."""
    return _passed_term("neighbour", "shared_buyers", rows, (asked.anchors, _by_people(asked)), asked, weight)


def visit_term(rows: Rows, asked: Asked, weight: float) -> Term:
    """The running visit: ½ of likeness by people against the best, ½ of the share of facet values in common with the
    item of the visit that is most alike; 1 for what was looked at itself."""
    visit = asked.visit
    if not len(visit):
        return Term("visit", np.zeros(len(rows)), lambda _: ("", ()))
    total, source = _passed(rows, visit, _by_people(asked))
    best = total.max(initial=0.0)
    alike, nearest = _facets_shared(rows, visit, asked.context)
    values = 0.5 * (total / best if best > 0 else total) + 0.5 * alike
    own = np.isin(rows, visit)
    values[own] = 1.0

    def explain(k: int) -> tuple[str, tuple[str, ...]]:
        if own[k]:
            return say(asked.context.language, "visit_own"), ()
        at = source[k] if source[k] >= 0 else nearest[k]
        return say(asked.context.language, "visit", title=asked.context.shelf.catalogue.title[int(at)]), ()

    return Term("visit", weight * values, explain)


def alike_term(rows: Rows, asked: Asked, weight: float) -> Term:
    """The share of an anchor's facet values that a candidate has too; of several anchors the one most alike."""
    share, nearest = _facets_shared(rows, asked.anchors, asked.context)
    catalogue, context = asked.context.shelf.catalogue, asked.context

    def explain(k: int) -> tuple[str, tuple[str, ...]]:
        row, at = int(rows[k]), int(nearest[k])
        shared = [facet for facet in _facets_of(at, context) if facet.codes[row] == facet.codes[at]]
        return say(context.language, "alike", title=catalogue.title[at], shared=_names(shared, at, context)), ()

    return Term("alike", weight * share, explain)


def content_term(rows: Rows, asked: Asked, weight: float) -> Term:
    """The highest cosine to an anchor's content, stretched so that the best candidate has 1 and the 100th has 0."""
    vectors, context = asked.context.shelf.vectors, asked.context
    cosine, nearest = np.zeros(len(rows)), np.full(len(rows), -1, dtype=np.int64)
    if vectors is not None:
        for item in asked.anchors.tolist():
            near, found = vectors.like(item, 100)
            if not len(near):
                continue
            stretched = (found - found.min()) / max(float(found.max() - found.min()), 1e-9)
            here = np.append(stretched, 0.0)[places(near, rows)]  # −1, not near, is the last: 0
            better = here > cosine
            cosine, nearest = np.where(better, here, cosine), np.where(better, item, nearest)

    def explain(k: int) -> tuple[str, tuple[str, ...]]:
        return say(context.language, "content", title=context.shelf.catalogue.title[int(nearest[k])]), ()

    return Term("content", weight * cosine, explain)


def complement_term(rows: Rows, asked: Asked, weight: float) -> Term:
    """How far above chance a candidate meets the anchors in baskets; what is asked about has 0.

    With x_a the log lower bound of the lift with anchor a, m anchors: √(Σ x_a²) / m^¼, over 6 (a lift of 400), at most
    1. Several anchors that agree say more than one, but less than their sum: they are no independent witnesses.
    """
    complements, context = asked.context.shelf.learnt.complements, asked.context
    total, best, source = np.zeros(len(rows)), np.zeros(len(rows)), np.full(len(rows), -1, dtype=np.int64)
    together = np.zeros(len(rows), dtype=np.int64)
    for item in asked.anchors.tolist() if complements is not None else ():
        near, bound, baskets = complements.complements(item)  # type: ignore[union-attr]
        place = places(near, rows)
        found = place >= 0
        here, n = np.zeros(len(rows)), np.zeros(len(rows), dtype=np.int64)
        here[found], n[found] = bound[place[found]], baskets[place[found]]
        total += here**2
        better = here > best
        best, source = np.where(better, here, best), np.where(better, item, source)
        together = np.where(better, n, together)
    total = np.minimum(np.sqrt(total) / max(len(asked.anchors), 1) ** 0.25 / STRONG, 1.0)
    total[np.isin(rows, asked.anchors)] = 0.0

    def explain(k: int) -> tuple[str, tuple[str, ...]]:
        facts = {
            "title": context.shelf.catalogue.title[int(source[k])],
            "baskets": int(together[k]),
            "times": times(context.language, int(together[k])),
            "lift": f"{np.exp(best[k]):.1f}",
        }
        return say(context.language, "complement", **facts), ()

    return Term("complement", weight * total, explain)


Near = Iterator[tuple[int, Rows, Floats]]


def _by_people(asked: Asked) -> "dict[int, tuple[Rows, Floats]]":
    """Anchor or visited item → its neighbours and their likeness."""
    neighbours, size = asked.context.shelf.neighbours, len(asked.context.shelf.catalogue)
    found = {}
    for item in {*asked.anchors.tolist(), *asked.visit.tolist()} if neighbours is not None else ():
        near, likeness = neighbours.neighbours(item)  # type: ignore[union-attr]
        inside = (near < size) & (near != item)
        found[item] = near[inside], likeness[inside].astype(np.float64)
    return found


def _passed(rows: Rows, items: Rows, near: "dict[int, tuple[Rows, Floats]]") -> tuple[Floats, npt.NDArray[np.int64]]:
    """What `items` pass on to each candidate, and which of them the most (−1: none)."""
    total, best, source = np.zeros(len(rows)), np.zeros(len(rows)), np.full(len(rows), -1, dtype=np.int64)
    for item in items.tolist():
        if item not in near:
            continue
        place = places(near[item][0], rows)
        here = np.where(place >= 0, near[item][1][place] if len(near[item][1]) else 0.0, 0.0)
        total += here
        better = here > best
        best, source = np.where(better, here, best), np.where(better, item, source)
    return total, source


def _passed_term(
    kind: str,
    what: str,
    rows: Rows,
    passed: "tuple[Rows, dict[int, tuple[Rows, Floats]]]",
    asked: Asked,
    weight: float,
) -> Term:
    total, source = _passed(rows, *passed)
    best = total.max(initial=0.0)
    catalogue = asked.context.shelf.catalogue

    def explain(k: int) -> tuple[str, tuple[str, ...]]:
        return say(asked.context.language, what, title=catalogue.title[int(source[k])]), ()

    return Term(kind, weight * (total / best if best > 0 else total), explain)


def _facets_of(row: int, context: Context) -> list[Facet]:
    return [facet for facet in context.shelf.yardstick.facets if facet.codes[row] >= 0]


def _facets_shared(rows: Rows, items: Rows, context: Context) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Share of facet values in common with the item most alike, and which that is (−1: none)."""
    best, nearest = np.zeros(len(rows)), np.full(len(rows), -1, dtype=np.int64)
    for item in items.tolist():
        facets = _facets_of(item, context)
        if facets:
            share = np.mean([facet.codes[rows] == facet.codes[item] for facet in facets], axis=0)
            better = share > best
            best, nearest = np.where(better, share, best), np.where(better, item, nearest)
    return best, nearest


def _names(facets: list[Facet], row: int, context: Context) -> str:
    """What two items share; of a path the deepest level only."""
    deepest = {facet.name: facet for facet in facets}
    comma = ", " if context.language == "en" else "、"
    return comma.join(
        liking_name(context.language, name, facet.values[int(facet.codes[row])]) for name, facet in deepest.items()
    )
