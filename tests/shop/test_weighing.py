"""An answer under other weights: what `[ranking]` would give, without writing it down."""

from dataclasses import fields

import pytest

from mien.core.errors import UnknownName, UsageError
from mien.ranking.options import MAX_WEIGHTS, RankingOptions
from mien.shop import Shop
from mien.shop.weighing import WEIGHTS, weights_of

USER = "ann"


def order(shop: Shop, **asked: object) -> list[tuple[str, float]]:
    answer = shop.search("tea", user=USER, **asked)  # type: ignore[arg-type]
    return [(one.item_id, round(one.score, 9)) for one in answer.results]


def test_the_shops_own_weights_give_its_own_answer(built: Shop) -> None:
    assert order(built, weights=weights_of(built.settings.ranking)) == order(built)


def test_a_weight_of_nothing_takes_its_reason_away(built: Shop) -> None:
    kinds = {one.kind for result in built.search("tea", user=USER).results for one in result.reasons}
    assert "popular" in kinds
    plain = built.search("tea", user=USER, weights={"popular": 0.0})
    told = [one for result in plain.results for one in result.reasons if one.kind == "popular"]
    assert not [one for one in told if one.contribution]
    for result in plain.results:
        assert sum(one.contribution for one in result.reasons) == pytest.approx(result.score, abs=1e-6)


def test_the_next_answer_is_the_shops_own_again(built: Shop) -> None:
    before = order(built)
    assert order(built, weights={"text": 0.0, "popular": 2.0}) != before
    assert order(built) == before


def test_wrong_weights_are_told(built: Shop) -> None:
    with pytest.raises(UnknownName, match="popular"):
        built.search("tea", weights={"popularity": 1.0})
    with pytest.raises(UsageError, match="weights"):
        built.search("tea", weights={"text": MAX_WEIGHTS + 1})
    with pytest.raises(UsageError, match="weights"):
        built.search("tea", weights={"text": -1.0})


def test_every_weight_is_a_setting_of_the_ranking() -> None:
    assert set(WEIGHTS) <= {one.name for one in fields(RankingOptions)}
