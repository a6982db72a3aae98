"""The evaluation judges the very weights and shares that a profile shows."""

from dataclasses import asdict

import numpy as np
import pytest

from mien.core.item import Facet
from mien.core.ports import Silent
from mien.features.population import facet_shares
from mien.features.state import FoldSettings
from mien.features.weights import DEFAULT_WEIGHTS
from mien.profiles.options import ProfileOptions
from mien.profiles.read import read
from mien.studies.accuracy import by_value, facet_accuracies
from mien.studies.baskets import split_baskets
from mien.testing.model_checks import NOW_US, toy
from mien.testing.world import six_rows, world


@pytest.mark.parametrize("make", [world, six_rows])
def test_weights_are_those_of_the_tags(make) -> None:  # type: ignore[no-untyped-def]
    shop = make()
    data = shop.interactions()
    liking = data.strength(asdict(DEFAULT_WEIGHTS), at_us=shop.at_us, half_life_days=FoldSettings().slow_days)
    options = ProfileOptions(tags_per_facet=1000)
    compared = 0
    for user in shop.user_ids:
        tags = read(shop.state(user), user, shop.catalogue, shop.population(), shop.at_us, options=options).tags
        for facet in shop.catalogue.text_facets:
            row = by_value(data, liking, facet)[[shop.user_row(user)]].toarray()[0]
            shares = row / row.sum() if row.sum() else row
            told = {tag.value: tag.weight for tag in tags if tag.facet == facet.name and tag.value in facet.values}
            for value, weight in told.items():
                assert shares[facet.values.index(value)] == pytest.approx(weight, rel=1e-9)
                compared += 1
    assert compared >= 4


def test_shares_rank_as_those_of_the_population() -> None:
    shop = world()
    population = shop.population()
    data = shop.interactions()
    liking = data.strength(asdict(DEFAULT_WEIGHTS), at_us=shop.at_us, half_life_days=FoldSettings().slow_days)
    for facet in shop.catalogue.text_facets:
        total = by_value(data, liking, facet).sum(axis=0)
        official = facet_shares(facet, population, DEFAULT_WEIGHTS)
        np.testing.assert_allclose(0.99 * total / total.sum() + 0.01 / len(total), official, rtol=1e-6)


def test_a_facet_of_one_value_or_of_fewer_items_is_no_trouble() -> None:
    data = toy(rows=400)
    baskets = split_baskets(data, NOW_US - 30 * 86_400_000_000, test_days=None)
    one = Facet("brand", 0, ("only",), np.zeros(data.n_items, dtype=np.int32))
    short = Facet("colour", 0, ("a", "b"), np.array([0, 1, -1], dtype=np.int32))
    found = facet_accuracies(data, baskets, [one, short], seed=0, progress=Silent())
    assert [facet.facet for facet in found] == ["colour"]
    assert ((found[0].recall >= 0) & (found[0].recall <= 1)).all()
