"""The server."""

from importlib import import_module
from typing import Annotated

import typer

from mien.cli.shared import HERE, WorkspaceOption, opened


def serve(
    workspace: WorkspaceOption = HERE,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on.")] = 8000,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes; several serve the API alone.")] = 1,
) -> None:
    """Serve the HTTP API (/docs) and, with the extra `console`, storefront (/) and console (/console)."""
    with opened(workspace, served=True) as shop:
        import_module("mien.web.server").run(shop, host=host, port=port, workers=workers)
