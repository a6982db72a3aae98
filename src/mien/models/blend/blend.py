"""Blend: the best candidates of every model, put in order by trees that learnt from earlier baskets which to believe.

The fit goes back to `cuts` moments before it, `window_days` apart. At each the parts are fitted on what was known then;
their candidates are described (`own`, `items`, the parts' scores and places), and labelled by whether the user's first
order in the window held them. Trees learn from all of these; the parts are then fitted on everything.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from mien.core.errors import MissingExtra, UnknownName
from mien.core.ids import Rows
from mien.models.artifact import Arrays
from mien.models.behaviour import SMALL, Behaviour
from mien.models.blend.examples import Examples, described, earlier_cuts, examples_at, joined
from mien.models.blend.items import item_columns
from mien.models.blend.pairs import Features
from mien.models.blend.trees import Trees, learn_trees
from mien.models.interactions import Interactions
from mien.models.items import ItemFacts
from mien.models.model import Model
from mien.models.ranked import Scores
from mien.models.singles import SINGLES

ITEMS = "items"


@dataclass(eq=False, kw_only=True)
class Blend(Model):
    """s(u, i) in (0, 1) for the candidates, 0 for all other items: an order, not a calibrated probability.

    Without LightGBM (extra `models`), or with fewer than `fewest` earlier baskets to learn from, s is the mean over the
    parts of their share of the user's best score; `notes` say so, and name parts whose package is missing. Cost of the
    fit: (cuts + 1) fits of every part, and `rounds` · candidates · features for the trees.
    """

    name: ClassVar[str] = "blend"
    zero_allowed: ClassVar[tuple[str, ...]] = ("cuts",)

    parts: str = "popular+repeat+frequency+item-neighbours+user-neighbours+ease+als"
    """The models whose candidates and scores are blended, joined by a plus."""
    candidates: int = 50
    """Best items taken from each part for each user."""
    window_days: float = 14.0
    """Length of the windows in which the baskets to learn from begin."""
    cuts: int = 6
    """How many windows before the fit are learnt from; 0: no learning."""
    users: int = 1000
    """Most baskets of one window that are learnt from; past it a seeded sample is drawn."""
    rounds: int = 120
    """Trees of each of the two ensembles."""
    fewest: int = 30
    """Earlier baskets that the trees need; with fewer nothing is learnt."""
    facts: ItemFacts | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in self.part_names:
            if name not in SINGLES:
                raise UnknownName("model", name, SINGLES)

    @property
    def part_names(self) -> tuple[str, ...]:
        """The names in `parts`."""
        return tuple(dict.fromkeys(self.parts.split("+")))

    def forget(self, users: npt.ArrayLike) -> Self:
        """Drop what the parts hold of these users."""
        self._check_fitted()
        for name, part in self._parts().items():
            self.fitted |= _prefixed(name, part.forget(users).fitted)
        return self

    def _fit(self, data: Interactions, at_us: int, seed: int) -> Arrays:
        trees = self._learn(data, at_us, seed)
        arrays = _prefixed(ITEMS, item_columns(data, at_us))
        for name, part in self._fit_parts(data, at_us, seed).items():
            arrays |= _prefixed(name, part.fitted)
        return arrays | trees

    def _score(self, histories: Interactions, users: Rows, at_us: int) -> Scores:
        parts = self._parts()
        pairs, features = described(parts, _within(ITEMS, self.fitted), histories, users, at_us, self.candidates)
        scores = np.zeros((histories.n_users, histories.n_items), dtype=np.float32)
        scores[pairs.user, pairs.item] = self._order(features)
        return scores

    def _order(self, features: Features) -> npt.NDArray[np.float32]:
        """`(n,)` the score of each candidate."""
        if "trees spread" in self.fitted:
            return Trees.from_arrays(self.fitted).probability(features)
        shares = [f"{name} share" for name in self.part_names if f"{name} share" in features.names]
        return np.asarray(np.maximum(features.only(shares), 0.0).mean(axis=1), dtype=np.float32)

    def _learn(self, data: Interactions, at_us: int, seed: int) -> Arrays:
        """The trees as arrays; none, and a note, where they cannot be learnt."""
        windows = list(earlier_cuts(at_us, self.window_days, self.cuts))
        found = [self._examples(data, window, seed) for window in windows]
        examples = joined([one for one in found if one is not None])
        baskets = 0 if examples is None else len(examples.sizes)
        if examples is None or baskets < self.fewest:
            self.notes = (*self.notes, f"blend: {baskets} earlier baskets are too few to learn from; shares are added")
            return {}
        try:
            return learn_trees(examples, self.rounds, seed).to_arrays()
        except MissingExtra as missing:
            self.notes = (*self.notes, f"blend: shares are added, nothing is learnt. {missing}")
            return {}

    def _examples(self, data: Interactions, window: tuple[int, int], seed: int) -> Examples | None:
        past = data.before(window[0])
        if not len(past):
            return None
        parts = self._fit_parts(past, window[0], seed)
        return examples_at(data, window, parts, each=self.candidates, most_users=self.users, seed=seed)

    def use_items(self, facts: ItemFacts) -> Self:
        """Hand what is known of the items to the parts of the next fit."""
        self.facts = facts
        return self

    def facts_of(self, data: Interactions) -> ItemFacts:
        return self.facts or ItemFacts.nothing(data.n_items)

    def _part(self, name: str) -> Model:
        """A part as it is blended: the behaviour model at its smallest, since it is fitted once a cut."""
        small = SMALL if name == Behaviour.name else {}
        return SINGLES[name](weights=self.weights, **small)

    def _fit_parts(self, data: Interactions, at_us: int, seed: int) -> dict[str, Model]:
        """Every part that can be fitted here, by name; a package that is missing becomes a note."""
        fitted: dict[str, Model] = {}
        for name in self.part_names:
            try:
                fitted[name] = self._part(name).use_items(self.facts_of(data)).fit(data, at_us=at_us, seed=seed)
            except MissingExtra as missing:
                note = f"blend: without {name}. {missing}"
                self.notes = self.notes if note in self.notes else (*self.notes, note)
        return fitted

    def _parts(self) -> dict[str, Model]:
        """The parts as they were fitted, made of this model's own arrays."""
        parts: dict[str, Model] = {}
        for name in self.part_names:
            arrays = _within(name, self.fitted)
            if arrays:
                parts[name] = self._part(name)
                parts[name].fitted, parts[name].at_us, parts[name].n_items = arrays, self.at_us, self.n_items
        return parts


def _prefixed(name: str, arrays: Mapping[str, npt.NDArray[Any]]) -> Arrays:
    return {f"{name}/{key}": array for key, array in arrays.items()}


def _within(name: str, arrays: Arrays) -> Arrays:
    return {key.removeprefix(f"{name}/"): array for key, array in arrays.items() if key.startswith(f"{name}/")}
