"""In which language the command line speaks: the shop's once one is open, before that the one of the environment."""

import os
from collections.abc import Mapping
from typing import get_args

from mien import translation
from mien.core.errors import UnknownName
from mien.core.phrase import Language, Phrase

LANGUAGE = "MIEN_LANGUAGE"
LOCALES = ("LC_ALL", "LC_MESSAGES", "LANG")
"""The first of them that says anything counts, as POSIX has it."""


def language_of(environ: Mapping[str, str]) -> Language:
    """`MIEN_LANGUAGE` (en or zh), else Chinese where the locale is, else English. Raises `UnknownName`."""
    if chosen := environ.get(LANGUAGE, ""):
        return read_language(chosen)
    locale = next((environ[name] for name in LOCALES if environ.get(name)), "")
    return "zh" if locale.lower().startswith("zh") else "en"


def read_language(text: str) -> Language:
    """A language by its name, or `UnknownName`."""
    if text not in get_args(Language):
        raise UnknownName("language", text, get_args(Language))
    return "zh" if text == "zh" else "en"


class Speaker:
    """Says sentences in the language of the moment. One a process: `speaker`."""

    language: Language = "en"

    def say(self, said: Exception | str) -> str:
        """The sentence as people are told it."""
        return translation.say(said, self.language)

    def put(self, template: str, /, **facts: object) -> str:
        """A template with its facts, as people are told it."""
        return self.say(Phrase(template, **facts))


speaker = Speaker()
put = speaker.put


def begin(environ: Mapping[str, str] = os.environ) -> None:
    """Speak the language of the environment; a shop that is opened has its own."""
    speaker.language = language_of(environ)
