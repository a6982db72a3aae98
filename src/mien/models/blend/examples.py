"""What the blend learns from: moments before the fit, the candidates of then, and which of them were bought next."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mien.core.clock import DAY_US
from mien.core.ids import Rows
from mien.models.blend.items import item_columns
from mien.models.blend.own import own_columns
from mien.models.blend.pairs import Features, Floats, Pairs, candidates, part_columns
from mien.models.interactions import Interactions
from mien.models.model import Model, chunks
from mien.models.ranked import Scores

BLOCK_BYTES = 16 << 20
"""Dense scores of one model for one chunk of users; those of all models are held at once."""

ItemColumns = Mapping[str, Floats]


@dataclass(frozen=True, eq=False)
class Examples:
    """`values (n, features)`, `labels (n,)` and `sizes`: how many rows each basket has, baskets one after the other."""

    names: tuple[str, ...]
    values: npt.NDArray[np.float32]
    labels: npt.NDArray[np.bool_]
    sizes: npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Baskets:
    """The first order of each user in a window: `users (n,)` ascending, and one entry an item of an order: the place
    of its user in `users`, and the item."""

    users: Rows
    basket: Rows
    item: Rows


def first_baskets(bought: Interactions, users: Rows) -> Baskets:
    """What each of `users` bought at their first instant in `bought` (each of them has one)."""
    starts = bought.at_us[bought.offsets[users]]
    place = np.searchsorted(users, bought.user)
    mine = np.isin(bought.user, users)
    first = mine & (bought.at_us == starts[np.minimum(place, max(len(users) - 1, 0))]) if len(users) else mine
    return Baskets(users, place[first].astype(np.int32), bought.item[first])


def earlier_cuts(at_us: int, window_days: float, cuts: int) -> Iterator[tuple[int, int]]:
    """The windows [cut, end) that lie one after the other before `at_us`, the newest first."""
    step = round(window_days * DAY_US)
    return ((at_us - k * step, at_us - (k - 1) * step) for k in range(1, cuts + 1))


def described(
    parts: Mapping[str, Model], items: ItemColumns, histories: Interactions, users: Rows, at_us: int, each: int
) -> tuple[Pairs, Features]:
    """The candidates of every user, and their features; row k of `histories` is the user `users[k]` of the fit's ids.

    Cost: dense scores of every part.
    """
    scores: dict[str, Scores] = {name: part.score_picked(histories, users, at_us=at_us) for name, part in parts.items()}
    fallback = next(iter(parts.values())).fitted["fallback"][: histories.n_items]
    pairs = candidates(scores, histories, fallback, each)
    columns = part_columns(pairs, scores)
    columns |= own_columns(pairs, histories, at_us, items["item gap"])
    columns |= {name: column[pairs.item] for name, column in items.items() if name != "item gap"}
    return pairs, Features.of(columns, len(pairs))


def examples_at(
    data: Interactions,
    window: tuple[int, int],
    parts: Mapping[str, Model],
    *,
    each: int,
    most_users: int,
    seed: int,
) -> Examples | None:
    """The candidates of everybody who ordered in the window, as known before it; None where nobody did.

    `parts` were fitted on what happened before the window. A basket of which no candidate was bought teaches no order
    and is left out.
    """
    cut_us, end_us = window
    past, bought = data.before(cut_us), data.since(cut_us).before(end_us).doing(["purchase"])
    users = np.intersect1d(bought.user, past.user)
    if len(users) > most_users:
        users = np.sort(np.random.default_rng(seed).choice(users, most_users, replace=False))
    baskets = first_baskets(bought, users)
    items = item_columns(past, cut_us)
    found: list[Examples] = []
    for part in chunks(len(users), data.n_items, block_bytes=BLOCK_BYTES):
        pairs, features = described(parts, items, past.of_users(users[part]), users[part], cut_us, each)
        mine = (baskets.basket >= part.start) & (baskets.basket < part.stop)
        wanted = (baskets.basket[mine] - part.start).astype(np.int64) * data.n_items + baskets.item[mine]
        labels = np.isin(pairs.keys, wanted)
        hit = np.bincount(pairs.user[labels], minlength=pairs.n_users) > 0
        keep = hit[pairs.user]
        found.append(Examples(features.names, features.values[keep], labels[keep], pairs.sizes[hit]))
    return joined(found)


def joined(parts: list[Examples]) -> Examples | None:
    """All baskets of all parts, or None where there is none."""
    kept = [part for part in parts if len(part.labels)]
    if not kept:
        return None
    return Examples(
        kept[0].names,
        np.concatenate([part.values for part in kept]),
        np.concatenate([part.labels for part in kept]),
        np.concatenate([part.sizes for part in kept]),
    )
