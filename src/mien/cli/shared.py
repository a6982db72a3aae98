"""What the commands share: the application, its options, how a shop is opened and an answer shown."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

import mien
from mien.cli.helping import SpokenGroup
from mien.cli.speaking import put, speaker
from mien.core.query import Answer
from mien.report import terminal
from mien.report.progress import Bars

if TYPE_CHECKING:
    from mien.shop import Shop

app = typer.Typer(
    name="mien",
    cls=SpokenGroup,
    help="User profiles you can question, and the search and recommendations they make better.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
out = Console()
err = Console(stderr=True)

WorkspaceOption = Annotated[
    Path, typer.Option("--workspace", "-w", envvar="MIEN_WORKSPACE", help="The workspace folder.", show_default=".")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]
AsOfOption = Annotated[str | None, typer.Option("--as-of", help="As it was then (ISO 8601), nothing later known.")]
CountOption = Annotated[int, typer.Option("-k", min=1, max=1000, help="How many results.")]
KindOption = Annotated[str, typer.Option(help="Which kind of recommendation; an unknown one names the nearest.")]
CartOption = Annotated[
    list[str] | None, typer.Option("--cart", help="An item it is asked about; may be repeated.", metavar="ITEM")
]
ContextOption = Annotated[
    list[str] | None, typer.Option("--context", help="An item of the running visit; may be repeated.", metavar="ITEM")
]
FilterOption = Annotated[list[str] | None, typer.Option("--filter", help="facet=value; may be repeated.")]
PlainOption = Annotated[bool, typer.Option("--no-personalise", help="Exactly what a visitor without any context gets.")]
HERE = Path()
COMMAND_LINE = "cli"
"""Who asked, in the audit log."""


def tell(template: str, style: str = "", /, **facts: object) -> None:
    """Something for people, on standard error, in the language of the moment."""
    err.print(put(template, **facts), style=style, highlight=False, markup=False, soft_wrap=True)


@contextmanager
def opened(workspace: Path, *, served: bool = False) -> Iterator["Shop"]:
    """The shop of a workspace, closed afterwards. `served`: questions are asked now."""
    shop = mien.open(workspace, served=served)
    speaker.language = shop.stock.language
    try:
        if late := shop.retraining()["overdue"]:
            tell("Models trained with erased users are past their day: {late}. Run: mien train", "yellow", late=late)
        yield shop
    finally:
        shop.close()


@contextmanager
def working(shop: "Shop | None" = None) -> Iterator[Bars]:
    """Progress on standard error, in the language of the shop."""
    with Bars(err, speaker.language if shop is None else shop.stock.language).running() as bars:
        yield bars


def print_json(document: object) -> None:
    """One JSON document on standard output."""
    sys.stdout.write(json.dumps(document, ensure_ascii=False, indent=2) + "\n")


def show_answer(answer: Answer, title: str, shop: "Shop", as_json: bool) -> None:
    if as_json:
        print_json(answer.to_dict())
    else:
        terminal.print_answer(out, answer, title, shop.stock.language)
