"""Consents of a user, kept and told."""

from collections.abc import Mapping
from typing import Any

from mien.core.clock import from_us
from mien.core.consent import PURPOSES, Word, purpose_of
from mien.core.errors import UnknownName, UsageError
from mien.shop.stock import Stock

PURPOSE_LENGTH, MOST_PURPOSES = 60, 10
"""Characters of a purpose's name, and names of one call."""


def told_consents(stock: Stock, user_id: str, row: int) -> dict[str, Any]:
    """`consent`: the newest word for each purpose. `allowed`: what follows of it. `history`: oldest first."""
    said = stock.user(row)
    words = [word for one in stock.persons(row) for word in stock.catalog.consents.history(one)]
    words = sorted(dict.fromkeys(words), key=lambda word: (word.at_us, word.purpose))
    return {
        "user_id": user_id,
        "consent": said.consents,
        "allowed": {purpose: said.allows(purpose) for purpose in PURPOSES},
        "history": [_told(word) for word in words],
    }


def _told(word: Word) -> dict[str, Any]:
    told = {"purpose": word.purpose, "given": word.given, "at": from_us(word.at_us).isoformat(), "source": word.source}
    repeated = word.last_us is not None and word.last_us > word.at_us
    return told | ({"repeated": from_us(word.last_us or 0).isoformat()} if repeated else {})


def words_of(purposes: Mapping[str, bool], source: str, at_us: int) -> list[Word]:
    """Answers to purposes as words. Raises `UsageError` for none at all and for names that are none."""
    if not purposes:
        raise UsageError("Name at least one purpose: {purposes}.", purposes=PURPOSES)
    if len(purposes) > MOST_PURPOSES:
        raise UsageError(
            "{n_purposes} purposes at once; {most_purposes} may be.",
            n_purposes=len(purposes),
            most_purposes=MOST_PURPOSES,
        )
    if any(not name.strip() or len(name) > PURPOSE_LENGTH or not name.isprintable() for name in purposes):
        raise UsageError(
            "A purpose is a plain name of up to {purpose_length} characters, as {purposes}.",
            purpose_length=PURPOSE_LENGTH,
            purposes=PURPOSES,
        )
    return [Word(purpose_of(name), given, at_us, source) for name, given in purposes.items()]


def keep_consents(stock: Stock, user_id: str, words: list[Word], *, newest: bool) -> dict[str, Any]:
    """Keep words of the person behind an id, which is given a row where it is new. `newest`: they are said now."""
    if not user_id.strip() or not user_id.isprintable():
        raise UsageError("A user's id is printable text.")
    row = stock.tail.consent(user_id, words, newest=newest)
    if row is None:
        raise UnknownName("user", user_id)
    return told_consents(stock, user_id, row)
