"""The vault: a key a user, wrapped, bound to what it seals; destroyed it opens nothing, anywhere."""

import stat
from pathlib import Path

import pytest

from mien.core.errors import WorkspaceError
from mien.stores.catalog import Catalog
from mien.stores.vault import MASTER, MASTER_FILE, USERS, Vault

NOTE = b"note"


def vault_of(folder: Path, **environ: str) -> Vault:
    return Vault(folder, environ=environ)


def test_what_is_sealed_opens_for_its_user_and_kind_alone(tmp_path: Path) -> None:
    vault = vault_of(tmp_path)
    vault.give([1, 2])
    vault.commit()
    sealed = vault.seal(1, b"green tea", NOTE)
    assert sealed is not None
    assert b"green" not in sealed
    assert sealed != vault.seal(1, b"green tea", NOTE)
    assert vault.open(1, sealed, NOTE) == b"green tea"
    for row, what in ((2, NOTE), (1, b"other")):
        with pytest.raises(WorkspaceError, match="altered"):
            vault.open(row, sealed, what)
    with pytest.raises(WorkspaceError, match="altered"):
        vault.open(1, sealed[:-1] + bytes([sealed[-1] ^ 1]), NOTE)
    assert vault.seal(3, b"nobody", NOTE) is None
    vault.close()


def test_keys_last_and_those_not_committed_do_not(tmp_path: Path) -> None:
    vault = vault_of(tmp_path)
    vault.give([1])
    vault.commit()
    sealed = vault.seal(1, b"kept", NOTE)
    vault.give([2])
    vault.rollback()
    assert sealed is not None
    assert vault.seal(2, b"lost", NOTE) is None
    vault.close()
    again = vault_of(tmp_path)
    assert again.open(1, sealed, NOTE) == b"kept"
    assert again.missing([1, 2]) == {2}
    assert again.digest("ann") == again.digest("ann") != again.digest("bob")
    again.close()


def test_a_key_destroyed_by_another_process_opens_nothing_here(tmp_path: Path) -> None:
    vault, other = vault_of(tmp_path), vault_of(tmp_path)
    vault.give([1])
    vault.commit()
    sealed = vault.seal(1, b"secret", NOTE)
    assert sealed is not None
    (wrapped,) = vault._db.execute("SELECT wrapped FROM user_keys").fetchone()
    other.destroy([(1, other.digest("ann"))], at_us=7)
    assert vault.open(1, sealed, NOTE) is None
    assert vault.erased([vault.digest("ann"), vault.digest("bob")]) == [True, False]
    assert other.all_erased() == {other.digest("ann"): 7}
    vault.close()
    other.close()
    left = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert wrapped not in left
    assert wrapped[13:29] not in left


def test_the_master_key_is_its_owners_or_the_environments(tmp_path: Path) -> None:
    vault_of(tmp_path).close()
    file = tmp_path / MASTER_FILE
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    key = file.read_text()
    file.unlink()
    with pytest.raises(WorkspaceError, match=MASTER):
        vault_of(tmp_path)
    vault_of(tmp_path, **{MASTER: key}).close()
    assert not file.exists()
    with pytest.raises(WorkspaceError, match="does not open"):
        vault_of(tmp_path, **{MASTER: "00" * 32})
    with pytest.raises(WorkspaceError, match="64 hexadecimal"):
        vault_of(tmp_path, **{MASTER: "hunter2"})


def test_a_file_that_holds_no_keys_is_said(tmp_path: Path) -> None:
    (tmp_path / USERS).write_bytes(b"no database at all, and long enough to be told apart from an empty one" * 20)
    (tmp_path / MASTER_FILE).write_text("11" * 32)
    with pytest.raises(WorkspaceError, match="no file of keys"):
        vault_of(tmp_path)


def test_a_catalogue_needs_its_own_keys(tmp_path: Path) -> None:
    catalog = Catalog(tmp_path / "catalog.sqlite")
    catalog.users.add(["ann"])
    catalog.close()
    (tmp_path / "vault").rename(tmp_path / "elsewhere")
    with pytest.raises(WorkspaceError, match="are missing"):
        Catalog(tmp_path / "catalog.sqlite")
    assert not (tmp_path / "vault").exists()
    vault_of(tmp_path / "vault").close()
    with pytest.raises(WorkspaceError, match="another workspace"):
        Catalog(tmp_path / "catalog.sqlite")
    found = Catalog(tmp_path / "catalog.sqlite", tmp_path / "elsewhere")
    assert found.users.key(0) == "ann"
    found.close()


def test_an_id_stands_in_no_file(tmp_path: Path) -> None:
    catalog = Catalog(tmp_path / "catalog.sqlite")
    assert catalog.users.add(["ann-of-green-gables", "王小明的编号", "ann-of-green-gables"]).tolist() == [0, 1, 0]
    assert catalog.users.keys([1, 0, 7, 1]) == ["王小明的编号", "ann-of-green-gables", None, "王小明的编号"]
    assert catalog.users.row("王小明的编号") == 1
    assert catalog.users.table()["key"].to_pylist() == ["ann-of-green-gables", "王小明的编号"]
    catalog.close()
    for path in tmp_path.rglob("*"):
        if path.is_file():
            assert b"green-gables" not in path.read_bytes(), path
            assert "王小明".encode() not in path.read_bytes(), path


def test_keys_of_rows_that_did_not_come_to_be_serve_the_next_user(tmp_path: Path) -> None:
    catalog = Catalog(tmp_path / "catalog.sqlite")

    def interrupted() -> None:
        with catalog.transaction():
            catalog.users.give(["ann"])
            catalog.vault.commit()  # the keys are durable, and then the power goes
            raise RuntimeError

    with pytest.raises(RuntimeError):
        interrupted()
    assert catalog.users.row("ann") is None
    assert catalog.users.add(["bob"]).tolist() == [0]
    assert catalog.users.key(0) == "bob"
    catalog.close()
