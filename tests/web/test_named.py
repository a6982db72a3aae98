"""Ids with a slash in addresses, over a real connection."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from urllib.parse import quote

import pytest
import requests

from mien.core.errors import UnknownName
from mien.shop import create

Serve = Callable[..., AbstractContextManager[str]]
ITEMS = "item_id,title\nAB/12,mug\nAB/13,kettle\n"
EVENTS = "user_id,item_id,action,at\n" + "".join(
    f"{user},{item},purchase,2026-01-0{day}T10:00:00Z\n"
    for day, user in enumerate(("shop/ann", "ann/export", "bea"), 1)
    for item in ("AB/12", "AB/13")
)


def test_a_slash_belongs_to_the_id(tmp_path: Path, serving: Serve) -> None:
    (tmp_path / "items.csv").write_text(ITEMS)
    (tmp_path / "events.csv").write_text(EVENTS)
    with create(tmp_path / "shop") as shop:
        shop.ingest(events=tmp_path / "events.csv", items=tmp_path / "items.csv")
        shop.build()
        with serving(shop) as url:
            for user in ("shop/ann", "ann/export"):
                path = f"{url}/v1/profiles/{quote(user, safe='')}"
                assert requests.get(path, timeout=30).json()["user_id"] == user
                assert requests.get(path.lower(), timeout=30).json()["user_id"] == user
                assert requests.get(f"{path}/export", timeout=30).json()["user_id"] == user
                assert requests.get(f"{path}/changes", timeout=30).json()
                assert requests.get(f"{path}/consent", timeout=30).status_code == 200
            similar = requests.get(f"{url}/v1/similar/AB%2F12", timeout=30).json()
            assert [one["item_id"] for one in similar["results"]] == ["AB/13"]
            assert requests.get(f"{url}/v1/similar/AB/12", timeout=30).status_code == 404
            assert requests.delete(f"{url}/v1/profiles/ann%2Fexport", timeout=30).status_code == 200
        with pytest.raises(UnknownName):
            shop.profile("ann/export")
        assert shop.profile("bea").user_id == "bea"
