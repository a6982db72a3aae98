"""The speed benchmarks, one after the other: `make bench`. Sizes are those of each script's defaults."""

import subprocess
import sys
from pathlib import Path

for name in ("fold.py", "build.py", "shop.py"):
    print(f"== {name}", flush=True)
    subprocess.run([sys.executable, str(Path(__file__).with_name(name))], check=True)
