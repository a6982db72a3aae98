"""The command line. Parses, calls the shop, renders; `--json` prints one document and nothing else on stdout.

A command loads what it needs when it runs, so that help and mistakes are answered at once.
"""

import os
import sys

import typer
from typer.main import get_command

from mien.cli.audit import audit
from mien.cli.backups import backup, hold, restore
from mien.cli.helping import SpokenCommand, aborted, complain
from mien.cli.keeping import consent, deadletters, erase, export, items
from mien.cli.keys import keys
from mien.cli.questions import complete, explain, profile, profiles, recommend, search, similar
from mien.cli.report import report
from mien.cli.segments import segment
from mien.cli.service import serve
from mien.cli.shared import app, err
from mien.cli.speaking import begin, speaker
from mien.cli.stream import consume
from mien.cli.workspace import build, demo, evaluate, ingest, init, study, train
from mien.core.errors import MienError, UsageError

COMMANDS = (
    *(demo, init, ingest, build, train, evaluate, study),
    *(profile, profiles, search, complete, recommend, similar, explain, segment, report),
    *(items, consent, export, erase, hold, deadletters, backup, restore, consume, serve),
)
"""In the order in which help lists them."""
for command in COMMANDS:
    app.command(cls=SpokenCommand)(command)
for group in (keys, audit):
    app.add_typer(group)


def main() -> None:
    """Exit 0: done; 1: a failure, in one sentence; 2: wrong usage."""
    try:
        begin()
        sys.exit(get_command(app)(standalone_mode=False))
    except MienError as failure:
        err.print(speaker.say(failure), style="red", markup=False, highlight=False, soft_wrap=True)
        sys.exit(2 if isinstance(failure, UsageError) else 1)
    except typer.TyperException as mistake:
        complain(mistake)
        sys.exit(mistake.exit_code)
    except typer.Abort:
        aborted()
        sys.exit(1)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as failure:  # a place that was named and cannot be written or read, a full disk
        told = f"{failure.filename}: {failure.strerror}" if failure.filename else str(failure)
        err.print(told, style="red", markup=False, highlight=False, soft_wrap=True)
        sys.exit(1)
