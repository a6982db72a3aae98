"""Acts as tokens: flat arrays of numbers, what follows each act, and windows grouped so that nothing is padded.

An *instant* is all that a user did at one moment (the lines of one basket): its order means nothing, so it is drawn
anew in every epoch, and an act is never asked to foretell another of its own instant.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mien.core.clock import DAY_US, SECOND_US
from mien.models.interactions import Interactions

Ints = npt.NDArray[np.int64]
GAPS = 32
"""Buckets of a pause: 0 unknown or none, b the pauses of 2^(b−1) … 2^b seconds."""
PRICES = 32
"""Buckets of a price per piece: 0 unknown, then two to the doubling."""
QUANTITIES = 8
"""Buckets of a number of pieces: 0 up to one, then one to the doubling."""


@dataclass(frozen=True, eq=False)
class Tokens:
    """One entry an act, in the order of the `Interactions` it was made of; `offsets (n_users + 1,)` cut it by user.

    `gap`: bucket of the pause since the user's act before; `price`, `quantity`: buckets. What follows act r lies in
    the rows `after[r] : after_end[r]` (the next instant) and `after[r] : horizon_end[r]` (the days of the horizon);
    empty where nothing does. `instant`: number of the instant, ascending.
    """

    item: Ints
    action: Ints
    gap: Ints
    price: Ints
    quantity: Ints
    at_s: Ints
    instant: Ints
    offsets: Ints
    after: Ints
    after_end: Ints
    horizon_end: Ints

    def __len__(self) -> int:
        return len(self.item)

    @classmethod
    def of(cls, data: Interactions, horizon_days: float = 14.0) -> "Tokens":
        """Cost: a few passes and one bisection an act."""
        n, user = len(data), data.user.astype(np.int64)
        begins = np.ones(n, dtype=np.bool_)
        begins[1:] = (user[1:] != user[:-1]) | (data.at_us[1:] != data.at_us[:-1])
        instant = np.cumsum(begins) - 1
        ends = np.append(np.flatnonzero(begins)[1:], n)  # of each instant
        user_end = data.offsets[user + 1]
        after = ends[instant] if n else np.empty(0, np.int64)
        followed = after < user_end
        after = np.where(followed, after, user_end)
        after_end = np.where(followed, ends[instant[np.minimum(after, n - 1)]], after) if n else after
        at_s = (data.at_us - (data.at_us.min() if n else 0)) // SECOND_US
        return cls(
            item=data.item.astype(np.int64),
            action=data.action.astype(np.int64),
            gap=pauses(at_s, user),
            price=_doublings(data.value / np.maximum(data.quantity, 1e-9), 2, PRICES),
            quantity=np.minimum(np.log2(np.maximum(data.quantity, 1.0)), QUANTITIES - 1).astype(np.int64),
            at_s=at_s,
            instant=instant,
            offsets=data.offsets,
            after=after,
            after_end=after_end,
            horizon_end=np.maximum(_horizon(user, at_s, round(horizon_days * DAY_US / SECOND_US)), after),
        )

    def disordered(self, random: np.random.Generator) -> Ints:
        """`(n,)`: the rows, the acts of each instant in an order drawn anew. Cost: a sort."""
        if len(self) == 0 or self.instant[-1] == len(self) - 1:
            return np.arange(len(self))
        return np.lexsort((random.random(len(self)), self.instant))


def pauses(at_s: Ints, user: Ints) -> Ints:
    """Bucket of the pause before each act; 0 for a user's first and within an instant."""
    gap = np.zeros(len(at_s), dtype=np.int64)
    same = user[1:] == user[:-1]
    gap[1:][same] = (at_s[1:] - at_s[:-1])[same]
    return bucket(gap)


def bucket(seconds: Ints) -> Ints:
    """Pause in seconds → 0 … GAPS − 1."""
    whole = np.maximum(seconds, 0).astype(np.float64)
    return np.minimum(np.ceil(np.log2(whole + 1.0)), GAPS - 1).astype(np.int64)


def _doublings(values: npt.NDArray[np.float64], steps: int, buckets: int) -> Ints:
    known = values > 0
    place = 1 + np.floor(steps * np.log2(1.0 + np.where(known, values, 0.0)))
    return np.where(known, np.minimum(place, buckets - 1), 0).astype(np.int64)


def _horizon(user: Ints, at_s: Ints, length_s: int) -> Ints:
    """Row after the last act of the same user within `length_s` of each act."""
    if not len(user):
        return np.empty(0, np.int64)
    span = int(at_s.max()) + 1
    key = user * (span + 1) + at_s
    return np.searchsorted(key, user * (span + 1) + np.minimum(at_s + length_s, span), side="right").astype(np.int64)


@dataclass(frozen=True, eq=False)
class Windows:
    """Stretches of at most `length` acts of one user: `start (n,)` their first row, `size (n,)` their acts."""

    start: Ints
    size: Ints

    @classmethod
    def of(cls, offsets: Ints, ends: Ints, length: int) -> "Windows":
        """Rows `offsets[u] : ends[u]` of each user, cut from the end backwards, so that the newest window is full."""
        held = np.maximum(ends - offsets[:-1], 0)
        pieces = -(-held // length)
        user = np.repeat(np.arange(len(held)), pieces)
        nth = np.arange(len(user)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
        last = ends[user] - nth * length
        start = np.maximum(last - length, offsets[user])
        return cls(start.astype(np.int64), (last - start).astype(np.int64))

    def batches(self, tokens: int, random: np.random.Generator) -> list[Ints]:
        """Windows of one size each (numbers of windows), about `tokens` acts a batch, in an order drawn anew."""
        found = []
        for size, members in self.by_size():
            drawn = random.permutation(members)
            step = max(1, tokens // size)
            found += [drawn[k : k + step] for k in range(0, len(drawn), step)]
        return [found[k] for k in random.permutation(len(found))]

    def by_size(self) -> Iterator[tuple[int, Ints]]:
        """Size, and the windows of that size."""
        order = np.argsort(self.size, kind="stable")
        sizes, firsts = np.unique(self.size[order], return_index=True)
        if not len(sizes):
            return
        yield from zip(sizes.tolist(), np.split(order, firsts[1:]), strict=True)

    def rows(self, chosen: Ints) -> Ints:
        """`(len(chosen), size)`: the rows of windows of one size."""
        return self.start[chosen][:, None] + np.arange(int(self.size[chosen[0]]))
