"""What builds learn for the kinds: complements, trend, rhythm, segments; the laws, and cases one can check on paper."""

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.stats import gamma

from mien.core.clock import DAY_US, HOUR_US
from mien.core.errors import NotReady
from mien.core.event import ACTION_CODE
from mien.core.item import Facet
from mien.models.complements import Complements, lower_bound
from mien.models.gaps import drawn, steps_of
from mien.models.interactions import Interactions
from mien.models.items import ItemFacts
from mien.models.rhythm import Rhythm, expected_gap
from mien.models.segments import SegmentPopular
from mien.models.trend import Trend
from mien.testing.model_checks import MODEL_LAWS, NOW_US, Law, Maker

BUY, VIEW = ACTION_CODE["purchase"], ACTION_CODE["view"]


@pytest.mark.parametrize("make", [Complements, Trend, Rhythm], ids=lambda make: make.name)
@pytest.mark.parametrize("law", MODEL_LAWS, ids=lambda law: law.__name__)
def test_law(law: Law, make: Maker) -> None:
    law(make)


def acts(rows: list[tuple[int, int, float]], n_users: int, n_items: int, action: int = BUY) -> Interactions:
    """Rows of user, item and days before now."""
    user, item, days = np.array(rows).T
    at = NOW_US - (days * DAY_US).astype(np.int64)
    return Interactions.of(
        user.astype(int), item.astype(int), np.full(len(rows), action), at, n_users=n_users, n_items=n_items
    )


# ── complements ──────────────────────────────────────────────────────────────────────────────────────────────────

BREAD, MILK, PASTA, SAUCE, ODD, PAIR = range(6)


@pytest.fixture(scope="module")
def pantry() -> Complements:
    """400 baskets of one user each: everybody buys bread and half of them milk, by chance; 30 buy pasta, and 27 of
    these the sauce, as one of the others; two odd things once, in one basket."""
    rows = []
    for user in range(400):
        rows.append((user, BREAD, 1.0))
        if user % 2:
            rows.append((user, MILK, 1.0))
        if user < 30:
            rows.append((user, PASTA, 1.0))
        if user < 27 or user == 200:
            rows.append((user, SAUCE, 1.0))
    rows += [(399, ODD, 1.0), (399, PAIR, 1.0)]
    return Complements().fit(acts(rows, 400, 6), at_us=NOW_US)


def test_what_goes_together(pantry: Complements) -> None:
    near, bound, baskets = pantry.complements(PASTA)
    assert near.tolist() == [SAUCE]
    assert baskets.tolist() == [27]
    assert 1.0 < np.exp(bound[0]) < 400 * 27 / (30 * 28)  # above chance, below what was counted
    assert pantry.complements(SAUCE)[0].tolist() == [PASTA]


def test_popular_things_that_meet_by_chance_do_not_go_together(pantry: Complements) -> None:
    assert MILK not in pantry.complements(BREAD)[0]


def test_a_pair_seen_once_does_not_go_together(pantry: Complements) -> None:
    assert not len(pantry.complements(ODD)[0])
    assert not len(pantry.complements(10**6)[0])
    seen = Complements(fewest=1).fit(
        acts([(0, 0, 1.0), (0, 1, 1.0), *((u, 2, 1.0) for u in range(1, 9))], 9, 3), at_us=NOW_US
    )
    assert seen.complements(0)[1].max(initial=0.0) < 1.0


def test_the_bound_agrees_with_the_quantile_of_gamma() -> None:
    shape = np.array([2.0, 3.0, 5.0, 20.0, 500.0])
    rate = np.array([1.0, 0.5, 2.0, 30.0, 100.0])
    for doubt in (0.05, 0.2):
        assert lower_bound(shape, rate, doubt) == pytest.approx(gamma.ppf(doubt, shape, scale=1 / rate), rel=0.04)


def test_baskets_end_where_a_pause_begins() -> None:
    user, at = np.zeros(4, dtype=int), NOW_US - np.array([5, 4.5, 2, 0]) * HOUR_US
    data = Interactions.of(user, np.arange(4), np.full(4, BUY), at.astype(np.int64), n_users=1, n_items=4)
    fitted = Complements(fewest=1).fit(data, at_us=NOW_US)
    assert fitted.fitted["baskets"].tolist() == [3]


# ── trend ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_growth_against_the_own_past() -> None:
    """0 is bought by 20 people every week, 1 by 2 a week and by 20 in the newest one, 2 came this week, 3 fades."""
    rows, user = [], 0
    for week in range(9):
        for item, n in enumerate((20, 20 if week == 0 else 2, 30 if week == 0 else 0, 1 if week == 0 else 20)):
            for _ in range(n):
                rows.append((user, item, 7 * week + 3.0))
                user += 1
    trend = Trend().fit(acts(rows, user, 4), at_us=NOW_US)
    growth = trend.fitted["growth"]
    assert growth[0] == growth[2] == growth[3] == 0.0
    assert 1.0 < np.exp(growth[1]) < 10.0  # grew tenfold; what is sure is less
    assert trend.fitted["recent"].tolist() == [20, 20, 30, 1]


