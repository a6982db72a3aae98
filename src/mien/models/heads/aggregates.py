"""The named aggregates of many users as of a moment, from interactions: what the hand-made features of a head are.

Wherever a feature of the same name stands in the product's feature matrix (`features.vector.user_features`), it is the
same number (a test holds both together, over events that name an item); what is more here is named apart.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from mien.core.clock import DAY_US, HOUR_US
from mien.core.event import ACTION_CODE, ACTIONS, Action
from mien.core.item import Facet
from mien.features.decay import decayed, weights
from mien.features.state import PASSIVE, FoldSettings
from mien.features.vector import FeatureMatrix
from mien.features.weights import DEFAULT_WEIGHTS
from mien.features.windows import WINDOWS
from mien.models.heads.habits import habits, ratio
from mien.models.heads.orders import orders_of
from mien.models.interactions import Interactions

Floats = npt.NDArray[np.float64]
Columns = dict[str, Floats]
PURCHASE = ACTION_CODE[Action.PURCHASE]


def aggregates(
    data: Interactions,
    at_us: int,
    *,
    facets: Sequence[Facet] = (),
    values: int = 20,
    chosen: Sequence[Sequence[int]] | None = None,
    settings: FoldSettings | None = None,
) -> FeatureMatrix:
    """The features of every user with an act not later than `at_us`; nothing after it is looked at.

    `values`: how many values of each facet, the most liked by everybody, get a share and a recency; `chosen`: which,
    for each facet, instead (the `favourites` of one moment, so that all columns are the same). NaN: cannot be known.
    Cost: some passes over the rows, about 0.5 s a million.
    """
    settings = settings or FoldSettings()
    known = data.until(at_us)
    columns = _activity(known, at_us, settings) | _orders(known, at_us) | _rhythm(known, settings)
    columns |= _transitions(known) | habits(known, at_us)
    chosen = favourites(known, at_us, facets, values, settings) if chosen is None else chosen
    for facet, of_facet in zip(facets, chosen, strict=True):
        columns |= _preference(known, at_us, facet, of_facet, settings)
    users = np.unique(known.user)
    table = np.empty((len(users), len(columns)))
    for k, column in enumerate(columns.values()):
        table[:, k] = column[users]
    return FeatureMatrix(users.astype(np.int32), tuple(columns), table, at_us)


def _sum(data: Interactions, what: Floats | npt.NDArray[np.bool_] | None = None) -> Floats:
    return np.bincount(data.user, weights=what, minlength=data.n_users).astype(np.float64)


def _local_us(data: Interactions, settings: FoldSettings) -> npt.NDArray[np.int64]:
    """The wall clock of each row in the shop's zone."""
    starts, offsets = np.array(settings.shifts.starts_us), np.array(settings.shifts.offsets_us)
    place = np.maximum(np.searchsorted(starts, data.at_us, "right") - 1, 0)
    return np.asarray(data.at_us + offsets[place], dtype=np.int64)


def _activity(data: Interactions, at_us: int, settings: FoldSettings) -> Columns:
    day = _local_us(data, settings) // DAY_US
    today = settings.shifts.day(at_us)
    days = np.unique(data.user.astype(np.int64) * (1 << 32) + day) >> 32
    columns: Columns = {"active_days": np.bincount(days, minlength=data.n_users).astype(np.float64)}
    for window, length in WINDOWS.items():
        inside = np.ones(len(data), dtype=np.bool_) if length is None else day > today - length
        columns[f"events.{window}"] = _sum(data, inside)
        columns[f"spend.{window}"] = _sum(data, data.value * (inside & (data.action == PURCHASE)))
        for code, action in enumerate(ACTIONS):
            columns[f"{action}.{window}"] = _sum(data, inside & (data.action == code))
    first, last = data.offsets[:-1], data.offsets[1:] - 1
    some = data.offsets[1:] > first
    for name, row in (("recency_days", last), ("tenure_days", first)):
        columns[name] = np.full(data.n_users, np.nan)
        columns[name][some] = (at_us - data.at_us[row[some]]) / DAY_US
    return columns


