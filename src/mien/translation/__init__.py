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

__all__ = ["Language", "catalogue", "say"]


def say(said: Phrase | MienError | str, language: Language) -> str:
    """The sentence in a language; of an error its own. A text is a sentence without facts.

    Cost: microseconds; in Chinese some ten milliseconds once, when the files are read.
    """
    if language == "en":
        return str(said)
    phrase = said.phrase if isinstance(said, MienError) else said
    if isinstance(phrase, str):
        return catalogue().get(phrase, phrase)
    template = catalogue().get(phrase.template, phrase.template)
    return fill(template, phrase.facts, "、", lambda fact: _said(fact, language))


def _said(fact: object, language: Language) -> object:
    return say(fact, language) if isinstance(fact, Phrase | MienError) else fact


@cache
def catalogue() -> Mapping[str, str]:
    """English template → Chinese template, of all files."""
    read = (tomllib.loads(one.read_text("utf-8")) for one in files(__name__).iterdir() if one.name.endswith(".toml"))
    return dict(chain.from_iterable(table.items() for table in read))
