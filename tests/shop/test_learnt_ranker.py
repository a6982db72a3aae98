"""What ranks a shop's searches: learnt from answers that were logged, else from later purchases, else set by hand."""

import json
from datetime import timedelta

import numpy as np
import pytest

from mien.core.event import Action, Event
from mien.core.tables import EVENT
from mien.shop import create
from mien.shop.building import judged_log
from mien.shop.ranker import FEWEST, RANKER, shown_answers
from mien.shop.serving import current
from mien.testing.world import COFFEE_USERS, TEA_USERS, events_table

RECIPE = """
ranker = true
[models.als]
factors = 4
"""
SHELVES = {"coffee": ("bean-light", "bean-dark", "espresso", "filters"), "tea": ("teapot", "black-tea", "green-tea")}


def _answers(world, n):
    """Answers of which people click what they like: the second of coffee, the last of tea, if they look that far."""
    random = np.random.default_rng(0)
    events = []
    for k in range(n):
        text, users = (("coffee", COFFEE_USERS), ("tea", TEA_USERS))[k % 2]
        user, at = users[k % 3], world.at - timedelta(days=20) + timedelta(minutes=k)
        items = random.permutation(SHELVES[text]).tolist()
        liked = {"coffee": "bean-dark", "tea": "green-tea"}[text]
        for place, item in enumerate(items, start=1):
            more = {"query": text, "impression_id": f"i{k}", "properties": json.dumps({"position": place})}
            events.append(Event(f"s{k}-{place}", "live", user, Action.IMPRESSION, at, item, **more))
        if random.random() < 1 / (1 + items.index(liked)):
            clicked = at + timedelta(seconds=9)
            events.append(Event(f"c{k}", "live", user, Action.CLICK, clicked, liked, impression_id=f"i{k}"))
    return events


@pytest.fixture(scope="module")
def shop(tmp_path_factory, toy):
    folder = tmp_path_factory.mktemp("shown")
    (folder / "recipe.toml").write_text(RECIPE)
    with create(folder / "shop", clock=lambda: toy.at) as shop:
        shop.ingest(events=toy.event_table, items=toy.items)
        shop.ingest(events=events_table(_answers(toy, 600)))
        shop.build()
        shop.trained = shop.train(folder / "recipe.toml")
        yield shop


def test_logged_answers_come_with_what_followed(shop, toy):
    build = current(shop.stock)
    judged = judged_log(shop.stock, build.as_of_us, shop._judgement(build))
    end = build.as_of_us + 1
    answers = shown_answers(judged, (0, end))
    clicks = [event for event in _answers(toy, 600) if event.action == Action.CLICK]
    assert len(answers) == len(clicks) > FEWEST
    ids = shop.stock.catalog.items
    for answer in answers:
        assert sorted(answer.places.tolist()) == list(range(1, len(answer.rows) + 1))
        liked = {"coffee": "bean-dark", "tea": "green-tea"}[answer.text]
        gains = dict(zip(ids.keys(answer.rows.tolist()), answer.gains.tolist(), strict=True))
        assert gains == {item: int(item == liked) for item in SHELVES[answer.text]}
    assert shown_answers(judged, (0, 1)) == []


def test_training_says_what_it_learnt_from(shop):
    notes = [note for note in shop.trained["notes"] if note.startswith("ranker")]
    assert len(notes) == 1
    assert "learnt from" in notes[0]
    assert (shop.workspace.models / RANKER).exists()


@pytest.mark.parametrize(("text", "liked"), [("coffee", "bean-dark"), ("tea", "green-tea")])
def test_a_stranger_sees_first_what_people_chose(shop, text, liked):
    found = [result.item_id for result in shop.search(text, k=20).results]
    others = [item for item in SHELVES[text] if item != liked]
    assert all(found.index(liked) < found.index(item) for item in others)


def test_too_little_to_learn_from_is_said(fresh, tmp_path):
    (tmp_path / "recipe.toml").write_text(RECIPE)
    notes = fresh.train(tmp_path / "recipe.toml")["notes"]
    assert any(note.startswith("ranker") and str(FEWEST) in note for note in notes)
    assert not (fresh.workspace.models / RANKER).exists()
    assert EVENT.IMPRESSION_ID in events_table([]).schema.names


def test_weights_of_ones_own_take_the_rankers_place(shop):
    """Under weights an answer is that of a shop which never learnt: reasons by hand, and the same next time."""
    learnt = shop.search("tea", k=20)
    by_hand = shop.search("tea", k=20, weights={"text": 2.0})
    assert max(one.contribution for result in by_hand.results for one in result.reasons if one.kind == "text") == 2.0
    assert [one.score for one in by_hand.results] != [one.score for one in learnt.results]
    assert [one.score for one in shop.search("tea", k=20).results] == [one.score for one in learnt.results]
