"""A ranker learnt on the toy shop: reasons sum up, what people buy again comes first, and strangers stay strangers."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.core.clock import DAY_US
from mien.core.errors import NotReady, UnknownName, WorkspaceError
from mien.core.query import Query
from mien.features.state import FoldSettings
from mien.models.factor import Als
from mien.ranking.measures import measure_of
from mien.ranking.past import past_shelf
from mien.ranking.pipeline import answer
from mien.ranking.ranker import Examples, LearnOptions, Ranker, learn
from mien.ranking.rehearsal import Rehearsal, examples_of, questions, state_of
from mien.testing.world import COFFEE_USERS, TEA_USERS

OPTIONS = LearnOptions(rounds=30)
TEXTS = ("coffee", "tea", "茶", "beans", "kitchen", "咖啡豆", "drinks")


@pytest.fixture(scope="module")
def rehearsal(shop):
    at_us = shop.world.at_us - 28 * DAY_US
    data = shop.world.interactions()
    shelf = past_shelf(
        shop.shelf.catalogue, shop.shelf.yardstick, shop.shelf.index, data, at_us=at_us, taste=Als(factors=4)
    )
    return Rehearsal(shelf, data, at_us, FoldSettings(), shop.shelf.catalogue.known)


@pytest.fixture(scope="module")
def asked(shop, rehearsal):
    span = (rehearsal.at_us + 1, shop.world.at_us + 1)
    return questions(rehearsal.data, rehearsal.shelf, span, most=1000)


@pytest.fixture(scope="module")
def learnt(rehearsal, asked):
    return learn(examples_of(rehearsal.ask(asked)), OPTIONS)


@pytest.fixture(scope="module")
def ranked(shop, rehearsal, learnt):
    """The toy shop's shelf of today with all that a ranker looks at."""
    data, at_us = shop.world.interactions(), shop.world.at_us
    whole = past_shelf(
        shop.shelf.catalogue, shop.shelf.yardstick, shop.shelf.index, data, at_us=at_us, taste=Als(factors=4)
    )
    return replace(shop, shelf=replace(whole, ranker=learnt))


def test_a_question_is_what_was_bought_after(shop, rehearsal, asked):
    purchases = [event for event in shop.world.logged() if event.action == "purchase" and event.at_us > rehearsal.at_us]
    catalogue = shop.shelf.catalogue
    assert sum(len(one.bought) for one in asked) == len(purchases)
    for one in asked:
        assert one.at_us > rehearsal.at_us
        assert {(catalogue.category[row] or "").split("/")[-1] for row in one.bought.tolist()} == {one.text}


def test_nothing_later_is_known_in_a_rehearsal(rehearsal, asked):
    for one in asked:
        state = state_of(rehearsal.data, one.user, rehearsal.at_us, FoldSettings())
        assert state.last_us <= rehearsal.at_us


def test_a_rehearsed_state_is_the_folded_one(shop, rehearsal):
    user = shop.world.user_row("ann")
    ours = state_of(rehearsal.data, user, shop.world.at_us, FoldSettings()).arrays()
    theirs = shop.world.state("ann", None).arrays()
    sums = [
        {
            f"{i}/{a}/{what}": x
            for i, a, *both in zip(one.item, one.action, one.n, one.slow, strict=True)
            if i >= 0
            for what, x in zip(("n", "slow"), both, strict=True)
        }
        for one in (ours, theirs)
    ]
    assert sums[0] == pytest.approx(sums[1])


@settings(deadline=None)
@given(text=st.sampled_from(TEXTS), user=st.sampled_from((*COFFEE_USERS, *TEA_USERS, "gus", None)), zh=st.booleans())
def test_reasons_sum_to_the_score(ranked, text, user, zh):
    found = ranked.ask(text, user, k=20, language="zh" if zh else "en")
    for result in found.results:
        assert math.fsum(reason.contribution for reason in result.reasons) == pytest.approx(result.score, abs=1e-6)
        assert result.reasons[0].kind == "base"
        assert all(reason.text for reason in result.reasons)
    scores = [result.score for result in found.results]
    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize("text", TEXTS)
def test_who_wants_no_personalisation_gets_what_a_stranger_gets(ranked, text):
    strip = lambda found: [(one.item_id, one.score, one.reasons) for one in found.results]  # noqa: E731
    assert strip(ranked.ask(text, "ann", personalise=False)) == strip(ranked.ask(text, None))


def test_what_a_person_buys_again_and_again_comes_first(ranked):
    beans = ranked.ask("beans", "ann").results
    assert beans[0].item_id == "bean-dark"  # ann restocks it every week
    assert "repeat" in {reason.kind for reason in beans[0].reasons}


def test_saved_rankers_answer_alike(ranked, learnt, tmp_path):
    learnt.save(tmp_path / "ranker.npz")
    again = replace(ranked, shelf=replace(ranked.shelf, ranker=Ranker.load(tmp_path / "ranker.npz")))
    for text in TEXTS:
        assert again.ask(text, "ann").results == ranked.ask(text, "ann").results


def test_bad_rankers_are_refused(tmp_path):
    with pytest.raises(NotReady):
        Ranker.load(tmp_path / "none.npz")
    (tmp_path / "half.npz").write_bytes(b"PK")
    with pytest.raises(WorkspaceError):
        Ranker.load(tmp_path / "half.npz")
    with pytest.raises(UnknownName):
        measure_of("repaet.share")


def test_nothing_to_learn_from_is_said():
    nothing = Examples({"text": np.zeros(4)}, np.zeros(4, dtype=np.int64), np.array([2, 2]))
    with pytest.raises(NotReady, match="nothing to learn"):
        learn(nothing, OPTIONS)


def test_an_answer_without_a_query_is_not_ranked_by_what_was_learnt_of_searches(ranked):
    plain = replace(ranked, shelf=replace(ranked.shelf, ranker=None))
    query = Query("", "ann")
    assert answer(query, ranked.context("ann")).results == answer(query, plain.context("ann")).results
