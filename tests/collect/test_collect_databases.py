"""Databases on real servers: SQLite always, PostgreSQL where its binaries are (marker `service`)."""

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import servers

from mien.collect.databases import parse_database
from mien.core.errors import SourceError, UnknownName

Collect = Any
COLUMNS = "user_id TEXT, event_type TEXT, item_id INTEGER, event_time TEXT, price REAL, quantity INTEGER"
ROWS = [
    ("u1", "view", 7, "2024-01-01 10:00:00", 2.5, 1),
    ("u1", "buy", 7, "2024-01-01 10:05:00", 2.5, 2),
    ("u2", "teleport", 8, "2024-01-01 10:06:00", None, None),
]


@pytest.fixture
def shop_db(tmp_path: Path) -> Path:
    path = tmp_path / "shop.db"
    with sqlite3.connect(path) as connection:
        connection.execute(f"CREATE TABLE events ({COLUMNS})")
        connection.executemany("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?)", ROWS)
    connection.close()
    return path


def test_a_sqlite_table_gives_the_ids_that_a_csv_of_it_gives(gather: Collect, shop_db: Path) -> None:
    got = gather(f"sqlite:///{shop_db}?table=events")
    assert [(row["action"], row["value"]) for row in got.rows()] == [("view", None), ("purchase", 5.0)]
    assert got.reasons() == {3: "unknown_action"}
    text = "user_id,event_type,item_id,event_time,price,quantity\n" + "".join(
        ",".join("" if value is None else str(value) for value in row) + "\n" for row in ROWS
    )
    assert gather(text, "a.csv").ids() == got.ids()


def test_a_query_comes_last_and_stands_as_it_is(gather: Collect, shop_db: Path) -> None:
    sql = "SELECT * FROM events WHERE price > 1 AND event_type LIKE 'b%' -- & all"
    assert gather(f"sqlite:///{shop_db}?query={sql}").report.rows == 1
    assert gather(f"sqlite:///{shop_db}?query=SELECT%20*%20FROM%20events").report.rows == 3


def test_unknown_tables_files_and_dialects_are_named(gather: Collect, shop_db: Path) -> None:
    with pytest.raises(UnknownName, match="events"):
        gather(f"sqlite:///{shop_db}?table=event")
    with pytest.raises(SourceError, match="no such database file"):
        gather(f"sqlite:///{shop_db}x?table=events")
    with pytest.raises(SourceError, match=r"table=NAME"):
        gather(f"sqlite:///{shop_db}")
    with pytest.raises(SourceError, match="no such column"):
        gather(f"sqlite:///{shop_db}?query=SELECT missing FROM events")
    with pytest.raises(SourceError, match="No driver"):
        gather("nosuchbase://host/db?table=events")


def test_a_password_is_never_shown() -> None:
    source = parse_database("postgresql://me:secret@127.0.0.1/shop?table=public.events&sslmode=disable")
    assert "secret" not in source.name
    assert (source.table, source.url.drivername, dict(source.url.query)) == (
        "public.events",
        "postgresql+psycopg",
        {"sslmode": "disable"},
    )


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    """The URL of a private PostgreSQL server."""
    with servers.postgres("-c fsync=off") as server:
        yield server.url


@pytest.mark.service
def test_postgres_table_and_query(gather: Collect, postgres: str) -> None:
    psycopg = pytest.importorskip("psycopg")
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS events")
        connection.execute(
            "CREATE TABLE events (user_id bigint, event_type text, item_id text, event_time timestamptz,"
            " price numeric(10, 2), extra jsonb)"
        )
        connection.execute(
            "INSERT INTO events SELECT n % 100, 'view', 'i' || n, '2024-01-01 10:00:00+08'::timestamptz"
            " + n * interval '1 minute', n, '{\"a\": [1]}' FROM generate_series(1, 25000) n"
        )
    got = gather(f"{postgres}?table=public.events")
    assert got.report.accepted == 25_000
    assert got.rows()[0]["at"].isoformat() == "2024-01-01T02:01:00+00:00"
    assert json.loads(got.rows()[0]["properties"]) == {"extra": '{"a": [1]}'}
    assert got.report.items == 25_000
    some = gather(f"{postgres}?query=SELECT * FROM events WHERE user_id % 2 = 0")
    assert some.report.accepted == 12_500
    assert some.ids() < got.ids()
    with pytest.raises(SourceError, match="relation"):
        gather(f"{postgres}?query=SELECT * FROM nothing")


def test_a_server_that_is_away_is_a_source_error(gather: Collect) -> None:
    pytest.importorskip("psycopg")
    with pytest.raises(SourceError, match="database says"):
        gather("postgresql://mien@127.0.0.1:9/shop?table=events")
