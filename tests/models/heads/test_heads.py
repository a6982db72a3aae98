"""The heads of a shop whose rules are known: who comes every week, who stopped, who buys tea."""

from dataclasses import replace
from pathlib import Path
from time import process_time

import numpy as np
import pytest

from mien.core.clock import DAY_US, parse_time, to_us
from mien.core.errors import NotReady, UsageError
from mien.core.event import ACTION_CODE, Action
from mien.core.item import Facet
from mien.models.heads.fused import svd_vectors
from mien.models.heads.heads import Heads
from mien.models.heads.intents import read_inferred, read_intents, read_spend
from mien.models.heads.settings import HeadSettings, sensitive_kind
from mien.models.heads.wording import phrase
from mien.models.interactions import Interactions
from mien.shop.crowding import chances

pytest.importorskip("lightgbm", reason="needs the extra models")

NOW_US = to_us(parse_time("2023-11-14T00:00:00Z"))
BUY = ACTION_CODE[Action.PURCHASE]
NAMES = ("Coffee", "Garden", "Tea", "Toys")
CATEGORY = Facet("category", 1, NAMES, np.repeat(np.arange(4), 5).astype(np.int32))
SETTINGS = HeadSettings(least=20, categories=4)
N = 240


def shop(users: int = N, days: int = 220, seed: int = 0) -> Interactions:
    """Even users buy about every 5 days; odd ones bought so until 60 days ago, one in eight of them now and then.

    Users divisible by 3 buy tea, the others mostly coffee; anyone now and then something else.
    """
    random = np.random.default_rng(seed)
    rows = []
    for user in range(users):
        at = float(random.uniform(0, 8))
        while at < days:
            gone = user % 2 and at > days - 60
            if not gone or random.random() < 0.15:
                usual = 2 if user % 3 == 0 else 0
                category = usual if random.random() < 0.85 else int(random.integers(0, 4))
                price = 40.0 if user % 2 == 0 else 5.0
                rows.append((user, category * 5 + int(random.integers(0, 5)), at, price))
            at += float(random.gamma(5.0, 1.0))
    user, item, at, value = np.array(rows).T
    at_us = NOW_US - ((days - at) * DAY_US).astype(np.int64) - 1
    return Interactions.of(user, item, np.full(len(user), BUY), at_us, value, n_users=users, n_items=20)


@pytest.fixture(scope="module")
def heads() -> Heads:
    data = shop()
    traits = {
        "gender": {user: "f" if user % 3 == 0 else "m" for user in range(0, N, 2)},
        "religion": {user: "a" if user % 2 else "b" for user in range(N)},
        "shoe_size": {user: user for user in range(N)},
    }
    source = svd_vectors(data, Heads.earliest_us(data, NOW_US, SETTINGS), 0, dim=4)
    return Heads.fit(data, at_us=NOW_US, facets=[CATEGORY], traits=traits, vectors=source, settings=SETTINGS)


def look(heads: Heads, users: list[int]):
    data = shop()
    source = svd_vectors(data, Heads.earliest_us(data, NOW_US, SETTINGS), 0, dim=4)
    return heads.look(data.of_users(users), NOW_US, facets=[CATEGORY], vectors=source)


def test_they_tell_who_comes_and_what_for(heads: Heads) -> None:
    seen = look(heads, [0, 1, 2])
    regular, gone, coffee = ({i.name: i for i in read_intents(heads, seen, k)} for k in range(3))
    assert regular["purchase_14d"].probability > 0.8
    assert gone["purchase_14d"].probability < 0.5
    assert regular["purchase_7d"].probability < regular["purchase_28d"].probability
    assert regular["churn_14d"].probability < 0.2
    assert next(name for name in regular if name.startswith("category=")) == "category=Tea"
    assert next(name for name in coffee if name.startswith("category=")) == "category=Coffee"
    assert all(intent.model == "heads-1@2023-11-14" for intent in regular.values())
    assert all(1 <= len(intent.reasons) <= 3 for intent in regular.values())
    assert not heads.notes or all("trait" in note for note in heads.notes)


def test_spend_is_money(heads: Heads) -> None:
    """Regular users buy 5 to 6 times in 28 days for 40 each; those who went spend little."""
    seen = look(heads, [0, 1])
    assert 120 < read_spend(heads, seen, 0) < 300
    assert read_spend(heads, seen, 1) < 60


def test_traits_are_inferred_for_those_who_said_nothing_and_never_where_sensitive(heads: Heads) -> None:
    seen = look(heads, [3, 5])
    told = read_inferred(heads, seen, 0)
    assert [(trait.name, trait.value, trait.source) for trait in told] == [("gender", "f", "inferred")]
    assert told[0].confidence > 0.7
    assert read_inferred(heads, seen, 1)[0].value == "m"
    assert read_inferred(heads, seen, 0, declared={"gender"}) == ()
    off = replace(heads, settings=replace(heads.settings, infer_traits=False))
    assert read_inferred(off, seen, 0) == ()
    notes = " ".join(heads.notes)
    assert "religion" in notes
    assert "shoe_size" in notes


