"""The command line. Parses, calls the shop, renders; `--json` prints one document and nothing else on stdout.

A command loads what it needs when it runs, so that help and mistakes are answered at once.
"""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

import mien
from mien.core.errors import MienError, UsageError
from mien.core.query import Answer
from mien.phrases import chosen, filters, listed, moment
from mien.report import terminal
from mien.report.progress import Bars

if TYPE_CHECKING:
    from mien.shop import Shop

app = typer.Typer(
    name="mien",
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
HERE = Path()


@app.command()
def demo(
    port: Annotated[int, typer.Option(help="Port of the API.")] = 8000,
    serve_: Annotated[bool, typer.Option("--serve/--no-serve", help="Serve the API after the tour.")] = True,
) -> None:
    """Build the demo shop in ./demo-shop if it is not there, show what it can do, and serve it."""
    import_module("mien.tour").run(Path("demo-shop"), out, err, port=port if serve_ else None)


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(help="The folder to make.")],
    domain: Annotated[str, typer.Option(help="Whose words the sources speak.")] = "commerce",
    zone: Annotated[str, typer.Option(help="The shop's IANA time zone.")] = "UTC",
    language: Annotated[str, typer.Option(help="Language of reasons and summaries: en or zh.")] = "en",
) -> None:
    """Make a workspace: mien.toml and its folders."""
    mien.create(folder, domain=domain, zone=zone, language=language).close()
    told = f"Made {folder}. Put your files in {folder / 'data'} or name them: mien ingest -w {folder} --events FILE"
    err.print(told, soft_wrap=True, highlight=False)


@app.command()
def ingest(
    workspace: WorkspaceOption = HERE,
    events: Annotated[str | None, typer.Option(help="File, folder, glob, database URL or dataset:NAME.")] = None,
    items: Annotated[str | None, typer.Option(help="The same, for items.")] = None,
    users: Annotated[str | None, typer.Option(help="The same, for users.")] = None,
    map_: Annotated[Path | None, typer.Option("--map", help="Mapping file (TOML) for the source's columns.")] = None,
    json_: JsonOption = False,
) -> None:
    """Take in events, items and users. The same data twice changes nothing."""
    if not (events or items or users):
        raise UsageError("Name at least one of --events, --items and --users.")
    with opened(workspace) as shop, working() as progress:
        report = shop.ingest(events=events, items=items, users=users, mapping=map_, progress=progress)
    if json_:
        print_json(report.to_dict())
        return
    for mapping in report.mappings:
        err.print("Read with this mapping (drafted from the columns; change it and give it by --map):", style="dim")
        err.print(mapping, highlight=False, markup=False, soft_wrap=True)
    for line in report.lines(shop.settings.shop.language):
        out.print(line, highlight=False, markup=False, soft_wrap=True)


@app.command()
def build(
    workspace: WorkspaceOption = HERE,
    as_of: AsOfOption = None,
    engine: Annotated[str, typer.Option(help="Table engine: duckdb or spark.")] = "duckdb",
    json_: JsonOption = False,
) -> None:
    """Prepare, fold profiles, fit the population, index. Only users with new events are folded again."""
    with opened(workspace) as shop, working() as progress:
        report = shop.build(as_of=moment(as_of, shop.settings.shop.zone), engine=engine, progress=progress)
        if json_:
            print_json(report.to_dict())
            return
        for line in report.lines(shop.settings.shop.language):
            out.print(line, highlight=False, markup=False, soft_wrap=True)


@app.command()
def train(
    workspace: WorkspaceOption = HERE,
    recipe: Annotated[Path | None, typer.Option(help="Recipe (TOML): which models, with what settings.")] = None,
    json_: JsonOption = False,
) -> None:
    """Fit the models on everything up to the build's time and keep them."""
    with opened(workspace) as shop, working() as progress:
        trained = shop.train(recipe=recipe, progress=progress if shop.speaks else None)
        if not shop.speaks:
            return
    if json_:
        print_json(trained)
        return
    terminal.print_training(out, trained)


@app.command()
def evaluate(
    workspace: WorkspaceOption = HERE,
    at: Annotated[str | None, typer.Option(help="Where the test begins; default: 14 days before the end.")] = None,
    models: Annotated[str | None, typer.Option(help="Comma-separated names; default: all classical models.")] = None,
    test_days: Annotated[float, typer.Option(min=0, help="Days after the split that count; 0: all of them.")] = 14.0,
    active_days: Annotated[
        float, typer.Option(min=0, help="Only users who bought in that many days before the split; 0: any history.")
    ] = 0.0,
    json_: JsonOption = False,
) -> None:
    """The honest table: every model beside popularity and repeat purchase, on a split by time, with intervals."""
    with opened(workspace) as shop, working() as progress:
        names = tuple(name.strip() for name in models.split(",")) if models else None
        table = shop.evaluate(
            at=moment(at, shop.settings.shop.zone),
            models=names,
            test_days=test_days or None,
            active_days=active_days or None,
            progress=progress,
        )
    if json_:
        print_json(table)
    else:
        terminal.print_evaluation(out, table, shop.stock.language)


