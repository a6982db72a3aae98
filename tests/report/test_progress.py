"""Long work says what it does, in the language of the shop."""

import io
import re
from pathlib import Path

from rich.console import Console

from mien.report.progress import Bars
from mien.report.wording import STEPS
from mien.shop import Shop, create
from mien.testing.world import World, world


def steps(shop: Shop, toy: World, language: str) -> list[str]:
    """What ingesting and building say, where nobody watches a terminal."""
    said = io.StringIO()
    with Bars(Console(file=said), "zh" if language == "zh" else "en").running() as progress:
        shop.ingest(events=toy.event_table, items=toy.items, progress=progress)
        shop.build(progress=progress)
    return said.getvalue().splitlines()


def test_every_step_of_a_build_has_its_chinese_name(tmp_path: Path) -> None:
    told, toy = {}, world()
    for language in ("en", "zh"):
        with create(tmp_path / language, clock=lambda: toy.at) as shop:
            told[language] = steps(shop, toy, language)
    assert "fold profiles …" in told["en"]
    assert told["zh"] == [f"{STEPS[line.removesuffix(' …')]} …" for line in told["en"]]
    assert not re.search("[a-z]", "".join(told["zh"]))
