"""What Mien says, said in another language: the English sentence is the key, the files beside this one hold the rest.

A file is a table of English template = Chinese template, both with the same facts in braces. A sentence that no file
holds is said in English.
"""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from itertools import chain

from mien.core.errors import MienError
from mien.core.phrase import Language, Phrase, fill
from mien.translation.foreign import Foreign, telling

__all__ = ["Language", "catalogue", "say"]

FINISHED = ("foreign.toml", "finished.toml")
"""Sentences that come without their facts: of the libraries Mien stands on, and of our own what is kept as text."""


def say(said: Exception | str, language: Language) -> str:
    """The sentence in a language; of an error its own. A text is a sentence without facts, or a finished one: of a
    library, or kept.

    Cost: microseconds; in Chinese some ten milliseconds once, when the files are read.
    """
    if language == "en":
        return str(said)
    phrase = said.phrase if isinstance(said, MienError) else said
    if not isinstance(phrase, Phrase):
        text = str(phrase)
        return catalogue().get(text) or _foreign().said(text)
    template = catalogue().get(phrase.template, phrase.template)
    return fill(template, phrase.facts, "、", lambda fact: _said(fact, language))


def _said(fact: object, language: Language) -> object:
    return say(fact, language) if isinstance(fact, Phrase | Exception) else fact


@cache
def catalogue() -> Mapping[str, str]:
    """English template → Chinese template, of all files but those of finished sentences."""
    names = [one.name for one in files(__name__).iterdir() if one.name.endswith(".toml") and one.name not in FINISHED]
    return dict(chain.from_iterable(_read(name).items() for name in names))


@cache
def _foreign() -> Foreign:
    finished = dict(chain.from_iterable(_read(name).items() for name in FINISHED))
    return Foreign(finished | {english: twin for english, twin in catalogue().items() if telling(english)})


def _read(name: str) -> dict[str, str]:
    return tomllib.loads(files(__name__).joinpath(name).read_text("utf-8"))
