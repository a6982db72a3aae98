"""Segments of a shop: the same answer as the profiles give one by one, saved with history, and what is counted."""

import csv
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from mien.core.errors import UnknownName, UsageError
from mien.core.profile import Profile
from mien.core.user import User
from mien.shop import Shop, create
from mien.shop.segment_tables import telling
from mien.shop.segments import plain
from mien.testing.world import COFFEE_USERS, NEWCOMER, TEA_USERS, World


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, toy: World) -> Iterator[Shop]:
    users = tmp_path_factory.mktemp("users") / "users.csv"
    ages = {"ann": "35-44", "ben": "35-44", "dora": "18-24"}
    users.write_text("user_id,age\n" + "".join(f"{user},{age}\n" for user, age in ages.items()), encoding="utf-8")
    with create(tmp_path_factory.mktemp("segments") / "shop", clock=lambda: toy.at) as shop:
        shop.ingest(events=toy.event_table, items=toy.items)
        shop.ingest(users=users)
        shop.build()
        yield shop


def inside(shop: Shop, rule: str) -> set[str]:
    found = shop.segments.preview(rule, sample=100)
    assert found.size == len(found.sample)
    return set(found.sample)


def test_by_hand(shop: Shop) -> None:
    coffee, tea = set(COFFEE_USERS), set(TEA_USERS)
    assert inside(shop, "category = Drinks/Tea") <= tea | {NEWCOMER}
    assert inside(shop, 'category = "Drinks/Tea/Leaves" [lift >= 1.5]') == tea
    assert inside(shop, "trait.age = 35-44") == {"ann", "ben"}
    assert inside(shop, "trait.age != 35-44") == {"dora"}, "whose age nobody knows is not of another age"
    assert inside(shop, "not trait.age = 35-44") == (coffee | tea | {NEWCOMER}) - {"ann", "ben"}
    assert inside(shop, "purchase.all >= 1") == coffee | tea
    assert inside(shop, "orders = 0") == {NEWCOMER}
    assert inside(shop, "recency.purchase <= 10000") == coffee | tea, "who never bought bought no number of days ago"
    assert inside(shop, "purchase.all >= 1 and not category = Drinks/Coffee/Beans") >= tea


def reads(profile: Profile, rule: str) -> bool:
    """The same tests, answered by a profile."""
    counts, value = profile.activity.counts if profile.activity else {}, profile.value
    tags = {(tag.facet, tag.value): tag for tag in profile.tags}
    tea, near = tags.get(("category", "Drinks/Tea")), tags.get(("brand", "Northwind"))
    r, f, m = (int(part) for part in value.rfm.split("-")) if value and value.rfm else (0, 0, 0)
    return {
        "category = Drinks/Tea": tea is not None,
        "category = Drinks/Tea [lift > 1.2, confidence > 0.5]": bool(tea and tea.lift > 1.2 and tea.confidence > 0.5),
        "brand = Northwind [weight >= 0.2, trend > 0.9]": bool(near and near.weight >= 0.2 and near.trend > 0.9),
        "brand = Northwind [n >= 5]": bool(near and near.n >= 5),
        "purchase.30d >= 5": counts.get("purchase", {}).get("30d", 0) >= 5,
        "view.7d = 1": counts.get("view", {}).get("7d", 0) == 1,
        "events.all > 40": profile.events > 40,
        "spend > 200": bool(value and value.spend > 200),
        "average_order < 30": bool(value and value.average_order < 30),
        "gap_days <= 7": bool(value and value.gap_days is not None and value.gap_days <= 7),
        "r >= 3 and f in (3, 4, 5)": r >= 3 and f in (3, 4, 5),
        "m = 5": m == 5,
        "lifecycle = active": bool(profile.activity and profile.activity.lifecycle == "active"),
        "trait.day_part = morning": any((t.name, t.value) == ("day_part", "morning") for t in profile.traits),
        "tenure > 80 or recency < 3": bool(
            profile.activity
            and (
                profile.as_of - profile.activity.first_seen > timedelta(days=80)
                or profile.as_of - profile.activity.last_seen < timedelta(days=3)
            )
        ),
    }[rule]


