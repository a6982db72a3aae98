"""The six rows on paper. Weights: view 1, purchase 8; half-life 90 days; κ 10; population shares smoothed by 1 %."""

import pytest
from scipy.stats import beta

MINUTE = 1 / (24 * 60 * 90)  # in half-lives


def at_age(minutes: float) -> float:
    return 2.0 ** (-minutes * MINUTE)


# User 1 on May 1: views 101 (服装) at 10:00, 102 (鞋类) at 10:05, buys 101 at 10:20. As of May 2, 09:10.
VIEW_101, VIEW_102, BUY_101 = at_age(23 * 60 + 10), at_age(23 * 60 + 5), at_age(22 * 60 + 50)
# User 2 on May 2: views 201 (图书) at 09:00, 202 (电子) at 09:03, buys 202 at 09:10.
VIEW_201, VIEW_202, BUY_202 = at_age(10), at_age(7), at_age(0)
CLOTHES, SHOES = 1 * VIEW_101 + 8 * BUY_101, 1 * VIEW_102
BOOKS, ELECTRONICS = 1 * VIEW_201, 1 * VIEW_202 + 8 * BUY_202
EVERYBODY = CLOTHES + SHOES + BOOKS + ELECTRONICS


def categories(profile):
    return {tag.value: tag for tag in profile.tags if tag.facet == "category"}


def test_weights_and_their_order(six):
    first, second = categories(six.read("1")), categories(six.read("2"))
    assert list(first) == ["服装", "鞋类"]
    assert list(second) == ["电子", "图书"]
    assert first["服装"].weight == pytest.approx(CLOTHES / (CLOTHES + SHOES), rel=1e-9)
    assert first["服装"].weight == pytest.approx(9 / 10, abs=1e-4)
    assert first["鞋类"].weight == pytest.approx(1 / 10, abs=1e-4)
    assert second["电子"].weight == pytest.approx(ELECTRONICS / (BOOKS + ELECTRONICS), rel=1e-9)
    assert second["图书"].weight == pytest.approx(1 / 10, abs=1e-4)


def test_lift_and_confidence(six):
    tag = categories(six.read("1"))["服装"]
    share = 0.99 * CLOTHES / EVERYBODY + 0.01 / 4
    assert tag.lift == pytest.approx(CLOTHES / (CLOTHES + SHOES) / share, rel=1e-9)
    n, total = VIEW_101 + BUY_101, VIEW_101 + BUY_101 + VIEW_102
    assert tag.confidence == pytest.approx(beta.sf(share, 10 * share + n, 10 * (1 - share) + total - n), rel=1e-9)
    assert tag.n == 2


def test_evidence_is_the_newest_event_first(six):
    first, second = categories(six.read("1")), categories(six.read("2"))
    assert first["服装"].evidence == ("e3", "e1")
    assert first["鞋类"].evidence == ("e2",)
    assert second["电子"].evidence == ("e6", "e5")
    assert second["图书"].evidence == ("e4",)


def test_counts_and_money(six):
    profile = six.read("1")
    assert profile.events == 3
    assert profile.activity.counts["view"]["all"] == 2
    assert profile.activity.counts["purchase"] == {"7d": 1, "30d": 1, "90d": 1, "all": 1}
    assert (profile.value.orders, profile.value.spend, profile.value.gap_days) == (1, 199.0, None)
    assert profile.activity.sessions == 1


def test_behaviour(six):
    """Purchase rate 1/3 plain; transitions view→view and view→purchase once each, smoothed by 5 imaginary steps

    spread as everybody acts (views 4/6, purchases 2/6): (1 + 5 · 2/3) / (2 + 5) and (1 + 5 · 1/3) / (2 + 5).
    """
    behaviour = six.read("1").behaviour
    assert behaviour.purchase_rate == pytest.approx(1 / 3)
    assert behaviour.transitions == {"view": pytest.approx({"view": 13 / 21, "purchase": 8 / 21})}
    assert behaviour.next_action == pytest.approx({"view": 2 / 3, "purchase": 1 / 3})


def test_plain_transitions(six):
    from mien.features.transitions import transitions

    steps = transitions(six.world.state("1"))
    assert six.yardstick.chain.transitions(steps, smoothed=False) == {"view": {"view": 0.5, "purchase": 0.5}}
