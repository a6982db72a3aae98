"""Token buckets, by hand."""

import pytest

from mien.web import buckets
from mien.web.buckets import Buckets


def test_a_burst_then_the_rate() -> None:
    one = Buckets(rate=2.0, burst=3.0)
    assert [one.take("ann", 100.0) for _ in range(3)] == [0.0, 0.0, 0.0]
    assert one.take("ann", 100.0) == pytest.approx(0.5)
    assert one.take("ann", 100.4) == pytest.approx(0.1)
    assert one.take("ann", 100.5) == 0.0
    assert one.take("ann", 100.5) == pytest.approx(0.5)
    assert one.take("bob", 100.5) == 0.0  # a bucket each
    assert [one.take("ann", 200.0) for _ in range(4)] == [0.0, 0.0, 0.0, pytest.approx(0.5)]  # full again, not fuller


def test_looking_takes_nothing_and_no_rate_is_no_limit() -> None:
    one = Buckets(rate=1.0, burst=1.0)
    assert [one.wait_s("ann", 5.0) for _ in range(3)] == [0.0] * 3
    assert one.take("ann", 5.0) == 0.0
    assert one.wait_s("ann", 5.25) == pytest.approx(0.75)
    free = Buckets(rate=0.0, burst=1.0)
    assert [free.take("ann", 5.0) for _ in range(10_000)] == [0.0] * 10_000


def test_the_long_run_is_the_rate() -> None:
    one = Buckets(rate=10.0, burst=5.0)
    let_in = sum(one.take("ann", k / 1000) == 0.0 for k in range(60_000))
    assert let_in == pytest.approx(600 + 5, abs=2)


def test_strangers_cannot_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(buckets, "MOST", 100)
    one = Buckets(rate=1.0, burst=1.0)
    for k in range(1_000):
        one.take(f"address {k}", k / 10)
        assert len(one._full_s) <= 100
