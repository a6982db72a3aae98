"""Events from a stream."""

import signal
import threading
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer

from mien.cli.shared import HERE, JsonOption, WorkspaceOption, opened, print_json, tell, working
from mien.cli.speaking import speaker
from mien.core.errors import SourceError
from mien.core.phrase import Phrase
from mien.prepare.reasons import describe


def consume(
    brokers: Annotated[str, typer.Option(help="host:port of one or more Kafka brokers, comma-separated.")],
    topic: Annotated[str, typer.Option(help="The topic whose records are messages or batches.")],
    workspace: WorkspaceOption = HERE,
    group: Annotated[str, typer.Option(help="The consumer group that remembers how far it was read.")] = "mien",
    source: Annotated[str, typer.Option(help="What messages are known by, beside their ids.")] = "kafka",
    config: Annotated[
        Path | None, typer.Option(help="File of name=value, as librdkafka has them: security, time-outs, …")
    ] = None,
    until_end: Annotated[bool, typer.Option("--until-end", help="Stop at the end of the topic.")] = False,
    json_: JsonOption = False,
) -> None:
    """Take in events from Kafka until interrupted: each is kept once, and in its profile moments later."""
    consuming = import_module("mien.consuming")
    options = consuming.StreamOptions(
        brokers, topic, group, source, until_end, consuming.read_config(_text(config)) if config else {}
    )
    with (
        opened(workspace, served=True) as shop,
        import_module("mien.live").Live(shop) as live,
        working(shop) as progress,
    ):
        fates = consuming.Consuming(live, options, progress=progress).run(_stopped())
    if json_:
        print_json({"fates": dict(fates)})
    else:
        shown = [f"{describe(fate, speaker.language)} {n:,}" for fate, n in sorted(fates.items())]
        tell("{fates}", fates=shown or Phrase("Nothing came."))


def _stopped() -> threading.Event:
    """Set at SIGTERM and SIGINT: what was taken is kept and committed before the end."""
    stop = threading.Event()

    def end(*_: Any) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    return stop


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as wrong:
        raise SourceError("cannot be read: {wrong}", wrong=wrong, path=path) from None