def test_save_and_load_is_identity(heads: Heads, tmp_path: Path) -> None:
    heads.save(tmp_path)
    again = Heads.load(tmp_path)
    for k in range(4):
        for language in ("en", "zh"):
            one, two = (read_intents(h, look(h, [0, 1, 2, 3]), k, language=language) for h in (heads, again))
            assert one == two
        assert read_spend(heads, look(heads, [k])) == read_spend(again, look(again, [k]))
        assert read_inferred(heads, look(heads, [k])) == read_inferred(again, look(again, [k]))
    assert (again.settings, again.names, again.notes) == (heads.settings, heads.names, heads.notes)


def test_one_user_is_read_as_in_a_crowd(heads: Heads) -> None:
    crowd, alone = look(heads, [4, 0, 7]), look(heads, [0])
    one, two = read_intents(heads, crowd, 1), read_intents(heads, alone, 0)
    assert [(i.name, i.reasons) for i in one] == [(i.name, i.reasons) for i in two]
    assert np.allclose([i.probability for i in one], [i.probability for i in two], rtol=1e-6)


def test_the_chances_of_everybody_are_those_of_each(heads: Heads) -> None:
    """What segments are made of is what the profiles say: the same intents of the same people."""
    crowd = look(heads, list(range(40)))
    told = chances(heads, crowd)
    for user in range(40):
        known = {name: float(column[user]) for name, column in told.items() if not np.isnan(column[user])}
        assert known == pytest.approx({one.name: one.probability for one in read_intents(heads, crowd, user)})


def test_nothing_after_the_moment_is_learnt() -> None:
    data = shop(users=120)
    early = NOW_US - 30 * DAY_US
    whole = Heads.fit(data, at_us=early, facets=[CATEGORY], settings=SETTINGS)
    past = Heads.fit(data.before(early), at_us=early, facets=[CATEGORY], settings=SETTINGS)
    seen = [h.look(data.of_users([0, 1]), early, facets=[CATEGORY]) for h in (whole, past)]
    assert read_intents(whole, seen[0], 1) == read_intents(past, seen[1], 1)


def test_too_little_data_says_how_much_is_needed() -> None:
    small = shop(users=6, days=40)
    heads = Heads.fit(small, at_us=NOW_US, facets=[CATEGORY])
    assert not heads.users
    assert any("at least 50" in note for note in heads.notes)
    assert read_intents(heads, heads.look(small, NOW_US, facets=[CATEGORY]), 0) == ()
    empty = Interactions.of([], [], [], [], n_users=1, n_items=20)
    assert Heads.fit(empty, at_us=NOW_US).notes


def test_a_user_without_a_history_has_no_intents(heads: Heads) -> None:
    nobody = Interactions.of([], [], [], [], n_users=1, n_items=20)
    seen = heads.look(nobody, NOW_US, facets=[CATEGORY])
    assert read_intents(heads, seen) == ()
    assert read_spend(heads, seen) is None
    assert read_inferred(heads, seen) == ()


@pytest.mark.parametrize("name", ["religion", "Religious affiliation", "宗教信仰", "health_status", "民族", "性取向"])
def test_sensitive_traits_are_known_in_both_languages(name: str) -> None:
    assert sensitive_kind(name)


@pytest.mark.parametrize("name", ["age", "gender", "has_children", "性别", "年龄段", "household_size"])
def test_plain_traits_are_not_sensitive(name: str) -> None:
    assert sensitive_kind(name) is None


def test_reasons_speak_both_languages(heads: Heads) -> None:
    assert phrase("en", "purchase.30d", 3.0) == "purchase × 3 in the last 30 days"
    assert phrase("zh", "purchase.30d", 3.0) == "近 30 天购买 3 次"
    assert phrase("en", "category.1=Tea", 0.25) == "Tea is 0.25 of the liking"
    assert phrase("zh", "order_recency_days", float("nan")) == "距上次下单 未知 天"
    assert phrase("en", "due.spread", -0.5) == phrase("en", "own.due_spread", -0.5)
    assert "usual pause, in its spread: -0.5" in phrase("en", "due.spread", -0.5)
    said = read_intents(heads, look(heads, [0]), language="zh")
    assert all(any("一" <= sign <= "鿿" for sign in text) for intent in said for text in intent.reasons)
    known = [name for name in heads.names if phrase("en", name, 1.0) != f"{name} 1"]
    assert set(heads.names) == set(known)


def test_wrong_settings_and_missing_folders_say_so(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        HeadSettings(purchase_days=(0,))
    with pytest.raises(NotReady):
        Heads.load(tmp_path)


def test_reading_is_quick_enough_to_be_live(heads: Heads) -> None:
    """Compared with itself: reading one user costs far less than fitting one head; no absolute time is asserted."""
    data = shop().of_users([0])
    began = process_time()
    for _ in range(5):
        read_intents(heads, heads.look(data, NOW_US, facets=[CATEGORY]))
    each = (process_time() - began) / 5
    began = process_time()
    Heads.fit(shop(users=60), at_us=NOW_US, settings=SETTINGS)
    assert each < process_time() - began
