"""The command line, as a person or a program meets it: exit codes, standard output, standard error."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mien.testing.world import SIX_ROWS_CSV

MIEN = Path(sys.executable).with_name("mien")


def mien(*args: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("MIEN_")}
    command = [str(MIEN), *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=environ, timeout=300, check=False)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The six rows, taken in and built by the commands of the README, in the folder `shop`."""
    folder = tmp_path_factory.mktemp("cli")
    (folder / "行为.csv").write_text(SIX_ROWS_CSV, encoding="utf-8-sig")
    assert mien("init", "shop", cwd=folder).returncode == 0
    taken = mien("ingest", "-w", "shop", "--events", "行为.csv", "--json", cwd=folder)
    assert taken.returncode == 0, taken.stderr
    assert json.loads(taken.stdout)["events"]["new"] == 6
    built = mien("build", "-w", "shop", "--json", cwd=folder)
    assert built.returncode == 0, built.stderr
    assert json.loads(built.stdout)["users"] == 2
    return folder / "shop"


def test_a_profile_as_json(shop: Path) -> None:
    done = mien("profile", "1", "--json", cwd=shop)
    assert done.returncode == 0
    profile = json.loads(done.stdout)
    assert list(profile)[:4] == ["user_id", "version", "as_of", "events"]
    weights = {tag["value"]: tag["weight"] for tag in profile["tags"] if tag["facet"] == "category"}
    assert weights["服装"] > weights["鞋类"]
    assert all(tag["evidence"] for tag in profile["tags"])


def test_answers_as_json_and_for_people(shop: Path) -> None:
    answer = json.loads(mien("recommend", "1", "--json", cwd=shop).stdout)
    assert answer["personalised"]
    people = mien("recommend", "1", cwd=shop)
    assert people.returncode == 0
    assert "personalised" in people.stdout
    explained = json.loads(mien("explain", "1", "101", "--json", cwd=shop).stdout)
    assert explained["results"][0]["item_id"] == "101"


def test_search_is_sorted_paged_and_understood(shop: Path) -> None:
    found = mien("search", "1000以下", "--sort", "price_up", "-k", "1", "--offset", "1", "--json", cwd=shop)
    document = json.loads(found.stdout)
    assert document["sort"] == "price_up"
    assert document["results"][0]["rank"] == 2
    assert document["understood"][0]["value"] == "..1000"
    for flags in (("--no-understand",), ("--literal", "price")):
        assert "understood" not in json.loads(mien("search", "1000以下", *flags, "--json", cwd=shop).stdout)
    assert (
        "理解为" in mien("search", "1000以下", cwd=shop).stdout
        or "Understood" in mien("search", "1000以下", cwd=shop).stdout
    )


def test_completion(shop: Path) -> None:
    document = json.loads(mien("complete", "服", "--json", cwd=shop).stdout)
    assert {"text": "服装", "kind": "category"} in document["completions"]
    assert "服装" in mien("complete", "服", cwd=shop).stdout


def test_search_filters_by_facet(shop: Path) -> None:
    found = mien("search", "服装", "--filter", "category=服装", "--json", cwd=shop)
    assert found.returncode == 0, found.stderr
    assert [one["item_id"] for one in json.loads(found.stdout)["results"]] == ["101"]


def test_profiles_and_export(shop: Path) -> None:
    assert mien("profiles", "--out", "all.parquet", cwd=shop).returncode == 0
    assert (shop / "all.parquet").exists()
    assert len(json.loads(mien("export", "1", cwd=shop).stdout)["events"]) == 3


