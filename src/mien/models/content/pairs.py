"""Pairs of texts that a shop's own users put together: what was bought in one basket, what a query led to."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mien.core.clock import HOUR_US
from mien.core.event import Action
from mien.models.interactions import Interactions

Places = npt.NDArray[np.int64]

SEARCH_WINDOW_US = HOUR_US
"""A purchase belongs to the user's last query if it follows within this time."""


@dataclass(frozen=True, eq=False)
class Pairs:
    """Texts that belong together, index = pair. `queries`: whether the first of each was searched for."""

    first: list[str]
    second: list[str]
    queries: bool = False

    def __len__(self) -> int:
        return len(self.first)


def bought_together(data: Interactions, texts: Sequence[str], n: int, *, seed: int = 0) -> Pairs:
    """`n` pairs of different texts bought at one instant by one user, drawn alike from all baskets that have two.

    `texts`: one an item row; items of equal text are one. A basket is drawn by its number of texts, so that every line
    counts alike. Fewer baskets than pairs: they are drawn from again. Cost: one sort of the purchases.
    """
    basket, place, distinct = text_baskets(data, texts)
    size = np.bincount(basket) if len(basket) else np.empty(0, dtype=np.int64)
    usable = np.flatnonzero(size[basket] > 1) if len(basket) else basket
    if not len(usable):
        return Pairs([], [])
    random = np.random.default_rng(seed)
    one = random.choice(usable, n)
    start = np.concatenate([[0], np.cumsum(size)])[basket[one]]
    step = 1 + (random.random(n) * (size[basket[one]] - 1)).astype(np.int64)
    other = start + (one - start + step) % size[basket[one]]
    return Pairs([distinct[k] for k in place[one]], [distinct[k] for k in place[other]])


def text_baskets(data: Interactions, texts: Sequence[str]) -> tuple[Places, Places, list[str]]:
    """`(basket, place, distinct)`: per different text of a basket its number and where the text is in `distinct`.

    Sorted by basket; baskets are numbered by user, then time. Items without a text stay out.
    """
    distinct = sorted({text for text in texts if text})
    number = {text: k for k, text in enumerate(distinct)}
    of_item = np.array([number.get(text, -1) for text in texts], dtype=np.int64)
    bought = data.doing([Action.PURCHASE])
    begins = np.ones(len(bought), dtype=np.bool_)
    begins[1:] = (bought.user[1:] != bought.user[:-1]) | (bought.at_us[1:] != bought.at_us[:-1])
    basket, place = np.cumsum(begins) - 1, of_item[bought.item]
    lines = np.unique(np.stack([basket, place])[:, place >= 0], axis=1)
    _, again = np.unique(lines[0], return_inverse=True)
    return again.astype(np.int64), lines[1], distinct


def searched_and_bought(
    user: npt.ArrayLike,
    at_us: npt.ArrayLike,
    query: Sequence[str | None],
    item: npt.ArrayLike,
    texts: Sequence[str],
    *,
    window_us: int = SEARCH_WINDOW_US,
) -> Pairs:
    """Query and text of what was bought after it, from searches and purchases in any order, one row an event.

    `query`: None or empty for a purchase; `item`: the item row of a purchase (not read for a search). A purchase goes
    with the last query of its user that is not older than `window_us`.
    """
    users, at, items = (np.asarray(one, dtype=np.int64) for one in (user, at_us, item))
    asked = np.array([bool((one or "").strip()) for one in query], dtype=np.bool_)
    order = np.lexsort((~asked, at, users))
    last = np.maximum.accumulate(np.where(asked[order], np.arange(len(order)), -1))
    first, second = [], []
    for spot in np.flatnonzero(~asked[order] & (last >= 0)):
        row, before = order[spot], order[last[spot]]
        text = texts[items[row]] if users[before] == users[row] else ""
        if text and at[row] - at[before] <= window_us:
            first.append(str(query[before]).strip())
            second.append(text)
    return Pairs(first, second, queries=True)
