"""The kinds of recommendation the whole way: sources in, settings read, answers out, nothing of who declined."""

import json
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from mien.core.errors import UnknownName, UsageError
from mien.ranking.kinds import KINDS
from mien.settings import load
from mien.shop import Shop, create
from mien.shop import open as open_shop
from mien.testing.world import World
from mien.web.app import create_app

SETTINGS = """
[kinds.buy-again]
terms = {due = 2.0, repeat = 1.0}

[kinds.tea-time]
candidates = ["popular"]
terms = {popular = 1.0}
caps = {category = 1}

[[rules]]
do = "boost"
name = "advent"
items = ["biscuits"]
until = 2024-05-30
weight = 4.0
kinds = ["tea-time"]
"""


def plain(answer) -> str:  # type: ignore[no-untyped-def]
    document = answer.to_dict()
    del document["impression_id"], document["took_ms"]
    return json.dumps(document, ensure_ascii=False)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory, toy: World):  # type: ignore[no-untyped-def]
    """The toy shop with settings of its own; fay refused personalisation, dora granted it, gus has not said."""
    folder = tmp_path_factory.mktemp("kinds")
    users = folder / "users.csv"
    users.write_text("user_id,drinks,consent\nfay,tea,no\ndora,tea,yes\nnewcomer,tea,yes\n", encoding="utf-8")
    mapping = folder / "users.toml"
    mapping.write_text(
        '[map]\nuser_id = "user_id"\n[traits]\ndrinks = "drinks"\n[consents]\npersonalisation = "consent"\n'
    )
    with create(folder / "shop", clock=lambda: toy.at) as shop:
        shop.ingest(events=toy.event_table, items=toy.items)
        shop.ingest(users=str(users), mapping=mapping)
        shop.build()
    settings = folder / "shop" / "mien.toml"
    settings.write_text(settings.read_text(encoding="utf-8") + SETTINGS, encoding="utf-8")
    with open_shop(folder / "shop", clock=lambda: toy.at) as shop:
        yield shop


def test_consent_is_read_from_the_source(kept: Shop) -> None:
    assert kept.profile("fay").consent == {"personalisation": False}
    assert kept.profile("dora").consent == {"personalisation": True}


@pytest.mark.parametrize("kind", [*KINDS, "tea-time"])
def test_refused_is_anonymous_to_the_byte(kept: Shop, kind: str) -> None:
    asked = {"kind": kind, "cart": ("oat-milk",)}
    anonymous = plain(kept.recommend(None, **asked))
    assert plain(kept.recommend("fay", context=("teapot",), **asked)) == anonymous
    assert plain(kept.recommend("dora", context=("teapot",), personalise=False, **asked)) == anonymous


def test_what_a_build_learns_answers(kept: Shop) -> None:
    again = kept.recommend("ann", kind="buy-again")
    assert again.results[0].item_id == "bean-dark"
    assert {"due", "repeat"} <= {reason.kind for reason in again.results[0].reasons}
    assert kept.recommend("dora", kind="for-you").personalised
    learnt = kept._served(None).shelf.learnt
    assert learnt.complements is not None
    assert learnt.trend is not None
    assert learnt.segments is not None
    assert learnt.segments.names == ()  # one person who may be counted is no segment


def test_a_kind_of_the_settings_with_a_rule(kept: Shop) -> None:
    best = kept.recommend(None, kind="tea-time").results[0]
    assert best.item_id == "biscuits"
    (boost,) = [reason for reason in best.reasons if reason.kind == "boost"]
    assert boost.text == "placed higher by the shop until 30 May: advent"
    assert kept.recommend(None).results[0].item_id != "biscuits"


def test_the_same_over_http(kept: Shop) -> None:
    with TestClient(create_app(kept)) as client:
        body = {"user_id": "ann", "kind": "goes-with", "cart": ["oat-milk"], "k": 3}
        found = client.post("/v1/recommend", json=body).json()
        own = kept.recommend("ann", kind="goes-with", cart=("oat-milk",), k=3).to_dict()
        assert found["results"] == own["results"]
        visit = client.post("/v1/recommend", json={"context": ["teapot"]}).json()
        assert visit["personalised"]
        why = client.post("/v1/explain", json={"item_id": "teapot", "kind": "tea-time", "query": "", "k": 1}).json()
        assert why["counterfactuals"]
        assert why["absent"]
        wrong = client.post("/v1/recommend", json={"kind": "goes-wiht"})
        assert wrong.status_code == 404
        assert "goes-with" in wrong.json()["message"]


@pytest.mark.parametrize(
    ("text", "error", "named"),
    [
        ("[kinds.popular]\ndiversty = 1.0", UnknownName, "diversity"),
        ("[kinds]\npopular = 1", UsageError, "tables"),
        ("[[rules]]\ndo = 'pin'\nitem = ['a']", UnknownName, "items"),
        ("[rules]\ndo = 'pin'", UsageError, "rules"),
        ("[[rules]]\ndo = 'pin'\nitems = ['a']\nkinds = ['populr']", UnknownName, "popular"),
        ("[ranking]\nbought_again = 'often'", UsageError, "ranking.bought_again"),
    ],
)
def test_mistakes_in_the_file_are_named(tmp_path: Path, text: str, error: type[Exception], named: str) -> None:
    (tmp_path / "mien.toml").write_text(text)
    with pytest.raises(error, match=named):
        load(tmp_path / "mien.toml", {})


def test_a_kind_of_the_settings_may_be_named_by_a_rule(tmp_path: Path) -> None:
    file = tmp_path / "mien.toml"
    file.write_text(SETTINGS + "[ranking]\nbought_again = false\n")
    settings = load(file, {"MIEN_RANKING_BOUGHT_AGAIN": "learned"})
    assert settings.rules[0].kinds == ("tea-time",)
    assert settings.kinds["tea-time"].caps == {"category": 1}
    assert settings.ranking.bought_again == "learned"
    assert load(file, {}).ranking.bought_again is False


def test_a_category_is_browsed_with_its_facets_and_is_no_search_of_anybody(fresh: Shop) -> None:
    found = fresh.search("", user="ann", filters={"category": ("Drinks",)}, k=20, sort="price_up", shown=True)
    assert found.facets is not None
    assert found.facets["category"]["Drinks"] == found.total == len(found.results)
    drink = found.results[0].item_id
    assert not fresh.explain("ann", drink, filters={"category": ("Drinks",)}, k=20, kind="search").absent
    (kept,) = fresh.stock.impressions.between(0, 2**62)
    assert (kept.kind, kept.total) == ("search", found.total)
    assert not fresh.quality.searches(days=1).searches, "nobody typed anything"


def test_a_search_is_no_kind_of_recommendation(built: Shop) -> None:
    with pytest.raises(UnknownName, match="kind of recommendation"):
        built.recommend("ann", kind="search")
