"""docs/content.md, in both languages, names every option with its default, and its code runs."""

import json
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from mien.models.content.options import ENCODERS, ContentSettings
from mien.models.content.tune import TuneOptions

DOCS = Path(__file__).parents[3] / "docs"
PAGES = [DOCS / "content.md", DOCS / "zh" / "content.md"]


@pytest.mark.parametrize("page", PAGES, ids=["en", "zh"])
@pytest.mark.parametrize("kind", [ContentSettings, TuneOptions])
def test_every_option_is_documented(kind: type[Any], page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for one in fields(kind):
        default = "" if one.default is None else f"`{json.dumps(one.default)}`"
        assert f"\n| `{one.name}` | {default} |" in text, one.name
        assert kind is TuneOptions or len(one.metadata["help"]) > 10


@pytest.mark.parametrize("page", PAGES, ids=["en", "zh"])
def test_every_encoder_is_documented(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert [name for name in ENCODERS if f"\n| `{name}` |" not in text] == []


@pytest.mark.parametrize("page", PAGES, ids=["en", "zh"])
def test_the_example_runs(page: Path) -> None:
    (block,) = re.findall(r"^```python\n(.*?)^```", page.read_text(encoding="utf-8"), re.M | re.S)
    exec(compile(block, str(page), "exec"), {})
