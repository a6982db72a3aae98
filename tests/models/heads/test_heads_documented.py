"""docs/heads.md and its translation name every setting of the heads with its default; the English one its meaning."""

from dataclasses import fields
from pathlib import Path

import pytest

from mien.models.heads.settings import HeadSettings

DOCS = Path(__file__).parents[3] / "docs"


@pytest.mark.parametrize("page", ["heads.md", "zh/heads.md"])
def test_every_setting_is_documented(page: str) -> None:
    text = (DOCS / page).read_text(encoding="utf-8")
    for one in fields(HeadSettings):
        row = f"| `{one.name}` | {one.default} |"
        assert row in text, one.name
        if page == "heads.md":
            assert f"{row} {one.metadata['help']} |" in text, one.name


def test_every_setting_is_read_back_from_the_page() -> None:
    text = (DOCS / "heads.md").read_text(encoding="utf-8")
    table = text.split("## Settings")[1].split("## ")[0]
    named = {line.split("`")[1] for line in table.splitlines() if line.startswith("| `")}
    assert named == {one.name for one in fields(HeadSettings)}
