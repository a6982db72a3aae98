"""The population snapshot: what depends on everybody. Fitted by a build, versioned, the same for batch and live.

But for the row numbers of users taken for bots (in `judgement`) it holds aggregates only.
"""

import hashlib
import io
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt

from mien.core.clock import DAY_US, from_us
from mien.core.errors import WorkspaceError
from mien.core.item import Catalogue, Facet
from mien.features.decay import decayed
from mien.features.prices import PRICE_BAND, PriceBands, fit_price_bands, item_prices, price_band_facet
from mien.features.state import FoldSettings
from mien.features.totals import Floats, Ints, ItemTotals, Totals, gather
from mien.features.weights import ActionWeights
from mien.stores.durable import write_whole

FORMAT = 1
UNIFORM = 0.01
"""How much of a facet's shares is spread evenly over its values, so that none is 0."""


@dataclass(frozen=True, slots=True)
class RfmEdges:
    """Four ascending edges each, from everybody who ever ordered: days since the last order, orders, money."""

    recency_days: tuple[float, ...]
    orders: tuple[float, ...]
    money: tuple[float, ...]

    def score(self, recency_days: float, orders: int, money: float) -> str:
        """Quintiles 1 … 5 of recency, frequency, money, 5 best, as in "5-3-4"."""
        recency = 5 - int(np.searchsorted(self.recency_days, recency_days, side="left"))
        frequency = 1 + int(np.searchsorted(self.orders, orders, side="right"))
        spent = 1 + int(np.searchsorted(self.money, money, side="right"))
        return f"{recency}-{frequency}-{spent}"


@dataclass(frozen=True, eq=False)
class Population:
    """What is known of everybody at `as_of_us`. `version`: "p-<as of>-<hash of all the rest>".

    `judgement`: what prepare fitted, as a dict. `rfm` is None where nobody ever ordered. `actions`: `(n_actions,)`
    events of each; `transitions`: `(n_actions, n_actions)`, from row to column. `totals`: per item and action.
    """

    version: str
    as_of_us: int
    settings: FoldSettings
    users: int
    judgement: dict[str, Any]
    price_bands: PriceBands
    rfm: RfmEdges | None
    actions: Ints
    transitions: Ints
    totals: ItemTotals

    @property
    def events(self) -> int:
        """How many events everybody has."""
        return int(self.actions.sum())

    def save(self, path: Path) -> None:
        """Write one file, whole or not at all. Cost: some ten bytes an item and action."""
        arrays = _arrays(self)
        arrays["meta"] = np.frombuffer(_meta(self), dtype=np.uint8)
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
        write_whole(path, buffer.getvalue())

    @classmethod
    def load(cls, path: Path) -> "Population":
        """Read what `save` wrote. Raises `WorkspaceError` where the file is missing, damaged or of another format."""
        try:
            with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as file:
                arrays = {name: file[name] for name in file.files}
            meta = json.loads(arrays.pop("meta").tobytes())
        except (OSError, ValueError, KeyError, EOFError, BadZipFile) as failed:
            raise WorkspaceError(
                "{path} is no population snapshot ({failed}). Build again: mien build", path=path, failed=failed
            ) from None
        if meta.pop("format") != FORMAT:
            raise WorkspaceError("{path} was written by another version of Mien. Build again: mien build", path=path)
        return _population(meta, arrays)


def fit_population(
    judged: ir.Table,
    catalogue: Catalogue,
    *,
    as_of_us: int,
    settings: FoldSettings,
    judgement: dict[str, Any] | None = None,
    dialect: str | None = None,
) -> Population:
    """Fit everything that depends on everybody from the judged events (all of them not later than `as_of_us`).

    Cost: some passes of the table engine over all events; on this side memory goes with items and buyers.
    """
    return population_of(gather(judged, settings, dialect=dialect), catalogue, as_of_us, settings, judgement or {})


def population_of(
    totals: Totals, catalogue: Catalogue, as_of_us: int, settings: FoldSettings, judgement: dict[str, Any]
) -> Population:
    """The snapshot from what everybody did, added up."""
    bands = fit_price_bands(item_prices(catalogue, totals.items), catalogue)
    unnamed = Population(
        "",
        as_of_us,
        settings,
        totals.users,
        judgement,
        bands,
        _rfm(totals.buyers, as_of_us),
        totals.actions,
        totals.transitions,
        totals.items,
    )
    return _named(unnamed)


def _rfm(buyers: Floats, as_of_us: int) -> RfmEdges | None:
    if not len(buyers):
        return None
    quintiles = np.arange(1, 5) / 5
    days = (as_of_us - buyers[:, 0]) / DAY_US
    edges = (np.quantile(column, quintiles) for column in (days, buyers[:, 1], buyers[:, 2]))
    return RfmEdges(*(tuple(map(_digits, edge4.tolist())) for edge4 in edges))