@pytest.mark.parametrize(
    ("args", "code", "sentence"),
    [
        (("profile", "nobody"), 1, "Unknown user “nobody”"),
        (("profile", "1", "-w", "elsewhere"), 1, "no workspace"),
        (("profile", "1", "--as-of", "yesterday"), 2, "is not a time"),
        (("similar", "9999"), 1, "Unknown item “9999”"),
        (("ingest",), 2, "at least one of"),
        (("ingest", "--events", "nothing.csv"), 1, "nothing.csv"),
        (("search", "x", "--filter", "colour"), 2, "facet=value"),
        (("search", "x", "--filter", "colur=red"), 1, "colur"),
        (("evaluate", "--models", "magic"), 1, "Unknown model “magic”"),
        (("build", "--engine", "abacus"), 2, "abacus"),
        (("init", "."), 2, "is a workspace already"),
        (("serve", "--host", "0.0.0.0"), 2, "127.0.0.1"),
        (("nonsense",), 2, "nonsense"),
        (("profiles", "--out", "."), 1, "directory"),
        (("report", "1", "--out", "mien.toml/report.html"), 1, "mien.toml"),
        (("restore", "b.mien", "-w", "mien.toml"), 1, "mien.toml: Not a directory"),
        (("deadletters", "--mend", "99999999999999999999", "--with", "{}"), 2, "--mend"),
        (("profile", "1", "--since", "2026-01-01"), 2, "--changes"),
        (("segment", "everyone", "--facet", "brand"), 2, "--versus"),
        (("segment", "everyone", "--offset", "1"), 2, "--members"),
        (("segment", "everyone", "--note", "why"), 2, "--rule"),
        (("segment", "--members"), 2, "everyone"),
    ],
)
def test_failures_are_a_sentence_and_a_code(shop: Path, args: tuple[str, ...], code: int, sentence: str) -> None:
    done = mien(*args, cwd=shop)
    assert (done.returncode, done.stdout) == (code, ""), done.stderr
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_a_hold_lasts_to_the_end_of_its_day_where_the_shop_is(shop: Path, tmp_path: Path) -> None:
    folder = tmp_path / "held"
    shutil.copytree(shop, folder)
    settings = folder / "mien.toml"
    settings.write_text(settings.read_text(encoding="utf-8").replace('zone = "UTC"', 'zone = "Asia/Shanghai"'))
    done = mien("hold", "1", "--until", "2030-12-31", "--reason", "tax", "--json", cwd=folder)
    assert json.loads(done.stdout)["until"] == "2030-12-31T15:59:59+00:00"
    assert "until 2030-12-31, as" in mien("hold", "1", "--until", "2030-12-31", "--reason", "tax", cwd=folder).stdout
    assert mien("erase", "1", "--yes", cwd=folder).returncode == 0
    assert "2030-12-31" in mien("hold", cwd=folder).stdout


def test_everyone_is_listed(shop: Path) -> None:
    told = json.loads(mien("segment", "everyone", "--json", cwd=shop).stdout)
    assert told["total"] == len(told["members"]) > 0


def test_a_chinese_shop_counts_in_yuan_unless_told_otherwise(tmp_path: Path) -> None:
    given = {"en": (), "zh": ("--language", "zh"), "eur": ("--language", "zh", "--currency", "EUR")}
    for name, currency in (("en", "USD"), ("zh", "CNY"), ("eur", "EUR")):
        assert mien("init", name, *given[name], cwd=tmp_path).returncode == 0
        assert f'currency = "{currency}"' in (tmp_path / name / "mien.toml").read_text()


def test_ambiguous_columns_are_asked_for(tmp_path: Path) -> None:
    (tmp_path / "odd.csv").write_text("a,b,c\n1,2,3\n4,5,6\n7,8,9\n")
    assert mien("init", "shop", cwd=tmp_path).returncode == 0
    done = mien("ingest", "-w", "shop", "--events", "odd.csv", cwd=tmp_path)
    assert done.returncode == 1
    assert "--map" in done.stderr
    assert (tmp_path / "shop" / "events.mapping.toml").exists()


def test_every_command_has_help() -> None:
    listed = mien("--help", cwd=Path.cwd()).stdout
    for command in ("demo", "ingest", "build", "evaluate", "deadletters", "serve"):
        assert command in listed
        assert mien(command, "--help", cwd=Path.cwd()).returncode == 0
