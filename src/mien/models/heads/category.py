"""The category head: which of the most bought categories a user buys from next."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from mien.core.clock import DAY_US
from mien.core.ids import Rows
from mien.core.item import Facet
from mien.models.artifact import Arrays
from mien.models.ease import gram, solve
from mien.models.heads.classifier import Classifier
from mien.models.heads.cuts import buyers
from mien.models.heads.likeness import Context
from mien.models.heads.pairs import PairMatrix, label_fate, pair_features
from mien.models.heads.parts import TooLittle, fit_pairs, windows
from mien.models.heads.settings import HeadSettings
from mien.models.heads.targets import LabelSet, category_labels, labels_named
from mien.models.interactions import Interactions

HALF_LIFE_DAYS, POWER, RIDGE, WIDTH = 120.0, 0.4, 100.0, 400
"""Of the taste that likeness is computed from: see `Context.ease`."""


@dataclass(frozen=True, eq=False)
class CategoryHead:
    """`names`: the categories foretold; `fate`: how each fares with everybody at the fit.

    `columns`, `weights`: the categories that likeness looks at, and EASE's weights from them to those foretold.
    """

    model: Classifier
    names: tuple[str, ...]
    fate: dict[str, npt.NDArray[np.float64]]
    columns: tuple[str, ...]
    weights: npt.NDArray[np.float32]

    @classmethod
    def fit(
        cls, data: Interactions, facets: Sequence[Facet], at_us: int, settings: HeadSettings, seed: int
    ) -> "CategoryHead | TooLittle":
        """From `data` before `at_us`; likeness is fitted before the earliest window, the same everywhere after."""
        head, days = "category", settings.category_days
        cuts = windows(data, at_us, days, settings.stacks)
        if not cuts or not any(facet.name == "category" for facet in facets):
            return TooLittle(head, 0, 0, settings.least)
        labels = category_labels(data, facets, at_us, top=settings.categories, days=0)
        early = cuts[-1].at_us
        context = Context.of(data.before(at_us), labels, early, width=WIDTH)
        taste = context.taste(early, HALF_LIFE_DAYS, POWER)
        weights = solve(gram(taste), RIDGE)[:, context.label_columns]
        pairs, bought = [], []
        for cut in cuts:
            users = buyers(data, cut.at_us, settings.active_days)
            liked = context.taste(cut.at_us, HALF_LIFE_DAYS, POWER, users) @ weights
            pairs.append(pair_features(cut.past(data), labels, users, cut.at_us, {"ease": liked}))
            bought.append(labels.bought(data, cut)[users])
        model = fit_pairs(head, pairs, bought, rows=settings.pair_rows, least=settings.least, seed=seed)
        if isinstance(model, TooLittle):
            return model
        values = next(facet.values for facet in reversed(facets) if facet.name == "category")
        columns = tuple(values[value] for value in context.values.tolist())
        return cls(model, labels.names, label_fate(data.before(at_us), labels, at_us), columns, weights)

    def look(self, histories: Interactions, facets: Sequence[Facet], at_us: int) -> PairMatrix:
        """The features of every user of `histories` × the categories, as of `at_us`."""
        labels = labels_named(tuple(facets), self.names)
        users = np.arange(histories.n_users, dtype=np.int32)
        extra = {"ease": self._likeness(histories, labels, facets, users, at_us)}
        return pair_features(histories, labels, users, at_us, extra, self.fate)

    def _likeness(
        self, histories: Interactions, labels: LabelSet, facets: Sequence[Facet], users: Rows, at_us: int
    ) -> npt.NDArray[np.float32]:
        bought = histories.doing(["purchase"])
        columns = labels_named(tuple(facets), self.columns)
        place = np.full(labels.n + 1, -1, dtype=np.int64)
        held = columns.chosen >= 0
        place[columns.chosen[held]] = np.flatnonzero(held)
        code = labels.codes[bought.item]
        at = place[code]
        kept = (at >= 0) & (code >= 0)
        # One act an order and category, as when the weights were learnt.
        keys = np.stack([bought.user[kept], at[kept], bought.at_us[kept]])
        user, column, when = np.unique(keys, axis=1)
        taste = np.zeros((histories.n_users, len(self.columns)))
        np.add.at(taste, (user, column), np.exp2(-(at_us - when) / DAY_US / HALF_LIFE_DAYS))
        return np.asarray(taste**POWER @ self.weights, dtype=np.float32)

    def parts(self) -> tuple[dict[str, Any], Arrays]:
        """Description and arrays, for an artifact."""
        meta, arrays = self.model.parts()
        arrays["ease_weights"] = self.weights
        arrays |= {f"fate:{name}": column for name, column in self.fate.items()}
        return {
            "model": meta,
            "names": list(self.names),
            "columns": list(self.columns),
            "fate": list(self.fate),
        }, arrays

    @classmethod
    def of_parts(cls, meta: dict[str, Any], arrays: Arrays) -> Self:
        """What `parts` took apart."""
        fate = {name: arrays[f"fate:{name}"] for name in meta["fate"]}
        model = Classifier.of_parts(meta["model"], arrays)
        return cls(model, tuple(meta["names"]), fate, tuple(meta["columns"]), arrays["ease_weights"])
