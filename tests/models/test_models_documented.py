"""docs/models.md, and its Chinese twin, name every model and every one of its settings with its default."""

from dataclasses import fields
from pathlib import Path

import pytest

from mien.models.named import MODELS

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("page", ["models.md", "zh/models.md"])
@pytest.mark.parametrize("name", MODELS)
def test_every_setting_is_documented(name: str, page: str) -> None:
    section = (DOCS / page).read_text(encoding="utf-8").split(f"\n## {name}\n")[1].split("\n## ")[0]
    for part in fields(MODELS[name]):
        if not part.init or part.name == "weights":
            continue
        default = f"{part.default:g}" if isinstance(part.default, int | float) else str(part.default)
        assert f"`{part.name}` {default}" in section, part.name
