"""What behaviour says of a person in general: how much, when, how dear, of what, and where in the space of tastes."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from mien.models.interest import right_factors
from mien.studies.labelled import Behaviour

Floats = npt.NDArray[np.float64]

VALUES_PER_FACET = 150
"""Values of a facet that become columns, the most common ones."""
FEWEST_PEOPLE = 5
"""People who must have had an item for it to count among the tastes."""
DAY_S = 86_400.0


@dataclass(frozen=True, eq=False)
class PersonFeatures:
    """Of people, in the order of their rows. `activity (n, a)`: amounts and rhythm; `shares (n, s)`: of what; `taste
    (n, t)`: co-ordinates of a truncated SVD; `items (n, i)`: sparse, weighed by rarity."""

    activity: Floats
    shares: Floats
    taste: Floats
    items: sp.csr_matrix

    @property
    def dense(self) -> Floats:
        """`(n, a + s + t)`."""
        return np.hstack([self.activity, self.shares, self.taste])


def person_features(told: Behaviour, *, dim: int = 64, seed: int = 0) -> PersonFeatures:
    """Features of everybody, fitted on everybody's behaviour; no label is looked at. Cost: ten passes of an SVD."""
    items = _items(told)
    strength, factors = right_factors(items, min(dim, *items.shape), seed)
    return PersonFeatures(_activity(told), _shares(told), np.asarray(items @ factors.T) / (strength + 1e-12), items)


def _activity(told: Behaviour) -> Floats:
    n, user = told.n_users, told.user
    lines = np.maximum(np.bincount(user, minlength=n), 1)
    day = np.floor(told.at_s / DAY_S).astype(np.int64)
    visits = _different(user, day, n)
    first, last = np.full(n, np.inf), np.full(n, -np.inf)
    np.minimum.at(first, user, told.at_s)
    np.maximum.at(last, user, told.at_s)
    columns = [
        np.log1p(lines),
        np.log1p(visits),
        np.log1p(_different(user, told.item, n)),
        np.log1p(np.where(np.isfinite(first), last - first, 0.0) / DAY_S),
        np.log1p(lines / np.maximum(visits, 1)),
        _different(user, told.item, n) / lines,
    ]
    for column in (told.value, *told.more.values()):
        mean = np.bincount(user, weights=column, minlength=n) / lines
        square = np.bincount(user, weights=column**2, minlength=n) / lines
        columns += [_logarithm(mean), _logarithm(np.sqrt(np.maximum(square - mean**2, 0.0)))]
    columns += [_shares_of(user, day % 7, 7, n)]
    if told.hours:
        columns += [_shares_of(user, (told.at_s % DAY_S // 7200).astype(np.int64), 12, n)]
    if told.rated:
        columns += [_shares_of(user, told.value.astype(np.int64) - 1, 5, n)]
    return np.column_stack(columns)


def _shares(told: Behaviour) -> Floats:
    """√ of the share of each person's lines in each value of a facet; of ratings also their mean there, less the
    person's mean."""
    n, user = told.n_users, told.user
    blocks = []
    mean = np.bincount(user, weights=told.value, minlength=n) / np.maximum(np.bincount(user, minlength=n), 1)
    for code in told.facets.values():
        common = np.argsort(-np.bincount(code[code >= 0]), kind="stable")[:VALUES_PER_FACET]
        place = np.full(int(code.max(initial=0)) + 1, -1)
        place[common] = np.arange(len(common))
        column = np.where(code >= 0, place[code], -1)
        kept = column >= 0
        blocks.append(np.sqrt(_shares_of(user, column, len(common), n)))
        if told.rated:
            above = np.bincount(user[kept], weights=(told.value - mean[user])[kept], minlength=n)
            blocks.append((above / (np.bincount(user[kept], minlength=n) + 3.0))[:, None])
    return np.hstack(blocks)


def _items(told: Behaviour) -> sp.csr_matrix:
    """The items of each person; of ratings, the films rated beside the films liked."""
    blocks = [_weighed(told.user, told.item, told.n_users, told.n_items)]
    if told.rated:
        liked = told.value >= 4
        blocks.append(_weighed(told.user[liked], told.item[liked], told.n_users, told.n_items))
    return sp.csr_matrix(sp.hstack(blocks))


def _weighed(user: npt.NDArray[np.int64], code: npt.NDArray[np.int64], n_users: int, width: int) -> sp.csr_matrix:
    """log(1 + lines) · log(people / people with it), rows of length 1; what few people had is left out."""
    counts = sp.coo_matrix((np.ones(len(code)), (user, code)), shape=(n_users, width)).tocsr()
    counts.sum_duplicates()
    people = np.bincount(counts.indices, minlength=width)
    counts = counts[:, people >= FEWEST_PEOPLE]
    rarity = np.log(n_users / people[people >= FEWEST_PEOPLE])
    counts.data = np.log1p(counts.data) * np.maximum(rarity, 0.1)[counts.indices]
    length = np.sqrt(np.asarray(counts.multiply(counts).sum(axis=1)).ravel())
    return sp.csr_matrix(sp.diags_array(1.0 / np.where(length > 0, length, 1.0)) @ counts)


def _shares_of(user: npt.NDArray[np.int64], code: npt.NDArray[np.int64], width: int, n: int) -> Floats:
    """`(n, width)`: share of each person's lines with each code; lines of code −1 count in the whole only."""
    kept = code >= 0
    table = np.bincount(user[kept] * width + code[kept], minlength=n * width).reshape(n, width)
    return np.asarray(table / np.maximum(np.bincount(user, minlength=n), 1)[:, None])


def _different(user: npt.NDArray[np.int64], code: npt.NDArray[np.int64], n: int) -> npt.NDArray[np.int64]:
    pairs = np.unique(np.stack([user, code]), axis=1)
    return np.bincount(pairs[0], minlength=n)


def _logarithm(column: Floats) -> Floats:
    return np.asarray(np.sign(column) * np.log1p(np.abs(column)))
