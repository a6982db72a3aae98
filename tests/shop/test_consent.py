"""Consent the whole way: refused analytics stops the fold, refused personalisation gives the anonymous answer."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from starlette.testclient import TestClient

from mien.collect.tracking import EVENT_BYTES
from mien.core.clock import to_us
from mien.core.errors import UnknownName, UsageError
from mien.live import Live
from mien.shop import Shop, create
from mien.shop import open as open_shop
from mien.shop.consenting import MOST_PURPOSES, PURPOSE_LENGTH
from mien.testing.live_checks import unlike_the_log
from mien.testing.world import World, events_table
from mien.web.app import create_app


def view(number: int, user: str, *, item: str = "teapot", **more: Any) -> dict[str, Any]:
    return {
        "type": "track", "messageId": f"c{number}", "userId": user, "event": "Product Viewed",
        "properties": {"product_id": item}, **more,
    }  # fmt: skip


def banner(**purposes: bool) -> dict[str, Any]:
    return {"context": {"consent": {"categoryPreferences": purposes}}}


def send(live: Live, *messages: dict[str, Any]) -> dict[str, int]:
    return dict(live.track(json.dumps({"batch": messages}).encode()))


def asked(shop: Shop, user: str | None, **more: Any) -> list[dict[str, Any]]:
    answers = [
        shop.search("tea", user=user, **more),
        shop.search("", user=user, **more),
        shop.recommend(user, **more),
        shop.explain(user, "teapot", **more),
    ]
    documents = [answer.to_dict() for answer in answers]
    for one in documents:
        del one["took_ms"]
    return documents


def test_without_consent_answers_are_the_anonymous_ones(fresh: Shop) -> None:
    assert asked(fresh, "ann") != asked(fresh, None, personalise=False)
    for purpose in ("personalisation", "analytics"):
        fresh.consent("ann", {purpose: False})
        assert asked(fresh, "ann") == asked(fresh, None, personalise=False)
        fresh.consent("ann", {purpose: True})
        assert asked(fresh, "ann") != asked(fresh, None, personalise=False)


def test_without_consent_nothing_is_inferred(fresh: Shop) -> None:
    whole = fresh.profile("ann").to_dict()
    assert {"tags", "behaviour", "activity", "value"} <= set(whole)
    fresh.consent("ann", {"personalisation": False})
    bare = fresh.profile("ann").to_dict()
    assert bare["consent"] == {"personalisation": False}
    assert bare["activity"] == whole["activity"]
    assert not {"tags", "needs", "behaviour", "intent", "next_items", "embedding", "segments"} & set(bare)
    fresh.consent("ann", {"analytics": False})
    none = fresh.profile("ann").to_dict()
    assert set(none) == {"user_id", "version", "as_of", "events", "consent", "summary"}
    assert none["events"] == 0


def test_screens_tell_no_more_than_profiles(fresh: Shop) -> None:
    people = fresh.people
    assert people.person("ann").interests().values
    fresh.consent("ann", {"personalisation": False})
    assert people.person("ann").events
    assert people.person("ann").interests().values == ()
    assert fresh.changes("ann")["changes"] == []
    fresh.consent("ann", {"analytics": False})
    assert (people.person("ann").events, people.events("ann")) == ([], 0)
    for (one,) in (people.find("ann").people, people.named(["ann"])):
        assert (one.user_id, one.events, one.lifecycle, one.last_seen, one.orders) == ("ann", 0, None, None, 0)
    assert people.find("ben").people[0].events > 0


def test_who_refuses_is_not_kept_from_then_on(fresh: Shop, toy: World) -> None:
    first = next(event for event in toy.events if event.user_id == "ann")
    with Live(fresh) as live:
        assert send(live, view(1, "ann")) == {"new": 1, "events": 1}
        assert send(live, view(2, "ann", **banner(Analytics=False))) == {"no_consent": 1, "events": 0}
        assert send(live, view(3, "ann"), view(4, "bob")) == {"no_consent": 1, "new": 1, "events": 1}
    before = {event["event_id"] for event in fresh.export("ann")["events"]}
    assert "c1" in before
    assert not {"c2", "c3"} & before
    assert unlike_the_log(fresh) == []
    late = events_table([replace(first, event_id="late")])
    report = fresh.ingest(events=late)
    assert (report.arrivals.new, report.arrivals.no_consent) == (0, 1)
    fresh.build()
    assert unlike_the_log(fresh) == []
    assert {event["event_id"] for event in fresh.export("ann")["events"]} == before
    fresh.consent("ann", {"analytics": True})
    with Live(fresh) as live:
        assert send(live, view(5, "ann")) == {"new": 1, "events": 1}
    assert fresh.ingest(events=late).arrivals.new == 1


def test_a_refusal_follows_the_person_to_every_id(fresh: Shop) -> None:
    with Live(fresh) as live:
        page = {"type": "page", "messageId": "p1", "anonymousId": "phone", "timestamp": "2024-05-20T08:00:00Z"}
        assert send(live, {**page, **banner(analytics=False)}) == {"no_consent": 1, "events": 0}
        login = {"type": "identify", "messageId": "i1", "userId": "ann", "anonymousId": "phone", "traits": {"age": 40}}
        assert send(live, login) == {"new": 1, "events": 0}
        assert send(live, view(1, "ann")) == {"no_consent": 1, "events": 0}, "joining narrows"
        agreed = {**login, "messageId": "i2", **banner(analytics=True)}
        assert send(live, agreed) == {"new": 1, "events": 0}
        assert send(live, view(2, "ann"), view(3, "phone")) == {"new": 2, "events": 2}, "the device's banner says so"
    assert unlike_the_log(fresh) == []


def test_what_cannot_be_read_of_who_refused_is_not_kept_either(fresh: Shop) -> None:
    fresh.consent("ann", {"analytics": False})
    with Live(fresh) as live:
        fates = send(live, view(1, "ann", timestamp="soon"), view(2, "ben", timestamp="soon"))
    assert fates == {"bad_time": 2, "events": 0}
    kept = [letter["raw"] for letter in fresh.dead_letters()["letters"]]
    assert len(kept) == 2
    assert [raw for raw in kept if "ann" in raw] == []
    assert [raw for raw in kept if "ben" in raw]


@pytest.mark.parametrize("user", [" 77 ", 77, 77.0])
def test_however_the_id_of_who_refused_is_written(fresh: Shop, user: Any) -> None:
    fresh.consent("77", {"analytics": False})
    with Live(fresh) as live:
        send(live, view(1, user, timestamp="soon", properties={"query": "a secret wish"}))
    assert [letter["raw"] for letter in fresh.dead_letters()["letters"]] == [""]


def test_what_is_too_large_of_who_refused_is_not_kept(fresh: Shop) -> None:
    fresh.consent("ann", {"analytics": False})
    much = {"query": "a secret wish", "more": "x" * EVENT_BYTES}
    with Live(fresh) as live:
        send(live, view(1, "ann", properties=much), view(2, "ben", properties=much))
    kept = [letter["raw"] for letter in fresh.dead_letters()["letters"]]
    assert ["ben" in raw for raw in kept] == [True, False]
    assert kept[1] == ""


def test_traits_may_say_consents(fresh: Shop) -> None:
    with Live(fresh) as live:
        traits = {"age": 40, "consents": {"marketing": False, "newsletter": True}}
        send(live, {"type": "identify", "messageId": "i1", "userId": "ann", "traits": traits})
    profile = fresh.profile("ann").to_dict()
    assert profile["consent"] == {"marketing": False, "newsletter": True}
    assert [trait["name"] for trait in profile["traits"] if trait["source"] == "declared"] == ["age"]
    (word,) = [word for word in fresh.consents("ann")["history"] if word["purpose"] == "marketing"]
    assert word["source"] == "tracking:http"


def test_files_of_who_refused(fresh: Shop, tmp_path: Path) -> None:
    fresh.consent("ann", {"analytics": False})
    users = tmp_path / "users.csv"
    users.write_text("user_id,age\nann,40\nben,50\n", encoding="utf-8")
    fresh.ingest(users=str(users))
    assert fresh.stock.catalog.traits(fresh.stock.catalog.users.row("ann") or 0) is None
    assert fresh.export("ben")["declared"]["traits"] == {"age": 50}
    log = tmp_path / "log.csv"
    rows = [f"{user},{at},view,teapot" for user in ("ann", "ben") for at in ("2024-05-20T10:00:00Z", "never")]
    log.write_text("\n".join(["user_id,at,action,item_id", *rows]) + "\n", encoding="utf-8")
    mapping = tmp_path / "log.toml"
    names = ("user_id", "at", "action", "item_id")
    mapping.write_text("[map]\n" + "".join(f'{name} = "{name}"\n' for name in names), encoding="utf-8")
    report = fresh.ingest(events=str(log), mapping=mapping)
    assert (report.arrivals.rejected, report.arrivals.new, report.arrivals.no_consent) == ({"bad_time": 2}, 1, 1)
    kept = [letter["raw"] or "" for letter in fresh.dead_letters()["letters"]]
    assert len(kept) == 2
    assert not [raw for raw in kept if "ann" in raw]
    assert [raw for raw in kept if "ben" in raw]


@pytest.fixture
def careful(tmp_path: Path, toy: World) -> Iterator[Shop]:
    """The toy shop where one must have agreed."""
    create(tmp_path / "shop").close()
    file = tmp_path / "shop" / "mien.toml"
    file.write_text(file.read_text() + '\n[privacy]\nunknown = "opt-in"\n', encoding="utf-8")
    with open_shop(tmp_path / "shop", clock=lambda: toy.at) as shop:
        shop.consent("ann", {"analytics": True, "personalisation": True})
        shop.consent("ben", {"analytics": True})
        shop.ingest(events=toy.event_table, items=toy.items)
        shop.build()
        yield shop


def test_opt_in_keeps_only_who_agreed(careful: Shop, tmp_path: Path) -> None:
    assert [careful.stock.catalog.users.key(user) for user in careful.stock.states.users()] == ["ann", "ben"]
    assert careful.stock.catalog.users.row("dora") is None, "not even the id is kept"
    users = tmp_path / "users.csv"
    users.write_text("user_id,age\ndora,40\nben,50\n", encoding="utf-8")
    assert careful.ingest(users=str(users)).users == 1
    assert careful.stock.catalog.users.row("dora") is None
    assert careful.recommend("ann").personalised
    assert asked(careful, "ben") == asked(careful, None, personalise=False)
    with Live(careful) as live:
        assert send(live, view(1, "dora"), view(2, "ann")) == {"no_consent": 1, "new": 1, "events": 1}
        assert careful.stock.catalog.users.row("dora") is None
        assert send(live, view(3, "dora", **banner(analytics=True))) == {"new": 1, "events": 1}
    assert unlike_the_log(careful) == []


def test_over_http(fresh: Shop) -> None:
    with TestClient(create_app(fresh)) as client:
        path = "/v1/profiles/ann/consent"
        assert client.get(path).json()["history"] == []
        said = client.put(path, json={"purposes": {"marketing": False}, "source": "preference centre"}).json()
        assert said["consent"] == {"marketing": False}
        assert said["allowed"] == {
            "analytics": True, "personalisation": True, "marketing": False, "automated_decisions": True,
        }  # fmt: skip
        (word,) = said["history"]
        assert (word["source"], word["given"]) == ("preference centre", False)
        assert client.put(path, json={"purposes": {}}).status_code == 400
        assert client.put(path, json={"purposes": {"marketing": "maybe"}}).status_code == 400
        assert client.get("/v1/profiles/nobody/consent").status_code == 404
        new = client.put("/v1/profiles/visitor/consent", json={"purposes": {"analytics": False}})
        assert new.json()["allowed"]["analytics"] is False
        sent = client.post("/v1/track", json=view(1, "visitor"))
        assert sent.json()["fates"] == {"no_consent": 1, "events": 0}


def test_names_of_purposes_may_be_all_quotes(fresh: Shop) -> None:
    odd = {'"' * (PURPOSE_LENGTH - 1) + str(k): True for k in range(MOST_PURPOSES)}
    assert len(fresh.consent("ann", odd)["consent"]) == MOST_PURPOSES
    assert len(fresh.audit.entries()[0]["detail"]["purposes"]) == MOST_PURPOSES


def test_a_word_that_cannot_be_kept_may_be_said_again(fresh: Shop) -> None:
    with TestClient(create_app(fresh), raise_server_exceptions=False) as client:
        fresh.stock.tail._catalog._db.execute("PRAGMA busy_timeout=100")
        with closing(sqlite3.connect(fresh.workspace.catalog, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            answer = client.put("/v1/profiles/ann/consent", json={"purposes": {"marketing": False}})
        assert (answer.status_code, answer.json()["code"]) == (503, "try_again")
        assert client.put("/v1/profiles/ann/consent", json={"purposes": {"marketing": False}}).status_code == 200


def test_an_erased_user_has_nothing_to_say(fresh: Shop) -> None:
    fresh.consent("ann", {"marketing": False})
    fresh.erase("ann")
    with pytest.raises(UnknownName):
        fresh.consent("ann", {"marketing": True})
    assert fresh.stock.catalog.consents.everybody() == {}
    with pytest.raises(UsageError):
        fresh.consent("bob", {"": True})


def test_a_word_of_the_future_is_said_now(fresh: Shop, toy: World) -> None:
    fresh.consent("ann", {"marketing": True}, at=toy.at + timedelta(days=400))
    row = fresh.stock.catalog.users.row("ann")
    assert row is not None
    assert [word.at_us for word in fresh.stock.catalog.consents.history(row)] == [to_us(toy.at)]
    fresh.consent("ann", {"marketing": False})
    assert fresh.consents("ann")["consent"] == {"marketing": False}