def _digits(number: float) -> float:
    """12 digits: engines add up in any order, and the last ones tell of it."""
    return float(f"{number:.12g}")


def _named(population: Population) -> Population:
    """With its version: the time, and a hash of all the content."""
    digest = hashlib.sha256(_meta(population))
    for name, array in sorted(_arrays(population).items()):
        digest.update(name.encode())
        exact = array if array.dtype.kind != "f" else np.array([_digits(x) for x in array.ravel().tolist()])
        digest.update(exact.tobytes())
    at = from_us(population.as_of_us).strftime("%Y%m%dT%H%M%SZ")
    parts = {name: getattr(population, name) for name in Population.__dataclass_fields__}
    return Population(**{**parts, "version": f"p-{at}-{digest.hexdigest()[:8]}"})


def _arrays(population: Population) -> dict[str, npt.NDArray[Any]]:
    columns = {f"totals.{name}": getattr(population.totals, name) for name in ItemTotals.__slots__}
    return {**columns, "actions": population.actions, "transitions": population.transitions}


def _meta(population: Population) -> bytes:
    meta = {
        "format": FORMAT,
        "version": population.version,
        "as_of_us": population.as_of_us,
        "settings": asdict(population.settings),
        "users": population.users,
        "judgement": population.judgement,
        "price_bands": asdict(population.price_bands),
        "rfm": None if population.rfm is None else asdict(population.rfm),
    }
    return json.dumps(meta, ensure_ascii=False, sort_keys=True).encode()


def _population(meta: dict[str, Any], arrays: dict[str, npt.NDArray[Any]]) -> Population:
    bands, rfm = meta["price_bands"], meta["rfm"]
    return Population(
        version=meta["version"],
        as_of_us=meta["as_of_us"],
        settings=FoldSettings(**meta["settings"]),
        users=meta["users"],
        judgement=meta["judgement"],
        price_bands=PriceBands(
            tuple(bands["everything"]), {name: tuple(edges) for name, edges in bands["by_category"].items()}
        ),
        rfm=None if rfm is None else RfmEdges(**{name: tuple(edges) for name, edges in rfm.items()}),
        actions=arrays["actions"],
        transitions=arrays["transitions"],
        totals=ItemTotals(*(arrays[f"totals.{name}"] for name in ItemTotals.__slots__)),
    )


def facets(
    catalogue: Catalogue, population: Population, before: Sequence[Facet] = (), rows: list[int] | None = None
) -> tuple[Facet, ...]:
    """Every facet of the items: what they say themselves, and the price band that everybody's prices give them.

    `before`, `rows`: those of a catalogue that differs from this one in these rows only, to spare the others.
    """
    prices, held = item_prices(catalogue, population.totals), next((f for f in before if f.name == PRICE_BAND), None)
    band = price_band_facet(prices, catalogue, population.price_bands, held, rows)
    return (*catalogue.text_facets, band) if (band.codes >= 0).any() else catalogue.text_facets


def facet_shares(facet: Facet, population: Population, weights: ActionWeights) -> Floats:
    """`(n_values,)` share of everybody's decayed, weighted behaviour that goes to each value; sums to 1, none is 0.

    1 % is spread evenly over the values; where nobody did anything all of it is.
    """
    totals = population.totals
    mass = np.zeros(len(facet.values))
    held = (totals.item >= 0) & (totals.item < len(facet.codes))
    codes = facet.codes[totals.item[held]]
    liking = weights.array[totals.action[held]] * decayed(
        totals.slow[held], population.as_of_us, population.settings.slow_days
    )
    np.add.at(mass, codes[codes >= 0], liking[codes >= 0])
    return spread(np.maximum(mass, 0.0))


def spread(mass: Floats) -> Floats:
    """`(n,)` non-negative masses as shares that sum to 1, `UNIFORM` of it spread evenly; all where all are 0."""
    even = np.full(len(mass), 1.0 / max(1, len(mass)))
    return (1.0 - UNIFORM) * mass / mass.sum() + UNIFORM * even if mass.sum() > 0 else even


def is_outdated(population: Population, *, events: int, at_us: int, growth: float = 0.2, days: float = 7.0) -> bool:
    """Whether to fit anew: the log has grown by more than `growth`, or the snapshot is more than `days` old.

    Shares and quintiles of a large population move slowly: below that a refit changes nothing one could see.
    """
    return events > population.events * (1.0 + growth) or at_us - population.as_of_us > days * DAY_US
