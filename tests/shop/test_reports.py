"""Reports of users and segments, and how a notebook shows what a shop answers."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from mien.cli import app
from mien.core.errors import UnknownName
from mien.core.showing import html_of
from mien.shop import Shop


def test_a_user_is_reported_with_what_they_are_recommended(fresh: Shop) -> None:
    page = fresh.report("ann", language="zh")
    assert 'lang="zh-Hans"' in page
    for result in fresh.recommend("ann", k=10).results:
        assert (result.title or result.item_id) in page


def test_a_segment_is_reported(fresh: Shop) -> None:
    fresh.segments.save("tea <b>", "category = Drinks/Tea")
    page = fresh.report("tea <b>")
    versus = fresh.segments.versus("tea <b>")
    assert "tea &lt;b&gt;" in page
    assert "<b>" not in page
    assert "tag.category = Drinks/Tea" in page
    assert f">{versus.size}<" in page
    assert page.count("<h2>") == 4
    assert f">{len(fresh.segments.members(None).members)}<" in fresh.report("everyone", language="zh")


def test_an_empty_segment_is_reported(fresh: Shop) -> None:
    fresh.segments.save("nobody", "spend > 1000000")
    assert ">0<" in fresh.report("nobody")


def test_a_segment_may_bear_the_name_of_a_user(fresh: Shop) -> None:
    fresh.segments.save("ann", "orders >= 0")
    assert "<code>" not in fresh.report("ann")
    assert "<code>orders &gt;= 0</code>" in fresh.report("ann", segment=True)


def test_what_is_unknown_is_told_so(fresh: Shop) -> None:
    fresh.segments.save("tea", "category = Drinks/Tea")
    with pytest.raises(UnknownName, match="tea"):
        fresh.report("teas")
    with pytest.raises(UnknownName):
        fresh.report("ann", segment=True)


def test_a_notebook_shows_profiles_and_answers(fresh: Shop) -> None:
    profile, answer = fresh.profile("ann"), fresh.recommend("ann")
    assert profile.summary.split(",")[0] in (profile._repr_html_() or "")
    assert (answer.results[0].title or "") in (answer._repr_html_() or "")
    assert html_of(object()) is None


def test_the_command_writes_a_file(fresh: Shop, tmp_path: Path) -> None:
    folder, out = str(fresh.workspace.folder), tmp_path / "ann.html"
    done = CliRunner().invoke(app, ["report", "ann", "-w", folder, "--out", str(out), "--language", "zh"])
    assert done.exit_code == 0
    assert 'lang="zh-Hans"' in out.read_text(encoding="utf-8")
    assert fresh.audit.entries(user_id="ann", limit=1)[0]["action"] == "report.write"
    wrong = CliRunner().invoke(app, ["report", "ann", "-w", folder, "--out", str(out), "--language", "fr"])
    assert wrong.exit_code != 0
