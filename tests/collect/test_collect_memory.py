"""Where memory or disk is short: large files are read in bounded memory, a full disk is said and can be tried again."""

import subprocess
import sys
from pathlib import Path

import pytest

from mien.collect.source import collect

READ = r"""
import re, sys
from pathlib import Path
from mien.collect.source import CollectOptions, collect
got = collect("events", sys.argv[1], folder=Path(sys.argv[2]), options=CollectOptions(memory_limit="256MB"))
# Of this process alone: what getrusage says also covers the one that started it.
peak_kb = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text()).group(1)
print(got.report.rows, got.report.accepted, peak_kb)
"""


@pytest.mark.slow
def test_a_csv_of_300_mb_needs_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "big.csv"
    filler = "x" * 70
    with path.open("w") as file:
        file.write("user_id,event_type,item_id,timestamp,price,note\n")
        for block in range(300):
            file.write(
                "".join(
                    f"u{row % 50_000},view,i{row % 9_973},{1_700_000_000 + row},{row % 97}.5,{filler}\n"
                    for row in range(block * 10_000, (block + 1) * 10_000)
                )
            )
    size = path.stat().st_size
    assert size > 290_000_000
    done = subprocess.run(
        [sys.executable, "-c", READ, str(path), str(tmp_path / "out")], capture_output=True, text=True, check=True
    )
    rows, accepted, peak_kb = map(int, done.stdout.split())
    assert (rows, accepted) == (3_000_000, 3_000_000)
    assert peak_kb * 1024 < 900_000_000, f"{peak_kb} kB"


FULL = """
import resource, sys
from pathlib import Path
from mien.collect.source import collect
from mien.core.errors import TransientError
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), int(sys.argv[3])))
try:
    collect("events", sys.argv[1], folder=Path(sys.argv[2]))
except TransientError as error:
    print(error)
"""


@pytest.mark.parametrize("room", [2_000, 400_000])
def test_a_full_disk_is_said_and_the_next_run_completes(tmp_path: Path, room: int) -> None:
    path, out = tmp_path / "log.csv", tmp_path / "out"
    rows = "".join(f"u{n},view,i{n * 7919 % 100_003},{1_700_000_000 + n}\n" for n in range(50_000))
    path.write_text("user_id,event_type,item_id,timestamp\n" + rows)
    command = [sys.executable, "-c", FULL, str(path), str(out), str(room)]
    full = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "The disk is full" in full.stdout
    assert list(out.glob("raw-*")) == []
    assert collect("events", path, folder=out).report.accepted == 50_000