def _orders(data: Interactions, at_us: int) -> Columns:
    orders = orders_of(data)
    n, (first, end) = orders.total(), orders.places()
    some, several = n > 0, n > 1
    unknown = np.full(data.n_users, np.nan)
    average, recency, gap = unknown.copy(), unknown.copy(), unknown.copy()
    average[some] = orders.total(orders.value)[some] / n[some]
    recency[some] = (at_us - orders.at_us[end[some] - 1]) / DAY_US
    between = orders.at_us[end[several] - 1] - orders.at_us[first[several]]
    gap[several] = between / DAY_US / (n[several] - 1)
    return {"orders": n, "average_order": average, "order_recency_days": recency, "gap_days": gap}


def _rhythm(data: Interactions, settings: FoldSettings) -> Columns:
    pairs = np.unique(data.user.astype(np.int64) * data.n_items + data.item)
    columns: Columns = {"items": np.bincount(pairs // max(data.n_items, 1), minlength=data.n_users).astype(np.float64)}
    done = data.select(~np.isin(data.action, sorted(PASSIVE)))
    local = _local_us(done, settings)
    n = _sum(done)
    weekday = (local // DAY_US + 3) % 7
    turns = {"hour": (local // HOUR_US % 24) * (2 * np.pi / 24), "weekday": weekday * (2 * np.pi / 7)}
    for name, turn in turns.items():
        columns[f"{name}.sin"] = ratio(_sum(done, np.sin(turn)), n)
        columns[f"{name}.cos"] = ratio(_sum(done, np.cos(turn)), n)
    columns["weekend"] = ratio(_sum(done, weekday >= 5), n)
    return columns


def _transitions(data: Interactions) -> Columns:
    done = data.select(~np.isin(data.action, sorted(PASSIVE)))
    followed = np.flatnonzero(done.user[1:] == done.user[:-1])
    user, before, after = done.user[followed], done.action[followed], done.action[followed + 1]
    columns: Columns = {}
    for code in np.unique(before).tolist():
        n = np.bincount(user[before == code], minlength=data.n_users)
        for then in np.unique(after[before == code]).tolist():
            both = np.bincount(user[(before == code) & (after == then)], minlength=data.n_users)
            columns[f"{ACTIONS[code]}>{ACTIONS[then]}"] = both / np.maximum(n, 1)
    return columns


def favourites(
    data: Interactions, at_us: int, facets: Sequence[Facet], values: int = 20, settings: FoldSettings | None = None
) -> tuple[tuple[int, ...], ...]:
    """For each facet its `values` most liked by everybody at `at_us`, as indices, most liked first."""
    known, found = data.until(at_us), []
    for facet in facets:
        totals = _liking(known, at_us, facet, settings or FoldSettings()).sum(axis=0)
        best = np.argsort(-totals, kind="stable")[:values]
        found.append(tuple(value for value in best.tolist() if totals[value] > 0))
    return tuple(found)


def _liking(data: Interactions, at_us: int, facet: Facet, settings: FoldSettings) -> Floats:
    """`(n_users, n_values)`: decayed, weighted acts on each value; what was taken back more than done is 0."""
    code, days = facet.codes[data.item], settings.slow_days
    held = code >= 0
    act = DEFAULT_WEIGHTS.array[data.action[held]] * decayed(weights(data.at_us[held], days), at_us, days)
    shape = (data.n_users, len(facet.values))
    cell = data.user[held].astype(np.int64) * shape[1] + code[held]
    return np.maximum(np.bincount(cell, weights=act, minlength=shape[0] * shape[1]).reshape(shape), 0.0)


def _preference(data: Interactions, at_us: int, facet: Facet, chosen: Sequence[int], settings: FoldSettings) -> Columns:
    """`<facet>=<value>`: share of the user's liking; `<facet>=<value>.recency_days`: days since any act on it."""
    liking = _liking(data, at_us, facet, settings)
    of_user, n = liking.sum(axis=1), len(facet.values)
    code = facet.codes[data.item]
    rows = np.flatnonzero(code >= 0)
    rows = rows[np.argsort(data.at_us[rows], kind="stable")]
    last = np.full(data.n_users * n, np.nan)
    last[data.user[rows].astype(np.int64) * n + code[rows]] = (at_us - data.at_us[rows]) / DAY_US  # the newest stays
    name = f"{facet.name}.{facet.level}" if facet.level else facet.name
    columns: Columns = {}
    for value in chosen:
        columns[f"{name}={facet.values[value]}"] = np.nan_to_num(ratio(liking[:, value], of_user))
        columns[f"{name}={facet.values[value]}.recency_days"] = last.reshape(-1, n)[:, value]
    return columns
