"""Items that are put while the shop is open: found, changed and gone at once, durable, and as after a build."""

import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from mien.core.errors import UnknownName, UsageError
from mien.core.query import Answer
from mien.shop.shop import Shop, create, open_shop
from mien.testing.world import World

POT = {
    "item_id": "moka",
    "title": "Moka pot",
    "category": "Kitchen/Coffee/Pots",
    "brand": "Altura",
    "colour": "silver",
    "price": 35,
    "attributes": {"rating": 4.5},
}


def ids(answer: Answer) -> list[str]:
    return [result.item_id for result in answer.results]


def answers(shop: Shop) -> dict[str, Any]:
    """What the questions of a shop give, names of the answers and times left out, and how rare a word is: what left an
    index counts in that until its parts are merged."""

    def told(answer: Answer) -> dict[str, Any]:
        document = answer.to_dict()
        for result in document["results"]:
            del result["score"]
            result["reasons"] = [reason for reason in result["reasons"] if reason["kind"] != "text"]
        return {name: part for name, part in document.items() if name not in ("impression_id", "took_ms")}

    asked = {f"search {text}": told(shop.search(text, user="ann", k=30)) for text in ("coffee", "moka", "tea", "茶杯")}
    asked |= {f"sorted {sort}": told(shop.search("pot", sort=sort)) for sort in ("price_up", "newest", "rating")}
    asked["recommend"] = told(shop.recommend("ann", k=30))
    asked["new-arrivals"] = told(shop.recommend("ann", k=30, kind="new-arrivals"))
    asked["similar"] = told(shop.similar("bean-dark", k=30))
    asked["profile"] = {name: part for name, part in shop.profile("ann").to_dict().items() if name != "version"}
    for tag in asked["profile"]["tags"]:
        del tag["version"], tag["lift"], tag["confidence"]  # these are measured against everybody, as of a build
    return asked


def test_a_new_item_is_found_everywhere_at_once(fresh: Shop) -> None:
    assert ids(fresh.search("moka"))[:1] != ["moka"]
    assert fresh.put_items([POT]) == {"items": 1, "change": 1}
    found = fresh.search("moka")
    assert ids(found)[0] == "moka"
    assert ids(fresh.search("pot", filters={"brand": ("Altura",)})) == ["moka"]
    assert ids(fresh.search("pot", filters={"price": ("34..36",)})) == ["moka"]
    assert fresh.search("pot").facets["category"]["Kitchen/Coffee/Pots"] == 1  # type: ignore[index]
    assert ids(fresh.search("coffee pot", sort="rating"))[0] == "moka"
    assert "moka" in ids(fresh.recommend("ann", k=50))
    assert fresh.similar("moka", k=3).results
    assert [one.text for one in fresh.complete("mok")] == ["Moka pot"]
    assert fresh.search("mokka pot").did_you_mean == "moka pot"
    assert "moka" in ids(fresh.recommend("ann", k=50, kind="new-arrivals"))


def test_what_is_not_named_stays_and_what_is_null_goes(fresh: Shop) -> None:
    fresh.put_items([POT])
    fresh.put_items([{"item_id": "moka", "price": 20.0}])
    fresh.put_items([{"item_id": "moka", "colour": None}])
    assert ids(fresh.search("moka", filters={"price": ("..21",), "brand": ("Altura",)})) == ["moka"]
    assert fresh.search("moka").facets == {
        "brand": {"Altura": 1},
        "category": {"Kitchen": 1, "Kitchen/Coffee": 1, "Kitchen/Coffee/Pots": 1},
        "price_band": {"3": 1},
    }


def test_sold_out_and_withdrawn_items_vanish_at_once(fresh: Shop) -> None:
    assert {"bean-dark", "bean-light"} <= set(ids(fresh.search("coffee beans")))
    tags = {tag.value for tag in fresh.profile("ann").tags}
    assert "Drinks/Coffee/Beans" in tags
    fresh.put_items([{"item_id": "bean-dark", "available": False}, {"item_id": "bean-light", "withdrawn": True}])
    for answer in (
        fresh.search("coffee beans", k=50),
        fresh.recommend("ann", k=50),
        fresh.recommend("ann", k=50, kind="buy-again"),
        fresh.similar("filters", k=50),
    ):
        assert not {"bean-dark", "bean-light"} & set(ids(answer))
    assert not any(one.text.startswith(("Dark", "Light")) for one in fresh.complete("dark") + fresh.complete("light"))
    assert {tag.value for tag in fresh.profile("ann").tags} == tags, "what was bought stays, though it is sold out"
    with pytest.raises(UnknownName):
        fresh.similar("bean-light")
    fresh.put_items([{"item_id": "bean-dark", "available": True}])
    assert "bean-dark" in ids(fresh.search("coffee beans"))


def test_tags_follow_the_items(fresh: Shop) -> None:
    fresh.put_items([{"item_id": "bean-dark", "brand": "Roastery Nine"}])
    assert any(tag.value == "Roastery Nine" for tag in fresh.profile("ann").tags)
    fresh.put_items([{"item_id": "bean-dark", "withdrawn": True}])
    assert not any(tag.value == "Roastery Nine" for tag in fresh.profile("ann").tags)


