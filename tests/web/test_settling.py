"""A server opens what answers by itself, again after each build, and the collector leaves it alone."""

import gc
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from mien.shop import Shop, create
from mien.testing.world import World, items_table
from mien.web import settling
from mien.web.app import create_app


@pytest.fixture
def shop(tmp_path: Path, toy: World) -> Iterator[Shop]:
    with create(tmp_path / "shop", clock=lambda: toy.at) as shop:
        shop.ingest(events=toy.event_table, items=toy.items)
        yield shop


@pytest.fixture(autouse=True)
def thawed() -> Iterator[None]:
    """Other tests' garbage is collected as ever."""
    yield
    gc.unfreeze()


def until(condition: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.02)


def test_each_build_is_opened_and_left_alone(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    real = settling.open_answers

    def open_answers(shop: Shop) -> None:
        real(shop)
        opened.append(shop.workspace.build().population)  # type: ignore[union-attr]

    monkeypatch.setattr(settling, "open_answers", open_answers)
    monkeypatch.setattr(settling, "LOOK_S", 0.01)
    with TestClient(create_app(shop, settle=True)) as client:
        assert client.get("/healthz").status_code == 200  # before there is anything to open
        shop.build()
        until(lambda: len(opened) == 1, "the first build is never opened")
        assert gc.get_freeze_count() > 10_000
        before = gc.get_freeze_count()
        shop.ingest(items=items_table([{"item_id": "new", "title": "A new thing"}]))
        shop.build()
        until(lambda: len(opened) == 2, "the second build is never opened")
        assert gc.get_freeze_count() < 2 * before, "what answered before is kept for ever"
    assert "mien-settling" not in {thread.name for thread in threading.enumerate()}
    assert gc.get_freeze_count() < before / 2, "what answered stays when the server ends"


def test_what_fails_once_ends_nothing(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    asked = []

    def fails(_: Shop) -> None:
        asked.append(1)
        raise RuntimeError("no room")

    monkeypatch.setattr(settling, "open_answers", fails)
    monkeypatch.setattr(settling, "LOOK_S", 0.01)
    shop.build()
    with TestClient(create_app(shop, settle=True)) as client:
        until(lambda: bool(asked), "nothing was tried")
        assert client.post("/v1/recommend", json={}).status_code == 200
    assert asked == [1], "one build is tried once"
    assert "what answers could not be opened" in caplog.text
