"""The examples run, and what they print is true."""

import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


def test_every_example_is_tested() -> None:
    assert {path.name for path in EXAMPLES.iterdir() if path.is_file()} == {"small_shop.py", "profiles.ipynb"}


def test_a_small_shop(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Ann bought only Anna's, Eva only Vera's: each finds the dress of her own brand first."""
    runpy.run_path(str(EXAMPLES / "small_shop.py"))["main"](tmp_path / "shop")
    printed = capsys.readouterr().out
    assert "Ann: 6 events" in printed
    assert "brand Anna: weight 1.00" in printed
    blocks = dict(block.split(":\n", 1) for block in printed.split("“dress” for ")[1:])
    assert set(blocks) == {"a visitor nobody knows", "ann", "eva"}
    assert "1. Red evening dress" in blocks["eva"]
    assert "1. Red evening dress" not in blocks["ann"]


@pytest.mark.slow
def test_the_notebook_runs_and_shows_itself(tmp_path: Path) -> None:
    """In a process of its own, as Jupyter does; what is kept of it holds no output."""
    out = tmp_path / "done.ipynb"
    code = (
        "import asyncio, nbformat, sys\n"
        "from nbclient import NotebookClient\n"
        "told = nbformat.read(sys.argv[1], 4)\n"
        "assert not any(cell.get('outputs') for cell in told.cells)\n"
        "NotebookClient(told, timeout=120, kernel_name='python3').execute(cwd=sys.argv[2])\n"
        "nbformat.write(told, sys.argv[3])\n"
    )
    command = [sys.executable, "-c", code, str(EXAMPLES / "profiles.ipynb"), str(EXAMPLES), str(out)]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "IPYTHONDIR": str(tmp_path)})
    assert done.returncode == 0, done.stderr
    shown = out.read_text(encoding="utf-8")
    assert shown.count("text/html") == 2
    assert "Blue cotton dress" in shown
    assert "brand" in shown
