"""Segments on the command line."""

import json
import tomllib
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mien.cli.shared import COMMAND_LINE, HERE, CountOption, JsonOption, WorkspaceOption, opened, out, print_json, tell
from mien.cli.speaking import put
from mien.core.errors import SourceError, UsageError

if TYPE_CHECKING:
    from mien.shop.segments import Segments

Of = str | dict[str, Any]


def segment(
    name: Annotated[str | None, typer.Argument(help="A saved segment, or everyone; none lists them.")] = None,
    workspace: WorkspaceOption = HERE,
    rule: Annotated[
        str | None, typer.Option(help="A rule as text or JSON, or a .toml or .json file of one; with NAME it is saved.")
    ] = None,
    note: Annotated[str, typer.Option(help="What was changed and why, kept with the version.")] = "",
    members: Annotated[bool, typer.Option("--members", help="List who is in it; -k of them.")] = False,
    offset: Annotated[int, typer.Option(min=0, help="Members before the first one listed.")] = 0,
    out_: Annotated[Path | None, typer.Option("--out", help="Write all members to a .csv or .parquet file.")] = None,
    overlap: Annotated[
        list[str] | None, typer.Option(help="Another segment, to count who is in both; may be repeated.")
    ] = None,
    versus: Annotated[bool, typer.Option("--versus", help="Beside everyone: tags, traits, lifecycle (TGI).")] = False,
    facet: Annotated[str | None, typer.Option(help="Of --versus: one facet or trait only.")] = None,
    lookalike: Annotated[
        int | None, typer.Option(min=1, help="So many users most like it who are not in it.", metavar="SIZE")
    ] = None,
    rfm: Annotated[bool, typer.Option("--rfm", help="Users by quintiles of recency and frequency.")] = False,
    retention: Annotated[str | None, typer.Option(help="Cohorts by month or week.", metavar="PERIOD")] = None,
    history: Annotated[bool, typer.Option("--history", help="Every version of it.")] = False,
    delete: Annotated[bool, typer.Option("--delete", help="Delete it; its history stays.")] = False,
    k: CountOption = 10,
    json_: JsonOption = False,
) -> None:
    """Who fits a rule: try it, save it by a name, list, compare and export its members."""
    if facet is not None and not versus:
        raise UsageError("--facet is of a comparison: add --versus.")
    if offset and not members:
        raise UsageError("--offset is of a list: add --members.")
    if note and (rule is None or name is None):
        raise UsageError("--note is kept with a version: name the segment, and its rule by --rule.")
    wishes = (members, versus, rfm, history, delete, overlap, lookalike, retention, out_)
    if name is None and rule is None and any(wishes):
        raise UsageError("Name a saved segment, everyone, or a rule by --rule.")
    with opened(workspace) as shop:
        found = shop.segments
        if rule is not None and name is not None:
            saved = found.save(name, read(rule), note)
            tell("Saved “{name}”, version {version}.", name=saved.name, version=saved.version)
        if name is None and rule is None:
            show(found.all(), json_)
            return
        of: Of = name if name is not None else found.rule(read(rule or ""))
        if delete:
            found.delete(must(name))
            tell("Deleted “{name}”; its history stays.", name=name)
        elif out_ is not None:
            n = found.export(of, out_, by=COMMAND_LINE)
            tell("Wrote {n:,} members to {file}.", n=n, file=out_)
        else:
            asked = {"members": members, "versus": versus, "rfm": rfm, "history": history}
            show(told(found, of, asked, k, offset, facet, overlap, lookalike, retention), json_)


def told(
    found: "Segments",
    of: Of,
    asked: dict[str, bool],
    k: int,
    offset: int,
    facet: str | None,
    overlap: list[str] | None,
    lookalike: int | None,
    retention: str | None,
) -> Any:
    """What was asked of a segment; without any wish what it is."""
    if asked["members"]:
        return found.members(of, k, offset)
    if overlap:
        return found.overlap([must(of), *overlap])
    if asked["versus"]:
        return found.versus(of, facet, k)
    if lookalike is not None:
        return found.lookalike(of, lookalike)
    if asked["rfm"]:
        return found.rfm(of)
    if retention is not None:
        return found.retention(of, retention)
    if asked["history"]:
        return found.history(must(of))
    if of == import_module("mien.shop.segments").EVERYONE:  # has no rule to show
        return found.members(of, k)
    return found.get(of) if isinstance(of, str) else found.preview(of, k)


def must(of: Of | None) -> str:
    """The name, where one is needed."""
    if not isinstance(of, str):
        raise UsageError("Name a saved segment for this.")
    return of


def read(rule: str) -> Of:
    """A rule as it was given: text, JSON, or a file of it."""
    path = Path(rule)
    try:
        if path.suffix in (".toml", ".json") and path.is_file():
            text = path.read_text(encoding="utf-8")
            loaded: Of = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
            return loaded
        return json.loads(rule) if rule.lstrip().startswith("{") else rule
    except (OSError, ValueError, RecursionError) as wrong:
        raise SourceError("the rule cannot be read: {wrong}", wrong=wrong, path=path if path.suffix else None) from None


def show(document: Any, as_json: bool) -> None:
    """As JSON, or as lines: plain facts first, then a line a row."""
    values = import_module("mien.shop.segments").plain(document)
    if as_json:
        print_json(values)
        return
    for line in lines(values):
        out.print(line, highlight=False, markup=False, soft_wrap=True)


def lines(values: Any) -> list[str]:
    """Lines of text for what was told."""
    if isinstance(values, list):
        told = [", ".join(f"{name}: {short(value)}" for name, value in row.items()) for row in values]
        return told or [put("None yet.")]
    found = []
    for name, value in values.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            found += [f"{name}:", *(f"  {line}" for line in lines(value))]
        elif name != "rule":
            found.append(f"{name}: {short(value)}")
    return found


def short(value: Any) -> str:
    """One value of a line."""
    if isinstance(value, float):
        return f"{value:,.4g}"
    if isinstance(value, list):
        return "; ".join(short(one) for one in value)
    return ", ".join(f"{k} {short(v)}" for k, v in value.items()) if isinstance(value, dict) else str(value)
