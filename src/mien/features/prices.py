"""Price bands: cheap or dear *for its kind*. Quintiles of the log price within each top-level category."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mien.core.event import ACTION_CODE, Action
from mien.core.item import CATEGORY_SEPARATOR, Catalogue, Facet
from mien.features.totals import ItemTotals

PRICE_BAND = "price_band"
BANDS = 5
ENOUGH = 25
"""Priced items a category needs for bands of its own: five a band; below that the bands of all items hold."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class PriceBands:
    """Upper edges (exclusive) of bands 1 … 4 in money: of each category with enough items, and of all items.

    `everything` is empty where no item has a price.
    """

    everything: tuple[float, ...]
    by_category: dict[str, tuple[float, ...]]


def item_prices(catalogue: Catalogue, totals: ItemTotals) -> Floats:
    """`(n_items,)` the catalogue's price, else the mean paid for a piece; NaN where neither is known."""
    prices = catalogue.price.copy()
    bought = (
        (totals.action == ACTION_CODE[Action.PURCHASE])
        & (totals.item >= 0)
        & (totals.item < len(prices))
        & (totals.quantity > 0)
        & (totals.value > 0)
    )
    rows = totals.item[bought]
    paid = totals.value[bought] / totals.quantity[bought]
    prices[rows] = np.where(np.isnan(prices[rows]), paid, prices[rows])
    return prices


def fit_price_bands(prices: Floats, catalogue: Catalogue) -> PriceBands:
    """Quintile edges of the log price of everything that has one (above 0)."""
    priced = prices > 0
    if not priced.any():
        return PriceBands((), {})
    rows: dict[str, list[int]] = {}
    for row in np.flatnonzero(priced).tolist():
        rows.setdefault(_top(catalogue.category[row]), []).append(row)
    enough = {name: members for name, members in sorted(rows.items()) if name and len(members) >= ENOUGH}
    return PriceBands(_edges(prices[priced]), {name: _edges(prices[members]) for name, members in enough.items()})


def _edges(prices: Floats) -> tuple[float, ...]:
    logs = np.quantile(np.log(prices), np.arange(1, BANDS) / BANDS)
    return tuple(float(edge) for edge in np.exp(logs))


def _top(category: str | None) -> str:
    return category.split(CATEGORY_SEPARATOR, 1)[0] if category else ""


def price_band_facet(
    prices: Floats, catalogue: Catalogue, bands: PriceBands, before: Facet | None = None, rows: list[int] | None = None
) -> Facet:
    """The band of each item, "1" (cheapest fifth of its category) … "5"; none where the price is unknown.

    `before`, `rows`: the facet of a catalogue that differs from this one in these rows only, to spare the others.
    """
    codes = np.full(len(prices), -1, dtype=np.int32)
    asked = np.arange(len(prices)) if before is None else np.array(rows, dtype=np.int64)
    if before is not None:
        codes[: len(before.codes)] = before.codes
        codes[asked] = -1
    priced = asked[prices[asked] > 0] if bands.everything else np.array([], dtype=np.int64)
    tops = np.array([_top(catalogue.category[row]) for row in priced.tolist()], dtype=object)
    own = np.array([top in bands.by_category for top in tops], dtype=bool)
    codes[priced[~own]] = np.searchsorted(bands.everything, prices[priced[~own]], side="right")
    for name, edges in bands.by_category.items():
        members = priced[tops == name]
        codes[members] = np.searchsorted(edges, prices[members], side="right")
    return Facet(PRICE_BAND, 0, tuple(str(band) for band in range(1, BANDS + 1)), codes)