RULES = (
    "category = Drinks/Tea", "category = Drinks/Tea [lift > 1.2, confidence > 0.5]",
    "brand = Northwind [weight >= 0.2, trend > 0.9]", "brand = Northwind [n >= 5]", "purchase.30d >= 5", "view.7d = 1",
    "events.all > 40", "spend > 200", "average_order < 30", "gap_days <= 7", "r >= 3 and f in (3, 4, 5)", "m = 5",
    "lifecycle = active", "trait.day_part = morning", "tenure > 80 or recency < 3",
)  # fmt: skip


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_says_of_everybody_what_each_profile_says(shop: Shop, toy: World, rule: str) -> None:
    fitting = {user for user in toy.user_ids if reads(shop.profile(user), rule)}
    assert inside(shop, rule) == fitting


def test_every_tag_of_every_profile_is_the_crowds(shop: Shop, toy: World) -> None:
    """The tables of all users hold the very numbers of each one's profile."""
    from mien.shop.crowding import gathered

    serving, at_us = shop._now()
    crowd = gathered(serving, at_us)
    ids = serving.stock.catalog.users.keys(crowd.rows.tolist())
    found: dict[str, dict[tuple[str, str], tuple[float, ...]]] = {str(name): {} for name in ids}
    for level, facet in enumerate(serving.yardstick.facets):
        table = crowd.tags(level)
        columns = (table.weight, table.lift, table.confidence, table.n, table.trend)
        for row, (place, code) in enumerate(zip(table.user.tolist(), table.code.tolist(), strict=True)):
            numbers = tuple(float(column[row]) for column in columns)
            found[str(ids[place])][facet.name, facet.values[code]] = numbers
    for user in toy.user_ids:
        tags = {
            (tag.facet, tag.value): (tag.weight, tag.lift, tag.confidence, float(tag.n), tag.trend)
            for tag in shop.profile(user).tags
        }
        assert found[user].keys() == tags.keys()
        for key, numbers in tags.items():
            assert found[user][key] == pytest.approx(numbers, rel=1e-9)


def test_saved_with_history(shop: Shop, tmp_path: Path) -> None:
    segments = shop.segments
    first = segments.save("tea people", "category = Drinks/Tea [lift >= 1.5]", "to begin with")
    assert (first.version, first.size, first.note) == (1, 3, "to begin with")
    assert segments.save("tea people", first.rule).version == 1, "the same rule is no new version"
    second = segments.save("tea people", "category = Drinks/Tea [lift >= 1.5] and orders > 3", "only regulars")
    assert second.version == 2
    assert [one.version for one in segments.history("tea people")] == [2, 1]
    assert shop.profile("dora").segments == ("tea people",)
    assert not shop.profile("ann").segments
    assert [one.name for one in segments.all()] == ["tea people"]
    segments.delete("tea people")
    assert not segments.all()
    assert not shop.profile("dora").segments
    assert [one.version for one in segments.history("tea people")] == [2, 1]
    assert segments.save("tea people", "orders > 3").version == 4
    segments.delete("tea people")
    with pytest.raises(UnknownName):
        segments.get("tea people")


def test_profiles_name_the_segments_that_list_them(shop: Shop, toy: World) -> None:
    for number, rule in enumerate(RULES):
        shop.segments.save(f"s{number:02}", rule)
    for user in toy.user_ids:
        named = set(shop.profile(user).segments)
        listed = {
            one.name
            for one in shop.segments.all()
            if user in {m.user_id for m in shop.segments.members(one.name).members}
        }
        assert named == listed
    for number in range(len(RULES)):
        shop.segments.delete(f"s{number:02}")


