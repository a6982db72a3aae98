"""Acts as tokens, by hand: instants, what follows, horizons, windows without padding."""

import numpy as np
import pytest

from mien.core.clock import DAY_US
from mien.core.event import ACTION_CODE
from mien.models.behaviour.tokens import GAPS, Tokens, Windows, bucket
from mien.models.interactions import Interactions

BUY = ACTION_CODE["purchase"]
START_US = 1_700_000_000_000_000


def acts(rows: list[tuple[int, int, float]]) -> Interactions:
    """From (user, item, day)."""
    user, item, day = (np.array(column) for column in zip(*rows, strict=True))
    at = START_US + (day * DAY_US).astype(np.int64)
    return Interactions.of(user, item, np.full(len(rows), BUY), at, n_users=3, n_items=9)


def test_an_instant_is_followed_by_the_next_one_of_the_same_user() -> None:
    #  user 0: {1, 2} on day 0, 3 on day 1, 4 on day 30; user 2: one act only
    tokens = Tokens.of(acts([(0, 1, 0), (0, 2, 0), (0, 3, 1), (0, 4, 30), (2, 5, 0)]))
    assert tokens.item.tolist() == [1, 2, 3, 4, 5]
    assert tokens.instant.tolist() == [0, 0, 1, 2, 3]
    follows = [tokens.item[a:b].tolist() for a, b in zip(tokens.after, tokens.after_end, strict=True)]
    assert follows == [[3], [3], [4], [], []]
    ahead = [tokens.item[a:b].tolist() for a, b in zip(tokens.after, tokens.horizon_end, strict=True)]
    assert ahead == [[3], [3], [], [], []]  # 4 comes 29 days later: beyond the 14 days


def test_pauses_and_pieces_fall_into_buckets() -> None:
    assert bucket(np.array([0, 1, 2, 3, 4, 10**12])).tolist() == [0, 1, 2, 2, 3, GAPS - 1]
    tokens = Tokens.of(acts([(0, 1, 0), (0, 2, 1), (1, 3, 5)]))
    assert tokens.gap.tolist() == [0, bucket(np.array([86_400]))[0], 0]
    assert tokens.price.tolist() == [0, 0, 0]  # nobody said a value


def test_disorder_stays_within_an_instant() -> None:
    tokens = Tokens.of(acts([(0, item, 0) for item in range(5)] + [(0, item, 1) for item in range(5, 9)]))
    seen = set()
    for seed in range(20):
        order = tokens.disordered(np.random.default_rng(seed))
        assert set(order[:5].tolist()) == set(range(5))
        assert set(order[5:].tolist()) == set(range(5, 9))
        seen.add(tuple(order.tolist()))
    assert len(seen) > 10


def test_windows_are_cut_from_the_newest_end() -> None:
    windows = Windows.of(np.array([0, 7, 7, 9]), np.array([7, 7, 8]), 3)
    pairs = sorted(zip(windows.start.tolist(), windows.size.tolist(), strict=True))
    assert pairs == [(0, 1), (1, 3), (4, 3), (7, 1)]


@pytest.mark.parametrize("tokens", [1, 4, 100])
def test_batches_hold_every_window_once_and_one_size_each(tokens: int) -> None:
    random = np.random.default_rng(0)
    held = random.integers(0, 12, 40)
    offsets = np.concatenate([[0], np.cumsum(held)])
    windows = Windows.of(offsets, offsets[1:], 5)
    batches = windows.batches(tokens, np.random.default_rng(1))
    assert sorted(np.concatenate(batches).tolist()) == list(range(len(windows.start)))
    for batch in batches:
        rows = windows.rows(batch)
        assert rows.shape == (len(batch), int(windows.size[batch[0]]))
        assert rows.size <= max(tokens, rows.shape[1])
    covered = np.concatenate([windows.rows(batch).ravel() for batch in batches])
    assert sorted(covered.tolist()) == list(range(int(held.sum())))


def test_nobody_did_anything() -> None:
    tokens = Tokens.of(Interactions.of([], [], [], [], n_users=2, n_items=3))
    assert len(tokens) == len(tokens.disordered(np.random.default_rng(0))) == 0
    assert not Windows.of(tokens.offsets, tokens.offsets[1:], 4).batches(8, np.random.default_rng(0))
