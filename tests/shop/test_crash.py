"""A process killed at any instant: a rerun completes, and nothing is lost or doubled."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mien.features.codec import decode
from mien.shop import Shop, create
from mien.shop import open as open_shop

USERS, EVENTS, REPEATED = 400, 20_000, 50
ROUNDS = 8


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty thousand events, some of them equal, some of them unusable."""
    choose = random.Random(7)
    path = tmp_path_factory.mktemp("crash") / "events.csv"
    lines = ["user_id,action,item_id,timestamp,quantity"]
    for k in range(EVENTS):
        user, item, action = choose.randrange(USERS), choose.randrange(300), choose.choice(["view", "cart", "purchase"])
        at = 1_770_000_000 + 600 * (k // 3)
        lines.append(f"u{user},{action if k % 500 else 'juggle'},i{item},{at},{1 + k % 3}")
    path.write_text("\n".join(lines + lines[-REPEATED:]) + "\n")
    return path


def facts(shop: Shop) -> dict[str, object]:
    """What must not depend on how often and when the work was interrupted."""
    users = list(shop.stock.states.users())
    states = {user: decode(data) for user, data in shop.stock.states.read_many(users).items()}
    return {
        "events": len(shop.stock.history),
        "dead": shop.dead_letters(0)["reasons"],
        "users": len(shop.stock.catalog.users),
        "states": {user: (state.events, state.days, state.recent, state.stale) for user, state in states.items()},
        "left over": shop.stock.history.recover(),
    }


def command_of(folder: Path, arguments: tuple[str, ...]) -> list[str]:
    return [str(Path(sys.executable).with_name("mien")), arguments[0], "-w", str(folder), *arguments[1:]]


def mien(folder: Path, *arguments: str) -> None:
    """A command to its end."""
    subprocess.run(command_of(folder, arguments), check=True, capture_output=True, timeout=300)


def killed_at(folder: Path, arguments: tuple[str, ...], after_s: float) -> bool:
    """Run and kill −9 after a while; whether it had not finished by then."""
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(command_of(folder, arguments), stdout=quiet, stderr=quiet, start_new_session=True)
    try:
        process.wait(timeout=after_s)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return True
    return False


@pytest.mark.slow
def test_killed_in_the_middle_of_ingest_and_build(source: Path, tmp_path: Path) -> None:
    with create(tmp_path / "calm") as calm:
        calm.ingest(events=str(source))
        calm.build()
        wanted = facts(calm)
    for name in ("rehearsal", "stormy"):
        create(tmp_path / name).close()
    choose = random.Random(11)
    for arguments in (("ingest", "--events", str(source)), ("build",)):
        began = time.monotonic()
        mien(tmp_path / "rehearsal", *arguments)
        whole_s = time.monotonic() - began
        killed = sum(
            killed_at(tmp_path / "stormy", arguments, whole_s * choose.uniform(0.3, 1.0)) for _ in range(ROUNDS)
        )
        assert killed, f"{arguments[0]} was never caught in the middle"
        mien(tmp_path / "stormy", *arguments)
    with open_shop(tmp_path / "stormy") as stormy:
        assert facts(stormy) == wanted
        assert stormy.profile("u1").events == wanted_events(tmp_path / "calm", "u1")


@pytest.mark.slow
@pytest.mark.parametrize("command", ["ingest", "build"])
def test_no_room_to_write_is_a_sentence_and_a_rerun_completes(source: Path, tmp_path: Path, command: str) -> None:
    """A limit on the size of files stands for a full disk: the same writes fail in the same places."""
    folder = tmp_path / "shop"
    with create(folder) as shop:
        if command == "build":
            shop.ingest(events=str(source))
    program = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, 150_000)); "
        "from mien.cli import main; main()"
    )
    arguments = (command, "--events", str(source)) if command == "ingest" else (command,)
    limited = [sys.executable, "-c", program, *command_of(folder, arguments)[1:]]
    failed = subprocess.run(limited, capture_output=True, text=True, timeout=300, check=False)
    assert failed.returncode == 1, failed.stderr
    assert "run" in failed.stderr
    assert "again" in failed.stderr
    assert "Traceback" not in failed.stderr
    mien(folder, *arguments)
    mien(folder, "build")
    with open_shop(folder) as shop:
        assert len(shop.stock.history) == EVENTS - EVENTS // 500 + REPEATED
        assert shop.profile("u1").events > 0


def wanted_events(folder: Path, user: str) -> int:
    with open_shop(folder) as shop:
        return shop.profile(user).events
