"""The pulse of a shop, by hand."""

import numpy as np

from mien.core.clock import DAY_US, HOUR_US, parse_time, to_us, zone_shifts
from mien.core.event import ACTION_CODE, Action
from mien.features.pulse import Events, active, funnel, pulse

NOW = to_us(parse_time("2026-11-28T10:30:00Z"))
UTC = zone_shifts("UTC")


def events(*told: tuple[int, Action, float]) -> Events:
    """User, action, hours before `NOW`."""
    user, action, hours = zip(*told, strict=True) if told else ((), (), ())
    at = NOW - (np.array(hours, dtype=np.float64) * HOUR_US).astype(np.int64)
    return Events(np.array(user, dtype=np.int64), np.array([ACTION_CODE[a] for a in action], dtype=np.int64), at)


def test_by_the_hour() -> None:
    """10:30 now: half an hour ago is 10:00, an hour and a half ago 9:00, 25 hours ago yesterday 9:00."""
    told = events((1, Action.VIEW, 0.5), (1, Action.VIEW, 1.5), (2, Action.VIEW, 1.2), (2, Action.CART, 25.0))
    found = pulse(told, UTC, NOW, 2)
    assert found.unit == "hour"
    assert (found.starts[0], found.starts[-1], len(found.starts)) == ("2026-11-27 00:00", "2026-11-28 10:00", 35)
    assert {start: n for start, n in zip(found.starts, found.counts["view"], strict=True) if n} == {
        "2026-11-28 09:00": 2, "2026-11-28 10:00": 1,
    }  # fmt: skip
    assert {start: n for start, n in zip(found.starts, found.counts["cart"], strict=True) if n} == {
        "2026-11-27 09:00": 1
    }
    assert (found.events, found.users) == (4, 2)
    assert found.active == (1, 2)


def test_by_the_day_in_the_zone_of_the_shop() -> None:
    """18:00 UTC is 2 o'clock of the next day in Shanghai, whose today began at 16:00 UTC yesterday."""
    told = events((1, Action.PURCHASE, 16.5), (2, Action.PURCHASE, 19.0), (2, Action.PURCHASE, 24.0 * 9))
    found = pulse(told, zone_shifts("Asia/Shanghai"), NOW, 8)
    assert found.unit == "day"
    assert found.starts[-2:] == ("2026-11-27", "2026-11-28")
    assert found.counts == {"purchase": (0, 0, 0, 0, 0, 0, 1, 1)}
    assert found.active == (0, 0, 0, 0, 0, 0, 1, 1)


def test_what_is_later_or_the_shops_doing_counts_no_user() -> None:
    told = events((1, Action.VIEW, -1.0), (2, Action.IMPRESSION, 1.0))
    found = pulse(told, UTC, NOW, 1)
    assert found.counts["impression"][9] == 1
    assert (found.events, found.users, found.active, active(told, NOW, 1)) == (1, 0, (0,), 0)


def test_nothing_happened() -> None:
    found = pulse(events(), UTC, NOW, 28)
    assert (found.events, found.counts, found.funnel, len(found.starts)) == (0, {}, None, 28)


def test_a_funnel_keeps_the_order() -> None:
    """1 does all three; 2 carts before viewing; 3 buys without a cart; 4 views only; 5 buys only."""
    told = events(
        (1, Action.VIEW, 5), (1, Action.CART, 4), (1, Action.PURCHASE, 3),
        (2, Action.CART, 5), (2, Action.VIEW, 4), (2, Action.PURCHASE, 3),
        (3, Action.VIEW, 5), (3, Action.PURCHASE, 4), (4, Action.VIEW, 1), (5, Action.PURCHASE, 1),
    )  # fmt: skip
    assert funnel(told.user, told.action, told.at_us) == {"view": 4, "cart": 1, "purchase": 1}


def test_a_shop_of_purchases_only_has_no_funnel() -> None:
    told = events((1, Action.PURCHASE, 1), (2, Action.PURCHASE, 2))
    assert funnel(told.user, told.action, told.at_us) is None


def test_active_users_of_the_last_hours() -> None:
    told = events((1, Action.VIEW, 23.9), (2, Action.VIEW, 24.0), (2, Action.VIEW, 30.0), (3, Action.VIEW, 24.0 * 7))
    assert [active(told, NOW, days) for days in (1, 7, 8)] == [1, 2, 3]
    assert DAY_US == 24 * HOUR_US
