"""Backups: of one moment, whole or refused, and no way back for who was erased."""

import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mien.core.errors import SourceError, UnknownName, UsageError, WorkspaceError
from mien.live import Live
from mien.shop import Shop, create
from mien.shop import open as open_shop
from mien.shop.folding import TailFold
from mien.shop.restoring import restore
from mien.stores.archive import unpack_archive, write_archive
from mien.testing.live_checks import unlike_the_log
from mien.testing.traces import remembered, traces
from mien.testing.world import World

GONE = "diana-of-orchard-slope"
WISH = "a wish upon currant wine"


def track(live: Live, *users: str, number: int = 0) -> None:
    said = [
        {"type": "track", "messageId": f"of-{user}-{number}", "userId": user, "event": "Products Searched",
         "properties": {"query": WISH if user == GONE else "mug"}}
        for user in users
    ]  # fmt: skip
    live.track(json.dumps({"batch": said}).encode())


@pytest.fixture
def shop(tmp_path: Path, toy: World) -> Iterator[Shop]:
    with create(tmp_path / "shop", clock=lambda: toy.at) as shop:
        shop.ingest(events=toy.event_table, items=toy.items)
        shop.build()
        (shop.workspace.folder / "data" / "own.csv").write_text("the shop's own")
        with Live(shop) as live:
            track(live, GONE, "bob")
        TailFold(shop.stock).catch_up()
        yield shop


def profiles(shop: Shop) -> dict[str, dict[str, object]]:
    ids = [key for key in shop.stock.catalog.users.table()["key"].to_pylist() if key != GONE]
    return {user: shop.profile(user).to_dict() for user in ids}


def test_a_backup_holds_no_keys_and_comes_back_with_them(shop: Shop, tmp_path: Path) -> None:
    told = shop.backup(tmp_path / "shop.backup", tmp_path / "keys.backup")
    assert told["bytes"] > 0
    for file in ("shop.backup", "keys.backup"):
        assert stat.S_IMODE((tmp_path / file).stat().st_mode) == 0o600
    assert not [place for place in traces(tmp_path, [GONE, "currant"]) if place.startswith("shop.backup")]
    wanted = profiles(shop)
    with pytest.raises(WorkspaceError, match="--keys"):
        restore(tmp_path / "shop.backup", tmp_path / "elsewhere", None, 0)
    assert not (tmp_path / "elsewhere").exists()
    found = restore(tmp_path / "shop.backup", tmp_path / "elsewhere", tmp_path / "keys.backup", 0)
    assert found["erased"] == 0
    with open_shop(tmp_path / "elsewhere", clock=shop.clock) as again:
        assert profiles(again) == wanted
        assert again.profile(GONE).events == 1
        assert unlike_the_log(again) == []
        assert again.stock.catalog.users.add(["a new one"]).tolist() == [len(wanted) + 1]
    assert stat.S_IMODE((tmp_path / "elsewhere" / "vault" / "master.key").stat().st_mode) == 0o600


@pytest.mark.parametrize("over", ["in place", "elsewhere with today's keys"])
def test_who_was_erased_since_stays_erased(shop: Shop, tmp_path: Path, over: str) -> None:
    shop.backup(tmp_path / "shop.backup", tmp_path / "old-keys.backup")
    before = profiles(shop)
    shop.erase(GONE)
    with Live(shop) as live:
        track(live, "carol", number=1)
    shop.backup(tmp_path / "newer.backup", tmp_path / "keys.backup")
    (tmp_path / "newer.backup").unlink()
    folder, clock = shop.workspace.folder, shop.clock
    shop.close()
    if over == "in place":  # even with keys of before: what is here knows of the erasure
        found = restore(tmp_path / "shop.backup", folder, tmp_path / "old-keys.backup", 0)
        assert (folder / "data" / "own.csv").read_text() == "the shop's own"
    else:
        folder = tmp_path / "elsewhere"
        found = restore(tmp_path / "shop.backup", folder, tmp_path / "keys.backup", 0)
    assert found["erased"] == 1
    with open_shop(folder, clock=clock) as again:
        with pytest.raises(UnknownName):
            again.profile(GONE)
        assert profiles(again) == before
        assert unlike_the_log(again) == []
        assert remembered(again, [GONE, WISH]) == []
        with Live(again) as live:
            track(live, GONE, number=2)
        assert again.stock.catalog.users.row(GONE) is None
        carol = again.stock.catalog.users.add(["carol"]).tolist()[0]
        assert carol > len(before) + 1  # her number of before is nobody else's
    assert traces(folder, [GONE, WISH]) == []


