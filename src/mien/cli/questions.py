"""What a shop is asked: profiles, searches, recommendations and why."""

from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer

from mien.cli.shared import (
    COMMAND_LINE,
    HERE,
    AsOfOption,
    CartOption,
    ContextOption,
    CountOption,
    FilterOption,
    JsonOption,
    KindOption,
    PlainOption,
    WorkspaceOption,
    opened,
    out,
    print_json,
    show_answer,
    tell,
    working,
)
from mien.cli.speaking import speaker
from mien.core.errors import UsageError
from mien.phrases import filters, moment
from mien.report import terminal
from mien.report.wording import action_name, facet_name


def profile(
    user: Annotated[str, typer.Argument(help="The user's id.")],
    workspace: WorkspaceOption = HERE,
    as_of: AsOfOption = None,
    changes: Annotated[bool, typer.Option("--changes", help="Which events changed which tags, newest first.")] = False,
    since: Annotated[str | None, typer.Option(help="Of --changes: none before this time.")] = None,
    k: Annotated[int, typer.Option("-k", min=1, max=1000, help="Of --changes: how many of the newest events.")] = 20,
    json_: JsonOption = False,
) -> None:
    """All that is known of a user, each tag with its evidence and confidence."""
    if since is not None and not changes:
        raise UsageError("--since is of the changes: add --changes.")
    with opened(workspace) as shop:
        if changes:
            zone = shop.settings.shop.zone
            told = shop.changes(user, moment(since, zone), k, as_of=moment(as_of, zone))
            shop.note("profile.read", user, by=COMMAND_LINE)
            show_changes(told, json_)
            return
        found = shop.profile(user, as_of=moment(as_of, shop.settings.shop.zone))
        shop.note("profile.read", user, by=COMMAND_LINE)
        if json_:
            print_json(found.to_dict())
        else:
            terminal.print_profile(out, found, shop.stock.language)


def show_changes(told: dict[str, Any], as_json: bool) -> None:
    """A line an event, and one for each tag that it moved."""
    if as_json:
        print_json(told)
        return
    for change in told["changes"]:
        action = action_name(change["action"], speaker.language)
        head = f"{change['at']}  {action}  {change.get('title') or change.get('item_id', '')}"
        out.print(head, highlight=False, markup=False, soft_wrap=True)
        for tag in change["tags"]:
            before, after = (f"{tag['weight'].get(when, 0.0):7.1%}" for when in ("before", "after"))
            line = f"    {before} → {after}  {facet_name(tag['facet'], speaker.language)} = {tag['value']}"
            out.print(line, highlight=False, markup=False, soft_wrap=True)


def profiles(
    out_: Annotated[Path, typer.Option("--out", help="The Parquet file to write.")],
    workspace: WorkspaceOption = HERE,
) -> None:
    """Write every profile as a row of a Parquet file."""
    with opened(workspace) as shop, working(shop) as progress:
        written = shop.profiles(out_, progress=progress, by=COMMAND_LINE)
    tell("Wrote {n:,} profiles to {file}.", n=written, file=out_)


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
    context: ContextOption = None,
    no_understand: Annotated[
        bool, typer.Option("--no-understand", help="Read no category, brand, colour or price out of the query.")
    ] = False,
    no_personalise: PlainOption = False,
    json_: JsonOption = False,
) -> None:
    """Search the catalogue, for somebody or for anybody."""
    with opened(workspace) as shop:
        answer = shop.search(
            query, user=user, filters=filters(filter_), k=k, personalise=not no_personalise, sort=sort, offset=offset,
            understand=not no_understand, literal=tuple(literal or ()), context=context or (),
        )  # fmt: skip
        show_answer(answer, query, shop, json_)


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


def recommend(
    user: Annotated[str, typer.Argument(help="For whom.")],
    workspace: WorkspaceOption = HERE,
    kind: KindOption = "for-you",
    cart: CartOption = None,
    context: ContextOption = None,
    filter_: FilterOption = None,
    k: CountOption = 10,
    no_personalise: PlainOption = False,
    json_: JsonOption = False,
) -> None:
    """What this user may want next, with reasons."""
    with opened(workspace) as shop:
        asked = asked_for(kind, cart, context, filter_, personalise=not no_personalise)
        show_answer(shop.recommend(user, k=k, **asked), user, shop, json_)


def similar(
    item: Annotated[str, typer.Argument(help="The item's id.")],
    workspace: WorkspaceOption = HERE,
    k: CountOption = 10,
    json_: JsonOption = False,
) -> None:
    """What is bought by the same people."""
    with opened(workspace) as shop:
        show_answer(shop.similar(item, k=k), item, shop, json_)


def explain(
    user: Annotated[str, typer.Argument(help="The user's id.")],
    item: Annotated[str, typer.Argument(help="The item's id.")],
    workspace: WorkspaceOption = HERE,
    query: Annotated[str, typer.Option(help="As it stands in this search; without it in a recommendation.")] = "",
    kind: KindOption = "for-you",
    cart: CartOption = None,
    context: ContextOption = None,
    filter_: FilterOption = None,
    k: CountOption = 10,
    no_personalise: PlainOption = False,
    json_: JsonOption = False,
) -> None:
    """Why this item stands where it stands for this user, what would move it, and why it is not shown."""
    with opened(workspace) as shop:
        asked = asked_for(kind, cart, context, filter_, personalise=not no_personalise)
        show_answer(shop.explain(user, item, query, k, **asked), f"{user} – {item}", shop, json_)


def asked_for(
    kind: str, cart: list[str] | None, context: list[str] | None, filter_: list[str] | None, *, personalise: bool
) -> dict[str, Any]:
    """What recommendations and explanations are asked alike."""
    told: dict[str, Any] = {"kind": kind, "cart": cart or (), "context": context or ()}
    return told | {"filters": filters(filter_), "personalise": personalise}
