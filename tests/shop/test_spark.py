"""The same profiles, built on Spark."""

from pathlib import Path

import pytest

from mien.features.codec import decode
from mien.shop import Shop, create
from mien.testing.world import World


@pytest.mark.service
@pytest.mark.slow
def test_spark_builds_the_same_profiles(built: Shop, toy: World, tmp_path: Path) -> None:
    pytest.importorskip("pyspark", reason="the extra spark is not installed: pip install 'mien[spark]'")
    with create(tmp_path / "shop", clock=lambda: toy.at) as shop:
        shop.ingest(events=toy.event_table, items=toy.items)
        report = shop.build(engine="spark")
        assert report.build.engine == "spark"
        assert report.build.population == built.stock.workspace.build().population  # type: ignore[union-attr]
        for user in toy.user_ids:
            assert shop.profile(user).to_dict() == built.profile(user).to_dict()
        users = list(shop.stock.states.users())
        theirs = {user: decode(data) for user, data in built.stock.states.read_many(users).items()}
        for user, data in shop.stock.states.read_many(users).items():
            assert decode(data).tallies.keys() == theirs[user].tallies.keys()
            assert decode(data).recent == theirs[user].recent