def test_what_is_cut_or_altered_is_refused_and_changes_nothing(shop: Shop, tmp_path: Path) -> None:
    shop.backup(tmp_path / "whole", tmp_path / "keys")
    whole = (tmp_path / "whole").read_bytes()
    bad = {
        "half": whole[: len(whole) // 2],
        "cut": whole[:-1],
        "altered": whole[: len(whole) // 2] + bytes([whole[len(whole) // 2] ^ 1]) + whole[len(whole) // 2 + 1 :],
        "none": b"",
        "other": b"PK\x03\x04 another kind of file",
    }
    for name, data in bad.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(SourceError, match="backup") as refused:
            restore(tmp_path / name, tmp_path / "elsewhere", tmp_path / "keys", 0)
        assert str(refused.value).count("\n") == 0
    with pytest.raises(SourceError):
        restore(tmp_path / "not there", tmp_path / "elsewhere", tmp_path / "keys", 0)
    with pytest.raises(SourceError, match="not a workspace"):
        restore(tmp_path / "keys", tmp_path / "elsewhere", tmp_path / "keys", 0)
    with pytest.raises(SourceError, match="no backup of keys"):
        restore(tmp_path / "whole", tmp_path / "elsewhere", tmp_path / "whole", 0)
    assert not (tmp_path / "elsewhere").exists()
    assert not list(tmp_path.glob(".elsewhere*"))


def test_one_that_somebody_else_packed_is_refused(shop: Shop, tmp_path: Path) -> None:
    """Digests that fit are not enough: who has no key cannot write a backup."""
    shop.backup(tmp_path / "whole", tmp_path / "keys")
    facts = unpack_archive(tmp_path / "whole", tmp_path / "unpacked").facts
    (tmp_path / "unpacked" / "mien.toml").write_text("[shop]\nname = 'another'\n")
    names = [path for path in (tmp_path / "unpacked").rglob("*") if path.is_file()]
    files = [(str(path.relative_to(tmp_path / "unpacked")), path) for path in names]
    write_archive(tmp_path / "forged", files, facts, b"a key of one's own")
    with pytest.raises(SourceError, match="altered"):
        restore(tmp_path / "forged", tmp_path / "elsewhere", tmp_path / "keys", 0)


def test_keys_that_are_older_or_of_another_shop_are_refused(shop: Shop, tmp_path: Path) -> None:
    shop.backup(tmp_path / "first", tmp_path / "first-keys")
    shop.stock.catalog.users.add(["a newcomer"])
    shop.backup(tmp_path / "second", tmp_path / "second-keys")
    with pytest.raises(WorkspaceError, match="older"):
        restore(tmp_path / "second", tmp_path / "elsewhere", tmp_path / "first-keys", 0)
    restore(tmp_path / "first", tmp_path / "elsewhere", tmp_path / "second-keys", 0)
    with create(tmp_path / "other") as other:
        other.backup(tmp_path / "others", tmp_path / "others-keys")
    with pytest.raises(WorkspaceError, match="another workspace"):
        restore(tmp_path / "first", tmp_path / "again", tmp_path / "others-keys", 0)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("the only copy")
    with pytest.raises(UsageError, match="not empty"):
        restore(tmp_path / "first", tmp_path / "full", tmp_path / "first-keys", 0)


def test_a_served_workspace_is_backed_up_and_not_replaced(shop: Shop, tmp_path: Path) -> None:
    folder = shop.workspace.folder
    shop.close()
    with open_shop(folder, served=True) as serving, Live(serving) as live:
        for number in range(5, 25):
            track(live, "bob", number=number)
            if number == 15:
                with open_shop(folder) as beside:
                    beside.backup(tmp_path / "whole", tmp_path / "keys")
        with pytest.raises(WorkspaceError, match="being served"):
            restore(tmp_path / "whole", folder, None, 0)
    found = restore(tmp_path / "whole", tmp_path / "elsewhere", tmp_path / "keys", 0)
    with open_shop(tmp_path / "elsewhere") as again:
        TailFold(again.stock).catch_up()
        assert unlike_the_log(again) == []
        assert 12 <= again.profile("bob").events <= 21
        assert "workspace.restore" in [one["action"] for one in again.audit.entries()]
    assert found["users"] >= 2


def test_keys_may_lie_elsewhere(tmp_path: Path, toy: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIEN_PRIVACY_VAULT", str(tmp_path / "safe"))
    with create(tmp_path / "shop", clock=lambda: toy.at) as shop:
        shop.ingest(events=toy.event_table, items=toy.items)
        shop.build()
        shop.backup(tmp_path / "whole")
        wanted = profiles(shop)
    assert not (tmp_path / "shop" / "vault").exists()
    restore(tmp_path / "whole", tmp_path / "elsewhere", None, 0)  # the keys are where they were
    with open_shop(tmp_path / "elsewhere", clock=lambda: toy.at) as again:
        assert profiles(again) == wanted


@pytest.mark.slow
@pytest.mark.parametrize("command", ["backup", "restore"])
def test_killed_it_leaves_nothing_half(shop: Shop, tmp_path: Path, command: str) -> None:
    folder = shop.workspace.folder
    shop.backup(tmp_path / "whole", tmp_path / "keys")
    wanted = profiles(shop)
    clock = shop.clock
    shop.close()
    words = {
        "backup": ["backup", str(tmp_path / "new"), "--keys", str(tmp_path / "new-keys")],
        "restore": ["restore", str(tmp_path / "whole")],
    }[command]
    line = [sys.executable, "-m", "mien", *words, "-w", str(folder)]
    began = time.monotonic()
    subprocess.run(line, check=True, capture_output=True, timeout=300)
    whole_s = time.monotonic() - began
    for share in (0.5, 0.7, 0.8, 0.9, 0.95):
        process = subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        try:
            process.wait(timeout=whole_s * share)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        if command == "backup" and (tmp_path / "new").exists():
            restore(tmp_path / "new", tmp_path / f"elsewhere-{share}", tmp_path / "keys", 0)
        with open_shop(folder, clock=clock) as again:
            assert profiles(again) == wanted
    subprocess.run(line, check=True, capture_output=True, timeout=300)
    assert not list(folder.parent.glob(".shop.restoring*"))
    assert not list(folder.glob(".backing-up*"))
