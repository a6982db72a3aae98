"""From a folder to a built and trained shop, and what is measured on it."""

from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer

import mien
from mien.cli.shared import HERE, AsOfOption, JsonOption, WorkspaceOption, err, opened, out, print_json, tell, working
from mien.cli.speaking import read_language, speaker
from mien.core.errors import UsageError
from mien.phrases import chosen, listed, moment
from mien.report import terminal
from mien.report.wording import say


def demo(
    port: Annotated[int, typer.Option(help="Port of the API.")] = 8000,
    serve_: Annotated[bool, typer.Option("--serve/--no-serve", help="Serve the API after the tour.")] = True,
) -> None:
    """Build the demo shop in ./demo-shop if it is not there, show what it can do, and serve it."""
    import_module("mien.tour").run(
        Path("demo-shop"), out, err, port=port if serve_ else None, language=speaker.language
    )


def init(
    folder: Annotated[Path, typer.Argument(help="The folder to make.")],
    domain: Annotated[str, typer.Option(help="Whose words the sources speak.")] = "commerce",
    zone: Annotated[str, typer.Option(help="The shop's IANA time zone.")] = "UTC",
    language: Annotated[
        str | None, typer.Option(help="The shop's language: en or zh.", show_default="that of this help")
    ] = None,
    currency: Annotated[
        str | None, typer.Option(help="Currency of the shop, by its ISO 4217 code.", show_default="USD; in Chinese CNY")
    ] = None,
) -> None:
    """Make a workspace: mien.toml and its folders."""
    speaker.language = read_language(language) if language else speaker.language
    mien.create(folder, domain=domain, zone=zone, language=speaker.language, currency=currency).close()
    tell(
        "Made {folder}. Put your files in {data} or name them: mien ingest -w {folder} --events FILE",
        folder=folder,
        data=folder / "data",
    )


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
    with opened(workspace) as shop, working(shop) as progress:
        report = shop.ingest(events=events, items=items, users=users, mapping=map_, progress=progress)
    if json_:
        print_json(report.to_dict())
        return
    for mapping in report.mappings:
        err.print(say("drafted", shop.stock.language), style="dim")
        err.print(mapping, highlight=False, markup=False, soft_wrap=True)
    for line in report.lines(shop.settings.shop.language):
        out.print(line, highlight=False, markup=False, soft_wrap=True)


def build(
    workspace: WorkspaceOption = HERE,
    as_of: AsOfOption = None,
    engine: Annotated[str, typer.Option(help="Table engine: duckdb or spark.")] = "duckdb",
    json_: JsonOption = False,
) -> None:
    """Prepare, fold profiles, fit the population, index. Only users with new events are folded again."""
    with opened(workspace) as shop, working(shop) as progress:
        report = shop.build(as_of=moment(as_of, shop.settings.shop.zone), engine=engine, progress=progress)
        if json_:
            print_json(report.to_dict())
            return
        for line in report.lines(shop.settings.shop.language):
            out.print(line, highlight=False, markup=False, soft_wrap=True)


def train(
    workspace: WorkspaceOption = HERE,
    recipe: Annotated[Path | None, typer.Option(help="Recipe (TOML): which models, with what settings.")] = None,
    judgements: Annotated[
        Path | None, typer.Option(help="Judged pairs (CSV: query, item_id or title, relevance) to learn search from.")
    ] = None,
    json_: JsonOption = False,
) -> None:
    """Fit the models on everything up to the build's time and keep them."""
    with opened(workspace) as shop, working(shop) as progress:
        trained = shop.train(recipe=recipe, judgements=judgements, progress=progress if shop.speaks else None)
        if not shop.speaks:
            return
    if json_:
        print_json(trained)
        return
    terminal.print_training(out, trained, speaker.language)


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
    with opened(workspace) as shop, working(shop) as progress:
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
