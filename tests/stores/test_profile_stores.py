"""The shipped laws on the stores that need no server, and where a URL leads."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mien.core.errors import UsageError
from mien.core.ids import UserRow
from mien.stores.memory import MemoryStore
from mien.stores.open import open_profile_store
from mien.stores.sealed import SealedStore
from mien.stores.sqlite import SQLiteStore
from mien.stores.vault import Vault
from mien.testing.store_checks import STORE_CHECKS, check_durable


@pytest.mark.parametrize("check", STORE_CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_laws(check, kind, tmp_path: Path) -> None:
    check(MemoryStore if kind == "memory" else lambda: SQLiteStore(tmp_path / "states.sqlite"))


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[Vault]:
    vault = Vault(tmp_path / "vault", environ={})
    vault.give(range(3_000))
    vault.commit()
    yield vault
    vault.close()


@pytest.mark.parametrize("check", STORE_CHECKS, ids=lambda check: check.__name__)
def test_laws_hold_sealed(check, vault: Vault, tmp_path: Path) -> None:
    check(lambda: SealedStore(SQLiteStore(tmp_path / "states.sqlite"), vault))


def test_a_sealed_state_is_read_by_nobody_without_the_key(vault: Vault, tmp_path: Path) -> None:
    plain = SQLiteStore(tmp_path / "states.sqlite")
    plain.write([(UserRow(1), b"an older state, in clear"), (UserRow(2), b"another one")], offset=4)
    store = SealedStore(plain, vault)
    assert store.seal_older() == 2
    assert store.seal_older() == 0
    assert store.read_many([UserRow(1), UserRow(2)]) == {1: b"an older state, in clear", 2: b"another one"}
    assert store.offset() == 4
    assert b"older" not in b"".join(path.read_bytes() for path in tmp_path.glob("states.sqlite*"))
    vault.destroy([(1, b"digest of one")], at_us=0)
    assert store.read(UserRow(1)) is None
    store.write([(UserRow(1), b"too late"), (UserRow(2), b"newer")])
    assert store.read_many([UserRow(1), UserRow(2)]) == {2: b"newer"}
    store.close()


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
