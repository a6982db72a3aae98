"""Keys of the API."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from mien.cli.helping import SpokenCommand, SpokenGroup
from mien.cli.shared import COMMAND_LINE, HERE, JsonOption, WorkspaceOption, opened, out, print_json, tell
from mien.cli.speaking import put
from mien.core.caller import SCOPES
from mien.core.clock import from_us, to_us

if TYPE_CHECKING:
    from mien.stores.keys import Key

keys = typer.Typer(
    name="keys", cls=SpokenGroup, help="Keys of the API: who may track, ask or administer.", no_args_is_help=True
)


@keys.command(cls=SpokenCommand)
def add(
    name: Annotated[str, typer.Argument(help="What the key is called, in lists and logs.")],
    scope: Annotated[str, typer.Option(help=f"What it may do: {', '.join(SCOPES)}.")],
    source: Annotated[
        str | None, typer.Option(help="Where its events come from; a new key of the same source continues.")
    ] = None,
    workspace: WorkspaceOption = HERE,
    json_: JsonOption = False,
) -> None:
    """Make a key and show it, this once. From the first key on every question needs one."""
    with opened(workspace) as shop:
        text, key = shop.keys.add(name, scope, to_us(shop.clock()), source)
        shop.note("key.add", by=COMMAND_LINE, key_id=key.key_id, scope=key.scope)
    if json_:
        print_json({"key": text, **told(key)})
    else:
        out.print(text, highlight=False, markup=False, soft_wrap=True)
        facts = {"key_id": key.key_id, "scope": key.scope, "source": key.source}
        tell("Key {key_id}, {scope}, source “{source}”. It is shown this once.", **facts)


@keys.command("list", cls=SpokenCommand)
def list_(workspace: WorkspaceOption = HERE, json_: JsonOption = False) -> None:
    """The keys there are and were; the keys themselves are not kept."""
    with opened(workspace) as shop:
        found = shop.keys.list()
    if json_:
        print_json([told(key) for key in found])
        return
    for key in found:
        source = put("(source {source})", source=key.source)
        line = f"{key.key_id}  {key.scope:7}  {from_us(key.made_us):%Y-%m-%d}  {key.name}  {source}"
        line += f"  {put('revoked')}" if key.revoked_us else ""
        out.print(line, highlight=False, markup=False, soft_wrap=True)
    if not found:
        out.print(put("There are no keys: the server listens to its own machine only, and asks for none."))


@keys.command(cls=SpokenCommand)
def revoke(
    key_id: Annotated[str, typer.Argument(help="Its id, as the list shows it.")],
    workspace: WorkspaceOption = HERE,
    json_: JsonOption = False,
) -> None:
    """Have a key open nothing any more; servers that run know within a second."""
    with opened(workspace) as shop:
        key = shop.keys.revoke(key_id, to_us(shop.clock()))
        shop.note("key.revoke", by=COMMAND_LINE, key_id=key.key_id)
    if json_:
        print_json(told(key))
    else:
        tell("Key {key_id} (“{name}”) is revoked.", key_id=key.key_id, name=key.name)


def told(key: "Key") -> dict[str, Any]:
    """A key as JSON has it, without what it is known by."""
    return {
        "key_id": key.key_id,
        "name": key.name,
        "scope": key.scope,
        "source": key.source,
        "made": from_us(key.made_us).isoformat(),
        "revoked": None if key.revoked_us is None else from_us(key.revoked_us).isoformat(),
    }