@app.command()
def study(
    name: Annotated[str, typer.Argument(help="Which study; an unknown name lists them.")],
    source: Annotated[str | None, typer.Option(help="Its data, as the study reads it: s3rec:FILE, a folder, …")] = None,
    split: Annotated[str | None, typer.Option(help="How it splits, where there is a choice.")] = None,
    models: Annotated[str | None, typer.Option(help="Comma-separated names.")] = None,
    seeds: Annotated[str | None, typer.Option(help="Comma-separated numbers; a claim needs three.")] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="Another option, name=value; model.setting=value for a model's.")
    ] = None,
    json_: JsonOption = False,
) -> None:
    """A benchmark by name, on data of its own: docs/studies.md."""
    given: dict[str, Any] = {"source": source, "split": split, "models": listed(models), "seeds": listed(seeds)}
    options = {key: value for key, value in given.items() if value is not None} | chosen(set_)
    with working() as progress:
        found = import_module("mien.studies.named").run_study(name, options | {"progress": progress})
    if json_:
        print_json(found)
    else:
        terminal.print_study(out, found)


@app.command()
def profile(
    user: Annotated[str, typer.Argument(help="The user's id.")],
    workspace: WorkspaceOption = HERE,
    as_of: AsOfOption = None,
    json_: JsonOption = False,
) -> None:
    """All that is known of a user, each tag with its evidence and confidence."""
    with opened(workspace) as shop:
        found = shop.profile(user, as_of=moment(as_of, shop.settings.shop.zone))
        if json_:
            print_json(found.to_dict())
        else:
            terminal.print_profile(out, found, shop.stock.language)


@app.command()
def profiles(
    out_: Annotated[Path, typer.Option("--out", help="The Parquet file to write.")],
    workspace: WorkspaceOption = HERE,
) -> None:
    """Write every profile as a row of a Parquet file."""
    with opened(workspace) as shop, working() as progress:
        written = shop.profiles(out_, progress=progress)
    err.print(f"Wrote {written:,} profiles to {out_}.")


@app.command()
def search(
    query: Annotated[str, typer.Argument(help="What is looked for.")],
    workspace: WorkspaceOption = HERE,
    user: Annotated[str | None, typer.Option(help="For whom.")] = None,
    filter_: Annotated[
        list[str] | None, typer.Option("--filter", help="facet=value, facet!=value, price=10..50; may be repeated.")
    ] = None,
    sort: Annotated[
        str, typer.Option(help="relevance, price_up, price_down, newest, popular or rating.")
    ] = "relevance",
    k: CountOption = 10,
    offset: Annotated[int, typer.Option(min=0, help="Results before the first one shown.")] = 0,
    literal: Annotated[
        list[str] | None, typer.Option("--literal", help="A part of the query that is words only; may be repeated.")
    ] = None,
    no_understand: Annotated[
        bool, typer.Option("--no-understand", help="Read no category, brand, colour or price out of the query.")
    ] = False,
    no_personalise: Annotated[
        bool, typer.Option("--no-personalise", help="Exactly what a visitor without any context gets.")
    ] = False,
    json_: JsonOption = False,
) -> None:
    """Search the catalogue, for somebody or for anybody."""
    with opened(workspace) as shop:
        answer = shop.search(
            query, user=user, filters=filters(filter_), k=k, personalise=not no_personalise, sort=sort, offset=offset,
            understand=not no_understand, literal=tuple(literal or ()),
        )  # fmt: skip
        show_answer(answer, query, shop, json_)


@app.command()
def complete(
    prefix: Annotated[str, typer.Argument(help="What has been typed so far.")],
    workspace: WorkspaceOption = HERE,
    k: CountOption = 10,
    json_: JsonOption = False,
) -> None:
    """What somebody may be about to type: popular queries, categories, brands, titles."""
    with opened(workspace) as shop:
        found = shop.complete(prefix, k)
    if json_:
        print_json(import_module("mien.ranking.completion").told(found))
        return
    for one in found:
        out.print(f"{one.text}  [dim]{one.kind}[/]" if "[" not in one.text else one.text, highlight=False)


