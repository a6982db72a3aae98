"""The heads of a shop: fitted together from what happened, kept in one folder, read one user at a time."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from mien.core.clock import from_us
from mien.core.errors import WorkspaceError
from mien.core.item import Facet
from mien.core.ports import Progress, Silent
from mien.features.vector import FeatureMatrix
from mien.models.artifact import Arrays, read_artifact, write_artifact
from mien.models.heads.aggregates import aggregates, favourites
from mien.models.heads.category import CategoryHead
from mien.models.heads.classifier import Classifier
from mien.models.heads.fused import VectorSource, fused
from mien.models.heads.pairs import PairMatrix
from mien.models.heads.parts import TooLittle, fit_users, windows
from mien.models.heads.settings import HeadSettings
from mien.models.heads.spend import SpendHead
from mien.models.heads.targets import buys, spends
from mien.models.heads.trait import TraitHead, Value, fit_traits
from mien.models.interactions import Interactions

KIND, FILE, VERSION = "heads", "heads.npz", 1
FACET_VALUES = 20


@dataclass(frozen=True, eq=False)
class Look:
    """What heads read of some users as of `at_us`: `values (n, features)`; row k is user k of the histories given.

    `known (n,)`: who has a history; `recency_days (n,)` since the last order; `pairs`: users × categories, or None.
    """

    at_us: int
    values: npt.NDArray[np.float64]
    known: npt.NDArray[np.bool_]
    recency_days: npt.NDArray[np.float64]
    pairs: PairMatrix | None


@dataclass(frozen=True, eq=False)
class Heads:
    """All heads that there was enough data for; `notes` says of the others what they lack.

    `names`: the features of a user; `favourites`: facet → its values with a share and a recency; `dim`: length of the
    vector, 0 without one. `users`: name of the head → classifier.
    """

    settings: HeadSettings
    at_us: int
    names: tuple[str, ...]
    favourites: tuple[tuple[str, tuple[str, ...]], ...]
    dim: int
    users: dict[str, Classifier]
    category: CategoryHead | None
    spend: SpendHead | None
    traits: tuple[TraitHead, ...]
    notes: tuple[str, ...]

    @property
    def version(self) -> str:
        """What intents name as their model: version of the code and day of the fit."""
        return f"heads-{VERSION}@{from_us(self.at_us):%Y-%m-%d}"

    @classmethod
    def fit(
        cls,
        data: Interactions,
        *,
        at_us: int,
        facets: Sequence[Facet] = (),
        traits: Mapping[str, Mapping[int, Value]] | None = None,
        vectors: VectorSource | None = None,
        settings: HeadSettings | None = None,
        seed: int = 0,
        progress: Progress | None = None,
    ) -> Self:
        """Learn from what happened before `at_us`.

        `facets`: of the catalogue; those of the first level, and the category at every level, are looked at.
        `traits`: name → user row → what was declared. `vectors`: frozen, fitted before the earliest window
        (`earliest_us`). Never raises for too little data: `notes` tells. Cost: some passes over the data a window,
        and a few seconds a head.
        """
        settings, past = settings or HeadSettings(), data.before(at_us)
        advance = (progress or Silent()).step("heads", len(settings.purchase_days) + 4)
        view = _View(past, tuple(facet for facet in facets if facet.level <= 1), vectors, at_us)
        found: dict[str, Classifier | TooLittle] = {}
        for days in settings.purchase_days:
            found[f"purchase_{days}d"] = _over_windows(view, f"purchase_{days}d", days, settings, seed)
            advance(1)
        churn = f"churn_{settings.churn_days}d"
        found[churn] = _over_windows(view, churn, settings.churn_days, settings, seed, churn=True)
        advance(1)
        category = CategoryHead.fit(past, facets, at_us, settings, seed)
        advance(1)
        spend = _spend(view, settings, seed)
        advance(1)
        told, trait_notes = fit_traits(view.matrix(at_us), traits or {}, settings, seed)
        advance(1)
        every = [*found.values(), category, spend]
        notes = tuple(str(part) for part in every if isinstance(part, TooLittle)) + trait_notes
        return cls(
            settings,
            at_us,
            view.matrix(at_us).names,
            view.named,
            view.dim,
            {name: head for name, head in found.items() if isinstance(head, Classifier)},
            category if isinstance(category, CategoryHead) else None,
            spend if isinstance(spend, SpendHead) else None,
            told,
            notes,
        )

    @staticmethod
    def earliest_us(data: Interactions, at_us: int, settings: HeadSettings | None = None) -> int:
        """Before this a vector source has to be fitted, so that it is frozen for all windows."""
        settings = settings or HeadSettings()
        days = (*settings.purchase_days, settings.churn_days, settings.spend_days)
        cuts = [cut for one in days for cut in windows(data.before(at_us), at_us, one, settings.stacks)]
        return min((cut.at_us for cut in cuts), default=at_us)

    def look(
        self, histories: Interactions, at_us: int, *, facets: Sequence[Facet] = (), vectors: VectorSource | None = None
    ) -> Look:
        """The features of every user of `histories` as of `at_us`; for one user a few milliseconds.

        `histories`: the acts of those who are asked about, nobody else's are needed; users are its rows. `facets`:
        of the catalogue now. `vectors`: the source given at the fit; without it the vector is unknown (NaN).
        """
        known = histories.until(at_us)
        chosen_facets = [facet for facet in facets if facet.level <= 1]
        matrix = _matrix(known, at_us, chosen_facets, self.favourites)
        if self.dim:
            told = (
                np.full((len(matrix.users), self.dim), np.nan, dtype=np.float32)
                if vectors is None
                else vectors(known, matrix.users, at_us)
            )
            matrix = fused(matrix, told)
        matrix = _ordered(matrix, self.names)
        n = histories.n_users
        values, recency, has = np.full((n, len(self.names)), np.nan), np.full(n, np.inf), np.zeros(n, dtype=np.bool_)
        values[matrix.users], has[matrix.users] = matrix.values, True
        recency[matrix.users] = np.nan_to_num(matrix.column("order_recency_days"), nan=np.inf)
        pairs = None
        if self.category is not None and any(facet.name == "category" for facet in facets):
            pairs = self.category.look(known, facets, at_us)
        return Look(at_us, values, has, recency, pairs)

    def save(self, folder: Path) -> Path:
        """Write `folder/heads.npz` in one durable step and return its path."""
        arrays: Arrays = {}
        meta: dict[str, Any] = {"version": VERSION, "at_us": self.at_us, "settings": asdict(self.settings)}
        meta |= {"names": list(self.names), "favourites": [[name, list(values)] for name, values in self.favourites]}
        meta |= {"dim": self.dim, "notes": list(self.notes), "parts": {}}
        meta["order"] = list(self._parts())
        for name, part in self._parts().items():
            meta["parts"][name], own = part.parts()
            arrays |= {f"{name}|{array}": values for array, values in own.items()}
        write_artifact(folder / FILE, KIND, meta, arrays)
        return folder / FILE

    @classmethod
    def load(cls, folder: Path) -> Self:
        """The heads saved in `folder`: the same answers.

        Raises `NotReady` where there are none, `WorkspaceError` where they are damaged or of another version.
        """
        meta, arrays = read_artifact(folder / FILE, KIND)
        if meta["version"] != VERSION:
            raise WorkspaceError(
                "{folder} holds version {version} of the heads; this Mien reads version {known}. Run mien train.",
                folder=folder / FILE,
                version=meta["version"],
                known=VERSION,
            )
        own: dict[str, Arrays] = {name: {} for name in meta["parts"]}
        for key, values in arrays.items():
            name, _, array = key.partition("|")
            own[name][array] = values
        told_settings: dict[str, Any] = {
            name: tuple(told) if isinstance(told, list) else told for name, told in meta["settings"].items()
        }
        parts = {name: (meta["parts"][name], own[name]) for name in meta["order"]}
        return cls(
            HeadSettings(**told_settings),
            meta["at_us"],
            tuple(meta["names"]),
            tuple((name, tuple(values)) for name, values in meta["favourites"]),
            meta["dim"],
            {name[5:]: Classifier.of_parts(*parts[name]) for name in parts if name.startswith("user:")},
            CategoryHead.of_parts(*parts["category"]) if "category" in parts else None,
            SpendHead.of_parts(*parts["spend"]) if "spend" in parts else None,
            tuple(TraitHead.of_parts(*parts[name]) for name in parts if name.startswith("trait:")),
            tuple(meta["notes"]),
        )

    def _parts(self) -> dict[str, Any]:
        parts: dict[str, Any] = {f"user:{name}": head for name, head in self.users.items()}
        parts |= {f"trait:{head.name}": head for head in self.traits}
        parts |= {name: head for name, head in (("category", self.category), ("spend", self.spend)) if head is not None}
        return parts


class _View:
    """The features of everybody at any moment of the past, each moment computed once."""

    def __init__(self, past: Interactions, facets: tuple[Facet, ...], vectors: VectorSource | None, at_us: int) -> None:
        self.past, self.facets, self.vectors, self.at_us = past, facets, vectors, at_us
        chosen = favourites(past, at_us, facets, FACET_VALUES)
        self.named = tuple(
            (_facet_name(facet), tuple(facet.values[value] for value in values))
            for facet, values in zip(facets, chosen, strict=True)
        )
        self.kept: dict[int, FeatureMatrix] = {}
        self.dim = 0

    def matrix(self, at_us: int) -> FeatureMatrix:
        """Aggregates and vector of every known user; the columns of the first moment asked for."""
        if at_us not in self.kept:
            past = self.past.before(at_us)
            matrix = _matrix(past, at_us, self.facets, self.named)
            if self.vectors is not None:
                told = self.vectors(past, matrix.users, at_us)
                self.dim = told.shape[1]
                matrix = fused(matrix, told)
            first = next(iter(self.kept.values()), matrix)
            self.kept[at_us] = _ordered(matrix, first.names)
        return self.kept[at_us]


def _facet_name(facet: Facet) -> str:
    return f"{facet.name}.{facet.level}" if facet.level else facet.name


@lru_cache(maxsize=16)
def _places(values: tuple[str, ...]) -> dict[str, int]:
    return {value: k for k, value in enumerate(values)}


def _ordered(matrix: FeatureMatrix, names: tuple[str, ...]) -> FeatureMatrix:
    """These columns in this order; a column that is not there (a transition that nobody made) is 0."""
    place = {name: k for k, name in enumerate(matrix.names)}
    values = np.hstack([matrix.values, np.zeros((len(matrix.users), 1))])
    return FeatureMatrix(matrix.users, names, values[:, [place.get(name, -1) for name in names]], matrix.at_us)


def _matrix(
    known: Interactions, at_us: int, facets: Sequence[Facet], named: Sequence[tuple[str, tuple[str, ...]]]
) -> FeatureMatrix:
    """Aggregates with the facet values of `named`, those of them that the catalogue still has."""
    held = {_facet_name(facet): facet for facet in facets}
    pairs = [(held[name], values) for name, values in named if name in held]
    chosen = []
    for facet, values in pairs:
        place = _places(facet.values)
        chosen.append(tuple(place[value] for value in values if value in place))
    return aggregates(known, at_us, facets=[facet for facet, _ in pairs], chosen=chosen)


def _over_windows(
    view: _View, head: str, days: int, settings: HeadSettings, seed: int, *, churn: bool = False
) -> Classifier | TooLittle:
    """A head over users; churn: of those who bought in the `active_days` before each cut, who buys nothing."""
    matrices, labels = [], []
    for cut in windows(view.past, view.at_us, days, settings.stacks):
        matrix, bought = view.matrix(cut.at_us), buys(view.past, cut)
        if churn:
            matrix = _rows(matrix, matrix.column("order_recency_days") <= settings.active_days)
        matrices.append(matrix)
        labels.append((bought[matrix.users] != churn).astype(np.float64))
    return fit_users(head, matrices, labels, least=settings.least, seed=seed)


def _spend(view: _View, settings: HeadSettings, seed: int) -> SpendHead | TooLittle:
    cuts = windows(view.past, view.at_us, settings.spend_days, settings.stacks)
    matrices = [view.matrix(cut.at_us) for cut in cuts]
    spent = [spends(view.past, cut)[matrix.users] for cut, matrix in zip(cuts, matrices, strict=True)]
    return SpendHead.fit(matrices, spent, least=settings.least, seed=seed)


def _rows(matrix: FeatureMatrix, held: npt.NDArray[np.bool_]) -> FeatureMatrix:
    return replace(matrix, users=matrix.users[held], values=matrix.values[held])