def test_overlap_versus_and_lookalike(shop: Shop) -> None:
    segments = shop.segments
    segments.save("coffee", "category = Drinks/Coffee/Beans [lift > 1.2]")
    segments.save("buyers", "orders > 0")
    found = segments.overlap(["coffee", "buyers", "everyone"])
    assert found.sizes == {"coffee": 3, "buyers": 6, "everyone": 7}
    assert {one.segments: one.size for one in found.intersections} == {
        ("coffee", "buyers", "everyone"): 3, ("buyers", "everyone"): 3, ("everyone",): 1,
    }  # fmt: skip
    rows = {(row.facet, row.value): row for row in segments.versus("coffee").rows}
    beans = rows["category", "Drinks/Coffee/Beans"]
    assert (beans.users, beans.everyone, beans.share) == (3, 3, 1.0)
    assert beans.tgi == pytest.approx(100 * 7 / 3)
    assert rows["category", "Drinks/Tea"].users == 0
    assert rows["category", "Drinks/Tea"].confidence < 0.5 < beans.confidence
    assert segments.versus("coffee").rows[0].tgi == pytest.approx(100 * 7 / 3), "all of them and nobody else"
    assert {row.facet for row in segments.versus("coffee", facet="brand").rows} == {"brand"}
    half = segments.rule("recency >= 0 and category = Drinks/Coffee/Beans [lift > 1.2] and trait.age = 35-44")
    like = segments.lookalike(half, size=3)
    assert like.users[0].user_id == "蔡明", "the third who drinks coffee"
    assert all(a.likeness >= b.likeness for a, b in zip(like.users, like.users[1:], strict=False))
    assert 0 < like.users[0].likeness <= 1
    assert any("Coffee" in tag for tag in like.users[0].shared)
    for name in ("coffee", "buyers"):
        segments.delete(name)


def test_rfm_and_retention_count_everybody_once(shop: Shop, toy: World) -> None:
    grid = shop.segments.rfm()
    assert sum(map(sum, grid.users)) + grid.without == 7
    assert grid.without == 1
    months = shop.segments.retention()
    assert [one.period for one in months.cohorts] == ["2024-03", "2024-05"]
    assert months.cohorts[0].users == 6
    assert months.cohorts[0].active == (6, 6, 6)
    assert months.cohorts[1].active == (1,)
    weeks = shop.segments.retention(by="week")
    assert weeks.cohorts[0].period == "2024-03-04", "weeks begin on Monday"
    assert weeks.cohorts[0].active[:12] == (6,) * 12
    assert len(shop.segments.retention("everyone", by="week").cohorts) == 2


def test_export_is_all_of_them(shop: Shop, tmp_path: Path) -> None:
    rule = shop.segments.rule("orders > 0")
    for name in ("out.csv", "out.parquet"):
        assert shop.segments.export(rule, tmp_path / name) == 6
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    table = pq.read_table(tmp_path / "out.parquet").to_pylist()
    assert [line["user_id"] for line in lines] == [row["user_id"] for row in table]
    assert {line["user_id"] for line in lines} == {*COFFEE_USERS, *TEA_USERS}
    for line, row in zip(lines, table, strict=True):
        profile = shop.profile(row["user_id"])
        assert profile.value is not None
        assert float(line["spend"]) == row["spend"] == pytest.approx(profile.value.spend)
        assert line["rfm"] == row["rfm"] == profile.value.rfm
    with pytest.raises(UsageError, match="csv or parquet"):
        shop.segments.export(rule, tmp_path / "out.xlsx")


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("categroy = Drinks/Tea", "category"),
        ("category = Drinks/Tee", "Drinks/Tea"),
        ("trait.agee = 35-44", "trait.age"),
        ("purchases.30d > 1", "purchase.30d"),
        ("lifecycle = lots", "lost"),
        ("category = Drinks/Tea [lfit > 1]", "lift"),
        ("category > 5", "had or not"),
        ("spend = much", "with a number"),
        ("spend > 5 [lift > 1]", "tags only"),
    ],
)
def test_unknown_names_are_told_with_the_nearest(shop: Shop, rule: str, said: str) -> None:
    with pytest.raises((UnknownName, UsageError), match=said):
        shop.segments.preview(rule)


