"""Items put while the shop is open; what is kept of people, and of rows that could not be used."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from mien.cli.shared import (
    COMMAND_LINE,
    HERE,
    JsonOption,
    WorkspaceOption,
    opened,
    out,
    print_json,
    tell,
)
from mien.cli.speaking import put, speaker
from mien.core.errors import SourceError, UsageError
from mien.phrases import answers
from mien.prepare.reasons import describe

LARGEST = 2**63 - 1
"""The largest number that a store gives."""


def consent(
    user: Annotated[str, typer.Argument(help="The user's id.")],
    workspace: WorkspaceOption = HERE,
    purpose: Annotated[
        list[str] | None, typer.Option("--purpose", help="name=yes or name=no; may be repeated.", metavar="NAME=YES|NO")
    ] = None,
    json_: JsonOption = False,
) -> None:
    """What a user lets be done, purpose by purpose; with --purpose, keep what they said now."""
    with opened(workspace) as shop:
        found = shop.consent(user, answers(purpose), source="cli", by=COMMAND_LINE) if purpose else shop.consents(user)
    if json_:
        print_json(found)
        return
    for name, allowed in found["allowed"].items():
        said = put({True: "yes", False: "no", None: "not said"}[found["consent"].get(name)])
        out.print(f"{name:<20} {said:<9} {put('allowed' if allowed else 'not allowed')}", highlight=False)
    for word in found["history"]:
        line = f"  {word['at']}  {word['purpose']} = {put('yes' if word['given'] else 'no')}  ({word['source']})"
        out.print(line, highlight=False, markup=False, soft_wrap=True)


def items(
    file: Annotated[Path, typer.Argument(help="JSON lines, an item each; - reads standard input.")],
    workspace: WorkspaceOption = HERE,
    json_: JsonOption = False,
) -> None:
    """Add, change and withdraw items at once, without a build."""
    with opened(workspace) as shop:
        kept = shop.put_items(read_lines(file))
    if json_:
        print_json(kept)
    else:
        tell("{n:,} items kept; searches, lists and profiles show them.", n=kept["items"])


def read_lines(file: Path) -> list[dict[str, Any]]:
    """The objects of a file of JSON lines. Raises `SourceError` naming the line that is none."""
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as failed:
        raise SourceError("cannot be read: {failed}", failed=failed, path=file) from None
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        try:
            one = json.loads(line) if line.strip() else None
        except (ValueError, RecursionError) as wrong:
            raise SourceError("no JSON object: {wrong}", wrong=wrong, path=file, row=number) from None
        if one is not None and not isinstance(one, dict):
            raise SourceError("no JSON object; write one item a line.", path=file, row=number)
        found += [] if one is None else [one]
    return found


def export(
    user: Annotated[str, typer.Argument(help="The user's id.")],
    workspace: WorkspaceOption = HERE,
) -> None:
    """Everything kept about a user, as JSON."""
    with opened(workspace) as shop:
        print_json(shop.export(user, by=COMMAND_LINE))


def erase(
    user: Annotated[str, typer.Argument(help="The user's id.")],
    workspace: WorkspaceOption = HERE,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Forget a user, in the log, the stores and the indexes. Cannot be undone."""
    with opened(workspace) as shop:
        if not yes and sys.stdin.isatty():
            asked = put("Forget everything about {user}? This cannot be undone", user=user)
            typer.confirm(asked, abort=True, err=True)
        report = shop.erase(user, by=COMMAND_LINE)
    tell("Erased {user}: {n} events. An old file will not bring them back.", user=user, n=report["events"])
    if report["models"]:
        names, day = [one["model"] for one in report["models"]], report["models"][0]["by"][:10]
        tell("Trained with this user: {names}. Train anew by {day}: mien train", names=names, day=day)
    tell("Files of your own, in data/ or elsewhere, are not touched.")


def deadletters(
    workspace: WorkspaceOption = HERE,
    replay: Annotated[bool, typer.Option("--replay", help="Read them again: rows with today's mapping.")] = False,
    ids: Annotated[
        list[int] | None, typer.Option("--id", min=1, max=LARGEST, help="Only this one; may be repeated.")
    ] = None,
    mend: Annotated[
        int | None,
        typer.Option(min=1, max=LARGEST, help="Put what --with says in place of this one.", metavar="ID"),
    ] = None,
    with_: Annotated[str | None, typer.Option("--with", help="The mended row: JSON, or - for standard input.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many to list.")] = 20,
    json_: JsonOption = False,
) -> None:
    """Rows and messages that could not be used, and why; mend them, read them again."""
    if (mend is None) != (with_ is None):
        raise UsageError("Mend with both: --mend ID --with JSON.")
    if ids and not replay:
        raise UsageError("--id says which are read again: add --replay.")
    with opened(workspace) as shop:
        if mend is not None:
            shop.mend(mend, _mended_row(with_ or ""), by=COMMAND_LINE)
        found = shop.replay(ids, by=COMMAND_LINE) if replay else shop.dead_letters(limit)
    if json_:
        print_json(found)
    else:
        for line in letter_lines(found):
            out.print(line, highlight=False, markup=False, soft_wrap=True)


def _mended_row(text: str) -> dict[str, Any]:
    try:
        row = json.loads(sys.stdin.read() if text == "-" else text)
    except ValueError as wrong:
        raise UsageError("What --with says is no JSON: {wrong}.", wrong=wrong) from None
    if not isinstance(row, dict):
        raise UsageError("--with takes one JSON object: the row or message, as it should have been.")
    return row


def letter_lines(found: dict[str, Any]) -> list[str]:
    """Counts by reason, then the newest rows, one line each."""
    lines = []
    if "replayed" in found:
        again, used = found["replayed"], found["accepted"]
        lines.append(put("{again:,} read again, {used:,} of them could be used.", again=again, used=used))
    lines += [f"{n:>10,}  {named(reason)}" for reason, n in found["reasons"].items()]
    lines += [] if found["reasons"] else [put("There are no dead letters.")]
    for one in found["letters"]:
        place = f"{one['file']}:{one['row'] or '?'}" if one["file"] else one["source"]
        facts = (place, named(one["reason"]), speaker.say(one["detail"] or ""), (one["raw"] or "")[:120])
        lines.append("  ".join((f"#{one['id']}", *facts)))
    return lines


def named(reason: str) -> str:
    """A reason by the word that programs match on, in Chinese with what it means."""
    return reason if speaker.language == "en" else f"{reason}（{describe(reason, speaker.language)}）"