def test_when_all_grow_nothing_is_on_the_rise() -> None:
    rows = [(u, u % 5, 3.0 if u < 400 else 7 * (u % 8) + 10.0) for u in range(800)]
    assert not Trend().fit(acts(rows, 800, 5), at_us=NOW_US).fitted["growth"].any()


def test_one_eager_person_is_no_trend() -> None:
    rows = [(0, 0, 1.0 + k / 1000) for k in range(300)] + [(u, 1, 7 * (u % 9) + 1.0) for u in range(90)]
    rows += [(99, 0, 50.0)]
    assert Trend().fit(acts(rows, 100, 2), at_us=NOW_US).fitted["recent"][0] <= 2


# ── rhythm ───────────────────────────────────────────────────────────────────────────────────────────────────────

TEA, FRIDGE, OVEN = 0, 1, 2


@pytest.fixture(scope="module")
def household() -> Rhythm:
    """60 people buy tea every 10 days for 300 days, and once a fridge or an oven."""
    rows = [(user, TEA, float(day + user % 10)) for user in range(60) for day in range(0, 300, 10)]
    rows += [(user, FRIDGE + user % 2, 120.0 + user) for user in range(60)]
    codes = np.array([0, 1, 1], dtype=np.int32)
    facts = ItemFacts.of(3, facets=[Facet("category", 1, ("Food", "Kitchen"), codes)])
    return Rhythm().use_items(facts).fit(acts(rows, 60, 3), at_us=NOW_US)


def due(model: Rhythm, item: int, n: int, since: float, gap: float) -> float:
    last = NOW_US - round(since * DAY_US)
    ages = since + gap * np.arange(n)
    strength = np.exp2(-ages / model.half_life_days).sum()
    first = last - round(gap * (n - 1) * DAY_US)
    found = model.due(
        np.array([item]), (np.array([n]), np.array([strength])), np.array([first]), np.array([last]), NOW_US
    )
    return float(found.p[0])


def test_gaps(household: Rhythm) -> None:
    assert household.fitted["gap"][TEA] == pytest.approx(10.0, rel=0.01)
    gap = expected_gap(np.array([1, 3]), np.array([0, 0]), np.array([0, 40 * DAY_US]), np.array([10.0, 10.0]))
    assert gap == pytest.approx([10.0, 10.0 ** (1 / 3) * 20.0 ** (2 / 3)])


def test_milk_comes_again_a_fridge_does_not(household: Rhythm) -> None:
    same, other = household.again(np.array([TEA, FRIDGE, OVEN]))
    assert same[0] > 0.7
    assert same[1] < 0.3
    assert other[1] < 0.3
    assert due(household, TEA, 30, 5.0, 10.0) > 0.9
    assert due(household, FRIDGE, 1, 100.0, 10.0) < 0.1


def test_an_unknown_item_has_the_shops_rhythm(household: Rhythm) -> None:
    assert household.again(np.array([99]))[0] == pytest.approx(np.median(household.fitted["same"]))
    assert 0 <= due(household, 99, 1, 5.0, 10.0) <= 1


def test_means_back_off_over_the_categories() -> None:
    facts = ItemFacts(
        sp.csr_array(np.array([[1, 0], [1, 0], [0, 1]])), np.zeros((3, 0), np.float32), ("category.1=a", "category.1=b")
    )
    steps = steps_of(facts, 3)
    levels = drawn(steps, np.array([0, 0]), np.array([1.0, 1.0]), np.ones(2), 0.0, 2.0)
    assert levels[0].tolist() == [0.5, 0.5, 0.0]  # of category a: (2 · 1 + 2 · 0) / 4
    assert levels[1].tolist() == [0.75, 0.5, 0.0]  # of item 0: (2 · 1 + 2 · ½) / 4; item 1 has its category's
    assert steps.leaf.tolist() == [0, 0, 1]
    assert steps_of(None, 3).leaf.tolist() == [-1, -1, -1]


# ── segments ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_popular_among_those_who_say_the_same(tmp_path) -> None:  # type: ignore[no-untyped-def]
    rows = [(user, user % 2, 1.0) for user in range(60)]
    traits = {user: [("town", "north" if user % 2 else "south")] for user in range(58)} | {58: [("town", "sea")]}
    fitted = SegmentPopular.fit(acts(rows, 60, 2), traits, at_us=NOW_US)
    assert fitted.names == (("town", "north"), ("town", "south"))  # by the sea lives one: no segment
    shares, known = fitted.popularity([("town", "north"), ("town", "sea")])
    assert known == (("town", "north"),)
    # 29 northerners, weight 8 each, all on item 1; κ = 100 of the shop's halves
    assert shares == pytest.approx([50 / 332, (232 + 50) / 332])
    fitted.save(tmp_path)
    again, _ = SegmentPopular.load(tmp_path).popularity([("town", "north")])
    assert again == pytest.approx(shares)
    assert SegmentPopular.load(tmp_path).popularity([])[1] == ()
    with pytest.raises(NotReady):
        SegmentPopular.load(tmp_path / "nowhere")
