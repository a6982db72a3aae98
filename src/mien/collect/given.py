"""Items that are given one by one while the shop is open: checked, and turned into changes of the item table."""

import json
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from mien.core.clock import parse_time, to_us
from mien.core.errors import UnknownName, UsageError
from mien.core.item import WITHDRAWN
from mien.core.phrase import Phrase
from mien.core.tables import ITEM, ITEMS

VALID_FROM, WITHDRAW = ITEM.VALID_FROM, "withdrawn"
TEXTS = (ITEM.TITLE, ITEM.DESCRIPTION, ITEM.CATEGORY, ITEM.BRAND, ITEM.COLOUR, ITEM.IMAGE, ITEM.AUDIO)
FIELDS = (*ITEMS.names, WITHDRAW)
"""What an item may be told by."""
ID_LENGTH, TEXT_LENGTH = 1000, 20_000
"""Characters of an id, and of any other text."""
MOST = 10_000
"""Items of one call."""

_UNSEEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")

Given = tuple[str, int | None, dict[str, Any]]
"""Item id, from when it holds (µs; None: from now on), and column → value."""


def read_given(items: Iterable[Mapping[str, Any]], zone: str) -> list[Given]:
    """Each item's id, moment and fields. `UsageError` or `UnknownName` says which item is wrong and how; then none is
    to be taken.
    """
    found = [_read(number, item, zone) for number, item in enumerate(items, start=1)]
    if len(found) > MOST:
        raise UsageError(
            "{n_found:,} items at once; {most:,} may be. Send them in smaller parts.", n_found=len(found), most=MOST
        )
    return found


def _read(number: int, item: Mapping[str, Any], zone: str) -> Given:
    if not isinstance(item, Mapping):
        raise UsageError("Item {number} is no object with fields such as item_id and title.", number=number)
    for name in item:
        if name not in FIELDS:
            raise UnknownName(Phrase("field of item {number}", number=number), str(name), FIELDS)
    item_id = item.get(ITEM.ITEM_ID)
    item_id = str(item_id).strip() if isinstance(item_id, str | int) and not isinstance(item_id, bool) else ""
    if not item_id or len(item_id) > ID_LENGTH or _UNSEEN.search(item_id):
        raise UsageError(
            "Item {number} needs an item_id: a text of 1 to {id_length} characters.", number=number, id_length=ID_LENGTH
        )
    where = f"item {number} (“{item_id[:100]}”)"
    at_us = _moment(item.get(VALID_FROM), where, zone)
    withdrawn = item.get(WITHDRAW, False)
    if not isinstance(withdrawn, bool):
        raise UsageError("{where}: withdrawn is true or false.", where=where)
    told = {name: _value(name, value, where) for name, value in item.items() if name in ITEMS.names}
    told = {name: value for name, value in told.items() if name not in (ITEM.ITEM_ID, VALID_FROM)}
    if withdrawn:
        if told:
            raise UsageError(
                "{where}: what is withdrawn has no other fields; {told} was given.", where=where, told=told
            )
        return item_id, at_us, {ITEM.TITLE: WITHDRAWN}
    return item_id, at_us, told


def _moment(said: object, where: str, zone: str) -> int | None:
    if said is None:
        return None
    if not isinstance(said, str):
        raise UsageError("{where}: valid_from is a time, written as 2026-03-01T09:00:00Z.", where=where)
    return to_us(parse_time(said, zone))


def _value(name: str, value: Any, where: str) -> Any:
    if name in TEXTS:
        return _text(name, value, where)
    if name == ITEM.AVAILABLE:
        if not isinstance(value, bool):
            raise UsageError("{where}: available is true or false.", where=where)
    elif name == ITEM.PRICE and value is not None:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not 0 <= value <= 1e15 or not math.isfinite(value):
            raise UsageError("{where}: price is a number of 0 or more, or null.", where=where)
        return float(value)
    elif name == ITEM.ATTRIBUTES and value is not None:
        if not isinstance(value, dict):
            raise UsageError("{where}: attributes is an object, name → value, or null.", where=where)
        text = json.dumps(_seen(value), ensure_ascii=False)
        if len(text) > TEXT_LENGTH:
            raise UsageError(
                "{where}: attributes take {n_text:,} characters; {text_length:,} may be.",
                where=where,
                n_text=len(text),
                text_length=TEXT_LENGTH,
            )
        return text
    return value


def _text(name: str, value: Any, where: str) -> str | None:
    if value is None and name != ITEM.TITLE:
        return None
    if not isinstance(value, str) or len(value) > TEXT_LENGTH:
        raise UsageError(
            "{where}: {name} is a text of at most {text_length:,} characters.",
            where=where,
            name=name,
            text_length=TEXT_LENGTH,
        )
    text = _UNSEEN.sub(" ", value).strip()
    if not text and name == ITEM.TITLE:
        raise UsageError("{where}: the title is empty. Give one, or withdraw the item.", where=where)
    return text or None


def _seen(value: Any) -> Any:
    """The same with blanks for control characters and halves of characters."""
    if isinstance(value, str):
        return _UNSEEN.sub(" ", value)
    if isinstance(value, list):
        return [_seen(one) for one in value]
    return (
        {_UNSEEN.sub(" ", str(name)): _seen(one) for name, one in value.items()} if isinstance(value, dict) else value
    )