def test_putting_is_building_anew(fresh: Shop, tmp_path: Path, toy: World) -> None:
    """The answers after changes are those of a shop that is built with the items as they are."""
    fresh.search("coffee")
    for change in (
        [POT, {"item_id": "kettle", "title": "Gooseneck kettle", "category": "Kitchen/Coffee/Kettles"}],
        [{"item_id": "moka", "price": 30.0}, {"item_id": "espresso", "available": False}],
        [{"item_id": "teapot", "withdrawn": True}, {"item_id": "cup-zh", "title": "青瓷小茶杯", "price": 21}],
        [{"item_id": "kettle", "brand": "Zephyr"}, {"item_id": "filters", "category": None}],
        [{"item_id": "teapot", "title": "Cast iron teapot", "brand": "Greenleaf", "price": 55}],
    ):
        fresh.put_items(change)
    followed = answers(fresh)
    with open_shop(fresh.workspace.folder, clock=lambda: toy.at) as again:
        assert answers(again) == followed, "another process sees the same"
        again.build()
        assert not again.stock.changes.since(0)
        assert answers(again) == followed, "and so does a build"
    assert answers(fresh) == followed


def test_what_is_given_beforehand_begins_in_time(tmp_path: Path, toy: World) -> None:
    now = [toy.at]
    with create(tmp_path / "shop", clock=lambda: now[0]) as shop:
        shop.ingest(events=toy.event_table, items=toy.items)
        shop.build()
        shop.served = True
        begins = toy.at + timedelta(days=2)
        shop.put_items([{**POT, "valid_from": begins.isoformat()}])
        assert "moka" not in ids(shop.search("moka"))
        now[0] = begins + timedelta(seconds=1)
        assert ids(shop.search("moka"))[0] == "moka"
        before = shop.profile("ann", as_of=toy.at)
        assert before.as_of == toy.at


def test_several_processes_see_each_others_changes(fresh: Shop, toy: World) -> None:
    with open_shop(fresh.workspace.folder, clock=lambda: toy.at) as other:
        assert "moka" not in ids(other.search("moka"))
        fresh.put_items([POT])
        assert ids(other.search("moka"))[0] == "moka"
        other.put_items([{"item_id": "moka", "withdrawn": True}])
        assert "moka" not in ids(fresh.search("moka"))


def test_a_killed_process_loses_no_change(fresh: Shop, toy: World) -> None:
    """It dies between keeping a change and indexing it; the next one makes up for it."""
    code = (
        "import sys, os, mien\n"
        "from mien.shop.current import Current\n"
        "Current.follow = lambda self: os._exit(9)\n"
        "shop = mien.open(sys.argv[1])\n"
        "shop.put_items([{'item_id': 'moka', 'title': 'Moka pot', 'valid_from': '1970-01-02'}])\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(fresh.workspace.folder)], check=False)
    assert done.returncode == 9
    assert ids(fresh.search("moka"))[0] == "moka"


def test_items_can_be_put_before_the_first_build(tmp_path: Path, toy: World) -> None:
    with create(tmp_path / "shop", clock=lambda: toy.at) as shop:
        shop.put_items([POT])
        shop.put_items([{"item_id": "moka", "price": 12}])
        shop.ingest(events=toy.event_table)
        shop.build()
        assert ids(shop.search("moka", filters={"price": ("12..12",)})) == ["moka"]


def test_the_meaning_of_a_new_item_follows(tmp_path: Path, toy: World) -> None:
    """Its vector is made beside the answers, and again by a process that opens the shop before the next build."""
    with create(tmp_path / "shop", clock=lambda: toy.at) as shop:
        settings = shop.workspace.settings
        settings.write_text(
            f'{settings.read_text(encoding="utf-8")}\n[content]\nencoder = "lexical"\n', encoding="utf-8"
        )
    for again in range(2):
        with open_shop(tmp_path / "shop", clock=lambda: toy.at) as shop:
            if not again:
                shop.ingest(events=toy.event_table, items=toy.items)
                shop.build()
                shop.search("coffee")
                shop.put_items([POT, {"item_id": "teapot", "withdrawn": True}])
            assert ids(shop.search("moka"))[0] == "moka"
            reading = shop._current._reading
            assert reading is not None
            reading.join(60)
            vectors = shop._current.at().shelf.vectors
            assert vectors is not None
            row, gone = (shop.stock.catalog.items.row(name) for name in ("moka", "teapot"))
            assert row is not None
            assert gone is not None
            assert vectors.index.vector(row) is not None
            assert vectors.index.vector(gone) is None
            assert row in vectors.nearest("moka pot", 3)[0]


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory, toy: World) -> Iterator[Shop]:
    with create(tmp_path_factory.mktemp("bad") / "shop", clock=lambda: toy.at) as shop:
        yield shop


@pytest.mark.parametrize(
    ("item", "said"),
    [
        ({"title": "Nameless"}, "item_id"),
        ({"item_id": "", "title": "x"}, "item_id"),
        ({"item_id": "a\0b", "title": "x"}, "item_id"),
        ({"item_id": "new"}, "needs a title"),
        ({"item_id": "new", "title": "  "}, "title is empty"),
        ({"item_id": "new", "title": None}, "title"),
        ({"item_id": "new", "title": "x", "price": -1}, "price"),
        ({"item_id": "new", "title": "x", "price": float("nan")}, "price"),
        ({"item_id": "new", "title": "x", "price": "9.90"}, "price"),
        ({"item_id": "new", "title": "x", "available": "yes"}, "available"),
        ({"item_id": "new", "title": "x", "attributes": [1]}, "attributes"),
        ({"item_id": "new", "title": "x", "withdrawn": True}, "withdrawn"),
        ({"item_id": "new", "title": "x", "valid_from": "soon"}, "time"),
        ({"item_id": "new", "title": "x", "titel": "y"}, "Nearest: title"),
    ],
)
def test_a_wrong_item_is_named_and_nothing_is_kept(asked: Shop, item: dict[str, Any], said: str) -> None:
    with pytest.raises((UsageError, UnknownName), match=said):
        asked.put_items([POT, item])
    assert asked.stock.changes.last() == 0