@app.command()
def recommend(
    user: Annotated[str, typer.Argument(help="For whom.")],
    workspace: WorkspaceOption = HERE,
    k: CountOption = 10,
    json_: JsonOption = False,
) -> None:
    """What this user may want next, with reasons."""
    with opened(workspace) as shop:
        show_answer(shop.recommend(user, k=k), user, shop, json_)


@app.command()
def similar(
    item: Annotated[str, typer.Argument(help="The item's id.")],
    workspace: WorkspaceOption = HERE,
    k: CountOption = 10,
    json_: JsonOption = False,
) -> None:
    """What is bought by the same people."""
    with opened(workspace) as shop:
        show_answer(shop.similar(item, k=k), item, shop, json_)


@app.command()
def explain(
    user: Annotated[str, typer.Argument(help="The user's id.")],
    item: Annotated[str, typer.Argument(help="The item's id.")],
    workspace: WorkspaceOption = HERE,
    json_: JsonOption = False,
) -> None:
    """Why this item stands where it stands for this user."""
    with opened(workspace) as shop:
        show_answer(shop.explain(user, item), f"{user} – {item}", shop, json_)


@app.command()
def export(
    user: Annotated[str, typer.Argument(help="The user's id.")],
    workspace: WorkspaceOption = HERE,
) -> None:
    """Everything kept about a user, as JSON."""
    with opened(workspace) as shop:
        print_json(shop.export(user))


@app.command()
def erase(
    user: Annotated[str, typer.Argument(help="The user's id.")],
    workspace: WorkspaceOption = HERE,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Forget a user, in the log, the stores and the indexes. Cannot be undone."""
    with opened(workspace) as shop:
        if not yes and sys.stdin.isatty():
            typer.confirm(f"Forget everything about {user}? This cannot be undone", abort=True, err=True)
        report = shop.erase(user)
    err.print(f"Erased {user}: {report['events']} events. An old file will not bring them back.", soft_wrap=True)
    err.print("Files of your own, in data/ or elsewhere, are not touched.", soft_wrap=True)


@app.command()
def deadletters(
    workspace: WorkspaceOption = HERE,
    replay: Annotated[bool, typer.Option("--replay", help="Read them again, with today's mapping.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="How many to list.")] = 20,
    json_: JsonOption = False,
) -> None:
    """Rows that could not be used: how many for which reason, and the newest."""
    with opened(workspace) as shop:
        found: dict[str, Any] = shop.replay() if replay else shop.dead_letters(limit)
    if json_:
        print_json(found)
    else:
        for line in letter_lines(found):
            out.print(line, highlight=False, markup=False, soft_wrap=True)


@app.command()
def serve(
    workspace: WorkspaceOption = HERE,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on.")] = 8000,
) -> None:
    """Serve the HTTP API; its pages are under /docs."""
    with opened(workspace, served=True) as shop:
        import_module("mien.web.app").run(shop, host=host, port=port)


# -- what the commands share ------------------------------------------------------------------------------------------


@contextmanager
def opened(workspace: Path, *, served: bool = False) -> Iterator["Shop"]:
    """The shop of a workspace, closed afterwards. `served`: questions are asked now."""
    shop = mien.open(workspace, served=served)
    try:
        yield shop
    finally:
        shop.close()


@contextmanager
def working() -> Iterator[Bars]:
    """Progress on standard error."""
    with Bars(err).running() as bars:
        yield bars


def print_json(document: object) -> None:
    """One JSON document on standard output."""
    sys.stdout.write(json.dumps(document, ensure_ascii=False, indent=2) + "\n")


def show_answer(answer: Answer, title: str, shop: "Shop", as_json: bool) -> None:
    if as_json:
        print_json(answer.to_dict())
    else:
        terminal.print_answer(out, answer, title, shop.stock.language)


def letter_lines(found: dict[str, Any]) -> list[str]:
    """Counts by reason, then the newest rows, one line each."""
    lines = (
        [f"{found['replayed']:,} read again, {found['accepted']:,} of them could be used."]
        if "replayed" in found
        else []
    )
    lines += [f"{n:>10,}  {reason}" for reason, n in found["reasons"].items()] or ["There are no dead letters."]
    for one in found["letters"]:
        place = f"{one['file'] or one['source']}:{one['row'] or '?'}"
        lines.append(f"{place}  {one['reason']}  {one['detail'] or ''}  {(one['raw'] or '')[:120]}")
    return lines


def main() -> None:
    """Exit 0: done; 1: a failure, in one sentence; 2: wrong usage."""
    try:
        app()
    except MienError as failure:
        err.print(str(failure), style="red", markup=False, highlight=False, soft_wrap=True)
        sys.exit(2 if isinstance(failure, UsageError) else 1)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
