"""Help and mistakes of usage in the language of the moment. What Typer says itself is said by the translation, too."""

from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from mien.cli.speaking import speaker

WORDS = (
    "DEFAULT_STRING",
    "ENVVAR_STRING",
    "REQUIRED_LONG_STRING",
    "ARGUMENTS_PANEL_TITLE",
    "OPTIONS_PANEL_TITLE",
    "COMMANDS_PANEL_TITLE",
    "ERRORS_PANEL_TITLE",
    "ABORTED_TEXT",
    "RICH_HELP",
)
"""Typer's own words, which it keeps as constants to be replaced."""


class _Spoken:
    """What a command and a group of them have in common."""

    help: str | None
    options_metavar: str | None

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.options_metavar = speaker.say("[OPTIONS]")
        self.help = speaker.say(given["help"] or "")
        for param in given.get("params") or ():
            param.help = speaker.say(param.help or "")
            if isinstance(param.show_default, str):
                param.show_default = speaker.say(param.show_default)

    def format_usage(self, ctx: Any, formatter: Any) -> None:
        pieces = " ".join(self.collect_usage_pieces(ctx))  # type: ignore[attr-defined]
        formatter.write_usage(ctx.command_path, pieces, prefix=speaker.say("Usage: "))

    def get_help_option(self, ctx: Any) -> Any:
        option = super().get_help_option(ctx)  # type: ignore[misc]
        option.help = speaker.say(option.help)
        return option

    def format_help(self, ctx: Any, formatter: Any) -> None:
        _words()
        super().format_help(ctx, formatter)  # type: ignore[misc]


class SpokenCommand(_Spoken, TyperCommand):
    """A command whose help is in the language of the moment."""


class SpokenGroup(_Spoken, TyperGroup):
    """A group of commands whose help is in the language of the moment."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.subcommand_metavar = speaker.say("COMMAND [ARGS]...")


def complain(mistake: typer.TyperException) -> None:
    """Tell what is wrong with the call, on standard error."""
    told = speaker.say(mistake.format_message())
    mistake.format_message = lambda: told  # type: ignore[method-assign]
    _words().rich_format_error(mistake)


def aborted() -> None:
    """Tell that nothing was done, on standard error."""
    _words().rich_abort_error()


def _words() -> Any:
    """The module that draws, its words in the language of the moment."""
    drawing = import_module("typer.rich_utils")
    for name in WORDS:
        setattr(drawing, name, speaker.say(getattr(drawing, name)))
    return drawing
