"""Every measure is described on the page, in both languages, and nothing else is."""

import re
from pathlib import Path

import pytest

from mien.ranking.measures import MEASURES

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.mark.parametrize("page", ["learned-ranking.md", "zh/learned-ranking.md"])
def test_every_measure_is_described_as_it_is(page):
    text = (DOCS / page).read_text(encoding="utf-8")
    found = {}
    for line in re.findall(r"^\| `([a-z.]+)` \|(.*)\|$", text, flags=re.MULTILINE):
        cells = [cell.strip() for cell in line[1].split("|")]
        found[line[0]] = (cells[0].strip("`"), bool(cells[2]), bool(cells[3]))
    assert found == {name: (name.partition(".")[0], one.sense == 1, one.personal) for name, one in MEASURES.items()}
