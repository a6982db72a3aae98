"""Popularity among people who declared the same of themselves: what to show somebody who has done nothing yet.

Share of item i in the acts of segment s:  (n_si + κ · p_i) / (N_s + κ), with n_si the weighed acts of its people in the
last `window_days`, N_s their sum, p_i the item's share among everybody: a small segment says little of its own. A
segment is a value of a declared trait; one of fewer people than `fewest` is left out, and no row of a person is kept.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from mien.core.clock import DAY_US
from mien.features.weights import DEFAULT_WEIGHTS
from mien.models.artifact import as_arrays, from_arrays, read_artifact, write_artifact
from mien.models.interactions import Interactions

Floats = npt.NDArray[np.float64]
Trait = tuple[str, str]
"""Name and value of a declared trait."""
_FILE, _KIND = "segment-popular.npz", "segment popularity"


@dataclass(frozen=True, eq=False)
class SegmentPopular:
    """`names`: the segments; `acts (n_segments, n_items)` weighed; `shares (n_items,)` of everybody; `prior`: κ."""

    names: tuple[Trait, ...]
    acts: sp.csr_array
    shares: Floats
    prior: float = 100.0

    @classmethod
    def fit(
        cls,
        data: Interactions,
        traits: Mapping[int, Iterable[Trait]],
        *,
        at_us: int,
        window_days: float = 28.0,
        fewest: int = 20,
        prior: float = 100.0,
    ) -> "SegmentPopular":
        """From what was done up to `at_us` and the traits of user rows. Cost: one pass."""
        people: dict[Trait, list[int]] = {}
        for user, told in traits.items():
            for trait in told:
                people.setdefault(trait, []).append(user)
        names = tuple(sorted(trait for trait, users in people.items() if len(users) >= fewest))
        recent = data.until(at_us).since(at_us - round(window_days * DAY_US))
        weights = np.maximum(recent.strength(asdict(DEFAULT_WEIGHTS)), 0.0)
        total = np.bincount(recent.item, weights=weights, minlength=data.n_items)
        matrix = recent.matrix(weights)
        pairs = [(row, user) for row, name in enumerate(names) for user in people[name] if user < data.n_users]
        rows, users = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
        member = sp.csr_array((np.ones(len(rows)), (rows, users)), shape=(len(names), data.n_users))
        return cls(names, sp.csr_array(member @ matrix), total / max(total.sum(), 1.0), prior)

    def popularity(self, traits: Iterable[Trait]) -> tuple[Floats, tuple[Trait, ...]]:
        """`(n_items,)` mean share among those who declared each of these traits, and the traits that are segments."""
        known = tuple(trait for trait in dict.fromkeys(traits) if trait in self.names)
        if not known:
            return self.shares, ()
        found = np.zeros(len(self.shares))
        for trait in known:
            row = self.acts[[self.names.index(trait)]].toarray()[0]
            found += (row + self.prior * self.shares) / (row.sum() + self.prior)
        return found / len(known), known

    def save(self, folder: Path) -> Path:
        """Write one file, whole or not at all."""
        path = folder / _FILE
        meta = {"names": [list(name) for name in self.names], "prior": self.prior}
        write_artifact(path, _KIND, meta, {**as_arrays("acts", self.acts), "shares": self.shares})
        return path

    @classmethod
    def load(cls, folder: Path) -> "SegmentPopular":
        """What `save` wrote; `NotReady` where there is none."""
        meta, arrays = read_artifact(folder / _FILE, _KIND)
        names = tuple((str(name), str(value)) for name, value in meta["names"])
        return cls(names, from_arrays("acts", arrays, len(arrays["shares"])), arrays["shares"], float(meta["prior"]))
