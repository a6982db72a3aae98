"""More kinds of identifiers, by the pattern recognisers of Presidio (extra `privacy`): numbers of many countries.

Only patterns with their check digits are used: no language is analysed and no model is loaded.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any

from mien.collect.identifiers import Found
from mien.core.errors import UnknownName
from mien.core.extras import require

SURE = 0.5
"""Presidio's score from which a match counts: of bare runs of digits only those with a sound checksum reach it."""
UNUSED = ("EMAIL_ADDRESS", "URL")
"""What asks the network for a list of domains, or is no identifier."""
_MAYBE = re.compile(r"[0-9]{3}")
"""Every kind has a few digits together."""


def finder(kinds: Sequence[str]) -> Callable[[str], list[Found]]:
    """Looks for kinds by Presidio's names (`US_SSN`, `ES_NIF`, …).

    Raises `MissingExtra`, or `UnknownName` with the nearest. Cost: some seconds, since Presidio loads spaCy.
    """
    known = _recognisers()
    for kind in kinds:
        if kind not in known:
            raise UnknownName("kind of identifier", kind, sorted(known))
    chosen = [(kind, known[kind]()) for kind in kinds]

    def find(text: str) -> list[Found]:
        if not _MAYBE.search(text):
            return []
        return [
            Found(one.start, one.end, kind)
            for kind, recogniser in chosen
            for one in recogniser.analyze(text, [kind], None)
            if one.score >= SURE
        ]

    return find


def _recognisers() -> dict[str, Callable[[], Any]]:
    """Kind → the recogniser that finds it by patterns alone."""
    base = require("privacy", "presidio_analyzer").PatternRecognizer
    module = require("privacy", "presidio_analyzer.predefined_recognizers")
    found: dict[str, Callable[[], Any]] = {}
    for name in sorted(vars(module)):
        one = getattr(module, name)
        if isinstance(one, type) and issubclass(one, base) and one is not base:
            found |= {kind: one for kind in one().supported_entities if kind not in UNUSED}
    return found
