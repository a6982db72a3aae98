"""Time passes in a served shop and nobody does anything: windows roll on, and what has expired is told nowhere."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from mien.features.windows import WINDOWS
from mien.shop import Shop, create
from mien.shop import open as open_shop
from mien.testing.world import World

Later = Callable[[float], AbstractContextManager[Shop]]
EXPIRES = 20.0


@pytest.fixture(scope="module")
def later(tmp_path_factory: pytest.TempPathFactory, toy: World) -> Later:
    """`with later(days) as shop`: the toy shop, served that many days after it was built; likings last 20 days."""
    folder = tmp_path_factory.mktemp("rolling") / "shop"
    create(folder).close()
    file = folder / "mien.toml"
    file.write_text(file.read_text() + f"\n[profile]\nexpires_days = {EXPIRES}\n", encoding="utf-8")
    with open_shop(folder, clock=lambda: toy.at) as shop:
        shop.ingest(events=toy.event_table, items=toy.items)
        shop.build()
        for facet in ("category", "brand"):
            tags = [tag for user in toy.user_ids for tag in shop.profile(user).tags]
            likes = {tag.value for tag in tags if tag.facet == facet}
            shop.segments.save(f"any-{facet}", " or ".join(f'{facet}="{value}"' for value in sorted(likes)))

    @contextmanager
    def served(days: float) -> Iterator[Shop]:
        with open_shop(folder, clock=lambda: toy.at + timedelta(days=days), served=True) as shop:
            yield shop

    return served


def counted(toy: World, user: str, at: datetime) -> dict[str, dict[str, int]]:
    """Events by action and window, counted one by one: a window of n days has the n days up to that of `at`."""
    found: dict[str, dict[str, int]] = {}
    for event in toy.events:
        if event.user_id == user:
            age = (at.date() - event.at.date()).days
            row = found.setdefault(str(event.action), dict.fromkeys(WINDOWS, 0))
            for name, days in WINDOWS.items():
                row[name] += days is None or age < days
    return found


@pytest.mark.parametrize("days", [0, 1, 10, 31, 100])
def test_windows_roll_on(later: Later, toy: World, days: int) -> None:
    with later(days) as shop:
        for user in toy.user_ids:
            activity = shop.profile(user).activity
            assert activity is not None
            wanted = counted(toy, user, toy.at + timedelta(days=days))
            assert activity.counts == wanted, user


def test_ten_days_later_there_are_ten_days_fewer(later: Later, toy: World) -> None:
    with later(0) as shop:
        now = {user: shop.profile(user) for user in toy.user_ids}
    with later(10) as shop:
        then = {user: shop.profile(user) for user in toy.user_ids}
    moved = 0
    for user, profile in now.items():
        assert then[user].as_of - profile.as_of == timedelta(days=10)
        assert then[user].events == profile.events
        for action, windows in profile.activity.counts.items() if profile.activity else ():
            after = then[user].activity.counts[action]  # type: ignore[union-attr]
            assert all(after[name] <= windows[name] for name in windows)
            assert after["all"] == windows["all"]
            moved += windows["30d"] - after["30d"]
    assert moved > 0


def likings(answer: Any) -> list[str]:
    reasons = [reason["kind"] for result in answer.to_dict()["results"] for reason in result["reasons"]]
    return [kind for kind in reasons if kind in ("tag", "brand")]


def test_what_has_expired_is_told_nowhere(later: Later, toy: World) -> None:
    with later(0) as shop:
        assert shop.profile("ann").tags
        assert likings(shop.search("tea", user="ann")) + likings(shop.recommend("ann"))
        assert shop.segments.members("any-category").total > 0
        assert "any-category" in shop.profile("ann").segments
        assert '"tags"' in json.dumps(shop.export("ann"))
    with later(EXPIRES + 1) as shop:
        for user in toy.user_ids:
            profile = shop.profile(user)
            assert profile.tags == ()
            assert profile.segments == ()
            assert '"tags"' not in json.dumps(shop.export(user))
            for answer in (shop.search("tea", user=user), shop.search("", user=user), shop.recommend(user)):
                assert likings(answer) == []
        assert shop.segments.members("any-category").total == 0
        assert shop.segments.members("any-brand").total == 0


def test_between_only_what_has_support_is_told(later: Later, toy: World) -> None:
    with later(5) as shop:
        for user in toy.user_ids:
            for tag in shop.profile(user).tags:
                assert tag.expires > shop.clock() >= tag.last_seen
                assert tag.expires - tag.last_seen == timedelta(days=EXPIRES)


def test_the_file_of_all_profiles_has_none_either(later: Later, tmp_path: Path) -> None:
    with later(EXPIRES + 1) as shop:
        shop.profiles(tmp_path / "profiles.parquet")
    assert not any(pq.read_table(tmp_path / "profiles.parquet")["tags"].to_pylist())
