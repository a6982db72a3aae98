"""Shops to test with: the toy world, and the six rows."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mien.core.ports import Silent
from mien.shop import Shop, create
from mien.testing.world import SIX_ROWS_CSV, World, world


@pytest.fixture(scope="session")
def toy() -> World:
    return world()


@pytest.fixture
def fresh(tmp_path: Path, toy: World) -> Iterator[Shop]:
    """The toy shop, taken in and built, for tests that change it."""
    with create(tmp_path / "shop", clock=lambda: toy.at) as shop:
        shop.ingest(events=toy.event_table, items=toy.items)
        shop.build()
        yield shop


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory, toy: World) -> Iterator[Shop]:
    """The toy shop, for tests that only ask."""
    with create(tmp_path_factory.mktemp("toy") / "shop", clock=lambda: toy.at) as shop:
        shop.ingest(events=toy.event_table, items=toy.items, progress=Silent())
        shop.build()
        yield shop


@pytest.fixture
def six_rows_file(tmp_path: Path) -> Path:
    path = tmp_path / "六行.csv"
    path.write_text(SIX_ROWS_CSV, encoding="utf-8")
    return path
