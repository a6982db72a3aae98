"""What a learning curve says, in both languages."""

import pytest

from mien.models.behaviour.curve import Curve, Point


def curve(figures: list[float], best: int, *, asked: int = 5, unseen: float = 5.0, loss: float = 5.0) -> Curve:
    points = [Point(k, loss, unseen, ndcg, ndcg, float(k)) for k, ndcg in enumerate(figures)]
    return Curve(tuple(points), best, asked)


@pytest.mark.parametrize(
    ("given", "verdict", "en", "zh"),
    [
        (curve([0.1, 0.2, 0.3, 0.4, 0.5], 4), "under", "still rising", "欠拟合"),
        (curve([0.1, 0.3, 0.2, 0.2, 0.2], 1), "over", "epoch was 2 of 5", "过拟合"),
        (curve([0.1, 0.3, 0.3, 0.3], 1, unseen=9.0), "over", "9.00 on held-out", "过拟合"),
        (curve([0.1, 0.3, 0.301], 2, unseen=9.0), "over", "not yet to its cost", "尚未造成损失"),
        (curve([0.1, 0.29, 0.3, 0.3], 2), "fit", "levelled off at 0.3000", "拟合良好"),
        (Curve((Point(0, 5.0, None, None, None, 1.0),), 0, 1), "unknown", "nothing held out", "无法判断"),
        (Curve((), -1, 5), "unknown", "Nothing was trained", "没有进行训练"),
    ],
)
def test_verdicts(given: Curve, verdict: str, en: str, zh: str) -> None:
    assert given.verdict == verdict
    assert en in given.words("en")
    assert zh in given.words("zh")
    assert Curve.from_dict(given.to_dict()) == given
