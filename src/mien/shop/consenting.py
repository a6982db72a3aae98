"""Consents of a user, kept and told."""

from collections.abc import Mapping
from typing import Any

from mien.core.clock import from_us
from mien.core.consent import PURPOSES, Word
from mien.core.errors import UnknownName, UsageError
from mien.shop.stock import Stock

PURPOSE_LENGTH = 200
"""Characters of a purpose's name."""


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


def keep_consents(
    stock: Stock, user_id: str, purposes: Mapping[str, bool], source: str, *, now_us: int, at_us: int | None
) -> dict[str, Any]:
    """Keep words of the person behind an id, which is given a row where it is new. `at_us`: None is now."""
    if not purposes:
        raise UsageError(f"Name at least one purpose: {', '.join(PURPOSES)}.")
    if any(not name.strip() or len(name) > PURPOSE_LENGTH or not name.isprintable() for name in purposes):
        raise UsageError(f"A purpose is a plain name of up to {PURPOSE_LENGTH} characters, as {', '.join(PURPOSES)}.")
    if not user_id.strip() or not user_id.isprintable():
        raise UsageError("A user's id is printable text.")
    said_us = now_us if at_us is None else min(at_us, now_us)
    words = [Word(name, given, said_us, source) for name, given in purposes.items()]
    row = stock.tail.consent(user_id, words, newest=at_us is None)
    if row is None:
        raise UnknownName("user", user_id)
    return told_consents(stock, user_id, row)