def test_who_did_not_allow_it_is_left_out(fresh: Shop) -> None:
    assert fresh.segments.preview("orders > 0").size == 6
    fresh.consent("ann", {"marketing": False})
    fresh.consent("ben", {"personalisation": False})
    found = fresh.segments.preview("orders > 0", sample=10)
    assert (found.size, found.of, found.left_out) == (5, 6, 1)
    assert "ann" not in found.sample
    assert "ben" in found.sample
    assert fresh.segments.preview("category = Drinks/Coffee/Beans", sample=10).sample == ("蔡明",), "no tag of ben"
    fresh.segments.save("buyers", "orders > 0")
    assert not fresh.profile("ann").segments
    assert all(one.user_id != "ann" for one in fresh.segments.lookalike("buyers").users)


def test_of_who_refused_personalisation_no_tag_is_read_not_even_that_it_is_missing(fresh: Shop) -> None:
    assert inside(fresh, "category != Drinks/Tea") == {"ann", "ben", "蔡明", NEWCOMER} - inside(
        fresh, "category = Drinks/Tea"
    )
    fresh.consent("ann", {"personalisation": False})
    assert "ann" not in inside(fresh, "category != Drinks/Tea") | inside(fresh, "category = Drinks")
    assert "ann" in inside(fresh, "not category = Drinks/Tea"), "as of whom an age is not known"


@pytest.mark.parametrize("rule", ["trait.vip = true", "trait.vip in (true, x)", "not trait.vip != true"])
def test_yes_and_no_are_found_however_they_came(fresh: Shop, rule: str) -> None:
    """A file brings them as text, a message as JSON; the builder offers what is listed."""
    said = {"ann": True, "ben": "true", "dora": False, "fay": "false"}
    rows = {user: fresh.stock.catalog.users.row(user) or 0 for user in said}
    fresh.stock.catalog.declare([(rows[user], User(user, {"vip": value})) for user, value in said.items()])
    yes = {"ann", "ben"} if "not" not in rule else set(fresh.segments.preview("orders >= 0", sample=99).sample) - {
        "dora", "fay"
    }  # fmt: skip
    assert inside(fresh, rule) == yes
    for listed in next(one.values for one in fresh.segments.fields() if one.name == "trait.vip"):
        assert fresh.segments.preview({"field": "trait.vip", "op": "=", "value": listed}).size == 2


def test_everything_told_is_json(shop: Shop) -> None:
    answers: list[Any] = [
        shop.segments.fields(),
        shop.segments.rfm(),
        shop.segments.retention(),
        shop.segments.versus(None),
    ]
    answers += [shop.segments.members(None), shop.segments.preview("orders > 0"), shop.segments.lookalike(None)]
    for answer in answers:
        assert json.loads(json.dumps(plain(answer), allow_nan=False)) == plain(answer)


def test_erased_users_are_in_no_segment(fresh: Shop) -> None:
    fresh.segments.save("buyers", "orders > 0")
    fresh.erase("ann")
    assert fresh.segments.get("buyers").size == 5
    assert np.all([one.user_id != "ann" for one in fresh.segments.members("buyers").members])


def test_what_tells_a_segment_apart_by_hand() -> None:
    """Of 100 users 50 are inside. Half and half says nothing, all or none of twenty much, one user little."""
    inside, everyone = np.array([10.0, 20.0, 0.0, 1.0]), np.array([20.0, 20.0, 20.0, 1.0])
    found = telling(inside, everyone, 50, 100)
    of_all = 2 * (20 * np.log(2) + 30 * np.log(30 / 40) + 50 * np.log(50 / 40))
    assert found[0] == 0
    assert found[1] == pytest.approx(of_all)
    assert found[2] == pytest.approx(of_all), "nobody inside tells as much as nobody outside"
    assert 0 < found[3] < 2
    assert telling(everyone, everyone, 100, 100).tolist() == [0, 0, 0, 0], "everyone is like everyone"
