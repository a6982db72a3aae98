"""The pages say all there is, and nothing else: tables, commands, settings, routes, packages, links, both languages."""

import json
import re
import tomllib
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, cast

import click
import pyarrow as pa
import pytest
import typer
from packaging.requirements import Requirement
from starlette.testclient import TestClient

from mien.cli import app as commands
from mien.collect.spec import MEANINGS
from mien.core import tables
from mien.core.caller import SCOPES
from mien.core.event import ACTIONS
from mien.features.weights import DEFAULT_WEIGHTS
from mien.settings import ELSEWHERE, Settings, load
from mien.shop import create
from mien.web.access import ACCESS
from mien.web.app import create_app

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
TRANSLATIONS = [
    (ROOT / "README.md", ROOT / "README.zh.md"),
    *((DOCS / page.name, page) for page in sorted((DOCS / "zh").glob("*.md"))),
]


in_both = pytest.mark.parametrize("folder", [DOCS, DOCS / "zh"], ids=["en", "zh"])


def sections(page: Path) -> dict[str, str]:
    """Second-level heading → the text under it."""
    parts = re.split(r"^## (.+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    headings = parts[1::2]
    assert len(set(headings)) == len(headings), f"{page} has a heading twice"
    return dict(zip(headings, parts[2::2], strict=True))


def rows(text: str) -> list[list[str]]:
    """The cells of every table row, headings and rules left out."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    heads = {k - 1 for k, line in enumerate(lines) if set(line) <= set("|-")} | {
        k for k, line in enumerate(lines) if set(line) <= set("|-")
    }
    return [[cell.strip() for cell in line.strip("|").split("|")] for k, line in enumerate(lines) if k not in heads]


def words(cell: str) -> list[str]:
    """What stands in backticks."""
    return re.findall(r"`([^`]+)`", cell)


def explained(cell: str) -> bool:
    """Whether something is said, in bytes: two Chinese characters say as much as a word."""
    return len(cell.encode()) > 3


# ── tables ───────────────────────────────────────────────────────────────────────────────────────────────────────


def schemas() -> dict[str, pa.Schema]:
    return {name.lower(): one for name, one in vars(tables).items() if isinstance(one, pa.Schema)}


TABLES = {"en": DOCS / "tables.md", "zh": DOCS / "zh" / "tables.md"}
REQUIRED = {"en": {False: "yes", True: "no"}, "zh": {False: "是", True: "否"}}


@pytest.mark.parametrize("language", TABLES)
def test_every_table_has_its_section(language: str) -> None:
    assert set(sections(TABLES[language])) == set(schemas())


@pytest.mark.parametrize("language", TABLES)
@pytest.mark.parametrize("name", schemas())
def test_every_column_is_described(name: str, language: str) -> None:
    found = [tuple(row[:3]) for row in rows(sections(TABLES[language])[name])]
    kinds = {tables.TIME: "timestamp"}
    wanted = [
        (f"`{column.name}`", kinds.get(column.type, str(column.type)), REQUIRED[language][column.nullable])
        for column in schemas()[name]
    ]
    assert found == wanted


def test_every_action_is_described() -> None:
    for page in (DOCS / "concepts.md", DOCS / "zh" / "concepts.md"):
        (text,) = [text for heading, text in sections(page).items() if heading in ("Actions", "行为")]
        described = {words(row[0])[0]: float(row[3].replace("−", "-")) for row in rows(text)}
        assert described == {action: float(getattr(DEFAULT_WEIGHTS, action)) for action in ACTIONS}


# ── commands ─────────────────────────────────────────────────────────────────────────────────────────────────────


def known_commands() -> dict[str, click.Command]:
    """Each command by its name, those of a group as `group name`."""

    def flat(group: click.Group, before: str = "") -> Iterator[tuple[str, click.Command]]:
        for name, one in group.commands.items():
            if hasattr(one, "commands"):  # typer brings a click of its own
                yield from flat(cast(click.Group, one), f"{before}{name} ")
            else:
                yield before + name, one

    return dict(flat(cast(click.Group, typer.main.get_command(commands))))


def usage(name: str, command: click.Command) -> str:
    """A command's heading: its name and its arguments."""
    arguments = [one for one in command.params if one.param_type_name == "argument"]
    return " ".join(["mien", name, *(cast(str, one.name).upper() for one in arguments)])


def options(command: click.Command) -> list[click.Option]:
    return [cast(click.Option, one) for one in command.params if one.param_type_name == "option"]


@in_both
def test_every_command_has_its_section(folder: Path) -> None:
    assert list(sections(folder / "cli.md")) == [usage(name, one) for name, one in known_commands().items()]


@in_both
@pytest.mark.parametrize("name", known_commands())
def test_every_flag_is_described(name: str, folder: Path) -> None:
    command = known_commands()[name]
    described = {flag: row for row in rows(sections(folder / "cli.md")[usage(name, command)]) for flag in words(row[0])}
    known = {flag: one for one in options(command) for flag in (*one.opts, *one.secondary_opts)}
    assert set(described) == set(known)
    for flag, one in known.items():
        assert explained(described[flag][2]), f"mien {name} {flag} is not explained"
        if one.default is not None and not one.is_flag and one.opts != ["--workspace", "-w"] and not one.required:
            assert described[flag][1] == str(one.default), f"mien {name} {flag}: the default"


@in_both
def test_variables_and_help_are_described(folder: Path) -> None:
    introduction = (folder / "cli.md").read_text(encoding="utf-8").partition("\n## ")[0]
    for command in known_commands().values():
        for one in options(command):
            for variable in [one.envvar] if isinstance(one.envvar, str) else one.envvar or []:
                assert f"`{variable}`" in introduction
    for flag in typer.main.get_command(commands).context_settings["help_option_names"]:
        assert flag in introduction


def shown_commands() -> Iterator[tuple[str, list[str]]]:
    """Every command that a page shows in a block of shell."""
    for page in PAGES:
        for block in re.findall(r"^```sh\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL):
            for line in block.replace("\\\n", " ").splitlines():
                if line.startswith("mien "):
                    yield f"{page.relative_to(ROOT)}: {line}", line.split("#")[0].split()[1:]


def test_commands_shown_exist() -> None:
    shown, known = list(shown_commands()), known_commands()
    assert shown
    for where, words_ in shown:
        name = next((name for name in (" ".join(words_[:2]), words_[0]) if name in known), None)
        assert name is not None, where
        rest = words_[len(name.split()) :]
        flags = {flag for one in options(known[name]) for flag in (*one.opts, *one.secondary_opts)}
        assert {word for word in rest if word.startswith("-")} <= flags, where


# ── settings ─────────────────────────────────────────────────────────────────────────────────────────────────────


def settings(tree: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Each setting's dotted name and default."""
    for one in fields(tree):
        value, here = getattr(tree, one.name), (*path, one.name)
        if is_dataclass(value):
            yield from settings(value, here)
        elif here not in ELSEWHERE:
            yield ".".join(here), value


def as_toml(value: Any) -> str:
    """A default as it would be written in `mien.toml`; one that is unknown is written as nothing."""
    return "" if value is None else f"`{json.dumps(value, ensure_ascii=False)}`"


@in_both
def test_every_setting_is_described(folder: Path) -> None:
    page = sections(folder / "settings.md")
    described = {words(row[0])[0]: row for text in page.values() for row in rows(text)}
    known = dict(settings(Settings()))
    assert list(described) == list(known)
    for name, default in known.items():
        assert described[name][1] == as_toml(default), f"{name}: the default"
        assert explained(described[name][2]), f"{name} is not explained"


def test_settings_shown_can_be_used(tmp_path: Path) -> None:
    (block,) = re.findall(r"^```toml\n(.*?)^```", (DOCS / "settings.md").read_text(encoding="utf-8"), re.M | re.DOTALL)
    (tmp_path / "mien.toml").write_text(block, encoding="utf-8")
    loaded = load(tmp_path / "mien.toml", {"MIEN_ENGINE_MEMORY_MB": "2048"})
    assert loaded.clean.outlier_value.method == "iqr"
    assert loaded.shop.name == "Tea and Mugs"
    assert loaded.engine.memory_mb == 2048


# ── routes ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with create(tmp_path_factory.mktemp("documented") / "shop") as shop:
        yield create_app(shop)


@in_both
def test_every_route_has_its_section(api: Any, folder: Path) -> None:
    operations = {f"{method.upper()} {path}" for path, known in api.openapi()["paths"].items() for method in known}
    pages = {
        f"GET {path}" for path in (api.docs_url, api.redoc_url, api.openapi_url, api.swagger_ui_oauth2_redirect_url)
    }
    headings = sections(folder / "http.md")
    assert set(headings) == operations | pages


@in_both
def test_every_field_of_a_route_is_described(api: Any, folder: Path) -> None:
    document, page = api.openapi(), sections(folder / "http.md")
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            described = {words(row[0])[0]: row for row in rows(page[f"{method.upper()} {path}"])}
            known = {one["name"]: one["schema"] for one in operation.get("parameters", [])}
            if "requestBody" in operation:
                reference = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"]
                known |= document["components"]["schemas"][reference.rpartition("/")[2]]["properties"]
            assert set(described) == set(known), path
            for name, schema in known.items():
                if "default" in schema:
                    assert described[name][1] == json.dumps(schema["default"]), f"{path} {name}: the default"


@in_both
def test_every_error_code_is_described(folder: Path) -> None:
    from mien.web.errors import STATUS

    page = (folder / "http.md").read_text(encoding="utf-8").partition("\n## ")[0]
    described = {(int(row[0]), code) for row in rows(page) if row[0].isdigit() for code in words(row[1])}
    assert {(status, kind.code) for kind, status in STATUS} <= described


@in_both
def test_the_scope_of_every_route_is_described(api: Any, folder: Path) -> None:
    page = sections(folder / "http.md")
    for route, text in page.items():
        told = re.search(r"^\*(?:Key: |密钥：)`(\w+)`\.?\*", text, re.MULTILINE)
        assert (told[1] if told else "open") == ACCESS[route], route
    keys = re.split(r"^###? .+$", (folder / "http.md").read_text(encoding="utf-8"), flags=re.MULTILINE)[1]
    scopes = rows(keys)
    assert [words(row[0])[0] for row in scopes] == list(SCOPES)


def test_every_metric_is_described(api: Any) -> None:
    with TestClient(api) as client:
        told = set(re.findall(r"^# TYPE (\w+)", client.get("/metrics").text, re.MULTILINE))
    for page in (DOCS / "running.md", DOCS / "zh" / "running.md"):
        found = [name for row in rows(page.read_text(encoding="utf-8")) if len(row) == 3 for name in words(row[0])]
        assert {name for name in found if name.startswith("mien_")} == told


def test_every_tracked_event_is_described() -> None:
    for page in (DOCS / "tracking.md", DOCS / "zh" / "tracking.md"):
        (text,) = [text for heading, text in sections(page).items() if heading in ("Events", "事件")]
        described = {row[0]: (words(row[1])[0], words(row[2]), words(row[3])) for row in rows(text)}
        assert described == {
            name: (str(one.action), [one.each] if one.each else [], [*one.query, *one.text, *one.rating])
            for name, one in MEANINGS.items()
        }


# ── packages ─────────────────────────────────────────────────────────────────────────────────────────────────────


@in_both
def test_every_dependency_has_its_reason(folder: Path) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    core, optional, development = sections(folder / "dependencies.md").values()
    extras = dict(project["optional-dependencies"])

    def names(lines: list[str]) -> list[str]:
        return [Requirement(line).name for line in lines]

    def described(table: str, column: int) -> list[str]:
        found = rows(table)
        assert all(len(row[-1]) > 1 for row in found)
        return [words(row[column])[0] for row in found]

    assert described(core, 0) == names(project["dependencies"])
    assert described(development, 0) == names(extras.pop("dev"))
    pairs = list(zip(described(optional, 0), described(optional, 1), strict=True))
    assert pairs == [(extra, name) for extra, lines in extras.items() for name in names(lines)]


# ── links and languages ──────────────────────────────────────────────────────────────────────────────────────────


def anchors(page: Path) -> set[str]:
    """The anchors that a page's headings make, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    targets = re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r"(?:src|href)=\"([^\"]+)\"", text)
    for target in targets:
        if not target.startswith(("http://", "https://")):
            path, _, anchor = target.partition("#")
            there = (page.parent / path).resolve() if path else page
            assert there.exists(), f"{target} is not there"
            assert not anchor or anchor in anchors(there), f"{target}: no such heading"


def test_every_page_is_listed() -> None:
    listed = set(re.findall(r"\]\(([^)]+)\)", (DOCS / "README.md").read_text(encoding="utf-8")))
    assert listed == {str(page.relative_to(DOCS)) for page in DOCS.rglob("*.md")} - {"README.md"}


@pytest.mark.parametrize(("english", "chinese"), TRANSLATIONS, ids=lambda page: str(page.relative_to(ROOT)))
def test_both_languages_say_the_same(english: Path, chinese: Path) -> None:
    """As far as structure tells: as many sections, list points and table rows, and the same commands and code."""

    def shape(page: Path) -> dict[str, Any]:
        text = page.read_text(encoding="utf-8")
        blocks = re.findall(r"^```\w*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
        code = [line.partition("#")[0].rstrip() for block in blocks for line in block.splitlines()]
        counted = {name: len(re.findall(sign, text, re.MULTILINE)) for name, sign in SIGNS.items()}
        return counted | {"code": [line for line in code if line]}

    assert shape(english) == shape(chinese)


SIGNS = {"sections": "^#+ ", "points": r"^\s*(?:[-*]|\d+\.) ", "rows": r"^\|", "pictures": r"<img|!\["}
