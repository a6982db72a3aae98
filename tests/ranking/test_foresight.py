"""What the behaviour model expects next, as a candidate, a reason and a measure."""

import math
from dataclasses import replace

import numpy as np
import pytest
from msgspec import structs

from mien.core.query import Query
from mien.features.fold import fold
from mien.models.behaviour import Behaviour
from mien.models.interactions import Interactions
from mien.models.items import ItemFacts
from mien.ranking.foresight import Foresight
from mien.ranking.kinds import read_kinds
from mien.ranking.past import past_shelf
from mien.ranking.pipeline import explain


@pytest.fixture(scope="module")
def model(shop):
    """A very small model of the toy shop's acts."""
    data, facts = shop.world.interactions(), ItemFacts.nothing(len(shop.world.catalogue))
    small = {"width": 16, "blocks": 1, "heads": 2, "epochs": 8, "negatives": 16, "validation": "none", "threads": 1}
    return Behaviour(**small).use_items(facts).fit(data, at_us=shop.world.at_us, seed=0)


@pytest.fixture(scope="module")
def foreseen(shop, model):
    """The toy shop with the model on its shelf."""
    return replace(shop, shelf=replace(shop.shelf, foresight=Foresight(model, shop.world.catalogue.price)))


def test_its_scores_are_those_of_the_model(foreseen, model):
    """Read from the state's newest acts, prices from the catalogue, pieces unsaid: scored as the model scores that."""
    foresight, state = foreseen.shelf.foresight, foreseen.context("ann").state
    vector = foresight.vector(state)
    rows = np.arange(len(foreseen.shelf.catalogue), dtype=np.int32)
    scores = foresight.expected(vector, rows)
    price = np.nan_to_num(foreseen.world.catalogue.price)
    acts = [act for act in state.recent if act.item >= 0]
    items = [act.item for act in acts]
    history = Interactions.of(
        [0] * len(acts), items, [act.action for act in acts], [act.at_us for act in acts], price[items],
        [1.0] * len(acts), n_users=1, n_items=len(rows),
    )  # fmt: skip
    assert scores == pytest.approx(model.score(history, [0], at_us=foreseen.world.at_us)[0], abs=1e-5)
    assert sorted(foresight.likeliest(vector, 3).tolist()) == sorted(np.argsort(-scores)[:3].tolist())
    assert foresight.vector(state) is vector, "a person who has not acted since is not read again"
    alone = Foresight(model, foreseen.world.catalogue.price)
    assert np.array_equal(alone.vector(state), vector)


def test_one_act_more_is_read_at_once(foreseen):
    context = foreseen.context("ann")
    before = foreseen.shelf.foresight.vector(context.state)
    events = foreseen.world.logged("dora")
    more = fold(
        context.state.copy(),
        [structs.replace(events[-1], user=foreseen.world.user_row("ann"), event_id="more")],
        context.state.settings,
    )
    assert not np.array_equal(foreseen.shelf.foresight.vector(more), before)


def test_an_act_more_is_never_taken_for_another(foreseen, model):
    """Events of two sources may share an id, and so do those that an explanation tries out."""
    context = foreseen.context("ann")
    newest, price = foreseen.world.logged("dora")[-1], foreseen.world.catalogue.price
    for item in ("teapot", "bean-dark"):
        tried = structs.replace(
            newest, user=foreseen.world.user_row("ann"), item=foreseen.world.item_row(item), event_id="try"
        )
        state = fold(context.state.copy(), [tried], context.state.settings)
        assert np.array_equal(foreseen.shelf.foresight.vector(state), Foresight(model, price).vector(state)), item


def test_what_would_move_an_item_does_not_depend_on_what_was_asked_before(foreseen, model):
    question = Query("", "ann", 20)
    price = foreseen.world.catalogue.price
    for item in ("teapot", "bean-dark", "oat-milk", "cup-zh"):
        fresh = replace(foreseen.shelf, foresight=Foresight(model, price))
        alone = explain(question, item, replace(foreseen.context("ann"), shelf=fresh))
        assert explain(question, item, foreseen.context("ann")).counterfactuals == alone.counterfactuals, item


def test_nobody_and_the_unknown(foreseen, model):
    state = foreseen.context("ann").state
    nothing = replace(state, recent=[])
    assert foreseen.shelf.foresight.vector(nothing) is None
    beyond = np.array([0, len(foreseen.shelf.catalogue)], dtype=np.int32)
    scores = foreseen.shelf.foresight.expected(foreseen.shelf.foresight.vector(state), beyond)
    assert np.isnan(scores).tolist() == [False, True]


@pytest.mark.parametrize("text", ["", "tea"])
def test_it_is_a_reason_with_evidence(foreseen, text):
    found = foreseen.ask(text, "ann", k=20)
    told = [(one, reason) for one in found.results for reason in one.reasons if reason.kind == "behaviour"]
    assert told
    for result, reason in told:
        assert reason.contribution > 0
        assert len(reason.evidence) == 1
        assert "next" in reason.text
        assert math.fsum(one.contribution for one in result.reasons) == pytest.approx(result.score, abs=1e-9)


def test_without_personalisation_it_says_nothing(foreseen, shop):
    assert foreseen.ask("tea", "ann", personalise=False).results == shop.ask("tea").results
    assert foreseen.ask("", None).results == shop.ask("", None).results


def test_its_weight_may_be_nothing(foreseen, shop):
    kinds = {"plain": {"candidates": ["popular"], "terms": {"popular": 1.0, "behaviour": 0.0, "repeat": 1.0}}}
    found = foreseen.ask("", "ann", kind="plain", kinds=read_kinds(kinds))
    assert all(reason.kind != "behaviour" for one in found.results for reason in one.reasons)


def test_a_shelf_of_the_past_takes_no_model_that_knows_more(shop, model):
    data, world = shop.world.interactions(), shop.world
    more = {"taste": None, "foresight": model}
    now = past_shelf(world.catalogue, shop.shelf.yardstick, None, data, at_us=world.at_us, **more)
    before = past_shelf(world.catalogue, shop.shelf.yardstick, None, data, at_us=world.at_us - 1, **more)
    assert now.foresight is not None
    assert before.foresight is None
