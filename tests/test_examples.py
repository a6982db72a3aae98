"""The examples run, and what they print is true."""

import runpy
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


def test_every_example_is_tested() -> None:
    assert {path.name for path in EXAMPLES.glob("*.py")} == {"small_shop.py"}


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
