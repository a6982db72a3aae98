"""The contract of every item recommender: the template owns ids, cold users, checks, ties and saving.

A model holds only its algebra: `_fit` turns interactions into arrays, `_score` turns histories into scores. It scores
the *histories it is given*: a user who came after the fit, a live history and a history as of some day all need no
refit.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from functools import reduce
from numbers import Integral, Real
from pathlib import Path
from types import UnionType
from typing import Any, ClassVar, Literal, Self, TypeAlias, Union, get_args, get_origin

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from mien.core.clock import DAY_US
from mien.core.errors import NotReady, UsageError, WorkspaceError
from mien.core.ids import Rows
from mien.core.phrase import Phrase
from mien.core.ports import Progress
from mien.features.weights import DEFAULT_WEIGHTS
from mien.models.artifact import Arrays, read_artifact, write_artifact
from mien.models.interactions import Interactions
from mien.models.items import ItemFacts
from mien.models.ranked import Ranked, Scores, best

BLOCK_BYTES = 64 << 20
"""Most that a dense block of scores may take: users are scored in chunks of this size (256 × 68k float32)."""

FALLBACK_DAYS = 28.0
"""Window of the popularity that breaks ties and that a user without a history gets."""

Exclude: TypeAlias = npt.NDArray[np.bool_] | sp.csr_array | None
"""Items not to show: `(n_items,) bool` for all users, or `(len(users), n_items)` sparse, non-zero: not for this one."""


@dataclass(eq=False, kw_only=True)
class Model(ABC):
    """An item recommender. Its dataclass fields are its settings.

    After `fit`: `fitted` holds its arrays, `at_us` when it was fitted as of, `n_items` the items it knows, `notes`
    what a reader of its results must be told. Every setting and every array is saved.
    """

    name: ClassVar[str]
    version: ClassVar[int] = 1
    """Raised when the meaning of the saved arrays changes."""
    own_items_only: ClassVar[bool] = True
    """Whether `_score` can take the items of the fit only; histories are then brought to that width."""

    zero_allowed: ClassVar[tuple[str, ...]] = ()
    """Numeric settings that may be 0; all others must be above it."""

    weights: Mapping[str, float] = field(default_factory=lambda: asdict(DEFAULT_WEIGHTS))
    """What one act of each action says about liking the item; actions not named say nothing."""

    fitted: Arrays = field(default_factory=dict, init=False, repr=False)
    at_us: int = field(default=0, init=False)
    n_items: int = field(default=0, init=False)
    notes: tuple[str, ...] = field(default=(), init=False)

    def __post_init__(self) -> None:
        for name, kind in self.settings_kinds().items():
            value = getattr(self, name)
            if not _fits(value, kind):
                raise UsageError(
                    "The setting {name} of the model {model} is {kind}, not {value!r}.",
                    name=name,
                    model=self.name,
                    kind=_wanted(kind),
                    value=value,
                )
            if isinstance(value, int | float) and (value < 0 or (value == 0 and name not in self.zero_allowed)):
                raise UsageError(
                    "The setting {name} of the model {model} must be above 0, not {value:g}.",
                    name=name,
                    model=self.name,
                    value=value,
                )

    @abstractmethod
    def _fit(self, data: Interactions, at_us: int, seed: int) -> Arrays:
        """The arrays learnt from `data`, all of it known at `at_us`."""

    @abstractmethod
    def _score(self, histories: Interactions, users: Rows, at_us: int) -> Scores:
        """`(len(users), histories.n_items)` scores; row k of `histories` is the user `users[k]` of the fit's ids."""

    def fit(self, data: Interactions, *, at_us: int, seed: int = 0) -> Self:
        """Learn from what is known at `at_us` (later rows are left out). The input stays as it is; returns self."""
        known = data.until(at_us)
        self.at_us, self.n_items, self.notes = at_us, data.n_items, ()
        fallback = popularity(known, self.weights, at_us, FALLBACK_DAYS)
        self.fitted = {"fallback": fallback, **self._fit(known, at_us, seed)}
        return self

    def score(self, histories: Interactions, users: npt.ArrayLike, *, at_us: int) -> Scores:
        """`(len(users), histories.n_items) float32`: higher is better, comparable within a row, always finite.

        `users`: rows of `histories`; only what is known at `at_us` counts. A user without a history scores 0
        everywhere (except by models that are the same for all); so does an item that came after the fit. Cost: a
        dense block; ask for few users at a time, or call `recommend`, which does.
        """
        rows = self._check(histories, users)
        return self.score_picked(histories.of_users(rows).until(at_us), rows, at_us=at_us)

    def score_picked(self, histories: Interactions, users: Rows, *, at_us: int) -> Scores:
        """`score` of histories that are picked already: row k is that of the user `users[k]` of the fit's ids.

        For a model that is made of others. Nothing later than `at_us` may be among them.
        """
        self._check_fitted()
        scores = np.zeros((len(users), histories.n_items), dtype=np.float32)
        if len(users) and histories.n_items:
            fitting = histories.within_items(self.n_items) if self.own_items_only else histories
            known = self._score(fitting, users, at_us)[:, : histories.n_items]
            scores[:, : known.shape[1]] = known
        return scores

    def recommend(
        self,
        histories: Interactions,
        users: npt.ArrayLike,
        k: int = 10,
        *,
        at_us: int,
        exclude: Exclude = None,
        allowed: npt.NDArray[np.bool_] | None = None,
    ) -> Ranked:
        """The k best items of each user, in chunks of users that fit `BLOCK_BYTES`.

        Ties, and with them users and places about which the model knows nothing, go by popularity in the last 28
        days before the fit, then by item row. Neither what is in `exclude` nor what is not in `allowed` is shown;
        where fewer than k items are left, items are −1 and scores −inf.
        """
        rows = self._check(histories, users)
        _check_masks(exclude, allowed, len(rows), histories.n_items)
        fallback = np.zeros(histories.n_items)
        fallback[: self.n_items] = self.fitted["fallback"][: histories.n_items]
        parts = []
        for chunk in chunks(len(rows), histories.n_items):
            scores = self.score(histories, rows[chunk], at_us=at_us)
            _hide(scores, chunk, exclude, allowed)
            parts.append(best(scores, k, fallback))
        return Ranked.stack(parts, k)

    def save(self, folder: Path) -> Path:
        """Write `<folder>/<name>.npz` in one durable step and return its path."""
        self._check_fitted()
        path = folder / f"{self.name}.npz"
        meta = {
            "version": self.version,
            "settings": {name: _plain(getattr(self, name)) for name in self.settings_names()},
            "at_us": self.at_us,
            "n_items": self.n_items,
            "notes": list(self.notes),
        }
        write_artifact(path, f"model {self.name}", meta, self.fitted)
        return path

    @classmethod
    def load(cls, folder: Path) -> Self:
        """The model saved in `folder`: the same settings, the same answers.

        Raises `NotReady` where there is none, `WorkspaceError` where it is damaged or of another version.
        """
        path = folder / f"{cls.name}.npz"
        meta, arrays = read_artifact(path, f"model {cls.name}")
        if meta["version"] != cls.version:
            raise WorkspaceError(
                "{path} holds version {version} of {name}; this Mien reads version {known}. Run mien "
                "build, and mien train where it was trained.",
                path=path,
                version=meta["version"],
                name=cls.name,
                known=cls.version,
            )
        model = cls(**meta["settings"])
        model.fitted, model.at_us, model.n_items = arrays, meta["at_us"], meta["n_items"]
        model.notes = tuple(meta["notes"])
        return model

    def use_items(self, facts: ItemFacts) -> Self:
        """What is known of the items beside their ids, for the next fit; most look at acts only. Returns self."""
        return self

    def keep_in(self, folder: Path | None, progress: Progress | None = None) -> Self:
        """Where a long fit may keep checkpoints (None: nowhere), and whom it tells how far it is; returns self."""
        return self

    def forget(self, users: npt.ArrayLike) -> Self:
        """Drop what the model holds of these users by row. Most hold nothing of the kind; returns self."""
        return self

    @classmethod
    def settings_names(cls) -> tuple[str, ...]:
        """The names of the settings, in their order."""
        return tuple(cls.settings_kinds())

    @classmethod
    def settings_kinds(cls) -> dict[str, Any]:
        """The settings in their order, each with the type it was declared with."""
        return {part.name: part.type for part in fields(cls) if part.init}

    def strength(self, data: Interactions, at_us: int, half_life_days: float | None) -> npt.NDArray[np.float64]:
        """Per row of `data` its weight by action, halved every `half_life_days` before `at_us` (None: never)."""
        return data.strength(self.weights, at_us=at_us, half_life_days=half_life_days)

    def _check_fitted(self) -> None:
        if not self.fitted:
            raise NotReady("The model {name} is not fitted yet. Call fit, or load a saved one.", name=self.name)

    def _check(self, histories: Interactions, users: npt.ArrayLike) -> Rows:
        self._check_fitted()
        rows = np.asarray(users, dtype=np.int32)
        if rows.ndim != 1:
            raise UsageError("users must be a flat list of rows, not of shape {shape}.", shape=str(rows.shape))
        if len(rows) and not (rows.min() >= 0 and rows.max() < histories.n_users):
            raise UsageError("A user row lies outside of the histories' 0 … {n_users}.", n_users=histories.n_users - 1)
        return rows


