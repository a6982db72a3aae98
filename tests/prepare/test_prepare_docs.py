"""prepare.md names every setting in the section of its policy, with its default, and every word of a judgement."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from mien.prepare.policy import BotPolicy, CleanPolicy, MissingPolicy, OutlierPolicy
from mien.prepare.reasons import Repair, Verdict

DOCS = Path(__file__).parents[2] / "docs"
PAGES = {"en": (DOCS / "prepare.md").read_text("utf-8"), "zh": (DOCS / "zh" / "prepare.md").read_text("utf-8")}


def _settings(page: str, policy: str) -> dict[str, str]:
    """Setting → default, as the table under the policy's heading says."""
    section = page.split(f"`{policy}`", 1)[1] if policy == "CleanPolicy" else page.split(f"### `{policy}`", 1)[1]
    rows = [line.split("|") for line in section.split("\n### ", 1)[0].splitlines() if line.startswith("| `")]
    return {name: row[2].strip(" `") for row in rows for name in re.findall(r"`([^`]+)`", row[1])}


@pytest.mark.parametrize("language", PAGES)
@pytest.mark.parametrize("policy", [CleanPolicy, MissingPolicy, OutlierPolicy, BotPolicy])
def test_every_setting_is_documented_with_its_default(policy: type, language: str) -> None:
    documented = _settings(PAGES[language], policy.__name__)
    assert set(documented) == {setting.name for setting in fields(policy)}
    for name, default in documented.items():
        given = getattr(policy(), name)
        if isinstance(given, str):
            assert default == given
        elif isinstance(given, float):
            assert f"{given:g}" in default
        elif isinstance(given, tuple):
            assert default == ", ".join(given)


@pytest.mark.parametrize("language", PAGES)
def test_every_word_is_documented(language: str) -> None:
    for kind in (Verdict, Repair):
        for name, part in vars(kind).items():
            if name.isupper():
                for word in [part] if isinstance(part, str) else part.values():
                    assert f"`{word}`" in PAGES[language]
