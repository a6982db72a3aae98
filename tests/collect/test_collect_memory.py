"""A file much larger than what is allowed is read in bounded memory."""

import subprocess
import sys
from pathlib import Path

import pytest

READ = """
import resource, sys
from pathlib import Path
from mien.collect.source import CollectOptions, collect
got = collect("events", sys.argv[1], folder=Path(sys.argv[2]), options=CollectOptions(memory_limit="256MB"))
print(got.report.rows, got.report.accepted, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
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