def popularity(
    data: Interactions, weights: Mapping[str, float], at_us: int, window_days: float
) -> npt.NDArray[np.float64]:
    """`(n_items,)`: summed action weights of the last `window_days` before `at_us`, never below 0."""
    strength = data.strength(weights) * (data.at_us >= at_us - int(window_days * DAY_US))
    return np.maximum(np.bincount(data.item, weights=strength, minlength=data.n_items), 0.0)


def chunks(n_users: int, n_items: int, *, block_bytes: int = BLOCK_BYTES) -> Iterator[slice]:
    """Slices of users whose dense float32 scores of all items stay within `block_bytes`."""
    step = max(1, block_bytes // (4 * max(n_items, 1)))
    return (slice(start, min(start + step, n_users)) for start in range(0, n_users, step))


def _check_masks(exclude: Exclude, allowed: npt.NDArray[np.bool_] | None, n_users: int, n_items: int) -> None:
    if allowed is not None and allowed.shape != (n_items,):
        raise UsageError(
            "allowed must have one entry an item ({n_items}), not the shape {shape}.",
            n_items=n_items,
            shape=str(allowed.shape),
        )
    if exclude is not None and exclude.shape not in ((n_items,), (n_users, n_items)):
        raise UsageError(
            "exclude must have the shape ({n_items},) or ({n_users}, {n_items}), not {shape}.",
            n_items=n_items,
            n_users=n_users,
            shape=str(exclude.shape),
        )


def _hide(scores: Scores, chunk: slice, exclude: Exclude, allowed: npt.NDArray[np.bool_] | None) -> None:
    if allowed is not None:
        scores[:, ~allowed] = -np.inf
    if isinstance(exclude, np.ndarray):
        scores[:, exclude] = -np.inf
    elif exclude is not None:
        hidden = exclude[chunk].tocoo()
        scores[hidden.row[hidden.data != 0], hidden.col[hidden.data != 0]] = -np.inf


def _fits(value: Any, kind: Any) -> bool:
    """Whether a value is of a declared type; numpy's numbers are numbers, a number that is not finite is none."""
    if get_origin(kind) in (UnionType, Union):
        return any(_fits(value, one) for one in get_args(kind))
    if kind in (int, float):
        wide = Integral if kind is int else Real
        return isinstance(value, wide) and not isinstance(value, bool) and math.isfinite(value)
    if get_origin(kind) is Literal:
        return isinstance(value, str)
    return isinstance(value, get_origin(kind) or kind)


def _wanted(kind: Any) -> Phrase:
    """A declared type in words."""
    if get_origin(kind) in (UnionType, Union):
        first, *others = [_wanted(one) for one in get_args(kind) if one is not type(None)]
        return reduce(lambda one, other: Phrase("{one} or {other}", one=one, other=other), others, first)
    words = {bool: Phrase("true or false"), int: Phrase("a whole number"), float: Phrase("a number")}
    return words.get(kind, Phrase("a table") if get_origin(kind) is Mapping else Phrase("a text"))


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else value
