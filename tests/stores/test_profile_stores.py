"""The shipped laws on the stores that need no server, and where a URL leads."""

from pathlib import Path

import pytest

from mien.core.errors import UsageError
from mien.stores.memory import MemoryStore
from mien.stores.open import open_profile_store
from mien.stores.sqlite import SQLiteStore
from mien.testing.store_checks import STORE_CHECKS, check_durable


@pytest.mark.parametrize("check", STORE_CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_laws(check, kind, tmp_path: Path) -> None:
    check(MemoryStore if kind == "memory" else lambda: SQLiteStore(tmp_path / "states.sqlite"))


def test_sqlite_is_durable(tmp_path: Path) -> None:
    check_durable(lambda: SQLiteStore(tmp_path / "states.sqlite"))


def test_a_url_names_the_store(tmp_path: Path) -> None:
    absolute = open_profile_store(f"sqlite:///{tmp_path}/a.sqlite")
    assert isinstance(absolute, SQLiteStore)
    assert absolute.path == tmp_path / "a.sqlite"
    absolute.close()
    plain = open_profile_store(f"sqlite:{tmp_path}/b.sqlite")
    assert (tmp_path / "b.sqlite").exists()
    plain.close()
    assert isinstance(open_profile_store("memory:"), MemoryStore)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("kafka://x", "sqlite:, memory:, redis:, rediss:, postgresql:"),
        ("states.sqlite", "Begin it with"),
        ("sqlite:", "no file"),
    ],
)
def test_an_unknown_url_is_a_clear_error(url: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        open_profile_store(url)
